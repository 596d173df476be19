/* SPDX-License-Identifier: Apache-2.0 */
/* Four bytes of length, big-endian, then the record: a stream socket keeps no
 * borders, and a packet socket would limit what one record can be. The other
 * side may have been taken over, so a length meets its limit before memory is
 * asked for, waiting has an end, and a descriptor nobody wanted is a fault. */
#include "base/frame.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define FRAME_HEAD sizeof(uint32_t) /* the length of what follows */
#define STEP_NS (FRAME_STEP * 1000 * MS)
#define TELL_AGAIN (60 * 1000 * MS)

/* Room for one descriptor beside the data. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

/* Where a record comes from, and how long all of it may take: a peer that sends
 * a byte now and then is not working. */
struct line {
	int sock;
	int seconds;  /* 0: for ever */
	int64_t left; /* of them, in ns */
	const char *peer;
};

static frame_waiting *who_hears;

void
frame_on_wait(frame_waiting *tell)
{
	who_hears = tell;
}

static void
tell_waiting(const char *peer, int seconds)
{
	static int64_t told;
	int64_t now = clock_monotonic_ns();

	if (who_hears == NULL || (told != 0 && now - told < TELL_AGAIN))
		return;
	told = now;
	who_hears(peer, seconds);
}

static enum rc
frame_gone(const char *peer)
{
	return err_set(RC_IO, "the %s process has gone", peer);
}

static void
attach_fd(struct msghdr *msg, union control *control, int fd)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control->room;
	msg->msg_controllen = sizeof(control->room);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
}

static enum rc
check_size(struct span record, const char *peer)
{
	if (record.n > FRAME_MAX)
		return err_set(RC_BUG,
		    "a record of %zu bytes for the %s process", record.n, peer);
	return RC_OK;
}

/* A step of SO_SNDTIMEO went by, in which not all was taken. */
static enum rc
stalled(int *steps, const char *peer)
{
	if (++*steps * FRAME_STEP >= FRAME_SEND_MAX)
		return err_set(
		    RC_IO, "the %s process takes nothing more: it hangs", peer);
	tell_waiting(peer, FRAME_SEND_MAX);
	return RC_OK;
}

static enum rc
send_all(int sock, struct span left[2], int fd, const char *peer)
{
	union control control;
	int steps = 0;
	enum rc rc = RC_OK;

	while (rc == RC_OK && left[0].n + left[1].n > 0) {
		struct iovec iov[2];
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
		struct span sent;
		ssize_t n;

		for (size_t i = 0; i < 2; i++) {
			/* iovec has no const; sendmsg does not write. */
			memcpy(&iov[i].iov_base, &left[i].p, sizeof(void *));
			iov[i].iov_len = left[i].n;
		}
		if (fd >= 0)
			attach_fd(&msg, &control, fd);
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			rc = stalled(&steps, peer);
			continue;
		}
		if (n < 0)
			return frame_gone(peer);
		fd = -1; /* it went with the first byte */
		for (size_t i = 0; i < 2; i++) {
			size_t part =
			    (size_t)n < left[i].n ? (size_t)n : left[i].n;

			(void)span_take(&left[i], part, &sent);
			n -= (ssize_t)part;
		}
		if (left[0].n + left[1].n > 0)
			rc = stalled(&steps, peer);
	}
	return rc;
}

static void
frame_put_head(uint8_t head[static FRAME_HEAD], size_t n)
{
	head[0] = (uint8_t)(n >> 24);
	head[1] = (uint8_t)(n >> 16);
	head[2] = (uint8_t)(n >> 8);
	head[3] = (uint8_t)n;
}

enum rc
frame_send(int sock, struct span record, int fd, const char *peer)
{
	uint8_t head[FRAME_HEAD];
	struct span left[2] = { span_of(head, sizeof(head)), record };
	enum rc rc = check_size(record, peer);

	frame_put_head(head, record.n);
	return rc != RC_OK ? rc : send_all(sock, left, fd, peer);
}

/* The next step, in milliseconds, rounded up: poll must not return a little too
 * early. At 0 what is there already still counts. */
static int
step_of(const struct line *line)
{
	int64_t step = line->left < STEP_NS ? line->left : STEP_NS;

	return step <= 0 ? 0 : (int)((step + MS - 1) / MS);
}

/* One step of waiting. What went by besides, while we were stopped, is nobody's
 * fault. */
