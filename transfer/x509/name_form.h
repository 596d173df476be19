/* SPDX-License-Identifier: Apache-2.0 */
/** What a type of name is: a row. For transfer/x509/name*.
 *
 * A new type is an enumerator of enum name_type (its value stands in bundles, so
 * it comes last), a row in name_form.c, and the row's own functions. Options,
 * policy.conf, reviews and JSON take its word from here. Two places do not, and
 * on purpose: docs/transfer.cddl, and ca/cert/lint_ext.c, which shall find what is
 * wrong here.
 */
#ifndef TRANSFER_X509_NAME_FORM_H
#define TRANSFER_X509_NAME_FORM_H

#include "transfer/x509/name_ip.h"
#include "transfer/x509/name_parts.h"

struct name_form {
	const char *word; /* "dns" */

	/* The GeneralName (RFC 5280 4.2.1.6): its tag, or that of an otherName,
	 * DER_EXPLICIT(0), whose type-id and string type tell what it is. */
	uint8_t tag;
	uint8_t other_tag;
	uint8_t other_n, other_oid[8];
	const char *other_called; /* "an SRVName" */

	bool host; /* of a host or its service: case-blind, and not beside a JID */

	/** Cut a text; false when the mark that ends the head is missing. NULL:
	 * a name without a domain is all tail. */
	bool (*split)(struct span text, struct name_parts *ret);
	const char *unsplit; /* what a text without that mark lacks */

	/** As typed by a person, in the one spelling; appended. */
	enum rc (*spell)(const struct name_parts *parts, struct buf *out);

	/** Is it in that spelling? Rules NAME-FORM, NAME-WILDCARD. */
	enum rc (*check)(const char *from, const struct name *name,
	    const struct name_parts *parts);

	/** Octets of a GeneralName from a text and back. NULL: they are the text. */
	enum rc (*into_der)(struct span text, struct ip_octets *ret);
	enum rc (*out_of_der)(
	    const char *from, struct span octets, char ret[static IP_TEXT]);
};

/** The row of a type; NULL for what is none. */
const struct name_form *name_form_get0(enum name_type type);

/** Cut a name as its type is cut. */
bool name_split(enum name_type type, struct span text, struct name_parts *ret);

#endif
