/* SPDX-License-Identifier: Apache-2.0 */
#include "base/frame.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Room for one descriptor beside the data. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

/* Where a record comes from, and when all of it must be here: a peer that sends
 * a byte now and then is not working. */
struct line {
	int sock;
	int seconds; /* 0: for ever */
	int64_t end; /* of them, in clock_monotonic_ns */
	const char *peer;
};

static enum rc
gone(const char *peer)
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

enum rc
frame_send(int sock, struct span record, int fd, const char *peer)
{
	uint8_t head[4];
	struct span left[2];
	union control control;

	if (record.n > FRAME_MAX)
		return err_set(RC_BUG,
		    "a record of %zu bytes for the %s process", record.n, peer);
	head[0] = (uint8_t)(record.n >> 24);
	head[1] = (uint8_t)(record.n >> 16);
	head[2] = (uint8_t)(record.n >> 8);
	head[3] = (uint8_t)record.n;
	left[0] = span_of(head, sizeof(head));
	left[1] = record;

	while (left[0].n + left[1].n > 0) {
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
		if (n < 0)
			return gone(peer);
		fd = -1; /* it went with the first byte */
		for (size_t i = 0; i < 2; i++) {
			size_t part =
			    (size_t)n < left[i].n ? (size_t)n : left[i].n;

			(void)span_take(&left[i], part, &sent);
			n -= (ssize_t)part;
		}
	}
	return RC_OK;
}

/* In milliseconds, rounded up: poll must not return a little too early. At 0
 * what is there already still counts: we may be the one who was late. */
static int
time_left(const struct line *line)
{
	int64_t left = line->end - clock_monotonic_ns();

	return left <= 0 ? 0 : (int)((left + MS - 1) / MS);
}

static enum rc
wait_readable(const struct line *line)
{
	struct pollfd p = { .fd = line->sock, .events = POLLIN };
	int n;

	if (line->seconds == 0)
		return RC_OK;
	do
		n = poll(&p, 1, time_left(line));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(RC_IO, "the %s process did not answer in %d s",
		    line->peer, line->seconds);
	if (n < 0) /* without the wait, reading could block for ever */
		return err_errno(RC_IO, errno,
		    "the %s process cannot be waited for", line->peer);
	return RC_OK;
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

/* Exactly `n` bytes, and a descriptor if one rides along. A peer that stops in
 * the middle is as dead as one that never began. */
static enum rc
recv_exact(const struct line *line, uint8_t *to, size_t n, int *fd)
{
	while (n > 0) {
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
			return gone(line->peer);
		collect_fds(&msg, fd);
		if ((msg.msg_flags & MSG_CTRUNC) != 0 && *fd < 0)
			return err_set(RC_IO,
			    "the %s process sent a descriptor, and there is no "
			    "room for it: too many files are open",
			    line->peer);
		to += got;
		n -= (size_t)got;
	}
	return RC_OK;
}

enum rc
frame_recv(int sock, size_t cap, int seconds, struct buf *ret_record,
    int *ret_fd, const char *peer)
{
	const struct line line = { sock, seconds,
		clock_monotonic_ns() + seconds * 1000 * MS, peer };
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
	if (n > cap)
		return err_set(RC_FORMAT,
		    "the %s process sent %zu bytes, at most %zu wanted", peer,
		    n, cap);
	rc = buf_reserve(ret_record, n);
	if (rc == RC_OK)
		rc = recv_exact(&line, ret_record->p, n, &fd);
	if (rc != RC_OK)
		return rc;
	if (fd >= 0 && ret_fd == NULL)
		return err_set(RC_FORMAT,
		    "the %s process sent a descriptor unasked", peer);
	ret_record->n = n;
	if (ret_fd != NULL)
		*ret_fd = fd;
	fd = -1;
	return RC_OK;
}
