/* SPDX-License-Identifier: Apache-2.0 */
/** Where a certificate says that the CRL of its issuer lies (crlDistributionPoints,
 * RFC 5280 4.2.1.13).
 *
 * After a rollover each key of the CA has a CRL of its own, and a client believes
 * the one by the key that signed the certificate: four libraries out of five take
 * nothing else. So a place belongs to one key for good. The first key's is what the
 * policy says; in certificates of a later one (succession.h) the name of the file has
 * the key's mark: .../a.crl becomes .../a-0123456789abcdef.crl. The program that
 * publishes CRLs goes by the same names.
 */
#ifndef TRANSFER_X509_CRL_POINTS_H
#define TRANSFER_X509_CRL_POINTS_H

#include "base/buf.h"
#include "base/hex.h"

#define CRL_MARK_LEN 16 /* digits: half of what is shown of a key */
#define CRL_MARK_TEXT (CRL_MARK_LEN + 1)
#define CRL_NAME_MAX 100 /* bytes of a name with its mark */

/** The mark of a key: the beginning of its key-id. */
void crl_mark_write(
    const uint8_t key_id[static SHA256_LEN], char ret[static CRL_MARK_TEXT]);

/** The file that a URI names: what stands behind the last '/' of an http or https
 * URI, where that is a plain name with room for a mark; else n 0, and a mark has no
 * place in it. */
struct span crl_uri_file(struct span uri);

/** A URI with the mark in the name of its file; one that names none as it is. */
enum rc crl_uri_mark(struct span uri, const char *mark, struct buf *out)
    MUST_CHECK;

/** The same of each URI in the value of a crlDistributionPoints: appended. */
enum rc crl_points_mark(struct span value, const char *mark, struct buf *out)
    MUST_CHECK;

typedef enum rc crl_uri_fn(void *arg, struct span uri);

/** Each URI in such a value, in order. */
enum rc crl_points_each(struct span value, crl_uri_fn *see, void *arg)
    MUST_CHECK;

#endif
