/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7512 by p11-kit, less what would put a PIN into argv or run a command. */
#include "token/p11/uri.h"

#include "base/own.h"

#include <p11-kit/uri.h>
#include <stdlib.h>

OWN_TYPE(P11KitUri, p11_kit_uri_free);

enum rc
uri_pin_path(const char *source, const char **ret_path)
{
	const char *path = source;

	if (strncmp(path, "file:", 5) == 0) {
		path += 5;
		/* file:///etc/pin has an empty authority (RFC 8089 2). */
		if (strncmp(path, "//", 2) == 0)
			path += 2;
		if (path[0] != '/')
			return err_set(RC_USAGE,
			    "%s: a pin-source names an absolute path", source);
	} else if (path[0] == '|') {
		return err_set(
		    RC_USAGE, "%s: a pin-source may not be a command", source);
	}
	if (path[0] == '\0')
		return err_set(RC_USAGE, "the pin-source is empty");
	*ret_path = path;
	return RC_OK;
}

/* Looked for in the text, before anything else is said of it: a URI with a PIN
 * in it is repeated in no sentence, whatever else is wrong with it. */
static enum rc
check_no_pin(const char *text)
{
	if (strcasestr(text, "pin-value") == NULL)
		return RC_OK;
	return err_set(RC_USAGE,
	    "the URI has a pin-value, which others can see: use pin-source=file:PATH, or be asked");
}

static enum rc
check_parts(const char *text, P11KitUri *p)
{
	if (p11_kit_uri_any_unrecognized(p))
		return err_set(RC_USAGE,
		    "%s: the URI has an attribute that is not known", text);
	if (p11_kit_uri_get_module_name(p) != NULL)
		return err_set(RC_USAGE,
		    "%s: module-name is not used here: give module-path", text);
	(void)p11_kit_uri_clear_attribute(p, CKA_CLASS);
	return RC_OK;
}

static enum rc
pin_file(const char *text, P11KitUri *p, char **ret_file)
{
	const char *source = p11_kit_uri_get_pin_source(p);
	const char *path;
	enum rc rc;

	if (source == NULL)
		return RC_OK;
	if (strncmp(source, "file:", 5) != 0)
		return err_set(
		    RC_USAGE, "%s: the pin-source must be file:PATH", text);
	rc = uri_pin_path(source, &path);
	if (rc != RC_OK)
		return rc;
	*ret_file = strdup(path);
	return *ret_file == NULL ? err_memory() : RC_OK;
}

enum rc
uri_parse(const char *text, struct uri *ret)
{
	OWN(P11KitUri) *p = NULL;
	char *file = NULL;
	enum rc rc;
	int result;

	if (text == NULL) {
		*ret = (struct uri){ 0 };
		return RC_OK;
	}
	rc = check_no_pin(text);
	if (rc != RC_OK)
		return rc;
	p = p11_kit_uri_new();
	if (p == NULL)
		return err_memory();
	result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, p);
	if (result != P11_KIT_URI_OK)
		return err_set(RC_USAGE,
		    "%s: not a PKCS#11 URI (RFC 7512), like pkcs11:token=LABEL;object=KEY",
		    text);
	rc = check_parts(text, p);
	if (rc == RC_OK)
		rc = pin_file(text, p, &file);
	if (rc != RC_OK)
		return rc;
	*ret = (struct uri){ .module = p11_kit_uri_get_module_path(p),
		.pin_file = file };
	ret->parsed = MOVE(p);
	return RC_OK;
}

/* p11-kit passes over white space, and a line break would be a second line of
 * whatever file the URI is kept in. */
enum rc
uri_check(const char *text)
{
	struct uri uri = { 0 };
	enum rc rc;

	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(RC_USAGE,
			    "%s: a control character in a token's URI", text);
	rc = uri_parse(text, &uri);
	uri_wipe(&uri);
	return rc;
}

