/* SPDX-License-Identifier: Apache-2.0 */
/* Key generation by template, from the fullest that modules take down to the
 * barest: tpm2-pkcs11 refuses what NSS needs lest it make an extractable key.
 * So what counts is read back from the token, and a key that does not keep it
 * is destroyed. */
#include "token/card/keygen.h"

#include "token/p11/ckr.h"

#include <openssl/rand.h>

#define ID_LEN 16 /* bytes of a drawn CKA_ID */
#define ATTRS_MAX 10

static CK_MECHANISM_TYPE
mechanism_of(struct key_type type)
{
	return type.kind == KEY_RSA ? CKM_RSA_PKCS_KEY_PAIR_GEN
				    : CKM_EC_KEY_PAIR_GEN;
}

enum rc
keygen_possible(const struct session *s, struct key_type type)
{
	CK_MECHANISM_INFO info = { 0 };
	char text[KEY_TYPE_TEXT];
	CK_ULONG min, max;
	CK_RV rv;

	key_type_write(type, text);
	rv = s->module->f->C_GetMechanismInfo(
	    s->slot, mechanism_of(type), &info);
	if (rv == CKR_MECHANISM_INVALID ||
	    (rv == CKR_OK && !(info.flags & CKF_GENERATE_KEY_PAIR)))
		return err_set(RC_TOKEN,
		    "%s: cannot make %s keys; nothing was written", s->name,
		    type.kind == KEY_RSA ? "RSA" : "EC");
	if (rv != CKR_OK)
		return ckr_set(rv, "%s: its mechanisms", s->name);
	/* PKCS#11 2.40, 2.1: in bits. Some modules count bytes, and some leave
	 * the upper end at zero. */
	min = info.ulMinKeySize;
	max = info.ulMaxKeySize == 0 ? ~0UL : info.ulMaxKeySize;
	if (type.kind == KEY_RSA && max <= 1024) {
		min *= 8;
		max *= 8;
	}
	if (type.bits < min || type.bits > max)
		return err_set(RC_TOKEN,
		    "%s: cannot make %s: it makes keys of %lu to %lu bits; nothing was written",
		    s->name, text, min, max);
	return RC_OK;
}

/* ---- templates ------------------------------------------------------------
 */

struct template
{
	CK_ATTRIBUTE a[ATTRS_MAX];
	CK_ULONG n;
};

static void
keygen_put(
    struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
	CK_ATTRIBUTE *a = &t->a[t->n++];

	/* PKCS#11 has no const, though a module does not write here. */
	memcpy(&a->pValue, &value, sizeof(a->pValue));
	a->type = type;
	a->ulValueLen = n;
}

static void
put_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

	keygen_put(t, type, value ? &yes : &no, sizeof(yes));
}

/* How much is said. tpm2-pkcs11 refuses the full template; NSS and others need
 * it, or they make extractable keys. */
enum fullness { FULL, MIDDLE, MINIMAL, FULLNESS_END };

static void
fill_public(struct template *t, enum fullness fullness,
    const struct keygen *what, const CK_ULONG *bits)
{
	static const CK_BYTE e[] = { 1, 0, 1 }; /* 65537 */
	const struct key_row *row = key_row_get0(what->type.kind);

	*t = (struct template){ .n = 0 };
	put_bool(t, CKA_TOKEN, true);
	keygen_put(t, CKA_LABEL, what->label.p, what->label.n);
	keygen_put(t, CKA_ID, what->id.p, what->id.n);
	if (what->type.kind == KEY_RSA) {
		keygen_put(t, CKA_MODULUS_BITS, bits, sizeof(*bits));
		keygen_put(t, CKA_PUBLIC_EXPONENT, e, sizeof(e));
	} else {
		keygen_put(t, CKA_EC_PARAMS, row->params, row->params_n);
	}
	if (fullness <= MIDDLE)
		put_bool(t, CKA_VERIFY, true);
	if (fullness == FULL) {
		put_bool(t, CKA_PRIVATE, false);
		put_bool(t, CKA_ENCRYPT, false);
		put_bool(t, CKA_WRAP, false);
	}
}

static void
fill_private(
    struct template *t, enum fullness fullness, const struct keygen *what)
{
	*t = (struct template){ .n = 0 };
	put_bool(t, CKA_TOKEN, true);
	put_bool(t, CKA_PRIVATE, true);
	keygen_put(t, CKA_LABEL, what->label.p, what->label.n);
	keygen_put(t, CKA_ID, what->id.p, what->id.n);
	if (fullness <= MIDDLE) {
		put_bool(t, CKA_SENSITIVE, true);
		put_bool(t, CKA_EXTRACTABLE, false);
		put_bool(t, CKA_SIGN, true);
	}
	if (fullness == FULL) {
		put_bool(t, CKA_DECRYPT, false);
		put_bool(t, CKA_UNWRAP, false);
	}
}

/* Answers that mean "not with these attributes". */
static bool
is_template_trouble(CK_RV rv)
{
	return rv == CKR_TEMPLATE_INCONSISTENT ||
	       rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	       rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	       rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_GENERAL_ERROR ||
	       rv == CKR_ARGUMENTS_BAD || rv == CKR_FUNCTION_FAILED;
}

