/* SPDX-License-Identifier: Apache-2.0 */
/* The store says with which certificate a deployment was last all well
 * (`done`), and the files say what is there. Whatever differs from what is due
 * is work, so a run that was cut off anywhere is finished by the next. */
#include "transfer/online/deploy/deploy_part.h"

#include "base/file.h"
#include "base/run.h"
#include "transfer/online/store/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

void
deployed_wipe(struct deployed *deployed)
{
	buf_wipe(&deployed->serial);
	crl_due_list_wipe(&deployed->crls);
}

/* ---- what is there ------------------------------------------------------- */

/* What a deployment comes to on the disk, and what is there, by digests: what
 * others can write is never parsed. */
struct deploy_look {
	struct replace_found cert, key;
	struct buf pass; /* of PKCS#12 */
	uint8_t made_of[SHA256_LEN];
};

static void
deploy_look_wipe(struct deploy_look *look)
{
	buf_wipe(&look->pass);
}

/* Contents and password; and how, where that is not the usual way. */
static enum rc
digest_made_of(const struct deployment *d, const struct deploy_files *files,
    struct deploy_look *ret)
{
	uint8_t usual[SHA256_LEN];
	enum rc rc = sha256_two(
	    buf_span(&files->cert), buf_span(&ret->pass), ret->made_of);

	if (rc != RC_OK || !d->legacy)
		return rc;
	memcpy(usual, ret->made_of, SHA256_LEN);
	return sha256_two(
	    span_of(usual, SHA256_LEN), span_str("legacy"), ret->made_of);
}

static enum rc
deploy_look(const struct deployment *d, const struct deploy_files *files,
    const struct replace *replace, struct deploy_look *ret)
{
	enum rc rc = replace_look(replace, &ret->cert, &ret->key);

	if (rc == RC_OK && d->format == DEPLOY_P12)
		rc = p12_password(d->pass_source, &ret->pass);
	return rc == RC_OK ? digest_made_of(d, files, ret) : rc;
}

static bool
is_digest(
    const uint8_t a[static SHA256_LEN], const uint8_t b[static SHA256_LEN])
{
	return memcmp(a, b, SHA256_LEN) == 0;
}

static enum rc
deploy_is_file(const struct replace_found *found, struct span wanted, bool *ret)
{
	uint8_t digest[SHA256_LEN];
	enum rc rc = sha256(wanted, digest);

	if (rc == RC_OK)
		*ret = found->is && is_digest(found->sha256, digest);
	return rc;
}

static enum rc
is_in_place(const struct deployment *d, const struct deploy_files *files,
    const struct deploy_look *look, bool *ret)
{
	bool cert = false, key = true;
	enum rc rc = RC_OK;

	if (files->key.n != 0)
		rc = deploy_is_file(&look->key, buf_span(&files->key), &key);
	if (rc == RC_OK && d->format == DEPLOY_P12)
		cert = d->has_made && look->cert.is &&
		       is_digest(look->made_of, d->made_of) &&
		       is_digest(look->cert.sha256, d->made);
	else if (rc == RC_OK)
		rc = deploy_is_file(&look->cert, buf_span(&files->cert), &cert);
	if (rc == RC_OK)
		*ret = cert && key;
	return rc;
}

/* ---- what is not ours to lose ---------------------------------------------
 */

/* PKCS#12 shows no key, and is known by its digest. A run that was cut off left
 * what was there beside it. */
static bool
is_others_p12(const struct deployment *d, const struct replace_found *found)
{
	return d->has_made && found->is && !is_digest(found->sha256, d->made) &&
	       !(found->was && is_digest(found->was_sha256, d->made));
}

/* A key that no home's file has is lost with the file it lies in. One that was
 * never made here is not asked for: where it came from is not ours to know. */
static enum rc
is_others_key(const struct deploying *by, const struct deployment *d,
    const struct replace_found *found, bool *ret)
{
	bool here = true;
	enum rc rc = RC_OK;

	if (found->has_key && d->key_from == NULL &&
	    !(d->has_key && is_digest(found->sha256, d->key_file)))
		rc = online_key_is_here(by->home, found->key, &here);
	*ret = !here;
	return rc;
}

/* The home may have been put back to an older copy while the server's files
 * were not: then a newer key lies there, and nowhere else. Who types a
 * deployment says what shall be there; a timer does not know. */
