/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cmd.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the command under test was given. */
#define POP 7 /* the number of a rule */

static struct {
	const char *out, *home;
	bool flag, json, yes, dry_run;
	char operands[256];
	char names[256];
	unsigned runs;
} seen;

static void
join(char *to, size_t room, const struct cmd_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		(void)snprintf(
		    to + strlen(to), room - strlen(to), "<%s>", list->items[i]);
}

static enum rc
cmd_work(struct cmd_env *env, int argc, char **argv)
{
	WIPED(cmd_list) operands = { 0 };
	WIPED(cmd_list) names = { 0 };
	const struct cmd_option options[] = {
		{ "out", "MEDIA", "where to", NULL, &seen.out, NULL },
		{ "flag", NULL, "a flag", &seen.flag, NULL, NULL },
		{ "name", "NAME", "a name", NULL, NULL, &names },
		{ 0 },
	};
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	seen.runs++;
	seen.json = env->json;
	seen.yes = env->yes;
	seen.dry_run = env->dry_run;
	seen.home = env->home == NULL ? NULL : strdup(env->home);
	join(seen.operands, sizeof(seen.operands), &operands);
	join(seen.names, sizeof(seen.names), &names);
	return RC_OK;
}

static enum rc
cmd_refuse(struct cmd_env *env, int argc, char **argv)
{
	(void)env;
	(void)argc;
	(void)argv;
	return err_rule(RC_POLICY, POP, "f\033[2J: no proof");
}

/* As a library does that is out of memory. */
static enum rc
cmd_crash(struct cmd_env *env, int argc, char **argv)
{
	(void)env;
	(void)argc;
	(void)argv;
	err_note_shortage(SHORT_OF_MEMORY);
	(void)raise(SIGSEGV);
	return RC_OK;
}

static enum rc
cmd_due(struct cmd_env *env, int argc, char **argv)
{
	(void)env;
	(void)argc;
	(void)argv;
	err_clear();
	return RC_PARTIAL;
}

static enum rc
cmd_tell(struct cmd_env *env, int argc, char **argv)
{
	(void)env;
	(void)argc;
	(void)argv;
	return cmd_json(json_pack("{s:o, s:o, s:o, s:n}", "text",
	    cmd_json_text(span_of("a\xff\n", 3)), "hex",
	    cmd_json_hex(span_of("\xab\x01", 2)), "at", cmd_json_time(0),
	    "none"));
}

static enum rc
cmd_rows(struct cmd_env *env, int argc, char **argv)
{
	enum rc rc = cmd_json_item(json_pack("[s]", "a\x7f"), true);

	(void)env;
	(void)argc;
	(void)argv;
	return rc != RC_OK ? rc : cmd_json_item(json_pack("[s]", "b"), false);
}

static enum rc
cmd_alone(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc == RC_OK)
		rc = cmd_operands_none(env, &operands);
	return rc == RC_OK ? cmd_wants(env, "--to FILE") : rc;
}

static enum rc
cmd_single(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	const char *media = "unset";
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc == RC_OK)
		rc = cmd_operand_one(env, &operands, "MEDIA", &media);
	if (rc == RC_OK)
		(void)puts(media);
	return rc;
}

/* The disk is full for a moment, in the middle of the output. */
static enum rc
cmd_spill(struct cmd_env *env, int argc, char **argv)
{
	int full = open("/dev/full", O_WRONLY), saved = dup(1);

	(void)env;
	(void)argc;
	(void)argv;
	(void)dup2(full, 1);
	(void)puts("lost");
	(void)fflush(stdout);
	(void)dup2(saved, 1);
	(void)close(full);
	(void)close(saved);
	(void)puts("kept");
	return RC_OK;
}

