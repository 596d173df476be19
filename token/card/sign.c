/* SPDX-License-Identifier: Apache-2.0 */
/* Digests are made by us and cut or wrapped as each mechanism wants (raw
 * ECDSA, DigestInfo, PSS parameters), because hashing mechanisms are what
 * modules differ in most. The parent verifies every signature, so none is
 * looked at here but for its length. */
#include "token/card/sign.h"

#include "token/p11/ckr.h"

#include <unistd.h>

#define DIGEST_PREFIX_LEN 19
#define C_SIGN_SECONDS 60

/* RFC 8017 9.2, note 1, and what PKCS#11 calls the same hash. */
static const struct hash {
	size_t len;
	CK_MECHANISM_TYPE mechanism;
	CK_RSA_PKCS_MGF_TYPE mgf;
	uint8_t prefix[DIGEST_PREFIX_LEN];
} hashes[] = {
	/* clang-format off */
	{ 32, CKM_SHA256, CKG_MGF1_SHA256,
	  { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	    0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 } },
	{ 48, CKM_SHA384, CKG_MGF1_SHA384,
	  { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	    0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30 } },
	{ 64, CKM_SHA512, CKG_MGF1_SHA512,
	  { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
	    0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40 } },
	/* clang-format on */
};

void
signer_wipe(struct signer *signer)
{
	buf_wipe(&signer->spki);
	*signer = (struct signer){ 0 };
}

static const struct hash *
hash_get0(size_t len)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (hashes[i].len == len)
			return &hashes[i];
	return NULL;
}

size_t
sign_digest_info(struct span digest, uint8_t ret[static DIGEST_INFO_MAX])
{
	const struct hash *hash = hash_get0(digest.n);

	if (hash == NULL)
		return 0;
	memcpy(ret, hash->prefix, DIGEST_PREFIX_LEN);
	memcpy(ret + DIGEST_PREFIX_LEN, digest.p, digest.n);
	return DIGEST_PREFIX_LEN + digest.n;
}

static void
init_ecdsa(struct sign_input *in, struct key_type type, struct span digest)
{
	size_t field = key_signature_len(type) / 2;

	/* FIPS 186-5 6.4.1: the leftmost bits. Not every module cuts. */
	in->n = digest.n < field ? digest.n : field;
	memcpy(in->data, digest.p, in->n);
	in->mechanism = (CK_MECHANISM){ CKM_ECDSA, NULL, 0 };
}

static void
init_pss(struct sign_input *in, const struct hash *hash, struct span digest)
{
	in->pss =
	    (CK_RSA_PKCS_PSS_PARAMS){ hash->mechanism, hash->mgf, hash->len };
	in->mechanism =
	    (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &in->pss, sizeof(in->pss) };
	in->n = digest.n;
	memcpy(in->data, digest.p, digest.n);
}

enum rc
sign_input_init(struct sign_input *in, struct key_type type,
    enum token_scheme scheme, struct span digest)
{
	const struct hash *hash = hash_get0(digest.n);

	*in = (struct sign_input){ .n = 0 };
	if (hash == NULL)
		return err_set(RC_BUG, "a digest of %zu bytes", digest.n);
	if ((type.kind == KEY_RSA) != (scheme != TOKEN_ECDSA) ||
	    key_signature_len(type) == 0)
		return err_set(
		    RC_BUG, "a signature scheme that is not the key's");
	switch (scheme) {
	case TOKEN_ECDSA:
		init_ecdsa(in, type, digest);
		break;
	case TOKEN_RSA_PKCS1:
		in->n = sign_digest_info(digest, in->data);
		in->mechanism = (CK_MECHANISM){ CKM_RSA_PKCS, NULL, 0 };
		break;
	case TOKEN_RSA_PSS:
		init_pss(in, hash, digest);
		break;
	}
	return RC_OK;
}

static enum rc
sign_once(const struct session *s, struct login *l, struct signer *signer,
    struct sign_input *in, struct buf *ret_sig)
{
	CK_FUNCTION_LIST *f = s->module->f;
	uint8_t sig[SIGNATURE_MAX];
	CK_ULONG n = sizeof(sig);
	CK_RV rv;
	enum rc rc;

	signer->lacks = SIGN_LACKS_NOTHING;
	rv = f->C_SignInit(s->handle, &in->mechanism, signer->object);
	if (rv == CKR_USER_NOT_LOGGED_IN)
		signer->lacks = SIGN_LACKS_LOGIN;
	if (rv != CKR_OK)
		return ckr_set(rv, "%s: cannot sign", s->name);
	/* Between these two calls and nowhere else: it is for one operation. */
	if (signer->always_authenticate) {
		rc = login_context(l, s);
		if (rc != RC_OK)
			return rc;
	}
	/* Whoever waits for a person cannot tell that the module hangs. */
	if (l->ask_each)
		(void)alarm(C_SIGN_SECONDS);
	rv = f->C_Sign(s->handle, in->data, in->n, sig, &n);
	if (l->ask_each)
		(void)alarm(0);
	if (rv == CKR_USER_NOT_LOGGED_IN)
		signer->lacks = signer->always_authenticate
				    ? SIGN_LACKS_LOGIN
				    : SIGN_LACKS_CONTEXT;
	if (rv != CKR_OK)
		return ckr_set(rv, "%s: did not sign", s->name);
	if (n != key_signature_len(signer->type))
		return err_set(RC_TOKEN,
		    "%s: gave a signature of %lu bytes, %zu wanted", s->name, n,
		    key_signature_len(signer->type));
	return buf_add(ret_sig, sig, n);
}

enum rc
sign_run(struct session *s, struct login *l, struct signer *signer,
    struct sign_input *in, struct buf *ret_sig)
{
	struct err_saved why;
	enum rc rc = sign_once(s, l, signer, in, ret_sig);

	if (rc == RC_OK)
		return RC_OK;
	/* An operation that was begun stays begun in the old session. */
	err_save(&why);
	if (session_renew(s) != RC_OK)
		l->done = false;
	err_restore(&why);
	return rc;
}
