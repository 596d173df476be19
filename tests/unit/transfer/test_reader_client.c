/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that lie: each answers one command with what the test tells it. */
#include "base/frame.h"
#include "tests/lib/media_fixture.h"
#include "transfer/format/cbor_out.h"
#include "transfer/reader/reader.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"

#include <signal.h>
#include <sys/mman.h>

struct lie {
	struct buf record;
	int fd;	 /* handed over with it, or -1 */
	int sig; /* it dies of this instead, or 0 */
};

static enum rc
liar(int sock, void *arg)
{
	const struct lie *lie = arg;
	WIPED(buf) command = { 0 };

	if (frame_recv(sock, 1024, 0, &command, NULL, "parent") != RC_OK)
		return RC_OK;
	if (lie->sig != 0) { /* cmocka catches what it can */
		(void)signal(lie->sig, SIG_DFL);
		(void)raise(lie->sig);
	}
	if (frame_send(sock, buf_span(&lie->record), lie->fd, "parent") !=
	    RC_OK)
		return RC_IO;
	while (frame_recv(sock, 1024, 0, &command, NULL, "parent") == RC_OK)
		continue;
	return RC_OK;
}

static void
lie_start(struct reader *c, struct lie *lie)
{
	const int keep[] = { lie->fd };

	assert_int_equal(child_start(&c->child, "reader", liar, lie, keep,
			     lie->fd >= 0 ? 1 : 0),
	    RC_OK);
	c->greeted = true;
	fd_close(&lie->fd);
	buf_wipe(&lie->record);
}

static enum rc
scan_a_liar(struct lie *lie)
{
	WIPED(reader) c = READER_NONE;
	WIPED(scanned) s = { 0 };
	bool more = false;

	lie_start(&c, lie);
	return reader_scan(&c, &s, &more);
}

static void
put_file(struct lie *lie, const char *name)
{
	struct cbor_out out;

	cbor_out_init(&out, &lie->record);
	cbor_put_array(&out, 2);
	cbor_put_uint(&out, ANSWER_FILE);
	cbor_put_text(&out, span_str(name));
	assert_int_equal(cbor_out_end(&out), RC_OK);
}

static void
memory_without_seals_is_refused(void **state)
{
	struct lie lie = { .fd = memfd_create("x", MFD_ALLOW_SEALING) };

	(void)state;
	put_file(&lie, "a.cose");
	assert_refused(scan_a_liar(&lie), "READER", "not sealed memory");
}

static void
file_instead_of_memory_is_refused(void **state)
{
	struct lie lie = { .fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC) };

	(void)state;
	put_file(&lie, "a.cose");
	assert_refused(scan_a_liar(&lie), "READER", "not sealed memory");
}

static void
file_without_memory_is_refused(void **state)
{
	struct lie lie = { .fd = -1 };

	(void)state;
	put_file(&lie, "a.cose");
	assert_refused(scan_a_liar(&lie), "READER", "without its copy");
}

/* What the reader says it refused: [3, name, rc, rule, reason]. */
struct refusal {
	uint64_t rc;
	const char *rule, *reason;
	bool has_copy;
	const char *lie; /* NULL: it is none */
};

static enum rc
hear_refusal(const struct refusal *r, struct scanned *ret)
{
	struct lie lie = { .fd = -1 };
	WIPED(reader) c = READER_NONE;
	struct cbor_out out;
	bool more = false;
	enum rc rc;

	cbor_out_init(&out, &lie.record);
	cbor_put_array(&out, 5);
	cbor_put_uint(&out, ANSWER_REFUSED);
	cbor_put_text(&out, span_str("a.cose"));
	cbor_put_uint(&out, r->rc);
	cbor_put_text(&out, span_str(r->rule));
	cbor_put_bytes(&out, span_str(r->reason));
	assert_int_equal(cbor_out_end(&out), RC_OK);
	if (r->has_copy)
		assert_int_equal(sealed_make(span_str("x"), &lie.fd), RC_OK);
	lie_start(&c, &lie);
	rc = reader_scan(&c, ret, &more);
	assert_int_equal(more, rc == RC_OK);
	return rc;
}

