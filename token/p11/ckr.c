/* SPDX-License-Identifier: Apache-2.0 */
/* Words for return values. A vendor's own value keeps its number, which is
 * what its support will ask for. */
#include "token/p11/ckr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct ckr {
	CK_RV rv;
	const char *name, *words;
};

/* clang-format off */
#define CKR(name, words) { name, #name, words }
static const struct ckr table[] = {
	CKR(CKR_HOST_MEMORY, "the module ran out of memory"),
	CKR(CKR_SLOT_ID_INVALID, "the reader is gone"),
	CKR(CKR_GENERAL_ERROR, "the module failed"),
	CKR(CKR_FUNCTION_FAILED, "the module could not do it"),
	CKR(CKR_ARGUMENTS_BAD, "the module refuses the arguments"),
	CKR(CKR_CANT_LOCK, "the module has no locking"),
	CKR(CKR_ATTRIBUTE_READ_ONLY, "an attribute cannot be set"),
	CKR(CKR_ATTRIBUTE_SENSITIVE, "an attribute is secret"),
	CKR(CKR_ATTRIBUTE_TYPE_INVALID, "the token does not know an attribute"),
	CKR(CKR_ATTRIBUTE_VALUE_INVALID, "the token refuses an attribute's value"),
	CKR(CKR_ACTION_PROHIBITED, "the token's own rules forbid it"),
	CKR(CKR_DATA_INVALID, "the token refuses the data"),
	CKR(CKR_DATA_LEN_RANGE, "the token does not take data of this length"),
	CKR(CKR_DEVICE_ERROR, "the token or its reader reports an error"),
	CKR(CKR_DEVICE_MEMORY, "the token is full"),
	CKR(CKR_DEVICE_REMOVED, "the token was removed"),
	CKR(CKR_FUNCTION_CANCELED, "cancelled at the token"),
	CKR(CKR_FUNCTION_NOT_SUPPORTED, "the module cannot do this"),
	CKR(CKR_KEY_HANDLE_INVALID, "the key is gone from the token"),
	CKR(CKR_KEY_SIZE_RANGE, "the token does not take this key size"),
	CKR(CKR_KEY_TYPE_INCONSISTENT, "the key is not for this mechanism"),
	CKR(CKR_KEY_FUNCTION_NOT_PERMITTED, "the key is not for signing"),
	CKR(CKR_MECHANISM_INVALID, "the token lacks this mechanism"),
	CKR(CKR_MECHANISM_PARAM_INVALID, "the token refuses the mechanism's parameters"),
	CKR(CKR_OBJECT_HANDLE_INVALID, "the object is gone from the token"),
	CKR(CKR_OPERATION_ACTIVE, "the session is still busy with something else"),
	CKR(CKR_OPERATION_NOT_INITIALIZED, "the operation was lost"),
	CKR(CKR_PIN_INCORRECT, "wrong PIN"),
	CKR(CKR_PIN_INVALID, "the PIN has characters that the token does not take"),
	CKR(CKR_PIN_LEN_RANGE, "the PIN is too short or too long for the token"),
	CKR(CKR_PIN_EXPIRED, "the PIN must be changed first"),
	CKR(CKR_PIN_LOCKED, "the PIN is locked"),
	CKR(CKR_PIN_TOO_WEAK, "the PIN is too weak for the token"),
	CKR(CKR_SESSION_CLOSED, "the session was closed"),
	CKR(CKR_SESSION_COUNT, "the token takes no further session"),
	CKR(CKR_SESSION_HANDLE_INVALID, "the session is gone"),
	CKR(CKR_SESSION_READ_ONLY, "the session cannot write"),
	CKR(CKR_SESSION_EXISTS, "another program uses the token"),
	CKR(CKR_SESSION_READ_ONLY_EXISTS, "a read-only session is open"),
	CKR(CKR_SESSION_READ_WRITE_SO_EXISTS, "the security officer is logged in"),
	CKR(CKR_SIGNATURE_INVALID, "the signature is wrong"),
	CKR(CKR_SIGNATURE_LEN_RANGE, "the signature has the wrong length"),
	CKR(CKR_TEMPLATE_INCOMPLETE, "the token wants further attributes"),
	CKR(CKR_TEMPLATE_INCONSISTENT, "the token refuses these attributes together"),
	CKR(CKR_TOKEN_NOT_PRESENT, "there is no token in the reader"),
	CKR(CKR_TOKEN_NOT_RECOGNIZED, "the module does not know this kind of token"),
	CKR(CKR_TOKEN_WRITE_PROTECTED, "the token cannot be written"),
	CKR(CKR_USER_ALREADY_LOGGED_IN, "already logged in"),
	CKR(CKR_USER_NOT_LOGGED_IN, "not logged in"),
	CKR(CKR_USER_PIN_NOT_INITIALIZED, "the token has no user PIN yet"),
	CKR(CKR_USER_TYPE_INVALID, "this kind of login is not for that"),
	CKR(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "another user is logged in"),
	CKR(CKR_USER_TOO_MANY_TYPES, "too many users are logged in"),
	CKR(CKR_RANDOM_NO_RNG, "the token has no random generator"),
	CKR(CKR_BUFFER_TOO_SMALL, "the answer is longer than expected"),
	CKR(CKR_CRYPTOKI_NOT_INITIALIZED, "the module is not initialised"),
	CKR(CKR_CRYPTOKI_ALREADY_INITIALIZED, "the module is initialised already"),
	CKR(CKR_FUNCTION_REJECTED, "refused at the token"),
};
/* clang-format on */

static const struct ckr *
ckr_get0(CK_RV rv)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].rv == rv)
			return &table[i];
	return NULL;
}

/* An error that is a vendor's has no known meaning. */
static const char *
ckr_words(CK_RV rv)
{
	const struct ckr *ckr = ckr_get0(rv);

	return ckr == NULL ? "an error without a known meaning" : ckr->words;
}

const char *
ckr_name(CK_RV rv)
{
	const struct ckr *ckr = ckr_get0(rv);

	return ckr == NULL ? NULL : ckr->name;
}

/* A module that runs out of memory may say anything. What fails for it fails
 * for us then; volatile, or the compiler knows that nobody wants the room. */
static bool
has_starved(CK_RV rv)
{
	void *volatile room;
	bool out;

	if (rv != CKR_GENERAL_ERROR && rv != CKR_FUNCTION_FAILED)
		return false;
	room = malloc(1 << 10);
	out = room == NULL;
	free(room);
	return out;
}

enum rc
ckr_set(CK_RV rv, const char *fmt, ...)
{
	const char *name = ckr_name(rv);
	enum rc rc = rv == CKR_HOST_MEMORY ? RC_IO : RC_TOKEN;
	char what[ERR_TEXT_MAX];
	va_list ap;

	if (has_starved(rv))
		return err_memory();
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (name != NULL)
		return err_set(rc, "%s: %s (%s)", what, ckr_words(rv), name);
	return err_set(rc, "%s: %s (CKR 0x%lx)", what, ckr_words(rv), rv);
}
