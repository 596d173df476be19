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
#include "transfer/online/deploy/replace_spot.h"
#include "transfer/online/deploy/site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is it the link of the bridge, which leads to the certificate's file? */
static bool
is_bridge(const struct replace_spot *key, const struct replace_spot *cert)
{
	char to[PATH_MAX];
	ssize_t n = readlinkat(key->dir, key->name, to, sizeof(to));

	return n > 0 && span_eq_str(span_of(to, (size_t)n), cert->path);
}

static enum rc
link_to(const struct replace_spot *key, const struct replace_spot *cert)
{
	enum rc rc = file_stale_remove(key->dir, key->fresh, key->path);

	if (rc == RC_OK && symlinkat(cert->path, key->dir, key->fresh) != 0)
		rc = err_errno(RC_IO, errno, "%s.airgap-new", key->path);
	return rc != RC_OK ? rc
			   : file_put_in_place(
				 key->dir, key->fresh, key->name, 0, key->path);
}

/* ---- a certificate and its key ------------------------------------------- */

struct pair {
	struct replace_spot cert, key;
	struct file_look cert_look, key_look;
};

static enum rc
pair_open(const struct replace *replace, const int dirs[], bool theirs,
    struct pair *p)
{
	enum rc rc = spot_open(replace->cert.path, dirs[0], theirs, &p->cert);

	p->key.dir = -1;
	if (rc == RC_OK && replace->key.path != NULL)
		rc = spot_open(replace->key.path, dirs[1], theirs, &p->key);
	if (rc != RC_OK)
		return rc;
	p->cert_look = spot_look(&p->cert, replace->cert.secret);
	if (p->key.dir >= 0)
		p->key_look = spot_look(&p->key, true);
	return RC_OK;
}

/* What is at the key's path now, over the bridge if that stands. */
static enum rc
replace_read_key(
    const struct pair *p, struct buf *ret, bool *ret_is, bool *ret_bridge)
{
	*ret_bridge = is_bridge(&p->key, &p->cert);
	return *ret_bridge ? spot_read(&p->cert, p->cert.name, ret, ret_is)
			   : spot_read(&p->key, p->key.name, ret, ret_is);
}

static enum rc
replace_both(const struct pair *p, struct span key, struct span cert)
{
	WIPED(buf) both = { 0 };
	enum rc rc = buf_add_span(&both, key);

	if (rc == RC_OK)
		rc = buf_add_span(&both, cert);
	return rc != RC_OK ? rc
			   : spot_put(&p->cert, buf_span(&both), &p->key_look);
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
		   : spot_put(&p->key, replace->key.bytes, &p->key_look);
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
	return spot_put(&p->key, replace->key.bytes, &p->key_look);
}

/* From whatever is there to what is wanted. */
static enum rc
replace_change(const struct pair *p, const struct replace *replace)
{
	WIPED(buf) old = { 0 };
	bool is = false;
	enum rc rc = spot_read(&p->cert, p->cert.name, &old, &is);

	if (rc == RC_OK && p->key.dir >= 0)
		rc = put_key(p, replace, buf_span(&old), is);
	return rc != RC_OK
		   ? rc
		   : spot_put(&p->cert, replace->cert.bytes, &p->cert_look);
}

/* ---- what was there ------------------------------------------------------ */