void
uri_wipe(struct uri *uri)
{
	if (uri->parsed != NULL)
		p11_kit_uri_free(uri->parsed);
	free(uri->pin_file);
	*uri = (struct uri){ 0 };
}

bool
uri_match_token(const struct uri *uri, CK_SLOT_ID slot,
    const CK_SLOT_INFO *slot_info, const CK_TOKEN_INFO *info)
{
	P11KitUri *p = uri->parsed;
	CK_SLOT_ID wanted;

	if (p == NULL)
		return true;
	wanted = p11_kit_uri_get_slot_id(p);
	return (wanted == URI_ANY_SLOT || wanted == slot) &&
	       p11_kit_uri_match_slot_info(p, slot_info) == 1 &&
	       p11_kit_uri_match_token_info(p, info) == 1;
}

static CK_ATTRIBUTE *
part(const struct uri *uri, CK_ATTRIBUTE_TYPE type)
{
	return uri->parsed == NULL
		   ? NULL
		   : p11_kit_uri_get_attribute(uri->parsed, type);
}

bool
uri_names_key(const struct uri *uri)
{
	return part(uri, CKA_LABEL) != NULL || part(uri, CKA_ID) != NULL;
}

/* p11-kit's own matching passes over attributes that the object lacks; ours
 * does not. */
bool
uri_match_key(const struct uri *uri, struct span label, struct span id)
{
	const CK_ATTRIBUTE *l = part(uri, CKA_LABEL), *i = part(uri, CKA_ID);

	return (l == NULL ||
		   span_eq(span_of(l->pValue, l->ulValueLen), label)) &&
	       (i == NULL || span_eq(span_of(i->pValue, i->ulValueLen), id));
}

static enum rc
uri_format(
    P11KitUri *p, P11KitUriType type, const char *end, struct buf *ret_text)
{
	char *text = NULL;
	enum rc rc;

	if (p11_kit_uri_format(p, type, &text) != P11_KIT_URI_OK)
		return err_set(RC_TOKEN, "the token has no URI");
	rc = buf_add_span(ret_text, span_of(text, strcspn(text, end)));
	free(text);
	return rc;
}

enum rc
uri_show(const struct uri *uri, struct buf *ret_text)
{
	if (uri->parsed == NULL)
		return RC_OK;
	return uri_format(uri->parsed, P11_KIT_URI_FOR_TOKEN, "?", ret_text);
}

static enum rc
set_bytes(P11KitUri *p, CK_ATTRIBUTE_TYPE type, struct span bytes)
{
	/* PKCS#11's attribute is not const, though it is only read here. */
	CK_ATTRIBUTE a = { type, NULL, bytes.n };

	if (bytes.n == 0)
		return RC_OK;
	memcpy(&a.pValue, &bytes.p, sizeof(a.pValue));
	return p11_kit_uri_set_attribute(p, &a) == P11_KIT_URI_OK
		   ? RC_OK
		   : err_memory();
}

enum rc
uri_write(const char *module, const CK_TOKEN_INFO *info, CK_SLOT_ID slot,
    struct span label, struct span id, struct buf *ret_text)
{
	OWN(P11KitUri) *p = p11_kit_uri_new();
	CK_TOKEN_INFO *t;
	enum rc rc;

	if (p == NULL)
		return err_memory();
	t = p11_kit_uri_get_token_info(p);
	memcpy(t->label, info->label, sizeof(t->label));
	memcpy(t->serialNumber, info->serialNumber, sizeof(t->serialNumber));
	p11_kit_uri_set_module_path(p, module);
	p11_kit_uri_set_slot_id(p, slot);
	rc = set_bytes(p, CKA_LABEL, label);
	if (rc == RC_OK)
		rc = set_bytes(p, CKA_ID, id);
	return rc != RC_OK ? rc
			   : uri_format(p, P11_KIT_URI_FOR_ANY, "", ret_text);
}
