/* SPDX-License-Identifier: Apache-2.0 */
/* Loose CSRs as one set: sorted by digest, so that the same files under other
 * names, in another order or twice are the same question, and get the stored
 * answer. */
#include "transfer/media/loose.h"

#include "transfer/format/cbor_in.h"
#include "transfer/format/schema.h"
#include "transfer/media/media.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#include <stdlib.h>

#define LOOSE_CSRS "loose CSRs"

const char *const loose_endings[] = { ".csr", ".p10", ".pem", ".der", NULL };

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

/* clang-format off */
static const struct schema_type
	file_name = { .kind = SCHEMA_TEXT, .min = 1, .max = MEDIA_NAME_MAX - 1,
		.fits = loose_is_name, .wanted = "what a medium may carry" },
	csr_der = TYPE(NULL, SCHEMA_DER, CSR_MIN, CSR_MAX),
	twins   = TYPE(NULL, SCHEMA_UINT, 0, LOOSE_MAX);

static const struct schema_field loose_csr[] = {
	{ 0, "name",  &file_name, IN(loose_csr, name) },
	{ 0, "CSR",   &csr_der,   IN(loose_csr, der) },
	{ 0, "twins", &twins,     IN(loose_csr, twins) },
};
static const struct schema_type csr = TYPE_TUPLE(NULL, loose_csr, loose_csr);
LIST_OF(csrs, 1, LOOSE_MAX, "CSR", &csr, IN_PLACE);
static const struct schema_field loose_set = { 0, "CSRs", &csrs, ITEMS_OF(loose) };
/* clang-format on */

enum rc
loose_write(struct loose *loose, struct buf *ret_out)
{
	loose_sort(loose);
	return schema_write(&loose_set, loose, ret_out);
}

/* What is no form, but follows from the bytes: digests, and their order. */
static enum rc
loose_identify(struct loose *loose)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < loose->n && rc == RC_OK; i++) {
		struct loose_csr *one = &loose->items[i];

		rc = sha256(one->der, one->digest);
		loose_id(one->digest, one->id);
		if (rc == RC_OK && i != 0 && loose_by_digest(one - 1, one) >= 0)
			rc = rule_refuse(
			    RULE_READER, LOOSE_CSRS ": not a sorted set");
	}
	return rc;
}

enum rc
loose_read(struct span bytes, struct loose *ret)
{
	WIPED(loose) loose = { 0 };
	struct err_saved saved;
	enum rc rc = cbor_in_check(LOOSE_CSRS, bytes);

	if (rc == RC_OK)
		rc = schema_read(LOOSE_CSRS, bytes, &loose_set, &loose);
	if (rc == RC_OK)
		rc = loose_identify(&loose);
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

static enum rc
request_of_csr(const struct loose_csr *one, const struct loose_asked *asked,
    struct cert_request *ret)
{
	*ret = (struct cert_request){ .id = span_str(one->id),
		.csr = one->der,
		.profile = asked->profile,
		.validity = { .count = 1 } };
	if (asked->n_names == 0)
		return RC_OK;
	ret->names = calloc(asked->n_names, sizeof(*ret->names));
	if (ret->names == NULL)
		return err_memory();
	memcpy(ret->names, asked->names, asked->n_names * sizeof(*ret->names));
	ret->n_names = asked->n_names;
	return RC_OK;
}

enum rc
loose_requests(const struct loose *loose, const struct loose_asked *asked,
    struct cert_request **ret)
{
	WIPED(bundle)
	all = { .requests = calloc(loose->n + 1, sizeof(*all.requests)) };
	enum rc rc = RC_OK;

	if (all.requests == NULL)
		return err_memory();
	for (; all.n_requests < loose->n && rc == RC_OK; all.n_requests++)
		rc = request_of_csr(&loose->items[all.n_requests], asked,
		    &all.requests[all.n_requests]);
	if (rc != RC_OK)
		return rc;
	*ret = MOVE(all.requests);
	all.n_requests = 0;
	return RC_OK;
}
