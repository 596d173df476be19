/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/guard.h"

#include "base/file.h"
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
a_home_of_a_third_person_is_refused_by_root_too(void **state)
{
	const uid_t me = geteuid(), third = me == 0 ? 65533 : me;

	(void)state;
	assert_int_equal(fchown(dir, third, (gid_t)-1), 0);
	if (third == me) {
		check_ok(guard_home(dir, path, names));
		return;
	}
	(void)snprintf(sentence, sizeof(sentence),
	    "%s: belongs to user 65533, who is neither root nor you", path);
	check_refused(guard_home(dir, path, names), "HOME-MODE", sentence);
	assert_int_equal(seteuid(65532), 0);
	check_refused(guard_home(dir, path, names), "HOME-MODE", sentence);
	assert_int_equal(seteuid(me), 0);
	assert_int_equal(seteuid(65533), 0);
	check_ok(guard_home(dir, path, names));
	assert_int_equal(seteuid(me), 0);
	assert_int_equal(fchown(dir, me, (gid_t)-1), 0);
}

/* ---- what is above it ---------------------------------------------------- */

/* A home two floors down: ABOVE/way/home, looked at by its path. */
static void
above_is(const char *home, const char *rule, const char *words)
{
	OWN_FD fd = open(home, O_RDONLY | O_DIRECTORY);
	enum rc rc;

	assert_true(fd >= 0);
	err_clear();
	rc = guard_home(fd, home, names);
	if (rule == NULL && rc != RC_OK)
		fail_msg("%s: %s", home, err_text());
	if (rule != NULL)
		check_refused(rc, rule, words);
}

static void
what_is_above_a_home_is_looked_at_as_well(void **state)
{
	char way[64], home[80], words[160], link[64];

	(void)state;
	(void)snprintf(way, sizeof(way), "%s/way", path);
	(void)snprintf(home, sizeof(home), "%s/home", way);
	(void)snprintf(link, sizeof(link), "%s/link", path);
	assert_int_equal(mkdir(way, 0755), 0);
	assert_int_equal(mkdir(home, 0700), 0);
	above_is(home, NULL, NULL);
	for (mode_t bit = 02; bit <= 020; bit *= 8) {
		assert_int_equal(chmod(way, 0755 | bit), 0);
		(void)snprintf(words, sizeof(words),
		    "%s: others than its owner may write to it (mode %04o)",
		    way, (unsigned)(0755 | bit));
		above_is(home, "HOME-MODE", words);
		/* the sticky bit keeps others from what is not theirs */
		assert_int_equal(chmod(way, 01755 | bit), 0);
		above_is(home, NULL, NULL);
	}
	/* but not in the home itself */
	assert_int_equal(chmod(home, 01777), 0);
	(void)snprintf(words, sizeof(words),
	    "%s: others than its owner may write to it (mode 1777)", home);
	above_is(home, "HOME-MODE", words);
	assert_int_equal(chmod(home, 0700), 0);
	/* a link that is ours leads there, and what it leads through counts */
	assert_int_equal(symlink("way", link), 0);
	(void)snprintf(home, sizeof(home), "%s/../link/./home", link);
	assert_int_equal(chmod(way, 0755), 0);
	above_is(home, NULL, NULL);
	assert_int_equal(chmod(way, 0757), 0);
	(void)snprintf(words, sizeof(words),
	    "%s: others than its owner may write to it (mode 0757)", way);
	above_is(home, "HOME-MODE", words);
	assert_int_equal(chmod(way, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(lchown(link, 65533, 65533), 0);
		(void)snprintf(words, sizeof(words),
		    "%s: belongs to user 65533, who is neither root nor you",
		    link);
		above_is(home, "HOME-MODE", words);
		assert_int_equal(unlink(link), 0);
		assert_int_equal(symlink("way", link), 0);
		assert_int_equal(chown(way, 65533, 65533), 0);
		(void)snprintf(words, sizeof(words),
		    "%s: belongs to user 65533, who is neither root nor you",
		    way);
		above_is(home, "HOME-MODE", words);
	}
	(void)snprintf(home, sizeof(home), "%s/home", way);
	assert_int_equal(rmdir(home), 0);
	assert_int_equal(rmdir(way), 0);
	assert_int_equal(unlink(link), 0);
}

static void
a_home_that_is_to_be_made_wants_the_same_above_it(void **state)
{
	char home[96], words[160];

	(void)state;
	(void)snprintf(home, sizeof(home), "%s/no/such/home", path);
	check_ok(guard_home_new(home));
	check_ok(guard_home_new("/tmp/no-such-home"));
	assert_int_equal(fchmod(dir, 0722), 0);
	(void)snprintf(words, sizeof(words),
	    "%s: others than its owner may write to it (mode 0722)", path);
	check_refused(guard_home_new(home), "HOME-MODE", words);
	assert_int_equal(fchmod(dir, 0700), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(fchown(dir, 65533, 65533), 0);
	(void)snprintf(words, sizeof(words),
	    "%s: belongs to user 65533, who is neither root nor you", path);
	check_refused(guard_home_new(home), "HOME-MODE", words);
	assert_int_equal(fchown(dir, 0, 0), 0);
}

static void
a_home_that_is_another_by_now_is_refused(void **state)
{
	char words[160];

	(void)state;
	(void)snprintf(words, sizeof(words),
	    "/: became another directory while it was looked at");
	check_refused(guard_home(dir, "/", names), "HOME-MODE", words);
}

/* A path that nobody follows: of a file that others may deploy to. */
static void
a_way_ends_before_what_is_a_strangers(void **state)
{
	WIPED(guard_way) way = GUARD_WAY_NONE;
	WIPED(guard_way) link = GUARD_WAY_NONE;
	char a[64], b[80];

	(void)state;
	(void)snprintf(a, sizeof(a), "%s/a", path);
	(void)snprintf(b, sizeof(b), "%s/a/b", path);
	assert_int_equal(mkdir(a, 0755), 0);
	assert_int_equal(mkdir(b, 0755), 0);
	check_ok(guard_way_open(b, &way));
	assert_int_equal(way.found, GUARD_CLEAR);
	assert_string_equal(way.rest, "");
	guard_way_wipe(&way);
	if (geteuid() == 0) {
		assert_int_equal(chown(a, 65533, 65533), 0);
		check_ok(guard_way_open(b, &way));
		assert_int_equal(way.found, GUARD_STRANGE);
		assert_string_equal(way.rest, "a/b");
		assert_int_equal(way.owner, 65533);
	}
	assert_int_equal(rmdir(b), 0);
	assert_int_equal(rmdir(a), 0);
	assert_int_equal(symlink("/", a), 0);
	assert_int_equal(guard_way_open(a, &link), RC_IO);
	assert_non_null(strstr(err_text(), "symbolic links"));
	assert_int_equal(unlink(a), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home_that_others_may_write_to_is_refused),
		cmocka_unit_test(what_cannot_be_looked_at_is_not_trusted),
		cmocka_unit_test(
		    a_home_of_a_third_person_is_refused_by_root_too),
		cmocka_unit_test(what_is_above_a_home_is_looked_at_as_well),
		cmocka_unit_test(
		    a_home_that_is_to_be_made_wants_the_same_above_it),
		cmocka_unit_test(a_home_that_is_another_by_now_is_refused),
		cmocka_unit_test(a_way_ends_before_what_is_a_strangers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_home, remove_home);
}
