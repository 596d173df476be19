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
