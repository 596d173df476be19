/* SPDX-License-Identifier: Apache-2.0 */
/** The signature algorithms of a CA, told from its key. */
#ifndef CA_CERT_ALG_H
#define CA_CERT_ALG_H

#include "token/token.h"

#include <openssl/types.h>

/** How a key signs X.509 objects: RSA and P-256 with SHA-256, P-384 with
 * SHA-384. */
struct sign_alg {
	enum token_scheme scheme;
	const EVP_MD *md;
	size_t hash_len;
	struct span identifier; /* AlgorithmIdentifier DER, static */
};
/** \retval RC_POLICY no key of a CA's (DESIGN: RSA 2048-4096, P-256, P-384) */
enum rc sign_alg_of(struct span spki, struct sign_alg *ret) MUST_CHECK;

#endif
