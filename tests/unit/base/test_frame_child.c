/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"
#include "base/file.h"
#include "base/frame.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- children -------------------------------------------------------------
 */

static enum rc
echo(int sock, void *arg)
{
	WIPED(buf) record = { 0 };
	int fd;
	enum rc rc = frame_recv(sock, FRAME_MAX, 0, &record, &fd, "parent");

	(void)arg;
	return rc != RC_OK ? rc
			   : frame_send(sock, buf_span(&record), fd, "parent");
}

static enum rc
leave_with(int sock, void *arg)
{
	(void)sock;
	return *(enum rc *)arg;
}

static enum rc
die_of(int sock, void *arg)
{
	(void)sock;
	(void)signal(*(int *)arg, SIG_DFL);
	(void)raise(*(int *)arg);
	return RC_OK;
}

static enum rc
hang(int sock, void *arg)
{
	(void)sock;
	(void)arg;
	while (pause() < 0)
		continue;
	return RC_BUG;
}

/* As a library does that is out of memory. */
static enum rc
crash_short(int sock, void *arg)
{
	(void)sock;
	err_note_shortage(*(enum shortage *)arg);
	if (*(enum shortage *)arg == SHORT_OF_MEMORY)
		(void)raise(SIGSEGV);
	return RC_FORMAT;
}

/* The same, where nobody has noticed yet; and then it may be anything. */
static enum rc
crash_in_library(int sock, void *arg)
{
	(void)sock;
	err_crash_means(SHORT_OF_MEMORY);
	if (arg != NULL)
		err_crash_means(SHORT_OF_NOTHING);
	(void)raise(SIGABRT);
	return RC_OK;
}

/* Answers with the number of descriptors that it holds. */
static enum rc
count_fds(int sock, void *arg)
{
	uint8_t n = 0;

	(void)arg;
	for (int fd = 0; fd < 1024; fd++)
		n = (uint8_t)(n + (fcntl(fd, F_GETFD) >= 0));
	return frame_send(sock, span_of(&n, 1), -1, "parent");
}

/* ---- records --------------------------------------------------------------
 */

static void
a_record_goes_there_and_back(void **state)
{
	/* Larger than any socket buffer, so that it comes in pieces. */
	static uint8_t big[3 << 20];
	const size_t sizes[] = { 0, 1, 65536, sizeof(big) };

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 >> 3);
	for (size_t i = 0; i < 4; i++) {
		WIPED(child) c = CHILD_NONE;
		WIPED(buf) back = { 0 };
		struct span sent = span_of(big, sizes[i]);

		check_ok(child_start(&c, "echo", echo, NULL, NULL, 0));
		check_ok(frame_send(c.sock, sent, -1, "echo"));
		check_ok(
		    frame_recv(c.sock, FRAME_MAX, 20, &back, NULL, "echo"));
		assert_true(span_eq(buf_span(&back), sent));
		check_ok(child_stop(&c, 20));
	}
}

static void
a_descriptor_rides_along(void **state)
{
	WIPED(child) c = CHILD_NONE;
	WIPED(buf) back = { 0 };
	OWN_FD file = memfd_create("f", MFD_CLOEXEC);
	OWN_FD came = -1;
	struct stat ours, theirs;

	(void)state;
	check_ok(child_start(&c, "echo", echo, NULL, NULL, 0));
	check_ok(frame_send(c.sock, span_str("x"), file, "echo"));
	check_ok(frame_recv(c.sock, 10, 20, &back, &came, "echo"));
	assert_int_equal(fstat(file, &ours), 0);
	assert_int_equal(fstat(came, &theirs), 0);
	assert_true(came != file && ours.st_ino == theirs.st_ino);
	assert_true((fcntl(came, F_GETFD) & FD_CLOEXEC) != 0);
	check_ok(child_stop(&c, 20));
}

static void
none_came_is_said(void **state)
{
	WIPED(child) c = CHILD_NONE;
	WIPED(buf) back = { 0 };
	int came = 7;

	(void)state;
	check_ok(child_start(&c, "echo", echo, NULL, NULL, 0));
	check_ok(frame_send(c.sock, span_str("x"), -1, "echo"));
	check_ok(frame_recv(c.sock, 10, 20, &back, &came, "echo"));
	assert_int_equal(came, -1);
}

