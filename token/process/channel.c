/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing many records by one call. Only this end may do so: the
 * parent waits for single answers. */
#include "token/process/channel.h"

#include "base/clock.h"
#include "base/frame.h"

#include <errno.h>
#include <sys/socket.h>

#define CHANNEL_READ ((size_t)16 << 10) /* bytes asked for at once */
#define CHANNEL_WAIT_NS 1000000

void
token_channel_wipe(struct token_channel *c)
{
	buf_wipe(&c->in);
	buf_wipe(&c->out);
}

static enum rc
channel_gone(void)
{
	return err_set(RC_IO, "the parent process has gone");
}

/* It may wait for room: of answers a window need not fit. The parent never
 * waits to send (token/token.h), so it comes and reads them; or it hangs. */
static enum rc
flush(struct token_channel *c)
{
	struct span left = buf_span(&c->out), sent;
	int steps = 0;

	while (left.n > 0) {
		ssize_t n = send(c->sock, left.p, left.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN &&
		    ++steps * FRAME_STEP < FRAME_SEND_MAX)
			continue;
		if (n < 0)
			return channel_gone();
		(void)span_take(&left, (size_t)n, &sent);
	}
	buf_reset(&c->out);
	return RC_OK;
}

static enum rc
channel_fill(struct token_channel *c)
{
	enum rc rc = buf_reserve(&c->in, CHANNEL_READ);
	ssize_t n;

	if (rc != RC_OK)
		return rc;
	do
		n = recv(c->sock, c->in.p + c->in.n, CHANNEL_READ, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return channel_gone();
	c->in.n += (size_t)n;
	return RC_OK;
}

/* Is a whole request there? */
static enum rc
channel_take(struct token_channel *c, size_t cap, struct span *ret_request,
    bool *ret_whole)
{
	struct span left = span_of(c->in.p + c->at, c->in.n - c->at);
	uint32_t n;

	*ret_whole = false;
	if (!span_take_u32(&left, &n))
		return RC_OK;
	if (n > cap)
		return err_set(
		    RC_IO, "a request of %u bytes, at most %zu wanted", n, cap);
	if (!span_take(&left, n, ret_request))
		return RC_OK;
	c->at += 4 + (size_t)n;
	*ret_whole = true;
	return RC_OK;
}

/* Move the beginning of a request to the front. */
static void
compact(struct token_channel *c)
{
	if (c->at == 0)
		return;
	c->in.n -= c->at;
	memmove(c->in.p, c->in.p + c->at, c->in.n);
	c->at = 0;
}

enum rc
channel_next(struct token_channel *c, size_t cap, struct span *ret_request)
{
	bool whole = false;
	enum rc rc = RC_OK;

	if (c->in.p != NULL)
		rc = channel_take(c, cap, ret_request, &whole);
	while (rc == RC_OK && !whole) {
		rc = flush(c);
		compact(c);
		if (rc == RC_OK)
			rc = channel_fill(c);
		if (rc == RC_OK)
			rc = channel_take(c, cap, ret_request, &whole);
	}
	return rc;
}

enum rc
channel_answer(struct token_channel *c, struct span answer)
{
	int64_t now = clock_monotonic_ns();
	bool slow = now - c->last_ns >= CHANNEL_WAIT_NS;
	enum rc rc;

	if (c->out.n == 0)
		c->since_ns = now;
	c->last_ns = now;
	rc = buf_add_lv(&c->out, answer);
	if (rc != RC_OK || (!slow && now - c->since_ns < CHANNEL_WAIT_NS))
		return rc;
	return flush(c);
}
