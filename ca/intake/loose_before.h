/* SPDX-License-Identifier: Apache-2.0 */
/** Loose CSRs that were signed before, in another set: an old file that stayed on
 * the stick gets a second certificate, which the operator should know.
 */
#ifndef CA_INTAKE_LOOSE_BEFORE_H
#define CA_INTAKE_LOOSE_BEFORE_H

#include "ca/ledger/ledger.h"
#include "transfer/media/loose.h"
#include "transfer/x509/cert.h"

struct loose_before {
	uint32_t sequence; /* of the newest response with one; 0: none */
	uint8_t serial[SERIAL_MAX];
	size_t n_serial;
	int64_t not_after;
};

/** Look through all responses to loose CSRs. `ret` has one item for each CSR of
 * the set and is the caller's. \retval RC_STATE a manifest does not read */
enum rc loose_before_find(struct ledger *ledger, const struct loose *set,
    struct loose_before **ret) MUST_CHECK;

#endif
