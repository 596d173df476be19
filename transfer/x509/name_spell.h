/* SPDX-License-Identifier: Apache-2.0 */
/** Names as people type them, made into the one spelling: U-labels become
 * A-labels (U-labels in a JID), letters are lowered where the type is case-blind.
 * What cannot be made into it is left for name_check to name. For
 * transfer/x509/name_form. */
#ifndef TRANSFER_X509_NAME_SPELL_H
#define TRANSFER_X509_NAME_SPELL_H

#include "transfer/x509/name_parts.h"

/** Each appends to `out`. spell_host is for all but the three others. */
enum rc spell_host(const struct name_parts *parts, struct buf *out) MUST_CHECK;
enum rc spell_email(const struct name_parts *parts, struct buf *out) MUST_CHECK;
enum rc spell_xmpp(const struct name_parts *parts, struct buf *out) MUST_CHECK;
enum rc spell_address(
    const struct name_parts *parts, struct buf *out) MUST_CHECK;

#endif
