/* SPDX-License-Identifier: Apache-2.0 */
/** The ledger: everything that this CA ever did, in one hash-chained database.
 *
 * Table `record` is the truth: one row per act, its body deterministic CBOR
 * (docs/man/airgap-ledger.5), chained by
 *	hash(n) = SHA-256(CBOR [n, hash(n-1), at, kind, SHA-256 of policy, body])
 * with 32 zero bytes before the first. The other tables are indexes that
 * ledger_verify rebuilds and compares. DER and manifests are kept as bytes;
 * nothing that can be derived from them is.
 *
 * Time in records never goes back, but at a RECORD_CLOCK. Their numbers have no
 * gap, but before a RECORD_IMPORT: it stands behind all that its manifest was
 * made over, so that no requester sees the ledger shrink.
 *
 * All writes happen between ledger_begin and ledger_commit. A commit is durable
 * when it returns; after one that failed nothing more can be written until the
 * ledger is opened anew.
 */
#ifndef CA_LEDGER_LEDGER_H
#define CA_LEDGER_LEDGER_H

#include "base/buf.h"
#include "transfer/format/payload.h"
#include "transfer/x509/cert.h"

struct ledger; /* opaque */

enum record_kind {
	RECORD_INIT = 1,      /* ca-id, CA certificate, transfer certificate */
	RECORD_POLICY = 2,    /* a policy came into force */
	RECORD_ENROL = 3,     /* requester: label, SPKI */
	RECORD_REMOVE = 4,    /* requester removed */
	RECORD_BUNDLE = 5,    /* a bundle was accepted (Yes) */
	RECORD_INTENT = 6,    /* a TBS that may be signed from now on */
	RECORD_RESULT = 7,    /* the certificate that came of it */
	RECORD_REFUSAL = 8,   /* a request refused for good */
	RECORD_VOID = 9,      /* an intent that will never have a result */
	RECORD_MANIFEST = 10, /* a response, complete */
	RECORD_CLOCK = 11,    /* the operator vouched for the clock */
	RECORD_TRANSFER = 12, /* a new transfer certificate */
	RECORD_NETWORK = 13,  /* signed with a network interface up */
	RECORD_ARRIVED = 14,  /* a head proved that a response arrived */
	RECORD_ABANDON = 15,  /* a bundle was closed without an answer */
	RECORD_CHECKED = 16,  /* a response was found whole on a medium */
	RECORD_RESTORED = 17, /* what is before it came from a backup */
	RECORD_IMPORT = 18,   /* a manifest of the part that was lost */
	RECORD_REGAINED = 19, /* a certificate of the last such manifest */
	RECORD_CAUGHT_UP = 20, /* what the backup lacks is here, or given up */
	RECORD_HISTORY = 21,  /* how far the history of a channel was read */
	RECORD_REVOKED = 22,  /* a certificate is revoked from here on */
	RECORD_KEY_REVOKED = 23, /* a key that is never certified again */
	RECORD_CRL = 24, /* a CRL that was signed */
	RECORD_CA = 25, /* the CA's own certificate may change, or has changed */
	RECORD_ADOPTED = 26,  /* the CA was made elsewhere; what its CRLs begin at */
	RECORD_ADOPTED_CERT = 27, /* a certificate that it issued there */
	RECORD_CRL_SERIES = 28, /* numbers that may be signed from here on */
	RECORD_CRL_SEEN = 29, /* a CRL of the lost part was read: its number */
	RECORD_LISTED = 30, /* a serial that such a CRL alone has told of */
};

/** Create a ledger in `path` / open one. One writer at a time: a second one is
 * told so. \retval RC_STATE missing, damaged, not a ledger; its newest record
 * does not hash to what it says */
enum rc ledger_create(const char *path, struct ledger **ret) MUST_CHECK;
/** A reader sees what was committed when it looks; a writer waits for readers. */
enum rc ledger_open(const char *path, bool write, struct ledger **ret) MUST_CHECK;
void ledger_free(struct ledger *ledger);
OWN_STRUCT(ledger, ledger_free);

enum rc ledger_begin(struct ledger *ledger) MUST_CHECK;
enum rc ledger_commit(struct ledger *ledger) MUST_CHECK;
void ledger_rollback(struct ledger *ledger);

