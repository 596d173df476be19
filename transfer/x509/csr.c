/* SPDX-License-Identifier: Apache-2.0 */
/* Requests by our own DER walk: OpenSSL 3.0 takes twice as long to build its
 * objects as to verify the signature, and accepts encodings that DER forbids.
 * OpenSSL is given a key only after its shape is known (transfer/x509/key).
 *
 * What is used is held to strict DER: the frame, the key, the signature, and
 * the names, when they are wanted. The rest is signed, and nothing more is
 * asked of it: real software writes subjects, versions and attributes as it
 * likes, and none of that comes into a certificate. */
#include "transfer/x509/csr.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/csr_parts.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_parts.h"
#include "transfer/x509/signature.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>

#define VERSION_MAX 2 /* as an INTEGER; 0 is PKCS#10's only one */

static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };

/* A request taken apart (RFC 2986 section 4), nothing judged yet. */
struct csr_fields {
	struct span info;    /* CertificationRequestInfo, header included */
	struct span version; /* magnitude */
	struct der subject;
	struct span spki, attributes;
	struct span algorithm, signature;
};

void
csr_wipe(struct csr *csr)
{
	name_list_wipe(&csr->names);
	free(csr->names_reason);
	free(csr->ca_reason);
	buf_wipe(&csr->spelled);
	*csr = (struct csr){ 0 };
}

/* ---- form ---------------------------------------------------------------- */

static bool
take_info(struct span info, struct csr_fields *ret)
{
	struct der spki;

	if (!der_take_unsigned(&info, &ret->version) ||
	    !der_take_whole(&info, DER_SEQUENCE, &ret->subject) ||
	    !der_take_whole(&info, DER_SEQUENCE, &spki))
		return false;
	ret->spki = spki.whole;
	/* Old software leaves out attributes that are empty. */
	if (info.n != 0 && !der_take(&info, DER_EXPLICIT(0), &ret->attributes))
		return false;
	return info.n == 0;
}

/* Each take stays within its span, and wants headers that are DER. */
static bool
take_parts(struct span der, struct csr_fields *ret)
{
	struct span body;
	struct der info;

	if (!der_take(&der, DER_SEQUENCE, &body) || der.n != 0 ||
	    !der_take_whole(&body, DER_SEQUENCE, &info) ||
	    !der_take(&body, DER_SEQUENCE, &ret->algorithm) ||
	    !der_take_bits(&body, &ret->signature) || body.n != 0)
		return false;
	ret->info = info.whole;
	return take_info(info.content, ret);
}

/* Some software counts from 1, or numbers it like a certificate. */
static enum rc
csr_check_version(const char *from, struct span version)
{
	if (version.n == 0 || (version.n == 1 && version.p[0] <= VERSION_MAX))
		return RC_OK;
	return rule_refuse(RULE_CSR_FORM,
	    "%s: a request whose version is the number %u%s; wanted 0 (RFC 2986), or at most %d",
	    from, version.p[version.n - 1],
	    version.n == 1 ? "" : " and bytes before it", VERSION_MAX);
}

static enum rc
csr_take_apart(const char *from, struct span der, struct csr_fields *ret)
{
	struct span rest = der, body;

	if (der.n > CSR_MAX)
		return rule_refuse(RULE_CSR_FORM,
		    "%s: a request of %zu bytes; wanted at most %d", from,
		    der.n, CSR_MAX);
	if (der_take(&rest, DER_SEQUENCE, &body) && rest.n != 0)
		return rule_refuse(RULE_CSR_FORM,
		    "%s: %zu bytes behind the request", from, rest.n);
	if (!take_parts(der, ret))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: not a PKCS#10 request (RFC 2986)", from);
	return csr_check_version(from, ret->version);
}

/* A certificate has one spelling of an RSA key, with the NULL that RFC
 * 3279 2.3.1 wants and some requests lack: key-ids and the list of published
 * keys go by it. Everything else is as it stands, for transfer/x509/key to
 * judge. */
