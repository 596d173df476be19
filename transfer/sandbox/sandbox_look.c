/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox from outside. A process that says of itself that it is locked in
 * proves nothing, so the kernel is asked, and one lock is tried. */
#include "transfer/sandbox/sandbox.h"

#include "base/child.h"
#include "base/file.h"
#include "base/secret.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LINE_BYTES 256
#define TRIAL_SECONDS 60
#define SECCOMP_MODE_FILTERED 2 /* proc(5) */

static void
own_file(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

enum rc
sandbox_look(pid_t child, struct sandbox_seen *ret)
{
	char path[64], line[LINE_BYTES];
	struct sandbox_seen seen = { .filtered = false };
	__attribute__((cleanup(own_file))) FILE *f = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
	f = fopen(path, "re");
	if (f == NULL)
		return err_errno(RC_IO, errno, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		int value;

		if (sscanf(line, "NoNewPrivs: %d", &value) == 1)
			seen.no_new_privs = value == 1;
		if (sscanf(line, "Seccomp: %d", &value) == 1)
			seen.filtered = value == SECCOMP_MODE_FILTERED;
	}
	if (ferror(f))
		return err_errno(RC_IO, errno, "%s", path);
	*ret = seen;
	return RC_OK;
}

/* The way of a reader, and one step further. */
static enum rc
try_socket(int sock, void *unused)
{
	struct sandbox_level level;
	enum rc rc;

	(void)sock;
	(void)unused;
	/* It is to die: that is no crash to keep a core of. */
	(void)secret_hide();
	rc = sandbox_leave_terminal();
	if (rc == RC_OK)
		rc = sandbox_read_only(-1, &level);
	if (rc == RC_OK)
		rc = sandbox_strict();
	if (rc == RC_OK)
		(void)socket(AF_INET, SOCK_DGRAM, 0);
	return rc;
}

enum rc
sandbox_try_socket(bool *ret_killed)
{
	WIPED(child) c = CHILD_NONE;
	enum rc rc = child_start(&c, "trial", try_socket, NULL, NULL, 0);
	int status = 0;

	if (rc != RC_OK)
		return rc;
	if (!child_leaves_within(c.pid, TRIAL_SECONDS))
		return err_set(RC_IO, "the trial process did not end in %d s",
		    TRIAL_SECONDS);
	while (waitpid(c.pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(RC_IO, errno, "the trial process");
	c.pid = 0;
	if (child_could_not_say(c.name, status))
		return RC_IO;
	*ret_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	return RC_OK;
}
