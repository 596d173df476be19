/* SPDX-License-Identifier: Apache-2.0 */
/** CSR files for a process that holds what no stranger's bytes shall reach: it copies
 * them, and a reader parses.
 */
#ifndef TRANSFER_READER_READER_FILES_H
#define TRANSFER_READER_READER_FILES_H

#include "transfer/reader/reader.h"

/** A file's CSR that a reader found good: paths[i], and what the reader says. Its DER
 * stands in the file (csr_is_of_file); with a key, that is the one of the DER. */
typedef enum rc reader_file_take(void *arg, size_t i, struct verdict *v);

/** Read files with one CSR each, in order, some of them at a time: to the end, or to
 * the first that is refused, after which the reader is of no further use.
 * \param der_only  no more is looked at than what the DER in them is
 * \retval RC_FORMAT CSR-FORM: too large, or no regular file; PRIVATE-KEY; unless
 *                   `der_only` all rules of csr_read; READER: the reader lies
 * \retval RC_IO     a file cannot be read, the reader died or is silent */
enum rc reader_files_read(struct reader *reader, const char *const *paths,
    size_t n, bool der_only, reader_file_take *take, void *arg) MUST_CHECK;

#endif
