/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory under their names, with the manifest's digests to hold them
 * against. Where they are written to is the caller's. */
#include "transfer/media/layout.h"

#include "base/list.h"
#include "transfer/x509/pem.h"

#include <stdio.h>
#include <stdlib.h>

bool
layout_is_certs(struct span name)
{
	return name.n > 4 && memcmp(name.p + name.n - 4, ".pem", 4) == 0 &&
	       !span_eq_str(name, LAYOUT_CA);
}

bool
layout_is_crl(struct span name)
{
	return name.n > 4 && memcmp(name.p + name.n - 4, ".crl", 4) == 0;
}

void
layout_wipe(struct layout *layout)
{
	for (size_t i = 0; layout->bytes != NULL && i < layout->n; i++)
		buf_wipe(&layout->bytes[i]);
	free(layout->bytes);
	free(layout->names);
	*layout = (struct layout){ 0 };
}

void
layout_keep_last(struct layout *layout)
{
	const size_t last = layout->n - 1;

	for (size_t i = 0; i < last; i++)
		buf_wipe(&layout->bytes[i]);
	memmove(layout->names[0], layout->names[last], sizeof(*layout->names));
	layout->bytes[0] = layout->bytes[last];
	layout->n = 1;
}

enum rc
layout_add(struct layout *layout, const char *name, struct buf **ret_bytes)
{
	const size_t n = layout->n;
	enum rc rc = LIST_GROW(layout->names, n);

	if (rc == RC_OK)
		rc = LIST_GROW(layout->bytes, n);
	if (rc != RC_OK)
		return rc;
	(void)snprintf(layout->names[n], sizeof(*layout->names), "%s", name);
	layout->bytes[n] = (struct buf){ 0 };
	*ret_bytes = &layout->bytes[layout->n++];
	return RC_OK;
}

enum rc
layout_add_cert(struct layout *layout, const char *name, struct span der)
{
	struct buf *file;
	enum rc rc = RC_OK;

	if (layout->n == 0 || strcmp(name, layout->names[layout->n - 1]) != 0)
		rc = layout_add(layout, name, &file);
	else
		file = &layout->bytes[layout->n - 1];
	return rc != RC_OK ? rc : pem_write(PEM_CERTIFICATE, der, file);
}

enum rc
layout_check(const struct layout *layout, const struct manifest *m)
{
	uint8_t digest[SHA256_LEN];
	size_t n = 0; /* of the layout that are proven */
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_files && rc == RC_OK; i++) {
		if (manifest_is_shadow(m, i))
			continue;
		if (n == layout->n)
			return err_set(RC_STATE,
			    "response %u had %.*s, and has not now",
			    m->sequence, SPAN_FMT(m->files[i].name));
		rc = sha256(buf_span(&layout->bytes[n]), digest);
		if (rc == RC_OK &&
		    (!span_eq_str(m->files[i].name, layout->names[n]) ||
			memcmp(digest, m->files[i].digest, SHA256_LEN) != 0))
			rc = err_set(RC_STATE,
			    "%s of response %u does not come out as it was",
			    layout->names[n], m->sequence);
		n++;
	}
	if (rc == RC_OK && n != layout->n)
		return err_set(RC_STATE, "response %u had no %s", m->sequence,
		    layout->names[n]);
	return rc;
}
