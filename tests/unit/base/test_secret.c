/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "tests/lib/fail.h"
#include "tests/lib/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char path[64];

static int
make_path(void **state)
{
	int fd;

	(void)state;
	(void)strcpy(path, "/tmp/airgap-pin.XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int
remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

static void
pin_file(const char *content, mode_t mode)
{
	FILE *f;

	/* The one before may have been for reading only. */
	assert_int_equal(chmod(path, 0600), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(content, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
the_first_line_of_a_private_file_is_the_pin(void **state)
{
	WIPED(pin) pin = { .len = 0 };

	(void)state;
	pin_file("123456\nnot this\n", 0600);
	check_ok(pin_read(path, &pin));
	assert_string_equal(pin.text, "123456");
	assert_int_equal(pin.len, 6);
	pin_file("no newline", 0400);
	check_ok(pin_read(path, &pin));
	assert_string_equal(pin.text, "no newline");
}

static void
a_file_that_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0601 };
	WIPED(pin) pin = { .len = 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		pin_file("123456\n", modes[i]);
		assert_int_equal(pin_read(path, &pin), RC_TOKEN);
		assert_non_null(strstr(err_text(), "others may read it"));
		assert_int_equal(pin.len, 0);
	}
}

static void
no_pin_and_no_file_are_refused(void **state)
{
	WIPED(pin) pin = { .len = 0 };

	(void)state;
	pin_file("", 0600);
	assert_int_equal(pin_read(path, &pin), RC_TOKEN);
	pin_file("\n123456\n", 0600);
	assert_int_equal(pin_read(path, &pin), RC_TOKEN);
	assert_int_equal(pin_read("/nonexistent", &pin), RC_TOKEN);
	assert_string_equal(
	    err_text(), "PIN file /nonexistent: No such file or directory");
	assert_int_equal(pin_read("/tmp", &pin), RC_TOKEN);
	assert_string_equal(err_text(), "PIN file /tmp: not a regular file");
}

static void
a_pin_has_at_most_64_bytes(void **state)
{
	char line[PIN_MAX + 3];
	WIPED(pin) pin = { .len = 0 };

	(void)state;
	memset(line, '7', sizeof(line));
	line[PIN_MAX] = '\n';
	line[PIN_MAX + 1] = '\0';
	pin_file(line, 0600);
	check_ok(pin_read(path, &pin));
	assert_int_equal(strlen(pin.text), PIN_MAX);
	line[PIN_MAX] = '7';
	line[PIN_MAX + 1] = '\n';
	line[PIN_MAX + 2] = '\0';
	pin_file(line, 0600);
	assert_int_equal(pin_read(path, &pin), RC_TOKEN);
	/* The sentence has none of it; the six random letters of the file's
	 * name may be sevens. */
	assert_null(strstr(err_text(), "7777777"));
}

static void
a_control_character_costs_no_try(void **state)
{
	static const char *const lines[] = { "123456\r\n", "12\t3456\n",
		"\033[A123456\n", "123456\177" };
	WIPED(pin) pin = { .len = 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		pin_file(lines[i], 0600);
		assert_int_equal(pin_read(path, &pin), RC_TOKEN);
		assert_non_null(strstr(err_text(), "control character"));
		assert_null(strstr(err_text(), "123"));
		assert_int_equal(pin.len, 0);
	}
}

static void
wiping_leaves_nothing(void **state)
{
	static const struct pin none;
	struct pin pin = { .len = 0 };

	(void)state;
	pin_file("123456\n", 0600);
	check_ok(pin_read(path, &pin));
	pin_wipe(&pin);
	assert_memory_equal(&pin, &none, sizeof(pin));
}

/* Exit status of a child that asks: 0 the PIN was 123456 and the terminal is
 * as before, else what went wrong. */
static int
ask(void)
{
	WIPED(pin) pin = { .len = 0 };
	struct termios before, after;
	enum rc rc;

	(void)tcgetattr(0, &before);
	rc = pin_ask("PIN for ca:", &pin);
	(void)tcgetattr(0, &after);
	if (before.c_lflag != after.c_lflag ||
	    before.c_cc[VEOL] != after.c_cc[VEOL])
		return 99;
	if (rc != RC_OK)
		return (int)rc;
	return strcmp(pin.text, "123456") == 0 ? 0 : 98;
}

static void
a_pin_is_asked_for_without_echo(void **state)
{
	struct pty pty;

	(void)state;
	pty_start(&pty, ask);
	pty_answer(&pty, "PIN for ca: ", "123456\n");
	assert_int_equal(pty_end(&pty), 0);
	assert_null(strstr(pty.seen, "123"));
}

static void
control_c_and_an_empty_line_end_the_question(void **state)
{
	static const char *const keys[] = { "123456\003", "\003", "\n", "\4",
		"123456\033[A\n" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct pty pty;

		pty_start(&pty, ask);
		pty_answer(&pty, "PIN for ca: ", keys[i]);
		assert_int_equal(pty_end(&pty), RC_TOKEN);
		assert_null(strstr(pty.seen, "123"));
	}
}

static bool
echoes(int fd)
{
	struct termios now;

	return tcgetattr(fd, &now) == 0 && (now.c_lflag & ECHO) != 0;
}

static bool
echo_becomes(bool wanted)
{
	for (int i = 0; i < 1000; i++) {
		if (echoes(0) == wanted)
			return true;
		(void)usleep(10000);
	}
	return false;
}

/* The first signal kills the one who asks, else its parent, who takes it along.
 */
static int
ask_and_be_killed(bool parent_dies)
{
	pid_t pid = fork(), asking = 0;
	int status = 0;

	if (pid == 0) {
		asking = parent_dies ? fork() : 0;
		if (asking == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(ask());
		}
		for (;;)
			(void)pause();
	}
	if (!echo_becomes(false))
		return 1;
	(void)kill(pid, parent_dies ? SIGKILL : SIGTERM);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return 2;
	return echo_becomes(true) ? 0 : 3;
}

static int
ask_and_be_terminated(void)
{
	return ask_and_be_killed(false);
}

static int
ask_and_be_orphaned(void)
{
	return ask_and_be_killed(true);
}

static void
a_terminal_echoes_again_after_a_signal(void **state)
{
	struct pty pty;

	(void)state;
	pty_start(&pty, ask_and_be_terminated);
	assert_int_equal(pty_end(&pty), 0);
}

static void
a_terminal_echoes_again_when_the_parent_was_killed(void **state)
{
	struct pty pty;

	(void)state;
	pty_start(&pty, ask_and_be_orphaned);
	assert_int_equal(pty_end(&pty), 0);
}

static void
without_a_terminal_the_sentence_says_what_to_do(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		WIPED(pin) pin = { .len = 0 };

		(void)setsid();
		_exit(pin_ask("PIN:", &pin) == RC_USAGE &&
			      strstr(err_text(), "pin-source=file:") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_hardened_process_dumps_no_core(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit core;

		secret_harden();
		_exit(prctl(PR_GET_DUMPABLE) == 0 &&
			      getrlimit(RLIMIT_CORE, &core) == 0 &&
			      core.rlim_max == 0
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_pin_file_that_fails_is_named(void **state)
{
	WIPED(pin) pin = { .len = 0 };

	(void)state;
	pin_file("123456\n", 0600);
	FAIL_EACH("openat fstat read", EIO)
	{
		enum rc rc = pin_read(path, &pin);
		const char *failed = fail_stop();

		if (failed == NULL) {
			assert_int_equal(rc, RC_OK);
			break;
		}
		assert_int_equal(
		    rc, strcmp(failed, "read") == 0 ? RC_IO : RC_TOKEN);
		assert_non_null(strstr(err_text(), path));
		assert_non_null(strstr(err_text(), "Input/output error"));
		assert_int_equal(pin.len, 0);
	}
	assert_int_equal(pin.len, 6);
	FAIL_EACH("openat read", EINTR)
	{
		check_ok(pin_read(path, &pin));
		(void)fail_stop();
		assert_string_equal(pin.text, "123456");
	}
}

/* Only root can give a file away; to anybody else it is his own. */
static void
a_file_of_another_user_is_refused(void **state)
{
	WIPED(pin) pin = { .len = 0 };
	const uid_t me = geteuid(), other = me == 0 ? 65534 : me;

	(void)state;
	pin_file("123456\n", 0600);
	assert_int_equal(chown(path, other, (gid_t)-1), 0);
	if (other == me) {
		check_ok(pin_read(path, &pin));
		return;
	}
	assert_int_equal(pin_read(path, &pin), RC_TOKEN);
	assert_non_null(strstr(err_text(), "belongs to another user (65534)"));
	assert_int_equal(pin.len, 0);
	assert_int_equal(chown(path, me, (gid_t)-1), 0);
	check_ok(pin_read(path, &pin));
}

static const char *terminal_fails;

/* 97: something other than the call was refused. */
static int
ask_failing(void)
{
	WIPED(pin) pin = { .len = 0 };
	enum rc rc;

	fail_nth(terminal_fails, 1, EIO);
	rc = pin_ask("PIN for ca:", &pin);
	if (fail_stop() == NULL || pin.len != 0)
		return 97;
	return strstr(err_text(), "Input/output error") != NULL ? (int)rc : 97;
}

static void
a_terminal_that_fails_gives_no_pin(void **state)
{
	static const char *const calls[] = { "tcgetattr", "tcsetattr",
		"write" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pty pty;

		terminal_fails = calls[i];
		pty_start(&pty, ask_failing);
		assert_int_equal(pty_end(&pty), RC_IO);
		assert_true(strstr(pty.seen, "PIN for ca:") == NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_of_a_private_file_is_the_pin),
		cmocka_unit_test(a_file_that_others_may_read_is_refused),
		cmocka_unit_test(no_pin_and_no_file_are_refused),
		cmocka_unit_test(a_pin_has_at_most_64_bytes),
		cmocka_unit_test(a_control_character_costs_no_try),
		cmocka_unit_test(wiping_leaves_nothing),
		cmocka_unit_test(a_pin_is_asked_for_without_echo),
		cmocka_unit_test(control_c_and_an_empty_line_end_the_question),
		cmocka_unit_test(a_terminal_echoes_again_after_a_signal),
		cmocka_unit_test(
		    a_terminal_echoes_again_when_the_parent_was_killed),
		cmocka_unit_test(
		    without_a_terminal_the_sentence_says_what_to_do),
		cmocka_unit_test(a_hardened_process_dumps_no_core),
		cmocka_unit_test(a_pin_file_that_fails_is_named),
		cmocka_unit_test(a_file_of_another_user_is_refused),
		cmocka_unit_test(a_terminal_that_fails_gives_no_pin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_path, remove_path);
}