static void
a_descriptor_nobody_asked_for_is_refused(void **state)
{
	OWN_FD file = memfd_create("f", MFD_CLOEXEC);
	WIPED(buf) record = { 0 };
	int pair[2], next;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_ok(frame_send(pair[0], span_str("x"), file, "p"));
	next = dup(0);
	(void)close(next);
	assert_int_equal(
	    frame_recv(pair[1], 10, 20, &record, NULL, "p"), RC_FORMAT);
	assert_string_equal(
	    err_text(), "the p process sent a descriptor unasked");
	/* And it is closed again: the next number is free. */
	assert_int_equal(dup(0), next);
	(void)close(next);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_record_over_the_cap_is_refused(void **state)
{
	WIPED(buf) record = { 0 };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_ok(frame_send(pair[0], span_str("12345"), -1, "p"));
	check_ok(frame_recv(pair[1], 5, 20, &record, NULL, "p"));
	assert_true(span_eq_str(buf_span(&record), "12345"));
	check_ok(frame_send(pair[0], span_str("123456"), -1, "p"));
	assert_int_equal(
	    frame_recv(pair[1], 5, 20, &record, NULL, "p"), RC_FORMAT);
	assert_string_equal(
	    err_text(), "the p process sent 6 bytes, at most 5 wanted");
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_lie_about_the_length_takes_no_memory(void **state)
{
	WIPED(buf) record = { 0 };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], "\xff\xff\xff\xff", 4), 4);
	assert_int_equal(
	    frame_recv(pair[1], FRAME_MAX, 20, &record, NULL, "p"), RC_FORMAT);
	assert_null(record.p);
	assert_int_equal(
	    frame_send(pair[0], span_of("", FRAME_MAX + 1), -1, "p"), RC_BUG);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
silence_is_not_waited_for(void **state)
{
	/* Before a record, in its length, and in its middle. */
	static const char *const begun[] = { "", "\0\0", "\0\0\0\5ab" };
	static const size_t n[] = { 0, 2, 6 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(buf) record = { 0 };
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		assert_int_equal(write(pair[0], begun[i], n[i]), n[i]);
		assert_int_equal(
		    frame_recv(pair[1], 10, 1, &record, NULL, "p"), RC_IO);
		assert_string_equal(
		    err_text(), "the p process did not answer in 1 s");
		(void)close(pair[0]);
		assert_int_equal(
		    frame_recv(pair[1], 10, 1, &record, NULL, "p"), RC_IO);
		assert_string_equal(err_text(), "the p process has gone");
		(void)close(pair[1]);
	}
}

static time_t
step_of_socket(int sock)
{
	struct timeval wait = { 0 };
	socklen_t n = sizeof(wait);

	assert_int_equal(
	    getsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &wait, &n), 0);
	return wait.tv_sec;
}

/* Sends what nobody takes, in steps of 20 ms; and hears nothing of it. */
static enum rc
send_in_vain(int sock, void *arg)
{
	const struct timeval step = { .tv_usec = 20000 };
	static const uint8_t large[4 << 20];

	(void)arg;
	if (step_of_socket(sock) != FRAME_STEP ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &step, sizeof(step)) != 0)
		return RC_BUG;
	return frame_send(sock, span_of(large, sizeof(large)), -1, "parent");
}

static unsigned told;
static int told_seconds;

static void
note_waiting(const char *peer, int seconds)
{
	assert_string_equal(peer, "p");
	told_seconds = seconds;
	told++;
}

static void
neither_end_is_sent_to_for_ever(void **state)
{
	WIPED(child) c = CHILD_NONE;

	(void)state;
	told = 0;
	frame_on_wait(note_waiting);
	check_ok(child_start(&c, "helper", send_in_vain, NULL, NULL, 0));
	assert_int_equal(step_of_socket(c.sock), FRAME_STEP);
	/* It leaves, although its parent is there and reads nothing. */
	assert_true(child_leaves_within(c.pid, 60));
	assert_int_equal(child_stop(&c, 1), RC_IO);
	frame_on_wait(NULL);
	assert_int_equal(told, 0);
}

