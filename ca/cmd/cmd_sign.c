/* SPDX-License-Identifier: Apache-2.0 */
/* `sign`: all bundles of a stick, in the order of their numbers, and what the
 * run comes to. One bundle is handled in cmd_sign_bundle.c. */
#include "ca/cmd/cmd_sign.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/cmd/cmd_abandon.h"
#include "ca/cmd/cmd_common.h"
#include "ca/home/backup.h"
#include "ca/sign/order.h"
#include "transfer/rule.h"
#include "transfer/x509/name_typed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void
sign_wipe(struct sign *sign)
{
	visit_wipe(&sign->visit);
	cmd_list_wipe(&sign->expect);
	cmd_list_wipe(&sign->names);
	name_list_wipe(&sign->asked);
	delivery_wipe(&sign->delivery);
	json_decref(sign->stopped);
}

/* Errors that are about one bundle let the others go on; a token, a ledger or a
 * medium that fails will fail again. After the Yes token and judge may be left
 * in the middle of a batch: their next answers would be to the wrong questions.
 * The scope of the error's rule says which of them it is. */
static bool
stops_everything(const struct sign *sign)
{
	return sign->signing || rule_stops() == SCOPE_STICK;
}

static void
note_stop(struct sign *sign, const struct scanned *file, enum rc rc)
{
	const char *remedy = rule_remedy(rule_spoken());
	const bool key = rule_spoken() == RULE_PRIVATE_KEY;

	/* Beside bundles a private key stops nothing; it is no part of them. */
	if (sign->first_stop == RC_OK && (sign->loose || !key))
		sign->first_stop = rc;
	/* One bad file of a loose set is left out, and the others go on. */
	term_alarm(key				      ? "\nPRIVATE KEY: "
		   : sign->loose && file->rc != RC_OK ? "\nLeft out: "
						      : "\nStopped: ");
	term_say("%s [%s]\n", err_text(), rule_name(rule_spoken()));
	if (remedy != NULL)
		term_field("remedy", "%s", remedy);
	if (sign->env->json)
		cmd_json_add(&sign->stopped,
		    json_pack("{s:s,s:s,s:o}", "file", file->name, "rule",
			rule_name(rule_spoken()), "reason",
			cmd_json_text(span_str(err_text()))));
}

struct found_bundles {
	struct scanned *items; /* owned */
	size_t n, bytes;
};

static void
found_bundles_wipe(struct found_bundles *found)
{
	for (size_t i = 0; i < found->n; i++)
		scanned_wipe(&found->items[i]);
	free(found->items);
}

/* Each bundle is a copy in memory with a descriptor of its own, and a stick may
 * hold more of them than the usual limit; beyond ours, the scan says so. */
static void
allow_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

/* What an honest reader keeps to by itself. One more than the files: it tells
 * of a name that it passes over; and of a few that it does not want. */
static enum rc
count_found(struct found_bundles *found)
{
	found->bytes += found->items[found->n].copy.bytes.n;
	if (++found->n <= MEDIA_FILES_MAX + 1 + READER_STRAYS_MAX &&
	    found->bytes <= MEDIA_BUNDLES_MAX)
		return RC_OK;
	return rule_refuse(RULE_READER,
	    "the reader process tells of more files than a stick may hold");
}

/* A private key beside bundles: said at once, and no file to be handled. */
static void
sign_say_key(struct sign *sign, struct scanned *file)
{
	(void)err_rule(file->rc, file->rule, "%s", file->reason);
	note_stop(sign, file, file->rc);
	err_clear();
	scanned_wipe(file);
}

/* All copies are taken before the first is parsed: after that no reader can see
 * the stick any more. */
