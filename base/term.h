/* SPDX-License-Identifier: Apache-2.0 */
/** The operator's terminal: what is shown, asked and hidden.
 *
 * People read stderr, programs read stdout. Text from outside goes through
 * term_escape before it gets here; term_say escapes everything but its own
 * format's newlines, so nothing hostile reaches a terminal by forgetting to.
 */
#ifndef BASE_TERM_H
#define BASE_TERM_H

#include "base/buf.h"

#include <stdio.h>

/** Append `text` as [\x20-\x7e] only: any other byte becomes \xNN, and a
 * backslash becomes two. */
enum rc term_escape(struct buf *out, struct span text) MUST_CHECK;

/** Print to stderr. Bytes of the arguments outside [\x20-\x7e] come out as
 * \xNN; newlines of `fmt` stay. No colour codes go in `fmt`: see term_bold. */
void term_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** The same on any stream. */
void term_print(FILE *to, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Like term_say, bold / red / dim when stderr is a terminal and NO_COLOR is
 * unset, plain otherwise. */
void term_bold(const char *fmt, ...) PRINTF_LIKE(1, 2);
void term_alarm(const char *fmt, ...) PRINTF_LIKE(1, 2);
void term_dim(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** A "label:  value" line, wrapped at the terminal's width (80 when it is not
 * known), continuation lines indented under the value. */
void term_field(const char *label, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Columns of stderr's terminal; 80 when it is none. */
int term_width(void);

/** Is there a terminal to ask at (/dev/tty opens)? */
bool term_present(void);

/** Ask at /dev/tty and read one line.
 * \retval RC_USAGE no terminal: the sentence names `option`, which answers it
 * \retval RC_IO    end of input or a read error */
enum rc term_ask(
    const char *question, const char *option, struct buf *ret_answer) MUST_CHECK;

/** Was all shown that was to be seen? A closed standard error is whoever ran the
 * program's own wish.
 * \retval RC_IO  a line failed, for memory or where it was written to */
enum rc term_shown(void) MUST_CHECK;

/** Ask for the word Yes, typed exactly, unless `*ret_yes` says that it was said
 * already (--yes). It is an answer to what was shown: the errors of term_shown,
 * and then nobody is asked. */
enum rc term_confirm(
    const char *question, const char *option, bool *ret_yes) MUST_CHECK;

/** What is said when a signal ends the program (^C, a closed terminal, SIGTERM)
 * from now on, a line of at most TERM_FAREWELL_MAX bytes in printable ASCII; NULL:
 * nothing. The signal ends it all the same. */
#define TERM_FAREWELL_MAX 255
void term_farewell(const char *text);

/** A progress line on stderr, shown only at a terminal and only when the work
 * has taken more than a second; redrawn at most ten times a second. */
struct term_progress {
	const char *what;
	uint64_t total;
	int64_t started_ns, drawn_ns;
};
void term_progress_start(
    struct term_progress *p, const char *what, uint64_t total);
void term_progress_at(struct term_progress *p, uint64_t done);
void term_progress_end(struct term_progress *p);

#endif
