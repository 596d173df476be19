/* SPDX-License-Identifier: Apache-2.0 */
/** What of the environment libraries may heed: decided here, once.
 *
 * OpenSSL, SQLite, p11-kit and the C library look for directories of code, for
 * configuration, for places of temporary files and for languages there. What we
 * sign, believe and write shall depend on none of it, and no library shall load
 * what a variable names.
 */
#ifndef BASE_ENVIRONMENT_H
#define BASE_ENVIRONMENT_H

#include "base/err.h"

/** First of all, before any library is used: take out what environment.c lists.
 * Children and commands that we run have the rest.
 * \retval RC_IO no memory */
enum rc environment_settle(void) MUST_CHECK;

#endif
