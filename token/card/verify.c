/* SPDX-License-Identifier: Apache-2.0 */
/* With OpenSSL and the public key, not with the token: a card that signs
 * wrongly would also say that it had signed well. */
#include "token/card/verify.h"

#include "base/own_ssl.h"

#include <openssl/rsa.h>

/* OpenSSL wants ECDSA signatures as DER (RFC 3279 2.2.3). */
static enum rc
ecdsa_der(struct span raw, struct buf *ret)
{
	OWN(ECDSA_SIG) *sig = ECDSA_SIG_new();
	OWN(BIGNUM) *r = NULL, *s = NULL;
	OWN(ssl_bytes) *der = NULL;
	int half = (int)(raw.n / 2), n;

	r = BN_bin2bn(raw.p, half, NULL);
	s = BN_bin2bn(raw.p + half, half, NULL);
	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1)
		return err_memory();
	(void)MOVE(r);
	(void)MOVE(s);
	n = i2d_ECDSA_SIG(sig, &der);
	return n <= 0 ? err_memory() : buf_add(ret, der, (size_t)n);
}

static const EVP_MD *
md_of(size_t len)
{
	return len == 32   ? EVP_sha256()
	       : len == 48 ? EVP_sha384()
			   : EVP_sha512();
}

static bool
is_prepared(EVP_PKEY_CTX *ctx, enum token_scheme scheme, size_t len)
{
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md_of(len)) != 1)
		return false;
	if (scheme == TOKEN_ECDSA)
		return true;
	if (scheme == TOKEN_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) ==
		       1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
		   1;
}

enum rc
verify_signature(struct span spki, enum token_scheme scheme, struct span digest,
    struct span sig)
{
	OWN(EVP_PKEY) *key = NULL;
	OWN(EVP_PKEY_CTX) *ctx = NULL;
	WIPED(buf) der = { 0 };
	const uint8_t *end = spki.p;
	enum rc rc;
	int said;

	key = d2i_PUBKEY(NULL, &end, (long)spki.n);
	if (key == NULL)
		return err_openssl(RC_TOKEN, "the token's public key");
	if (scheme == TOKEN_ECDSA) {
		rc = ecdsa_der(sig, &der);
		if (rc != RC_OK)
			return rc;
		sig = buf_span(&der);
	}
	ctx = EVP_PKEY_CTX_new(key, NULL);
	if (!is_prepared(ctx, scheme, digest.n))
		return err_openssl(RC_BUG, "OpenSSL cannot verify");
	said = EVP_PKEY_verify(ctx, sig.p, sig.n, digest.p, digest.n);
	if (said < 0)
		return err_openssl(
		    RC_BUG, "the token's signature could not be verified");
	if (said == 0)
		return err_openssl(RC_TOKEN,
		    "the token's signature does not verify under its public key");
	return RC_OK;
}
