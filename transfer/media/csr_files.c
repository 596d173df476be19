/* SPDX-License-Identifier: Apache-2.0 */
/* The form of that array. Both ends are ours, and one of them may be taken over. */
#include "transfer/media/csr_files.h"

#include "transfer/format/cbor_in.h"
#include "transfer/format/schema.h"

#include <limits.h>
#include <stdlib.h>

#define CSR_FILES "CSR files"

/* clang-format off */
static const struct schema_type
	path  = TYPE(NULL, SCHEMA_BYTES, 1, PATH_MAX),
	bytes = TYPE(NULL, SCHEMA_BYTES, 0, CSR_FILES_BYTES);

static const struct schema_field csr_file[] = {
	{ 0, "name",  &path,  IN(csr_file, name) },
	{ 0, "bytes", &bytes, IN(csr_file, bytes) },
};
static const struct schema_type file = TYPE_TUPLE(NULL, csr_file, csr_file);
LIST_OF(files_list, 1, CSR_FILES_MAX, "file", &file, IN_PLACE);
static const struct schema_field csr_files_form =
	{ 0, "files", &files_list, ITEMS_OF(csr_files) };
/* clang-format on */

void
csr_files_wipe(struct csr_files *files)
{
	free(files->items);
	*files = (struct csr_files){ 0 };
}

enum rc
csr_files_write(const struct csr_files *files, struct buf *out)
{
	return schema_write(&csr_files_form, files, out);
}

enum rc
csr_files_read(struct span input, struct csr_files *ret)
{
	WIPED(csr_files) files = { 0 };
	enum rc rc = cbor_in_check(CSR_FILES, input);

	if (rc == RC_OK)
		rc = schema_read(CSR_FILES, input, &csr_files_form, &files);
	if (rc != RC_OK)
		return rc;
	*ret = files;
	files = (struct csr_files){ 0 };
	return RC_OK;
}
