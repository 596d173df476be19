/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to a command and back to an exit status. What --help and the
 * completion print is in cmd_usage.c and cmd_complete.c. */
#include "base/cmd.h"
#include "base/clock.h"
#include "base/cmd_usage.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/frame.h"
#include "base/list.h"
#include "base/term.h"
#include "base/typed.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void
cmd_list_wipe(struct cmd_list *list)
{
	free(list->items);
	*list = (struct cmd_list){ 0 };
}

enum rc
cmd_list_add(struct cmd_list *list, const char *item)
{
	enum rc rc;

	if (list->n == CMD_LIST_MAX)
		return err_set(RC_USAGE,
		    "more than %d operands: put them into a directory and give that",
		    CMD_LIST_MAX);
	rc = LIST_GROW(list->items, list->n);
	if (rc != RC_OK)
		return rc;
	list->items[list->n++] = item;
	return RC_OK;
}

/* ---- options --------------------------------------------------------------
 */

static bool
is_flag(const char *arg, size_t n, const char *name)
{
	return strlen(name) == n && strncmp(arg, name, n) == 0;
}

/* The options that every command has; false when `arg` is none of them. */
static bool
common_flag(struct cmd_env *env, const char *name, size_t n)
{
	if (is_flag(name, n, "json"))
		env->json = true;
	else if (is_flag(name, n, "yes"))
		env->yes = true;
	else
		return false;
	return true;
}

/* The words still to be looked at. */
struct words {
	char **at;
	char **end;
};

static enum rc
cmd_take_value(struct words *words, const char *name, const char *attached,
    const char **ret_value)
{
	if (attached != NULL) {
		*ret_value = attached;
		return RC_OK;
	}
	if (words->at == words->end)
		return err_set(RC_USAGE, "--%s wants a value", name);
	*ret_value = *words->at++;
	return RC_OK;
}

static enum rc
store_option(
    const struct cmd_option *o, struct words *words, const char *attached)
{
	const char *value = NULL;
	enum rc rc;

	if (o->value == NULL) {
		if (attached != NULL)
			return err_set(
			    RC_USAGE, "--%s takes no value", o->name);
		*o->flag = true;
		return RC_OK;
	}
	rc = cmd_take_value(words, o->name, attached, &value);
	if (rc != RC_OK)
		return rc;
	if (o->list != NULL)
		return cmd_list_add(o->list, value);
	if (*o->text != NULL)
		return err_set(RC_USAGE, "--%s is given twice", o->name);
	*o->text = value;
	return RC_OK;
}

static enum rc
take_option(struct cmd_env *env, const char *arg, struct words *words,
    const struct cmd_option *options)
{
	const char *equals = strchr(arg, '=');
	const char *attached = equals == NULL ? NULL : equals + 1;
	size_t n = equals == NULL ? strlen(arg) : (size_t)(equals - arg);

	for (const struct cmd_option *o = options; o->name != NULL; o++)
		if (is_flag(arg, n, o->name))
			return store_option(o, words, attached);
	if (is_flag(arg, n, "home") && env->program->home_variable != NULL)
		return cmd_take_value(words, "home", attached, &env->home);
	if (attached == NULL && common_flag(env, arg, n))
		return RC_OK;
	return err_set(RC_USAGE,
	    "unknown option --%.*s; '%s %s --help' lists them", (int)n, arg,
	    env->program->name, env->cmd == NULL ? "COMMAND" : env->cmd->name);
}

static enum rc
fill_home(struct cmd_env *env)
{
	enum rc rc;

	if (env->home != NULL || env->program->home_variable == NULL)
		return RC_OK;
	rc = home_path(env->program->home_variable, env->program->name,
	    &env->home_default);
	if (rc == RC_OK)
		env->home = (const char *)env->home_default.p;
	return rc;
}

