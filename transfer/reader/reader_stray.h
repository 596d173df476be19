/* SPDX-License-Identifier: Apache-2.0 */
/** What else lies on a stick, for a person to hear of: private keys anywhere, and
 * CSRs where nobody takes them. Copied in phase a, looked at in phase b; nothing of
 * it is ever signed. */
#ifndef TRANSFER_READER_READER_STRAY_H
#define TRANSFER_READER_READER_STRAY_H

#include "transfer/media/media.h"
#include "transfer/reader/reader_left.h"

struct stray_file; /* reader_stray.c */

struct stray_scan {
	bool begun;
	bool for_csrs; /* tell of CSRs that are not taken, too */
	bool any_name; /* a CSR is taken under any name with the right ending */
	struct stray_file *files; /* owned */
	size_t n_files;
	size_t n_entries; /* of directories, so far */
	struct buf bytes; /* of all files */
	struct reader_left left; /* what is told; of phase b */
};
void stray_scan_wipe(struct stray_scan *scan);

/** Phase a: copy every small file of the medium that may be one, folders included. A
 * file that cannot be opened is passed over: it is not wanted.
 * \retval RC_IO no memory */
enum rc stray_scan_dir(struct stray_scan *scan, const struct media *media)
    MUST_CHECK;

/** Phase b: rules PRIVATE-KEY, LOOSE-FILE and MEDIA-NAME, at most STRAYS_MAX. */
enum rc stray_scan_parse(struct stray_scan *scan, const char *medium) MUST_CHECK;

#endif
