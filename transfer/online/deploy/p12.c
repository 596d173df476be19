/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 (RFC 7292) is made with a new salt each time: whether a file is what
 * it should be is told from what it holds. */
#include "transfer/online/deploy/deploy.h"

#include "base/file.h"
#include "base/own_ssl.h"

#include <errno.h>
#include <fcntl.h>
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

/* The first line, without its end. */
static enum rc
read_pass(const char *path, struct buf *ret, const char **ret_text)
{
	OWN_FD fd =
	    fd_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	struct stat st;
	const uint8_t *end;
	enum rc rc;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(RC_IO, errno, "password file %s", path);
	rc = check_pass_file(path, &st);
	if (rc != RC_OK)
		return rc;
	rc = fd_read(fd, path, PASS_FILE_MAX, ret);
	if (rc != RC_OK)
		return err_in(rc, "password file");
	end = memchr(ret->p, '\n', ret->n);
	if (end != NULL)
		ret->n = (size_t)(end - ret->p);
	if (ret->n == 0 || memchr(ret->p, '\0', ret->n) != NULL)
		return err_set(RC_IO, "password file %s: no password", path);
	*ret_text = buf_cstr(ret);
	return *ret_text == NULL ? err_memory() : RC_OK;
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
	ERR_clear_error(); /* of reading past the last one */
	return RC_OK;
}

enum rc
p12_make(
    const char *name, struct span pem, const char *pass_source, struct buf *ret)
{
	WIPED(p12_parts) parts = { 0 };
	WIPED(buf) pass = { 0 };
	OWN(PKCS12) *p12 = NULL;
	OWN(ssl_bytes) *der = NULL;
	const char *text = NULL;
	int n;
	enum rc rc = read_pass(pass_source, &pass, &text);

	if (rc == RC_OK)
		rc = read_parts(pem, &parts);
	if (rc != RC_OK)
		return rc;
	p12 = PKCS12_create(
	    text, name, parts.key, parts.cert, parts.cas, 0, 0, 0, 0, 0);
	n = p12 == NULL ? -1 : i2d_PKCS12(p12, &der);
	if (n < 0)
		return err_openssl(RC_BUG, "PKCS#12 cannot be made");
	return buf_add(ret, der, (size_t)n);
}

static bool
are_same(const struct p12_parts *a, const struct p12_parts *b)
{
	if (EVP_PKEY_eq(a->key, b->key) != 1 ||
	    X509_cmp(a->cert, b->cert) != 0 ||
	    sk_X509_num(a->cas) != sk_X509_num(b->cas))
		return false;
	for (int i = 0; i < sk_X509_num(a->cas); i++)
		if (X509_cmp(sk_X509_value(a->cas, i),
			sk_X509_value(b->cas, i)) != 0)
			return false;
	return true;
}

enum rc
p12_holds(struct span file, struct span pem, const char *pass_source, bool *ret)
{
	WIPED(p12_parts) wanted = { 0 };
	WIPED(p12_parts) found = { 0 };
	WIPED(buf) pass = { 0 };
	OWN(PKCS12) *p12 = NULL;
	const uint8_t *p = file.p;
	const char *text = NULL;
	enum rc rc = read_pass(pass_source, &pass, &text);

	if (rc == RC_OK)
		rc = read_parts(pem, &wanted);
	if (rc != RC_OK)
		return rc;
	p12 = d2i_PKCS12(NULL, &p, (long)file.n);
	*ret =
	    p12 != NULL && p == file.p + file.n &&
	    PKCS12_parse(p12, text, &found.key, &found.cert, &found.cas) == 1 &&
	    found.key != NULL && found.cert != NULL && found.cas != NULL &&
	    are_same(&wanted, &found);
	ERR_clear_error();
	return RC_OK;
}
