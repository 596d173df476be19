/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/online/deploy/replace.h"

#include "base/file.h"
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory with a pair in it: "key A\n" and "cert A\n" fit each other. */
struct bed {
	char dir[32], cert[64], key[64];
};

static void
bed_make(struct bed *b)
{
	(void)strcpy(b->dir, "/tmp/replace.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->cert, sizeof(b->cert), "%s/cert.pem", b->dir);
	(void)snprintf(b->key, sizeof(b->key), "%s/key.pem", b->dir);
}

static void
bed_wipe(struct bed *b)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -r %s", b->dir);
	assert_int_equal(system(command), 0);
}

static void
put_file(const char *path, const char *text, mode_t mode)
{
	check_ok(file_replace(AT_FDCWD, path, span_str(text), mode));
}

static struct replace
pair_of(const struct bed *b, const char *cert, const char *key)
{
	return (struct replace){ .cert = { b->cert, span_str(cert), false },
		.key = { b->key, span_str(key), true } };
}

static bool
is_there(const struct bed *b, const char *name)
{
	char path[96];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	return lstat(path, &st) == 0;
}

static void
file_is(const char *path, const char *text)
{
	WIPED(buf) found = { 0 };

	check_ok(file_read(AT_FDCWD, path, 4096, &found));
	if (!span_eq_str(buf_span(&found), text))
		fail_msg("%s: \"%.*s\", wanted \"%s\"", path,
		    SPAN_FMT(buf_span(&found)), text);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static mode_t
kind_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static void
new_files_have_modes_that_fit_what_they_hold(void **state)
{
	WIPED(bed) b = { 0 };
	struct replace p;

	(void)state;
	bed_make(&b);
	p = pair_of(&b, "cert A\n", "key A\n");
	check_ok(replace_put(&p));
	check_ok(replace_keep(&p));
	file_is(b.cert, "cert A\n");
	file_is(b.key, "key A\n");
	assert_int_equal(mode_of(b.cert), 0644);
	assert_int_equal(mode_of(b.key), 0600);
	p.key.path = NULL;
	p.cert.secret = true;
	assert_int_equal(unlink(b.cert), 0);
	check_ok(replace_put(&p));
	assert_int_equal(mode_of(b.cert), 0600);
}

static void
owner_and_mode_are_kept(void **state)
{
	WIPED(bed) b = { 0 };
	struct replace p;
	struct stat st;
	bool root = geteuid() == 0;

	(void)state;
	bed_make(&b);
	put_file(b.cert, "cert A\n", 0664);
	put_file(b.key, "key A\n", 0640);
	if (root) {
		assert_int_equal(chown(b.cert, 1, 2), 0);
		assert_int_equal(chown(b.key, 3, 4), 0);
	}
	p = pair_of(&b, "cert B\n", "key B\n");
	check_ok(replace_put(&p));
	check_ok(replace_keep(&p));
	file_is(b.cert, "cert B\n");
	file_is(b.key, "key B\n");
	assert_int_equal(mode_of(b.cert), 0664);
	assert_int_equal(mode_of(b.key), 0640);
	assert_int_equal(stat(b.cert, &st), 0);
	assert_int_equal(st.st_uid, root ? 1 : geteuid());
	assert_int_equal(stat(b.key, &st), 0);
	assert_int_equal(st.st_uid, root ? 3 : geteuid());
	assert_false(is_there(&b, "cert.pem.airgap-old"));
	assert_false(is_there(&b, "key.pem.airgap-old"));
	assert_false(is_there(&b, "cert.pem.airgap-new"));
}

static void
undone_is_as_it_was(void **state)
{
	WIPED(bed) b = { 0 };
	struct replace p;
	bool is = false;

	(void)state;
	bed_make(&b);
	put_file(b.cert, "cert A\n", 0664);
	put_file(b.key, "key A\n", 0640);
	p = pair_of(&b, "cert B\n", "key B\n");
	check_ok(replace_put(&p));
	check_ok(replace_undo(&p, &is));
	assert_true(is);
	file_is(b.cert, "cert A\n");
	file_is(b.key, "key A\n");
	assert_int_equal(mode_of(b.cert), 0664);
	assert_int_equal(mode_of(b.key), 0640);
	assert_false(is_there(&b, "cert.pem.airgap-old"));
	assert_false(is_there(&b, "key.pem.airgap-old"));
	/* the same key: one file changes, and comes back by a rename */
	p = pair_of(&b, "cert B\n", "key A\n");
	check_ok(replace_put(&p));
	file_is(b.cert, "cert B\n");
	check_ok(replace_undo(&p, &is));
	file_is(b.cert, "cert A\n");
	file_is(b.key, "key A\n");
}

static void
what_was_not_there_is_not_undone(void **state)
{
	WIPED(bed) b = { 0 };
	struct replace p;
	bool is = true;

	(void)state;
	bed_make(&b);
	p = pair_of(&b, "cert A\n", "key A\n");
	check_ok(replace_put(&p));
	check_ok(replace_undo(&p, &is));
	assert_false(is);
	file_is(b.cert, "cert A\n");
	file_is(b.key, "key A\n");
}

/* The certificate's new file cannot be made: a directory has its name. */
static void
a_key_without_a_certificate_is_not_lost(void **state)
{
	WIPED(bed) b = { 0 };
	struct replace p;
	char blocked[96], old[96];

	(void)state;
	bed_make(&b);
	(void)snprintf(blocked, sizeof(blocked), "%s.airgap-new", b.cert);
	(void)snprintf(old, sizeof(old), "%s.airgap-old", b.key);
	assert_int_equal(mkdir(blocked, 0700), 0);
	p = pair_of(&b, "cert B\n", "key B\n");
	assert_int_equal(replace_put(&p), RC_IO);
	assert_false(is_there(&b, "key.pem"));
	put_file(b.key, "key A\n", 0640);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(replace_put(&p), RC_IO);
		file_is(b.key, "key A\n");
		assert_int_equal(mode_of(b.key), 0640);
		assert_false(is_there(&b, "cert.pem"));
		assert_false(is_there(&b, "key.pem.airgap-old"));
	}
	/* a run that was killed after the key */
	put_file(old, "key A\n", 0640);
	put_file(b.key, "key B\n", 0640);
	assert_int_equal(replace_put(&p), RC_IO);
	file_is(b.key, "key A\n");
	/* and now it works */
	assert_int_equal(rmdir(blocked), 0);
	check_ok(replace_put(&p));
	check_ok(replace_keep(&p));
	file_is(b.cert, "cert B\n");
	file_is(b.key, "key B\n");
	assert_false(is_there(&b, "key.pem.airgap-old"));
}

