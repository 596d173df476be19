/* SPDX-License-Identifier: Apache-2.0 */
/* A file of a server as it lies there: what it looks like, and whose it is
 * among the homes. How several change together is for replace.c. */
#include "transfer/online/deploy/replace_spot.h"

#include "base/hex.h"
#include "transfer/online/deploy/site.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define NEW ".airgap-new"
#define OLD ".airgap-old"
#define CLAIM ".airgap-home"
#define CLAIM_MAX 8192 /* bytes: a digest, the path of a home */

enum rc
spot_open(const char *path, int dir, bool theirs, struct replace_spot *ret)
{
	const char *name = file_name(path);

	if (*name == '\0' || strlen(name) + sizeof("." CLAIM) > SPOT_ROOM)
		return err_set(RC_STATE, "%s: no path of a file", path);
	*ret =
	    (struct replace_spot){ .path = path, .dir = dir, .theirs = theirs };
	(void)snprintf(ret->name, SPOT_ROOM, "%s", name);
	(void)snprintf(ret->fresh, SPOT_ROOM, "%s" NEW, name);
	(void)snprintf(ret->old, SPOT_ROOM, "%s" OLD, name);
	(void)snprintf(ret->claim, SPOT_ROOM, ".%s" CLAIM, name);
	return RC_OK;
}

/* ---- what is there ------------------------------------------------------- */

mode_t
spot_kind(const struct replace_spot *s, const char *name, struct stat *ret)
{
	if (fstatat(s->dir, name, ret, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return ret->st_mode & S_IFMT;
}

bool
spot_is_there(const struct replace_spot *s, const char *name)
{
	struct stat st;

	return spot_kind(s, name, &st) != 0;
}

enum rc
spot_no_file(const struct replace_spot *s)
{
	return err_set(RC_IO,
	    "%s: not a regular file: deploy to what it leads to", s->path);
}

enum rc
spot_read(const struct replace_spot *s, const char *name, struct buf *ret,
    bool *ret_is)
{
	OWN_FD fd = -1;
	enum rc rc = site_file_open(s->dir, name, s->path, &fd);

	struct stat st;

	*ret_is = fd >= 0;
	if (rc != RC_OK) {
		mode_t kind = spot_kind(s, name, &st);

		return kind != 0 && kind != S_IFREG ? spot_no_file(s) : rc;
	}
	return fd >= 0 ? fd_read(fd, s->path, REPLACE_MAX, ret) : RC_OK;
}

/* ---- what shall be there ------------------------------------------------- */

/* Who is not root can give a file to nobody, but to a group of theirs. */
struct file_look
spot_look(const struct replace_spot *s, bool secret)
{
	const char *names[] = { s->old, s->name };

	for (size_t i = 0; i < 2; i++) {
		struct stat st;

		if (spot_kind(s, names[i], &st) != S_IFREG)
			continue;
		if (s->theirs) {
			st.st_uid = geteuid();
			if (group_member(st.st_gid) == 0)
				st.st_gid = getegid();
		}
		return (struct file_look){ st.st_mode & 0777, true, st.st_uid,
			st.st_gid };
	}
	return (struct file_look){ .mode = secret ? 0600 : 0644 };
}

enum rc
spot_put(const struct replace_spot *s, struct span bytes,
    const struct file_look *look)
{
	const struct file_write put = { .dir = s->dir,
		.name = s->name,
		.temporary = s->fresh,
		.from = s->path,
		.look = *look };

	return file_write(&put, bytes);
}

/* ---- which home keeps it ------------------------------------------------- */

/* \param[out] ret_path  the other home's, "" when it does not say */
static enum rc
claim_read(const struct replace_spot *s, const struct replace_claim *claim,
    bool *ret_is, bool *ret_ours, struct buf *ret_path)
{
	WIPED(buf) found = { 0 };
	char ours[2 * SHA256_LEN + 1];
	struct span line, rest;
	enum rc rc;

	*ret_ours = false;
	*ret_is = false;
	if (claim->path == NULL)
		return RC_OK;
	rc = spot_read(s, s->claim, &found, ret_is);
	if (rc != RC_OK || !*ret_is)
		return rc;
	hex_write(span_of(claim->home, SHA256_LEN), ours);
	rest = buf_span(&found);
	line = span_take_line(&rest);
	*ret_ours = span_eq_str(line, ours);
	return found.n > CLAIM_MAX
		   ? RC_OK
		   : buf_add_span(ret_path, span_take_line(&rest));
}

enum rc
spot_claim_check(
    const struct replace_spot *s, const struct replace_claim *claim)
{
	WIPED(buf) path = { 0 };
	bool is, ours;
	enum rc rc = claim_read(s, claim, &is, &ours, &path);

	if (rc != RC_OK || !is || ours || claim->take)
		return rc;
	return rule_refuse(RULE_DEPLOY_TAKEN,
	    "%s: is kept by another home: %.*s", s->path,
	    path.n == 0 ? 7 : (int)path.n,
	    path.n == 0 ? "unnamed" : (const char *)path.p);
}

enum rc
spot_claim(const struct replace_spot *s, const struct replace_claim *claim)
{
	WIPED(buf) path = { 0 };
	WIPED(buf) text = { 0 };
	char ours[2 * SHA256_LEN + 1];
	const struct file_write put = { .dir = s->dir,
		.name = s->claim,
		.temporary = s->fresh,
		.from = s->path,
		.look = { .mode = 0600 } };
	bool is, is_ours;
	enum rc rc = claim_read(s, claim, &is, &is_ours, &path);

	if (rc != RC_OK || is_ours || claim->path == NULL)
		return rc;
	hex_write(span_of(claim->home, SHA256_LEN), ours);
	rc = buf_printf(&text, "%s\n%s\n", ours, claim->path);
	return rc != RC_OK ? rc : file_write(&put, buf_span(&text));
}

enum rc
spot_unclaim(const struct replace_spot *s, const struct replace_claim *claim)
{
	WIPED(buf) path = { 0 };
	bool is, ours;
	enum rc rc = claim_read(s, claim, &is, &ours, &path);

	if (rc == RC_OK && ours && unlinkat(s->dir, s->claim, 0) != 0)
		rc = err_errno(RC_IO, errno, "%s: %s", s->path, s->claim);
	return rc;
}
