/* SPDX-License-Identifier: Apache-2.0 */
/** A TBS taken apart for the lint, and the shape of its checks. */
#ifndef CA_CERT_LINT_FACTS_H
#define CA_CERT_LINT_FACTS_H

#include "ca/cert/lint.h"
#include "transfer/policy/extension.h"
#include "transfer/x509/der.h"

struct lint_extension {
	struct span oid; /* content of the OBJECT IDENTIFIER */
	bool critical, default_written;
	struct span value; /* DER within the OCTET STRING */
};

struct lint_facts {
	const struct lint *want;
	struct der version, serial, algorithm, issuer, subject, spki;
	struct der not_before, not_after;
	struct lint_extension extensions[EXTENSIONS_MAX];
	size_t n_extensions;
};

/** Is the subject the one that policy and request make, attribute by attribute? */
const char *lint_check_wanted_subject(const struct lint_facts *f);

/** A clause and its check: NULL when it is kept, else what is wrong. */
struct lint_clause {
	const char *clause;
	const char *(*check)(const struct lint_facts *facts);
};

/** The clauses of RFC 5280 4.2; ends with { 0 }. */
extern const struct lint_clause lint_extension_clauses[];

#endif
