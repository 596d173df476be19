/* SPDX-License-Identifier: Apache-2.0 */
/** What a signed file says, for people and for programs.
 *
 * Both forms come from one table of the grammar's fields. People get diagnostic
 * notation (RFC 8949 section 8, comments and << >> as in RFC 8610 appendix G)
 * that names each field and spells out times, durations and digests; every byte
 * of the file is in it. Programs get JSON: keys in snake_case, times as RFC 3339
 * in UTC, byte strings as hex. Both are [\x20-\x7e] and newlines only, whatever
 * the file holds.
 */
#ifndef TRANSFER_ONLINE_CMD_DIAG_H
#define TRANSFER_ONLINE_CMD_DIAG_H

#include "transfer/format/cose.h"
#include "transfer/rule.h"

#include <jansson.h>

/** A file, its form checked, and what its signature is worth. */
struct diag {
	struct cose cose;	/* spans into the file */
	enum rc signature;	/* RC_OK: good under the key in the file */
	char reason[ERR_TEXT_MAX]; /* why it is not; "" when good */
	enum rule rule;
	/* What people compare as words: the SHA-256 of a bundle's SPKI or of a
	 * card's CA certificate. A manifest has none. */
	bool has_fingerprint;
	uint8_t fingerprint[SHA256_LEN];
};

/** Check the form of a file of any of the three kinds and its signature under
 * the key that it carries itself: whose key that is remains to be proved.
 * \retval RC_FORMAT the form is wrong (a wrong signature is told in `ret`)
 * \retval RC_IO memory */
enum rc diag_read(const char *from, struct span file, struct diag *ret)
    MUST_CHECK;

/** One sentence on the signature. */
const char *diag_verdict(const struct diag *diag);
/** "csr-bundle", "transfer-manifest" or "ca-card". */
const char *diag_kind(const struct diag *diag);
/** Whose fingerprint it is: "key of the requester", "CA certificate". */
const char *diag_fingerprint_of(const struct diag *diag);

/** Append the file as commented diagnostic notation. What is written is twice as
 * long as the file and more: with `fd` not -1 it goes there as it grows, and `out`
 * has the rest. \retval RC_IO memory, or `fd` takes no more */
enum rc diag_write(
    const struct diag *diag, struct buf *out, int fd) MUST_CHECK;

/** The payload as a JSON object, in pieces: each is the text `before`, then a value
 * that the callee releases, if it is not NULL. So a list is never held whole.
 * \retval RC_IO memory; any other: as `put` said */
typedef enum rc diag_json_put(void *arg, const char *before, json_t *value);
enum rc diag_json(const struct diag *diag, diag_json_put *put,
    void *arg) MUST_CHECK;

#endif
