/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever knows x509v3_config(5) writes what he knows. Some of its forms point
 * to sections of a configuration file, or copy from a certificate; policy.conf
 * has neither, and says so in words of its own. */
#include "transfer/policy/extension_line.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/succession.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Made by other keys, or by the CA. */
static const struct {
	int nid;
	const char *by;
} made_elsewhere[] = {
	{ NID_basic_constraints, "the keys ca and path-len" },
	{ NID_key_usage, "the key keyUsage" },
	{ NID_ext_key_usage, "the key extendedKeyUsage" },
	{ NID_subject_alt_name, "the names that are granted" },
	{ NID_subject_key_identifier, "the key of the certificate" },
	{ NID_authority_key_identifier, "the CA's certificate" },
};

/* A configuration that is there and has nothing in it: without one, OpenSSL
 * takes no certificatePolicies at all. */
static char *
line_no_string(void *db, const char *section, const char *value)
{
	(void)db;
	(void)section;
	(void)value;
	return NULL;
}

static STACK_OF(CONF_VALUE) * line_no_section(void *db, const char *section)
{
	(void)db;
	(void)section;
	return NULL;
}

static X509V3_CONF_METHOD line_no_config = { line_no_string, line_no_section,
	NULL, NULL };

/* "@NAME", first or behind one of ",;:" and spaces. */
static bool
names_section(const char *value)
{
	bool first = true;

	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '@' && first)
			return true;
		if (*p != ' ')
			first = strchr(",;:", *p) != NULL;
	}
	return false;
}

/* What is wrong with a value that OpenSSL does not take. */
static const char *
line_fault(const struct policy_extension *line)
{
	const char *v = line->value;
	const char *raw = strncmp(v, "critical,", 9) == 0 ? v + 9 : v;

	raw += strspn(raw, " ");
	if (names_section(raw) || strncmp(raw, "ASN1:SEQ", 8) == 0 ||
	    strncmp(raw, "ASN1:SET", 8) == 0 || strstr(raw, "dirName:") != NULL)
		return "it points to a section of a configuration file, and there is none: write it on one line, as DER:HEX if nothing else does";
	if (strstr(raw, ":copy") != NULL || strstr(raw, ":move") != NULL)
		return "it copies from a certificate, and there is none yet";
	if (strncmp(raw, "DER:", 4) == 0)
		return "what follows DER: is not hexadecimal";
	if (strncmp(raw, "ASN1:", 5) == 0)
		return "what follows ASN1: is no type and value of ASN1_generate_nconf(3)";
	if (OBJ_sn2nid(line->name) == NID_undef)
		return "OpenSSL knows no such extension by its short name: give its OID as NAME, and DER:HEX or ASN1:TYPE:VALUE";
	return "not a value that x509v3_config(5) has for it on one line; DER:HEX is taken for any";
}

static bool
is_succession(const ASN1_OBJECT *oid)
{
	return succession_is_oid(span_of(OBJ_get0_data(oid), OBJ_length(oid)));
}

static enum rc
line_check_name(const struct policy_extension *line)
{
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(line->name, 0);
	int nid = oid == NULL ? NID_undef : OBJ_obj2nid(oid);

	ERR_clear_error();
	/* Its values may name files, which would be read. */
	if (nid == NID_proxyCertInfo)
		return rule_refuse(RULE_POLICY,
		    "extension.%s: not for certificates of ours", line->name);
	/* Whoever had it could come into the CA's place. */
	if (oid != NULL && is_succession(oid))
		return rule_refuse(RULE_POLICY,
		    "extension.%s: marks the CA's own next keys, and is for no profile",
		    line->name);
	for (size_t i = 0;
	     i < sizeof(made_elsewhere) / sizeof(made_elsewhere[0]); i++)
		if (nid == made_elsewhere[i].nid)
			return rule_refuse(RULE_POLICY,
			    "extension.%s: is made from %s", line->name,
			    made_elsewhere[i].by);
	return RC_OK;
}

/* Bytes in hexadecimal may be anything: where OpenSSL knows the extension, as
 * peers do, they are one. */
static bool
line_is_readable(X509_EXTENSION *ext)
{
	const X509V3_EXT_METHOD *method = X509V3_EXT_get(ext);
	void *value = method == NULL ? NULL : X509V3_EXT_d2i(ext);

	ERR_clear_error();
	if (value != NULL && method->it != NULL)
		ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
	else if (value != NULL)
		method->ext_free(value);
	return method == NULL || value != NULL;
}

enum rc
extension_of_line(const struct policy_extension *line, X509_EXTENSION **ret)
{
	OWN(X509_EXTENSION) *ext = NULL;
	const ASN1_OCTET_STRING *value;
	const char *what = NULL;
	X509V3_CTX ctx;
	size_t at = 0;
	enum rc rc = line_check_name(line);

	if (rc != RC_OK)
		return rc;
	X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
	ctx.db_meth = &line_no_config;
	ctx.db = &line_no_config; /* anything: the functions ask for nothing */
	ext = X509V3_EXT_nconf(NULL, &ctx, line->name, line->value);
	ERR_clear_error();
	if (ext == NULL)
		return rule_refuse(RULE_POLICY, "extension.%s = %s: %s",
		    line->name, line->value, line_fault(line));
	value = X509_EXTENSION_get_data(ext);
	if (!der_check(span_of(ASN1_STRING_get0_data(value),
			   (size_t)ASN1_STRING_length(value)),
		&what, &at))
		return rule_refuse(RULE_POLICY,
		    "extension.%s = %s: not strict DER: %s at byte %zu",
		    line->name, line->value, what, at);
	if (!line_is_readable(ext))
		return rule_refuse(RULE_POLICY,
		    "extension.%s = %s: not what that extension has for a value",
		    line->name, line->value);
	*ret = MOVE(ext);
	return RC_OK;
}
