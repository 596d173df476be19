/* SPDX-License-Identifier: Apache-2.0 */
/** The online store. Version 1 and each upgrade are frozen: tests/vectors/store
 * has a dump of every version. A change is one more upgrade, never an edit. */
#ifndef TRANSFER_ONLINE_STORE_STORE_SCHEMA_H
#define TRANSFER_ONLINE_STORE_STORE_SCHEMA_H

#define STORE_APPLICATION_ID 0x61675472U /* "agTr" */
#define STORE_VERSION 7

/* clang-format off */
#define STORE_SCHEMA \
"CREATE TABLE policy (" \
"  sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32)," \
"  text BLOB NOT NULL" \
") WITHOUT ROWID;" \
"CREATE TABLE enrolment (" \
"  id INTEGER PRIMARY KEY CHECK (id = 1)," \
"  ca_id BLOB NOT NULL CHECK (length(ca_id) = 32)," \
"  transfer_cert BLOB NOT NULL," \
"  policy BLOB NOT NULL REFERENCES policy (sha256)," \
"  label TEXT NOT NULL," \
"  spki BLOB NOT NULL," \
"  at INTEGER NOT NULL," \
"  replaced_at INTEGER" \
");" \
"CREATE TABLE ca_cert (" \
"  place INTEGER PRIMARY KEY," \
"  der BLOB NOT NULL UNIQUE," \
"  issuer INTEGER NOT NULL CHECK (issuer IN (0, 1))" /* 1: above the CA */ \
");" \
"CREATE TABLE bundle (" \
"  sequence INTEGER PRIMARY KEY CHECK (sequence BETWEEN 1 AND 4294967295)," \
"  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16)," \
"  sha256 BLOB NOT NULL CHECK (length(sha256) = 32)," \
"  created INTEGER NOT NULL," \
"  expires INTEGER," \
"  state INTEGER NOT NULL CHECK (state IN (1, 2, 3))," /* open void answered */ \
"  file BLOB NOT NULL" \
");" \
"CREATE TABLE request (" \
"  bundle INTEGER NOT NULL REFERENCES bundle (sequence)," \
"  place INTEGER NOT NULL CHECK (place >= 0)," \
"  id TEXT NOT NULL," \
"  csr_sha256 BLOB NOT NULL CHECK (length(csr_sha256) = 32)," \
"  profile TEXT NOT NULL," \
"  names TEXT NOT NULL," /* one a line, as in --name */ \
"  not_before INTEGER," /* as asked */ \
"  slots INTEGER NOT NULL," \
"  period INTEGER NOT NULL," \
"  overlap INTEGER NOT NULL," \
"  key_file TEXT," \
"  issued INTEGER CHECK (issued IN (0, 1))," /* NULL: no answer yet */ \
"  rule TEXT," \
"  reason TEXT," \
"  PRIMARY KEY (bundle, place)" \
") WITHOUT ROWID;" \
"CREATE INDEX request_csr ON request (csr_sha256);" \
"CREATE INDEX request_names ON request (names, profile);" \
"CREATE TABLE manifest (" \
"  sequence INTEGER PRIMARY KEY CHECK (sequence BETWEEN 1 AND 4294967295)," \
"  sha256 BLOB NOT NULL CHECK (length(sha256) = 32)," \
"  bundle INTEGER REFERENCES bundle (sequence)," \
"  signed_at INTEGER NOT NULL," \
"  next_visit INTEGER," \
"  ledger_count INTEGER NOT NULL," \
"  ledger_hash BLOB NOT NULL CHECK (length(ledger_hash) = 32)," \
"  policy BLOB NOT NULL REFERENCES policy (sha256)," \
"  installed_at INTEGER NOT NULL," \
"  file BLOB NOT NULL" \
");" \
"CREATE TABLE certificate (" \
"  serial BLOB PRIMARY KEY CHECK (length(serial) BETWEEN 1 AND 20)," \
"  sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32)," \
"  issuer BLOB NOT NULL CHECK (length(issuer) = 32)," \
"  bundle INTEGER NOT NULL," \
"  place INTEGER NOT NULL," \
"  slot INTEGER NOT NULL," \
"  manifest INTEGER REFERENCES manifest (sequence)" /* NULL: loose */ \
"    DEFERRABLE INITIALLY DEFERRED," \
"  not_before INTEGER NOT NULL," \
"  not_after INTEGER NOT NULL," \
"  subject BLOB NOT NULL," \
"  der BLOB NOT NULL," \
"  revoked_at INTEGER," \
"  reason INTEGER," \
"  UNIQUE (bundle, place, slot)," \
"  FOREIGN KEY (bundle, place) REFERENCES request (bundle, place)" \
") WITHOUT ROWID;" \
"CREATE INDEX certificate_date ON certificate (not_before, serial);" \
"CREATE TABLE loose (" /* what answered loose CSRs, in no channel */ \
"  bundle INTEGER PRIMARY KEY REFERENCES bundle (sequence)," /* the set */ \
"  sequence INTEGER NOT NULL," /* the CA's own count */ \
"  sha256 BLOB NOT NULL CHECK (length(sha256) = 32)," \
"  signed_at INTEGER NOT NULL," \
"  policy BLOB NOT NULL REFERENCES policy (sha256)," \
"  installed_at INTEGER NOT NULL," \
"  file BLOB NOT NULL" \
");" \
"CREATE TABLE crl (" \
"  number INTEGER PRIMARY KEY," \
"  sha256 BLOB NOT NULL CHECK (length(sha256) = 32)," \
"  issuer BLOB NOT NULL CHECK (length(issuer) = 32)," \
"  manifest INTEGER NOT NULL REFERENCES manifest (sequence)" \
"    DEFERRABLE INITIALLY DEFERRED," \
"  this_update INTEGER NOT NULL," \
"  next_update INTEGER NOT NULL," \
"  shadow INTEGER NOT NULL CHECK (shadow IN (0, 1))," \
"  der BLOB NOT NULL" \
");" \
"CREATE TABLE deployment (" \
"  path TEXT PRIMARY KEY," /* of the file, absolute */ \
"  name TEXT NOT NULL," /* first of a certificate's, else its request's id */ \
"  profile TEXT NOT NULL," \
"  format TEXT NOT NULL CHECK (format IN" \
"    ('pemfile', 'cert', 'chain', 'fullchain', 'p12'))," \
"  key_path TEXT," /* the key's own file */ \
"  key_from TEXT," /* a key that was not made here */ \
"  pass_source TEXT," \
"  reload TEXT," \
"  sha256 BLOB CHECK (length(sha256) = 32)" /* in place and reloaded */ \
") WITHOUT ROWID;" \
"CREATE TABLE publication (" \
"  dir TEXT PRIMARY KEY," /* the web root, absolute */ \
"  name TEXT," /* of the POSH documents; NULL: none */ \
"  profile TEXT," \
"  CHECK ((name IS NULL) = (profile IS NULL))" \
") WITHOUT ROWID;"

