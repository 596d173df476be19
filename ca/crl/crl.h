/* SPDX-License-Identifier: Apache-2.0 */
/** One CRL (RFC 5280 5) written piece by piece from the ledger.
 *
 * v2 with authorityKeyIdentifier, cRLNumber and nextUpdate, and nothing that
 * some client cannot take: no issuing distribution point, no critical
 * extension, no empty list, no reason 0. A million entries are hashed for the
 * token and written to where they are wanted without lying in memory as a
 * whole.
 */
#ifndef CA_CRL_CRL_H
#define CA_CRL_CRL_H

#include "base/file_sink.h"
#include "ca/cert/alg.h"
#include "ca/ledger/ledger_crl.h"

/** The CA as CRLs name it. */
struct crl_issuer {
	struct sign_alg alg;
	struct buf name, keyid;	    /* Name DER; its own SKI */
	struct buf spki;	    /* which verifies */
	uint8_t key_id[SHA256_LEN]; /* of the SPKI */
	int64_t not_after;
};
void crl_issuer_wipe(struct crl_issuer *issuer);

/** From its certificate. \retval RC_POLICY rule CRL-SIGN: it may not sign CRLs
 */
enum rc crl_issuer_read(struct span ca_cert, struct crl_issuer *ret) MUST_CHECK;
/** The newest of the CA's certificates that has this key.
 * \retval RC_STATE none has it */
enum rc crl_issuer_find(const struct ledger_ca *ca,
    const uint8_t key_id[static SHA256_LEN], struct crl_issuer *ret) MUST_CHECK;

/** How large what it lists is: asked once, for all that is made of it. */
struct crl_size {
	uint64_t n;	/* entries */
	uint64_t bytes; /* of them, in DER */
};
enum rc crl_measure(struct ledger *ledger, const struct ledger_crl_list *list,
    struct crl_size *ret) MUST_CHECK;

/** The digest that the token signs, of a CRL that has all but its signature. */
enum rc crl_tbs_hash(struct ledger *ledger, const struct crl_issuer *issuer,
    const struct ledger_crl *crl, const struct crl_size *size,
    uint8_t ret_digest[static 64]) MUST_CHECK;

/** Its SHA-256, and the DER itself, once it has its signature. */
enum rc crl_der_digest(struct ledger *ledger, const struct crl_issuer *issuer,
    const struct ledger_crl *crl, const struct crl_size *size,
    uint8_t ret_digest[static SHA256_LEN]) MUST_CHECK;
/** `to` is told the size, and then gets pieces; that they have the digest is for
 * whoever takes them.
 * \retval RC_STATE the ledger lists other than when it was measured */
enum rc crl_der_give(struct ledger *ledger, const struct crl_issuer *issuer,
    const struct ledger_crl *crl, const struct crl_size *size,
    const struct file_sink *to) MUST_CHECK;
/** The size that `to` is told. */
enum rc crl_der_len(const struct crl_issuer *issuer,
    const struct ledger_crl *crl, const struct crl_size *size,
    uint64_t *ret) MUST_CHECK;

#endif
