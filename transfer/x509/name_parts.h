/* SPDX-License-Identifier: Apache-2.0 */
/** Names taken apart, and domains in their two spellings. For transfer/x509/name*. */
#ifndef TRANSFER_X509_NAME_PARTS_H
#define TRANSFER_X509_NAME_PARTS_H

#include "transfer/x509/name.h"

/** What stands around the domain of a name. Concatenated, `head`, `domain` and
 * `tail` are the text again. */
struct name_parts {
	struct span head; /* "*.", "_xmpp-client.", "local@", "https://" */
	struct span domain;
	struct span tail; /* of a URI: port, path, query */
};

/** Cut a text where its type does: behind "*.", the first dot, the last '@', or
 * "://" and before what follows a URI's host. False when that is missing. */
bool split_dns(struct span text, struct name_parts *ret);
bool split_dot(struct span text, struct name_parts *ret);
bool split_at(struct span text, struct name_parts *ret);
bool split_uri(struct span text, struct name_parts *ret);

/** Append the domain with A-labels for U-labels, in lower case (IDNA2008 as
 * UTS 46 prepares it, non-transitional). False when it is no domain.
 * \param mapped  false: take exactly what IDNA2008 allows, mapping nothing */
bool domain_to_ascii(struct span domain, bool mapped, struct buf *ret);

/** Append the domain with U-labels for A-labels. */
bool domain_to_unicode(struct span domain, struct buf *ret);

/** Does every A-label of this ASCII domain decode, and encode again to itself? */
bool domain_alabels_hold(struct span domain);

/** Is there a byte over 0x7f? */
bool span_is_ascii(struct span text);

/** ASCII in lower case, appended. */
enum rc add_lowered(struct buf *out, struct span text) MUST_CHECK;

#endif
