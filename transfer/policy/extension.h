/* SPDX-License-Identifier: Apache-2.0 */
/** The extensions of a certificate, derived in one place (RFC 5280 4.2).
 *
 * The signer puts into a certificate exactly what this says, the judge compares
 * with exactly what this says. What a profile always has is encoded once
 * (extension_plan), the rest per certificate, in this order: basicConstraints
 * (critical), keyUsage (critical), extKeyUsage, subjectKeyIdentifier,
 * authorityKeyIdentifier, subjectAltName (critical iff the subject is empty),
 * then the profile's own. A CA whose profile has no nameConstraints gets those
 * of its issuer at the end, as they stand there: Java holds nobody to those of
 * a root. Places of CRLs are those of the issuer's key (crl_points.h).
 */
#ifndef TRANSFER_POLICY_EXTENSION_H
#define TRANSFER_POLICY_EXTENSION_H

#include "transfer/policy/policy.h"
#include "transfer/x509/crl_points.h"
#include "transfer/x509/name.h"

#include <openssl/x509.h>

#define KEY_IDENTIFIER_LEN 20
#define EXTENSIONS_MAX 32 /* in one certificate */

/** One extension; the spans point into its list, or into the plan. */
struct extension {
	struct span oid;   /* DER of the OBJECT IDENTIFIER, header included */
	bool critical;
	struct span value; /* DER of the value: what the OCTET STRING holds */
};

/** What all certificates of a profile under one CA key share. */
struct extension_plan {
	struct extension_part {
		size_t oid, oid_n, value, value_n; /* places in store */
		bool critical;
		enum { PART_ALL, PART_RSA, PART_NOT_RSA } keys; /* for which */
	} parts[EXTENSIONS_MAX];
	size_t n_before, n; /* parts before SKI, AKI, SAN; all */
	struct buf store;
	uint8_t ca_ski[64];
	size_t ca_ski_n;
};
void extension_plan_wipe(struct extension_plan *plan);

/** What the CA certificate says that stands in those below it. */
struct extension_issuer {
	struct span ski; /* its octets, no header: the keyid of the AKI */
	struct span constraints; /* value of its nameConstraints; n 0: none */
	bool constraints_critical;
	char mark[CRL_MARK_TEXT]; /* of its CRLs; empty: of its first key */
};

/** \retval RC_FORMAT rule POLICY: an extension of the profile that OpenSSL does
 *                   not take, stands twice, or is one that we make ourselves */
enum rc extension_plan_make(const struct profile *profile,
    const struct extension_issuer *issuer,
    struct extension_plan *ret) MUST_CHECK;

/** The nameConstraints of a CA certificate, for its `issuer`, and whose CRLs are
 * those of its key.
 * \retval RC_FORMAT rule CA-CERT: they are malformed */
enum rc extension_issuer_read(const char *from, struct span ca_cert,
    struct span ski, struct extension_issuer *ret) MUST_CHECK;

/** The extensions of one certificate, in order. */
struct extension_list {
	struct extension items[EXTENSIONS_MAX];
	size_t n;
	struct buf store; /* behind those that are this certificate's own */
};
void extension_list_wipe(struct extension_list *list);

/** \param spki           DER of the subject's key
 * \param subject_empty   then the subjectAltName is critical (4.2.1.6)
 * The plan must outlive the list. A list can be made again and again: its store
 * is reused. \retval RC_FORMAT a name that cannot be encoded */
enum rc extension_list_make(const struct extension_plan *plan,
    struct span spki, const struct name *names, size_t n_names,
    bool subject_empty, struct extension_list *ret) MUST_CHECK;

/** Append the SEQUENCE OF Extension. */
enum rc extension_list_write(const struct extension_list *list,
    struct buf *out) MUST_CHECK;

/** The same one as OpenSSL has it, for building with its X509 API. */
enum rc extension_to_x509(const struct extension *extension,
    X509_EXTENSION **ret) MUST_CHECK;

/** The subjectKeyIdentifier of a key by RFC 7093 section 2 method 1: the first
 * 160 bits of the SHA-256 of the BIT STRING's content. */
enum rc key_identifier_of(struct span spki,
    uint8_t ret_id[static KEY_IDENTIFIER_LEN]) MUST_CHECK;

#endif
