/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the ledger's database. `record` is the truth; what the others
 * hold is made from it again in ledger_index.c. */
#include "ca/ledger/ledger_index.h"

/* Version 1, for good, and what came after. What it is for, table by table:
 * airgap-ledger(5).
 *
 * Rows that are written once per certificate are keyed by record number, so
 * they go to the end of their table however long it is; `serial` is the one
 * index with random keys, and its rows are as small as they can be. */
static const char schema[] =
    "CREATE TABLE record("
    " n INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " policy INTEGER NOT NULL,"
    " body BLOB NOT NULL,"
    " hash BLOB NOT NULL) STRICT;"

    /* Finds the rare kinds, and those to come, without walking the rest. */
    "CREATE INDEX record_kind ON record(kind, n)"
    " WHERE kind NOT IN (6, 7, 8, 9);"

    "CREATE TABLE policy("
    " id INTEGER PRIMARY KEY,"
    " digest BLOB NOT NULL UNIQUE,"
    " n INTEGER NOT NULL) STRICT;"

    "CREATE TABLE requester("
    " key_id BLOB PRIMARY KEY,"
    " label TEXT NOT NULL,"
    " n INTEGER NOT NULL,"
    " removed INTEGER NOT NULL,"
    " last_bundle INTEGER NOT NULL,"
    " last_manifest INTEGER NOT NULL,"
    " arrived INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX requester_label ON requester(label)"
    " WHERE removed = 0;"

    "CREATE TABLE bundle("
    " n INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE,"
    " digest BLOB NOT NULL,"
    " requester BLOB NOT NULL,"
    " sequence INTEGER NOT NULL,"
    " answered INTEGER NOT NULL,"
    " closed INTEGER NOT NULL) STRICT;"
    "CREATE INDEX bundle_open ON bundle(n)"
    " WHERE answered = 0 AND closed = 0;"

    "CREATE TABLE manifest("
    " channel BLOB NOT NULL,"
    " sequence INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " digest BLOB NOT NULL,"
    " bundle INTEGER NOT NULL,"
    " checked INTEGER NOT NULL,"
    " PRIMARY KEY(channel, sequence)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE serial("
    " serial BLOB PRIMARY KEY,"
    " n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE certificate("
    " intent INTEGER PRIMARY KEY,"
    " bundle INTEGER NOT NULL,"
    " not_after INTEGER NOT NULL,"
    " result INTEGER NOT NULL,"
    " void INTEGER NOT NULL) STRICT;"

    "CREATE TABLE revocation("
    " serial BLOB PRIMARY KEY,"
    " n INTEGER NOT NULL,"
    " at INTEGER NOT NULL,"
    " reason INTEGER NOT NULL,"
    " since INTEGER,"
    " not_after INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE revoked_key("
    " key_id BLOB PRIMARY KEY,"
    " n INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

/* 2: a bundle's id is its requester's choice, and stands once for each. */
static const char *const ledger_upgrades[] = {
	"CREATE TABLE bundle_of("
	" n INTEGER PRIMARY KEY,"
	" id BLOB NOT NULL,"
	" digest BLOB NOT NULL,"
	" requester BLOB NOT NULL,"
	" sequence INTEGER NOT NULL,"
	" answered INTEGER NOT NULL,"
	" closed INTEGER NOT NULL,"
	" UNIQUE(id, requester)) STRICT;"
	"INSERT INTO bundle_of SELECT * FROM bundle;"
	"DROP TABLE bundle;"
	"ALTER TABLE bundle_of RENAME TO bundle;"
	"CREATE INDEX bundle_open ON bundle(n)"
	" WHERE answered = 0 AND closed = 0;",

	/* 3: the tables revocation and revoked_key have rows. A program that
	 * never looks there would certify a revoked key. */
	"",

	/* 4: CRL numbers, of which none is used twice: those that may have been
	 * signed, by their record, and those that were. */
	"CREATE TABLE crl_series("
	" last INTEGER PRIMARY KEY,"
	" first INTEGER NOT NULL,"
	" n INTEGER NOT NULL) STRICT;"
	"CREATE TABLE crl("
	" number INTEGER PRIMARY KEY,"
	" n INTEGER NOT NULL) STRICT;",

	/* 5: certificates of before an adoption are in table serial. A program
	 * that knows nothing of them would number CRLs from 1. */
	"",

	/* 6: serials that CRLs alone have told of are in table serial, and
	 * numbers of CRLs that were read in crl_series. A program that passes
	 * them over would leave them out of the next CRL. */
	"",

	/* 7: how the subscriber's key-id begins, so that who looks for keys
	 * need not read every intent. No index: its random places would cost
	 * each signing. What stands here from before has none, and is read. */
	"ALTER TABLE certificate ADD COLUMN key_begin INTEGER;",
};

const struct db_kind ledger_kind = {
	.name = "ledger",
	.application_id = 0x61676c31, /* "agl1" */
	.version = 7,
	.schema = schema,
	.upgrades = ledger_upgrades,
};
