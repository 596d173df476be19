/* SPDX-License-Identifier: Apache-2.0 */
/* The directory may belong to somebody else: what lies in it is compared, and
 * of a file that has a name of ours no more is read than when it ends. */
#include "transfer/online/deploy/crl_dir.h"

#include "base/file.h"
#include "base/own_ssl.h"
#include "transfer/online/deploy/replace_spot.h"
#include "transfer/online/deploy/site.h"
#include "transfer/x509/crl_read.h"
#include "transfer/x509/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <unistd.h>

#define CRL_DIR_NAMES 100000 /* numbers of one hash that are looked at */
#define CRL_DIR_CLAIM "crl"  /* .crl.airgap-home says which home keeps it */
#define CRL_DIR_TEMPORARY ".crl.airgap-new"

/* ---- names --------------------------------------------------------------- */

static enum rc
crl_hash(struct span der, unsigned long *ret)
{
	OWN(X509_NAME) *name = NULL;
	OWNS(crl_reader) *reader = NULL;
	struct crl_facts facts = { 0 };
	const uint8_t *p;
	int ok = 0;
	enum rc rc = crl_reader_new("store", NULL, NULL, &reader);

	if (rc == RC_OK)
		rc = crl_reader_read(reader, der, &facts);
	if (rc != RC_OK)
		return rc;
	p = facts.issuer.p;
	name = d2i_X509_NAME(NULL, &p, (long)facts.issuer.n);
	if (name != NULL)
		*ret = X509_NAME_hash_ex(name, NULL, NULL, &ok);
	return ok == 1 ? RC_OK : err_openssl(RC_BUG, "a CRL's issuer");
}

#define HASHED_ROOM 24 /* "0123abcd.r99999" */

static void
hashed_name(unsigned long hash, unsigned n, char ret[static HASHED_ROOM])
{
	(void)snprintf(ret, HASHED_ROOM, "%08lx.r%u", hash & 0xffffffffUL, n);
}

/* ---- in the directory ---------------------------------------------------- */

struct crl_shelf {
	const struct crl_dir *what;
	const struct crl_due *crl; /* that shall be there */
	int dir;
	unsigned long hash;
	unsigned n;    /* the first number that is free */
	bool is_there; /* under a lower one */
};

/* Which numbers are taken, and is this CRL under one of them? */
static enum rc
shelf_look(struct crl_shelf *s, struct span pem)
{
	char name[HASHED_ROOM];
	struct stat st;

	for (s->n = 0; s->n < CRL_DIR_NAMES; s->n++) {
		WIPED(buf) found = { 0 };
		OWN_FD fd = -1;

		hashed_name(s->hash, s->n, name);
		if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return errno == ENOENT
				   ? RC_OK
				   : err_errno(RC_IO, errno, "%s/%s",
					 s->what->path, name);
		if (!S_ISREG(st.st_mode) || (size_t)st.st_size != pem.n)
			continue;
		if (site_file_open(s->dir, name, name, &fd) != RC_OK ||
		    fd < 0 || fd_read(fd, name, pem.n, &found) != RC_OK) {
			err_clear(); /* it is none of ours that could be read */
			continue;
		}
		s->is_there = s->is_there || span_eq(buf_span(&found), pem);
	}
	return err_set(RC_STATE, "%s: more files than can be", s->what->path);
}

static enum rc
shelf_add(const struct crl_shelf *s, struct span pem)
{
	char name[HASHED_ROOM];
	const struct file_write put = { .dir = s->dir,
		.name = name,
		.temporary = CRL_DIR_TEMPORARY,
		.from = name,
		.flags = RENAME_NOREPLACE,
		.look = { .mode = 0644 } };
	enum rc rc;

	hashed_name(s->hash, s->n, name);
	rc = file_write(&put, pem);
	return rc != RC_OK ? err_in(rc, "%s", s->what->path) : RC_OK;
}

/* ---- what is long over --------------------------------------------------- */

/* Does a CRL lie there that ended long ago, or a slot of an older series that
 * began after ours? Its date would make it the one that counts. */
static enum rc
read_over(const struct crl_shelf *s, const char *name, bool *ret_over)
{
	OWNS(crl_reader) *reader = NULL;
	struct crl_facts facts = { 0 };
	WIPED(buf) pem = { 0 };
	WIPED(buf) der = { 0 };
	OWN_FD fd = -1;
	struct span rest;
	bool more = false;
	enum rc rc = site_file_open(s->dir, name, name, &fd);

	if (rc == RC_OK && fd >= 0)
		rc = fd_read(fd, name, REPLACE_MAX, &pem);
	rest = buf_span(&pem);
	if (rc == RC_OK && fd >= 0)
		rc = pem_next(name, PEM_CRL, &rest, &der, &more);
	if (rc != RC_OK || !more)
		return rc;
	rc = crl_reader_new(name, NULL, NULL, &reader);
	if (rc == RC_OK)
		rc = crl_reader_read(reader, buf_span(&der), &facts);
	*ret_over =
	    rc == RC_OK && facts.next_update < s->what->now - CRL_DIR_OVER;
	return rc;
}

