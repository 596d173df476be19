/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/media/history_set.h"

#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/format/cose.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <stdio.h>
#include <stdlib.h>

#define HISTORIES "histories"
#define CERTS_MAX 10000000 /* in one response: what its bytes allow is less */
#define CHANNEL_LEN 17	   /* "0123abcd-4567cdef" */
#define HEX "0123456789abcdef"

void
past_wipe(struct past *past)
{
	for (size_t i = 0; past->items != NULL && i < past->n; i++)
		free(past->items[i].certs);
	free(past->items);
	*past = (struct past){ 0 };
}

bool
past_is_channel(const char *name)
{
	return strlen(name) == CHANNEL_LEN && strspn(name, HEX) == 8 &&
	       name[8] == '-' && strspn(name + 9, HEX) == 8;
}

bool
past_is_number(const char *name)
{
	size_t n = strlen(name);

	return n >= 6 && n <= 10 && strspn(name, "0123456789") == n;
}

enum rc
past_write(const struct past *past, struct buf *ret_out)
{
	struct cbor_out out;

	cbor_out_init(&out, ret_out);
	cbor_put_array(&out, past->n);
	for (size_t i = 0; i < past->n; i++) {
		const struct past_item *item = &past->items[i];

		cbor_put_array(&out, 5);
		cbor_put_text(&out, item->name);
		cbor_put_bytes(&out, item->manifest);
		cbor_put_bytes(&out, item->bundle);
		cbor_put_bytes(&out, item->policy);
		cbor_put_array(&out, item->n_certs);
		for (size_t c = 0; c < item->n_certs; c++)
			cbor_put_bytes(&out, item->certs[c]);
	}
	return cbor_out_end(&out);
}

static bool
history_set_is_name(struct span text)
{
	char name[PAST_NAME_MAX], *slash;

	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(text));
	slash = strchr(name, '/');
	if (slash == NULL || strlen(name) != text.n)
		return false;
	*slash = '\0';
	return past_is_channel(name) && past_is_number(slash + 1);
}

/* Each element is one byte at least, so that a count is no reason to ask for
 * more memory than a few times what was sent. */
static enum rc
read_certs(struct cbor_in *in, struct past_item *item)
{
	uint64_t n = 0;
	enum rc rc = cbor_take_array(in, "certificates", 0, CERTS_MAX, &n);

	if (rc != RC_OK)
		return rc;
	if (n > in->rest.n)
		return rule_refuse(
		    RULE_READER, HISTORIES ": more than there are");
	item->certs = calloc(n == 0 ? 1 : n, sizeof(*item->certs));
	if (item->certs == NULL)
		return err_memory();
	while (rc == RC_OK && item->n_certs < n)
		rc = cbor_take_bytes(in, "certificate", PAST_CERT_MIN, CERT_MAX,
		    &item->certs[item->n_certs++]);
	return rc;
}

static enum rc
history_set_read_one(struct cbor_in *in, struct past *past)
{
	struct past_item *item = &past->items[past->n++];
	uint64_t five;
	enum rc rc = cbor_take_array(in, "response", 5, 5, &five);

	if (rc == RC_OK)
		rc = cbor_take_text(
		    in, "name", 1, PAST_NAME_MAX - 1, &item->name);
	if (rc == RC_OK)
		rc = cbor_take_bytes(
		    in, "manifest", 1, COSE_FILE_MAX, &item->manifest);
	if (rc == RC_OK)
		rc = cbor_take_bytes(
		    in, "bundle", 0, COSE_FILE_MAX, &item->bundle);
	if (rc == RC_OK)
		rc = cbor_take_bytes(
		    in, "policy", 0, POLICY_FILE_MAX, &item->policy);
	if (rc == RC_OK)
		rc = read_certs(in, item);
	if (rc == RC_OK && !history_set_is_name(item->name))
		rc =
		    rule_refuse(RULE_READER, HISTORIES ": a name that is none");
	return rc;
}

static enum rc
history_set_read_all(struct span bytes, struct past *past)
{
	struct cbor_in in = { .from = HISTORIES, .rest = bytes };
	uint64_t n = 0;
	enum rc rc = cbor_in_check(HISTORIES, bytes);

	if (rc == RC_OK)
		rc = cbor_take_array(&in, "responses", 1, MEDIA_FILES_MAX, &n);
	if (rc != RC_OK)
		return rc;
	past->items = calloc(n, sizeof(*past->items));
	if (past->items == NULL)
		return err_memory();
	while (rc == RC_OK && n-- > 0)
		rc = history_set_read_one(&in, past);
	return rc;
}

enum rc
past_read(struct span bytes, struct past *ret)
{
	WIPED(past) past = { 0 };
	struct err_saved saved;
	enum rc rc = history_set_read_all(bytes, &past);

	if (rc == RC_FORMAT) { /* whatever is wrong, the reader wrote it */
		err_save(&saved);
		return rule_refuse(RULE_READER, "%.1000s", saved.text);
	}
	if (rc != RC_OK)
		return rc;
	*ret = past;
	past = (struct past){ 0 };
	return RC_OK;
}