/** Around many reads: each alone would lock the file, look for a journal and
 * unlock it again. Within ledger_begin they have no effect; else nothing may be
 * written in between. */
enum rc ledger_read_begin(struct ledger *ledger) MUST_CHECK;
void ledger_read_end(struct ledger *ledger);

/** The clock and policy that go into the records that follow; once per
 * transaction at least, before anything is added. The policy's text is stored
 * once; a RECORD_POLICY is written when it differs from the newest record's.
 * \retval RC_STATE rule CLOCK-BEHIND: `now` is before the high-water mark */
enum rc ledger_stamp(struct ledger *ledger, int64_t now, struct span policy_text)
    MUST_CHECK;

/** Count and hash of the newest record. */
void ledger_head_get(const struct ledger *ledger, struct ledger_head *ret);
/** Is `head` a place in this ledger's history? */
enum rc ledger_head_known(struct ledger *ledger, const struct ledger_head *head,
    bool *ret_known) MUST_CHECK;
/** The clock's high-water mark: the newest record's time, which no record before
 * it exceeds since the last RECORD_CLOCK. 0 when empty. O(1). */
int64_t ledger_high_water(const struct ledger *ledger);

/* ---- the CA ------------------------------------------------------------------- */

/** How a CA comes to another certificate. The numbers stand in records. */
enum ca_change {
	CA_RENEWED = 1,	    /* of the same key */
	CA_ROLLED_OVER = 2, /* of a new key, and two across (RFC 4210 4.4) */
	CA_SPARE = 3,
	CA_SUBORDINATE = 4, /* by the CA above, and its issuers */
};

/** "the CA renewed", ... */
const char *ca_change_text(enum ca_change change);

/** One certificate that the CA has, or had. DER. */
struct ca_own {
	struct buf cert;
	struct buf over;  /* new-with-old: the key before signed this key */
	struct buf under; /* old-with-new: this key signed the key before */
	uint64_t n;	  /* its record */
};

#define CA_ISSUERS_MAX 15 /* above a CA: with it as many as a card carries */

struct ledger_ca {
	uint8_t ca_id[SHA256_LEN];
	struct buf ca_cert;	  /* DER, the current one: the last of `own` */
	struct buf transfer_cert; /* DER, the current one */
	int64_t created;
	struct ca_own *own; /* owned: the oldest first, one at least */
	size_t n_own;
	struct buf issuers; /* DER, joined: above the current one, in order up
			     * to the root; empty where that is a root */
	/* What it had besides, DER, joined: all transfer certificates, the
	 * current one too; all issuers, those of earlier ones too. */
	struct buf transfers, had_issuers;
};
/** The next of `issuers`, from a span of it that gets shorter. \retval false
 * there is none left */
bool ledger_ca_issuer(struct span *rest, struct span *ret_der);
/** A CA's certificate and those above it, one by one. \retval false `issuers` are
 * no certificates, or more than CA_ISSUERS_MAX: what is in front of that is there */
#define CA_CHAIN_MAX (1 + CA_ISSUERS_MAX)
bool ledger_ca_chain(struct span ca_cert, struct span issuers,
    struct span ret[static CA_CHAIN_MAX], size_t *ret_n);
void ledger_ca_wipe(struct ledger_ca *ca);
enum rc ledger_init_add(struct ledger *ledger, struct span ca_cert,
    struct span transfer_cert) MUST_CHECK;
enum rc ledger_transfer_add(struct ledger *ledger, struct span transfer_cert)
    MUST_CHECK;
/** \retval RC_STATE it holds no CA; a certificate in it was never begun */
enum rc ledger_ca_get(struct ledger *ledger, struct ledger_ca *ret) MUST_CHECK;

/** The CA's key may sign these TBSes from now on, and the last ones that were
 * noted so no more. Each has a serial that is not in the ledger.
 * Of a rollover: the CA's, new-with-old, old-with-new. */
#define CA_CHANGE_MAX 3 /* certificates of one change */
enum rc ledger_ca_intend(struct ledger *ledger, enum ca_change change,
    const struct span *tbs, size_t n) MUST_CHECK;
/** What came of them, in the same order: from here on the CA is the first. Of a
 * CA below another one (CA_SUBORDINATE) that, and its issuers up to the root; it
 * may be the one that is in force already. */
enum rc ledger_ca_change(struct ledger *ledger, enum ca_change change,
    const struct span *certs, size_t n) MUST_CHECK;
