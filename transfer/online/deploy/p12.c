/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 (RFC 7292) is made and never read: it says itself how long its
 * password is to be worked on, and one that somebody puts in place of ours may
 * say two thousand million rounds. */
#include "transfer/online/deploy/deploy.h"

#include "base/file.h"
#include "base/own_ssl.h"
#include "transfer/online/deploy/site.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASS_FILE_MAX 1024 /* bytes */

OWN_TYPE(PKCS12, PKCS12_free);

/* ---- the password -------------------------------------------------------- */

static enum rc
check_pass_file(const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return err_set(
		    RC_IO, "password file %s: not a regular file", path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return err_set(RC_IO,
		    "password file %s: belongs to another user (%ju)", path,
		    (uintmax_t)st->st_uid);
	if ((st->st_mode & 077) != 0)
		return err_set(RC_IO,
		    "password file %s: others may read it (mode %04o): chmod 600 it",
		    path, (unsigned)st->st_mode & 07777);
	return RC_OK;
}

enum rc
p12_password(const char *path, struct buf *ret)
{
	WIPED(buf) from = { 0 };
	OWN_FD fd = -1;
	const char *text;
	struct stat st;
	const uint8_t *end;
	enum rc rc = buf_printf(&from, "password file %s", path);

	text = rc == RC_OK ? buf_cstr(&from) : NULL;
	if (text == NULL)
		return rc != RC_OK ? rc : err_memory();
	rc = site_own_file_open(path, text, &fd);
	if (rc == RC_OK && fstat(fd, &st) != 0)
		rc = err_errno(RC_IO, errno, "%s", text);
	if (rc == RC_OK)
		rc = check_pass_file(path, &st);
	if (rc == RC_OK)
		rc = fd_read(fd, text, PASS_FILE_MAX, ret);
	if (rc != RC_OK)
		return rc;
	end = memchr(ret->p, '\n', ret->n);
	if (end != NULL)
		ret->n = (size_t)(end - ret->p);
	/* As a PIN: an editor of another system ends its lines with both. */
	if (ret->n != 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	if (ret->n == 0 || memchr(ret->p, '\0', ret->n) != NULL)
		return err_set(RC_IO, "%s: no password", text);
	return RC_OK;
}

/* ---- key and certificates ------------------------------------------------ */

struct p12_parts {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * cas;
};

static void
p12_parts_wipe(struct p12_parts *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
	sk_X509_pop_free(p->cas, X509_free);
}

/* Our own PEM: key, certificate, those of the CA. */
static enum rc
read_parts(struct span pem, struct p12_parts *p)
{
	OWN(BIO) *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *ca;

	if (bio != NULL)
		p->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	if (p->key != NULL)
		p->cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	p->cas = sk_X509_new_null();
	if (p->cert == NULL || p->cas == NULL)
		return err_openssl(RC_BUG, "PKCS#12: no key and certificate");
	while ((ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(p->cas, ca) <= 0) {
			X509_free(ca);
			return err_memory();
		}
	/* Past the last one there is no beginning. Anything else is no end:
	 * memory, say, and then a file would lack the CA. */
	if (ERR_GET_LIB(ERR_peek_last_error()) != ERR_LIB_PEM ||
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_openssl(RC_BUG, "PKCS#12: a CA certificate");
	ERR_clear_error();
	return RC_OK;
}

/* What OpenSSL takes by default: AES-256 and a MAC with SHA-256. Before version
 * 3 it was 3DES and SHA-1, and some know only these; RFC 7292 has no better. */
static PKCS12 *
build_p12(
    const char *name, const char *pass, bool legacy, const struct p12_parts *p)
{
	const int old = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
	PKCS12 *p12;

	if (!legacy)
		return PKCS12_create(
		    pass, name, p->key, p->cert, p->cas, 0, 0, 0, 0, 0);
	p12 = PKCS12_create(
	    pass, name, p->key, p->cert, p->cas, old, old, 0, -1, 0);
	if (p12 != NULL && PKCS12_set_mac(p12, pass, -1, NULL, 0,
			       PKCS12_DEFAULT_ITER, EVP_sha1()) != 1) {
		PKCS12_free(p12);
		return NULL;
	}
	return p12;
}

enum rc
p12_make(const char *name, struct span pem, struct buf *pass, bool legacy,
    struct buf *ret)
{
	WIPED(p12_parts) parts = { 0 };
	OWN(PKCS12) *p12 = NULL;
	OWN(ssl_bytes) *der = NULL;
	const char *text = buf_cstr(pass);
	int n;
	enum rc rc = text == NULL ? err_memory() : read_parts(pem, &parts);

	if (rc != RC_OK)
		return rc;
	p12 = build_p12(name, text, legacy, &parts);
	n = p12 == NULL ? -1 : i2d_PKCS12(p12, &der);
	if (n < 0)
		return err_openssl(RC_BUG, "PKCS#12 cannot be made");
	return buf_add(ret, der, (size_t)n);
}
