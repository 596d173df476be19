/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to bundles that this store does not know, because it was put back to
 * a copy from before they were sent. What was asked is told by the manifest and
 * by the certificates themselves; the bundle has a number here and no bytes. */
#include "transfer/online/store/store.h"

#include "transfer/x509/tbs.h"

#include <string.h>

enum rc
store_unasked_begin(struct store *store, const uint8_t id[static BUNDLE_ID_LEN],
    int64_t now, uint32_t *ret_bundle)
{
	static const uint8_t none[SHA256_LEN];
	struct bundle b = { .created = now };
	enum rc rc = store_next_sequence(store, now, ret_bundle);

	if (rc != RC_OK)
		return rc;
	b.sequence = *ret_bundle;
	memcpy(b.id, id, BUNDLE_ID_LEN);
	return store_bundle_put(store, &b, none, BUNDLE_ANSWERED, span_str(""));
}

/* The first certificate of a request tells profile and names. */
enum rc
store_unasked_cert_add(struct store *store, uint32_t manifest_sequence,
    uint32_t bundle, const struct judged *judged)
{
	OWN(sqlite3_stmt) *st = NULL;
	WIPED(buf) names = { 0 };
	enum rc rc = store_names_write(judged->names, judged->n_names, &names);

	if (rc == RC_OK)
		rc = db_prepare(&store->db,
		    "INSERT INTO request (bundle, place, id, csr_sha256,"
		    " profile, names, slots, period, overlap, issued)"
		    " VALUES (?1, ?2, ?3, zeroblob(32), ?4, ?5, 1, ?6, 0, 1)"
		    " ON CONFLICT DO NOTHING",
		    &st);
	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "iisssi", (int64_t)bundle,
		    (int64_t)judged->request, judged->asked->id,
		    judged->asked->profile, buf_span(&names),
		    judged->asked->validity.period);
	if (rc == RC_OK)
		rc = db_done(&store->db, st);
	return rc != RC_OK
		   ? rc
		   : store_cert_add(store, manifest_sequence, bundle, judged);
}

/* What this store knows of a result's key. */
struct known_key {
	bool is_here;
	struct buf file; /* where it lies, if it was made here */
	enum unused unused;
	int64_t since; /* as in request.since */
};

static void
known_key_wipe(struct known_key *key)
{
	buf_wipe(&key->file);
}

/* Was it asked for with a key of that file, or else with what the manifest says
 * was the CSR? Then a bundle that nobody knows moves neither its place among
 * the requests nor what was said of it since: withdrawn and forgotten stay so,
 * if nothing else asks with it. */
static enum rc
find_asked(struct store *store, uint32_t bundle, const struct result *r,
    struct known_key *key)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool is = false;
	enum rc rc = db_prepare(&store->db,
	    "SELECT key_file, unused, coalesce(since, bundle) FROM request"
	    " WHERE CASE WHEN ?2 <> '' THEN key_file = ?2"
	    "   ELSE csr_sha256 = ?1 AND issued IS NOT 0 END"
	    " AND unused IS NOT 3 AND bundle <> ?3"
	    " ORDER BY unused IS NOT NULL, coalesce(since, bundle) DESC LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "bsi",
		    span_of(r->csr_digest, SHA256_LEN),
		    key->file.n == 0 ? span_str("") : buf_span(&key->file),
		    (int64_t)bundle);
	if (rc == RC_OK)
		rc = db_step(&store->db, st, &is);
	if (rc != RC_OK || !is)
		return rc;
	key->is_here = true;
	key->unused = (enum unused)sqlite3_column_int(st, 1);
	key->since = sqlite3_column_int64(st, 2);
	return key->file.n != 0 ? RC_OK
				: buf_add_span(&key->file, db_text(st, 0));
}

static enum rc
key_id_of_result(
    struct store *store, const struct result *r, uint8_t *ret_key_id)
{
	WIPED(buf) der = { 0 };
	struct cert_parts parts;
	enum rc rc = store_cert_der(store, r->certs[0].serial, &der);

	if (rc == RC_OK)
		rc = cert_parts_read("response", buf_span(&der), &parts);
	return rc != RC_OK ? rc : sha256(parts.spki, ret_key_id);
}

static enum rc
put_result(struct store *store, uint32_t bundle, size_t place,
    const struct result *r, const struct known_key *key)
{
	const struct span file = buf_span(&key->file);
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "UPDATE request SET csr_sha256 = ?3, slots = ?4,"
	    " key_file = nullif(?5, ''), unused = nullif(?6, 0), since = ?7"
	    " WHERE bundle = ?1 AND place = ?2",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(&store->db, st, "iibisii", (int64_t)bundle,
		    (int64_t)place, span_of(r->csr_digest, SHA256_LEN),
		    (int64_t)r->n_certs, file.n == 0 ? span_str("") : file,
		    (int64_t)key->unused, key->since);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

/* What it does not know was asked for before it was signed: what was asked here
 * after that, by the clock as bundles are counted, is newer. */
static enum rc
known_key_find(struct store *store, uint32_t bundle, const struct manifest *m,
    const struct result *r, key_file_find *key_file, void *arg,
    struct known_key *key)
{
	uint8_t key_id[SHA256_LEN];
	enum rc rc = key_id_of_result(store, r, key_id);

	key->since = m->signed_at;
	if (rc == RC_OK)
		rc = key_file(arg, key_id, &key->file);
	key->is_here = key->file.n != 0;
	if (rc == RC_OK)
		rc = find_asked(store, bundle, r, key);
	if (!key->is_here)
		key->unused = UNUSED_NO_KEY;
	return rc;
}

enum rc
store_unasked_add(struct store *store, uint32_t bundle,
    const struct manifest *m, key_file_find *key_file, void *arg,
    size_t *ret_lost)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_results && rc == RC_OK; i++) {
		const struct result *r = &m->results[i];
		WIPED(known_key) key = { .unused = UNUSED_NOT };

		if (r->n_certs == 0)
			continue;
		rc = known_key_find(store, bundle, m, r, key_file, arg, &key);
		if (rc == RC_OK)
			rc = put_result(store, bundle, i, r, &key);
		*ret_lost += key.is_here ? 0 : r->n_certs;
	}
	return rc;
}
