/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back is held against the file: a reader that was taken over may
 * find a CSR bad that is good, or the other way round, but it cannot bring
 * another one. */
#include "transfer/reader/reader_files.h"

#include "base/file.h"
#include "transfer/media/csr_files.h"
#include "transfer/rule.h"

#include <fcntl.h>
#include <stdlib.h>

#define BATCH_BYTES ((size_t)8 << 20) /* of files that are held at once */

/* Some files, one after the other. */
struct csr_batch {
	const char *const *paths;
	struct buf bytes;
	struct csr_files files; /* spans are set when all bytes are there */
};

static void
csr_batch_wipe(struct csr_batch *b)
{
	buf_wipe(&b->bytes);
	csr_files_wipe(&b->files);
}

static enum rc
file_copy(struct csr_batch *b, const char *path)
{
	WIPED(buf) file = { 0 };
	struct csr_file *one = &b->files.items[b->files.n];
	enum rc rc = file_read(AT_FDCWD, path, CSR_FILES_BYTES, &file);

	if (rc == RC_FORMAT) /* too large, or no regular file */
		rc = rule_refuse(RULE_CSR_FORM, "%s", err_text());
	if (rc == RC_OK)
		rc = buf_add_span(&b->bytes, buf_span(&file));
	if (rc != RC_OK)
		return rc;
	one->name = span_str(path);
	one->bytes.n = file.n;
	b->files.n++;
	return RC_OK;
}

/* As many of the next files as are worth an order. One that is refused here
 * begins the next batch, so that all are told of in order. */
static enum rc
batch_fill(struct csr_batch *b, size_t left)
{
	size_t at = 0;
	enum rc rc = RC_OK;

	b->files.items = calloc(CSR_FILES_MAX, sizeof(b->files.items[0]));
	if (b->files.items == NULL)
		return err_memory();
	while (rc == RC_OK && b->files.n < left && b->files.n < CSR_FILES_MAX &&
	       b->bytes.n < BATCH_BYTES)
		rc = file_copy(b, b->paths[b->files.n]);
	if (b->files.n != 0 && rule_spoken() != RULE_NONE && rc != RC_OK) {
		err_clear();
		rc = RC_OK;
	}
	for (size_t i = 0; i < b->files.n && rc == RC_OK; i++) {
		struct span *bytes = &b->files.items[i].bytes;

		if (bytes->n != 0)
			bytes->p = b->bytes.p + at;
		at += bytes->n;
	}
	return rc;
}

static enum rc
batch_order(const struct csr_batch *b, struct reader *reader, bool der_only)
{
	WIPED(buf) set = { 0 };
	OWN_FD fd = -1;
	enum rc rc = csr_files_write(&b->files, &set);

	if (rc == RC_OK)
		rc = sealed_make(buf_span(&set), &fd);
	return rc != RC_OK ? rc
			   : reader_check_files_start(reader,
				 &(struct sealed){ .fd = fd },
				 (uint32_t)b->files.n, der_only);
}

/* A reader's word on one file against its bytes. */
static enum rc
file_prove(const struct csr_batch *b, const struct verdict *v, bool der_only)
{
	const char *path = b->paths[v->index];
	WIPED(buf) room = { 0 };
	struct span spki;
	bool good = false;
	enum rc rc =
	    csr_is_of_file(b->files.items[v->index].bytes, v->der, &good);

	if (rc != RC_OK)
		return rc;
	if (!good)
		return rule_refuse(RULE_READER,
		    "%s: the reader process reports a CSR that is not in the file",
		    path);
	return der_only ? RC_OK
			: verdict_prove_key(v, path, v->der, &room, &spki);
}

/* Where nobody takes refusals, the first one is the end. */
static enum rc
file_refuse(const struct reader_files_to *to, size_t i, enum rc why)
{
	return to->refuse == NULL || rule_spoken() == RULE_NONE
		   ? why
		   : to->refuse(to->arg, i, why);
}

/* The files of a batch, of which the first is number `first` of all. */
static enum rc
batch_read(const struct csr_batch *b, struct reader *reader, size_t first,
    bool der_only, const struct reader_files_to *to)
{
	enum rc rc = batch_order(b, reader, der_only);

	for (size_t i = 0; i < b->files.n && rc == RC_OK; i++) {
		WIPED(verdict) v = { 0 };

		rc = reader_check_next(reader, &v);
		if (rc != RC_OK)
			return rc;
		rc = verdict_pass(&v);
		if (rc != RC_OK) {
			rc = file_refuse(to, first + i, rc);
			continue;
		}
		rc = file_prove(b, &v, der_only);
		if (rc == RC_OK)
			rc = to->take(to->arg, first + i, &v);
	}
	return rc;
}

enum rc
reader_files_read(struct reader *reader, const char *const *paths, size_t n,
    bool der_only, const struct reader_files_to *to)
{
	size_t done = 0;
	enum rc rc = RC_OK;

	while (done < n && rc == RC_OK) {
		WIPED(csr_batch) b = { .paths = paths + done };

		rc = batch_fill(&b, n - done);
		if (rc != RC_OK)
			rc = file_refuse(to, done++, rc);
		else
			rc = batch_read(&b, reader, done, der_only, to);
		done += b.files.n;
	}
	return rc;
}
