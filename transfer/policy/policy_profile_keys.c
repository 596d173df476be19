/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of [profile NAME] (airgap-policy(5)). What one of them asks of
 * another is in policy_profile.c. */
#include "transfer/policy/policy_read.h"

#include "base/list.h"
#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/transfer_eku.h"

#include <openssl/err.h>
#include <openssl/objects.h>

#define EXTENSION_KEY "extension."

/* ---- words --------------------------------------------------------------- */

struct policy_word {
	const char *word;
	uint32_t value;
};

static const char *
word_at(const struct policy_word *table, size_t n, unsigned i, uint32_t *ret)
{
	if (i >= n)
		return NULL;
	*ret = table[i].value;
	return table[i].word;
}
#define WORD_AT(table, i, ret) \
	word_at(table, sizeof(table) / sizeof((table)[0]), i, ret)

static const char *
name_words(unsigned i, uint32_t *ret_bit)
{
	*ret_bit = i < NAME_TYPES ? 1U << i : 0;
	return i < NAME_TYPES ? name_type_text((enum name_type)i) : NULL;
}

static const char *
key_words(unsigned i, uint32_t *ret_bit)
{
	const struct key_row *row = key_row_get0((enum key_kind)(i + 1));

	*ret_bit = row == NULL ? 0 : 1U << (i + 1);
	return row == NULL ? NULL : row->word;
}

static const char *
source_words(unsigned i, uint32_t *ret_bit)
{
	static const struct policy_word words[] = {
		{ "csr", NAMES_FROM_CSR },
		{ "bundle", NAMES_FROM_BUNDLE },
	};

	return WORD_AT(words, i, ret_bit);
}

static const char *
reuse_words(unsigned i, uint32_t *ret_reuse)
{
	static const struct policy_word words[] = {
		{ "any", KEY_REUSE_ANY },
		{ "same-requester", KEY_REUSE_REQUESTER },
		{ "same-names", KEY_REUSE_NAMES },
	};

	return WORD_AT(words, i, ret_reuse);
}

#define USAGE_CRITICAL (1U << 31) /* not one of OpenSSL's */

/* The names and bits of OpenSSL (RFC 5280 4.2.1.3). */
static const char *
usage_words(unsigned i, uint32_t *ret_bit)
{
	static const struct policy_word words[] = {
		{ "critical", USAGE_CRITICAL },
		{ "digitalSignature", KU_DIGITAL_SIGNATURE },
		{ "nonRepudiation", KU_NON_REPUDIATION },
		{ "keyEncipherment", KU_KEY_ENCIPHERMENT },
		{ "dataEncipherment", KU_DATA_ENCIPHERMENT },
		{ "keyAgreement", KU_KEY_AGREEMENT },
		{ "keyCertSign", KU_KEY_CERT_SIGN },
		{ "cRLSign", KU_CRL_SIGN },
		{ "encipherOnly", KU_ENCIPHER_ONLY },
		{ "decipherOnly", KU_DECIPHER_ONLY },
	};

	return WORD_AT(words, i, ret_bit);
}

/* ---- keys with a reader of their own --------------------------------------
 */

static enum rc
profile_subject(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	(void)r;
	if (span_eq_str(entry->value, "first-name")) {
		p->subject = SUBJECT_FIRST_NAME;
	} else if (span_eq_str(entry->value, "none")) {
		p->subject = SUBJECT_NONE;
	} else if (span_eq_str(entry->value, "csr")) {
		p->subject = SUBJECT_CSR;
	} else {
		p->subject = SUBJECT_TEXT;
		p->subject_text =
		    strndup((const char *)entry->value.p, entry->value.n);
		if (p->subject_text == NULL)
			return err_memory();
	}
	return RC_OK;
}

static enum rc
profile_names(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct profile *p = target;

	if (span_eq_str(entry->value, "none"))
		return RC_OK;
	return policy_value_bits(r, entry, name_words, &p->name_types);
}

