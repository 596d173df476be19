/* SPDX-License-Identifier: Apache-2.0 */
/* The process in which an adopted CA's index and certificates are read, and its
 * answer: a record with what it came to, and behind a good one the counts and
 * each certificate in a record of its own. */
#include "base/child.h"
#include "base/clock.h"
#include "ca/ledger/adopted.h"
#include "ca/lifecycle/adopt.h"
#include "ca/lifecycle/past.h"
#include "transfer/rule.h"
#include "transfer/sandbox/preload.h"

#define PAST_NAME "adoption"
#define PAST_SECONDS 600 /* a million certificates are verified in less */
#define PAST_HEAD_MAX ((size_t)4 << 10)
#define PAST_ITEM_MAX ((size_t)CERT_MAX + 4096)
#define PAST_COUNTS 8

/* ---- there ------------------------------------------------------------------
 */

static enum rc
past_head_put(const struct past *past, struct buf *out)
{
	const struct past_counts *c = &past->counts;
	const size_t counts[PAST_COUNTS] = { c->revoked, c->expired, c->held,
		c->removed, c->late, c->own, c->unlisted, c->by_serial };
	enum rc rc = buf_add_u64(out, past->n);

	for (size_t i = 0; i < PAST_COUNTS && rc == RC_OK; i++)
		rc = buf_add_u64(out, counts[i]);
	return rc;
}

static enum rc
past_item_put(const struct past_cert *cert, struct buf *out)
{
	enum rc rc = buf_add_lv(out, span_of(cert->serial, cert->n_serial));

	if (rc == RC_OK)
		rc = buf_add_u64(out, (uint64_t)cert->not_after);
	if (rc == RC_OK)
		rc = buf_add_u32(out, cert->revoked);
	if (rc == RC_OK)
		rc = buf_add_u64(out, (uint64_t)cert->revoked_at);
	if (rc == RC_OK)
		rc = buf_add_u32(out, cert->reason);
	if (rc == RC_OK)
		rc = buf_add_u64(out, (uint64_t)cert->since);
	if (rc == RC_OK)
		rc = buf_add_lv(out, buf_span(&cert->subject));
	return rc != RC_OK ? rc : buf_add_lv(out, buf_span(&cert->der));
}

static enum rc
past_answer(int sock, const struct past *past, enum rc came)
{
	WIPED(frame_line) line = { .worth = (size_t)64 << 10 };
	WIPED(buf) record = { 0 };
	enum rc rc = child_result_put(came, &record);

	if (rc == RC_OK && came == RC_OK)
		rc = past_head_put(past, &record);
	if (rc == RC_OK)
		rc = frame_add(&line, sock, buf_span(&record), "parent");
	for (size_t i = 0; rc == RC_OK && came == RC_OK && i < past->n; i++) {
		buf_reset(&record);
		rc = past_item_put(&past->items[i], &record);
		if (rc == RC_OK)
			rc =
			    frame_add(&line, sock, buf_span(&record), "parent");
	}
	return rc != RC_OK ? rc : frame_flush(&line, sock, "parent");
}

static enum rc
past_run(int sock, void *arg)
{
	const struct past_sources *sources = arg;
	WIPED(past) past = { 0 };
	enum rc rc = sandbox_settle();

	if (rc == RC_OK)
		rc = sources->below
			 ? adopt_below_judge(sources->ca_path, sources->ca_cert,
			       sources->above, sources->now)
			 : adopt_ca_judge(sources->ca_path, sources->ca_cert,
			       sources->now);
	if (rc == RC_OK)
		rc = past_read(sources, &past);
	if (rc == RC_OK)
		rc = err_check_shortage();
	return past_answer(sock, &past, rc);
}

/* ---- here
 * --------------------------------------------------------------------- */

static enum rc
past_lies(void)
{
	return err_set(
	    RC_BUG, "the " PAST_NAME " process answers with what is no answer");
}

