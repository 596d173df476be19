/* SPDX-License-Identifier: Apache-2.0 */
/* A whole file as one piece, and pieces as a whole. */
#include "base/file_sink.h"

enum rc
file_sink_whole(const struct file_sink *to, struct span bytes)
{
	enum rc rc = to->begin == NULL ? RC_OK : to->begin(to->arg, bytes.n);

	return rc != RC_OK ? rc : to->add(to->arg, bytes);
}

static enum rc
into_begin(void *arg, uint64_t size)
{
	return buf_reserve(arg, (size_t)size);
}

static enum rc
into_add(void *arg, struct span piece)
{
	return buf_add_span(arg, piece);
}

struct file_sink
file_sink_into(struct buf *to)
{
	return (struct file_sink){ into_begin, into_add, to };
}