/* To version 2: what a request does to older ones of its name, what of all that
 * is held is not used, and which of two side by side a file is for. */
#define STORE_UPGRADE_2 \
"ALTER TABLE request ADD COLUMN stands INTEGER NOT NULL DEFAULT 0" \
"  CHECK (stands IN (0, 1, 2));" /* enum standing */ \
"ALTER TABLE request ADD COLUMN unused INTEGER" \
"  CHECK (unused IN (1, 2, 3));" /* enum unused; NULL: used */ \
"ALTER TABLE request ADD COLUMN since INTEGER;" /* the bundle that asked first */ \
"ALTER TABLE deployment ADD COLUMN key_type TEXT;" /* "EC"; NULL: any */ \
"ALTER TABLE deployment ADD COLUMN legacy INTEGER NOT NULL DEFAULT 0" \
"  CHECK (legacy IN (0, 1));" /* PKCS#12 for old programs */

/* To version 3: the cards that were pinned, the newest last. */
#define STORE_UPGRADE_3 \
"CREATE TABLE pinned_card (" \
"  n INTEGER PRIMARY KEY," \
"  at INTEGER NOT NULL," /* by this host's clock */ \
"  created INTEGER NOT NULL," /* by the CA's */ \
"  back INTEGER NOT NULL CHECK (back IN (0, 1))" /* an older one, on purpose */ \
");"

/* To version 4: what a deployment's files are known by. */
#define STORE_UPGRADE_4 \
"ALTER TABLE deployment ADD COLUMN made_of BLOB" /* PKCS#12: of what */ \
"  CHECK (length(made_of) = 32);" \
"ALTER TABLE deployment ADD COLUMN made BLOB" /* and what came out */ \
"  CHECK (length(made) = 32);" \
"ALTER TABLE deployment ADD COLUMN key_file BLOB" /* a key not made here */ \
"  CHECK (length(key_file) = 32);" \
"ALTER TABLE deployment ADD COLUMN key_spki BLOB" /* and its public half */ \
"  CHECK (length(key_spki) = 32);"

/* To version 5: certificates over one CA key by another. */
#define STORE_UPGRADE_5 \
"CREATE TABLE ca_cross (" \
"  place INTEGER PRIMARY KEY," \
"  der BLOB NOT NULL UNIQUE" \
");"