static void
refusals_have_a_rule_and_a_reason_and_no_copy(void **state)
{
	static const struct refusal all[] = {
		{ RC_FORMAT, "MEDIA-FILE", "a fifo", false, NULL },
		{ RC_IO, "", "a bad sector", false, NULL },
		{ RC_FORMAT, "MEDIA-FILE", "a fifo", true,
		    "a copy of what it refused" },
		{ RC_OK, "", "", false, "a refusal that is none" },
		{ RC_OK, "", "why", false, "a reason without an error" },
		{ RC_OK, "MEDIA-FILE", "", false, "a reason without an error" },
		{ RC_FORMAT, "MEDIA-FILE", "", false,
		    "an error without a reason" },
		{ RC_FORMAT, "", "why", false, "a refusal without a rule" },
		{ RC_STATE, "MEDIA-FILE", "why", false,
		    "a rule that there is not" },
		{ RC_FORMAT, "NO-RULE", "why", false,
		    "a rule that there is not" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		WIPED(scanned) s = { .copy = { .fd = -1 } };
		const enum rc rc = hear_refusal(&all[i], &s);
		char wanted[80];

		(void)snprintf(wanted, sizeof(wanted),
		    "the reader's answer: %s", all[i].lie);
		if (all[i].lie != NULL) {
			assert_refused(rc, "READER", wanted);
			continue;
		}
		assert_int_equal(rc, RC_OK);
		assert_string_equal(s.name, "a.cose");
		assert_int_equal(s.rc, all[i].rc);
		assert_string_equal(rule_name(s.rule), all[i].rule);
		assert_string_equal(s.reason, all[i].reason);
		assert_int_equal(s.copy.bytes.n, 0);
	}
}

/* ---- another answer than the question's ---------------------------------- */

static void
put_bytes(struct lie *lie, const char *bytes, size_t n)
{
	assert_int_equal(buf_add(&lie->record, bytes, n), RC_OK);
}

static void
a_scan_is_answered_by_files_or_the_end(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool has_copy;
	} wrong[] = {
		{ "\x83\x04\x01\x03", 4, false }, /* a level */
		{ "\x81\x01", 2, true },	  /* the end, with a copy */
	};
	struct lie end = { .fd = -1 };

	(void)state;
	put_bytes(&end, "\x81\x01", 2);
	assert_int_equal(scan_a_liar(&end), RC_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct lie lie = { .fd = -1 };

		put_bytes(&lie, wrong[i].bytes, wrong[i].n);
		if (wrong[i].has_copy)
			assert_int_equal(
			    sealed_make(span_str("x"), &lie.fd), RC_OK);
		assert_refused(scan_a_liar(&lie), "READER",
		    "the reader's answer: not what was asked");
	}
}

static enum rc
hear_level(const char *bytes, size_t n, struct sandbox_level *ret)
{
	struct lie lie = { .fd = -1 };
	WIPED(reader) c = READER_NONE;

	put_bytes(&lie, bytes, n);
	lie_start(&c, &lie);
	return reader_level(&c, ret);
}

static void
a_level_is_one_that_can_be(void **state)
{
	struct sandbox_level level = { false, 0 };

	(void)state;
	assert_int_equal(
	    hear_level("\x83\x04\x01\x19\x7f\xff", 6, &level), RC_OK);
	assert_true(level.seccomp);
	assert_int_equal(level.landlock_abi, 32767);
	level = (struct sandbox_level){ false, 0 };
	assert_refused(hear_level("\x83\x04\x01\x19\x80\x00", 6, &level),
	    "READER", "answer: ");
	assert_refused(
	    hear_level("\x83\x04\x02\x03", 4, &level), "READER", "answer: ");
	assert_refused(hear_level("\x81\x01", 2, &level), "READER",
	    "the reader's answer: not what was asked");
	assert_false(level.seccomp);
	assert_int_equal(level.landlock_abi, 0);
}

