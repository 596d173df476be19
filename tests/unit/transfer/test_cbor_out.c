/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/format/cbor_out.h"

#include "tests/lib/check.h"
#include "transfer/format/cbor_in.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void
check_bytes(const struct buf *got, const char *wanted, size_t n)
{
	assert_int_equal(got->n, n);
	assert_memory_equal(got->p, wanted, n);
}

static void
heads_are_the_shortest(void **state)
{
	static const char wanted[] = "\x17\x18\x18\x18\xff\x19\x01\x00"
				     "\x1a\x00\x01\x00\x00"
				     "\x1b\x00\x00\x00\x01\x00\x00\x00\x00"
				     "\x20\x37\x38\x18\x26\x39\x01\x00";
	static const uint64_t values[] = { 23, 24, 255, 256, 65536,
		UINT64_C(1) << 32 };
	static const int64_t negative[] = { -1, -24, -25, -7, -257 };
	WIPED(buf) to = { 0 };
	struct cbor_out out;

	(void)state;
	cbor_out_init(&out, &to);
	for (size_t i = 0; i < 6; i++)
		cbor_put_uint(&out, values[i]);
	for (size_t i = 0; i < 5; i++)
		cbor_put_int(&out, negative[i]);
	check_ok(cbor_out_end(&out));
	check_bytes(&to, wanted, sizeof(wanted) - 1);
}

static void
what_is_written_passes_the_reader(void **state)
{
	static const char wanted[] = "\xa3\x01\x82\x41x\xf6\x02\x80\x20\xa1"
				     "\x62yz\xa0";
	WIPED(buf) to = { 0 };
	struct cbor_out out;

	(void)state;
	cbor_out_init(&out, &to);
	cbor_put_map(&out, 3);
	cbor_put_uint(&out, 1);
	cbor_put_array(&out, 2);
	cbor_put_bytes(&out, span_str("x"));
	cbor_put_null(&out);
	cbor_put_uint(&out, 2);
	cbor_put_array(&out, 0);
	cbor_put_int(&out, -1);
	cbor_put_map(&out, 1);
	cbor_put_text(&out, span_str("yz"));
	cbor_put_raw(&out, span_str("\xa0"));
	check_ok(cbor_out_end(&out));
	check_bytes(&to, wanted, sizeof(wanted) - 1);
	check_ok(cbor_in_check("f", buf_span(&to)));
}

static void
a_failure_sticks(void **state)
{
	WIPED(buf) to = { 0 };
	struct cbor_out out;

	(void)state;
	cbor_out_init(&out, &to);
	cbor_put_map(&out, 2);
	cbor_put_uint(&out, 2);
	cbor_put_null(&out);
	/* A failed writer watches nothing and adds nothing. */
	out.rc = RC_IO;
	cbor_put_uint(&out, 1);
	assert_int_equal(to.n, 3);
	assert_int_equal(cbor_out_end(&out), RC_IO);
}

/* How a child ends that writes two keys in this order. */
static int
write_keys(uint64_t first, uint64_t second)
{
	WIPED(buf) to = { 0 };
	struct cbor_out out;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	}
	(void)close(STDERR_FILENO); /* the assertion's words */
	cbor_out_init(&out, &to);
	cbor_put_map(&out, 2);
	cbor_put_uint(&out, first);
	cbor_put_null(&out);
	cbor_put_uint(&out, second);
	cbor_put_null(&out);
	_exit(0);
}

static void
keys_out_of_order_are_a_bug_that_stops_us(void **state)
{
	(void)state;
	assert_int_equal(write_keys(23, 24), 0);
	assert_int_equal(write_keys(24, 23), SIGABRT);
	assert_int_equal(write_keys(24, 24), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_the_shortest),
		cmocka_unit_test(what_is_written_passes_the_reader),
		cmocka_unit_test(a_failure_sticks),
		cmocka_unit_test(keys_out_of_order_are_a_bug_that_stops_us),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