static enum rc
past_head_take(struct span rest, struct past *past, size_t *ret_n)
{
	struct past_counts *c = &past->counts;
	size_t *const counts[PAST_COUNTS] = { &c->revoked, &c->expired,
		&c->held, &c->removed, &c->late, &c->own, &c->unlisted,
		&c->by_serial };
	uint64_t n = 0, value = 0;

	if (!span_take_u64(&rest, &n) || n > LIST_ITEMS_MAX)
		return past_lies();
	for (size_t i = 0; i < PAST_COUNTS; i++) {
		if (!span_take_u64(&rest, &value) || value > LIST_ITEMS_MAX)
			return past_lies();
		*counts[i] = (size_t)value;
	}
	*ret_n = (size_t)n;
	return rest.n == 0 ? RC_OK : past_lies();
}

/* Within the limits of what the ledger holds, which is all that is asked of it.
 */
static enum rc
past_item_take(
    struct span rest, const struct past_sources *sources, struct past *past)
{
	struct past_cert cert = { 0 };
	uint64_t not_after = 0, at = 0, since = 0;
	uint32_t revoked = 0, reason = 0;
	struct span serial, subject, der;
	enum rc rc;

	if (!span_take_lv(&rest, &serial) ||
	    !span_take_u64(&rest, &not_after) ||
	    !span_take_u32(&rest, &revoked) || !span_take_u64(&rest, &at) ||
	    !span_take_u32(&rest, &reason) || !span_take_u64(&rest, &since) ||
	    !span_take_lv(&rest, &subject) || !span_take_lv(&rest, &der) ||
	    rest.n != 0)
		return past_lies();
	if (serial.n < 1 || serial.n > SERIAL_MAX ||
	    not_after > (uint64_t)CLOCK_MAX || revoked > 1 ||
	    at > (uint64_t)sources->now || since > (uint64_t)sources->now ||
	    !reason_is_known(reason) || subject.n > ADOPTED_SUBJECT_MAX ||
	    der.n > CERT_MAX)
		return past_lies();
	memcpy(cert.serial, serial.p, serial.n);
	cert.n_serial = serial.n;
	cert.not_after = (int64_t)not_after;
	cert.revoked = revoked == 1;
	cert.revoked_at = (int64_t)at;
	cert.reason = (enum reason)reason;
	cert.since = (int64_t)since;
	rc = LIST_GROW(past->items, past->n);
	if (rc != RC_OK)
		return rc;
	past->items[past->n++] = cert;
	rc = buf_add_span(&past->items[past->n - 1].subject, subject);
	return rc != RC_OK ? rc
			   : buf_add_span(&past->items[past->n - 1].der, der);
}

static enum rc
past_take(
    struct child *child, const struct past_sources *sources, struct past *past)
{
	struct span record = SPAN_NONE;
	size_t n = 0;
	enum rc rc = frame_next(&child->line, child->sock, PAST_HEAD_MAX,
	    PAST_SECONDS, &record, NULL, PAST_NAME);

	if (rc != RC_OK)
		return child_explain(child, rc == RC_FORMAT ? RC_BUG : rc);
	rc = child_result_take(&record, PAST_NAME, RULES);
	if (rc == RC_OK)
		rc = past_head_take(record, past, &n);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		rc = frame_next(&child->line, child->sock, PAST_ITEM_MAX,
		    PAST_SECONDS, &record, NULL, PAST_NAME);
		if (rc != RC_OK)
			return child_explain(
			    child, rc == RC_FORMAT ? RC_BUG : rc);
		rc = past_item_take(record, sources, past);
	}
	return rc;
}

enum rc
past_read_apart(const struct past_sources *sources, struct past *ret)
{
	WIPED(child) child = CHILD_NONE;
	WIPED(past) past = { 0 };
	struct past_sources borrowed = *sources;
	enum rc rc =
	    child_start(&child, PAST_NAME, past_run, &borrowed, NULL, 0);

	if (rc == RC_OK)
		rc = past_take(&child, sources, &past);
	if (rc != RC_OK)
		return rc;
	*ret = past;
	past = (struct past){ 0 };
	return RC_OK;
}
