/* SPDX-License-Identifier: Apache-2.0 */
/** What a CA certificate says and must say, read from its DER alone.
 *
 * A leaf is compared with the one certificate that is right; of a CA's there is
 * no such pattern, because its names, dates and constraints are its own. So
 * each field is held to RFC 5280 and to what airgap-ca makes, and nothing is
 * passed over. Who signed it, and who may be believed, is for trust.c and
 * card_judge.c.
 */
#ifndef TRANSFER_JUDGE_CA_FORM_H
#define TRANSFER_JUDGE_CA_FORM_H

#include "transfer/x509/tbs.h"

/** Whose it is: the CA that is pinned, one that issued it, or one over its next
 * key, which has its name and was signed by another key of it. That last one
 * airgap-ca has made; the others may be of other software, and differ where
 * peers do not mind. */
enum ca_place { CA_PINNED, CA_ABOVE, CA_CROSS };

/** Spans point into the certificate. */
struct ca_form {
	struct cert_parts parts;
	int64_t not_before, not_after;
	struct span ski;     /* n 0: none, of a root */
	struct span aki;     /* its keyid; n 0: none */
	int path_len;	     /* -1: no limit */
	bool own_issuer;     /* issuer and subject are the same bytes */
	bool basic_critical; /* basicConstraints */
	bool signs_crls;     /* its keyUsage has cRLSign, or there is none */
	bool other_uses;     /* its keyUsage has more than a CA needs */
	bool bound, bound_critical; /* nameConstraints: there; critical */
	bool succession; /* it has the mark of the CA's own next keys */
};

/** \retval RC_FORMAT rule CA-CERT: the sentence names the clause */
enum rc ca_form_read(const char *from, struct span der, enum ca_place place,
    struct ca_form *ret) MUST_CHECK;

/** Is it valid at that moment of this host's clock? Rule CA-DATES. */
enum rc ca_form_dates(const char *from, int64_t not_before, int64_t not_after,
    int64_t now) MUST_CHECK;

#endif
