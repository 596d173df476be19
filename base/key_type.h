/* SPDX-License-Identifier: Apache-2.0 */
/** The types of key: a row each, for the token, certificates and COSE alike.
 *
 * What a new row needs: a kind, its word and title, whose it may be, how an SPKI
 * names it, OpenSSL's names, and its sizes. A key that is nothing but bytes, and
 * signs a message in one piece, is of the family KEY_RAW: a row in key_type.c
 * makes it a subscriber's. So three rows will be ML-DSA-44, -65 and -87 (RFC 9881:
 * parameters absent; an OpenSSL that has them).
 *
 * Not of the row, because they are lists of algorithms: what proves a CSR
 * (transfer/x509/csr_alg.c) and what signs a file (transfer/format/cose_key.c)
 * get a row each. A CA's key of a type that hashes for itself (`md` NULL) wants
 * more: the token process is sent digests.
 */
#ifndef BASE_KEY_TYPE_H
#define BASE_KEY_TYPE_H

#include "base/choice.h"
#include "base/span.h"

#include <openssl/types.h>

enum key_kind {
	KEY_OTHER, /* none of ours; has no row */
	KEY_P256,
	KEY_P384,
	KEY_P521,
	KEY_ED25519,
	KEY_RSA,
	KEY_KINDS,
};

struct key_type {
	enum key_kind kind;
	unsigned bits; /* of RSA its modulus; nominal for the others */
};

enum key_family {
	KEY_EC,	 /* a point of a named curve; r and s */
	KEY_RAW, /* bytes; signs a message and no digest */
	KEY_MODULUS, /* RSA: its sizes are its own */
};

/** Whose a key may be. */
enum key_owner {
	KEY_OF_SUBSCRIBER = 1, /* or of a requester, in a file */
	KEY_OF_CA = 2,	       /* the CA's own, and its transfer key */
	KEY_OF_TOKEN = 4,      /* that a token shall make, or sign with */
};

struct key_row {
	const char *word;  /* "ec-p256"; "rsa", where "-" and bits follow */
	const char *title; /* "P-256": in sentences about a key's form */
	enum key_family family;
	unsigned owners; /* of enum key_owner */
	unsigned bits, bits_max, bits_own_max; /* all but a subscriber's */

	/** The AlgorithmIdentifier in an SPKI (RFC 5280 4.1.2.7): its OID's
	 * content, and all of the parameters' DER; none where they are absent. */
	uint8_t oid_n, oid[9];
	uint8_t params_n, params[10];

	const char *openssl; /* the type's name there: "EC" */
	const char *group;   /* and its curve's: "P-256" */
	size_t public_len;   /* bytes of the BIT STRING; 0: as many as it takes */
	size_t signature_len; /* bytes; 0: as long as the modulus */

	/** How a CA signs with it: the digest, the AlgorithmIdentifier's DER. */
	const EVP_MD *(*md)(void);
	uint8_t signs_n, signs[15];
};

#define KEY_RSA_BITS_MIN 2048
#define KEY_RSA_BITS_MAX 8192
#define KEY_BITS_STEP 8 /* RSA moduli are of whole bytes */

/** NULL for KEY_OTHER and what is no kind. */
const struct key_row *key_row_get0(enum key_kind kind);

/** The row of an EC key by the DER of its parameters; NULL: no curve of ours. */
const struct key_row *key_row_of_params(
    struct span params, enum key_kind *ret_kind);

/** Is a key of this type and size for that owner? */
bool key_type_is_for(struct key_type type, enum key_owner owner);

/** "ec-p256", "rsa-3072"; false for what that owner may not have. RSA sizes are
 * multiples of KEY_BITS_STEP. */
bool key_type_read(const char *text, enum key_owner owner,
    struct key_type *ret);

/** The same text; "other" for what it is not. */
#define KEY_TYPE_TEXT 16
void key_type_write(struct key_type type, char ret_text[static KEY_TYPE_TEXT]);

/** What key_type_read takes: "ec-p256, ec-p384 or rsa-BITS with 2048 to 4096
 * bits, a multiple of 8". */
void key_types_list(enum key_owner owner, char ret[static CHOICE_TEXT]);

/** "P-256, P-384 or P-521": the titles of a family, or of all (NULL). */
void key_titles_list(
    const enum key_family *family, char ret[static CHOICE_TEXT]);

/** The type of a key of OpenSSL's; KEY_OTHER: none of ours. */
struct key_type key_type_of(const EVP_PKEY *key);

/** Bytes of a signature: r and s at the width of the field (PKCS#11 2.40 2.3.1,
 * RFC 9053 2.1), RSA at that of the modulus; 0 for KEY_OTHER. */
size_t key_signature_len(struct key_type type);

#endif
