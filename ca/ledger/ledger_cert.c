/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, by serial and one after the other. */
#include "base/clock.h"
#include "base/own_ssl.h"
#include "ca/ledger/ledger_internal.h"
#include "ca/ledger/revocation.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/tbs.h"

#include <inttypes.h>

void
ledger_cert_wipe(struct ledger_cert *cert)
{
	buf_wipe(&cert->der);
	buf_wipe(&cert->subject);
}

struct span
ledger_cert_serial(const struct ledger_cert *cert)
{
	return cert->adopted
		   ? span_of(cert->adopted_serial, cert->n_adopted_serial)
		   : span_of(cert->intent.serial, sizeof(cert->intent.serial));
}

/* i: the intent; r: its result or void record, if any; b: its bundle. */
#define CERT_QUERY(from) \
	"SELECT i.n, i.at, i.kind, i.policy, i.body," \
	" r.n, r.at, r.kind, r.policy, r.body, b.requester, c.bundle" \
	" FROM " from " JOIN record i ON i.n = c.intent" \
	" LEFT JOIN record r ON r.n = max(c.result, c.void)" \
	" LEFT JOIN bundle b ON b.n = c.bundle"

static enum rc
cert_of_row(struct ledger *ledger, sqlite3_stmt *st, struct ledger_cert *cert)
{
	struct record intent = { 0 }, outcome = { 0 };
	struct ledger_revocation revocation;
	struct span requester = db_blob(st, 10);
	enum rc rc = ledger_record_of_row(st, 0, &intent);

	if (rc == RC_OK &&
	    ((intent.kind != RECORD_INTENT && intent.kind != RECORD_REGAINED) ||
		requester.n != SHA256_LEN))
		rc = err_set(RC_STATE,
		    "%s: record %" PRIu64 " is no intent of a bundle",
		    ledger->db.path, intent.n);
	if (rc == RC_OK && intent.kind == RECORD_INTENT)
		intent_of_record(&intent, &cert->intent);
	else if (rc == RC_OK)
		rc = intent_of_regained(&intent,
		    (uint64_t)sqlite3_column_int64(st, 11), &cert->intent);
	if (rc != RC_OK)
		return rc;
	memcpy(cert->requester, requester.p, SHA256_LEN);
	cert->at = intent.at;
	cert->is_void = false;
	cert->outcome = 0;
	buf_reset(&cert->der);
	rc = ledger_revoked_get(ledger,
	    span_of(cert->intent.serial, sizeof(cert->intent.serial)),
	    &revocation, &cert->revoked);
	if (rc != RC_OK || sqlite3_column_type(st, 5) == SQLITE_NULL)
		return rc;

	rc = ledger_record_of_row(st, 5, &outcome);
	if (rc != RC_OK)
		return rc;
	cert->at = outcome.at;
	cert->outcome = outcome.n;
	cert->is_void = outcome.kind == RECORD_VOID;
	if (rc == RC_OK && outcome.kind == RECORD_RESULT)
		rc = buf_add_span(&cert->der, outcome.u.result.der);
	else if (rc == RC_OK && outcome.kind == RECORD_REGAINED)
		rc = buf_add_span(&cert->der, outcome.u.regained.der);
	return rc;
}

static enum rc
cert_of_serial(struct ledger *ledger, struct span serial,
    struct ledger_cert *ret, bool *ret_known)
{
	sqlite3_stmt **st = &ledger->cert_get;
	enum rc rc = RC_OK;

	*ret_known = false;
	if (*st == NULL)
		rc = ledger_query(ledger, st,
		    CERT_QUERY("serial s JOIN certificate c ON c.intent = "
			       "s.n") " WHERE s.serial = ?");
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, *st, "b", serial);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, *st, ret_known);
	if (rc == RC_OK && *ret_known)
		rc = cert_of_row(ledger, *st, ret);
	(void)sqlite3_reset(*st);
	return rc;
}

static void
cert_of_own(
    const struct record *r, struct span serial, struct ledger_cert *cert)
{
	cert->own = true;
	cert->intent.n = r->n;
	if (serial.n == sizeof(cert->intent.serial))
		memcpy(cert->intent.serial, serial.p, serial.n);
	cert->at = r->at;
}

/* What follows from the certificate itself. */
static enum rc
adopted_der(const struct record *r, struct ledger_cert *cert)
{
	const struct span der = r->u.adopted_cert.der;
	OWN(X509) *x = cert_of_der(der);
	struct cert_parts parts;
	int64_t not_after;
	enum rc rc = x == NULL ? RC_FORMAT : RC_OK;

	if (rc == RC_OK)
		rc = cert_parts_read("an adopted certificate", der, &parts);
	if (rc == RC_OK)
		rc = cert_window(x, &cert->intent.not_before, &not_after);
	if (rc == RC_OK)
		rc = sha256(parts.spki, cert->intent.key_id);
	if (rc == RC_FORMAT)
		return err_set(RC_STATE,
		    "ledger record %" PRIu64 ": not a certificate", r->n);
	return rc != RC_OK ? rc : buf_add_span(&cert->der, der);
}

