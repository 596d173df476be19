/* SPDX-License-Identifier: Apache-2.0 */
/* A backup becomes a home: copied, checked as a whole, renamed. The copy is
 * made by ca/home/backup.c. */
#include "ca/lifecycle/restore.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "ca/home/backup.h"
#include "transfer/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESTORE_SUFFIX ".restore-tmp"
#define RESTORE_CHUNK ((size_t)1 << 20)

/* ---- the directory beside the home ----------------------------------------
 */

/* Ours are plain files; whatever else lies there makes rmdir and rename fail.
 */
static void
empty(int dir)
{
	DIR *entries = dir_entries(dir, ".");
	const struct dirent *entry;

	if (entries == NULL)
		return;
	while ((entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dir, entry->d_name, 0);
	(void)closedir(entries);
}

void
restore_wipe(struct restore *restore)
{
	ledger_free(restore->ledger);
	/* Its own again only until it has become the home. */
	if (restore->home.fd >= 0 && restore->temporary != NULL) {
		empty(restore->home.fd);
		(void)rmdir(restore->temporary);
	}
	home_wipe(&restore->home);
	ledger_ca_wipe(&restore->ca);
	buf_wipe(&restore->policy);
	free(restore->path);
	free(restore->temporary);
	*restore = (struct restore){ .home = { .fd = -1 } };
}

/* A home behind a symbolic link is restored where the link points to. */
static enum rc
find_path(const char *home, struct restore *r)
{
	size_t n;

	r->path = realpath(home, NULL);
	if (r->path == NULL)
		r->path = strdup(home);
	if (r->path == NULL)
		return err_memory();
	n = strlen(r->path);
	while (n > 1 && r->path[n - 1] == '/')
		r->path[--n] = '\0';
	if (asprintf(&r->temporary, "%s" RESTORE_SUFFIX, r->path) < 0) {
		r->temporary = NULL;
		return err_memory();
	}
	return RC_OK;
}

/* A CA is a ledger. A directory that holds anything else is not ours to fill.
 */
static enum rc
check_vacant(const char *path)
{
	WIPED(buf) ledger = { 0 };
	const char *name;
	DIR *entries;
	const struct dirent *entry;
	size_t n = 0;
	enum rc rc = buf_printf(&ledger, "%s/" HOME_LEDGER, path);

	name = rc == RC_OK ? buf_cstr(&ledger) : NULL;
	if (name == NULL)
		return err_memory();
	if (faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(RC_STATE,
		    "%s: a CA lives there already: give another --home, or move that one away",
		    path);
	entries = dir_entries(AT_FDCWD, path);
	if (entries == NULL)
		return errno == ENOENT ? RC_OK
				       : err_errno(RC_IO, errno, "%s", path);
	while ((entry = readdir(entries)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0;
	(void)closedir(entries);
	if (n != 0)
		return err_set(RC_STATE,
		    "%s: is not empty: give another --home, or move it away",
		    path);
	return RC_OK;
}

/* It will be emptied and then be the home: a link that somebody put there would
 * have us empty another directory, and his own would leave him its owner. */
static enum rc
open_own(const char *path, int *ret_fd)
{
	OWN_FD fd = fd_openat(
	    AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) != 0)
		return err_errno(RC_IO, errno, "%s", path);
	if (fd < 0 || st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
		return err_set(RC_STATE,
		    "%s: is in the way and no directory of ours alone: look at it and remove it",
		    path);
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

static enum rc
make_temporary(struct restore *r)
{
	enum rc rc = guard_home_new(r->temporary);

	if (rc == RC_OK)
		rc = dir_make(r->temporary, 0700);

	r->home.path = rc == RC_OK ? strdup(r->temporary) : NULL;
	if (rc == RC_OK && r->home.path == NULL)
		rc = err_memory();
	if (rc == RC_OK)
		rc = open_own(r->temporary, &r->home.fd);
	if (rc != RC_OK)
		return rc;
	rc = fd_lock(r->home.fd, r->path, "another airgap-ca restores there");
	if (rc != RC_OK) {
		fd_close(&r->home.fd); /* it is another one's */
		return rc;
	}
	empty(r->home.fd);
	return RC_OK;
}

/* ---- the copy -------------------------------------------------------------
 */

static enum rc
open_regular(const char *file, int *ret_fd)
{
	OWN_FD fd = fd_openat(
	    AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(RC_IO, errno, "%s: cannot be opened", file);
	if (!S_ISREG(st.st_mode))
		return err_set(RC_FORMAT, "%s: not a regular file", file);
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

/* Read once: what is checked is what was copied. `to` -1: hashed only. */
static enum rc
restore_copy_bytes(const char *file, int from, int to, EVP_MD_CTX *hash)
{
	WIPED(buf) chunk = { 0 };
	enum rc rc = buf_reserve(&chunk, RESTORE_CHUNK);

	while (rc == RC_OK) {
		ssize_t n = read(from, chunk.p, RESTORE_CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(RC_IO, errno, "%s", file);
		if (n == 0)
			break;
		if (EVP_DigestUpdate(hash, chunk.p, (size_t)n) != 1)
			return err_openssl(RC_BUG, "SHA-256");
		if (to >= 0)
			rc = fd_write_all(
			    to, span_of(chunk.p, (size_t)n), HOME_LEDGER);
	}
	return rc;
}

static enum rc
restore_copy_file(struct restore *r, const char *file)
{
	OWN(EVP_MD_CTX) *hash = EVP_MD_CTX_new();
	OWN_FD from = -1;
	OWN_FD to = -1;
	enum rc rc = open_regular(file, &from);

	if (rc != RC_OK)
		return rc;
	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_openssl(RC_BUG, "SHA-256");
	rc = file_begin(r->home.fd, HOME_LEDGER, r->temporary, &to);
	if (rc == RC_OK)
		rc = restore_copy_bytes(file, from, to, hash);
	if (rc == RC_OK)
		rc = file_end(&to, NULL, HOME_LEDGER);
	if (rc == RC_OK && EVP_DigestFinal_ex(hash, r->digest, NULL) != 1)
		rc = err_openssl(RC_BUG, "SHA-256");
	return rc;
}

/* ---- the checks -----------------------------------------------------------
 */

static enum rc
open_ledger(struct restore *r, bool *ret_has_policy)
{
	WIPED(buf) path = { 0 };
	const char *name;
	enum rc rc = buf_printf(&path, "%s/" HOME_LEDGER, r->temporary);

	name = rc == RC_OK ? buf_cstr(&path) : NULL;
	if (name == NULL)
		return err_memory();
	rc = ledger_file_take(name, HOME_POLICY, &r->policy, ret_has_policy);
	if (rc == RC_OK)
		rc = home_ledger_open(&r->home, true, &r->ledger);
	if (rc == RC_OK)
		rc = ledger_verify(r->ledger, NULL, 0, &r->totals);
	return rc;
}

/* A ledger that was copied by hand has no policy.conf in it: then the one that
 * was last signed under is taken. */
static enum rc
restore_read_policy(struct restore *r, bool has_policy)
{
	WIPED(policy) policy = { 0 };
	uint8_t digest[SHA256_LEN];
	bool any = has_policy;
	enum rc rc = RC_OK;

	if (!has_policy)
		rc = ledger_policy_newest(r->ledger, digest, &any);
	if (rc == RC_OK && !any)
		rc = err_set(RC_STATE, "holds no policy");
	if (rc == RC_OK && !has_policy)
		rc = ledger_policy_get(r->ledger, digest, &r->policy);
	return rc != RC_OK
		   ? rc
		   : policy_parse(HOME_POLICY, buf_span(&r->policy), &policy);
}

/* A backup is believed but for its records: whoever can write to it can change
 * its policy.conf, and so could the operator after the last signing. */
static enum rc
restore_compare_policy(struct restore *r)
{
	uint8_t last[SHA256_LEN], digest[SHA256_LEN];
	bool any = false;
	enum rc rc = ledger_policy_newest(r->ledger, last, &any);

	if (rc == RC_OK && any)
		rc = sha256(buf_span(&r->policy), digest);
	r->other_policy =
	    rc == RC_OK && any && memcmp(last, digest, SHA256_LEN) != 0;
	return rc;
}

static enum rc
check_copy(struct restore *r)
{
	bool has_policy = false;
	enum rc rc = open_ledger(r, &has_policy);

	if (rc == RC_OK)
		rc = ledger_ca_get(r->ledger, &r->ca);
	if (rc == RC_OK)
		rc = restore_read_policy(r, has_policy);
	if (rc == RC_OK)
		rc = restore_compare_policy(r);
	if (rc != RC_OK)
		return rc;
	ledger_head_get(r->ledger, &r->head);
	r->newest = ledger_high_water(r->ledger);
	return RC_OK;
}

enum rc
restore_open(const char *home, const char *file, struct restore *ret)
{
	WIPED(restore) r = { .home = { .fd = -1 } };
	enum rc rc = clock_now(&r.now);

	if (rc == RC_OK)
		rc = find_path(home, &r);
	if (rc == RC_OK)
		rc = check_vacant(r.path);
	if (rc == RC_OK)
		rc = make_temporary(&r);
	if (rc == RC_OK)
		rc = restore_copy_file(&r, file);
	if (rc != RC_OK)
		return rc;
	rc = check_copy(&r);
	/* The copy is named in what SQLite says; the operator knows the file.
	 */
	if (rc != RC_OK)
		return err_in(rc, "%s: not a good backup", file);
	*ret = r;
	r = (struct restore){ .home = { .fd = -1 } };
	return RC_OK;
}

/* ---- making it the home ---------------------------------------------------
 */

static enum rc
restore_record(struct restore *r)
{
	enum rc rc = ledger_begin(r->ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(r->ledger, r->now, buf_span(&r->policy));
	if (rc == RC_OK)
		rc = ledger_restored_add(r->ledger, r->digest);
	return rc == RC_OK ? ledger_commit(r->ledger) : rc;
}

/* rename(2) takes the place of nothing or of an empty directory. */
static enum rc
restore_put_in_place(struct restore *r)
{
	OWN_FD parent = -1;
	enum rc rc = fd_sync(r->home.fd, r->temporary);

	if (rc == RC_OK)
		rc = file_parent_open(AT_FDCWD, r->path, &parent);
	if (rc != RC_OK)
		return rc;
	if (rename(r->temporary, r->path) != 0)
		return err_errno(RC_IO, errno, "%s: cannot be put in place%s",
		    r->path,
		    errno == EBUSY
			? " (for a mount point, give a --home below it)"
			: "");
	free(r->temporary);
	r->temporary = NULL; /* it is the home now */
	return file_settle(parent, file_name(r->path), r->path);
}

enum rc
restore_finish(struct restore *r, const char *token)
{
	enum rc rc = restore_record(r);

	/* Closed before its name changes: SQLite goes by names. */
	ledger_free(r->ledger);
	r->ledger = NULL;
	if (rc == RC_OK)
		rc = file_create(
		    r->home.fd, HOME_POLICY, buf_span(&r->policy), 0600);
	if (rc == RC_OK && token != NULL)
		rc = home_token_write(&r->home, token, token);
	if (rc == RC_OK)
		rc = backup_state_write(&r->home, &r->head, r->newest);
	return rc != RC_OK ? rc : restore_put_in_place(r);
}

/* ---- another run of it -----------------------------------------------------
 */

static enum rc
digest_file(const char *file, uint8_t ret[static SHA256_LEN])
{
	OWN(EVP_MD_CTX) *hash = EVP_MD_CTX_new();
	OWN_FD from = -1;
	enum rc rc = open_regular(file, &from);

	if (rc != RC_OK)
		return rc;
	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_openssl(RC_BUG, "SHA-256");
	rc = restore_copy_bytes(file, from, -1, hash);
	if (rc == RC_OK && EVP_DigestFinal_ex(hash, ret, NULL) != 1)
		rc = err_openssl(RC_BUG, "SHA-256");
	return rc;
}

enum rc
restore_is_done(const char *home, const char *file, bool *ret_done)
{
	WIPED(home) there = { .fd = -1 };
	OWNS(ledger) *ledger = NULL;
	struct ledger_restored restored = { 0 };
	uint8_t digest[SHA256_LEN];
	bool any = false;
	enum rc rc = home_open(home, &there);

	*ret_done = false;
	if (rc == RC_OK)
		rc = home_ledger_open(&there, false, &ledger);
	if (rc == RC_OK)
		rc = ledger_restored_get(ledger, &restored, &any);
	if (rc == RC_STATE) { /* no CA there, or none to complete */
		err_clear();
		return RC_OK;
	}
	if (rc != RC_OK || !any)
		return rc;
	rc = digest_file(file, digest);
	*ret_done =
	    rc == RC_OK && memcmp(digest, restored.digest, SHA256_LEN) == 0;
	return rc;
}

enum rc
restore_token(const char *home, const char *token)
{
	WIPED(home) there = { .fd = -1 };
	enum rc rc = home_open(home, &there);

	return rc == RC_OK ? home_token_write(&there, token, token) : rc;
}
