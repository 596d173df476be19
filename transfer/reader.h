/* SPDX-License-Identifier: Apache-2.0 */
/** The reader processes: everything that touches what a stranger wrote.
 *
 * A reader starts with the right to read one directory. Its first command may
 * be "scan", answered with the bundles there as sealed memfds. Then it is told
 * to lock itself in (sandbox_strict) and checks ranges of requests of a memfd
 * that it is handed: parsing, proof of possession, keys, names.
 *
 * The signer believes none of it: see ca/intake.
 */
#ifndef TRANSFER_READER_H
#define TRANSFER_READER_H

#include "base/child.h"
#include "transfer/csr.h"
#include "transfer/media.h"
#include "transfer/sandbox.h"

/** Start one. `media` NULL: it begins locked in. A media path that is a regular
 * file is scanned as that one bundle.
 * \retval RC_IO no process; RC_IO seccomp is missing */
enum rc reader_start(struct child *ret, const char *media) MUST_CHECK;

/** One file found by a scan. */
struct scanned {
	char name[MEDIA_NAME_MAX];
	struct sealed copy; /* seals checked by the caller's side; n 0 on error */
	enum rc rc;	    /* why it could not be copied, RC_OK otherwise */
	char reason[ERR_TEXT_MAX], rule[ERR_RULE_MAX];
};
void scanned_wipe(struct scanned *s);

/** Ask a reader for the next bundle file of its medium, in name order;
 * *ret_more is false (and nothing filled in) at the end, after which the reader
 * has locked itself in. */
enum rc reader_scan(struct child *reader, struct scanned *ret, bool *ret_more)
    MUST_CHECK;

/** The level that a reader has reached (asked of it). */
enum rc reader_level(struct child *reader, struct sandbox_level *ret) MUST_CHECK;

/** Hand over a bundle and check the requests first..first+n-1 of it: the CSR DER
 * spans are found by the reader itself. Asynchronous: start several readers,
 * then take their answers. */
enum rc reader_check_start(struct child *reader, const struct sealed *copy,
    uint32_t first, uint32_t n) MUST_CHECK;

/** What a reader says of one request. */
struct verdict {
	uint32_t index;
	enum rc rc; /* RC_OK, or refused by `rule` with `reason` */
	struct span rule, reason;
	uint8_t key_id[SHA256_LEN];    /* of the key it found */
	struct name_list names;	       /* of the CSR */
};
void verdict_wipe(struct verdict *v);

/** The next answer, in index order; blocks. `store` keeps the bytes behind it
 * and is reset by the next call. */
enum rc reader_check_next(struct child *reader, struct buf *store,
    struct verdict *ret) MUST_CHECK;

#endif
