/* SPDX-License-Identifier: Apache-2.0 */
/** What a lost key is good for still, once some of its certificates are revoked.
 *
 * Where policy lets a key have certificates of several requesters (`key-reuse = any`),
 * or one more than the operator had in mind, to revoke one leaves the others good: for
 * whoever has got at the key, too.
 */
#ifndef CA_INTAKE_SAME_KEY_H
#define CA_INTAKE_SAME_KEY_H

#include "ca/intake/revoke.h"

/** A certificate that is signed, neither revoked nor over, and that these
 * revocations leave as it is. */
struct same_key_cert {
	uint8_t serial[SERIAL_MAX];
	size_t n_serial;
	uint8_t key_id[SHA256_LEN];
	int64_t not_after;
	bool others; /* of another requester than the one that is revoked */
};

struct same_key {
	struct same_key_cert *items; /* owned; in the order of signing */
	size_t n;
	size_t n_others;
};
void same_key_wipe(struct same_key *same);

/** Find those with a key which one of `revokes` says that others have. The ledger is
 * walked once, where there is such a key; as `revoke --key` does it finds no
 * certificate of before an adoption. */
enum rc same_key_find(struct ledger *ledger, const struct revokes *revokes,
    struct same_key *ret) MUST_CHECK;

#endif
