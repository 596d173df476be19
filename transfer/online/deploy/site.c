/* SPDX-License-Identifier: Apache-2.0 */
/* What the files are is not known here. The process of another user is forked
 * and not executed, so it has our memory, which that user may not read: a
 * process that changed its user is not dumpable, and so can be neither traced
 * nor looked into. */
#include "transfer/online/deploy/site.h"

#include "base/child.h"
#include "base/file.h"
#include "base/secret.h"
#include "transfer/guard.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SITE_NAME "deploying"
#define SITE_NO_GROUP 65534 /* of a user without an entry */

struct site {
	const struct site_dir *dirs;
	size_t n;
	site_work *work;
	void *arg;
	struct guard_way ways[SITE_DIRS];
};

static void
site_wipe(struct site *site)
{
	for (size_t i = 0; i < site->n; i++)
		guard_way_wipe(&site->ways[i]);
}

/* ---- whose they are ------------------------------------------------------ */

static enum rc
site_look(struct site *site)
{
	for (size_t i = 0; i < site->n; i++) {
		struct guard_way *way = &site->ways[i];
		enum rc rc = guard_way_open(site->dirs[i].path, way);

		if (rc != RC_OK)
			return err_in(
			    rc, "%s: its directory", site->dirs[i].from);
		if (way->found == GUARD_OPEN)
			return rule_refuse(RULE_DEPLOY_OWNER,
			    "%s: %s: others than its owner may write to it (mode %04o)",
			    site->dirs[i].from, way->at, (unsigned)way->mode);
		if (way->found == GUARD_STRANGE && geteuid() != 0)
			return rule_refuse(RULE_DEPLOY_OWNER,
			    "%s: %s: belongs to user %u, who is neither root nor you",
			    site->dirs[i].from, way->at, (unsigned)way->owner);
		if (way->found != site->ways[0].found ||
		    way->owner != site->ways[0].owner)
			return rule_refuse(RULE_DEPLOY_OWNER,
			    "%s: its directory is not of the user whose that of %s is",
			    site->dirs[i].from, site->dirs[0].from);
	}
	return RC_OK;
}

/* Each of them, opened for reading and syncing from where the look ended. */
static enum rc
site_open(const struct site *site, int dirs[static SITE_DIRS])
{
	for (size_t i = 0; i < site->n; i++) {
		const struct guard_way *way = &site->ways[i];

		dirs[i] = fd_open_unlinked(way->dir,
		    *way->rest == '\0' ? "." : way->rest,
		    O_RDONLY | O_DIRECTORY);
		if (dirs[i] < 0)
			return err_errno(RC_IO, errno, "%s: its directory",
			    site->dirs[i].from);
	}
	return RC_OK;
}

static enum rc
site_work_there(const struct site *site, bool theirs, struct buf *out)
{
	int dirs[SITE_DIRS] = { -1, -1 };
	enum rc rc = site_open(site, dirs);

	if (rc == RC_OK)
		rc = site->work(dirs, theirs, site->arg, out);
	for (size_t i = 0; i < SITE_DIRS; i++)
		fd_close(&dirs[i]);
	return rc;
}

/* ---- as another user ----------------------------------------------------- */

/* For good: with their groups, and no way back. */
static enum rc
site_become(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);
	const gid_t gid = user != NULL ? user->pw_gid : SITE_NO_GROUP;
	const pid_t parent = getppid();

	if ((user != NULL ? initgroups(user->pw_name, gid)
			  : setgroups(0, NULL)) != 0 ||
	    setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    !secret_hide())
		return err_errno(
		    RC_IO, errno, "user %u: cannot be become", (unsigned)uid);
	/* A change of user forgets who dies with whom. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		return err_set(RC_IO, "the parent ended");
	if (setuid(0) == 0 || setgid(0) == 0)
		return err_set(RC_BUG, "user %u: root again", (unsigned)uid);
	return RC_OK;
}

/* The answer: code, rule, sentence, and what came out. */
static enum rc
site_child(int sock, void *arg)
{
	const struct site *site = arg;
	WIPED(buf) out = { 0 };
	WIPED(buf) record = { 0 };
	enum rc rc = site_become(site->ways[0].owner);

	if (rc == RC_OK)
		rc = site_work_there(site, true, &out);
	if (rc != RC_OK)
		buf_reset(&out);
	if (child_result_put(rc, &record) != RC_OK ||
	    buf_add_span(&record, buf_span(&out)) != RC_OK)
		return RC_IO;
	return frame_send(sock, buf_span(&record), -1, SITE_NAME);
}

