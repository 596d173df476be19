/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of addresses in their one canonical spelling. Single addresses are
 * names: name_ip.c. */
#include "transfer/x509/cidr.h"

#include <arpa/inet.h>

void
cidr_mask(const struct cidr *cidr, uint8_t ret_mask[static 16])
{
	for (size_t i = 0; i < 16; i++) {
		unsigned before = (unsigned)(8 * i);
		unsigned bits =
		    cidr->prefix > before ? cidr->prefix - before : 0;

		if (bits > 8)
			bits = 8;
		ret_mask[i] = (uint8_t)(0xff00U >> bits & 0xff);
	}
}

static bool
same_network(const struct cidr *cidr, const uint8_t *address)
{
	uint8_t mask[16];

	cidr_mask(cidr, mask);
	for (size_t i = 0; i < cidr->n; i++)
		if ((address[i] & mask[i]) != cidr->address[i])
			return false;
	return true;
}

/* Text to 4 or 16 bytes; 0 when it is no address in its canonical form. */
static size_t
address_read(const char *text, uint8_t ret[static 16])
{
	char again[INET6_ADDRSTRLEN];
	bool six = strchr(text, ':') != NULL;
	int family = six ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, ret) != 1 ||
	    inet_ntop(family, ret, again, sizeof(again)) == NULL ||
	    strcmp(text, again) != 0)
		return 0;
	return six ? 16 : 4;
}

bool
cidr_read(const char *text, struct cidr *ret)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN] = "";
	struct cidr cidr = { .n = 0 };
	size_t n, digits;

	if (slash == NULL)
		return false;
	n = (size_t)(slash - text);
	digits = strspn(slash + 1, "0123456789");
	if (n >= sizeof(address) || digits < 1 || digits > 3 ||
	    slash[1 + digits] != '\0' || (slash[1] == '0' && digits > 1))
		return false;
	memcpy(address, text, n);
	for (size_t i = 1; i <= digits; i++)
		cidr.prefix = 10 * cidr.prefix + (unsigned)(slash[i] - '0');
	cidr.n = address_read(address, cidr.address);
	if (cidr.n == 0 || cidr.prefix > 8 * cidr.n ||
	    !same_network(&cidr, cidr.address))
		return false;
	*ret = cidr;
	return true;
}

bool
cidr_holds(const struct cidr *cidr, struct span ip)
{
	char text[INET6_ADDRSTRLEN] = "";
	uint8_t address[16];

	if (ip.n == 0 || ip.n >= sizeof(text))
		return false;
	memcpy(text, ip.p, ip.n);
	return address_read(text, address) == cidr->n &&
	       same_network(cidr, address);
}