static enum rc
add_fixed_name(const struct policy_reading *r, const struct config_entry *entry,
    const char *typed, struct name_list *names)
{
	WIPED(buf) text = { 0 };
	struct err_saved why;
	enum name_type type;
	enum rc rc = name_read(typed, &type, &text);

	if (rc == RC_OK)
		return name_list_add(names, type, buf_span(&text));
	if (rc != RC_USAGE && rule_spoken() == RULE_NONE)
		return rc;
	err_save(&why);
	return config_refuse(r->from, entry->line,
	    "fixed-names has \"%s\": %.800s", typed, why.text);
}

static enum rc
profile_fixed_names(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct text_list words = { 0 };
	struct profile *p = target;
	enum rc rc = policy_value_list(r, entry, &words);

	for (size_t i = 0; i < words.n && rc == RC_OK; i++)
		rc = add_fixed_name(r, entry, words.items[i], &p->fixed_names);
	text_list_wipe(&words);
	return rc;
}

static enum rc
profile_srv_services(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;
	WIPED(buf) typed = { 0 };
	enum rc rc = policy_value_list(r, entry, &p->srv_services);

	for (size_t i = 0; i < p->srv_services.n && rc == RC_OK; i++) {
		struct name name = { NAME_SRV, SPAN_NONE };

		buf_reset(&typed);
		rc = buf_printf(
		    &typed, "_%s.example.org", p->srv_services.items[i]);
		if (rc != RC_OK)
			return rc;
		name.text = buf_span(&typed);
		if (name_check("srv-services", &name) != RC_OK)
			return config_refuse(r->from, entry->line,
			    "srv-services has \"%s\"; wanted services as xmpp-client, without the underscore",
			    p->srv_services.items[i]);
	}
	return rc;
}

/* "critical" must be written out, as RFC 5280 4.2.1.3 wants it and OpenSSL
 * spells it: nobody shall think that leaving it out does something. */
static enum rc
profile_key_usage(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;
	uint32_t bits = 0;
	enum rc rc = policy_value_bits(r, entry, usage_words, &bits);

	if (rc != RC_OK)
		return rc;
	if (strncmp((const char *)entry->value.p, "critical,",
		entry->value.n < 9 ? entry->value.n : 9) != 0 ||
	    (bits & ~USAGE_CRITICAL) == 0)
		return config_refuse(r->from, entry->line,
		    "keyUsage = %.*s: wanted \"critical, \" and at least one usage",
		    SPAN_FMT(entry->value));
	p->key_usage = bits & ~USAGE_CRITICAL;
	return RC_OK;
}

/* A purpose's name or OID, as its OID. */
static enum rc
profile_keys_add_eku(const struct policy_reading *r,
    const struct config_entry *entry, const char *word, struct text_list *eku)
{
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(word, 0);
	char text[128];
	int n;

	ERR_clear_error();
	if (oid == NULL)
		return config_refuse(r->from, entry->line,
		    "extendedKeyUsage has \"%s\"; wanted names such as serverAuth, or OIDs",
		    word);
	n = OBJ_obj2txt(text, sizeof(text), oid, 1);
	if (n <= 0 || (size_t)n >= sizeof(text) ||
	    OBJ_obj2nid(oid) == NID_anyExtendedKeyUsage ||
	    strcmp(text, EKU_TRANSFER) == 0)
		return config_refuse(r->from, entry->line,
		    "extendedKeyUsage has \"%s\", which no profile may give",
		    word);
	if (text_list_has(eku, text))
		return config_refuse(r->from, entry->line,
		    "extendedKeyUsage has %s twice", word);
	return text_list_add(eku, span_of(text, (size_t)n));
}

static enum rc
profile_eku(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct text_list words = { 0 };
	struct profile *p = target;
	enum rc rc = policy_value_list(r, entry, &words);

	for (size_t i = 0; i < words.n && rc == RC_OK; i++)
		rc = profile_keys_add_eku(r, entry, words.items[i], &p->eku);
	text_list_wipe(&words);
	return rc;
}

