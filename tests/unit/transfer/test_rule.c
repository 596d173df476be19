/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rules, and the manual page that describes it.
 *
 * After a change of transfer/rules.def: build/unit/transfer/test_rule --write
 */
#include "transfer/rule.h"

#include "base/file.h"
#include "tests/lib/check.h"
#include "transfer/format/payload.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE "docs/man/airgap-rules.7"
#define BEGIN \
	".\\\" rules: from transfer/rules.def by " \
	"build/unit/transfer/test_rule\n"
#define END ".\\\" end of rules\n"

#define PAGE_WIDTH 76 /* columns of a line of the page */

/* One word; what stands between backquotes is set as typed. */
static void
put_word(struct buf *out, const char *word, size_t n, bool *literal)
{
	for (size_t i = 0; i < n; i++) {
		if (word[i] == '`') {
			check_ok(buf_add_str(out, *literal ? "\\fP" : "\\fB"));
			*literal = !*literal;
		} else if (word[i] == '-') {
			check_ok(buf_add_str(out, "\\-"));
		} else {
			check_ok(buf_add_byte(out, (uint8_t)word[i]));
		}
	}
}

/* A sentence in lines that mandoc likes: none too long, and a new one after a
 * full stop. */
static void
put_text(struct buf *out, const char *lead, const char *text)
{
	size_t column = strlen(lead);
	bool literal = false;

	check_ok(buf_add_str(out, lead));
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		bool stop = text[n - 1] == '.' || text[n - 1] == ':';

		assert_true(n > 0 && text[0] != '.' && text[0] != '\'');
		if (column + n > PAGE_WIDTH - 10) {
			out->p[out->n - 1] = '\n';
			column = 0;
		}
		put_word(out, text, n, &literal);
		text += n + strspn(text + n, " ");
		column += n + 1;
		if (*text != '\0')
			check_ok(buf_add_byte(out, stop ? '\n' : ' '));
		if (stop)
			column = 0;
	}
	assert_false(literal);
	check_ok(buf_add_str(out, ".\n"));
}

static const char *
status_text(enum rc rc)
{
	switch (rc) {
	case RC_FORMAT:
		return "3";
	case RC_POLICY:
		return "4";
	case RC_TOKEN:
		return "5";
	case RC_IO:
		return "6";
	case RC_STATE:
		return "7";
	case RC_BUG:
		return "8";
	case RC_OK:
	case RC_PARTIAL:
	case RC_USAGE:
	default:
		return "?";
	}
}

static void
put_rules(struct buf *out)
{
	static const char *const scopes[] = { "request", "bundle", "stick" };

	check_ok(buf_add_str(out, BEGIN));
	for (unsigned i = RULE_NONE + 1; i < RULES; i++) {
		const struct rule_row *r = rule_row_get0((enum rule)i);

		check_ok(buf_printf(out, ".It Sy %s\n", r->name));
		check_ok(buf_printf(out, "(%s, status %s)\n", scopes[r->scope],
		    status_text(r->rc)));
		put_text(out, "Wanted: ", r->check);
		check_ok(buf_add_str(out, ".br\n"));
		put_text(out, "Remedy: ", r->remedy);
	}
	check_ok(buf_add_str(out, END));
}

/* The page taken apart around the rules. */
static void
split_page(struct buf *page, const char **ret_begin, const char **ret_end)
{
	const char *text;

	check_ok(file_read(AT_FDCWD, PAGE, 1 << 20, page));
	text = buf_cstr(page);
	*ret_begin = strstr(text, BEGIN);
	*ret_end = strstr(text, END);
	if (*ret_begin == NULL || *ret_end == NULL)
		fail_msg(PAGE ": its marks are missing");
	*ret_end += strlen(END);
}

static void
the_manual_has_every_rule_and_no_other(void **state)
{
	WIPED(buf) page = { 0 };
	WIPED(buf) wanted = { 0 };
	const char *begin, *end;

	(void)state;
	split_page(&page, &begin, &end);
	put_rules(&wanted);
	if (!span_eq(span_of(begin, (size_t)(end - begin)), buf_span(&wanted)))
		fail_msg(PAGE " differs from transfer/rules.def: run "
			      "build/unit/transfer/test_rule --write");
}

static void
the_table_is_sorted_and_complete(void **state)
{
	(void)state;
	for (unsigned i = RULE_NONE + 1; i < RULES; i++) {
		const struct rule_row *r = rule_row_get0((enum rule)i);

		assert_true(format_is_rule(span_str(r->name)));
		assert_true(strlen(r->name) <= RULE_NAME_MAX);
		assert_int_equal(rule_find(span_str(r->name)), i);
		assert_true(r->rc >= RC_FORMAT && r->rc <= RC_BUG);
		assert_true(r->check[0] != '\0' && r->remedy[0] != '\0');
		assert_null(strpbrk(r->check, "\n\\\""));
		assert_null(strpbrk(r->remedy, "\n\\\""));
		if (strcmp(rule_name((enum rule)(i - 1)), r->name) >= 0)
			fail_msg("%s does not follow in order", r->name);
	}
}

static void
a_refusal_bears_name_sentence_and_code(void **state)
{
	(void)state;
	assert_int_equal(
	    rule_refuse(RULE_KEY_TYPE, "%s: a key of clay", "k"), RC_POLICY);
	assert_string_equal(rule_name(rule_spoken()), "KEY-TYPE");
	assert_string_equal(err_text(), "k: a key of clay");
	assert_int_equal(rule_refuse(RULE_CSR_POP, "x"), RC_FORMAT);
	assert_int_equal(rule_find(span_str("NO-SUCH-RULE")), RULE_NONE);
}

static void
what_is_said_and_stopped_is_the_rows(void **state)
{
	const char *name = "unset", *remedy = "unset";

	(void)state;
	err_clear();
	assert_int_equal(rule_spoken(), RULE_NONE);
	(void)rule_refuse(RULE_KEY_TYPE, "x");
	assert_int_equal(rule_stops(), rule_row_get0(RULE_KEY_TYPE)->scope);
	rule_describe(RULE_KEY_TYPE, &name, &remedy);
	assert_string_equal(name, "KEY-TYPE");
	assert_string_equal(remedy, rule_row_get0(RULE_KEY_TYPE)->remedy);
	/* An error that no rule speaks of has no remedy. */
	rule_describe(RULE_NONE, &name, &remedy);
	assert_string_equal(name, "");
	assert_null(remedy);
}

static int
write_page(void)
{
	WIPED(buf) page = { 0 };
	WIPED(buf) out = { 0 };
	const char *begin, *end;

	split_page(&page, &begin, &end);
	check_ok(
	    buf_add(&out, page.p, (size_t)((const uint8_t *)begin - page.p)));
	put_rules(&out);
	check_ok(buf_add_str(&out, end));
	check_ok(file_replace(AT_FDCWD, PAGE, buf_span(&out), 0644));
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_every_rule_and_no_other),
		cmocka_unit_test(the_table_is_sorted_and_complete),
		cmocka_unit_test(a_refusal_bears_name_sentence_and_code),
		cmocka_unit_test(what_is_said_and_stopped_is_the_rows),
	};

	if (argc == 2 && strcmp(argv[1], "--write") == 0)
		return write_page();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
