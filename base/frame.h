/* SPDX-License-Identifier: Apache-2.0 */
/** Length-framed records between a process and its children.
 *
 * A record is a 32-bit big-endian length and that many bytes, over a stream
 * socketpair. One descriptor may ride along. A peer that closes, stalls past
 * the deadline or declares more than the cap is an error with the child's name.
 */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include "base/buf.h"

#define FRAME_MAX ((size_t)64 << 20) /* bytes of one record */

/* How waiting is measured, in seconds: a step with nothing in it is told of and
 * counted; one in which this process was stopped itself (^Z) is no more than a step.
 * Whoever does not read for so long hangs: nobody is busy for that time while more
 * is sent to it than fits (CHILD_SOCKET_ROOM). */
#define FRAME_STEP 5
#define FRAME_SEND_MAX 120

/** Who hears, at most once a minute, that this process has waited a step for a peer,
 * and for how long it waits at most. NULL, as in each child: nobody. */
typedef void frame_waiting(const char *peer, int seconds);
void frame_on_wait(frame_waiting *tell);

/** Send one record; `fd` (-1 for none) is passed with it. Blocks, for as long as
 * FRAME_SEND_MAX where the socket's SO_SNDTIMEO is a step (child_start).
 * \retval RC_IO the peer is gone, or does not read */
enum rc frame_send(int sock, struct span record, int fd, const char *peer)
    MUST_CHECK;

/** Receive one record into `ret_record` (reset first), and a descriptor when
 * one came (`*ret_fd`, else -1; pass NULL to refuse one).
 * \param seconds  until the whole record must be here; 0 waits for ever, which is
 *                 for a child without work: the end of its parent ends it
 * \retval RC_IO      closed or stalled
 * \retval RC_FORMAT  larger than `cap`, or with a descriptor that none wants */
enum rc frame_recv(int sock, size_t cap, int seconds, struct buf *ret_record,
    int *ret_fd, const char *peer) MUST_CHECK;

/** Wait until the next record begins. Of 0 seconds nobody is told: a person is
 * waited for. \retval RC_IO it does not */
enum rc frame_wait(int sock, int seconds, const char *peer) MUST_CHECK;

/** Small records by the dozen: what was read ahead, and what is not sent yet.
 * One system call then serves many of them. { 0 } to begin with. */
struct frame_line {
	struct buf in, out;
	size_t at;    /* of `in`: what is before it was taken */
	size_t worth; /* bytes that are worth a call, each way; 0: a few records */
};
void frame_line_wipe(struct frame_line *line);

/** Is a whole record here, so that frame_next would not wait? */
bool frame_is_here(const struct frame_line *line);
/** As frame_recv, by way of `line`. The record lies in it until the next call.
 * frame_recv may be used on the same socket while nothing is left over. */
enum rc frame_next(struct frame_line *line, int sock, size_t cap, int seconds,
    struct span *ret_record, int *ret_fd, const char *peer) MUST_CHECK;

/** Add a record to what will be sent, and send it all once it is worth a call. */
enum rc frame_add(struct frame_line *line, int sock, struct span record,
    const char *peer) MUST_CHECK;
/** The same for a record that its writer appends to line->out between these two,
 * so that it is not copied.
 * \param at       where frame_begin said that the record begins
 * \param written  what the writer came to: any error takes the record back and
 *                 is returned */
enum rc frame_begin(struct frame_line *line, size_t *ret_at) MUST_CHECK;
enum rc frame_end(struct frame_line *line, size_t at, enum rc written, int sock,
    const char *peer) MUST_CHECK;
/** Send it now: before waiting for the peer. */
enum rc frame_flush(struct frame_line *line, int sock, const char *peer)
    MUST_CHECK;

#endif
