/* SPDX-License-Identifier: Apache-2.0 */
/* One table of the reasons: formats, options, CRLs and screens take them from
 * here. */
#include "transfer/x509/reason.h"

#include "transfer/rule.h"

#include <stddef.h>
#include <strings.h>

const char *const reason_names[REASON_MAX + 1] = {
	[REASON_UNSPECIFIED] = "unspecified",
	[REASON_KEY_COMPROMISE] = "keyCompromise",
	[REASON_CA_COMPROMISE] = "cACompromise",
	[REASON_AFFILIATION_CHANGED] = "affiliationChanged",
	[REASON_SUPERSEDED] = "superseded",
	[REASON_CESSATION_OF_OPERATION] = "cessationOfOperation",
	[REASON_PRIVILEGE_WITHDRAWN] = "privilegeWithdrawn",
	[REASON_AA_COMPROMISE] = "aACompromise",
};

bool
reason_is_known(uint64_t number)
{
	return number <= REASON_MAX && reason_names[number] != NULL;
}

const char *
reason_text(enum reason reason)
{
	return reason_is_known(reason) ? reason_names[reason] : "unknown";
}

/* The i-th that there is. */
static const char *
reason_word(const void *table, unsigned i)
{
	const char *const *names = table;

	for (unsigned n = 0; n <= REASON_MAX; n++)
		if (names[n] != NULL && i-- == 0)
			return names[n];
	return NULL; /* behind the last */
}

/* A rule has the status of a file that is wrong; here it is the person. */
static enum rc
typed_wrong(enum rc rc)
{
	return rc == RC_OK ? rc : RC_USAGE;
}

enum rc
reason_parse(const char *option, const char *text, enum reason *ret)
{
	char all[CHOICE_TEXT];

	for (unsigned n = 0; n <= REASON_MAX; n++)
		if (reason_names[n] != NULL &&
		    strcasecmp(text, reason_names[n]) == 0) {
			*ret = (enum reason)n;
			return RC_OK;
		}
	choice_write(reason_word, reason_names, "", all);
	if (strcasecmp(text, "certificateHold") == 0 ||
	    strcasecmp(text, "removeFromCRL") == 0)
		return typed_wrong(rule_refuse(RULE_REVOKE_REASON,
		    "%s %s: what is revoked stays so; wanted %s", option, text,
		    all));
	return typed_wrong(rule_refuse(RULE_REVOKE_REASON,
	    "%s %s: no reason; wanted %s", option, text, all));
}

bool
reason_is_compromise(enum reason reason)
{
	return reason == REASON_KEY_COMPROMISE ||
	       reason == REASON_CA_COMPROMISE || reason == REASON_AA_COMPROMISE;
}
