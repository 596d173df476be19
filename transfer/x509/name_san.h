/* SPDX-License-Identifier: Apache-2.0 */
/** subjectAltName as DER, without OpenSSL's objects: transfer/x509/name.h has the
 * same by way of them. */
#ifndef TRANSFER_X509_NAME_SAN_H
#define TRANSFER_X509_NAME_SAN_H

#include "transfer/x509/name.h"

/** Append the SEQUENCE OF GeneralName. Names are checked (name_check). */
enum rc names_to_san_der(const struct name *names, size_t n, struct buf *out)
    MUST_CHECK;

/** The names of strict DER (der_check). The forms are told apart, the texts are
 * not judged: name_check does that. Rules NAME-TYPE, NAME-FORM (empty, not DER,
 * an address of no known length), NAMES-COUNT. */
enum rc names_of_san_der(const char *from, struct span san,
    struct name_list *ret) MUST_CHECK;

#endif
