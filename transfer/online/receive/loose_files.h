/* SPDX-License-Identifier: Apache-2.0 */
/** Loose CSRs from files that the operator names, online. */
#ifndef TRANSFER_ONLINE_RECEIVE_LOOSE_FILES_H
#define TRANSFER_ONLINE_RECEIVE_LOOSE_FILES_H

#include "transfer/media/loose.h"
#include "transfer/reader/reader.h"

struct loose_files {
	struct loose set; /* names are the paths as given, borrowed */
	struct buf ders;
};
void loose_files_wipe(struct loose_files *files);

/** Let a reader find the CSR in each: one, in PEM or DER. \param n  not 0
 * \retval RC_FORMAT rules CSR-FORM, PRIVATE-KEY, READER; RC_IO cannot be read, or
 *                   the reader died; RC_USAGE too many */
enum rc loose_files_read(struct reader *reader, const char *const *paths,
    size_t n, struct loose_files *ret) MUST_CHECK;

#endif
