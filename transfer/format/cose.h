/* SPDX-License-Identifier: Apache-2.0 */
/** COSE_Sign1 (RFC 9052 section 4.2) as all our signed files use it.
 *
 * Tag 18, protected header with alg (1), content type (3) and either kid (4) or
 * x5chain (33, one certificate), `unprotected` empty, payload attached, empty
 * external AAD, ECDSA signatures as fixed-width r||s (RFC 9053 section 2.1).
 */
#ifndef TRANSFER_FORMAT_COSE_H
#define TRANSFER_FORMAT_COSE_H

#include "base/buf.h"
#include "base/choice.h"
#include "base/hex.h"

#include <openssl/types.h>

#define COSE_FILE_MAX ((size_t)256 << 20) /* bytes of any signed file */

/** Protected header labels that all have: RFC 9052 section 3.1. */
#define COSE_LABEL_ALG 1
#define COSE_LABEL_TYPE 3

enum cose_alg {
	COSE_ES256 = -7,
	COSE_EDDSA = -8, /* Ed25519 only */
	COSE_ES384 = -35,
	COSE_ES512 = -36,
	COSE_PS256 = -37,
	COSE_PS384 = -38,
	COSE_PS512 = -39,
};

enum cose_type { COSE_BUNDLE, COSE_MANIFEST, COSE_CARD };

/** A file taken apart; spans into its bytes. */
struct cose {
	enum cose_type type;
	enum cose_alg alg;
	struct span protected_bytes; /* the bstr's content */
	struct span kid;	     /* 32 bytes, bundles only */
	struct span cert;	     /* x5chain DER, manifests and cards only */
	struct span payload;
	struct span signature;
};

/** Take a file apart, checking form only: rules CBOR, COSE-FORM (tag, headers,
 * sizes), COSE-TYPE (content type is not `type`), COSE-ALG. Also runs
 * cbor_in_check over protected header and payload.
 * \retval RC_FORMAT */
enum rc cose_read(const char *from, struct span file, enum cose_type type,
    struct cose *ret_cose) MUST_CHECK;

/** Which of our three types a file says it is (for `inspect`). */
enum rc cose_read_type(const char *from, struct span file,
    enum cose_type *ret_type) MUST_CHECK;

/** "application/vnd.airgap-ca.ca-card+cbor" and the like. */
const char *cose_content_type(enum cose_type type);

/** Check the signature under a key; alg must fit the key type and curve.
 * \retval RC_FORMAT rule COSE-ALG or COSE-SIGNATURE */
enum rc cose_verify(const char *from, const struct cose *cose, EVP_PKEY *key)
    MUST_CHECK;

/** The alg for a key: ES256/384/512 by curve, EdDSA for Ed25519, PS256 for RSA.
 * \retval RC_POLICY no alg of ours fits the key */
enum rc cose_alg_of(EVP_PKEY *key, enum cose_alg *ret_alg) MUST_CHECK;
/** The digest to sign with; NULL for EdDSA. */
const EVP_MD *cose_alg_digest(enum cose_alg alg);
/** "ES256", for people. */
const char *cose_alg_name(enum cose_alg alg);
/** "ES256, ES384 or PS512": all that there are. */
void cose_algs_list(char ret[static CHOICE_TEXT]);
/** Is the number one of them? */
bool cose_alg_read(int64_t value, enum cose_alg *ret_alg);
/** Bytes of a signature where alg alone tells; 0 for RSA. ECDSA has r and s at the
 * width of the curve's order (RFC 9053 2.1), and no DER. */
size_t cose_alg_signature_len(enum cose_alg alg);

/** Sign in two steps, because the key may be on a token: first the protected
 * bytes, and the Sig_structure but for the payload, which ends it and is hashed
 * where it lies ... */
enum rc cose_protected(enum cose_type type, enum cose_alg alg,
    struct span kid_or_cert, struct buf *ret) MUST_CHECK;
enum rc cose_tbs_head(struct span protected_bytes, size_t payload_len,
    struct buf *ret) MUST_CHECK;
/** ... and cose_write the file around the signature, given in COSE form.
 * \retval RC_USAGE the file would be over COSE_FILE_MAX */
enum rc cose_write(struct span protected_bytes, struct span payload,
    struct span signature, struct buf *ret_file) MUST_CHECK;
/** Both steps with a key in memory (the requester's). */
enum rc cose_sign(enum cose_type type, EVP_PKEY *key, struct span kid_or_cert,
    struct span payload, struct buf *ret_file) MUST_CHECK;

/** ECDSA-Sig-Value DER to r||s of 2 * width bytes, and back; appended.
 * \retval RC_FORMAT not such a signature, or a number too wide */
enum rc cose_ecdsa_raw(struct span der, size_t width, struct buf *ret_raw)
    MUST_CHECK;
enum rc cose_ecdsa_der(struct span raw, struct buf *ret_der) MUST_CHECK;

/** SHA-256 of an SPKI's DER: the kid, key-id and requester fingerprint. */
enum rc key_id_of(EVP_PKEY *key, uint8_t ret_id[static SHA256_LEN]) MUST_CHECK;

#endif
