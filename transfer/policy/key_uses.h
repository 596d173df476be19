/* SPDX-License-Identifier: Apache-2.0 */
/** What keys have been certified for (rule KEY-USED).
 *
 * A key that another requester has certificates for, or is about to get, is not
 * certified again, but where the profile says `key-reuse = any`: a CSR proves that
 * its key was there when it was made, and not that whoever brings it has the key.
 *
 * A profile with `key-reuse = same-names` gives a key no certificate unless all
 * that the key has are the same requester's and share a name with it: one name,
 * in all of them, is whose key it is. So renewals pass and so does a domain with
 * one component more, and a person's key never becomes another's.
 *
 * The CA fills this in from its ledger, the online side from its store; then
 * both take the requests of a bundle one after the other.
 */
#ifndef TRANSFER_POLICY_KEY_USES_H
#define TRANSFER_POLICY_KEY_USES_H

#include "transfer/format/digest_set.h"
#include "transfer/policy/request.h"

struct key_uses {
	struct digest_set keys; /* by SHA-256 of the SPKI: a place in items */
	struct key_use *items;	/* owned */
	size_t n;
};
void key_uses_wipe(struct key_uses *uses);

/** A key that is asked for. */
enum rc key_uses_watch(struct key_uses *uses,
    const uint8_t key_id[static SHA256_LEN]) MUST_CHECK;
bool key_uses_watched(const struct key_uses *uses,
    const uint8_t key_id[static SHA256_LEN]);

/** A certificate that a watched key has: the newer ones last. */
struct key_holder {
	struct span serial;
	int64_t not_after;
	const char *others; /* "another requester": who has it; NULL: who asks */
	bool is_loose;	    /* those others are nobody: a loose CSR */
	bool is_begun; /* it is not signed yet, and its names are not known */
	const struct name *names;
	size_t n_names;
};
enum rc key_uses_note(struct key_uses *uses,
    const uint8_t key_id[static SHA256_LEN], const struct key_holder *holder)
    MUST_CHECK;

/** A request that all other rules grant; what passes counts for the next one.
 * \param from  what sentences call it, this one's and the next one's
 * \retval RC_POLICY rule KEY-USED */
enum rc key_uses_take(struct key_uses *uses, const char *from,
    const uint8_t key_id[static SHA256_LEN], const struct grant *grant)
    MUST_CHECK;

#endif
