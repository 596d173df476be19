/* SPDX-License-Identifier: Apache-2.0 */
/* What people see and are asked. Each call escapes what it shows, so that no
 * caller can forget it. JSON for programs is in cmd_json.c. */
#include "base/term.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/typed.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 40	/* narrower than this is not wrapped for */
#define LABEL_COLUMN 16 /* where term_field's values begin */
#define TERM_ANSWER_MAX 256

struct shown;
static enum rc format_escaped(struct shown *ret, const char *fmt, va_list ap)
    PRINTF_LIKE(2, 0);
static void print_styled(
    FILE *to, const char *style, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

static bool
term_is_plain(uint8_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

enum rc
term_escape(struct buf *out, struct span text)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < text.n && rc == RC_OK; i++) {
		if (text.p[i] == '\\')
			rc = buf_add_str(out, "\\\\");
		else if (term_is_plain(text.p[i]))
			rc = buf_add_byte(out, text.p[i]);
		else
			rc = buf_printf(out, "\\x%02x", text.p[i]);
	}
	return rc;
}

/* A text to be shown. Most are short, and one of them says that there is no
 * memory: these need none. */
struct shown {
	char *text;
	size_t n;
	char *block; /* what to free; NULL: `scratch` is in use */
};
static char scratch[8192];

static void
shown_wipe(struct shown *s)
{
	if (s->block == NULL)
		OPENSSL_cleanse(scratch, sizeof(scratch));
	free(s->block);
	*s = (struct shown){ 0 };
}

static char *
escape_byte(char *to, char c)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t byte = (uint8_t)c;

	if (term_is_plain(byte)) {
		*to++ = c;
		return to;
	}
	*to++ = '\\';
	*to++ = 'x';
	*to++ = digits[byte >> 4];
	*to++ = digits[byte & 0xf];
	return to;
}

/* Newlines of the format are ours and stay; those of an argument are escaped
 * like any other control byte. Once formatted the two look the same, so the
 * text is formatted twice, the second time with another byte for the format's
 * newlines: where the two differ, the newline is ours. */
static enum rc
format_escaped(struct shown *ret, const char *fmt, va_list ap)
{
	const size_t fmt_n = strlen(fmt) + 1;
	char *marked, *plain, *ours, *to;
	struct shown s = { 0 };
	va_list again;
	size_t n, need;

	va_copy(again, ap);
	n = (size_t)vsnprintf(NULL, 0, fmt, again) + 1;
	va_end(again);
	if (n == 0) /* it could not be formatted: too long, for one */
		return err_memory();
	/* Escaped, each byte is four at most. */
	need = fmt_n + 2 * n + 4 * n + typed_home_most(n);
	if (need > sizeof(scratch)) {
		s.block = malloc(need);
		if (s.block == NULL)
			return err_memory();
	}
	marked = s.block != NULL ? s.block : scratch;
	plain = marked + fmt_n;
	ours = plain + n;
	s.text = to = ours + n;
	memcpy(marked, fmt, fmt_n);
	for (char *p = marked; *p != '\0'; p++)
		if (*p == '\n')
			*p = '\1';
	va_copy(again, ap);
	(void)vsnprintf(plain, n, fmt, again);
	va_end(again);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* fmt but for a byte */
	(void)vsnprintf(ours, n, marked, ap);
#pragma GCC diagnostic pop
	for (size_t i = 0; i + 1 < n; i++) {
		to = stpcpy(to, typed_home_at(plain, plain + i));
		if (plain[i] == ours[i])
			to = escape_byte(to, plain[i]);
		else
			*to++ = '\n';
	}
	*to = '\0';
	s.n = (size_t)(to - s.text);
	*ret = s;
	return RC_OK;
}