static enum rc
check_nothing_lost(const struct deploying *by, const struct deployment *d,
    const struct deploy_look *look)
{
	const struct replace_found *const found[] = { &look->cert, &look->key };
	const char *const paths[] = { d->path, d->key_path };
	enum rc rc = RC_OK;

	if (by->remember || !d->has_done)
		return RC_OK;
	for (size_t i = 0; i < 2 && rc == RC_OK; i++) {
		bool others = false;

		rc = is_others_key(by, d, found[i], &others);
		if (i == 0 && d->format == DEPLOY_P12)
			others = is_others_p12(d, found[i]);
		if (rc == RC_OK && others)
			rc = err_set(RC_STATE,
			    "%s: %s: was this home put back to an older copy? move that file away for what is due here to take its place",
			    paths[i],
			    d->format == DEPLOY_P12
				? "is not as it was written from here, and may hold a newer key"
				: "holds a private key that is not in this home");
	}
	return rc;
}

/* ---- what was there ------------------------------------------------------ */

static const struct held *
last_good(const struct deployment *d, const struct holding *holding)
{
	for (size_t i = 0; i < holding->n; i++)
		if (deployment_has(d, holding->items[i].sha256))
			return &holding->items[i];
	return NULL;
}

/* Is what was deployed last of a request that another one replaced? */
static bool
is_replaced(
    const struct deployment *d, const struct holding *holding, int64_t now)
{
	const struct held *last = last_good(d, holding);

	return last != NULL &&
	       !held_is_in_force(holding, (size_t)(last - holding->items), now);
}

/* A certificate of ours that nobody accepts any more is of no use in its place.
 * What is none of ours may hold anything, and goes back as it was. */
static bool
is_over(const struct deploying *by, const struct deployment *d,
    const struct holding *holding)
{
	const struct held *last = last_good(d, holding);

	return last != NULL && (last->revoked || last->not_after < by->now);
}

static void
put_back(const struct deploy_due *due, const struct replace *replace,
    struct deployed *ret)
{
	struct err_saved why;

	err_save(&why);
	if (due->stays || replace_undo(replace, &ret->restored) == RC_OK)
		err_restore(&why);
	else /* the worse news, with what began it */
		(void)err_in(RC_IO, "%.300s; then", why.text);
}

/* ---- one deployment ------------------------------------------------------ */

static enum rc
write_files(struct deployment *d, const struct deploy_files *files,
    struct deploy_look *look, struct replace *replace)
{
	WIPED(buf) p12 = { 0 };
	enum rc rc;

	if (d->format != DEPLOY_P12)
		return replace_put(replace);
	rc = p12_make(
	    d->name, buf_span(&files->cert), &look->pass, d->legacy, &p12);
	if (rc == RC_OK)
		rc = sha256(buf_span(&p12), d->made);
	if (rc != RC_OK)
		return rc;
	replace->cert.bytes = buf_span(&p12);
	rc = replace_put(replace);
	replace->cert.bytes = SPAN_NONE;
	d->has_made = rc == RC_OK;
	memcpy(d->made_of, look->made_of, SHA256_LEN);
	return rc;
}

/* Done is what is in place and was read by the server. */
static enum rc
reload(const struct deploying *by, struct deployment *d,
    const struct deploy_due *due, const struct replace *replace,
    struct deployed *ret)
{
	enum rc rc =
	    d->reload == NULL ? RC_OK : run_command(d->reload, RELOAD_SECONDS);

	if (rc != RC_OK) {
		ret->failed = true;
		put_back(due, replace, ret);
		return err_in(RC_IO, "%s: the reload failed", d->path);
	}
	d->has_done = true;
	memcpy(d->done, due->sha256, SHA256_LEN);
	rc = deployment_set_type(d, due->key_type);
	if (rc != RC_OK)
		return rc;
	rc = deployment_save(by->store, d);
	return rc != RC_OK ? rc : replace_keep(replace);
}

/* By the key that the home's bundles are signed with: a home that was moved is
 * the same. */