/* One that was issued before the adoption, of a RECORD_ADOPTED_CERT. */
static enum rc
cert_of_adopted(
    struct ledger *ledger, const struct record *r, struct ledger_cert *cert)
{
	struct span serial = r->u.adopted_cert.serial;
	struct ledger_revocation revocation;
	enum rc rc;

	buf_reset(&cert->der);
	buf_reset(&cert->subject);
	cert->adopted = true;
	memcpy(cert->adopted_serial, serial.p, serial.n);
	cert->n_adopted_serial = serial.n;
	cert->intent = (struct intent){ .n = r->n,
		.not_after = (int64_t)r->u.adopted_cert.not_after };
	cert->at = r->at;
	cert->outcome = r->n;
	rc = ledger_revoked_get(ledger, serial, &revocation, &cert->revoked);
	if (rc == RC_OK)
		rc = buf_add_span(&cert->subject, r->u.adopted_cert.subject);
	return rc != RC_OK || r->u.adopted_cert.der.n == 0
		   ? rc
		   : adopted_der(r, cert);
}

/* One of which a CRL says that it was revoked, and nobody anything else. */
static enum rc
cert_of_listed(
    struct ledger *ledger, const struct record *r, struct ledger_cert *cert)
{
	struct span serial = r->u.listed.serial;
	struct ledger_revocation revocation;

	cert->adopted = true;
	cert->listed = true;
	memcpy(cert->adopted_serial, serial.p, serial.n);
	cert->n_adopted_serial = serial.n;
	cert->intent = (struct intent){ .n = r->n, .not_after = CLOCK_MAX };
	cert->at = r->at;
	cert->outcome = r->n;
	return ledger_revoked_get(ledger,
	    span_of(cert->adopted_serial, serial.n), &revocation,
	    &cert->revoked);
}

/* A certificate that came with RECORD_INIT or RECORD_TRANSFER. */
static enum rc
cert_of_ca(const struct record *r, struct span serial, struct ledger_cert *cert)
{
	struct span der =
	    r->kind == RECORD_TRANSFER ? r->u.transfer.cert : r->u.init.ca_cert;
	OWN(X509) *x = cert_of_der(der);
	OWN(BIGNUM) *number = NULL;
	OWN(BIGNUM) *wanted = BN_bin2bn(serial.p, (int)serial.n, NULL);

	if (x != NULL)
		number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	if (wanted == NULL || number == NULL)
		return err_openssl(RC_STATE,
		    "ledger record %" PRIu64 ": not a certificate", r->n);
	/* INIT has two; the serial tells which is meant. */
	if (r->kind == RECORD_INIT && BN_cmp(number, wanted) != 0)
		der = r->u.init.transfer_cert;
	cert_of_own(r, serial, cert);
	cert->outcome = r->n;
	return buf_add_span(&cert->der, der);
}

/* One of those that a RECORD_CA may have signed: its serial leads there, and
 * what came of it is in the next record of this kind, if anything did. */
static enum rc
cert_of_change(struct ledger *ledger, const struct record *begun,
    struct span serial, struct ledger_cert *cert)
{
	OWN(sqlite3_stmt) *st = NULL;
	struct cert_parts parts;
	struct record r = { 0 };
	struct span rest;
	struct der one;
	bool row = false;
	enum rc rc;

	cert_of_own(begun, serial, cert);
	rc = ledger_query(ledger, &st,
	    "SELECT " RECORD_COLUMNS " FROM record WHERE kind = 25 AND n > ?"
	    " AND " KIND_IS_RARE " ORDER BY n LIMIT 1");
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)begun->n);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK && row)
		rc = ledger_record_of_row(st, 0, &r);
	if (rc != RC_OK || !row || r.u.ca.done == 0)
		return rc;
	rest = r.u.ca.ders;
	while (rest.n != 0) {
		if (!der_take_whole(&rest, DER_SEQUENCE, &one) ||
		    cert_parts_read("CA", one.whole, &parts) != RC_OK)
			return err_set(RC_STATE,
			    "ledger record %" PRIu64 ": not a certificate",
			    r.n);
		if (!span_eq(parts.serial, serial))
			continue;
		cert->at = r.at;
		cert->outcome = r.n;
		return buf_add_span(&cert->der, one.whole);
	}
	return RC_OK;
}

