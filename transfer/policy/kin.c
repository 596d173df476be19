/* SPDX-License-Identifier: Apache-2.0 */
/* There are few of them: a key for each rollover, a name for fewer. */
#include "transfer/policy/kin.h"

#include "base/list.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/der.h"
#include "transfer/x509/tbs.h"

#include <stdlib.h>

void
kin_wipe(struct kin *kin)
{
	for (size_t i = 0; i < kin->n; i++)
		buf_wipe(&kin->items[i].bytes);
	free(kin->items);
	*kin = (struct kin){ 0 };
}

enum rc
kin_put(struct kin *kin, const struct kin_one *one)
{
	struct kin_one *new;
	enum rc rc;

	for (size_t i = 0; i < kin->n; i++)
		if (kin->items[i].whose == one->whose &&
		    memcmp(kin->items[i].key_id, one->key_id, SHA256_LEN) ==
			0 &&
		    span_eq(kin->items[i].subject, one->subject))
			return RC_OK;
	rc = LIST_GROW(kin->items, kin->n);
	if (rc != RC_OK)
		return rc;
	new = &kin->items[kin->n++];
	*new = (struct kin_one){ .whose = one->whose };
	memcpy(new->key_id, one->key_id, SHA256_LEN);
	rc = buf_add_span(&new->bytes, one->subject);
	new->subject = buf_span(&new->bytes);
	return rc;
}

enum rc
kin_add(
    struct kin *kin, enum kin_whose whose, const char *from, struct span der)
{
	struct kin_one one = { .whose = whose };
	struct cert_parts parts;
	enum rc rc = cert_parts_read(from, der, &parts);

	if (rc == RC_OK)
		rc = sha256(parts.spki, one.key_id);
	if (rc != RC_OK)
		return rc;
	if (whose != KIN_TRANSFER)
		one.subject = parts.subject;
	return kin_put(kin, &one);
}

enum rc
kin_add_joined(
    struct kin *kin, enum kin_whose whose, const char *from, struct span ders)
{
	struct der one;
	enum rc rc = RC_OK;

	while (ders.n != 0 && rc == RC_OK)
		rc = der_take_whole(&ders, DER_SEQUENCE, &one)
			 ? kin_add(kin, whose, from, one.whole)
			 : err_set(RC_FORMAT, "%s: not certificates", from);
	return rc;
}

enum rc
kin_add_all(struct kin *kin, const struct kin *other)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < other->n && rc == RC_OK; i++)
		rc = kin_put(kin, &other->items[i]);
	return rc;
}

const struct kin_one *
kin_of_key(const struct kin *kin, const uint8_t key_id[static SHA256_LEN])
{
	for (size_t i = 0; i < kin->n; i++)
		if (memcmp(kin->items[i].key_id, key_id, SHA256_LEN) == 0)
			return &kin->items[i];
	return NULL;
}

enum rc
kin_of_subject(
    const struct kin *kin, struct span subject, const struct kin_one **ret)
{
	const struct kin_one *found = NULL;
	bool same = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < kin->n && rc == RC_OK && found == NULL; i++) {
		if (kin->items[i].subject.n == 0)
			continue;
		rc = subject_same(subject, kin->items[i].subject, &same);
		if (rc == RC_OK && same)
			found = &kin->items[i];
	}
	if (rc == RC_OK)
		*ret = found;
	return rc;
}
