/* SPDX-License-Identifier: Apache-2.0 */
/** What `deploy` and `rotate` say of a deployment. */
#ifndef TRANSFER_ONLINE_CMD_CMD_DEPLOYED_H
#define TRANSFER_ONLINE_CMD_CMD_DEPLOYED_H

#include "transfer/online/cmd/cmd.h"
#include "transfer/online/deploy/deploy.h"

/** One line for people, and a loud one for each thing that a person has to do: it
 * runs out within `within`, or none is valid. `rc` is what deploy said, its
 * sentence in the error record; it is told, and kept.
 * \param[out] ret_due  somebody has to do something */
void deployed_tell(const struct deployment *d, const struct deployed *r,
    enum rc rc, const struct deploying *by, int64_t within, bool *ret_due);

/** The same for programs. */
json_t *deployed_json(const struct deployment *d, const struct deployed *r,
    enum rc rc, bool due);

/** Its name, or null where the format is of none. */
json_t *deployed_name_json(const struct deployment *d);

/** Append the command that has a timer rotate what this home deployed. */
enum rc timer_command(const char *home, struct buf *out) MUST_CHECK;

#endif
