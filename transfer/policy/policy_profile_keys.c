/* SPDX-License-Identifier: Apache-2.0 */
/** One reader for each key of [profile NAME] (airgap-policy(5)). */
#include "transfer/policy/policy_read.h"

#include "base/list.h"
#include "base/own_ssl.h"
#include "transfer/x509/transfer_eku.h"

#include <openssl/err.h>
#include <openssl/objects.h>

#define EXTENSION_KEY "extension."

static const struct policy_word name_words[] = {
	{ "dns", 1U << NAME_DNS },
	{ "srv", 1U << NAME_SRV },
	{ "xmpp", 1U << NAME_XMPP },
	{ "ip", 1U << NAME_IP },
	{ "email", 1U << NAME_EMAIL },
	{ "uri", 1U << NAME_URI },
	{ NULL, 0 },
};

static const struct policy_word source_words[] = {
	{ "csr", 1 },
	{ "bundle", 2 },
	{ NULL, 0 },
};

#define USAGE_CRITICAL (1U << 31) /* not one of OpenSSL's */

/* The names and bits of OpenSSL (RFC 5280 4.2.1.3). */
static const struct policy_word usage_words[] = {
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
	{ NULL, 0 },
};

static const struct policy_word key_words[] = {
	{ "rsa", 1U << KEY_RSA },
	{ "ec-p256", 1U << KEY_P256 },
	{ "ec-p384", 1U << KEY_P384 },
	{ "ec-p521", 1U << KEY_P521 },
	{ "ed25519", 1U << KEY_ED25519 },
	{ NULL, 0 },
};

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
profile_names_min(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_number(
	    r, entry, (uint32_t[]){ 0, NAMES_MAX }, &p->names_min);
}

static enum rc
profile_names_max(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_number(
	    r, entry, (uint32_t[]){ 1, NAMES_MAX }, &p->names_max);
}

static enum rc
profile_names_from(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;
	uint32_t bits = 0;
	enum rc rc = policy_value_bits(r, entry, source_words, &bits);

	p->names_from_csr = (bits & 1) != 0;
	p->names_from_bundle = (bits & 2) != 0;
	return rc;
}

static enum rc
profile_wildcard(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_yes(r, entry, &p->wildcard);
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
			    "srv-services has \"%s\"; wanted services as "
			    "xmpp-client, without the underscore",
			    p->srv_services.items[i]);
	}
	return rc;
}

static enum rc
profile_scope(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct profile *p = target;

	return policy_value_narrower(r, entry, &p->scope);
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
		    "keyUsage = %.*s: wanted \"critical, \" and at least one "
		    "usage",
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
		    "extendedKeyUsage has \"%s\"; wanted names such as "
		    "serverAuth, or OIDs",
		    word);
	n = OBJ_obj2txt(text, sizeof(text), oid, 1);
	if (n <= 0 || (size_t)n >= sizeof(text) ||
	    OBJ_obj2nid(oid) == NID_anyExtendedKeyUsage ||
	    strcmp(text, EKU_TRANSFER) == 0)
		return config_refuse(r->from, entry->line,
		    "extendedKeyUsage has \"%s\", which no profile may give",
		    word);
	for (size_t i = 0; i < eku->n; i++)
		if (strcmp(eku->items[i], text) == 0)
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
profile_key_types(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_bits(r, entry, key_words, &p->key_kinds);
}

static enum rc
read_rsa_bits(const struct policy_reading *r, const struct config_entry *entry,
    uint32_t *ret)
{
	enum rc rc =
	    policy_value_number(r, entry, (uint32_t[]){ 2048, 8192 }, ret);

	if (rc == RC_OK && *ret % 8 != 0)
		return config_refuse(r->from, entry->line,
		    "%.*s = %u: wanted a multiple of 8", SPAN_FMT(entry->key),
		    *ret);
	return rc;
}

static enum rc
profile_rsa_min(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return read_rsa_bits(r, entry, &p->rsa_min);
}

static enum rc
profile_rsa_max(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return read_rsa_bits(r, entry, &p->rsa_max);
}

static enum rc
profile_key_reuse(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	p->key_same_names = span_eq_str(entry->value, "same-names");
	if (p->key_same_names || span_eq_str(entry->value, "any"))
		return RC_OK;
	return config_refuse(r->from, entry->line,
	    "key-reuse = %.*s: wanted any or same-names",
	    SPAN_FMT(entry->value));
}

static enum rc
profile_validity(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_dur(r, entry, 3600, &p->validity);
}

static enum rc
profile_validity_max(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_dur(r, entry, 3600, &p->validity_max);
}

static enum rc
profile_series_max(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_number(
	    r, entry, (uint32_t[]){ 1, SERIES_MAX }, &p->series_max);
}

static enum rc
profile_horizon(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_dur(r, entry, 3600, &p->horizon);
}

static enum rc
profile_ca(const struct policy_reading *r, const struct config_entry *entry,
    void *target)
{
	struct profile *p = target;

	return policy_value_yes(r, entry, &p->is_ca);
}

static enum rc
profile_path_len(const struct policy_reading *r,
    const struct config_entry *entry, void *target)
{
	struct profile *p = target;

	return policy_value_number(
	    r, entry, (uint32_t[]){ 0, 16 }, &p->path_len);
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

const struct policy_key policy_profile_keys[] = {
	{ "subject", true, profile_subject },
	{ "names", true, profile_names },
	{ "names-min", false, profile_names_min },
	{ "names-max", false, profile_names_max },
	{ "names-from", false, profile_names_from },
	{ "wildcard", false, profile_wildcard },
	{ "srv-services", false, profile_srv_services },
	{ "scope", false, profile_scope },
	{ "key-types", true, profile_key_types },
	{ "rsa-bits-min", false, profile_rsa_min },
	{ "rsa-bits-max", false, profile_rsa_max },
	{ "key-reuse", false, profile_key_reuse },
	{ "keyUsage", true, profile_key_usage },
	{ "extendedKeyUsage", false, profile_eku },
	{ "validity", true, profile_validity },
	{ "validity-max", true, profile_validity_max },
	{ "series-max", false, profile_series_max },
	{ "horizon", false, profile_horizon },
	{ "ca", false, profile_ca },
	{ "path-len", false, profile_path_len },
	{ EXTENSION_KEY, false, profile_extension },
	{ NULL, false, NULL },
};