static enum rc
cmd_pick(struct cmd_env *env, int argc, char **argv)
{
	const char *style = NULL;
	const struct cmd_option options[] = {
		{ "style", "pem|der", "one of a few", NULL, &style, NULL },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	bool done;

	return cmd_options(env, argc, argv, options, &operands, &done);
}

static const struct cmd cmds[] = {
	{ "work", cmd_work, "MEDIA [--out MEDIA]", "do the work" },
	{ "refuse", cmd_refuse, "", "refuse" },
	{ "due", cmd_due, "", "say that something is due" },
	{ "tell", cmd_tell, "", "print JSON" },
	{ "rows", cmd_rows, "", "print items" },
	{ "alone", cmd_alone, "", "take no operand" },
	{ "single", cmd_single, "MEDIA", "take one" },
	{ "spill", cmd_spill, "", "print to a full disk" },
	{ "crash", cmd_crash, "", "print to a full disk" },
	{ 0 },
};

static void
describe(unsigned rule, const char **ret_name, const char **ret_remedy)
{
	*ret_name = rule == POP ? "POP" : "?";
	*ret_remedy = rule == POP ? "prove it" : NULL;
}

static const struct cmd_program program = {
	.name = "airgap-test",
	.about = "A program for tests",
	.home_variable = "AIRGAP_TEST_HOME",
	.cmds = cmds,
	.rule = describe,
};

static const struct cmd_program *ran = &program;

/* Text that arrived on stdout and stderr of the last run. */
static char out[8192], err[8192];

static void
slurp(FILE *from, char *to, size_t room)
{
	size_t n;

	rewind(from);
	n = fread(to, 1, room - 1, from);
	to[n] = '\0';
	(void)fclose(from);
}

/* Run a command line, its words parted by single spaces. */
static int
run(const char *line)
{
	FILE *to_out = tmpfile(), *to_err = tmpfile();
	int saved_out = dup(1), saved_err = dup(2), argc = 0, status;
	char copy[512], *argv[64], *word, *rest = copy;

	free((char *)(uintptr_t)seen.home);
	memset(&seen, 0, sizeof(seen));
	err_clear();
	err_shortage_clear(); /* each is a process of its own */
	(void)snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	(void)fflush(stdout);
	(void)dup2(fileno(to_out), 1);
	(void)dup2(fileno(to_err), 2);
	status = cmd_main(ran, argc, argv);
	(void)fflush(stdout);
	(void)fflush(stderr);
	(void)dup2(saved_out, 1);
	(void)dup2(saved_err, 2);
	(void)close(saved_out);
	(void)close(saved_err);
	slurp(to_out, out, sizeof(out));
	slurp(to_err, err, sizeof(err));
	return status;
}

static void
options_stand_anywhere_and_operands_keep_their_order(void **state)
{
	(void)state;
	assert_int_equal(
	    run("t --home /h work a --out=/o b --flag --name x c --name=y"), 0);
	assert_string_equal(seen.operands, "<a><b><c>");
	assert_string_equal(seen.names, "<x><y>");
	assert_string_equal(seen.out, "/o");
	assert_string_equal(seen.home, "/h");
	assert_true(seen.flag);
	assert_false(seen.json || seen.yes || seen.dry_run);
	assert_string_equal(err, "");
}

static void
common_options_stand_on_either_side(void **state)
{
	(void)state;
	assert_int_equal(run("t --json --yes -n work"), 0);
	assert_true(seen.json && seen.yes && seen.dry_run);
	assert_int_equal(run("t work --json --yes -n --home /h"), 0);
	assert_true(seen.json && seen.yes && seen.dry_run);
	assert_string_equal(seen.home, "/h");
}

static void
after_two_dashes_all_are_operands(void **state)
{
	(void)state;
	assert_int_equal(run("t work -- --out -n - x"), 0);
	assert_string_equal(seen.operands, "<--out><-n><-><x>");
	assert_int_equal(run("t work -"), 0);
	assert_string_equal(seen.operands, "<->");
}

static void
a_wrong_line_says_what_is_wrong(void **state)
{
	static const char *const cases[][2] = {
		{ "t work --nope", "unknown option --nope;" },
		{ "t work --ou=x", "unknown option --ou;" },
		{ "t work -x", "unknown option -x;" },
		{ "t work --out", "--out wants a value" },
		{ "t work --out a --out b", "--out is given twice" },
		{ "t work --flag=1", "--flag takes no value" },
		{ "t work --yes=1", "unknown option --yes;" },
		{ "t play", "unknown command play;" },
		{ "t --nope work", "unknown option --nope;" },
		{ "t", "usage: airgap-test COMMAND" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(run(cases[i][0]), RC_USAGE);
		if (strstr(err, cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], err);
		assert_string_equal(out, "");
		assert_int_equal(seen.runs, 0);
	}
}

static void
help_goes_to_stdout_and_runs_nothing(void **state)
{
	(void)state;
	assert_int_equal(run("t --help"), 0);
	assert_non_null(strstr(out, "  work           do the work\n"));
	assert_int_equal(run("t work --out x -h"), 0);
	assert_non_null(
	    strstr(out, "usage: airgap-test work MEDIA [--out MEDIA]\n"));
	assert_non_null(strstr(out, "--name NAME "));
	assert_int_equal(seen.runs, 0);
	assert_int_equal(run("t --version"), 0);
	assert_memory_equal(out, "airgap-test ", 12);
	assert_string_equal(err, "");
}

static void
the_home_comes_from_the_environment_otherwise(void **state)
{
	(void)state;
	(void)setenv("AIRGAP_TEST_HOME", "/by/variable", 1);
	assert_int_equal(run("t work"), 0);
	assert_string_equal(seen.home, "/by/variable");
	(void)unsetenv("AIRGAP_TEST_HOME");
}

static void
a_refusal_is_printed_once_escaped_with_its_rule_and_remedy(void **state)
{
	(void)state;
	assert_int_equal(run("t refuse"), RC_POLICY);
	assert_non_null(
	    strstr(err, "airgap-test: f\\x1b[2J: no proof [POP]\n"));
	assert_non_null(strstr(err, "remedy"));
	assert_non_null(strstr(err, "prove it\n"));
	assert_int_equal(run("t due"), RC_PARTIAL);
	assert_string_equal(err, "");
}

static void
operands_are_as_many_as_the_command_takes(void **state)
{
	(void)state;
	assert_int_equal(run("t single stick"), RC_OK);
	assert_string_equal(out, "stick\n");
	assert_int_equal(run("t single"), RC_USAGE);
	assert_string_equal(err, "airgap-test: single wants one MEDIA, not 0; "
				 "'airgap-test single --help' tells more\n");
	assert_int_equal(run("t single a b"), RC_USAGE);
	assert_non_null(strstr(err, "MEDIA, not 2;"));
	assert_int_equal(run("t alone it"), RC_USAGE);
	assert_string_equal(err,
	    "airgap-test: alone takes no operand, but \"it\" was given; "
	    "'airgap-test alone --help' tells more\n");
	assert_int_equal(run("t alone"), RC_USAGE);
	assert_string_equal(err,
	    "airgap-test: alone wants --to FILE; 'airgap-test alone --help' "
	    "tells more\n");
}

static void
json_is_one_line_of_ascii(void **state)
{
	(void)state;
	assert_int_equal(run("t tell"), 0);
	assert_string_equal(out,
	    "{\"text\":\"a\\\\xff\\\\x0a\",\"hex\":\"ab01\","
	    "\"at\":\"1970-01-01T00:00:00Z\",\"none\":null}\n");
}

static void
items_are_parted_and_as_plain_as_a_document(void **state)
{
	json_t *list = json_array();

	(void)state;
	assert_int_equal(run("t rows"), 0);
	assert_string_equal(out, "[\"a\\u007f\"],[\"b\"]");
	cmd_json_add(&list, json_true());
	assert_int_equal(json_array_size(list), 1);
	cmd_json_add(&list, NULL); /* as when memory runs out */
	assert_null(list);
	cmd_json_add(&list, NULL);
	assert_int_equal(cmd_json(list), RC_IO);
}

static void
output_lost_on_the_way_is_no_success(void **state)
{
	(void)state;
	assert_int_equal(run("t spill"), RC_IO);
	assert_non_null(strstr(err, "standard output cannot be written"));
	clearerr(stdout);
}

static void
a_crash_for_want_of_memory_is_told_as_that(void **state)
{
	char line[128] = "", name[] = "t", crash[] = "crash";
	char *argv[] = { name, crash, NULL };
	int pipes[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL); /* cmocka has its own */
		(void)dup2(pipes[1], STDERR_FILENO);
		_exit(cmd_main(ran, 2, argv));
	}
	(void)close(pipes[1]);
	assert_true(read(pipes[0], line, sizeof(line) - 1) > 0);
	(void)close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), RC_IO);
	assert_string_equal(
	    line, "airgap-test: out of memory, and a library crashed of it\n");
}

