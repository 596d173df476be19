/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 module that is SoftHSM but for what $SHIM names: the tests' way to
 * meet tokens that misbehave. $SHIM holds words, separated by blanks:
 *
 *	hang		C_Sign never returns
 *	die		C_Sign takes the process along
 *	sign-error	C_Sign answers CKR_DEVICE_ERROR
 *	final-try	the token is at its last PIN try
 *	locked		its PIN is locked
 *	small		it makes RSA keys up to 3072 bits
 *	no-ec		it makes no EC keys
 *	plain		it takes no template with CKA_DECRYPT or CKA_SENSITIVE
 *	extractable	it says that its keys are extractable
 *	imported	it does not say that its keys were made on it
 *	context-refused	a login for one signature is told that its PIN is wrong
 *	login-refused	so is every other, and what is asked of the token then runs
 *			$SHIM_RUN first
 *	open-fails	C_OpenSession answers CKR_DEVICE_REMOVED
 *	bad-signature	C_Sign gives something else
 *	log		what C_Sign is given goes to $SHIM_LOG first, a line
 * each
 *	run		before C_Sign signs, $SHIM_RUN is run, a command, with what is
 *			to be signed in $SHIM_DATA
 *
 * With $SHIM_AFTER, C_Sign is SoftHSM's own that many times first.
 */
#define CRYPTOKI_COMPAT 1
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST *real, ours;

static int
is(const char *word)
{
	const char *words = getenv("SHIM");
	size_t n = strlen(word);

	for (const char *at = words; at != NULL && *at != '\0'; at++)
		if ((at == words || at[-1] == ' ') &&
		    strncmp(at, word, n) == 0 &&
		    (at[n] == ' ' || at[n] == '\0'))
			return 1;
	return 0;
}

/* What the key of the running signature is called. */
static char label[64];

static CK_RV
sign_init(CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	CK_ATTRIBUTE a = { CKA_LABEL, label, sizeof(label) - 1 };

	memset(label, 0, sizeof(label));
	if (is("log"))
		(void)real->C_GetAttributeValue(s, key, &a, 1);
	return real->C_SignInit(s, mechanism, key);
}

/* One write, so that whoever is killed has said all or nothing. */
static void
note(const CK_BYTE *data, CK_ULONG n)
{
	char line[256];
	ssize_t wrote;
	int used = snprintf(line, sizeof(line), "%s ", label);
	int fd;

	/* Who is interrupted here is the test's, and no module. */
	do
		fd = open(getenv("SHIM_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
	while (fd < 0 && errno == EINTR);
	for (CK_ULONG i = 0; i < n && used < 200; i++)
		used += snprintf(line + used, 3, "%02x", data[i]);
	line[used++] = '\n';
	if (fd < 0)
		abort();
	do
		wrote = write(fd, line, (size_t)used);
	while (wrote < 0 && errno == EINTR);
	if (wrote != used)
		abort();
	(void)close(fd);
}

static void
run(const CK_BYTE *data, CK_ULONG n)
{
	char hex[256] = "";

	for (CK_ULONG i = 0; i < n && 2 * i + 3 < sizeof(hex); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", data[i]);
	(void)setenv("SHIM_DATA", hex, 1);
	if (system(getenv("SHIM_RUN")) != 0)
		abort();
}

static CK_RV
sign(
    CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *len)
{
	static int done;
	const char *after = getenv("SHIM_AFTER");
	CK_RV rv;

	if (after != NULL && done++ < atoi(after))
		return real->C_Sign(s, data, n, sig, len);
	while (is("hang"))
		(void)pause();
	if (is("die"))
		abort();
	if (is("sign-error"))
		return CKR_DEVICE_ERROR;
	if (is("log"))
		note(data, n);
	if (is("run"))
		run(data, n);
	rv = real->C_Sign(s, data, n, sig, len);
	if (rv == CKR_OK && is("bad-signature"))
		sig[*len / 2] ^= 1;
	return rv;
}

static int refused;

static CK_RV
login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG n)
{
	if (user == CKU_USER && is("login-refused")) {
		refused = 1;
		return CKR_PIN_INCORRECT;
	}
	if (user == CKU_CONTEXT_SPECIFIC && is("context-refused"))
		return CKR_PIN_INCORRECT;
	return real->C_Login(s, user, pin, n);
}

static CK_RV
token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = real->C_GetTokenInfo(slot, info);

	if (refused)
		run(NULL, 0);
	if (rv == CKR_OK && is("final-try"))
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (rv == CKR_OK && is("locked"))
		info->flags |= CKF_USER_PIN_LOCKED;
	return rv;
}

static CK_RV
mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	CK_RV rv = real->C_GetMechanismInfo(slot, type, info);

	if (is("small") && type == CKM_RSA_PKCS_KEY_PAIR_GEN)
		info->ulMaxKeySize = 3072;
	if (is("no-ec") && type == CKM_EC_KEY_PAIR_GEN)
		return CKR_MECHANISM_INVALID;
	return rv;
}

static CK_RV
generate(CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public,
    CK_ULONG n_public, CK_ATTRIBUTE *private, CK_ULONG n_private,
    CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	for (CK_ULONG i = 0; i < n_private && is("plain"); i++)
		if (private[i].type == CKA_DECRYPT ||
		    private[i].type == CKA_SENSITIVE)
			return CKR_GENERAL_ERROR;
	return real->C_GenerateKeyPair(s, mechanism, public, n_public, private,
	    n_private, ret_public, ret_private);
}

static CK_RV
attribute(
    CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a, CK_ULONG n)
{
	CK_RV rv = real->C_GetAttributeValue(s, object, a, n);

	for (CK_ULONG i = 0; i < n && rv == CKR_OK; i++) {
		CK_BBOOL *value = a[i].pValue;

		if (value != NULL && a[i].type == CKA_EXTRACTABLE &&
		    is("extractable"))
			*value = CK_TRUE;
		if (value != NULL && a[i].type == CKA_LOCAL && is("imported"))
			*value = CK_FALSE;
	}
	return rv;
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *ret)
{
	if (is("open-fails"))
		return CKR_DEVICE_REMOVED;
	return real->C_OpenSession(slot, flags, app, notify, ret);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	CK_C_GetFunctionList get;
	void *module = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW);

	if (module == NULL)
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (get == NULL || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	ours = *real;
	ours.C_SignInit = sign_init;
	ours.C_Sign = sign;
	ours.C_Login = login;
	ours.C_GetTokenInfo = token_info;
	ours.C_GetMechanismInfo = mechanism_info;
	ours.C_GenerateKeyPair = generate;
	ours.C_GetAttributeValue = attribute;
	ours.C_OpenSession = open_session;
	*ret = &ours;
	return CKR_OK;
}
