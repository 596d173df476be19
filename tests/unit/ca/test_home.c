/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "ca/home/home.h"

#include "tests/lib/ledger_fixture.h"
#include "transfer/rule.h"

#include <fcntl.h>
#include <sys/stat.h>

/* An empty ledger where a home has it, open for writing. */
static void
ledger_create_in(const struct home *home, struct ledger **ret)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", home->path, HOME_LEDGER) > 0);
	check_ok(ledger_create(path, ret));
	free(path);
}

static int
dir_make_one(void **state)
{
	char dir[] = "/tmp/test-home.XXXXXX";

	if (mkdtemp(dir) == NULL)
		return -1;
	*state = strdup(dir);
	return *state == NULL ? -1 : 0;
}

static int
dir_drop(void **state)
{
	char *command = NULL;
	int status;

	if (asprintf(&command, "rm -rf '%s'", (char *)*state) < 0)
		return -1;
	status = system(command);
	free(command);
	free(*state);
	return status;
}

static void
home_without_a_ca_says_so(void **state)
{
	WIPED(home) home = { .fd = -1 };

	assert_int_equal(home_open(*state, &home), RC_STATE);
	assert_non_null(strstr(err_text(), "make one with 'airgap-ca init --subject CN=NAME'"));
	assert_non_null(strstr(err_text(), "'airgap-ca restore FILE'"));
	assert_int_equal(home_open("/nowhere/at/all", &home), RC_STATE);
}

static void
home_is_made_once_and_for_its_owner(void **state)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(home) again = { .fd = -1 };
	OWNS(ledger) *l = NULL;
	char *path = NULL;
	struct stat st;

	assert_true(asprintf(&path, "%s/a/b", path_of(state)) > 0);
	check_ok(home_create(path, &home));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	ledger_create_in(&home, &l);
	ca_add(l);
	ledger_free(MOVE(l));
	assert_int_equal(home_create(path, &again), RC_STATE);
	assert_non_null(strstr(err_text(), "a CA lives there already"));
	check_ok(home_open(path, &again));
	check_ok(home_ledger_open(&again, false, &l));
	assert_int_equal(ledger_high_water(l), T0);
	free(path);
}

static void
home_that_others_may_write_to_is_refused(void **state)
{
	static const struct {
		mode_t dir, file;
		bool good;
	} modes[] = { { 0700, 0600, true }, { 0755, 0644, true },
		{ 0720, 0600, false }, { 0702, 0600, false },
		{ 0700, 0620, false }, { 0700, 0602, false } };
	WIPED(home) made = { .fd = -1 };
	OWNS(ledger) *l = NULL;

	check_ok(home_create(*state, &made));
	ledger_create_in(&made, &l);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		WIPED(home) home = { .fd = -1 };

		assert_int_equal(fchmod(made.fd, modes[i].dir), 0);
		assert_int_equal(
		    fchmodat(made.fd, HOME_LEDGER, modes[i].file, 0), 0);
		if (modes[i].good) {
			check_ok(home_open(*state, &home));
			continue;
		}
		assert_int_equal(home_open(*state, &home), RC_STATE);
		assert_string_equal(rule_name(rule_spoken()), "HOME-MODE");
		assert_non_null(strstr(err_text(), "may write to it (mode 0"));
	}
}

static void
token_conf_comes_back_as_written(void **state)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(token_conf) conf = { 0 };

	check_ok(home_create(*state, &home));
	check_ok(home_token_write(
	    &home, "pkcs11:token=a;object=ca", "pkcs11:token=a;object=t"));
	check_ok(home_token_read(&home, &conf));
	assert_string_equal((char *)conf.ca.p, "pkcs11:token=a;object=ca");
	assert_string_equal((char *)conf.transfer.p, "pkcs11:token=a;object=t");
	assert_int_equal(conf.ca.n, strlen((char *)conf.ca.p) + 1);
	assert_int_equal(
	    home_token_write(&home, "pkcs11:a\nca = b", "pkcs11:"), RC_USAGE);
}

static void
token_conf_has_known_lines_only(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "ca = a\n", "no line 'transfer = URI'" },
		{ "transfer = a\n", "no line 'ca = URI'" },
		{ "ca = a\nca = b\n", ":2: 'ca' stands twice" },
		{ "ca\n", ":1: wanted 'ca = URI'" },
		{ "# x\n\npin = 1\n", ":3: unknown key 'pin'" },
		{ "ca =\n", ":1: 'ca' has no URI" },
	};
	WIPED(home) home = { .fd = -1 };

	check_ok(home_create(*state, &home));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		WIPED(token_conf) conf = { 0 };

		check_ok(file_replace(
		    home.fd, HOME_TOKEN, span_str(cases[i].text), 0600));
		assert_int_equal(home_token_read(&home, &conf), RC_FORMAT);
		if (strstr(err_text(), cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, err_text());
	}
}

static void
token_conf_may_be_written_by_hand(void **state)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(token_conf) conf = { 0 };

	check_ok(home_create(*state, &home));
	check_ok(file_replace(home.fd, HOME_TOKEN,
	    span_str("  # mine\r\n\tca=a=b \n\ntransfer\t=\tc"), 0600));
	check_ok(home_token_read(&home, &conf));
	assert_string_equal((char *)conf.ca.p, "a=b");
	assert_string_equal((char *)conf.transfer.p, "c");
}

/* ---- the clock ------------------------------------------------------------
 */

static void
clock_stays_between_high_water_and_horizon(void **state)
{
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *l = NULL;
	struct policy policy = { .clock_horizon = 400 * INT64_C(86400) };

	check_ok(home_create(*state, &home));
	ledger_create_in(&home, &l);
	check_ok(
	    clock_check(l, &policy, 5)); /* an empty ledger knows no time */
	ca_add(l);
	check_ok(clock_check(l, &policy, T0));
	check_ok(clock_check(l, &policy, T0 + policy.clock_horizon));
	assert_int_equal(clock_check(l, &policy, T0 - 1), RC_STATE);
	assert_string_equal(rule_name(rule_spoken()), "CLOCK-BEHIND");
	assert_string_equal(err_text(),
	    "the clock says 2025-11-24T15:59:59Z, but the ledger's newest "
	    "record is of 2025-11-24T16:00:00Z");
	assert_int_equal(
	    clock_check(l, &policy, T0 + policy.clock_horizon + 1), RC_STATE);
	assert_string_equal(rule_name(rule_spoken()), "CLOCK-AHEAD");
	assert_string_equal(err_text(),
	    "the clock says 2026-12-29T16:00:01Z, more than 400d after the "
	    "ledger's newest record of 2025-11-24T16:00:00Z");
}

static void
loopback_is_no_network(void **state)
{
	WIPED(buf) names = { 0 };

	(void)state;
	check_ok(network_up(&names));
	assert_null(names.n == 0 ? NULL : memmem(names.p, names.n, "lo ", 3));
	assert_false(span_eq_str(buf_span(&names), "lo"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, dir_make_one, dir_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(home_without_a_ca_says_so),
		T(home_is_made_once_and_for_its_owner),
		T(home_that_others_may_write_to_is_refused),
		T(token_conf_comes_back_as_written),
		T(token_conf_has_known_lines_only),
		T(token_conf_may_be_written_by_hand),
		T(clock_stays_between_high_water_and_horizon),
		T(loopback_is_no_network),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
