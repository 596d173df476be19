/* SPDX-License-Identifier: Apache-2.0 */
/* Initialising wipes a token, so only one that says it is empty is touched,
 * and only if it is the only such one: nobody is to guess which card was
 * meant. */
#include "token/card/setup.h"

#include "token/card/login.h"
#include "token/p11/ckr.h"

#include <unistd.h>

#define SETUP_SECONDS 120 /* for a module to write an empty token */
#define LABEL_LEN 32	  /* PKCS#11: blank padded, no terminator */

static enum rc
find_empty(struct module *m, CK_SLOT_ID *ret_slot, CK_TOKEN_INFO *ret_info)
{
	CK_SLOT_ID slots[MODULE_SLOTS];
	size_t n = 0, empty = 0;
	CK_TOKEN_INFO info;
	enum rc rc = module_slots(m, slots, &n);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (m->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    (info.flags & CKF_TOKEN_INITIALIZED))
			continue;
		*ret_slot = slots[i];
		*ret_info = info;
		empty++;
	}
	if (empty == 0)
		return err_set(RC_TOKEN,
		    "%s: no empty token (%zu initialised, which are never overwritten)",
		    m->path, n);
	if (empty > 1)
		return err_set(RC_TOKEN,
		    "%s: %zu empty tokens: leave only the one that is meant",
		    m->path, empty);
	return RC_OK;
}

/* C_InitToken destroys what the token holds; find_empty saw to it that it
 * holds nothing. */
static enum rc
set_label(
    CK_FUNCTION_LIST *f, CK_SLOT_ID slot, const char *label, struct pin *so)
{
	CK_UTF8CHAR padded[LABEL_LEN];
	CK_RV rv;

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	(void)alarm(SETUP_SECONDS);
	rv = f->C_InitToken(
	    slot, (CK_UTF8CHAR *)so->text, (CK_ULONG)so->len, padded);
	(void)alarm(0);
	return rv == CKR_OK ? RC_OK
			    : ckr_set(rv, "the token was not initialised");
}

/* PKCS#11 2.40, 5.5: the security officer sets the first user PIN. */
static enum rc
set_pin(CK_FUNCTION_LIST *f, CK_SLOT_ID slot, struct pin *so, struct pin *user)
{
	CK_SESSION_HANDLE h = P11_NO_HANDLE;
	CK_RV rv;

	rv = f->C_OpenSession(
	    slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &h);
	if (rv != CKR_OK)
		return ckr_set(rv, "the new token: no session");
	(void)alarm(SETUP_SECONDS);
	rv = f->C_Login(h, CKU_SO, (CK_UTF8CHAR *)so->text, (CK_ULONG)so->len);
	if (rv == CKR_OK) {
		rv = f->C_InitPIN(
		    h, (CK_UTF8CHAR *)user->text, (CK_ULONG)user->len);
		(void)f->C_Logout(h);
	}
	(void)alarm(0);
	(void)f->C_CloseSession(h);
	return rv == CKR_OK
		   ? RC_OK
		   : ckr_set(
			 rv, "the new token has a label but no user PIN yet");
}

enum rc
setup_run(
    struct module *m, const struct token_setup *setup, CK_SLOT_ID *ret_slot)
{
	WIPED(pin) so = { .len = 0 }, user = { .len = 0 };
	CK_TOKEN_INFO info;
	CK_SLOT_ID slot = 0;
	enum rc rc;

	if (*setup->label == '\0' || strlen(setup->label) > LABEL_LEN)
		return err_set(RC_USAGE, "%s: a label has 1 to %d bytes",
		    setup->label, LABEL_LEN);
	rc = find_empty(m, &slot, &info);
	if (rc == RC_OK)
		rc = login_new_pin("SO PIN", setup->so_pin_source, &info, &so);
	if (rc == RC_OK)
		rc = login_new_pin("PIN", setup->pin_source, &info, &user);
	if (rc == RC_OK)
		rc = set_label(m->f, slot, setup->label, &so);
	if (rc == RC_OK)
		rc = set_pin(m->f, slot, &so, &user);
	if (rc == RC_OK)
		*ret_slot = slot;
	return rc;
}
