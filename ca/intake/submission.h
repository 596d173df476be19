/* SPDX-License-Identifier: Apache-2.0 */
/** A bundle as it lies on the stick, read and admitted, or not; or loose CSRs,
 * which become one submission too.
 *
 * Reading trusts the bytes of a sealed copy only. Admission asks the ledger:
 * whose is it, was it answered, does it fit this ledger's history and clock.
 */
#ifndef CA_INTAKE_SUBMISSION_H
#define CA_INTAKE_SUBMISSION_H

#include "ca/intake/loose_before.h"
#include "ca/ledger/ledger.h"
#include "transfer/format/cose.h"
#include "transfer/media/loose.h"
#include "transfer/policy/policy.h"
#include "transfer/reader/reader.h"

enum admission {
	ADMIT_NEW,	/* to be checked, shown and signed */
	ADMIT_RESUME,	/* accepted by a run that did not finish */
	ADMIT_ANSWERED, /* the stored response is the answer */
	ADMIT_OTHER,	/* for another CA: passed over */
};

struct submission {
	const struct scanned *file; /* borrowed */
	struct cose cose;	    /* spans into the file */
	struct bundle bundle;	    /* likewise; of loose CSRs the requests */
	uint8_t digest[SHA256_LEN]; /* of the file */
	uint8_t key_id[SHA256_LEN]; /* of the requester's SPKI; loose: zero */
	bool is_loose;
	struct loose loose; /* the set, in the order of the requests */
	struct loose_before *before; /* owned; for each of it, when new */
	enum admission admission;
	bool known; /* the requester is enrolled; loose: there is none */
	struct requester requester; /* also of one that was removed */
	struct ledger_bundle record; /* when resumed or answered */
};
void submission_wipe(struct submission *s);

/** What sentences call a request: its place and its id, or its file. */
#define SUBMISSION_REQUEST_TEXT (32 + MEDIA_NAME_MAX)
void submission_request_name(const struct submission *s, size_t i,
    char to[static SUBMISSION_REQUEST_TEXT]);

/** Who asks: the label under which its key is enrolled. Of a key that is not, what
 * the bundle says, which a person compares before it counts; loose: none. */
struct span submission_label(const struct submission *s);

/** Take the file apart and check the form, the kid and the requester's SPKI,
 * whose bytes meet key_shape before OpenSSL sees them, and the signature.
 * Rules COSE-, CBOR-, BUNDLE-KID, KEY-. */
enum rc submission_read(const struct scanned *file, struct submission *ret)
    MUST_CHECK;

/** Is what its requester saw last part of this ledger's history? Another CA's
 * bundle says nothing of it, nor does one whose key is not enrolled.
 * Rules HEAD-AHEAD, FORK, ROLLBACK. */
enum rc submission_check_head(struct submission *s, struct ledger *ledger,
    const uint8_t ca_id[static SHA256_LEN]) MUST_CHECK;

/** Place it in the ledger's history; sets admission, known, requester, record.
 * Rules LABEL-OTHER, LABEL-TAKEN, REPLAY, BUNDLE-CLOSED, BUNDLE-UNFINISHED,
 * ROLLBACK, HEAD-AHEAD, FORK, HEAD-CLAIMED, SEQUENCE-AHEAD, BUNDLE-CLOCK, BUNDLE-EXPIRED. */
enum rc submission_admit(struct submission *s, struct ledger *ledger,
    const uint8_t ca_id[static SHA256_LEN], int64_t now) MUST_CHECK;

/** Take a set of loose CSRs (reader_scan_loose) for what is asked, which is
 * borrowed. Its id are the first bytes of the set's digest, its digest is over that,
 * the profile and the names. */
enum rc submission_read_loose(const struct scanned *file,
    const struct loose_asked *asked, struct submission *ret) MUST_CHECK;

/** The same set again is met again, under any names of files. No other loose set
 * stands in its way, but what it has in common with one is told in `before`. Rules LOOSE-PROFILE, REPLAY. */
enum rc submission_admit_loose(struct submission *s, struct ledger *ledger)
    MUST_CHECK;

/** A loose CSR asks for no dates: it gets those of the profile in this policy.
 * Rule PROFILE-UNKNOWN. */
enum rc submission_set_terms(struct submission *s, const struct policy *policy)
    MUST_CHECK;

#endif