static enum rc
spki_spell(struct span found, struct buf *room, struct span *ret)
{
	const struct key_row *rsa = key_row_get0(KEY_RSA);
	WIPED(buf) alg = { 0 };
	WIPED(buf) body = { 0 };
	struct span rest = found, outer, id, oid;
	enum rc rc;

	*ret = found;
	buf_reset(room);
	if (!der_take(&rest, DER_SEQUENCE, &outer) ||
	    !der_take(&outer, DER_SEQUENCE, &id) ||
	    !der_take(&id, DER_OID, &oid) || id.n != 0 ||
	    !span_eq(oid, span_of(rsa->oid, rsa->oid_n)))
		return RC_OK;
	rc = der_put(&alg, DER_OID, oid);
	if (rc == RC_OK)
		rc = buf_add(&alg, rsa->params, rsa->params_n);
	if (rc == RC_OK)
		rc = der_put(&body, DER_SEQUENCE, buf_span(&alg));
	if (rc == RC_OK)
		rc = buf_add_span(&body, outer);
	if (rc == RC_OK)
		rc = der_put(room, DER_SEQUENCE, buf_span(&body));
	if (rc == RC_OK)
		*ret = buf_span(room);
	return rc;
}

enum rc
csr_find_spki(
    const char *from, struct span der, struct buf *room, struct span *ret_spki)
{
	struct csr_fields parts = { 0 };

	if (der.n > CSR_MAX || !take_parts(der, &parts))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: not a PKCS#10 request (RFC 2986)", from);
	return spki_spell(parts.spki, room, ret_spki);
}

enum rc
csr_find_subject(const char *from, struct span der, struct span *ret_subject)
{
	struct csr_fields parts = { 0 };

	if (der.n > CSR_MAX || !take_parts(der, &parts))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: not a PKCS#10 request (RFC 2986)", from);
	*ret_subject = parts.subject.whole;
	return RC_OK;
}

/* ---- subject ------------------------------------------------------------- */

/* What it says, a byte to a character: a domain has no others. Old Windows
 * writes a common name in 16 bits. */
static enum rc
cn_narrow(const struct der *text, struct buf *room, struct span *ret)
{
	enum rc rc = RC_OK;

	*ret = text->content;
	if (text->tag != DER_BMP_STRING)
		return RC_OK;
	for (size_t i = 0; i + 1 < text->content.n && rc == RC_OK; i += 2)
		rc = buf_add(room,
		    text->content.p[i] == 0 ? &text->content.p[i + 1]
					    : (const uint8_t *)"?",
		    1);
	*ret = buf_span(room);
	return rc;
}

/* A CN that can be a dns name: a domain with a dot in it, in any case. */
static enum rc
take_cn(const struct der *found, struct name_list *names)
{
	WIPED(buf) room = { 0 };
	WIPED(buf) lowered = { 0 };
	struct name name = { NAME_DNS, SPAN_NONE };
	struct span cn = SPAN_NONE;
	enum rc rc = cn_narrow(found, &room, &cn);

	if (rc != RC_OK)
		return rc;
	if (cn.n == 0 || memchr(cn.p, '.', cn.n) == NULL)
		return RC_OK;
	rc = add_lowered(&lowered, cn);
	if (rc != RC_OK)
		return rc;
	name.text = buf_span(&lowered);
	rc = name_check("CN", &name);
	if (rc != RC_OK && rule_spoken() == RULE_NONE)
		return rc;
	if (rc != RC_OK) {
		err_clear();
		return RC_OK;
	}
	return name_list_add(names, NAME_DNS, name.text);
}

/* AttributeTypeAndValue; `ret_cn` is set when it is a common name. The others
 * are nobody's names, and may be of any type. */
static enum rc
csr_read_attribute(const char *from, struct span *rdn, struct der *ret_cn)
{
	struct span body, oid;
	struct der value;

	if (!der_take(rdn, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_OID, &oid) || !der_next(&body, &value) ||
	    body.n != 0)
		return rule_refuse(
		    RULE_CSR_FORM, "%s: a subject of no known form", from);
	if (!span_eq(oid, span_of(oid_common_name, sizeof(oid_common_name))))
		return RC_OK;
	if (!der_is_text(value.tag, value.content))
		return rule_refuse(RULE_CSR_TEXT,
		    "%s: the common name is no text, or has control characters",
		    from);
	*ret_cn = value;
	return RC_OK;
}

static enum rc
csr_read_subject(const char *from, struct span subject, struct der *ret_cn)
{
	struct span rdn;
	enum rc rc;

	while (subject.n != 0) {
		if (!der_take(&subject, DER_SET, &rdn) || rdn.n == 0)
			return rule_refuse(RULE_CSR_FORM,
			    "%s: a subject of no known form", from);
		while (rdn.n != 0) {
			rc = csr_read_attribute(from, &rdn, ret_cn);
			if (rc != RC_OK)
				return rc;
		}
	}
	return RC_OK;
}

/* ---- names --------------------------------------------------------------- */

