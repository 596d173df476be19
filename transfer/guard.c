/* SPDX-License-Identifier: Apache-2.0 */
/* Owner and mode of a home, of what decides something in it, and of each
 * directory on the way to it. What is in files is not looked at. A path is
 * walked by descriptors: what was looked at is where the next step starts. */
#include "transfer/guard.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/own.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUARD_LINKS_MAX 40  /* as the kernel's */
#define GUARD_UNNAMED 65534 /* an owner without a number here looks so */

static bool
is_strange(uid_t owner)
{
	return owner != 0 && owner != geteuid();
}

static bool
is_open_to_others(const struct stat *st)
{
	return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* ---- the way ------------------------------------------------------------- */

void
guard_way_wipe(struct guard_way *way)
{
	fd_close(&way->dir);
	free(way->rest);
	free(way->at);
	*way = GUARD_WAY_NONE;
}

/* A way while it is walked. */
struct guard_walk {
	bool follow;	 /* links that are root's or ours */
	bool lacking;	 /* what is not there yet ends the walk well */
	bool typed;	 /* so does what is none, or no directory, at its end */
	int dir;	 /* where we stand */
	struct buf at;	 /* the path of that; "" is the root */
	struct buf rest; /* what is still to be walked, with a terminator */
	unsigned links;
	enum guard_found found;
	uid_t owner;
	mode_t mode;
};

static void
guard_walk_wipe(struct guard_walk *w)
{
	fd_close(&w->dir);
	buf_wipe(&w->at);
	buf_wipe(&w->rest);
}

/* In a user namespace without a number for root, what belongs to root has this
 * owner. Whoever entered one knows what lies above. */
static bool
is_unnamed_root(uid_t owner)
{
	OWN_FD fd = -1;
	char map[64] = "";
	unsigned inside, outside, count = UINT_MAX;

	if (owner != GUARD_UNNAMED)
		return false;
	fd = fd_openat(AT_FDCWD, "/proc/self/uid_map", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0 || read(fd, map, sizeof(map) - 1) <= 0)
		return false;
	return sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 &&
	       count != UINT_MAX;
}

static const char *
guard_walk_text(struct guard_walk *w)
{
	const char *text = w->at.n == 0 ? "/" : buf_cstr(&w->at);

	return text == NULL ? "?" : text;
}

static bool
guard_walk_is_last(const struct guard_walk *w)
{
	const char *rest = (const char *)w->rest.p;

	return rest[strspn(rest, "/")] == '\0';
}

/* Go to this directory, whoever else may write there. */
static void
guard_walk_enter(struct guard_walk *w, int *dir, const struct stat *st)
{
	if (is_open_to_others(st) &&
	    ((st->st_mode & S_ISVTX) == 0 || guard_walk_is_last(w))) {
		w->found = GUARD_OPEN;
		w->mode = st->st_mode & 07777;
	}
	fd_close(&w->dir);
	w->dir = *dir;
	*dir = -1;
}

static void
guard_walk_stranger(struct guard_walk *w, uid_t owner)
{
	w->found = GUARD_STRANGE;
	w->owner = owner;
}

static enum rc
guard_walk_begin(struct guard_walk *w, const char *path)
{
	char cwd[PATH_MAX];
	OWN_FD root = -1;
	struct stat st;
	enum rc rc;

	if (*path != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return err_errno(RC_IO, errno, "%s: where it lies", path);
	rc = *path == '/' ? buf_add_str(&w->rest, path)
			  : buf_printf(&w->rest, "%s/%s", cwd, path);
	if (rc == RC_OK)
		rc = buf_add_byte(&w->rest, '\0');
	if (rc != RC_OK)
		return rc;
	root = fd_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (root < 0 || fstat(root, &st) != 0)
		return err_errno(RC_IO, errno, "/");
	if (is_strange(st.st_uid) && !is_unnamed_root(st.st_uid))
		guard_walk_stranger(w, st.st_uid);
	else
		guard_walk_enter(w, &root, &st);
	return RC_OK;
}

/* Put what a link says in front of the rest. */
static enum rc
guard_walk_splice(struct guard_walk *w, int link)
{
	WIPED(buf) rest = { 0 };
	char to[PATH_MAX];
	ssize_t n = readlinkat(link, "", to, sizeof(to));
	enum rc rc;

	if (n <= 0 || (size_t)n == sizeof(to) || ++w->links > GUARD_LINKS_MAX)
		return err_errno(
		    RC_IO, n < 0 ? errno : ELOOP, "%s", guard_walk_text(w));
	rc = buf_add(&rest, to, (size_t)n);
	if (rc == RC_OK)
		rc = buf_printf(&rest, "/%s", (const char *)w->rest.p);
	if (rc == RC_OK)
		rc = buf_add_byte(&rest, '\0');
	if (rc != RC_OK)
		return rc;
	buf_wipe(&w->rest);
	w->rest = rest;
	rest = (struct buf){ 0 };
	if (*to == '/') {
		w->at.n = 0;
		fd_close(&w->dir);
		w->dir = fd_openat(
		    AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		if (w->dir < 0)
			return err_errno(RC_IO, errno, "/");
	}
	return RC_OK;
}

/* The next name of the rest, which is taken off it; "" at the end. */
static enum rc
guard_walk_take(struct guard_walk *w, char name[static NAME_MAX + 1])
{
	const char *rest = (const char *)w->rest.p;
	const char *from = rest + strspn(rest, "/");
	size_t n = strcspn(from, "/");

	if (n > NAME_MAX)
		return err_errno(RC_IO, ENAMETOOLONG, "%s", guard_walk_text(w));
	(void)snprintf(name, NAME_MAX + 1, "%.*s", (int)n, from);
	buf_keep_last(&w->rest, w->rest.n - (size_t)(from + n - rest));
	return RC_OK;
}

/* The path of where we go, for sentences. */
static enum rc
guard_walk_name(struct guard_walk *w, const char *name)
{
	if (strcmp(name, "..") != 0)
		return buf_printf(&w->at, "/%s", name);
	while (w->at.n != 0 && w->at.p[--w->at.n] != '/')
		continue;
	return RC_OK;
}

/* One name further; `found` says when that was too far. */
static enum rc
guard_walk_step(struct guard_walk *w, const char *name)
{
	OWN_FD next =
	    fd_openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	const size_t before = w->at.n;
	struct stat st;
	enum rc rc = guard_walk_name(w, name);

	if (rc != RC_OK)
		return rc;
	if (next < 0 && errno == ENOENT &&
	    (w->lacking || (w->typed && guard_walk_is_last(w)))) {
		w->found = GUARD_LACKING;
		return RC_OK;
	}
	if (next < 0 || fstat(next, &st) != 0)
		return err_errno(RC_IO, errno, "%s", guard_walk_text(w));
	if (is_strange(st.st_uid) && !is_unnamed_root(st.st_uid)) {
		guard_walk_stranger(w, st.st_uid);
		return RC_OK;
	}
	if (S_ISLNK(st.st_mode) && w->follow) {
		w->at.n = before;
		return guard_walk_splice(w, next);
	}
	if (!S_ISDIR(st.st_mode) && w->typed && guard_walk_is_last(w)) {
		w->found = GUARD_FILE;
		return RC_OK;
	}
	if (!S_ISDIR(st.st_mode))
		return err_errno(RC_IO, S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR,
		    "%s", guard_walk_text(w));
	guard_walk_enter(w, &next, &st);
	return RC_OK;
}

/* As far as the walk goes. `name` is the last one that was taken. */
static enum rc
guard_walk_go(
    struct guard_walk *w, const char *path, char name[static NAME_MAX + 1])
{
	enum rc rc = guard_walk_begin(w, path);

	*name = '\0';
	while (rc == RC_OK && w->found == GUARD_CLEAR) {
		rc = guard_walk_take(w, name);
		if (rc != RC_OK || *name == '\0')
			break;
		if (strcmp(name, ".") != 0)
			rc = guard_walk_step(w, name);
	}
	return rc;
}

static enum rc
guard_walk(struct guard_walk *w, const char *path, struct guard_way *ret)
{
	char name[NAME_MAX + 1];
	enum rc rc = guard_walk_go(w, path, name);

	if (rc != RC_OK)
		return rc;
	ret->at = strdup(guard_walk_text(w));
	if (asprintf(&ret->rest, "%s%s", w->found == GUARD_STRANGE ? name : "",
		(const char *)w->rest.p) < 0)
		ret->rest = NULL;
	if (ret->at == NULL || ret->rest == NULL)
		return err_memory();
	ret->found = w->found;
	ret->owner = w->owner;
	ret->mode = w->mode;
	ret->dir = w->dir;
	w->dir = -1;
	return RC_OK;
}

enum rc
guard_way_open(const char *path, struct guard_way *ret)
{
	WIPED(guard_walk) w = { .dir = -1 };

	return guard_walk(&w, path, ret);
}

enum rc
guard_path(const char *typed, char **ret_path)
{
	WIPED(guard_walk) w = { .follow = true, .typed = true, .dir = -1 };
	char name[NAME_MAX + 1];
	enum rc rc = guard_walk_go(&w, typed, name);

	while (rc == RC_OK && !guard_walk_is_last(&w)) {
		rc = guard_walk_take(&w, name);
		if (rc == RC_OK && strcmp(name, ".") != 0)
			rc = guard_walk_name(&w, name);
	}
	if (rc != RC_OK)
		return rc;
	*ret_path = strdup(guard_walk_text(&w));
	return *ret_path == NULL ? err_memory() : RC_OK;
}

/* ---- a home -------------------------------------------------------------- */

static enum rc
guard_home_open(const char *path, const char *name, mode_t mode)
{
	return rule_refuse(RULE_HOME_MODE,
	    "%s%s%s: others than its owner may write to it (mode %04o)", path,
	    *name == '\0' ? "" : "/", name, (unsigned)mode & 07777);
}

static enum rc
guard_home_strange(const char *path, const char *name, uid_t owner)
{
	return rule_refuse(RULE_HOME_MODE,
	    "%s%s%s: belongs to user %u, who is neither root nor you", path,
	    *name == '\0' ? "" : "/", name, (unsigned)owner);
}

static enum rc
guard_check(const char *path, const char *name, const struct stat *st)
{
	if (is_open_to_others(st))
		return guard_home_open(path, name, st->st_mode);
	if (is_strange(st->st_uid))
		return guard_home_strange(path, name, st->st_uid);
	return RC_OK;
}

/* What lies on the way, links that are root's or ours followed. */
static enum rc
guard_above(const char *path, bool lacking, struct guard_way *ret)
{
	WIPED(guard_walk)
	w = { .follow = true, .lacking = lacking, .dir = -1 };
	enum rc rc = guard_walk(&w, path, ret);

	if (rc == RC_OK && ret->found == GUARD_OPEN)
		return guard_home_open(ret->at, "", ret->mode);
	if (rc == RC_OK && ret->found == GUARD_STRANGE)
		return guard_home_strange(ret->at, "", ret->owner);
	return rc;
}

enum rc
guard_home_new(const char *path)
{
	WIPED(guard_way) way = GUARD_WAY_NONE;

	return guard_above(path, true, &way);
}

/* The way leads to what is open. */
static enum rc
guard_leads(const char *path, const struct stat *home)
{
	WIPED(guard_way) way = GUARD_WAY_NONE;
	struct stat st;
	enum rc rc = guard_above(path, false, &way);

	if (rc == RC_OK && fstat(way.dir, &st) != 0)
		rc = err_errno(RC_IO, errno, "%s", path);
	if (rc == RC_OK &&
	    (st.st_dev != home->st_dev || st.st_ino != home->st_ino))
		rc = rule_refuse(RULE_HOME_MODE,
		    "%s: became another directory while it was looked at",
		    path);
	return rc;
}

enum rc
guard_home(int dir, const char *path, const char *const *names)
{
	struct stat home, st;
	enum rc rc;

	if (fstat(dir, &home) != 0)
		return err_errno(RC_IO, errno, "%s", path);
	rc = guard_check(path, "", &home);
	if (rc == RC_OK)
		rc = guard_leads(path, &home);
	for (; rc == RC_OK && *names != NULL; names++) {
		/* What a link points to is what would be read. */
		if (fstatat(dir, *names, &st, 0) == 0)
			rc = guard_check(path, *names, &st);
		else if (errno != ENOENT)
			rc = err_errno(RC_IO, errno, "%s/%s", path, *names);
	}
	return rc;
}

/* That it may not be looked into says too little: whose it is says how. */
enum rc
guard_home_enter(const char *path, const char *const *names, int *ret_fd)
{
	OWN_FD dir = -1;
	struct stat st;
	enum rc rc;

	if (access(path, R_OK | X_OK) != 0 && errno == EACCES &&
	    stat(path, &st) == 0 && st.st_uid != geteuid())
		return rule_refuse(RULE_HOME_MODE,
		    "%s: belongs to user %u, and you may not look into it",
		    path, (unsigned)st.st_uid);
	rc = dir_open(AT_FDCWD, path, &dir);
	if (rc == RC_OK)
		rc = guard_home(dir, path, names);
	if (rc != RC_OK)
		return rc;
	*ret_fd = dir;
	dir = -1;
	return RC_OK;
}
