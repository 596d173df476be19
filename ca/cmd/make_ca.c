/* SPDX-License-Identifier: Apache-2.0 */
/* The review of a CA before it is made, the question, and what is said at the
 * end. The steps are in ca/lifecycle. */
#include "ca/cmd/make_ca.h"

#include "base/clock.h"
#include "base/term.h"
#include "base/typed.h"
#include "base/words.h"
#include "ca/cmd/cmd_common.h"
#include "ca/home/card.h"
#include "transfer/x509/cert_text.h"

#include <inttypes.h>

/* ---- the review ---------------------------------------------------------- */

static void
show_key(const char *label, const struct own_key *key)
{
	if (key->uri != NULL)
		term_field(label, "adopted: %s", key->uri);
	else
		term_field(label, "new, %s, made on the token", key->type);
}

static void
show_list(const char *label, const struct text_list *list, const char *none)
{
	WIPED(buf) text = { 0 };
	const char *shown;

	for (size_t i = 0; i < list->n; i++)
		if (buf_printf(&text, "%s%s", i == 0 ? "" : ", ",
			list->items[i]) != RC_OK)
			return;
	shown = text.n == 0 ? none : buf_cstr(&text);
	term_field(label, "%s", shown == NULL ? "" : shown);
}

static void
show_profiles(const struct policy *policy)
{
	WIPED(buf) text = { 0 };
	const char *shown;

	for (size_t i = 0; i < policy->n_profiles; i++)
		if (buf_printf(&text, "%s%s", i == 0 ? "" : ", ",
			policy->profiles[i].name) != RC_OK)
			return;
	shown = buf_cstr(&text);
	term_field("profiles", "%s", shown == NULL ? "" : shown);
}

/* What each of them means for who relies on the CA. */
static void
show_constraints_meaning(const struct ca_wish *wish, bool on_addresses)
{
	switch (wish->constraints) {
	case CONSTRAINTS_CRITICAL:
		if (on_addresses)
			term_say(
			    "Peers with mbed TLS cannot read a CA whose critical constraints name IP addresses: --constraints non-critical is for them.\n");
		return;
	case CONSTRAINTS_NON_CRITICAL:
		term_alarm(
		    "--constraints non-critical: a peer that does not know constraints passes over them, and believes this CA for any name.\n");
		return;
	case CONSTRAINTS_NONE:
		term_alarm(
		    "--constraints none: peers believe this CA for any name; only policy.conf here keeps it to its scope.\n");
		return;
	}
}

static void
show_constraints(const struct init *init)
{
	const struct ca_wish *wish = &init->wish;
	bool ranges = init->scope_ip.n != 0;
	bool scoped = wish->scopes->n != 0;
	bool no_ip = scoped && !ranges && !wish->allow_ip;

	if (!scoped && !ranges && init->scope_email.n == 0)
		term_field("constraints",
		    "none: this CA could certify any name; --scope binds it");
	else if (wish->constraints == CONSTRAINTS_NONE)
		term_field("constraints", "none in the certificate");
	else
		term_field("constraints", "%s, %s%s",
		    ranges || init->scope_email.n != 0 ? "what is named here"
						       : "the scope",
		    wish->constraints == CONSTRAINTS_CRITICAL ? "critical"
							      : "not critical",
		    no_ip ? "; no IP addresses" : "");
	if (ranges)
		show_list("addresses", &init->scope_ip, "");
	if (init->scope_email.n != 0)
		show_list("mailboxes", &init->scope_email, "");
	if (scoped || ranges || init->scope_email.n != 0)
		show_constraints_meaning(wish, no_ip || ranges);
	if (wish->constrain_srv)
		term_alarm(
		    "--constrain-srv: OpenSSL refuses every certificate with an SRVName under such a CA%s.\n",
		    wish->constraints == CONSTRAINTS_CRITICAL
			? ", and Go refuses every certificate under it at all"
			: "");
}

static void
show_notes(const struct adoption *a)
{
	for (size_t i = 0; i < a->notes.n; i++)
		term_say("%s\n", a->notes.items[i]);
}

/* What is taken over. The key was elsewhere before, and nobody can say where
 * else. */
