/* SPDX-License-Identifier: Apache-2.0 */
/* The completion for bash, printed as a script from the command tables, so
 * that it offers no option that is not there. */
#include "base/cmd_usage.h"

#include <string.h>

/* What a command takes beside its options: the lower-case words of its
 * synopsis ("list | remove LABEL"). The word after an option is that option's
 * value and no operand. */
static void
print_words(const char *synopsis)
{
	bool value = false;

	for (const char *at = synopsis; *at != '\0';) {
		size_t n = strcspn(at, " |[]\n");

		if (n > 0 && at[0] == '-')
			value = at[n] == ' ';
		else if (n > 0 && !value &&
			 strspn(at, "abcdefghijklmnopqrstuvwxyz-") >= n)
			(void)printf("%.*s ", (int)n, at);
		else if (n > 0)
			value = false;
		at += n;
		/* "--flag] CARD": what follows a bracket is no value. */
		if (*at == ']')
			value = false;
		if (*at != '\0')
			at++;
	}
}

static void
print_options(const struct cmd_option *options, bool values)
{
	for (const struct cmd_option *o = options; o->name != NULL; o++)
		if (!values || o->value != NULL)
			(void)printf("--%s ", o->name);
}

/* "pemfile|cert|chain": a value that is one of a few. */
static void
print_choices(const struct cmd_option *options)
{
	for (const struct cmd_option *o = options; o->name != NULL; o++) {
		if (o->value == NULL || strchr(o->value, '|') == NULL)
			continue;
		(void)printf("\t\t[ \"$prev\" != --%s ] || choices='", o->name);
		for (const char *c = o->value; *c != '\0'; c++)
			(void)putchar(*c == '|' ? ' ' : *c);
		(void)printf("'\n");
	}
}

static const char *
home_option(const struct cmd_program *program)
{
	return program->home_variable == NULL ? "" : "--home ";
}

void
cmd_complete_command(
    const struct cmd_env *env, const struct cmd_option *options)
{
	(void)printf("\t%s)\n\t\toptions='", env->cmd->name);
	print_options(options, false);
	(void)printf("%s--json --yes -n --help'\n\t\tvalues='",
	    home_option(env->program));
	print_options(options, true);
	(void)printf("%s'\n\t\twords='", home_option(env->program));
	print_words(env->cmd->synopsis);
	(void)printf("'\n");
	print_choices(options);
	(void)printf("\t\t;;\n");
}

/* A function name has no dash. */
static void
print_function(const char *program)
{
	(void)putchar('_');
	for (; *program != '\0'; program++)
		(void)putchar(*program == '-' ? '_' : *program);
}

/* The command is the first word that is no option and no value of one. */
static const char head[] =
    "()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
    "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "\tlocal command= options= values= words= choices= word before=\n"
    "\n"
    "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"; do\n"
    "\t\tcase $before,$word in\n"
    "\t\t--home,* | *,-*) ;;\n"
    "\t\t*)\n"
    "\t\t\tcommand=$word\n"
    "\t\t\tbreak\n"
    "\t\t\t;;\n"
    "\t\tesac\n"
    "\t\tbefore=$word\n"
    "\tdone\n"
    "\tcase $command in\n";

/* A value and an operand without words of its own are files as a rule. */
static const char tail[] =
    "\tesac\n"
    "\tCOMPREPLY=()\n"
    "\tif [ -n \"$choices\" ]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\")\n"
    "\telif [[ \" $values \" == *\" $prev \"* ]]; then\n"
    "\t\tcompopt -o default 2>/dev/null\n"
    "\telif [[ $cur == -* ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
    "\telse\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "\t\t[ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default 2>/dev/null\n"
    "\tfi\n"
    "}\n";

enum rc
cmd_complete_program(struct cmd_env *env)
{
	const struct cmd_program *program = env->program;
	enum rc rc = RC_OK;

	(void)printf("# bash completion for %s; made by '%s --completion'\n",
	    program->name, program->name);
	print_function(program->name);
	(void)fputs(head, stdout);
	(void)printf(
	    "\t'')\n\t\toptions='%s--json --yes -n --help --version --completion'\n"
	    "\t\tvalues='%s'\n\t\twords='",
	    home_option(program), home_option(program));
	for (const struct cmd *c = program->cmds; c->name != NULL; c++)
		(void)printf("%s ", c->name);
	(void)printf("'\n\t\t;;\n");
	/* Each command hands its table of options to cmd_options, which sees
	 * what is wanted of it. */
	env->completing = true;
	for (env->cmd = program->cmds; rc == RC_OK && env->cmd->name != NULL;
	     env->cmd++)
		rc = env->cmd->run(env, 0, NULL);
	if (rc != RC_OK)
		return rc;
	(void)fputs(tail, stdout);
	(void)printf("complete -F ");
	print_function(program->name);
	(void)printf(" %s\n", program->name);
	return RC_OK;
}