/* Clients write host names in any case; a certificate has them in one. */
static void
lower_domains(struct name_list *names)
{
	for (size_t i = 0, at = 0; i < names->n; i++) {
		struct name *name = &names->items[i];

		for (size_t j = 0; j < name->text.n; j++, at++) {
			uint8_t *c = &names->store.p[at];

			if (name_type_is_host(name->type) && *c >= 'A' &&
			    *c <= 'Z')
				*c = (uint8_t)(*c - 'A' + 'a');
		}
	}
}

static enum rc
csr_check_names(const char *from, struct name_list *names)
{
	enum rc rc = RC_OK;

	lower_domains(names);
	name_list_unique(names);
	for (size_t i = 0; i < names->n && rc == RC_OK; i++)
		rc = name_check(from, &names->items[i]);
	return rc;
}

/* ---- proof of possession ------------------------------------------------- */

static enum rc
fit_alg(
    const char *from, const struct csr_alg *alg, const struct key_facts *key)
{
	char name[KEY_TYPE_TEXT];

	if (key_row_get0(key->kind)->family == alg->family &&
	    (alg->kind == KEY_OTHER || alg->kind == key->kind))
		return RC_OK;
	key_name(key, name);
	return rule_refuse(RULE_CSR_SIGNATURE_ALG,
	    "%s: the signature algorithm does not fit the key, which is %s",
	    from, name);
}

/* Three answers: it verifies, it does not, and, as an error, nobody can tell.
 */
static enum rc
cannot_verify(const char *from)
{
	return err_openssl(
	    RC_BUG, "%s: its signature cannot be verified", from);
}

static enum rc
csr_verify(const char *from, const struct csr_alg *alg, EVP_PKEY *key,
    const struct csr_fields *parts, EVP_MD_CTX *ctx, bool *ret_good)
{
	EVP_PKEY_CTX *key_ctx = NULL;
	int said;

	if (EVP_DigestVerifyInit_ex(
		ctx, &key_ctx, alg->digest, NULL, NULL, key, NULL) != 1 ||
	    (alg->pss &&
		(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING) !=
			1 ||
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, alg->salt) != 1)))
		return cannot_verify(from);
	said = EVP_DigestVerify(ctx, parts->signature.p, parts->signature.n,
	    parts->info.p, parts->info.n);
	if (said < 0)
		return cannot_verify(from);
	*ret_good = said == 1;
	return RC_OK;
}

/* ECDSA in a context that is kept with its key: making one costs a tenth of the
 * verification. It is begun anew each time, because the point in the key is
 * another one. */
static enum rc
verify_ec(const char *from, const struct csr_alg *alg, EVP_PKEY_CTX *ctx,
    const struct csr_fields *parts, EVP_MD_CTX *md, bool *ret_good)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestInit_ex2(md, EVP_get_digestbyname(alg->digest), NULL) !=
		1 ||
	    EVP_DigestUpdate(md, parts->info.p, parts->info.n) != 1 ||
	    EVP_DigestFinal_ex(md, hash, &n) != 1 ||
	    EVP_PKEY_verify_init(ctx) != 1)
		return cannot_verify(from);
	return signature_of_hash(
	    from, ctx, parts->signature, span_of(hash, n), ret_good);
}

static enum rc
check_pop(const char *from, const struct csr_alg *alg,
    const struct key_facts *facts, EVP_PKEY *key,
    const struct csr_fields *parts, struct key_cache *cache)
{
	EVP_PKEY_CTX **kept = &cache->verify[facts->kind];
	bool ec = alg->family == KEY_EC, good = false;
	enum rc rc;

	assert(!ec || key == cache->ec[facts->kind]);
	if (cache->digest == NULL)
		cache->digest = EVP_MD_CTX_new();
	if (ec && *kept == NULL)
		*kept = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (cache->digest == NULL || (ec && *kept == NULL))
		return err_memory();
	rc = ec ? verify_ec(from, alg, *kept, parts, cache->digest, &good)
		: csr_verify(from, alg, key, parts, cache->digest, &good);
	/* Resetting lets go of the key, too. */
	(void)EVP_MD_CTX_reset(cache->digest);
	ERR_clear_error();
	if (rc != RC_OK || good)
		return rc;
	return rule_refuse(RULE_CSR_POP,
	    "%s: the signature does not verify under the request's own key",
	    from);
}

/* The key's shape comes first, so that an algorithm which does not fit it is
 * told by name, and a broken key is never given to OpenSSL. */