static CK_RV
generate(const struct session *s, CK_SESSION_HANDLE writable,
    const struct keygen *what, struct key *key)
{
	CK_MECHANISM mechanism = { mechanism_of(what->type), NULL, 0 };
	CK_ULONG bits = what->type.bits;
	CK_RV rv = CKR_GENERAL_ERROR;

	for (int i = FULL; i < FULLNESS_END; i++) {
		struct template public, private;

		fill_public(&public, (enum fullness)i, what, &bits);
		fill_private(&private, (enum fullness)i, what);
		rv = s->module->f->C_GenerateKeyPair(writable, &mechanism,
		    public.a, public.n, private.a, private.n, &key->public,
		    &key->private);
		if (!is_template_trouble(rv))
			break;
	}
	return rv;
}

/* ---- checks ---------------------------------------------------------------
 */

/* Before anything is written: two keys of one name could not be told apart by
 * a URI any more. */
static enum rc
check_free(const struct session *s, const struct keygen *what)
{
	WIPED(token_keys) keys = { 0 };
	enum rc rc = token_keys_read(s, &keys);

	for (size_t i = 0; i < keys.n && rc == RC_OK; i++) {
		const struct key *key = &keys.key[i];

		if (span_eq(buf_span(&key->label), what->label))
			rc = err_set(RC_TOKEN,
			    "%s: has a key with the label \"%s\" already; nothing was written",
			    s->name, key->shown.label);
		else if (what->id.n != 0 &&
			 span_eq(buf_span(&key->id), what->id))
			rc = err_set(RC_TOKEN,
			    "%s: the key \"%s\" has this id already; nothing was written",
			    s->name, key->shown.label);
	}
	return rc;
}

/* What a CA key must promise, whatever the template said. */
static enum rc
check_made(
    const struct session *s, const struct key *key, const struct keygen *what)
{
	const struct token_key *k = &key->shown;
	bool known = false;

	if (!k->sensitive)
		return err_set(
		    RC_TOKEN, "%s: made a key that is not sensitive", s->name);
	if (k->extractable)
		return err_set(
		    RC_TOKEN, "%s: made a key that is extractable", s->name);
	if (!attr_true(s, key->private, CKA_ALWAYS_SENSITIVE, &known) && known)
		return err_set(RC_TOKEN,
		    "%s: made a key that was not always sensitive", s->name);
	if (!attr_true(s, key->private, CKA_NEVER_EXTRACTABLE, &known) && known)
		return err_set(
		    RC_TOKEN, "%s: made a key that was extractable", s->name);
	if (!k->sign)
		return err_set(
		    RC_TOKEN, "%s: made a key that cannot sign", s->name);
	if (k->spki.n == 0 || key->type.kind != what->type.kind ||
	    key->type.bits != what->type.bits)
		return err_set(RC_TOKEN, "%s: made a key of another type (%s)",
		    s->name, k->type);
	return RC_OK;
}

static enum rc
destroy(
    const struct session *s, CK_SESSION_HANDLE writable, const struct key *key)
{
	CK_FUNCTION_LIST *f = s->module->f;
	CK_RV private = f->C_DestroyObject(writable, key->private);
	CK_RV public = f->C_DestroyObject(writable, key->public);

	/* The sentence that led here stays; it says what became of the key. */
	return err_in(RC_TOKEN,
	    private == CKR_OK && public == CKR_OK
		? "the new key was destroyed"
		: "the new key could not be destroyed: do so by hand");
}

/* PIV cards make keys only for whoever holds the management key. */
static bool
is_for_its_own_tool(CK_RV rv)
{
	return rv == CKR_FUNCTION_NOT_SUPPORTED ||
	       rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_USER_TYPE_INVALID;
}

static enum rc
make_checked(const struct session *s, CK_SESSION_HANDLE writable,
    const struct keygen *what, struct key *key)
{
	CK_RV rv = generate(s, writable, what, key);
	enum rc rc;

	if (rv != CKR_OK) {
		rc = ckr_set(rv, "%s: the key was not made", s->name);
		if (is_for_its_own_tool(rv))
			rc = err_set(rc,
			    "%s; make it with the card's own tool, then use it as it is",
			    err_text());
		return rc;
	}
	rc = key_read(s, key);
	if (rc == RC_OK)
		rc = check_made(s, key, what);
	return rc == RC_OK ? RC_OK : destroy(s, writable, key);
}

/* A writable session of its own, closed at once: the long one stays read-
 * only. */
enum rc
keygen_run(
    const struct session *s, const struct keygen *what, struct key *ret_key)
{
	CK_SESSION_HANDLE writable = P11_NO_HANDLE;
	struct keygen drawn = *what;
	WIPED(key) key = { 0 };
	uint8_t id[ID_LEN];
	enum rc rc = keygen_possible(s, what->type);

	if (rc == RC_OK)
		rc = check_free(s, what);
	if (rc != RC_OK)
		return rc;
	if (drawn.id.n == 0) {
		if (RAND_bytes(id, sizeof(id)) != 1)
			return err_openssl(RC_BUG, "no random bytes");
		drawn.id = span_of(id, sizeof(id));
	}
	rc = session_writable(s, &writable);
	if (rc == RC_OK)
		rc = make_checked(s, writable, &drawn, &key);
	session_close_handle(s, &writable);
	if (rc != RC_OK)
		return rc;
	*ret_key = key;
	key = (struct key){ 0 };
	return RC_OK;
}
