/* SPDX-License-Identifier: Apache-2.0 */
/* A passphrase goes to the online side on paper, and so to a person first: into
 * no log and no document. */
#include "ca/cmd/emergency_draw.h"

#include "base/term.h"
#include "ca/home/emergency.h"

static enum rc
emergency_say(
    struct act *act, struct span label, const uint8_t key_id[static SHA256_LEN])
{
	WIPED(buf) pass = { 0 };
	bool any = false;
	enum rc rc = emergency_get(&act->home, key_id, &pass, &any);

	if (rc != RC_OK)
		return rc;
	term_bold("\nShadow CRLs of \"%.*s\" have a passphrase from now on\n",
	    SPAN_FMT(label));
	if (term_present())
		term_say("\n    %.*s\n\n", SPAN_FMT(buf_span(&pass)));
	term_say(
	    "It goes to that host on paper: whoever has it and a stick can shut the host down.\n"
	    "'airgap-ca emergency %.*s' shows it again.\n",
	    SPAN_FMT(label));
	return RC_OK;
}

enum rc
emergency_draw_one(
    struct act *act, struct span label, const uint8_t key_id[static SHA256_LEN])
{
	bool is_new = false;
	enum rc rc = RC_OK;

	if (!policy_emergency(&act->policy, label))
		return RC_OK;
	rc = emergency_need(&act->home, key_id, &is_new);
	return rc == RC_OK && is_new ? emergency_say(act, label, key_id) : rc;
}

enum rc
emergency_draw_all(struct act *act)
{
	struct requester *all = NULL;
	size_t n = 0;
	enum rc rc = ledger_requesters(act->ledger, &all, &n);

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = emergency_draw_one(
		    act, span_str(all[i].label), all[i].key_id);
	requesters_free(all, n);
	return rc;
}
