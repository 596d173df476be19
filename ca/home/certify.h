/* SPDX-License-Identifier: Apache-2.0 */
/** The CA's own certificates, signed by the token and verified. */
#ifndef CA_HOME_CERTIFY_H
#define CA_HOME_CERTIFY_H

#include "ca/cert/tbs.h"
#include "ca/home/keys.h"

/** Sign a TBS with the CA key: the certificate, verified under that key.
 * \param spki  of the CA key \retval RC_TOKEN the signature is not good */
enum rc certify(struct keys *keys, struct span spki, struct span tbs,
    struct buf *ret_der) MUST_CHECK;

/** Sign what a request says: the PKCS#10 request, verified under that key. */
enum rc certify_request(struct keys *keys, struct span spki, struct span info,
    struct buf *ret_der) MUST_CHECK;

/** The transfer certificate for a key, judged as a requester will. */
enum rc certify_transfer(struct keys *keys, struct span ca_cert,
    struct span spki, int64_t now, struct buf *ret_der) MUST_CHECK;

#endif