/* Who died before the question cannot be asked. */
static void
a_reader_that_has_gone_is_not_asked(void **state)
{
	struct lie lie = { .fd = -1, .sig = SIGSEGV };
	WIPED(reader) c = READER_NONE;
	struct sandbox_level level = { false, 0 };

	(void)state;
	lie_start(&c, &lie);
	assert_refused(reader_level(&c, &level), "READER", "SIGSEGV");
	assert_refused(
	    reader_level(&c, &level), "READER", "the reader process has gone");
	assert_false(level.seccomp);
	reader_wipe(&c);
	reader_wipe(&c); /* as often as one likes, and of nothing */
	reader_wipe(NULL);
	scanned_wipe(NULL);
	verdict_wipe(NULL);
}

static void
name_that_no_medium_carries_is_refused(void **state)
{
	static const char *const names[] = { "../../etc/passwd", "A", ".x",
		"a\x1b[2J", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct lie lie = { .fd = -1 };

		assert_int_equal(sealed_make(span_str("x"), &lie.fd), RC_OK);
		put_file(&lie, names[i]);
		assert_refused(scan_a_liar(&lie), "READER", "answer: ");
	}
}

static void
bytes_that_are_no_answer_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} records[] = { { "", 0 }, { "\x80", 1 }, { "\x81\x18\x63", 3 },
		{ "\x9f\x01\xff", 3 }, { "\xbb\xff\xff\xff\xff\xff", 6 },
		{ "\x81\x04", 2 }, { "\x82\x01\x01\x01", 4 },
		{ "\x84\x00\x00\x60\x40", 5 } };

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct lie lie = { .fd = -1 };

		assert_int_equal(
		    buf_add(&lie.record, records[i].bytes, records[i].n),
		    RC_OK);
		assert_refused(scan_a_liar(&lie), "READER", "answer: ");
	}
}

static void
record_over_the_limit_is_an_error(void **state)
{
	struct lie lie = { .fd = -1 };

	(void)state;
	assert_int_equal(
	    buf_reserve(&lie.record, READER_ANSWER_MAX + 1), RC_OK);
	lie.record.n = READER_ANSWER_MAX + 1;
	assert_int_equal(scan_a_liar(&lie), RC_FORMAT);
	assert_string_equal(rule_name(rule_spoken()), "READER");
	assert_non_null(strstr(err_text(), "at most"));
}

static void
death_in_the_sandbox_is_told(void **state)
{
	static const struct {
		int sig;
		enum rc rc;
		const char *rule, *text;
	} deaths[] = {
		{ SIGSYS, RC_FORMAT, "READER", "SIGSYS" },
		{ SIGSEGV, RC_FORMAT, "READER", "SIGSEGV" },
		{ SIGABRT, RC_FORMAT, "READER", "SIGABRT" },
		{ SIGKILL, RC_IO, "", "SIGKILL" },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		WIPED(reader) early = READER_NONE;
		struct sandbox_level level;
		struct lie lie = { .fd = -1, .sig = deaths[i].sig };

		/* Of one that had not begun it tells nothing about a stick. */
		lie_start(&early, &lie);
		early.greeted = false;
		assert_int_equal(reader_level(&early, &level), RC_IO);
		assert_int_equal(rule_spoken(), RULE_NONE);
		assert_non_null(strstr(err_text(), deaths[i].text));

		assert_int_equal(scan_a_liar(&lie), deaths[i].rc);
		assert_string_equal(rule_name(rule_spoken()), deaths[i].rule);
		assert_non_null(strstr(err_text(), deaths[i].text));
	}
}

/* ---- verdicts -------------------------------------------------------------
 */

