/* SPDX-License-Identifier: Apache-2.0 */
/** index.txt, the text in which `openssl ca` and easy-rsa keep what they
 * issued.
 *
 * A line has six fields with tabs between: V, R or E; the end of the
 * certificate; when and why it was revoked; its serial in hexadecimal digits; a
 * file's name, which nobody uses; its subject. The file comes from outside and
 * nothing proves it, so it is read strictly: what has no one meaning is refused
 * by its line (rule INDEX-LINE).
 */
#ifndef CA_LIFECYCLE_ADOPT_INDEX_H
#define CA_LIFECYCLE_ADOPT_INDEX_H

#include "base/buf.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/reason.h"

#define INDEX_FILE_MAX ((size_t)256 << 20)

struct index_entry {
	size_t line; /* from 1 */
	uint8_t
	    serial[SERIAL_MAX]; /* without leading zeros; 0 is one zero byte */
	size_t n_serial;
	int64_t not_after;
	bool ended; /* marked E */
	bool revoked;
	int64_t revoked_at;
	enum reason reason;
	int64_t since; /* invalidityDate; 0: none */
	bool held;     /* certificateHold, which counts as revoked for good */
	bool removed;  /* removeFromCRL, which does too */
	struct span subject; /* as it stands there; see index_subject */
};

/** A cursor over a whole file. */
struct index_cursor {
	const char *from; /* first words of every sentence */
	struct span rest;
	size_t line; /* the last one taken */
};

/** The next entry; comments ('#') are passed over. *ret_more is false at the
 * end. \retval RC_FORMAT rule INDEX-LINE */
enum rc index_next(struct index_cursor *cursor, struct index_entry *ret,
    bool *ret_more) MUST_CHECK;

/** A subject for people: "\xC3\xA9" is the two bytes that it stands for where
 * these make UTF-8, and stays as it is where they do not. Appended. */
enum rc index_subject(struct span text, struct buf *out) MUST_CHECK;

#endif
