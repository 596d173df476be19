/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that a server's files shall have. How they come to their places is
 * for replace.c. */
#include "transfer/online/deploy/deploy.h"

#include "base/own_ssl.h"
#include "transfer/online/store/home.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/pem.h"

#include <openssl/pem.h>

#define DEPLOY_KEY_MAX 65536 /* bytes */

void
deploy_files_wipe(struct deploy_files *files)
{
	buf_wipe(&files->cert);
	buf_wipe(&files->key);
}

/* ---- the CA's certificates ----------------------------------------------- */

/* A renewed CA has two certificates of one key: the newest lasts longest. */
const struct trust_ca *
deploy_issuer_get0(const struct store *store, const uint8_t *key_id)
{
	const struct trust *trust = &store->trust;
	const struct trust_ca *newest = NULL;

	for (size_t i = 0; i < trust->n_cas; i++)
		if (memcmp(trust->cas[i].key_id, key_id, SHA256_LEN) == 0)
			newest = &trust->cas[i];
	return newest;
}

/* The CA certificates as PEM: `issuer` is the key-id of the one that issued. */
static enum rc
chain_write(struct store *store, const uint8_t *issuer, struct buf *out)
{
	const struct trust_ca *ca = deploy_issuer_get0(store, issuer);
	WIPED(buf) above = { 0 };
	struct span rest;
	struct der one;
	enum rc rc;

	if (ca == NULL)
		return err_set(RC_STATE,
		    "%s: a certificate of no pinned CA key", store->db.path);
	rc = pem_write(PEM_CERTIFICATE, buf_span(&ca->der), out);
	if (rc == RC_OK)
		rc = store_issuers(store, &above);
	rest = buf_span(&above);
	while (rc == RC_OK && rest.n != 0) {
		if (!der_take_whole(&rest, DER_SEQUENCE, &one))
			return err_set(RC_STATE, "%s: damaged", store->db.path);
		rc = pem_write(PEM_CERTIFICATE, one.whole, out);
	}
	return rc;
}

/* ---- the key ------------------------------------------------------------- */

static enum rc
find_key(const char *home, const struct deployment *d, const struct held *held,
    EVP_PKEY **ret, const char **ret_from)
{
	if (held->key_file != NULL) {
		*ret_from = held->key_file;
		return online_key_read(home, held->key_file, ret);
	}
	*ret_from = d->key_from != NULL ? d->key_from : d->key_path;
	if (*ret_from != NULL)
		return online_key_file_read(*ret_from, DEPLOY_KEY_MAX, ret);
	return err_set(RC_STATE,
	    "%s: its key was not made here: give --key-from FILE", d->name);
}

static enum rc
deploy_files_check_key(const struct held *held, EVP_PKEY *key, const char *from)
{
	OWN(X509) *cert = NULL;
	enum rc rc = cert_stored("store", buf_span(&held->der), &cert);

	if (rc != RC_OK)
		return rc;
	if (X509_check_private_key(cert, key) != 1)
		return err_openssl(RC_STATE,
		    "%s: not the key of the certificate that is due", from);
	return RC_OK;
}

static enum rc
write_key(EVP_PKEY *key, struct buf *out)
{
	OWN(BIO) *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;
	long n;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(
			       bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return err_openssl(RC_BUG, "a key cannot be encoded");
	n = BIO_get_mem_data(bio, &pem);
	return buf_add(out, pem, (size_t)n);
}

/* The key as PEM; nothing when it lies where it shall be, and was not made
 * here. */
static enum rc
take_key(const char *home, const struct deployment *d, const struct held *held,
    struct buf *ret_pem)
{
	OWN(EVP_PKEY) *key = NULL;
	const char *from = NULL;
	enum rc rc = find_key(home, d, held, &key, &from);

	if (rc == RC_OK)
		rc = deploy_files_check_key(held, key, from);
	if (rc != RC_OK || from == d->key_path)
		return rc;
	return write_key(key, ret_pem);
}

/* ---- all together -------------------------------------------------------- */

static bool
holds_key(enum deploy_format format)
{
	return format == DEPLOY_PEMFILE || format == DEPLOY_P12;
}

static enum rc
write_certs(struct store *store, enum deploy_format format,
    const struct held *held, struct buf *out)
{
	enum rc rc = RC_OK;

	if (format != DEPLOY_CHAIN)
		rc = pem_write(PEM_CERTIFICATE, buf_span(&held->der), out);
	if (rc == RC_OK && format != DEPLOY_CERT)
		rc = chain_write(store, held->issuer, out);
	return rc;
}

enum rc
deploy_files_make(const char *home, struct store *store,
    const struct deployment *d, const struct held *held,
    struct deploy_files *ret)
{
	WIPED(deploy_files) files = { 0 };
	enum rc rc = RC_OK;

	if (holds_key(d->format))
		rc = take_key(home, d, held, &files.cert);
	else if (d->key_path != NULL)
		rc = take_key(home, d, held, &files.key);
	if (rc == RC_OK)
		rc = write_certs(store, d->format, held, &files.cert);
	if (rc != RC_OK)
		return rc;
	*ret = files;
	files = (struct deploy_files){ 0 };
	return RC_OK;
}
