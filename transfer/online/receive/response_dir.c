/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one response on a medium, mapped one at a time. What they are
 * worth is for the judge. */
#include "transfer/online/receive/response_dir.h"

#include "base/file.h"
#include "transfer/format/cose.h"
#include "transfer/media/layout.h"
#include "transfer/rule.h"

#include <stdio.h>
#include <stdlib.h>

void
response_dir_wipe(struct response_dir *dir)
{
	sealed_wipe(&dir->manifest);
	sealed_wipe(&dir->file);
	media_names_wipe(&dir->names);
	free(dir->others);
	*dir = (struct response_dir){ 0 };
}

static enum rc
map_file(
    struct response_dir *dir, const char *name, size_t cap, struct sealed *ret)
{
	char path[RESPONSE_PATH_MAX + MEDIA_NAME_MAX];
	OWN_FD fd = -1;
	enum rc rc;

	(void)snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	rc = media_copy(dir->media, path, cap, &fd);
	if (rc == RC_OK)
		rc = sealed_map(fd, ret);
	if (rc == RC_OK)
		fd = -1; /* the map's now */
	return rc;
}

/* One file in memory at a time; the one before is unmapped. */
enum rc
response_dir_file(struct response_dir *dir, size_t i, struct span *ret_bytes)
{
	char name[MEDIA_NAME_MAX];
	enum rc rc;

	sealed_wipe(&dir->file);
	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(dir->others[i]));
	rc = map_file(dir, name, MEDIA_FILE_MAX, &dir->file);
	if (rc == RC_OK)
		*ret_bytes = dir->file.bytes;
	return rc;
}

static enum rc
list_files(struct response_dir *dir)
{
	enum rc rc = media_list(dir->media, dir->path, NULL, true, &dir->names);

	if (rc != RC_OK)
		return rc;
	dir->others = calloc(dir->names.n + 1, sizeof(*dir->others));
	if (dir->others == NULL)
		return err_memory();
	for (size_t i = 0; i < dir->names.n; i++)
		if (strcmp(dir->names.items[i], LAYOUT_MANIFEST) != 0)
			dir->others[dir->n_others++] =
			    span_str(dir->names.items[i]);
	if (dir->n_others == dir->names.n)
		return rule_refuse(RULE_MANIFEST_FILES,
		    "%s: " LAYOUT_MANIFEST " is missing", dir->path);
	return RC_OK;
}

enum rc
response_dir_open(
    const struct media *media, const char *name, struct response_dir *ret)
{
	enum rc rc;

	*ret = (struct response_dir){ .media = media };
	(void)snprintf(
	    ret->path, sizeof(ret->path), MEDIA_RESPONSES "/%s", name);
	rc = list_files(ret);
	return rc != RC_OK ? rc
			   : map_file(ret, LAYOUT_MANIFEST, COSE_FILE_MAX,
				 &ret->manifest);
}