static int
wait_step(struct line *line)
{
	struct pollfd p = { .fd = line->sock, .events = POLLIN };
	const int ms = step_of(line);
	const int64_t begun = clock_monotonic_ns();
	const int n = poll(&p, 1, ms);
	const int why = errno;
	const int64_t spent = clock_monotonic_ns() - begun;

	line->left -= spent < ms * MS ? spent : ms * MS;
	errno = why;
	return n;
}

static enum rc
wait_readable(struct line *line)
{
	if (line->sock < 0) /* poll would wait for it all the time */
		return frame_gone(line->peer);
	while (line->seconds != 0) {
		int n = wait_step(line);

		if (n > 0)
			return RC_OK;
		if (n < 0 && errno != EINTR)
			/* without the wait, reading could block for ever */
			return err_errno(RC_IO, errno,
			    "the %s process cannot be waited for", line->peer);
		if (n == 0 && line->left <= 0)
			return err_set(RC_IO,
			    "the %s process did not answer in %d s", line->peer,
			    line->seconds);
		if (line->seconds * 1000 * MS - line->left >= STEP_NS)
			tell_waiting(line->peer, line->seconds);
	}
	return RC_OK;
}

static struct line
line_of(int sock, int seconds, const char *peer)
{
	return (struct line){ sock, seconds, seconds * 1000 * MS, peer };
}

enum rc
frame_wait(int sock, int seconds, const char *peer)
{
	struct line line = line_of(sock, seconds, peer);
	struct pollfd p = { .fd = sock, .events = POLLIN };

	while (sock >= 0 && seconds == 0 && poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return err_errno(RC_IO, errno,
			    "the %s process cannot be waited for", peer);
	return wait_readable(&line);
}

/* Every descriptor in the message: the first is kept, the rest closed. */
static void
collect_fds(struct msghdr *msg, int *fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int got;

			memcpy(
			    &got, CMSG_DATA(c) + i * sizeof(int), sizeof(got));
			if (*fd < 0)
				*fd = got;
			else
				fd_close(&got);
		}
	}
}

