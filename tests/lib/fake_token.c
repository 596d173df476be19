/* SPDX-License-Identifier: Apache-2.0 */
/* The module of fake_token.h. Nothing here is secret, and nothing is signed:
 * C_Sign counts up. */
#include "tests/lib/fake_token.h"

#include <string.h>

extern struct fake fake_token;
CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret);

static CK_RV
answer(enum fake_call call)
{
	unsigned n = fake_token.answer[call].n;
	unsigned now = ++fake_token.answer[call].calls;
	unsigned times = fake_token.answer[call].times;

	return n != 0 && now >= n && (times == 0 || now < n + times)
		   ? fake_token.answer[call].rv
		   : CKR_OK;
}

#define ANSWER(call) \
	do { \
		CK_RV rv_ = answer(call); \
		if (rv_ != CKR_OK) \
			return rv_; \
	} while (0)

static CK_RV
initialize(void *args)
{
	(void)args;
	return answer(FAKE_INITIALIZE);
}

static CK_RV
finalize(void *reserved)
{
	(void)reserved;
	return CKR_OK;
}

static CK_RV
get_info(CK_INFO *info)
{
	memset(info, 0, sizeof(*info));
	info->cryptokiVersion.major = 2;
	info->cryptokiVersion.minor = 40;
	return CKR_OK;
}

static CK_RV
slot_list(unsigned char present, CK_SLOT_ID *to, CK_ULONG *n)
{
	(void)present;
	ANSWER(FAKE_SLOT_LIST);
	for (CK_ULONG i = 0; to != NULL && i < *n && i < fake_token.n_slots;
	     i++)
		to[i] = i;
	*n = fake_token.n_slots;
	return CKR_OK;
}

static CK_RV
slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	ANSWER(FAKE_SLOT_INFO);
	*info = fake_token.slot[slot];
	return CKR_OK;
}

static CK_RV
token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	ANSWER(FAKE_TOKEN_INFO);
	*info = fake_token.token[slot];
	return CKR_OK;
}

static CK_RV
mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	(void)slot;
	(void)type;
	ANSWER(FAKE_MECHANISM_INFO);
	*info = fake_token.mechanism;
	return CKR_OK;
}

static CK_RV
init_token(CK_SLOT_ID slot, CK_BYTE *pin, CK_ULONG n, CK_BYTE *name)
{
	(void)pin;
	(void)n;
	ANSWER(FAKE_INIT_TOKEN);
	memcpy(fake_token.token[slot].label, name, 32);
	fake_token.token[slot].flags |= CKF_TOKEN_INITIALIZED;
	return CKR_OK;
}

static CK_RV
init_pin(CK_SESSION_HANDLE s, CK_BYTE *pin, CK_ULONG n)
{
	(void)s;
	(void)pin;
	(void)n;
	ANSWER(FAKE_INIT_PIN);
	fake_token.token[0].flags |= CKF_USER_PIN_INITIALIZED;
	return CKR_OK;
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *ret)
{
	(void)slot;
	(void)flags;
	(void)app;
	(void)notify;
	ANSWER(FAKE_OPEN_SESSION);
	*ret = ++fake_token.sessions;
	return CKR_OK;
}

static CK_RV
close_session(CK_SESSION_HANDLE s)
{
	(void)s;
	fake_token.sessions--;
	return CKR_OK;
}

static CK_RV
close_all(CK_SLOT_ID slot)
{
	(void)slot;
	fake_token.sessions = 0;
	return CKR_OK;
}

static CK_RV
login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG n)
{
	CK_FLAGS *flags = &fake_token.token[0].flags;

	(void)s;
	ANSWER(FAKE_LOGIN);
	if (user == CKU_SO || pin == NULL)
		return CKR_OK;
	if (*flags & CKF_USER_PIN_LOCKED)
		return CKR_PIN_LOCKED;
	if (n == strlen(FAKE_PIN) && memcmp(pin, FAKE_PIN, n) == 0) {
		fake_token.logged_in = true;
		fake_token.login_fresh = true;
		*flags &= ~(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
		fake_token.tries = 3;
		return CKR_OK;
	}
	fake_token.tries--;
	*flags |= CKF_USER_PIN_COUNT_LOW;
	if (fake_token.tries == 1)
		*flags |= CKF_USER_PIN_FINAL_TRY;
	if (fake_token.tries == 0)
		*flags |= CKF_USER_PIN_LOCKED;
	return CKR_PIN_INCORRECT;
}

static CK_RV
logout(CK_SESSION_HANDLE s)
{
	(void)s;
	ANSWER(FAKE_LOGOUT);
	fake_token.logged_in = false;
	return CKR_OK;
}

static struct fake_object *
object_of(CK_OBJECT_HANDLE handle)
{
	return handle == 0 || handle > FAKE_OBJECTS ||
		       !fake_token.object[handle - 1].there
		   ? NULL
		   : &fake_token.object[handle - 1];
}

static CK_RV
destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE handle)
{
	(void)s;
	ANSWER(FAKE_DESTROY);
	if (object_of(handle) == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	object_of(handle)->there = false;
	return CKR_OK;
}

static CK_RV
get_one(const struct fake_object *o, CK_ATTRIBUTE *a)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->attr[i].type != a->type)
			continue;
		if (a->pValue != NULL && a->ulValueLen < o->attr[i].n)
			break;
		if (a->pValue != NULL)
			memcpy(a->pValue, o->attr[i].value, o->attr[i].n);
		a->ulValueLen = o->attr[i].n;
		return CKR_OK;
	}
	a->ulValueLen = (CK_ULONG)-1;
	return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV
