/* SPDX-License-Identifier: Apache-2.0 */
/** The n-th call fails, for every n.
 *
 * Unit tests are linked with a wrapper around each function of tests/lib/fail.c
 * that a machine may refuse: memory, files, processes, OpenSSL. A wrapper does
 * nothing by itself. Within
 *
 *	FAIL_EACH("malloc write", EIO) {
 *		rc = what_is_tested();
 *		hit = fail_stop();
 *		...
 *	}
 *
 * the body runs once for each call of one of the named functions (NULL: of
 * all), and in the n-th round the n-th of these calls fails and no other. The
 * round in which none failed is the last, so the body sees success too.
 */
#ifndef TESTS_LIB_FAIL_H
#define TESTS_LIB_FAIL_H

#include <stdbool.h>

/** Begin the rounds. `functions` are names parted by blanks; a system call
 * fails with errno `why`. */
void fail_begin(const char *functions, int why);
/** Begin the next round; false after one in which no call failed. */
bool fail_next(void);
/** From here on nothing fails. \return the function that did, or NULL */
const char *fail_stop(void);

#define FAIL_EACH(functions, why) for (fail_begin(functions, why); fail_next();)

/** Just one call: the n-th (from 1) of them. Until fail_stop. */
void fail_nth(const char *functions, unsigned n, int why);

/** After fail_nth, in a child: the process ends at that call, with this status. */
#define FAIL_KILLED 42
void fail_kills(void);

/** How many descriptors this process holds: a failure must leak none. */
unsigned fail_open_files(void);

#endif