struct said {
	uint64_t index, rc;
	const char *rule, *reason;
	size_t id;	  /* bytes of the key id */
	const char *name; /* NULL: none */
	uint64_t name_type;
	uint64_t names_rc;		       /* 0: they are good */
	const char *names_rule, *names_reason; /* NULL: "" */
	size_t der;			       /* bytes of the CSR of a file */
	uint64_t ca_rc;			       /* 0: it asks to be no CA */
	const char *ca_rule, *ca_reason;       /* NULL: "" */
	uint64_t has_path_len, path_len;
	size_t constraints; /* bytes */
};

static void
put_said(struct cbor_out *out, const struct said *said)
{
	static const uint8_t id[64], der[CSR_MAX + 1];

	cbor_put_array(out, 16);
	cbor_put_uint(out, said->index);
	cbor_put_uint(out, said->rc);
	cbor_put_text(out, span_str(said->rule));
	cbor_put_bytes(out, span_str(said->reason));
	cbor_put_bytes(out, span_of(id, said->id));
	cbor_put_uint(out, said->names_rc);
	cbor_put_text(
	    out, span_str(said->names_rule != NULL ? said->names_rule : ""));
	cbor_put_bytes(out,
	    span_str(said->names_reason != NULL ? said->names_reason : ""));
	cbor_put_array(out, said->name != NULL ? 1 : 0);
	if (said->name != NULL) {
		cbor_put_array(out, 2);
		cbor_put_uint(out, said->name_type);
		cbor_put_text(out, span_str(said->name));
	}
	cbor_put_uint(out, said->ca_rc);
	cbor_put_text(
	    out, span_str(said->ca_rule != NULL ? said->ca_rule : ""));
	cbor_put_bytes(
	    out, span_str(said->ca_reason != NULL ? said->ca_reason : ""));
	cbor_put_uint(out, said->has_path_len);
	cbor_put_uint(out, said->path_len);
	cbor_put_bytes(out, span_of(der, said->constraints));
	cbor_put_bytes(out, span_of(der, said->der));
}

static void
put_answers(struct lie *lie, const struct said *said, size_t n)
{
	struct cbor_out out;

	cbor_out_init(&out, &lie->record);
	cbor_put_array(&out, 2);
	cbor_put_uint(&out, ANSWER_VERDICTS);
	cbor_put_array(&out, n);
	for (size_t i = 0; i < n; i++)
		put_said(&out, &said[i]);
	assert_int_equal(cbor_out_end(&out), RC_OK);
}

/* The answers of a reader that says these; the last one's result. It was asked
 * about as many requests as that, or `n_asked`, from the first that it tells
 * of. */
static enum rc
hear_of(const struct said *said, size_t n, uint32_t n_asked)
{
	struct lie lie = { .fd = -1 };
	WIPED(reader) c = READER_NONE;
	WIPED(sealed) copy = { .fd = -1 };
	enum rc rc = RC_OK;

	put_answers(&lie, said, n);
	lie_start(&c, &lie);
	assert_int_equal(
	    reader_check_start(&c, &copy, (uint32_t)said->index, n_asked),
	    RC_OK);
	for (size_t i = 0; i < n_asked && rc == RC_OK; i++) {
		WIPED(verdict) v = { 0 };

		rc = reader_check_next(&c, &v);
	}
	return rc;
}

static enum rc
hear(const struct said *said, size_t n)
{
	return hear_of(said, n, (uint32_t)n);
}

/* The same of the first of CSR files. */
static enum rc
hear_of_file(const struct said *said, bool der_only)
{
	struct lie lie = { .fd = -1 };
	WIPED(reader) c = READER_NONE;
	WIPED(sealed) copy = { .fd = -1 };
	WIPED(verdict) v = { 0 };
	enum rc rc;

	put_answers(&lie, said, 1);
	lie_start(&c, &lie);
	assert_int_equal(
	    reader_check_files_start(&c, &copy, 1, der_only), RC_OK);
	rc = reader_check_next(&c, &v);
	if (rc == RC_OK)
		assert_int_equal(v.der.n, said->der);
	return rc;
}