/* Some bytes, `n` at most, and a descriptor if one rides along. */
static enum rc
recv_some(struct line *line, uint8_t *to, size_t n, int *fd, size_t *ret_got)
{
	for (;;) {
		struct iovec iov = { .iov_base = to, .iov_len = n };
		union control control;
		struct msghdr msg = { .msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.room,
			.msg_controllen = sizeof(control.room) };
		ssize_t got;
		enum rc rc = wait_readable(line);

		if (rc != RC_OK)
			return rc;
		got = recvmsg(line->sock, &msg, MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return frame_gone(line->peer);
		collect_fds(&msg, fd);
		/* The kernel drops what it has no number for, and delivers the
		 * bytes all the same: they would be read as if alone. */
		if ((msg.msg_flags & MSG_CTRUNC) != 0 && *fd < 0)
			return err_errno(RC_IO, EMFILE,
			    "the %s process sent a descriptor, and there is no room for it",
			    line->peer);
		*ret_got = (size_t)got;
		return RC_OK;
	}
}

/* Exactly `n` bytes. A peer that stops in the middle is as dead as one that
 * never began. */
static enum rc
recv_exact(struct line *line, uint8_t *to, size_t n, int *fd)
{
	while (n > 0) {
		size_t got;
		enum rc rc = recv_some(line, to, n, fd, &got);

		if (rc != RC_OK)
			return rc;
		to += got;
		n -= got;
	}
	return RC_OK;
}

static enum rc
too_large(size_t n, size_t cap, const char *peer)
{
	return err_set(RC_FORMAT,
	    "the %s process sent %zu bytes, at most %zu wanted", peer, n, cap);
}

static enum rc
fd_unasked(const char *peer)
{
	return err_set(
	    RC_FORMAT, "the %s process sent a descriptor unasked", peer);
}

enum rc
frame_recv(int sock, size_t cap, int seconds, struct buf *ret_record,
    int *ret_fd, const char *peer)
{
	struct line line = line_of(sock, seconds, peer);
	uint8_t head[4];
	OWN_FD fd = -1;
	size_t n;
	enum rc rc;

	buf_reset(ret_record);
	rc = recv_exact(&line, head, sizeof(head), &fd);
	if (rc != RC_OK)
		return rc;
	n = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
	    (size_t)head[2] << 8 | head[3];
	/* Before the memory: the length is the peer's word. */
	if (n > cap)
		return too_large(n, cap, peer);
	rc = buf_reserve(ret_record, n);
	if (rc == RC_OK)
		rc = recv_exact(&line, ret_record->p, n, &fd);
	if (rc != RC_OK)
		return rc;
	if (fd >= 0 && ret_fd == NULL)
		return fd_unasked(peer);
	ret_record->n = n;
	if (ret_fd != NULL)
		*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

/* ---- many at once -------------------------------------------------------- */

#define AHEAD ((size_t)16 << 10) /* bytes asked for at once */
#define WORTH ((size_t)8 << 10)	 /* bytes that are worth a call */

void
frame_line_wipe(struct frame_line *line)
{
	buf_wipe(&line->in);
	buf_wipe(&line->out);
	line->at = 0;
}

/* How long the next record is with its head, if that is here; 0 if not. */
static size_t
length_here(const struct frame_line *line)
{
	struct span left;
	uint32_t n;

	if (line->in.n == line->at)
		return 0;
	left = span_of(line->in.p + line->at, line->in.n - line->at);
	return span_take_u32(&left, &n) ? sizeof(n) + (size_t)n : 0;
}

bool
frame_is_here(const struct frame_line *line)
{
	size_t n = length_here(line);

	return n != 0 && line->in.n - line->at >= n;
}

/* Move what is left to the front, and read on behind it. */
static enum rc
read_ahead(struct frame_line *ahead, struct line *line, int *fd)
{
	size_t left = ahead->in.n - ahead->at, whole = length_here(ahead), got;
	size_t most = ahead->worth > AHEAD ? ahead->worth : AHEAD;
	size_t room = whole > left + most ? whole - left : most;
	enum rc rc;

	if (left != 0 && ahead->at != 0)
		memmove(ahead->in.p, ahead->in.p + ahead->at, left);
	ahead->in.n = left;
	ahead->at = 0;
	rc = buf_reserve(&ahead->in, room);
	if (rc == RC_OK)
		rc = recv_some(line, ahead->in.p + left, room, fd, &got);
	if (rc == RC_OK)
		ahead->in.n += got;
	return rc;
}

/* A size that is too large is noticed by its head alone: nothing is allocated
 * for it. */
static enum rc
fetch(struct frame_line *ahead, size_t cap, struct line *line, int *fd)
{
	enum rc rc = RC_OK;

	for (;;) {
		size_t n = length_here(ahead);

		if (n > sizeof(uint32_t) + cap)
			return too_large(n - sizeof(uint32_t), cap, line->peer);
		if (rc != RC_OK || frame_is_here(ahead))
			return rc;
		rc = read_ahead(ahead, line, fd);
	}
}

enum rc
frame_next(struct frame_line *ahead, int sock, size_t cap, int seconds,
    struct span *ret_record, int *ret_fd, const char *peer)
{
	struct line line = line_of(sock, seconds, peer);
	OWN_FD fd = -1;
	size_t n;
	enum rc rc = fetch(ahead, cap, &line, &fd);

	if (rc != RC_OK)
		return rc;
	if (fd >= 0 && ret_fd == NULL)
		return fd_unasked(peer);
	n = length_here(ahead);
	*ret_record = span_of(
	    ahead->in.p + ahead->at + sizeof(uint32_t), n - sizeof(uint32_t));
	ahead->at += n;
	if (fd >= 0)
		*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

static size_t
worth_of(const struct frame_line *line)
{
	return line->worth != 0 ? line->worth : WORTH;
}

enum rc
frame_add(
    struct frame_line *line, int sock, struct span record, const char *peer)
{
	enum rc rc = check_size(record, peer);

	if (rc == RC_OK)
		rc = buf_add_lv(&line->out, record);
	if (rc != RC_OK || line->out.n < worth_of(line))
		return rc;
	return frame_flush(line, sock, peer);
}

enum rc
frame_begin(struct frame_line *line, size_t *ret_at)
{
	enum rc rc = buf_add_u32(&line->out, 0); /* its length, later */

	*ret_at = line->out.n;
	return rc;
}

enum rc
frame_end(struct frame_line *line, size_t at, enum rc written, int sock,
    const char *peer)
{
	struct span record = span_of(line->out.p + at, line->out.n - at);
	enum rc rc = written != RC_OK ? written : check_size(record, peer);

	if (rc != RC_OK) {
		buf_cut(&line->out, at - FRAME_HEAD);
		return rc;
	}
	frame_put_head(line->out.p + at - FRAME_HEAD, record.n);
	return line->out.n < worth_of(line) ? RC_OK
					    : frame_flush(line, sock, peer);
}

enum rc
frame_flush(struct frame_line *line, int sock, const char *peer)
{
	struct span left[2] = { buf_span(&line->out), SPAN_NONE };
	enum rc rc = send_all(sock, left, -1, peer);

	buf_reset(&line->out);
	return rc;
}
