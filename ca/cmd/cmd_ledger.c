/* SPDX-License-Identifier: Apache-2.0 */
/* `ledger`: its records, a line each. `ledger verify`: is it whole? */
#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/home/home.h"
#include "ca/ledger/ledger_record.h"
#include "transfer/format/cose.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/reason.h"
#include "transfer/x509/tbs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- the records ----------------------------------------------------------
 */

#define SHORT_HEX 17 /* 8 bytes of an id, and the terminator */

static const char *
short_hex(struct span bytes, char ret_text[static SHORT_HEX])
{
	hex_write(span_of(bytes.p, bytes.n < 8 ? bytes.n : 8), ret_text);
	return ret_text;
}

/* Of before an adoption, or by a CRL of a lost part. */
static enum rc
say_date(const union record_body *u, struct buf *out)
{
	char date[CLOCK_TEXT];

	clock_write((int64_t)u->revoked.date, date);
	return buf_printf(out, "on %.10s, before it was known here", date);
}

static enum rc
say_revoked(const union record_body *u, struct buf *out)
{
	char serial[2 * SERIAL_MAX + 1];
	enum rc rc;

	hex_write(u->revoked.serial, serial);
	rc = buf_printf(out, "%s, %s, ", serial,
	    reason_text((enum reason)u->revoked.reason));
	if (rc == RC_OK && u->revoked.date != 0)
		return say_date(u, out);
	if (rc != RC_OK || u->revoked.bundle == 0)
		return rc != RC_OK ? rc : buf_add_str(out, "at the laptop");
	return buf_printf(
	    out, "asked by the bundle of record %" PRIu64, u->revoked.bundle);
}

/* What a record says, in one line; ids by their first 8 bytes. */
static enum rc
record_say(const struct record *r, struct buf *out)
{
	const union record_body *u = &r->u;
	char a[SHORT_HEX], serial[2 * SERIAL_MAX + 1];

	switch (r->kind) {
	case RECORD_INIT:
		return buf_add_str(out, "the CA and its transfer certificate");
	case RECORD_POLICY:
		return buf_printf(out, "%s%s", short_hex(u->policy.digest, a),
		    u->policy.text.n == 0 ? " again" : "");
	case RECORD_ENROL:
		return buf_printf(out, "%.*s", SPAN_FMT(u->enrol.label));
	case RECORD_REMOVE:
		return buf_add_str(out, short_hex(u->remove.key_id, a));
	case RECORD_BUNDLE:
		return buf_printf(out, "%s, number %" PRIu64,
		    short_hex(u->bundle.id, a), u->bundle.sequence);
	case RECORD_INTENT:
		hex_write(u->intent.serial, serial);
		return buf_printf(
		    out, "%s for %.*s", serial, SPAN_FMT(u->intent.request_id));
	case RECORD_RESULT:
		return buf_printf(
		    out, "certificate of record %" PRIu64, u->result.intent);
	case RECORD_REFUSAL:
		return buf_printf(out, "%.*s: %.*s: %.*s",
		    SPAN_FMT(u->refusal.request_id), SPAN_FMT(u->refusal.rule),
		    SPAN_FMT(u->refusal.reason));
	case RECORD_VOID:
		return buf_printf(out, "record %" PRIu64 ": %.*s",
		    u->voided.intent, SPAN_FMT(u->voided.why));
	case RECORD_MANIFEST:
		return buf_printf(out, "number %" PRIu64 " of %s",
		    u->manifest.sequence, short_hex(u->manifest.channel, a));
	case RECORD_CLOCK:
		return buf_add_str(out, "the operator vouched for the clock");
	case RECORD_TRANSFER:
		return buf_add_str(out, "a new transfer certificate");
	case RECORD_NETWORK:
		return buf_printf(
		    out, "up: %.*s", SPAN_FMT(u->network.interfaces));
	case RECORD_ARRIVED:
		return buf_printf(out, "number %" PRIu64 " of %s",
		    u->arrived.sequence, short_hex(u->arrived.key_id, a));
	case RECORD_ABANDON:
		return buf_printf(out,
		    "the bundle of record %" PRIu64 " was given up",
		    u->abandon.bundle);
	case RECORD_CHECKED:
		return buf_printf(out,
		    "number %" PRIu64 " of %s found whole on a medium",
		    u->checked.sequence, short_hex(u->checked.channel, a));
	case RECORD_RESTORED:
		return buf_printf(out, "from the backup %s",
		    short_hex(u->restored.digest, a));
	case RECORD_IMPORT:
		return buf_printf(out, "number %" PRIu64 " of %s, brought back",
		    u->import.sequence, short_hex(u->import.channel, a));
	case RECORD_REGAINED:
		return buf_printf(out, "certificate for %.*s, brought back",
		    SPAN_FMT(u->regained.request_id));
	case RECORD_CAUGHT_UP:
		return buf_printf(
		    out, "signs again: %.*s", SPAN_FMT(u->caught_up.words));
	case RECORD_CA:
		return buf_printf(out, "%s: %s",
		    ca_change_text((enum ca_change)u->ca.change),
		    u->ca.done == 0 ? "may be signed" : "in force");
	case RECORD_HISTORY:
		return buf_printf(out, "up to number %" PRIu64 " of %s%s",
		    u->history.sequence, short_hex(u->history.channel, a),
		    u->history.whole != 0 ? ", read whole"
					  : ", and more was not read");
	case RECORD_REVOKED:
		return say_revoked(u, out);
	case RECORD_ADOPTED:
		return buf_printf(out,
		    "made elsewhere, and taken over; CRLs go on from number %" PRIu64,
		    u->adopted.crl_next);
	case RECORD_ADOPTED_CERT:
		hex_write(u->adopted_cert.serial, serial);
		return buf_printf(out, "%s for %.*s, of before the adoption",
		    serial, SPAN_FMT(u->adopted_cert.subject));
	case RECORD_CRL_SEEN:
		return buf_printf(out,
		    "CRL %" PRIu64 " of the lost part was read",
		    u->crl_seen.number);
	case RECORD_LISTED:
		hex_write(u->listed.serial, serial);
		return buf_printf(
		    out, "%s, which a CRL alone has told of", serial);
	case RECORD_KEY_REVOKED:
		return buf_printf(out, "key %s, %s: never certified again",
		    short_hex(u->key_revoked.key_id, a),
		    reason_text((enum reason)u->key_revoked.reason));
	case RECORD_CRL:
		return buf_printf(out, "%s %" PRIu64 ", %" PRIu64 " revoked",
		    u->crl.requester.n == 0 ? "CRL" : "shadow CRL",
		    u->crl.number, u->crl.revoked);
	case RECORD_CRL_SERIES:
		return buf_printf(out,
		    "CRL numbers %" PRIu64 " to %" PRIu64 ": %" PRIu64 " slots",
		    u->crl_series.first, u->crl_series.last,
		    u->crl_series.count);
	}
	return RC_OK;
}

