/* SPDX-License-Identifier: Apache-2.0 */
/* Loose CSRs as one set: sorted by digest, so that the same files under other
 * names, in another order or twice are the same question, and get the stored
 * answer. */
#include "transfer/media/loose.h"

#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/media/media.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#include <stdlib.h>

#define CSR_MIN 64 /* docs/transfer.cddl: csr-der */
#define LOOSE_CSRS "loose CSRs"

void
loose_wipe(struct loose *loose)
{
	if (loose == NULL)
		return;
	free(loose->items);
	*loose = (struct loose){ 0 };
}

static int
loose_by_digest(const void *a, const void *b)
{
	const struct loose_csr *x = a, *y = b;

	return memcmp(x->digest, y->digest, SHA256_LEN);
}

static int
by_digest_and_name(const void *a, const void *b)
{
	const struct loose_csr *x = a, *y = b;
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	int c = loose_by_digest(a, b);

	if (c == 0)
		c = memcmp(x->name.p, y->name.p, n);
	if (c == 0)
		c = (x->name.n > n) - (y->name.n > n);
	return c;
}

/* Sorted, and each of its kind the first only. */
void
loose_sort(struct loose *loose)
{
	size_t kept = 0;

	if (loose->n > 1)
		qsort(loose->items, loose->n, sizeof(loose->items[0]),
		    by_digest_and_name);
	for (size_t i = 0; i < loose->n; i++) {
		struct loose_csr *last =
		    &loose->items[kept == 0 ? 0 : kept - 1];

		if (kept != 0 && loose_by_digest(last, &loose->items[i]) == 0) {
			last->twins++;
			continue;
		}
		loose->items[kept] = loose->items[i];
		loose_id(loose->items[kept].digest, loose->items[kept].id);
		loose->items[kept++].twins = 0;
	}
	loose->n = kept;
}

enum rc
loose_write(struct loose *loose, struct buf *ret_out)
{
	struct cbor_out out;

	loose_sort(loose);
	cbor_out_init(&out, ret_out);
	cbor_put_array(&out, loose->n);
	for (size_t i = 0; i < loose->n; i++) {
		cbor_put_array(&out, 3);
		cbor_put_text(&out, loose->items[i].name);
		cbor_put_bytes(&out, loose->items[i].der);
		cbor_put_uint(&out, loose->items[i].twins);
	}
	return cbor_out_end(&out);
}

static bool
loose_is_name(struct span text)
{
	char name[MEDIA_NAME_MAX];

	if (text.n >= sizeof(name) || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(name, text.p, text.n);
	name[text.n] = '\0';
	return media_name_ok(name);
}

static enum rc
loose_read_one(struct cbor_in *in, struct loose *loose)
{
	struct loose_csr *csr = &loose->items[loose->n];
	uint64_t three, twins = 0;
	enum rc rc = cbor_take_array(in, "CSR", 3, 3, &three);

	if (rc == RC_OK)
		rc = cbor_take_text(
		    in, "name", 1, MEDIA_NAME_MAX - 1, &csr->name);
	if (rc == RC_OK)
		rc = cbor_take_bytes(in, "CSR", CSR_MIN, CSR_MAX, &csr->der);
	if (rc == RC_OK)
		rc = cbor_take_uint(in, "twins", 0, LOOSE_MAX, &twins);
	if (rc == RC_OK)
		rc = sha256(csr->der, csr->digest);
	if (rc != RC_OK)
		return rc;
	csr->twins = (uint32_t)twins;
	loose_id(csr->digest, csr->id);
	if (!loose_is_name(csr->name))
		return rule_refuse(RULE_READER,
		    LOOSE_CSRS ": a name that no medium may carry");
	if (loose->n != 0 && loose_by_digest(csr - 1, csr) >= 0)
		return rule_refuse(
		    RULE_READER, LOOSE_CSRS ": not a sorted set");
	loose->n++;
	return RC_OK;
}

static enum rc
loose_read_all(struct span bytes, struct loose *loose)
{
	struct cbor_in in = { .from = LOOSE_CSRS, .rest = bytes };
	uint64_t n = 0;
	enum rc rc = cbor_in_check(LOOSE_CSRS, bytes);

	if (rc == RC_OK)
		rc = cbor_take_array(&in, "CSRs", 1, LOOSE_MAX, &n);
	if (rc != RC_OK)
		return rc;
	loose->items = calloc(n, sizeof(loose->items[0]));
	if (loose->items == NULL)
		return err_memory();
	while (rc == RC_OK && n-- > 0)
		rc = loose_read_one(&in, loose);
	return rc;
}

enum rc
loose_read(struct span bytes, struct loose *ret)
{
	WIPED(loose) loose = { 0 };
	struct err_saved saved;
	enum rc rc = loose_read_all(bytes, &loose);

	if (rc == RC_FORMAT) { /* whatever is wrong, the reader wrote it */
		err_save(&saved);
		return rule_refuse(RULE_READER, "%.1000s", saved.text);
	}
	if (rc != RC_OK)
		return rc;
	*ret = loose;
	loose = (struct loose){ 0 };
	return RC_OK;
}

enum rc
loose_digest(const struct loose *loose, uint8_t ret_digest[static SHA256_LEN])
{
	WIPED(buf) all = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < loose->n && rc == RC_OK; i++)
		rc = buf_add(&all, loose->items[i].digest, SHA256_LEN);
	return rc != RC_OK ? rc : sha256(buf_span(&all), ret_digest);
}

void
loose_id(const uint8_t csr_digest[static SHA256_LEN],
    char ret[static LOOSE_ID_LEN + 1])
{
	hex_write(span_of(csr_digest, LOOSE_ID_LEN / 2), ret);
}

enum rc
loose_requests(const struct loose *loose, struct span profile, int64_t period,
    struct cert_request **ret)
{
	struct cert_request *all = calloc(loose->n + 1, sizeof(*all));

	if (all == NULL)
		return err_memory();
	for (size_t i = 0; i < loose->n; i++) {
		all[i].id = span_str(loose->items[i].id);
		all[i].csr = loose->items[i].der;
		all[i].profile = profile;
		all[i].validity =
		    (struct validity){ .count = 1, .period = period };
	}
	*ret = all;
	return RC_OK;
}