/* ---- at every moment ----------------------------------------------------- */

/* Does a server that starts now find a key that fits? What a TLS library takes
 * is the first of its kind in a file. */
static char
first_of(const char *path, const char *kind)
{
	WIPED(buf) found = { 0 };
	const char *text, *at;

	check_ok(file_read(AT_FDCWD, path, 4096, &found));
	text = buf_cstr(&found);
	assert_non_null(text);
	at = strstr(text, kind);
	if (at == NULL)
		fail_msg("%s: no %s in \"%s\"", path, kind, text);
	return at == NULL ? '?' : at[strlen(kind)];
}

/* And does nobody else find the key, in whatever file? Its own is 0640 here. */
static void
check_secret(const struct bed *b)
{
	static const char *const names[] = { "cert.pem", "key.pem",
		"cert.pem.airgap-new", "key.pem.airgap-new",
		"cert.pem.airgap-old", "key.pem.airgap-old" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		WIPED(buf) found = { 0 };
		char path[96];

		(void)snprintf(path, sizeof(path), "%s/%s", b->dir, names[i]);
		if (!is_there(b, names[i]) || S_ISLNK(kind_of(path)))
			continue;
		check_ok(file_read(AT_FDCWD, path, 4096, &found));
		if (memmem(found.p, found.n, "key ", 4) != NULL &&
		    (mode_of(path) & (mode_t)~0640) != 0)
			fail_msg("%s: mode %o", path, (unsigned)mode_of(path));
	}
}

static void
check_pair(const struct bed *b, size_t step)
{
	char cert = first_of(b->cert, "cert "), key = first_of(b->key, "key ");

	if (cert != key)
		fail_msg(
		    "step %zu: certificate %c beside key %c", step, cert, key);
	check_secret(b);
}

/* The process dies before its n-th step; what is no step changes nothing that a
 * crash would leave. Calls that libc's definitions would take come here. */
static int steps_left = -1;

static void
step(void)
{
	if (steps_left == 0)
		_exit(42);
	if (steps_left > 0)
		steps_left--;
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	step();
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	step();
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int
symlinkat(const char *from, int dir, const char *to)
{
	step();
	return (int)syscall(SYS_symlinkat, from, dir, to);
}

int
unlinkat(int dir, const char *name, int flags)
{
	step();
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}

int
fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}

enum way { TO_KEEP, TO_UNDO };

/* \return false: the process came to its end */
static bool
dies_at(const struct replace *p, enum way way, int n)
{
	pid_t pid = fork();
	int status = 0;
	bool is;

	assert_true(pid >= 0);
	if (pid == 0) {
		steps_left = n;
		if (replace_put(p) != RC_OK ||
		    (way == TO_KEEP ? replace_keep(p) : replace_undo(p, &is)) !=
			RC_OK)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 42)
		fail_msg("step %d: status %d", n, WEXITSTATUS(status));
	return WEXITSTATUS(status) == 42;
}