static enum rc
sign_scan(struct sign *sign, struct found_bundles *found)
{
	struct reader *reader = &sign->visit.readers[0];
	bool more = true;

	allow_descriptors();
	while (more) {
		enum rc rc = LIST_GROW(found->items, found->n);

		if (rc != RC_OK)
			return rc;
		rc = sign->loose
			 ? reader_scan_loose(
			       reader, &found->items[found->n], &more)
			 : reader_scan(reader, &found->items[found->n], &more);
		if (rc != RC_OK)
			return rc;
		if (more && !sign->loose &&
		    found->items[found->n].rule == RULE_PRIVATE_KEY) {
			sign_say_key(sign, &found->items[found->n]);
			continue;
		}
		if (more)
			rc = count_found(found);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* An error in the name of a rule is told here; without one it is a failure, and
 * what was begun is in the middle. True: nothing more is taken. */
static bool
ends_here(struct sign *sign, const struct scanned *file, enum rc *rc)
{
	const bool ends = stops_everything(sign);

	if (sign->signing || rule_spoken() == RULE_NONE)
		return true;
	note_stop(sign, file, *rc);
	*rc = RC_OK;
	return ends;
}

/* Loose CSRs are one set, and in no order. */
static enum rc
handle_all(struct sign *sign, const struct found_bundles *found)
{
	struct turn *turns = NULL;
	size_t at = 0;
	bool ended = false;
	enum rc rc = RC_OK;

	if (!sign->loose)
		rc =
		    turns_take(sign->visit.act.ledger, sign->visit.act.ca.ca_id,
			found->items, found->n, &turns, &at);
	if (rc != RC_OK) {
		(void)ends_here(sign, &found->items[at], &rc);
		return rc;
	}
	for (size_t i = 0; i < found->n && !sign->declined && !ended; i++) {
		const struct scanned *file =
		    &found->items[turns == NULL ? i : turns[i].index];

		err_clear();
		rc = sign_file(sign, file);
		if (rc != RC_OK)
			ended = ends_here(sign, file, &rc);
	}
	free(turns);
	return rc;
}

static enum rc
outcome_by(size_t issued, size_t refused)
{
	if (refused == 0)
		return RC_OK;
	return issued > 0 ? RC_PARTIAL : RC_POLICY;
}

static enum rc
outcome_of(const struct sign *sign)
{
	if (sign->first_stop != RC_OK)
		return sign->first_stop;
	if (sign->declined)
		return RC_POLICY;
	if (sign->issued + sign->refused > 0)
		return outcome_by(sign->issued, sign->refused);
	return outcome_by(sign->old_issued, sign->old_refused);
}

/* What an earlier run left, and which bundle brings it to an end. */
static enum rc
say_unfinished(const struct sign *sign)
{
	struct ledger_bundle *open = NULL;
	size_t n = 0;
	enum rc rc = ledger_bundles_open(sign->visit.act.ledger, &open, &n);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		char id[2 * BUNDLE_ID_LEN + 1];
		char whose[ABANDON_WHOSE];

		hex_write(span_of(open[i].id, BUNDLE_ID_LEN), id);
		if (ledger_bundle_is_loose(&open[i])) {
			term_say(
			    "An earlier run did not finish the loose CSRs %s: insert the stick that has them and run 'airgap-ca sign STICK --loose --profile P'.\n",
			    id);
			continue;
		}
		rc = abandon_whose(sign->visit.act.ledger, &open[i], whose);
		if (rc == RC_OK)
			term_say(
			    "An earlier run did not finish bundle %s.cose: insert the stick that has it and sign, or close it with 'airgap-ca abandon %s STICK%s'.\n",
			    id, id, whose);
	}
	free(open);
	return rc;
}

static enum rc
sign_print_json(struct sign *sign)
{
	json_t *document;

	if (!sign->env->json)
		return RC_OK;
	document = json_pack("{s:O,s:O}", "responses", sign->delivery.responses,
	    "stopped", sign->stopped);
	return cmd_json(document);
}

/* Of what was signed before this visit: this one's comes with the next backup.
 */
static enum rc
warn_backup(const struct sign *sign)
{
	struct backup_state state;
	char at[CLOCK_TEXT], signed_at[CLOCK_TEXT];
	enum rc rc = backup_state_read(
	    &sign->visit.act.home, sign->visit.act.ledger, &state);

	if (rc != RC_OK || !state.behind)
		return rc;
	clock_write(state.at, at);
	clock_write(state.signed_at, signed_at);
	term_alarm("No backup has what was signed on %s: ", signed_at);
	if (state.any)
		term_say("the newest is of %s; ", at);
	term_say("'airgap-ca backup MEDIA'\n");
	return RC_OK;
}

static enum rc
say_nothing(const struct sign *sign)
{
	WIPED(media) media = { 0 };
	enum rc rc = media_open(sign->options.media, &media);

	if (rc == RC_OK && media_check_there(&media) != RC_OK)
		return RC_IO;
	err_clear(); /* one file is no medium */
	term_say("No %s in %s: nothing to do\n",
	    sign->loose ? "*.csr, *.p10, *.pem or *.der" : "bundle",
	    sign->options.media);
	return sign->loose ? RC_OK : sign_loose_hint(sign);
}

static enum rc
run_sign(struct sign *sign)
{
	struct found_bundles found
	    __attribute__((cleanup(found_bundles_wipe))) = { 0 };
	struct err_saved err;
	enum rc rc = visit_open(&sign->options, &sign->visit), json_rc;

	if (rc == RC_OK && sign->loose)
		rc = sign_loose_alone(sign);
	if (rc == RC_OK)
		rc = warn_backup(sign);
	if (rc == RC_OK)
		rc = sign_scan(sign, &found);
	if (rc == RC_OK && found.n == 0)
		rc = say_nothing(sign);
	if (rc == RC_OK)
		rc = handle_all(sign, &found);
	if (rc == RC_OK)
		rc = say_unfinished(sign);
	if (rc == RC_OK)
		rc = deliver_end(&sign->delivery);
	err_save(&err);
	json_rc = sign_print_json(sign);
	if (rc == RC_OK && json_rc != RC_OK)
		return json_rc;
	err_restore(&err);
	if (rc != RC_OK)
		return rc;
	err_clear(); /* stops were said where they happened */
	return outcome_of(sign);
}

static bool
sign_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
sign_expect_read(const char *text, struct sign_expect *ret)
{
	const char *is = strchr(text, '=');

	*ret = (struct sign_expect){ 0 };
	if (is != NULL) {
		ret->label = span_of(text, (size_t)(is - text));
		if (!format_is_label(ret->label))
			return false;
		text = is + 1;
	}
	return hex_read(text, ret->key_id, SHA256_LEN);
}

static enum rc
sign_read_names(struct sign *sign)
{
	enum rc rc = RC_OK;

	if (sign->names.n != 0 && !sign->loose)
		return err_set(RC_USAGE,
		    "--name goes with --loose: a bundle says itself what it asks for");
	for (size_t i = 0; i < sign->names.n && rc == RC_OK; i++)
		rc = name_typed_add(&sign->asked, "name", sign->names.items[i]);
	name_list_unique(&sign->asked);
	if (rc == RC_OK && sign->asked.n > NAMES_MAX)
		return err_set(RC_USAGE,
		    "--name: %zu names; a certificate has at most %d",
		    sign->asked.n, NAMES_MAX);
	return rc;
}

static enum rc
sign_check_words(struct sign *sign, const struct cmd_list *operands)
{
	struct sign_expect expect;
	enum rc rc;

	if (sign->loose != (sign->profile != NULL))
		return err_set(RC_USAGE,
		    "--loose and --profile go together: loose CSRs are all signed for that one");
	if (sign->loose && !format_is_profile(span_str(sign->profile)))
		return err_set(RC_USAGE, "--profile %s: no name of a profile",
		    sign->profile);
	if (sign->loose && sign->expect.n > 0)
		return err_set(RC_USAGE,
		    "--expect names a requester, and loose CSRs have none");
	rc = sign_read_names(sign);
	if (rc == RC_OK)
		rc = cmd_operand_one(
		    sign->env, operands, "MEDIA or FILE", &sign->options.media);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < sign->expect.n; i++)
		if (!sign_expect_read(sign->expect.items[i], &expect))
			return err_set(RC_USAGE,
			    "--expect %s: 64 hex digits are wanted, the whole SHA-256, with LABEL= before them or not",
			    sign->expect.items[i]);
	if (sign->options.act.out == NULL && !sign->env->dry_run) {
		if (!sign_is_directory(sign->options.media))
			return err_set(RC_USAGE,
			    "%s: not a directory; for a single file give --out MEDIA too",
			    sign->options.media);
		sign->options.act.out = sign->options.media;
	}
	return RC_OK;
}

