/* SPDX-License-Identifier: Apache-2.0 */
/** What the policy says to one request: the same code on both sides.
 *
 * The signer runs it on facts that it found itself; `airgap-transfer request`
 * runs it before anyone walks to the safe.
 */
#ifndef TRANSFER_POLICY_REQUEST_H
#define TRANSFER_POLICY_REQUEST_H

#include "transfer/policy/kin.h"
#include "transfer/policy/policy.h"
#include "transfer/x509/constraints.h"

/** A request with its facts. */
struct ask {
	const char *from; /* "requests[3] web-1": first words of every sentence */
	struct span label; /* who asks */
	const struct cert_request *request;
	struct key_facts key;
	const struct name *csr_names; /* what the CSR itself names */
	size_t n_csr_names;
	struct span csr_subject;   /* its Name, whole DER */
	struct csr_ca_wish csr_ca; /* what it wants of a CA's certificate */
};

/** What would be signed. */
struct grant {
	const struct profile *profile;
	const struct name *names; /* the request's or the CSR's, borrowed */
	size_t n_names;
	struct span csr_subject; /* the CSR's, borrowed, whatever the profile */
	int64_t not_before; /* of the first slot; if none was asked: now less
			     * the backdate, but not before the CA's own */
};

#define CONSTRAINTS_ABOVE 8 /* certificates of one key; the newest */

/** When the issuing CA certificate is valid, for VALIDITY-CA; what may stand
 * below it, for PATH-LEN; and the keys and names that the CA and those above it have
 * or had, for KEY-CA and SUBCA-SUBJECT: none is ever certified at a request. */
struct ca_window {
	int64_t not_before, not_after;
	int64_t path_len;	    /* CAs below it in a row; -1: any */
	struct span subject;	    /* its Name, whole DER, borrowed */
	uint8_t key_id[SHA256_LEN]; /* of the key that signs certificates */
	uint8_t transfer_id[SHA256_LEN]; /* of the transfer key */
	struct kin kin; /* these, those before and those above: borrowed */
	/* What each CA certificate of the signing key is bound to, borrowed: a
	 * peer may have any of them. */
	struct constraints above[CONSTRAINTS_ABOVE];
	size_t n_above;
};

/** May a certificate of this profile have this name, whoever asks? `from` is first in
 * the sentence. Rules NAME-TYPE, NAME-WILDCARD, NAME-SERVICE, NAME-SCOPE. */
enum rc request_name_check(const char *from, const struct policy *policy,
    const struct profile *profile, const struct name *name) MUST_CHECK;

/** Are the names that the certificate gets those of the CSR? Not where the request
 * brings its own, or the profile takes none from there. */
bool request_wants_csr_names(
    const struct policy *policy, const struct cert_request *request);

/** Would its certificate be that of a CA? */
bool request_makes_ca(
    const struct policy *policy, const struct cert_request *request);

/** The names that its certificate gets, before any rule has seen them: those
 * that the profile fixes, else the request's, else those of the CSR, which are
 * given if they are wanted. `profile` is NULL where it is not known. */
struct names_chosen {
	const struct name *items; /* borrowed */
	size_t n;
};
struct names_chosen request_names(const struct profile *profile,
    const struct cert_request *request, struct names_chosen csr_names);

/** Every rule that looks at one request alone: PROFILE-UNKNOWN, PROFILE-DENIED
 * (not this requester's), PATH-LEN, SUBCA- rules, KEY-POLICY, KEY-CA,
 * NAMES-COUNT, NAMES-SOURCE, NAME-TYPE, NAME-FORM, NAME-WILDCARD, NAME-SERVICE,
 * NAME-SCOPE, NAME-DUPLICATE, NAME-MIXED, VALIDITY-MAX, VALIDITY-PAST,
 * VALIDITY-CA, SERIES-MAX, SERIES-HORIZON, SERIES-GAP. \retval RC_POLICY the
 * first that refuses \retval RC_STATE  rule CLOCK-CA: at `now` the CA can sign
 * nothing */
enum rc request_check(const struct policy *policy, const struct ca_window *ca,
    int64_t now, const struct ask *ask, struct grant *ret_grant) MUST_CHECK;

#endif
