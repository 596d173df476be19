/* SPDX-License-Identifier: Apache-2.0 */
/* Two files cannot be renamed at once. So that no moment shows the new key
 * beside the old certificate, a change of key goes over a bridge, each step one
 * rename:
 *
 *	cert file: old key and certificate	key file: old key
 *	cert file: the same			key file: link to the cert file
 *	cert file: new key and certificate	(both at once)
 *	cert file: the same			key file: new key
 *	cert file: new certificate
 *
 * TLS libraries take from a PEM file what they look for and pass over the rest.
 * The file with both has owner and mode of the key's. A run that was
 * interrupted on the bridge is taken up from wherever it stopped: the link
 * tells. */
#include "transfer/online/deploy/replace.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW ".airgap-new"
#define OLD ".airgap-old"
#define ROOM (NAME_MAX + 1)

/* A file by its directory: nobody can put a link into the way between two
 * steps. */
struct replace_spot {
	const char *path; /* in sentences */
	int dir;
	char name[ROOM], fresh[ROOM], old[ROOM];
};

static void
replace_spot_wipe(struct replace_spot *s)
{
	fd_close(&s->dir);
}

static enum rc
replace_spot_open(const char *path, struct replace_spot *ret)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? "" : slash + 1;
	char dir[PATH_MAX];

	if (*path != '/' || strlen(path) >= sizeof(dir) || *name == '\0' ||
	    strlen(name) + sizeof(NEW) > ROOM)
		return err_set(RC_STATE, "%s: no path of a file", path);
	(void)snprintf(dir, sizeof(dir), "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	(void)snprintf(ret->name, ROOM, "%s", name);
	(void)snprintf(ret->fresh, ROOM, "%s" NEW, name);
	(void)snprintf(ret->old, ROOM, "%s" OLD, name);
	ret->path = path;
	ret->dir = fd_open_unlinked(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY);
	if (ret->dir < 0)
		return err_errno(RC_IO, errno, "%s: its directory", path);
	return RC_OK;
}

/* ---- what is there ------------------------------------------------------- */

