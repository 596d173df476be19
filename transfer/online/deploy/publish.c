/* SPDX-License-Identifier: Apache-2.0 */
/* A web root often belongs to somebody else than root: nothing in it is trusted
 * to be where its name says, and what is read of it is compared and no more.
 * All is written beside its place before anything gets its name. */
#include "transfer/online/deploy/publish.h"

#include "base/file.h"
#include "base/list.h"
#include "transfer/online/deploy/chain.h"
#include "transfer/online/deploy/crl_names.h"
#include "transfer/online/deploy/crl_place.h"
#include "transfer/online/deploy/deploy.h"
#include "transfer/online/deploy/posh.h"
#include "transfer/online/deploy/replace_spot.h"
#include "transfer/online/deploy/site.h"
#include "transfer/online/store/emergency.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PUBLISH_DIRS 2
#define PUBLISH_NEW ".airgap-new" /* behind a name while it is written */
#define TEMPORARY_ROOM (NAME_MAX + sizeof("." PUBLISH_NEW))

/* ---- what shall be there ------------------------------------------------- */

struct publish_file {
	char name[NAME_MAX + 1];
	bool below;	   /* in .well-known/posh */
	struct span bytes; /* of `made`, or of one of publishing.crls */
	struct buf made;
	bool is_crl;
	struct crl_due crl; /* what the bytes are of; without its own */
	const struct trust_ca
	    *ca;	    /* whose key signed it, where that is known */
	bool wanted, begun; /* in the web root */
};

struct publishing {
	const char *path;
	const struct publish_how *how;
	struct replace_claim claim;
	struct publish_file *files; /* owned */
	size_t n;
	struct crl_due_list crls;
	bool has_posh;
};

static void
publishing_wipe(struct publishing *p)
{
	for (size_t i = 0; i < p->n; i++)
		buf_wipe(&p->files[i].made);
	free(p->files);
	crl_due_list_wipe(&p->crls);
}

static enum rc
publish_name_add(
    struct publishing *p, const char *name, struct publish_file **ret)
{
	enum rc rc = LIST_GROW(p->files, p->n);
	struct publish_file *f;

	if (rc != RC_OK)
		return rc;
	f = &p->files[p->n++];
	*f = (struct publish_file){ 0 };
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	*ret = f;
	return RC_OK;
}

static enum rc
publish_file_add(
    struct publishing *p, const char *name, bool below, struct span bytes)
{
	struct publish_file *f;
	enum rc rc = publish_name_add(p, name, &f);

	if (rc == RC_OK)
		rc = buf_add_span(&f->made, bytes);
	if (rc != RC_OK)
		return rc;
	f->below = below;
	f->bytes = buf_span(&f->made);
	return RC_OK;
}

static enum rc
publish_ca(struct publishing *p, struct store *store)
{
	const struct trust *trust = &store->trust;
	WIPED(buf) pem = { 0 };
	enum rc rc = publish_file_add(
	    p, "ca.crt", false, buf_span(&trust->cas[trust->n_cas - 1].der));

	if (rc == RC_OK)
		rc = chain_cas_write(store, &pem);
	return rc != RC_OK
		   ? rc
		   : publish_file_add(p, "ca.pem", false, buf_span(&pem));
}

static enum rc
publish_crl_add(struct publishing *p, const struct store *store,
    const char *name, const struct crl_due *crl)
{
	struct publish_file *f;
	enum rc rc = publish_name_add(p, name, &f);

	if (rc != RC_OK)
		return rc;
	f->bytes = buf_span(&crl->der);
	f->is_crl = true;
	f->crl = *crl;
	f->crl.der = (struct buf){ 0 };
	f->ca = trust_key_get0(&store->trust, crl->issuer);
	return RC_OK;
}

/* The due one of each key, in DER as RFC 5280 4.2.1.13 wants it. What is not
 * due yet leaves the store for nobody. */
static enum rc
publish_crls(struct publishing *p, struct store *store, int64_t now)
{
	const struct crl_due_list *crls = &p->crls;
	enum rc rc = crl_due_list_load(store, now, true, &p->crls);

	if (rc == RC_OK && !p->how->dry_run)
		rc = emergency_note(store, crls, now);
	for (size_t i = 0; i < crls->n && rc == RC_OK; i++) {
		WIPED(text_list) names = { 0 };

		rc = crl_names_list(store, crls->items[i].issuer, now, &names);
		for (size_t j = 0; j < names.n && rc == RC_OK; j++)
			rc = publish_crl_add(
			    p, store, names.items[j], &crls->items[i]);
	}
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
		rc = publish_file_add(
		    p, "xmpp-client.json", true, buf_span(&document));
	if (rc == RC_OK)
		rc = publish_file_add(
		    p, "xmpp-server.json", true, buf_span(&document));
	p->has_posh = rc == RC_OK;
	return rc;
}

/* ---- in the web root ----------------------------------------------------- */

/* The root as it is worked on: directories that were made go again when
 * something fails. */
