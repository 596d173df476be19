/* SPDX-License-Identifier: Apache-2.0 */
/* The socket between signer and judge, with either end played by the test: what
 * a judge may not answer, and what a judge makes of an order that is none. */
#include "tests/lib/fail_each.h"
#include "tests/lib/software_ca.h"

#include "base/frame.h"
#include "transfer/judge/judge_wire.h"

#define LAST \
	{ \
		NULL, 0 \
	}

struct said {
	const char *bytes;
	size_t n;
};

/* Answers the first order with all of these, whatever comes then. */
static enum rc
liar(int sock, void *arg)
{
	const struct said *said = arg;
	WIPED(buf) frame = { 0 };

	if (frame_recv(sock, FRAME_MAX, 0, &frame, NULL, "signer") != RC_OK)
		return RC_OK;
	for (; said->bytes != NULL; said++)
		if (frame_send(sock, span_of(said->bytes, said->n), -1,
			"signer") != RC_OK)
			return RC_IO;
	while (frame_recv(sock, FRAME_MAX, 0, &frame, NULL, "signer") == RC_OK)
		continue;
	return RC_OK;
}

static void
lie_start(struct child *c, const struct said *said)
{
	check_ok(
	    child_start(c, JUDGE_NAME, liar, (void *)(uintptr_t)said, NULL, 0));
}

/* Is there a sentence of ours, and no rule for what came from a stick? */
#define is_a_bug(call, words) \
	do { \
		err_clear(); \
		assert_int_equal((call), RC_BUG); \
		assert_int_equal(rule_spoken(), RULE_NONE); \
		if (strstr(err_text(), (words)) == NULL) \
			fail_msg("\"%s\" lacks \"%s\"", err_text(), (words)); \
	} while (0)

/* [0, code, rule, sentence] */
#define GOOD \
	{ \
		"\x84\x00\x00\x60\x40", 5 \
	}

static void
a_verdict_is_believed(void **state)
{
	static const struct said good[] = { GOOD, LAST },
				 refused[] = { { "\x84\x00\x03\x69"
						 "CERT-FORM\x42no",
						   16 },
					 LAST };
	WIPED(child) one = CHILD_NONE;
	WIPED(child) two = CHILD_NONE;

	(void)state;
	lie_start(&one, good);
	check_ok(judge_ready(&one));
	lie_start(&two, refused);
	check_refused(judge_ready(&two), "CERT-FORM", "no");
}

