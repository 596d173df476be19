/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and certificates put together, one for each serial. Lines are read by
 * adopt_index.c. */
#include "ca/lifecycle/past.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "ca/ledger/adopted.h"
#include "ca/lifecycle/adopt_index.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"
#include "transfer/x509/cert_text.h"
#include "transfer/x509/der.h"
#include "transfer/x509/pem.h"
#include "transfer/x509/tbs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdlib.h>

#define PAST_FILE_MAX \
	((size_t)4 * CERT_MAX) /* PEM, and openssl's text of it \
				*/
#define PAST_FILES_MAX 1000000
#define PAST_BYTES_MAX ((size_t)1 << 30) /* of all files */

void
past_wipe(struct past *past)
{
	for (size_t i = 0; i < past->n; i++) {
		buf_wipe(&past->items[i].subject);
		buf_wipe(&past->items[i].der);
	}
	free(past->items);
	*past = (struct past){ 0 };
}

void
past_sources_wipe(struct past_sources *sources)
{
	for (size_t i = 0; i < sources->n_files; i++) {
		buf_wipe(&sources->files[i].path);
		buf_wipe(&sources->files[i].bytes);
	}
	free(sources->files);
	buf_wipe(&sources->index);
	*sources = (struct past_sources){ 0 };
}

/* ---- files ------------------------------------------------------------------
 */

static enum rc
past_file_add(
    struct past_sources *s, const char *certs, const char *name, size_t *total)
{
	struct past_file *file;
	const char *path;
	enum rc rc = LIST_GROW(s->files, s->n_files);

	if (rc != RC_OK)
		return rc;
	file = &s->files[s->n_files++]; /* released with the rest */
	*file = (struct past_file){ 0 };
	rc = buf_printf(&file->path, "%s/%s", certs, name);
	if (rc != RC_OK)
		return rc;
	path = buf_cstr(&file->path);
	if (path == NULL)
		return err_memory();
	rc = file_read(AT_FDCWD, path, PAST_FILE_MAX, &file->bytes);
	*total += file->bytes.n;
	if (rc == RC_OK &&
	    (s->n_files > PAST_FILES_MAX || *total > PAST_BYTES_MAX))
		rc = err_set(RC_FORMAT,
		    "%s: more than %d files, or than 1 GiB of them", certs,
		    PAST_FILES_MAX);
	return rc;
}

static int
past_file_compare(const void *a, const void *b)
{
	const struct past_file *x = a, *y = b;
	size_t n = x->path.n < y->path.n ? x->path.n : y->path.n;
	int order = memcmp(x->path.p, y->path.p, n);

	return order != 0 ? order
			  : (x->path.n > y->path.n) - (x->path.n < y->path.n);
}

/* Each name without a dot in front. In the order of the names, so that which
 * file a sentence names does not depend on the file system. */
static enum rc
past_dir_read(const char *certs, struct past_sources *s)
{
	DIR *dir = dir_entries(AT_FDCWD, certs);
	const struct dirent *e;
	size_t total = 0;
	enum rc rc = RC_OK;

	if (dir == NULL)
		return err_errno(RC_IO, errno, "%s", certs);
	errno = 0;
	while (rc == RC_OK && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.')
			rc = past_file_add(s, certs, e->d_name, &total);
		errno = 0;
	}
	if (rc == RC_OK && errno != 0)
		rc = err_errno(RC_IO, errno, "%s", certs);
	(void)closedir(dir);
	if (rc == RC_OK && s->n_files > 1)
		qsort(
		    s->files, s->n_files, sizeof(*s->files), past_file_compare);
	return rc;
}

enum rc
past_sources_read(
    const char *index, const char *certs, struct past_sources *ret)
{
	WIPED(past_sources) s = { 0 };
	enum rc rc = RC_OK;

	if (index != NULL)
		rc = file_read(AT_FDCWD, index, INDEX_FILE_MAX, &s.index);
	if (rc == RC_OK && certs != NULL)
		rc = past_dir_read(certs, &s);
	if (rc != RC_OK)
		return rc;
	s.index_path = index;
	*ret = s;
	s = (struct past_sources){ 0 };
	return RC_OK;
}

