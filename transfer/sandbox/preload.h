/* SPDX-License-Identifier: Apache-2.0 */
/** Making OpenSSL and the C library load what they load late.
 *
 * OpenSSL loads providers and fetches algorithms when they are first used, and
 * behind a strict sandbox that is too late. So a reader and the judge do first,
 * once, each kind of thing that they will do: decoders, digests, one signature of
 * each kind (none of which verifies), the time zone's file. What comes later is
 * arithmetic.
 */
#ifndef TRANSFER_SANDBOX_PRELOAD_H
#define TRANSFER_SANDBOX_PRELOAD_H

#include "base/err.h"

/** \retval RC_BUG OpenSSL lacks something that we need */
enum rc preload(void) MUST_CHECK;

/** How a process settles that has all it needs open: no terminal, everything loaded,
 * and the strict sandbox. \retval RC_STATE rule SANDBOX; RC_IO, RC_BUG */
enum rc sandbox_settle(void) MUST_CHECK;

#endif