/* Nothing is wrong with its names. */
#define NO_WISH 0, NULL, NULL, 0, 0, 0
#define OK_NAMES 0, NULL, NULL, 0, NO_WISH

static void
verdicts_in_good_form_are_taken(void **state)
{
	const struct said said[] = {
		{ 7, 0, "", "", 32, "example.org", NAME_DNS, OK_NAMES },
		{ 8, RC_FORMAT, "CSR-POP", "web-1: no", 0, NULL, 0, OK_NAMES },
		{ 9, 0, "", "", 32, NULL, 0, RC_POLICY, "NAME-TYPE", "no", 0,
		    RC_POLICY, "CSR-CA", "a CA", 1, 3, 5 },
		{ 10, RC_IO, "", "out of memory", 0, NULL, 0, OK_NAMES },
	};

	(void)state;
	if (hear(said, 4) != RC_OK)
		fail_msg("%s", err_text());
}

static void
verdicts_in_bad_form_are_refused(void **state)
{
	static const struct said bad[] = {
		{ 0, 0, "", "", 0, NULL, 0, OK_NAMES },		/* no key */
		{ 0, 0, "", "", 33, NULL, 0, OK_NAMES },	/* long id */
		{ 0, 0, "CSR-POP", "", 32, NULL, 0, OK_NAMES }, /* good, but */
		{ 0, 0, "", "why", 32, NULL, 0, OK_NAMES },	/* good, but */
		{ 0, RC_FORMAT, "", "why", 0, NULL, 0, OK_NAMES }, /* no rule */
		{ 0, RC_FORMAT, "NO-RULE", "why", 0, NULL, 0, OK_NAMES },
		{ 0, RC_STATE, "CSR-POP", "why", 0, NULL, 0,
		    OK_NAMES }, /* not its rc */
		{ 0, RC_FORMAT, "CSR-POP", "", 0, NULL, 0,
		    OK_NAMES }, /* no reason */
		{ 0, RC_FORMAT, "CSR-POP", "why", 32, NULL, 0, OK_NAMES },
		{ 0, RC_FORMAT, "CSR-POP", "why", 0, "a", 0, OK_NAMES },
		{ 0, 99, "", "why", 0, NULL, 0, OK_NAMES },
		{ UINT64_C(1) << 32, 0, "", "", 32, NULL, 0, OK_NAMES },
		{ 0, 0, "", "", 32, "a\nb", NAME_DNS, OK_NAMES },
		{ 0, 0, "", "", 32, "", NAME_DNS, OK_NAMES },
		{ 0, 0, "", "", 32, "a", NAME_TYPES, OK_NAMES },
		/* names that are refused, and yet there; or no refusal */
		{ 0, 0, "", "", 32, "a", 0, RC_POLICY, "NAME-TYPE", "no", 0,
		    NO_WISH },
		{ 0, RC_FORMAT, "CSR-POP", "why", 0, NULL, 0, RC_POLICY,
		    "NAME-TYPE", "no", 0, NO_WISH },
		{ 0, 0, "", "", 32, NULL, 0, RC_IO, "", "no memory", 0,
		    NO_WISH },
		{ 0, 0, "", "", 32, NULL, 0, RC_POLICY, "NO-RULE", "no", 0,
		    NO_WISH },
		{ 0, 0, "", "", 32, NULL, 0, RC_POLICY, "NAME-TYPE", "", 0,
		    NO_WISH },
		{ 0, 0, "", "", 32, NULL, 0, 0, "", "no", 0, NO_WISH },
		/* a wish of what was not read; a refusal that is none */
		{ 0, RC_FORMAT, "CSR-POP", "why", 0, NULL, 0, 0, NULL, NULL, 0,
		    RC_POLICY, "CSR-CA", "no", 0, 0, 0 },
		{ 0, RC_FORMAT, "CSR-POP", "why", 0, NULL, 0, 0, NULL, NULL, 0,
		    0, NULL, NULL, 1, 0, 0 },
		{ 0, RC_FORMAT, "CSR-POP", "why", 0, NULL, 0, 0, NULL, NULL, 0,
		    0, NULL, NULL, 0, 0, 1 },
		{ 0, 0, "", "", 32, NULL, 0, 0, NULL, NULL, 0, RC_POLICY,
		    "NO-RULE", "no", 0, 0, 0 },
		{ 0, 0, "", "", 32, NULL, 0, 0, NULL, NULL, 0, 0, NULL, NULL, 1,
		    CSR_PATH_LEN_MAX + 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(hear(&bad[i], 1), "READER", "answer: ");
}

/* Of a file it brings the DER, and none of a bundle's request; asked for the
 * DER alone it says nothing else. */
static void
a_csr_comes_back_from_a_file_and_from_nothing_else(void **state)
{
	const struct said whole = { 0, 0, "", "", 32, "a.example.org", NAME_DNS,
		0, NULL, NULL, CSR_MIN, NO_WISH };
	const struct said alone = { 0, 0, "", "", 0, NULL, 0, 0, NULL, NULL,
		CSR_MAX, NO_WISH };
	const struct said refused = { 0, RC_FORMAT, "CSR-FORM", "no", 0, NULL,
		0, OK_NAMES };
	const struct said named = { 0, 0, "", "", 0, "a.example.org", NAME_DNS,
		0, NULL, NULL, CSR_MIN, NO_WISH };
	const struct said bad_names = { 0, 0, "", "", 0, NULL, 0, RC_POLICY,
		"NAME-TYPE", "no", CSR_MIN, NO_WISH };
	struct said lie;

	(void)state;
	assert_int_equal(hear_of_file(&whole, false), RC_OK);
	assert_int_equal(hear_of_file(&alone, true), RC_OK);
	assert_int_equal(hear_of_file(&refused, false), RC_OK);
	assert_int_equal(hear_of_file(&refused, true), RC_OK);
	assert_refused(hear(&whole, 1), "READER", "a CSR where there is none");
	assert_refused(hear_of_file(&whole, true), "READER", "a key where");
	assert_refused(hear_of_file(&named, true), "READER", "a key where");
	assert_refused(
	    hear_of_file(&bad_names, true), "READER", "names refused");
	assert_refused(hear_of_file(&alone, false), "READER", "a key where");
	lie = whole;
	lie.der = CSR_MIN - 1;
	assert_refused(hear_of_file(&lie, false), "READER", "a CSR where");
	lie.der = CSR_MAX + 1;
	assert_refused(hear_of_file(&lie, false), "READER", "DER");
	lie = refused;
	lie.der = CSR_MIN;
	assert_refused(hear_of_file(&lie, false), "READER", "a CSR where");
}

static void
verdicts_out_of_order_are_refused(void **state)
{
	const struct said said[] = {
		{ 3, 0, "", "", 32, NULL, 0, OK_NAMES },
		{ 3, 0, "", "", 32, NULL, 0, OK_NAMES },
	};

	(void)state;
	assert_refused(hear(said, 2), "READER",
	    "out of order: it answers for request 4, not 5");
}

/* Whose are they? Not those of the reader that was asked about them. */
static void
answers_beyond_the_range_are_refused(void **state)
{
	const struct said said[] = {
		{ 3, 0, "", "", 32, NULL, 0, OK_NAMES },
		{ 4, 0, "", "", 32, NULL, 0, OK_NAMES },
		{ 5, 0, "", "", 32, NULL, 0, OK_NAMES },
	};

	(void)state;
	assert_int_equal(hear_of(said, 3, 3), RC_OK);
	assert_refused(
	    hear_of(said, 3, 2), "READER", "more answers than were asked for");
}

static void
answers_for_another_range_are_refused(void **state)
{
	const struct said said[] = { { 3, 0, "", "", 32, NULL, 0, OK_NAMES } };
	struct lie lie = { .fd = -1 };
	WIPED(reader) c = READER_NONE;
	WIPED(verdict) v = { 0 };
	const struct sealed copy = { .fd = -1 };

	(void)state;
	put_answers(&lie, said, 1);
	lie_start(&c, &lie);
	assert_int_equal(reader_check_start(&c, &copy, 7, 1), RC_OK);
	assert_refused(reader_check_next(&c, &v), "READER",
	    "it answers for request 4, not 8");
}

/* Each of two readers keeps its own: what one has in store is not the other's.
 */
static void
each_reader_has_answers_of_its_own(void **state)
{
	const struct said said[] = {
		{ 0, 0, "", "", 32, NULL, 0, OK_NAMES },
		{ 1, 0, "", "", 32, NULL, 0, OK_NAMES },
		{ 1, RC_FORMAT, "CSR-POP", "no", 0, NULL, 0, OK_NAMES },
	};
	const struct sealed copy = { .fd = -1 };
	struct reader readers[2] = { READER_NONE, READER_NONE };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct lie lie = { .fd = -1 };

		put_answers(&lie, &said[2 * i], 2 - i);
		lie_start(&readers[i], &lie);
		assert_int_equal(reader_check_start(&readers[i], &copy,
				     (uint32_t)i, (uint32_t)(2 - i)),
		    RC_OK);
	}
	for (size_t i = 0; i < 2; i++) {
		WIPED(verdict) v = { 0 };

		assert_int_equal(reader_check_next(&readers[i], &v), RC_OK);
		assert_int_equal(v.index, i);
		assert_int_equal(v.rc, i == 0 ? RC_OK : RC_FORMAT);
	}
	reader_wipe(&readers[0]);
	reader_wipe(&readers[1]);
}

static void
another_answer_than_asked_is_refused(void **state)
{
	struct lie lie = { .fd = -1 };
	WIPED(reader) c = READER_NONE;
	WIPED(verdict) v = { 0 };
	const struct sealed copy = { .fd = -1 };

	(void)state;
	put_file(&lie, "a");
	lie_start(&c, &lie);
	assert_int_equal(reader_check_start(&c, &copy, 0, 1), RC_OK);
	assert_refused(
	    reader_check_next(&c, &v), "READER", "not what was asked");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_without_seals_is_refused),
		cmocka_unit_test(file_instead_of_memory_is_refused),
		cmocka_unit_test(file_without_memory_is_refused),
		cmocka_unit_test(refusals_have_a_rule_and_a_reason_and_no_copy),
		cmocka_unit_test(a_scan_is_answered_by_files_or_the_end),
		cmocka_unit_test(a_level_is_one_that_can_be),
		cmocka_unit_test(a_reader_that_has_gone_is_not_asked),
		cmocka_unit_test(name_that_no_medium_carries_is_refused),
		cmocka_unit_test(bytes_that_are_no_answer_are_refused),
		cmocka_unit_test(record_over_the_limit_is_an_error),
		cmocka_unit_test(death_in_the_sandbox_is_told),
		cmocka_unit_test(verdicts_in_good_form_are_taken),
		cmocka_unit_test(verdicts_in_bad_form_are_refused),
		cmocka_unit_test(
		    a_csr_comes_back_from_a_file_and_from_nothing_else),
		cmocka_unit_test(verdicts_out_of_order_are_refused),
		cmocka_unit_test(answers_beyond_the_range_are_refused),
		cmocka_unit_test(answers_for_another_range_are_refused),
		cmocka_unit_test(each_reader_has_answers_of_its_own),
		cmocka_unit_test(another_answer_than_asked_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
