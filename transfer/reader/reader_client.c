/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end. A reader may have been subverted by what it parsed: each
 * answer is bytes from a stranger, within bounds or refused. */
#include "transfer/reader/reader.h"

#include "base/clock.h"
#include "base/file.h"
#include "transfer/media/history_set.h"
#include "transfer/reader/reader_answer.h"
#include "transfer/rule.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERDICT_TIME (1000 * MS)	      /* what a verdict takes at most */
#define COPY_TIME(n) ((int64_t)(n) / 64 * MS) /* 64 KiB/s: a dying stick */

/* ---- start and level ----------------------------------------------------- */

static enum rc
place_open(const char *path, struct reader_place *place)
{
	/* Looked at before it is opened: the operator may have named a fifo. */
	OWN_FD look = fd_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	struct stat st;
	int fd;

	if (look < 0 || fstat(look, &st) != 0)
		return err_errno(RC_IO, errno, "%s: cannot be opened", path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return rule_refuse(RULE_MEDIA_FILE,
		    "%s: is neither a directory nor a regular file", path);
	fd = fd_openat(
	    AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(RC_IO, errno, "%s: cannot be opened", path);
	*place = (struct reader_place){ .path = path, .dir = -1, .file = -1 };
	if (S_ISDIR(st.st_mode))
		place->dir = fd;
	else
		place->file = fd;
	return RC_OK;
}

void
reader_wipe(struct reader *reader)
{
	if (reader == NULL)
		return;
	child_wipe(&reader->child);
	buf_wipe(&reader->answers.record);
	*reader = READER_NONE;
}

/* The greeting comes when the sandbox is entered, or why it is not. */
static enum rc
greeting(struct reader *reader)
{
	WIPED(buf) record = { 0 };
	struct reader_heard answer;
	enum rc rc = reader_answer_recv(reader, &record, NULL, &answer);

	if (rc == RC_OK && answer.said.kind != ANSWER_END)
		rc = reader_unexpected();
	reader->greeted = rc == RC_OK;
	if (rc != RC_OK)
		reader_wipe(reader);
	return rc;
}

enum rc
reader_start(struct reader *ret, const char *media)
{
	struct reader_place place = { .path = NULL, .dir = -1, .file = -1 };
	struct reader reader = READER_NONE;
	enum rc rc = media == NULL ? RC_OK : place_open(media, &place);
	const int keep[] = { place.dir >= 0 ? place.dir : place.file };

	if (rc != RC_OK)
		return rc;
	rc = child_start(&reader.child, READER_NAME, reader_run, &place, keep,
	    keep[0] >= 0 ? 1 : 0);
	fd_close(&place.dir);
	fd_close(&place.file);
	if (rc == RC_OK)
		rc = greeting(&reader);
	if (rc == RC_OK)
		*ret = reader;
	return rc;
}

enum rc
reader_level(struct reader *reader, struct sandbox_level *ret)
{
	const struct reader_order order = { .kind = READER_LEVEL };
	WIPED(buf) record = { 0 };
	struct reader_heard answer;
	enum rc rc = reader_order_send(reader, &order, -1);

	if (rc == RC_OK)
		rc = reader_answer_recv(reader, &record, NULL, &answer);
	if (rc != RC_OK)
		return rc;
	if (answer.said.kind != ANSWER_LEVEL)
		return reader_unexpected();
	*ret = (struct sandbox_level){ .seccomp = answer.said.seccomp,
		.landlock_abi = (int)answer.said.landlock_abi };
	return RC_OK;
}

/* ---- scan ---------------------------------------------------------------- */

void
scanned_wipe(struct scanned *s)
{
	if (s == NULL)
		return;
	sealed_wipe(&s->copy);
	*s = (struct scanned){ .copy = { .fd = -1 } };
}

/* The name goes to the screen and the ledger, so it is held to what a medium
 * may carry. */
static enum rc
scanned_name(struct span name, bool (*fits)(const char *), struct scanned *s)
{
	memcpy(s->name, name.p, name.n);
	s->name[name.n] = '\0';
	if (!fits(s->name) || strlen(s->name) != name.n)
		return reader_lied_about("a name that no medium may carry");
	return RC_OK;
}

static enum rc
scanned_read(const struct reader_said *said, enum reader_command command,
    int *fd, struct scanned *s)
{
	const bool is_place =
	    command == READER_SCAN_HISTORY && said->kind == ANSWER_REFUSED;
	enum rc rc = scanned_name(
	    said->name, is_place ? history_is_place : media_name_ok, s);

	if (rc != RC_OK)
		return rc;
	if (said->kind == ANSWER_FILE) {
		if (*fd < 0)
			return reader_lied_about("a file without its copy");
		rc = sealed_map(*fd, &s->copy);
		if (rc == RC_OK)
			*fd = -1; /* it is the copy's now */
		return rc;
	}
	if (*fd >= 0)
		return reader_lied_about("a copy of what it refused");
	rc = reader_error_rule(&said->error, &s->rule);
	if (rc == RC_OK && said->error.rc == RC_OK)
		return reader_lied_about("a refusal that is none");
	if (rc != RC_OK)
		return rc;
	s->rc = said->error.rc;
	memcpy(s->reason, said->error.reason.p, said->error.reason.n);
	return RC_OK;
}

static enum rc
scan_next(struct reader *reader, enum reader_command command,
    struct scanned *ret, bool *ret_more)
{
	const struct reader_order order = { .kind = command };
	WIPED(buf) record = { 0 };
	WIPED(scanned) s = { .copy = { .fd = -1 } };
	struct reader_heard answer;
	OWN_FD fd = -1;
	enum rc rc = reader_order_send(reader, &order, -1);

	if (rc == RC_OK)
		rc = reader_answer_recv(reader, &record, &fd, &answer);
	if (rc != RC_OK)
		return rc;
	if (answer.said.kind == ANSWER_END && fd < 0) {
		*ret_more = false;
		return RC_OK;
	}
	if (answer.said.kind != ANSWER_FILE &&
	    answer.said.kind != ANSWER_REFUSED)
		return reader_unexpected();
	rc = scanned_read(&answer.said, command, &fd, &s);
	if (rc != RC_OK)
		return rc;
	reader_work_off(reader, VERDICT_TIME + COPY_TIME(s.copy.bytes.n));
	*ret = s;
	s.copy = (struct sealed){ .fd = -1 };
	*ret_more = true;
	return RC_OK;
}

enum rc
reader_scan(struct reader *reader, struct scanned *ret, bool *ret_more)
{
	return scan_next(reader, READER_SCAN, ret, ret_more);
}

enum rc
reader_scan_loose(struct reader *reader, struct scanned *ret, bool *ret_more)
{
	return scan_next(reader, READER_SCAN_LOOSE, ret, ret_more);
}

enum rc
reader_scan_history(struct reader *reader, struct scanned *ret, bool *ret_more)
{
	return scan_next(reader, READER_SCAN_HISTORY, ret, ret_more);
}

enum rc
reader_scan_folder(struct reader *reader, struct scanned *ret, bool *ret_more)
{
	return scan_next(reader, READER_SCAN_FOLDER, ret, ret_more);
}

/* ---- check --------------------------------------------------------------- */

static enum rc
check_start(struct reader *reader, enum reader_command command,
    const struct sealed *copy, uint32_t first, uint32_t n)
{
	const struct reader_order order = { command, first, n };

	assert(n > 0 && n <= UINT32_MAX - first);
	reader->answers.here = 0;
	reader->answers.next = first;
	reader->answers.end = first + n;
	reader->answers.of_files =
	    command == READER_CHECK_FILES || command == READER_DERS;
	reader->answers.der_only = command == READER_DERS;
	return reader_order_send(reader, &order, copy->fd);
}

enum rc
reader_check_start(struct reader *reader, const struct sealed *copy,
    uint32_t first, uint32_t n)
{
	return check_start(reader, READER_CHECK, copy, first, n);
}

enum rc
reader_check_loose_start(struct reader *reader, const struct sealed *copy,
    uint32_t first, uint32_t n)
{
	return check_start(reader, READER_CHECK_LOOSE, copy, first, n);
}

enum rc
reader_check_files_start(
    struct reader *reader, const struct sealed *copy, uint32_t n, bool der_only)
{
	return check_start(
	    reader, der_only ? READER_DERS : READER_CHECK_FILES, copy, 0, n);
}

void
verdict_wipe(struct verdict *v)
{
	if (v == NULL)
		return;
	name_list_wipe(&v->names);
	*v = (struct verdict){ 0 };
}

enum rc
verdict_pass(const struct verdict *v)
{
	if (v->rc == RC_OK)
		return RC_OK;
	return err_rule(v->rc, v->rule, "%.*s", SPAN_FMT(v->reason));
}

enum rc
verdict_prove_key(const struct verdict *v, const char *from, struct span der,
    struct buf *room, struct span *ret_spki)
{
	uint8_t id[SHA256_LEN];
	struct span spki = SPAN_NONE;
	enum rc rc = csr_find_spki(from, der, room, &spki);

	if (rc == RC_OK)
		rc = sha256(spki, id);
	if (rc != RC_OK && rc != RC_FORMAT)
		return rc;
	if (rc != RC_OK || memcmp(id, v->key_id, SHA256_LEN) != 0)
		return rule_refuse(RULE_READER,
		    "%s: the reader process reports a key that is not in the request",
		    from);
	*ret_spki = spki;
	return RC_OK;
}

/* The next record of answers, which are no more than were asked for: what a
 * reader says of requests that it has not got is not even kept. */
static enum rc
answers_recv(struct reader *reader, struct reader_answers *to)
{
	struct reader_heard answer;
	enum rc rc = reader_answer_recv(reader, &to->record, NULL, &answer);

	if (rc != RC_OK)
		return rc;
	if (answer.said.kind != ANSWER_VERDICTS)
		return reader_unexpected();
	if (answer.said.n_verdicts > to->end - to->next)
		return reader_lied_about("more answers than were asked for");
	to->at = (size_t)(answer.in.rest.p - to->record.p);
	to->here = (uint32_t)answer.said.n_verdicts;
	return RC_OK;
}

static bool
has_control(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	return false;
}

/* What goes with a good answer and with none else: a key where the CSR was
 * read, its DER where it came from a file. */
static enum rc
verdict_check_parts(const struct reader_answers *to,
    const struct reader_verdict *said, enum rule names_rule)
{
	const bool good = said->error.rc == RC_OK;
	const bool was_read = good && !to->der_only;

	if (said->names_error.rc != RC_OK &&
	    (!was_read || said->n_names != 0 || names_rule == RULE_NONE))
		return reader_lied_about("names refused where there are none");
	if ((said->ca_error.rc != RC_OK || said->has_path_len ||
		said->constraints.n != 0) &&
	    !was_read)
		return reader_lied_about("a wish where there is no request");
	if (said->key_id.n != (was_read ? SHA256_LEN : 0) ||
	    (!was_read && said->n_names != 0))
		return reader_lied_about("a key where there is none, or none");
	if (good && to->of_files ? said->der.n < CSR_MIN : said->der.n != 0)
		return reader_lied_about("a CSR where there is none, or none");
	return RC_OK;
}

/* Its size is bounded by the record's, and each field by its own limit; what
 * it claims is for the caller to find in the bytes. */
static enum rc
client_take_verdict(
    const struct reader_answers *to, struct cbor_in *in, struct verdict *v)
{
	struct name names[NAMES_MAX];
	struct reader_verdict said = { .names = names };
	enum rc rc = reader_lied(schema_take(in, &reader_verdict_form, &said));

	if (rc == RC_OK)
		rc = reader_error_rule(&said.error, &v->rule);
	if (rc == RC_OK)
		rc = reader_error_rule(&said.names_error, &v->names_rule);
	if (rc == RC_OK)
		rc = reader_error_rule(&said.ca_error, &v->ca_rule);
	if (rc == RC_OK)
		rc = verdict_check_parts(to, &said, v->names_rule);
	if (rc != RC_OK)
		return rc;
	v->index = said.index;
	v->rc = said.error.rc;
	v->reason = said.error.reason;
	v->names_reason = said.names_error.reason;
	v->ca_reason = said.ca_error.reason;
	v->ca = (struct csr_ca_wish){ said.has_path_len, said.path_len,
		said.constraints };
	v->der = said.der;
	if (said.key_id.n != 0)
		memcpy(v->key_id, said.key_id.p, sizeof(v->key_id));
	for (size_t i = 0; i < said.n_names && rc == RC_OK; i++)
		rc = has_control(names[i].text)
			 ? reader_lied_about("a name with control characters")
			 : name_list_add(
			       &v->names, names[i].type, names[i].text);
	return rc;
}

/* Answers come in the order of the questions; anything else would put one
 * request's verdict on another. */
enum rc
reader_check_next(struct reader *reader, struct verdict *ret)
{
	WIPED(verdict) v = { 0 };
	struct reader_answers *answers = &reader->answers;
	struct cbor_in in = { .from = READER_NAME };
	enum rc rc = RC_OK;

	assert(answers->next < answers->end);
	if (answers->here == 0)
		rc = answers_recv(reader, answers);
	if (rc != RC_OK)
		return rc;

	in.rest = span_of(
	    answers->record.p + answers->at, answers->record.n - answers->at);
	rc = client_take_verdict(answers, &in, &v);
	if (rc == RC_OK && v.index != answers->next)
		rc = rule_refuse(RULE_READER,
		    "the reader's answer: verdicts out of order: it answers for request %u, not %u",
		    v.index + 1, answers->next + 1);
	if (rc != RC_OK) {
		answers->here = 0;
		return rc;
	}
	reader_work_off(reader, VERDICT_TIME);
	answers->at = (size_t)(in.rest.p - answers->record.p);
	answers->here--;
	answers->next++;
	*ret = v;
	v = (struct verdict){ 0 };
	return RC_OK;
}