static void
show_adopted(const struct adoption *a)
{
	const struct past_counts *c = &a->past.counts;
	char hex[2 * SERIAL_MAX + 1];

	hex_write(a->form.parts.serial, hex);
	term_field("certificate", "%s", a->path);
	term_field("serial", "%s", hex);
	if (a->form.path_len < 0)
		term_field("path length", "no limit");
	else
		term_field("path length", "%d", a->form.path_len);
	if (a->has_past)
		term_field("known",
		    "%zu certificates, %zu of them revoked, %zu expired",
		    a->past.n, c->revoked, c->expired);
	term_field("CRLs", "%s%" PRIu64,
	    a->form.signs_crls ? "numbered from " : "none; numbered from ",
	    a->crl_next < 1 ? 1 : a->crl_next);
	show_notes(a);
	term_alarm(
	    "Its key was outside of a token: whoever copied it there can still sign for this CA.\n");
}

/* What another CA certified: by whom, and how far. */
static void
show_below(const struct adoption *a)
{
	struct span above = buf_span(&a->above), der = SPAN_NONE;
	size_t n = 0;

	term_field("certificate", "%s", a->path);
	while (ledger_ca_issuer(&above, &der)) {
		WIPED(cert_text) text = { 0 };

		n++;
		if (cert_text_read(der, &text) == RC_OK)
			term_field(n == 1 ? "issued by" : "above that", "%.*s",
			    SPAN_FMT(buf_span(&text.subject)));
	}
	if (a->form.path_len < 0)
		term_field("path length", "no limit");
	else
		term_field("path length", "%d", a->form.path_len);
	show_notes(a);
}

static void
show_title(const struct init *init)
{
	const struct adoption *adopted = init->options->adopted;

	if (init->options->csr != NULL)
		term_bold("A new CA, to be certified by another one\n");
	else if (adopted == NULL)
		term_bold("A new CA\n");
	else if (adopted->below)
		term_bold("A CA below another one\n");
	else
		term_bold("A CA that other software made\n");
}

/* What stands in its certificate, or will. */
static void
show_certificate(const struct init *init)
{
	const struct adoption *adopted = init->options->adopted;
	char from[CLOCK_TEXT], to[CLOCK_TEXT];

	clock_write(init->wish.not_before, from);
	clock_write(init->wish.not_after, to);
	if (init->options->csr == NULL)
		term_field("valid", "%s to %s", from, to);
	if (adopted == NULL) {
		term_field("path length", "%u", (unsigned)init->wish.path_len);
		if (init->wish.serial.n != 0)
			term_field("serial", "%s", init->options->serial);
	} else if (adopted->below)
		show_below(adopted);
	else
		show_adopted(adopted);
}

static void
init_show_review(const struct init *init)
{
	char now[CLOCK_TEXT];

	clock_write(init->now, now);
	show_title(init);
	term_field("subject", "%.*s", SPAN_FMT(buf_span(&init->subject)));
	show_certificate(init);
	show_list("scope", init->wish.scopes, "any domain");
	if (init->options->adopted == NULL && init->options->csr == NULL)
		show_constraints(init);
	show_profiles(&init->policy);
	term_field("token", "%s, %s %s, serial %s", init->info.label,
	    init->info.manufacturer, init->info.model, init->info.serial);
	show_key("CA key", &init->ca);
	show_key("transfer key", &init->transfer);
	term_field("home", "%s", init->options->home);
	if (init->options->csr != NULL)
		term_field("request", "%s", init->options->csr);
	if (init->options->out != NULL)
		term_field("card", "%s", init->options->out);
	term_field("clock", "%s", now);
	if (init->doubt.n != 0)
		term_alarm("The clock may be wrong: %.*s.\n",
		    SPAN_FMT(buf_span(&init->doubt)));
	if (init->interfaces.n != 0)
		term_alarm("network: %.*s is up; that is recorded.\n",
		    SPAN_FMT(buf_span(&init->interfaces)));
}

static void
show_held_to(const struct init *init)
{
	if (init->n_held == 0)
		return;
	term_say("Keys on the token \"%s\":\n", init->info.label);
	for (size_t i = 0; i < init->n_held; i++)
		term_say("  %-10s %-16s %s\n", init->held[i].type,
		    init->held[i].label, init->held[i].uri);
}

