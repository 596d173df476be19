/* SPDX-License-Identifier: Apache-2.0 */
/** Gathering histories in a reader: copied in phase a, parsed in phase b. */
#ifndef TRANSFER_READER_READER_HISTORY_H
#define TRANSFER_READER_READER_HISTORY_H

#include "transfer/media/history_set.h"

struct history_scan {
	bool begun;
	struct history_file *files; /* as they were copied, response by response */
	size_t n;
	struct buf bytes; /* of all of them; DER takes the place of PEM */
	int memfd;	  /* of the result; made while that is allowed; -1 */
};
void history_scan_wipe(struct history_scan *scan);

/** Phase a: copy every file of every history on the medium. One that cannot be
 * copied is the end: half a history proves nothing. */
enum rc history_scan_dir(struct history_scan *scan, const struct media *media)
    MUST_CHECK;

/** Phase b: parse them and fill and seal the memfd; -1 when there is none.
 * \retval RC_FORMAT rule MANIFEST-FILES, CERT-FORM, MEDIA-SIZE */
enum rc history_scan_parse(struct history_scan *scan) MUST_CHECK;

#endif
