/* SPDX-License-Identifier: Apache-2.0 */
/** Subcommands: one table per program, one file per subcommand.
 *
 * Usage text, --help, the completion for bash and the tests of the manuals come
 * from the table. A command reads its words with cmd_options and leaves printing
 * of errors to cmd_main, which turns the result into the exit status.
 */
#ifndef BASE_CMD_H
#define BASE_CMD_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct cmd;
struct cmd_program;

/** What every command may use. */
struct cmd_env {
	const struct cmd_program *program;
	const struct cmd *cmd; /* that runs; NULL before its name was read */
	const char *home;    /* set by cmd_options; nobody has made it yet */
	bool json;	     /* --json: one document on stdout */
	bool yes;	     /* --yes: answers a review's typed confirmation */
	bool dry_run;	     /* -n */
	bool completing;     /* --completion: cmd_options prints, none runs */
	struct buf home_default; /* what `home` points to when not given */
};

/** One option of a command; `has_value` options may be repeated when the
 * target is a list. The table ends with { 0 }. */
struct cmd_option {
	const char *name;  /* long name without dashes */
	const char *value; /* "DIR" as in the usage text; NULL for a flag */
	const char *help;  /* one line */
	bool *flag;	   /* set by a flag */
	const char **text; /* set by an option with a value, given once */
	struct cmd_list *list; /* or appended to by one that may be repeated */
};

#define CMD_LIST_MAX 10000
struct cmd_list {
	const char **items;
	size_t n;
};
void cmd_list_wipe(struct cmd_list *list);
/** Append; the text is borrowed. \retval RC_USAGE it is full */
enum rc cmd_list_add(struct cmd_list *list, const char *item) MUST_CHECK;

struct cmd {
	const char *name;
	enum rc (*run)(struct cmd_env *env, int argc, char **argv);
	const char *synopsis; /* "MEDIA [--out MEDIA]"; what follows the name */
	const char *summary;  /* one line */
};

struct cmd_program {
	const char *name;
	const char *about;	    /* one line */
	const char *home_variable;  /* NULL when the program has no home */
	const struct cmd *cmds;	    /* ends with { 0 } */
	/* A rule's name, and the way out of what it refuses, one line or NULL;
	 * may be NULL where no rule speaks. */
	void (*rule)(unsigned rule, const char **ret_name, const char **ret_remedy);
};

/** Parse `argv` after the command's name: options of `options` and the common
 * ones anywhere, operands gathered in order. "--" ends options; "-h" prints
 * the command's usage and exits 0 (RC_OK with *ret_done).
 * \retval RC_USAGE unknown option, missing value, an option given twice */
enum rc cmd_options(struct cmd_env *env, int argc, char **argv,
    const struct cmd_option *options, struct cmd_list *ret_operands,
    bool *ret_done) MUST_CHECK;

/** "CMD wants WHAT; 'PROGRAM CMD --help' tells more". \retval RC_USAGE always */
enum rc cmd_wants(const struct cmd_env *env, const char *what) MUST_CHECK;

/** A command of options alone. \retval RC_USAGE an operand was given */
enum rc cmd_operands_none(
    const struct cmd_env *env, const struct cmd_list *operands) MUST_CHECK;

/** A command about one thing; `what` is its name in the synopsis ("MEDIA").
 * \retval RC_USAGE none or several were given */
enum rc cmd_operand_one(const struct cmd_env *env,
    const struct cmd_list *operands, const char *what,
    const char **ret_operand) MUST_CHECK;

/** Find the command, run it, print the error if any ("airgap-ca: SENTENCE
 * [RULE]", then the rule's remedy), and give the exit status. Global options may stand before the
 * command's name too. --version, --help and --completion are answered here. */
int cmd_main(const struct cmd_program *program, int argc, char **argv);

#define CMD_WITHIN_DEFAULT (30 * DAY) /* of `status --within` */
/** `status` tells of a CA's end so long before: in that time everybody who has
 * its root is given the next one. */
#define CMD_CA_END_NOTICE (365 * DAY)

/** Read the value of --`option`, digits alone. \retval RC_USAGE with the limits */
enum rc cmd_integer(const char *option, const char *text, int64_t min,
    int64_t max, int64_t *ret) MUST_CHECK;

/** Read the value of --`option`, digits and one of h, d, w, into seconds; NULL, as
 * an option that was not given, leaves *ret as it is. \retval RC_USAGE */
enum rc cmd_duration(
    const char *option, const char *text, int64_t *ret) MUST_CHECK;

/** Print a JSON document on stdout, one line, keys in the order set; takes over
 * the reference. \retval RC_IO stdout cannot be written */
enum rc cmd_json(json_t *document) MUST_CHECK;

/** Print one item of a list that is too long to be held whole; the caller prints
 * what stands before and behind. Takes over the reference. */
enum rc cmd_json_item(json_t *value, bool first) MUST_CHECK;

/** Append to an array and take over the value. When memory runs out `*list` is
 * NULL from then on, and whatever is packed from it becomes an error: no row is
 * left out without a word. */
void cmd_json_add(json_t **list, json_t *value);

/** json_string of foreign bytes: what is not UTF-8 is escaped first. */
json_t *cmd_json_text(struct span text);
json_t *cmd_json_hex(struct span bytes);
json_t *cmd_json_time(int64_t at);

#endif
