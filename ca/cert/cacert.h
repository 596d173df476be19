/* SPDX-License-Identifier: Apache-2.0 */
/* What the CA's own certificates say of what they are for, and its request for one
 * by another CA says likewise. */
#ifndef CA_CERT_CACERT_H
#define CA_CERT_CACERT_H

#include "transfer/x509/cert.h"

#define CA_KEY_USAGE (KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN | KU_CRL_SIGN)

/* Critical. RFC 5280 4.2.1.9; `path_len` of a CA only. */
enum rc cacert_add_basic_constraints(
    X509 *x, bool is_ca, uint32_t path_len) MUST_CHECK;

/* Critical. RFC 5280 4.2.1.3: all bits in use lie in the first octet. */
enum rc cacert_add_key_usage(X509 *x, uint8_t usage) MUST_CHECK;

#endif
