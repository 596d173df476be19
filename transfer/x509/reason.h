/* SPDX-License-Identifier: Apache-2.0 */
/** Why a certificate was revoked: RFC 5280 5.3.1 by number and by name.
 *
 * Without certificateHold (6) and removeFromCRL (8): what is revoked stays so.
 * 7 is not used there either.
 */
#ifndef TRANSFER_X509_REASON_H
#define TRANSFER_X509_REASON_H

#include "base/choice.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum reason {
	REASON_UNSPECIFIED = 0, /* stands in no CRL: it is left out there */
	REASON_KEY_COMPROMISE = 1,
	REASON_CA_COMPROMISE = 2,
	REASON_AFFILIATION_CHANGED = 3,
	REASON_SUPERSEDED = 4,
	REASON_CESSATION_OF_OPERATION = 5,
	REASON_PRIVILEGE_WITHDRAWN = 9,
	REASON_AA_COMPROMISE = 10,
};
#define REASON_MAX 10 /* the highest number */

/** Names by number, "keyCompromise", up to REASON_MAX; NULL: no such reason. */
extern const char *const reason_names[REASON_MAX + 1];

/** By number. False: there is no such reason, or none of ours. */
bool reason_is_known(uint64_t number);

/** "keyCompromise"; "unknown" for a number that is none. */
const char *reason_text(enum reason reason);

/** By name, of which case does not count: keycompromise is meant for one.
 * `option` names it in the sentence.
 * \retval RC_USAGE rule REVOKE-REASON: it lists what there is */
enum rc reason_parse(
    const char *option, const char *text, enum reason *ret) MUST_CHECK;

/** Does it say that others may have the key? Such a key is never certified again. */
bool reason_is_compromise(enum reason reason);

#endif
