/* SPDX-License-Identifier: Apache-2.0 */
/** CSR files as somebody handed them over, for a reader to look into.
 *
 * Whoever holds a store and keys only copies their bytes, into one array, whose form
 * is the table in csr_files.c. It is no file format: it lives between a reader and
 * its parent.
 */
#ifndef TRANSFER_MEDIA_CSR_FILES_H
#define TRANSFER_MEDIA_CSR_FILES_H

#include "base/buf.h"

#define CSR_FILES_MAX 256 /* of one array */
/* Bytes of each. More than a CSR has: a key among CSRs may have a chain, and is known
 * all the same. */
#define CSR_FILES_BYTES ((size_t)1 << 20)

struct csr_file {
	struct span name; /* its path, for sentences */
	struct span bytes;
};

struct csr_files {
	struct csr_file *items; /* owned; the spans are borrowed */
	size_t n;
};
void csr_files_wipe(struct csr_files *files);

/** Append the encoding. \retval RC_IO no memory */
enum rc csr_files_write(const struct csr_files *files, struct buf *out)
    MUST_CHECK;

/** \retval RC_FORMAT it is none; RC_IO no memory */
enum rc csr_files_read(struct span bytes, struct csr_files *ret) MUST_CHECK;

#endif