enum rc
cmd_sign(struct cmd_env *env, int argc, char **argv)
{
	WIPED(sign) sign = { .env = env, .visit = VISIT_NONE };
	WIPED(cmd_list) operands = { 0 };
	const struct cmd_option options[] = {
		{ .name = "out",
		    .value = "MEDIA",
		    .text = &sign.options.act.out,
		    .help = "write responses there instead" },
		{ .name = "expect",
		    .value = "[LABEL=]HEX",
		    .list = &sign.expect,
		    .help = "enrol the unknown requester with this SHA-256" },
		{ .name = "loose",
		    .flag = &sign.loose,
		    .help = "plain CSR files instead of bundles" },
		{ .name = "profile",
		    .value = "P",
		    .text = &sign.profile,
		    .help = "what all of them are signed as" },
		{ .name = "name",
		    .value = "TYPE:X",
		    .list = &sign.names,
		    .help = "of a single CSR: this, and none of its own" },
		CMD_TOKEN_OPTIONS(sign.options.act, sign.options.act.token),
		{ 0 },
	};
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = sign_check_words(&sign, &operands);
	if (rc != RC_OK)
		return rc;
	sign.options.act.home = env->home;
	sign.options.act.dry_run = env->dry_run;
	if (env->json) {
		sign.delivery.responses = json_array();
		sign.stopped = json_array();
	}
	return run_sign(&sign);
}
