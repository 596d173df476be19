/* SPDX-License-Identifier: Apache-2.0 */
/** CSR files for a process that holds what no stranger's bytes shall reach: it copies
 * them, and a reader parses.
 */
#ifndef TRANSFER_READER_READER_FILES_H
#define TRANSFER_READER_READER_FILES_H

#include "transfer/reader/reader.h"

/** Where what a reader says goes, file by file and in order. What a call does not
 * return as RC_OK ends it all, and the reader is of no further use. */
struct reader_files_to {
	/* It found a good CSR: paths[i], and what it says. Its DER stands in the file
	 * (csr_is_of_file); with a key, that is the one of the DER. */
	enum rc (*take)(void *arg, size_t i, struct verdict *v);
	/* It found none, or there is no file for it: the error on record has a rule.
	 * RC_OK: the others go on. NULL: the first one ends it. */
	enum rc (*refuse)(void *arg, size_t i, enum rc why);
	void *arg;
};

/** Read files with one CSR each, some of them at a time.
 * \param der_only  no more is looked at than what the DER in them is
 * \retval RC_FORMAT unless refusals are taken, CSR-FORM: too large, or no regular file;
 *                   PRIVATE-KEY; unless `der_only` all rules of csr_read.
 *                   READER: the reader lies
 * \retval RC_IO     a file cannot be read, the reader died or is silent */
enum rc reader_files_read(struct reader *reader, const char *const *paths,
    size_t n, bool der_only, const struct reader_files_to *to) MUST_CHECK;

#endif
