/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever says Yes has seen whose certificates end. A serial tells nobody that,
 * so the names come from the ledger's copy of each certificate. */
#include "ca/cmd/revoke_show.h"

#include "base/clock.h"
#include "base/cmd.h"
#include "base/term.h"
#include "ca/intake/same_key.h"
#include "transfer/x509/cert_text.h"

#define REVOKE_SHOW_MAX 50 /* certificates that are shown one by one */

/* ---- for people ---------------------------------------------------------- */

static enum rc
write_names(const struct ledger_cert *cert, struct buf *names)
{
	WIPED(cert_text) text = { 0 };
	enum rc rc = RC_OK;

	if (cert->der.n != 0)
		rc = cert_text_read(buf_span(&cert->der), &text);
	if (rc == RC_OK && cert->der.n == 0 && !cert->adopted)
		rc = buf_printf(names, "(%s: no certificate left)",
		    cert->is_void ? "void" : "unfinished");
	else if (rc == RC_OK)
		rc = cert_names_write(&text.names, names);
	if (rc == RC_OK && cert->listed)
		rc = buf_add_str(names, "(a CRL lists it, and it is not here)");
	if (rc == RC_OK && names->n == 0)
		rc = buf_add_span(names, buf_span(&cert->subject));
	return rc;
}

static enum rc
show_cert(struct ledger *ledger, const struct revoke_cert *one)
{
	WIPED(ledger_cert) cert = { 0 };
	WIPED(buf) names = { 0 };
	char serial[2 * SERIAL_MAX + 1], from[CLOCK_TEXT], to[CLOCK_TEXT];
	const struct span bytes = span_of(one->serial, one->n_serial);
	bool known = false;
	enum rc rc = ledger_cert_get(ledger, bytes, &cert, &known);

	if (rc == RC_OK)
		rc = write_names(&cert, &names);
	if (rc != RC_OK)
		return rc;
	hex_write(bytes, serial);
	clock_write(one->not_before, from);
	clock_write(one->not_after, to);
	term_say("  %s  %.10s to %.10s%s\n", serial,
	    one->has_key ? from : "not known ", cert.listed ? "not known" : to,
	    one->before ? ", revoked before" : "");
	term_field(
	    "", "%.*s  %s", SPAN_FMT(buf_span(&names)), cert.intent.profile);
	return RC_OK;
}

static void
show_asked(const struct revocation *asked)
{
	char since[CLOCK_TEXT], hex[SHA256_HEX];

	if (asked->serial.n == 0) {
		hex_write(asked->key_id, hex);
		term_field("by key", "%s", hex);
	}
	if (!asked->has_since) {
		term_field(
		    "reason", "%s", reason_text((enum reason)asked->reason));
		return;
	}
	clock_write(asked->since, since);
	term_field("reason", "%s, since %s",
	    reason_text((enum reason)asked->reason), since);
}

/* Of those with this status; `*shown` certificates are on the screen. */
static enum rc
show_status(struct ledger *ledger, const struct revokes *revokes,
    enum revocation_status status, size_t *shown)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < revokes->n && rc == RC_OK; i++) {
		const struct revoke_decision *d = &revokes->items[i];

		if (d->rule != RULE_NONE || d->status != status ||
		    *shown >= REVOKE_SHOW_MAX)
			continue;
		if (status == REVOKED)
			show_asked(&revokes->asked[i]);
		for (size_t c = 0;
		     c < d->n && rc == RC_OK && *shown < REVOKE_SHOW_MAX;
		     c++, ++*shown)
			rc = show_cert(ledger, &d->certs[c]);
	}
	return rc;
}

static size_t
certs_with(const struct revokes *revokes, enum revocation_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < revokes->n; i++)
		if (revokes->items[i].rule == RULE_NONE &&
		    revokes->items[i].status == status)
			n += revokes->items[i].n;
	return n;
}

static enum rc
show_some(struct ledger *ledger, const struct revokes *revokes,
    enum revocation_status status)
{
	size_t n = certs_with(revokes, status), shown = 0;
	enum rc rc;

