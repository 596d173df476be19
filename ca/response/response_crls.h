/* SPDX-License-Identifier: Apache-2.0 */
/** Which CRLs a response carries, and the bytes of each. Inside ca/response
 * only.
 *
 * A new response has what its channel lacks of the newest series, without those
 * that have ended; an old one, what its manifest lists.
 */
#ifndef CA_RESPONSE_RESPONSE_CRLS_H
#define CA_RESPONSE_RESPONSE_CRLS_H

#include "ca/response/response.h"

/** Entries of a new manifest, and the texts of their names. */
struct response_crls {
	struct crl_entry *items;	  /* owned until they are moved */
	char (*names)[FILE_NAME_MAX + 1]; /* owned */
	size_t n;
	int64_t back_by; /* when the series has to be followed by another; 0:
			    none */
};
void response_crls_wipe(struct response_crls *crls);

/** `channel` all zero: for loose CSRs. */
enum rc response_crls_choose(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], int64_t now,
    struct response_crls *ret) MUST_CHECK;

/** How large file->crl is: crl_size, and the size of the file. */
enum rc response_crl_measure(
    struct response *response, struct response_file *file) MUST_CHECK;

/** The file of a CRL that was measured: its DER in pieces, or what a shadow is sealed
 * in. RC_OK says that its digest is right.
 * \retval RC_STATE the ledger or the home lacks what it was made of */
enum rc response_crl_give(struct response *response,
    const struct response_file *file, const struct file_sink *to) MUST_CHECK;

#endif
