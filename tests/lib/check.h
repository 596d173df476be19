/* SPDX-License-Identifier: Apache-2.0 */
/** cmocka, and the questions that most unit tests ask. */
#ifndef TESTS_LIB_CHECK_H
#define TESTS_LIB_CHECK_H

#include "base/err.h"
#include "transfer/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka.h wants the above first. */
#include <cmocka.h>

/** It worked; else the sentence appears in the failure. */
#define check_ok(call)                                                         \
	do {                                                                   \
		err_clear();                                                   \
		if ((call) != RC_OK)                                           \
			fail_msg("%s: %s", #call, err_text());                 \
	} while (0)

/** It was refused by this rule, in these words (NULL: in any). */
#define check_refused(call, rule, sentence)                                    \
	check_refusal((call), (rule), (sentence), __FILE__, __LINE__)

static inline void
check_refusal(enum rc rc, const char *rule, const char *sentence,
    const char *file, int line)
{
	if (rc == RC_OK)
		fail_msg("%s:%d: accepted, wanted %s", file, line, rule);
	if (strcmp(rule_name(rule_spoken()), rule) != 0 ||
	    (sentence != NULL && strcmp(err_text(), sentence) != 0))
		fail_msg("%s:%d: \"%s\" [%s], wanted \"%s\" [%s]", file, line,
		    err_text(), rule_name(rule_spoken()),
		    sentence == NULL ? "any words" : sentence, rule);
}

/** It was refused by this rule, and the sentence has these words. */
#define check_rule(call, rule, words)                                          \
	check_said((call), (rule), (words), __FILE__, __LINE__)

static inline void
check_said(enum rc rc, const char *rule, const char *words, const char *file,
    int line)
{
	if (rc == RC_OK)
		fail_msg("%s:%d: accepted, wanted %s", file, line, rule);
	if (strcmp(rule_name(rule_spoken()), rule) != 0 ||
	    strstr(err_text(), words) == NULL)
		fail_msg("%s:%d: \"%s\" [%s], wanted \"%s\" [%s]", file, line,
		    err_text(), rule_name(rule_spoken()), words, rule);
}

#endif
