/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that a server's files shall have. How they come to their places is
 * for replace.c. */
#include "transfer/online/deploy/deploy.h"

#include "base/file.h"
#include "base/own_ssl.h"
#include "base/typed.h"
#include "transfer/online/deploy/chain.h"
#include "transfer/online/deploy/site.h"
#include "transfer/online/store/home.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define DEPLOY_KEY_MAX 65536 /* bytes */

void
deploy_files_wipe(struct deploy_files *files)
{
	buf_wipe(&files->cert);
	buf_wipe(&files->key);
}

/* ---- the key ------------------------------------------------------------- */

static enum rc
deploy_files_check_key(X509 *cert, EVP_PKEY *key, const char *from)
{
	EVP_PKEY *own = X509_get0_pubkey(cert);

	if (own == NULL)
		return err_openssl(RC_BUG, "%s: the certificate's key", from);
	if (EVP_PKEY_eq(own, key) == 1)
		return RC_OK;
	ERR_clear_error();
	return err_set(
	    RC_STATE, "%s: not the key of the certificate that is due", from);
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

/* A key that was not made here, read where it lies as whoever can put it there:
 * out comes the digest of its file, and the key as we write it. */
struct foreign_key {
	const char *path, *name;
	X509 *cert; /* whose it shall be */
};

static enum rc
foreign_key_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct foreign_key *f = arg;
	OWN(EVP_PKEY) *key = NULL;
	WIPED(buf) pem = { 0 };
	OWN_FD fd = -1;
	uint8_t digest[SHA256_LEN];
	enum rc rc = site_file_open(dirs[0], f->name, f->path, &fd);

	(void)theirs;
	if (rc == RC_OK && fd < 0)
		rc = err_errno(RC_IO, ENOENT, "%s", f->path);
	if (rc == RC_OK)
		rc = fd_read(fd, f->path, DEPLOY_KEY_MAX, &pem);
	if (rc == RC_OK)
		rc = sha256(buf_span(&pem), digest);
	if (rc == RC_OK)
		rc = online_key_parse(f->path, buf_span(&pem), &key);
	if (rc == RC_OK)
		rc = deploy_files_check_key(f->cert, key, f->path);
	if (rc == RC_OK)
		rc = buf_add(out, digest, SHA256_LEN);
	return rc == RC_OK ? write_key(key, out) : rc;
}

static enum rc
foreign_key_read(const char *path, X509 *cert,
    uint8_t ret_digest[static SHA256_LEN], struct buf *ret_pem)
{
	WIPED(buf) out = { 0 };
	struct site_file file;
	struct foreign_key f = {
		.path = path, .name = file.name, .cert = cert
	};
	const struct site_dir dir = { file.dir, path };
	enum rc rc = site_file_of(path, &file);

	if (rc == RC_OK)
		rc = site_do(&dir, 1, foreign_key_there, &f, &out);
	if (rc == RC_OK && out.n < SHA256_LEN)
		rc = err_set(RC_BUG, "%s: no key came", path);
	if (rc != RC_OK)
		return rc;
	memcpy(ret_digest, out.p, SHA256_LEN);
	return buf_add(ret_pem, out.p + SHA256_LEN, out.n - SHA256_LEN);
}

static enum rc
add_typed(struct buf *command, const char *option, const char *value)
{
	enum rc rc = value == NULL ? RC_OK : buf_add_str(command, option);

	return value == NULL || rc != RC_OK ? rc : typed_word(command, value);
}

/* With the command that brought it about, whole. */
static enum rc
err_typed_again(const struct deployment *d)
{
	WIPED(buf) command = { 0 };
	const char *text;
	enum rc rc = add_typed(&command, "airgap-transfer deploy ", d->name);

	if (rc == RC_OK)
		rc = buf_printf(&command, " --profile %s --format %s",
		    d->profile, deploy_format_text(d->format));
	if (rc == RC_OK)
		rc = add_typed(&command, " --to ", d->path);
	if (rc == RC_OK)
		rc = add_typed(&command, " --key ", d->key_path);
	if (rc == RC_OK)
		rc = add_typed(&command, " --reload ", d->reload);
	text = rc == RC_OK ? buf_cstr(&command) : NULL;
	if (text == NULL)
		return rc != RC_OK ? rc : err_memory();
	return err_set(RC_STATE,
	    "%s: not the file that was deployed with, or not the key of the certificate that is due: `%s`",
	    d->key_path, text);
}

/* The key where the server has it is not ours to write. Once somebody has seen
 * that it is the right one, it is known by its digest. */
static enum rc
stays_as_it_is(struct deployment *d, X509 *cert, bool typed)
{
	const struct replace at_key = { .cert = { .path = d->key_path } };
	struct replace_found found, none;
	WIPED(buf) pem = { 0 };
	WIPED(buf) spki = { 0 };
	uint8_t of[SHA256_LEN];
	enum rc rc = cert_spki(cert, &spki);

	if (rc == RC_OK)
		rc = sha256(buf_span(&spki), of);
	if (rc == RC_OK && typed) {
		memcpy(d->key_spki, of, SHA256_LEN);
		rc = foreign_key_read(d->key_path, cert, d->key_file, &pem);
		d->has_key = rc == RC_OK;
		return rc;
	}
	if (rc == RC_OK)
		rc = replace_look(&at_key, &found, &none);
	if (rc != RC_OK ||
	    (d->has_key && found.is &&
		memcmp(of, d->key_spki, SHA256_LEN) == 0 &&
		memcmp(found.sha256, d->key_file, SHA256_LEN) == 0))
		return rc;
	return err_typed_again(d);
}

/* The key as PEM; nothing when it lies where it shall be, and was not made
 * here. */
static enum rc
take_key(const char *home, struct deployment *d, const struct held *held,
    bool typed, struct buf *ret_pem)
{
	OWN(X509) *cert = NULL;
	OWN(EVP_PKEY) *key = NULL;
	uint8_t digest[SHA256_LEN];
	enum rc rc = cert_stored("store", buf_span(&held->der), &cert);

	if (rc == RC_OK && held->key_file == NULL && d->key_from != NULL)
		return foreign_key_read(d->key_from, cert, digest, ret_pem);
	if (rc == RC_OK && held->key_file == NULL && d->key_path != NULL)
		return stays_as_it_is(d, cert, typed);
	if (rc == RC_OK && held->key_file == NULL)
		rc = err_set(RC_STATE,
		    "%s: its key was not made here: give --key-from FILE",
		    d->name);
	if (rc == RC_OK)
		rc = online_key_read(home, held->key_file, &key);
	if (rc == RC_OK)
		rc = deploy_files_check_key(cert, key, held->key_file);
	return rc == RC_OK ? write_key(key, ret_pem) : rc;
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
		rc = chain_write(store, held->issuer, held->not_before, out);
	return rc;
}

enum rc
deploy_files_make(const char *home, struct store *store, struct deployment *d,
    const struct held *held, bool typed, struct deploy_files *ret)
{
	WIPED(deploy_files) files = { 0 };
	enum rc rc = RC_OK;

	if (holds_key(d->format))
		rc = take_key(home, d, held, typed, &files.cert);
	else if (d->key_path != NULL)
		rc = take_key(home, d, held, typed, &files.key);
	if (rc == RC_OK)
		rc = write_certs(store, d->format, held, &files.cert);
	if (rc != RC_OK)
		return rc;
	*ret = files;
	files = (struct deploy_files){ 0 };
	return RC_OK;
}
