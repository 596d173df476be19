/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one response on a medium, mapped one at a time. What they are
 * worth is for the judge. */
#include "transfer/online/receive/response_dir.h"

#include "base/file.h"
#include "transfer/format/cose.h"
#include "transfer/media/layout.h"
#include "transfer/rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESPONSE_PIECE ((size_t)256 << 10)

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

/* By reading: what is mapped and touched counts as memory of this process. */
static enum rc
read_pieces(int fd, const char *from, const struct file_sink *to)
{
	WIPED(buf) piece = { 0 };
	enum rc rc = buf_reserve(&piece, RESPONSE_PIECE);

	for (off_t at = 0; rc == RC_OK;) {
		ssize_t n = pread(fd, piece.p, RESPONSE_PIECE, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(RC_IO, errno, "%s", from);
		if (n == 0)
			break;
		at += n;
		rc = to->add(to->arg, span_of(piece.p, (size_t)n));
	}
	return rc;
}

enum rc
response_dir_pieces(
    struct response_dir *dir, size_t i, const struct file_sink *to)
{
	char path[RESPONSE_PATH_MAX + MEDIA_NAME_MAX];
	OWN_FD fd = -1;
	struct stat st;
	enum rc rc;

	(void)snprintf(
	    path, sizeof(path), "%s/%.*s", dir->path, SPAN_FMT(dir->others[i]));
	rc = media_copy(dir->media, path, MEDIA_FILE_MAX, &fd);
	if (rc == RC_OK && fstat(fd, &st) != 0)
		rc = err_errno(RC_IO, errno, "%s", path);
	if (rc == RC_OK && to->begin != NULL)
		rc = to->begin(to->arg, (uint64_t)st.st_size);
	return rc != RC_OK ? rc : read_pieces(fd, path, to);
}

enum rc
response_dir_find(const struct response_dir *dir, struct span name, size_t *ret)
{
	for (size_t i = 0; i < dir->n_others; i++)
		if (span_eq(dir->others[i], name)) {
			*ret = i;
			return RC_OK;
		}
	return err_set(RC_IO, "%s: %.*s is gone", dir->path, SPAN_FMT(name));
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