/* The text that openssl puts around it is passed over. */
enum rc
past_cert_next(
    const char *from, struct span *rest, struct buf *ret_der, bool *ret_more)
{
	static const char begin[] = "-----BEGIN " PEM_CERTIFICATE "-----";
	static const char end[] = "-----END " PEM_CERTIFICATE "-----";
	const uint8_t *at, *stop;
	struct span block;

	buf_reset(ret_der);
	*ret_more = rest->n != 0;
	if (rest->n != 0 && rest->p[0] == DER_SEQUENCE) {
		block = *rest;
		*rest = SPAN_NONE;
		return buf_add_span(ret_der, block);
	}
	at = rest->n == 0 ? NULL
			  : memmem(rest->p, rest->n, begin, sizeof(begin) - 1);
	*ret_more = at != NULL;
	if (at == NULL)
		return RC_OK;
	block = span_of(at, rest->n - (size_t)(at - rest->p));
	stop = memmem(block.p, block.n, end, sizeof(end) - 1);
	if (stop == NULL)
		return err_set(
		    RC_FORMAT, "%s: a certificate that is cut short", from);
	stop += sizeof(end) - 1;
	*rest = span_of(stop, block.n - (size_t)(stop - block.p));
	block.n = (size_t)(stop - block.p);
	return pem_next(from, PEM_CERTIFICATE, &block, ret_der, ret_more);
}

enum rc
past_cert_take(const char *from, struct span file, struct buf *ret_der)
{
	WIPED(buf) other = { 0 };
	bool more = false;
	enum rc rc = past_cert_next(from, &file, ret_der, &more);

	if (rc == RC_OK && !more)
		return err_set(RC_FORMAT, "%s: no certificate is in it", from);
	if (rc == RC_OK)
		rc = past_cert_next(from, &file, &other, &more);
	if (rc == RC_OK && more)
		rc = err_set(
		    RC_FORMAT, "%s: more than one certificate is in it", from);
	return rc;
}

/* ---- putting together
 * --------------------------------------------------------- */

/* Where an entry is from. */
struct past_entry {
	struct past_cert cert;
	size_t line;	  /* of the index; 0: it is not in it */
	const char *path; /* of its certificate; NULL: not at hand */
	bool ended;	  /* marked E */
};

struct past_work {
	const struct past_sources *sources;
	X509 *ca;
	EVP_PKEY *key; /* borrowed from ca */
	struct cert_parts ca_parts;
	int64_t ca_not_after;
	struct past_entry *lines, *certs; /* owned */
	size_t n_lines, n_certs;
	struct past *past;
};

static void
past_entries_free(struct past_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_wipe(&entries[i].cert.subject);
		buf_wipe(&entries[i].cert.der);
	}
	free(entries);
}

static void
past_work_wipe(struct past_work *w)
{
	past_entries_free(w->lines, w->n_lines);
	past_entries_free(w->certs, w->n_certs);
	X509_free(w->ca);
}

static int
past_serial_compare(const struct past_cert *a, const struct past_cert *b)
{
	size_t n = a->n_serial < b->n_serial ? a->n_serial : b->n_serial;
	int order = memcmp(a->serial, b->serial, n);

	return order != 0
		   ? order
		   : (a->n_serial > b->n_serial) - (a->n_serial < b->n_serial);
}

/* By serial, then as they came. */
static int
past_entry_compare(const void *a, const void *b)
{
	const struct past_entry *x = a, *y = b;
	int order = past_serial_compare(&x->cert, &y->cert);

	if (order != 0)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->path == NULL || y->path == NULL ? 0
						  : strcmp(x->path, y->path);
}

static bool
past_is_own(const struct past_work *w, struct span serial)
{
	return span_eq(serial, w->ca_parts.serial);
}

/* ---- the index
 * ---------------------------------------------------------------- */

static enum rc
past_line_refuse(const struct past_work *w, size_t line, const char *what)
{
	return rule_refuse(RULE_INDEX_LINE, "%s: line %zu: %s",
	    w->sources->index_path, line, what);
}

