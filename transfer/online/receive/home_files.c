/* SPDX-License-Identifier: Apache-2.0 */
/* Plain PEM files in the home, made from the store for people and scripts.
 * Nothing reads them back: the store is the truth. */
#include "transfer/online/store/home.h"

#include "base/file.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_PART_MAX 120 /* characters of a name that go into a path */

enum rc
online_name_write(struct span name, struct buf *out)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < name.n && i < NAME_PART_MAX && rc == RC_OK;
	     i++) {
		uint8_t c = name.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '_' ||
			     (c == '.' && i != 0);

		rc = buf_add_byte(out, plain ? c : '_');
	}
	return rc;
}

struct home_writer {
	int home; /* directory */
	struct buf pem;
	struct file_batch certs;
};

static void
home_writer_wipe(struct home_writer *w)
{
	file_batch_wipe(&w->certs);
	fd_close(&w->home);
	buf_wipe(&w->pem);
}

/* "certs/NAME" and "certs/NAME/20270115-SERIAL.pem" */
static enum rc
cert_path(const struct stored_cert *c, struct buf *dir, struct buf *path)
{
	struct span first = c->names.n == 0 ? c->request_id : c->names;
	const uint8_t *end = memchr(first.p, '\n', first.n);
	const uint8_t *colon;
	char serial[2 * SERIAL_MAX + 1];
	time_t at = (time_t)c->not_before;
	struct tm tm;
	enum rc rc;

	if (end != NULL)
		first.n = (size_t)(end - first.p);
	colon = memchr(first.p, ':', first.n);
	if (c->names.n != 0 && colon != NULL)
		first =
		    span_of(colon + 1, first.n - (size_t)(colon + 1 - first.p));
	if (gmtime_r(&at, &tm) == NULL)
		return err_set(RC_BUG, "a date of no calendar");
	hex_write(c->serial, serial);
	rc = buf_add_str(dir, "certs/");
	if (rc == RC_OK)
		rc = online_name_write(first, dir);
	if (rc == RC_OK)
		rc = buf_add_span(path, buf_span(dir));
	if (rc == RC_OK)
		rc = buf_printf(path, "/%04d%02d%02d-%s.pem", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, serial);
	return rc;
}

/* What is there is not written again: serial and date in the name stand for
 * one content. */
static enum rc
home_files_write_one(void *arg, const struct stored_cert *c)
{
	WIPED(buf) dir = { 0 };
	WIPED(buf) path = { 0 };
	struct home_writer *w = arg;
	const char *dir_text, *path_text;
	enum rc rc = cert_path(c, &dir, &path);

	if (rc != RC_OK)
		return rc;
	dir_text = buf_cstr(&dir);
	path_text = buf_cstr(&path);
	if (dir_text == NULL || path_text == NULL)
		return err_memory();
	if (faccessat(w->home, path_text, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return RC_OK;
	if (mkdirat(w->home, dir_text, 0755) != 0 && errno != EEXIST)
		return err_errno(RC_IO, errno, "%s", dir_text);
	buf_reset(&w->pem);
	rc = pem_write(PEM_CERTIFICATE, c->der, &w->pem);
	return rc != RC_OK ? rc
			   : file_batch_add(
				 &w->certs, path_text, buf_span(&w->pem), 0644);
}

/* ---- ca.pem -------------------------------------------------------------- */

static enum rc
ca_pem(struct store *store, struct buf *pem)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < store->trust.n_cas && rc == RC_OK; i++)
		rc = pem_write(
		    PEM_CERTIFICATE, buf_span(&store->trust.cas[i].der), pem);
	return rc != RC_OK ? rc : store_issuers_pem(store, "store", pem);
}

static enum rc
write_ca(int home, struct store *store)
{
	WIPED(buf) wanted = { 0 };
	WIPED(buf) found = { 0 };
	enum rc rc = ca_pem(store, &wanted);

	if (rc != RC_OK)
		return rc;
	if (faccessat(home, "ca.pem", F_OK, 0) == 0 &&
	    file_read(home, "ca.pem", wanted.n, &found) == RC_OK &&
	    span_eq(buf_span(&wanted), buf_span(&found)))
		return RC_OK;
	return file_replace(home, "ca.pem", buf_span(&wanted), 0644);
}

enum rc
online_files_write(const char *home, struct store *store, size_t *ret_new)
{
	WIPED(home_writer) w = { .home = -1 };
	enum rc rc = dir_open(AT_FDCWD, home, &w.home);

	if (rc == RC_OK && mkdirat(w.home, "certs", 0755) != 0 &&
	    errno != EEXIST)
		rc = err_errno(RC_IO, errno, "%s/certs", home);
	w.certs.dir = w.home;
	if (rc == RC_OK)
		rc = write_ca(w.home, store);
	if (rc == RC_OK)
		rc = store_each_cert(
		    store, STORE_BY_DATE, home_files_write_one, &w);
	if (rc == RC_OK)
		rc = file_batch_settle(&w.certs, "certs");
	if (rc == RC_OK)
		*ret_new = w.certs.paths.n;
	return rc;
}
