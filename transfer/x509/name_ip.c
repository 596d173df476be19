/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses as names. Ranges of them are for transfer/x509/cidr. */
#include "transfer/x509/name_ip.h"

#include "transfer/rule.h"

#include <arpa/inet.h>

/* As inet_pton takes it; empty for what is longer than any address, or has an
 * end within. */
static int
ip_cstr(struct span text, char ret[static IP_TEXT])
{
	ret[0] = '\0';
	if (text.n != 0 && text.n < IP_TEXT &&
	    memchr(text.p, 0, text.n) == NULL) {
		memcpy(ret, text.p, text.n);
		ret[text.n] = '\0';
	}
	return strchr(ret, ':') != NULL ? AF_INET6 : AF_INET;
}

/* What inet_ntop gives back must be what was there. */
const char *
ip_fault(struct span text)
{
	char given[IP_TEXT], again[IP_TEXT];
	int family = ip_cstr(text, given);
	struct in6_addr address;

	if (inet_pton(family, given, &address) != 1)
		return "not an IP address";
	if (inet_ntop(family, &address, again, sizeof(again)) == NULL ||
	    strcmp(given, again) != 0)
		return "an IP address that is not in its canonical form";
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address))
		return "an IPv4 address in IPv6 form; wanted the IPv4 address";
	return NULL;
}

enum rc
ip_spell(struct span text, struct buf *out)
{
	char typed[IP_TEXT], canonical[IP_TEXT];
	int family = ip_cstr(text, typed);
	struct in6_addr address;

	if (inet_pton(family, typed, &address) == 1 &&
	    inet_ntop(family, &address, canonical, sizeof(canonical)) != NULL)
		return buf_add_str(out, canonical);
	return buf_add_span(out, text);
}

enum rc
ip_into_der(struct span text, struct ip_octets *ret)
{
	char given[IP_TEXT];
	int family = ip_cstr(text, given);

	if (inet_pton(family, given, ret->p) != 1)
		return err_set(
		    RC_BUG, "name ip:%.*s was not checked", SPAN_FMT(text));
	ret->n = family == AF_INET6 ? 16 : 4;
	return RC_OK;
}

/* RFC 5280 4.2.1.6: 4 or 16 octets; 8 or 32 are ranges, which only name
 * constraints have. */
enum rc
ip_out_of_der(const char *from, struct span octets, char ret[static IP_TEXT])
{
	if ((octets.n != 4 && octets.n != 16) ||
	    inet_ntop(octets.n == 4 ? AF_INET : AF_INET6, octets.p, ret,
		IP_TEXT) == NULL)
		return rule_refuse(RULE_NAME_FORM,
		    "%s: an iPAddress of %zu bytes; wanted 4 or 16", from,
		    octets.n);
	return RC_OK;
}
