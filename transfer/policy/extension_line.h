/* SPDX-License-Identifier: Apache-2.0 */
/** One `extension.NAME = VALUE` line of a profile, as x509v3_config(5) has it. */
#ifndef TRANSFER_POLICY_EXTENSION_LINE_H
#define TRANSFER_POLICY_EXTENSION_LINE_H

#include "transfer/policy/policy.h"

#include <openssl/x509.h>

/** What OpenSSL makes of the line, without a configuration file: no section, and no
 * certificate to copy from, is there.
 * \retval RC_FORMAT rule POLICY: it is made from other keys of the profile, or no
 *                   value for it that stands on one line */
enum rc extension_of_line(
    const struct policy_extension *line, X509_EXTENSION **ret) MUST_CHECK;

#endif
