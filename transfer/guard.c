/* SPDX-License-Identifier: Apache-2.0 */
/* Owner and mode of a home and of the files in it that decide something. What
 * is in them is not looked at. */
#include "transfer/guard.h"

#include "transfer/rule.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_strange(uid_t owner)
{
	uid_t us = geteuid();

	return us != 0 && owner != 0 && owner != us;
}

static enum rc
guard_check(const char *path, const char *name, const struct stat *st)
{
	const char *slash = *name == '\0' ? "" : "/";

	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return rule_refuse(RULE_HOME_MODE,
		    "%s%s%s: others than its owner may write to it (mode %04o)",
		    path, slash, name, (unsigned)st->st_mode & 07777);
	if (is_strange(st->st_uid))
		return rule_refuse(RULE_HOME_MODE,
		    "%s%s%s: belongs to user %u, who is neither root nor you",
		    path, slash, name, (unsigned)st->st_uid);
	return RC_OK;
}

enum rc
guard_home(int dir, const char *path, const char *const *names)
{
	struct stat st;
	enum rc rc;

	if (fstat(dir, &st) != 0)
		return err_errno(RC_IO, errno, "%s", path);
	rc = guard_check(path, "", &st);
	for (; rc == RC_OK && *names != NULL; names++) {
		/* What a link points to is what would be read. */
		if (fstatat(dir, *names, &st, 0) == 0)
			rc = guard_check(path, *names, &st);
		else if (errno != ENOENT)
			rc = err_errno(RC_IO, errno, "%s/%s", path, *names);
	}
	return rc;
}