static enum rc
profile_extension(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	size_t skip = strlen(EXTENSION_KEY);
	struct policy_extension *one;
	struct profile *p = target;
	enum rc rc;

	/* Its policy can be read from a file ("policy=file:"). */
	if (span_eq_str(entry->key, EXTENSION_KEY "proxyCertInfo"))
		return config_refuse(r->from, entry->line,
		    "extension.proxyCertInfo: not for certificates of ours");
	rc = LIST_GROW(p->extensions, p->n_extensions);
	if (rc != RC_OK)
		return rc;
	one = &p->extensions[p->n_extensions++];
	one->name =
	    strndup((const char *)entry->key.p + skip, entry->key.n - skip);
	one->value = strndup((const char *)entry->value.p, entry->value.n);
	return one->name != NULL && one->value != NULL ? RC_OK : err_memory();
}

/* ---- the table ------------------------------------------------------------
 */

#define AT(field, type) POLICY_AT(profile, field, type)
#define FROM_ANYWHERE (NAMES_FROM_CSR | NAMES_FROM_BUNDLE)

/* clang-format off */
const struct policy_key policy_profile_keys[] = {
	{ "subject", POLICY_OWN, .required = true, .own = profile_subject },
	{ "names", POLICY_OWN, .required = true, .own = profile_names },
	{ "names-min", POLICY_NUMBER, .at = AT(names_min, uint32_t),
	  .least = 0, .most = NAMES_MAX, .otherwise = 1 },
	{ "names-max", POLICY_NUMBER, .at = AT(names_max, uint32_t),
	  .least = 1, .most = NAMES_MAX, .otherwise = NAMES_MAX },
	{ "names-from", POLICY_BITS, .at = AT(names_from, uint32_t),
	  .words = source_words, .otherwise = FROM_ANYWHERE },
	{ "fixed-names", POLICY_OWN, .own = profile_fixed_names },
	{ "wildcard", POLICY_EITHER, .at = AT(wildcard, bool),
	  .words = policy_yes_words },
	{ "srv-services", POLICY_OWN, .own = profile_srv_services },
	{ "scope", POLICY_DOMAINS, .at = AT(scope, struct text_list) },
	{ "key-types", POLICY_BITS, .required = true,
	  .at = AT(key_kinds, uint32_t), .words = key_words },
	{ "rsa-bits-min", POLICY_NUMBER, .at = AT(rsa_min, uint32_t),
	  .least = KEY_RSA_BITS_MIN, .most = KEY_RSA_BITS_MAX,
	  .step = KEY_BITS_STEP, .otherwise = KEY_RSA_BITS_MIN },
	{ "rsa-bits-max", POLICY_NUMBER, .at = AT(rsa_max, uint32_t),
	  .least = KEY_RSA_BITS_MIN, .most = KEY_RSA_BITS_MAX,
	  .step = KEY_BITS_STEP, .otherwise = KEY_RSA_BITS_MAX },
	{ "key-reuse", POLICY_ONE, .at = AT(key_reuse, uint32_t),
	  .words = reuse_words, .otherwise = KEY_REUSE_REQUESTER },
	{ "keyUsage", POLICY_OWN, .required = true, .own = profile_key_usage },
	{ "extendedKeyUsage", POLICY_OWN, .own = profile_eku },
	{ "validity", POLICY_DURATION, .required = true,
	  .at = AT(validity, int64_t), .least = HOUR },
	{ "validity-max", POLICY_DURATION, .required = true,
	  .at = AT(validity_max, int64_t), .least = HOUR },
	{ "series-max", POLICY_NUMBER, .at = AT(series_max, uint32_t),
	  .least = 1, .most = SERIES_MAX, .otherwise = 1 },
	/* otherwise: see policy_profile_check */
	{ "horizon", POLICY_DURATION, .at = AT(horizon, int64_t),
	  .least = HOUR },
	{ "ca", POLICY_EITHER, .at = AT(is_ca, bool),
	  .words = policy_yes_words },
	{ "path-len", POLICY_NUMBER, .at = AT(path_len, uint32_t),
	  .least = 0, .most = 16 },
	{ EXTENSION_KEY, POLICY_OWN, .own = profile_extension },
	{ 0 },
};
/* clang-format on */
