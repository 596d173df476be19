/* SPDX-License-Identifier: Apache-2.0 */
/* Of each CRL what it changes; and where one is wanted, how it is given. */
#include "ca/cmd/recover_crl_show.h"

#include "base/clock.h"
#include "base/cmd.h"
#include "base/term.h"

#include <inttypes.h>
#include <stdio.h>

static void
show_one_crl(const struct recovery_crl *crl)
{
	char label[32], at[CLOCK_TEXT];

	(void)snprintf(label, sizeof(label), "CRL %" PRIu64, crl->number);
	clock_write(crl->this_update, at);
	term_field(label,
	    "of %.10s, %zu revoked, %zu of them not known as that here", at,
	    crl->n, crl->n_new);
	if (crl->n_no_key != 0)
		term_field("",
		    "%zu as keyCompromise, and %s not here: that key is not known, and could be certified again",
		    crl->n_no_key,
		    crl->n_no_key == 1 ? "its certificate is"
				       : "their certificates are");
}

void
recover_crls_show(const struct recovery *r)
{
	for (size_t i = 0; i < r->n_crls; i++)
		show_one_crl(&r->crls[i]);
	if (recovery_lacks_crl(r))
		term_alarm(
		    "the lost part signed CRLs, up to number %" PRIu64
		    ", and none of them was brought.\n"
		    "Without one the next CRL leaves out what was revoked at the laptop, and dates the rest\n"
		    "anew. Give the newest that a server publishes: 'airgap-ca recover --crl FILE'.\n",
		    r->crl_top);
}

json_t *
recover_crls_json(const struct recovery *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_crls; i++) {
		const struct recovery_crl *crl = &r->crls[i];

		cmd_json_add(
		    &list, json_pack("{s:o,s:I,s:o,s:o,s:I,s:I}", "file",
			       cmd_json_text(span_str(crl->from)), "number",
			       (json_int_t)crl->number, "this_update",
			       cmd_json_time(crl->this_update), "sha256",
			       cmd_json_hex(span_of(crl->digest, SHA256_LEN)),
			       "revoked", (json_int_t)crl->n, "new",
			       (json_int_t)crl->n_new));
	}
	return list;
}

bool
recover_crls_are_news(const struct recovery *r)
{
	for (size_t i = 0; i < r->n_crls; i++)
		if (!r->crls[i].seen || r->crls[i].n_new != 0)
			return true;
	return false;
}
