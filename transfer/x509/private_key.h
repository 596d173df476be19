/* SPDX-License-Identifier: Apache-2.0 */
/** Private keys where none belongs: among CSRs, on a stick.
 *
 * Nothing is done with one but to say that it is there, whatever its form and
 * size: its holder must hear of it, for it has left the machine that it is for.
 */
#ifndef TRANSFER_X509_PRIVATE_KEY_H
#define TRANSFER_X509_PRIVATE_KEY_H

#include "base/err.h"
#include "base/span.h"

/** Does this file hold a private key? PEM with any label that says so (PKCS#8,
 * PKCS#1, SEC 1, OpenSSH, PGP), in any encoding of text; DER of PKCS#8, encrypted or
 * not, PKCS#1, SEC 1, DSA and PKCS#12, within PEM of another label, too; PuTTY's;
 * key stores of Java; PVK. Rule PRIVATE-KEY.
 * \retval RC_IO no memory */
enum rc private_key_check(const char *from, struct span file) MUST_CHECK;

/** Is this DER one? What it is, for a sentence; NULL if not. */
const char *private_key_of_der(struct span der);

#endif
