/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of a request that transfer/x509/csr reads by themselves. */
#ifndef TRANSFER_X509_CSR_PARTS_H
#define TRANSFER_X509_CSR_PARTS_H

#include "transfer/x509/csr.h"

/** What the attributes of a request ask for. */
struct csr_wishes {
	struct span san;   /* value of its subjectAltName, as it stands there */
	unsigned n_sans;   /* that there are */
	unsigned n_lists;  /* of extensions: no more than one tells names */
	enum rule ca_rule; /* what first asks to be a CA is refused by it ... */
	char ca_reason[ERR_TEXT_MAX];
	struct csr_ca_wish ca;
};

/** The attributes (RFC 2986 4.1): content of the [0]. What asks for no more
 * than names is passed over, and not read. Rules CSR-FORM, CSR-EKU,
 * CSR-EXTENSION; and CSR-CA, CSR-KEY-USAGE and CSR-EXTENSION in `ret`, which
 * refuse by themselves nothing. */
enum rc csr_attributes_read(const char *from, struct span attributes,
    struct csr_wishes *ret) MUST_CHECK;

/** The names of its subjectAltName, which it has, not yet checked by name_check.
 * Rules CSR-FORM, and those of names_of_san_der. */
enum rc csr_san_read(const char *from, const struct csr_wishes *wishes,
    struct name_list *names) MUST_CHECK;

/** A signature algorithm that we take: how to verify with it. */
struct csr_alg {
	enum key_family family; /* of the keys that it fits: all of them ... */
	enum key_kind kind;	/* ... or this one, unless KEY_OTHER */
	const char *digest;	/* NULL: the key has its own (KEY_RAW) */
	bool pss;
	int salt; /* PSS: its bytes */
};

/** By the AlgorithmIdentifier's bytes (content of the SEQUENCE).
 * \retval RC_POLICY rule CSR-SIGNATURE-ALG */
enum rc csr_alg_read(
    const char *from, struct span algorithm, struct csr_alg *ret) MUST_CHECK;

#endif
