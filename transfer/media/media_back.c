/* SPDX-License-Identifier: Apache-2.0 */
/* Reading back what was written, past the page cache: a dying or fake stick
 * answers success to everything, and only its own answer shows what it kept. */
#include "base/file.h"
#include "transfer/media/media.h"
#include "transfer/media/media_part.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BACK_ROOM ((size_t)256 << 10) /* bytes read at a time */
#define BACK_ALIGN 4096		      /* what O_DIRECT wants at most */

struct media_given {
	enum rc (*add)(void *arg, struct span piece);
	void *arg;
	size_t n;
};

static enum rc
media_given_add(void *arg, struct span piece)
{
	struct media_given *given = arg;

	given->n += piece.n;
	return given->add(given->arg, piece);
}

enum rc
media_file_give(const struct media_file *file,
    enum rc (*add)(void *arg, struct span piece), void *arg)
{
	struct media_given given = { .add = add, .arg = arg };
	const struct file_sink to = { .add = media_given_add, .arg = &given };
	enum rc rc = file->give != NULL ? file->give(file->arg, file->i, &to)
					: file_sink_whole(&to, file->bytes);

	if (rc == RC_OK && given.n != file->bytes.n)
		rc = err_set(RC_BUG, "%s: made anew with %zu bytes, not %zu",
		    file->name, given.n, file->bytes.n);
	return rc;
}

static bool
is_memory(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	return (unsigned long)fs.f_type == TMPFS_MAGIC ||
	       (unsigned long)fs.f_type == RAMFS_MAGIC;
}

/* Is any page of the file still in the cache? When in doubt, yes. */
static bool
is_cached(int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = (size + page - 1) / page;
	unsigned char *in = calloc(pages + 1, 1);
	bool cached = false;
	void *map;

	if (in == NULL)
		return true;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || mincore(map, size, in) != 0)
		cached = true;
	for (size_t i = 0; i < pages; i++)
		if ((in[i] & 1) != 0)
			cached = true;
	if (map != MAP_FAILED)
		(void)munmap(map, size);
	free(in);
	return cached;
}

/* A file that is read beside the bytes that it should hold. */
struct media_beside {
	const char *from;
	int fd;
	uint8_t *room;	   /* BACK_ROOM aligned bytes */
	size_t have, used; /* in room */
	off_t at;	   /* behind them */
	bool same;
};

/* At its end `have` is 0. */
static enum rc
beside_fill(struct media_beside *b)
{
	ssize_t n;

	do
		n = pread(b->fd, b->room, BACK_ROOM, b->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return media_failed(b->from, "cannot be read back", errno);
	b->at += n;
	b->have = (size_t)n;
	b->used = 0;
	return RC_OK;
}

static enum rc
beside_add(void *arg, struct span want)
{
	struct media_beside *b = arg;

	while (b->same && want.n != 0) {
		enum rc rc = b->used < b->have ? RC_OK : beside_fill(b);
		struct span some = want;
		size_t n = b->have - b->used;

		if (rc != RC_OK)
			return rc;
		(void)span_take(&want, n < want.n ? n : want.n, &some);
		b->same = some.n != 0 &&
			  memcmp(b->room + b->used, some.p, some.n) == 0;
		b->used += some.n;
	}
	return RC_OK;
}

/* Does the file hold exactly these bytes? */
static enum rc
media_back_compare(const char *from, int fd, const struct media_file *want,
    uint8_t *room, bool *ret_same)
{
	struct media_beside b = {
		.from = from, .fd = fd, .room = room, .same = true
	};
	enum rc rc = media_file_give(want, beside_add, &b);

	if (rc == RC_OK && b.same && b.used == b.have)
		rc = beside_fill(&b);
	if (rc == RC_OK)
		*ret_same = b.same && b.used == b.have;
	return rc;
}

/* O_DIRECT, where the pages would not go. False: it is not to be had here. */
static bool
compare_direct(int dir, const char *from, const struct media_file *want,
    uint8_t *room, bool *ret_same)
{
	OWN_FD fd = fd_open_beneath(
	    dir, want->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_DIRECT);

	return fd >= 0 &&
	       media_back_compare(from, fd, want, room, ret_same) == RC_OK;
}

/* Pages of a file that was just written are in the cache: drop them, and
 * where they do not go read around them. */
static enum rc
compare_deep(int dir, int fd, const char *from, const struct media_file *want,
    bool *ret_same, enum media_reach *reach)
{
	uint8_t *room = NULL;
	enum media_reach got = REACH_MEDIUM;
	bool done = false;
	enum rc rc = RC_OK;

	if (posix_memalign((void **)&room, BACK_ALIGN, BACK_ROOM) != 0)
		return err_memory();
	if (is_memory(fd))
		got = REACH_MEMORY;
	else if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0 ||
		 (want->bytes.n != 0 && is_cached(fd, want->bytes.n))) {
		done = compare_direct(dir, from, want, room, ret_same);
		if (!done)
			got = REACH_CACHE;
	}
	if (!done)
		rc = media_back_compare(from, fd, want, room, ret_same);
	free(room);
	if (got > *reach)
		*reach = got;
	return rc;
}

