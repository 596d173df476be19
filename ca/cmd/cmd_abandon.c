/* SPDX-License-Identifier: Apache-2.0 */
/* `abandon`: an end for a bundle that cannot be finished. */
#include "ca/cmd/cmd_abandon.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_common.h"
#include "ca/cmd/cmd_deliver.h"
#include "transfer/rule.h"

#include <stdio.h>

struct abandon_run {
	struct cmd_env *env;
	struct abandon_which what; /* the bundle: its file, or its id */
	struct visit_options options;
	struct visit visit;
	struct scanned file;
	struct scanned unread; /* the first that may be it; rc RC_OK: none */
	struct submission s;
	struct abandon abandon;
	struct delivery delivery;
};

static void
abandon_run_wipe(struct abandon_run *run)
{
	delivery_wipe(&run->delivery);
	abandon_wipe(&run->abandon);
	submission_wipe(&run->s);
	scanned_wipe(&run->file);
	visit_wipe(&run->visit);
}

/* ---- the bundle's file --------------------------------------------------- */

/* A file without its bytes: nobody knows whether it is the one. Where a rule
 * has refused it, it is the one if it bears the name. */
static void
note_unread(
    struct abandon_run *run, const struct scanned *file, const char *name)
{
	if (file->rc == RC_OK || run->unread.rc != RC_OK ||
	    (file->rule != RULE_NONE && strcmp(file->name, name) != 0))
		return;
	run->unread = *file; /* it has no copy */
}

/* The next file of the medium that is the one; every one is taken from it, so
 * that the reader has locked itself in at the end. */
static enum rc
scan_for(struct abandon_run *run, const uint8_t *digest, const char *name,
    bool *ret_found)
{
	struct reader *reader = &run->visit.readers[0];
	bool more = true;
	enum rc rc = RC_OK;

	*ret_found = false;
	while (rc == RC_OK && more) {
		struct scanned file = { 0 };
		uint8_t found[SHA256_LEN];

		rc = reader_scan(reader, &file, &more);
		if (rc != RC_OK)
			return child_explain(&reader->child, rc);
		if (!more)
			break;
		note_unread(run, &file, name);
		if (file.rc == RC_OK && digest != NULL)
			rc = sha256(file.copy.bytes, found);
		if (rc == RC_OK && !*ret_found &&
		    (digest == NULL ||
			(file.rc == RC_OK &&
			    memcmp(found, digest, SHA256_LEN) == 0))) {
			run->file = file;
			*ret_found = true;
		} else {
			scanned_wipe(&file);
		}
	}
	return rc;
}

/* By its id: whatever the file is called, its bytes are those accepted then. */
static enum rc
find_file(struct abandon_run *run)
{
	struct ledger_bundle record = { 0 };
	bool by_id = run->options.media != run->what.id, found = false;
	char hex[2 * BUNDLE_ID_LEN + 1], name[sizeof(hex) + 8];
	enum rc rc = RC_OK;

	if (by_id)
		rc = abandon_find(run->visit.act.ledger, &run->what, &record);
	hex_write(span_of(record.id, BUNDLE_ID_LEN), hex);
	(void)snprintf(name, sizeof(name), "%s.cose", hex);
	if (rc == RC_OK)
		rc = scan_for(run, by_id ? record.digest : NULL, name, &found);
	/* To be absent is a verdict, after which it may be given up. */
	if (rc == RC_OK && !found && run->unread.rc != RC_OK)
		return err_rule(run->unread.rc, run->unread.rule,
		    "whether bundle %s is there cannot be said: %s",
		    run->what.id, run->unread.reason);
	if (rc == RC_OK && !found)
		rc = rule_refuse(RULE_BUNDLE_ABSENT,
		    "%s: does not have bundle %s as it was accepted",
		    run->options.media, run->what.id);
	if (rc == RC_OK && run->file.rc != RC_OK)
		rc = err_rule(
		    run->file.rc, run->file.rule, "%s", run->file.reason);
	return rc;
}

static enum rc
abandon_read_file(struct abandon_run *run)
{
	char ca[2 * SHA256_LEN + 1];
	enum rc rc = find_file(run);

	if (rc == RC_OK)
		rc = submission_read(&run->file, &run->s);
	if (rc == RC_OK)
		rc = submission_admit(&run->s, run->visit.act.ledger,
		    run->visit.act.ca.ca_id, run->visit.act.now);
	if (rc != RC_OK)
		return rc;
	if (run->s.admission == ADMIT_OTHER) {
		hex_write(span_of(run->s.bundle.ca_id, SHA256_LEN), ca);
		return rule_refuse(RULE_BUNDLE_CA,
		    "%s: is for another CA, whose certificate has the SHA-256 %s",
		    run->file.name, ca);
	}
	if (run->s.admission == ADMIT_NEW)
		return rule_refuse(RULE_BUNDLE_UNKNOWN,
		    "%s: was never accepted by this CA", run->file.name);
	return RC_OK;
}

/* ---- the answer ---------------------------------------------------------- */

static enum rc
abandon_confirm(const struct abandon_run *run, bool *ret_yes)
{
	*ret_yes = run->env->yes;
	return term_confirm(
	    "Type Yes to close this bundle for good:", "--yes", ret_yes);
}

static void
address(struct abandon_run *run, struct addressee *to)
{
	run->delivery.home = &run->visit.act.home;
	run->delivery.ledger = run->visit.act.ledger;
	run->delivery.ca = &run->visit.act.ca;
	run->delivery.media = &run->visit.act.media;
	*to = (struct addressee){ .channel = run->s.key_id,
		.label = submission_label(&run->s) };
}

