/* SPDX-License-Identifier: Apache-2.0 */
/* What --help prints. The words are in the tables of the programs and their
 * commands, the columns here. */
#include "base/cmd_usage.h"

static void
print_common(const struct cmd_program *program, FILE *to)
{
	if (program->home_variable != NULL)
		(void)fprintf(to, "  --%-22s %s\n", "home DIR",
		    "where this program keeps its state");
	(void)fprintf(to, "  --%-22s %s\n", "json",
	    "one JSON document on standard output");
	(void)fprintf(to, "  --%-22s %s\n", "yes",
	    "answer the typed confirmation of a review");
	(void)fprintf(to, "  %-24s %s\n", "-n",
	    "dry run: show what would be done, and stop");
	(void)fprintf(to, "  %-24s %s\n", "-h, --help", "this text");
}

void
cmd_usage_command(const struct cmd_env *env, const struct cmd_option *options)
{
	const struct cmd *cmd = env->cmd;

	(void)printf("usage: %s %s%s%s\n\n%s.\n\noptions:\n",
	    env->program->name, cmd->name, *cmd->synopsis == '\0' ? "" : " ",
	    cmd->synopsis, cmd->summary);
	for (const struct cmd_option *o = options; o->name != NULL; o++) {
		char head[64];

		(void)snprintf(head, sizeof(head), "%s%s%s", o->name,
		    o->value == NULL ? "" : " ",
		    o->value == NULL ? "" : o->value);
		(void)printf("  --%-22s %s\n", head, o->help);
	}
	print_common(env->program, stdout);
}

void
cmd_usage_program(const struct cmd_program *program, FILE *to)
{
	(void)fprintf(to,
	    "usage: %s COMMAND [OPTION]... [OPERAND]...\n\n%s.\n\n"
	    "commands:\n",
	    program->name, program->about);
	for (const struct cmd *c = program->cmds; c->name != NULL; c++)
		(void)fprintf(to, "  %-14s %s\n", c->name, c->summary);
	(void)fprintf(to, "\noptions of every command:\n");
	print_common(program, to);
	(void)fprintf(to, "  --%-22s %s\n", "completion",
	    "print the completion for bash, to be sourced");
	(void)fprintf(to,
	    "  --%-22s %s\n\n'%s COMMAND --help' tells more, and 'man %s' all.\n",
	    "version", "print the version", program->name, program->name);
}
