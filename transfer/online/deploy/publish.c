/* SPDX-License-Identifier: Apache-2.0 */
/* A web root often belongs to somebody else than root: nothing in it is trusted
 * to be where its name says, and what is read of it is compared and no more.
 * All is written beside its place before anything gets its name. */
#include "transfer/online/deploy/publish.h"

#include "base/file.h"
#include "transfer/online/deploy/posh.h"
#include "transfer/online/deploy/replace_spot.h"
#include "transfer/online/deploy/site.h"
#include "transfer/rule.h"
#include "transfer/x509/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLISH_FILE_MAX 1048576
#define PUBLISH_FILES 4
#define PUBLISH_DIRS 2
#define PUBLISH_NEW ".airgap-new" /* behind a name while it is written */

/* ---- what shall be there ------------------------------------------------- */

struct publish_file {
	const char *name;
	bool below; /* in .well-known/posh */
	struct buf bytes;
};

struct publishing {
	const char *path;
	const struct publish_how *how;
	struct replace_claim claim;
	struct publish_file files[PUBLISH_FILES];
	size_t n;
};

static void
publishing_wipe(struct publishing *p)
{
	for (size_t i = 0; i < p->n; i++)
		buf_wipe(&p->files[i].bytes);
}

static struct buf *
publish_file_add(struct publishing *p, const char *name, bool below)
{
	p->files[p->n] = (struct publish_file){ .name = name, .below = below };
	return &p->files[p->n++].bytes;
}

static enum rc
publish_ca(struct publishing *p, const struct trust *trust)
{
	struct buf *crt = publish_file_add(p, "ca.crt", false);
	struct buf *pem = publish_file_add(p, "ca.pem", false);
	enum rc rc =
	    buf_add_span(crt, buf_span(&trust->cas[trust->n_cas - 1].der));

	for (size_t i = trust->n_cas; i-- > 0 && rc == RC_OK;)
		rc = pem_write(
		    PEM_CERTIFICATE, buf_span(&trust->cas[i].der), pem);
	return rc;
}

static enum rc
publish_posh(struct publishing *p, const struct holding *holding, int64_t now)
{
	WIPED(buf) document = { 0 };
	enum rc rc;

	/* A server that starts without its clock knows nothing better than what
	 * is there. */
	if (!posh_is_now(holding, now))
		return err_set(RC_STATE,
		    "%s: no certificate of %s is valid now: the POSH documents stay as they are",
		    p->path, holding->name);
	rc = posh_write(holding, now, &document);
	if (rc == RC_OK)
		rc = buf_add_span(publish_file_add(p, "xmpp-client.json", true),
		    buf_span(&document));
	return rc != RC_OK
		   ? rc
		   : buf_add_span(publish_file_add(p, "xmpp-server.json", true),
			 buf_span(&document));
}

/* ---- in the web root ----------------------------------------------------- */

/* The root as it is worked on: directories that were made go again when
 * something fails. */
struct web_root {
	const struct publishing *what;
	int dirs[1 + PUBLISH_DIRS]; /* root, .well-known, posh; -1: not there */
	bool made[PUBLISH_DIRS];    /* those below the root */
	bool wanted[PUBLISH_FILES], begun[PUBLISH_FILES];
	size_t n; /* wanted */
};

static const char *const publish_dirs[PUBLISH_DIRS] = { ".well-known", "posh" };

static int
web_dir(const struct web_root *w, size_t i)
{
	return w->dirs[w->what->files[i].below ? PUBLISH_DIRS : 0];
}

/* The i-th directory in the one before it, made if it is not there, for all to
 * read. In a dry run one that is not there is -1. */
static enum rc
web_enter(struct web_root *w, size_t i)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	const char *name = publish_dirs[i];
	bool made = false;
	int dir = w->dirs[i];

	if (dir < 0)
		return RC_OK;
	if (!w->what->how->dry_run) {
		made = mkdirat(dir, name, 0755) == 0;
		if (!made && errno != EEXIST)
			return err_errno(RC_IO, errno, "%s: %s: cannot be made",
			    w->what->path, name);
		w->made[i] = made;
	}
	w->dirs[i + 1] = fd_openat(dir, name, flags, 0);
	if (w->dirs[i + 1] < 0 && errno == ENOENT && w->what->how->dry_run)
		return RC_OK;
	/* Our umask is for secrets. */
	if (w->dirs[i + 1] < 0 || (made && fchmod(w->dirs[i + 1], 0755) != 0))
		return err_errno(RC_IO, errno, "%s: %s", w->what->path, name);
	return made ? fd_sync(dir, w->what->path) : RC_OK;
}

