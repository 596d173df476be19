/* SPDX-License-Identifier: Apache-2.0 */
/** The named rules: every refusal of an input speaks in the name of one.
 *
 * The name appears on the screen, in the ledger, in the manifest's refusal and
 * in the manual (airgap-rules(7)), which describes each with its remedy. In the
 * code a rule is its enumerator, RULE_KEY_USED for KEY-USED: an error with
 * RULE_NONE is a failure and no refusal.
 */
#ifndef TRANSFER_RULE_H
#define TRANSFER_RULE_H

#include "base/err.h"
#include "base/span.h"

#define RULE_NAME_MAX 32 /* bytes, docs/transfer.cddl */

enum rule {
	RULE_NONE,
#define RULE(id, name, rc, scope, check, remedy) RULE_##id,
#include "transfer/rules.def"
#undef RULE
	RULES,
};

/** What a refusal stops. */
enum rule_scope {
	SCOPE_REQUEST, /* one request; the others go on */
	SCOPE_BUNDLE,  /* a bundle, a response or a file */
	SCOPE_STICK,   /* everything: what comes after could not be trusted */
};

struct rule_row {
	const char *name;
	enum rc rc; /* exit status when it stops */
	enum rule_scope scope;
	const char *check;  /* what is wanted, one line */
	const char *remedy; /* what to do, and on which side, one line */
};

/** What the table says of a rule. RULE_NONE has no name, and stops everything. */
const struct rule_row *rule_row_get0(enum rule rule);

/** Its name; "" for RULE_NONE. */
const char *rule_name(enum rule rule);

/** Its remedy; NULL for RULE_NONE. */
const char *rule_remedy(enum rule rule);

/** By its name, as a ledger or another process tells it; RULE_NONE when there is
 * no such rule. */
enum rule rule_find(struct span name);

/** Refuse in the name of a rule (not RULE_NONE): records the sentence and returns
 * the rule's rc. */
enum rc rule_refuse(enum rule rule, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** The rule that spoke the recorded sentence; RULE_NONE: none did, so that it
 * tells of a failure and is no verdict. */
enum rule rule_spoken(void);

/** What the recorded error stops, by the scope of its rule. */
enum rule_scope rule_stops(void);

/** For struct cmd_program: name and remedy by the number in the error record. */
void rule_describe(unsigned rule, const char **ret_name, const char **ret_remedy);

#endif
