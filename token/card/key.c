/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as pairs. Public halves are taken from wherever a module has them: the
 * public object, the private object's own attributes, CKA_PUBLIC_KEY_INFO or
 * a certificate of the same CKA_ID; cards without public objects are common. */
#include "token/card/key.h"

#include "base/own_ssl.h"
#include "base/term.h"
#include "token/card/attest.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_CERTS_MAX 16 /* of one CKA_ID */

void
key_wipe(struct key *key)
{
	buf_wipe(&key->label);
	buf_wipe(&key->id);
	token_key_wipe(&key->shown);
	*key = (struct key){ 0 };
}

void
token_keys_wipe(struct token_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		key_wipe(&keys->key[i]);
	free(keys->key);
	*keys = (struct token_keys){ 0 };
}

/* ---- the public half ------------------------------------------------------
 */

static enum rc
spki_of_object(const struct session *s, CK_OBJECT_HANDLE object,
    struct key_type *ret_type, struct buf *ret_spki)
{
	WIPED(buf) a = { 0 }, b = { 0 };
	CK_ULONG kind = 0;
	enum rc rc;

	if (!attr_ulong(s, object, CKA_KEY_TYPE, &kind))
		return RC_OK;
	if (kind == CKK_EC) {
		rc = attr_bytes(s, object, CKA_EC_PARAMS, &a);
		if (rc == RC_OK)
			rc = attr_bytes(s, object, CKA_EC_POINT, &b);
		if (rc != RC_OK || a.n == 0 || b.n == 0)
			return rc;
		return spki_from_ec(
		    buf_span(&a), buf_span(&b), ret_type, ret_spki);
	}
	if (kind == CKK_RSA) {
		rc = attr_bytes(s, object, CKA_MODULUS, &a);
		if (rc == RC_OK)
			rc = attr_bytes(s, object, CKA_PUBLIC_EXPONENT, &b);
		if (rc != RC_OK || a.n == 0 || b.n == 0)
			return rc;
		return spki_from_rsa(
		    buf_span(&a), buf_span(&b), ret_type, ret_spki);
	}
	return RC_OK;
}

/* Cards often keep a certificate in place of the public key. */
static enum rc
spki_of_certificate(const struct session *s, struct span id,
    struct key_type *ret_type, struct buf *ret_spki)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE want[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, NULL, id.n } };
	CK_OBJECT_HANDLE found[KEY_CERTS_MAX];
	WIPED(buf) der = { 0 };
	OWN(X509) *cert = NULL;
	OWN(ssl_bytes) *spki = NULL;
	size_t n = 0;
	int len;
	enum rc rc;

	memcpy(&want[1].pValue, &id.p, sizeof(want[1].pValue));
	rc = objects_find(s, want, 2, found, KEY_CERTS_MAX, &n);
	if (rc == RC_OK && n != 0)
		rc = attr_bytes(s, found[0], CKA_VALUE, &der);
	if (rc != RC_OK || der.n == 0)
		return rc;
	cert = card_cert_parse(buf_span(&der));
	len = cert == NULL ? 0
			   : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	if (len <= 0)
		return err_openssl(RC_TOKEN, "%s: a certificate", s->name);
	return spki_from_der(span_of(spki, (size_t)len), ret_type, ret_spki);
}

static enum rc
read_spki(const struct session *s, struct key *key)
{
	struct buf *spki = &key->shown.spki;
	WIPED(buf) info = { 0 };
	enum rc rc = RC_OK;

	if (key->public != P11_NO_HANDLE)
		rc = spki_of_object(s, key->public, &key->type, spki);
	if (rc == RC_OK && spki->n == 0 && key->private != P11_NO_HANDLE)
		rc = spki_of_object(s, key->private, &key->type, spki);
	if (rc == RC_OK && spki->n == 0 && key->private != P11_NO_HANDLE) {
		rc = attr_bytes(s, key->private, CKA_PUBLIC_KEY_INFO, &info);
		if (rc == RC_OK && info.n != 0)
			rc = spki_from_der(buf_span(&info), &key->type, spki);
	}
	if (rc == RC_OK && spki->n == 0 && key->id.n != 0)
		rc = spki_of_certificate(
		    s, buf_span(&key->id), &key->type, spki);
	return rc;
}

/* ---- one pair -------------------------------------------------------------
 */

