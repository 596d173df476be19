/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/media/layout.h"

#include "transfer/x509/pem.h"

#include <stdio.h>
#include <stdlib.h>

void
filing_wipe(struct filing *filing)
{
	for (size_t i = 0; filing->bytes != NULL && i < filing->n; i++)
		buf_wipe(&filing->bytes[i]);
	free(filing->bytes);
	free(filing->names);
	*filing = (struct filing){ 0 };
}

enum rc
filing_add(struct filing *filing, const char *name, struct buf **ret_bytes)
{
	char(*names)[FILE_NAME_MAX + 1];
	struct buf *bytes;

	names = reallocarray(filing->names, filing->n + 1, sizeof(*names));
	if (names == NULL)
		return err_memory();
	filing->names = names;
	bytes = reallocarray(filing->bytes, filing->n + 1, sizeof(*bytes));
	if (bytes == NULL)
		return err_memory();
	filing->bytes = bytes;
	(void)snprintf(names[filing->n], sizeof(*names), "%s", name);
	bytes[filing->n] = (struct buf){ 0 };
	*ret_bytes = &bytes[filing->n++];
	return RC_OK;
}

enum rc
filing_add_cert(struct filing *filing, const char *name, struct span der)
{
	struct buf *file;
	enum rc rc = RC_OK;

	if (filing->n == 0 || strcmp(name, filing->names[filing->n - 1]) != 0)
		rc = filing_add(filing, name, &file);
	else
		file = &filing->bytes[filing->n - 1];
	return rc != RC_OK ? rc : pem_write(PEM_CERTIFICATE, der, file);
}

enum rc
filing_check(const struct filing *filing, const struct manifest *m)
{
	uint8_t digest[SHA256_LEN];
	enum rc rc = RC_OK;

	if (m->n_files != filing->n)
		return err_set(RC_STATE,
		    "response %u had %zu files, and has %zu now", m->sequence,
		    m->n_files, filing->n);
	for (size_t i = 0; i < filing->n && rc == RC_OK; i++) {
		rc = sha256(buf_span(&filing->bytes[i]), digest);
		if (rc == RC_OK &&
		    (!span_eq_str(m->files[i].name, filing->names[i]) ||
			memcmp(digest, m->files[i].digest, SHA256_LEN) != 0))
			rc = err_set(RC_STATE,
			    "%s of response %u does not come out as it was",
			    filing->names[i], m->sequence);
	}
	return rc;
}
