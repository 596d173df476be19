/* SPDX-License-Identifier: Apache-2.0 */
/** What the token process gives up before it loads a module.
 *
 * A module is foreign code that has the PIN. It needs its own files, its devices,
 * sockets of this machine; it does not need the ledger, the stick, the signer's
 * memory or a network. Landlock cannot forbid one directory, so everything around
 * the hidden paths is allowed, and nothing on the way to them.
 */
#ifndef TOKEN_PROCESS_JAIL_H
#define TOKEN_PROCESS_JAIL_H

#include "token/wire/shape.h"

/** Enter it, once and for good. Where the kernel has no Landlock or no seccomp the
 * level says so; one that it has and that does not hold is refused.
 * \param pin_file  may be read although it lies below a hidden path; or NULL
 * \retval RC_TOKEN a lock that this kernel has was refused or does not hold */
enum rc jail_enter(const struct token_options *options, const char *pin_file,
    struct token_level *ret) MUST_CHECK;

#endif