static enum rc
ledger_cert_serial_find(
    struct ledger *ledger, struct span serial, uint64_t *ret_n)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc =
	    ledger_query(ledger, &st, "SELECT n FROM serial WHERE serial = ?");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "b", serial);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK)
		*ret_n = row ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	return rc;
}

/* The CA's own certificates have their serials in the same table, so that none
 * is drawn a second time, but no row of `certificate`: no bundle asked for
 * them. */
enum rc
ledger_cert_get(struct ledger *ledger, struct span serial,
    struct ledger_cert *ret, bool *ret_known)
{
	WIPED(ledger_cert) cert = { 0 };
	struct record r;
	uint64_t n = 0;
	bool known;
	enum rc rc = cert_of_serial(ledger, serial, &cert, &known);

	if (rc == RC_OK && !known) {
		rc = ledger_cert_serial_find(ledger, serial, &n);
		if (rc == RC_OK && n != 0)
			rc = ledger_record_get(ledger, n, 0, &r, NULL);
		if (rc == RC_OK && n != 0 && r.kind == RECORD_INTENT)
			rc = err_set(RC_STATE,
			    "%s: record %" PRIu64 " has no certificate row",
			    ledger->db.path, n);
		if (rc == RC_OK && n != 0 && r.kind == RECORD_CA)
			rc = cert_of_change(ledger, &r, serial, &cert);
		else if (rc == RC_OK && n != 0 && r.kind == RECORD_ADOPTED_CERT)
			rc = cert_of_adopted(ledger, &r, &cert);
		else if (rc == RC_OK && n != 0 && r.kind == RECORD_LISTED)
			rc = cert_of_listed(ledger, &r, &cert);
		else if (rc == RC_OK && n != 0)
			rc = cert_of_ca(&r, serial, &cert);
		known = n != 0;
	}
	if (rc != RC_OK)
		return rc;
	*ret_known = known;
	if (!known)
		return RC_OK;
	*ret = cert;
	cert = (struct ledger_cert){ 0 };
	return RC_OK;
}

static enum rc
add_der(struct ledger *ledger, const struct record *r, struct buf *ret_der)
{
	if (r->kind == RECORD_REGAINED)
		return buf_add_span(ret_der, r->u.regained.der);
	if (r->kind == RECORD_RESULT)
		return buf_add_span(ret_der, r->u.result.der);
	return err_set(RC_STATE, "%s: record %" PRIu64 " is no result",
	    ledger->db.path, r->n);
}

/* The later word counts: a result may have been made void, and a void one may
 * have been regained. The statement is kept. */
enum rc
ledger_cert_der(struct ledger *ledger, struct span serial, struct buf *ret_der,
    bool *ret_known)
{
	sqlite3_stmt **st = &ledger->der_get;
	struct record r = { 0 };
	bool row = false;
	enum rc rc = RC_OK;

	buf_reset(ret_der);
	if (*st == NULL)
		rc = ledger_query(ledger, st,
		    "SELECT " RECORD_COLUMNS " FROM record WHERE n = ("
		    "SELECT c.result FROM serial s JOIN certificate c"
		    " ON c.intent = s.n WHERE s.serial = ? AND c.result > "
		    "c.void)");
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, *st, "b", serial);
	if (rc == RC_OK)
		rc = db_step(&ledger->db, *st, &row);
	if (rc == RC_OK && row)
		rc = ledger_record_of_row(*st, 0, &r);
	if (rc == RC_OK && row)
		rc = add_der(ledger, &r, ret_der);
	(void)sqlite3_reset(*st);
	*ret_known = rc == RC_OK && row;
	return rc;
}

struct adopted_walk {
	struct ledger *ledger;
	ledger_cert_fn *each;
	void *arg;
	struct ledger_cert cert;
};

static enum rc
adopted_one(const struct record *r, const uint8_t *hash, void *arg)
{
	struct adopted_walk *w = arg;
	enum rc rc = cert_of_adopted(w->ledger, r, &w->cert);

	(void)hash;
	return rc != RC_OK ? rc : w->each(&w->cert, w->arg);
}

static enum rc
adopted_each(struct ledger *ledger, ledger_cert_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	struct adopted_walk w = { .ledger = ledger, .each = each, .arg = arg };
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT " RECORD_COLUMNS " FROM record WHERE kind = ?"
	    " AND " KIND_IS_RARE " ORDER BY n");

	if (rc == RC_OK)
		rc =
		    db_bind(&ledger->db, st, "i", (int64_t)RECORD_ADOPTED_CERT);
	if (rc == RC_OK)
		rc = ledger_records_walk(ledger, st, adopted_one, &w);
	ledger_cert_wipe(&w.cert);
	return rc;
}

