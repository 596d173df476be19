/* SPDX-License-Identifier: Apache-2.0 */
/** Revocations before Yes, for `sign` and `revoke`: what they come to, by names
 * that a person knows. */
#ifndef CA_CMD_REVOKE_SHOW_H
#define CA_CMD_REVOKE_SHOW_H

#include "ca/intake/revoke.h"

#include <jansson.h>

/** What would be revoked, what is already, what is good still of a key that others
 * have (same_key.h), and what is refused, with remedies. */
enum rc revokes_show(
    struct ledger *ledger, const struct revokes *revokes) MUST_CHECK;

/** The same as an array; NULL when memory runs out:
 * [{"serials","status","rule","reason"}] */
json_t *revokes_json(const struct revokes *revokes);
/** And of a manifest. */
json_t *revoke_results_json(const struct manifest *manifest);

/** How many revocations of a manifest came to this. */
size_t revoke_results_with(
    const struct manifest *manifest, enum revocation_status status);

#endif