/* ---- the end ------------------------------------------------------------- */

static enum rc
init_not_written(const char *media, enum rc rc)
{
	WIPED(buf) word = { 0 };
	struct err_saved why;
	const char *text;

	err_save(&why);
	text = typed_word(&word, media) == RC_OK ? buf_cstr(&word) : NULL;
	if (text == NULL)
		return err_memory();
	err_restore(&why);
	return err_in(rc,
	    "the CA is made, but its card is not written: run 'airgap-ca export %s' again; because",
	    text);
}

static enum rc
init_write_card(struct init *init, const struct ledger_ca *ca)
{
	WIPED(buf) file = { 0 };
	enum rc rc;

	if (init->options->out == NULL)
		return RC_OK;
	rc = card_make(&init->keys, ca, &init->policy, init->now, &file);
	if (rc == RC_OK)
		rc = cmd_put_card(&init->media, ca->ca_id, buf_span(&file));
	return rc == RC_OK ? RC_OK : init_not_written(init->options->out, rc);
}

static enum rc
init_finish(struct cmd_env *env, struct init *init)
{
	WIPED(ledger_ca) ca = { 0 };
	enum rc rc = sha256(buf_span(&init->ca_cert), ca.ca_id);

	if (rc == RC_OK)
		rc = buf_add_span(&ca.ca_cert, buf_span(&init->ca_cert));
	if (rc == RC_OK && init->options->adopted != NULL)
		rc = buf_add_span(
		    &ca.issuers, buf_span(&init->options->adopted->above));
	if (rc == RC_OK)
		rc = buf_add_span(
		    &ca.transfer_cert, buf_span(&init->transfer_cert));
	if (rc == RC_OK)
		rc = init_write_card(init, &ca);
	if (rc != RC_OK)
		return rc;
	term_say("The CA is in %s.\n", init->options->home);
	return cmd_show_ca(env, &ca);
}

/* The request is made, and the CA waits. */
static enum rc
make_request(struct init *init)
{
	enum rc rc = init_keys(init);

	if (rc == RC_OK)
		rc = init_request(init);
	if (rc != RC_OK)
		return init_explain(init, rc);
	rc = init_wait(init);
	if (rc != RC_OK)
		return rc;
	term_say("The request is %s, and the CA waits in %s.\n",
	    init->options->csr, init->options->home);
	term_say(
	    "Have another CA certify it, and put the certificates above behind the one that you get; then: airgap-ca import FILE\n");
	return RC_OK;
}

static enum rc
make_ca(struct init *init)
{
	enum rc rc = init_keys(init);

	if (rc == RC_OK)
		rc = init_certify(init);
	if (rc == RC_OK)
		rc = init_store(init);
	return init_explain(init, rc);
}

/* A certificate made by a wrong clock is for ever; a Yes is too soon typed. */
static enum rc
confirm_clock(const struct init *init, const char *date)
{
	WIPED(buf) typed = { 0 };
	enum rc rc = RC_OK;

	if (date == NULL && init->doubt.n == 0)
		return RC_OK;
	if (date == NULL) {
		rc = term_ask(
		    "Today's date in words, as 3 May 2031: ", "--date", &typed);
		date = rc == RC_OK ? buf_cstr(&typed) : NULL;
	}
	if (rc == RC_OK && date == NULL)
		return err_memory();
	return rc == RC_OK ? init_clock_confirm(init, date) : rc;
}

enum rc
cmd_make_ca(struct cmd_env *env, struct init *init, const char *question)
{
	bool yes = env->yes;
	enum rc rc = init_look(init);

	show_held_to(init);
	if (rc == RC_OK)
		init_show_review(init);
	if (rc != RC_OK || env->dry_run)
		return rc;
	rc = confirm_clock(init, init->options->date);
	if (rc == RC_OK)
		rc = term_confirm(question, "--yes", &yes);
	if (rc != RC_OK)
		return rc;
	if (!yes)
		return err_set(RC_POLICY, "not confirmed: nothing was made");
	if (init->options->csr != NULL)
		return make_request(init);
	rc = make_ca(init);
	return rc == RC_OK ? init_finish(env, init) : rc;
}