enum rc
cmd_options(struct cmd_env *env, int argc, char **argv,
    const struct cmd_option *options, struct cmd_list *ret_operands,
    bool *ret_done)
{
	struct words words = { argv, argv + argc };
	bool ended = false;
	enum rc rc = RC_OK;

	*ret_done = env->completing;
	if (env->completing) {
		cmd_complete_command(env, options);
		return RC_OK;
	}
	while (rc == RC_OK && words.at < words.end) {
		const char *arg = *words.at++;

		if (arg[0] == '\0') {
			rc = err_set(RC_USAGE,
			    "%s: an empty operand (is a variable of a script not set?)",
			    env->cmd->name);
		} else if (ended || arg[0] != '-' || arg[1] == '\0') {
			rc = cmd_list_add(ret_operands, arg);
		} else if (strcmp(arg, "--") == 0) {
			ended = true;
		} else if (strcmp(arg, "-n") == 0) {
			env->dry_run = true;
		} else if (strcmp(arg, "-h") == 0 ||
			   strcmp(arg, "--help") == 0) {
			cmd_usage_command(env, options);
			*ret_done = true;
			return RC_OK;
		} else if (arg[1] == '-') {
			rc = take_option(env, arg + 2, &words, options);
		} else {
			rc = err_set(RC_USAGE,
			    "unknown option %s; '%s %s --help' lists them", arg,
			    env->program->name, env->cmd->name);
		}
	}
	if (rc == RC_OK)
		rc = fill_home(env);
	if (rc == RC_OK && env->home != NULL)
		rc = typed_home_set(env->program, env->home);
	return rc;
}

enum rc
cmd_wants(const struct cmd_env *env, const char *what)
{
	return err_set(RC_USAGE, "%s wants %s; '%s %s --help' tells more",
	    env->cmd->name, what, env->program->name, env->cmd->name);
}

enum rc
cmd_operands_none(const struct cmd_env *env, const struct cmd_list *operands)
{
	if (operands->n == 0)
		return RC_OK;
	return err_set(RC_USAGE,
	    "%s takes no operand, but \"%s\" was given; '%s %s --help' tells more",
	    env->cmd->name, operands->items[0], env->program->name,
	    env->cmd->name);
}

enum rc
cmd_operand_one(const struct cmd_env *env, const struct cmd_list *operands,
    const char *what, const char **ret_operand)
{
	if (operands->n != 1)
		return err_set(RC_USAGE,
		    "%s wants one %s, not %zu; '%s %s --help' tells more",
		    env->cmd->name, what, operands->n, env->program->name,
		    env->cmd->name);
	*ret_operand = operands->items[0];
	return RC_OK;
}

enum rc
cmd_integer(const char *option, const char *text, int64_t min, int64_t max,
    int64_t *ret)
{
	char *end = NULL;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    value < min || value > max)
		return err_set(RC_USAGE,
		    "--%s %s: wanted a number from %lld to %lld", option, text,
		    (long long)min, (long long)max);
	*ret = value;
	return RC_OK;
}

enum rc
cmd_duration(const char *option, const char *text, int64_t *ret)
{
	if (text == NULL || dur_read(text, ret))
		return RC_OK;
	return err_set(
	    RC_USAGE, "--%s %s: not digits and one of h, d, w", option, text);
}

/* ---- main -----------------------------------------------------------------
 */

static int
cmd_report(const struct cmd_program *program, enum rc rc)
{
	const char *name = NULL, *remedy = NULL;
	unsigned rule = err_rule_number();

	if (rc == RC_OK || *err_text() == '\0')
		return (int)rc;
	term_alarm("%s: ", program->name);
	if (rule == 0 || program->rule == NULL) {
		term_say("%s\n", err_text());
		return (int)rc;
	}
	program->rule(rule, &name, &remedy);
	term_say("%s [%s]\n", err_text(), name);
	if (remedy != NULL)
		term_field("remedy", "%s", remedy);
	return (int)rc;
}

