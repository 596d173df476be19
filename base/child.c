/* SPDX-License-Identifier: Apache-2.0 */
/* Processes forked without an exec: what they need is loaded, and a sandbox can
 * be entered with nothing left to open. The price is that everything the parent
 * holds is theirs too, so they are started before it opens the ledger, and
 * descriptors are closed by exclusion and not by a list of known ones. */
#include "base/child.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#error "Linux 5.3 or newer headers are wanted"
#endif

#define CHILD_LOOK_MS 20
#define LEFT_OPEN 31  /* the status of a child that holds what it must not */
#define LEFT_SHORT 32 /* the status of a child that ran short, plus of what */

static bool
child_is_kept(int fd, const int *keep, size_t n_keep)
{
	for (size_t i = 0; i < n_keep; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

/* Whatever else the parent holds (another child's socket, a directory) is none
 * of this child's business. */
static bool
close_others(int sock, const int *keep, size_t n_keep)
{
	int top = sock;

	for (size_t i = 0; i < n_keep; i++)
		if (keep[i] > top)
			top = keep[i];
	for (int fd = 3; fd < top; fd++)
		if (fd != sock && !child_is_kept(fd, keep, n_keep))
			(void)close(fd);
	return close_range((unsigned)top + 1, ~0U, 0) == 0;
}

static void
leave_short(enum shortage what)
{
	_exit(LEFT_SHORT + (int)what);
}

static _Noreturn void
run_child(pid_t parent, child_main *run, void *arg, int sock)
{
	enum rc rc;

	/* A parent that died before the call is not seen by it: ask again. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(RC_IO);
	/* A ^C at the terminal is the parent's to answer. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	err_watch_crashes(leave_short);
	frame_on_wait(NULL);
	rc = run(sock, arg);
	if (err_shortage() != SHORT_OF_NOTHING)
		leave_short(err_shortage());
	_exit((int)rc);
}

enum rc
child_start(struct child *c, const char *name, child_main *run, void *arg,
    const int *keep, size_t n_keep)
{
	/* Who does not read any more must not hold the other up for ever. */
	const struct timeval step = { .tv_sec = FRAME_STEP };
	const int room = CHILD_SOCKET_ROOM;
	int pair[2];
	pid_t parent = getpid(), pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_errno(
		    RC_IO, errno, "no socket for the %s process", name);
	for (size_t i = 0; i < 2; i++) {
		(void)setsockopt(
		    pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
		(void)setsockopt(
		    pair[i], SOL_SOCKET, SO_SNDTIMEO, &step, sizeof(step));
	}
	pid = fork();
	if (pid < 0) {
		int why = errno;

		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return err_errno(RC_IO, why, "no %s process", name);
	}
	if (pid == 0) {
		if (!close_others(pair[1], keep, n_keep))
			_exit(LEFT_OPEN);
		run_child(parent, run, arg, pair[1]);
	}
	fd_close(&pair[1]);
	*c = (struct child){ .name = name, .pid = pid, .sock = pair[0] };
	return RC_OK;
}

/* Where the kernel, or a filter of somebody's, gives no pidfd: asked again and
 * again. It stays a zombie, so its number is its own meanwhile. */
static bool
child_leaves_looking(pid_t pid, int seconds)
{
	const struct timespec step = { .tv_nsec = CHILD_LOOK_MS * 1000000L };

	for (int left = seconds * 1000;; left -= CHILD_LOOK_MS) {
		siginfo_t info = { .si_pid = 0 };
		int failed = waitid(
		    P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);

		if (failed == 0 && info.si_pid != 0)
			return true;
		if ((failed != 0 && errno != EINTR) || left <= 0)
			return false;
		(void)nanosleep(&step, NULL);
	}
}

bool
child_leaves_within(pid_t pid, int seconds)
{
	/* Not waitpid in a loop: a pidfd can be waited for with a limit, and
	 * its number is not given to another process meanwhile. */
	OWN_FD fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	if (fd < 0)
		return child_leaves_looking(pid, seconds);
	do
		n = poll(&p, 1, seconds * 1000);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static int
child_reap(struct child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	c->pid = 0;
	return status;
}

static enum rc
died_of(const char *name, int sig)
{
	char number[16];
	const char *text = sigabbrev_np(sig);

	if (text == NULL) {
		(void)snprintf(number, sizeof(number), "%d", sig);
		text = number;
	}
	return err_set(RC_IO, "the %s process died of SIG%s%s", name, text,
	    sig == SIGSYS ? ": it tried what its sandbox forbids" : "");
}

/* It ran short, so that what it says is not believed, and neither is what we
 * make of it; or it never began. */
bool
child_could_not_say(const char *name, int status)
{
	int what = WIFEXITED(status) ? WEXITSTATUS(status) - LEFT_SHORT : 0;

	if (what == LEFT_OPEN - LEFT_SHORT) {
		(void)err_set(RC_IO,
		    "the %s process cannot close what is not for it (close_range)",
		    name);
		return true;
	}
	if (what != SHORT_OF_MEMORY && what != SHORT_OF_FILES)
		return false;
	err_note_shortage((enum shortage)what);
	(void)err_set(RC_IO, "the %s process", name);
	return true;
}

/* A closed socket is the word to leave. The status is looked at, because a
 * child may fail in what it does last. */
enum rc
child_stop(struct child *c, int seconds)
{
	int status;

	fd_close(&c->sock);
	frame_line_wipe(&c->line);
	if (c->pid == 0)
		return RC_OK;
	if (!child_leaves_within(c->pid, seconds)) {
		(void)kill(c->pid, SIGKILL);
		(void)child_reap(c);
		return err_set(RC_IO, "the %s process did not end in %d s",
		    c->name, seconds);
	}
	status = child_reap(c);
	if (WIFSIGNALED(status))
		return died_of(c->name, WTERMSIG(status));
	return child_could_not_say(c->name, status)
		   ? RC_IO
		   : (enum rc)WEXITSTATUS(status);
}

/* Killed without a question: what it might still say is not wanted, and one
 * that hangs would not go for less. */
void
child_wipe(struct child *c)
{
	fd_close(&c->sock);
	frame_line_wipe(&c->line);
	if (c->pid == 0)
		return;
	(void)kill(c->pid, SIGKILL);
	(void)child_reap(c);
}

enum rc
child_explain(struct child *c, enum rc rc)
{
	int status;

	/* A closed socket is the first sign; the status follows at once. */
	if (c->pid == 0 || !child_leaves_within(c->pid, 1))
		return rc;
	status = child_reap(c);
	fd_close(&c->sock);
	if (child_could_not_say(c->name, status))
		return RC_IO;
	if (!WIFSIGNALED(status))
		return rc;
	c->signal = WTERMSIG(status);
	return died_of(c->name, c->signal);
}

enum rc
child_result_put(enum rc result, struct buf *record)
{
	enum rc rc = buf_add_u32(record, (uint32_t)result);

	if (rc == RC_OK)
		rc = buf_add_u32(
		    record, result == RC_OK ? 0 : err_rule_number());
	if (rc == RC_OK)
		rc = buf_add_lv(
		    record, span_str(result == RC_OK ? "" : err_text()));
	return rc;
}

enum rc
child_result_take(struct span *record, const char *name, unsigned rules)
{
	struct span text;
	uint32_t rc, number;

	if (!span_take_u32(record, &rc) || !span_take_u32(record, &number) ||
	    !span_take_lv(record, &text) || rc > RC_BUG || number >= rules)
		return err_set(RC_BUG, "the %s process: garbled", name);
	if (rc == RC_OK)
		return RC_OK;
	return number != 0
		   ? err_rule((enum rc)rc, number, "%.*s", SPAN_FMT(text))
		   : err_set((enum rc)rc, "%.*s", SPAN_FMT(text));
}