/** What was noted, and nothing came of yet. */
struct ca_begun {
	bool any;
	enum ca_change change;
	int64_t at;
	struct buf ders; /* owned: what `tbs` points into */
	struct span tbs[CA_CHANGE_MAX];
	size_t n;
};
void ca_begun_wipe(struct ca_begun *begun);
enum rc ledger_ca_begun(struct ledger *ledger, struct ca_begun *ret) MUST_CHECK;
/** The transfer certificate that was in force at record `n`: appended. */
enum rc ledger_transfer_then(struct ledger *ledger, uint64_t n,
    struct buf *ret_cert) MUST_CHECK;

/** The newest policy's text, and any by digest. RC_STATE when unknown. */
enum rc ledger_policy_get(struct ledger *ledger,
    const uint8_t digest[static SHA256_LEN], struct buf *ret_text) MUST_CHECK;
enum rc ledger_policy_known(struct ledger *ledger,
    const uint8_t digest[static SHA256_LEN], bool *ret_known) MUST_CHECK;
enum rc ledger_policy_newest(struct ledger *ledger,
    uint8_t ret_digest[static SHA256_LEN], bool *ret_any) MUST_CHECK;

/* ---- requesters --------------------------------------------------------------- */

struct requester {
	char label[LABEL_MAX + 1];
	uint8_t key_id[SHA256_LEN];
	struct buf spki;
	int64_t enrolled;
	uint32_t last_bundle;	/* sequence of the last bundle processed; 0 */
	uint32_t last_manifest; /* sequence of the channel's newest; 0 */
	uint32_t arrived;	/* newest manifest proven to have arrived; 0 */
	uint64_t removed;	/* the record of its removal; 0: is enrolled */
};
void requester_wipe(struct requester *requester);
/** By key; *ret_known false when unknown or removed. Enrolled again after a
 * removal, it goes on from where its channel was. */
enum rc ledger_requester_get(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], struct requester *ret,
    bool *ret_known) MUST_CHECK;
/** Also one that was removed, or that only its own history has told of: it has no
 * label then, nor a key. What is known of its channel counts for it all the same. */
enum rc ledger_requester_met(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], struct requester *ret,
    bool *ret_met) MUST_CHECK;
/** Is a label in use (and by which key)? A removed requester's is not. */
enum rc ledger_label_get(struct ledger *ledger, struct span label,
    uint8_t ret_key_id[static SHA256_LEN], bool *ret_used) MUST_CHECK;
enum rc ledger_enrol_add(struct ledger *ledger, struct span label,
    struct span spki) MUST_CHECK;
enum rc ledger_remove_add(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN]) MUST_CHECK;
enum rc ledger_requesters(struct ledger *ledger, struct requester **ret,
    size_t *ret_n) MUST_CHECK;
void requesters_free(struct requester *list, size_t n);
enum rc ledger_arrived_add(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], uint32_t sequence) MUST_CHECK;

/* ---- bundles and what became of them ------------------------------------------- */

struct ledger_bundle {
	uint64_t n; /* its record */
	uint8_t id[BUNDLE_ID_LEN], digest[SHA256_LEN], requester[SHA256_LEN];
	uint32_t sequence;
	int64_t at;		    /* when it was accepted */
	uint8_t policy[SHA256_LEN]; /* in force then */
	uint32_t answered;	    /* manifest sequence; 0: has none */
	uint64_t closed; /* record that closed it without one; 0 */
};
/** Loose CSRs, which have no requester. */
bool ledger_bundle_is_loose(const struct ledger_bundle *bundle);
/** An id is its requester's choice: it stands for nothing without him. Of loose
 * CSRs the requester is all zero. */
enum rc ledger_bundle_get(struct ledger *ledger,
    const uint8_t requester[static SHA256_LEN],
    const uint8_t id[static BUNDLE_ID_LEN], struct ledger_bundle *ret,
    bool *ret_known) MUST_CHECK;
/** All that have this id, the oldest first. `*ret` is the caller's to free. */
enum rc ledger_bundles_of_id(struct ledger *ledger,
    const uint8_t id[static BUNDLE_ID_LEN], struct ledger_bundle **ret,
    size_t *ret_n) MUST_CHECK;