static void
begin_with_a(const struct bed *b)
{
	put_file(b->cert, "cert A\n", 0664);
	put_file(b->key, "key A\n", 0640);
}

static void
check_end(const struct bed *b, char which)
{
	char cert[] = "cert ?\n", key[] = "key ?\n";

	cert[5] = which;
	key[4] = which;
	file_is(b->cert, cert);
	file_is(b->key, key);
	assert_int_equal(mode_of(b->cert), 0664);
	assert_int_equal(mode_of(b->key), 0640);
	assert_false(is_there(b, "cert.pem.airgap-new"));
	assert_false(is_there(b, "key.pem.airgap-new"));
	assert_false(is_there(b, "cert.pem.airgap-old"));
	assert_false(is_there(b, "key.pem.airgap-old"));
}

static void
a_crash_at_any_step_leaves_a_pair_that_fits(void **state)
{
	WIPED(bed) b = { 0 };
	struct replace p;
	bool died = true, is;

	(void)state;
	bed_make(&b);
	p = pair_of(&b, "cert B\n", "key B\n");
	for (int way = TO_KEEP; way <= TO_UNDO; way++, died = true)
		for (int n = 0; died; n++) {
			begin_with_a(&b);
			died = dies_at(&p, (enum way)way, n);
			check_pair(&b, (size_t)n);
			if (!died && n < 12) /* did it count? */
				fail_msg("only %d steps", n);
			if (!died) {
				check_end(&b, way == TO_KEEP ? 'B' : 'A');
				break;
			}
			/* the next run goes on, and then back or not */
			check_ok(replace_put(&p));
			file_is(b.cert, "cert B\n");
			file_is(b.key, "key B\n");
			check_ok(n % 2 == 0 ? replace_keep(&p)
					    : replace_undo(&p, &is));
			check_pair(&b, (size_t)n);
			if (n % 2 == 0)
				check_end(&b, 'B');
			check_ok(replace_keep(&p));
		}
}

/* ---- what is in the way -------------------------------------------------- */

static void
links_are_followed_when_typed_and_never_again(void **state)
{
	WIPED(bed) b = { 0 };
	char link[96], *path = NULL;
	struct replace p;

	(void)state;
	bed_make(&b);
	put_file(b.cert, "cert A\n", 0644);
	(void)snprintf(link, sizeof(link), "%s/link", b.dir);
	assert_int_equal(symlink("cert.pem", link), 0);
	check_ok(replace_path(link, &path));
	assert_string_equal(path, b.cert);
	free(path);
	p = pair_of(&b, "cert B\n", "key B\n");
	p.cert.path = link;
	p.key.path = NULL;
	assert_int_equal(replace_put(&p), RC_IO);
	assert_non_null(strstr(err_text(), "not a regular file"));
	file_is(b.cert, "cert A\n");
	/* a link that leads nowhere, and a directory behind a link */
	assert_int_equal(unlink(b.cert), 0);
	assert_int_equal(replace_path(link, &path), RC_USAGE);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink(".", link), 0);
	(void)snprintf(b.key, sizeof(b.key), "%s/link/key.pem", b.dir);
	p.cert.path = b.key;
	assert_int_equal(replace_put(&p), RC_IO);
	assert_non_null(strstr(err_text(), "symbolic links"));
}

static void
path_is(const char *typed, enum rc wanted, const char *words)
{
	char *path = NULL;

	assert_int_equal(replace_path(typed, &path), wanted);
	if (strstr(err_text(), words) == NULL)
		fail_msg("%s: %s", typed, err_text());
}

static void
what_is_no_file_is_refused(void **state)
{
	char *path = NULL;

	(void)state;
	path_is("/", RC_USAGE, "not a regular file");
	path_is("/no-such/file", RC_IO, "No such file or directory");
	path_is("/dev/null", RC_USAGE, "not a regular file");
	path_is("/tmp/..", RC_USAGE, "not a regular file");
	path_is("", RC_USAGE, "wanted the name of a file");
	check_ok(replace_path("/tmp/no-such-file", &path));
	assert_string_equal(path, "/tmp/no-such-file");
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_files_have_modes_that_fit_what_they_hold),
		cmocka_unit_test(owner_and_mode_are_kept),
		cmocka_unit_test(undone_is_as_it_was),
		cmocka_unit_test(what_was_not_there_is_not_undone),
		cmocka_unit_test(a_key_without_a_certificate_is_not_lost),
		cmocka_unit_test(a_crash_at_any_step_leaves_a_pair_that_fits),
		cmocka_unit_test(links_are_followed_when_typed_and_never_again),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
