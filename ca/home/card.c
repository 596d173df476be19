/* SPDX-License-Identifier: Apache-2.0 */
/* The card's fields, its signature, and its name on a stick. Who may believe
 * it is for transfer/judge/card_judge.c. */
#include "ca/home/card.h"

#define CA_ID_SHOWN 4 /* bytes of it in a name on a stick */

static enum rc
card_payload(const struct ledger_ca *ca, const struct policy *policy,
    int64_t now, struct buf *ret)
{
	struct span certs[CA_CHAIN_MAX];
	struct card card = { .certs = certs,
		.created = now,
		.policy = buf_span(&policy->text) };

	if (!ledger_ca_chain(buf_span(&ca->ca_cert), buf_span(&ca->issuers),
		certs, &card.n_certs))
		return err_set(RC_STATE,
		    "the ledger has more than %d certificates above the CA's",
		    CA_ISSUERS_MAX);
	memcpy(card.ca_id, ca->ca_id, SHA256_LEN);
	return card_write(&card, ret);
}

enum rc
card_make(struct keys *keys, const struct ledger_ca *ca,
    const struct policy *policy, int64_t now, struct buf *ret_file)
{
	WIPED(buf) payload = { 0 };
	enum rc rc = card_payload(ca, policy, now, &payload);

	return rc != RC_OK ? rc
			   : keys_cose_sign(keys, COSE_CARD,
				 buf_span(&ca->transfer_cert),
				 buf_span(&payload), ret_file);
}

enum rc
card_put(const uint8_t ca_id[static SHA256_LEN], struct span file,
    const struct media *media, struct buf *ret_path, struct buf *ret_note)
{
	char hex[2 * CA_ID_SHOWN + 1];
	const char *path;
	enum rc rc;

	hex_write(span_of(ca_id, CA_ID_SHOWN), hex);
	rc = buf_printf(ret_path, MEDIA_CARDS "/%s.cose", hex);
	if (rc != RC_OK)
		return rc;
	path = buf_cstr(ret_path);
	if (path == NULL)
		return err_memory();
	return media_put_file(media, path, file, true, ret_note);
}
