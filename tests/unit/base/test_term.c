/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/term.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"
#include "tests/lib/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What term_print writes, as a string to free. */
#define printed(...) \
	__extension__({ \
		char *text_ = NULL; \
		size_t n_; \
		FILE *to_ = open_memstream(&text_, &n_); \
		term_print(to_, __VA_ARGS__); \
		(void)fclose(to_); \
		text_; \
	})

static void
only_printable_bytes_pass(void **state)
{
	WIPED(buf) out = { 0 };
	uint8_t all[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	check_ok(term_escape(&out, span_of(all, sizeof(all))));
	for (size_t i = 0; i < out.n; i++)
		assert_in_range(out.p[i], 0x20, 0x7e);
	/* 94 stand for themselves, the backslash is two, the rest four. */
	assert_int_equal(out.n, 94 + 2 + 4 * 161);
	buf_reset(&out);
	check_ok(term_escape(&out, span_str("a\\x0a\033[2J\nb\xc3\xa9")));
	assert_string_equal(buf_cstr(&out), "a\\\\x0a\\x1b[2J\\x0ab\\xc3\\xa9");
}

static void
newlines_are_ours_and_never_an_arguments(void **state)
{
	char *text = printed("one\n%s\ntwo\n", "a\nb\r\033[31m\x01");

	(void)state;
	assert_string_equal(text, "one\na\\x0ab\\x0d\\x1b[31m\\x01\ntwo\n");
	free(text);
}

static void
plain_streams_get_no_colour(void **state)
{
	char *text = printed("%d %s", 7, "seven");

	(void)state;
	assert_string_equal(text, "7 seven");
	free(text);
}

static char *
captured_field(const char *label, const char *value)
{
	char *text = calloc(1, 4096);
	int saved = dup(2), pair[2];
	ssize_t n;

	assert_non_null(text);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(dup2(pair[1], 2), 2);
	term_field(label, "%s", value);
	(void)fflush(stderr);
	assert_int_equal(dup2(saved, 2), 2);
	n = read(pair[0], text, 4095);
	assert_true(n > 0);
	(void)close(saved);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return text;
}

static void
a_field_is_wrapped_under_its_value(void **state)
{
	char *text = captured_field("names:",
	    "one.example.org two.example.org three.example.org "
	    "four.example.org five.example.org");

	(void)state;
	assert_string_equal(text,
	    "  names:        one.example.org two.example.org "
	    "three.example.org\n"
	    "                four.example.org five.example.org\n");
	free(text);
	text = captured_field("a label too long:", "value");
	assert_string_equal(text, "  a label too long: value\n");
	free(text);
}

static void
a_word_longer_than_the_line_stays_whole(void **state)
{
	char word[150], wanted[200], *text;

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	text = captured_field("x:", strcat(strcpy(wanted, word), " next"));
	(void)snprintf(wanted, sizeof(wanted),
	    "  x:            %s\n                next\n", word);
	assert_string_equal(text, wanted);
	free(text);
}

static int
confirm(void)
{
	bool yes = false;

	if (term_confirm("Sign\033[2J?", "--yes", &yes) != RC_OK)
		return 9;
	return yes ? 0 : 1;
}

static void
only_yes_typed_whole_is_yes(void **state)
{
	static const struct {
		const char *typed;
		int want;
	} cases[] = { { "Yes\n", 0 }, { "yes\n", 1 }, { "Y\n", 1 },
		{ "YES\n", 1 }, { "Yes \n", 1 }, { "\n", 1 }, { "\4", 9 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pty pty;

		pty_start(&pty, confirm);
		pty_answer(&pty, "Sign\\x1b[2J? ", cases[i].typed);
		assert_int_equal(pty_end(&pty), cases[i].want);
	}
}

static int
confirm_later(void)
{
	(void)fputs("ready\n", stdout);
	(void)fflush(stdout);
	(void)getchar(); /* so that what was typed ahead is there */
	return confirm();
}

static void
what_was_typed_before_the_question_is_no_answer(void **state)
{
	struct pty pty;

	(void)state;
	pty_start(&pty, confirm_later);
	pty_answer(&pty, "ready", "\nYes\n");
	pty_answer(&pty, "Sign", "no\n");
	assert_int_equal(pty_end(&pty), 1);
}

static int
ask_too_long(void)
{
	WIPED(buf) answer = { 0 };

	return (int)term_ask("What?", "--what", &answer);
}

static void
an_endless_answer_is_refused(void **state)
{
	char keys[302];
	struct pty pty;

	(void)state;
	memset(keys, 'a', 300);
	keys[300] = '\n';
	keys[301] = '\0';
	pty_start(&pty, ask_too_long);
	pty_answer(&pty, "What?", keys);
	assert_int_equal(pty_end(&pty), RC_USAGE);
}

/* Without a controlling terminal there is nobody to ask. */
static void
no_terminal_means_give_the_option(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		bool yes = false;
		enum rc rc;

		(void)setsid();
		rc = term_confirm("Sign?", "--yes", &yes);
		_exit(rc == RC_USAGE && !yes && !term_present() &&
			      strcmp(err_text(),
				  "there is no terminal to ask \"Sign?\": "
				  "give --yes") == 0
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
show_colours(void)
{
	(void)setenv("TERM", "xterm", 1);
	term_bold("bold\n");
	(void)setenv("NO_COLOR", "1", 1);
	term_alarm("plain\n");
	return term_present() ? 0 : 1;
}

static void
colours_only_at_a_terminal_that_wants_them(void **state)
{
	struct pty pty;

	(void)state;
	(void)unsetenv("NO_COLOR");
	pty_start(&pty, show_colours);
	assert_int_equal(pty_end(&pty), 0);
	assert_string_equal(pty.seen, "\033[1mbold\033[0m\r\nplain\r\n");
}

static int
show_progress(void)
{
	struct term_progress p;

	term_progress_start(&p, "signing", 10);
	term_progress_at(&p, 1); /* too early to be shown */
	p.started_ns -= 2000 * MS;
	term_progress_at(&p, 5);
	term_progress_at(&p, 6); /* too soon after the last */
	term_progress_end(&p);
	return 0;
}

static void
progress_is_shown_after_a_second_and_cleared(void **state)
{
	struct pty pty;

	(void)state;
	pty_start(&pty, show_progress);
	assert_int_equal(pty_end(&pty), 0);
	assert_non_null(strstr(pty.seen, "signing: 5 of 10 (50 %)"));
	assert_null(strstr(pty.seen, "1 of 10"));
	assert_null(strstr(pty.seen, "6 of 10"));
	assert_int_equal(pty.seen[pty.n - 1], '\r');
}

static void
without_memory_nothing_is_half_said(void **state)
{
	(void)state;
	FAIL_EACH("malloc", ENOMEM)
	{
		char *text = printed("a%2000s\n", "\n");
		const bool noted = err_shortage() == SHORT_OF_MEMORY;
		const char *failed = fail_stop();

		assert_int_equal(strlen(text), failed == NULL ? 2005 : 0);
		assert_int_equal(noted, failed != NULL);
		free(text);
	}
}

/* The sentence that there is no memory is such a line. */
static void
a_short_line_wants_no_memory(void **state)
{
	char *text;

	(void)state;
	fail_nth("malloc", 1, ENOMEM);
	text = printed("%s\n", "a\nb");
	assert_null(fail_stop());
	assert_string_equal(text, "a\\x0ab\n");
	free(text);
}

static void
what_was_not_seen_is_not_confirmed(void **state)
{
	bool yes = true; /* as --yes says it */

	(void)state;
	check_ok(term_shown());
	check_ok(term_confirm("Sign?", "--yes", &yes));
	assert_true(yes);
	err_note_shortage(SHORT_OF_MEMORY); /* a line was not shown */
	assert_int_equal(term_shown(), RC_IO);
	assert_int_equal(term_confirm("Sign?", "--yes", &yes), RC_IO);
	assert_string_equal(err_text(), "out of memory");
	err_shortage_clear();
	check_ok(term_confirm("Sign?", "--yes", &yes));
}

/* Standard error on a disk that is full is no wish of anybody's; a closed one
 * is. */
static void
standard_error_must_take_what_it_is_told(void **state)
{
	static const struct {
		const char *path;
		int flags;
		enum rc rc;
	} places[] = { { "/dev/full", O_WRONLY, RC_IO },
		{ "/dev/null", O_RDONLY, RC_OK },
		{ "/dev/null", O_WRONLY, RC_OK } };
	const int saved = dup(STDERR_FILENO);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int fd = open(places[i].path, places[i].flags);
		enum rc rc;

		assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
		(void)close(fd);
		term_say("seen\n");
		rc = term_shown();
		clearerr(stderr);
		(void)dup2(saved, STDERR_FILENO);
		assert_int_equal(rc, places[i].rc);
	}
	(void)close(saved);
}

/* What a process says that dies of `sig`, and how it ends. */
static int
dying(int sig, bool ignored, const char *text, char *ret, size_t size)
{
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(pipes[1], STDERR_FILENO);
		/* Whoever runs the tests may ignore one (nohup). */
		(void)signal(sig, ignored ? SIG_IGN : SIG_DFL);
		term_farewell("Something else.");
		term_farewell(text);
		(void)raise(sig);
		_exit(0);
	}
	(void)close(pipes[1]);
	n = read(pipes[0], ret, size - 1);
	ret[n < 0 ? 0 : n] = '\0';
	(void)close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
a_signal_that_ends_it_has_its_line(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	char said[64];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const int sig = signals[i];

		assert_int_equal(
		    dying(sig, false, "Kept.", said, sizeof(said)), sig);
		assert_string_equal(said, "\nKept.\n");
		assert_int_equal(
		    dying(sig, false, NULL, said, sizeof(said)), sig);
		assert_string_equal(said, "");
		assert_int_equal(
		    dying(sig, true, "Kept.", said, sizeof(said)), 0);
		assert_string_equal(said, "");
	}
}

static const char *terminal_fails;
static int terminal_why;

/* 97: something other than the call was refused, or the answer was taken. */
static int
confirm_failing(void)
{
	bool yes = false;
	enum rc rc;

	fail_nth(terminal_fails, 1, terminal_why);
	rc = term_confirm("Sign?", "--yes", &yes);
	if (fail_stop() == NULL)
		return 97;
	if (rc == RC_OK)
		return yes ? 0 : 1;
	return yes ? 97 : (int)rc;
}

static void
a_terminal_that_fails_has_not_said_yes(void **state)
{
	struct pty pty;

	(void)state;
	terminal_why = EIO;
	terminal_fails = "openat";
	pty_start(&pty, confirm_failing);
	assert_int_equal(pty_end(&pty), RC_USAGE);
	terminal_fails = "write";
	pty_start(&pty, confirm_failing);
	assert_int_equal(pty_end(&pty), RC_IO);
	terminal_fails = "read";
	pty_start(&pty, confirm_failing);
	assert_int_equal(pty_end(&pty), RC_IO);
	terminal_fails = "malloc";
	pty_start(&pty, confirm_failing);
	assert_int_equal(pty_end(&pty), RC_IO);
	terminal_fails = "read";
	terminal_why = EINTR;
	pty_start(&pty, confirm_failing);
	pty_answer(&pty, "Sign? ", "Yes\n");
	assert_int_equal(pty_end(&pty), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_printable_bytes_pass),
		cmocka_unit_test(newlines_are_ours_and_never_an_arguments),
		cmocka_unit_test(plain_streams_get_no_colour),
		cmocka_unit_test(a_field_is_wrapped_under_its_value),
		cmocka_unit_test(a_word_longer_than_the_line_stays_whole),
		cmocka_unit_test(only_yes_typed_whole_is_yes),
		cmocka_unit_test(
		    what_was_typed_before_the_question_is_no_answer),
		cmocka_unit_test(an_endless_answer_is_refused),
		cmocka_unit_test(no_terminal_means_give_the_option),
		cmocka_unit_test(colours_only_at_a_terminal_that_wants_them),
		cmocka_unit_test(progress_is_shown_after_a_second_and_cleared),
		cmocka_unit_test(without_memory_nothing_is_half_said),
		cmocka_unit_test(a_short_line_wants_no_memory),
		cmocka_unit_test(a_signal_that_ends_it_has_its_line),
		cmocka_unit_test(what_was_not_seen_is_not_confirmed),
		cmocka_unit_test(standard_error_must_take_what_it_is_told),
		cmocka_unit_test(a_terminal_that_fails_has_not_said_yes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
