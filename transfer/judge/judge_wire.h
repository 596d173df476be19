/* SPDX-License-Identifier: Apache-2.0 */
/** What parent and judge say to each other: CBOR arrays, one to a frame, whose form
 * is a table in judge_wire.c.
 *
 * With a JUDGE_RESPONSE goes a memfd, unless its copy is COPY_NONE: the bundle, or
 * a loose set, which is for the order's profile and names. With a JUDGE_BUNDLE goes that of
 * the bundle of each JUDGE_ASKED. JUDGE_KIN follows a JUDGE_OPEN. JUDGE_LEVEL asks whether it is locked in. Each
 * order is answered by a verdict; before that, to a JUDGE_RESPONSE alone, it may
 * answer JUDGE_FILE: give me that file, or behind the last, the manifest, or behind
 * that, the list of own_cert (which one that has none says is empty). The
 * parent says [length], then its bytes in frames of JUDGE_CHUNK. Where the order
 * says so, each certificate that was found good comes as a JUDGE_TAKE, and each of
 * that list that a CRL has newly revoked as a JUDGE_REVOKED. With a
 * JUDGE_CARD goes a memfd of it; what a good one offers is told before the verdict.
 */
#ifndef TRANSFER_JUDGE_JUDGE_WIRE_H
#define TRANSFER_JUDGE_JUDGE_WIRE_H

#include "transfer/format/schema.h"
#include "transfer/judge/judge.h"

enum judge_order_kind {
	JUDGE_OPEN,
	JUDGE_CERT,
	JUDGE_RESPONSE,
	JUDGE_LEVEL,
	JUDGE_BUNDLE,
	JUDGE_ASKED,
	JUDGE_CARD,
	JUDGE_KIN,
};
enum judge_answer {
	JUDGE_VERDICT,
	JUDGE_FILE,
	JUDGE_TAKE,
	JUDGE_OFFER,
	JUDGE_REVOKED,
};

/* COPY_NO_SET: an answer to loose CSRs that are not at hand. COPY_UNASKED: to a
 * bundle, if to any, that the requester no longer knows. */
enum judge_copy {
	COPY_NONE,
	COPY_BUNDLE,
	COPY_LOOSE,
	COPY_NO_SET,
	COPY_UNASKED,
};

#define JUDGE_CHUNK ((size_t)1 << 20)
#define JUDGE_TAKE_WORTH ((size_t)64 << 10) /* certificates sent at once */
#define JUDGE_FILE_MAX ((uint64_t)1 << 30)
#define JUDGE_FROM_MAX 120
#define JUDGE_NAME "judge"


/** Of each kind some fields; spans are borrowed on both sides. */
struct judge_order {
	enum judge_order_kind kind;
	struct span policy, transfer_cert;
	struct span ca_id; /* n 0: of the first certificate */
	const struct span *ca_certs; /* lent: JUDGE_CAS_MAX for who reads */
	size_t n_ca_certs;

	struct span der, from, spki, profile, serial, csr_subject;
	int64_t not_before, not_after;
	bool has_issuer;
	uint8_t issuer[SHA256_LEN];
	const struct name *names; /* lent: NAMES_MAX for who reads */
	size_t n_names;
	uint32_t request;
	int64_t now; /* of a card */
	const struct kin_one *kin; /* owned by who read it */
	size_t n_kin;

	struct channel channel;
	enum judge_copy copy;
	bool taking; /* give each certificate back */
	const struct span *files; /* owned by who read it */
	size_t n_files;
};
extern const struct schema_field judge_order_form;

struct judge_said {
	enum judge_answer kind;
	enum rc rc; /* of a verdict */
	struct span rule, sentence;
	uint32_t index; /* of a file */
	/* Of a certificate. Its profile and the names are told where
	 * nobody here asked for it. */
	uint32_t request, slot;
	struct span der, profile;
	const struct name *names; /* lent: NAMES_MAX for who reads */
	size_t n_names;
	/* Of the CA certificate of a card. */
	struct span subject;
	int64_t until;
	/* Of one that is revoked. */
	struct span serial;
	uint32_t reason;
	int64_t at;
};
extern const struct schema_field judge_said_form;

/** What becomes of a JUDGE_TAKE; NULL: none is wanted. */
struct judge_taker {
	enum rc (*take)(void *arg, const struct judge_said *said);
	/* The list of own_cert; what of it is revoked. */
	enum rc (*own)(void *arg, struct buf *ret_list);
	enum rc (*revoked)(void *arg, const struct judge_said *said);
	void *arg;
};
/** Order a response to be judged, and answer until there is a verdict on it. `copy`
 * is that of the bundle or the loose set, or -1. */
enum rc judge_response_order(struct child *judge, const struct evidence *r,
    int copy, const struct judge_taker *taker) MUST_CHECK;
/** Send an order, `fd` with it or -1. */
enum rc judge_order_send(struct child *judge, const struct judge_order *order,
    int fd) MUST_CHECK;
/** The next answer; a's names are lent by the caller. */
enum rc judge_answer_recv(struct child *judge, struct judge_said *a) MUST_CHECK;
/** What a verdict says, as an error of ours. */
enum rc judge_verdict_pass(const struct judge_said *a) MUST_CHECK;
/** RC_BUG: the judge answers with what is no answer. */
enum rc judge_lied_about(const char *what) MUST_CHECK;

/** What the judge process runs. */
enum rc judge_run(int sock, void *unused);

#endif
