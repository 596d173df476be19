/* SPDX-License-Identifier: Apache-2.0 */
/* All files are copied while opening is still allowed, and parsed only behind
 * the strict sandbox. */
#include "transfer/reader/reader_history.h"

#include "base/file.h"
#include "base/list.h"
#include "transfer/media/layout.h"
#include "transfer/media/media_part.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/pem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_LEN 320

struct history_file {
	char response[HISTORY_NAME_MAX]; /* "CHANNEL/NUMBER" */
	char name[MEDIA_NAME_MAX];
	size_t at, n; /* within the bytes */
};

void
history_scan_wipe(struct history_scan *scan)
{
	free(scan->files);
	buf_wipe(&scan->bytes);
	buf_wipe(&scan->ders);
	fd_close(&scan->memfd);
	*scan = (struct history_scan){ .memfd = -1 };
}

/* ---- phase a ---------------------------------------------------------------
 */

static enum rc
take_bytes(struct history_scan *scan, const char *response, const char *name,
    struct span bytes)
{
	struct history_file *one;
	const size_t at = scan->bytes.n;
	enum rc rc;

	/* Bytes have a limit of their own, but empty files have none. */
	if (scan->n == HISTORY_FILES_MAX)
		return rule_refuse(RULE_MEDIA_COUNT,
		    MEDIA_HISTORY
		    ": more than %d files; `history --from` splits them",
		    HISTORY_FILES_MAX);
	rc = LIST_GROW(scan->files, scan->n);
	if (rc == RC_OK)
		rc = buf_add_span(&scan->bytes, bytes);
	if (rc != RC_OK)
		return rc;
	one = &scan->files[scan->n++];
	(void)snprintf(one->response, sizeof(one->response), "%s", response);
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	one->at = at;
	one->n = bytes.n;
	return RC_OK;
}

static enum rc
history_copy_file(struct history_scan *scan, const struct media *media,
    const char *response, const char *name)
{
	WIPED(sealed) copy = { .fd = -1 };
	char path[PATH_LEN];
	OWN_FD memfd = -1;
	enum rc rc;

	(void)snprintf(
	    path, sizeof(path), MEDIA_HISTORY "/%s/%s", response, name);
	rc = media_copy(media, path, MEDIA_FILE_MAX - scan->bytes.n, &memfd);
	if (rc == RC_OK)
		rc = sealed_map(memfd, &copy);
	if (rc != RC_OK)
		return rc;
	memfd = -1;
	return take_bytes(scan, response, name, copy.bytes);
}

static enum rc
copy_response(
    struct history_scan *scan, const struct media *media, const char *response)
{
	WIPED(media_names) names = { 0 };
	char path[PATH_LEN];
	enum rc rc;

	(void)snprintf(path, sizeof(path), MEDIA_HISTORY "/%s", response);
	rc = media_list(media, path, NULL, true, &names);
	if (rc == RC_OK && names.n == 0) /* for the parser to refuse by name */
		rc = take_bytes(scan, response, "", SPAN_NONE);
	for (size_t i = 0; i < names.n && rc == RC_OK; i++)
		rc = history_copy_file(scan, media, response, names.items[i]);
	return rc;
}

static enum rc
copy_channel(
    struct history_scan *scan, const struct media *media, const char *channel)
{
	WIPED(media_names) names = { 0 };
	char path[PATH_LEN], response[HISTORY_NAME_MAX];
	enum rc rc;

	(void)snprintf(path, sizeof(path), MEDIA_HISTORY "/%s", channel);
	rc = media_list(media, path, NULL, false, &names);
	for (size_t i = 0; i < names.n && rc == RC_OK; i++) {
		if (!history_is_number(names.items[i]))
			continue;
		(void)snprintf(response, sizeof(response), "%.17s/%.10s",
		    channel, names.items[i]);
		rc = copy_response(scan, media, response);
	}
	return rc;
}

enum rc
history_scan_dir(struct history_scan *scan, const struct media *media)
{
	WIPED(media_names) names = { 0 };
	enum rc rc = sealed_begin(&scan->memfd);

	scan->begun = true;
	if (rc == RC_OK)
		rc = media_list(media, MEDIA_HISTORY, NULL, false, &names);
	for (size_t i = 0; i < names.n && rc == RC_OK; i++)
		if (history_is_channel(names.items[i]))
			rc = copy_channel(scan, media, names.items[i]);
	return rc;
}

/* ---- phase b ---------------------------------------------------------------
 */

/* The set while it is made: certificates by their places in `ders`, which moves
 * as it grows. */
struct history_draft {
	struct history_set history;
	struct history_place {
		size_t at, n;
	} * places; /* owned; of all certificates */
	size_t n_places;
};

static void
history_draft_wipe(struct history_draft *d)
{
	history_set_wipe(&d->history);
	free(d->places);
}

/* The response whose files are being read. */
static struct history_item *
last_item(struct history_draft *d)
{
	assert(d->history.items != NULL && d->history.n > 0);
	return &d->history.items[d->history.n - 1];
}

