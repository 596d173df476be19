/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's end. A reader may have been subverted by what it parsed: each
 * answer is bytes from a stranger, within bounds or refused. */
#include "transfer/reader/reader.h"

#include "base/clock.h"
#include "base/file.h"
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

	if (rc == RC_OK && answer.kind != ANSWER_END)
		rc = reader_unexpected();
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
	WIPED(buf) record = { 0 };
	struct reader_heard answer;
	uint64_t seccomp = 0, abi = 0;
	enum rc rc = reader_command_send(reader, READER_LEVEL, NULL, -1);

	if (rc == RC_OK)
		rc = reader_answer_recv(reader, &record, NULL, &answer);
	if (rc != RC_OK)
		return rc;
	if (answer.kind != ANSWER_LEVEL || answer.items != 2)
		return reader_unexpected();
	rc = cbor_take_uint(&answer.in, "seccomp", 0, 1, &seccomp);
	if (rc == RC_OK)
		rc = cbor_take_uint(&answer.in, "Landlock", 0, INT16_MAX, &abi);
	if (rc != RC_OK)
		return reader_lied(rc);
	*ret = (struct sandbox_level){ .seccomp = seccomp == 1,
		.landlock_abi = (int)abi };
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
scanned_name(struct cbor_in *in, struct scanned *s)
{
	struct span name;
	enum rc rc = cbor_take_text(in, "name", 1, MEDIA_NAME_MAX - 1, &name);

	if (rc != RC_OK)
		return reader_lied(rc);
	memcpy(s->name, name.p, name.n);
	s->name[name.n] = '\0';
	if (!media_name_ok(s->name) || strlen(s->name) != name.n)
		return reader_lied_about("a name that no medium may carry");
	return RC_OK;
}

static enum rc
scanned_read(struct reader_heard *answer, int *fd, struct scanned *s)
{
	struct told told;
	enum rc rc = scanned_name(&answer->in, s);

	if (rc != RC_OK)
		return rc;
	if (answer->kind == ANSWER_FILE) {
		if (*fd < 0)
			return reader_lied_about("a file without its copy");
		rc = sealed_map(*fd, &s->copy);
		if (rc == RC_OK)
			*fd = -1; /* it is the copy's now */
		return rc;
	}
	if (*fd >= 0)
		return reader_lied_about("a copy of what it refused");
	rc = told_take(&answer->in, &told);
	if (rc == RC_OK && told.rc == RC_OK)
		return reader_lied_about("a refusal that is none");
	if (rc != RC_OK)
		return rc;
	s->rc = (enum rc)told.rc;
	s->rule = told.rule;
	memcpy(s->reason, told.reason.p, told.reason.n);
	return RC_OK;
}

static enum rc
scan_next(struct reader *reader, enum reader_command command,
    struct scanned *ret, bool *ret_more)
{
	WIPED(buf) record = { 0 };
	WIPED(scanned) s = { .copy = { .fd = -1 } };
	struct reader_heard answer;
	OWN_FD fd = -1;
	enum rc rc = reader_command_send(reader, command, NULL, -1);

