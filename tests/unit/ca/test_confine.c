/* SPDX-License-Identifier: Apache-2.0 */
/* How far readers and judge are locked in is measured on true ones, and a
 * network is one that is up: both as `status` and `sign` ask for them. */
#include "tests/lib/check.h"

#include "ca/home/confine.h"
#include "ca/home/home.h"
#include "transfer/rule.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void
readers_and_judge_are_locked_in_here(void **state)
{
	struct confine c = { .all.reached = false };

	(void)state;
	check_ok(confine_measure(NULL, &c));
	if (!c.all.reached)
		fail_msg("%s", c.all.why.text);
	assert_true(c.all.no_new_privs && c.all.seccomp && c.all.no_sockets);
	assert_true(c.all.landlock_abi >= 0);
	assert_string_equal(err_text(), ""); /* whatever it met on the way */
}

/* Not static, as clang takes our fgets for the inline one of the C library.
 * The line of the kernel's that says no, or NULL. */
extern const char *lying;
const char *lying;

char *
fgets(char *restrict to, int n, FILE *restrict from)
{
	char *(*really)(char *, int, FILE *) = NULL;
	char *line;

	*(void **)&really = dlsym(RTLD_NEXT, "fgets");
	line = really(to, n, from);
	if (line != NULL && lying != NULL &&
	    strncmp(line, lying, strlen(lying)) == 0)
		line[strlen(lying)] = '0';
	return line;
}

static void
what_the_kernel_does_not_say_is_not_so(void **state)
{
	static const char *const lines[] = { "Seccomp:\t", "NoNewPrivs:\t" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct confine c = { .all.reached = true };

		lying = lines[i];
		check_ok(confine_measure(NULL, &c));
		lying = NULL;
		assert_false(c.all.reached);
		assert_false(c.all.seccomp && c.all.no_new_privs);
		assert_int_equal(c.all.why.rule, RULE_SANDBOX);
		assert_string_equal(c.all.why.text,
		    "a child that should be locked in is not: the kernel says "
		    "so");
		assert_string_equal(err_text(), "");
	}
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
	    "this machine is on a network (up0)");
	buf_reset(&names);
	check_ok(network_check(true, &names));
	assert_true(span_eq_str(buf_span(&names), "up0"));
	/* Each is named. */
	if (system("{ ip link add up1 type dummy 2>/dev/null || "
		   "ip link add up1 type veth peer name down1; } && "
		   "ip link set up1 up") != 0)
		fail_msg("no second interface can be made");
	buf_reset(&names);
	check_refused(network_check(false, &names), "NETWORK-UP",
	    "this machine is on a network (up0 up1)");
}

/* Not to know is not to be off the network, whatever is allowed. */
static void
interfaces_that_cannot_be_listed_are_no_answer(void **state)
{
	WIPED(buf) names = { 0 };
	struct rlimit limit, none;
	enum rc rc;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = network_check(true, &names);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(rc, RC_IO);
	assert_non_null(
	    strstr(err_text(), "the network interfaces cannot be listed: "));
	assert_int_equal(names.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_and_judge_are_locked_in_here),
		cmocka_unit_test(what_the_kernel_does_not_say_is_not_so),
		cmocka_unit_test(only_an_interface_that_is_up_is_a_network),
		cmocka_unit_test(
		    interfaces_that_cannot_be_listed_are_no_answer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