static void
too_many_operands_are_refused(void **state)
{
	char *argv[CMD_LIST_MAX + 4];
	char work[] = "work", x[] = "x";

	(void)state;
	argv[0] = argv[1] = work;
	for (size_t i = 2; i < CMD_LIST_MAX + 3; i++)
		argv[i] = x;
	argv[CMD_LIST_MAX + 3] = NULL;
	err_clear();
	err_shortage_clear();
	assert_int_equal(cmd_main(&program, CMD_LIST_MAX + 3, argv), RC_USAGE);
	assert_non_null(strstr(err_text(), "more than 10000 operands"));
}

/* What bash offers at the end of a line, its words parted by spaces; the last
 * one is being typed. */
static const char *
offered(const char *line)
{
	static char said[1024];
	char command[1600], script[] = "/tmp/airgap-complete.XXXXXX";
	int fd = mkstemp(script);
	size_t n = strlen(out);
	FILE *bash;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, out, n), n);
	(void)close(fd);
	(void)snprintf(command, sizeof(command),
	    "bash -c '. %s; read -ra COMP_WORDS <<<\"$1.\";"
	    "COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
	    "COMP_WORDS[COMP_CWORD]=${COMP_WORDS[COMP_CWORD]%%.};"
	    "compopt() { COMPREPLY=(\"$2\"); }; _airgap_pick;"
	    "echo -n \"${COMPREPLY[*]}\"' x '%s'",
	    script, line);
	bash = popen(command, "r");
	assert_non_null(bash);
	n = fread(said, 1, sizeof(said) - 1, bash);
	said[n] = '\0';
	assert_int_equal(pclose(bash), 0);
	(void)unlink(script);
	return said;
}

