/* SPDX-License-Identifier: Apache-2.0 */
/* `policy check`: does policy.conf parse, and what does it say? */
#include "base/file.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/home/home.h"
#include "transfer/x509/constraints.h"

#include <fcntl.h>

static enum rc
policy_load(struct cmd_env *env, const char *file, struct policy *ret)
{
	WIPED(buf) text = { 0 };
	WIPED(home) home = { .fd = -1 };
	enum rc rc;

	if (file != NULL) {
		rc = file_read(AT_FDCWD, file, POLICY_FILE_MAX, &text);
		return rc != RC_OK ? rc
				   : policy_parse(file, buf_span(&text), ret);
	}
	rc = home_open(env->home, &home);
	return rc != RC_OK ? rc : home_policy_read(&home, ret);
}

/* Against the CA of this home, if there is one: a file may be looked at before
 * there is a CA. `ret_bound` stays empty then. */
static enum rc
policy_compare(struct cmd_env *env, bool given, const struct policy *policy,
    struct buf *ret_bound)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(ledger_ca) ca = { 0 };
	OWNS(ledger) *ledger = NULL;
	struct constraints bound;
	enum rc rc = home_open(env->home, &home);

	if (rc != RC_OK && given) {
		err_clear();
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = home_ledger_open(&home, false, &ledger);
	if (rc == RC_OK)
		rc = ledger_ca_get(ledger, &ca);
	if (rc == RC_OK)
		rc = home_check_bound(policy, &ca);
	if (rc == RC_OK)
		rc = constraints_read(
		    "the CA certificate", buf_span(&ca.ca_cert), &bound);
	return rc != RC_OK ? rc : constraints_write(&bound, ret_bound);
}

static json_t *
texts_json(const struct text_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < list->n; i++)
		if (json_array_append_new(
			array, cmd_json_text(span_str(list->items[i]))) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static enum rc
policy_json(const struct policy *policy, const struct buf *bound)
{
	json_t *profiles = json_array(), *requesters = json_array();

	for (size_t i = 0; i < policy->n_profiles; i++)
		cmd_json_add(&profiles, json_string(policy->profiles[i].name));
	for (size_t i = 0; i < policy->n_requesters; i++)
		cmd_json_add(
		    &requesters, json_string(policy->requesters[i].label));
	return cmd_json(json_pack("{s:b,s:o,s:b,s:o,s:o,s:o,s:o,s:o}", "ok", 1,
	    "sha256", cmd_json_hex(span_of(policy->digest, SHA256_LEN)),
	    "scope_any", policy->scope_any, "scope", texts_json(&policy->scope),
	    "scope_ip", texts_json(&policy->scope_ip), "profiles", profiles,
	    "requesters", requesters, "bound_to",
	    bound->n == 0 ? json_null() : cmd_json_text(buf_span(bound))));
}

static void
texts_print(const char *what, const struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		term_print(stdout, "  %-10s  %s\n", what, list->items[i]);
}

static void
policy_print(const struct policy *policy, const struct buf *bound)
{
	char hex[SHA256_HEX];

	hex_write(span_of(policy->digest, SHA256_LEN), hex);
	term_print(
	    stdout, "the policy is well formed\n  %-10s  %s\n", "sha256", hex);
	if (policy->scope_any)
		term_print(stdout, "  %-10s  any domain\n", "scope");
	texts_print("scope", &policy->scope);
	texts_print("scope", &policy->scope_ip);
	if (bound->n != 0)
		term_print(stdout,
		    "  %-10s  %.*s (the CA's certificate, for good)\n",
		    "bound to", SPAN_FMT(buf_span(bound)));
	for (size_t i = 0; i < policy->n_profiles; i++)
		term_print(stdout, "  %-10s  %s\n", "profile",
		    policy->profiles[i].name);
	for (size_t i = 0; i < policy->n_requesters; i++)
		term_print(stdout, "  %-10s  %s\n", "requester",
		    policy->requesters[i].label);
}

enum rc
cmd_policy(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	WIPED(policy) policy = { 0 };
	WIPED(buf) bound = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	if (operands.n < 1 || operands.n > 2 ||
	    strcmp(operands.items[0], "check") != 0)
		return cmd_wants(env, "'check [FILE]'");
	rc = policy_load(
	    env, operands.n == 2 ? operands.items[1] : NULL, &policy);
	if (rc == RC_OK)
		rc = policy_compare(env, operands.n == 2, &policy, &bound);
	if (rc != RC_OK)
		return rc;
	if (env->json)
		return policy_json(&policy, &bound);
	policy_print(&policy, &bound);
	return RC_OK;
}