static enum rc
record_json(const struct record *r, const uint8_t *hash, struct span words)
{
	json_t *object = json_pack("{s:I,s:o,s:s,s:o,s:o}", "record",
	    (json_int_t)r->n, "at", cmd_json_time(r->at), "kind",
	    record_kind_text(r->kind), "text", cmd_json_text(words), "hash",
	    cmd_json_hex(span_of(hash, SHA256_LEN)));

	return cmd_json_item(object, r->n == 1);
}

static enum rc
record_print(
    const struct record *r, const uint8_t hash[static SHA256_LEN], void *arg)
{
	const bool *json = arg;
	WIPED(buf) words = { 0 };
	char at[CLOCK_TEXT];
	enum rc rc = record_say(r, &words);

	if (rc != RC_OK)
		return rc;
	if (*json)
		return record_json(r, hash, buf_span(&words));
	clock_write(r->at, at);
	term_print(stdout, "%8" PRIu64 "  %s  %-8s  %.*s\n", r->n, at,
	    record_kind_text(r->kind), SPAN_FMT(buf_span(&words)));
	return RC_OK;
}

static enum rc
records_print(struct cmd_env *env, struct ledger *ledger)
{
	enum rc rc;

	if (env->json)
		(void)fputs("{\"records\":[", stdout);
	rc = ledger_records_each(ledger, 1, record_print, &env->json);
	if (rc == RC_OK && env->json)
		(void)puts("]}");
	return rc;
}

/* ---- verify ---------------------------------------------------------------
 */

/* A manifest from outside: our own, or one that proves nothing? Nothing of what
 * it says is read before that is known. Its certificate is looked up by the
 * serial that a DER walk finds, and only the ledger's own copy of the same
 * bytes is given to OpenSSL. */
static enum rc
signer_check(struct ledger *ledger, const char *from, const struct cose *cose)
{
	WIPED(ledger_cert) known = { 0 };
	OWN(X509) *x = NULL;
	struct cert_parts parts = { 0 };
	bool is_known = false;
	enum rc rc = cert_parts_read(from, cose->cert, &parts);

	if (rc == RC_OK)
		rc = ledger_cert_get(ledger, parts.serial, &known, &is_known);
	if (rc != RC_OK)
		return rc;
	if (!is_known || !span_eq(buf_span(&known.der), cose->cert))
		return rule_refuse(RULE_TRANSFER_CERT,
		    "%s: not signed by a transfer certificate of this CA",
		    from);
	rc = cert_stored("ledger", buf_span(&known.der), &x);
	return rc != RC_OK ? rc : cose_verify(from, cose, X509_get0_pubkey(x));
}

struct ledger_seen {
	uint8_t channel[SHA256_LEN], digest[SHA256_LEN];
	uint32_t sequence;
};

static enum rc
head_read(struct ledger *ledger, const char *from, struct ledger_head *ret_head,
    struct ledger_seen *ret_seen)
{
	WIPED(buf) file = { 0 };
	struct manifest m;
	struct cose cose;
	enum rc rc = file_read(AT_FDCWD, from, COSE_FILE_MAX, &file);

