/* SPDX-License-Identifier: Apache-2.0 */
/** Ranges of IP addresses: "192.0.2.0/24", "2001:db8::/32" (RFC 4632). */
#ifndef TRANSFER_X509_CIDR_H
#define TRANSFER_X509_CIDR_H

#include "base/span.h"

struct cidr {
	uint8_t address[16]; /* network byte order */
	size_t n;	     /* 4 or 16 */
	unsigned prefix;     /* bits */
};

/** Read one in its canonical form: bits behind the prefix zero. */
bool cidr_read(const char *text, struct cidr *ret);

/** Its mask: as many bytes as the address has. */
void cidr_mask(const struct cidr *cidr, uint8_t ret_mask[static 16]);

/** Does the range hold this address (canonical text)? */
bool cidr_holds(const struct cidr *cidr, struct span ip);

#endif