static void
what_is_no_verdict_is_a_bug_of_ours(void **state)
{
	static const char long_one[5000] = "\x84\x00\x00\x60\x59\x13\x80";
	const struct said wrong[] = {
		{ "", 0 },
		{ "\x80", 1 },
		{ "\x84\x00\x00\x60", 4 },	   /* cut short */
		{ "\x83\x00\x00\x60", 4 },	   /* too few */
		{ "\x85\x00\x00\x60\x40\x00", 6 }, /* too many */
		{ "\x84\x00\x09\x60\x40", 5 },	   /* no such code */
		{ "\x84\x00\x00\x40\x40", 5 },	   /* another type */
		{ "\x82\x02\x00", 3 },		   /* no such answer */
		{ "\x82\x01\x1b\x00\x00\x00\x01\x00\x00\x00\x00", 11 },
		{ long_one, sizeof(long_one) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct said said[] = { wrong[i], LAST };
		WIPED(child) c = CHILD_NONE;

		lie_start(&c, said);
		is_a_bug(judge_ready(&c), "the judge's answer: ");
	}
}

static void
a_file_is_wanted_for_a_response_alone(void **state)
{
	static const struct said said[] = { { "\x82\x01\x00", 3 }, LAST };
	WIPED(child) c = CHILD_NONE;

	(void)state;
	lie_start(&c, said);
	is_a_bug(judge_ready(&c), "judge: wants a file for no response");
}

/* ---- files of a response ------------------------------------------------- */

static enum rc
file_give(void *arg, size_t i, struct span *ret_bytes)
{
	size_t *asked = arg;

	*asked = i + 1;
	if (i != 0)
		return err_set(RC_IO, "b.pem: a bad sector");
	*ret_bytes = span_str("bytes");
	return RC_OK;
}

/* Of two files and a manifest. */
static enum rc
ask(const struct said *said, size_t *ret_asked)
{
	const struct span names[] = { span_str("a.pem"), span_str("b.pem") };
	const struct channel channel = { .has_head = false };
	const struct evidence r = { .from = "000001",
		.channel = &channel,
		.names = names,
		.n_names = 2,
		.manifest = span_str("manifest"),
		.file = file_give,
		.arg = ret_asked };
	WIPED(child) c = CHILD_NONE;

	*ret_asked = 0;
	lie_start(&c, said);
	return judge_response_ask(&c, &r, NULL);
}

static void
only_files_that_are_there_are_handed_over(void **state)
{
	static const struct said first[] = { { "\x82\x01\x00", 3 }, GOOD,
		LAST },
				 second[] = { { "\x82\x01\x01", 3 }, GOOD,
					 LAST },
				 manifest[] = { { "\x82\x01\x02", 3 }, GOOD,
					 LAST },
				 own[] = { { "\x82\x01\x03", 3 }, GOOD, LAST },
				 none[] = { { "\x82\x01\x04", 3 }, GOOD, LAST };
	size_t asked;

	(void)state;
	check_ok(ask(first, &asked));
	assert_int_equal(asked, 1);
	check_ok(ask(manifest, &asked));
	assert_int_equal(asked, 0);
	check_ok(ask(own, &asked)); /* an empty list: nothing is known here */
	assert_int_equal(asked, 0);
	is_a_bug(ask(none, &asked), "judge: wants a file that is not there");
	assert_int_equal(asked, 0);
	assert_int_equal(ask(second, &asked), RC_IO); /* which cannot be read */
	assert_string_equal(err_text(), "b.pem: a bad sector");
	assert_int_equal(asked, 2);
}

/* ---- what a true judge is told ------------------------------------------- */

static void
send_raw(struct child *c, const char *bytes, size_t n)
{
	check_ok(frame_send(c->sock, span_of(bytes, n), -1, JUDGE_NAME));
}

/* It says so, and goes on with the next. */
static void
an_order_that_is_none_is_answered(void **state)
{
	static const struct said wrong[] = { { "", 0 }, { "\x80", 1 },
		{ "\x82\x03", 2 }, { "\x82\x03\x00", 3 }, { "\x81\x06", 2 },
		{ "\x82\x05\x40", 3 } };
	WIPED(child) c = CHILD_NONE;

	(void)state;
	check_ok(judge_start(&c));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		send_raw(&c, wrong[i].bytes, wrong[i].n);
		assert_int_equal(judge_recv(&c), RC_FORMAT);
		assert_non_null(strstr(err_text(), "signer: "));
		check_ok(judge_ready(&c));
	}
	check_ok(child_stop(&c, 10));
}

/* The order's bytes, as judge_parent.c sends them. */
static void
send_response_order(struct child *c, enum judge_copy copy)
{
	static const uint8_t no_one[SHA256_LEN];
	struct judge_order order = {
		.kind = JUDGE_RESPONSE, .from = span_str("000001"), .copy = copy
	};
	WIPED(buf) record = { 0 };

	memcpy(order.channel.requester, no_one, sizeof(no_one));
	check_ok(schema_write(&judge_order_form, &order, &record));
	check_ok(frame_send(c->sock, buf_span(&record), -1, JUDGE_NAME));
}

static void
judge_make(struct child *c, struct software_ca *ca)
{
	struct span der;

	software_ca_make(ca, "ec-p256");
	der = buf_span(&ca->der);
	check_ok(judge_start(c));
	check_ok(judge_open(
	    c, span_str(PLAIN_POLICY), NULL, &der, 1, buf_span(&ca->transfer_der)));
}

