/* SPDX-License-Identifier: Apache-2.0 */
/* What lies on a stick against what was once written there, name by name. */
#include "base/file.h"
#include "base/list.h"
#include "transfer/media/media.h"
#include "transfer/media/media_part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

void
media_faults_wipe(struct media_faults *faults)
{
	free(faults->items);
	*faults = (struct media_faults){ 0 };
}

static enum rc
fault_add(struct media_faults *faults, enum media_fault what, const char *name)
{
	struct media_fault_at *one;
	enum rc rc = LIST_GROW(faults->items, faults->n);

	if (rc != RC_OK)
		return rc;
	one = &faults->items[faults->n++];
	one->what = what;
	(void)snprintf(one->name, sizeof(one->name), "%.*s",
	    (int)sizeof(one->name) - 1, name);
	return RC_OK;
}

static bool
is_wanted(const char *name, const struct media_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].name, name) == 0)
			return true;
	return false;
}

/* Names that a stick may not carry at all are no files of ours either. */
static enum rc
find_strange(int dir, const char *from, const struct media_names *names,
    struct media_faults *faults)
{
	WIPED(media_names) strict = { 0 };
	enum rc rc = media_list_at(dir, from, NULL, true, &strict);

	if (rc != RC_FORMAT)
		return rc;
	err_clear();
	return fault_add(faults, MEDIA_EXTRA,
	    *names->left_out != '\0' ? names->left_out : ".*");
}

static enum rc
find_extra(int dir, const char *from, const struct media_file *files, size_t n,
    struct media_faults *faults)
{
	WIPED(media_names) names = { 0 };
	enum rc rc = media_list_at(dir, from, NULL, false, &names);

	for (size_t i = 0; i < names.n && rc == RC_OK; i++)
		if (!is_wanted(names.items[i], files, n))
			rc = fault_add(faults, MEDIA_EXTRA, names.items[i]);
	return rc != RC_OK ? rc : find_strange(dir, from, &names, faults);
}

/* Reading failed, of which this process is not the reason. */
static enum rc
fault_unreadable(struct media_faults *faults, enum rc rc, const char *name)
{
	if (rc != RC_IO || err_shortage() != SHORT_OF_NOTHING)
		return rc;
	err_clear();
	return fault_add(faults, MEDIA_UNREADABLE, name);
}

static enum rc
compare_one(int dir, const char *from, const struct media_file *file,
    struct media_faults *faults, enum media_reach *reach)
{
	struct stat st;
	bool same = false;
	enum rc rc;

	if (fstatat(dir, file->name, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == ENOENT)
		return fault_add(faults, MEDIA_MISSING, file->name);
	rc = media_back_file(dir, from, file, &same, reach);
	if (rc != RC_OK)
		return fault_unreadable(faults, rc, file->name);
	return same ? RC_OK : fault_add(faults, MEDIA_OTHER, file->name);
}

static enum rc
compare_all(int dir, const char *from, const struct media_file *files, size_t n,
    struct media_faults *faults, enum media_reach *reach)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = compare_one(dir, from, &files[i], faults, reach);
	if (rc != RC_OK)
		return rc;
	rc = find_extra(dir, from, files, n, faults);
	return rc != RC_OK ? fault_unreadable(faults, rc, "") : RC_OK;
}

enum rc
media_dir_compare(const struct media *media, const char *path,
    const struct media_file *files, size_t n, struct media_faults *ret,
    struct buf *ret_note)
{
	WIPED(media_faults) faults = { 0 };
	char from[MEDIA_FROM_MAX];
	enum media_reach reach = REACH_MEDIUM;
	OWN_FD dir = -1;
	enum rc rc;

	media_from(media, path, from);
	rc = media_path_check(from, path);
	if (rc != RC_OK)
		return rc;
	dir = fd_open_beneath(media->root, path, O_RDONLY | O_DIRECTORY);
	if (dir >= 0)
		rc = compare_all(dir, from, files, n, &faults, &reach);
	else if (errno == ENOENT)
		rc = fault_add(&faults, MEDIA_MISSING, "");
	else if (errno == ENOTDIR || errno == ELOOP)
		rc = fault_add(&faults, MEDIA_OTHER, "");
	else
		rc = fault_unreadable(
		    &faults, media_open_failed(from, errno), "");
	if (rc == RC_OK)
		rc = media_note_reach(ret_note, reach);
	if (rc != RC_OK)
		return rc;
	faults.past_cache = reach != REACH_CACHE;
	*ret = faults;
	faults = (struct media_faults){ 0 };
	return RC_OK;
}
