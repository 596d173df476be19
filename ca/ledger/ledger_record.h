/* SPDX-License-Identifier: Apache-2.0 */
/** One record of the ledger: its body as CBOR, and its place in the hash chain.
 *
 * Bodies are maps with small integer keys, described by a table with a row per
 * field (ledger_record.c), so that a new kind of record is a struct here and a
 * few rows there. docs/man/airgap-ledger.5 has the same as CDDL.
 */
#ifndef CA_LEDGER_LEDGER_RECORD_H
#define CA_LEDGER_LEDGER_RECORD_H

#include "ca/ledger/ledger.h"

/** What a record says, by kind. Spans point into the body that was read, or into
 * the caller's bytes when writing; times are in 0..CLOCK_MAX. */
union record_body {
	struct {
		struct span ca_cert, transfer_cert;
	} init;
	struct {
		struct span digest, text; /* text only where it is new */
	} policy;
	struct {
		struct span label, spki;
	} enrol;
	struct {
		struct span key_id;
	} remove;
	struct {
		struct span id, digest, requester;
		uint64_t sequence;
	} bundle;
	struct {
		uint64_t bundle, request, slot;
		struct span serial, tbs;
		uint64_t not_before, not_after;
		struct span key_id, request_id, profile;
	} intent;
	struct {
		uint64_t intent;
		struct span der;
	} result;
	struct {
		uint64_t bundle, request;
		struct span request_id, rule, reason;
	} refusal;
	struct {
		uint64_t intent;
		struct span why;
	} voided;
	struct {
		struct span channel;
		uint64_t sequence, bundle;
		struct span file;
	} manifest;
	struct {
		uint64_t before; /* the high-water mark until now */
	} clock;
	struct {
		struct span cert;
	} transfer;
	struct {
		struct span interfaces;
	} network;
	struct {
		struct span key_id;
		uint64_t sequence;
	} arrived;
	struct {
		uint64_t bundle;
	} abandon;
	struct {
		struct span channel;
		uint64_t sequence;
	} checked;
	struct {
		struct span digest; /* of the backup file */
	} restored;
	struct {
		struct span channel;
		uint64_t sequence;
		struct span bundle_id, bundle_digest; /* n 0: none */
		uint64_t bundle_sequence;
		uint64_t count; /* records that the manifest was made over */
		struct span file;
	} import;
	struct {
		uint64_t request, slot;
		struct span request_id, profile, der; /* profile n 0: not known */
	} regained;
	struct {
		struct span words;
	} caught_up;
	struct {
		struct span channel;
		uint64_t sequence;
		uint64_t whole; /* 0 or 1 */
	} history;
	struct {
		struct span serial;
		uint64_t reason, since; /* since 0: not known */
		uint64_t not_after, bundle; /* bundle 0: at the laptop */
		uint64_t date; /* revocationDate; 0: the record's time */
	} revoked;
	struct {
		struct span key_id;
		uint64_t reason, since; /* since 0: not known */
	} key_revoked;
	struct {
		uint64_t change;  /* enum ca_change */
		uint64_t done;	  /* 0: what may be signed; 1: it was */
		struct span ders; /* TBSes or certificates, joined */
	} ca;
	struct {
		uint64_t number, this_update, next_update;
		struct span issuer, requester; /* requester n 0: regular */
		uint64_t upto, kept, revoked;
		struct span digest, signature;
		struct span salt, iv; /* of a shadow */
	} crl;
	struct {
		uint64_t first, last; /* numbers */
		uint64_t start, count, period, overlap, generation;
	} crl_series;
	struct {
		uint64_t crl_next;
	} adopted;
	struct {
		struct span serial;
		uint64_t not_after;
		struct span subject, der;
	} adopted_cert;
	struct {
		uint64_t number;
		struct span digest; /* of the DER */
	} crl_seen;
	struct {
		struct span serial;
	} listed;
};

struct record {
	uint64_t n;
	int64_t at;
	enum record_kind kind;
	int64_t policy_id; /* row of table policy */
	union record_body u;
};

/** "intent", "result", ...; "unknown" for a kind from the future. */
const char *record_kind_text(enum record_kind kind);

/** The number of a record that follows record `last`: an import's is above all
 * that its manifest was made over. */
uint64_t record_number(const struct record *record, uint64_t last);

/** Append the body's encoding. \retval RC_BUG a field is out of its bounds */
enum rc record_encode(const struct record *record, struct buf *ret_body)
    MUST_CHECK;

/** Read a body into record->u; n and kind are set already.
 * \retval RC_STATE naming the record */
enum rc record_decode(struct span body, struct record *record) MUST_CHECK;

/** SHA-256(CBOR [n, previous, at, kind, policy, body]), the body being the item
 * that it is. `scratch` is kept by a caller who does this often. */
enum rc record_hash(const struct record *record,
    const uint8_t previous[static SHA256_LEN],
    const uint8_t policy[static SHA256_LEN], struct span body,
    struct buf *scratch, uint8_t ret_hash[static SHA256_LEN]) MUST_CHECK;

/** Walk records n = `first`.. in order. */
typedef enum rc record_fn(const struct record *record,
    const uint8_t hash[static SHA256_LEN], void *arg);
enum rc ledger_records_each(struct ledger *ledger, uint64_t first,
    record_fn *each, void *arg) MUST_CHECK;

#endif
