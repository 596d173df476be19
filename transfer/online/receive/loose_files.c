/* SPDX-License-Identifier: Apache-2.0 */
/* `install --csr`: the CSRs that the operator has kept, as the set that a
 * response was for. On the CA's side readers make that set from a stick. */
#include "transfer/online/receive/loose_files.h"

#include "transfer/reader/reader_files.h"

#include <stdlib.h>

void
loose_files_wipe(struct loose_files *files)
{
	loose_wipe(&files->set);
	buf_wipe(&files->ders);
}

struct finding {
	struct loose_files *files;
	const char *const *paths;
};

/* The DER goes behind the others; where that is is told by lengths, since the
 * buffer may still move. */
static enum rc
loose_files_take(void *arg, size_t i, struct verdict *v)
{
	const struct finding *finding = arg;
	struct loose_files *files = finding->files;
	struct loose_csr *csr = &files->set.items[files->set.n];
	enum rc rc = sha256(v->der, csr->digest);

	if (rc == RC_OK)
		rc = buf_add_span(&files->ders, v->der);
	if (rc != RC_OK)
		return rc;
	csr->name = span_str(finding->paths[i]);
	csr->der.n = v->der.n;
	files->set.n++;
	return RC_OK;
}

enum rc
loose_files_read(struct reader *reader, const char *const *paths, size_t n,
    struct loose_files *ret)
{
	WIPED(loose_files)
	files = { .set.items = calloc(n, sizeof(struct loose_csr)) };
	struct finding finding = { &files, paths };
	enum rc rc = RC_OK;
	size_t at = 0;

	if (files.set.items == NULL)
		return err_memory();
	if (n > LOOSE_MAX)
		return err_set(RC_USAGE,
		    "%zu CSRs; a set has at most %d of them", n, LOOSE_MAX);
	rc = reader_files_read(reader, paths, n, true,
	    &(struct reader_files_to){
		.take = loose_files_take, .arg = &finding });
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
