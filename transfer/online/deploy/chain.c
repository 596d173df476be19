/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL takes the first certificate that fits and looks for no second way: so
 * there is one way in a chain, from the newest key to the one before it, or
 * from an old key to the newest. Not further back than one: behind two across
 * GnuTLS does not find the newest root that it has, and counts both against a
 * path length. */
#include "transfer/online/deploy/chain.h"

#include "transfer/online/deploy/deploy.h"
#include "transfer/x509/pem.h"

/* The place of a key among the CA's, by its first certificate. */
static size_t
age_of(const struct trust *trust, const uint8_t *key_id)
{
	size_t i = 0;

	while (i < trust->n_cas &&
	       memcmp(trust->cas[i].key_id, key_id, SHA256_LEN) != 0)
		i++;
	return i;
}

/* Over this key, by an older or by a newer one; the last to end. */
static const struct trust_cross *
cross_get0(const struct trust *trust, const uint8_t *over, bool by_older,
    int64_t since)
{
	const struct trust_cross *best = NULL;

	for (size_t i = 0; i < trust->n_crosses; i++) {
		const struct trust_cross *one = &trust->crosses[i];
		bool older = age_of(trust, one->by) < age_of(trust, one->over);

		if (memcmp(one->over, over, SHA256_LEN) == 0 &&
		    older == by_older && one->not_after >= since &&
		    (best == NULL || one->not_after > best->not_after))
			best = one;
	}
	return best;
}

const struct trust_cross *
chain_cross_get0(const struct trust *trust,
    const uint8_t issuer[static SHA256_LEN], int64_t since)
{
	const struct trust_cross *newer =
	    cross_get0(trust, issuer, false, since);

	return newer != NULL ? newer : cross_get0(trust, issuer, true, since);
}

/* Each step leads to a newer key: it ends. */
static enum rc
across_write(const struct trust *trust, const struct trust_cross *first,
    int64_t since, struct buf *out)
{
	const struct trust_cross *one = first;
	enum rc rc = RC_OK;

	while (one != NULL && rc == RC_OK) {
		rc = pem_write(PEM_CERTIFICATE, buf_span(&one->der), out);
		one = age_of(trust, one->by) < age_of(trust, one->over)
			  ? NULL
			  : cross_get0(trust, one->by, false, since);
	}
	return rc;
}

/* As long as there is but one key. */
static enum rc
up_write(struct store *store, const struct trust_ca *ca, struct buf *out)
{
	enum rc rc = pem_write(PEM_CERTIFICATE, buf_span(&ca->der), out);

	return rc != RC_OK ? rc : store_issuers_pem(store, store->db.path, out);
}

enum rc
chain_write(struct store *store, const uint8_t issuer[static SHA256_LEN],
    int64_t since, struct buf *out)
{
	const struct trust_ca *ca = trust_key_get0(&store->trust, issuer);
	const struct trust_cross *across =
	    chain_cross_get0(&store->trust, issuer, since);

	if (ca == NULL)
		return err_set(RC_STATE,
		    "%s: a certificate of no pinned CA key", store->db.path);
	return across != NULL ? across_write(&store->trust, across, since, out)
			      : up_write(store, ca, out);
}

enum rc
chain_cas_write(struct store *store, struct buf *out)
{
	const struct trust *trust = &store->trust;
	enum rc rc = RC_OK;

	for (size_t i = trust->n_cas; i-- > 0 && rc == RC_OK;)
		rc = pem_write(
		    PEM_CERTIFICATE, buf_span(&trust->cas[i].der), out);
	return rc != RC_OK ? rc : store_issuers_pem(store, store->db.path, out);
}
