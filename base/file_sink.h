/* SPDX-License-Identifier: Apache-2.0 */
/** Where the bytes of a file go that may be too large to be held: one piece after
 * the other, whoever makes or reads them. What a call returns but RC_OK ends it. */
#ifndef BASE_FILE_SINK_H
#define BASE_FILE_SINK_H

#include "base/buf.h"
#include "base/err.h"

struct file_sink {
	enum rc (*begin)(void *arg, uint64_t size); /* NULL: nobody cares */
	enum rc (*add)(void *arg, struct span piece);
	void *arg;
};

/** One that is at hand as a whole. */
enum rc file_sink_whole(const struct file_sink *to, struct span bytes)
    MUST_CHECK;
/** One that appends to `to`, whose room is asked for once. */
struct file_sink file_sink_into(struct buf *to);

#endif
