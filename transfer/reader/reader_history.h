/* SPDX-License-Identifier: Apache-2.0 */
/** Gathering histories in a reader: copied in phase a, parsed in phase b. */
#ifndef TRANSFER_READER_READER_HISTORY_H
#define TRANSFER_READER_READER_HISTORY_H

#include "transfer/media/history_set.h"
#include "transfer/reader/reader_left.h"

struct history_scan {
	bool begun;
	struct history_file *files; /* as they were copied, response by response */
	size_t n;
	size_t n_responses;
	struct reader_left left; /* responses and channels that are refused */
	struct buf bytes; /* of all of them; DER takes the place of PEM */
	int memfd;	  /* of the result; made while that is allowed; -1 */
};
void history_scan_wipe(struct history_scan *scan);

/** Phase a: copy every file of every history on the medium. A response of which a
 * file cannot be copied is left behind, and the others go on.
 * \retval RC_FORMAT rule MEDIA-COUNT: all of them are too many */
enum rc history_scan_dir(struct history_scan *scan, const struct media *media)
    MUST_CHECK;

/** Phase b: parse them and fill and seal the memfd; -1 when none is good. Left
 * behind by rules MANIFEST-FILES and CERT-FORM. */
enum rc history_scan_parse(struct history_scan *scan) MUST_CHECK;

#endif