/** By its record. \retval RC_STATE record `n` is no bundle */
enum rc ledger_bundle_at(struct ledger *ledger, uint64_t n,
    struct ledger_bundle *ret) MUST_CHECK;
/** Bundles neither answered nor closed: what an interrupted run left. */
enum rc ledger_bundles_open(struct ledger *ledger, struct ledger_bundle **ret,
    size_t *ret_n) MUST_CHECK;
/** Accept: sets n. `id`, `digest`, `requester`, `sequence` are the caller's. */
enum rc ledger_bundle_add(struct ledger *ledger, struct ledger_bundle *bundle)
    MUST_CHECK;
/** Close it without an answer. Its intents have their outcomes by then. */
enum rc ledger_abandon_add(struct ledger *ledger, uint64_t bundle) MUST_CHECK;

struct intent {
	uint64_t n; /* its record; set by ledger_intent_add */
	uint64_t bundle;
	uint32_t request, slot; /* places, from 0 */
	uint8_t serial[16];
	uint8_t tbs[SHA256_LEN]; /* SHA-256 of the TBS */
	int64_t not_before, not_after;
	uint8_t key_id[SHA256_LEN]; /* of the subscriber's key */
	char request_id[REQUEST_ID_MAX + 1]; /* both are needed; C strings */
	char profile[PROFILE_MAX + 1];
};
/** \retval RC_STATE the serial is in the ledger already: nothing was written, and
 * the caller may try another one */
enum rc ledger_intent_add(struct ledger *ledger, struct intent *intent) MUST_CHECK;
enum rc ledger_result_add(struct ledger *ledger, const struct intent *intent,
    struct span der) MUST_CHECK;
/** Also of an intent that has its result, as long as its bundle is open: what
 * was signed never left then, and never will. */
enum rc ledger_void_add(struct ledger *ledger, const struct intent *intent,
    const char *why) MUST_CHECK;
enum rc ledger_refusal_add(struct ledger *ledger, uint64_t bundle,
    uint32_t request, struct span request_id, const char *rule,
    const char *reason) MUST_CHECK;

/** All acts of one bundle in record order. */
struct bundle_act {
	enum record_kind kind; /* INTENT, RESULT, VOID or REFUSAL */
	struct intent intent;  /* of the first three */
	struct span der;       /* RESULT; borrowed during the call */
	uint32_t request;      /* REFUSAL */
	struct span rule, reason;
};
typedef enum rc bundle_act_fn(const struct bundle_act *act, void *arg);
enum rc ledger_bundle_each(struct ledger *ledger,
    const struct ledger_bundle *bundle, bundle_act_fn *each, void *arg) MUST_CHECK;

/* ---- manifests ------------------------------------------------------------------ */

struct ledger_manifest {
	uint8_t channel[SHA256_LEN]; /* the requester; all zero for loose ones */
	uint32_t sequence;
	uint8_t digest[SHA256_LEN]; /* of the file */
	uint8_t policy[SHA256_LEN];
	int64_t at;
	struct buf file; /* the manifest, as it was written */
	uint64_t bundle; /* the bundle's record; 0: none */
	bool imported;	 /* it was made over a lost part of the ledger */
	struct ledger_head over; /* which this is the head of, then */
};
void ledger_manifest_wipe(struct ledger_manifest *manifest);
/** `sequence` 0: the newest. */
enum rc ledger_manifest_get(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence,
    struct ledger_manifest *ret, bool *ret_known) MUST_CHECK;
/** Whose response is it? By the first 4 bytes of its channel, which are what its
 * directory is named after, and its number. */
enum rc ledger_manifest_find(struct ledger *ledger,
    const uint8_t prefix[static 4], uint32_t sequence,
    uint8_t ret_channel[static SHA256_LEN], bool *ret_known) MUST_CHECK;
/** Store a complete response and mark its bundle answered. Its file moves, since
 * a large one is not held twice. */
enum rc ledger_manifest_add(struct ledger *ledger,
    struct ledger_manifest *manifest) MUST_CHECK;
/** A response was found whole on a medium that was plugged in again. Once for
 * each response: ask ledger_manifests_pending first. */
enum rc ledger_checked_add(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence) MUST_CHECK;
/** The sequences above `arrived`, rising, that were not found on a medium.
 * `*ret` is the caller's to free. */
enum rc ledger_manifests_pending(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], uint32_t arrived, uint32_t **ret,
    size_t *ret_n) MUST_CHECK;

