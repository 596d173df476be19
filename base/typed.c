/* SPDX-License-Identifier: Apache-2.0 */
/* How a command is told that is to be typed next. */
#include "base/typed.h"
#include "base/cmd.h"
#include "base/file.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* What no sh reads as anything but itself, wherever in a word it stands. */
static const char bare[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "_./:,@%+-=";

static bool
is_printable(const char *word)
{
	for (; *word != '\0'; word++)
		if (*word < 0x20 || *word > 0x7e)
			return false;
	return true;
}

/* A newline at its very end is lost: sh takes it off. */
static enum rc
add_octal(struct buf *out, const char *word)
{
	enum rc rc = buf_add_str(out, "\"$(printf '");

	for (; *word != '\0' && rc == RC_OK; word++)
		rc = buf_printf(out, "\\%03o", (unsigned char)*word);
	return rc != RC_OK ? rc : buf_add_str(out, "')\"");
}

/* Double quotes where they will do: the command itself often stands in single
 * ones. The exclamation mark is history to an interactive bash. */
enum rc
typed_word(struct buf *out, const char *word)
{
	const char *quote = NULL;
	enum rc rc;

	if (*word != '\0' && word[strspn(word, bare)] == '\0')
		return buf_add_str(out, word);
	if (is_printable(word)) {
		if (strpbrk(word, "$`\"\\!") == NULL)
			quote = "\"";
		else if (strchr(word, '\'') == NULL)
			quote = "'";
	}
	if (quote == NULL)
		return add_octal(out, word);
	rc = buf_add_str(out, quote);
	if (rc == RC_OK)
		rc = buf_add_str(out, word);
	return rc != RC_OK ? rc : buf_add_str(out, quote);
}

/* ---- the home ------------------------------------------------------------ */

/* Of this process, for its sentences. */
static struct buf with_home; /* "--home DIR " */
static const struct cmd_program *of;

static bool
is_default(const struct cmd_program *program, const char *home)
{
	WIPED(buf) path = { 0 };
	struct err_saved saved;
	bool is;

	err_save(&saved);
	is = home_path(NULL, program->name, &path) == RC_OK &&
	     strcmp((const char *)path.p, home) == 0;
	err_restore(&saved);
	return is;
}

enum rc
typed_home_set(const struct cmd_program *program, const char *home)
{
	WIPED(buf) path = { 0 };
	char here[PATH_MAX];
	const char *text;
	enum rc rc = RC_OK;

	buf_wipe(&with_home);
	of = program;
	if (is_default(program, home))
		return RC_OK;
	if (*home != '/' && getcwd(here, sizeof(here)) != NULL)
		rc = buf_printf(&path, "%s/", here);
	if (rc == RC_OK)
		rc = buf_add_str(&path, home);
	text = rc == RC_OK ? buf_cstr(&path) : NULL;
	if (text == NULL)
		return rc != RC_OK ? rc : err_memory();
	rc = buf_add_str(&with_home, "--home ");
	if (rc == RC_OK)
		rc = typed_word(&with_home, text);
	return rc != RC_OK ? rc : buf_add(&with_home, " ", 2);
}

size_t
typed_home_most(size_t n)
{
	return with_home.n == 0 ? 0 : n / strlen(of->name) * with_home.n;
}

/* Its own name ends right before `at`, and is not the end of another word. */
static bool
follows_name(const char *text, const char *at)
{
	const size_t n = strlen(of->name);
	const char *name = at - n - 1;

	return (size_t)(at - text) > n && at[-1] == ' ' &&
	       strncmp(name, of->name, n) == 0 &&
	       (name == text || strchr(" '`(\n", name[-1]) != NULL);
}

const char *
typed_home_at(const char *text, const char *at)
{
	size_t n;

	if (with_home.n == 0 || !follows_name(text, at))
		return "";
	n = strspn(at, "abcdefghijklmnopqrstuvwxyz-");
	/* How to use a command is the same in every home. */
	if (strncmp(at + n, " --help", 7) == 0)
		return "";
	for (const struct cmd *c = of->cmds; c->name != NULL; c++)
		if (strlen(c->name) == n && strncmp(c->name, at, n) == 0)
			return (const char *)with_home.p;
	return "";
}
