/* SPDX-License-Identifier: Apache-2.0 */
#include "token/process/channel.h"

#include "base/file.h"
#include "base/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* cmocka wants the headers above first. */
#include <cmocka.h>

struct pair {
	int ours, theirs;
};

static struct pair
connect_pair(void)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	return (struct pair){ s[0], s[1] };
}

static void
send_text(int sock, const char *text)
{
	assert_int_equal(frame_send(sock, span_str(text), -1, "x"), RC_OK);
}

static void
requests_come_one_by_one_and_answers_in_order(void **state)
{
	struct pair p = connect_pair();
	WIPED(token_channel) c = { .sock = p.ours };
	WIPED(buf) got = { 0 };
	struct span request;
	char text[24];

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "request %d", i);
		send_text(p.theirs, text);
	}
	for (int i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "request %d", i);
		assert_int_equal(channel_next(&c, 64, &request), RC_OK);
		assert_true(span_eq_str(request, text));
		assert_int_equal(channel_answer(&c, request), RC_OK);
	}
	/* Nothing further is there: what waits is sent before it blocks. */
	assert_int_equal(shutdown(p.theirs, SHUT_WR), 0);
	assert_int_equal(channel_next(&c, 64, &request), RC_IO);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "request %d", i);
		assert_int_equal(
		    frame_recv(p.theirs, 64, 1, &got, NULL, "x"), RC_OK);
		assert_true(span_eq_str(buf_span(&got), text));
	}
	fd_close(&p.ours);
	fd_close(&p.theirs);
}

static void
a_request_may_arrive_in_pieces(void **state)
{
	static const uint8_t bytes[] = { 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0,
		0 };
	struct pair p = connect_pair();
	WIPED(token_channel) c = { .sock = p.ours };
	struct span request;

	(void)state;
	assert_int_equal(send(p.theirs, bytes, 5, 0), 5);
	assert_int_equal(send(p.theirs, bytes + 5, 6, 0), 6);
	assert_int_equal(channel_next(&c, 3, &request), RC_OK);
	assert_true(span_eq_str(request, "abc"));
	assert_int_equal(channel_next(&c, 3, &request), RC_OK);
	assert_int_equal(request.n, 0);
	fd_close(&p.ours);
	fd_close(&p.theirs);
}

static void
a_request_over_the_cap_is_refused(void **state)
{
	struct pair p = connect_pair();
	WIPED(token_channel) c = { .sock = p.ours };
	struct span request;

	(void)state;
	send_text(p.theirs, "abc");
	send_text(p.theirs, "abcd");
	assert_int_equal(channel_next(&c, 3, &request), RC_OK);
	assert_int_equal(channel_next(&c, 3, &request), RC_IO);
	assert_string_equal(
	    err_text(), "a request of 4 bytes, at most 3 wanted");
	fd_close(&p.ours);
	fd_close(&p.theirs);
}

static void
the_first_answer_after_a_while_does_not_wait(void **state)
{
	struct pair p = connect_pair();
	WIPED(token_channel) c = { .sock = p.ours };
	WIPED(buf) got = { 0 };
	struct span request;

	(void)state;
	send_text(p.theirs, "one");
	send_text(p.theirs, "two");
	assert_int_equal(channel_next(&c, 64, &request), RC_OK);
	assert_int_equal(channel_answer(&c, request), RC_OK);
	assert_int_equal(frame_recv(p.theirs, 64, 1, &got, NULL, "x"), RC_OK);
	assert_true(span_eq_str(buf_span(&got), "one"));
	fd_close(&p.ours);
	fd_close(&p.theirs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_one_by_one_and_answers_in_order),
		cmocka_unit_test(a_request_may_arrive_in_pieces),
		cmocka_unit_test(a_request_over_the_cap_is_refused),
		cmocka_unit_test(the_first_answer_after_a_while_does_not_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