/* What was looked at is what is read. *ret_other: something else lies there. */
static enum rc
web_look(const struct web_root *w, size_t i, bool *ret_same, bool *ret_other)
{
	const struct publish_file *f = &w->what->files[i];
	WIPED(buf) found = { 0 };
	OWN_FD fd = -1;
	struct stat st;
	int dir = web_dir(w, i);

	*ret_same = *ret_other = false;
	if (dir < 0)
		return RC_OK;
	if (fstatat(dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		return err_set(RC_IO, "%s: %s: a directory is in the way",
		    w->what->path, f->name);
	if (site_file_open(dir, f->name, f->name, &fd) != RC_OK ||
	    (fd >= 0 &&
		(fstat(fd, &st) != 0 ||
		    fd_read(fd, f->name, PUBLISH_FILE_MAX, &found) != RC_OK))) {
		err_clear(); /* whatever it is, it is replaced */
		*ret_other = true;
		return RC_OK;
	}
	*ret_other = fd >= 0 && !span_eq(buf_span(&found), buf_span(&f->bytes));
	*ret_same = fd >= 0 && !*ret_other && (st.st_mode & 0444) == 0444;
	return RC_OK;
}

static enum rc
web_look_all(struct web_root *w, bool claimed)
{
	const struct publish_how *how = w->what->how;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->what->n && rc == RC_OK; i++) {
		bool same, other;

		rc = web_look(w, i, &same, &other);
		if (rc == RC_OK && other && !claimed && !how->again &&
		    !how->take)
			rc = rule_refuse(RULE_DEPLOY_TAKEN,
			    "%s: %s lies there, and was not published from here",
			    w->what->path, w->what->files[i].name);
		w->wanted[i] = rc == RC_OK && !same;
		w->n += w->wanted[i];
	}
	return rc;
}

static void
web_temporary(const struct publish_file *f, char ret[static NAME_MAX + 1])
{
	(void)snprintf(ret, NAME_MAX + 1, ".%s" PUBLISH_NEW, f->name);
}

static enum rc
web_begin(struct web_root *w, size_t i)
{
	static const struct file_look look = { .mode = 0644 };
	const struct publish_file *f = &w->what->files[i];
	char temporary[NAME_MAX + 1];
	OWN_FD fd = -1;
	enum rc rc;

	web_temporary(f, temporary);
	rc = file_stale_remove(web_dir(w, i), temporary, f->name);
	if (rc == RC_OK)
		rc = file_begin(web_dir(w, i), temporary, f->name, &fd);
	w->begun[i] = rc == RC_OK;
	if (rc == RC_OK)
		rc = fd_write_all(fd, buf_span(&f->bytes), f->name);
	if (rc == RC_OK)
		rc = file_end(&fd, &look, f->name);
	return rc != RC_OK ? err_in(rc, "%s", w->what->path) : RC_OK;
}

static enum rc
web_name(struct web_root *w, size_t i)
{
	const struct publish_file *f = &w->what->files[i];
	char temporary[NAME_MAX + 1];
	enum rc rc;

	web_temporary(f, temporary);
	rc = file_put_in_place(web_dir(w, i), temporary, f->name, 0, f->name);
	w->begun[i] = rc != RC_OK;
	return rc != RC_OK ? err_in(rc, "%s", w->what->path) : RC_OK;
}

static enum rc
web_write(struct web_root *w)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->what->n && rc == RC_OK; i++)
		if (w->wanted[i])
			rc = web_begin(w, i);
	for (size_t i = 0; i < w->what->n && rc == RC_OK; i++)
		if (w->wanted[i])
			rc = web_name(w, i);
	return rc;
}

/* Nothing of a try that failed stays. */
static void
web_clean(struct web_root *w)
{
	char temporary[NAME_MAX + 1];

	for (size_t i = 0; i < w->what->n; i++) {
		web_temporary(&w->what->files[i], temporary);
		if (w->begun[i])
			(void)unlinkat(web_dir(w, i), temporary, 0);
	}
	for (size_t i = PUBLISH_DIRS; i-- > 0;)
		if (w->made[i])
			(void)unlinkat(
			    w->dirs[i], publish_dirs[i], AT_REMOVEDIR);
}

