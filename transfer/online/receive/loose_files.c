/* SPDX-License-Identifier: Apache-2.0 */
/* `install --csr`: the CSRs that the operator has kept, as the set that a
 * response was for. On the CA's side readers make that set from a stick. */
#include "transfer/online/receive/loose_files.h"

#include "base/file.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#include <fcntl.h>
#include <stdlib.h>

void
loose_files_wipe(struct loose_files *files)
{
	loose_wipe(&files->set);
	buf_wipe(&files->ders);
}

/* The DER goes behind the others; where that is is told by lengths, since the
 * buffer may still move. */
static enum rc
loose_files_read_one(struct loose_files *files, const char *path)
{
	struct loose_csr *csr = &files->set.items[files->set.n];
	WIPED(buf) file = { 0 };
	WIPED(buf) der = { 0 };
	enum rc rc = file_read(AT_FDCWD, path, CSR_FILE_MAX, &file);

	if (rc == RC_FORMAT) /* too large, or no regular file */
		rc = rule_refuse(RULE_CSR_FORM, "%s", err_text());
	if (rc == RC_OK)
		rc = csr_from_file(path, buf_span(&file), &der);
	if (rc == RC_OK)
		rc = sha256(buf_span(&der), csr->digest);
	if (rc == RC_OK)
		rc = buf_add_span(&files->ders, buf_span(&der));
	if (rc != RC_OK)
		return rc;
	csr->name = span_str(path);
	csr->der.n = der.n;
	files->set.n++;
	return RC_OK;
}

enum rc
loose_files_read(const char *const *paths, size_t n, struct loose_files *ret)
{
	WIPED(loose_files)
	files = { .set.items = calloc(n, sizeof(struct loose_csr)) };
	enum rc rc = RC_OK;
	size_t at = 0;

	if (files.set.items == NULL)
		return err_memory();
	if (n > LOOSE_MAX)
		return err_set(RC_USAGE,
		    "%zu CSRs; a set has at most %d of them", n, LOOSE_MAX);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = loose_files_read_one(&files, paths[i]);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		files.set.items[i].der.p = files.ders.p + at;
		at += files.set.items[i].der.n;
	}
	loose_sort(&files.set);
	*ret = files;
	files = (struct loose_files){ 0 };
	return RC_OK;
}
