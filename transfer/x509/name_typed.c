/* SPDX-License-Identifier: Apache-2.0 */
/* A rule has the status of a file that is wrong; here it is the person. */
#include "transfer/x509/name_typed.h"

#include "transfer/rule.h"

enum rc
name_typed_wrong(enum rc rc, const char *option, const char *typed)
{
	struct err_saved said;

	if (rule_spoken() == RULE_NONE)
		return rc;
	err_save(&said);
	return err_rule(
	    RC_USAGE, said.rule, "--%s %s: %.800s", option, typed, said.text);
}

enum rc
name_typed_add(struct name_list *list, const char *option, const char *typed)
{
	WIPED(buf) text = { 0 };
	enum name_type type;
	enum rc rc = name_read(typed, &type, &text);

	return rc != RC_OK ? name_typed_wrong(rc, option, typed)
			   : name_list_add(list, type, buf_span(&text));
}
