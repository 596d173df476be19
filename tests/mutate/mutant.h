/* SPDX-License-Identifier: Apache-2.0 */
/** Mutations that are built in behind their numbers: see mutate.py. */
#ifndef BASE_MUTANT_H
#define BASE_MUTANT_H

#include <stdbool.h>

/** A condition that mutation `n` makes false. */
bool mutant_off(int n, bool condition);

/** A condition that mutation `n` makes true. */
bool mutant_on(int n, bool condition);

/** Whether mutation `n` is at work: its statement is left out, or its value put
 * in. */
bool mutant_is(int n);

#endif