static enum rc
key_read_names(
    const struct session *s, struct key *key, CK_OBJECT_HANDLE object)
{
	struct token_key *k = &key->shown;
	WIPED(buf) plain = { 0 };
	enum rc rc = attr_bytes(s, object, CKA_LABEL, &key->label);

	if (rc == RC_OK)
		rc = attr_bytes(s, object, CKA_ID, &key->id);
	if (rc == RC_OK)
		rc = term_escape(&plain, buf_span(&key->label));
	if (rc != RC_OK)
		return rc;
	(void)snprintf(
	    k->label, sizeof(k->label), "%.*s", SPAN_FMT(buf_span(&plain)));
	k->id_len = key->id.n < sizeof(k->id) ? key->id.n : sizeof(k->id);
	if (k->id_len != 0)
		memcpy(k->id, key->id.p, k->id_len);
	return RC_OK;
}

static enum rc
read_uri(const struct session *s, struct key *key)
{
	WIPED(buf) text = { 0 };
	CK_TOKEN_INFO info;
	enum rc rc = session_token_info(s, &info);

	if (rc == RC_OK)
		rc = uri_write(s->module->path, &info, URI_ANY_SLOT,
		    buf_span(&key->label), buf_span(&key->id), &text);
	if (rc == RC_OK && text.n < sizeof(key->shown.uri))
		memcpy(key->shown.uri, text.p, text.n);
	return rc;
}

static void
read_promises(const struct session *s, struct key *key)
{
	CK_OBJECT_HANDLE object = key->private;
	struct token_key *k = &key->shown;
	bool known = false;

	if (object == P11_NO_HANDLE)
		return;
	k->has_private = true;
	k->sensitive = attr_true(s, object, CKA_SENSITIVE, NULL);
	/* Only a token that says so keeps its key: silence counts as no. */
	k->extractable =
	    attr_true(s, object, CKA_EXTRACTABLE, &known) || !known;
	k->always_sensitive = attr_true(s, object, CKA_ALWAYS_SENSITIVE, NULL);
	k->never_extractable =
	    attr_true(s, object, CKA_NEVER_EXTRACTABLE, NULL);
	k->local = attr_true(s, object, CKA_LOCAL, NULL);
	k->always_authenticate =
	    attr_true(s, object, CKA_ALWAYS_AUTHENTICATE, NULL);
	k->sign = attr_true(s, object, CKA_SIGN, NULL);
	k->decrypt = attr_true(s, object, CKA_DECRYPT, NULL) ||
		     attr_true(s, object, CKA_UNWRAP, NULL);
}

enum rc
key_read(const struct session *s, struct key *key)
{
	CK_OBJECT_HANDLE object =
	    key->private != P11_NO_HANDLE ? key->private : key->public;
	enum rc rc = key_read_names(s, key, object);

	if (rc != RC_OK)
		return rc;
	rc = read_spki(s, key);
	if (rc == RC_TOKEN) {
		/* One key that we cannot make sense of hides no other. */
		buf_reset(&key->shown.spki);
		key->type = (struct key_type){ KEY_OTHER, 0 };
		err_clear();
		rc = RC_OK;
	}
	if (rc == RC_OK)
		rc = read_uri(s, key);
	if (rc != RC_OK)
		return rc;
	read_promises(s, key);
	key_type_write(key->type, key->shown.type);
	return RC_OK;
}

/* ---- all pairs ------------------------------------------------------------
 */

/* What makes two objects halves of one pair. */
struct half {
	CK_OBJECT_HANDLE object;
	CK_ULONG type;
	struct buf id;
	bool taken;
};

struct halves {
	struct half *half;
	size_t n;
};

static void
halves_wipe(struct halves *h)
{
	for (size_t i = 0; i < h->n; i++)
		buf_wipe(&h->half[i].id);
	free(h->half);
	*h = (struct halves){ 0 };
}

static enum rc
halves_read(const struct session *s, CK_OBJECT_CLASS class, struct halves *ret)
{
	CK_ATTRIBUTE want = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[OBJECTS_MAX];
	size_t n = 0;
	enum rc rc = objects_find(s, &want, 1, found, OBJECTS_MAX, &n);

	if (rc != RC_OK)
		return rc;
	ret->half = calloc(n + 1, sizeof(*ret->half));
	if (ret->half == NULL)
		return err_memory();
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		struct half *h = &ret->half[ret->n++];

		h->object = found[i];
		(void)attr_ulong(s, found[i], CKA_KEY_TYPE, &h->type);
		rc = attr_bytes(s, found[i], CKA_ID, &h->id);
	}
	return rc;
}