static const struct cmd *
find_cmd(const struct cmd_program *program, const char *name)
{
	for (const struct cmd *c = program->cmds; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* Options before the command's name: only those that all commands share. */
static enum rc
leading_options(struct cmd_env *env, struct words *words, bool *ret_done)
{
	static const struct cmd_option none[] = { { 0 } };

	while (words->at < words->end && (*words->at)[0] == '-') {
		const char *arg = *words->at++;
		enum rc rc = RC_OK;

		if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
			cmd_usage_program(env->program, stdout);
			*ret_done = true;
			return RC_OK;
		}
		if (strcmp(arg, "--version") == 0) {
			(void)printf(
			    "%s %s\n", env->program->name, AIRGAP_VERSION);
			*ret_done = true;
			return RC_OK;
		}
		if (strcmp(arg, "--completion") == 0) {
			*ret_done = true;
			return cmd_complete_program(env);
		}
		if (strcmp(arg, "-n") == 0)
			env->dry_run = true;
		else if (arg[1] == '-')
			rc = take_option(env, arg + 2, words, none);
		else
			rc = err_set(RC_USAGE, "unknown option %s", arg);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
run_cmd(struct cmd_env *env, struct words *words)
{
	bool done = false;
	enum rc rc = leading_options(env, words, &done);

	if (rc != RC_OK || done)
		return rc;
	if (words->at == words->end) {
		cmd_usage_program(env->program, stderr);
		return RC_USAGE;
	}
	env->cmd = find_cmd(env->program, *words->at);
	if (env->cmd == NULL)
		return err_set(RC_USAGE,
		    "unknown command %s; '%s --help' lists them", *words->at,
		    env->program->name);
	words->at++;
	return env->cmd->run(env, (int)(words->end - words->at), words->at);
}

/* Where a standard stream is closed, the next file opened would take its
 * number, and what is said to a person would be written into a ledger. Each
 * gets a descriptor that fails as a closed one does. */
static enum rc
hold_standard_streams(void)
{
	static const int wrong_way[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd < 3; fd++) {
		/* The lowest free number is this one: those below are held. */
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", wrong_way[fd]) != fd)
			return err_set(RC_IO,
			    "a standard stream is closed, and /dev/null cannot take its place");
	}
	return RC_OK;
}

/* OpenSSL's configuration, the system's or OPENSSL_CONF's, may load modules
 * into each of our processes and turn algorithms off: nothing that we sign or
 * believe shall depend on it. What is decided first stays for good, children
 * and libraries included. */
static enum rc
begin_openssl(void)
{
	enum rc rc = err_watch_openssl();

	if (rc == RC_OK &&
	    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		rc = err_openssl(RC_BUG, "OpenSSL does not start");
	return rc;
}

/* The person who ran this is told whom it waits for, and until when. */
static void
tell_waiting_for(const char *peer, int seconds)
{
	term_say("waiting for the %s process, %d s at most\n", peer, seconds);
}

/* What is said when a library crashed for want of memory: made ready before. */
static char crash_line[80];

static void
say_and_leave(enum shortage what)
{
	ssize_t n = write(STDERR_FILENO, crash_line, strlen(crash_line));

	(void)what;
	(void)n; /* there is no other way to say it */
	_exit(RC_IO);
}

static void
watch_crashes(const char *program)
{
	(void)snprintf(crash_line, sizeof(crash_line),
	    "%s: out of memory, and a library crashed of it\n", program);
	err_watch_crashes(say_and_leave);
}

int
cmd_main(const struct cmd_program *program, int argc, char **argv)
{
	struct cmd_env env = { .program = program };
	struct words words = { argv + (argc > 0), argv + argc };
	enum rc rc;

	rc = environment_settle();
	/* Names and times are spelled one way, whatever the locale says. */
	(void)setlocale(LC_ALL, "C");
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error (EFBIG) and no death. */
	(void)signal(SIGXFSZ, SIG_IGN);
	watch_crashes(program->name);
	frame_on_wait(tell_waiting_for);
	if (rc == RC_OK)
		rc = hold_standard_streams();
	if (rc == RC_OK)
		rc = begin_openssl();
	if (rc == RC_OK)
		rc = run_cmd(&env, &words);
	buf_wipe(&env.home_default);
	/* What was written early may have failed long before the last flush. */
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) &&
	    (rc == RC_OK || rc == RC_PARTIAL))
		rc = err_set(RC_IO, "standard output cannot be written");
	/* Whoever went on without what failed may have left a line out. */
	if (rc == RC_OK || rc == RC_PARTIAL)
		rc = err_check_shortage() != RC_OK ? RC_IO : rc;
	else if (err_shortage() != SHORT_OF_NOTHING && rc != RC_IO)
		rc = err_set(RC_IO, "%s", err_text());
	return cmd_report(program, rc);
}