/* A second name for the same file, which costs no room on the disk. */
static enum rc
save_one(const struct replace_spot *s)
{
	struct stat st;
	mode_t kind = spot_kind(s, s->name, &st);

	if (kind == 0)
		return RC_OK;
	if (kind != S_IFREG)
		return spot_no_file(s);
	if (linkat(s->dir, s->name, s->dir, s->old, 0) != 0)
		return err_errno(
		    RC_IO, errno, "%s.airgap-old: cannot be made", s->path);
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
			   : err_errno(RC_IO, errno, "%s.airgap-old", s->path);
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

	return spot_kind(&p->key, p->key.old, &old) == S_IFREG &&
	       !spot_is_there(&p->cert, p->cert.name) &&
	       (spot_kind(&p->key, p->key.name, &now) == 0 ||
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

	if (spot_is_there(&p->cert, p->cert.old) || is_key_before(p))
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
	enum rc rc = spot_read(&p->cert, p->cert.old, &cert, &is);

	if (rc == RC_OK && p->key.dir >= 0)
		rc = spot_read(&p->key, p->key.old, &key, &key_is);
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
	if (p->key.dir < 0 || spot_is_there(&p->cert, p->cert.name))
		return RC_OK;
	if (spot_is_there(&p->key, p->key.old))
		return restore_name(&p->key);
	if (!had_key && unlinkat(p->key.dir, p->key.name, 0) != 0 &&
	    errno != ENOENT)
		return err_errno(RC_IO, errno, "%s", p->key.path);
	return RC_OK;
}

/* ---- which home keeps them ----------------------------------------------- */

static enum rc
pair_each_claim(const struct pair *p, const struct replace_claim *claim,
    enum rc (*each)(
	const struct replace_spot *s, const struct replace_claim *claim))
{
	enum rc rc = each(&p->cert, claim);

	return rc != RC_OK || p->key.dir < 0 ? rc : each(&p->key, claim);
}

/* ---- all of it ----------------------------------------------------------- */

/* Each of these is run where site_do says. */
static enum rc
there(const struct replace *replace, site_work *work, struct buf *out)
{
	const char *const paths[SITE_DIRS] = { replace->cert.path,
		replace->key.path };
	struct site_file files[SITE_DIRS];
	struct site_dir dirs[SITE_DIRS];
	size_t n = replace->key.path == NULL ? 1 : 2;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = site_file_of(paths[i], &files[i]);
		dirs[i] = (struct site_dir){ files[i].dir, paths[i] };
	}
	return rc == RC_OK
		   ? site_do(dirs, n, work, (void *)(uintptr_t)replace, out)
		   : rc;
}

static enum rc
replace_put_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct replace *replace = arg;
	struct err_saved why;
	struct pair p;
	bool had_key;
	enum rc rc = pair_open(replace, dirs, theirs, &p);

	(void)out;
	if (rc == RC_OK)
		rc = pair_each_claim(&p, &replace->claim, spot_claim_check);
	if (rc == RC_OK)
		rc = save_old(&p);
	if (rc != RC_OK)
		return rc;
	had_key = p.key.dir >= 0 && spot_is_there(&p.key, p.key.name);
	rc = replace_change(&p, replace);
	if (rc == RC_OK)
		rc = pair_each_claim(&p, &replace->claim, spot_claim);
	if (rc != RC_OK) {
		err_save(&why);
		if (spot_is_there(&p.cert, p.cert.old))
			(void)restore(&p);
		else
			(void)restore_key(&p, had_key);
		err_restore(&why);
	}
	return rc;
}

static enum rc
replace_keep_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct replace *replace = arg;
	struct pair p;
	enum rc rc = pair_open(replace, dirs, theirs, &p);

	(void)out;
	if (rc == RC_OK)
		rc = pair_each_claim(&p, &replace->claim, spot_claim);
	return rc != RC_OK ? rc : drop_both(&p);
}

static enum rc
replace_undo_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	struct pair p;
	enum rc rc = pair_open(arg, dirs, theirs, &p);

	if (rc == RC_OK)
		rc = buf_add_byte(out, spot_is_there(&p.cert, p.cert.old));
	return rc != RC_OK ? rc : restore(&p);
}

static enum rc
replace_unclaim_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct replace *replace = arg;
	struct pair p;
	enum rc rc = pair_open(replace, dirs, theirs, &p);

	(void)out;
	return rc != RC_OK ? rc
			   : pair_each_claim(&p, &replace->claim, spot_unclaim);
}

/* A file that holds a key says so in its lines; nothing of it is parsed. The
 * key is from its first line to its last; of several, all that there is. */
static struct span
key_lines(struct span file)
{
	static const char mark[] = "PRIVATE KEY-----";
	const size_t n = sizeof(mark) - 1;
	const uint8_t *end = file.p + file.n, *first, *last, *more;

	first = file.n == 0 ? NULL : memmem(file.p, file.n, mark, n);
	if (first == NULL)
		return SPAN_NONE;
	last = memmem(first + n, (size_t)(end - first) - n, mark, n);
	more = last == NULL
		   ? NULL
		   : memmem(last + n, (size_t)(end - last) - n, mark, n);
	if (last == NULL || more != NULL)
		return file;
	while (first != file.p && first[-1] != '\n')
		first--;
	last += n;
	return span_of(first, (size_t)(last - first) + (last != end));
}

/* "It is", and its digest. */
static enum rc
look_add(struct buf *out, struct span bytes, bool is)
{
	uint8_t digest[SHA256_LEN] = { 0 };
	enum rc rc = is ? sha256(bytes, digest) : RC_OK;

	if (rc == RC_OK)
		rc = buf_add_byte(out, is);
	return rc != RC_OK ? rc : buf_add(out, digest, SHA256_LEN);
}

