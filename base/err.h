/* SPDX-License-Identifier: Apache-2.0 */
/** What went wrong: a code for programs and a sentence for the operator.
 *
 * A fallible function returns an enum rc and, unless that is RC_OK, leaves one
 * sentence in a record of its thread. Callers pass the code up, may put "doing
 * what" in front of the sentence, and only main.c prints it. A sentence names
 * the input first, then what was found and what was wanted. It may quote
 * foreign bytes: whoever prints it escapes them (term_escape).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ERR_TEXT_MAX 1024 /* bytes of a sentence, its terminator included */

/** Result codes; also the exit status of every program. */
enum rc {
	RC_OK = 0,
	RC_PARTIAL, /* done, but some requests were refused, or something is due */
	RC_USAGE,   /* the command line is wrong; nothing was touched */
	RC_FORMAT,  /* input does not parse, breaks its grammar, or is not trusted */
	RC_POLICY,  /* input parses, but a rule forbids it */
	RC_TOKEN,   /* token, module or PIN */
	RC_IO,	    /* input, output or memory */
	RC_STATE,   /* replay, rollback, fork, clock */
	RC_BUG,	    /* ours */
};

/** Record a sentence without a rule's name, and return `rc`. */
enum rc err_set(enum rc rc, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Record a sentence that a named rule speaks, by its number in transfer/rule.h;
 * return `rc`. */
enum rc err_rule(enum rc rc, unsigned rule, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/** Put "doing what: " in front of the recorded sentence; return `rc`. */
enum rc err_in(enum rc rc, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Like err_set, ending in ": " and the text of an errno value. */
enum rc err_errno(enum rc rc, int errnum, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/** Like err_set, ending in ": " and the oldest reason in OpenSSL's queue,
 * which is emptied: no later failure finds stale reasons there. */
enum rc err_openssl(enum rc rc, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Out of memory: RC_IO. */
enum rc err_memory(void);

/** What a process may run short of. */
enum shortage { SHORT_OF_NOTHING, SHORT_OF_MEMORY, SHORT_OF_FILES };

/** What this process ran short of, once and for good.
 *
 * Memory or descriptors may fail anywhere, in a library that answers "no" when it
 * means "I could not tell" as well. So no verdict of a process that ran short of
 * them is believed any more: err_set and its like record no rule then, say so in
 * the sentence and return RC_IO, a helper process answers no more, and a command
 * that went on without what failed fails at its end. err_memory, err_openssl,
 * err_errno and each allocation of OpenSSL (err_watch_openssl) find it out. */
enum shortage err_shortage(void);

/** Note it where no sentence is said: for what fails in other ways. */
void err_note_shortage(enum shortage what);

/** By an errno value, which may mean nothing of the kind. */
void err_note_errno(int errnum);

/** RC_IO when this process ran short: asked before what cannot be undone. */
enum rc err_check_shortage(void) MUST_CHECK;

/** Let a process that ran short leave by `leave`, which may do what a signal handler
 * may, when it crashes: libraries that do not look at what malloc returns crash of
 * it, and that is neither a bug of ours nor an attack. */
void err_watch_crashes(void (*leave)(enum shortage what));

/** A crash means from now on that this ran short, noted or not: around the calls of
 * such a library. */
void err_crash_means(enum shortage what);

/** Forget it: for tests, in which a process goes on. */
void err_shortage_clear(void);

/** Let OpenSSL's allocations be noticed when they fail. Before its first one.
 * \retval RC_BUG  it had one before */
enum rc err_watch_openssl(void) MUST_CHECK;

/** The recorded sentence; "" when there is none. Valid until the next err_*. */
const char *err_text(void);

/** The number of the rule that spoke it; 0 when none did. */
unsigned err_rule_number(void);

/** Forget the record. */
void err_clear(void);

/** Keep a record over other fallible calls (a clean-up, say). */
struct err_saved {
	char text[ERR_TEXT_MAX];
	unsigned rule;
};
void err_save(struct err_saved *saved);
void err_restore(const struct err_saved *saved);

#endif
