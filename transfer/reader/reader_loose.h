/* SPDX-License-Identifier: Apache-2.0 */
/** Gathering loose CSRs in a reader: copied in phase a, parsed in phase b. */
#ifndef TRANSFER_READER_READER_LOOSE_H
#define TRANSFER_READER_READER_LOOSE_H

#include "transfer/media/loose.h"
#include "transfer/media/media.h"
#include "transfer/reader/reader_left.h"

struct loose_scan {
	bool begun;
	struct loose_file *files; /* as they were copied */
	size_t n_files;
	struct buf bytes; /* of all of them */
	struct reader_left left; /* files that were refused */
	struct buf ders;  /* of all of them */
	int memfd;	  /* of the result; made while that is allowed; -1 */
};
void loose_scan_wipe(struct loose_scan *scan);

/** Phase a: copy every *.csr, *.p10, *.pem and *.der of the medium's root. */
enum rc loose_scan_dir(struct loose_scan *scan, const struct media *media)
    MUST_CHECK;
/** The same for one file that is open already. */
enum rc loose_scan_file(struct loose_scan *scan, const char *name, int fd)
    MUST_CHECK;

/** Phase b: parse them and fill and seal the memfd; -1 when no CSR was good. */
enum rc loose_scan_parse(struct loose_scan *scan) MUST_CHECK;

#endif
