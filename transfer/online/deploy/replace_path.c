/* SPDX-License-Identifier: Apache-2.0 */
/* Links are followed once, when a person types the path and sees where it
 * leads, and never again: whoever may write to a server's directory could
 * otherwise turn root's next rotation to any file. */
#include "transfer/online/deploy/replace.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The real directory, and the name in it. */
static enum rc
join(const char *typed, const char *dir, const char *name, char **ret_path)
{
	char *real = realpath(dir, NULL);
	int n;

	if (real == NULL)
		return err_errno(RC_IO, errno, "%s: its directory", typed);
	n = asprintf(
	    ret_path, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
	free(real);
	return n < 0 ? err_memory() : RC_OK;
}

static enum rc
path_of_new(const char *typed, char **ret_path)
{
	const char *slash = strrchr(typed, '/');
	const char *name = slash == NULL ? typed : slash + 1;
	char dir[PATH_MAX];

	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(
		    RC_USAGE, "%s: wanted the name of a file", typed);
	if (strlen(typed) >= sizeof(dir))
		return err_set(RC_USAGE, "%.40s...: too long a path", typed);
	(void)snprintf(dir, sizeof(dir), "%.*s",
	    slash == NULL ? 1 : (slash == typed ? 1 : (int)(slash - typed)),
	    slash == NULL ? "." : typed);
	return join(typed, dir, name, ret_path);
}

enum rc
replace_path(const char *typed, char **ret_path)
{
	struct stat st;

	if (stat(typed, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return err_set(
			    RC_USAGE, "%s: not a regular file", typed);
		*ret_path = realpath(typed, NULL);
		return *ret_path != NULL ? RC_OK
					 : err_errno(RC_IO, errno, "%s", typed);
	}
	if (errno != ENOENT)
		return err_errno(RC_IO, errno, "%s", typed);
	if (lstat(typed, &st) == 0)
		return err_set(RC_USAGE,
		    "%s: a symbolic link that leads to nothing", typed);
	return path_of_new(typed, ret_path);
}
