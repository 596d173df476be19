/* SPDX-License-Identifier: Apache-2.0 */
/* The only code that reads a PIN, from the terminal or a file. The process
 * that does it is hardened here; which process that is, token/process says. */
#include "base/secret.h"
#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_C 3

void
pin_wipe(struct pin *pin)
{
	OPENSSL_cleanse(pin, sizeof(*pin));
}

bool
secret_hide(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

void
secret_harden(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit lock;

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)secret_hide();
	/* Under a limit MCL_FUTURE would make some later malloc of the module
	 * fail: then only the page of the PIN itself is locked (pin_lock), and
	 * a copy of the module's may be swapped out (SECURITY.md). */
	if (geteuid() == 0 || (getrlimit(RLIMIT_MEMLOCK, &lock) == 0 &&
				  lock.rlim_cur == RLIM_INFINITY))
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static void
pin_lock(const struct pin *pin)
{
	(void)mlock(pin, sizeof(*pin));
}

/* Where a PIN comes from. */
struct source {
	int fd;
	const char *name;
	int signals; /* at a terminal, a signalfd of those that are blocked */
	int signal;  /* the one that ended the question; 0 */
};

/* Has a signal come before anything else to read? A file is never waited for.
 */
static bool
is_stopped(struct source *from)
{
	struct pollfd p[] = { { .fd = from->fd, .events = POLLIN },
		{ .fd = from->signals, .events = POLLIN } };
	struct signalfd_siginfo info;

	if (from->signals < 0)
		return false;
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		continue;
	if (p[1].revents == 0 ||
	    read(from->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	from->signal = (int)info.ssi_signo;
	return true;
}

/* Read to the end of the line into fixed storage: no buffer of stdio's or the
 * heap's ever holds a byte of it. A control byte is no part of a PIN, but an
 * arrow key, or the CR of a file written elsewhere: sent to the token it would
 * cost one of few tries. */
static enum rc
read_pin_line(struct source *from, struct pin *ret_pin)
{
	WIPED(pin) pin = { .len = 0 };

	pin_lock(&pin);
	pin_lock(ret_pin);
	for (;;) {
		char *c = &pin.text[pin.len];
		ssize_t n;

		if (is_stopped(from))
			return err_set(RC_TOKEN, "stopped at the PIN prompt");
		n = read(from->fd, c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(RC_IO, errno, "%s", from->name);
		if (n == 0 || *c == '\n')
			break;
		if (*c == CTRL_C && isatty(from->fd))
			return err_set(RC_TOKEN, "stopped at the PIN prompt");
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			return err_set(RC_TOKEN,
			    "%s: holds a control character, which no PIN has: it was not tried",
			    from->name);
		if (pin.len == PIN_MAX)
			return err_set(RC_TOKEN,
			    "%s: longer than any PIN (%d bytes)", from->name,
			    PIN_MAX);
		pin.len++;
	}
	if (pin.len == 0)
		return err_set(RC_TOKEN, "%s: no PIN was given", from->name);
	pin.text[pin.len] = '\0';
	*ret_pin = pin;
	return RC_OK;
}

/* Signals that would leave the terminal without echo wait until it has it.
 * \return a signalfd of them; -1 when there is none to be had, and then they
 *         wait for the end of the line */
static int
block_signals(sigset_t *old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGTSTP);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, old);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The driver would turn ^C into a signal that is blocked here: without ISIG it
 * arrives as a byte, which ends the question. */
static enum rc
ask_quietly(struct source *tty, const char *prompt, struct pin *ret_pin)
{
	struct termios before, quiet;
	enum rc rc;

	if (tcgetattr(tty->fd, &before) != 0)
		return err_errno(RC_IO, errno, "the terminal");
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ECHOE | ECHOK | ISIG);
	quiet.c_cc[VEOL] = CTRL_C; /* ^C ends the line too */
	if (tcsetattr(tty->fd, TCSAFLUSH, &quiet) != 0)
		return err_errno(RC_IO, errno, "the terminal");
	rc = fd_write_all(tty->fd, span_str(prompt), "the terminal");
	if (rc == RC_OK)
		rc = fd_write_all(tty->fd, span_str(" "), "the terminal");
	if (rc == RC_OK)
		rc = read_pin_line(tty, ret_pin);
	(void)tcsetattr(tty->fd, TCSAFLUSH, &before);
	/* The newline that echo did not show. */
	if (rc == RC_OK)
		rc = fd_write_all(tty->fd, span_str("\n"), "the terminal");
	return rc;
}

/* A process that dies with its parent is killed as a rule (base/child), which
 * leaves it no time to put the terminal back: while the prompt stands the
 * parent's death is a signal like the others. */
static enum rc
ask_guarded(int tty, const char *prompt, struct pin *ret_pin)
{
	struct source from = { .fd = tty, .name = "the PIN" };
	int at_death = 0;
	sigset_t old;
	enum rc rc;

	from.signals = block_signals(&old);
	(void)prctl(PR_GET_PDEATHSIG, &at_death);
	if (at_death == SIGKILL && from.signals >= 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	rc = ask_quietly(&from, prompt, ret_pin);
	if (at_death == SIGKILL)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd_close(&from.signals);
	/* It comes again, and does what it would have done. */
	if (from.signal != 0)
		(void)raise(from.signal);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}

enum rc
pin_ask(const char *prompt, struct pin *ret_pin)
{
	OWN_FD tty =
	    fd_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);

	if (tty < 0)
		return err_set(RC_USAGE,
		    "there is no terminal to ask for the PIN: put pin-source=file:PATH into the token's URI");
	return ask_guarded(tty, prompt, ret_pin);
}

enum rc
pin_read(const char *path, struct pin *ret_pin)
{
	OWN_FD fd =
	    fd_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	struct source from = { .fd = fd, .name = path, .signals = -1 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(RC_TOKEN, errno, "PIN file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    RC_TOKEN, "PIN file %s: not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(RC_TOKEN,
		    "PIN file %s: belongs to another user (%ju)", path,
		    (uintmax_t)st.st_uid);
	if ((st.st_mode & 077) != 0)
		return err_set(RC_TOKEN,
		    "PIN file %s: others may read it (mode %04o): chmod 600 it",
		    path, (unsigned)st.st_mode & 07777);
	return read_pin_line(&from, ret_pin);
}
