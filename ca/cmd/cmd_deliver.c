/* SPDX-License-Identifier: Apache-2.0 */
/* A response is written to a medium and then told of. It was committed before:
 * a stick that fails here costs a `resend` and no more. */
#include "ca/cmd/cmd_deliver.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/term.h"
#include "ca/cmd/revoke_show.h"
#include "transfer/media/mount.h"

#include <stdlib.h>

void
delivery_wipe(struct delivery *delivery)
{
	json_decref(delivery->responses);
	free(delivery->done);
	*delivery = (struct delivery){ 0 };
}

/* ---- for programs -------------------------------------------------------- */

static json_t *
json_serials(const struct result *r)
{
	json_t *serials = json_array();

	for (size_t i = 0; i < r->n_certs; i++)
		cmd_json_add(&serials, cmd_json_hex(r->certs[i].serial));
	return serials;
}

static json_t *
json_results(const struct manifest *m)
{
	json_t *results = json_array();

	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];
		json_t *row = json_pack("{s:o,s:o,s:o,s:o}", "request_id",
		    cmd_json_text(r->id), "serials", json_serials(r), "rule",
		    r->rule.n == 0 ? json_null() : cmd_json_text(r->rule),
		    "reason",
		    r->rule.n == 0 ? json_null() : cmd_json_text(r->reason));

		cmd_json_add(&results, row);
	}
	return results;
}

static void
deliver_add_json(struct delivery *d, const struct addressee *to,
    const struct response *response)
{
	json_t *row;

	if (d->responses == NULL)
		return;
	row = json_pack("{s:s,s:o,s:o,s:I,s:o,s:I,s:I,s:o,s:o}", "path",
	    response->dir, "requester",
	    to->label.n == 0 ? json_null() : cmd_json_text(to->label),
	    "bundle_created",
	    to->asked == 0 ? json_null() : cmd_json_time(to->asked), "sequence",
	    (json_int_t)response->record.sequence, "manifest_sha256",
	    cmd_json_hex(span_of(response->record.digest, SHA256_LEN)),
	    "issued", (json_int_t)response->n_certs, "refused",
	    (json_int_t)response->n_refused, "results",
	    json_results(&response->manifest), "revocations",
	    revoke_results_json(&response->manifest));
	cmd_json_add(&d->responses, row);
}

/* ---- for people ---------------------------------------------------------- */

/* When the first of these requests runs out: a series lasts to its last. */
static void
show_due(const struct manifest *m)
{
	char at[CLOCK_TEXT];
	int64_t due = CLOCK_MAX;

	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];

		if (r->n_certs > 0 && r->certs[r->n_certs - 1].not_after < due)
			due = r->certs[r->n_certs - 1].not_after;
	}
	if (due == CLOCK_MAX)
		return;
	clock_write(due, at);
	term_field("next due", "%s, when the first of these runs out", at);
}

/* That a revocation went out is seen by them. */
static void
show_crls(const struct manifest *m)
{
	char at[CLOCK_TEXT];
	size_t shadows = 0;
	int64_t end = 0;

	if (m->n_crls == 0)
		return;
	for (size_t i = 0; i < m->n_crls; i++) {
		shadows += m->crls[i].shadow;
		if (m->crls[i].next_update > end)
			end = m->crls[i].next_update;
	}
	clock_write(end, at);
	term_field("CRLs", "%zu, with %zu shadow%s, the last until %.10s",
	    m->n_crls - shadows, shadows, shadows == 1 ? "" : "s", at);
}

/* Nothing where there were none. */
static enum rc
revocations_text(const struct manifest *m, struct buf *out)
{
	size_t before = revoke_results_with(m, REVOKED_BEFORE);
	size_t done = revoke_results_with(m, REVOKED) + before;

	if (m->n_revocations == 0)
		return RC_OK;
	return buf_printf(out,
	    "; %zu revocation%s, %zu of them done before, %zu refused",
	    m->n_revocations, m->n_revocations == 1 ? "" : "s", before,
	    m->n_revocations - done);
}

static enum rc
show_response(const struct delivery *d, const struct addressee *to,
    const struct response *response, bool stored)
{
	const char *quote = to->label.n == 0 ? "" : "\"";
	const struct span nobody = span_str("loose CSRs");

	WIPED(buf) revoked = { 0 };
	enum rc rc = revocations_text(&response->manifest, &revoked);

	if (rc != RC_OK)
		return rc;
	term_bold(
	    "Response %u for %s%.*s%s%s: %zu certificate%s, %zu refused%.*s\n",
	    response->record.sequence, quote,
	    SPAN_FMT(to->label.n == 0 ? nobody : to->label), quote,
	    stored ? " (the stored one, byte for byte)" : "", response->n_certs,
	    response->n_certs == 1 ? "" : "s", response->n_refused,
	    SPAN_FMT(buf_span(&revoked)));
	if (d->media->path == NULL)
		term_field("would be", "%s", response->dir);
	return RC_OK;
}

static void
show_written(const struct delivery *d, const struct response *response,
    const struct buf *note)
{
	char hex[SHA256_HEX];

	hex_write(span_of(response->record.digest, SHA256_LEN), hex);
	term_field("written to", "%s/%s", d->media->path, response->dir);
	term_field("read back", "%.*s", SPAN_FMT(buf_span(note)));
	term_field("manifest", "%s", hex);
	show_crls(&response->manifest);
	show_due(&response->manifest);
}