static enum rc
csr_check_key(const char *from, const struct csr_fields *parts,
    struct span spki, struct key_cache *cache, struct key_facts *ret)
{
	OWN(EVP_PKEY) *key = NULL;
	struct csr_alg alg;
	enum rc rc;

	rc = key_check_cached(from, spki, cache, ret, &key);
	if (rc == RC_OK)
		rc = csr_alg_read(from, parts->algorithm, &alg);
	if (rc == RC_OK)
		rc = fit_alg(from, &alg, ret);
	return rc != RC_OK ? rc : check_pop(from, &alg, ret, key, parts, cache);
}

/* ---- all of it ----------------------------------------------------------- */

/* Of its SAN; where it has none, of its CN. */
static enum rc
csr_read_names(const char *from, const struct csr_fields *parts,
    const struct csr_wishes *wishes, struct name_list *names)
{
	struct der cn = { .content = SPAN_NONE };
	enum rc rc;

	if (wishes->n_lists > 1)
		return rule_refuse(RULE_CSR_ATTRIBUTE,
		    "%s: asks for extensions twice; wanted one extensionRequest that has the names",
		    from);
	if (wishes->n_sans != 0) {
		rc = csr_san_read(from, wishes, names);
		return rc != RC_OK ? rc : csr_check_names(from, names);
	}
	rc = csr_read_subject(from, parts->subject.content, &cn);
	return rc != RC_OK ? rc : take_cn(&cn, names);
}

enum rc
csr_names_read(const char *from, struct span der, struct name_list *ret)
{
	WIPED(name_list) names = { 0 };
	struct csr_fields parts = { 0 };
	struct csr_wishes wishes;
	enum rc rc = csr_take_apart(from, der, &parts);

	if (rc == RC_OK)
		rc = csr_attributes_read(from, parts.attributes, &wishes);
	if (rc == RC_OK)
		rc = csr_read_names(from, &parts, &wishes, &names);
	if (rc != RC_OK)
		return rc;
	*ret = names;
	names = (struct name_list){ 0 };
	return RC_OK;
}

/* A refusal is kept for whoever wants its names; a failure is one. */
static enum rc
csr_keep_names(const char *from, const struct csr_fields *parts,
    const struct csr_wishes *wishes, struct csr *csr)
{
	enum rc rc = csr_read_names(from, parts, wishes, &csr->names);

	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	name_list_wipe(&csr->names);
	csr->names = (struct name_list){ 0 };
	csr->names_rule = rule_spoken();
	csr->names_reason = strdup(err_text());
	if (csr->names_reason == NULL)
		return err_memory();
	err_clear();
	return RC_OK;
}

/* Only who knows the profile can tell whether it may. */
static enum rc
csr_keep_ca(const struct csr_wishes *wishes, struct csr *csr)
{
	csr->ca = wishes->ca;
	if (wishes->ca_rule == RULE_NONE)
		return RC_OK;
	csr->ca_rule = wishes->ca_rule;
	csr->ca_reason = strdup(wishes->ca_reason);
	return csr->ca_reason == NULL ? err_memory() : RC_OK;
}

enum rc
csr_read(
    const char *from, struct span der, struct key_cache *cache, struct csr *ret)
{
	WIPED(key_cache) own = { 0 };
	WIPED(csr) csr = { 0 };
	struct csr_fields parts = { 0 };
	struct csr_wishes wishes;
	enum rc rc;

	rc = csr_take_apart(from, der, &parts);
	if (rc == RC_OK)
		rc = spki_spell(parts.spki, &csr.spelled, &csr.spki);
	if (rc == RC_OK)
		rc = csr_check_key(from, &parts, csr.spki,
		    cache != NULL ? cache : &own, &csr.key);
	if (rc == RC_OK)
		rc = csr_attributes_read(from, parts.attributes, &wishes);
	if (rc == RC_OK)
		rc = csr_keep_ca(&wishes, &csr);
	if (rc == RC_OK)
		rc = csr_keep_names(from, &parts, &wishes, &csr);
	if (rc != RC_OK)
		return rc;
	*ret = csr;
	csr = (struct csr){ 0 };
	return RC_OK;
}

enum rc
csr_names_wanted(const struct csr *csr)
{
	if (csr->names_rule == RULE_NONE)
		return RC_OK;
	return rule_refuse(csr->names_rule, "%s", csr->names_reason);
}

enum rc
csr_ca_unwanted(const struct csr *csr)
{
	if (csr->ca_rule == RULE_NONE)
		return RC_OK;
	return rule_refuse(csr->ca_rule, "%s", csr->ca_reason);
}
