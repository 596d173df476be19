/* SPDX-License-Identifier: Apache-2.0 */
/* Names and directories of a stick. All resolution is beneath its root by
 * openat2, because a check of a path and its later use are two moments, and
 * the stick's maker owns what lies between. */
#include "transfer/media/media.h"

#include "base/file.h"
#include "base/list.h"
#include "transfer/media/media_part.h"
#include "transfer/rule.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Entries looked at in one directory, allowed or not: a bound on time. */
#define MEDIA_ENTRIES_MAX (10 * MEDIA_FILES_MAX)

enum rc
media_open(const char *path, struct media *ret)
{
	int root = fd_openat(
	    AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, 0);
	char *copy;

	if (root < 0)
		return err_errno(
		    RC_IO, errno, "%s: cannot be opened as a medium", path);
	copy = strdup(path);
	if (copy == NULL) {
		fd_close(&root);
		return err_memory();
	}
	*ret = (struct media){ .path = copy, .root = root };
	return RC_OK;
}

void
media_wipe(struct media *media)
{
	/* A struct that was never opened has no path, and its root may be 0. */
	if (media == NULL || media->path == NULL)
		return;
	free(media->path);
	media->path = NULL;
	fd_close(&media->root);
}

void
media_from(const struct media *media, const char *path,
    char ret_from[static MEDIA_FROM_MAX])
{
	(void)snprintf(ret_from, MEDIA_FROM_MAX, "%s/%s", media->path, path);
}

enum rc
media_failed(const char *from, const char *what, int errnum)
{
	switch (errnum) {
	case EIO:
	case ENXIO:
	case ENODEV:
	case ENOMEDIUM:
	case EUCLEAN: /* the file system's own word for damage */
	case EBADMSG:
		return err_set(RC_IO,
		    "%s: %s (%s): the stick is damaged, dying or was pulled: unmount it and check it (fsck), or take another",
		    from, what, strerror(errnum));
	default:
		return err_errno(RC_IO, errnum, "%s: %s", from, what);
	}
}

/* The device of a disk that was pulled is gone, while what was mounted from it
 * is still there and looks empty: FAT passes over what it cannot read. */
enum rc
media_check_there(const struct media *media)
{
	static const char disks[] = "/sys/dev/block";
	char disk[64];
	struct stat st;

	if (fstat(media->root, &st) != 0)
		return media_failed(media->path, "cannot be looked at", errno);
	(void)snprintf(disk, sizeof(disk), "%s/%u:%u", disks, major(st.st_dev),
	    minor(st.st_dev));
	/* Major 0 is a file system without a disk of its own. */
	if (major(st.st_dev) == 0 || access(disks, F_OK) != 0 ||
	    access(disk, F_OK) == 0)
		return RC_OK;
	return err_set(RC_IO,
	    "%s: was pulled without being unmounted, and what is seen there is nothing: unmount it and plug it in again",
	    media->path);
}

enum rc
media_open_failed(const char *from, int errnum)
{
	switch (errnum) {
	case ELOOP:
		return rule_refuse(RULE_MEDIA_FILE,
		    "%s: is or lies behind a symbolic link", from);
	case EXDEV:
		return rule_refuse(RULE_MEDIA_FILE,
		    "%s: leaves the medium, or lies on another one mounted within it",
		    from);
	case ENOTDIR:
		return rule_refuse(RULE_MEDIA_FILE,
		    "%s: something on the way there is no directory", from);
	default:
		return media_failed(from, "cannot be opened", errnum);
	}
}