static bool
has_colour(FILE *to)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fileno(to)) && (no == NULL || *no == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

static void
print_styled(FILE *to, const char *style, const char *fmt, va_list ap)
{
	struct shown shown;
	bool newline;

	if (format_escaped(&shown, fmt, ap) != RC_OK)
		return; /* noted: err_shortage */
	newline = shown.n > 0 && shown.text[shown.n - 1] == '\n';
	if (newline)
		shown.text[shown.n - 1] = '\0';
	if (style != NULL && has_colour(to))
		(void)fprintf(to, "\033[%sm%s\033[0m", style, shown.text);
	else
		(void)fputs(shown.text, to);
	if (newline)
		(void)fputc('\n', to);
	shown_wipe(&shown);
}

void
term_print(FILE *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_styled(to, NULL, fmt, ap);
	va_end(ap);
}

void
term_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_styled(stderr, NULL, fmt, ap);
	va_end(ap);
}

void
term_bold(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_styled(stderr, "1", fmt, ap);
	va_end(ap);
}

void
term_alarm(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_styled(stderr, "1;31", fmt, ap);
	va_end(ap);
}

void
term_dim(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_styled(stderr, "2", fmt, ap);
	va_end(ap);
}

int
term_width(void)
{
	struct winsize size;

	if (!isatty(STDERR_FILENO) ||
	    ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 ||
	    size.ws_col < WIDTH_MIN)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

/* How much of `text` goes on a line of `room` columns: up to a space. A word
 * that is longer than the line stays whole, so that a path can be copied; and
 * so does what stands in backquotes, a command to be typed. */
static size_t
fitting(const char *text, size_t room)
{
	size_t fits = 0, at;
	bool typed = false;

	for (at = 0; text[at] != '\0'; at++) {
		if (text[at] == '`')
			typed = !typed;
		if (text[at] != ' ' || typed)
			continue;
		if (at > room)
			break;
		fits = at;
	}
	return (at <= room && text[at] == '\0') || fits == 0 ? at : fits;
}

void
term_field(const char *label, const char *fmt, ...)
{
	struct shown shown;
	size_t room = (size_t)term_width() - LABEL_COLUMN;
	const char *rest;
	va_list ap;
	enum rc rc;

	va_start(ap, fmt);
	rc = format_escaped(&shown, fmt, ap);
	va_end(ap);
	if (rc != RC_OK)
		return; /* noted: err_shortage */
	rest = shown.text;
	(void)fprintf(stderr, "  %-*s ", LABEL_COLUMN - 3, label);
	for (;;) {
		size_t n = fitting(rest, room);

		(void)fprintf(stderr, "%.*s\n", (int)n, rest);
		rest += n;
		rest += strspn(rest, " ");
		if (*rest == '\0')
			break;
		(void)fprintf(stderr, "%*s", LABEL_COLUMN, "");
	}
	shown_wipe(&shown);
}

/* It is unbuffered: what fails has failed by now. Where it was closed, the
 * program holds a descriptor that only reads in its place (base/cmd.c). */
enum rc
term_shown(void)
{
	enum rc rc = err_check_shortage();
	int flags = fcntl(STDERR_FILENO, F_GETFL);

	if (rc == RC_OK && ferror(stderr) != 0 && flags >= 0 &&
	    (flags & O_ACCMODE) != O_RDONLY)
		rc = err_set(RC_IO,
		    "standard error cannot be written: what stands there is to be seen first");
	return rc;
}

bool
term_present(void)
{
	OWN_FD fd =
	    fd_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);

	return fd >= 0;
}

/* Escaped like all else: a question may name who asks. What was typed before it
 * was seen is no answer to it. */
static enum rc
put_question(int tty, const char *question)
{
	WIPED(buf) text = { 0 };
	enum rc rc = RC_OK;

	for (const char *p = question; *p != '\0' && rc == RC_OK; p++)
		rc = term_is_plain((uint8_t)*p)
			 ? buf_add_byte(&text, (uint8_t)*p)
			 : buf_printf(&text, "\\x%02x", (uint8_t)*p);
	if (rc == RC_OK && text.n > 0 && text.p[text.n - 1] != ' ')
		rc = buf_add_byte(&text, ' ');
	if (rc != RC_OK)
		return rc;
	(void)tcflush(tty, TCIFLUSH);
	return fd_write_all(tty, buf_span(&text), "the terminal");
}

