/* SPDX-License-Identifier: Apache-2.0 */
/** Name constraints of a CA certificate (RFC 5280 4.2.1.10): what it is bound to.
 *
 * Verifiers refuse a name outside them whatever else is right, and they cannot be
 * changed for as long as the certificate lives. So policy, lint and judge ask here
 * before anything is signed, and after.
 */
#ifndef TRANSFER_X509_CONSTRAINTS_H
#define TRANSFER_X509_CONSTRAINTS_H

#include "transfer/x509/cidr.h"
#include "transfer/x509/name.h"

/** Both lists of subtrees, within the certificate; n 0: none. */
struct constraints {
	struct span permitted, excluded;
};

/** Read those of a certificate, whose bytes must outlive `ret`; one without the
 * extension is bound to nothing.
 * \retval RC_FORMAT rule CA-CERT: they are malformed; rules of cert_parts_read */
enum rc constraints_read(const char *from, struct span cert,
    struct constraints *ret) MUST_CHECK;

/** The value of that extension as it stands there; n 0: it has none. */
enum rc constraints_find(const char *from, struct span cert,
    struct span *ret_value, bool *ret_critical) MUST_CHECK;

/** Read the value of a nameConstraints extension. Rule CA-CERT: malformed. */
enum rc constraints_value_read(
    const char *from, struct span value, struct constraints *ret) MUST_CHECK;

/** Does `c` allow every name that a permitted subtree of `asked` allows? What
 * `asked` says nothing of it does not ask for. */
bool constraints_allow(
    const struct constraints *c, const struct constraints *asked);

/** Does `c` allow every name that `below` allows? */
bool constraints_contain(
    const struct constraints *c, const struct constraints *below);

/** Why a certificate with this name would be refused: the end of a sentence
 * that begins with the name. NULL: it would not. A subtree of a form that is
 * known to nobody refuses every name of its type. */
const char *constraints_fault(
    const struct constraints *c, const struct name *name);

/** The same of a subject (Name, whole DER): of a certificate without a dNSName
 * among its names, OpenSSL and GnuTLS take a CN for one. */
const char *constraints_subject_fault(const struct constraints *c,
    struct span subject, const struct name *names, size_t n);

/** Is every name of this type allowed whose domain is `domain` or below? NULL: in
 * any domain. Not for IP. */
bool constraints_hold_domain(
    const struct constraints *c, enum name_type type, const char *domain);

/** Is every address of the range allowed? */
bool constraints_hold_range(
    const struct constraints *c, const struct cidr *range);

/** "dns:example.org, not ip:0.0.0.0/0", "nothing": appended. */
enum rc constraints_write(const struct constraints *c, struct buf *out)
    MUST_CHECK;

#endif