static enum rc
web_put(struct web_root *w, bool theirs)
{
	const struct publishing *p = w->what;
	struct replace_spot at;
	bool claimed = false;
	enum rc rc = spot_open("ca.pem", w->dirs[0], theirs, &at);

	if (rc == RC_OK)
		rc = spot_claim_check(&at, &p->claim);
	if (rc != RC_OK)
		return err_in(rc, "%s", p->path);
	claimed = spot_is_there(&at, at.claim);
	if (p->n > 2) {
		rc = web_enter(w, 0);
		if (rc == RC_OK)
			rc = web_enter(w, 1);
	}
	if (rc == RC_OK)
		rc = web_look_all(w, claimed);
	if (rc == RC_OK && !p->how->dry_run)
		rc = web_write(w);
	if (rc == RC_OK && !p->how->dry_run)
		rc = spot_claim(&at, &p->claim);
	return rc;
}

static enum rc
publish_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	struct web_root w = { .what = arg, .dirs = { dirs[0], -1, -1 } };
	enum rc rc = web_put(&w, theirs);
	struct err_saved why;

	err_save(&why);
	if (rc != RC_OK)
		web_clean(&w);
	err_restore(&why);
	for (size_t i = 1; i <= PUBLISH_DIRS; i++)
		fd_close(&w.dirs[i]);
	return rc != RC_OK ? rc : buf_add_u32(out, (uint32_t)w.n);
}

static enum rc
unpublish_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct publishing *p = arg;
	struct replace_spot at;
	enum rc rc = spot_open("ca.pem", dirs[0], theirs, &at);

	(void)out;
	return rc != RC_OK ? rc : spot_unclaim(&at, &p->claim);
}

/* ---- all of it ----------------------------------------------------------- */

/* Everybody can fetch what lies there, so the home's path is not told. */
static enum rc
publish_claim(struct publishing *p, struct store *store)
{
	p->claim.path = "";
	p->claim.take = p->how->take;
	return sha256(buf_span(&store->spki), p->claim.home);
}

enum rc
publish(const char *path, struct store *store, const struct holding *holding,
    int64_t now, const struct publish_how *how, size_t *ret_n)
{
	WIPED(publishing) p = { .path = path, .how = how };
	const struct site_dir dir = { path, path };
	WIPED(buf) out = { 0 };
	struct span count;
	struct err_saved why;
	uint32_t n = 0;
	enum rc rc = publish_claim(&p, store), none = RC_OK;

	*ret_n = 0;
	if (rc == RC_OK)
		rc = publish_ca(&p, &store->trust);
	if (rc == RC_OK && holding != NULL)
		rc = publish_posh(&p, holding, now);
	if (rc == RC_STATE && how->again) {
		none = rc;
		err_save(&why);
		rc = RC_OK;
	}
	if (rc == RC_OK)
		rc = site_do(&dir, 1, publish_there, &p, &out);
	if (rc != RC_OK)
		return rc;
	count = buf_span(&out);
	if (!span_take_u32(&count, &n))
		return err_set(RC_BUG, "%s: no count", path);
	*ret_n = n;
	if (none != RC_OK)
		err_restore(&why);
	return none;
}

enum rc
publish_again(struct store *store, const struct publication *p, int64_t now,
    bool dry_run, size_t *ret_n)
{
	const struct publish_how how = { .dry_run = dry_run, .again = true };
	WIPED(holding) holding = { 0 };
	enum rc rc = RC_OK;

	*ret_n = 0;
	if (p->name != NULL)
		rc = holding_load(
		    store, span_str(p->name), span_str(p->profile), &holding);
	return rc != RC_OK
		   ? rc
		   : publish(p->dir, store, p->name == NULL ? NULL : &holding,
			 now, &how, ret_n);
}

enum rc
publish_release(const char *path, struct store *store)
{
	static const struct publish_how how = { 0 };
	struct publishing p = { .path = path, .how = &how };
	const struct site_dir dir = { path, path };
	WIPED(buf) out = { 0 };
	enum rc rc = publish_claim(&p, store);

	if (rc == RC_OK && site_do(&dir, 1, unpublish_there, &p, &out) != RC_OK)
		err_clear();
	return rc;
}
