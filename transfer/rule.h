/* SPDX-License-Identifier: Apache-2.0 */
/** The named rules: every refusal of an input speaks in the name of one.
 *
 * The name appears on the screen, in the ledger, in the manifest's refusal and
 * in the manual (airgap-rules(7)), which describes each with its remedy.
 */
#ifndef TRANSFER_RULE_H
#define TRANSFER_RULE_H

#include "base/err.h"

#include <stddef.h>

enum rule_scope {
	RULE_REQUEST, /* refuses one request; the others go on */
	RULE_BUNDLE,  /* stops a bundle, a response or a file */
};

struct rule {
	const char *name;
	enum rc rc; /* exit status when it stops */
	enum rule_scope scope;
	const char *check;  /* what is wanted, one line */
	const char *remedy; /* what to do, and on which side, one line */
};

/** The table, sorted by name; ends with { 0 }. */
extern const struct rule rules[];

/** By name; NULL when there is none. */
const struct rule *rule_get0(const char *name);

/** Its remedy; NULL when there is no such rule. */
const char *rule_remedy(const char *name);

/** Refuse in the name of a rule: records the sentence and returns the rule's
 * rc. A name that the table lacks is a bug (assertion). */
enum rc rule_refuse(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
