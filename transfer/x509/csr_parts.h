/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of a request that transfer/x509/csr reads by themselves. */
#ifndef TRANSFER_X509_CSR_PARTS_H
#define TRANSFER_X509_CSR_PARTS_H

#include "transfer/x509/csr.h"

/** The attributes (RFC 2986 4.1): content of the [0]. Rules CSR-ATTRIBUTE,
 * CSR-FORM, CSR-TEXT and those of csr_extensions_read. `names` is given the
 * subjectAltName's, not yet checked by name_check; `*ret_has_san` tells whether
 * there was one. */
enum rc csr_attributes_read(const char *from, struct span attributes,
    struct name_list *names, bool *ret_has_san) MUST_CHECK;

/** A signature algorithm that we take: how to verify with it. */
struct csr_alg {
	enum key_family family; /* of the keys that it fits: all of them ... */
	enum key_kind kind;	/* ... or this one, unless KEY_OTHER */
	const char *digest;	/* NULL: the key has its own (KEY_RAW) */
	bool pss;		/* salt as long as the digest */
};

/** By the AlgorithmIdentifier's bytes (content of the SEQUENCE).
 * \retval RC_POLICY rule CSR-SIGNATURE-ALG */
enum rc csr_alg_read(const char *from, struct span algorithm,
    const struct csr_alg **ret) MUST_CHECK;

#endif
