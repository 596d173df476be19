/* SPDX-License-Identifier: Apache-2.0 */
/* Links are followed once, when a person types the path, and only those that
 * nobody but root and that person could put there; never again after that.
 * Whoever may write to a server's directory could otherwise turn what root does
 * there to any file. */
#include "transfer/online/deploy/replace.h"

#include "base/file.h"
#include "transfer/online/deploy/site.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static enum rc
typed_check_name(const char *typed)
{
	const char *name = file_name(typed);

	if (strlen(typed) >= PATH_MAX)
		return err_set(RC_USAGE, "%.40s...: too long a path", typed);
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(
		    RC_USAGE, "%s: wanted the name of a file", typed);
	return RC_OK;
}

static enum rc
typed_check_kind(const char *typed, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return S_ISREG(st.st_mode)
			   ? RC_OK
			   : err_set(RC_USAGE, "%s: not a regular file", typed);
	if (errno != ENOENT)
		return err_errno(RC_IO, errno, "%s", typed);
	if (lstat(typed, &st) == 0)
		return err_set(RC_USAGE,
		    "%s: a symbolic link that leads to nothing", typed);
	return typed_check_name(typed);
}

enum rc
replace_path(const char *typed, char **ret_path)
{
	char *path = NULL;
	enum rc rc = *typed == '\0' ? typed_check_name(typed) : RC_OK;

	if (rc == RC_OK)
		rc = site_path(typed, &path);
	if (rc == RC_OK)
		rc = typed_check_kind(typed, path);
	if (rc != RC_OK) {
		free(path);
		return rc;
	}
	*ret_path = path;
	return RC_OK;
}
