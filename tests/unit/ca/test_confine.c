/* SPDX-License-Identifier: Apache-2.0 */
/* How far readers and judge are locked in is measured on true ones, and a
 * network is one that is up: both as `status` and `sign` ask for them. */
#include "tests/lib/check.h"

#include "ca/home/confine.h"
#include "ca/home/home.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

static void
readers_and_judge_are_locked_in_here(void **state)
{
	struct confine c = { .reached = false };

	(void)state;
	confine_measure(&c);
	if (!c.reached)
		fail_msg("%s", c.why.text);
	assert_true(c.no_new_privs && c.seccomp && c.no_sockets);
	assert_true(c.landlock_abi >= 0);
	assert_string_equal(err_text(), ""); /* whatever it met on the way */
}

/* A network namespace of this process's own, in which only lo is. */
static void
leave_the_network(void)
{
	if (unshare(CLONE_NEWNET | (geteuid() != 0 ? CLONE_NEWUSER : 0)) != 0)
		fail_msg("no network namespace: run this test as root or "
			 "where user namespaces are allowed");
}

static void
only_an_interface_that_is_up_is_a_network(void **state)
{
	WIPED(buf) names = { 0 };

	(void)state;
	leave_the_network();
	check_ok(network_check(false, &names));
	assert_int_equal(names.n, 0);
	if (system("ip link set lo up && "
		   "{ ip link add up0 type dummy 2>/dev/null || "
		   "ip link add up0 type veth peer name down0; }") != 0)
		fail_msg("no interface can be made");
	check_ok(network_check(false, &names));
	assert_int_equal(names.n, 0);
	assert_int_equal(system("ip link set up0 up"), 0);
	check_refused(network_check(false, &names), "NETWORK-UP",
	    "this machine is on a network (up0): unplug it, or give "
	    "--allow-network, which is recorded");
	buf_reset(&names);
	check_ok(network_check(true, &names));
	assert_true(span_eq_str(buf_span(&names), "up0"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_and_judge_are_locked_in_here),
		cmocka_unit_test(only_an_interface_that_is_up_is_a_network),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
