/* SPDX-License-Identifier: Apache-2.0 */
#include "base/run.h"

#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
splits(const char *command, size_t n, const char *const *words)
{
	struct run_words found;

	check_ok(run_split(command, &found));
	assert_int_equal(found.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(found.argv[i], words[i]);
	assert_null(found.argv[n]);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__ })

static void
words_are_parted_by_blanks_and_quotes_keep_them(void **state)
{
	(void)state;
	splits("systemctl reload jabberd2", 3,
	    WORDS("systemctl", "reload", "jabberd2"));
	splits(" \ta  b\t", 2, WORDS("a", "b"));
	splits("a 'b c' \"d e\"", 3, WORDS("a", "b c", "d e"));
	splits("a b'c d'e\"f g\"h", 2, WORDS("a", "bc def gh"));
	splits("a '' \"\"", 3, WORDS("a", "", ""));
	splits("a \"it's\" 'a \"b\"'", 3, WORDS("a", "it's", "a \"b\""));
}

static void
nothing_but_quotes_is_special(void **state)
{
	(void)state;
	splits("a $HOME `id` *.pem ~ b\\ c ; d|e >f &", 11,
	    WORDS("a", "$HOME", "`id`", "*.pem", "~", "b\\", "c", ";", "d|e",
		">f", "&"));
	splits("a \"$HOME\\\"", 2, WORDS("a", "$HOME\\"));
}

static void
refuses(const char *command, const char *sentence)
{
	struct run_words words;

	assert_int_equal(run_split(command, &words), RC_USAGE);
	assert_string_equal(err_text(), sentence);
}

static void
what_is_no_command_is_refused(void **state)
{
	char many[2 * RUN_WORDS_MAX + 3];
	char longest[RUN_LINE_MAX + 1];
	struct run_words words;

	(void)state;
	refuses("", "command: names no program");
	refuses(" \t ", "command: names no program");
	refuses("'' a", "command: names no program");
	refuses("a 'b", "command: a ' that is not closed");
	refuses("a \"b' c", "command: a \" that is not closed");
	refuses("a\nb", "command: holds a control character");
	refuses("a\x7f", "command: holds a control character");
	for (size_t i = 0; i <= RUN_WORDS_MAX; i++)
		memcpy(many + 2 * i, "a ", 3);
	refuses(many, "command: more than 64 words");
	many[2 * (size_t)RUN_WORDS_MAX] = '\0';
	check_ok(run_split(many, &words));
	assert_int_equal(words.n, RUN_WORDS_MAX);
	memset(longest, 'a', RUN_LINE_MAX);
	longest[RUN_LINE_MAX] = '\0';
	refuses(longest, "command: longer than 4095 bytes");
	longest[RUN_LINE_MAX - 1] = '\0';
	check_ok(run_split(longest, &words));
}

static void
fails(const char *command, int seconds, const char *sentence)
{
	assert_int_equal(run_command(command, seconds), RC_IO);
	assert_string_equal(err_text(), sentence);
}

static void
how_a_command_ended_is_told(void **state)
{
	(void)state;
	check_ok(run_command("true", 60));
	check_ok(run_command("sh -c 'exit 0'", 60));
	fails("false", 60, "\"false\": left with status 1");
	fails("sh -c 'exit 7'", 60, "\"sh -c 'exit 7'\": left with status 7");
	fails("sh -c 'kill -9 $$'", 60,
	    "\"sh -c 'kill -9 $$'\": died of signal 9");
	fails("/no/such/program a", 60,
	    "\"/no/such/program a\": cannot be started: No such file or "
	    "directory");
}

static void
one_that_does_not_end_is_ended_with_what_it_started(void **state)
{
	(void)state;
	fails("sleep 1000", 0, "\"sleep 1000\": did not end in 0 s");
	/* deaf to SIGTERM, with a child */
	fails("sh -c 'trap \"\" TERM; sleep 1000 & wait; sleep 1000'", 0,
	    "\"sh -c 'trap \"\" TERM; sleep 1000 & wait; sleep 1000'\": did "
	    "not end in 0 s");
}

static void
a_command_has_no_input_and_a_usual_umask(void **state)
{
	char dir[] = "/tmp/run.XXXXXX", command[200], file[64];
	mode_t old = umask(077);
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/made", dir);
	(void)snprintf(command, sizeof(command), "touch %s", file);
	check_ok(run_command(command, 60));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(umask(old), 077);
	check_ok(run_command("sh -c '! read line'", 60)); /* stdin has ended */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
a_command_has_nothing_of_ours(void **state)
{
	int fd = open("/dev/null", O_RDONLY); /* as a caller's: not closing */

	(void)state;
	assert_true(fd > 2);
	assert_int_equal(setenv("RUN_SECRET", "secret", 1), 0);
	assert_int_equal(setenv("LC_TEST", "kept", 1), 0);
	check_ok(run_command("sh -c 'test -z \"$RUN_SECRET\"'", 60));
	check_ok(run_command("sh -c 'test \"$LC_TEST\" = kept'", 60));
	check_ok(run_command("sh -c 'test -n \"$PATH\"'", 60));
	/* ls has its own one open, of the directory */
	check_ok(run_command(
	    "sh -c 'test \"$(ls /proc/self/fd | wc -l)\" = 4'", 60));
	assert_int_equal(close(fd), 0);
	assert_int_equal(unsetenv("RUN_SECRET"), 0);
	assert_int_equal(unsetenv("LC_TEST"), 0);
}

/* Its first process leaves at SIGTERM, its second is deaf to it, and holds the
 * pipe's end until it is gone. */
static void
what_a_command_leaves_behind_is_ended_too(void **state)
{
	char dir[] = "/tmp/run.XXXXXX", command[200], file[64], byte;
	struct pollfd p = { .events = POLLIN };

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/pipe", dir);
	assert_int_equal(mkfifo(file, 0600), 0);
	p.fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(p.fd >= 0);
	(void)snprintf(command, sizeof(command),
	    "sh -c '(trap \"\" TERM; echo; exec sleep 1000) >%s & wait'", file);
	assert_int_equal(run_command(command, 2), RC_IO);
	assert_int_equal(read(p.fd, &byte, 1), 1); /* it was there */
	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(p.revents, POLLHUP);
	assert_int_equal(close(p.fd), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* As a kernel or a container's filter that has no pidfd_open. */
static void
without_a_pidfd_a_command_has_its_time(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

		if (f == NULL ||
		    seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM),
			SCMP_SYS(pidfd_open), 0) != 0 ||
		    seccomp_load(f) != 0)
			_exit(3);
		if (run_command("sleep 0.3", 60) != RC_OK)
			_exit(4);
		if (run_command("sleep 1000", 0) != RC_IO)
			_exit(5);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    words_are_parted_by_blanks_and_quotes_keep_them),
		cmocka_unit_test(nothing_but_quotes_is_special),
		cmocka_unit_test(what_is_no_command_is_refused),
		cmocka_unit_test(how_a_command_ended_is_told),
		cmocka_unit_test(
		    one_that_does_not_end_is_ended_with_what_it_started),
		cmocka_unit_test(a_command_has_no_input_and_a_usual_umask),
		cmocka_unit_test(a_command_has_nothing_of_ours),
		cmocka_unit_test(what_a_command_leaves_behind_is_ended_too),
		cmocka_unit_test(without_a_pidfd_a_command_has_its_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
