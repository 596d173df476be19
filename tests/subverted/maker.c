/* SPDX-License-Identifier: Apache-2.0 */
/* A maker of certificates with a bug: the TBS says something else than was
 * granted, in good form. Nobody takes the signer over to do so; the lint is
 * there for the day when we do it ourselves. */
#include "tests/subverted/hostile.h"

#include "base/own_ssl.h"
#include "ca/cert/template.h"

#include <openssl/x509v3.h>

enum rc __real_template_tbs(X509 *template, struct buf *out);
enum rc __wrap_template_tbs(X509 *template, struct buf *out);

static enum rc
replace_extension(X509 *x, int nid, void *value)
{
	int at = X509_get_ext_by_NID(x, nid, -1);

	if (at < 0 || value == NULL ||
	    X509_add1_ext_i2d(x, nid, value,
		X509_EXTENSION_get_critical(X509_get_ext(x, at)),
		X509V3_ADD_REPLACE_EXISTING) != 1)
		return err_openssl(RC_BUG, "subverted: extension");
	return RC_OK;
}

static enum rc
change_names(X509 *x)
{
	OWN(GENERAL_NAMES) *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	GENERAL_NAME *first = sk_GENERAL_NAME_value(names, 0);
	int ok = 1;

	if (first == NULL)
		return err_set(RC_BUG, "subverted: no name");
	if (does("maker:san"))
		ok = ASN1_STRING_set(first->d.ia5, "evil.example.org", -1);
	if (does("maker:san-more")) {
		GENERAL_NAME *more = GENERAL_NAME_dup(first);

		ok = more != NULL &&
		     ASN1_STRING_set(more->d.ia5, "evil.example.org", -1) &&
		     sk_GENERAL_NAME_push(names, more) > 0;
	}
	if (does("maker:san-fewer"))
		GENERAL_NAME_free(sk_GENERAL_NAME_pop(names));
	if (does("maker:san-type"))
		first->type = GEN_EMAIL;
	return ok != 0 ? replace_extension(x, NID_subject_alt_name, names)
		       : err_openssl(RC_BUG, "subverted: name");
}

static enum rc
change_purposes(X509 *x)
{
	OWN(EXTENDED_KEY_USAGE) *eku =
	    X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);

	if (eku == NULL)
		return err_set(RC_BUG, "subverted: no extKeyUsage");
	if (does("maker:eku"))
		ASN1_OBJECT_free(sk_ASN1_OBJECT_pop(eku));
	if (sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_email_protect)) <= 0)
		return err_memory();
	return replace_extension(x, NID_ext_key_usage, eku);
}

static enum rc
change_subject(X509 *x)
{
	OWN(X509_NAME) *name = X509_NAME_new();

	if (name == NULL ||
	    (does("maker:cn") &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		    (const uint8_t *)"evil.example.org", -1, -1, 0) != 1) ||
	    X509_set_subject_name(x, name) != 1)
		return err_openssl(RC_BUG, "subverted: subject");
	return RC_OK;
}

static enum rc
change_dates(X509 *x)
{
	if (X509_gmtime_adj(X509_getm_notAfter(x), 5) == NULL)
		return err_openssl(RC_BUG, "subverted: dates");
	return RC_OK;
}

static enum rc
change_key(X509 *x)
{
	OWN(EVP_PKEY) *key = EVP_EC_gen("P-256");

	if (key == NULL || X509_set_pubkey(x, key) != 1)
		return err_openssl(RC_BUG, "subverted: key");
	return RC_OK;
}

/* clang-format off */
static const struct {
	const char *what;
	enum rc (*change)(X509 *x);
} bugs[] = {
	{ "maker:san", change_names },
	{ "maker:san-more", change_names },
	{ "maker:san-fewer", change_names },
	{ "maker:san-type", change_names },
	{ "maker:eku", change_purposes },
	{ "maker:eku-more", change_purposes },
	{ "maker:cn", change_subject },
	{ "maker:no-cn", change_subject },
	{ "maker:dates", change_dates },
	{ "maker:key", change_key },
};
/* clang-format on */

enum rc
__wrap_template_tbs(X509 *template, struct buf *out)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++)
		if (rc == RC_OK && does(bugs[i].what))
			rc = bugs[i].change(template);
	return rc != RC_OK ? rc : __real_template_tbs(template, out);
}
