/* SPDX-License-Identifier: Apache-2.0 */
/** Distinguished names: the one place that makes them.
 *
 * Both sides derive a certificate's subject here, so that the judge knows it
 * byte for byte.
 */
#ifndef TRANSFER_POLICY_SUBJECT_H
#define TRANSFER_POLICY_SUBJECT_H

#include "transfer/policy/policy.h"
#include "transfer/x509/name.h"

#define SUBJECT_CN_MAX 64 /* characters: ub-common-name, RFC 5280 appendix A */

/** Read "O=Example AB, CN=XMPP CA": attributes in the order of encoding, each
 * short name (C, ST, L, O, OU, CN, DC, serialNumber, emailAddress ...) or dotted
 * OID, one to an RDN, separated by commas; a backslash takes the next character
 * as it is; white space around commas and equal signs is dropped. Text is UTF-8
 * and is encoded as UTF8String but where the attribute wants another type (C).
 * An empty text is an empty name.
 * \retval RC_USAGE  not of this form, unknown attribute, value not allowed */
enum rc subject_read(const char *text, X509_NAME **ret) MUST_CHECK;

/** The subject of a certificate by the profile's rule: empty; CN = first name
 * as text, empty when it has over SUBJECT_CN_MAX characters; that of the CSR
 * (`asked`, a Name), as subject_csr_check wants it; or the fixed text
 * with %{name} (the first name), %{domain} (its domain) and %% expanded. A text
 * that would have room for a short name, and has none for this one, is made as
 * if the rule were the first name, but for a CA. \retval RC_POLICY rule
 * SUBJECT: the text does not make a name with these; rule SUBCA-SUBJECT */
enum rc subject_of(const struct profile *profile, struct span asked,
    const struct name *names, size_t n, X509_NAME **ret) MUST_CHECK;

/** May a Name (whole DER) be the subject of a CA as it stands there? Not empty;
 * an attribute to an RDN, each with text of the type and length that RFC 5280
 * (appendix A) has for it, which can be shown. Rule SUBCA-SUBJECT. */
enum rc subject_csr_check(struct span asked) MUST_CHECK;

/** Are two Names one by RFC 5280 7.1, where case and spaces do not count? */
enum rc subject_same(struct span a, struct span b, bool *ret) MUST_CHECK;

/** As subject_read takes it, for people: "CN=XMPP CA, O=Example AB". */
enum rc subject_print(const X509_NAME *subject, struct buf *out) MUST_CHECK;

/** Its DER, appended. */
enum rc subject_write(const X509_NAME *subject, struct buf *out) MUST_CHECK;

#endif
