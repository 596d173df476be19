/* SPDX-License-Identifier: Apache-2.0 */
/** What verifiers take for a host's name in a subject.
 *
 * RFC 6125 6.4.4 lets a verifier fall back to a CN where a certificate has no
 * dNSName; OpenSSL, GnuTLS and many others do.
 */
#ifndef TRANSFER_X509_SUBJECT_HOST_H
#define TRANSFER_X509_SUBJECT_HOST_H

#include "base/span.h"

/** Where one is in a subject. */
struct subject_hosts {
	struct span rdns, set; /* what is left of the name, and of this RDN */
};
/** Of a Name, whole DER; nothing follows where it is none. */
struct subject_hosts subject_hosts_of(struct span subject);

/** The next CN that could be a host's: letters, digits and the like with a dot or a
 * colon. */
bool subject_hosts_take(struct subject_hosts *hosts, struct span *ret_text);

#endif
