/* SPDX-License-Identifier: Apache-2.0 */
/** The token process's end of its socket: the same records as base/frame, read
 * and written many at a time.
 *
 * A software token signs in 40 us, and a system call or two for each request
 * and each answer would be half as much again. So whatever has arrived is read
 * at once, and answers wait for company while further requests are at hand, but
 * never longer than a millisecond, and at a token that takes longer than that for
 * one signature they do not wait at all.
 */
#ifndef TOKEN_PROCESS_CHANNEL_H
#define TOKEN_PROCESS_CHANNEL_H

#include "base/buf.h"

struct token_channel {
	int sock;
	struct buf in;	/* what has arrived; `at` bytes of it are done with */
	size_t at;
	struct buf out; /* answers that wait, framed */
	int64_t since_ns; /* since when the first of them does */
	int64_t last_ns;  /* when the last one was given */
};

/** Release what is buffered; the socket stays open. */
void token_channel_wipe(struct token_channel *c);

/** The next request, borrowed until the next call. Sends what waits before it
 * blocks.
 * \retval RC_IO  the peer is gone, or a request is longer than `cap` */
enum rc channel_next(
    struct token_channel *c, size_t cap, struct span *ret_request) MUST_CHECK;

/** Answer it. \retval RC_IO the peer is gone */
enum rc channel_answer(struct token_channel *c, struct span answer) MUST_CHECK;

#endif
