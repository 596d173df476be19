/* SPDX-License-Identifier: Apache-2.0 */
/* index.txt as `openssl ocsp -index` reads it: six fields a line, between tabs.
 * It has this host's certificates that live, since of others nothing is known
 * but a serial in a CRL; a responder says "unknown" of what is not in it. Where
 * the CRLs have ended it is empty, for then nobody knows what is revoked. */
#include "transfer/online/deploy/deploy_part.h"

#include "base/own_ssl.h"
#include "transfer/online/store/serial_table.h"

#include <stdio.h>
#include <time.h>

#define INDEX_TIME 20 /* "YYYYMMDDHHMMSSZ" and more than that */

struct index_text {
	int64_t now;
	struct serial_table serials;
	struct buf *out;
};

static void
index_text_wipe(struct index_text *x)
{
	serial_table_wipe(&x->serials);
}

static enum rc
index_see(void *arg, const struct stored_cert *c)
{
	struct index_text *x = arg;

	return c->not_after < x->now ? RC_OK
				     : serial_table_add(&x->serials, c->serial);
}

/* Two digits of the year through 2049, four from then on, as in a certificate.
 */
static void
deploy_index_time(int64_t at, char ret[static INDEX_TIME])
{
	const time_t seconds = (time_t)at;
	char all[INDEX_TIME];
	struct tm tm = { 0 };

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(all, INDEX_TIME, "%Y%m%d%H%M%SZ", &tm);
	(void)snprintf(ret, INDEX_TIME, "%s", tm.tm_year < 150 ? all + 2 : all);
}

/* When and why; of the reasons OpenSSL knows those up to 5. */
static enum rc
write_revoked(const struct serial_row *row, struct buf *out)
{
	char at[INDEX_TIME];
	enum rc rc;

	if (!row->listed)
		return RC_OK;
	deploy_index_time(row->at, at);
	rc = buf_add_str(out, at);
	return rc != RC_OK || row->reason == 0 || row->reason > 5
		   ? rc
		   : buf_printf(
			 out, ",%s", reason_text((enum reason)row->reason));
}

static enum rc
write_subject(struct span der, struct buf *out)
{
	const uint8_t *p = der.p;
	OWN(X509_NAME) *name = d2i_X509_NAME(NULL, &p, (long)der.n);
	char *text = name == NULL ? NULL : X509_NAME_oneline(name, NULL, 0);
	enum rc rc;

	if (text == NULL)
		return err_openssl(RC_STATE, "store: a damaged subject");
	rc = buf_add_str(out, text);
	OPENSSL_free(text);
	return rc;
}

static enum rc
index_line(void *arg, const struct stored_cert *c)
{
	struct index_text *x = arg;
	const struct serial_row *row =
	    serial_table_find(&x->serials, c->serial);
	char ends[INDEX_TIME], serial[2 * SERIAL_MAX + 1];
	enum rc rc;

	if (row == NULL)
		return RC_OK;
	deploy_index_time(c->not_after, ends);
	hex_write(c->serial, serial);
	for (char *p = serial; *p != '\0'; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	rc = buf_printf(x->out, "%c\t%s\t", row->listed ? 'R' : 'V', ends);
	if (rc == RC_OK)
		rc = write_revoked(row, x->out);
	if (rc == RC_OK)
		rc = buf_printf(x->out, "\t%s\tunknown\t", serial);
	if (rc == RC_OK)
		rc = write_subject(c->subject, x->out);
	return rc == RC_OK ? buf_add_byte(x->out, '\n') : rc;
}

enum rc
deploy_index_write(const struct deploying *by, const struct crl_due_list *crls,
    struct buf *out)
{
	WIPED(index_text) x = { .now = by->now, .out = out };
	bool fresh = crls->n != 0;
	enum rc rc = store_each_cert(by->store, STORE_BY_DATE, index_see, &x);

	for (size_t i = 0; i < crls->n && rc == RC_OK; i++) {
		fresh = fresh && crls->items[i].next_update > by->now;
		rc = serial_table_mark(&x.serials, by->store->db.path,
		    buf_span(&crls->items[i].der));
	}
	return rc == RC_OK && fresh
		   ? store_each_cert(by->store, STORE_BY_DATE, index_line, &x)
		   : rc;
}

/* ---- what is in place ------------------------------------------------------
 */

/* The serial of a line that says revoked; n 0: another line. */
static struct span
index_revoked(struct span line)
{
	struct span field = SPAN_NONE;

	if (line.n < 2 || line.p[0] != 'R' || line.p[1] != '\t')
		return SPAN_NONE;
	for (int i = 0; i < 4; i++) {
		const uint8_t *tab =
		    line.n == 0 ? NULL : memchr(line.p, '\t', line.n);
		size_t n = tab == NULL ? line.n : (size_t)(tab - line.p);

		field = span_of(line.p, n);
		line =
		    tab == NULL ? SPAN_NONE : span_of(tab + 1, line.n - n - 1);
	}
	return field;
}

/* As index_line writes one that is good. */
static bool
index_has_good(struct span text, struct span serial)
{
	char good[2 * SERIAL_MAX + 16];

	if (serial.n == 0 || serial.n > 2 * SERIAL_MAX)
		return false;
	(void)snprintf(
	    good, sizeof(good), "\t\t%.*s\tunknown\t", SPAN_FMT(serial));
	return text.n != 0 &&
	       memmem(text.p, text.n, good, strlen(good)) != NULL;
}

enum rc
deploy_index_check(const char *path, struct span there, struct span due)
{
	while (there.n != 0) {
		const struct span serial =
		    index_revoked(span_take_line(&there));

		if (index_has_good(due, serial))
			return err_set(RC_STATE,
			    "%s: says that certificate %.*s is revoked, which the CRL that is due here does not: was this home put back to an older copy? Move that file away for what is due here to take its place",
			    path, SPAN_FMT(serial));
	}
	return RC_OK;
}
