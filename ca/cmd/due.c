/* SPDX-License-Identifier: Apache-2.0 */
/* What ends soon, and nothing that has a successor: of one requester's
 * certificates for a profile and names the last to end counts. When to warn is
 * for `status`. */
#include "ca/cmd/due.h"
#include "base/list.h"
#include "ca/cmd/cert_json.h"

#include <stdlib.h>

/* Certificates that follow one another share the key. */
struct due_line {
	uint8_t key[SHA256_LEN];
	uint8_t serial[16];
	int64_t not_after;
};

struct lines {
	struct due_line *items;
	size_t n;
	int64_t since; /* what ended before is of no interest */
};

void
due_list_wipe(struct due_list *list)
{
	free(list->items);
	*list = (struct due_list){ 0 };
}

static enum rc
line_key(const struct ledger_cert *cert, uint8_t ret_key[static SHA256_LEN])
{
	WIPED(cert_text) text = { 0 };
	WIPED(buf) what = { 0 };
	enum rc rc = cert_text_read(buf_span(&cert->der), &text);

	if (rc == RC_OK)
		rc = buf_add(&what, cert->requester, SHA256_LEN);
	if (rc == RC_OK)
		rc = buf_printf(&what, "%s ", cert->intent.profile);
	if (rc == RC_OK)
		rc = cert_names_write(&text.names, &what);
	return rc != RC_OK ? rc : sha256(buf_span(&what), ret_key);
}

static enum rc
line_add(const struct ledger_cert *cert, void *arg)
{
	struct lines *lines = arg;
	struct due_line line = { .not_after = cert->intent.not_after };
	enum rc rc;

	/* Of before an adoption: no requester here would renew it. */
	if (cert->adopted || cert->der.n == 0 || cert->revoked ||
	    line.not_after < lines->since)
		return RC_OK;
	rc = line_key(cert, line.key);
	if (rc != RC_OK)
		return rc;
	memcpy(line.serial, cert->intent.serial, sizeof(line.serial));
	rc = LIST_GROW(lines->items, lines->n);
	if (rc != RC_OK)
		return rc;
	lines->items[lines->n++] = line;
	return RC_OK;
}

static int
line_order(const void *a, const void *b)
{
	const struct due_line *x = a, *y = b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	if (order != 0)
		return order;
	return (x->not_after < y->not_after) - (x->not_after > y->not_after);
}

static int
due_order(const void *a, const void *b)
{
	const struct due *x = a, *y = b;

	return (x->not_after > y->not_after) - (x->not_after < y->not_after);
}

static void
due_note(
    struct due_list *list, const struct due *due, int64_t now, int64_t within)
{
	if (due->not_after >= now &&
	    (list->next == 0 || due->not_after < list->next))
		list->next = due->not_after;
	if (due->not_after <= now + within)
		list->items[list->n++] = *due;
}

static enum rc
note_own(
    struct ledger *ledger, struct due_list *list, int64_t now, int64_t within)
{
	WIPED(ledger_ca) ca = { 0 };
	WIPED(cert_text) text = { 0 };
	WIPED(cert_text) transfer = { 0 };
	enum rc rc = ledger_ca_get(ledger, &ca);

	if (rc == RC_OK)
		rc = cert_text_read(buf_span(&ca.ca_cert), &text);
	if (rc == RC_OK)
		rc = cert_text_read(buf_span(&ca.transfer_cert), &transfer);
	if (rc != RC_OK)
		return rc;
	list->ca_ends = text.not_after;
	due_note(list,
	    &(struct due){ .what = DUE_CA, .not_after = text.not_after }, now,
	    within);
	due_note(list,
	    &(struct due){
		.what = DUE_TRANSFER, .not_after = transfer.not_after },
	    now, within);
	return RC_OK;
}

enum rc
due_list_read(
    struct ledger *ledger, int64_t now, int64_t within, struct due_list *ret)
{
	struct lines lines = { .since = now - within };
	WIPED(due_list) list = { 0 };
	enum rc rc = ledger_certs_each(ledger, line_add, &lines);

	if (rc == RC_OK) {
		list.items = calloc(lines.n + 2, sizeof(*list.items));
		rc = list.items == NULL ? err_memory() : RC_OK;
	}
	if (rc == RC_OK)
		rc = note_own(ledger, &list, now, within);
	if (rc == RC_OK && lines.n > 0)
		qsort(lines.items, lines.n, sizeof(*lines.items), line_order);
	for (size_t i = 0; rc == RC_OK && i < lines.n; i++) {
		const struct due_line *line = &lines.items[i];
		struct due due = { .what = DUE_CERTIFICATE,
			.not_after = line->not_after };

		if (i > 0 &&
		    memcmp(line[-1].key, line->key, sizeof(line->key)) == 0)
			continue;
		memcpy(due.serial, line->serial, sizeof(due.serial));
		due_note(&list, &due, now, within);
	}
	free(lines.items);
	if (rc != RC_OK)
		return rc;
	qsort(list.items, list.n, sizeof(*list.items), due_order);
	*ret = list;
	list = (struct due_list){ 0 };
	return RC_OK;
}
