/* SPDX-License-Identifier: Apache-2.0 */
/** The ledger's tables but `record`: what the records come to, for looking up.
 *
 * One function turns a record into rows, when it is written and when
 * ledger_verify builds the tables anew from the records to compare them. It
 * also judges whether a record may follow those before it: no two results of
 * one intent, no serial twice, no gap in a channel.
 */
#ifndef CA_LEDGER_LEDGER_INDEX_H
#define CA_LEDGER_LEDGER_INDEX_H

#include "base/db.h"
#include "ca/ledger/ledger_record.h"
#include "transfer/format/digest_set.h"

extern const struct db_kind ledger_kind;

#define INDEX_STATEMENTS 24

/** A database with these tables, and the statements that change them. */
struct ledger_index {
	struct db *db; /* borrowed */
	sqlite3_stmt *st[INDEX_STATEMENTS];
	uint64_t open_bundle; /* last one found open, to look once; 0: none */
	uint64_t regaining;   /* bundle of the import just before; 0: none */
};
void ledger_index_wipe(struct ledger_index *index);

/** \retval RC_STATE the record does not fit those before it; no row changed */
enum rc ledger_index_apply(struct ledger_index *index,
    const struct record *record) MUST_CHECK;

/** certificate.key_begin: the first eight bytes of a key-id, the highest first. */
int64_t ledger_key_begin(const uint8_t key_id[static SHA256_LEN]);
/** And back. */
void ledger_key_begin_write(int64_t begin, uint8_t ret[static DIGEST_BEGIN]);

/** Of ledger_index_apply: the kinds IMPORT and REGAINED. */
enum rc ledger_index_import(struct ledger_index *index,
    const struct record *record) MUST_CHECK;
enum rc ledger_index_regained(struct ledger_index *index,
    const struct record *record) MUST_CHECK;
/** And CRL_SEEN. */
enum rc ledger_index_crl_seen(struct ledger_index *index,
    const struct record *record) MUST_CHECK;

#endif
