/* SPDX-License-Identifier: Apache-2.0 */
/** A shadow CRL at rest: COSE_Encrypt0 (RFC 9052 section 5.2), under a
 * passphrase.
 *
 * Whoever can open one can shut a requester's service down, so the key comes
 * from a passphrase by scrypt, and what cannot be read cannot be published
 * either. Salt and passphrase make a key once for many: all shadows of a series
 * share the salt, and each has an iv of its own.
 */
#ifndef TRANSFER_FORMAT_SHADOW_H
#define TRANSFER_FORMAT_SHADOW_H

#include "base/buf.h"

#define SHADOW_SALT_LEN 16
#define SHADOW_IV_LEN 12
#define SHADOW_KEY_LEN 32
#define SHADOW_PASS_BYTES 16 /* that are drawn for a passphrase */
#define SHADOW_PASS_TEXT 40  /* they, in groups, with the terminator */
#define SHADOW_COST 16	     /* log2 of scrypt's N: 64 MiB, 0.2 s */
#define SHADOW_COST_MIN 14
#define SHADOW_COST_MAX 20

/** A key, and what it was made with besides the passphrase. */
struct shadow_key {
	bool known; /* the rest counts */
	uint8_t salt[SHADOW_SALT_LEN];
	unsigned cost;
	uint8_t key[SHADOW_KEY_LEN];
};
void shadow_key_wipe(struct shadow_key *key);

/** "9f3c-77ab-...", eight groups of four hex digits. */
void shadow_pass_write(const uint8_t bytes[static SHADOW_PASS_BYTES],
    char ret_text[static SHADOW_PASS_TEXT]);

/** Make the key for a salt. Case, blanks and hyphens of the passphrase do not
 * count: it is typed off a sheet of paper. \retval RC_IO memory */
enum rc shadow_key_make(struct span passphrase,
    const uint8_t salt[static SHADOW_SALT_LEN], unsigned cost,
    struct shadow_key *ret) MUST_CHECK;

/** Append the file. The same arguments make the same bytes; an iv is used once.
 */
enum rc shadow_seal(const struct shadow_key *key,
    const uint8_t iv[static SHADOW_IV_LEN], struct span plain,
    struct buf *ret_file) MUST_CHECK;

/** Three answers: RC_OK with *ret_opened, and the DER is appended; RC_OK
 * without: another passphrase, or a changed file; an error: nobody could tell.
 * \param key  kept by a caller who opens many: made when it does not fit the
 * salt \retval RC_FORMAT not such a file; rules CBOR, COSE-FORM, COSE-TYPE,
 * COSE-ALG \retval RC_IO     memory */
enum rc shadow_open(const char *from, struct span file, struct span passphrase,
    struct shadow_key *key, bool *ret_opened, struct buf *ret_plain) MUST_CHECK;

#endif
