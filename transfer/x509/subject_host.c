/* SPDX-License-Identifier: Apache-2.0 */
/* A CN is any text; which of them look like hosts is decided as loosely here as
 * the loosest verifier does it. */
#include "transfer/x509/subject_host.h"

#include "transfer/x509/der.h"

#include <ctype.h>

/* What OpenSSL takes for a host's name: letters, digits and the like in labels,
 * more than one. An address of digits is among them. */
static bool
looks_like_host(struct span text)
{
	bool dot = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t b = text.p[i];

		dot = dot || (b == '.' && i != 0);
		if (b != '.' && b != '-' && b != '_' && b != ':' &&
		    (b >= 0x80 || !isalnum(b)))
			return false;
	}
	return dot || (text.n != 0 && memchr(text.p, ':', text.n) != NULL);
}

struct subject_hosts
subject_hosts_of(struct span subject)
{
	struct subject_hosts hosts = { .rdns = SPAN_NONE, .set = SPAN_NONE };

	(void)der_take(&subject, DER_SEQUENCE, &hosts.rdns);
	return hosts;
}

bool
subject_hosts_take(struct subject_hosts *hosts, struct span *ret_text)
{
	static const uint8_t cn[] = { 0x55, 4, 3 };
	struct span attribute, oid;
	struct der value;

	do
		while (der_take(&hosts->set, DER_SEQUENCE, &attribute))
			if (der_take(&attribute, DER_OID, &oid) &&
			    der_next(&attribute, &value) &&
			    span_eq(oid, span_of(cn, sizeof(cn))) &&
			    looks_like_host(value.content)) {
				*ret_text = value.content;
				return true;
			}
	while (der_take(&hosts->rdns, DER_SET, &hosts->set));
	return false;
}
