/* SPDX-License-Identifier: Apache-2.0 */
#include "base/run.h"

#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
