/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the CA's CRLs, which are PEM because servers read nothing else. All
 * that are due go into one: nginx wants one of each CA in the chain. What is in
 * place stays though a reload fails, since an older CRL is never better. */
#include "transfer/online/deploy/deploy_part.h"

#include "base/run.h"
#include "transfer/online/deploy/chain.h"
#include "transfer/online/deploy/crl_dir.h"
#include "transfer/online/deploy/crl_place.h"
#include "transfer/online/deploy/replace_spot.h"
#include "transfer/online/deploy/site.h"
#include "transfer/online/store/emergency.h"
#include "transfer/x509/pem.h"

#include <stdlib.h>

static enum rc
write_crls(const struct crl_due_list *crls, struct buf *out)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < crls->n && rc == RC_OK; i++)
		rc = pem_write(PEM_CRL, buf_span(&crls->items[i].der), out);
	return rc;
}

static enum rc
crl_contents(const struct deploying *by, const struct deployment *d,
    const struct crl_due_list *crls, struct buf *out)
{
	enum rc rc;

	if (d->format == DEPLOY_INDEX)
		return deploy_index_write(by, crls, out);
	rc = d->format == DEPLOY_CA_CRL ? chain_cas_write(by->store, out)
					: RC_OK;
	return rc != RC_OK ? rc : write_crls(crls, out);
}

/* ---- what is in place ---------------------------------------------------- */

struct crl_place {
	const char *path;
	const struct store *store;
	const struct crl_due_list *crls;
	bool is_index;
	struct span due; /* the file that is */
};

static enum rc
crl_place_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct crl_place *p = arg;
	WIPED(buf) found = { 0 };
	struct replace_spot at;
	bool is = false;
	enum rc rc = spot_open(p->path, dirs[0], theirs, &at);

	(void)out;
	if (rc == RC_OK && spot_read(&at, at.name, &found, &is) != RC_OK)
		err_clear(); /* replace_put says why */
	if (rc == RC_OK && is && span_eq(buf_span(&found), p->due))
		return RC_OK;
	if (rc == RC_OK && is && p->is_index)
		return deploy_index_check(p->path, buf_span(&found), p->due);
	for (size_t i = 0; i < p->crls->n && is && rc == RC_OK; i++)
		rc = crl_place_check(p->path, buf_span(&found),
		    trust_key_get0(&p->store->trust, p->crls->items[i].issuer),
		    &p->crls->items[i]);
	return rc;
}

static enum rc
check_none_newer(const struct deploying *by, const struct deployment *d,
    const struct crl_due_list *crls, struct span bytes)
{
	struct crl_place place = { .path = d->path,
		.store = by->store,
		.crls = crls,
		.is_index = d->format == DEPLOY_INDEX,
		.due = bytes };
	struct site_file file;
	const struct site_dir dir = { file.dir, d->path };
	WIPED(buf) out = { 0 };
	enum rc rc = site_file_of(d->path, &file);

	return rc == RC_OK ? site_do(&dir, 1, crl_place_there, &place, &out)
			   : rc;
}

/* ---- a file -------------------------------------------------------------- */

static enum rc
bring_file(
    const struct deploying *by, struct deployment *d, struct deployed *ret)
{
	WIPED(deploy_files) files = { 0 };
	uint8_t digest[SHA256_LEN];
	const struct deploy_due due = { .sha256 = digest, .stays = true };
	enum rc rc = crl_contents(by, d, &ret->crls, &files.cert);

	/* A million entries take their room: once, in the form of that file. */
	for (size_t i = 0; i < ret->crls.n; i++)
		buf_wipe(&ret->crls.items[i].der);
	if (rc == RC_OK)
		rc = sha256(buf_span(&files.cert), digest);
	if (rc == RC_OK)
		rc = check_none_newer(by, d, &ret->crls, buf_span(&files.cert));
	return rc != RC_OK ? rc : deploy_bring(by, d, &due, &files, ret);
}

/* ---- a directory --------------------------------------------------------- */

/* The digest of what is due stands for what is in place. */
static enum rc
dir_done(const struct deploying *by, struct deployment *d,
    const uint8_t digest[static SHA256_LEN], struct deployed *ret)
{
	enum rc rc =
	    d->reload == NULL ? RC_OK : run_command(d->reload, RELOAD_SECONDS);

	ret->failed = rc != RC_OK;
	if (rc != RC_OK)
		return err_in(RC_IO, "%s: the reload failed", d->path);
	d->has_done = true;
	memcpy(d->done, digest, SHA256_LEN);
	return deployment_save(by->store, d);
}

static enum rc
dir_put(const struct deploying *by, struct deployment *d, struct crl_dir *dir,
    struct deployed *ret)
{
	uint8_t digest[SHA256_LEN];
	WIPED(buf) pem = { 0 };
	size_t n = 0;
	enum rc rc = write_crls(dir->crls, &pem);

	if (rc == RC_OK)
		rc = sha256(buf_span(&pem), digest);
	if (rc == RC_OK)
		rc = crl_dir_put(dir, &n);
	if (rc != RC_OK)
		return rc;
	ret->changed = n != 0 || !deployment_has(d, digest);
	if (by->dry_run || !ret->changed)
		return RC_OK;
	d->has_done = false;
	rc = deployment_save(by->store, d);
	return rc == RC_OK ? dir_done(by, d, digest, ret) : rc;
}

static enum rc
bring_dir(
    const struct deploying *by, struct deployment *d, struct deployed *ret)
{
	struct crl_dir dir = { .path = d->path,
		.crls = &ret->crls,
		.now = by->now,
		.dry_run = by->dry_run };
	char *home = NULL;
	enum rc rc = deploy_claim_of(by, &dir.claim, &home);

	if (rc == RC_OK)
		rc = dir_put(by, d, &dir, ret);
	free(home);
	return rc;
}

enum rc
deploy_crl_dir_release(const struct deploying *by, const struct deployment *d)
{
	struct crl_dir dir = { .path = d->path };
	char *home = NULL;
	enum rc rc = deploy_claim_of(by, &dir.claim, &home);

	if (rc == RC_OK && crl_dir_release(&dir) != RC_OK)
		err_clear();
	free(home);
	return rc;
}

/* ---- either -------------------------------------------------------------- */

enum rc
deploy_crl(
    const struct deploying *by, struct deployment *d, struct deployed *ret)
{
	enum rc rc = crl_due_list_load(by->store, by->now, true, &ret->crls);

	if (rc != RC_OK || ret->crls.n == 0)
		return rc;
	ret->is_due = true;
	if (!by->dry_run)
		rc = emergency_note(by->store, &ret->crls, by->now);
	if (rc != RC_OK)
		return rc;
	return d->format == DEPLOY_CRL_DIR ? bring_dir(by, d, ret)
					   : bring_file(by, d, ret);
}
