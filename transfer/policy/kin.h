/* SPDX-License-Identifier: Apache-2.0 */
/** The keys and names that are taken: those that the CA has or has had, and those of
 * the CAs above it. Nobody else gets one of them certified.
 *
 * An old key of the CA may have leaked, and an old name stands in what peers have
 * pinned still. So it is not enough to ask which ones the CA has today.
 */
#ifndef TRANSFER_POLICY_KIN_H
#define TRANSFER_POLICY_KIN_H

#include "base/buf.h"
#include "base/hex.h"

/** The numbers go from process to process. */
enum kin_whose {
	KIN_OWN,      /* of this CA, now or before */
	KIN_TRANSFER, /* the same of its transfer keys; they have no name */
	KIN_ABOVE,    /* of a CA above this one */
	KIN_WHOSE,
};

struct kin_one {
	enum kin_whose whose;
	uint8_t key_id[SHA256_LEN];
	struct span subject; /* its Name, whole DER; n 0: none */
	struct buf bytes;    /* what that points into, if it is our own */
};
struct kin {
	struct kin_one *items; /* owned */
	size_t n;
};
void kin_wipe(struct kin *kin);

/** Add one, unless it is there. The subject is copied. */
enum rc kin_put(struct kin *kin, const struct kin_one *one) MUST_CHECK;

/** Add key and name of a certificate. \retval RC_FORMAT it is none */
enum rc kin_add(struct kin *kin, enum kin_whose whose, const char *from,
    struct span der) MUST_CHECK;

/** Add each of certificates that stand behind each other. */
enum rc kin_add_joined(struct kin *kin, enum kin_whose whose, const char *from,
    struct span ders) MUST_CHECK;

/** Add all of `other`. */
enum rc kin_add_all(struct kin *kin, const struct kin *other) MUST_CHECK;

/** Whose key is it; NULL: none of them has it. */
const struct kin_one *kin_of_key(
    const struct kin *kin, const uint8_t key_id[static SHA256_LEN]);

/** Whose name is it, by the rules of RFC 5280 7.1? NULL: none of them has it. */
enum rc kin_of_subject(const struct kin *kin, struct span subject,
    const struct kin_one **ret) MUST_CHECK;

#endif