/* What that wait ends with, and who hears of it meanwhile. */
static void
a_peer_that_does_not_read_is_not_waited_for(void **state)
{
	const struct timeval wait = { .tv_usec = 20000 };
	static const uint8_t large[4 << 20];
	int pair[2];

	(void)state;
	told = 0;
	frame_on_wait(note_waiting);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(
	    setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)),
	    0);
	assert_int_equal(
	    frame_send(pair[0], span_of(large, sizeof(large)), -1, "p"), RC_IO);
	assert_string_equal(
	    err_text(), "the p process takes nothing more: it hangs");
	assert_int_equal(told, 1); /* though it was many steps */
	assert_int_equal(told_seconds, FRAME_SEND_MAX);
	frame_on_wait(NULL);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_socket_that_was_closed_is_not_waited_for(void **state)
{
	WIPED(buf) record = { 0 };

	(void)state;
	assert_int_equal(frame_recv(-1, 10, 600, &record, NULL, "p"), RC_IO);
	assert_string_equal(err_text(), "the p process has gone");
}

/* A byte every quarter of a second, for ever: each wait is short. */
static enum rc
drip(int sock, void *arg)
{
	const struct timespec quarter = { 0, 250000000 };
	static const uint8_t head[] = { 0, 0, 1, 0 };

	(void)arg;
	for (size_t i = 0;; i++) {
		const uint8_t *byte = i < 4 ? &head[i] : &head[0];

		if (write(sock, byte, 1) != 1)
			return RC_OK;
		(void)nanosleep(&quarter, NULL);
	}
}

static void
a_record_that_drips_is_not_waited_for(void **state)
{
	WIPED(child) c = CHILD_NONE;
	WIPED(buf) record = { 0 };

	(void)state;
	check_ok(child_start(&c, "p", drip, NULL, NULL, 0));
	assert_int_equal(frame_recv(c.sock, 256, 2, &record, NULL, "p"), RC_IO);
	assert_string_equal(err_text(), "the p process did not answer in 2 s");
}

/* ---- lives and deaths -----------------------------------------------------
 */

/* ---- many at once -------------------------------------------------------- */

static void
small_records_come_in_order(void **state)
{
	WIPED(frame_line) to = { 0 };
	WIPED(frame_line) from = { 0 };
	struct span got;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (uint8_t i = 0; i < 100; i++)
		check_ok(frame_add(&to, pair[0], span_of(&i, i % 2), "p"));
	assert_false(frame_is_here(&from));
	check_ok(frame_flush(&to, pair[0], "p"));
	for (uint8_t i = 0; i < 100; i++) {
		check_ok(frame_next(&from, pair[1], 1, 20, &got, NULL, "p"));
		assert_int_equal(got.n, i % 2);
		assert_true(got.n == 0 || got.p[0] == i);
		assert_int_equal(frame_is_here(&from), i != 99);
	}
	(void)close(pair[0]);
	assert_int_equal(
	    frame_next(&from, pair[1], 1, 20, &got, NULL, "p"), RC_IO);
	assert_string_equal(err_text(), "the p process has gone");
	(void)close(pair[1]);
}