static bool
media_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool
media_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > FILE_NAME_MAX)
		return false;
	/* No dot or dash at either end: FAT drops a last dot, a first one hides
	 * the file, and a first dash becomes an option in somebody's script. */
	if (!media_is_alnum(name[0]) || !media_is_alnum(name[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!media_is_alnum(name[i]) && strchr("._-", name[i]) == NULL)
			return false;
	return true;
}

bool
media_is_litter(const char *name)
{
	static const char *const left[] = { "desktop.ini", "thumbs.db",
		"ehthumbs.db", "ehthumbs_vista.db", "autorun.inf",
		"system volume information", "$recycle.bin", "recycler",
		"recycled", "found.000", "lost+found", "icon\r", "__macosx" };

	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		if (strcasecmp(name, left[i]) == 0)
			return true;
	return false;
}

enum rc
media_path_check(const char *from, const char *path)
{
	const char *at = path;

	while (at != NULL) {
		const char *slash = strchrnul(at, '/');
		char name[MEDIA_NAME_MAX] = "";

		if ((size_t)(slash - at) < sizeof(name))
			memcpy(name, at, (size_t)(slash - at));
		if (!media_name_ok(name))
			return rule_refuse(RULE_MEDIA_NAME,
			    "%s: names are [a-z0-9._-], a letter or digit first and last, at most %d bytes",
			    from, FILE_NAME_MAX);
		at = *slash == '/' ? slash + 1 : NULL;
	}
	return RC_OK;
}

void
media_names_wipe(struct media_names *names)
{
	if (names == NULL)
		return;
	free(names->items);
	*names = (struct media_names){ 0 };
}

/* The name is allowed, and so short enough. */
static enum rc
names_add(struct media_names *names, const char *name)
{
	enum rc rc = LIST_GROW(names->items, names->n);

	if (rc != RC_OK)
		return rc;
	memcpy(names->items[names->n++], name, strlen(name) + 1);
	return RC_OK;
}

/* In any case: a name in capitals is not allowed, but it is not passed over
 * without a word. */
static bool
ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

enum rc
media_name_refuse(const char *from, const char *name)
{
	return rule_refuse(RULE_MEDIA_NAME,
	    "%s: holds \"%.200s\"; names are [a-z0-9._-]", from, name);
}

/* One entry of a directory: taken, passed over or refused. */
static enum rc
names_take(struct media_names *names, const char *from, const char *name,
    const char *suffix, bool strict)
{
	if (media_is_litter(name)) /* "." and "..", too */
		return RC_OK;
	if (suffix != NULL && !ends_in(name, suffix))
		return RC_OK;
	if (!media_name_ok(name)) {
		if (strict)
			return media_name_refuse(from, name);
		if (names->left_out[0] == '\0')
			(void)snprintf(names->left_out, sizeof(names->left_out),
			    "%s", name);
		return RC_OK;
	}
	if (names->n == MEDIA_FILES_MAX)
		return rule_refuse(RULE_MEDIA_COUNT, "%s: holds over %d files",
		    from, MEDIA_FILES_MAX);
	return names_add(names, name);
}

int
media_by_bytes(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum rc
media_list_all(DIR *dir, const char *from, const char *suffix, bool strict,
    struct media_names *names)
{
	for (size_t seen = 0;; seen++) {
		const struct dirent *entry;
		enum rc rc;

		errno = 0;
		entry = readdir(dir);
		if (entry == NULL && errno != 0)
			return media_failed(from, "cannot be listed", errno);
		if (entry == NULL)
			return RC_OK;
		if (seen == MEDIA_ENTRIES_MAX)
			return rule_refuse(RULE_MEDIA_COUNT,
			    "%s: holds over %d entries", from,
			    MEDIA_ENTRIES_MAX);
		rc = names_take(names, from, entry->d_name, suffix, strict);
		if (rc != RC_OK)
			return rc;
	}
}

enum rc
media_list_at(int dir, const char *from, const char *suffix, bool strict,
    struct media_names *ret)
{
	WIPED(media_names) names = { 0 };
	/* A descriptor of its own: closedir closes it, and its offset is ours.
	 */
	int fd = fd_open_beneath(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *stream;
	enum rc rc;

	if (fd < 0)
		return media_open_failed(from, errno);
	stream = fdopendir(fd);
	if (stream == NULL) {
		fd_close(&fd);
		return err_memory();
	}
	rc = media_list_all(stream, from, suffix, strict, &names);
	(void)closedir(stream);
	if (rc != RC_OK)
		return rc;
	if (names.n > 1)
		qsort(names.items, names.n, sizeof(names.items[0]),
		    media_by_bytes);
	*ret = names;
	names = (struct media_names){ 0 };
	return RC_OK;
}

enum rc
media_list(const struct media *media, const char *dir, const char *suffix,
    bool strict, struct media_names *ret)
{
	char from[MEDIA_FROM_MAX];
	bool is_root = strcmp(dir, ".") == 0;
	OWN_FD fd = -1;
	enum rc rc;

	media_from(media, is_root ? "" : dir, from);
	rc = is_root ? RC_OK : media_path_check(from, dir);
	if (rc != RC_OK)
		return rc;
	fd = fd_open_beneath(media->root, dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0 && errno == ENOENT) {
		*ret = (struct media_names){ 0 };
		return RC_OK;
	}
	if (fd < 0)
		return media_open_failed(from, errno);
	return media_list_at(fd, from, suffix, strict, ret);
}
