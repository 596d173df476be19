/* SPDX-License-Identifier: Apache-2.0 */
/** policy.conf: scopes, profiles, requesters (airgap-policy(5)).
 *
 * OpenSSL configuration syntax read by a strict parser of ours: unknown,
 * duplicate, missing and out-of-range keys are fatal with file and line (rule
 * POLICY), .include and $ expansion are refused.
 */
#ifndef TRANSFER_POLICY_POLICY_H
#define TRANSFER_POLICY_POLICY_H

#include "base/list.h"
#include "transfer/format/payload.h"
#include "transfer/x509/csr.h"

enum subject_rule {
	SUBJECT_FIRST_NAME, /* CN = the first dns name; empty without, or over 64 */
	SUBJECT_NONE,	    /* empty; the SAN is critical */
	SUBJECT_TEXT,	    /* fixed DN, "O=%{domain}" expanded (docs) */
	SUBJECT_CSR,	    /* the CSR's, byte for byte; of a CA only */
};

/** Where a request's names may stand. */
enum names_source {
	NAMES_FROM_CSR = 1,
	NAMES_FROM_BUNDLE = 2,
	NAMES_FROM_PROFILE = 4, /* alone: it has fixed_names */
};

/** One `extension.OID_OR_NAME = value` line: passed to OpenSSL as it is. */
struct policy_extension {
	char *name, *value; /* owned */
};

/** Who gets a key that has certificates already certified again (KEY-USED). */
enum key_reuse {
	KEY_REUSE_REQUESTER, /* the requester who has them, or whom a loose CSR
			      * was before */
	KEY_REUSE_NAMES,     /* he, for a name that all of them have */
	KEY_REUSE_ANY,
};

struct profile {
	char name[33];
	enum subject_rule subject;
	char *subject_text; /* owned; SUBJECT_TEXT only */
	uint32_t name_types; /* 1 << enum name_type, those allowed */
	uint32_t names_min, names_max;
	uint32_t names_from; /* of enum names_source */
	struct name_list fixed_names; /* of each certificate, whatever was asked */
	bool wildcard; /* dns only */
	struct text_list srv_services; /* "xmpp-client"; empty: any */
	struct text_list scope; /* narrower than the CA's; empty: the CA's */
	uint32_t key_usage; /* KU_* of OpenSSL (x509v3.h), for an RSA key;
			     * others have it without PROFILE_RSA_USAGES */
	struct text_list eku; /* OIDs in dotted form, in order */
	uint32_t key_kinds; /* 1 << enum key_kind */
	uint32_t rsa_min, rsa_max;
	uint32_t key_reuse; /* of enum key_reuse */
	int64_t validity, validity_max; /* seconds */
	uint32_t series_max; /* certificates in a series; 1: none */
	int64_t horizon; /* the last notAfter lies within this from signing */
	struct policy_extension *extensions; /* owned */
	size_t n_extensions;
	/* Value of the nameConstraints that a line of those gives; empty: a CA
	 * gets those of its issuer. */
	struct buf constraints;
	bool is_ca;	   /* sub-ca: BasicConstraints cA TRUE */
	uint32_t path_len; /* of a CA: its pathLenConstraint, always written */
};

/** What only RSA keys can do (RFC 8813 section 3). */
#define PROFILE_RSA_USAGES (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)

/** What a requester may revoke. */
enum may_revoke {
	MAY_REVOKE_OWN, /* what its own bundles obtained */
	MAY_REVOKE_NOTHING,
	MAY_REVOKE_ANY, /* what this CA issued */
};

struct policy_requester {
	char label[LABEL_MAX + 1];
	struct text_list profiles; /* empty: every one but is_ca */
	struct text_list scope;	   /* empty: the CA's */
	uint32_t may_revoke; /* of enum may_revoke */
	bool emergency; /* its shadow CRLs are made */
};

struct policy {
	struct buf text; /* the file, byte for byte */
	uint8_t digest[SHA256_LEN];
	bool scope_any; /* "scope = any": every domain; `scope` is empty then */
	struct text_list scope; /* dns domains; each means it and all below */
	struct text_list scope_ip; /* CIDR (transfer/x509/cidr.h); empty: no IP names */
	int64_t backdate, clock_horizon;
	int64_t next_visit; /* manifest field 7: this long after; 0: left out */
	struct crl_request crl; /* that `sign` keeps up; count 0: none */
	uint32_t crl_series_max; /* slots of any series */
	struct profile *profiles; /* owned */
	size_t n_profiles;
	struct policy_requester *requesters; /* owned */
	size_t n_requesters;
};

void policy_wipe(struct policy *policy);

/** Parse a policy; takes a copy of the text. \retval RC_FORMAT rule POLICY */
enum rc policy_parse(const char *from, struct span text, struct policy *ret)
    MUST_CHECK;

struct constraints;
/** Does it allow no more than the CA's certificate does? One that allows more
 * would sign what every peer refuses.
 * \retval RC_POLICY rule POLICY-BOUND */
enum rc policy_check_bound(const char *from, const struct policy *policy,
    const struct constraints *constraints) MUST_CHECK;

const struct profile *policy_profile_get0(
    const struct policy *policy, struct span name);
/** NULL: the defaults hold for this requester. */
const struct policy_requester *policy_requester_get0(
    const struct policy *policy, struct span label);

/** One that has no section may revoke its own. */
enum may_revoke policy_may_revoke(
    const struct policy *policy, struct span label);

/** Are shadow CRLs made for it? Not unless it is said. */
bool policy_emergency(const struct policy *policy, struct span label);

/** The commented policy.conf that `init` writes, for these scopes and profile
 * names ("tls" and "xmpp" stand for server and client).
 * \param scope_ip  ranges, which are in the CA's certificate too; may be empty
 * \retval RC_USAGE a name that no shipped profile has */
enum rc policy_template(const struct text_list *scopes,
    const struct text_list *scope_ip, const struct text_list *profiles,
    struct buf *ret_text) MUST_CHECK;

#endif