/* What cannot be read is not there. */
static bool
look_read(const struct replace_spot *s, const char *name, struct buf *ret)
{
	bool is = false;

	if (s->dir >= 0 && spot_read(s, name, ret, &is) != RC_OK) {
		is = false;
		err_clear();
	}
	return is;
}

static enum rc
replace_look_at(const struct replace_spot *s, struct buf *out)
{
	WIPED(buf) found = { 0 };
	WIPED(buf) old = { 0 };
	bool is = look_read(s, s->name, &found);
	bool was = look_read(s, s->old, &old);
	struct span key = is ? key_lines(buf_span(&found)) : SPAN_NONE;
	enum rc rc = look_add(out, buf_span(&found), is);

	if (rc == RC_OK)
		rc = look_add(out, key, key.n != 0);
	return rc != RC_OK ? rc : look_add(out, buf_span(&old), was);
}

static enum rc
replace_look_there(const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct replace *replace = arg;
	struct pair p;
	enum rc rc = pair_open(replace, dirs, theirs, &p);

	if (rc == RC_OK)
		rc = pair_each_claim(&p, &replace->claim, spot_claim_check);
	if (rc == RC_OK)
		rc = replace_look_at(&p.cert, out);
	return rc != RC_OK ? rc : replace_look_at(&p.key, out);
}

static enum rc
replace_holds_key_there(
    const int dirs[], bool theirs, void *arg, struct buf *out)
{
	const struct replace *replace = arg;
	WIPED(buf) found = { 0 };
	struct stat st = { 0 };
	struct pair p;
	bool is = false;
	enum rc rc = pair_open(replace, dirs, theirs, &p);

	if (rc == RC_OK)
		rc = spot_read(&p.cert, p.cert.name, &found, &is);
	if (rc == RC_OK)
		rc = buf_add_byte(out, key_lines(buf_span(&found)).n != 0);
	(void)spot_kind(&p.cert, p.cert.name, &st);
	return rc != RC_OK ? rc : buf_add_byte(out, (st.st_mode & 0007) != 0);
}

enum rc
replace_put(const struct replace *replace)
{
	WIPED(buf) out = { 0 };

	return there(replace, replace_put_there, &out);
}

enum rc
replace_keep(const struct replace *replace)
{
	WIPED(buf) out = { 0 };

	return there(replace, replace_keep_there, &out);
}

enum rc
replace_undo(const struct replace *replace, bool *ret_is)
{
	WIPED(buf) out = { 0 };
	enum rc rc = there(replace, replace_undo_there, &out);

	if (rc == RC_OK)
		*ret_is = out.p[0] != 0;
	return rc;
}

enum rc
replace_unclaim(const struct replace *replace)
{
	WIPED(buf) out = { 0 };

	return there(replace, replace_unclaim_there, &out);
}

static const uint8_t *
take_found(const uint8_t *p, bool *ret_is, uint8_t ret[static SHA256_LEN])
{
	*ret_is = p[0] != 0;
	memcpy(ret, p + 1, SHA256_LEN);
	return p + 1 + SHA256_LEN;
}

static const uint8_t *
replace_found_take(const uint8_t *p, struct replace_found *ret)
{
	p = take_found(p, &ret->is, ret->sha256);
	p = take_found(p, &ret->has_key, ret->key);
	return take_found(p, &ret->was, ret->was_sha256);
}

enum rc
replace_look(const struct replace *replace, struct replace_found *ret_cert,
    struct replace_found *ret_key)
{
	WIPED(buf) out = { 0 };
	const size_t one = 3 * (1 + SHA256_LEN);
	enum rc rc = there(replace, replace_look_there, &out);

	if (rc == RC_OK && out.n != 2 * one)
		rc = err_set(RC_BUG, "%s: no look at it", replace->cert.path);
	if (rc != RC_OK)
		return rc;
	(void)replace_found_take(replace_found_take(out.p, ret_cert), ret_key);
	return RC_OK;
}

enum rc
replace_holds_key(const char *path, bool *ret_key, bool *ret_open)
{
	const struct replace replace = { .cert = { .path = path } };
	WIPED(buf) out = { 0 };
	enum rc rc = there(&replace, replace_holds_key_there, &out);

	if (rc != RC_OK)
		return rc;
	*ret_key = out.p[0] != 0;
	*ret_open = out.p[1] != 0;
	return RC_OK;
}
