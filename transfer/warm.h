/* SPDX-License-Identifier: Apache-2.0 */
/** Making OpenSSL and the C library load what they load late.
 *
 * A process that will be allowed no open and no socket does first, once, each
 * kind of thing that it will do: decoders, digests, verification, the time
 * zone's file. What comes later is arithmetic.
 */
#ifndef TRANSFER_WARM_H
#define TRANSFER_WARM_H

#include "base/err.h"

/** \retval RC_BUG OpenSSL lacks something that we need */
enum rc warm_up(void) MUST_CHECK;

#endif
