/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/guard.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = { "store.db", "policy.conf", NULL };
static char path[] = "/tmp/airgap-guard.XXXXXX", sentence[160];
static int dir;

static int
make_home(void **state)
{
	int fd;

	(void)state;
	if (mkdtemp(path) == NULL)
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY);
	fd = openat(dir, "policy.conf", O_CREAT, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int
remove_home(void **state)
{
	(void)state;
	(void)unlinkat(dir, "policy.conf", 0);
	(void)close(dir);
	return rmdir(path);
}

static void
a_home_that_others_may_write_to_is_refused(void **state)
{
	(void)state;
	check_ok(guard_home(dir, path, names)); /* a file may be missing */
	assert_int_equal(fchmodat(dir, "policy.conf", 0644, 0), 0);
	check_ok(guard_home(dir, path, names));
	assert_int_equal(fchmodat(dir, "policy.conf", 0664, 0), 0);
	(void)snprintf(sentence, sizeof(sentence),
	    "%s/policy.conf: others than its owner may write to it (mode "
	    "0664)",
	    path);
	check_refused(guard_home(dir, path, names), "HOME-MODE", sentence);
	assert_int_equal(fchmodat(dir, "policy.conf", 0600, 0), 0);
	assert_int_equal(fchmod(dir, 0702), 0);
	(void)snprintf(sentence, sizeof(sentence),
	    "%s: others than its owner may write to it (mode 0702)", path);
	check_refused(guard_home(dir, path, names), "HOME-MODE", sentence);
	assert_int_equal(fchmod(dir, 0711), 0);
	check_ok(guard_home(dir, path, names));
}

static void
what_cannot_be_looked_at_is_not_trusted(void **state)
{
	(void)state;
	FAIL_EACH("fstat fstatat", EIO)
	{
		enum rc rc = guard_home(dir, path, names);

		assert_int_equal(rc, fail_stop() == NULL ? RC_OK : RC_IO);
	}
}

/* Only root can make it somebody else's; anybody else's is his own here. */
static void
a_home_of_a_third_person_is_refused(void **state)
{
	const uid_t me = geteuid(), third = me == 0 ? 65533 : me;

	(void)state;
	assert_int_equal(fchown(dir, third, (gid_t)-1), 0);
	check_ok(guard_home(dir, path, names));
	if (third == me)
		return;
	assert_int_equal(seteuid(65534), 0);
	(void)snprintf(sentence, sizeof(sentence),
	    "%s: belongs to user 65533, who is neither root nor you", path);
	check_refused(guard_home(dir, path, names), "HOME-MODE", sentence);
	assert_int_equal(seteuid(me), 0);
	assert_int_equal(fchown(dir, me, (gid_t)-1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home_that_others_may_write_to_is_refused),
		cmocka_unit_test(what_cannot_be_looked_at_is_not_trusted),
		cmocka_unit_test(a_home_of_a_third_person_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_home, remove_home);
}