/* openssl ca -selfsign keeps the CA's own certificate there too. */
static enum rc
past_line_check(struct past_work *w, const struct index_entry *e, bool *ret_own)
{
	*ret_own = past_is_own(w, span_of(e->serial, e->n_serial));
	if (*ret_own && e->not_after != w->ca_not_after)
		return past_line_refuse(w, e->line,
		    "it has the serial of the CA's own certificate, and another end");
	if (e->revoked && *ret_own)
		return past_line_refuse(
		    w, e->line, "the CA's own certificate is revoked");
	if (e->revoked &&
	    (e->revoked_at > w->sources->now || e->since > w->sources->now))
		return past_line_refuse(w, e->line,
		    "it is revoked in the future, by this machine's clock");
	if (e->ended && e->not_after > w->sources->now)
		return past_line_refuse(w, e->line,
		    "it is marked E, and has not ended by this machine's clock");
	return RC_OK;
}

static enum rc
past_line_add(struct past_work *w, const struct index_entry *e)
{
	struct past_counts *counts = &w->past->counts;
	struct past_entry entry = { .line = e->line,
		.ended = e->ended,
		.cert = { .n_serial = e->n_serial,
		    .not_after = e->not_after,
		    .revoked = e->revoked,
		    .revoked_at = e->revoked_at,
		    .reason = e->reason,
		    .since = e->since } };
	bool own = false;
	enum rc rc = past_line_check(w, e, &own);

	if (rc != RC_OK || own) {
		counts->own += own;
		return rc;
	}
	memcpy(entry.cert.serial, e->serial, e->n_serial);
	rc = index_subject(e->subject, &entry.cert.subject);
	if (rc == RC_OK)
		rc = LIST_GROW(w->lines, w->n_lines);
	if (rc != RC_OK) {
		buf_wipe(&entry.cert.subject);
		return rc;
	}
	w->lines[w->n_lines++] = entry;
	counts->held += e->held;
	counts->removed += e->removed;
	counts->late +=
	    !e->revoked && !e->ended && e->not_after < w->sources->now;
	return RC_OK;
}

static enum rc
past_index_read(struct past_work *w)
{
	struct index_cursor cursor = { .from = w->sources->index_path,
		.rest = buf_span(&w->sources->index) };
	struct index_entry e;
	bool more = w->sources->index_path != NULL;
	enum rc rc = RC_OK;

	while (rc == RC_OK && more) {
		rc = index_next(&cursor, &e, &more);
		if (rc == RC_OK && more)
			rc = past_line_add(w, &e);
	}
	if (rc != RC_OK || w->n_lines == 0)
		return rc;
	qsort(w->lines, w->n_lines, sizeof(*w->lines), past_entry_compare);
	for (size_t i = 1; i < w->n_lines; i++)
		if (past_serial_compare(
			&w->lines[i - 1].cert, &w->lines[i].cert) == 0)
			return rule_refuse(RULE_INDEX_LINE,
			    "%s: line %zu: it has the serial of line %zu",
			    w->sources->index_path, w->lines[i].line,
			    w->lines[i - 1].line);
	return RC_OK;
}

/* ---- certificates
 * ---------------------------------------------------------------- */

/* Names and serials of any form that its time had, so by OpenSSL's reader; and
 * with whatever hash, for nobody will be asked to believe it. */
static enum rc
past_cert_prove(const struct past_work *w, const char *path, X509 *cert)
{
	if (X509_NAME_cmp(X509_get_issuer_name(cert),
		X509_get_subject_name(w->ca)) == 0 &&
	    X509_verify(cert, w->key) == 1)
		return RC_OK;
	ERR_clear_error();
	return rule_refuse(RULE_ADOPT_PAST,
	    "%s: not a certificate that this CA has issued", path);
}

static enum rc
past_cert_serial(const struct past_work *w, const char *path, X509 *cert,
    struct past_cert *ret)
{
	OWN(BIGNUM) *number =
	    ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	int n;

