/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever takes the process over can still print. So it prints into a pipe,
 * and no byte that a terminal would obey comes out of that. */
#include "transfer/online/cmd/cmd_apart.h"

#include "base/child.h"
#include "base/file.h"
#include "transfer/rule.h"
#include "transfer/sandbox/preload.h"
#include "transfer/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define APART_NAME "inspecting"
#define APART_SECONDS 120 /* of silence */
#define APART_ANSWER_MAX ((size_t)4 << 10)
#define APART_PIECE 16384

struct apart {
	enum rc (*work)(void *arg);
	void *arg;
	int out; /* the end of the pipe that is written to */
};

/* The pipe last: what was open before is gone then. */
static enum rc
apart_settle(const struct apart *a)
{
	enum rc rc = sandbox_leave_terminal();

	if (rc == RC_OK && dup2(a->out, STDOUT_FILENO) < 0)
		rc = err_errno(RC_IO, errno, "standard output");
	(void)close(a->out);
	if (rc == RC_OK)
		rc = preload();
	json_object_seed(0); /* it reads /dev/urandom, once */
	return rc == RC_OK ? sandbox_strict() : rc;
}

static enum rc
apart_run(int sock, void *arg)
{
	const struct apart *a = arg;
	WIPED(buf) record = { 0 };
	enum rc rc = apart_settle(a);

	if (rc == RC_OK)
		rc = a->work(a->arg);
	if (fflush(stdout) != 0 && rc == RC_OK)
		rc = err_set(RC_IO, "standard output cannot be written");
	(void)close(STDOUT_FILENO); /* this was all of it */
	if (rc == RC_OK)
		rc = err_check_shortage();
	rc = child_result_put(rc, &record);
	return rc != RC_OK ? rc
			   : frame_send(sock, buf_span(&record), -1, "parent");
}

static bool
is_harmless(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < 0x20 || text.p[i] > 0x7e) && text.p[i] != '\n')
			return false;
	return true;
}

static enum rc
pass_on(int from)
{
	uint8_t piece[APART_PIECE];

	for (;;) {
		enum rc rc = frame_wait(from, APART_SECONDS, APART_NAME);
		ssize_t n = rc == RC_OK ? read(from, piece, sizeof(piece)) : 0;

		if (rc != RC_OK || n == 0)
			return rc;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(RC_IO, errno, "a pipe");
		if (!is_harmless(span_of(piece, (size_t)n)))
			return err_set(RC_BUG,
			    "the " APART_NAME
			    " process prints what is no plain text");
		rc = fd_write_all(STDOUT_FILENO, span_of(piece, (size_t)n),
		    "standard output");
		if (rc != RC_OK)
			return rc;
	}
}

static enum rc
apart_result(struct child *child)
{
	WIPED(buf) record = { 0 };
	struct span rest;
	enum rc rc = frame_recv(child->sock, APART_ANSWER_MAX, APART_SECONDS,
	    &record, NULL, APART_NAME);

	if (rc != RC_OK)
		return child_explain(child, rc == RC_FORMAT ? RC_BUG : rc);
	rest = buf_span(&record);
	return child_result_take(&rest, APART_NAME, RULES);
}

enum rc
cmd_apart(enum rc (*work)(void *arg), void *arg)
{
	WIPED(child) child = CHILD_NONE;
	struct apart a = { .work = work, .arg = arg };
	OWN_FD from = -1;
	int ends[2];
	enum rc rc;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(RC_IO, errno, "no pipe");
	from = ends[0];
	a.out = ends[1];
	rc = child_start(&child, APART_NAME, apart_run, &a, &a.out, 1);
	fd_close(&ends[1]);
	if (rc == RC_OK)
		rc = pass_on(from);
	return rc != RC_OK ? rc : apart_result(&child);
}
