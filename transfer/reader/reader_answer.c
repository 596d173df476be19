/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of a record: its form only. Lies and deaths become errors
 * with a rule here, so that nobody else has to tell a broken reader from a
 * broken stick. */
#include "transfer/reader/reader_answer.h"

#include "base/clock.h"
#include "base/frame.h"
#include "transfer/reader/reader.h"
#include "transfer/rule.h"

#include <signal.h>
#include <stdio.h>

#define NAME READER_NAME
#define ANSWER_SECONDS 300 /* a dying stick is slow; a dead one is given up */

/* Whatever broke the grammar, the reader is to blame. */
enum rc
reader_lied(enum rc rc)
{
	struct err_saved saved;

	if (rc != RC_FORMAT)
		return rc;
	err_save(&saved);
	return rule_refuse(
	    RULE_READER, "the reader's answer: %.900s", saved.text);
}

enum rc
reader_lied_about(const char *what)
{
	return rule_refuse(RULE_READER, "the reader's answer: %s", what);
}

enum rc
reader_error_rule(const struct reader_error *error, enum rule *ret)
{
	const struct span reason = error->reason;
	const enum rule rule = rule_find(error->rule);

	*ret = rule;
	if (error->rc == RC_OK)
		return error->rule.n + reason.n == 0
			   ? RC_OK
			   : reader_lied_about("a reason without an error");
	if (reason.n == 0 || memchr(reason.p, '\0', reason.n) != NULL)
		return reader_lied_about("an error without a reason");
	if (error->rule.n == 0)
		return error->rc == RC_IO || error->rc == RC_BUG
			   ? RC_OK
			   : reader_lied_about("a refusal without a rule");
	if (rule == RULE_NONE || rule_row_get0(rule)->rc != error->rc)
		return reader_lied_about("a rule that there is not");
	return RC_OK;
}

/* Make what it tells our own error. */
static enum rc
error_raise(const struct reader_error *error)
{
	enum rule rule;
	enum rc rc = reader_error_rule(error, &rule);

	if (rc == RC_OK && error->rc == RC_OK)
		rc = reader_lied_about("a failure that is none");
	if (rc != RC_OK)
		return rc;
	return err_rule(error->rc, rule, "%.*s", SPAN_FMT(error->reason));
}

static enum rc
answer_open(struct span record, struct reader_heard *ret)
{
	struct reader_heard a = { .in = { .from = NAME, .rest = record } };
	enum rc rc = cbor_in_check(NAME, record);

	if (rc == RC_OK)
		rc = schema_take(&a.in, &reader_said_form, &a.said);
	if (rc != RC_OK)
		return reader_lied(rc);
	if (a.said.kind == ANSWER_FAILED)
		return error_raise(&a.said.error);
	*ret = a;
	return RC_OK;
}

/* Killed by its sandbox, or broken by what it parsed; but whoever is short of
 * memory, or of patience, kills by SIGKILL and SIGTERM, and a library that
 * lacks memory may crash before anything is parsed (libseccomp does). */
static enum rc
explain(struct reader *reader, enum rc rc)
{
	struct err_saved saved;
	int died_of;

	if (rc == RC_FORMAT) /* it lives, and lies */
		return reader_lied(rc);
	rc = child_explain(&reader->child, rc);
	died_of = reader->child.signal;
	if (!reader->greeted || died_of == 0 || died_of == SIGKILL ||
	    died_of == SIGTERM)
		return rc;
	err_save(&saved);
	return rule_refuse(RULE_READER, "%s", saved.text);
}

/* What was done is worth time: how long a reader may keep us waiting in all
 * depends on how much there is to do, and not on how many answers it sends. */
void
reader_work_off(struct reader *reader, int64_t worth)
{
	reader->waited -= worth < reader->waited ? worth : reader->waited;
}

static int
patience(const struct reader *reader)
{
	int64_t behind = reader->waited / (1000 * MS);

	return behind < ANSWER_SECONDS ? (int)(ANSWER_SECONDS - behind) : 1;
}

/* Receive one answer. Its descriptor, where none is wanted, is a lie too. */
enum rc
reader_answer_recv(struct reader *reader, struct buf *record, int *fd,
    struct reader_heard *ret)
{
	int64_t begun = clock_monotonic_ns();
	enum rc rc = frame_recv(reader->child.sock, READER_ANSWER_MAX,
	    patience(reader), record, fd, NAME);

	reader->waited += clock_monotonic_ns() - begun;
	if (rc != RC_OK)
		return explain(reader, rc);
	return answer_open(buf_span(record), ret);
}

enum rc
reader_unexpected(void)
{
	return reader_lied_about("not what was asked");
}

enum rc
reader_order_send(
    struct reader *reader, const struct reader_order *order, int fd)
{
	WIPED(buf) record = { 0 };
	enum rc rc = schema_write(&reader_order_form, order, &record);

	if (rc != RC_OK)
		return rc;
	rc = frame_send(reader->child.sock, buf_span(&record), fd, NAME);
	return rc != RC_OK ? explain(reader, rc) : RC_OK;
}
