/* SPDX-License-Identifier: Apache-2.0 */
/* ca-card of docs/transfer.cddl. */
#include "transfer/format/grammar.h"

/* clang-format off */
static const struct schema_type policy_file =
	TYPE(NULL, SCHEMA_FILE, 1, POLICY_FILE_MAX);

static const struct schema_field ca_card[] = {
	{ 1, "version",      &grammar_version, NOWHERE },
	{ 2, "ca_id",        &grammar_ca_id,   IN(card, ca_id) },
	{ 3, "certificates", &grammar_certs,   LIST(card, certs) },
	{ 4, "created",      &grammar_epoch,   IN(card, created) },
	{ 5, "policy",       &policy_file,     IN(card, policy) },
};
static const struct schema_type card_type = TYPE_MAP("ca-card", card, ca_card);
const struct schema_field grammar_card = { 0, "card", &card_type, IN_PLACE };
/* clang-format on */

enum rc
card_read(const char *from, struct span payload, struct card *ret)
{
	WIPED(card) card = { .n_certs = 0 };
	enum rc rc = schema_read(from, payload, &grammar_card, &card);

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
	schema_wipe(&card_type, card);
	*card = (struct card){ .n_certs = 0 };
}

enum rc
card_write(const struct card *card, struct buf *out)
{
	return schema_write(&grammar_card, card, out);
}
