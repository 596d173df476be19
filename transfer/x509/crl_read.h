/* SPDX-License-Identifier: Apache-2.0 */
/** CRLs (RFC 5280 5) read piece by piece: what is held of one does not grow with it.
 *
 * Of all that a CRL may be, the one form that airgap-ca makes, since consumers
 * differ in the rest: v2 in strict DER, two equal algorithms that a CA key of ours
 * signs with, nextUpdate behind thisUpdate, serials in the order of their bytes and
 * each once, none revoked after thisUpdate, of the extensions authorityKeyIdentifier
 * (a keyid) and cRLNumber (of the grammar's range) alone, of those of an entry
 * reasonCode (not 0) and invalidityDate; nothing critical, and no empty list.
 *
 * No rule is named here: what is none is RC_FORMAT, "FROM: what, at byte N".
 */
#ifndef TRANSFER_X509_CRL_READ_H
#define TRANSFER_X509_CRL_READ_H

#include "base/buf.h"
#include "base/hex.h"
#include "transfer/x509/reason.h"

#include <openssl/types.h>

#define CRL_NUMBER_MAX 9007199254740991 /* of docs/transfer.cddl */
#define CRL_FILE_MAX ((size_t)256 << 20) /* bytes: what a medium may carry */

/** One that it lists; the span lasts during the call. */
struct crl_revoked {
	struct span serial; /* magnitude, first byte not zero */
	int64_t at;
	enum reason reason;
	bool has_since;
	int64_t since; /* invalidityDate */
};
typedef enum rc crl_revoked_fn(void *arg, const struct crl_revoked *revoked);

/** What it says besides; the spans are the reader's. */
struct crl_facts {
	struct span issuer;    /* Name, whole DER */
	struct span algorithm; /* AlgorithmIdentifier, whole DER */
	struct span aki;       /* keyIdentifier */
	struct span signature; /* without the unused-bits octet */
	int64_t this_update, next_update;
	uint64_t number, n_revoked, size;
	uint8_t digest[SHA256_LEN]; /* of all its bytes */
};

struct crl_reader;

/** Begin with one. `from` is borrowed until the reader goes. `each` may be NULL; what
 * it returns but RC_OK ends the reading. */
enum rc crl_reader_new(const char *from, crl_revoked_fn *each, void *arg,
    struct crl_reader **ret) MUST_CHECK;
void crl_reader_free(struct crl_reader *reader);
OWN_STRUCT(crl_reader, crl_reader_free);

/** The next bytes of it, however many. After an error only _free may follow.
 * \retval RC_FORMAT it is none of that form; RC_IO no memory; or what `each` said */
enum rc crl_reader_add(struct crl_reader *reader, struct span piece) MUST_CHECK;

/** That was all. \retval RC_FORMAT it is cut short */
enum rc crl_reader_end(
    struct crl_reader *reader, struct crl_facts *ret) MUST_CHECK;

/** Did this key sign it? After crl_reader_end. A key that does not sign with the
 * algorithm of the CRL is a no.
 * \retval RC_BUG, RC_IO nobody could tell (transfer/x509/signature.h) */
enum rc crl_reader_verify(
    struct crl_reader *reader, EVP_PKEY *key, bool *ret_good) MUST_CHECK;

/** All three for bytes that are at hand as a whole. */
enum rc crl_reader_read(struct crl_reader *reader, struct span der,
    struct crl_facts *ret) MUST_CHECK;

#endif
