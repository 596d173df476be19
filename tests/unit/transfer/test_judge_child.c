/* SPDX-License-Identifier: Apache-2.0 */
/* The judge as a process: the same verdicts, over a socket, locked in. */
#include "tests/lib/software_ca.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct bed {
	struct software_ca ca;
	struct policy policy;
	struct child judge;
	EVP_PKEY *key;
	struct buf spki, der;
	uint8_t serial[16];
	struct name name;
	struct expected e;
};

static void
bed_make(struct bed *b, const char *ca_type)
{
	software_ca_make(&b->ca, ca_type);
	plain_policy(&b->policy);
	b->key = key_new("ec-p256");
	key_spki(b->key, &b->spki);
	draw_serial(b->serial);
	b->name = (struct name){ NAME_DNS, span_str("www.example.org") };
	b->e = (struct expected){ .from = "web-1",
		.spki = buf_span(&b->spki),
		.profile = span_str("server"),
		.names = &b->name,
		.n_names = 1,
		.serial = span_of(b->serial, 16),
		.not_before = NOW,
		.not_after = NOW + 31 * DAY - 1,
		.issuer = b->ca.key_id };
	software_ca_issue(&b->ca, &b->policy, &b->e, NULL, &b->der);
	check_ok(judge_start(&b->judge));
}

static void
open_it(struct bed *b)
{
	struct span der = buf_span(&b->ca.der);

	check_ok(judge_open(&b->judge, span_str(PLAIN_POLICY), NULL, &der, 1,
	    buf_span(&b->ca.transfer_der)));
}

static void
bed_wipe(struct bed *b)
{
	child_wipe(&b->judge);
	policy_wipe(&b->policy);
	software_ca_wipe(&b->ca);
	EVP_PKEY_free(b->key);
	buf_wipe(&b->spki);
	buf_wipe(&b->der);
}

static void
a_right_certificate_passes_under_each_ca_key(void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "rsa-2048" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(bed) b = { .judge = CHILD_NONE };

		bed_make(&b, types[i]);
		open_it(&b);
		check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
		check_ok(judge_recv(&b.judge));
		check_ok(child_stop(&b.judge, 10));
	}
}

static void
verdicts_come_in_order_with_their_rules(void **state)
{
	WIPED(bed) b = { .judge = CHILD_NONE };

	(void)state;
	bed_make(&b, "ec-p256");
	open_it(&b);
	for (size_t i = 0; i < JUDGE_WINDOW; i++) {
		b.e.not_after += i % 2 == 0 ? 1 : -1;
		check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
	}
	for (size_t i = 0; i < JUDGE_WINDOW; i++)
		if (i % 2 == 0)
			check_rule(judge_recv(&b.judge), "CERT-DATES",
			    "web-1: other dates than stated");
		else
			check_ok(judge_recv(&b.judge));
}

static void
a_certificate_before_the_ca_is_our_own_bug(void **state)
{
	WIPED(bed) b = { .judge = CHILD_NONE };

	(void)state;
	bed_make(&b, "ec-p256");
	check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
	assert_int_equal(judge_recv(&b.judge), RC_BUG);
}

/* What it knows by itself, and what it is told. */
static void
it_knows_what_keys_are_taken(void **state)
{
	WIPED(bed) b = { .judge = CHILD_NONE };
	WIPED(kin) kin = { 0 };
	WIPED(buf) transfer = { 0 };
	struct kin_one one = { .whose = KIN_OWN };
	struct kin many = { .n = JUDGE_KIN_MAX + 1 };

	(void)state;
	bed_make(&b, "ec-p256");
	assert_int_equal(judge_kin_tell(&b.judge, &kin), RC_BUG); /* no CA */
	open_it(&b);
	check_ok(judge_kin_tell(&b.judge, &kin));
	check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
	check_ok(judge_recv(&b.judge));
	check_ok(sha256(buf_span(&b.spki), one.key_id));
	one.subject = span_str("0");
	check_ok(kin_put(&kin, &one));
	check_ok(judge_kin_tell(&b.judge, &kin));
	check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
	check_rule(judge_recv(&b.judge), "CERT-KEY",
	    "web-1: its key is one that the CA itself has or had");
	open_it(&b); /* which begins anew */
	check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
	check_ok(judge_recv(&b.judge));
	key_spki(b.ca.transfer_key, &transfer);
	b.e.spki = buf_span(&transfer);
	software_ca_issue(&b.ca, &b.policy, &b.e, NULL, &b.der);
	check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
	check_rule(judge_recv(&b.judge), "CERT-KEY", "the CA itself");
	assert_int_equal(judge_kin_tell(&b.judge, &many), RC_STATE);
}

static void
another_ca_certificate_is_refused_at_once(void **state)
{
	WIPED(bed) b = { .judge = CHILD_NONE };
	struct span leaf;

	(void)state;
	bed_make(&b, "ec-p256");
	leaf = buf_span(&b.der);
	check_rule(judge_open(&b.judge, span_str(PLAIN_POLICY), NULL, &leaf, 1,
		       SPAN_NONE),
	    "CA-CERT", "CA certificate: no basicConstraints");
	open_it(&b); /* and it can be asked again */
	check_ok(judge_send(&b.judge, buf_span(&b.der), &b.e));
	check_ok(judge_recv(&b.judge));
}

static void
the_process_is_locked_in(void **state)
{
	char path[64], line[256];
	WIPED(bed) b = { .judge = CHILD_NONE };
	bool seccomp = false, privs = false;
	FILE *f;

	(void)state;
	bed_make(&b, "ec-p256");
	open_it(&b); /* after the first answer it is locked */
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)b.judge.pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		seccomp |= strcmp(line, "Seccomp:\t2\n") == 0;
		privs |= strcmp(line, "NoNewPrivs:\t1\n") == 0;
	}
	assert_int_equal(fclose(f), 0);
	assert_true(seccomp && privs);
}

static void
a_judge_that_dies_is_named(void **state)
{
	WIPED(bed) b = { .judge = CHILD_NONE };

	(void)state;
	bed_make(&b, "ec-p256");
	open_it(&b);
	assert_int_equal(kill(b.judge.pid, SIGKILL), 0);
	if (judge_send(&b.judge, buf_span(&b.der), &b.e) == RC_OK)
		assert_int_equal(judge_recv(&b.judge), RC_IO);
	assert_non_null(strstr(err_text(), "judge process"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_certificate_passes_under_each_ca_key),
		cmocka_unit_test(verdicts_come_in_order_with_their_rules),
		cmocka_unit_test(a_certificate_before_the_ca_is_our_own_bug),
		cmocka_unit_test(another_ca_certificate_is_refused_at_once),
		cmocka_unit_test(it_knows_what_keys_are_taken),
		cmocka_unit_test(the_process_is_locked_in),
		cmocka_unit_test(a_judge_that_dies_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
