/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL asked, and what it says taken for what it means. */
#include "transfer/x509/signature.h"

#include "base/own_ssl.h"
#include "transfer/x509/der.h"

#include <openssl/err.h>
#include <openssl/evp.h>

/* INTEGER, not negative. DER was checked: the shortest. */
static bool
take_natural(struct span *in)
{
	struct span value;

	return der_take(in, DER_INTEGER, &value) && value.n != 0 &&
	       value.p[0] < 0x80;
}

/* ECDSA-Sig-Value (RFC 3279 2.2.3), and nothing behind it. */
static bool
is_ecdsa_value(struct span signature)
{
	const char *what;
	size_t at;
	struct span body;

	return der_check(signature, &what, &at) &&
	       der_take(&signature, DER_SEQUENCE, &body) && signature.n == 0 &&
	       take_natural(&body) && take_natural(&body) && body.n == 0;
}

static bool
is_no_signature(const EVP_PKEY *key, struct span signature)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       !is_ecdsa_value(signature);
}

static enum rc
openssl_said(const char *from, int said, bool *ret_good)
{
	if (said < 0)
		return err_openssl(
		    RC_BUG, "%s: its signature could not be verified", from);
	ERR_clear_error();
	*ret_good = said == 1;
	/* It says "no" as well when memory fails. */
	return said == 1 ? RC_OK : err_check_shortage();
}

enum rc
signature_of_hash(const char *from, EVP_PKEY_CTX *ctx, struct span signature,
    struct span hash, bool *ret_good)
{
	*ret_good = false;
	if (is_no_signature(EVP_PKEY_CTX_get0_pkey(ctx), signature))
		return RC_OK;
	return openssl_said(from,
	    EVP_PKEY_verify(ctx, signature.p, signature.n, hash.p, hash.n),
	    ret_good);
}

enum rc
signature_of_message(const char *from, EVP_PKEY *key, const char *digest,
    struct span signature, struct span message, bool *ret_good)
{
	OWN(EVP_MD_CTX) *ctx = NULL;

	*ret_good = false;
	if (is_no_signature(key, signature))
		return RC_OK;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestVerifyInit_ex(
			       ctx, NULL, digest, NULL, NULL, key, NULL) != 1)
		return openssl_said(from, -1, ret_good);
	return openssl_said(from,
	    EVP_DigestVerify(
		ctx, signature.p, signature.n, message.p, message.n),
	    ret_good);
}