	if (number == NULL)
		return err_openssl(RC_BUG, "%s: its serial", path);
	n = BN_is_zero(number) ? 1 : BN_num_bytes(number);
	if (BN_is_negative(number) || n > SERIAL_MAX)
		return rule_refuse(RULE_ADOPT_PAST,
		    "%s: its serial is negative, or has more than 20 octets (RFC 5280 4.1.2.2)",
		    path);
	ret->n_serial = (size_t)n;
	if (BN_bn2binpad(number, ret->serial, n) != n)
		return err_openssl(RC_BUG, "%s: its serial", path);
	if (past_is_own(w, span_of(ret->serial, ret->n_serial)))
		return rule_refuse(RULE_ADOPT_PAST,
		    "%s: it has the serial of the CA's own certificate, and is another one",
		    path);
	return RC_OK;
}

/* Kept where all that shows certificates can read it; else it is known by its
 * serial alone. */
static enum rc
past_der_keep(struct span der, const struct past_cert *cert, struct buf *ret)
{
	WIPED(cert_text) text = { 0 };
	struct cert_parts parts;
	enum rc rc = cert_parts_read("certificate", der, &parts);

	if (rc == RC_OK)
		rc = cert_text_read(der, &text);
	if (rc == RC_IO || rc == RC_BUG)
		return rc;
	err_clear();
	if (rc != RC_OK || der.n < CERT_MIN || der.n > CERT_MAX ||
	    !span_eq(parts.serial, span_of(cert->serial, cert->n_serial)))
		return RC_OK;
	return buf_add_span(ret, der);
}

static enum rc
past_cert_add(struct past_work *w, const char *path, struct span file)
{
	struct past_entry entry = { .path = path };
	OWN(X509) *cert = NULL;
	WIPED(buf) der = { 0 };
	int64_t not_before;
	enum rc rc = past_cert_take(path, file, &der);

	if (rc == RC_FORMAT)
		return rule_refuse(RULE_ADOPT_PAST, "%s", err_text());
	if (rc != RC_OK)
		return rc;
	if (span_eq(buf_span(&der), w->sources->ca_cert)) {
		w->past->counts.own++;
		return RC_OK;
	}
	cert = cert_of_der(buf_span(&der));
	if (cert == NULL)
		return rule_refuse(
		    RULE_ADOPT_PAST, "%s: not one certificate", path);
	rc = past_cert_prove(w, path, cert);
	if (rc == RC_OK)
		rc = past_cert_serial(w, path, cert, &entry.cert);
	if (rc == RC_OK &&
	    cert_window(cert, &not_before, &entry.cert.not_after) != RC_OK)
		rc = rule_refuse(RULE_ADOPT_PAST, "%s: a broken date", path);
	if (rc == RC_OK)
		rc = subject_print(
		    X509_get_subject_name(cert), &entry.cert.subject);
	if (rc == RC_OK && entry.cert.subject.n > ADOPTED_SUBJECT_MAX)
		buf_reset(&entry.cert.subject);
	if (rc == RC_OK)
		rc =
		    past_der_keep(buf_span(&der), &entry.cert, &entry.cert.der);
	if (rc == RC_OK)
		rc = LIST_GROW(w->certs, w->n_certs);
	if (rc == RC_OK)
		w->certs[w->n_certs++] = entry;
	else {
		buf_wipe(&entry.cert.subject);
		buf_wipe(&entry.cert.der);
	}
	return rc;
}

/* The same certificate under two names is one; two of one serial are not. */
static enum rc
past_certs_settle(struct past_work *w)
{
	size_t kept = 0;

	if (w->n_certs == 0)
		return RC_OK;
	qsort(w->certs, w->n_certs, sizeof(*w->certs), past_entry_compare);
	for (size_t i = 1; i < w->n_certs; i++) {
		struct past_entry *last = &w->certs[kept];

		if (past_serial_compare(&last->cert, &w->certs[i].cert) != 0) {
			kept++;
			if (kept != i) {
				w->certs[kept] = w->certs[i];
				w->certs[i] = (struct past_entry){ 0 };
			}
			continue;
		}
		if (last->cert.not_after != w->certs[i].cert.not_after ||
		    !span_eq(buf_span(&last->cert.der),
			buf_span(&w->certs[i].cert.der)) ||
		    !span_eq(buf_span(&last->cert.subject),
			buf_span(&w->certs[i].cert.subject)))
			return rule_refuse(RULE_ADOPT_PAST,
			    "%s: another certificate with the serial of %s",
			    w->certs[i].path, last->path);
		buf_wipe(&w->certs[i].cert.subject);
		buf_wipe(&w->certs[i].cert.der);
		w->certs[i] = (struct past_entry){ 0 };
	}
	w->n_certs = kept + 1;
	return RC_OK;
}

