/* SPDX-License-Identifier: Apache-2.0 */
/** What goes over the socket to the token process and back.
 *
 * A request is an operation (u32) and its arguments; an answer is an enum rc
 * (u32), then the results, or the sentence: no rule speaks here, a token only
 * fails. Numbers are big-endian u32, bytes and texts have their length in front. A text that may be
 * absent is preceded by a u32 that says so. Our end trusts nothing in an
 * answer: every take checks.
 */
#ifndef TOKEN_WIRE_WIRE_H
#define TOKEN_WIRE_WIRE_H

#include "token/wire/shape.h"

enum wire_op {
	WIRE_LIST, /* module? -> n, n infos */
	WIRE_OPEN, /* uri? -> info */
	WIRE_SEEK, /* uri?, said by?, spki, spki -> info */
	WIRE_KEYS, /* -> n, n keys */
	WIRE_FIND, /* uri? -> key */
	WIRE_LOGIN,
	WIRE_USE,    /* spki -> handle */
	WIRE_CAN,    /* type */
	WIRE_KEYGEN, /* type, label, id -> key */
	WIRE_SIGN,   /* handle, scheme, digest -> signature */
	WIRE_BENCH,  /* handle, seconds, threads -> signatures per 1000 s */
	WIRE_ATTEST, /* spki -> certificate, issuer */
	WIRE_CONFINE, /* -> Landlock's ABI, seccomp */
	WIRE_INIT,   /* module, label, so_pin_source?, pin_source? -> info */
	WIRE_NEWEST, /* -> u64: when the newest certificate begins; 0: none */
	WIRE_OPS
};

#define WIRE_NAME "token" /* of the process, in sentences */
#define WIRE_REQUEST_MAX ((size_t)64 << 10)
#define WIRE_ANSWER_MAX ((size_t)4 << 20)

enum rc wire_put_text(struct buf *out, const char *text) MUST_CHECK;
enum rc wire_put_info(
    struct buf *out, const struct token_info *info) MUST_CHECK;
enum rc wire_put_key(struct buf *out, const struct token_key *key) MUST_CHECK;

/** Take; false when the bytes are not what was put. */
bool wire_take_text(struct span *in, char *ret, size_t size);
bool wire_take_info(struct span *in, struct token_info *ret);
bool wire_take_key(struct span *in, struct token_key *ret);

/** The error record, to be sent; and received: returns the rc recorded, RC_BUG
 * when the bytes are no error. */
enum rc wire_put_error(struct buf *out, enum rc rc) MUST_CHECK;
enum rc wire_take_error(struct span in, uint32_t rc) MUST_CHECK;

#endif
