/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/sandbox/sandbox.h"

#include "base/file.h"
#include "tests/lib/fail.h"
#include "transfer/media/media.h"
#include "transfer/sandbox/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child does within; 0 or the errno that it was answered with. */
typedef int attempt(void);

enum level { READING, READING_NOTHING, STRICT, STRICT_AT_ONCE };

/* How a child ended: 1000 + the signal that killed it, or the attempt's answer.
 * 200 is a sandbox that could not be entered. */
#define KILLED (1000 + SIGSYS)
#define NOT_ENTERED 200

static char dir_path[] = "/tmp/sandbox-XXXXXX";
static int dir_fd = -1;

static bool
enter(enum level level)
{
	struct sandbox_level got;
	int dir = level == READING ? dir_fd : -1;

	if (level != STRICT_AT_ONCE && sandbox_read_only(dir, &got) != RC_OK)
		return false;
	if (level == READING || level == READING_NOTHING)
		return true;
	return sandbox_strict() == RC_OK;
}

static int
ends(enum level level, attempt *try)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(20);
		_exit(enter(level) ? try() : NOT_ENTERED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static int
answer(long rc)
{
	return rc < 0 ? errno : 0;
}

/* ---- attempts ------------------------------------------------------------ */

static int
open2(int dir, const char *path, uint64_t flags)
{
	const struct open_how how = { .flags = flags };

	return answer(syscall(SYS_openat2, dir, path, &how, sizeof(how)));
}

static int
try_read_within(void)
{
	return open2(dir_fd, "file", O_RDONLY);
}

static int
try_list_within(void)
{
	const struct media media = { .path = dir_path, .root = dir_fd };
	WIPED(media_names) names = { 0 };

	if (media_list(&media, ".", NULL, true, &names) != RC_OK)
		return 1;
	return names.n == 1 ? 0 : 2;
}

static int
try_copy_within(void)
{
	const struct media media = { .path = dir_path, .root = dir_fd };
	WIPED(sealed) copy = { .fd = -1 };
	int fd = -1;

	if (media_copy(&media, "file", 10, &fd) != RC_OK)
		return 1;
	return sealed_map(fd, &copy) == RC_OK ? 0 : 2;
}

static int
try_read_outside(void)
{
	return open2(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int
try_write_within(void)
{
	return open2(dir_fd, "file", O_WRONLY);
}

static int
try_create_within(void)
{
	const struct open_how how = { .flags = O_WRONLY | O_CREAT,
		.mode = 0600 };

	return answer(syscall(SYS_openat2, dir_fd, "new", &how, sizeof(how)));
}

static int
try_openat(void)
{
	return answer(openat(dir_fd, "file", O_RDONLY));
}

static int
try_unlink(void)
{
	return answer(unlinkat(dir_fd, "file", 0));
}

static int
try_socket(void)
{
	return answer(socket(AF_INET, SOCK_STREAM, 0));
}

static int
try_unix_socket(void)
{
	return answer(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return answer(pid);
}

static int
try_exec(void)
{
	char name[] = "true";
	char *const argv[] = { name, NULL };

	return answer(execv("/bin/true", argv));
}

static int
try_ptrace(void)
{
	return answer(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
try_kill_parent(void)
{
	return answer(kill(getppid(), 0));
}

static int
try_signal_other(void)
{
	return answer(syscall(SYS_tgkill, 1, 1, 0));
}

static int
try_exec_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? errno
		   : 0;
}

static int
try_make_memory_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return answer(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
try_memfd(void)
{
	int fd = -1;

	return sealed_make(span_str("text"), &fd) == RC_OK ? 0 : 1;
}

static int
try_abort(void)
{
	abort();
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What a parser does: memory, a large sort, its descriptors, the clock. */
static int
try_honest_work(void)
{
	const size_t n = 1 << 20;
	int *numbers = calloc(n, sizeof(int));
	struct pollfd p = { .fd = dir_fd, .events = POLLIN };
	struct timespec now;
	struct stat st;

	if (numbers == NULL || fstat(dir_fd, &st) != 0)
		return 1;
	for (size_t i = 0; i < n; i++)
		numbers[i] = (int)(n - i);
	qsort(numbers, n, sizeof(int), by_number);
	if (numbers[0] != 1 || poll(&p, 1, 0) < 0)
		return 2;
	free(numbers);
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 3;
	return getpid() > 0 ? 0 : 4;
}

/* A memfd that was handed over before is mapped and read. */
static int memory = -1;

static int
try_map_sealed(void)
{
	struct sealed copy = { .fd = -1 };

	if (sealed_map(memory, &copy) != RC_OK)
		return 1;
	return span_eq_str(copy.bytes, "sealed") ? 0 : 2;
}

/* ---- promises ------------------------------------------------------------ */

static void
reading_level_reads_beneath_its_directory(void **state)
{
	(void)state;
	assert_int_equal(ends(READING, try_read_within), 0);
	assert_int_equal(ends(READING, try_list_within), 0);
	assert_int_equal(ends(READING, try_copy_within), 0);
	assert_int_equal(ends(READING, try_memfd), 0);
	assert_int_equal(ends(READING, try_honest_work), 0);
}

/* Where the kernel has Landlock; `airgap-ca status` says where it has none. */
static void
reading_level_reads_nothing_else_and_writes_nowhere(void **state)
{
	int refused = sandbox_probe().landlock_abi > 0 ? EACCES : 0;

	(void)state;
	assert_int_equal(ends(READING, try_read_outside), refused);
	assert_int_equal(ends(READING, try_write_within), refused);
	assert_int_equal(ends(READING, try_create_within), refused);
	(void)unlinkat(dir_fd, "new", 0);
	assert_int_equal(ends(READING, try_openat), EACCES);
	assert_int_equal(ends(READING, try_unlink), KILLED);
}

static void
reading_level_without_a_directory_opens_nothing(void **state)
{
	(void)state;
	assert_int_equal(ends(READING_NOTHING, try_read_within), EACCES);
	assert_int_equal(ends(READING_NOTHING, try_read_outside), EACCES);
	assert_int_equal(ends(READING_NOTHING, try_openat), EACCES);
}

static void
both_levels_kill_what_leads_out(void **state)
{
	static attempt *const attempts[] = { try_socket, try_unix_socket,
		try_fork, try_exec, try_ptrace, try_kill_parent,
		try_signal_other, try_exec_memory, try_make_memory_exec,
		try_unlink };

	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		assert_int_equal(ends(READING, attempts[i]), KILLED);
		assert_int_equal(ends(STRICT, attempts[i]), KILLED);
		assert_int_equal(ends(STRICT_AT_ONCE, attempts[i]), KILLED);
	}
}

static void
strict_level_kills_any_open(void **state)
{
	(void)state;
	assert_int_equal(ends(STRICT, try_read_within), KILLED);
	assert_int_equal(ends(STRICT, try_read_outside), KILLED);
	assert_int_equal(ends(STRICT, try_openat), KILLED);
	assert_int_equal(ends(STRICT, try_memfd), KILLED);
}

static void
strict_level_lets_a_parser_work(void **state)
{
	(void)state;
	assert_int_equal(sealed_make(span_str("sealed"), &memory), RC_OK);
	assert_int_equal(ends(STRICT, try_honest_work), 0);
	assert_int_equal(ends(STRICT, try_map_sealed), 0);
	assert_int_equal(ends(STRICT_AT_ONCE, try_honest_work), 0);
	fd_close(&memory);
}

static void
failed_assertion_dies_of_its_own_signal(void **state)
{
	(void)state;
	assert_int_equal(ends(STRICT, try_abort), 1000 + SIGABRT);
}

static int
try_terminal(void)
{
	struct stat st, nothing;

	if (stat("/dev/null", &nothing) != 0 ||
	    sandbox_leave_terminal() != RC_OK)
		return 1;
	/* The sanitisers keep 2. */
	for (int fd = 0; fd < 2; fd++)
		if (fstat(fd, &st) != 0 || st.st_rdev != nothing.st_rdev)
			return 2;
	return 0;
}

static int
ends_outside(attempt *try)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(try());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void
who_is_locked_in_has_no_terminal(void **state)
{
	(void)state;
	assert_int_equal(ends_outside(try_terminal), 0);
}

static void
the_kernel_is_asked_about_a_child(void **state)
{
	for (int locked = 0; locked < 2; locked++) {
		struct sandbox_seen seen = { .no_new_privs = !locked };
		int ready[2], go[2];
		char byte = 0;
		pid_t pid;

		(void)state;
		assert_int_equal(pipe(ready) | pipe(go), 0);
		pid = fork();
		if (pid == 0) {
			if (locked && !enter(STRICT))
				_exit(NOT_ENTERED);
			_exit(write(ready[1], "", 1) == 1 &&
				      read(go[0], &byte, 1) == 1
				  ? 0
				  : 1);
		}
		assert_int_equal(read(ready[0], &byte, 1), 1);
		assert_int_equal(sandbox_look(pid, &seen), RC_OK);
		assert_int_equal(seen.no_new_privs, locked);
		assert_int_equal(seen.filtered, locked);
		assert_int_equal(write(go[1], "", 1), 1);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		for (int i = 0; i < 2; i++) {
			(void)close(ready[i]);
			(void)close(go[i]);
		}
	}
}

static void
the_way_out_is_tried(void **state)
{
	bool killed = false;

	(void)state;
	assert_int_equal(sandbox_try_socket(&killed), RC_OK);
	assert_true(killed);
}

static void
probe_tells_what_is_reached(void **state)
{
	const struct sandbox_level level = sandbox_probe();
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	(void)state;
	assert_true(level.seccomp);
	assert_int_equal(level.landlock_abi, abi < 0 ? 0 : abi);
}

static int
setup(void **state)
{
	OWN_FD fd = -1;

	(void)state;
	if (mkdtemp(dir_path) == NULL)
		return -1;
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir_fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, "file", 0);
	fd_close(&dir_fd);
	return rmdir(dir_path);
}

/* ---- a kernel that refuses ----------------------------------------------- */

/* In a child, with the n-th of these calls refused. 0: none was; 1: refused,
 * and told as it is; else what is wrong. */
static int
enter_refused(unsigned n)
{
	struct sandbox_level got = { .landlock_abi = -1 };
	const char *failed;
	enum rc rc;

	fail_nth("syscall prctl fstat openat seccomp_init seccomp_attr_set "
		 "seccomp_rule_add_array seccomp_load",
	    n, EPERM);
	rc = sandbox_read_only(dir_fd, &got);
	if (rc == RC_OK)
		rc = sandbox_strict();
	failed = fail_stop();
	if (failed == NULL)
		return rc == RC_OK ? 0 : 2;
	/* Landlock is what may be missing; and then the level says so. */
	if (rc == RC_OK)
		return strcmp(failed, "syscall") == 0 && got.landlock_abi == 0
			   ? 1
			   : 3;
	if (strcmp(failed, "fstat") == 0)
		return rc == RC_IO ? 1 : 4;
	return rc == RC_STATE &&
		       strncmp(err_text(), "this kernel gives no ", 21) == 0
		   ? 1
		   : 5;
}

/* For want of memory, it is not the kernel that lacks something. */
static void
no_memory_is_no_kernel_without_seccomp(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		fail_nth("seccomp_init", 1, ENOMEM);
		_exit(sandbox_strict() == RC_IO && err_rule_number() == 0 &&
			      strstr(err_text(), "out of memory") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
whatever_the_kernel_refuses_nobody_is_half_locked_in(void **state)
{
	unsigned n = 0;
	int status = 1 << 8;

	(void)state;
	while (WIFEXITED(status) && WEXITSTATUS(status) == 1) {
		pid_t pid = fork();

		n++;
		assert_true(pid >= 0);
		if (pid == 0) {
			alarm(20);
			_exit(enter_refused(n));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_int_equal(status, 0);
	assert_true(n > 100);
}

static int
leave_refused(unsigned n)
{
	enum rc rc;
	const char *failed;

	fail_nth("openat dup2", n, ENOENT);
	rc = sandbox_leave_terminal();
	failed = fail_stop();
	return failed == NULL ? (rc == RC_OK ? 0 : 2) : rc == RC_IO ? 1 : 3;
}

static void
without_dev_null_the_terminal_is_not_left(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		pid_t pid = fork();
		int status = 0;

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(leave_refused(n));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 1 << 8);
	}
}

static void
a_child_that_is_not_there_cannot_be_looked_at(void **state)
{
	struct sandbox_seen seen = { .filtered = true };
	bool killed = true;

	(void)state;
	assert_int_equal(sandbox_look(0x7ffffffe, &seen), RC_IO);
	assert_string_equal(
	    err_text(), "/proc/2147483646/status: No such file or directory");
	assert_true(seen.filtered);
	fail_nth("fork", 1, EAGAIN);
	assert_int_equal(sandbox_try_socket(&killed), RC_IO);
	assert_non_null(fail_stop());
	fail_nth("waitpid", 1, ECHILD);
	assert_int_equal(sandbox_try_socket(&killed), RC_IO);
	assert_non_null(fail_stop());
	assert_true(killed);
	fail_nth("waitpid", 1, EINTR);
	assert_int_equal(sandbox_try_socket(&killed), RC_OK);
	assert_non_null(fail_stop());
	assert_true(killed);
	fail_nth("seccomp_init", 1, ENOMEM); /* the child's: it has a copy */
	assert_int_equal(sandbox_try_socket(&killed), RC_IO);
	assert_null(fail_stop());
	assert_string_equal(err_text(), "the trial process: out of memory");
	assert_true(killed);
}

static void
what_openssl_lacks_is_told_before_the_sandbox(void **state)
{
	unsigned refused = 0;

	(void)state;
	FAIL_EACH("EVP_PKEY_CTX_new_from_name EVP_PKEY_fromdata_init "
		  "EVP_PKEY_fromdata OSSL_PARAM_BLD_new "
		  "OSSL_PARAM_BLD_push_BN OSSL_PARAM_BLD_to_param "
		  "EVP_MD_CTX_new EVP_PKEY_CTX_set_rsa_padding i2d_PUBKEY",
	    0)
	{
		enum rc rc = preload();
		const char *failed = fail_stop();

		if (failed == NULL) {
			assert_int_equal(rc, RC_OK);
			continue;
		}
		assert_true(rc == RC_BUG || rc == RC_IO);
		refused++;
	}
	assert_true(refused > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_level_reads_beneath_its_directory),
		cmocka_unit_test(
		    reading_level_reads_nothing_else_and_writes_nowhere),
		cmocka_unit_test(
		    reading_level_without_a_directory_opens_nothing),
		cmocka_unit_test(both_levels_kill_what_leads_out),
		cmocka_unit_test(strict_level_kills_any_open),
		cmocka_unit_test(strict_level_lets_a_parser_work),
		cmocka_unit_test(failed_assertion_dies_of_its_own_signal),
		cmocka_unit_test(who_is_locked_in_has_no_terminal),
		cmocka_unit_test(the_kernel_is_asked_about_a_child),
		cmocka_unit_test(the_way_out_is_tried),
		cmocka_unit_test(probe_tells_what_is_reached),
		cmocka_unit_test(no_memory_is_no_kernel_without_seccomp),
		cmocka_unit_test(
		    whatever_the_kernel_refuses_nobody_is_half_locked_in),
		cmocka_unit_test(without_dev_null_the_terminal_is_not_left),
		cmocka_unit_test(a_child_that_is_not_there_cannot_be_looked_at),
		cmocka_unit_test(what_openssl_lacks_is_told_before_the_sandbox),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