	if (rc == RC_OK)
		rc = cose_read(from, buf_span(&file), COSE_MANIFEST, &cose);
	if (rc == RC_OK)
		rc = signer_check(ledger, from, &cose);
	if (rc == RC_OK)
		rc = manifest_read_head(from, cose.payload, &m);
	if (rc == RC_OK)
		rc = sha256(buf_span(&file), ret_seen->digest);
	if (rc != RC_OK)
		return rc;
	*ret_head = m.ledger;
	ret_seen->sequence = m.sequence;
	if (m.has_requester)
		memcpy(ret_seen->channel, m.requester, SHA256_LEN);
	return RC_OK;
}

static enum rc
seen_check(
    struct ledger *ledger, const char *from, const struct ledger_seen *seen)
{
	WIPED(ledger_manifest) ours = { 0 };
	bool known = false;
	enum rc rc = ledger_manifest_get(
	    ledger, seen->channel, seen->sequence, &ours, &known);

	if (rc != RC_OK)
		return rc;
	if (!known)
		return rule_refuse(RULE_ROLLBACK,
		    "%s: this CA made it, but the ledger does not have it: its tail is lost",
		    from);
	if (memcmp(ours.digest, seen->digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_FORK,
		    "%s: the ledger has another manifest number %" PRIu32, from,
		    seen->sequence);
	return RC_OK;
}

static enum rc
verdict_print(struct cmd_env *env, struct ledger *ledger,
    const struct ledger_totals *t, size_t n_heads)
{
	struct ledger_head head;
	char hex[SHA256_HEX];

	ledger_head_get(ledger, &head);
	hex_write(span_of(head.hash, SHA256_LEN), hex);
	if (env->json)
		return cmd_json(json_pack(
		    "{s:b,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "whole", 1,
		    "records", (json_int_t)t->records, "head", hex,
		    "certificates", (json_int_t)t->certificates, "voids",
		    (json_int_t)t->voids, "refusals", (json_int_t)t->refusals,
		    "bundles", (json_int_t)t->bundles, "manifests",
		    (json_int_t)t->manifests, "revoked", (json_int_t)t->revoked,
		    "adopted", (json_int_t)t->adopted, "heads",
		    (json_int_t)n_heads));
	term_print(stdout,
	    "the ledger is whole: %" PRIu64 " records\n"
	    "  head          %s\n"
	    "  certificates  %" PRIu64 "\n  void          %" PRIu64 "\n"
	    "  refused       %" PRIu64 "\n  bundles       %" PRIu64 "\n"
	    "  manifests     %" PRIu64 "\n  revoked       %" PRIu64 "\n"
	    "  adopted       %" PRIu64 "\n"
	    "  heads given   %zu%s\n",
	    t->records, hex, t->certificates, t->voids, t->refusals, t->bundles,
	    t->manifests, t->revoked, t->adopted, n_heads,
	    n_heads == 0 ? " (a lost tail would not show)" : "");
	return RC_OK;
}

static enum rc
ca_ledger_verify(
    struct cmd_env *env, struct ledger *ledger, const struct cmd_list *files)
{
	struct ledger_head *heads = calloc(files->n + 1, sizeof(*heads));
	struct ledger_seen *seen = calloc(files->n + 1, sizeof(*seen));
	struct ledger_totals totals = { 0 };
	enum rc rc = heads == NULL || seen == NULL ? err_memory() : RC_OK;

	for (size_t i = 0; rc == RC_OK && i < files->n; i++)
		rc = head_read(ledger, files->items[i], &heads[i], &seen[i]);
	if (rc == RC_OK)
		rc = ledger_verify(ledger, heads, files->n, &totals);
	for (size_t i = 0; rc == RC_OK && i < files->n; i++)
		rc = seen_check(ledger, files->items[i], &seen[i]);
	free(heads);
	free(seen);
	return rc != RC_OK ? rc : verdict_print(env, ledger, &totals, files->n);
}

enum rc
cmd_ledger(struct cmd_env *env, int argc, char **argv)
{
	WIPED(cmd_list) operands = { 0 };
	WIPED(cmd_list) heads = { 0 };
	const struct cmd_option options[] = {
		{ .name = "head",
		    .value = "FILE",
		    .help = "a manifest that the ledger must know (repeat)",
		    .list = &heads },
		{ 0 },
	};
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *ledger = NULL;
	bool done = false, is_verify;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	is_verify = operands.n == 1 && strcmp(operands.items[0], "verify") == 0;
	if (operands.n > 0 && !is_verify)
		return cmd_wants(env, "'verify' or nothing");
	if (heads.n > 0 && !is_verify)
		return err_set(RC_USAGE, "--head belongs to 'ledger verify'");
	rc = home_open(env->home, &home);
	if (rc == RC_OK)
		rc = home_ledger_open(&home, false, &ledger);
	if (rc != RC_OK)
		return rc;
	return is_verify ? ca_ledger_verify(env, ledger, &heads)
			 : records_print(env, ledger);
}