static enum rc
site_answer(struct span record, struct buf *out)
{
	enum rc rc = child_result_take(&record, SITE_NAME, RULES);

	return rc != RC_OK ? rc : buf_add_span(out, record);
}

static enum rc
site_as_owner(struct site *site, struct buf *out)
{
	WIPED(child) child = CHILD_NONE;
	WIPED(buf) record = { 0 };
	int keep[SITE_DIRS];
	enum rc rc;

	for (size_t i = 0; i < site->n; i++)
		keep[i] = site->ways[i].dir;
	rc = child_start(&child, SITE_NAME, site_child, site, keep, site->n);
	if (rc != RC_OK)
		return rc;
	rc = frame_recv(child.sock, SITE_ANSWER_MAX, SITE_SECONDS, &record,
	    NULL, SITE_NAME);
	if (rc != RC_OK)
		return err_in(child_explain(&child, rc), "%s, as user %u",
		    site->dirs[0].from, (unsigned)site->ways[0].owner);
	return site_answer(buf_span(&record), out);
}

enum rc
site_do(const struct site_dir *dirs, size_t n, site_work *work, void *arg,
    struct buf *out)
{
	WIPED(site)
	site = { .dirs = dirs,
		.n = n,
		.work = work,
		.arg = arg,
		.ways = { GUARD_WAY_NONE, GUARD_WAY_NONE } };
	enum rc rc = site_look(&site);

	if (rc != RC_OK)
		return rc;
	return site.ways[0].found == GUARD_STRANGE
		   ? site_as_owner(&site, out)
		   : site_work_there(&site, false, out);
}

/* ---- paths --------------------------------------------------------------- */

/* No link is left on it, but where somebody else could turn one to any file of
 * root's. Who changes that later is met by whoever opens it, without links. */
enum rc
site_path(const char *typed, char **ret_path)
{
	char *path = NULL;
	OWN_FD fd = -1;
	enum rc rc = guard_path(typed, &path);

	if (rc != RC_OK)
		return err_in(rc, "%s: its directory", typed);
	fd = fd_open_unlinked(AT_FDCWD, path, O_PATH);
	if (fd < 0 && errno == ELOOP) {
		free(path);
		return rule_refuse(RULE_DEPLOY_OWNER,
		    "%s: a link on it is one that others than root and you can change",
		    typed);
	}
	*ret_path = path;
	return RC_OK;
}

/* ---- files --------------------------------------------------------------- */

enum rc
site_file_of(const char *path, struct site_file *ret)
{
	const char *name = file_name(path);

	if (*path != '/' || *name == '\0' || strlen(path) >= PATH_MAX ||
	    strlen(name) > NAME_MAX)
		return err_set(RC_STATE, "%s: no path of a file", path);
	(void)snprintf(ret->dir, sizeof(ret->dir), "%.*s",
	    name == path + 1 ? 1 : (int)(name - path - 1), path);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	return RC_OK;
}

enum rc
site_file_open(int dir, const char *name, const char *from, int *ret_fd)
{
	OWN_FD fd = fd_openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	struct stat st;

	*ret_fd = -1;
	if (fd < 0 && errno == ENOENT)
		return RC_OK;
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return err_errno(RC_IO, errno, "%s", from);
	if (fd >= 0 && fstat(fd, &st) != 0)
		return err_errno(RC_IO, errno, "%s", from);
	if (fd < 0 || !S_ISREG(st.st_mode))
		return err_set(RC_IO, "%s: not a regular file", from);
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

enum rc
site_own_file_open(const char *path, const char *from, int *ret_fd)
{
	WIPED(guard_way) way = GUARD_WAY_NONE;
	struct site_file file;
	enum rc rc = site_file_of(path, &file);

	if (rc == RC_OK)
		rc = guard_way_open(file.dir, &way);
	if (rc != RC_OK)
		return err_in(rc, "%s", from);
	if (way.found != GUARD_CLEAR)
		return rule_refuse(RULE_DEPLOY_OWNER,
		    "%s: %s: others than root and you can change what lies there",
		    from, way.at);
	rc = site_file_open(way.dir, file.name, from, ret_fd);
	return rc == RC_OK && *ret_fd < 0 ? err_errno(RC_IO, ENOENT, "%s", from)
					  : rc;
}