/* [5], then as many bytes: one more than was said is no file. */
static void
a_file_has_the_size_that_was_said(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(child) c = CHILD_NONE;

	(void)state;
	judge_make(&c, &ca);
	for (size_t n = 5; n <= 6; n++) {
		WIPED(buf) wants = { 0 };

		send_response_order(&c, COPY_NONE);
		check_ok(frame_recv(
		    c.sock, FRAME_MAX, 10, &wants, NULL, JUDGE_NAME));
		assert_true(
		    span_eq(buf_span(&wants), span_of("\x82\x01\x00", 3)));
		send_raw(&c, "\x81\x05", 2);
		send_raw(&c, "bytes!", n);
		if (n == 5)
			assert_int_equal(judge_recv(&c), RC_FORMAT);
		else
			is_a_bug(
			    judge_recv(&c), "judge: a file of another size");
	}
	check_ok(judge_ready(&c));
}

static void
a_file_larger_than_any_is_not_asked_for(void **state)
{
	WIPED(software_ca) ca = { 0 };
	WIPED(child) c = CHILD_NONE;
	WIPED(buf) wants = { 0 };

	(void)state;
	judge_make(&c, &ca);
	send_response_order(&c, COPY_NONE);
	check_ok(frame_recv(c.sock, FRAME_MAX, 10, &wants, NULL, JUDGE_NAME));
	send_raw(&c, "\x81\x1a\x40\x00\x00\x01", 6); /* 2^30 + 1 */
	assert_int_equal(judge_recv(&c), RC_FORMAT);
	check_ok(judge_ready(&c));
}

static void
a_copy_that_does_not_come_is_no_bundle(void **state)
{
	const struct sealed none = { .fd = -1 };
	WIPED(software_ca) ca = { 0 };
	WIPED(child) c = CHILD_NONE;

	(void)state;
	judge_make(&c, &ca);
	send_response_order(&c, COPY_BUNDLE);
	check_rule(judge_recv(&c), "READER", "not sealed memory");
	check_rule(judge_bundle_open(&c, &none), "READER", "not sealed memory");
	check_ok(judge_ready(&c));
}

/* ---- where it cannot work ------------------------------------------------ */

static enum rc
failing_judge(int sock, void *arg)
{
	fail_nth(arg, 1, EPERM);
	return judge_run(sock, NULL);
}

/* The first question is answered by why, however often it is asked. */
static void
who_cannot_be_locked_in_judges_nothing(void **state)
{
	static const char *const calls[] = { "seccomp_init", "seccomp_load" };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		WIPED(child) c = CHILD_NONE;

		check_ok(child_start(&c, JUDGE_NAME, failing_judge,
		    (void *)(uintptr_t)calls[i], NULL, 0));
		assert_int_equal(judge_ready(&c), RC_STATE);
		assert_int_equal(rule_spoken(), RULE_SANDBOX);
		assert_int_not_equal(judge_ready(&c), RC_OK);
	}
}

static enum rc
send_and_recv(void *arg)
{
	static const uint8_t bytes[16];
	const struct expected e = { .from = "web-1",
		.spki = span_of(bytes, 16),
		.profile = span_str("server"),
		.serial = span_of(bytes, 16) };
	enum rc rc = judge_ready(arg);

	if (rc != RC_OK)
		return rc;
	rc = judge_send(arg, span_of(bytes, 16), &e);
	if (rc != RC_OK)
		return rc;
	/* It was told of no CA: so much is known to have arrived. */
	rc = judge_recv(arg);
	return rc == RC_BUG ? RC_OK : rc;
}

static void
an_order_that_cannot_be_written_is_not_sent(void **state)
{
	WIPED(child) c = CHILD_NONE;

	(void)state;
	check_ok(judge_start(&c));
	check_ok(judge_ready(&c));
	each_fails("malloc calloc reallocarray", send_and_recv, NULL, &c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_is_believed),
		cmocka_unit_test(what_is_no_verdict_is_a_bug_of_ours),
		cmocka_unit_test(a_file_is_wanted_for_a_response_alone),
		cmocka_unit_test(only_files_that_are_there_are_handed_over),
		cmocka_unit_test(an_order_that_is_none_is_answered),
		cmocka_unit_test(a_file_has_the_size_that_was_said),
		cmocka_unit_test(a_file_larger_than_any_is_not_asked_for),
		cmocka_unit_test(a_copy_that_does_not_come_is_no_bundle),
		cmocka_unit_test(who_cannot_be_locked_in_judges_nothing),
		cmocka_unit_test(an_order_that_cannot_be_written_is_not_sent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