struct web_root {
	struct publishing *what;
	int dirs[1 + PUBLISH_DIRS]; /* root, .well-known, posh; -1: not there */
	bool made[PUBLISH_DIRS];    /* those below the root */
	size_t n;		    /* wanted */
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

static enum rc
web_look_crl(
    const struct web_root *w, const struct publish_file *f, struct span found)
{
	enum rc rc = crl_place_check(f->name, found, f->ca, &f->crl);

	return rc != RC_OK ? err_in(rc, "%s", w->what->path) : RC_OK;
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
		    fd_read(fd, f->name, f->is_crl ? REPLACE_MAX : f->bytes.n,
			&found) != RC_OK))) {
		err_clear(); /* whatever it is, it is replaced */
		*ret_other = true;
		return RC_OK;
	}
	*ret_other = fd >= 0 && !span_eq(buf_span(&found), f->bytes);
	*ret_same = fd >= 0 && !*ret_other && (st.st_mode & 0444) == 0444;
	if (!f->is_crl || !*ret_other)
		return RC_OK;
	return web_look_crl(w, f, buf_span(&found));
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
		w->what->files[i].wanted = rc == RC_OK && !same;
		w->n += w->what->files[i].wanted;
	}
	return rc;
}

static void
web_temporary(const struct publish_file *f, char ret[static TEMPORARY_ROOM])
{
	(void)snprintf(ret, TEMPORARY_ROOM, ".%s" PUBLISH_NEW, f->name);
}

/* Servers and caches know a file by size and second. */
static enum rc
web_age(const struct web_root *w, size_t i, int fd)
{
	const struct publish_file *f = &w->what->files[i];
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct stat was, is;

	if (fstatat(web_dir(w, i), f->name, &was, AT_SYMLINK_NOFOLLOW) != 0)
		return RC_OK;
	if (fstat(fd, &is) != 0)
		return err_errno(RC_IO, errno, "%s", f->name);
	if (is.st_mtim.tv_sec > was.st_mtim.tv_sec)
		return RC_OK;
	times[1].tv_sec = was.st_mtim.tv_sec + 1;
	return futimens(fd, times) == 0
		   ? RC_OK
		   : err_errno(RC_IO, errno, "%s", f->name);
}

static enum rc
web_begin(struct web_root *w, size_t i)
{
	static const struct file_look look = { .mode = 0644 };
	struct publish_file *f = &w->what->files[i];
	char temporary[TEMPORARY_ROOM];
	OWN_FD fd = -1;
	enum rc rc;

	web_temporary(f, temporary);
	rc = file_stale_remove(web_dir(w, i), temporary, f->name);
	if (rc == RC_OK)
		rc = file_begin(web_dir(w, i), temporary, f->name, &fd);
	f->begun = rc == RC_OK;
	if (rc == RC_OK)
		rc = fd_write_all(fd, f->bytes, f->name);
	if (rc == RC_OK)
		rc = web_age(w, i, fd);
	if (rc == RC_OK)
		rc = file_end(&fd, &look, f->name);
	return rc != RC_OK ? err_in(rc, "%s", w->what->path) : RC_OK;
}

static enum rc
web_name(struct web_root *w, size_t i)
{
	struct publish_file *f = &w->what->files[i];
	char temporary[TEMPORARY_ROOM];
	enum rc rc;

	web_temporary(f, temporary);
	rc = file_put_in_place(web_dir(w, i), temporary, f->name, 0, f->name);
	f->begun = rc != RC_OK;
	return rc != RC_OK ? err_in(rc, "%s", w->what->path) : RC_OK;
}

static enum rc
web_write(struct web_root *w)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < w->what->n && rc == RC_OK; i++)
		if (w->what->files[i].wanted)
			rc = web_begin(w, i);
	for (size_t i = 0; i < w->what->n && rc == RC_OK; i++)
		if (w->what->files[i].wanted)
			rc = web_name(w, i);
	return rc;
}

/* Nothing of a try that failed stays. */
static void
web_clean(struct web_root *w)
{
	char temporary[TEMPORARY_ROOM];

	for (size_t i = 0; i < w->what->n; i++) {
		web_temporary(&w->what->files[i], temporary);
		if (w->what->files[i].begun)
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
	if (p->has_posh) {
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
		rc = publish_ca(&p, store);
	if (rc == RC_OK)
		rc = publish_crls(&p, store, now);
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
    bool dry_run, size_t *ret_n, bool *ret_due)
{
	const struct publish_how how = { .dry_run = dry_run, .again = true };
	WIPED(holding) holding = { 0 };
	enum rc rc = RC_OK;

	*ret_n = 0;
	*ret_due = false;
	if (p->name != NULL)
		rc = holding_load(
		    store, span_str(p->name), span_str(p->profile), &holding);
	if (rc != RC_OK)
		return rc;
	rc = publish(
	    p->dir, store, p->name == NULL ? NULL : &holding, now, &how, ret_n);
	/* A store that cannot be read is RC_STATE too, and is no such end. */
	*ret_due = rc == RC_STATE && rule_spoken() == RULE_NONE &&
		   p->name != NULL && !posh_is_now(&holding, now);
	return rc;
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
