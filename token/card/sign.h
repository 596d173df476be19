/* SPDX-License-Identifier: Apache-2.0 */
/** A digest in, a signature out. */
#ifndef TOKEN_CARD_SIGN_H
#define TOKEN_CARD_SIGN_H

#include "token/card/key.h"
#include "token/card/login.h"

#define DIGEST_INFO_MAX (19 + 64) /* its prefix and the longest SHA-2 */
#define SIGNATURE_MAX 1024	  /* bytes: RSA of 8192 bits */

/** A key chosen for signing. */
struct signer {
	CK_OBJECT_HANDLE object;
	struct key_type type;
	bool always_authenticate; /* as the token says, or as was learned */
	bool learned;		  /* it wants a login each time, and says otherwise */
	struct buf spki;	  /* to find it again */
	/* What the last signature failed for. */
	enum { SIGN_LACKS_NOTHING, SIGN_LACKS_LOGIN, SIGN_LACKS_CONTEXT } lacks;
};
void signer_wipe(struct signer *signer);

/** DigestInfo of a SHA-2 digest (RFC 8017 9.2, note 1). Returns its length, 0
 * when the digest is not 32, 48 or 64 bytes. */
size_t sign_digest_info(
    struct span digest, uint8_t ret[static DIGEST_INFO_MAX]);

/** What goes to C_Sign. */
struct sign_input {
	CK_MECHANISM mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss; /* mechanism points here */
	uint8_t data[DIGEST_INFO_MAX];
	CK_ULONG n;
};

/** Fill it; it must not move afterwards.
 * \retval RC_BUG  scheme, key and digest do not go together */
enum rc sign_input_init(struct sign_input *in, struct key_type type,
    enum token_scheme scheme, struct span digest) MUST_CHECK;

/** Sign in the session; appended to `ret_sig`. After an error the session is a
 * new one, nothing is tried again, and `signer` says whether a login is missing. */
enum rc sign_run(struct session *s, struct login *l, struct signer *signer,
    struct sign_input *in, struct buf *ret_sig) MUST_CHECK;

/** Raw C_Sign calls in `threads` sessions for `seconds`. */
enum rc sign_bench(const struct session *s, struct login *l,
    const struct signer *signer, unsigned seconds, unsigned threads,
    double *ret_rate) MUST_CHECK;

#endif
