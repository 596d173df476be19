/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the ledger with policy.conf in it, proven before it gets its name.
 * The way back is ca/lifecycle/restore.c. */
#include "ca/home/backup.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BACKUP_TEMPORARY ".backup.tmp"
#define BACKUP_OLDER ".backup-older.tmp" /* a copy of what it replaces */
#define BACKUP_FRESH ".airgap-new"	 /* beside it, until it was read back */
#define STATE_MAX 256
#define STAMP_LEN 17 /* "20261123t141341z" and its terminator */

void
backup_wipe(struct backup *backup)
{
	if (backup->bytes.n != 0)
		(void)munmap(backup->map, backup->bytes.n);
	if (backup->temporary != NULL)
		(void)unlink(backup->temporary);
	free(backup->temporary);
	*backup = (struct backup){ 0 };
}

/* ---- making one -----------------------------------------------------------
 */

static enum rc
temporary_name(const struct home *home, char **ret)
{
	if (asprintf(ret, "%s/" BACKUP_TEMPORARY, home->path) < 0) {
		*ret = NULL;
		return err_memory();
	}
	/* What a killed run left is worth nothing. */
	if (unlink(*ret) != 0 && errno != ENOENT)
		return err_errno(RC_IO, errno, "%s", *ret);
	return RC_OK;
}

/* The copy is proven, not the ledger: what is wrong with either shows. */
static enum rc
copy_check(struct backup *b)
{
	OWNS(ledger) *copy = NULL;
	struct ledger_totals totals;
	enum rc rc = ledger_open(b->temporary, false, &copy);

	if (rc == RC_OK)
		rc = ledger_verify(copy, NULL, 0, &totals);
	if (rc != RC_OK)
		return rc;
	ledger_head_get(copy, &b->head);
	b->newest = ledger_high_water(copy);
	return RC_OK;
}

static enum rc
copy_map(struct backup *b)
{
	OWN_FD fd = fd_openat(AT_FDCWD, b->temporary, O_RDONLY | O_CLOEXEC, 0);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(RC_IO, errno, "%s", b->temporary);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_errno(RC_IO, errno, "%s", b->temporary);
	b->map = map;
	b->bytes = span_of(map, (size_t)st.st_size);
	return sha256(b->bytes, b->digest);
}

enum rc
backup_make(const struct home *home, struct ledger *ledger, struct backup *ret)
{
	WIPED(backup) b = { 0 };
	WIPED(policy) policy = { 0 };
	enum rc rc = home_policy_read(home, &policy);

	if (rc == RC_OK)
		rc = temporary_name(home, &b.temporary);
	if (rc == RC_OK)
		rc = ledger_copy(ledger, b.temporary);
	if (rc == RC_OK)
		rc = copy_check(&b);
	if (rc == RC_OK)
		rc = ledger_file_put(
		    b.temporary, HOME_POLICY, buf_span(&policy.text));
	if (rc == RC_OK)
		rc = copy_map(&b);
	if (rc != RC_OK)
		return rc;
	*ret = b;
	b = (struct backup){ 0 };
	return RC_OK;
}

/* ---- putting it somewhere -------------------------------------------------
 */

enum rc
backup_name(const uint8_t ca_id[static SHA256_LEN], int64_t now,
    char ret[static MEDIA_NAME_MAX])
{
	char id[9], stamp[STAMP_LEN];
	time_t at = (time_t)now;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y%m%dt%H%M%Sz", &tm) == 0)
		return err_set(RC_BUG, "a date of no calendar");
	hex_write(span_of(ca_id, 4), id);
	(void)snprintf(ret, MEDIA_NAME_MAX, BACKUPS "/%s-%s.db", id, stamp);
	return RC_OK;
}

enum rc
backup_put_media(const struct backup *backup, const struct media *media,
    const char *path, struct buf *ret_note)
{
	return media_put_file(media, path, backup->bytes, false, ret_note);
}

/* What was asked for is 0600: FAT has the mode of its mount. */
static enum rc
say_mode(const char *path, struct buf *note)
{
	struct stat st;

	if (stat(path, &st) != 0 || (st.st_mode & 077) == 0)
		return RC_OK;
	return buf_printf(note,
	    "; this file system keeps no modes, and others may read it there");
}

enum rc
backup_put_file(
    const struct backup *backup, const char *path, struct buf *ret_note)
{
	enum rc rc = file_create(AT_FDCWD, path, backup->bytes, 0600);

	if (rc != RC_OK) /* what lies there may be another's */
		return rc;
	rc = media_back_path(path, backup->bytes, ret_note);
	if (rc != RC_OK)
		(void)unlink(path);
	return rc != RC_OK ? rc : say_mode(path, ret_note);
}

/* ---- in place of an older one ---------------------------------------------
 */

/* A backup that others may write to is opened by SQLite as a copy in the home
 * only, as `restore` does. */
static enum rc
older_copy(const struct backup *b, const struct home *home, const char *path,
    char **ret)
{
	WIPED(buf) bytes = { 0 };
	enum rc rc =
	    file_read(AT_FDCWD, path, 2 * b->bytes.n + POLICY_FILE_MAX, &bytes);

	if (rc == RC_OK && asprintf(ret, "%s/" BACKUP_OLDER, home->path) < 0) {
		*ret = NULL;
		rc = err_memory();
	}
	return rc != RC_OK
		   ? rc
		   : file_replace(AT_FDCWD, *ret, buf_span(&bytes), 0600);
}

