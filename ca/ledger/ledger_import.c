/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back after a backup was restored: manifests and certificates that
 * the lost part of the ledger had. */
#include "base/own_ssl.h"
#include "ca/ledger/ledger_internal.h"
#include "transfer/format/cose.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/tbs.h"

#include <inttypes.h>

enum rc
ledger_restored_add(
    struct ledger *ledger, const uint8_t digest[static SHA256_LEN])
{
	struct record r = { .kind = RECORD_RESTORED };

	r.u.restored.digest = span_of(digest, SHA256_LEN);
	return ledger_append(ledger, &r);
}

enum rc
ledger_caught_up_add(struct ledger *ledger, const char *words)
{
	struct record r = { .kind = RECORD_CAUGHT_UP };

	r.u.caught_up.words = span_str(words);
	return ledger_append(ledger, &r);
}

enum rc
ledger_check_caught_up(struct ledger *ledger)
{
	uint64_t restored = 0, caught_up = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_RESTORED, &restored);

	if (rc == RC_OK)
		rc = ledger_newest_of(ledger, RECORD_CAUGHT_UP, &caught_up);
	if (rc != RC_OK || restored <= caught_up)
		return rc;
	return rule_refuse(RULE_RESTORED,
	    "this ledger was restored from a backup (record %" PRIu64
	    "), and nobody has brought back what it lacks",
	    restored);
}

enum rc
ledger_import_add(struct ledger *ledger, struct ledger_import *import)
{
	struct record r = { .kind = RECORD_IMPORT };
	enum rc rc;

	r.u.import.channel = span_of(import->channel, SHA256_LEN);
	r.u.import.sequence = import->sequence;
	if (import->has_bundle) {
		r.u.import.bundle_id =
		    span_of(import->bundle_id, BUNDLE_ID_LEN);
		r.u.import.bundle_digest =
		    span_of(import->bundle_digest, SHA256_LEN);
		r.u.import.bundle_sequence = import->bundle_sequence;
	}
	r.u.import.count = import->count;
	r.u.import.file = import->file;
	rc = ledger_append(ledger, &r);
	if (rc == RC_OK)
		import->n = r.n;
	return rc;
}

enum rc
ledger_regained_add(
    struct ledger *ledger, const struct ledger_regained *regained)
{
	struct record r = { .kind = RECORD_REGAINED };

	r.u.regained.request = regained->request;
	r.u.regained.slot = regained->slot;
	r.u.regained.request_id = regained->request_id;
	r.u.regained.profile = regained->profile;
	r.u.regained.der = regained->der;
	return ledger_append(ledger, &r);
}

/* ---- as what they stand for -----------------------------------------------
 */

/* The intent is lost; the certificate says what it was. */
enum rc
intent_of_regained(
    const struct record *record, uint64_t bundle, struct intent *ret)
{
	struct span der = record->u.regained.der;
	struct span id = record->u.regained.request_id;
	struct span profile = record->u.regained.profile;
	struct intent i = { .n = record->n, .bundle = bundle };
	struct cert_parts parts;
	OWN(X509) *x = NULL;
	enum rc rc = cert_parts_read("a regained certificate", der, &parts);

	if (rc == RC_OK)
		rc = cert_parse("a regained certificate", der, &x);
	if (rc == RC_OK)
		rc = cert_window(x, &i.not_before, &i.not_after);
	if (rc == RC_OK)
		rc = sha256(parts.tbs, i.tbs);
	if (rc == RC_OK)
		rc = sha256(parts.spki, i.key_id);
	if (rc != RC_OK)
		return err_in(RC_STATE, "ledger record %" PRIu64, record->n);
	i.request = (uint32_t)record->u.regained.request;
	i.slot = (uint32_t)record->u.regained.slot;
	if (parts.serial.n == sizeof(i.serial))
		memcpy(i.serial, parts.serial.p, sizeof(i.serial));
	memcpy(i.request_id, id.p, id.n);
	if (profile.n != 0)
		memcpy(i.profile, profile.p, profile.n);
	*ret = i;
	return RC_OK;
}

static enum rc
manifest_parse(const struct record *record, struct manifest *ret)
{
	char from[64];
	struct cose cose;
	enum rc rc;

	(void)snprintf(from, sizeof(from), "ledger record %" PRIu64, record->n);
	rc = cose_read(from, record->u.import.file, COSE_MANIFEST, &cose);
	if (rc == RC_OK)
		rc = manifest_read(from, cose.payload, ret);
	return rc == RC_FORMAT ? err_set(RC_STATE, "%s", err_text()) : rc;
}

