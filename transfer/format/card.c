/* SPDX-License-Identifier: Apache-2.0 */
/* ca-card of docs/transfer.cddl. */
#include "transfer/format/payload.h"

#include "transfer/format/schema.h"
#include "transfer/rule.h"

#include <stdlib.h>

static enum rc
card_field(struct cbor_in *in, int key, void *object)
{
	struct card *card = object;
	void *items;
	enum rc rc;

	switch (key) {
	case 1:
		return part_version(in);
	case 2:
		return part_digest(in, "ca-id", card->ca_id);
	case 3:
		rc = part_list_take(in, &part_certs, &items, &card->n_certs);
		card->certs = items;
		return rc;
	case 4:
		return part_epoch(in, "created", &card->created);
	default:
		return cbor_take_bytes(
		    in, "policy.conf", 1, POLICY_FILE_MAX, &card->policy);
	}
}

enum rc
card_read(const char *from, struct span payload, struct card *ret)
{
	static const struct part_map map = { "card",
		KEY(1) | KEY(2) | KEY(3) | KEY(4) | KEY(5), 0, card_field };
	WIPED(card) card = { .n_certs = 0 };
	enum rc rc = part_map_read(from, payload, &map, &card);

	if (rc != RC_OK)
		return rc;
	*ret = card;
	card = (struct card){ .n_certs = 0 };
	return RC_OK;
}

void
card_wipe(struct card *card)
{
	if (card == NULL)
		return;
	free(card->certs);
	*card = (struct card){ .n_certs = 0 };
}

enum rc
card_write(const struct card *card, struct buf *out)
{
	struct cbor_out to;

	cbor_out_init(&to, out);
	cbor_put_map(&to, 5);
	put_key_uint(&to, 1, FORMAT_VERSION);
	put_key_digest(&to, 2, card->ca_id);
	cbor_put_uint(&to, 3);
	cbor_put_array(&to, card->n_certs);
	for (size_t i = 0; i < card->n_certs; i++)
		cbor_put_bytes(&to, card->certs[i]);
	put_key_time(&to, 4, card->created);
	put_key_bytes(&to, 5, card->policy);
	return cbor_out_end(&to);
}
