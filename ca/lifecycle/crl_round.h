/* SPDX-License-Identifier: Apache-2.0 */
/** A series of CRLs to everybody: `airgap-ca crl`.
 *
 * Each requester gets a response without a bundle, in its channel, that carries the
 * whole series.
 */
#ifndef CA_LIFECYCLE_CRL_ROUND_H
#define CA_LIFECYCLE_CRL_ROUND_H

#include "ca/crl/crl_make.h"
#include "ca/response/response.h"

struct crl_round {
	struct act *act; /* borrowed */
	struct crl_request wish;
	struct requester *requesters; /* owned */
	size_t n;
	uint64_t revoked; /* certificates, by now */
	struct response *responses; /* owned; n of them */
};
void crl_round_wipe(struct crl_round *round);

/** Whom it concerns, and may it be made?
 * \retval RC_POLICY rules CRL-SERIES, CRL-CA-END, CRL-SIGN */
enum rc crl_round_plan(struct crl_round *round) MUST_CHECK;

/** PIN, series, responses: signed, judged and stored. */
enum rc crl_round_run(struct crl_round *round,
    void (*progress)(void *arg, uint64_t done), void *arg) MUST_CHECK;

#endif
