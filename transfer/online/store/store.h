/* SPDX-License-Identifier: Apache-2.0 */
/** The online store: what this host knows of one CA (store.db, version 7).
 *
 * The pinned trust, the policy, the bundles sent, the manifests accepted and the
 * certificates they brought. Private keys are never in it: they are PEM files
 * beside it. One install is one transaction; everything else in the home is made
 * from the store (transfer/home).
 */
#ifndef TRANSFER_ONLINE_STORE_STORE_H
#define TRANSFER_ONLINE_STORE_STORE_H

#include "base/db.h"
#include "transfer/judge/judge.h"
#include "transfer/media/loose.h"

struct store {
	struct db db;
	struct trust trust;
	struct policy policy;
	char label[LABEL_MAX + 1]; /* of this requester */
	struct buf spki;	   /* its key */
	struct channel channel;	   /* its id, and the head */
	bool changing;		   /* a transaction is open */
	/* Used once for every certificate, or name. */
	sqlite3_stmt *seen, *add, *held;
};
void store_wipe(struct store *store); /* rolls an open transaction back */

/** What an enrolment pins. */
struct enrolment {
	const uint8_t *ca_id;	  /* SHA256_LEN bytes */
	const struct span *certs; /* the CA's, then its issuers */
	size_t n_certs;
	struct span transfer_cert, policy;
	const char *label;
	struct span spki;
	int64_t created; /* when the CA made the card */
	bool back;	 /* an older card than is pinned, on purpose */
	int64_t now;
};

/** Make the store with that enrolment in it.
 * \retval RC_STATE there is one */
enum rc store_create(const char *path, const struct enrolment *enrolment)
    MUST_CHECK;

/** Replace what is pinned, keeping requester, head and certificates: for a CA
 * that lost its transfer key. The CA must be the same: the ca-id does not change.
 * Call it outside a transaction. \retval RC_FORMAT rule CA-CERT, CHANNEL
 * \retval RC_STATE rule CARD-OLD (store_card_check) */
enum rc store_replace(struct store *store, const struct enrolment *enrolment)
    MUST_CHECK;

/** Is it no older than what is pinned: neither its transfer certificate, nor the card
 * itself, compared with the card pinned last and, where its policy is another, with
 * the newest manifest? With `back` it must be older.
 * \retval RC_STATE rule CARD-OLD
 * \retval RC_USAGE `back`, and it is no older */
enum rc store_card_check(struct store *store, const struct enrolment *e) MUST_CHECK;

/** The card that was pinned last; not known where an older program did it. */
struct pinned_card {
	bool is_known;
	int64_t at, created;
	bool back;
};
enum rc store_card_last(struct store *store, struct pinned_card *ret) MUST_CHECK;

/** Within a transaction: remember that this card was pinned. */
enum rc store_card_add(struct store *store, const struct enrolment *e) MUST_CHECK;

/** Open it, with trust, policy and head.
 * \retval RC_FORMAT rule UNENROLLED: there is none
 * \retval RC_STATE  damaged, or of another version */
enum rc store_open(const char *path, bool write, struct store *ret) MUST_CHECK;

/** Read trust, policy and head again, after a response was added or undone. */
enum rc store_reload(struct store *store) MUST_CHECK;

/** The certificates of the CA's issuers, concatenated DER, in order. */
enum rc store_issuers(struct store *store, struct buf *ret_der) MUST_CHECK;
/** The same as PEM, appended. \retval RC_STATE "FROM: damaged" */
enum rc store_issuers_pem(
    struct store *store, const char *from, struct buf *out) MUST_CHECK;

/* ---- transactions -------------------------------------------------------- */

enum rc store_begin(struct store *store) MUST_CHECK;
enum rc store_commit(struct store *store) MUST_CHECK;
void store_rollback(struct store *store);

/* ---- bundles ------------------------------------------------------------- */

/** The number for the next bundle: the seconds of the clock, or one more than the
 * last that was answered, whichever is higher; so a store that was put back to an
 * older state still counts up. */
enum rc store_next_sequence(struct store *store, int64_t now, uint32_t *ret)
    MUST_CHECK;

/** What a request does to those that were asked before it for its name and
 * profile (holding.h has the rule). Kept as numbers: the order stays. */
enum standing {
	STANDS_IN_PLACE, /* it takes the place of all of them, at once */
	STANDS_BESIDE,	 /* of those with its type of key, at once */
	STANDS_RENEWED,	 /* of those, when it has settled */
};