/* The ledger itself is of its own history too, but has no policy in it. */
static enum rc
older_check(struct ledger *ledger, const char *copy, bool *ret_older)
{
	OWNS(ledger) *old = NULL;
	WIPED(buf) policy = { 0 };
	struct ledger_totals totals;
	struct ledger_head head;
	bool any = false;
	enum rc rc = ledger_file_take(copy, HOME_POLICY, &policy, &any);

	if (rc != RC_OK || !any)
		return rc;
	rc = ledger_open(copy, false, &old);
	if (rc == RC_OK)
		rc = ledger_verify(old, NULL, 0, &totals);
	if (rc != RC_OK)
		return rc;
	ledger_head_get(old, &head);
	return ledger_head_known(ledger, &head, ret_older);
}

static enum rc
older_want(const struct backup *b, const struct home *home,
    struct ledger *ledger, const char *path)
{
	char *copy = NULL;
	bool older = false;
	enum rc rc = older_copy(b, home, path, &copy);

	if (rc == RC_OK)
		rc = older_check(ledger, copy, &older);
	if (copy != NULL)
		(void)unlink(copy);
	free(copy);
	/* Whatever it is that is no backup is not ours to replace. */
	if (rc == RC_STATE || rc == RC_FORMAT) {
		err_clear();
		rc = RC_OK;
	}
	return rc != RC_OK || older
		   ? rc
		   : err_set(RC_IO,
			 "%s: lies there and is no older backup of this ledger: give another name, or move it away",
			 path);
}

enum rc
backup_put_over(const struct backup *backup, const struct home *home,
    struct ledger *ledger, const char *path, struct buf *ret_note)
{
	OWN_FD parent = -1;
	char *fresh = NULL;
	enum rc rc = older_want(backup, home, ledger, path);

	if (rc == RC_OK)
		rc = file_parent_open(AT_FDCWD, path, &parent);
	if (rc != RC_OK)
		return rc;
	if (asprintf(&fresh, "%s" BACKUP_FRESH, path) < 0)
		return err_memory();
	rc = file_replace(AT_FDCWD, fresh, backup->bytes, 0600);
	if (rc == RC_OK)
		rc = media_back_path(fresh, backup->bytes, ret_note);
	if (rc == RC_OK)
		rc = file_put_in_place(
		    parent, file_name(fresh), file_name(path), 0, path);
	if (rc != RC_OK)
		(void)unlink(fresh);
	free(fresh);
	return rc != RC_OK ? rc : say_mode(path, ret_note);
}

/* ---- what is remembered ---------------------------------------------------
 */

enum rc
backup_state_write(
    const struct home *home, const struct ledger_head *head, int64_t at)
{
	WIPED(buf) text = { 0 };
	char hex[SHA256_HEX], time[CLOCK_TEXT];
	enum rc rc;

	hex_write(span_of(head->hash, SHA256_LEN), hex);
	clock_write(at, time);
	rc = buf_printf(&text, "%" PRIu64 " %s %s\n", head->count, hex, time);
	return rc != RC_OK
		   ? rc
		   : file_replace(home->fd, HOME_BACKUP, buf_span(&text), 0600);
}

/* Only a reminder: what does not parse counts as nothing. */
static bool
state_parse(const char *text, struct backup_state *ret)
{
	char hex[SHA256_HEX], time[CLOCK_TEXT];
	uint64_t count;

	if (sscanf(text, "%" SCNu64 " %64[0-9a-f] %20s", &count, hex, time) !=
		3 ||
	    !hex_read(hex, ret->head.hash, SHA256_LEN) ||
	    !clock_read(time, &ret->at))
		return false;
	ret->head.count = count;
	return true;
}

static enum rc
state_load(
    const struct home *home, struct ledger *ledger, struct backup_state *s)
{
	WIPED(buf) text = { 0 };
	const char *line;
	enum rc rc;

	if (faccessat(home->fd, HOME_BACKUP, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return RC_OK;
	rc = file_read(home->fd, HOME_BACKUP, STATE_MAX, &text);
	if (rc != RC_OK)
		return err_in(rc, "%s", home->path);
	line = buf_cstr(&text);
	if (line == NULL)
		return err_memory();
	/* One of another history than this ledger's is worth nothing to it. */
	return state_parse(line, s)
		   ? ledger_head_known(ledger, &s->head, &s->any)
		   : RC_OK;
}

enum rc
backup_state_read(
    const struct home *home, struct ledger *ledger, struct backup_state *ret)
{
	struct backup_state s = { 0 };
	uint64_t n = 0;
	enum rc rc = state_load(home, ledger, &s);

	if (rc == RC_OK)
		rc = ledger_last_response(ledger, &n, &s.signed_at);
	if (rc != RC_OK)
		return rc;
	s.behind = n != 0 && (!s.any || s.head.count < n);
	*ret = s;
	return RC_OK;
}
