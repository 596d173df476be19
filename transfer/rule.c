/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of rules says of one, and refusing in its name. */
#include "transfer/rule.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct rule_row rows[RULES] = {
	[RULE_NONE] = { "", RC_BUG, SCOPE_STICK, "", "" },
#define RULE(id, name, rc, scope, check, remedy) \
	[RULE_##id] = { name, rc, scope, check, remedy },
#include "transfer/rules.def"
#undef RULE
};

const struct rule_row *
rule_row_get0(enum rule rule)
{
	assert((unsigned)rule < RULES);
	return &rows[rule];
}

const char *
rule_name(enum rule rule)
{
	return rule_row_get0(rule)->name;
}

const char *
rule_remedy(enum rule rule)
{
	return rule == RULE_NONE ? NULL : rule_row_get0(rule)->remedy;
}

enum rule
rule_find(struct span name)
{
	for (unsigned i = RULE_NONE + 1; i < RULES; i++)
		if (span_eq(name, span_str(rows[i].name)))
			return (enum rule)i;
	return RULE_NONE;
}

enum rc
rule_refuse(enum rule rule, const char *fmt, ...)
{
	char sentence[ERR_TEXT_MAX];
	va_list ap;

	assert(rule != RULE_NONE);
	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	return err_rule(
	    rule_row_get0(rule)->rc, (unsigned)rule, "%s", sentence);
}

enum rule
rule_spoken(void)
{
	unsigned rule = err_rule_number();

	assert(rule < RULES);
	return (enum rule)rule;
}

enum rule_scope
rule_stops(void)
{
	return rule_row_get0(rule_spoken())->scope;
}

void
rule_describe(unsigned rule, const char **ret_name, const char **ret_remedy)
{
	*ret_name = rule_name((enum rule)rule);
	*ret_remedy = rule_remedy((enum rule)rule);
}