enum rc
deploy_claim_of(
    const struct deploying *by, struct replace_claim *ret, char **ret_path)
{
	enum rc rc = sha256(buf_span(&by->store->spki), ret->home);

	*ret_path = rc == RC_OK ? realpath(by->home, NULL) : NULL;
	if (rc == RC_OK && *ret_path == NULL)
		rc = err_errno(RC_IO, errno, "%s", by->home);
	ret->path = *ret_path;
	ret->take = by->take;
	return rc;
}

static enum rc
bring_files(const struct deploying *by, struct deployment *d,
    const struct deploy_due *due, const struct deploy_files *files,
    struct replace *replace, struct deployed *ret)
{
	WIPED(deploy_look) look = { 0 };
	bool there = false;
	enum rc rc = deploy_look(d, files, replace, &look);

	if (rc == RC_OK)
		rc = is_in_place(d, files, &look, &there);
	if (rc != RC_OK)
		return rc;
	if (there && deployment_has(d, due->sha256))
		return by->dry_run ? RC_OK : replace_keep(replace);
	if (!there)
		rc = check_nothing_lost(by, d, &look);
	if (rc != RC_OK)
		return rc;
	ret->changed = true;
	if (by->dry_run)
		return RC_OK;
	/* Somebody else's change to the file: the reload is due once more. */
	if (deployment_has(d, due->sha256)) {
		d->has_done = false;
		rc = deployment_save(by->store, d);
	}
	if (rc == RC_OK && !there)
		rc = write_files(d, files, &look, replace);
	if (rc != RC_OK)
		return rc;
	if (by->remember)
		rc = deployment_save(by->store, d);
	if (rc != RC_OK) { /* files that nobody would rotate */
		put_back(due, replace, ret);
		return rc;
	}
	return reload(by, d, due, replace, ret);
}

enum rc
deploy_bring(const struct deploying *by, struct deployment *d,
    const struct deploy_due *due, const struct deploy_files *files,
    struct deployed *ret)
{
	const bool pem = d->format == DEPLOY_PEMFILE;
	struct replace replace = {
		.cert = { d->path, buf_span(&files->cert),
		    pem || d->format == DEPLOY_P12 },
		.key = { files->key.n == 0 ? NULL : d->key_path,
		    buf_span(&files->key), true },
	};
	char *home = NULL;
	enum rc rc = deploy_claim_of(by, &replace.claim, &home);

	if (rc == RC_OK)
		rc = bring_files(by, d, due, files, &replace, ret);
	free(home);
	return rc;
}

enum rc
deploy_release(const struct deploying *by, const struct deployment *d)
{
	struct replace replace = { .cert = { .path = d->path },
		.key = { .path = d->key_path } };
	char *home = NULL;
	enum rc rc;

	if (d->format == DEPLOY_CRL_DIR)
		return deploy_crl_dir_release(by, d);
	rc = deploy_claim_of(by, &replace.claim, &home);

	if (rc == RC_OK && replace_unclaim(&replace) != RC_OK)
		err_clear();
	free(home);
	return rc;
}

static enum rc
deploy_certificate(
    const struct deploying *by, struct deployment *d, struct deployed *ret)
{
	WIPED(deploy_files) files = { 0 };
	WIPED(holding) holding = { 0 };
	struct deploy_due what;
	const struct held *due;
	const char *type;
	enum rc rc = holding_load(
	    by->store, span_str(d->name), span_str(d->profile), &holding);

	if (rc != RC_OK)
		return rc;
	type = held_type_get0(&holding, d->key_type, by->now);
	ret->left = held_left_of(&holding, type, by->now);
	ret->replaced = is_replaced(d, &holding, by->now);
	due = held_due_get0(&holding, type, by->now);
	if (due == NULL)
		return RC_OK;
	ret->is_due = true;
	ret->not_before = due->not_before;
	ret->not_after = due->not_after;
	rc = buf_add_span(&ret->serial, buf_span(&due->serial));
	if (rc == RC_OK)
		rc = deploy_files_make(
		    by->home, by->store, d, due, by->remember, &files);
	if (rc != RC_OK)
		return rc;
	what = (struct deploy_due){ due->sha256, due->key_type,
		is_over(by, d, &holding) };
	return deploy_bring(by, d, &what, &files, ret);
}

enum rc
deploy(const struct deploying *by, struct deployment *d, struct deployed *ret)
{
	return deploy_format_is_named(d->format)
		   ? deploy_certificate(by, d, ret)
		   : deploy_crl(by, d, ret);
}
