/* SPDX-License-Identifier: Apache-2.0 */
/* One session for everything, by the module's own function: libp11's pool
 * waits for ever when C_OpenSession fails, and puts a session back after a
 * failed login with its signature still begun. */
#include "token/p11/session.h"

#include "token/p11/ckr.h"

#include <stdio.h>

struct span
p11_padded(const CK_UTF8CHAR *text, size_t size)
{
	/* The standard pads with blanks; some modules pad with zeros. */
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\0'))
		size--;
	return span_of(text, size);
}

enum rc
session_token_info(const struct session *s, CK_TOKEN_INFO *ret_info)
{
	CK_RV rv = s->module->f->C_GetTokenInfo(s->slot, ret_info);

	return rv == CKR_OK ? RC_OK
			    : ckr_set(rv, "%s: cannot be read", s->name);
}

static enum rc
open_handle(
    const struct session *s, CK_FLAGS flags, CK_SESSION_HANDLE *ret_handle)
{
	CK_SESSION_HANDLE handle = P11_NO_HANDLE;
	CK_RV rv = s->module->f->C_OpenSession(
	    s->slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &handle);

	if (rv != CKR_OK)
		return ckr_set(rv, "%s: no session", s->name);
	*ret_handle = handle;
	return RC_OK;
}

enum rc
session_open(struct session *s, struct module *module, CK_SLOT_ID slot)
{
	struct session opened = { .module = module, .slot = slot };
	CK_TOKEN_INFO info;
	struct span label;
	enum rc rc;

	(void)snprintf(opened.name, sizeof(opened.name), "token");
	rc = session_token_info(&opened, &info);
	if (rc != RC_OK)
		return rc;
	label = p11_padded(info.label, sizeof(info.label));
	(void)snprintf(opened.name, sizeof(opened.name), "token \"%.*s\"",
	    SPAN_FMT(label));
	rc = open_handle(&opened, 0, &opened.handle);
	if (rc != RC_OK)
		return rc;
	*s = opened;
	return RC_OK;
}

void
session_close_handle(const struct session *s, CK_SESSION_HANDLE *handle)
{
	if (*handle != P11_NO_HANDLE)
		(void)s->module->f->C_CloseSession(*handle);
	*handle = P11_NO_HANDLE;
}

void
session_wipe(struct session *s)
{
	if (s->module != NULL)
		session_close_handle(s, &s->handle);
	*s = (struct session){ 0 };
}

/* The fresh one first: with the last session gone the token logs out. */
enum rc
session_renew(struct session *s)
{
	CK_SESSION_HANDLE fresh = P11_NO_HANDLE;
	enum rc rc = open_handle(s, 0, &fresh);

	session_close_handle(s, &s->handle);
	/* A token may take one session at a time. */
	if (rc != RC_OK)
		rc = open_handle(s, 0, &fresh);
	if (rc == RC_OK)
		s->handle = fresh;
	return rc;
}

enum rc
session_writable(const struct session *s, CK_SESSION_HANDLE *ret_handle)
{
	return open_handle(s, CKF_RW_SESSION, ret_handle);
}
