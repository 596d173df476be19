/* SPDX-License-Identifier: Apache-2.0 */
/* `emergency`: the passphrase of a requester's shadow CRLs, once more, for
 * paper. */
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/home/emergency.h"

static enum rc
emergency_label_find(
    const struct home *home, const char *label, struct buf *ret)
{
	OWNS(ledger) *ledger = NULL;
	uint8_t key_id[SHA256_LEN] = { 0 };
	bool known = false;
	enum rc rc = home_ledger_open(home, false, &ledger);

	if (rc == RC_OK)
		rc = ledger_label_get(ledger, span_str(label), key_id, &known);
	if (rc == RC_OK && !known)
		return err_set(RC_USAGE,
		    "%s: no such requester; 'airgap-ca requester list' lists them",
		    label);
	if (rc == RC_OK)
		rc = emergency_get(home, key_id, ret, &known);
	if (rc == RC_OK && !known)
		rc = err_set(RC_STATE,
		    "%s: no shadow CRLs were made for it: with emergency = yes in its section of the policy the next 'airgap-ca sign STICK' does",
		    label);
	return rc;
}

enum rc
cmd_emergency(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	WIPED(home) home = { .fd = -1 };
	WIPED(buf) pass = { 0 };
	const char *label = NULL, *text;
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &operands, "LABEL", &label);
	if (rc == RC_OK)
		rc = home_open(env->home, &home);
	if (rc == RC_OK)
		rc = emergency_label_find(&home, label, &pass);
	if (rc != RC_OK)
		return rc;
	text = buf_cstr(&pass);
	if (text == NULL)
		return err_memory();
	if (env->json)
		return cmd_json(json_pack(
		    "{s:s,s:s}", "requester", label, "passphrase", text));
	term_print(stdout, "%s\n", text);
	return RC_OK;
}