enum rc
import_head_read(const struct record *record, struct ledger_head *ret_head,
    uint8_t ret_policy[static SHA256_LEN])
{
	WIPED(manifest) m = { 0 };
	enum rc rc = manifest_parse(record, &m);

	if (rc != RC_OK)
		return rc;
	*ret_head = m.ledger;
	memcpy(ret_policy, m.policy, SHA256_LEN);
	return RC_OK;
}

/* ---- looking --------------------------------------------------------------
 */

enum rc
ledger_intents_open(
    struct ledger *ledger, uint64_t bundle, intent_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = ledger_query(ledger, &st,
	    "SELECT r.n, r.at, r.kind, r.policy, r.body FROM certificate c"
	    " JOIN record r ON r.n = c.intent"
	    " WHERE c.bundle = ? AND c.result = 0 AND c.void = 0"
	    " ORDER BY c.intent");

	if (rc == RC_OK)
		rc = db_bind(&ledger->db, st, "i", (int64_t)bundle);
	while (db_next(&ledger->db, st, &rc)) {
		struct record r = { 0 };
		struct intent intent;

		rc = ledger_record_of_row(st, 0, &r);
		if (rc == RC_OK && r.kind != RECORD_INTENT)
			rc = err_set(RC_STATE,
			    "%s: record %" PRIu64 " is no intent",
			    ledger->db.path, r.n);
		if (rc != RC_OK)
			break;
		intent_of_record(&r, &intent);
		rc = each(&intent, arg);
	}
	return rc;
}

enum rc
ledger_restored_get(
    struct ledger *ledger, struct ledger_restored *ret, bool *ret_any)
{
	struct ledger_restored found = { 0 };
	struct record r;
	uint64_t n = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_RESTORED, &n);

	*ret_any = rc == RC_OK && n != 0;
	if (!*ret_any)
		return rc;
	rc = ledger_record_get(ledger, n, RECORD_RESTORED, &r, NULL);
	found.at = r.at;
	if (rc == RC_OK)
		memcpy(found.digest, r.u.restored.digest.p, SHA256_LEN);
	if (rc == RC_OK)
		rc = ledger_record_before(ledger, n, &r, NULL);
	if (rc != RC_OK)
		return rc;
	found.count = r.n;
	found.made = r.at;
	*ret = found;
	return RC_OK;
}

struct import_teller {
	import_fn *each;
	void *arg;
};

static enum rc
import_tell(const struct record *r, const uint8_t *hash, void *arg)
{
	struct import_teller *to = arg;
	struct ledger_import import = { .sequence =
					    (uint32_t)r->u.import.sequence,
		.has_bundle = r->u.import.bundle_id.n != 0,
		.bundle_sequence = (uint32_t)r->u.import.bundle_sequence,
		.count = r->u.import.count,
		.file = r->u.import.file,
		.n = r->n };

	(void)hash;
	memcpy(import.channel, r->u.import.channel.p, SHA256_LEN);
	if (import.has_bundle) {
		memcpy(
		    import.bundle_id, r->u.import.bundle_id.p, BUNDLE_ID_LEN);
		memcpy(import.bundle_digest, r->u.import.bundle_digest.p,
		    SHA256_LEN);
	}
	return to->each(&import, to->arg);
}

enum rc
ledger_since_restored_each(
    struct ledger *ledger, enum record_kind kind, record_fn *each, void *arg)
{
	OWN(sqlite3_stmt) *st = NULL;
	uint64_t restored = 0;
	enum rc rc = ledger_newest_of(ledger, RECORD_RESTORED, &restored);

	if (rc == RC_OK)
		rc = ledger_query(ledger, &st,
		    "SELECT " RECORD_COLUMNS " FROM record"
		    " WHERE kind = ? AND n > ? AND " KIND_IS_RARE
		    " ORDER BY n");
	if (rc == RC_OK)
		rc = db_bind(
		    &ledger->db, st, "ii", (int64_t)kind, (int64_t)restored);
	return rc != RC_OK ? rc : ledger_records_walk(ledger, st, each, arg);
}

enum rc
ledger_imports_each(struct ledger *ledger, import_fn *each, void *arg)
{
	struct import_teller to = { each, arg };

	return ledger_since_restored_each(
	    ledger, RECORD_IMPORT, import_tell, &to);
}