	if (rc == RC_OK)
		rc = reader_answer_recv(reader, &record, &fd, &answer);
	if (rc != RC_OK)
		return rc;
	if (answer.kind == ANSWER_END && fd < 0) {
		*ret_more = false;
		return RC_OK;
	}
	if (!(answer.kind == ANSWER_FILE && answer.items == 1) &&
	    !(answer.kind == ANSWER_REFUSED && answer.items == 4))
		return reader_unexpected();
	rc = scanned_read(&answer, &fd, &s);
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
reader_scan_past(struct reader *reader, struct scanned *ret, bool *ret_more)
{
	return scan_next(reader, READER_SCAN_PAST, ret, ret_more);
}

/* ---- check --------------------------------------------------------------- */

static enum rc
check_start(struct reader *reader, enum reader_command command,
    const struct sealed *copy, uint32_t first, uint32_t n)
{
	const uint32_t range[2] = { first, n };

	assert(n > 0 && n <= UINT32_MAX - first);
	reader->answers.here = 0;
	reader->answers.next = first;
	reader->answers.end = first + n;
	return reader_command_send(reader, command, range, copy->fd);
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

void
verdict_wipe(struct verdict *v)
{
	if (v == NULL)
		return;
	name_list_wipe(&v->names);
	*v = (struct verdict){ 0 };
}

/* The next record of answers, which are no more than were asked for: what a
 * reader says of requests that it has not got is not even kept. */
static enum rc
answers_recv(struct reader *reader, struct reader_answers *to)
{
	struct reader_heard answer;
	uint64_t n = 0;
	enum rc rc = reader_answer_recv(reader, &to->record, NULL, &answer);

	if (rc != RC_OK)
		return rc;
	if (answer.kind != ANSWER_VERDICTS || answer.items != 1)
		return reader_unexpected();
	rc = cbor_take_array(&answer.in, "verdicts", 1, READER_BATCH, &n);
	if (rc != RC_OK)
		return reader_lied(rc);
	if (n > to->end - to->next)
		return reader_lied_about("more answers than were asked for");
	to->at = (size_t)(answer.in.rest.p - to->record.p);
	to->here = (uint32_t)n;
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

static enum rc
take_name(struct cbor_in *in, struct name_list *names)
{
	struct span text;
	uint64_t two, type;
	enum rc rc = cbor_take_array(in, "name", 2, 2, &two);

	if (rc == RC_OK)
		rc = cbor_take_uint(in, "name type", 0, NAME_TYPES - 1, &type);
	if (rc == RC_OK)
		rc = cbor_take_text(in, "name", 1, NAME_TEXT_MAX, &text);
	if (rc != RC_OK)
		return reader_lied(rc);
	if (has_control(text))
		return reader_lied_about("a name with control characters");
	return name_list_add(names, (enum name_type)type, text);
}

/* NAMES_MAX bounds what one verdict can make the parent allocate. */
static enum rc
client_take_names(struct cbor_in *in, struct name_list *names)
{
	uint64_t n;
	enum rc rc =
	    reader_lied(cbor_take_array(in, "names", 0, NAMES_MAX, &n));

	while (rc == RC_OK && n-- > 0)
		rc = take_name(in, names);
	return rc;
}

/* Its size is bounded by the record's, and each field by its own limit; what
 * it claims is for ca/intake/intake to find in the bundle. */
static enum rc
client_take_verdict(struct cbor_in *in, struct verdict *v)
{
	struct told told = { .rc = 0 };
	struct span id;
	uint64_t six, index = 0;
	enum rc rc = cbor_take_array(in, "verdict", 6, 6, &six);

	if (rc == RC_OK)
		rc = cbor_take_uint(in, "index", 0, UINT32_MAX, &index);
	rc = rc != RC_OK ? reader_lied(rc) : told_take(in, &told);
	if (rc != RC_OK)
		return rc;
	rc = reader_lied(
	    cbor_take_bytes(in, "key id", 0, sizeof(v->key_id), &id));
	if (rc == RC_OK)
		rc = client_take_names(in, &v->names);
	if (rc != RC_OK)
		return rc;
	if (id.n != (told.rc == RC_OK ? sizeof(v->key_id) : 0) ||
	    (told.rc != RC_OK && v->names.n != 0))
		return reader_lied_about("a key where there is none, or none");
	v->index = (uint32_t)index;
	v->rc = (enum rc)told.rc;
	v->rule = told.rule;
	v->reason = told.reason;
	if (id.n != 0)
		memcpy(v->key_id, id.p, id.n);
	return RC_OK;
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
	rc = client_take_verdict(&in, &v);
	if (rc == RC_OK && v.index != answers->next)
		rc = rule_refuse(RULE_READER,
		    "the reader's answer: verdicts out of order: it answers "
		    "for request %u, not %u",
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