enum rc
ledger_certs_each(struct ledger *ledger, ledger_cert_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	WIPED(ledger_cert) cert = { 0 };
	enum rc rc = adopted_each(ledger, each, arg);

	if (rc == RC_OK)
		rc = ledger_query(ledger, &st,
		    CERT_QUERY("certificate c") " ORDER BY c.intent");

	while (db_next(&ledger->db, st, &rc)) {
		rc = cert_of_row(ledger, st, &cert);
		if (rc == RC_OK)
			rc = each(&cert, arg);
	}
	return rc;
}

/* ---- keys -----------------------------------------------------------------
 */

static enum rc
key_of_record(const struct record *r, uint8_t ret_key_id[static SHA256_LEN],
    struct span *ret_serial)
{
	struct cert_parts parts;
	enum rc rc;

	if (r->kind == RECORD_INTENT) {
		memcpy(ret_key_id, r->u.intent.key_id.p, SHA256_LEN);
		*ret_serial = r->u.intent.serial;
		return RC_OK;
	}
	rc = cert_parts_read(
	    "a regained certificate", r->u.regained.der, &parts);
	if (rc != RC_OK)
		return err_in(RC_STATE, "ledger record %" PRIu64, r->n);
	*ret_serial = parts.serial;
	return sha256(parts.spki, ret_key_id);
}

/* Which has one of them, or may: what was written before this column was is
 * read. */
static bool
key_may_be(const struct digest_set *keys, sqlite3_stmt *st)
{
	uint8_t begin[DIGEST_BEGIN];

	if (keys == NULL || sqlite3_column_type(st, 1) == SQLITE_NULL)
		return true;
	ledger_key_begin_write(sqlite3_column_int64(st, 1), begin);
	return digest_set_begins(keys, begin);
}

/* Whoever is called may read records, so this one has a statement of its own.
 */
static enum rc
key_tell(struct ledger *ledger, sqlite3_stmt *record, int64_t intent,
    const struct digest_set *keys, ledger_key_fn *each, void *arg)
{
	uint8_t key_id[SHA256_LEN];
	struct span serial;
	struct record r;
	bool row = false;
	enum rc rc = db_bind(&ledger->db, record, "i", intent);

	if (rc == RC_OK)
		rc = db_step(&ledger->db, record, &row);
	if (rc == RC_OK && !row)
		rc = err_set(RC_STATE, "%s: record %" PRId64 " is missing",
		    ledger->db.path, intent);
	if (rc == RC_OK)
		rc = ledger_record_of_row(record, 0, &r);
	if (rc == RC_OK)
		rc = key_of_record(&r, key_id, &serial);
	if (rc == RC_OK &&
	    (keys == NULL || digest_set_find(keys, key_id, NULL)))
		rc = each(key_id, serial, arg);
	(void)sqlite3_reset(record);
	return rc;
}

enum rc
ledger_keys_each(struct ledger *ledger, const struct digest_set *keys,
    uint64_t before, ledger_key_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	OWN(sqlite3_stmt) *record = NULL;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT intent, key_begin FROM certificate"
	    " WHERE (result > void AND result < ?1)"
	    " OR (result = 0 AND void = 0 AND intent < ?1) ORDER BY intent");

	if (rc == RC_OK)
		rc = ledger_query(ledger, &record,
		    "SELECT n, at, kind, policy, body FROM record WHERE n = ?");
	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i",
		    before == 0 ? INT64_MAX : (int64_t)before);
	while (db_next(&ledger->db, st, &rc))
		if (key_may_be(keys, st))
			rc = key_tell(ledger, record,
			    sqlite3_column_int64(st, 0), keys, each, arg);
	return rc;
}

/* ---- totals ---------------------------------------------------------------
 */

enum rc
ledger_totals_get(struct ledger *ledger, struct ledger_totals *ret)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT count(nullif(result, 0)), count(nullif(void, 0)),"
	    " (SELECT count(*) FROM bundle), (SELECT count(*) FROM manifest),"
	    " (SELECT count(*) FROM revocation),"
	    " (SELECT count(*) FROM record WHERE kind = 27"
	    " AND " KIND_IS_RARE ")"
	    " FROM certificate");

	if (rc == RC_OK)
		rc = db_step(&ledger->db, st, &row);
	if (rc == RC_OK)
		*ret = (struct ledger_totals){
			.records = ledger->end.head.count,
			.certificates = (uint64_t)sqlite3_column_int64(st, 0),
			.voids = (uint64_t)sqlite3_column_int64(st, 1),
			.bundles = (uint64_t)sqlite3_column_int64(st, 2),
			.manifests = (uint64_t)sqlite3_column_int64(st, 3),
			.revoked = (uint64_t)sqlite3_column_int64(st, 4),
			.adopted = (uint64_t)sqlite3_column_int64(st, 5),
		};
	return rc;
}
