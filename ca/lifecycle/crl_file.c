/* SPDX-License-Identifier: Apache-2.0 */
/* The process that reads a CRL, and its answer: a record with what it came to,
 * and behind a good one the DER in pieces. */
#include "ca/lifecycle/crl_file.h"

#include "base/child.h"
#include "base/file.h"
#include "transfer/rule.h"
#include "transfer/sandbox/preload.h"
#include "transfer/x509/crl_read.h"
#include "transfer/x509/der.h"
#include "transfer/x509/pem.h"

#include <fcntl.h>

#define CRL_CHILD "CRL"
#define CRL_SECONDS 120
#define CRL_HEAD_MAX ((size_t)4 << 10)
#define CRL_PIECE_MAX ((size_t)1 << 20)
#define CRL_PEM_MAX (CRL_FILE_MAX + CRL_FILE_MAX / 2)

/* What no reader of forms has a rule for has one here. */
static enum rc
crl_file_refused(enum rc rc)
{
	if (rc != RC_FORMAT || rule_spoken() != RULE_NONE)
		return rc;
	return rule_refuse(RULE_RECOVER_CRL, "%s", err_text());
}

/* ---- there ----------------------------------------------------------------
 */

struct crl_file {
	const char *path;
	struct buf bytes;
};

static void
crl_file_wipe(struct crl_file *file)
{
	buf_wipe(&file->bytes);
}

static enum rc
crl_der_take(const struct crl_file *file, struct buf *room, struct span *ret)
{
	struct span rest = buf_span(&file->bytes);
	bool more = false;
	enum rc rc;

	*ret = rest;
	if (rest.n == 0)
		return err_set(
		    RC_FORMAT, "%s: it is empty; wanted a CRL", file->path);
	if (rest.p[0] == DER_SEQUENCE)
		return RC_OK;
	rc = pem_next(file->path, PEM_CRL, &rest, room, &more);
	*ret = buf_span(room);
	if (rc == RC_OK && rest.n != 0)
		rc = err_set(
		    RC_FORMAT, "%s: more than one CRL is in it", file->path);
	return rc;
}

static enum rc
crl_form_check(const char *from, struct span der)
{
	OWNS(crl_reader) *reader = NULL;
	struct crl_facts facts;
	enum rc rc = crl_reader_new(from, NULL, NULL, &reader);

	return rc != RC_OK ? rc : crl_reader_read(reader, der, &facts);
}

static enum rc
crl_file_answer(int sock, enum rc came, struct span der)
{
	WIPED(buf) record = { 0 };
	struct span piece;
	enum rc rc = child_result_put(came, &record);

	if (rc == RC_OK && came == RC_OK)
		rc = buf_add_u64(&record, der.n);
	if (rc == RC_OK)
		rc = frame_send(sock, buf_span(&record), -1, "parent");
	while (rc == RC_OK && came == RC_OK && der.n != 0) {
		(void)span_take(&der,
		    der.n < CRL_PIECE_MAX ? der.n : CRL_PIECE_MAX, &piece);
		rc = frame_send(sock, piece, -1, "parent");
	}
	return rc;
}

static enum rc
crl_file_run(int sock, void *arg)
{
	const struct crl_file *file = arg;
	WIPED(buf) room = { 0 };
	struct span der = SPAN_NONE;
	enum rc rc = sandbox_settle();

	if (rc == RC_OK)
		rc = crl_der_take(file, &room, &der);
	if (rc == RC_OK)
		rc = crl_form_check(file->path, der);
	rc = crl_file_refused(rc);
	if (rc == RC_OK)
		rc = err_check_shortage();
	return crl_file_answer(sock, rc, der);
}

/* ---- here -----------------------------------------------------------------
 */

static enum rc
crl_file_lies(void)
{
	return err_set(
	    RC_BUG, "the " CRL_CHILD " process answers with what is no answer");
}

static enum rc
crl_file_recv(struct child *child, size_t cap, struct buf *record)
{
	enum rc rc =
	    frame_recv(child->sock, cap, CRL_SECONDS, record, NULL, CRL_CHILD);

	return rc == RC_OK
		   ? rc
		   : child_explain(child, rc == RC_FORMAT ? RC_BUG : rc);
}

static enum rc
crl_file_take(struct child *child, struct buf *der)
{
	WIPED(buf) record = { 0 };
	struct span rest;
	uint64_t size = 0;
	enum rc rc = crl_file_recv(child, CRL_HEAD_MAX, &record);

	rest = buf_span(&record);
	if (rc == RC_OK)
		rc = child_result_take(&rest, CRL_CHILD, RULES);
	if (rc == RC_OK && (!span_take_u64(&rest, &size) || rest.n != 0 ||
			       size == 0 || size > CRL_FILE_MAX))
		rc = crl_file_lies();
	if (rc == RC_OK)
		rc = buf_reserve(der, (size_t)size);
	while (rc == RC_OK && der->n < size) {
		rc = crl_file_recv(child, CRL_PIECE_MAX, &record);
		if (rc == RC_OK && (record.n == 0 || record.n > size - der->n))
			rc = crl_file_lies();
		if (rc == RC_OK)
			rc = buf_add_span(der, buf_span(&record));
	}
	return rc;
}

enum rc
crl_file_read_apart(const char *path, struct buf *ret_der)
{
	WIPED(child) child = CHILD_NONE;
	WIPED(crl_file) file = { .path = path };
	WIPED(buf) der = { 0 };
	enum rc rc = crl_file_refused(
	    file_read(AT_FDCWD, path, CRL_PEM_MAX, &file.bytes));

	if (rc == RC_OK)
		rc = child_start(
		    &child, CRL_CHILD, crl_file_run, &file, NULL, 0);
	buf_wipe(&file.bytes); /* the process has its own */
	if (rc == RC_OK)
		rc = crl_file_take(&child, &der);
	if (rc != RC_OK)
		return rc;
	*ret_der = der;
	der = (struct buf){ 0 };
	return RC_OK;
}