static enum rc
add_place(struct history_draft *d, struct history_scan *scan, struct span der)
{
	enum rc rc = LIST_GROW(d->places, d->n_places);

	if (rc != RC_OK)
		return rc;
	d->places[d->n_places++] =
	    (struct history_place){ scan->ders.n, der.n };
	last_item(d)->n_certs++;
	return buf_add_span(&scan->ders, der);
}

static enum rc
parse_certs(struct history_draft *d, struct history_scan *scan,
    const struct history_file *file, struct span rest)
{
	WIPED(buf) der = { 0 };
	char from[HISTORY_NAME_MAX + MEDIA_NAME_MAX];
	bool more = true;
	enum rc rc = RC_OK;

	(void)snprintf(from, sizeof(from), "%s/%s", file->response, file->name);
	while (rc == RC_OK) {
		rc = pem_next(from, PEM_CERTIFICATE, &rest, &der, &more);
		if (rc != RC_OK || !more)
			break;
		if (der.n < CERT_MIN || der.n > CERT_MAX)
			return rule_refuse(RULE_CERT_FORM,
			    "%s: no certificate has %zu bytes", from, der.n);
		rc = add_place(d, scan, buf_span(&der));
	}
	/* Not each form error of PEM is a rule's. */
	if (rc == RC_FORMAT && rule_spoken() == RULE_NONE)
		rc = rule_refuse(RULE_CERT_FORM, "%s", err_text());
	return rc;
}

static enum rc
parse_file(struct history_draft *d, struct history_scan *scan,
    const struct history_file *file)
{
	struct history_item *item = last_item(d);
	struct span bytes = span_of(scan->bytes.p + file->at, file->n);

	if (strcmp(file->name, LAYOUT_MANIFEST) == 0)
		item->manifest = bytes;
	else if (strcmp(file->name, LAYOUT_BUNDLE) == 0)
		item->bundle = bytes;
	else if (strcmp(file->name, LAYOUT_POLICY) == 0)
		item->policy = bytes;
	else if (layout_is_certs(span_str(file->name)))
		return parse_certs(d, scan, file, bytes);
	return RC_OK;
}

/* The next response begins where a file is of another one. */
static enum rc
next_item(struct history_draft *d, const struct history_file *file)
{
	struct history_set *history = &d->history;
	enum rc rc;

	if (history->n > 0 && span_eq_str(last_item(d)->name, file->response))
		return RC_OK;
	if (history->n == MEDIA_FILES_MAX)
		return rule_refuse(RULE_MEDIA_COUNT,
		    MEDIA_HISTORY ": more than %d responses", MEDIA_FILES_MAX);
	rc = LIST_GROW(history->items, history->n);
	if (rc != RC_OK)
		return rc;
	history->items[history->n++] =
	    (struct history_item){ .name = span_str(file->response) };
	return RC_OK;
}

static enum rc
history_parse_files(struct history_scan *scan, struct history_draft *d)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < scan->n && rc == RC_OK; i++) {
		rc = next_item(d, &scan->files[i]);
		if (rc == RC_OK)
			rc = parse_file(d, scan, &scan->files[i]);
	}
	for (size_t i = 0; i < d->history.n && rc == RC_OK; i++)
		if (d->history.items[i].manifest.n == 0)
			rc = rule_refuse(RULE_MANIFEST_FILES,
			    "%.*s: " LAYOUT_MANIFEST " is missing",
			    SPAN_FMT(d->history.items[i].name));
	return rc;
}

/* All certificates are parsed: their bytes stay where they are now. */
static enum rc
point_to_certs(const struct history_scan *scan, struct history_draft *d)
{
	size_t next = 0;

	for (size_t i = 0; i < d->history.n; i++) {
		struct history_item *item = &d->history.items[i];

		item->certs = calloc(item->n_certs == 0 ? 1 : item->n_certs,
		    sizeof(*item->certs));
		if (item->certs == NULL)
			return err_memory();
		for (size_t c = 0; c < item->n_certs; c++, next++) {
			assert(next < d->n_places && d->places != NULL);
			item->certs[c] =
			    span_of(scan->ders.p + d->places[next].at,
				d->places[next].n);
		}
	}
	return RC_OK;
}

enum rc
history_scan_parse(struct history_scan *scan)
{
	WIPED(history_draft) d = { 0 };
	WIPED(buf) out = { 0 };
	enum rc rc = history_parse_files(scan, &d);

	if (rc != RC_OK)
		return rc;
	if (d.history.n == 0) {
		fd_close(&scan->memfd);
		return RC_OK;
	}
	rc = point_to_certs(scan, &d);
	if (rc == RC_OK)
		rc = history_set_write(&d.history, &out);
	if (rc == RC_OK)
		rc = fd_write_all(scan->memfd, buf_span(&out), "memory");
	return rc != RC_OK ? rc : sealed_end(scan->memfd);
}
