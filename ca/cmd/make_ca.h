/* SPDX-License-Identifier: Apache-2.0 */
/** From a CA that was checked to one that is there: `init` and `import`. */
#ifndef CA_CMD_MAKE_CA_H
#define CA_CMD_MAKE_CA_H

#include "base/cmd.h"
#include "ca/lifecycle/init.h"

/** Look at the token, show the review, ask, and make it. */
enum rc cmd_make_ca(struct cmd_env *env, struct init *init,
    const char *question) MUST_CHECK;

#endif