get_attribute(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *a, CK_ULONG n)
{
	CK_RV rv = CKR_OK;

	(void)s;
	ANSWER(FAKE_GET_ATTRIBUTE);
	if (object_of(handle) == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	for (CK_ULONG i = 0; i < n && rv == CKR_OK; i++)
		rv = get_one(object_of(handle), &a[i]);
	return rv;
}

static CK_ATTRIBUTE wanted[4];
static uint8_t wanted_value[4][64];
static CK_ULONG n_wanted;
static size_t find_at;

static CK_RV
find_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s;
	ANSWER(FAKE_FIND_INIT);
	for (CK_ULONG i = 0; i < n; i++) {
		wanted[i] = a[i];
		memcpy(wanted_value[i], a[i].pValue, a[i].ulValueLen);
	}
	n_wanted = n;
	find_at = 0;
	return CKR_OK;
}

static int
is_wanted(const struct fake_object *o)
{
	for (CK_ULONG i = 0; i < n_wanted; i++) {
		uint8_t value[1100];
		CK_ATTRIBUTE a = { wanted[i].type, value, sizeof(value) };

		if (get_one(o, &a) != CKR_OK ||
		    a.ulValueLen != wanted[i].ulValueLen ||
		    memcmp(value, wanted_value[i], a.ulValueLen) != 0)
			return 0;
	}
	return 1;
}

static CK_RV
find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *to, CK_ULONG max, CK_ULONG *ret_n)
{
	(void)s;
	ANSWER(FAKE_FIND);
	*ret_n = 0;
	for (; find_at < FAKE_OBJECTS && *ret_n < max; find_at++)
		if (fake_token.object[find_at].there &&
		    is_wanted(&fake_token.object[find_at]))
			to[(*ret_n)++] = find_at + 1;
	return CKR_OK;
}

static CK_RV
find_final(CK_SESSION_HANDLE s)
{
	(void)s;
	return CKR_OK;
}

static CK_RV
sign_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	(void)s;
	(void)m;
	ANSWER(FAKE_SIGN_INIT);
	return object_of(key) != NULL ? CKR_OK : CKR_KEY_HANDLE_INVALID;
}

static CK_RV
sign(CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG n_in, CK_BYTE *to, CK_ULONG *n)
{
	(void)s;
	(void)in;
	(void)n_in;
	ANSWER(FAKE_SIGN);
	if (fake_token.pin_each && !fake_token.login_fresh)
		return CKR_USER_NOT_LOGGED_IN;
	fake_token.login_fresh = false;
	for (CK_ULONG i = 0; i < fake_token.signature && i < *n; i++)
		to[i] = (CK_BYTE)(i + 1);
	*n = fake_token.signature;
	return CKR_OK;
}

/* Put the new object on the card, with the label and id that it is given. */
static CK_RV
bear(const struct fake_object *kind, const CK_ATTRIBUTE *a, CK_ULONG n,
    CK_OBJECT_HANDLE *ret)
{
	for (size_t at = 0; at < FAKE_OBJECTS; at++) {
		struct fake_object *o = &fake_token.object[at];

		if (o->there)
			continue;
		*o = *kind;
		o->there = true;
		for (CK_ULONG i = 0; i < n; i++) {
			if (a[i].type != CKA_LABEL && a[i].type != CKA_ID)
				continue;
			o->attr[o->n].type = a[i].type;
			memcpy(
			    o->attr[o->n].value, a[i].pValue, a[i].ulValueLen);
			o->attr[o->n++].n = a[i].ulValueLen;
		}
		*ret = at + 1;
		return CKR_OK;
	}
	return CKR_DEVICE_MEMORY;
}

static CK_RV
generate(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *public,
    CK_ULONG n_public, CK_ATTRIBUTE *private, CK_ULONG n_private,
    CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	CK_RV rv;

	(void)s;
	(void)m;
	fake_token.n_template = n_private;
	ANSWER(FAKE_GENERATE);
	rv = bear(&fake_token.new_public, public, n_public, ret_public);
	return rv != CKR_OK ? rv
			    : bear(&fake_token.new_private, private, n_private,
				  ret_private);
}

struct fake fake_token = {
	.f = {
		.version = { 2, 40 },
		.C_Initialize = initialize,
		.C_Finalize = finalize,
		.C_GetInfo = get_info,
		.C_GetFunctionList = C_GetFunctionList,
		.C_GetSlotList = slot_list,
		.C_GetSlotInfo = slot_info,
		.C_GetTokenInfo = token_info,
		.C_GetMechanismInfo = mechanism_info,
		.C_InitToken = init_token,
		.C_InitPIN = init_pin,
		.C_OpenSession = open_session,
		.C_CloseSession = close_session,
		.C_CloseAllSessions = close_all,
		.C_Login = login,
		.C_Logout = logout,
		.C_DestroyObject = destroy,
		.C_GetAttributeValue = get_attribute,
		.C_FindObjectsInit = find_init,
		.C_FindObjects = find,
		.C_FindObjectsFinal = find_final,
		.C_SignInit = sign_init,
		.C_Sign = sign,
		.C_GenerateKeyPair = generate,
	},
};

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	*ret = &fake_token.f;
	return CKR_OK;
}