	if (n == 0)
		return RC_OK;
	if (status == REVOKED)
		term_bold("\nTo be revoked for good: %zu certificate%s\n",
		    revokes->n_certs, revokes->n_certs == 1 ? "" : "s");
	else
		term_bold("\nRevoked before, and stay so: %zu certificate%s\n",
		    n, n == 1 ? "" : "s");
	rc = show_status(ledger, revokes, status, &shown);
	if (shown < n)
		term_say("  and %zu more\n", n - shown);
	return rc;
}

static void
show_revoke_refused(const struct revokes *revokes)
{
	size_t shown = 0;

	if (revokes->n_refused == 0)
		return;
	term_bold("\nNot to be revoked: %zu\n", revokes->n_refused);
	for (size_t i = 0; i < revokes->n; i++) {
		const struct revoke_decision *d = &revokes->items[i];
		const char *remedy = rule_remedy(d->rule);

		if (d->rule == RULE_NONE || shown++ >= REVOKE_SHOW_MAX)
			continue;
		term_field("refused", "[%s] %s", rule_name(d->rule), d->reason);
		if (remedy != NULL)
			term_field("remedy", "%s", remedy);
	}
	if (shown > REVOKE_SHOW_MAX)
		term_say("  and %zu more\n", shown - REVOKE_SHOW_MAX);
}

/* ---- what stays good -----------------------------------------------------
 */

static enum rc
write_owner(
    struct ledger *ledger, const struct ledger_cert *cert, struct buf *to)
{
	static const uint8_t nobody[SHA256_LEN];
	WIPED(requester) q = { 0 };
	bool met = false;
	enum rc rc;

	if (memcmp(cert->requester, nobody, SHA256_LEN) == 0)
		return buf_add_str(to, "a loose CSR");
	rc = ledger_requester_met(ledger, cert->requester, &q, &met);
	return rc != RC_OK ? rc
			   : buf_printf(to, "\"%s\"%s", q.label,
				 q.removed != 0 ? ", who was removed" : "");
}

static enum rc
show_same_key_cert(struct ledger *ledger, const struct same_key_cert *one)
{
	const struct span serial = span_of(one->serial, one->n_serial);
	char hex[2 * SERIAL_MAX + 1], until[CLOCK_TEXT];
	WIPED(ledger_cert) cert = { 0 };
	WIPED(buf) names = { 0 };
	WIPED(buf) owner = { 0 };
	bool known = false;
	enum rc rc = ledger_cert_get(ledger, serial, &cert, &known);

	if (rc == RC_OK)
		rc = write_names(&cert, &names);
	if (rc == RC_OK)
		rc = write_owner(ledger, &cert, &owner);
	if (rc != RC_OK)
		return rc;
	hex_write(serial, hex);
	clock_write(one->not_after, until);
	term_say("  %s  until %.10s\n", hex, until);
	term_field("", "%.*s  %s  of %.*s", SPAN_FMT(buf_span(&names)),
	    cert.intent.profile, SPAN_FMT(buf_span(&owner)));
	return RC_OK;
}

static enum rc
show_same_key_of(
    struct ledger *ledger, const struct same_key *same, bool others)
{
	const size_t n = others ? same->n_others : same->n - same->n_others;
	size_t shown = 0;
	enum rc rc = RC_OK;

	if (n == 0)
		return RC_OK;
	term_alarm(
	    "\n%zu %slive certificate%s%s %s the same key, and %s good\n", n,
	    others ? "" : "more ", n == 1 ? "" : "s",
	    others ? " of other requesters" : "", n == 1 ? "has" : "have",
	    n == 1 ? "stays" : "stay");
	for (size_t i = 0;
	     i < same->n && rc == RC_OK && shown < REVOKE_SHOW_MAX; i++) {
		if (same->items[i].others != others)
			continue;
		rc = show_same_key_cert(ledger, &same->items[i]);
		shown++;
	}
	if (shown < n)
		term_say("  and %zu more\n", n - shown);
	return rc;
}

