/* SPDX-License-Identifier: Apache-2.0 */
/** Every clause that we promise, checked on the very bytes that will be signed.
 *
 * Reads the TBS with the strict DER reader, not with the code that wrote it,
 * and runs one small check per clause. A certificate that fails is a bug of
 * ours or a policy that asks for the impossible; either way nothing is signed.
 */
#ifndef CA_CERT_LINT_H
#define CA_CERT_LINT_H

#include "ca/cert/alg.h"
#include "transfer/policy/policy.h"
#include "transfer/x509/constraints.h"

struct ca_wish;

enum lint_kind { LINT_LEAF, LINT_CA, LINT_TRANSFER };

/** What was granted, which the TBS must say: taken from policy and request, not
 * from the code that makes it. */
struct lint {
	enum lint_kind kind;
	const struct sign_alg *alg; /* of the CA's key */
	struct span issuer;	    /* Name, DER: the CA's subject */
	struct span issuer_ski;	    /* the CA's key identifier, its octets */
	struct span issuer_spki;    /* the CA's key; not for LINT_CA */
	int64_t issuer_not_before, issuer_not_after;
	struct constraints issuer_bound; /* LINT_LEAF only, as those below */
	struct span issuer_constraints;	 /* the extension's value; n 0: none */
	bool issuer_constraints_critical;
	const char *issuer_mark; /* in the places of its CRLs; NULL, "": none */
	struct span serial; /* magnitude */
	struct span spki;
	int64_t not_before, not_after;
	const struct profile *profile; /* LINT_LEAF only */
	const struct name *names;      /* in this order */
	size_t n_names;
	struct span csr_subject;    /* Name, DER, for a profile that keeps it */
	const struct ca_wish *wish; /* LINT_CA only: subject, scopes ... */
};

/** \retval RC_BUG rule LINT: the clause and what was found */
enum rc lint_tbs(const struct lint *lint, struct span tbs) MUST_CHECK;

#endif
