/* SPDX-License-Identifier: Apache-2.0 */
/** Making a bundle: requests gathered, checked as the CA will, signed, recorded.
 */
#ifndef TRANSFER_ONLINE_REQUEST_COMPOSE_H
#define TRANSFER_ONLINE_REQUEST_COMPOSE_H

#include "transfer/format/digest_set.h"
#include "transfer/online/store/home.h"
#include "transfer/policy/request.h"
#include "transfer/reader/reader.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#define COMPOSE_MAX REQUESTS_MAX

/** Requests on their way into a bundle. Starts with `store` set, else zero; `reader`
 * is there where CSRs of others are added. */
struct compose {
	struct store *store;
	struct reader *reader;
	int64_t now;
	struct composed {
		char id[REQUEST_ID_MAX + 1];
		char profile[33];
		struct buf csr;
		struct validity validity;
		struct name_list names;	    /* given with the request */
		struct name_list csr_names; /* what the CSR itself says */
		enum rule names_rule;  /* that is refused, if it is wanted */
		char *names_reason;    /* owned; NULL */
		enum rule ca_rule;     /* it is, if it is to be no CA */
		char *ca_reason;       /* owned; NULL */
		struct csr_ca_wish ca; /* its constraints are in: */
		struct buf ca_constraints;
		struct key_facts key;
		char *comment, *key_file; /* owned; NULL */
		EVP_PKEY *new_key; /* owned; made here, not kept yet; NULL */
		struct buf replaces; /* serial; empty: nothing */
		enum standing standing;
		uint32_t since; /* asked again: the bundle that asked first */
		bool replaced; /* asked again, and another has its place now */
	} *items; /* owned */
	size_t n;
	/* What shall be revoked; serials and key-ids are owned by `revoked`. */
	struct revocation *revocations; /* owned */
	size_t n_revocations;
	struct buf *revoked; /* owned, n_revoked of them */
	size_t n_revoked;
	bool has_crl; /* a series of CRLs is asked for */
	struct crl_request crl;
	struct key_cache keys;
	struct digest_set ids; /* that are taken */
	struct digest_set renewed; /* SHA-256 of the serials of renew.h */
};
void compose_wipe(struct compose *compose);

/** Add a CSR of our own making, which is read whole (the CSR- and KEY- rules) and
 * copied. `id` is a wish: it is fitted to the grammar, and made unique by a number.
 * The new item is the last; its other fields are the caller's to fill. */
enum rc compose_add(struct compose *compose, const char *from,
    struct span csr_der, struct span id) MUST_CHECK;

/** Add one of somebody else's, which a reader found good: its names are taken over, and
 * its key is found again here. \retval RC_FORMAT rule READER; KEY- rules that need no
 * arithmetic (key_shape) */
enum rc compose_add_read(struct compose *compose, const char *from,
    struct span csr_der, struct span id, struct verdict *verdict) MUST_CHECK;

/** The names that it asks for, as the store files it. Its profile is set. */
struct names_chosen composed_names(
    const struct compose *compose, const struct composed *item);

/** A CSR for a key: empty subject, and the names, if any, in its SAN. */
enum rc compose_csr(EVP_PKEY *key, const struct name *names, size_t n,
    struct buf *ret_der) MUST_CHECK;

/** Make a private key of that type, and add the CSR for it. `names` stand in the
 * bundle where the profile takes them from there, else in the CSR. The key is kept
 * by compose_keys_keep.
 * \retval RC_USAGE no such type */
enum rc compose_add_key(struct compose *compose, const char *type,
    const struct profile *profile, const struct name_list *names) MUST_CHECK;

/** Write every new key to a file of the home, whose name goes into its key_file:
 * before the bundle is made, as a certificate for a lost key is of no use. */
enum rc compose_keys_keep(struct compose *compose, const char *home) MUST_CHECK;

/** Ask for a revocation: its spans are copied. One that is there already is not
 * added again. */
enum rc compose_revoke(
    struct compose *compose, const struct revocation *revocation) MUST_CHECK;

/** Ask the CA's own policy about each (request_check), and the store about their
 * keys (rules KEY-USED, KEY-REVOKED). Every refusal is told to
 * `each`, unless NULL; the first one is the result. `*ret_refused` counts them. */
enum rc compose_check(struct compose *compose,
    void (*each)(enum rule rule, const char *reason), size_t *ret_refused)
    MUST_CHECK;

/** Everything that has no answer yet, again (request --again); revocations too.
 * \retval RC_STATE nothing is unanswered */
enum rc compose_again(struct compose *compose) MUST_CHECK;

/** Sign the bundle with the requester's key and record it as sent, in one
 * transaction. */
struct composed_bundle {
	uint8_t id[BUNDLE_ID_LEN];
	uint32_t sequence;
	struct buf file;
};
enum rc compose_finish(struct compose *compose, EVP_PKEY *requester,
    bool has_expires, int64_t expires, struct composed_bundle *ret) MUST_CHECK;
void composed_bundle_wipe(struct composed_bundle *bundle);

#endif
