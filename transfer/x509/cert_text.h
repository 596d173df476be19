/* SPDX-License-Identifier: Apache-2.0 */
/** A certificate in words, read from its DER without an object of OpenSSL's: a
 * walk over a whole ledger asks for it a hundred thousand times. */
#ifndef TRANSFER_X509_CERT_TEXT_H
#define TRANSFER_X509_CERT_TEXT_H

#include "transfer/x509/name.h"

struct cert_text {
	struct buf serial;	/* hex digits */
	struct buf subject;	/* RFC 4514, "" when empty */
	struct name_list names; /* of the subjectAltName */
	int64_t not_before, not_after;
};
void cert_text_wipe(struct cert_text *text);

/** \retval RC_FORMAT  not a certificate
 * \retval RC_POLICY  a name in it has a form that no name of ours has */
enum rc cert_text_read(struct span der, struct cert_text *ret) MUST_CHECK;

/** The names, "dns:a, dns:b"; appended, not escaped. */
enum rc cert_names_write(const struct name_list *names, struct buf *out)
    MUST_CHECK;

#endif
