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
	reader_left_wipe(&scan->left);
	buf_wipe(&scan->bytes);
	fd_close(&scan->memfd);
	*scan = (struct history_scan){ .memfd = -1 };
}

static enum rc
manifest_missing(const char *response)
{
	return rule_refuse(RULE_MANIFEST_FILES,
	    "%s: " LAYOUT_MANIFEST " is missing", response);
}

/* ---- phase a ---------------------------------------------------------------
 */

static enum rc
take_bytes(struct history_scan *scan, const char *response, const char *name,
    struct span bytes)
{
	struct history_file *one;
	const size_t at = scan->bytes.n;
	enum rc rc = LIST_GROW(scan->files, scan->n);

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
copy_files(struct history_scan *scan, const struct media *media,
    const char *response, const struct media_names *names)
{
	enum rc rc = RC_OK;

	if (names->n == 0)
		return manifest_missing(response);
	for (size_t i = 0; i < names->n && rc == RC_OK; i++)
		rc = history_copy_file(scan, media, response, names->items[i]);
	return rc;
}

/* What is wrong with one response is no reason to leave the others behind; but
 * half of one proves nothing. */
static enum rc
copy_response(
    struct history_scan *scan, const struct media *media, const char *response)
{
	WIPED(media_names) names = { 0 };
	const size_t n = scan->n, at = scan->bytes.n;
	char path[PATH_LEN];
	enum rc rc;

	(void)snprintf(path, sizeof(path), MEDIA_HISTORY "/%s", response);
	rc = media_list(media, path, NULL, true, &names);
	/* Bytes have a limit of their own, but empty files have none. */
	if (rc == RC_OK && names.n > HISTORY_FILES_MAX - scan->n)
		return rule_refuse(RULE_MEDIA_COUNT,
		    MEDIA_HISTORY
		    ": more than %d files; `history --from` splits them",
		    HISTORY_FILES_MAX);
	if (rc == RC_OK)
		rc = copy_files(scan, media, response, &names);
	if (rc == RC_OK)
		return RC_OK;
	scan->n = n;
	buf_cut(&scan->bytes, at);
	return reader_left_add(&scan->left, response, rc);
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
	if (rc != RC_OK)
		return reader_left_add(&scan->left, channel, rc);
	for (size_t i = 0; i < names.n && rc == RC_OK; i++) {
		if (!history_is_number(names.items[i]))
			continue;
		if (scan->n_responses++ == MEDIA_FILES_MAX)
			return rule_refuse(RULE_MEDIA_COUNT,
			    MEDIA_HISTORY ": more than %d responses",
			    MEDIA_FILES_MAX);
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

/* DER is shorter than the PEM that it comes of, so it takes its place: a second
 * copy of all certificates would cost as much as the stick holds. */
static enum rc
history_add_cert(struct history_item *item, struct history_scan *scan,
    size_t at, struct span der)
{
	enum rc rc = LIST_GROW(item->certs, item->n_certs);

	if (rc != RC_OK)
		return rc;
	memcpy(scan->bytes.p + at, der.p, der.n);
	item->certs[item->n_certs++] = span_of(scan->bytes.p + at, der.n);
	return RC_OK;
}

static enum rc
parse_certs(struct history_item *item, struct history_scan *scan,
    const struct history_file *file)
{
	struct span rest = span_of(scan->bytes.p + file->at, file->n);
	WIPED(buf) der = { 0 };
	char from[HISTORY_NAME_MAX + MEDIA_NAME_MAX];
	size_t at = file->at;
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
		assert(scan->bytes.p + at + der.n <= rest.p);
		rc = history_add_cert(item, scan, at, buf_span(&der));
		at += der.n;
	}
	/* Not each form error of PEM is a rule's. */
	if (rc == RC_FORMAT && rule_spoken() == RULE_NONE)
		rc = rule_refuse(RULE_CERT_FORM, "%s", err_text());
	return rc;
}

static enum rc
parse_file(struct history_item *item, struct history_scan *scan,
    const struct history_file *file)
{
	struct span bytes = span_of(scan->bytes.p + file->at, file->n);

	if (strcmp(file->name, LAYOUT_MANIFEST) == 0)
		item->manifest = bytes;
	else if (strcmp(file->name, LAYOUT_BUNDLE) == 0)
		item->bundle = bytes;
	else if (strcmp(file->name, LAYOUT_POLICY) == 0)
		item->policy = bytes;
	else if (layout_is_crl(span_str(file->name)) && item->crl.n == 0)
		item->crl = bytes; /* one is enough: they list the same */
	else if (layout_is_certs(span_str(file->name)))
		return parse_certs(item, scan, file);
	return RC_OK;
}

/* How many files belong to the response of file `first`. */
static size_t
files_of_response(const struct history_scan *scan, size_t first)
{
	const char *response = scan->files[first].response;
	size_t n = 1;

	while (first + n < scan->n &&
	       strcmp(scan->files[first + n].response, response) == 0)
		n++;
	return n;
}

static enum rc
parse_response(struct history_scan *scan, size_t first, size_t n,
    struct history_item *item)
{
	enum rc rc = RC_OK;

	for (size_t i = first; i < first + n && rc == RC_OK; i++)
		rc = parse_file(item, scan, &scan->files[i]);
	if (rc == RC_OK && item->manifest.n == 0)
		rc = manifest_missing(scan->files[first].response);
	return rc;
}

/* A refusal is this response's own; what could not be told ends all. */
static enum rc
take_response(struct history_scan *scan, size_t first, size_t n,
    struct history_set *history)
{
	struct history_item *item;
	const char *name = scan->files[first].response;
	enum rc rc = LIST_GROW(history->items, history->n);

	if (rc != RC_OK)
		return rc;
	item = &history->items[history->n];
	*item = (struct history_item){ .name = span_str(name) };
	rc = parse_response(scan, first, n, item);
	if (rc == RC_OK) {
		history->n++;
		return RC_OK;
	}
	free(item->certs);
	return rule_spoken() == RULE_NONE
		   ? rc
		   : reader_left_add(&scan->left, name, rc);
}

static enum rc
history_parse_files(struct history_scan *scan, struct history_set *history)
{
	enum rc rc = RC_OK;

	for (size_t i = 0, n; i < scan->n && rc == RC_OK; i += n) {
		n = files_of_response(scan, i);
		rc = take_response(scan, i, n, history);
	}
	return rc;
}

enum rc
history_scan_parse(struct history_scan *scan)
{
	WIPED(history_set) history = { 0 };
	WIPED(buf) out = { 0 };
	enum rc rc = history_parse_files(scan, &history);

	if (rc != RC_OK)
		return rc;
	if (history.n == 0) {
		fd_close(&scan->memfd);
		return RC_OK;
	}
	rc = history_set_write(&history, &out);
	if (rc == RC_OK)
		rc = fd_write_all(scan->memfd, buf_span(&out), "memory");
	return rc != RC_OK ? rc : sealed_end(scan->memfd);
}
