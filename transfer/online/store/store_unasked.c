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

/* Was this very CSR granted before? Then its key is where it was then. */
static enum rc
find_granted(struct store *store, const struct result *r, bool *ret_is,
    struct buf *ret_file)
{
	OWN(sqlite3_stmt) *st = NULL;
	enum rc rc = db_prepare(&store->db,
	    "SELECT key_file FROM request WHERE csr_sha256 = ?1"
	    " AND issued IS NOT 0 AND unused IS NOT 3 LIMIT 1",
	    &st);

	if (rc == RC_OK)
		rc = db_bind(
		    &store->db, st, "b", span_of(r->csr_digest, SHA256_LEN));
	if (rc == RC_OK)
		rc = db_step(&store->db, st, ret_is);
	return rc != RC_OK || !*ret_is ? rc
				       : buf_add_span(ret_file, db_text(st, 0));
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

/* It was asked for before it was signed: what was asked here after that, by the
 * clock as bundles are counted, is newer. */
static enum rc
put_result(struct store *store, uint32_t bundle, size_t place,
    int64_t signed_at, const struct result *r, bool is_here, struct span file)
{
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
		    (int64_t)(is_here ? UNUSED_NOT : UNUSED_NO_KEY), signed_at);
	return rc != RC_OK ? rc : db_done(&store->db, st);
}

enum rc
store_unasked_add(struct store *store, uint32_t bundle,
    const struct manifest *m,
    enum rc (*key_file)(void *arg, const uint8_t *key_id, struct buf *ret),
    void *arg, size_t *ret_lost)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_results && rc == RC_OK; i++) {
		const struct result *r = &m->results[i];
		uint8_t key_id[SHA256_LEN];
		WIPED(buf) file = { 0 };
		bool is_here = false;

		if (r->n_certs == 0)
			continue;
		rc = find_granted(store, r, &is_here, &file);
		if (rc == RC_OK && !is_here)
			rc = key_id_of_result(store, r, key_id);
		if (rc == RC_OK && !is_here)
			rc = key_file(arg, key_id, &file);
		is_here |= file.n != 0;
		if (rc == RC_OK)
			rc = put_result(store, bundle, i, m->signed_at, r,
			    is_here, buf_span(&file));
		*ret_lost += is_here ? 0 : r->n_certs;
	}
	return rc;
}
