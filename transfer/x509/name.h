/* SPDX-License-Identifier: Apache-2.0 */
/** Subject alternative names: one spelling for each of the six types.
 *
 * A name is (type, text) as in docs/transfer.cddl; on the command line
 * "dns:example.org", "srv:_xmpp-client.example.org", "xmpp:a@example.org",
 * "ip:192.0.2.1", "email:a@example.org", "uri:https://example.org/".
 */
#ifndef TRANSFER_X509_NAME_H
#define TRANSFER_X509_NAME_H

#include "base/buf.h"
#include "base/choice.h"

#include <openssl/x509v3.h>

/** Each is a row of transfer/x509/name_form.c. The values stand in bundles. */
enum name_type {
	NAME_DNS,
	NAME_SRV,   /* _Service.Name, RFC 4985 */
	NAME_XMPP,  /* RFC 6120 13.7.1.4 */
	NAME_IP,    /* text form */
	NAME_EMAIL, /* rfc822Name */
	NAME_URI,
	NAME_TYPES,
};

#define NAME_TEXT_MAX 3071 /* bytes, docs/transfer.cddl */

struct name {
	enum name_type type;
	struct span text; /* UTF-8; A-labels in dns, srv, email, uri */
};

/** "dns", "srv", ... and back; "?" for what is no type. */
const char *name_type_text(enum name_type type);
bool name_type_read(struct span text, enum name_type *ret_type);

/** All of them: "dns:, srv: or uri:", with `tail` behind each. */
void name_types_list(const char *tail, char ret[static CHOICE_TEXT]);

/** Is it of a host or its service (dns, srv), whose letters have no case? */
bool name_type_is_host(enum name_type type);

/** Read "type:text" as typed by a person: U-labels become A-labels (libidn2),
 * letters are lowered where the type is case-blind, IP text is made canonical.
 * The text is appended to `out`, which a refusal leaves as it was.
 * \retval RC_USAGE  no type, or unknown;  others as name_check */
enum rc name_read(const char *typed, enum name_type *ret_type,
    struct buf *out) MUST_CHECK;

/** The same for a text whose type is known. */
enum rc name_read_as(enum name_type type, struct span typed,
    struct buf *out) MUST_CHECK;

/** Is it well formed and in the one spelling that a certificate may have? Rule
 * NAME-FORM, and NAME-WILDCARD for a '*' anywhere but a whole left-most label of
 * a dns name. Length limits of each type included. */
enum rc name_check(const char *from, const struct name *name) MUST_CHECK;

/** The domain that scope rules look at: the name itself, what follows _Service.,
 * or the host of an address, JID or URI. Empty for IP. */
struct span name_domain(const struct name *name);

/** Is the domain of `name` `scope` or below it? Case-blind; IP never is. */
bool name_in_scope(const struct name *name, const char *scope);

/** Order and equality for comparing what was asked with what was issued. */
int name_compare(const struct name *a, const struct name *b);

/** "dns:example.org": appended to `out` as it is (the printer escapes). */
enum rc name_write(struct buf *out, const struct name *name) MUST_CHECK;

/** The name that name_write wrote, within `text`. False when it begins with no
 * type; the name itself is not looked at. */
bool name_of_text(struct span text, struct name *ret);

/** A subjectAltName from names, and names from one. Unknown types, a wrong
 * string type, an otherName of another OID are NAME-TYPE; a form that name_check
 * refuses is refused here too. The texts go into `store` (see names_own). */
enum rc names_to_san(const struct name *names, size_t n, GENERAL_NAMES **ret)
    MUST_CHECK;

/** Names with the bytes behind them. */
struct name_list {
	struct name *items; /* owned */
	size_t n;
	struct buf store;   /* where the texts live */
};
void name_list_wipe(struct name_list *list);
/** Append a copy. */
enum rc name_list_add(struct name_list *list, enum name_type type,
    struct span text) MUST_CHECK;
/** Keep each name once, where it stood first. */
void name_list_unique(struct name_list *list);
enum rc names_of_san(const char *from, const GENERAL_NAMES *san,
    struct name_list *ret) MUST_CHECK;

#define NAMES_MAX 100 /* in one certificate */

#endif
