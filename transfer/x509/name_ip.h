/* SPDX-License-Identifier: Apache-2.0 */
/** IP addresses as names: one text for one address. For transfer/x509/name*. */
#ifndef TRANSFER_X509_NAME_IP_H
#define TRANSFER_X509_NAME_IP_H

#include "base/buf.h"

#include <netinet/in.h>

#define IP_TEXT INET6_ADDRSTRLEN /* bytes, with the end */

struct ip_octets {
	uint8_t p[16];
	size_t n; /* 4 or 16 */
};

/** What is wrong with an address as a name, or NULL. */
const char *ip_fault(struct span text);

/** Append the canonical text; what is no address as it is. */
enum rc ip_spell(struct span text, struct buf *out) MUST_CHECK;

/** \retval RC_BUG an address that ip_fault does not pass */
enum rc ip_into_der(struct span text, struct ip_octets *ret) MUST_CHECK;

/** \retval RC_POLICY rule NAME-FORM: neither 4 nor 16 bytes */
enum rc ip_out_of_der(const char *from, struct span octets,
    char ret[static IP_TEXT]) MUST_CHECK;

#endif
