/* SPDX-License-Identifier: Apache-2.0 */
/* A series that runs out stops every client that asks for a CRL, good
 * certificates and all: so it is due as a certificate is. */
#include "ca/cmd/cmd_status_crl.h"

#include "base/clock.h"
#include "base/cmd.h"
#include "base/term.h"
#include "ca/ledger/revocation.h"

#include <inttypes.h>
#include <stdio.h>

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
	return RC_OK;
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
}

json_t *
crl_status_json(const struct crl_status *s)
{
	if (!s->any)
		return json_null();
	return json_pack("{s:I,s:I,s:I,s:o,s:o,s:b,s:b}", "crls",
	    (json_int_t)s->series.count, "first", (json_int_t)s->series.first,
	    "last", (json_int_t)s->series.last, "end",
	    cmd_json_time(series_end(&s->series)), "back_by",
	    cmd_json_time(series_back_by(&s->series)), "due", (int)s->late,
	    "unlisted", (int)s->unlisted);
}
