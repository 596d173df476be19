/* SPDX-License-Identifier: Apache-2.0 */
/* People put on a stick what lies at hand. A private key there is a key that
 * has been given away, and a CSR with another ending is one that its owner
 * waits for in vain: both are said. How much is looked at has limits, for a
 * stick may be full of photographs. */
#include "transfer/reader/reader_stray.h"

#include "base/file.h"
#include "base/list.h"
#include "transfer/media/media_part.h"
#include "transfer/reader/reader.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"
#include "transfer/x509/private_key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#define STRAY_SIZE_MAX \
	((off_t)128 << 10) /* of one: what people carry by hand */
#define STRAY_NAMED_MAX \
	((off_t)1 << 20) /* of one that is named like a key or CSR */
#define STRAY_BYTES_MAX ((size_t)16 << 20) /* of all */
#define STRAY_FILES_MAX 2000
#define STRAY_ENTRIES_MAX 20000
#define STRAY_DEPTH_MAX 4
#define STRAY_PATH_MAX 256

struct stray_file {
	char path[STRAY_PATH_MAX]; /* below the medium's root */
	size_t at, n;		   /* of its bytes; 0: told by its name alone */
	bool in_folder;
	bool is_trash; /* somewhere below what desktops call that */
	bool is_taken; /* as a CSR, or would be: too large for one, it may be a
			  key */
};

void
stray_scan_wipe(struct stray_scan *scan)
{
	free(scan->files);
	reader_left_wipe(&scan->left);
	buf_wipe(&scan->bytes);
	*scan = (struct stray_scan){ .begun = false };
}

/* ---- names --------------------------------------------------------------- */

static bool
stray_ends_in(const char *name, const char *ending)
{
	const size_t n = strlen(name), m = strlen(ending);

	return n > m && strcasecmp(name + n - m, ending) == 0;
}

static bool
ends_in_one(const char *name, const char *const *endings)
{
	for (size_t i = 0; endings[i] != NULL; i++)
		if (stray_ends_in(name, endings[i]))
			return true;
	return false;
}

static bool
has_loose_ending(const char *name)
{
	return ends_in_one(name, loose_endings);
}

/* A key store with a chain or two in it may be large. */
static off_t
size_most(const char *name)
{
	static const char *const keys[] = { ".key", ".p12", ".pfx", ".jks",
		".keystore", ".ppk", ".pvk", ".p8", ".pk8", ".crt", NULL };

	return has_loose_ending(name) || ends_in_one(name, keys)
		   ? STRAY_NAMED_MAX
		   : STRAY_SIZE_MAX;
}

/* What certreq and mail programs make of the name of a CSR. */
static bool
is_called_csr(const char *name)
{
	static const char *const more[] = { ".req", ".csr.txt", ".p10.txt",
		".pem.txt", ".req.txt", NULL };

	return has_loose_ending(name) || ends_in_one(name, more);
}

/* In lower case, as loose_endings are. */
static bool
is_taken_by_ending(const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; loose_endings[i] != NULL; i++)
		if (n > strlen(loose_endings[i]) &&
		    strcmp(name + n - strlen(loose_endings[i]),
			loose_endings[i]) == 0)
			return true;
	return false;
}