/* PKCS#11 2.40 4.7: halves of one pair share their CKA_ID. Key types are
 * compared too, as tools reuse ids. */
static CK_OBJECT_HANDLE
take_public(struct halves *publics, const struct half *private)
{
	for (size_t i = 0; i < publics->n; i++) {
		struct half *h = &publics->half[i];

		if (!h->taken && h->type == private->type &&
		    span_eq(buf_span(&h->id), buf_span(&private->id))) {
			h->taken = true;
			return h->object;
		}
	}
	return P11_NO_HANDLE;
}

enum rc
token_keys_read(const struct session *s, struct token_keys *ret)
{
	WIPED(halves) privates = { 0 }, publics = { 0 };
	WIPED(token_keys) keys = { 0 };
	enum rc rc = halves_read(s, CKO_PRIVATE_KEY, &privates);

	if (rc == RC_OK)
		rc = halves_read(s, CKO_PUBLIC_KEY, &publics);
	if (rc != RC_OK)
		return rc;
	keys.key = calloc(privates.n + publics.n + 1, sizeof(*keys.key));
	if (keys.key == NULL)
		return err_memory();
	for (size_t i = 0; i < privates.n && rc == RC_OK; i++) {
		struct key *key = &keys.key[keys.n++];

		key->private = privates.half[i].object;
		key->public = take_public(&publics, &privates.half[i]);
		rc = key_read(s, key);
	}
	for (size_t i = 0; i < publics.n && rc == RC_OK; i++) {
		if (publics.half[i].taken)
			continue;
		keys.key[keys.n].public = publics.half[i].object;
		rc = key_read(s, &keys.key[keys.n++]);
	}
	if (rc != RC_OK)
		return rc;
	*ret = keys;
	keys = (struct token_keys){ 0 };
	return RC_OK;
}

/* ---- which one ------------------------------------------------------------
 */

static enum rc
several(const struct session *s, const struct token_keys *keys,
    const struct uri *uri)
{
	WIPED(buf) names = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < keys->n && rc == RC_OK; i++) {
		const struct key *key = &keys->key[i];

		if (key->shown.has_private &&
		    uri_match_key(
			uri, buf_span(&key->label), buf_span(&key->id)))
			rc = buf_printf(&names, "%s\"%s\" (%s)",
			    names.n == 0 ? "" : ", ", key->shown.label,
			    key->shown.type);
	}
	if (rc != RC_OK)
		return rc;
	return err_set(RC_TOKEN,
	    "%s: several keys are meant: %.*s: name one by object or id",
	    s->name, SPAN_FMT(buf_span(&names)));
}

enum rc
token_keys_find_uri(const struct session *s, const struct token_keys *keys,
    const struct uri *uri, const struct key **ret)
{
	const struct key *found = NULL;

	for (size_t i = 0; i < keys->n; i++) {
		const struct key *key = &keys->key[i];

		if (!key->shown.has_private ||
		    !uri_match_key(
			uri, buf_span(&key->label), buf_span(&key->id)))
			continue;
		if (found != NULL)
			return several(s, keys, uri);
		found = key;
	}
	if (found == NULL)
		return err_set(RC_TOKEN, "%s: no private key%s", s->name,
		    uri_names_key(uri) ? " of that name or id" : " on it");
	*ret = found;
	return RC_OK;
}

/* By public key: labels and ids are only what somebody wrote on the card. */
enum rc
token_keys_find_spki(const struct session *s, const struct token_keys *keys,
    struct span spki, const struct key **ret)
{
	bool public_only = false;

	for (size_t i = 0; i < keys->n; i++) {
		const struct key *key = &keys->key[i];

		if (!span_eq(buf_span(&key->shown.spki), spki))
			continue;
		if (key->shown.has_private) {
			*ret = key;
			return RC_OK;
		}
		public_only = true;
	}
	return err_set(RC_TOKEN, "%s: %s", s->name,
	    public_only ? "has the public half of that key only"
			: "that key is not on it");
}