/* A command to each key, on a line of its own: so it can be typed as it is. */
static void
show_same_key_end(const struct same_key *same)
{
	char hex[SHA256_HEX];
	size_t keys = 0;

	for (size_t i = 0; i < same->n; i++) {
		bool is_first = true;

		for (size_t j = 0; j < i && is_first; j++)
			is_first = memcmp(same->items[j].key_id,
				       same->items[i].key_id, SHA256_LEN) != 0;
		if (!is_first || keys++ >= REVOKE_SHOW_MAX)
			continue;
		hex_write(span_of(same->items[i].key_id, SHA256_LEN), hex);
		if (keys == 1)
			term_say(
			    "Whoever has the key uses these on. To revoke all of a key:\n");
		term_say("  airgap-ca revoke %s --key --reason keyCompromise\n",
		    hex);
	}
}

static enum rc
show_same_key(struct ledger *ledger, const struct revokes *revokes)
{
	WIPED(same_key) same = { 0 };
	enum rc rc = same_key_find(ledger, revokes, &same);

	if (rc == RC_OK)
		rc = show_same_key_of(ledger, &same, true);
	if (rc == RC_OK)
		rc = show_same_key_of(ledger, &same, false);
	if (rc == RC_OK)
		show_same_key_end(&same);
	return rc;
}

enum rc
revokes_show(struct ledger *ledger, const struct revokes *revokes)
{
	enum rc rc = show_some(ledger, revokes, REVOKED);

	if (rc == RC_OK && revokes->n_certs != 0)
		term_field("effect",
		    "with the next revocation list (CRL): 'airgap-ca crl MEDIA' signs one, and so does 'sign' with each bundle, where there was one before or the policy has crl");
	if (rc == RC_OK)
		rc = show_some(ledger, revokes, REVOKED_BEFORE);
	if (rc == RC_OK)
		rc = show_same_key(ledger, revokes);
	if (rc == RC_OK)
		show_revoke_refused(revokes);
	return rc;
}

size_t
revoke_results_with(
    const struct manifest *manifest, enum revocation_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < manifest->n_revocations; i++)
		n += manifest->revocations[i].status == status;
	return n;
}

/* ---- for programs -------------------------------------------------------- */

static const char *const status_words[] = {
	[REVOKED] = "applied",
	[REVOKED_BEFORE] = "already",
	[REVOKE_UNKNOWN] = "unknown",
	[REVOKE_REFUSED] = "refused",
};

json_t *
revokes_json(const struct revokes *revokes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < revokes->n; i++) {
		const struct revoke_decision *d = &revokes->items[i];
		json_t *serials = json_array();

		for (size_t c = 0; c < d->n; c++)
			cmd_json_add(
			    &serials, cmd_json_hex(span_of(d->certs[c].serial,
					  d->certs[c].n_serial)));
		cmd_json_add(
		    &list, json_pack("{s:o,s:s,s:s?,s:s?}", "serials", serials,
			       "status", status_words[d->status], "rule",
			       d->rule == RULE_NONE ? NULL : rule_name(d->rule),
			       "reason", d->reason));
	}
	return list;
}

json_t *
revoke_results_json(const struct manifest *manifest)
{
	json_t *list = json_array();

	for (size_t i = 0; i < manifest->n_revocations; i++) {
		const struct revocation_result *r = &manifest->revocations[i];
		json_t *serials = json_array();

		for (size_t c = 0; c < r->n_serials; c++)
			cmd_json_add(&serials, cmd_json_hex(r->serials[c]));
		cmd_json_add(&list,
		    json_pack("{s:o,s:s,s:o,s:o}", "serials", serials, "status",
			status_words[r->status], "rule",
			r->rule.n == 0 ? json_null() : cmd_json_text(r->rule),
			"reason",
			r->comment.n == 0 ? json_null()
					  : cmd_json_text(r->comment)));
	}
	return list;
}
