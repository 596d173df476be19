/* SPDX-License-Identifier: Apache-2.0 */
/* A series that runs out stops every client that asks for a CRL, good
 * certificates and all: so it is due as a certificate is. */
#include "ca/cmd/cmd_status_crl.h"

#include "base/clock.h"
#include "base/cmd.h"
#include "base/term.h"
#include "ca/ledger/revocation.h"
#include "transfer/x509/crl_points.h"

#include <inttypes.h>
#include <stdio.h>

/* Numbers that a crash has wasted have no CRL. */
static enum rc
has_signed(struct ledger *ledger, const struct ledger_crl_series *series,
    const uint8_t *key_id, bool *ret)
{
	enum rc rc = RC_OK;

	*ret = false;
	for (uint64_t n = series->first;
	     n <= series->last && rc == RC_OK && !*ret; n++) {
		struct ledger_crl crl;
		bool known = false;

		rc = ledger_crl_get(ledger, n, &crl, &known);
		*ret = rc == RC_OK && known &&
		       memcmp(crl.issuer, key_id, SHA256_LEN) == 0;
	}
	return rc;
}

static bool
is_told(const struct crl_status *s, const uint8_t *key_id)
{
	for (size_t i = 0; i < s->n_silent; i++)
		if (memcmp(s->silent[i].key_id, key_id, SHA256_LEN) == 0)
			return true;
	return false;
}

static enum rc
silent_add(struct ledger *ledger, const struct ledger_ca *ca,
    const struct ca_own *own, int64_t now, struct crl_status *s)
{
	WIPED(crl_issuer) one = { .not_after = 0 };
	WIPED(crl_issuer) newest = { .not_after = 0 };
	bool signs = true;
	enum rc rc = crl_issuer_read(buf_span(&own->cert), &one);

	if (rc == RC_POLICY) { /* it may sign none */
		err_clear();
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = crl_issuer_find(ca, one.key_id, &newest);
	if (rc == RC_OK && newest.not_after >= now && !is_told(s, one.key_id))
		rc = has_signed(ledger, &s->series, one.key_id, &signs);
	if (rc == RC_OK && !signs && s->n_silent < CRL_KEYS_TOLD) {
		struct crl_silent *to = &s->silent[s->n_silent++];

		memcpy(to->key_id, one.key_id, SHA256_LEN);
		to->ends = newest.not_after;
	}
	return rc;
}

static enum rc
silent_read(struct ledger *ledger, int64_t now, struct crl_status *s)
{
	WIPED(ledger_ca) ca = { 0 };
	enum rc rc = s->any ? ledger_ca_get(ledger, &ca) : RC_OK;

	for (size_t i = 0; i < ca.n_own && rc == RC_OK; i++)
		if (ca.own[i].n < s->series.n)
			rc = silent_add(ledger, &ca, &ca.own[i], now, s);
	return rc;
}

enum rc
crl_status_read(
    struct ledger *ledger, int64_t now, int64_t within, struct crl_status *ret)
{
	uint64_t revoked = 0;
	enum rc rc = crl_series_current(ledger, &ret->series, &ret->any);

	if (rc == RC_OK)
		rc = ledger_revoked_newest(ledger, &revoked);
	if (rc != RC_OK)
		return rc;
	ret->late = ret->any && series_back_by(&ret->series) - now < within;
	ret->unlisted = revoked > (ret->any ? ret->series.n : 0);
	return silent_read(ledger, now, ret);
}

bool
crl_status_is_due(const struct crl_status *s)
{
	return s->any && (s->late || s->unlisted);
}

void
crl_status_print_due(const struct crl_status *s)
{
	char at[CLOCK_TEXT];

	if (!s->any)
		return;
	clock_write(series_back_by(&s->series), at);
	if (s->late)
		term_print(stdout,
		    "due: the next CRLs are wanted by %.10s: 'airgap-ca crl STICK'\n",
		    at);
	if (s->unlisted)
		term_print(stdout,
		    "due: what was revoked since is in no CRL: 'airgap-ca crl STICK', or 'airgap-ca sign STICK' with the next bundle\n");
}

void
crl_status_print(const struct crl_status *s)
{
	char back_by[CLOCK_TEXT], end[CLOCK_TEXT];

	/* Not due: a CA may do without, and keep its revocations to itself. */
	if (!s->any) {
		term_print(stdout, "CRLs          none%s\n",
		    s->unlisted
			? ", so nobody learns what is revoked: 'airgap-ca crl STICK --series N --every DUR'"
			: "");
		return;
	}
	clock_write(series_back_by(&s->series), back_by);
	clock_write(series_end(&s->series), end);
	term_print(stdout,
	    "CRLs          %" PRIu32
	    ", the last until %.10s: be back by %.10s\n",
	    s->series.count, end, back_by);
	for (size_t i = 0; i < s->n_silent; i++) {
		char key[CRL_MARK_TEXT], until[CLOCK_TEXT];

		crl_mark_write(s->silent[i].key_id, key);
		clock_write(s->silent[i].ends, until);
		term_print(stdout,
		    "              none by key %s, good until %.10s, which was not on the token:\n"
		    "              who checks CRLs refuses what it signed\n",
		    key, until);
	}
}

json_t *
crl_status_json(const struct crl_status *s)
{
	json_t *silent;

	if (!s->any)
		return json_null();
	silent = json_array();
	for (size_t i = 0; i < s->n_silent; i++)
		cmd_json_add(&silent,
		    cmd_json_hex(span_of(s->silent[i].key_id, SHA256_LEN)));
	return json_pack("{s:I,s:I,s:I,s:o,s:o,s:b,s:b,s:o}", "crls",
	    (json_int_t)s->series.count, "first", (json_int_t)s->series.first,
	    "last", (json_int_t)s->series.last, "end",
	    cmd_json_time(series_end(&s->series)), "back_by",
	    cmd_json_time(series_back_by(&s->series)), "due", (int)s->late,
	    "unlisted", (int)s->unlisted, "without_keys", silent);
}
