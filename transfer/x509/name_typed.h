/* SPDX-License-Identifier: Apache-2.0 */
/** Names on a command line. What is no name there is a wrong command line,
 * whatever rule says so. */
#ifndef TRANSFER_X509_NAME_TYPED_H
#define TRANSFER_X509_NAME_TYPED_H

#include "transfer/x509/name.h"

/** Append what was typed as TYPE:X behind --OPTION.
 * \retval RC_USAGE  it is no name; with the rule that says so, if one does */
enum rc name_typed_add(struct name_list *list, const char *option,
    const char *typed) MUST_CHECK;

/** Why what was typed behind --OPTION is no name, in those words. */
enum rc name_typed_wrong(enum rc rc, const char *option, const char *typed)
    MUST_CHECK;

#endif