/* Anything else stays as it is. */
static bool
shelf_is_over(const struct crl_shelf *s, const char *name)
{
	bool over = false;

	if (read_over(s, name, &over) != RC_OK)
		err_clear();
	return over;
}

/* Its number becomes one more name of the newest. */
static enum rc
shelf_link(const struct crl_shelf *s, const char *name, const char *newest)
{
	enum rc rc = file_stale_remove(s->dir, CRL_DIR_TEMPORARY, name);

	if (rc == RC_OK &&
	    linkat(s->dir, newest, s->dir, CRL_DIR_TEMPORARY, 0) != 0)
		rc = err_errno(RC_IO, errno, "%s", name);
	if (rc == RC_OK)
		rc =
		    file_put_in_place(s->dir, CRL_DIR_TEMPORARY, name, 0, name);
	return rc != RC_OK ? err_in(rc, "%s", s->what->path) : RC_OK;
}

static enum rc
shelf_tidy(const struct crl_shelf *s)
{
	char name[HASHED_ROOM], newest[HASHED_ROOM];
	enum rc rc = RC_OK;

	hashed_name(s->hash, s->n, newest);
	for (unsigned n = 0; n < s->n && rc == RC_OK; n++) {
		hashed_name(s->hash, n, name);
		if (shelf_is_over(s, name))
			rc = shelf_link(s, name, newest);
	}
	return rc;
}

static enum rc
crl_dir_one(
    const struct crl_dir *what, int dir, const struct crl_due *crl, uint32_t *n)
{
	struct crl_shelf s = { .what = what, .crl = crl, .dir = dir };
	WIPED(buf) pem = { 0 };
	enum rc rc = crl_hash(buf_span(&crl->der), &s.hash);

	if (rc == RC_OK)
		rc = pem_write(PEM_CRL, buf_span(&crl->der), &pem);
	if (rc == RC_OK)
		rc = shelf_look(&s, buf_span(&pem));
	if (rc != RC_OK || s.is_there)
		return rc;
	(*n)++;
	if (what->dry_run)
		return RC_OK;
	rc = shelf_add(&s, buf_span(&pem));
	return rc == RC_OK ? shelf_tidy(&s) : rc;
}

static enum rc
crl_dir_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct crl_dir *what = arg;
	struct replace_spot at;
	uint32_t n = 0;
	enum rc rc = spot_open(CRL_DIR_CLAIM, dirs[0], theirs, &at);

	if (rc == RC_OK)
		rc = spot_claim_check(&at, &what->claim);
	for (size_t i = 0; i < what->crls->n && rc == RC_OK; i++)
		rc = crl_dir_one(what, dirs[0], &what->crls->items[i], &n);
	if (rc == RC_OK && !what->dry_run)
		rc = spot_claim(&at, &what->claim);
	return rc == RC_OK ? buf_add_u32(out, n) : rc;
}

static enum rc
crl_dir_release_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct crl_dir *what = arg;
	struct replace_spot at;
	enum rc rc = spot_open(CRL_DIR_CLAIM, dirs[0], theirs, &at);

	(void)out;
	return rc == RC_OK ? spot_unclaim(&at, &what->claim) : rc;
}

enum rc
crl_dir_put(const struct crl_dir *dir, size_t *ret_n)
{
	const struct site_dir at = { dir->path, dir->path };
	WIPED(buf) out = { 0 };
	struct span count;
	uint32_t n = 0;
	enum rc rc =
	    site_do(&at, 1, crl_dir_there, (void *)(uintptr_t)dir, &out);

	if (rc != RC_OK)
		return rc;
	count = buf_span(&out);
	if (!span_take_u32(&count, &n))
		return err_set(RC_BUG, "%s: no count", dir->path);
	*ret_n = n;
	return RC_OK;
}

enum rc
crl_dir_release(const struct crl_dir *dir)
{
	const struct site_dir at = { dir->path, dir->path };
	WIPED(buf) out = { 0 };

	return site_do(
	    &at, 1, crl_dir_release_there, (void *)(uintptr_t)dir, &out);
}
