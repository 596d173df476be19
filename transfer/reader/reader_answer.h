/* SPDX-License-Identifier: Apache-2.0 */
/** Talking to a reader process, for transfer/reader/reader_client alone.
 *
 * A reader may have been subverted by what it parsed: each answer is bytes from
 * a stranger. What does not have the form of transfer/reader/reader_wire.h, and a child
 * that dies of what it read, are refused under the rule READER.
 */
#ifndef TRANSFER_READER_READER_ANSWER_H
#define TRANSFER_READER_READER_ANSWER_H

#include "base/buf.h"
#include "transfer/format/cbor_in.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"

#define READER_NAME "reader"

struct reader; /* transfer/reader/reader.h */

/** Make a failure to parse the reader's fault: RC_FORMAT becomes rule READER,
 * any other result stays as it is. */
enum rc reader_lied(enum rc rc) MUST_CHECK;
enum rc reader_lied_about(const char *what) MUST_CHECK;
/** An answer to something else. */
enum rc reader_unexpected(void) MUST_CHECK;

/** An answer; of verdicts the first is next in `in`. */
struct reader_heard {
	struct cbor_in in;
	struct reader_said said;
};

/** Is what a reader tells as an error, or as none, one? The rule must be one of
 * ours, with its code.
 * \retval RC_FORMAT rule READER: there is no such error */
enum rc reader_error_rule(const struct reader_error *error, enum rule *ret)
    MUST_CHECK;

/** Send a command; `fd` is -1 or what goes along. */
enum rc reader_order_send(struct reader *reader,
    const struct reader_order *order, int fd) MUST_CHECK;

/** Receive one answer. Its descriptor, where none is wanted (`fd` NULL), is a lie
 * too. ANSWER_FAILED becomes the error that it tells. Waits for as long as the
 * reader has deserved. */
enum rc reader_answer_recv(struct reader *reader, struct buf *record, int *fd,
    struct reader_heard *ret) MUST_CHECK;

/** What was done is worth time (ns): how long a reader may keep us waiting in
 * all depends on how much there is to do, and not on how many answers it sends. */
void reader_work_off(struct reader *reader, int64_t worth);

#endif
