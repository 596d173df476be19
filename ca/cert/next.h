/* SPDX-License-Identifier: Apache-2.0 */
/** The next certificate of a CA, made after one that it has.
 *
 * What stays is copied from that one's DER and never made anew: subject,
 * nameConstraints, keyUsage and whatever an adopted CA brought along. So a CA
 * whose certificate was made by other software is renewed as it is.
 */
#ifndef CA_CERT_NEXT_H
#define CA_CERT_NEXT_H

#include "ca/cert/alg.h"

#define PATH_LEN_SAME (-1)

/** What differs from `like`. Names, key and extensions are whole DER, key
 * identifiers their octets. */
struct ca_next {
	struct span like; /* a CA certificate */
	struct span issuer, subject, spki;
	struct span ski;
	struct span aki; /* n 0: left out, as who signs itself may */
	int64_t not_before, not_after;
	int path_len; /* or PATH_LEN_SAME; where `like` has a limit */
	bool succession; /* it has the mark (succession.h); else as `like` has */
	const struct sign_alg *alg; /* of the key that signs */
};

/** Build its TBS with a serial that is drawn, and hold it against `like`: appended.
 * \retval RC_STATE `like` is no CA certificate
 * \retval RC_BUG rule LINT: it does not say what `like` says */
enum rc tbs_of_ca_next(const struct ca_next *next, struct buf *ret_tbs)
    MUST_CHECK;

#endif
