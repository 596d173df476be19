/* SPDX-License-Identifier: Apache-2.0 */
/** A child at a terminal of its own, typed at by the test.
 *
 * The child runs `body` with the terminal as /dev/tty, stdin, stdout and stderr
 * and leaves with what it returns.
 */
#ifndef TESTS_LIB_PTY_H
#define TESTS_LIB_PTY_H

#include "tests/lib/check.h"

#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct pty {
	pid_t pid;
	int fd;
	char seen[8192]; /* all that the terminal showed so far, as a string */
	size_t n;
};

static inline void
pty_start(struct pty *pty, int (*body)(void))
{
	*pty = (struct pty){ .fd = -1 };
	pty->pid = forkpty(&pty->fd, NULL, NULL, NULL);
	assert_true(pty->pid >= 0);
	if (pty->pid == 0) {
		(void)setenv("TERM", "dumb", 1);
		_exit(body());
	}
}

/* Read what is there; false at the end of the child's output. */
static inline bool
pty_more(struct pty *pty)
{
	struct pollfd p = { .fd = pty->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, 20000) != 1)
		fail_msg("the terminal stays silent after: %s", pty->seen);
	n = read(pty->fd, pty->seen + pty->n, sizeof(pty->seen) - 1 - pty->n);
	if (n <= 0)
		return false;
	pty->n += (size_t)n;
	pty->seen[pty->n] = '\0';
	return true;
}

/** Wait for `prompt`, then type. */
static inline void
pty_answer(struct pty *pty, const char *prompt, const char *keys)
{
	while (strstr(pty->seen, prompt) == NULL)
		if (!pty_more(pty))
			fail_msg("no \"%s\" in: %s", prompt, pty->seen);
	assert_int_equal(write(pty->fd, keys, strlen(keys)), strlen(keys));
}

/** Read to the end; the exit status, or -1 when a signal killed it. */
static inline int
pty_end(struct pty *pty)
{
	int status = 0;

	while (pty_more(pty))
		continue;
	assert_int_equal(waitpid(pty->pid, &status, 0), pty->pid);
	(void)close(pty->fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
