/* SPDX-License-Identifier: Apache-2.0 */
/* A CRL that is not due yet tells who is revoked, and a file of it must not be
 * published by mistake: mode 0600 in a directory of our own. A file comes
 * before its row, so that a row always has one. */
#include "transfer/online/receive/receive_crl.h"

#include "base/file.h"
#include "base/list.h"
#include "base/own_ssl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CRL_TEMPORARY ".new"

/* Which is made if need be. */
static enum rc
crl_dir_open(const struct store *store, struct buf *path, int *ret_fd)
{
	const char *text;
	enum rc rc = store_crl_path(store, "", path);

	text = rc == RC_OK ? buf_cstr(path) : NULL;
	if (text == NULL)
		return err_memory();
	if (mkdir(text, 0700) != 0 && errno != EEXIST)
		return err_errno(RC_IO, errno, "%s", text);
	return dir_open(AT_FDCWD, text, ret_fd);
}

struct crl_copy {
	int fd;
	EVP_MD_CTX *md;
	const char *name;
};

static enum rc
crl_copy_piece(void *arg, struct span piece)
{
	struct crl_copy *c = arg;

	if (EVP_DigestUpdate(c->md, piece.p, piece.n) != 1)
		return err_openssl(RC_BUG, "SHA-256");
	return fd_write_all(c->fd, piece, c->name);
}

/* The medium is somebody else's: between the judge and this it may have given
 * other bytes. */
static enum rc
crl_copy_write(struct response_dir *dir, struct span name,
    const uint8_t wanted[static SHA256_LEN], struct crl_copy *c)
{
	const struct file_sink sink = { .add = crl_copy_piece, .arg = c };
	uint8_t digest[SHA256_LEN];
	size_t i = 0;
	enum rc rc = response_dir_find(dir, name, &i);

	if (rc == RC_OK && EVP_DigestInit_ex(c->md, EVP_sha256(), NULL) != 1)
		rc = err_openssl(RC_BUG, "SHA-256");
	if (rc == RC_OK)
		rc = response_dir_pieces(dir, i, &sink);
	if (rc == RC_OK && EVP_DigestFinal_ex(c->md, digest, NULL) != 1)
		rc = err_openssl(RC_BUG, "SHA-256");
	if (rc == RC_OK && memcmp(digest, wanted, SHA256_LEN) != 0)
		rc = err_set(RC_IO,
		    "%s: %.*s came differently when it was read again",
		    dir->path, SPAN_FMT(name));
	return rc;
}

static enum rc
crl_write(int crls, struct response_dir *dir, struct span name,
    const uint8_t wanted[static SHA256_LEN], const char *to)
{
	const struct file_look look = { .mode = 0600 };
	OWN(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	struct crl_copy c = { -1, md, to };
	enum rc rc = md == NULL ? err_openssl(RC_BUG, "SHA-256") : RC_OK;

	if (rc == RC_OK)
		rc = file_stale_remove(crls, CRL_TEMPORARY, to);
	if (rc == RC_OK)
		rc = file_begin(crls, CRL_TEMPORARY, to, &c.fd);
	if (rc == RC_OK)
		rc = crl_copy_write(dir, name, wanted, &c);
	if (rc == RC_OK)
		rc = file_end(&c.fd, &look, to);
	if (rc == RC_OK)
		rc = file_put_in_place(crls, CRL_TEMPORARY, to, 0, to);
	fd_close(&c.fd);
	return rc;
}

/* What lies on the medium: of a shadow that is not what its entry is of. */
static const uint8_t *
digest_there(const struct manifest *m, const struct crl_entry *e)
{
	for (size_t i = 0; e->shadow && i < m->n_files; i++)
		if (span_eq(m->files[i].name, e->file))
			return m->files[i].digest;
	return e->digest;
}

static enum rc
receive_one(struct store *store, struct response_dir *dir,
    const struct manifest *m, const struct crl_entry *e, int crls)
{
	const uint8_t *digest = digest_there(m, e);
	struct crl_entry named = *e;
	char name[40];
	enum rc rc = RC_OK;

	(void)snprintf(name, sizeof(name), "%llu.%s",
	    (unsigned long long)e->number, e->shadow ? "shadow" : "crl");
	if (crls >= 0)
		rc = crl_write(crls, dir, e->file, digest, name);
	named.file = span_str(name);
	return rc != RC_OK ? rc
			   : store_crl_add(store, m->sequence, &named, digest);
}

enum rc
receive_crls(struct store *store, const struct trust *trust,
    struct response_dir *dir, const struct manifest *m, bool write,
    struct received_crls *ret)
{
	WIPED(buf) path = { 0 };
	OWN_FD crls = -1;
	enum rc rc = RC_OK;

	*ret = (struct received_crls){ 0 };
	if (m->n_crls == 0)
		return RC_OK;
	if (write)
		rc = crl_dir_open(store, &path, &crls);
	for (size_t i = 0; i < m->n_crls && rc == RC_OK; i++) {
		const struct crl_entry *e = &m->crls[i];
		struct stored_crl same;
		bool known = false;

		if (trust_key_get0(trust, e->issuer) == NULL) {
			ret->strange++;
			continue;
		}
		rc = store_crl_get(store, e->number, &known, &same);
		if (rc == RC_OK && !known) {
			rc = receive_one(store, dir, m, e, crls);
			ret->n++;
		}
	}
	return rc != RC_OK ? rc : store_crl_forget(store, m->signed_at);
}

/* ---- what goes ----------------------------------------------------------- */

static enum rc
crl_name_add(void *arg, const struct stored_crl *crl)
{
	return text_list_add(arg, span_str(crl->file));
}

static int
crl_by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One that does not go keeps nobody from the others. */
static enum rc
crls_remove(DIR *dir, const char *from, const struct text_list *named)
{
	enum rc rc = RC_OK;

	for (;;) {
		const struct dirent *e;
		const char *name;

		errno = 0;
		e = readdir(dir);
		if (e == NULL && errno != 0)
			return err_errno(
			    RC_IO, errno, "%s: cannot be listed", from);
		if (e == NULL)
			return rc;
		name = e->d_name;
		if (*name != '.' &&
		    bsearch(&name, named->items, named->n,
			sizeof(*named->items), crl_by_name) == NULL &&
		    unlinkat(dirfd(dir), name, 0) != 0)
			rc = err_errno(RC_IO, errno, "%s/%s", from, name);
	}
}

enum rc
receive_crls_tidy(struct store *store)
{
	WIPED(text_list) names = { 0 };
	WIPED(buf) path = { 0 };
	DIR *dir;
	int fd = -1;
	enum rc rc = store_each_crl(
	    store, &(struct crl_filter){ NULL, CRL_ANY }, crl_name_add, &names);

	if (rc != RC_OK || names.n == 0)
		return rc;
	qsort(names.items, names.n, sizeof(*names.items), crl_by_name);
	rc = crl_dir_open(store, &path, &fd);
	if (rc != RC_OK)
		return rc;
	dir = fdopendir(fd);
	if (dir == NULL) {
		rc = err_errno(RC_IO, errno, "%s", buf_cstr(&path));
		fd_close(&fd);
		return rc;
	}
	rc = crls_remove(dir, buf_cstr(&path), &names);
	(void)closedir(dir);
	return rc;
}
