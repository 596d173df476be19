/* SPDX-License-Identifier: Apache-2.0 */
/** The chain that a certificate is served with: whoever has any of the CA's roots
 * finds a way to his.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_CHAIN_H
#define TRANSFER_ONLINE_DEPLOY_CHAIN_H

#include "transfer/online/store/store.h"

/** Append the certificates behind the server's own, as PEM.
 *
 * Of a CA that rolled over those across, and no root: over the newest key the one by
 * the key before it, and over an older one that by the key after it, and so on to the
 * newest. OpenSSL ends at a root that it meets on its way, and fails where that is not
 * its own (error 19); NSS prefers one that it is sent wherever it stands.
 * Else the certificate of the issuing key, and those above the CA.
 *
 * \param issuer  key-id of the CA key that signed it
 * \param since   its notBefore: what ended before that is left out
 * \retval RC_STATE that key is not pinned */
enum rc chain_write(struct store *store, const uint8_t issuer[static SHA256_LEN],
    int64_t since, struct buf *out) MUST_CHECK;

/** Append what a client may trust: the CA's certificates, the newest first, and
 * those above, of which a client of a CA below another one trusts the root. */
enum rc chain_cas_write(struct store *store, struct buf *out) MUST_CHECK;

/** The first of those across for that key; NULL: none. */
const struct trust_cross *chain_cross_get0(const struct trust *trust,
    const uint8_t issuer[static SHA256_LEN], int64_t since);

#endif