static enum rc
term_read_line(int fd, struct buf *ret_answer)
{
	WIPED(buf) line = { 0 };
	uint8_t c = 0;
	enum rc rc = RC_OK;

	while (rc == RC_OK) {
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(RC_IO, errno, "the terminal");
		if (n == 0)
			return err_set(RC_IO,
			    "the terminal was closed before the question was answered");
		if (c == '\n')
			break;
		if (line.n == TERM_ANSWER_MAX)
			return err_set(RC_USAGE, "the answer is too long");
		rc = buf_add_byte(&line, c);
	}
	if (rc != RC_OK)
		return rc;
	*ret_answer = line;
	line = (struct buf){ 0 };
	return RC_OK;
}

enum rc
term_ask(const char *question, const char *option, struct buf *ret_answer)
{
	OWN_FD fd =
	    fd_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	enum rc rc;

	if (fd < 0) {
		err_note_errno(errno);
		return err_set(RC_USAGE,
		    "there is no terminal to ask \"%s\": give %s", question,
		    option);
	}
	rc = put_question(fd, question);
	return rc != RC_OK ? rc : term_read_line(fd, ret_answer);
}

enum rc
term_confirm(const char *question, const char *option, bool *ret_yes)
{
	WIPED(buf) answer = { 0 };
	enum rc rc = term_shown();

	if (rc == RC_OK && !*ret_yes)
		rc = term_ask(question, option, &answer);
	if (rc != RC_OK || *ret_yes)
		return rc;
	*ret_yes = span_eq_str(buf_span(&answer), "Yes");
	return RC_OK;
}

/* ---- the end by a signal ------------------------------------------------- */

static const int endings[] = { SIGINT, SIGTERM, SIGHUP };
static char farewell[TERM_FAREWELL_MAX + 3]; /* between two newlines */

/* Only what a handler may do: the text was made ready before. */
static void
say_farewell(int sig)
{
	const char *at = farewell;
	size_t left = strlen(at);
	ssize_t n = 0;

	for (; left > 0 && n >= 0; at += n, left -= (size_t)n)
		n = write(STDERR_FILENO, at, left);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

void
term_farewell(const char *text)
{
	assert(text == NULL || strlen(text) <= TERM_FAREWELL_MAX);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct sigaction old, say = { .sa_handler = SIG_DFL };

		/* Whoever told us to ignore one (nohup) is obeyed. */
		if (sigaction(endings[i], NULL, &old) != 0 ||
		    old.sa_handler == SIG_IGN)
			continue;
		(void)sigaction(endings[i], &say, NULL);
		if (text == NULL)
			continue;
		(void)snprintf(farewell, sizeof(farewell), "\n%s\n", text);
		say.sa_handler = say_farewell;
		(void)sigaction(endings[i], &say, NULL);
	}
}

void
term_progress_start(struct term_progress *p, const char *what, uint64_t total)
{
	*p = (struct term_progress){ .what = what, .total = total };
	p->started_ns = clock_monotonic_ns();
}

void
term_progress_at(struct term_progress *p, uint64_t done)
{
	int64_t now = clock_monotonic_ns();

	if (!isatty(STDERR_FILENO) || now - p->started_ns < 1000 * MS ||
	    now - p->drawn_ns < 100 * MS)
		return;
	p->drawn_ns = now;
	(void)fprintf(stderr, "\r  %s: %" PRIu64 " of %" PRIu64 " (%d %%) ",
	    p->what, done, p->total,
	    p->total == 0 ? 100 : (int)(done * 100 / p->total));
	(void)fflush(stderr);
}

void
term_progress_end(struct term_progress *p)
{
	if (p->drawn_ns != 0)
		(void)fprintf(stderr, "\r%*s\r", term_width() - 1, "");
	p->drawn_ns = 0;
}
