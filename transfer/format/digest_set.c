/* SPDX-License-Identifier: Apache-2.0 */
/* For joins between up to 100,000 things (results, files, serials) that would
 * be quadratic by lists. */
#include "transfer/format/digest_set.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_MIN 64

void
digest_set_wipe(struct digest_set *set)
{
	free(set->slots);
	*set = (struct digest_set){ 0 };
}

/* Open addressing, never over four fifths full, so that a hundred thousand lie
 * in 131072 places: the first free slot or the digest's own. A digest is spread
 * evenly, so its first bytes will do; who can choose digests can make a chain
 * of them only as long as his work on SHA-256 allows. */
static size_t
slot_first(size_t room, const uint8_t begin[static DIGEST_BEGIN])
{
	uint64_t start;

	memcpy(&start, begin, sizeof(start));
	return start & (room - 1);
}

static struct digest_slot *
slot_of(struct digest_slot *slots, size_t room, const uint8_t *digest)
{
	size_t at;

	for (at = slot_first(room, digest); slots[at].value != 0;
	     at = (at + 1) & (room - 1))
		if (memcmp(slots[at].digest, digest, SHA256_LEN) == 0)
			break;
	return &slots[at];
}

/* Doubled, so that adding stays constant on average; a power of two, so that
 * a mask will do for the place. */
static enum rc
grow(struct digest_set *set)
{
	size_t room = set->room == 0 ? ROOM_MIN : 2 * set->room;
	struct digest_slot *slots = calloc(room, sizeof(*slots));

	if (slots == NULL)
		return err_memory();
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i].value != 0)
			*slot_of(slots, room, set->slots[i].digest) =
			    set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->room = room;
	return RC_OK;
}

enum rc
digest_set_add(struct digest_set *set, const uint8_t digest[static SHA256_LEN],
    uint32_t value, bool *ret_new)
{
	struct digest_slot *slot;

	assert(value < UINT32_MAX);
	if (5 * (set->n + 1) > 4 * set->room) {
		enum rc rc = grow(set);

		if (rc != RC_OK)
			return rc;
	}
	slot = slot_of(set->slots, set->room, digest);
	*ret_new = slot->value == 0;
	if (*ret_new) {
		memcpy(slot->digest, digest, SHA256_LEN);
		slot->value = value + 1;
		set->n++;
	}
	return RC_OK;
}

bool
digest_set_find(const struct digest_set *set,
    const uint8_t digest[static SHA256_LEN], uint32_t *ret_value)
{
	const struct digest_slot *slot;

	if (set->n == 0)
		return false;
	slot = slot_of(set->slots, set->room, digest);
	if (slot->value != 0 && ret_value != NULL)
		*ret_value = slot->value - 1;
	return slot->value != 0;
}

/* All that begin so stand in one chain. */
bool
digest_set_begins(
    const struct digest_set *set, const uint8_t begin[static DIGEST_BEGIN])
{
	size_t at = set->n == 0 ? 0 : slot_first(set->room, begin);

	for (; set->n != 0 && set->slots[at].value != 0;
	     at = (at + 1) & (set->room - 1))
		if (memcmp(set->slots[at].digest, begin, DIGEST_BEGIN) == 0)
			return true;
	return false;
}