/* \return 0 for none */
static mode_t
kind_of(const struct replace_spot *s, const char *name, struct stat *ret)
{
	if (fstatat(s->dir, name, ret, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return ret->st_mode & S_IFMT;
}

static bool
replace_is_there(const struct replace_spot *s, const char *name)
{
	struct stat st;

	return kind_of(s, name, &st) != 0;
}

/* Is it the link of the bridge, which leads to the certificate's file? */
static bool
is_bridge(const struct replace_spot *key, const struct replace_spot *cert)
{
	char to[PATH_MAX];
	ssize_t n = readlinkat(key->dir, key->name, to, sizeof(to));

	return n > 0 && span_eq_str(span_of(to, (size_t)n), cert->path);
}

static enum rc
no_file(const struct replace_spot *s)
{
	return err_set(RC_IO,
	    "%s: not a regular file: deploy to what it leads to", s->path);
}

static enum rc
read_name(const struct replace_spot *s, const char *name, struct buf *ret,
    bool *ret_is)
{
	struct stat st;
	mode_t kind = kind_of(s, name, &st);

	*ret_is = kind != 0;
	if (kind == 0)
		return errno == ENOENT ? RC_OK
				       : err_errno(RC_IO, errno, "%s", s->path);
	if (kind != S_IFREG)
		return no_file(s);
	return file_read(s->dir, name, REPLACE_MAX, ret);
}

enum rc
replace_read(const char *path, struct buf *ret_bytes, bool *ret_is)
{
	WIPED(replace_spot) s = { .dir = -1 };
	enum rc rc = replace_spot_open(path, &s);

	return rc != RC_OK ? rc : read_name(&s, s.name, ret_bytes, ret_is);
}

bool
replace_is_open(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & 0007) != 0;
}

/* ---- one file ------------------------------------------------------------ */

/* Owner and mode: of what was there before all this began, if it was. */
static struct file_look
look_of(const struct replace_spot *s, bool secret)
{
	struct stat st;
	const char *names[] = { s->old, s->name };

	for (size_t i = 0; i < 2; i++)
		if (kind_of(s, names[i], &st) == S_IFREG)
			return (struct file_look){ st.st_mode & 07777, true,
				st.st_uid, st.st_gid };
	return (struct file_look){ .mode = secret ? 0600 : 0644 };
}

static enum rc
replace_name(const struct replace_spot *s, struct span bytes,
    const struct file_look *look)
{
	const struct file_write put = { .dir = s->dir,
		.name = s->name,
		.temporary = s->fresh,
		.from = s->path,
		.look = *look };

	return file_write(&put, bytes);
}

static enum rc
link_to(const struct replace_spot *key, const struct replace_spot *cert)
{
	enum rc rc = file_stale_remove(key->dir, key->fresh, key->path);

	if (rc == RC_OK && symlinkat(cert->path, key->dir, key->fresh) != 0)
		rc = err_errno(RC_IO, errno, "%s" NEW, key->path);
	return rc != RC_OK ? rc
			   : file_put_in_place(
				 key->dir, key->fresh, key->name, 0, key->path);
}

/* ---- a certificate and its key ------------------------------------------- */

struct pair {
	struct replace_spot cert, key; /* key.dir -1: there is none */
	struct file_look cert_look, key_look;
};

static void
pair_wipe(struct pair *p)
{
	replace_spot_wipe(&p->cert);
	replace_spot_wipe(&p->key);
}

#define PAIR_NONE \
	{ \
		.cert = { .dir = -1 }, .key = {.dir = -1 } \
	}

static enum rc
pair_open(const struct replace *replace, struct pair *p)
{
	enum rc rc = replace_spot_open(replace->cert.path, &p->cert);

	if (rc == RC_OK && replace->key.path != NULL)
		rc = replace_spot_open(replace->key.path, &p->key);
	if (rc != RC_OK)
		return rc;
	p->cert_look = look_of(&p->cert, replace->cert.secret);
	if (p->key.dir >= 0)
		p->key_look = look_of(&p->key, true);
	return RC_OK;
}

/* What is at the key's path now, over the bridge if that stands. */
static enum rc
replace_read_key(
    const struct pair *p, struct buf *ret, bool *ret_is, bool *ret_bridge)
{
	*ret_bridge = is_bridge(&p->key, &p->cert);
	return *ret_bridge ? read_name(&p->cert, p->cert.name, ret, ret_is)
			   : read_name(&p->key, p->key.name, ret, ret_is);
}

static enum rc
replace_both(const struct pair *p, struct span key, struct span cert)
{
	WIPED(buf) both = { 0 };
	enum rc rc = buf_add_span(&both, key);

	if (rc == RC_OK)
		rc = buf_add_span(&both, cert);
	return rc != RC_OK
		   ? rc
		   : replace_name(&p->cert, buf_span(&both), &p->key_look);
}

/* Onto the bridge with what is there, over it with what shall be. */
static enum rc
cross(const struct pair *p, const struct replace *replace, struct span old_key,
    struct span old_cert, bool bridge)
{
	enum rc rc = RC_OK;

	if (!bridge)
		rc = replace_both(p, old_key, old_cert);
	if (rc == RC_OK && !bridge)
		rc = link_to(&p->key, &p->cert);
	if (rc == RC_OK)
		rc = replace_both(p, replace->key.bytes, replace->cert.bytes);
	return rc != RC_OK
		   ? rc
		   : replace_name(&p->key, replace->key.bytes, &p->key_look);
}

static enum rc
put_key(const struct pair *p, const struct replace *replace,
    struct span old_cert, bool cert_is)
{
	WIPED(buf) old = { 0 };
	bool is = false, bridge = false;
	enum rc rc = replace_read_key(p, &old, &is, &bridge);

	if (rc != RC_OK)
		return rc;
	if (is && !bridge && span_eq(buf_span(&old), replace->key.bytes))
		return RC_OK;
	if (is && cert_is)
		return cross(p, replace, buf_span(&old), old_cert, bridge);
	return replace_name(&p->key, replace->key.bytes, &p->key_look);
}

/* From whatever is there to what is wanted. */
static enum rc
replace_change(const struct pair *p, const struct replace *replace)
{
	WIPED(buf) old = { 0 };
	bool is = false;
	enum rc rc = read_name(&p->cert, p->cert.name, &old, &is);

	if (rc == RC_OK && p->key.dir >= 0)
		rc = put_key(p, replace, buf_span(&old), is);
	return rc != RC_OK
		   ? rc
		   : replace_name(&p->cert, replace->cert.bytes, &p->cert_look);
}

/* ---- what was there ------------------------------------------------------ */

/* A second name for the same file, which costs no room on the disk. */
static enum rc
save_one(const struct replace_spot *s)
{
	struct stat st;
	mode_t kind = kind_of(s, s->name, &st);

	if (kind == 0)
		return RC_OK;
	if (kind != S_IFREG)
		return no_file(s);
	if (linkat(s->dir, s->name, s->dir, s->old, 0) != 0)
		return err_errno(
		    RC_IO, errno, "%s" OLD ": cannot be made", s->path);
	return fd_sync(s->dir, s->path);
}

/* For good: what a power cut brought back would pass for what was there before
 * the next change. */
static enum rc
drop_old(const struct replace_spot *s)
{
	if (unlinkat(s->dir, s->old, 0) != 0)
		return errno == ENOENT
			   ? RC_OK
			   : err_errno(RC_IO, errno, "%s" OLD, s->path);
	return fd_sync(s->dir, s->path);
}

static enum rc
restore_name(const struct replace_spot *s)
{
	return file_put_in_place(s->dir, s->old, s->name, 0, s->path);
}

/* A key that was there before any certificate, and that a run which did not
 * come to put one had replaced. While nothing has changed the two names are one
 * file. */
static bool
is_key_before(const struct pair *p)
{
	struct stat old, now;

	return kind_of(&p->key, p->key.old, &old) == S_IFREG &&
	       !replace_is_there(&p->cert, p->cert.name) &&
	       (kind_of(&p->key, p->key.name, &now) == 0 ||
		   old.st_ino != now.st_ino || old.st_dev != now.st_dev);
}

/* The certificate's old file is what counts: it is made last and goes first.
 * Where it lies already, a run was interrupted, and what the two have was there
 * first; a key's old file without it is worth nothing, where there was a
 * certificate. */
static enum rc
save_old(const struct pair *p)
{
	enum rc rc = RC_OK;

	if (replace_is_there(&p->cert, p->cert.old) || is_key_before(p))
		return RC_OK;
	if (p->key.dir >= 0)
		rc = drop_old(&p->key);
	if (rc == RC_OK && p->key.dir >= 0 && !is_bridge(&p->key, &p->cert))
		rc = save_one(&p->key);
	return rc != RC_OK ? rc : save_one(&p->cert);
}

static enum rc
drop_both(const struct pair *p)
{
	enum rc rc = drop_old(&p->cert);

	return rc != RC_OK || p->key.dir < 0 ? rc : drop_old(&p->key);
}

/* By a rename, which works on a full disk too, unless the key changed. */
static enum rc
restore(const struct pair *p)
{
	WIPED(buf) cert = { 0 };
	WIPED(buf) key = { 0 };
	WIPED(buf) key_now = { 0 };
	bool is = false, key_is = false, now_is = false, bridge = false;
	struct replace old;
	enum rc rc = read_name(&p->cert, p->cert.old, &cert, &is);

	if (rc == RC_OK && p->key.dir >= 0)
		rc = read_name(&p->key, p->key.old, &key, &key_is);
	if (rc == RC_OK && key_is)
		rc = replace_read_key(p, &key_now, &now_is, &bridge);
	if (rc != RC_OK || !is)
		return rc;
	if (!key_is ||
	    (!bridge && span_eq(buf_span(&key), buf_span(&key_now)))) {
		rc = restore_name(&p->cert);
	} else {
		old = (struct replace){ .cert = { .bytes = buf_span(&cert) },
			.key = { .bytes = buf_span(&key) } };
		rc = replace_change(p, &old);
	}
	return rc != RC_OK ? rc : drop_both(p);
}

/* There was no certificate, and there is none now: the key that was there comes
 * back, and one that was not there goes. */
static enum rc
restore_key(const struct pair *p, bool had_key)
{
	if (p->key.dir < 0 || replace_is_there(&p->cert, p->cert.name))
		return RC_OK;
	if (replace_is_there(&p->key, p->key.old))
		return restore_name(&p->key);
	if (!had_key && unlinkat(p->key.dir, p->key.name, 0) != 0 &&
	    errno != ENOENT)
		return err_errno(RC_IO, errno, "%s", p->key.path);
	return RC_OK;
}

/* ---- all of it ----------------------------------------------------------- */

enum rc
replace_put(const struct replace *replace)
{
	WIPED(pair) p = PAIR_NONE;
	struct err_saved why;
	bool had_key;
	enum rc rc = pair_open(replace, &p);

	if (rc == RC_OK)
		rc = save_old(&p);
	if (rc != RC_OK)
		return rc;
	had_key = p.key.dir >= 0 && replace_is_there(&p.key, p.key.name);
	rc = replace_change(&p, replace);
	if (rc != RC_OK) {
		err_save(&why);
		if (replace_is_there(&p.cert, p.cert.old))
			(void)restore(&p);
		else
			(void)restore_key(&p, had_key);
		err_restore(&why);
	}
	return rc;
}

enum rc
replace_keep(const struct replace *replace)
{
	WIPED(pair) p = PAIR_NONE;
	enum rc rc = pair_open(replace, &p);

	return rc != RC_OK ? rc : drop_both(&p);
}

enum rc
replace_undo(const struct replace *replace, bool *ret_is)
{
	WIPED(pair) p = PAIR_NONE;
	enum rc rc = pair_open(replace, &p);

	if (rc != RC_OK)
		return rc;
	*ret_is = replace_is_there(&p.cert, p.cert.old);
	return restore(&p);
}

enum rc
replace_old(const struct replace *replace, struct buf *ret_bytes, bool *ret_is)
{
	WIPED(replace_spot) s = { .dir = -1 };
	enum rc rc = replace_spot_open(replace->cert.path, &s);

	return rc != RC_OK ? rc : read_name(&s, s.old, ret_bytes, ret_is);
}
