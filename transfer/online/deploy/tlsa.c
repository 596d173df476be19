/* SPDX-License-Identifier: Apache-2.0 */
/* The TLSA records (RFC 6698) of one name, and the hosts that want them. They
 * are printed, and a person puts them into a zone. */
#include "transfer/online/deploy/posh.h"

#include "base/own_ssl.h"
#include "transfer/online/deploy/chain.h"
#include "transfer/online/deploy/deploy.h"
#include "transfer/x509/cert.h"

/* RFC 6698 7.2-7.4 */
enum { PKIX_FULL = 0, SPKI = 1, DANE_TA = 2, DANE_EE = 3, SHA2_256 = 1 };

static enum rc
spki_digest(struct span der, uint8_t ret[static SHA256_LEN])
{
	OWN(X509) *cert = NULL;
	WIPED(buf) spki = { 0 };
	enum rc rc = cert_stored("store", der, &cert);

	if (rc == RC_OK)
		rc = cert_spki(cert, &spki);
	return rc != RC_OK ? rc : sha256(buf_span(&spki), ret);
}

static enum rc
tlsa_add(struct tlsa ret[static TLSA_MAX], size_t *n, struct tlsa one)
{
	for (size_t i = 0; i < *n; i++)
		if (memcmp(ret[i].data, one.data, TLSA_DATA_LEN) == 0)
			return RC_OK;
	if (*n == TLSA_MAX)
		return err_set(RC_STATE, "more than %d records", TLSA_MAX);
	ret[(*n)++] = one;
	return RC_OK;
}

/* What a server may send: the one across where there is one, and each
 * certificate of the issuing key that is good still. A renewed CA has two, and
 * either may be in place while the zone is being changed. */
static enum rc
tlsa_add_ca(struct store *store, const struct held *h, int64_t now,
    struct tlsa ret[static TLSA_MAX], size_t *n)
{
	const struct trust *trust = &store->trust;
	const struct trust_ca *newest =
	    trust_key_get0(&store->trust, h->issuer);
	const struct trust_cross *across =
	    chain_cross_get0(trust, h->issuer, h->not_before);
	enum rc rc = RC_OK;

	if (across != NULL) {
		struct tlsa one = { DANE_TA, PKIX_FULL, SHA2_256, { 0 } };

		rc = sha256(buf_span(&across->der), one.data);
		if (rc == RC_OK)
			rc = tlsa_add(ret, n, one);
	}
	if (newest == NULL)
		return err_set(RC_STATE,
		    "%s: a certificate of no pinned CA key", store->db.path);
	for (size_t i = 0; i < trust->n_cas && rc == RC_OK; i++) {
		struct tlsa one = { DANE_TA, PKIX_FULL, SHA2_256, { 0 } };
		const struct trust_ca *ca = &trust->cas[i];

		if (memcmp(ca->key_id, h->issuer, SHA256_LEN) != 0 ||
		    (ca != newest && ca->not_after < now))
			continue;
		rc = sha256(buf_span(&ca->der), one.data);
		if (rc == RC_OK)
			rc = tlsa_add(ret, n, one);
	}
	return rc;
}

enum rc
tlsa_make(struct store *store, const struct holding *holding, int64_t now,
    struct tlsa ret[static TLSA_MAX], size_t *ret_n)
{
	enum rc rc = RC_OK;
	size_t n = 0;

	for (size_t i = 0; i < holding->n && rc == RC_OK; i++) {
		const struct held *h = &holding->items[i];
		struct tlsa one = { DANE_EE, SPKI, SHA2_256, { 0 } };

		if (!held_is_told(holding, i, now))
			continue;
		rc = spki_digest(buf_span(&h->der), one.data);
		if (rc == RC_OK)
			rc = tlsa_add(ret, &n, one);
		if (rc == RC_OK)
			rc = tlsa_add_ca(store, h, now, ret, &n);
	}
	if (rc == RC_OK && n == 0)
		rc = err_set(RC_STATE,
		    "%s: no certificate is valid now or later", holding->name);
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

/* ---- hosts --------------------------------------------------------------- */

/* Is there a service "srv:_service.DOMAIN" of this domain? */
static bool
is_domain(struct span names, struct span domain)
{
	struct name name;

	while (names.n != 0)
		if (name_of_text(span_take_line(&names), &name) &&
		    name.type == NAME_SRV &&
		    span_eq(name_domain(&name), domain))
			return true;
	return false;
}

static enum rc
add_hosts(struct span names, bool all, struct buf *out)
{
	struct span rest = names;
	struct name name;
	enum rc rc = RC_OK;

	while (rc == RC_OK && rest.n != 0) {
		if (!name_of_text(span_take_line(&rest), &name) ||
		    name.type != NAME_DNS || name.text.n == 0 ||
		    name.text.p[0] == '*' ||
		    (!all && is_domain(names, name.text)))
			continue;
		rc = buf_add_span(out, name.text);
		if (rc == RC_OK)
			rc = buf_add_byte(out, '\n');
	}
	return rc;
}

enum rc
tlsa_hosts(struct span names, struct buf *ret_lines)
{
	enum rc rc = add_hosts(names, false, ret_lines);

	return rc != RC_OK || ret_lines->n != 0
		   ? rc
		   : add_hosts(names, true, ret_lines);
}
