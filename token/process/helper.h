/* SPDX-License-Identifier: Apache-2.0 */
/** The token process: the module, the session and the PIN live here alone. */
#ifndef TOKEN_PROCESS_HELPER_H
#define TOKEN_PROCESS_HELPER_H

#include "token/wire/shape.h"

/** Serve requests from `sock` (token/wire/wire.h) in order until it closes; `arg` is
 * a struct token_options. For child_start. */
enum rc helper_main(int sock, void *arg);

#endif
