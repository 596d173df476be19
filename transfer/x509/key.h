/* SPDX-License-Identifier: Apache-2.0 */
/** Subscriber keys: which are good, told from the SPKI bytes.
 *
 * Two depths. key_shape needs no OpenSSL: a DER walk over fixed prefixes, for
 * the signer, which trusts nobody's word on a key. key_check is the whole of
 * promise 11: point on the curve, ROCA, close primes.
 */
#ifndef TRANSFER_X509_KEY_H
#define TRANSFER_X509_KEY_H

#include "base/buf.h"
#include "base/hex.h"
#include "base/key_type.h"

#include <openssl/types.h>

struct key_facts {
	enum key_kind kind;
	uint32_t bits;		/* RSA modulus; nominal for the others */
	uint8_t id[SHA256_LEN]; /* SHA-256 of the SPKI */
};

/** "rsa-3072", "ec-p256", "ed25519": the spelling of policy and options. */
void key_name(
    const struct key_facts *key, char ret[static KEY_TYPE_TEXT]);

/** Kind, size and form of an SPKI from its bytes alone. Rules KEY-TYPE,
 * KEY-EC-POINT (not 04 and two numbers of the field), KEY-EC-PARAMS (explicit
 * curve), KEY-RSA-SIZE (under 2048, over 8192 or no multiple of 8),
 * KEY-RSA-EXPONENT (even or under 65537), KEY-DER (not strict DER). */
enum rc key_shape(const char *from, struct span spki, struct key_facts *ret)
    MUST_CHECK;

/** What a loop over many keys keeps between them, because OpenSSL 3.0 makes a
 * key object slowly. Starts as { 0 }; belongs to one thread. */
struct key_cache {
	EVP_PKEY *ec[KEY_KINDS]; /* one reused object for each curve */
	EVP_PKEY_CTX *verify[KEY_KINDS]; /* of these keys; for transfer/x509/csr */
	EVP_MD_CTX *digest;
};
void key_cache_wipe(struct key_cache *cache);

/** key_shape and everything that takes arithmetic: KEY-EC-POINT (off the
 * curve), KEY-ED25519-POINT (not canonical, or of small order), KEY-ROCA,
 * KEY-CLOSE-PRIMES, KEY-RSA-MODULUS (even, small factors), KEY-BLOCKED
 * (published list of known private keys). Gives the key, owned by the caller. */
enum rc key_check(const char *from, struct span spki, struct key_facts *ret,
    EVP_PKEY **ret_key) MUST_CHECK;

/** The same by way of a cache. The key is the caller's to free too, but the next
 * call with the same cache may change it: use it, then let it go. */
enum rc key_check_cached(const char *from, struct span spki,
    struct key_cache *cache, struct key_facts *ret, EVP_PKEY **ret_key)
    MUST_CHECK;

#endif