/* To version 6: revocations, as they were asked and answered; keys that others may
 * have; CRLs, whose bytes are files beside the store, because one may be large. No
 * version before this one filled `crl`. */
#define STORE_UPGRADE_6 \
"DROP TABLE crl;" \
"CREATE TABLE crl (" \
"  number INTEGER PRIMARY KEY CHECK (number > 0)," \
"  sha256 BLOB NOT NULL CHECK (length(sha256) = 32)," /* of its DER */ \
"  issuer BLOB NOT NULL CHECK (length(issuer) = 32)," \
"  manifest INTEGER NOT NULL REFERENCES manifest (sequence)" \
"    DEFERRABLE INITIALLY DEFERRED," \
"  this_update INTEGER NOT NULL," \
"  next_update INTEGER NOT NULL CHECK (next_update > this_update)," \
"  revoked INTEGER NOT NULL," /* how many it lists */ \
"  shadow INTEGER NOT NULL CHECK (shadow IN (0, 1))," \
"  file TEXT NOT NULL UNIQUE," /* in crl/ of the home */ \
"  file_sha256 BLOB NOT NULL CHECK (length(file_sha256) = 32)" \
");" \
"CREATE TABLE revocation (" \
"  bundle INTEGER NOT NULL REFERENCES bundle (sequence)," \
"  place INTEGER NOT NULL CHECK (place >= 0)," \
"  serial BLOB CHECK (length(serial) BETWEEN 1 AND 20)," /* or */ \
"  key_id BLOB CHECK (length(key_id) = 32)," \
"  reason INTEGER NOT NULL," \
"  since INTEGER," \
"  status INTEGER CHECK (status IN (0, 1, 2, 3))," /* NULL: no answer yet */ \
"  rule TEXT," \
"  comment TEXT," \
"  PRIMARY KEY (bundle, place)," \
"  CHECK ((serial IS NULL) <> (key_id IS NULL))" \
") WITHOUT ROWID;" \
"CREATE TABLE revoked_key (" \
"  key_id BLOB PRIMARY KEY CHECK (length(key_id) = 32)," \
"  reason INTEGER NOT NULL," \
"  at INTEGER NOT NULL" \
") WITHOUT ROWID;"

/* To version 7: deployments of what is no certificate's, and shadow CRLs that were
 * opened because a key leaked. */
#define STORE_UPGRADE_7 \
"CREATE TABLE deployed (" \
"  path TEXT PRIMARY KEY," \
"  name TEXT," \
"  profile TEXT," \
"  format TEXT NOT NULL CHECK (format IN ('pemfile', 'cert', 'chain'," \
"    'fullchain', 'p12', 'crl', 'ca+crl', 'crl-dir', 'index'))," \
"  key_path TEXT," \
"  key_from TEXT," \
"  pass_source TEXT," \
"  reload TEXT," \
"  sha256 BLOB CHECK (length(sha256) = 32)," \
"  key_type TEXT," \
"  legacy INTEGER NOT NULL DEFAULT 0 CHECK (legacy IN (0, 1))," \
"  made_of BLOB CHECK (length(made_of) = 32)," \
"  made BLOB CHECK (length(made) = 32)," \
"  key_file BLOB CHECK (length(key_file) = 32)," \
"  key_spki BLOB CHECK (length(key_spki) = 32)," \
"  CHECK ((name IS NULL) = (profile IS NULL))," \
"  CHECK ((name IS NULL) =" \
"    (format IN ('crl', 'ca+crl', 'crl-dir', 'index')))" \
") WITHOUT ROWID;" \
"INSERT INTO deployed SELECT path, name, profile, format, key_path, key_from," \
"  pass_source, reload, sha256, key_type, legacy, made_of, made, key_file," \
"  key_spki FROM deployment;" \
"DROP TABLE deployment;" \
"ALTER TABLE deployed RENAME TO deployment;" \
"CREATE TABLE emergency (" /* there is one: shadows are published */ \
"  id INTEGER PRIMARY KEY CHECK (id = 1)," \
"  at INTEGER NOT NULL" \
");" \
"CREATE TABLE shadow (" /* the plain CRLs of all that were opened */ \
"  number INTEGER PRIMARY KEY," \
"  issuer BLOB NOT NULL CHECK (length(issuer) = 32)," \
"  this_update INTEGER NOT NULL," \
"  next_update INTEGER NOT NULL," \
"  published_at INTEGER," /* at the earliest; NULL: not yet */ \
"  der BLOB NOT NULL" \
");"
/* clang-format on */

#endif
