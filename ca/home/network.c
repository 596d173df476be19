/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with this machine today: a network, a clock. */
#include "base/clock.h"
#include "base/file.h"
#include "ca/home/home.h"
#include "transfer/rule.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void
own_names(struct if_nameindex **list)
{
	if (*list != NULL)
		if_freenameindex(*list);
}

/* Up is what the administrator said, with a cable or without: a cable is soon
 * plugged in. An interface that vanishes meanwhile is not up; one that cannot
 * be asked counts as up. */
static bool
is_up(int sock, const char *name)
{
	struct ifreq request = { 0 };
	size_t n = strlen(name);

	if (n >= sizeof(request.ifr_name))
		return true;
	memcpy(request.ifr_name, name, n);
	if (ioctl(sock, SIOCGIFFLAGS, &request) != 0)
		return errno != ENODEV;
	return (request.ifr_flags & IFF_UP) != 0 &&
	       (request.ifr_flags & IFF_LOOPBACK) == 0;
}

enum rc
network_up(struct buf *ret_names)
{
	__attribute__((cleanup(own_names))) struct if_nameindex *list = NULL;
	OWN_FD sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	enum rc rc = RC_OK;

	if (sock < 0 && errno == EAFNOSUPPORT)
		sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	list = sock < 0 ? NULL : if_nameindex();
	if (list == NULL)
		return err_errno(
		    RC_IO, errno, "the network interfaces cannot be listed");
	for (size_t i = 0; rc == RC_OK && list[i].if_name != NULL; i++) {
		if (!is_up(sock, list[i].if_name))
			continue;
		if (ret_names->n != 0)
			rc = buf_add_byte(ret_names, ' ');
		if (rc == RC_OK)
			rc = buf_add_str(ret_names, list[i].if_name);
	}
	return rc;
}

enum rc
network_check(bool allowed, struct buf *ret_names)
{
	enum rc rc = network_up(ret_names);

	if (rc == RC_OK && ret_names->n != 0 && !allowed)
		rc = rule_refuse(RULE_NETWORK_UP,
		    "this machine is on a network (%.*s)",
		    SPAN_FMT(buf_span(ret_names)));
	return rc;
}

enum rc
clock_check(
    const struct ledger *ledger, const struct policy *policy, int64_t now)
{
	int64_t high = ledger_high_water(ledger);
	char then[CLOCK_TEXT], text[CLOCK_TEXT], horizon[DUR_TEXT];

	clock_write(high, then);
	clock_write(now, text);
	dur_write(policy->clock_horizon, horizon);
	if (now < high)
		return rule_refuse(RULE_CLOCK_BEHIND,
		    "the clock says %s, but the ledger's newest record is of %s",
		    text, then);
	if (high != 0 && now - high > policy->clock_horizon)
		return rule_refuse(RULE_CLOCK_AHEAD,
		    "the clock says %s, more than %s after the ledger's newest record of %s",
		    text, horizon, then);
	return RC_OK;
}
