/* SPDX-License-Identifier: Apache-2.0 */
/* All files are copied while opening is still allowed, and parsed only behind
 * the strict sandbox. One bad file is reported and the others go on. */
#include "transfer/reader/reader_loose.h"

#include "base/file.h"
#include "base/list.h"
#include "transfer/media/media_part.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#include <stdio.h>
#include <stdlib.h>

struct loose_file {
	char name[MEDIA_NAME_MAX];
	size_t at, n; /* within the bytes, later within the DER */
};

void
loose_scan_wipe(struct loose_scan *scan)
{
	free(scan->files);
	reader_left_wipe(&scan->left);
	buf_wipe(&scan->bytes);
	buf_wipe(&scan->ders);
	fd_close(&scan->memfd);
	*scan = (struct loose_scan){ .memfd = -1 };
}

static enum rc
take_file(struct loose_scan *scan, const char *name, struct span bytes)
{
	struct loose_file *one;
	const size_t at = scan->bytes.n;
	enum rc rc;

	if (scan->n_files == LOOSE_MAX)
		return rule_refuse(RULE_MEDIA_COUNT,
		    "loose CSRs: more than %d files", LOOSE_MAX);
	if (bytes.n > MEDIA_FILE_MAX - at)
		return rule_refuse(RULE_MEDIA_SIZE,
		    "loose CSRs: more than %zu bytes", MEDIA_FILE_MAX);
	rc = LIST_GROW(scan->files, scan->n_files);
	if (rc == RC_OK)
		rc = buf_add_span(&scan->bytes, bytes);
	if (rc != RC_OK)
		return rc;
	one = &scan->files[scan->n_files++];
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	one->at = at;
	one->n = bytes.n;
	return RC_OK;
}

/* A copy, or why there is none. */
static enum rc
loose_take_copy(
    struct loose_scan *scan, const char *name, enum rc copied, int *memfd)
{
	WIPED(sealed) copy = { .fd = -1 };
	enum rc rc;

	if (copied != RC_OK)
		return reader_left_add(&scan->left, name, copied);
	rc = sealed_map(*memfd, &copy);
	if (rc != RC_OK)
		return rc;
	*memfd = -1;
	return take_file(scan, name, copy.bytes);
}

static enum rc
take_suffix(
    struct loose_scan *scan, const struct media *media, const char *suffix)
{
	WIPED(media_names) names = { 0 };
	enum rc rc = media_list(media, ".", suffix, false, &names);

	for (size_t i = 0; i < names.n && rc == RC_OK; i++) {
		OWN_FD memfd = -1;

		rc = media_copy(media, names.items[i], CSR_FILE_MAX, &memfd);
		rc = loose_take_copy(scan, names.items[i], rc, &memfd);
	}
	return rc;
}

enum rc
loose_scan_dir(struct loose_scan *scan, const struct media *media)
{
	enum rc rc = sealed_begin(&scan->memfd);

	scan->begun = true;
	for (size_t i = 0; loose_endings[i] != NULL && rc == RC_OK; i++)
		rc = take_suffix(scan, media, loose_endings[i]);
	return rc;
}

enum rc
loose_scan_file(struct loose_scan *scan, const char *name, int fd)
{
	OWN_FD memfd = -1;
	enum rc rc = sealed_begin(&scan->memfd);

	scan->begun = true;
	if (rc != RC_OK)
		return rc;
	rc = media_copy_fd(name, fd, CSR_FILE_MAX, &memfd);
	return loose_take_copy(scan, name, rc, &memfd);
}

/* The DER of each file that is a CSR, one after the other. */
static enum rc
loose_parse_files(struct loose_scan *scan, size_t *ret_n)
{
	size_t good = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < scan->n_files && rc == RC_OK; i++) {
		struct loose_file *file = &scan->files[i];
		WIPED(buf) der = { 0 };

		rc = csr_from_file(file->name,
		    span_of(scan->bytes.p + file->at, file->n), &der);
		if (rc != RC_OK) {
			rc = reader_left_add(&scan->left, file->name, rc);
			continue;
		}
		scan->files[good] = *file;
		scan->files[good].at = scan->ders.n;
		scan->files[good++].n = der.n;
		rc = buf_add_span(&scan->ders, buf_span(&der));
	}
	*ret_n = good;
	return rc;
}

static enum rc
encode(struct loose_scan *scan, size_t n, struct buf *out)
{
	WIPED(loose) set = { .items = calloc(n, sizeof(set.items[0])) };
	enum rc rc = RC_OK;

	if (set.items == NULL)
		return err_memory();
	for (; set.n < n && rc == RC_OK; set.n++) {
		const struct loose_file *file = &scan->files[set.n];
		struct loose_csr *csr = &set.items[set.n];

		csr->name = span_str(file->name);
		csr->der = span_of(scan->ders.p + file->at, file->n);
		rc = sha256(csr->der, csr->digest);
	}
	return rc != RC_OK ? rc : loose_write(&set, out);
}

enum rc
loose_scan_parse(struct loose_scan *scan)
{
	WIPED(buf) out = { 0 };
	size_t n;
	enum rc rc = loose_parse_files(scan, &n);

	buf_wipe(&scan->bytes); /* as large as the stick's, and used up */
	if (rc != RC_OK)
		return rc;
	if (n == 0) {
		fd_close(&scan->memfd);
		return RC_OK;
	}
	rc = encode(scan, n, &out);
	if (rc == RC_OK)
		rc = fd_write_all(scan->memfd, buf_span(&out), "memory");
	return rc != RC_OK ? rc : sealed_end(scan->memfd);
}
