/* SPDX-License-Identifier: Apache-2.0 */
/* The store says with which certificate a deployment was last all well
 * (`done`), and the files say what is there. Whatever differs from what is due
 * is work, so a run that was cut off anywhere is finished by the next. */
#include "transfer/online/deploy/deploy.h"

#include "base/file.h"
#include "base/own_ssl.h"
#include "base/run.h"
#include "transfer/x509/cert.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>

void
deployed_wipe(struct deployed *deployed)
{
	buf_wipe(&deployed->serial);
}

enum rc
deploy_lock(const char *home, int *ret_fd)
{
	OWN_FD fd = -1;
	enum rc rc = dir_open(AT_FDCWD, home, &fd);

	if (rc != RC_OK)
		return rc;
	rc = fd_lock(fd, home,
	    "another deploy, rotate or publish is running; try again when it has ended");
	if (rc != RC_OK)
		return rc;
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

/* ---- what is there ------------------------------------------------------- */

/* A file that cannot be read is not as it should be; writing it says why. */
static bool
is_file(const char *path, struct span wanted)
{
	WIPED(buf) found = { 0 };
	bool is = false;

	if (replace_read(path, &found, &is) != RC_OK) {
		err_clear();
		return false;
	}
	return is && span_eq(buf_span(&found), wanted);
}

static bool
is_p12(const struct deployment *d, struct span wanted)
{
	WIPED(buf) found = { 0 };
	bool is = false, holds = false;

	if (replace_read(d->path, &found, &is) != RC_OK ||
	    (is && p12_holds(buf_span(&found), wanted, d->pass_source,
		       &holds) != RC_OK))
		err_clear();
	return holds;
}

static bool
is_in_place(const struct deployment *d, const struct deploy_files *files)
{
	if (files->key.n != 0 && !is_file(d->key_path, buf_span(&files->key)))
		return false;
	return d->format == DEPLOY_P12
		   ? is_p12(d, buf_span(&files->cert))
		   : is_file(d->path, buf_span(&files->cert));
}

/* ---- what was there ------------------------------------------------------ */

/* Is the last second of the first certificate in a file over? What is none of
 * ours may hold anything, and goes back as it was. */
static bool
has_ended(struct span file, int64_t now)
{
	OWN(BIO) *bio = BIO_new_mem_buf(file.p, (int)file.n);
	OWN(X509) *cert = NULL;
	int64_t from, to;

	if (bio != NULL)
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ERR_clear_error();
	return cert != NULL && cert_window(cert, &from, &to) == RC_OK &&
	       to < now;
}

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

/* A certificate that nobody accepts any more is of no use in its place. */
static bool
is_worth_it(const struct deploying *by, const struct deployment *d,
    const struct holding *holding, const struct replace *replace)
{
	const struct held *last = last_good(d, holding);
	WIPED(buf) old = { 0 };
	bool is = false;

	if (last != NULL)
		return !last->revoked && last->not_after >= by->now;
	if (replace_old(replace, &old, &is) != RC_OK) {
		err_clear();
		return true;
	}
	return is && !has_ended(buf_span(&old), by->now);
}

static void
put_back(const struct deploying *by, const struct deployment *d,
    const struct holding *holding, const struct replace *replace,
    struct deployed *ret)
{
	struct err_saved why;

	err_save(&why);
	if (!is_worth_it(by, d, holding, replace) ||
	    replace_undo(replace, &ret->restored) == RC_OK)
		err_restore(&why);
	else /* the worse news, with what began it */
		(void)err_in(RC_IO, "%.300s; then", why.text);
}

/* ---- one deployment ------------------------------------------------------ */

static enum rc
write_files(const struct deployment *d, const struct deploy_files *files,
    struct replace *replace)
{
	WIPED(buf) p12 = { 0 };
	enum rc rc;

	if (d->format != DEPLOY_P12)
		return replace_put(replace);
	rc = p12_make(d->name, buf_span(&files->cert), d->pass_source, &p12);
	if (rc != RC_OK)
		return rc;
	replace->cert.bytes = buf_span(&p12);
	rc = replace_put(replace);
	replace->cert.bytes = SPAN_NONE;
	return rc;
}

/* Done is what is in place and was read by the server. */
static enum rc
reload(const struct deploying *by, struct deployment *d, const struct held *due,
    const struct holding *holding, const struct replace *replace,
    struct deployed *ret)
{
	enum rc rc =
	    d->reload == NULL ? RC_OK : run_command(d->reload, RELOAD_SECONDS);

	if (rc != RC_OK) {
		ret->failed = true;
		put_back(by, d, holding, replace, ret);
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

static enum rc
bring(const struct deploying *by, struct deployment *d, const struct held *due,
    const struct holding *holding, const struct deploy_files *files,
    struct deployed *ret)
{
	const bool pem = d->format == DEPLOY_PEMFILE;
	struct replace replace = {
		.cert = { d->path, buf_span(&files->cert),
		    pem || d->format == DEPLOY_P12 },
		.key = { files->key.n == 0 ? NULL : d->key_path,
		    buf_span(&files->key), true },
	};
	bool there = is_in_place(d, files);
	enum rc rc = RC_OK;

	if (there && deployment_has(d, due->sha256))
		return by->dry_run ? RC_OK : replace_keep(&replace);
	ret->changed = true;
	if (by->dry_run)
		return RC_OK;
	/* Somebody else's change to the file: the reload is due once more. */
	if (deployment_has(d, due->sha256)) {
		d->has_done = false;
		rc = deployment_save(by->store, d);
	}
	if (rc == RC_OK && !there)
		rc = write_files(d, files, &replace);
	if (rc != RC_OK)
		return rc;
	if (by->remember)
		rc = deployment_save(by->store, d);
	if (rc != RC_OK) { /* files that nobody would rotate */
		put_back(by, d, holding, &replace, ret);
		return rc;
	}
	return reload(by, d, due, holding, &replace, ret);
}

enum rc
deploy(const struct deploying *by, struct deployment *d, struct deployed *ret)
{
	WIPED(deploy_files) files = { 0 };
	WIPED(holding) holding = { 0 };
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
		rc = deploy_files_make(by->home, by->store, d, due, &files);
	return rc != RC_OK ? rc : bring(by, d, due, &holding, &files, ret);
}
