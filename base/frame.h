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

/** Send one record; `fd` (-1 for none) is passed with it. Blocks.
 * \retval RC_IO the peer is gone */
enum rc frame_send(int sock, struct span record, int fd, const char *peer)
    MUST_CHECK;

/** Receive one record into `ret_record` (reset first), and a descriptor when
 * one came (`*ret_fd`, else -1; pass NULL to refuse one).
 * \param seconds  until the whole record must be here; 0 waits for ever
 * \retval RC_IO      closed or stalled
 * \retval RC_FORMAT  larger than `cap`, or with a descriptor that none wants */
enum rc frame_recv(int sock, size_t cap, int seconds, struct buf *ret_record,
    int *ret_fd, const char *peer) MUST_CHECK;

#endif
