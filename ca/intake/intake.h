/* SPDX-License-Identifier: Apache-2.0 */
/** The signer's side of the readers: believe nothing, check again.
 *
 * Readers parse the requests in parallel. What they say of one is taken only
 * where it can be found in the sealed bytes: the key (by a DER walk to the SPKI)
 * and the bundle's names. The policy is then applied here. What remains on a
 * reader's word is that the CSR's signature verified, and the names that only
 * the CSR gives; the operator sees those before signing.
 */
#ifndef CA_INTAKE_INTAKE_H
#define CA_INTAKE_INTAKE_H

#include "ca/intake/submission.h"
#include "transfer/policy/request.h"
#include "transfer/rule.h"

/** What becomes of one request. */
struct decision {
	enum rule rule; /* RULE_NONE: granted */
	char *reason;	/* owned; printable, at most COMMENT_MAX bytes */
	char *held;	/* owned; who else has its key, for the operator */
	struct grant grant;
	struct name_list csr_names; /* owned; grant.names may point into it */
	struct span spki;	    /* within the sealed copy, or `spelled` */
	struct buf spelled;	    /* see csr_find_spki */
	uint8_t key_id[SHA256_LEN];
};

struct decisions {
	struct decision *items; /* owned; one per request, in order */
	size_t n, granted;
	uint64_t certificates; /* that the granted ones come to */
};
void decisions_wipe(struct decisions *d);

/** Who reads and by which law. */
struct intake {
	struct reader *readers;
	size_t n_readers;
	const struct policy *policy;
	const struct ca_window *window;
	int64_t now; /* the time that validity is counted from */
};

/** Check every request of a submission.
 * \param progress  called with the number done; may be NULL
 * \retval RC_FORMAT  rule READER: a reader said what is not in the bytes
 * \retval RC_IO      a reader died or hung */
enum rc intake_check(const struct intake *intake, const struct submission *s,
    void (*progress)(void *arg, uint64_t done), void *arg,
    struct decisions *ret) MUST_CHECK;

/** Refuse a request after all, with the sentence and rule of the error record. */
enum rc decision_refuse(struct decision *d) MUST_CHECK;
/** The same for one that was counted as granted. */
enum rc decisions_withdraw(struct decisions *d, const struct submission *s,
    size_t i) MUST_CHECK;

#endif
