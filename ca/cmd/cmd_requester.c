/* SPDX-License-Identifier: Apache-2.0 */
/* `requester list` and `requester remove LABEL`. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/home/home.h"

#include <inttypes.h>

static json_t *
requester_json(const struct requester *q)
{
	return json_pack("{s:s,s:o,s:o,s:I,s:I,s:I}", "label", q->label,
	    "fingerprint", cmd_json_hex(span_of(q->key_id, SHA256_LEN)),
	    "enrolled", cmd_json_time(q->enrolled), "last_bundle",
	    (json_int_t)q->last_bundle, "last_manifest",
	    (json_int_t)q->last_manifest, "arrived", (json_int_t)q->arrived);
}

static enum rc
requester_list_json(const struct requester *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, requester_json(&list[i])) !=
		    0) {
			json_decref(array);
			return err_memory();
		}
	return cmd_json(json_pack("{s:o}", "requesters", array));
}

static void
requester_print(const struct requester *q)
{
	char hex[SHA256_HEX], at[CLOCK_TEXT];

	hex_write(span_of(q->key_id, SHA256_LEN), hex);
	clock_write(q->enrolled, at);
	term_print(stdout,
	    "%s\n  key       %s\n  enrolled  %s\n"
	    "  bundles   up to %" PRIu32 "\n  responses %" PRIu32
	    ", arrived %" PRIu32 "\n",
	    q->label, hex, at, q->last_bundle, q->last_manifest, q->arrived);
}

static enum rc
requester_list(struct cmd_env *env, const struct home *home)
{
	OWNS(ledger) *ledger = NULL;
	struct requester *list = NULL;
	size_t n = 0;
	enum rc rc = home_ledger_open(home, false, &ledger);

	if (rc == RC_OK)
		rc = ledger_requesters(ledger, &list, &n);
	if (rc != RC_OK)
		return rc;
	if (env->json)
		rc = requester_list_json(list, n);
	else
		for (size_t i = 0; i < n; i++)
			requester_print(&list[i]);
	requesters_free(list, n);
	return rc;
}

static enum rc
requester_confirm(struct cmd_env *env, const struct requester *q)
{
	bool yes = env->yes;
	enum rc rc;

	term_say("Remove the requester %s? It is unknown from then on, and\n"
		 "what it obtained stays valid.\n",
	    q->label);
	rc = term_confirm("Type Yes to remove it:", "--yes", &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_USAGE, "not confirmed: nothing was changed");
	return rc;
}

static enum rc
remove_record(struct ledger *ledger, const struct policy *policy,
    const uint8_t key_id[static SHA256_LEN])
{
	int64_t now = 0;
	enum rc rc = clock_now(&now);

	if (rc == RC_OK)
		rc = clock_check(ledger, policy, now);
	if (rc == RC_OK)
		rc = ledger_begin(ledger);
	if (rc == RC_OK)
		rc = ledger_stamp(ledger, now, buf_span(&policy->text));
	if (rc == RC_OK)
		rc = ledger_remove_add(ledger, key_id);
	if (rc == RC_OK)
		rc = ledger_commit(ledger);
	return rc;
}

static enum rc
requester_remove(
    struct cmd_env *env, const struct home *home, const char *label)
{
	WIPED(policy) policy = { 0 };
	WIPED(requester) q = { 0 };
	OWNS(ledger) *ledger = NULL;
	uint8_t key_id[SHA256_LEN] = { 0 };
	bool known = false;
	enum rc rc = home_policy_read(home, &policy);

	if (rc == RC_OK)
		rc = home_ledger_open(home, true, &ledger);
	if (rc == RC_OK)
		rc = ledger_label_get(ledger, span_str(label), key_id, &known);
	if (rc == RC_OK && known)
		rc = ledger_requester_get(ledger, key_id, &q, &known);
	if (rc == RC_OK && !known)
		rc = err_set(RC_USAGE,
		    "%s: no such requester; 'airgap-ca requester list' lists them",
		    label);
	if (rc != RC_OK)
		return rc;
	if (!env->json)
		requester_print(&q);
	if (env->dry_run)
		return RC_OK;
	rc = requester_confirm(env, &q);
	if (rc == RC_OK)
		rc = remove_record(ledger, &policy, key_id);
	if (rc == RC_OK && env->json)
		rc =
		    cmd_json(json_pack("{s:o}", "removed", requester_json(&q)));
	return rc;
}

enum rc
cmd_requester(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	WIPED(home) home = { .fd = -1 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	if (operands.n == 1 && strcmp(operands.items[0], "list") == 0) {
		rc = home_open(env->home, &home);
		return rc != RC_OK ? rc : requester_list(env, &home);
	}
	if (operands.n == 2 && strcmp(operands.items[0], "remove") == 0) {
		rc = home_open(env->home, &home);
		return rc != RC_OK
			   ? rc
			   : requester_remove(env, &home, operands.items[1]);
	}
	return cmd_wants(env, "'list' or 'remove LABEL'");
}
