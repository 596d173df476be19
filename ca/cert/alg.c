/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cert/alg.h"

#include "transfer/x509/key.h"

#include <openssl/evp.h>

#define CA_RSA_BITS_MAX 4096

/* RFC 4055 section 5: sha256WithRSAEncryption, parameters NULL. */
static const uint8_t rsa_sha256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
	0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
/* RFC 5758 section 3.2: ecdsa-with-SHA256 and -SHA384, no parameters. */
static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ecdsa_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };

enum rc
sign_alg_of(struct span spki, struct sign_alg *ret)
{
	struct key_facts key;
	char name[KEY_NAME_MAX];
	enum rc rc = key_shape("CA key", spki, &key);

	if (rc != RC_OK)
		return rc;
	if (key.kind == KEY_RSA && key.bits <= CA_RSA_BITS_MAX)
		*ret = (struct sign_alg){ TOKEN_RSA_PKCS1, EVP_sha256(), 32,
			span_of(rsa_sha256, sizeof(rsa_sha256)) };
	else if (key.kind == KEY_P256)
		*ret = (struct sign_alg){ TOKEN_ECDSA, EVP_sha256(), 32,
			span_of(ecdsa_sha256, sizeof(ecdsa_sha256)) };
	else if (key.kind == KEY_P384)
		*ret = (struct sign_alg){ TOKEN_ECDSA, EVP_sha384(), 48,
			span_of(ecdsa_sha384, sizeof(ecdsa_sha384)) };
	else {
		key_name(&key, name);
		return err_set(RC_POLICY,
		    "CA key: %s; wanted RSA of 2048 to %d bits, ec-p256 or "
		    "ec-p384",
		    name, CA_RSA_BITS_MAX);
	}
	return RC_OK;
}
