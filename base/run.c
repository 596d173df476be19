/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn and not fork: between fork and exec a program with libraries in
 * it may do little, and a program that is not there is told as what it is. */
#include "base/run.h"

#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_SECONDS 2 /* between SIGTERM and SIGKILL */

/* ---- words --------------------------------------------------------------- */

static bool
run_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One word, with its quotes taken off. */
static enum rc
take_word(const char **at, char **to)
{
	const char *p = *at;

	while (*p != '\0' && !run_is_blank(*p)) {
		const char *end;

		if (*p != '\'' && *p != '"') {
			*(*to)++ = *p++;
			continue;
		}
		end = strchr(p + 1, *p);
		if (end == NULL)
			return err_set(
			    RC_USAGE, "command: a %c that is not closed", *p);
		memcpy(*to, p + 1, (size_t)(end - p - 1));
		*to += end - p - 1;
		p = end + 1;
	}
	*(*to)++ = '\0';
	*at = p;
	return RC_OK;
}

static enum rc
run_check_line(const char *command)
{
	if (strlen(command) >= RUN_LINE_MAX)
		return err_set(RC_USAGE, "command: longer than %d bytes",
		    RUN_LINE_MAX - 1);
	for (const char *p = command; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return err_set(
			    RC_USAGE, "command: holds a control character");
	return RC_OK;
}

enum rc
run_split(const char *command, struct run_words *ret)
{
	const char *p = command;
	char *to = ret->text;
	enum rc rc = run_check_line(command);

	ret->n = 0;
	while (rc == RC_OK) {
		while (run_is_blank(*p))
			p++;
		if (*p == '\0')
			break;
		if (ret->n == RUN_WORDS_MAX)
			return err_set(RC_USAGE, "command: more than %d words",
			    RUN_WORDS_MAX);
		ret->argv[ret->n++] = to;
		rc = take_word(&p, &to);
	}
	if (rc == RC_OK && (ret->n == 0 || *ret->argv[0] == '\0'))
		rc = err_set(RC_USAGE, "command: names no program");
	ret->argv[ret->n] = NULL;
	return rc;
}

/* ---- the process --------------------------------------------------------- */

struct spawning {
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
};

static void
spawning_wipe(struct spawning *s)
{
	(void)posix_spawn_file_actions_destroy(&s->files);
	(void)posix_spawnattr_destroy(&s->attr);
}

/* Nothing of ours goes along: no signal that we ignore, no terminal to read
 * from, no stdout that a program reads, no descriptor, of whoever called us
 * neither. A group of its own, so that what it starts can be ended with it. */
static int
run_prepare(struct spawning *s)
{
	const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
			    POSIX_SPAWN_SETSIGMASK;
	sigset_t all, none;
	int why = posix_spawn_file_actions_addopen(
	    &s->files, 0, "/dev/null", O_RDONLY, 0);

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if (why == 0)
		why = posix_spawn_file_actions_adddup2(&s->files, 2, 1);
	if (why == 0)
		why = posix_spawn_file_actions_addclosefrom_np(&s->files, 3);
	if (why == 0)
		why = posix_spawnattr_setflags(&s->attr, flags);
	if (why == 0)
		why = posix_spawnattr_setsigdefault(&s->attr, &all);
	if (why == 0)
		why = posix_spawnattr_setsigmask(&s->attr, &none);
	return why != 0 ? why : posix_spawnattr_setpgroup(&s->attr, 0);
}

/* What a server's own tools need to find themselves, and how they speak. What
 * else was exported to us, a password or a token for one, is not theirs. */
static bool
run_takes_along(const char *variable)
{
	static const char *const names[] = { "PATH", "HOME", "USER", "LOGNAME",
		"SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "XDG_RUNTIME_DIR",
		"DBUS_SESSION_BUS_ADDRESS" };
	const size_t n = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && memcmp(variable, names[i], n) == 0)
			return true;
	return strncmp(variable, "LC_", 3) == 0;
}

#define RUN_VARIABLES_MAX 64

static void
run_environment(char *ret[static RUN_VARIABLES_MAX + 1])
{
	size_t n = 0;

	for (char **at = environ; *at != NULL && n < RUN_VARIABLES_MAX; at++)
		if (run_takes_along(*at))
			ret[n++] = *at;
	ret[n] = NULL;
}

static enum rc
start(const char *command, struct run_words *words, pid_t *ret_pid)
{
	char *variables[RUN_VARIABLES_MAX + 1];
	WIPED(spawning) s;
	mode_t old;
	int why;

	(void)posix_spawn_file_actions_init(&s.files);
	(void)posix_spawnattr_init(&s.attr);
	run_environment(variables);
	why = run_prepare(&s);
	old = umask(022); /* ours is for secrets, and not a server's */
	if (why == 0)
		why = posix_spawnp(ret_pid, words->argv[0], &s.files, &s.attr,
		    words->argv, variables);
	(void)umask(old);
	return why == 0 ? RC_OK
			: err_errno(
			      RC_IO, why, "\"%s\": cannot be started", command);
}

static int
run_reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

/* With all that it started: one that leaves at once may leave others behind. It
 * is reaped last, so that the group's number is not given to anybody before. */
static void
run_end(pid_t pid)
{
	struct timespec grace = { .tv_sec = GRACE_SECONDS };

	(void)kill(-pid, SIGTERM);
	while (nanosleep(&grace, &grace) != 0 && errno == EINTR)
		continue;
	(void)kill(-pid, SIGKILL);
	(void)run_reap(pid);
}

enum rc
run_command(const char *command, int seconds)
{
	struct run_words words;
	pid_t pid;
	int status;
	enum rc rc = run_split(command, &words);

	if (rc == RC_OK)
		rc = start(command, &words, &pid);
	if (rc != RC_OK)
		return rc;
	if (!child_leaves_within(pid, seconds)) {
		run_end(pid);
		return err_set(
		    RC_IO, "\"%s\": did not end in %d s", command, seconds);
	}
	status = run_reap(pid);
	if (WIFSIGNALED(status))
		return err_set(RC_IO, "\"%s\": died of signal %d", command,
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(RC_IO, "\"%s\": left with status %d", command,
		    WEXITSTATUS(status));
	return RC_OK;
}
