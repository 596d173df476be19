/* SPDX-License-Identifier: Apache-2.0 */
/** What a scan leaves behind, and why: told one by one before what it takes. */
#ifndef TRANSFER_READER_READER_LEFT_H
#define TRANSFER_READER_READER_LEFT_H

#include "base/err.h"
#include "base/own.h"
#include "transfer/media/media.h"

#include <stddef.h>

struct reader_left_one {
	char name[MEDIA_NAME_MAX];
	enum rc rc;
	struct err_saved why;
};

struct reader_left {
	struct reader_left_one *items; /* owned */
	size_t n;
	size_t told; /* of them, so far */
};
void reader_left_wipe(struct reader_left *left);

/** Keep the recorded error as the reason for one of at most MEDIA_NAME_MAX - 1
 * bytes, and let the others go on. \retval RC_IO no memory */
enum rc reader_left_add(struct reader_left *left, const char *name, enum rc why) MUST_CHECK;

/** The next that was not told yet, its error on record again; NULL: all were. */
const struct reader_left_one *reader_left_next(struct reader_left *left);

#endif
