/* SPDX-License-Identifier: Apache-2.0 */
/** What others may be told of the certificates of a name: POSH documents and TLSA
 * records.
 *
 * A POSH document lists every certificate that is valid now, whichever of them a
 * server presents in an overlap, and the next to come, so that a rotation finds it
 * listed. TLSA records, which people copy into a zone by hand, stand for everything
 * that is held and has not ended. What another request replaced is in neither: its
 * key may have leaked (holding.h).
 */
#ifndef TRANSFER_ONLINE_DEPLOY_POSH_H
#define TRANSFER_ONLINE_DEPLOY_POSH_H

#include "transfer/online/store/holding.h"

/** Is certificate `i` one of those that are listed? */
bool posh_is_listed(const struct holding *holding, size_t i, int64_t now);

/** Is one of them valid now? If not, a clock is probably wrong, and what is
 * published already stays. */
bool posh_is_now(const struct holding *holding, int64_t now);

/** For how many seconds a list may be kept: a day, and less than the shortest
 * overlap of those listed; an hour where there is none, since the next may then
 * come unannounced. */
int64_t posh_expires(const struct holding *holding, int64_t now);

/** Append the document (RFC 7711 3.1): SHA-256 of the whole certificates, in
 * base64. The same bytes serve xmpp-client and xmpp-server.
 * \retval RC_STATE no certificate is valid now or later */
enum rc posh_write(const struct holding *holding, int64_t now, struct buf *out)
    MUST_CHECK;

/* ---- DANE ---------------------------------------------------------------- */

#define TLSA_DATA_LEN SHA256_LEN

/** One record's rdata (RFC 6698 2.1). */
struct tlsa {
	uint8_t usage, selector, matching;
	uint8_t data[TLSA_DATA_LEN];
};

#define TLSA_MAX 16

/** The records of a name: 3 1 1 for the key of each certificate (a series has one
 * key, and so one record), and 2 0 1 for the CA certificate, which the
 * deployed chains carry: the whole of it, so that its name constraints and path
 * length count (RFC 7671 5.2).
 * \retval RC_STATE no certificate is valid now or later, or more than TLSA_MAX
 *                  keys are */
enum rc tlsa_make(struct store *store, const struct holding *holding,
    int64_t now, struct tlsa ret[static TLSA_MAX], size_t *ret_n) MUST_CHECK;

/** The hosts of a certificate: its dns names without a service name (srv) of
 * theirs, which belong to domains; all of its dns names if none is left. One a
 * line, no wildcards. */
enum rc tlsa_hosts(struct span names, struct buf *ret_lines) MUST_CHECK;

#endif
