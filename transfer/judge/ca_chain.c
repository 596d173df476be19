/* SPDX-License-Identifier: Apache-2.0 */
/* From a CA up to the root above it. */
#include "transfer/judge/ca_chain.h"

#include "transfer/judge/ca_form.h"
#include "transfer/judge/ca_signed.h"
#include "transfer/rule.h"

#include <stdio.h>

#define CHAIN_FROM_MAX 256

/* One of those above the CA: what is there, and valid today. */
static enum rc
chain_issuer_read(
    const char *from, struct span der, int64_t now, struct ca_form *ret)
{
	enum rc rc = ca_form_read(from, der, CA_ABOVE, ret);

	if (rc == RC_OK)
		rc = ca_key_check(from, ret->parts.spki);
	if (rc == RC_OK)
		rc = ca_algorithm_check(from, ret->parts.algorithm);
	return rc != RC_OK
		   ? rc
		   : ca_form_dates(from, ret->not_before, ret->not_after, now);
}

enum rc
ca_chain_check(
    const char *from, const struct span *certs, size_t n, int64_t now)
{
	struct ca_form below, above;
	char which[CHAIN_FROM_MAX];
	enum rc rc = ca_form_read(from, certs[0], CA_PINNED, &below);

	for (size_t i = 1; rc == RC_OK && i < n; i++) {
		(void)snprintf(which, sizeof(which),
		    "%.180s: its certificate %zu", from, i + 1);
		rc = chain_issuer_read(which, certs[i], now, &above);
		if (rc == RC_OK)
			rc = ca_signed_check(which, &above, &below);
		if (rc == RC_OK && below.own_issuer)
			rc = rule_refuse(RULE_CA_CERT,
			    "%s is above one that signed itself", which);
		if (rc == RC_OK && above.path_len >= 0 &&
		    (size_t)above.path_len < i)
			rc = rule_refuse(RULE_CA_CERT,
			    "%s allows %d below itself, and here are %zu (RFC 5280 4.2.1.9)",
			    which, above.path_len, i);
		below = above;
	}
	if (rc == RC_OK && !below.own_issuer)
		rc = rule_refuse(RULE_CA_CERT,
		    "%s: its last certificate has an issuer that is not here",
		    from);
	if (rc == RC_OK && n > 1)
		rc = ca_signed_check(which, &below, &below);
	return rc;
}
