/* SPDX-License-Identifier: Apache-2.0 */
/** One long-lived session with one token, by the module's own functions. */
#ifndef TOKEN_P11_SESSION_H
#define TOKEN_P11_SESSION_H

#include "token/p11/module.h"

struct session {
	struct module *module; /* borrowed; NULL when nothing is open */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE handle; /* P11_NO_HANDLE when closed */
	char name[80];		  /* `token "LABEL"`, for sentences */
};

/** Open a read-only session. */
enum rc session_open(
    struct session *s, struct module *module, CK_SLOT_ID slot) MUST_CHECK;

/** Close it, if open; forget the token. */
void session_wipe(struct session *s);

/** Close it and open another on the same token. After an error between
 * C_SignInit and C_Sign the old one may be busy for ever. The login lives as
 * long as one session does, so the new one is opened first where it can be. */
enum rc session_renew(struct session *s) MUST_CHECK;

/** What the token says of itself now, not when it was first seen. */
enum rc session_token_info(
    const struct session *s, CK_TOKEN_INFO *ret_info) MUST_CHECK;

/** A second session, for writing; it shares the login. */
enum rc session_writable(
    const struct session *s, CK_SESSION_HANDLE *ret_handle) MUST_CHECK;
void session_close_handle(const struct session *s, CK_SESSION_HANDLE *handle);

/** Trim the padding of a CK_UTF8CHAR field. */
struct span p11_padded(const CK_UTF8CHAR *text, size_t size);

#endif
