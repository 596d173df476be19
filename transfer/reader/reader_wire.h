/* SPDX-License-Identifier: Apache-2.0 */
/** What a reader and its parent say to each other; nobody else includes this.
 *
 * Each record is one CBOR array, whose form is a table in reader_wire.c. With a
 * check goes the memfd of a bundle, a loose set or CSR files, with ANSWER_FILE that
 * of a copy. Of CSR files the verdict brings the DER that it is about; READER_DERS
 * asks for no more than that. ANSWER_END answers a scan, and is the greeting; ANSWER_FAILED may come
 * instead of any other. Verdicts travel many to a record: a switch between
 * processes costs more than a verdict.
 */
#ifndef TRANSFER_READER_READER_WIRE_H
#define TRANSFER_READER_READER_WIRE_H

#include "transfer/format/schema.h"
#include "transfer/x509/name.h"

enum reader_command {
	READER_SCAN,
	READER_SCAN_LOOSE,
	READER_LEVEL,
	READER_CHECK,
	READER_CHECK_LOOSE,
	READER_SCAN_HISTORY,
	READER_CHECK_FILES,
	READER_DERS,
	READER_SCAN_FOLDER,
};

enum reader_answer {
	ANSWER_FAILED,
	ANSWER_END,
	ANSWER_FILE,
	ANSWER_REFUSED,
	ANSWER_LEVEL,
	ANSWER_VERDICTS,
};

#define READER_COMMAND_MAX 64		     /* bytes of a command */
#define READER_BATCH 64			     /* verdicts in one record */
#define READER_BATCH_BYTES ((size_t)64 << 10) /* a record this long is sent */
#define READER_ANSWER_MAX ((size_t)1 << 20)  /* bytes of an answer */

struct reader_order {
	enum reader_command kind;
	uint32_t first, n; /* of a check */
};
extern const struct schema_field reader_order_form;

/** Why something failed: the rule by name, "" for none. */
struct reader_error {
	enum rc rc;
	struct span rule, reason;
};

struct reader_said {
	enum reader_answer kind;
	struct reader_error error; /* of ANSWER_FAILED and ANSWER_REFUSED */
	struct span name;	   /* of a file */
	bool seccomp;
	uint32_t landlock_abi;
	uint64_t n_verdicts; /* which follow, each by its own form */
};
extern const struct schema_field reader_said_form;

struct reader_verdict {
	uint32_t index;
	struct reader_error error;
	struct span key_id;
	struct reader_error names_error; /* they are refused, if wanted */
	struct reader_error ca_error;	 /* it is, if it is to be no CA */
	bool has_path_len;		 /* see struct csr_ca_wish */
	uint32_t path_len;
	struct span constraints;
	struct span der;    /* of a file's CSR */
	struct name *names; /* lent: NAMES_MAX for who reads */
	size_t n_names;
};
extern const struct schema_field reader_verdict_form;

/** What runs in the child: where it reads, opened by the parent. */
struct reader_place {
	const char *path; /* as the operator gave it; NULL: nowhere */
	int dir;	  /* of a medium, or -1 */
	int file;	  /* that is one bundle, or -1 */
};

/** The child's whole life; `arg` is its struct reader_place. */
enum rc reader_run(int sock, void *arg);

#endif
