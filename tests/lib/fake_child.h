/* SPDX-License-Identifier: Apache-2.0 */
/** The other end of a child's socket, by script: no module, no sandbox.
 *
 * A play lies in memory that the test shares with its children, so that a test
 * can change the script between two calls and see afterwards how often each
 * thing was asked for. Without a script a child is honest. A watch runs in the
 * child, before its answer: what it complains of fails the test.
 *
 *	play->judge = (struct fake_part){ .deed = FAKE_REFUSE,
 *	    .what = JUDGE_CERT, .nth = 2, .rc = RC_FORMAT,
 *	    .rule = "CERT-DATES", .text = "no" };
 */
#ifndef TESTS_LIB_FAKE_CHILD_H
#define TESTS_LIB_FAKE_CHILD_H

#include "tests/lib/check.h"

#include "base/child.h"
#include "base/file.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/format/cose.h"
#include "transfer/judge/judge_wire.h"
#include "transfer/media/loose.h"
#include "transfer/media/media.h"
#include "transfer/reader/reader.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum fake_deed {
	FAKE_PLAY,   /* as an honest one does */
	FAKE_REFUSE, /* answers with the error of its part */
	FAKE_LEAVE,  /* closes its socket and exits */
	FAKE_DIE,    /* of SIGKILL */
	FAKE_BABBLE, /* answers with bytes that are no answer */
	FAKE_LIE,    /* each has lies of its own */
};

#define FAKE_KINDS 16 /* of requests */

/** What one child does, and what it was asked. */
struct fake_part {
	enum fake_deed deed;
	unsigned what, nth; /* at the how-manieth of its kind, from 1 */
	enum rc rc;	    /* of FAKE_REFUSE; text in static memory */
	const char *rule, *text;
	unsigned lie; /* of FAKE_LIE */
	/* A complaint, or NULL. `bytes` is what it was asked about. */
	const char *(*watch)(
	    unsigned what, struct span bytes, const char *path);
	unsigned asked[FAKE_KINDS];
};

struct fake_play {
	struct fake_part token, judge, reader;
	char path[128]; /* for watches: the ledger, say */
	char complaint[256];
};

