/* SPDX-License-Identifier: Apache-2.0 */
/** Keys that are asked to be certified again, against the whole ledger.
 */
#ifndef CA_INTAKE_KEY_REUSE_H
#define CA_INTAKE_KEY_REUSE_H

#include "ca/intake/intake.h"

/** Withdraw what rule KEY-USED refuses, after all other rules, and say who else
 * has a key. Walks the ledger once. */
enum rc decisions_check_keys(struct ledger *ledger, const struct submission *s,
    struct decisions *d) MUST_CHECK;

#endif