/** Why certificates are kept and not used. Kept as numbers. */
enum unused {
	UNUSED_NOT, /* SQL NULL: they are used */
	UNUSED_FORGOTTEN,
	UNUSED_WITHDRAWN,
	UNUSED_NO_KEY, /* not asked for by this store, and its key is not here */
};

/** Record a bundle as sent, before it is written to a stick. `names` and `keys`
 * say for each request what it names in the end and, NULL if unknown, the file
 * in the home that holds its private key. Within a transaction. */
struct sent_request {
	const struct name *names;
	size_t n_names;
	const char *key_file;
	enum standing standing;
	uint32_t since; /* asked again: the bundle that asked first; 0: this */
};
enum rc store_bundle_add(struct store *store, const struct bundle *bundle,
    struct span file, const struct sent_request *requests) MUST_CHECK;

/** Its row alone, within a transaction: sequence, id, created and expires of it, and
 * what stands for its bytes. */
enum rc store_bundle_put(struct store *store, const struct bundle *b,
    const uint8_t digest[static SHA256_LEN], enum bundle_state state,
    struct span file) MUST_CHECK;

/** The state of a bundle and, unless it is unknown, number and file. */
enum rc store_bundle_find(struct store *store,
    const uint8_t id[static BUNDLE_ID_LEN], enum bundle_state *ret_state,
    uint32_t *ret_sequence, struct buf *ret_file) MUST_CHECK;

/** The names of a request as the store has them: one a line, as in --name. */
enum rc store_names_write(const struct name *names, size_t n,
    struct buf *out) MUST_CHECK;

/** Requests without an answer: of open and void bundles, and those closed as
 * ABANDONED, each CSR once, oldest first; none that was withdrawn. `file` is the whole bundle that `place`
 * (from 0) counts in. */
struct unanswered {
	uint32_t sequence, place;
	struct span file;
	struct span key_file; /* n 0: none known */
	enum standing standing;
	uint32_t since; /* the bundle that asked first */
	bool replaced;	/* a later request for its name was granted meanwhile */
};
enum rc store_each_unanswered(struct store *store,
    enum rc (*each)(void *arg, const struct unanswered *u), void *arg)
    MUST_CHECK;

/** Open bundles, oldest first. */
struct open_bundle {
	uint32_t sequence;
	int64_t created;
	uint8_t id[BUNDLE_ID_LEN];
	uint32_t n_requests, n_revocations;
	bool has_expires;
	int64_t expires;
};
enum rc store_each_open(struct store *store,
    enum rc (*each)(void *arg, const struct open_bundle *b), void *arg)
    MUST_CHECK;

/* ---- what is kept and not used ------------------------------------------- */

/** Within a transaction: give up all that is held under a name and profile.
 * \param[out] ret_waiting  open bundles that ask for it still */
enum rc store_forget(struct store *store, struct span name,
    struct span profile, size_t *ret_waiting) MUST_CHECK;

/** Within a transaction: take the bundle back that has no answer and whose id begins with that text.
 * Its answer, should one come all the same, is taken for the channel's sake.
 * \retval RC_STATE none without an answer has that id, or several have */
enum rc store_withdraw(struct store *store, const char *id, struct buf *ret_id,
    size_t *ret_requests) MUST_CHECK;

/** The requests that an answer granted and that meet older certificates of their
 * name, or are not used at all. Spans last during the call. */
struct takeover {
	uint32_t bundle, place;
	struct span name, profile; /* as of a holding */
	enum unused unused;
};
enum rc store_each_takeover(struct store *store, uint32_t bundle,
    enum rc (*each)(void *arg, const struct takeover *t), void *arg)
    MUST_CHECK;

/* ---- what comes back ----------------------------------------------------- */

/** For judge_response. */
enum rc store_accepted(struct store *store, uint32_t sequence, bool *ret_known,
    uint8_t ret_digest[static SHA256_LEN]) MUST_CHECK;
enum rc store_serial_seen(struct store *store, struct span serial,
    bool *ret_seen) MUST_CHECK;

/** Within a transaction: a certificate that the judge passed; then, once the
 * whole response is judged, the rest: manifest, results, policy, trust, states
 * of bundles. The store's own trust, policy and head are those of before until
 * it is opened again. A `manifest_sequence` of 0 is for loose CSRs. */
enum rc store_cert_add(struct store *store, uint32_t manifest_sequence,
    uint32_t bundle_sequence, const struct judged *judged) MUST_CHECK;
enum rc store_response_add(struct store *store,
    const struct response_verdict *verdict, struct span manifest,
    uint32_t bundle_sequence, int64_t now) MUST_CHECK;