/* ---- certificates --------------------------------------------------------------- */

struct ledger_cert {
	struct intent intent;
	struct buf der; /* empty when void or unfinished */
	bool is_void;
	bool revoked;
	bool own; /* the CA's, or of its transfer key: no bundle asked for it */
	bool adopted; /* issued before this CA was taken over: no bundle */
	bool listed; /* a CRL alone has told of it: as adopted, and its end unknown */
	uint8_t adopted_serial[SERIAL_MAX]; /* its serial, of any length */
	size_t n_adopted_serial;
	struct buf subject; /* of an adopted one, as text; its DER may be unknown */
	int64_t at;	  /* of the result, or of the intent while unfinished */
	uint64_t outcome; /* record of the result or void; 0: unfinished */
	uint8_t requester[SHA256_LEN];
};
void ledger_cert_wipe(struct ledger_cert *cert);
/** Its serial without leading zeros, which lasts as long as `cert`. */
struct span ledger_cert_serial(const struct ledger_cert *cert);
/** The CA's own and the transfer certificates are found too: their intent.n is
 * the record that holds them, their bundle 0. */
enum rc ledger_cert_get(struct ledger *ledger, struct span serial,
    struct ledger_cert *ret, bool *ret_known) MUST_CHECK;
/** The bytes alone, of one that a bundle asked for and that was signed, and not
 * made void: what a response of ten thousand wants ten thousand times. `ret_der`
 * is reset first.
 * \retval RC_STATE the ledger's tables lead to another record */
enum rc ledger_cert_der(struct ledger *ledger, struct span serial,
    struct buf *ret_der, bool *ret_known) MUST_CHECK;
typedef enum rc ledger_cert_fn(const struct ledger_cert *cert, void *arg);
/** Those that came with an adopted CA, then those asked for in bundles, in the order
 * of their intents. */
enum rc ledger_certs_each(struct ledger *ledger, ledger_cert_fn *each, void *arg)
    MUST_CHECK;

/** Of `keys` (NULL: of all) those that have certificates, or were to get them when a run
 * was interrupted: for each that is not void, the subscriber's key and the serial. One
 * walk, as there is no index of keys: its random places would cost every signing.
 * Only what was before record `before`; 0: all. */
typedef enum rc ledger_key_fn(const uint8_t key_id[static SHA256_LEN],
    struct span serial, void *arg);
struct digest_set;
enum rc ledger_keys_each(struct ledger *ledger, const struct digest_set *keys,
    uint64_t before, ledger_key_fn *each, void *arg) MUST_CHECK;

/* ---- backups ---------------------------------------------------------------------- */

/** Copy it as it is at this moment into a new file, which is no more than that: the
 * caller syncs it. \retval RC_IO the file is there, or cannot be written */
enum rc ledger_copy(struct ledger *ledger, const char *path) MUST_CHECK;

/** Put a file's bytes into a copy, in a table of its own; take them out again,
 * table and all. `ret_bytes` is appended to; *ret_any is false where there is
 * none. \retval RC_STATE not a copy of a ledger */
enum rc ledger_file_put(const char *path, const char *name, struct span bytes)
    MUST_CHECK;
enum rc ledger_file_take(const char *path, const char *name,
    struct buf *ret_bytes, bool *ret_any) MUST_CHECK;

/** Record and time of the newest response that this ledger's CA signed; 0: none. */
enum rc ledger_last_response(struct ledger *ledger, uint64_t *ret_n,
    int64_t *ret_at) MUST_CHECK;

/* ---- after a backup was restored ------------------------------------------------- */

/** This ledger was a backup until now. \param digest  of the backup file */
enum rc ledger_restored_add(struct ledger *ledger,
    const uint8_t digest[static SHA256_LEN]) MUST_CHECK;

/** A manifest of ours that a lost part of the ledger had, back from its
 * requester. It has arrived, and its bundle is answered. */
struct ledger_import {
	uint8_t channel[SHA256_LEN];
	uint32_t sequence;
	bool has_bundle;
	uint8_t bundle_id[BUNDLE_ID_LEN], bundle_digest[SHA256_LEN];
	uint32_t bundle_sequence;
	uint64_t count; /* records before it, as it says */
	struct span file;
	uint64_t n; /* its record; set by ledger_import_add */
};
/** \retval RC_STATE it does not continue its channel, or its bundle was answered
 * otherwise */