static void
a_record_is_written_in_place_or_taken_back(void **state)
{
	WIPED(frame_line) to = { 0 };
	WIPED(frame_line) from = { 0 };
	struct span got;
	size_t at;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_ok(frame_add(&to, pair[0], span_str("first"), "p"));
	check_ok(frame_begin(&to, &at));
	check_ok(buf_add_str(&to.out, "half of"));
	assert_int_equal(frame_end(&to, at, RC_BUG, pair[0], "p"), RC_BUG);
	check_ok(frame_begin(&to, &at));
	check_ok(buf_add_str(&to.out, "second"));
	check_ok(frame_end(&to, at, RC_OK, pair[0], "p"));
	check_ok(frame_begin(&to, &at));
	check_ok(frame_end(&to, at, RC_OK, pair[0], "p"));
	check_ok(frame_flush(&to, pair[0], "p"));
	check_ok(frame_next(&from, pair[1], 9, 20, &got, NULL, "p"));
	assert_true(span_eq_str(got, "first"));
	check_ok(frame_next(&from, pair[1], 9, 20, &got, NULL, "p"));
	assert_true(span_eq_str(got, "second"));
	check_ok(frame_next(&from, pair[1], 9, 20, &got, NULL, "p"));
	assert_int_equal(got.n, 0);
	assert_false(frame_is_here(&from));
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* Enough of them are sent by themselves, and one may be larger than what is
 * read ahead. */
static void
a_large_record_comes_among_small_ones(void **state)
{
	static uint8_t big[40000];
	WIPED(frame_line) to = { 0 };
	WIPED(frame_line) from = { 0 };
	struct span got;
	int pair[2];

	(void)state;
	memset(big, 'b', sizeof(big));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_ok(frame_add(&to, pair[0], span_str("small"), "p"));
	check_ok(frame_add(&to, pair[0], span_of(big, sizeof(big)), "p"));
	check_ok(frame_next(&from, pair[1], 5, 20, &got, NULL, "p"));
	assert_true(span_eq_str(got, "small"));
	check_ok(frame_next(&from, pair[1], sizeof(big), 20, &got, NULL, "p"));
	assert_true(span_eq(got, span_of(big, sizeof(big))));
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
one_over_the_cap_is_refused_by_its_head(void **state)
{
	WIPED(frame_line) from = { 0 };
	const uint8_t head[] = { 0x7f, 0xff, 0xff, 0xff };
	struct span got;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_ok(frame_send(pair[0], span_str("123456"), -1, "p"));
	assert_int_equal(
	    frame_next(&from, pair[1], 5, 20, &got, NULL, "p"), RC_FORMAT);
	assert_string_equal(
	    err_text(), "the p process sent 6 bytes, at most 5 wanted");
	frame_line_wipe(&from);
	assert_int_equal(write(pair[0], head, sizeof(head)), sizeof(head));
	assert_int_equal(
	    frame_next(&from, pair[1], 5, 20, &got, NULL, "p"), RC_FORMAT);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_descriptor_rides_along_with_many(void **state)
{
	OWN_FD file = memfd_create("f", MFD_CLOEXEC);
	OWN_FD came = -1;
	WIPED(frame_line) from = { 0 };
	struct span got;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	check_ok(frame_send(pair[0], span_str("1"), -1, "p"));
	check_ok(frame_next(&from, pair[1], 5, 20, &got, &came, "p"));
	assert_int_equal(came, -1);
	check_ok(frame_send(pair[0], span_str("2"), file, "p"));
	check_ok(frame_next(&from, pair[1], 5, 20, &got, &came, "p"));
	assert_true(came >= 0 && span_eq_str(got, "2"));
	check_ok(frame_send(pair[0], span_str("3"), file, "p"));
	assert_int_equal(
	    frame_next(&from, pair[1], 5, 20, &got, NULL, "p"), RC_FORMAT);
	assert_string_equal(
	    err_text(), "the p process sent a descriptor unasked");
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
half_a_record_is_not_waited_for(void **state)
{
	WIPED(frame_line) from = { 0 };
	struct span got;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[0], "\0\0\0\5ab", 6), 6);
	assert_int_equal(
	    frame_next(&from, pair[1], 5, 1, &got, NULL, "p"), RC_IO);
	assert_string_equal(err_text(), "the p process did not answer in 1 s");
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
what_a_child_leaves_with_arrives(void **state)
{
	(void)state;
	for (enum rc want = RC_OK; want <= RC_BUG; want++) {
		WIPED(child) c = CHILD_NONE;

		check_ok(child_start(&c, "c", leave_with, &want, NULL, 0));
		assert_int_equal(child_stop(&c, 20), want);
		assert_int_equal(child_stop(&c, 20), RC_OK);
	}
}

/* Whether it is stopped or has gone: nothing but that counts, and nobody takes
 * it for an attack. */
static void
what_a_child_ran_short_of_arrives(void **state)
{
	static const struct {
		enum shortage what;
		const char *text;
	} all[] = {
		{ SHORT_OF_MEMORY, "the helper process: out of memory" },
		{ SHORT_OF_FILES, "the helper process: Too many open files" },
	};

	(void)state;
	(void)signal(SIGSEGV, SIG_DFL); /* cmocka has its own */
	for (size_t i = 0; i < 4; i++) {
		enum shortage what = all[i / 2].what;
		struct child c;
		enum rc rc;

		check_ok(
		    child_start(&c, "helper", crash_short, &what, NULL, 0));
		rc = i % 2 == 0 ? child_stop(&c, 10)
				: child_explain(&c, RC_FORMAT);
		assert_int_equal(rc, RC_IO);
		assert_string_equal(err_text(), all[i / 2].text);
		assert_int_equal(err_shortage(), what);
		assert_int_equal(c.signal, 0);
		err_shortage_clear();
		child_wipe(&c);
	}
	for (size_t i = 0; i < 2; i++) {
		struct child c;

		check_ok(child_start(&c, "helper", crash_in_library,
		    i == 0 ? NULL : &c, NULL, 0));
		assert_int_equal(child_stop(&c, 10), RC_IO);
		assert_string_equal(
		    err_text(), i == 0 ? all[0].text
				       : "the helper process died of SIGABRT");
		err_shortage_clear();
	}
}

/* Of what the parent holds nothing must be left with it by accident. */
static void
a_child_that_cannot_close_does_not_begin(void **state)
{
	enum rc left = RC_OK;
	struct child c;

	(void)state;
	fail_nth("close_range", 1, ENOSYS);
	check_ok(child_start(&c, "helper", leave_with, &left, NULL, 0));
	(void)fail_stop();
	assert_int_equal(child_stop(&c, 10), RC_IO);
	assert_string_equal(err_text(),
	    "the helper process cannot close what is not for it (close_range)");
}

static void
a_death_by_signal_has_its_name(void **state)
{
	static const struct {
		int sig;
		const char *words;
	} cases[] = {
		{ SIGKILL, "the reader process died of SIGKILL" },
		{ SIGABRT, "the reader process died of SIGABRT" },
		{ SIGSYS, "the reader process died of SIGSYS: it tried what "
			  "its sandbox forbids" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(child) c = CHILD_NONE, d = CHILD_NONE;
		WIPED(buf) record = { 0 };
		int sig = cases[i].sig;

		check_ok(child_start(&c, "reader", die_of, &sig, NULL, 0));
		assert_int_equal(child_stop(&c, 20), RC_IO);
		assert_string_equal(err_text(), cases[i].words);

		/* The same when only its silence is seen first. */
		check_ok(child_start(&d, "reader", die_of, &sig, NULL, 0));
		assert_int_equal(
		    frame_recv(d.sock, 10, 20, &record, NULL, "reader"), RC_IO);
		assert_int_equal(child_explain(&d, RC_IO), RC_IO);
		assert_string_equal(err_text(), cases[i].words);
		assert_int_equal(d.pid, 0);
		assert_int_equal(d.sock, -1);
	}
}

static void
a_child_that_merely_left_keeps_the_sentence(void **state)
{
	WIPED(child) c = CHILD_NONE;
	enum rc want = RC_POLICY;

	(void)state;
	check_ok(child_start(&c, "c", leave_with, &want, NULL, 0));
	(void)err_set(RC_FORMAT, "what was found");
	assert_int_equal(child_explain(&c, RC_FORMAT), RC_FORMAT);
	assert_string_equal(err_text(), "what was found");
}

static void
a_child_that_hangs_is_killed(void **state)
{
	WIPED(child) c = CHILD_NONE;
	pid_t pid;

	(void)state;
	check_ok(child_start(&c, "token", hang, NULL, NULL, 0));
	pid = c.pid;
	assert_int_equal(child_stop(&c, 1), RC_IO);
	assert_string_equal(err_text(), "the token process did not end in 1 s");
	assert_int_equal(kill(pid, 0), -1);
	child_wipe(&c);
}

static void
a_child_holds_only_what_it_is_told_to_keep(void **state)
{
	int low = open("/dev/null", O_RDONLY), kept = dup(low), high = dup(low);
	/* 0, 1, 2, its socket, and what is kept. */
	const uint8_t want[] = { 4, 5, 6 };
	const int keep[] = { kept, high };

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		WIPED(child) c = CHILD_NONE;
		WIPED(buf) record = { 0 };

		check_ok(child_start(&c, "c", count_fds, NULL, keep, n));
		check_ok(frame_recv(c.sock, 10, 20, &record, NULL, "c"));
		assert_int_equal(record.p[0], want[n]);
		check_ok(child_stop(&c, 20));
	}
	(void)close(low);
	(void)close(kept);
	(void)close(high);
}

/* A parent of its own, which starts a child and is killed. */
static enum rc
abandon(int sock, void *arg)
{
	struct child c;

	(void)arg;
	if (child_start(&c, "inner", hang, NULL, NULL, 0) != RC_OK)
		return RC_IO;
	if (frame_send(sock, span_of(&c.pid, sizeof(c.pid)), -1, "p") != RC_OK)
		return RC_IO;
	return hang(sock, NULL);
}

static bool
is_gone(pid_t pid)
{
	const struct timespec tick = { 0, 10000000 };
	char path[64], state = 'R';

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 2000; i++) {
		FILE *f = fopen(path, "r");

		if (f == NULL)
			return true;
		/* Whoever inherits it may never reap it: dead is dead. */
		if (fscanf(f, "%*d %*s %c", &state) == 1 && state == 'Z') {
			(void)fclose(f);
			return true;
		}
		(void)fclose(f);
		(void)nanosleep(&tick, NULL);
	}
	return false;
}

static void
a_child_dies_with_its_parent(void **state)
{
	WIPED(child) c = CHILD_NONE;
	WIPED(buf) record = { 0 };
	pid_t inner;

	(void)state;
	check_ok(child_start(&c, "outer", abandon, NULL, NULL, 0));
	check_ok(frame_recv(c.sock, 10, 20, &record, NULL, "outer"));
	memcpy(&inner, record.p, sizeof(inner));
	child_wipe(&c);
	assert_true(is_gone(inner));
}

static void
a_child_that_cannot_be_made_leaves_nothing(void **state)
{
	const unsigned open_before = fail_open_files();

	(void)state;
	FAIL_EACH("socketpair fork", EAGAIN)
	{
		WIPED(child) c = CHILD_NONE;
		enum rc want = RC_OK;
		enum rc rc =
		    child_start(&c, "reader", leave_with, &want, NULL, 0);
		const char *failed = fail_stop();

		if (failed == NULL) {
			check_ok(rc);
			check_ok(child_stop(&c, 20));
			continue;
		}
		assert_int_equal(rc, RC_IO);
		assert_string_equal(err_text(),
		    strcmp(failed, "fork") == 0
			? "no reader process: Resource temporarily unavailable"
			: "no socket for the reader process: Resource "
			  "temporarily unavailable");
		assert_int_equal(fail_open_files(), open_before);
	}
}

static void
an_interruption_loses_no_record_and_no_child(void **state)
{
	(void)state;
	FAIL_EACH("sendmsg recvmsg poll waitpid", EINTR)
	{
		WIPED(child) c = CHILD_NONE;
		WIPED(buf) back = { 0 };

		check_ok(child_start(&c, "echo", echo, NULL, NULL, 0));
		check_ok(frame_send(c.sock, span_str("abc"), -1, "echo"));
		check_ok(frame_recv(c.sock, 10, 20, &back, NULL, "echo"));
		assert_true(span_eq_str(buf_span(&back), "abc"));
		check_ok(child_stop(&c, 20));
		assert_int_equal(c.pid, 0);
		(void)fail_stop();
	}
}

static void
a_socket_that_fails_gives_no_record(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	FAIL_EACH("sendmsg recvmsg poll malloc", EIO)
	{
		WIPED(buf) back = { 0 };
		const char *failed;
		enum rc rc = frame_send(pair[0], span_str("abc"), -1, "p");

		if (rc == RC_OK)
			rc = frame_recv(pair[1], 10, 20, &back, NULL, "p");
		failed = fail_stop();
		if (failed == NULL) {
			check_ok(rc);
			assert_true(span_eq_str(buf_span(&back), "abc"));
			continue;
		}
		assert_int_equal(rc, RC_IO);
		assert_int_equal(back.n, 0);
		assert_string_equal(err_text(),
		    strcmp(failed, "malloc") == 0 ? "out of memory"
		    : strcmp(failed, "poll") == 0
			? "the p process cannot be waited for: Input/output "
			  "error"
			: "the p process has gone");
		while (recv(pair[1], &(char){ 0 }, 1, MSG_DONTWAIT) == 1)
			continue;
	}
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
many_at_once_fail_as_one_does(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	FAIL_EACH("sendmsg recvmsg poll malloc", EIO)
	{
		struct frame_line out = { 0 }, in = { 0 };
		struct span got = SPAN_NONE;
		const char *failed;
		enum rc rc = frame_add(&out, pair[0], span_str("abc"), "p");

		if (rc == RC_OK)
			rc = frame_flush(&out, pair[0], "p");
		if (rc == RC_OK)
			rc = frame_next(&in, pair[1], 10, 20, &got, NULL, "p");
		failed = fail_stop();
		assert_int_equal(rc, failed == NULL ? RC_OK : RC_IO);
		if (failed == NULL)
			assert_true(span_eq_str(got, "abc"));
		else
			assert_int_equal(got.n, 0);
		while (recv(pair[1], &(char){ 0 }, 1, MSG_DONTWAIT) == 1)
			continue;
		frame_line_wipe(&out);
		frame_line_wipe(&in);
	}
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_record_over_all_caps_is_our_bug(void **state)
{
	static const uint8_t byte;
	struct span huge = span_of(&byte, FRAME_MAX + 1);
	struct frame_line line = { 0 };

	(void)state;
	assert_int_equal(frame_send(0, huge, -1, "p"), RC_BUG);
	assert_int_equal(frame_add(&line, 0, huge, "p"), RC_BUG);
	assert_int_equal(line.out.n, 0);
}

/* Without a name of its own, a signal is told by its number. */
static void
a_nameless_signal_is_told_by_its_number(void **state)
{
	WIPED(child) c = CHILD_NONE;
	char words[64];
	int sig = SIGRTMIN + 3;

	(void)state;
	check_ok(child_start(&c, "reader", die_of, &sig, NULL, 0));
	assert_int_equal(child_stop(&c, 20), RC_IO);
	(void)snprintf(
	    words, sizeof(words), "the reader process died of SIG%d", sig);
	assert_string_equal(err_text(), words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_goes_there_and_back),
		cmocka_unit_test(a_descriptor_rides_along),
		cmocka_unit_test(none_came_is_said),
		cmocka_unit_test(a_descriptor_nobody_asked_for_is_refused),
		cmocka_unit_test(a_record_over_the_cap_is_refused),
		cmocka_unit_test(a_lie_about_the_length_takes_no_memory),
		cmocka_unit_test(silence_is_not_waited_for),
		cmocka_unit_test(neither_end_is_sent_to_for_ever),
		cmocka_unit_test(a_peer_that_does_not_read_is_not_waited_for),
		cmocka_unit_test(a_socket_that_was_closed_is_not_waited_for),
		cmocka_unit_test(a_record_that_drips_is_not_waited_for),
		cmocka_unit_test(small_records_come_in_order),
		cmocka_unit_test(a_record_is_written_in_place_or_taken_back),
		cmocka_unit_test(a_large_record_comes_among_small_ones),
		cmocka_unit_test(one_over_the_cap_is_refused_by_its_head),
		cmocka_unit_test(a_descriptor_rides_along_with_many),
		cmocka_unit_test(half_a_record_is_not_waited_for),
		cmocka_unit_test(what_a_child_leaves_with_arrives),
		cmocka_unit_test(what_a_child_ran_short_of_arrives),
		cmocka_unit_test(a_child_that_cannot_close_does_not_begin),
		cmocka_unit_test(a_death_by_signal_has_its_name),
		cmocka_unit_test(a_child_that_merely_left_keeps_the_sentence),
		cmocka_unit_test(a_child_that_hangs_is_killed),
		cmocka_unit_test(a_child_holds_only_what_it_is_told_to_keep),
		cmocka_unit_test(a_child_dies_with_its_parent),
		cmocka_unit_test(a_child_that_cannot_be_made_leaves_nothing),
		cmocka_unit_test(an_interruption_loses_no_record_and_no_child),
		cmocka_unit_test(a_socket_that_fails_gives_no_record),
		cmocka_unit_test(many_at_once_fail_as_one_does),
		cmocka_unit_test(a_record_over_all_caps_is_our_bug),
		cmocka_unit_test(a_nameless_signal_is_told_by_its_number),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