enum rc
media_back_file(int dir, const char *from, const struct media_file *want,
    bool *ret_same, enum media_reach *ret_reach)
{
	OWN_FD fd = -1;
	struct stat st;
	enum rc rc;

	if (fstatat(dir, want->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return media_failed(from, "cannot be looked at", errno);
		*ret_same = false;
		return RC_OK;
	}
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (uintmax_t)st.st_size != want->bytes.n) {
		*ret_same = false;
		return RC_OK;
	}
	rc = media_file_open(dir, want->name, from, &fd, &st);
	if (rc != RC_OK)
		return rc;
	return compare_deep(dir, fd, from, want, ret_same, ret_reach);
}

/* Exactly these names, nothing besides. */
static enum rc
names_same(int dir, const char *from, const struct media_file *want, size_t n,
    bool *ret_same)
{
	WIPED(media_names) names = { 0 };
	enum rc rc = media_list_at(dir, from, NULL, true, &names);

	if (rc == RC_FORMAT) { /* a name that is none of ours */
		err_clear();
		*ret_same = false;
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	*ret_same = names.n == n;
	for (size_t i = 0; i < n && *ret_same; i++)
		*ret_same = bsearch(want[i].name, names.items, names.n,
				sizeof(names.items[0]), media_by_bytes) != NULL;
	return RC_OK;
}

enum rc
media_back_dir(int dir, const char *from, const struct media_file *want,
    size_t n, bool *ret_same, enum media_reach *ret_reach)
{
	bool same = false;
	enum rc rc = names_same(dir, from, want, n, &same);

	for (size_t i = 0; i < n && rc == RC_OK && same; i++)
		rc = media_back_file(dir, from, &want[i], &same, ret_reach);
	if (rc == RC_OK)
		*ret_same = same;
	return rc;
}

enum rc
media_back_path(const char *path, struct span bytes, struct buf *ret_note)
{
	const char *slash = strrchr(path, '/');
	const struct media_file want = {
		.name = slash == NULL ? path : slash + 1, .bytes = bytes
	};
	enum media_reach reach = REACH_MEDIUM;
	OWN_FD dir = -1;
	bool same = false;
	enum rc rc = file_parent_open(AT_FDCWD, path, &dir);

	if (rc == RC_OK)
		rc = media_back_file(dir, path, &want, &same, &reach);
	if (rc == RC_OK && !same)
		rc = err_set(RC_IO, "%s: reads back differently", path);
	return rc != RC_OK ? rc : media_note_reach(ret_note, reach);
}

enum rc
media_note(struct buf *note, const char *fmt, ...)
{
	char text[MEDIA_FROM_MAX];
	va_list ap;
	enum rc rc = RC_OK;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (note->n != 0)
		rc = buf_add_str(note, "; ");
	return rc != RC_OK ? rc : buf_add_str(note, text);
}

enum rc
media_note_reach(struct buf *note, enum media_reach reach)
{
	static const char *const text[] = {
		[REACH_MEDIUM] = "read back from the medium",
		[REACH_CACHE] =
		    ("read back, but not past the cache: plug the stick in again and check it"),
		[REACH_MEMORY] = "tmpfs: memory only",
	};

	return media_note(note, "%s", text[reach]);
}