/* With what the requester missed before. */
static enum rc
abandon_deliver(struct abandon_run *run, struct response *response)
{
	const struct bundle *b = &run->s.bundle;
	uint32_t head = b->has_head ? b->head.sequence : 0;
	struct addressee to;
	enum rc rc;

	address(run, &to);
	rc = deliver_stored(
	    &run->delivery, &to, head + 1, response->record.sequence - 1);
	return rc != RC_OK ? rc : deliver_new(&run->delivery, &to, response);
}

/* An earlier run closed it, or finished it: its response is the answer. */
static enum rc
deliver_again(struct abandon_run *run)
{
	uint32_t answer = run->s.record.answered;
	struct addressee to;

	term_bold("Bundle %s has its answer\n", run->file.name);
	address(run, &to);
	return deliver_stored(&run->delivery, &to, answer, answer);
}

static enum rc
sign_answer(struct abandon_run *run)
{
	struct visit *v = &run->visit;
	WIPED(response) response = { 0 };
	enum rc rc = keys_open(
	    v->act.token, &v->act.conf, &v->act.ca, false, &v->act.keys);

	if (rc != RC_OK)
		return rc;
	rc = abandon_answer(v, &run->s, &run->abandon, &response);
	if (rc != RC_OK)
		return err_in(rc,
		    "nothing was closed, and 'airgap-ca abandon --lost ID' needs no response; because");
	return abandon_deliver(run, &response);
}

static enum rc
abandon_close_it(struct abandon_run *run)
{
	struct visit *v = &run->visit;
	bool yes = false;
	enum rc rc = abandon_read(
	    v->act.ledger, &run->s.record, &run->s.bundle, &run->abandon);

	if (rc == RC_OK)
		rc = abandon_judge(v, &run->s, &run->abandon);
	if (rc == RC_OK)
		rc = abandon_show(v->act.ledger, &run->s, &run->abandon);
	if (rc != RC_OK)
		return rc;
	if (v->act.interfaces.n != 0)
		term_alarm("network: %.*s is up; that is recorded.\n",
		    SPAN_FMT(buf_span(&v->act.interfaces)));
	if (run->env->dry_run)
		return RC_OK;
	rc = abandon_confirm(run, &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_POLICY, "not confirmed: nothing was changed");
	return rc == RC_OK ? sign_answer(run) : rc;
}

static enum rc
abandon_show_json(struct abandon_run *run)
{
	const size_t *n = run->abandon.n_fate;
	size_t n_abandoned = n[FATE_PART] + n[FATE_WRONG];

	if (!run->env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:o,s:b,s:I,s:I,s:I,s:O}", "bundle_id",
	    cmd_json_hex(span_of(run->s.bundle.id, BUNDLE_ID_LEN)), "closed",
	    !run->env->dry_run, "delivered", (json_int_t)n[FATE_DELIVERED],
	    "refused", (json_int_t)n[FATE_REFUSED], "abandoned",
	    (json_int_t)n_abandoned, "responses", run->delivery.responses));
}

static bool
has_refused(const struct abandon_run *run)
{
	for (size_t i = 0; i < run->delivery.n_done; i++)
		if (run->delivery.done[i].n_refused > 0)
			return true;
	return false;
}

static enum rc
ca_abandon_answer(struct abandon_run *run)
{
	enum rc rc = visit_open(&run->options, &run->visit);

	if (rc == RC_OK)
		rc = abandon_read_file(run);
	if (rc == RC_OK && run->s.admission == ADMIT_ANSWERED)
		rc = deliver_again(run);
	else if (rc == RC_OK)
		rc = abandon_close_it(run);
	if (rc == RC_OK)
		rc = deliver_end(&run->delivery);
	if (rc == RC_OK)
		rc = abandon_show_json(run);
	if (rc != RC_OK)
		return rc;
	err_clear();
	return has_refused(run) ? RC_PARTIAL : RC_OK;
}

static enum rc
abandon_check_words(
    const struct cmd_env *env, const struct cmd_list *operands, bool lost)
{
	if (lost && operands->n != 1)
		return cmd_wants(env, "the bundle's id alone with --lost");
	if (!lost && operands->n != 2)
		return cmd_wants(
		    env, "BUNDLE, which 'airgap-ca status' lists, and MEDIA");
	if (lost && !abandon_is_id(operands->items[0]))
		return err_set(RC_USAGE,
		    "%s: a bundle's id is 32 hexadecimal digits, of which 4 are wanted at least",
		    operands->items[0]);
	return RC_OK;
}

enum rc
cmd_abandon(struct cmd_env *env, int argc, char **argv)
{
	WIPED(abandon_run) run = { .env = env, .visit = VISIT_NONE };
	WIPED(cmd_list) operands = { 0 };
	bool done = false, lost = false;
	const struct cmd_option options[] = {
		{ .name = "lost",
		    .flag = &lost,
		    .help = "the bundle's file is gone: close it unanswered" },
		{ .name = "requester",
		    .value = "LABEL",
		    .text = &run.what.requester,
		    .help =
			"whose bundle, where several have one with this id" },
		CMD_TOKEN_OPTIONS(run.options.act, run.options.act.token),
		{ 0 },
	};
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = abandon_check_words(env, &operands, lost);
	if (rc != RC_OK)
		return rc;
	run.what.id = operands.items[0];
	if (lost)
		return abandon_lost(env, &run.what);
	run.options.media =
	    abandon_is_id(run.what.id) ? operands.items[1] : run.what.id;
	run.options.act.home = env->home;
	run.options.act.dry_run = env->dry_run;
	if (!env->dry_run)
		run.options.act.out = operands.items[1];
	if (env->json)
		run.delivery.responses = json_array();
	return ca_abandon_answer(&run);
}
