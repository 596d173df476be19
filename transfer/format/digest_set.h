/* SPDX-License-Identifier: Apache-2.0 */
/** A set of SHA-256 digests, each with a number: 100,000 of them take 6 MB. */
#ifndef TRANSFER_FORMAT_DIGEST_SET_H
#define TRANSFER_FORMAT_DIGEST_SET_H

#include "base/hex.h"

struct digest_set {
	struct digest_slot {
		uint8_t digest[SHA256_LEN];
		uint32_t value; /* what it was added with, plus one; 0: free */
	} *slots; /* owned; a power of two of them */
	size_t n, room;
};
void digest_set_wipe(struct digest_set *set);

/** Add one; *ret_new is false when it was there (its value stays).
 * \retval RC_IO no memory */
enum rc digest_set_add(struct digest_set *set,
    const uint8_t digest[static SHA256_LEN], uint32_t value,
    bool *ret_new) MUST_CHECK;

/** Is it there, and with what? `ret_value` may be NULL. */
bool digest_set_find(const struct digest_set *set,
    const uint8_t digest[static SHA256_LEN], uint32_t *ret_value);
/** Is one there that begins so? */
#define DIGEST_BEGIN 8 /* bytes */
bool digest_set_begins(const struct digest_set *set,
    const uint8_t begin[static DIGEST_BEGIN]);

#endif