/** Within a transaction: keep the policy that a response brought, if it did. */
enum rc store_policy_add(struct store *store,
    const struct response_verdict *verdict) MUST_CHECK;

/* ---- not asked for by this store ----------------------------------------- */

/** Has another set here the answer with this number? */
enum rc store_loose_numbered(struct store *store, uint32_t sequence,
    bool *ret_known) MUST_CHECK;

/** Within a transaction, around the judging of a response to a bundle that the
 * store does not know: it gets a number and no content; then each certificate that
 * the judge passed; then the results say what the requests were. `key_file` finds
 * the file of the home that has a key, by the SHA-256 of its SPKI; one that is
 * neither in a file nor of a CSR that was granted before is not here, and what it
 * is for is not used. Nor is what is for a key whose request was withdrawn or
 * forgotten; one that was asked for here keeps its place among the requests.
 * \param[out] ret_lost  certificates that are not used for that */
typedef enum rc key_file_find(
    void *arg, const uint8_t *key_id, struct buf *ret_file);
enum rc store_unasked_begin(struct store *store,
    const uint8_t id[static BUNDLE_ID_LEN], int64_t now,
    uint32_t *ret_bundle) MUST_CHECK;
enum rc store_unasked_cert_add(struct store *store, uint32_t manifest_sequence,
    uint32_t bundle, const struct judged *judged) MUST_CHECK;
enum rc store_unasked_add(struct store *store, uint32_t bundle,
    const struct manifest *manifest, key_file_find *key_file, void *arg,
    size_t *ret_lost) MUST_CHECK;

/* ---- loose CSRs ---------------------------------------------------------- */

/** What answered a set of loose CSRs here: the digest of that manifest. */
enum rc store_loose_find(struct store *store, const struct loose *set,
    bool *ret_known, uint8_t ret_digest[static SHA256_LEN]) MUST_CHECK;

/** Within a transaction, around the judging of a response to a set: it takes the
 * number of a bundle, for certificates to belong to; then each certificate that
 * the judge passed; then the rest. The channel, the trust and the policy in force
 * stay as they are. */
enum rc store_loose_begin(struct store *store, const struct loose *set,
    int64_t now, uint32_t *ret_bundle) MUST_CHECK;
enum rc store_loose_cert_add(struct store *store, uint32_t bundle,
    const struct judged *judged) MUST_CHECK;
struct loose_answer {
	const struct response_verdict *verdict;
	struct span manifest; /* the file */
	int64_t now;
};
enum rc store_loose_add(struct store *store, uint32_t bundle,
    const struct loose_answer *answer) MUST_CHECK;

/* ---- certificates -------------------------------------------------------- */

struct stored_cert {
	struct span serial, der, subject; /* subject: DER of the Name */
	uint8_t sha256[SHA256_LEN];
	struct span names; /* "dns:a\nsrv:_b.c": as in --name, one a line */
	struct span profile, request_id, key_file;
	int64_t not_before, not_after;
	bool revoked;
	enum unused unused;
};
/** By date alone costs nothing; by names means a sort of everything. */
enum store_order {
	STORE_BY_DATE, /* notBefore */
	STORE_BY_NAMES /* those of one list of names and profile by notBefore */
};

/** Every certificate in that order; spans last during the call. */
enum rc store_each_cert(struct store *store, enum store_order order,
    enum rc (*each)(void *arg, const struct stored_cert *cert), void *arg)
    MUST_CHECK;

/** Those by that CA key that have not ended: their DER, in no order, which lasts
 * during the call. */
enum rc store_each_living(struct store *store,
    const uint8_t issuer[static SHA256_LEN], int64_t now,
    enum rc (*each)(void *arg, struct span der), void *arg) MUST_CHECK;

/* ---- looking back -------------------------------------------------------- */

/** The manifests accepted, from number `from` on, in order; spans last during the
 * call. */
struct stored_manifest {
	uint32_t sequence;
	struct span file;
	struct span bundle; /* the file that it answers; n 0: none */
};
enum rc store_each_manifest(struct store *store, uint32_t from,
    enum rc (*each)(void *arg, const struct stored_manifest *m), void *arg)
    MUST_CHECK;

/** Appended. \retval RC_STATE it is not there */
enum rc store_cert_der(struct store *store, struct span serial,
    struct buf *ret_der) MUST_CHECK;
enum rc store_policy_text(struct store *store,
    const uint8_t digest[static SHA256_LEN], struct buf *ret_text) MUST_CHECK;

/** When the CA expects the next visit, as the newest manifest says. */
enum rc store_next_visit(struct store *store, bool *ret_has, int64_t *ret_at)
    MUST_CHECK;

#endif
