/* SPDX-License-Identifier: Apache-2.0 */
/** What the files are called in which a new response has its certificates.
 *
 * Each request has a file of its own while they are few; above, ANSWER_BULK share one:
 * a stick writes one large file far faster than thousands of small ones.
 */
#ifndef CA_RESPONSE_ANSWER_NAMES_H
#define CA_RESPONSE_ANSWER_NAMES_H

#include "ca/intake/submission.h"

#define ANSWER_SINGLE_MAX 100  /* requests of a bundle */
#define ANSWER_LOOSE_MAX 1000  /* loose CSRs, whose files somebody named */
#define ANSWER_BULK 1000

struct answer_names {
	char (*items)[FILE_NAME_MAX + 1]; /* owned */
	size_t per_file;		  /* requests in each of them */
};
void answer_names_wipe(struct answer_names *names);

/** A request of a bundle is answered in NUMBER-ID.pem, a loose CSR in a file with
 * its own name and the ending .pem: web.csr in web.pem. Where two would get
 * one name, or the CA's certificate's, each keeps its whole name (web.csr.pem,
 * web.p10.pem); where that does not do either, all are NUMBER-ID.pem. Many share
 * certs-NUMBER.pem. */
enum rc answer_names_make(const struct submission *s, struct answer_names *ret)
    MUST_CHECK;

/** The file in which request `i` is answered. */
const char *answer_name_get0(const struct answer_names *names, size_t i);

#endif