static bool
is_taken_as_csr(const struct stray_scan *scan, const char *name)
{
	if (!scan->for_csrs)
		return false;
	return scan->any_name ? is_taken_by_ending(name) && name[0] != '.'
			      : media_name_ok(name) && has_loose_ending(name);
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Where desktops put what a person deletes, which stays on the stick. */
static bool
is_trash(const char *name)
{
	return strncasecmp(name, ".trash", 6) == 0 ||
	       strncasecmp(name, "$recycle.bin", 12) == 0;
}

static bool
lies_in_trash(const char *path)
{
	for (const char *at = path; at != NULL; at = strchr(at, '/')) {
		at += *at == '/';
		if (is_trash(at))
			return true;
	}
	return false;
}

/* A name for the screen: that of the file, if a medium may carry it. */
static enum rc
stray_tell(struct stray_scan *scan, const char *path, enum rc why)
{
	char name[FILE_NAME_MAX + 1];

	(void)snprintf(name, sizeof(name), "%.*s", FILE_NAME_MAX,
	    media_name_ok(path) ? path : LOOSE_NAME);
	return reader_left_add(&scan->left, name, why);
}

/* ---- phase a ------------------------------------------------------------- */

/* A link or a pipe is not wanted, and so refused by nobody. What cannot be
 * looked at is told: it may be a key. */
static enum rc
stray_failed(struct stray_scan *scan, const char *path, enum rc rc)
{
	if (rc == RC_IO && scan->left.n < READER_STRAYS_MAX)
		return stray_tell(scan, path, rc);
	err_clear();
	return RC_OK;
}

/* What is gone, forbidden or elsewhere is nobody's failure. */
static enum rc
stray_not_open(struct stray_scan *scan, const char *path, int errnum)
{
	if (errnum == ENOENT || errnum == EACCES || errnum == ELOOP ||
	    errnum == EXDEV || errnum == ENOTDIR)
		return RC_OK;
	return stray_failed(scan, path,
	    err_errno(RC_IO, errnum, "%s: cannot be looked at", path));
}

static enum rc
stray_copy(struct stray_scan *scan, const struct media *media, const char *path,
    struct stray_file *file)
{
	WIPED(sealed) copy = { .fd = -1 };
	OWN_FD memfd = -1, fd = -1;
	const off_t most = size_most(base_of(path));
	struct stat st;
	enum rc rc;

	rc = media_file_open(media->root, path, path, &fd, &st);
	if (rc == RC_OK &&
	    (st.st_size == 0 || st.st_size > most ||
		(file->is_taken &&
		    (scan->any_name || st.st_size <= (off_t)CSR_FILE_MAX)) ||
		scan->bytes.n > STRAY_BYTES_MAX))
		return RC_OK;
	if (rc == RC_OK)
		rc = media_copy_fd(path, fd, (size_t)most, &memfd);
	if (rc == RC_OK)
		rc = sealed_map(memfd, &copy);
	if (rc != RC_OK)
		return stray_failed(scan, path, rc);
	memfd = -1;
	file->at = scan->bytes.n;
	file->n = copy.bytes.n;
	return buf_add_span(&scan->bytes, copy.bytes);
}

static enum rc
stray_add(struct stray_scan *scan, const struct media *media, const char *path,
    unsigned depth)
{
	const char *name = base_of(path);
	struct stray_file file = { .in_folder = depth != 0,
		.is_trash = lies_in_trash(path),
		.is_taken = depth == 0 && is_taken_as_csr(scan, name) };
	enum rc rc;

	(void)snprintf(file.path, sizeof(file.path), "%s", path);
	rc = LIST_GROW(scan->files, scan->n_files);
	if (rc == RC_OK)
		rc = stray_copy(scan, media, path, &file);
	if (rc == RC_OK && (file.n != 0 || (!file.is_taken && name[0] != '.' &&
					       is_called_csr(name))))
		scan->files[scan->n_files++] = file;
	return rc;
}

static enum rc stray_walk(struct stray_scan *scan, const struct media *media,
    const char *path, unsigned depth);

/* Ours at the root, and folders that systems make, have nothing of a person's.
 */
static bool
is_walked(const char *name, unsigned depth)
{
	if (depth == 0 && strcmp(name, "airgap-ca") == 0)
		return false;
	return depth < STRAY_DEPTH_MAX &&
	       (is_trash(name) || !media_is_litter(name));
}

static enum rc
stray_entry(struct stray_scan *scan, const struct media *media,
    const char *path, const char *name, unsigned depth)
{
	char full[STRAY_PATH_MAX];
	struct stat st;
	OWN_FD look = -1;

	if (snprintf(full, sizeof(full), "%s%s%s", path,
		*path == '\0' ? "" : "/", name) >= (int)sizeof(full))
		return RC_OK;
	look = fd_open_beneath(media->root, full, O_PATH | O_NOFOLLOW);
	if (look < 0 || fstat(look, &st) != 0)
		return stray_not_open(scan, full, errno);
	if (S_ISDIR(st.st_mode) && is_walked(name, depth))
		return stray_walk(scan, media, full, depth + 1);
	if (S_ISREG(st.st_mode) && scan->n_files < STRAY_FILES_MAX)
		return stray_add(scan, media, full, depth);
	return RC_OK;
}

/* Recursion is bounded by STRAY_DEPTH_MAX. */
static enum rc
stray_walk(struct stray_scan *scan, const struct media *media, const char *path,
    unsigned depth)
{
	int fd = fd_open_beneath(media->root, *path == '\0' ? "." : path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	const struct dirent *entry;
	DIR *dir;
	enum rc rc = RC_OK;

	if (fd < 0)
		return stray_not_open(scan, path, errno);
	dir = fdopendir(fd);
	if (dir == NULL) {
		fd_close(&fd);
		return err_memory();
	}
	while (rc == RC_OK && scan->n_entries < STRAY_ENTRIES_MAX &&
	       (entry = readdir(dir)) != NULL) {
		scan->n_entries++;
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			rc = stray_entry(
			    scan, media, path, entry->d_name, depth);
	}
	(void)closedir(dir);
	return rc;
}

static int
stray_by_path(const void *a, const void *b)
{
	return strcmp(((const struct stray_file *)a)->path,
	    ((const struct stray_file *)b)->path);
}

enum rc
stray_scan_dir(struct stray_scan *scan, const struct media *media)
{
	enum rc rc = stray_walk(scan, media, "", 0);

	scan->begun = true;
	if (scan->n_files > 1)
		qsort(scan->files, scan->n_files, sizeof(scan->files[0]),
		    stray_by_path);
	return rc;
}

/* ---- phase b ------------------------------------------------------------- */

/* Why a CSR, or what is called one, is not taken; RC_OK: it is neither. */
static enum rc
left_out(const struct stray_scan *scan, const char *medium,
    const struct stray_file *file, struct span bytes)
{
	const char *name = base_of(file->path);
	WIPED(buf) der = { 0 };
	enum rc rc;

	/* Of a CSR that is taken, its reader tells; one that was thrown away is
	 * waited for by nobody. */
	if (name[0] == '.' || file->is_taken || file->is_trash)
		return RC_OK;
	if (!is_called_csr(name)) {
		rc = csr_from_file(file->path, bytes, &der);
		if (rc != RC_OK && rule_spoken() == RULE_NONE)
			return rc;
		err_clear();
		if (rc != RC_OK)
			return RC_OK;
	}
	if (file->in_folder)
		return rule_refuse(RULE_LOOSE_FILE,
		    "%s/%.200s: lies in a folder; CSRs are taken from the root",
		    medium, file->path);
	if (has_loose_ending(name) && !scan->any_name)
		return media_name_refuse(medium, name);
	return rule_refuse(RULE_LOOSE_FILE,
	    "%s/%.200s: is not taken; a CSR ends in .csr, .p10, .pem or .der",
	    medium, file->path);
}

static enum rc
stray_parse(
    struct stray_scan *scan, const char *medium, const struct stray_file *file)
{
	char from[MEDIA_FROM_MAX];
	struct span bytes = file->n == 0
				? SPAN_NONE
				: span_of(scan->bytes.p + file->at, file->n);
	enum rc rc;

	(void)snprintf(from, sizeof(from), "%.200s/%s", medium, file->path);
	rc = private_key_check(from, bytes);
	if (rc == RC_OK && scan->for_csrs)
		rc = left_out(scan, medium, file, bytes);
	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	return stray_tell(scan, file->path, rc);
}

enum rc
stray_scan_parse(struct stray_scan *scan, const char *medium)
{
	enum rc rc = RC_OK;

	/* Once: then the files are gone. */
	for (size_t i = 0; i < scan->n_files && rc == RC_OK &&
			   scan->left.n < READER_STRAYS_MAX;
	     i++)
		rc = stray_parse(scan, medium, &scan->files[i]);
	scan->n_files = 0;
	return rc;
}
