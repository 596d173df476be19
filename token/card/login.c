/* SPDX-License-Identifier: Apache-2.0 */
/* PINs. A card locks after three or so wrong ones and some are then lost for
 * good: flags are read right before a try, one prompt is one try, a refused
 * PIN is wiped and never sent again, and a final try wants --last-try. */
#include "token/card/login.h"

#include "base/term.h"
#include "token/p11/ckr.h"
#include "token/p11/uri.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOGIN_SECONDS 60 /* for a module to answer; PIN pads take longer */
#define PAD_SECONDS 300

enum rc
login_init(struct login *l, bool last_try, bool ask_each)
{
	void *page = mmap(NULL, sizeof(struct pin), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return err_memory();
	/* Where locking is not allowed the PIN may reach the swap, as
	 * secret_harden says; that alone is no reason not to sign. */
	(void)mlock(page, sizeof(struct pin));
	(void)madvise(page, sizeof(struct pin), MADV_DONTDUMP);
	*l = (struct login){
		.pin = page, .last_try = last_try, .ask_each = ask_each
	};
	return RC_OK;
}

void
login_forget(struct login *l)
{
	if (l->pin != NULL)
		pin_wipe(l->pin);
	free(l->file);
	l->file = NULL;
	l->done = false;
}

void
login_wipe(struct login *l)
{
	login_forget(l);
	if (l->pin != NULL)
		(void)munmap(l->pin, sizeof(struct pin));
	l->pin = NULL;
}

const char *
login_tries_left(CK_FLAGS flags)
{
	if (flags & CKF_USER_PIN_LOCKED)
		return "the PIN is locked now";
	if (flags & CKF_USER_PIN_FINAL_TRY)
		return "one try is left, then the PIN locks";
	/* COUNT_LOW is no number: SoftHSM sets it and never locks, cards set it
	 * at any count. */
	return "the token does not say how many tries are left before it locks";
}

enum rc
login_allowed(const char *name, CK_FLAGS flags, bool last_try)
{
	if (flags & CKF_USER_PIN_LOCKED)
		return err_set(RC_TOKEN,
		    "%s: the PIN is locked: unblock it with the PUK (yubico-piv-tool -a unblock-pin, pkcs15-tool --unblock-pin), or as security officer (pkcs11-tool --init-pin)",
		    name);
	if (!(flags & CKF_USER_PIN_INITIALIZED))
		return err_set(RC_TOKEN, "%s: no user PIN is set yet", name);
	if ((flags & CKF_USER_PIN_FINAL_TRY) && !last_try)
		return err_set(RC_TOKEN,
		    "%s: one PIN try is left, and a wrong one locks the token: give --last-try to use it",
		    name);
	return RC_OK;
}

/* A length that the token refuses is not worth a try. */
static enum rc
login_check_length(
    const char *name, const CK_TOKEN_INFO *info, const struct pin *pin)
{
	if (info->ulMaxPinLen == 0 || info->ulMaxPinLen < info->ulMinPinLen)
		return RC_OK;
	if (pin->len >= info->ulMinPinLen && pin->len <= info->ulMaxPinLen)
		return RC_OK;
	return err_set(RC_TOKEN,
	    "%s: a PIN of %lu to %lu characters is wanted; no try was spent",
	    name, info->ulMinPinLen, info->ulMaxPinLen);
}

static enum rc
get_pin(struct login *l, const struct session *s, const CK_TOKEN_INFO *info)
{
	char prompt[160];
	enum rc rc;

	pin_wipe(l->pin);
	if (l->file != NULL) {
		rc = pin_read(l->file, l->pin);
	} else {
		(void)snprintf(prompt, sizeof(prompt), "PIN of %s:", s->name);
		/* The label is the token's own text. */
		for (char *c = prompt; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
		rc = pin_ask(prompt, l->pin);
	}
	if (rc == RC_OK)
		rc = login_check_length(s->name, info, l->pin);
	if (rc != RC_OK)
		pin_wipe(l->pin);
	return rc;
}

/* The one place where a PIN goes to the module. A module that never returns is
 * ended by the alarm, and with it this process. */
static CK_RV
try_pin(struct login *l, const struct session *s, CK_USER_TYPE user, bool pad)
{
	CK_UTF8CHAR *text = pad ? NULL : (CK_UTF8CHAR *)l->pin->text;
	CK_RV rv;

	(void)alarm(pad ? PAD_SECONDS : LOGIN_SECONDS);
	rv = s->module->f->C_Login(
	    s->handle, user, text, pad ? 0 : (CK_ULONG)l->pin->len);
	(void)alarm(0);
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		pin_wipe(l->pin);
	return rv;
}

/* What was signed before is not known here. */
static enum rc
login_refused(const struct login *l, const struct session *s, CK_RV rv)
{
	CK_TOKEN_INFO info;
	enum rc rc;

	if (rv == CKR_PIN_LOCKED)
		return login_allowed(s->name, CKF_USER_PIN_LOCKED, false);
	if (rv != CKR_PIN_INCORRECT)
		return ckr_set(rv, "%s: no login", s->name);
	rc = session_token_info(s, &info);
	if (rc == RC_OK && (info.flags & CKF_USER_PIN_LOCKED))
		return err_in(
		    login_allowed(s->name, info.flags, false), "wrong PIN");
	if (rc != RC_OK)
		info.flags = 0;
	if (l->file != NULL)
		return err_set(RC_TOKEN,
		    "%s: wrong PIN: %s; put the right PIN into %s before the next try",
		    s->name, login_tries_left(info.flags), l->file);
	return err_set(RC_TOKEN,
	    "%s: wrong PIN: %s; run the same command again", s->name,
	    login_tries_left(info.flags));
}

/* One prompt, one try. `*ret_wrong` tells that asking again makes sense. */
static enum rc
login_once(struct login *l, const struct session *s, bool *ret_wrong)
{
	CK_TOKEN_INFO info;
	bool pad;
	CK_RV rv;
	enum rc rc = session_token_info(s, &info);

	*ret_wrong = false;
	if (rc != RC_OK)
		return rc;
	if (!(info.flags & CKF_LOGIN_REQUIRED))
		return RC_OK;
	rc = login_allowed(s->name, info.flags, l->last_try);
	if (rc != RC_OK)
		return rc;
	pad = (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
	if (pad)
		term_say("Enter the PIN of %s at its reader.\n", s->name);
	else
		rc = get_pin(l, s, &info);
	if (rc != RC_OK)
		return rc;
	/* The token may have been tried elsewhere while the prompt stood. */
	rc = session_token_info(s, &info);
	if (rc == RC_OK)
		rc = login_allowed(s->name, info.flags, l->last_try);
	if (rc != RC_OK) {
		pin_wipe(l->pin);
		return rc;
	}
	rv = try_pin(l, s, CKU_USER, pad);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return RC_OK;
	*ret_wrong = rv == CKR_PIN_INCORRECT && !pad;
	return login_refused(l, s, rv);
}

enum rc
login_user(struct login *l, const struct session *s)
{
	CK_TOKEN_INFO info;
	bool wrong = false;
	enum rc rc;

	if (l->done)
		return RC_OK;
	if (l->file == NULL && session_token_info(s, &info) == RC_OK &&
	    (info.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY)))
		term_say(
		    "%s: a wrong PIN was given since the last right one: %s.\n",
		    s->name, login_tries_left(info.flags));
	rc = login_once(l, s, &wrong);
	while (wrong && l->file == NULL) {
		if (session_token_info(s, &info) != RC_OK ||
		    login_allowed(s->name, info.flags, l->last_try) != RC_OK)
			break; /* the sentence of `refused` or of these */
		term_say("Wrong PIN: %s.\n", login_tries_left(info.flags));
		rc = login_once(l, s, &wrong);
	}
	if (rc != RC_OK)
		return rc;
	if (l->ask_each)
		pin_wipe(l->pin);
	l->done = true;
	return RC_OK;
}

/* PKCS#11 2.40 5.6: CKU_CONTEXT_SPECIFIC authorises the one operation that
 * was begun. Each try counts as any other. */
enum rc
login_context(struct login *l, const struct session *s)
{
	CK_TOKEN_INFO info;
	bool pad;
	CK_RV rv;
	enum rc rc = session_token_info(s, &info);

	if (rc == RC_OK)
		rc = login_allowed(s->name, info.flags, l->last_try);
	if (rc != RC_OK)
		return rc;
	pad = (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
	if (!pad && l->ask_each)
		rc = get_pin(l, s, &info);
	else if (!pad && l->pin->len == 0)
		rc = err_set(RC_TOKEN,
		    "%s: the PIN was refused before, and is not tried again",
		    s->name);
	if (rc != RC_OK)
		return rc;
	rv = try_pin(l, s, CKU_CONTEXT_SPECIFIC, pad);
	if (l->ask_each)
		pin_wipe(l->pin);
	/* NSS keeps the attribute without asking for the login. */
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return RC_OK;
	return login_refused(l, s, rv);
}

enum rc
login_again(struct login *l, const struct session *s)
{
	CK_RV rv = s->module->f->C_Logout(s->handle);

	if (rv != CKR_OK && rv != CKR_USER_NOT_LOGGED_IN)
		return ckr_set(rv, "%s: cannot log out", s->name);
	l->done = false;
	return login_user(l, s);
}

enum rc
login_repeat(struct login *l, const struct session *s)
{
	CK_TOKEN_INFO info;
	CK_RV rv;
	enum rc rc = session_token_info(s, &info);

	if (rc == RC_OK)
		rc = login_allowed(s->name, info.flags, l->last_try);
	if (rc == RC_OK && l->pin->len == 0)
		rc = err_set(RC_TOKEN, "%s: no PIN is kept", s->name);
	if (rc != RC_OK)
		return rc;
	/* It may think that somebody is logged in, and know better. */
	(void)s->module->f->C_Logout(s->handle);
	rv = try_pin(l, s, CKU_USER, false);
	l->done = rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN;
	return l->done ? RC_OK : login_refused(l, s, rv);
}

static enum rc
ask_twice(const char *what, struct pin *ret_pin)
{
	WIPED(pin) again = { .len = 0 };
	char prompt[64];
	enum rc rc;

	(void)snprintf(prompt, sizeof(prompt), "New %s:", what);
	rc = pin_ask(prompt, ret_pin);
	if (rc == RC_USAGE)
		return err_set(RC_USAGE,
		    "there is no terminal to ask for the new %s: give --so-pin-source and --pin-source",
		    what);
	(void)snprintf(prompt, sizeof(prompt), "New %s again:", what);
	if (rc == RC_OK)
		rc = pin_ask(prompt, &again);
	if (rc == RC_OK &&
	    (ret_pin->len != again.len ||
		CRYPTO_memcmp(ret_pin->text, again.text, again.len) != 0))
		rc = err_set(
		    RC_TOKEN, "the two %ss differ; nothing was written", what);
	return rc;
}

/* The SO PIN as well: who loses it can never unblock the card. */
enum rc
login_new_pin(const char *what, const char *source, const CK_TOKEN_INFO *info,
    struct pin *ret_pin)
{
	WIPED(pin) first = { .len = 0 };
	const char *path = NULL;
	enum rc rc;

	if (source != NULL) {
		rc = uri_pin_path(source, &path);
		if (rc == RC_OK)
			rc = pin_read(path, &first);
	} else {
		rc = ask_twice(what, &first);
	}
	if (rc == RC_OK)
		rc = login_check_length(what, info, &first);
	if (rc == RC_OK)
		*ret_pin = first;
	return rc;
}