static void
completion_offers_what_the_table_knows(void **state)
{
	static const struct cmd picks[] = {
		{ "pick", cmd_pick,
		    "list | remove LABEL | [--style STYLE] MEDIA", "pick" },
		{ 0 },
	};
	static const struct cmd_program picker = { .name = "airgap-pick",
		.about = "x",
		.home_variable = "H",
		.cmds = picks };
	const struct cmd_program *before = ran;

	(void)state;
	ran = &picker;
	assert_int_equal(run("airgap-pick --completion"), 0);
	ran = before;
	assert_non_null(strstr(out, "complete -F _airgap_pick airgap-pick\n"));
	assert_string_equal(offered("airgap-pick p"), "pick");
	assert_string_equal(offered("airgap-pick --v"), "--version");
	assert_string_equal(offered("airgap-pick pick "), "list remove");
	assert_string_equal(offered("airgap-pick pick r"), "remove");
	assert_string_equal(offered("airgap-pick pick --st"), "--style");
	assert_string_equal(
	    offered("airgap-pick --home d pick --style "), "pem der");
	assert_string_equal(offered("airgap-pick pick --style d"), "der");
	assert_string_equal(offered("airgap-pick pick --home "), "default");
}

static void
without_memory_no_json_is_half_said(void **state)
{
	(void)state;
	FAIL_EACH("malloc json_dumps json_stringn", ENOMEM)
	{
		int status = run("t tell");
		const char *failed = fail_stop();

		if (status == RC_OK) {
			assert_non_null(strstr(out, ",\"none\":null}\n"));
			continue;
		}
		assert_non_null(failed);
		assert_int_equal(status, RC_IO);
		assert_string_equal(out, "");
		assert_string_equal(err, "airgap-test: out of memory\n");
	}
}

static void
without_memory_no_option_is_taken(void **state)
{
	(void)state;
	fail_nth("reallocarray", 1, ENOMEM);
	assert_int_equal(run("t work a"), RC_IO);
	assert_non_null(fail_stop());
	assert_int_equal(seen.runs, 0);
}

static void
a_duration_that_is_none_names_its_option(void **state)
{
	int64_t seconds = 5;

	(void)state;
	check_ok(cmd_duration("for", NULL, &seconds));
	assert_int_equal(seconds, 5);
	check_ok(cmd_duration("for", "2h", &seconds));
	assert_int_equal(seconds, 7200);
	assert_int_equal(cmd_duration("for", "2x", &seconds), RC_USAGE);
	assert_string_equal(
	    err_text(), "--for 2x: not digits and one of h, d, w");
	assert_int_equal(seconds, 7200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    options_stand_anywhere_and_operands_keep_their_order),
		cmocka_unit_test(common_options_stand_on_either_side),
		cmocka_unit_test(after_two_dashes_all_are_operands),
		cmocka_unit_test(a_wrong_line_says_what_is_wrong),
		cmocka_unit_test(help_goes_to_stdout_and_runs_nothing),
		cmocka_unit_test(the_home_comes_from_the_environment_otherwise),
		cmocka_unit_test(
		    a_refusal_is_printed_once_escaped_with_its_rule_and_remedy),
		cmocka_unit_test(operands_are_as_many_as_the_command_takes),
		cmocka_unit_test(json_is_one_line_of_ascii),
		cmocka_unit_test(items_are_parted_and_as_plain_as_a_document),
		cmocka_unit_test(output_lost_on_the_way_is_no_success),
		cmocka_unit_test(a_crash_for_want_of_memory_is_told_as_that),
		cmocka_unit_test(too_many_operands_are_refused),
		cmocka_unit_test(completion_offers_what_the_table_knows),
		cmocka_unit_test(without_memory_no_json_is_half_said),
		cmocka_unit_test(without_memory_no_option_is_taken),
		cmocka_unit_test(a_duration_that_is_none_names_its_option),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