static enum rc
past_certs_read(struct past_work *w)
{
	const struct past_sources *s = w->sources;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n_files && rc == RC_OK; i++)
		rc = past_cert_add(w, (const char *)s->files[i].path.p,
		    buf_span(&s->files[i].bytes));
	return rc == RC_OK ? past_certs_settle(w) : rc;
}

/* ---- both
 * ------------------------------------------------------------------------- */

static enum rc
past_item_add(struct past_work *w, struct past_cert *cert)
{
	struct past *past = w->past;
	enum rc rc = LIST_GROW(past->items, past->n);

	if (rc != RC_OK)
		return rc;
	past->items[past->n++] = *cert;
	past->counts.revoked += cert->revoked;
	past->counts.expired +=
	    !cert->revoked && cert->not_after < w->sources->now;
	past->counts.by_serial += cert->der.n == 0;
	*cert = (struct past_cert){ 0 }; /* it owns its bytes now */
	return RC_OK;
}

/* A line tells of revocation, the certificate of all else. That both end in the
 * same second says that they belong together: another CA's index has the same
 * serials. */
static enum rc
past_join(struct past_work *w, struct past_entry *line, struct past_entry *cert)
{
	if (line->cert.not_after != cert->cert.not_after) {
		char said[CLOCK_TEXT], is[CLOCK_TEXT];

		clock_write(line->cert.not_after, said);
		clock_write(cert->cert.not_after, is);
		return rule_refuse(RULE_ADOPT_PAST,
		    "%s: it ends at %s, and line %zu of %s has its serial with %s: is that another CA's?",
		    cert->path, is, line->line, w->sources->index_path, said);
	}
	cert->cert.revoked = line->cert.revoked;
	cert->cert.revoked_at = line->cert.revoked_at;
	cert->cert.reason = line->cert.reason;
	cert->cert.since = line->cert.since;
	return past_item_add(w, &cert->cert);
}

static enum rc
past_merge(struct past_work *w)
{
	size_t l = 0, c = 0;
	enum rc rc = RC_OK;

	while (rc == RC_OK && (l < w->n_lines || c < w->n_certs)) {
		int order = l == w->n_lines ? 1
			    : c == w->n_certs
				? -1
				: past_serial_compare(
				      &w->lines[l].cert, &w->certs[c].cert);

		if (order < 0)
			rc = past_item_add(w, &w->lines[l++].cert);
		else if (order > 0) {
			w->past->counts.unlisted +=
			    w->sources->index_path != NULL;
			rc = past_item_add(w, &w->certs[c++].cert);
		} else
			rc = past_join(w, &w->lines[l++], &w->certs[c++]);
	}
	return rc;
}

enum rc
past_read(const struct past_sources *sources, struct past *ret)
{
	WIPED(past) past = { 0 };
	WIPED(past_work) w = { .sources = sources, .past = &past };
	int64_t not_before;
	enum rc rc = cert_parse("CA certificate", sources->ca_cert, &w.ca);

	if (rc == RC_OK)
		rc = cert_parts_read(
		    "CA certificate", sources->ca_cert, &w.ca_parts);
	if (rc == RC_OK)
		rc = cert_key_get0("CA certificate", w.ca, &w.key);
	if (rc == RC_OK && w.key == NULL)
		rc = err_set(RC_FORMAT, "CA certificate: unusable key");
	if (rc == RC_OK)
		rc = cert_window(w.ca, &not_before, &w.ca_not_after);
	if (rc == RC_OK)
		rc = past_index_read(&w);
	if (rc == RC_OK)
		rc = past_certs_read(&w);
	if (rc == RC_OK)
		rc = past_merge(&w);
	if (rc != RC_OK)
		return rc;
	*ret = past;
	past = (struct past){ 0 };
	return RC_OK;
}