static inline struct fake_play *
fake_play_new(void)
{
	struct fake_play *play = mmap(NULL, sizeof(*play),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(play != MAP_FAILED);
	return play;
}

/** Did a watch complain? */
static inline void
fake_play_check(const struct fake_play *play)
{
	if (play->complaint[0] != '\0')
		fail_msg("%s", play->complaint);
}

static inline void
fake_play_free(struct fake_play *play)
{
	if (play != NULL)
		(void)munmap(play, sizeof(*play));
}

/** A request has come, the nth of its kind (0: as this play counts, for a part
 * that has one process): what is to be done? Does not come back where that is
 * to go. */
static inline enum fake_deed
fake_turn(struct fake_play *play, struct fake_part *part, unsigned what,
    unsigned nth, struct span bytes)
{
	unsigned asked =
	    __atomic_add_fetch(&part->asked[what], 1, __ATOMIC_SEQ_CST);
	const char *wrong = part->watch == NULL
				? NULL
				: part->watch(what, bytes, play->path);

	if (wrong != NULL && play->complaint[0] == '\0')
		(void)snprintf(
		    play->complaint, sizeof(play->complaint), "%s", wrong);
	if (part->deed == FAKE_PLAY || part->what != what ||
	    part->nth != (nth != 0 ? nth : asked))
		return FAKE_PLAY;
	if (part->deed == FAKE_LEAVE)
		_exit(RC_OK);
	if (part->deed == FAKE_DIE)
		(void)raise(SIGKILL);
	return part->deed;
}

static inline enum rc
fake_error(const struct fake_part *part)
{
	const char *name = part->rule == NULL ? "" : part->rule;

	return err_rule(
	    part->rc, rule_find(span_str(name)), "%s", part->text);
}

static inline enum rc
fake_send(int sock, struct buf *record)
{
	return frame_send(sock, buf_span(record), -1, "test");
}

static inline enum rc
fake_babble(int sock)
{
	return frame_send(sock, span_str("\377babble"), -1, "test");
}

/* ---- a judge ------------------------------------------------------------- */

/* The kind of the order, and how many files a response has. */
static inline bool
fake_order_read(
    struct span record, enum judge_order_kind *ret_kind, size_t *ret_files)
{
	struct span cas[JUDGE_CAS_MAX];
	struct name names[NAMES_MAX];
	struct judge_order order = { .ca_certs = cas, .names = names };
	bool good =
	    schema_read("judge", record, &judge_order_form, &order) == RC_OK;

	*ret_kind = order.kind;
	*ret_files = order.n_files;
	schema_wipe(judge_order_form.type, &order);
	return good;
}

static inline enum rc
fake_say(int sock, const struct judge_said *said)
{
	WIPED(buf) record = { 0 };

	return schema_write(&judge_said_form, said, &record) != RC_OK
		   ? RC_IO
		   : fake_send(sock, &record);
}

static inline enum rc
fake_verdict(int sock, enum rc code)
{
	struct judge_said said = { .kind = JUDGE_VERDICT, .rc = code };

	if (code != RC_OK) {
		said.rule = span_str(rule_name(rule_spoken()));
		said.sentence = span_str(err_text());
	}
	return fake_say(sock, &said);
}

/* Ask for file `i` of the response, and throw it away. */
static inline enum rc
fake_file_take(int sock, uint32_t i)
{
	WIPED(buf) record = { 0 };
	const struct judge_said wish = { .kind = JUDGE_FILE, .index = i };
	struct cbor_in in = { .from = "judge" };
	uint64_t one, left = 0;
	enum rc rc = fake_say(sock, &wish);

	if (rc == RC_OK)
		rc = frame_recv(sock, JUDGE_CHUNK, 0, &record, NULL, "test");
	in.rest = buf_span(&record);
	if (rc == RC_OK)
		rc = cbor_take_array(&in, "file", 1, 1, &one);
	if (rc == RC_OK)
		rc = cbor_take_uint(&in, "size", 0, UINT64_MAX, &left);
	while (rc == RC_OK && left > 0) {
		rc = frame_recv(sock, JUDGE_CHUNK, 0, &record, NULL, "test");
		left -= record.n < left ? record.n : left;
	}
	return rc;
}

/** A judge that believes everything: what a child_main runs. `arg` is the play.
 * Its watch sees each order whole. */
static inline enum rc
fake_judge_run(int sock, void *arg)
{
	struct fake_play *play = arg;
	WIPED(buf) record = { 0 };
	enum judge_order_kind order;
	size_t files;
	int fd = -1;

	while (frame_recv(sock, FRAME_MAX, 0, &record, &fd, "test") == RC_OK) {
		enum fake_deed deed;
		enum rc rc = RC_OK;

		fd_close(&fd);
		if (!fake_order_read(buf_span(&record), &order, &files))
			return RC_BUG;
		deed = fake_turn(play, &play->judge, (unsigned)order, 0,
		    buf_span(&record));
		if (deed == FAKE_BABBLE)
			return fake_babble(sock);
		if (order == JUDGE_RESPONSE)
			for (size_t i = 0; i <= files && rc == RC_OK; i++)
				rc = fake_file_take(
				    sock, (uint32_t)(files - i));
		if (rc == RC_OK)
			rc = fake_verdict(sock,
			    deed == FAKE_REFUSE ? fake_error(&play->judge)
						: RC_OK);
		/* One that fails does not go on. */
		if (rc != RC_OK ||
		    (deed == FAKE_REFUSE && play->judge.rule == NULL))
			return rc;
	}
	return RC_OK;
}

static inline void
fake_judge_start(struct fake_play *play, struct child *ret)
{
	check_ok(child_start(ret, JUDGE_NAME, fake_judge_run, play, NULL, 0));
}

/* ---- a reader ------------------------------------------------------------ */

/** What FAKE_LIE of a reader says of the nth request instead. */
enum fake_lie {
	LIE_KEY,      /* a key-id that is in no request */
	LIE_KEY_NEXT, /* that of the next request */
	LIE_VOUCH,    /* good, whatever is wrong with it */
	LIE_NAME,     /* another name than the CSR's: `text` */
	LIE_INDEX,    /* the verdict is on the request after it */
	LIE_REFUSE,   /* refused, as its part says */
	LIE_MORE,     /* and one on the next request along with it */
};

/* One verdict as it will be told. */
struct fake_said {
	uint64_t index, code;
	const char *rule;
	char reason[ERR_TEXT_MAX];
	uint8_t key_id[SHA256_LEN];
	struct name_list names;
	enum rule names_rule;
	char names_reason[ERR_TEXT_MAX];
};

static inline void
fake_said_lie(const struct fake_part *part, const struct bundle *b,
    struct fake_said *said)
{
	WIPED(buf) room = { 0 };
	struct span spki;

	switch ((enum fake_lie)part->lie) {
	case LIE_KEY:
		said->key_id[0] ^= 1;
		return;
	case LIE_KEY_NEXT:
		if (csr_find_spki("", b->requests[said->index + 1].csr, &room,
			&spki) != RC_OK ||
		    sha256(spki, said->key_id) != RC_OK)
			_exit(RC_BUG);
		return;
	case LIE_VOUCH:
		said->code = RC_OK;
		said->rule = "";
		said->reason[0] = '\0';
		return;
	case LIE_NAME:
		name_list_wipe(&said->names);
		if (name_list_add(&said->names, NAME_DNS,
			span_str(part->text)) != RC_OK)
			_exit(RC_BUG);
		return;
	case LIE_REFUSE:
		name_list_wipe(&said->names);
		said->code = (uint64_t)part->rc;
		said->rule = part->rule;
		(void)snprintf(
		    said->reason, sizeof(said->reason), "%s", part->text);
		return;
	case LIE_INDEX:
		said->index++;
		return;
	case LIE_MORE:
		return;
	}
}

static inline void
fake_said_put(struct cbor_out *out, const struct fake_said *said)
{
	cbor_put_array(out, 16);
	cbor_put_uint(out, said->index);
	cbor_put_uint(out, said->code);
	cbor_put_text(out, span_str(said->rule));
	cbor_put_bytes(out, span_str(said->reason));
	cbor_put_bytes(out, said->code != RC_OK
				? SPAN_NONE
				: span_of(said->key_id, SHA256_LEN));
	cbor_put_uint(out, rule_row_get0(said->names_rule)->rc *
			       (said->names_rule != RULE_NONE));
	cbor_put_text(out, span_str(rule_name(said->names_rule)));
	cbor_put_bytes(out, span_str(said->names_reason));
	cbor_put_array(out, said->names.n);
	for (size_t i = 0; i < said->names.n; i++) {
		cbor_put_array(out, 2);
		cbor_put_uint(out, said->names.items[i].type);
		cbor_put_text(out, said->names.items[i].text);
	}
	cbor_put_uint(out, 0); /* it asks to be no CA */
	cbor_put_text(out, SPAN_NONE);
	cbor_put_bytes(out, SPAN_NONE);
	cbor_put_uint(out, 0);
	cbor_put_uint(out, 0);
	cbor_put_bytes(out, SPAN_NONE);
	cbor_put_bytes(out, SPAN_NONE); /* it is of no file */
}

/* What an honest reader says; nobody here is sandboxed. */
static inline void
fake_said_find(const struct bundle *b, uint64_t i, struct fake_said *ret)
{
	WIPED(key_cache) keys = { 0 };
	struct csr csr = { 0 };

	*ret = (struct fake_said){ .index = i, .rule = "" };
	ret->code = csr_read("request", b->requests[i].csr, &keys, &csr);
	if (ret->code == RC_OK) {
		memcpy(ret->key_id, csr.key.id, SHA256_LEN);
		ret->names = csr.names; /* moved */
		ret->names_rule = csr.names_rule;
		if (csr.names_rule != RULE_NONE)
			(void)snprintf(ret->names_reason,
			    sizeof(ret->names_reason), "%s", csr.names_reason);
		free(csr.names_reason);
		buf_wipe(&csr.spelled);
		return;
	}
	ret->rule = rule_name(rule_spoken());
	(void)snprintf(ret->reason, sizeof(ret->reason), "%s", err_text());
}

/* Verdicts on a range, one to a record. Its watch sees each CSR; what it does is
 * told by the place of the request, from 1, under READER_CHECK. */
static inline enum rc
fake_check(struct fake_play *play, int sock, const struct bundle *b,
    uint64_t first, uint64_t n)
{
	enum rc rc = RC_OK;

	for (uint64_t i = first; i < first + n && rc == RC_OK; i++) {
		WIPED(buf) record = { 0 };
		struct fake_said said;
		struct cbor_out out;
		bool more;
		enum fake_deed deed = fake_turn(
		    play, &play->reader, READER_CHECK,
		    (unsigned)i + 1, b->requests[i].csr);

		if (deed == FAKE_BABBLE)
			return fake_babble(sock);
		fake_said_find(b, i, &said);
		if (deed == FAKE_LIE)
			fake_said_lie(&play->reader, b, &said);
		cbor_out_init(&out, &record);
		cbor_put_array(&out, 2);
		cbor_put_uint(&out, ANSWER_VERDICTS);
		more = deed == FAKE_LIE && play->reader.lie == LIE_MORE;
		cbor_put_array(&out, more ? 2 : 1);
		fake_said_put(&out, &said);
		said.index++;
		if (more)
			fake_said_put(&out, &said);
		name_list_wipe(&said.names);
		rc = cbor_out_end(&out);
		if (rc == RC_OK)
			rc = fake_send(sock, &record);
	}
	return rc;
}

static inline enum rc
fake_range_read(struct span record, uint64_t ret[static 3])
{
	struct cbor_in in = { .from = "reader", .rest = record };
	uint64_t n;
	enum rc rc = cbor_take_array(&in, "command", 3, 3, &n);

	for (size_t i = 0; i < 3 && rc == RC_OK; i++)
		rc = cbor_take_uint(&in, "command", 0, UINT32_MAX, &ret[i]);
	return rc;
}

/** A reader of bundles and loose sets that were handed to it: it does not scan.
 * `arg` is the play. */
static inline enum rc
fake_reader_run(int sock, void *arg)
{
	const struct loose_asked asked = { .profile = span_str("p") };
	WIPED(buf) record = { 0 };
	uint64_t range[3];
	int fd = -1;
	enum rc rc = RC_OK;

	while (rc == RC_OK && frame_recv(sock, READER_COMMAND_MAX, 0, &record,
				  &fd, "test") == RC_OK) {
		WIPED(sealed) copy = { .fd = -1 };
		WIPED(bundle) bundle = { 0 };
		WIPED(loose) loose = { 0 };
		struct cose cose;

		rc = fake_range_read(buf_span(&record), range);
		if (rc == RC_OK)
			rc = sealed_map(fd, &copy);
		fd = -1;
		if (rc == RC_OK && range[0] == READER_CHECK) {
			rc = cose_read("bundle", copy.bytes, COSE_BUNDLE,
			    &cose);
			if (rc == RC_OK)
				rc = bundle_read(
				    "bundle", cose.payload, &bundle);
		} else if (rc == RC_OK) {
			rc = loose_read(copy.bytes, &loose);
			if (rc == RC_OK)
				rc = loose_requests(&loose, &asked,
				    &bundle.requests);
			bundle.n_requests = loose.n;
		}
		if (rc == RC_OK)
			rc = fake_check(arg, sock, &bundle, range[1], range[2]);
	}
	return rc;
}

static inline void
fake_reader_start(struct fake_play *play, struct reader *ret)
{
	*ret = READER_NONE;
	check_ok(child_start(
	    &ret->child, "reader", fake_reader_run, play, NULL, 0));
}

#endif