/* ---- onto the medium ----------------------------------------------------- */

static enum rc
write_out(const struct delivery *d, struct response *response, struct buf *note)
{
	enum rc rc;

	if (d->media->path == NULL)
		return RC_OK;
	rc = response_write(d->home, d->media, response, note);
	return rc == RC_OK
		   ? RC_OK
		   : err_in(rc,
			 "response %u is complete in the ledger but not on the stick; mend that and %s",
			 response->record.sequence,
			 d->again == NULL ? "run the same command again"
					  : d->again);
}

void
delivery_count(
    const struct response *response, size_t *ret_granted, size_t *ret_refused)
{
	const struct manifest *m = &response->manifest;
	size_t revoked = revoke_results_with(m, REVOKED) +
			 revoke_results_with(m, REVOKED_BEFORE);

	*ret_granted = response->n_certs + revoked;
	*ret_refused = response->n_refused + m->n_revocations - revoked;
}

static enum rc
note_done(struct delivery *d, const struct addressee *to,
    const struct response *response)
{
	struct delivered *one;
	enum rc rc = LIST_GROW(d->done, d->n_done);

	if (rc != RC_OK)
		return rc;
	one = &d->done[d->n_done++];
	memcpy(one->channel, to->channel, SHA256_LEN);
	one->sequence = response->record.sequence;
	delivery_count(response, &one->n_granted, &one->n_refused);
	return RC_OK;
}

static enum rc
deliver_response(struct delivery *d, const struct addressee *to,
    struct response *response, bool stored)
{
	WIPED(buf) note = { 0 };
	enum rc rc = write_out(d, response, &note);

	if (rc != RC_OK)
		return rc;
	rc = show_response(d, to, response, stored);
	if (rc != RC_OK)
		return rc;
	if (d->media->path != NULL)
		show_written(d, response, &note);
	deliver_add_json(d, to, response);
	return note_done(d, to, response);
}

enum rc
deliver_new(
    struct delivery *d, const struct addressee *to, struct response *response)
{
	enum rc rc = RC_OK;

	if (to->label.n != 0 && d->media->path != NULL)
		rc = deliver_before(d, to->channel, response->record.sequence);
	if (rc == RC_OK)
		rc = deliver_response(d, to, response, false);
	if (rc == RC_OK)
		term_say(
		    "Carry it back, and there: airgap-transfer install STICK%s%s\n",
		    to->label.n == 0 ? " --csr FILE..." : "",
		    to->named ? ", with the same --name" : "");
	return rc;
}

enum rc
deliver_stored(struct delivery *d, const struct addressee *to, uint32_t first,
    uint32_t last)
{
	const struct response_maker maker = {
		.ledger = d->ledger, .home = d->home, .ca = d->ca
	};
	enum rc rc = RC_OK;

	for (uint32_t i = first; i <= last && rc == RC_OK; i++) {
		WIPED(response) response = { 0 };

		if (delivery_find(d, to->channel, i) != NULL)
			continue;
		rc = response_again(&maker, to->channel, i, &response);
		if (rc == RC_OK)
			rc = deliver_response(d, to, &response, true);
		if (i == UINT32_MAX)
			break;
	}
	return rc;
}

/* The CRLs of a lost ledger, say: there is no other way to them. */
static enum rc
deliver_pending(struct delivery *d, const struct addressee *to, uint32_t number)
{
	enum rc rc = deliver_stored(d, to, number, number);

	if (rc != RC_STATE)
		return rc;
	term_alarm(
	    "response %u, of which nothing tells that it arrived, is not made again: %s\n",
	    number, err_text());
	err_clear();
	return RC_OK;
}

enum rc
deliver_before(struct delivery *d, const uint8_t channel[static SHA256_LEN],
    uint32_t sequence)
{
	WIPED(requester) q = { 0 };
	struct addressee to = { .channel = channel };
	uint32_t *pending = NULL;
	bool met = false;
	size_t n = 0;
	enum rc rc = ledger_requester_met(d->ledger, channel, &q, &met);

	if (rc == RC_OK && met)
		rc = ledger_manifests_pending(
		    d->ledger, channel, q.arrived, &pending, &n);
	to.label = span_str(q.label);
	for (size_t i = 0; i < n && pending[i] < sequence && rc == RC_OK; i++)
		rc = deliver_pending(d, &to, pending[i]);
	free(pending);
	return rc;
}

const struct delivered *
delivery_find(const struct delivery *d,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence)
{
	for (size_t i = 0; i < d->n_done; i++)
		if (d->done[i].sequence == sequence &&
		    memcmp(d->done[i].channel, channel, SHA256_LEN) == 0)
			return &d->done[i];
	return NULL;
}

enum rc
deliver_end(const struct delivery *d)
{
	WIPED(buf) command = { 0 };
	enum rc rc;

	if (d->n_done == 0 || d->media->path == NULL)
		return RC_OK;
	rc = mount_unmount(d->media, d->home->fd, &command);
	if (rc == RC_OK && command.n != 0)
		term_say("Before it is pulled: %.*s\n",
		    SPAN_FMT(buf_span(&command)));
	return rc;
}
