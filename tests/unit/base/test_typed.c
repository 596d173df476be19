/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cmd.h"
#include "base/typed.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What sh makes of `word` as typed_word writes it, with the spelling in
 * `*typed`. */
static void
through_sh(const char *word, struct buf *typed, char *back, size_t n)
{
	WIPED(buf) command = { 0 };
	FILE *sh;
	size_t got;

	buf_reset(typed);
	check_ok(typed_word(typed, word));
	check_ok(buf_add_str(&command, "printf '%s|' one "));
	check_ok(buf_add_span(&command, buf_span(typed)));
	check_ok(buf_add_str(&command, " two"));
	sh = popen(
	    buf_cstr(&command), "r"); /* NOLINT(cert-env33-c): sh is asked */
	assert_non_null(sh);
	got = fread(back, 1, n - 1, sh);
	back[got] = '\0';
	assert_int_equal(pclose(sh), 0);
}

static void
sh_reads_each_word_as_it_is(void **state)
{
	static const char *const words[] = { "/var/lib/airgap-ca", "STICK",
		"dns:www.example.org", "a b", "it's", "\"", "$HOME", "`id`",
		"\\n", "\\", "*", "~", "a;b", "a&b", "-n", "#x", "!!", "'\"$",
		"(x)", "a\nb", "\t", "\x1b[31m", "\xc3\xa9", "\xff", "",
		"{a,b}", "%s", "\001", "a'b\"c$d`e\\f!g" };
	WIPED(buf) typed = { 0 };
	char back[200], wanted[200];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		through_sh(words[i], &typed, back, sizeof(back));
		(void)snprintf(wanted, sizeof(wanted), "one|%s|two|", words[i]);
		assert_string_equal(back, wanted);
		for (size_t at = 0; at < typed.n; at++)
			assert_in_range(typed.p[at], 0x20, 0x7e);
	}
}

static void
a_word_is_quoted_only_where_it_must_be(void **state)
{
	static const char *const rows[][2] = {
		{ "/var/lib/x-1_2.d", "/var/lib/x-1_2.d" },
		{ "/a b", "\"/a b\"" },
		{ "it's", "\"it's\"" },
		{ "$x", "'$x'" },
		{ "", "\"\"" },
		{ "\xc3\xa9", "\"$(printf '\\303\\251')\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		WIPED(buf) typed = { 0 };

		check_ok(typed_word(&typed, rows[i][0]));
		assert_string_equal(buf_cstr(&typed), rows[i][1]);
	}
}

/* ---- the home ------------------------------------------------------------ */

static const struct cmd cmds[] = { { .name = "sign" }, { .name = "list" },
	{ 0 } };
static const struct cmd_program program = {
	.name = "airgap-ca", .home_variable = "TYPED_TEST_HOME", .cmds = cmds
};

/* The sentence with what is put in. */
static void
told(const char *text, char *to)
{
	const char *from = to;

	for (const char *at = text; *at != '\0'; at++) {
		to = stpcpy(to, typed_home_at(text, at));
		*to++ = *at;
	}
	*to = '\0';
	assert_true((size_t)(to - from) <=
		    strlen(text) + typed_home_most(strlen(text)));
}

static void
a_command_is_told_with_its_home(void **state)
{
	static const char *const rows[][2] = {
		{ "airgap-ca sign STICK",
		    "airgap-ca --home \"/a b\" sign STICK" },
		{ "'airgap-ca list'", "'airgap-ca --home \"/a b\" list'" },
		{ "x\nairgap-ca list", "x\nairgap-ca --home \"/a b\" list" },
		{ "`airgap-ca sign X`; `airgap-ca list`",
		    "`airgap-ca --home \"/a b\" sign X`; `airgap-ca --home \"/a b\" list`" },
		/* no command of it, how to use one, another program's, another
		   word */
		{ "another airgap-ca restores there",
		    "another airgap-ca restores there" },
		{ "airgap-ca signs", "airgap-ca signs" },
		{ "'airgap-ca sign --help'", "'airgap-ca sign --help'" },
		{ "airgap-transfer list", "airgap-transfer list" },
		{ "my-airgap-ca list", "my-airgap-ca list" },
		{ "airgap-ca", "airgap-ca" },
		{ "OU=airgap-ca list", "OU=airgap-ca list" },
		{ "airgap-ca --home /x list", "airgap-ca --home /x list" },
	};
	char text[500];

	(void)state;
	check_ok(typed_home_set(&program, "/a b"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		told(rows[i][0], text);
		assert_string_equal(text, rows[i][1]);
	}
}

static void
the_default_home_goes_without_saying(void **state)
{
	const bool root = geteuid() == 0;
	char text[500], wanted[500], here[200];

	(void)state;
	(void)setenv("XDG_DATA_HOME", "/xdg", 1);
	(void)setenv("TYPED_TEST_HOME", "/by/variable", 1);
	check_ok(typed_home_set(
	    &program, root ? "/var/lib/airgap-ca" : "/xdg/airgap-ca"));
	told("airgap-ca list", text);
	assert_string_equal(text, "airgap-ca list");
	assert_int_equal(typed_home_most(100), 0);
	/* Who types it may not have the variable. */
	check_ok(typed_home_set(&program, "/by/variable"));
	told("airgap-ca list", text);
	assert_string_equal(text, "airgap-ca --home /by/variable list");
	/* Nor stand in the same directory. */
	check_ok(typed_home_set(&program, "there"));
	told("airgap-ca list", text);
	assert_non_null(getcwd(here, sizeof(here)));
	(void)snprintf(
	    wanted, sizeof(wanted), "airgap-ca --home %s/there list", here);
	assert_string_equal(text, wanted);
}

static void
without_memory_it_fails(void **state)
{
	(void)state;
	FAIL_EACH("malloc", ENOMEM)
	{
		WIPED(buf) typed = { 0 };
		enum rc word = typed_word(&typed, "a b\n");
		enum rc home = typed_home_set(&program, "/a b");
		const bool noted = err_shortage() == SHORT_OF_MEMORY;
		const char *failed = fail_stop();

		assert_int_equal(noted, failed != NULL);
		assert_true(failed != NULL || (word == RC_OK && home == RC_OK));
		err_shortage_clear();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sh_reads_each_word_as_it_is),
		cmocka_unit_test(a_word_is_quoted_only_where_it_must_be),
		cmocka_unit_test(a_command_is_told_with_its_home),
		cmocka_unit_test(the_default_home_goes_without_saying),
		cmocka_unit_test(without_memory_it_fails),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
