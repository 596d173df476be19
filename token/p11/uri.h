/* SPDX-License-Identifier: Apache-2.0 */
/** PKCS#11 URIs (RFC 7512): what the operator names a token or a key with.
 *
 * A PIN in the URI (pin-value) is refused, since it would stand in argv; a
 * pin-source is a file, never a command. `type` is passed over: a key is
 * always the pair.
 */
#ifndef TOKEN_P11_URI_H
#define TOKEN_P11_URI_H

#include "base/buf.h"
#include "token/p11/p11.h"

struct uri {
	void *parsed; /* P11KitUri; NULL matches everything */
	const char *module;  /* module-path; NULL when not given */
	char *pin_file;	     /* from pin-source; NULL when not given */
};

/** Parse; NULL gives a URI that matches every token and key.
 * \retval RC_USAGE  malformed, or asks for what is refused */
enum rc uri_parse(const char *text, struct uri *ret) MUST_CHECK;
void uri_wipe(struct uri *uri);

/** Would uri_parse take it, and is it one line? \retval RC_USAGE  no */
enum rc uri_check(const char *text) MUST_CHECK;

/** Does it name this token? (token, manufacturer, serial, model, slot-id, and
 * the slot's own attributes.) */
bool uri_match_token(const struct uri *uri, CK_SLOT_ID slot,
    const CK_SLOT_INFO *slot_info, const CK_TOKEN_INFO *info);

/** Does it name a key at all, and this one? Absent attributes match. */
bool uri_names_key(const struct uri *uri);
bool uri_match_key(const struct uri *uri, struct span label, struct span id);

/** Where a PIN is read: a path, or "file:" and a path. Points into `source`.
 * \retval RC_USAGE a command, or another kind of source */
enum rc uri_pin_path(const char *source, const char **ret_path) MUST_CHECK;

/** What it names a token by, as a URI without the module and the PIN's source: for
 * sentences. Appended; nothing where it names none. */
enum rc uri_show(const struct uri *uri, struct buf *ret_text) MUST_CHECK;

/** Write the URI of a token: module-path, token, serial, and the slot where one is
 * given; and of a key on it when `label` or `id` has bytes. Appended to
 * `ret_text`. */
#define URI_ANY_SLOT ((CK_SLOT_ID)-1)
enum rc uri_write(const char *module, const CK_TOKEN_INFO *info,
    CK_SLOT_ID slot, struct span label, struct span id,
    struct buf *ret_text) MUST_CHECK;

#endif
