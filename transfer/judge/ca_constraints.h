/* SPDX-License-Identifier: Apache-2.0 */
/** Names and nameConstraints of a CA certificate: are they well formed? */
#ifndef TRANSFER_JUDGE_CA_CONSTRAINTS_H
#define TRANSFER_JUDGE_CA_CONSTRAINTS_H

#include "base/span.h"

/** A Name in strict DER: NULL, or what is wrong with it. Empty is well formed. */
const char *ca_name_fault(struct span name);

/** The value of nameConstraints (RFC 5280 4.2.1.10) in strict DER: NULL, or what
 * is wrong. What it permits is not asked here. */
const char *ca_constraints_fault(struct span value);

#endif