enum rc ledger_import_add(struct ledger *ledger, struct ledger_import *import)
    MUST_CHECK;

/** A certificate of the manifest that was imported last: nothing else may be
 * added in between. It is the result of its intent where the ledger has that.
 * \retval RC_STATE its serial belongs to another certificate */
struct ledger_regained {
	uint32_t request, slot;
	struct span request_id, profile, der;
};
enum rc ledger_regained_add(struct ledger *ledger,
    const struct ledger_regained *regained) MUST_CHECK;

/** Intents of a bundle that have neither result nor void; `each` may add records
 * only after the walk. */
typedef enum rc intent_fn(const struct intent *intent, void *arg);
enum rc ledger_intents_open(struct ledger *ledger, uint64_t bundle,
    intent_fn *each, void *arg) MUST_CHECK;

/** No ledger has so many records. The next number is above what an imported
 * manifest was made over, and must leave room for all that follow. */
#define LEDGER_COUNT_MAX (UINT64_C(1) << 48)

/** Every manifest imported since the newest RECORD_RESTORED, in order, after the
 * number of records that were restored. \retval RC_STATE none was restored */
struct ledger_restored {
	uint64_t count; /* records of the backup */
	int64_t made, at; /* times of its newest record, and of the restoring */
	uint8_t digest[SHA256_LEN]; /* of the backup file */
};
enum rc ledger_restored_get(struct ledger *ledger, struct ledger_restored *ret,
    bool *ret_any) MUST_CHECK;

/** Nothing is signed between RECORD_RESTORED and this: what the backup lacks was
 * brought back, or a person said in words what is lost. */
enum rc ledger_caught_up_add(struct ledger *ledger, const char *words)
    MUST_CHECK;
/** Rule RESTORED: that is still awaited. */
enum rc ledger_check_caught_up(struct ledger *ledger) MUST_CHECK;

/** How far the history of a channel was read since RECORD_RESTORED: `whole` when
 * nothing of it was refused, and it reached what the ledger has. */
struct ledger_history {
	uint8_t channel[SHA256_LEN];
	uint32_t sequence; /* the newest that the ledger has of it now; 0: none */
	bool whole;
};
enum rc ledger_history_add(struct ledger *ledger,
    const struct ledger_history *history) MUST_CHECK;
/** The newest of each channel since then. */
enum rc ledger_histories(struct ledger *ledger, struct ledger_history **ret,
    size_t *ret_n) MUST_CHECK;

/** Whose history a restored ledger waits for: each enrolled requester's, and each
 * other's of which something was read, until it was read whole. Nobody's when
 * nothing is awaited. */
struct awaited {
	uint8_t channel[SHA256_LEN];
	char label[LABEL_MAX + 1]; /* "": not enrolled here */
};
enum rc ledger_awaited(struct ledger *ledger, struct awaited **ret,
    size_t *ret_n) MUST_CHECK;

typedef enum rc import_fn(const struct ledger_import *import, void *arg);
enum rc ledger_imports_each(struct ledger *ledger, import_fn *each, void *arg)
    MUST_CHECK;

/* ---- other acts ----------------------------------------------------------------- */

/** The operator vouched for the clock: the high-water mark is `now` from here on,
 * later or earlier than it was. Stands in for the time of ledger_stamp. */
enum rc ledger_clock_add(struct ledger *ledger, int64_t now) MUST_CHECK;

enum rc ledger_network_add(struct ledger *ledger, struct span interfaces)
    MUST_CHECK;

struct ledger_totals {
	uint64_t records, certificates, voids, refusals, bundles, manifests,
	    revoked; /* certificates */
	uint64_t adopted; /* certificates of before this CA was taken over */
};
/** From the index tables, quickly; refusals are left 0. */
enum rc ledger_totals_get(struct ledger *ledger, struct ledger_totals *ret)
    MUST_CHECK;
/** Walk the whole chain: every hash, every body well-formed, every index row
 * what the records say, SQLite's own checks; and each head given is in it.
 * \retval RC_STATE the first thing that does not fit, by record number */
enum rc ledger_verify(struct ledger *ledger, const struct ledger_head *heads,
    size_t n_heads, struct ledger_totals *ret) MUST_CHECK;

#endif
