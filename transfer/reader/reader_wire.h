/* SPDX-License-Identifier: Apache-2.0 */
/** What a reader and its parent say to each other; nobody else includes this.
 *
 * Each record is one CBOR array. A command is [READER_SCAN], [READER_SCAN_LOOSE],
 * [READER_SCAN_PAST], [READER_LEVEL], or [READER_CHECK, first, n] with the bundle's memfd, or
 * [READER_CHECK_LOOSE, first, n] with that of a loose set. An answer begins with
 * what it is:
 *
 *	[ANSWER_FAILED, rc, rule, reason]	instead of any other
 *	[ANSWER_END]				of a scan; or the greeting
 *	[ANSWER_FILE, name]			with a memfd
 *	[ANSWER_REFUSED, name, rc, rule, reason]	a file that was not copied
 *	[ANSWER_LEVEL, seccomp, landlock-abi]
 *	[ANSWER_VERDICTS, [+ verdict]]
 *	verdict = [index, rc, rule, reason, key-id, [* [name-type, text]]]
 *
 * rule is text, "" for none; reason and key-id are bytes. Verdicts travel many
 * to a record: a switch between processes costs more than a verdict.
 */
#ifndef TRANSFER_READER_READER_WIRE_H
#define TRANSFER_READER_READER_WIRE_H

#include "base/err.h"

#include <stddef.h>

enum reader_command {
	READER_SCAN,
	READER_SCAN_LOOSE,
	READER_LEVEL,
	READER_CHECK,
	READER_CHECK_LOOSE,
	READER_SCAN_PAST,
	READER_COMMANDS,
};

enum reader_answer {
	ANSWER_FAILED,
	ANSWER_END,
	ANSWER_FILE,
	ANSWER_REFUSED,
	ANSWER_LEVEL,
	ANSWER_VERDICTS,
	ANSWERS,
};

#define READER_COMMAND_MAX 64		     /* bytes of a command */
#define READER_BATCH 64			     /* verdicts in one record */
#define READER_BATCH_BYTES ((size_t)64 << 10) /* a record this long is sent */
#define READER_ANSWER_MAX ((size_t)1 << 20)  /* bytes of an answer */

/** What runs in the child: where it reads, opened by the parent. */
struct reader_place {
	const char *path; /* as the operator gave it; NULL: nowhere */
	int dir;	  /* of a medium, or -1 */
	int file;	  /* that is one bundle, or -1 */
};

/** The child's whole life; `arg` is its struct reader_place. */
enum rc reader_run(int sock, void *arg);

#endif
