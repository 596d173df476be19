/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 attributes from modules that lie about lengths, lack what the
 * standard demands, or fail one attribute of a good object: everything is
 * bounded, and what is missing is said to be missing. */
#include "token/p11/attr.h"

#include "token/p11/ckr.h"

#define ATTR_MAX ((size_t)64 << 10) /* bytes of one, as a certificate */

/* A module that reports more than was asked for, or an endless list, ends
 * here. */
enum rc
objects_find(const struct session *s, CK_ATTRIBUTE *template,
    CK_ULONG n_template, CK_OBJECT_HANDLE *ret, size_t max, size_t *ret_n)
{
	CK_FUNCTION_LIST *f = s->module->f;
	CK_ULONG got = 0;
	size_t n = 0;
	CK_RV rv;

	rv = f->C_FindObjectsInit(s->handle, template, n_template);
	if (rv != CKR_OK)
		return ckr_set(rv, "%s: objects cannot be listed", s->name);
	do {
		rv = f->C_FindObjects(s->handle, ret + n, max - n, &got);
		if (rv == CKR_OK && got <= max - n)
			n += got;
	} while (rv == CKR_OK && got != 0 && n < max);
	(void)f->C_FindObjectsFinal(s->handle);
	if (rv != CKR_OK)
		return ckr_set(rv, "%s: objects cannot be listed", s->name);
	if (n == max)
		return err_set(RC_TOKEN,
		    "%s: has %zu or more objects of a kind", s->name, max);
	*ret_n = n;
	return RC_OK;
}

/* A length that a failed call left at nothing says nothing. */
static bool
absent(CK_RV rv, CK_ULONG len)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	       rv == CKR_ATTRIBUTE_SENSITIVE || len == (CK_ULONG)-1 ||
	       (rv == CKR_OK && len == 0);
}

/* Two calls, and the value may have grown between them. */
enum rc
attr_bytes(const struct session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct buf *ret)
{
	CK_ATTRIBUTE a = { type, NULL, 0 };
	CK_FUNCTION_LIST *f = s->module->f;
	CK_RV rv = f->C_GetAttributeValue(s->handle, object, &a, 1);
	enum rc rc;

	if (absent(rv, a.ulValueLen))
		return RC_OK;
	if (rv != CKR_OK)
		return ckr_set(rv, "%s: attribute 0x%lx", s->name, type);
	if (a.ulValueLen > ATTR_MAX)
		return err_set(RC_TOKEN, "%s: attribute 0x%lx has %lu bytes",
		    s->name, type, a.ulValueLen);
	rc = buf_reserve(ret, a.ulValueLen);
	if (rc != RC_OK)
		return rc;
	a.pValue = ret->p + ret->n;
	rv = f->C_GetAttributeValue(s->handle, object, &a, 1);
	if (rv != CKR_OK)
		return ckr_set(rv, "%s: attribute 0x%lx", s->name, type);
	if (a.ulValueLen > ret->cap - ret->n)
		return err_set(
		    RC_TOKEN, "%s: attribute 0x%lx grew", s->name, type);
	ret->n += a.ulValueLen;
	return RC_OK;
}

bool
attr_true(const struct session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, bool *ret_known)
{
	CK_BBOOL value = CK_FALSE;
	CK_ATTRIBUTE a = { type, &value, sizeof(value) };
	CK_RV rv = s->module->f->C_GetAttributeValue(s->handle, object, &a, 1);
	bool known = rv == CKR_OK && a.ulValueLen == sizeof(value);

	if (ret_known != NULL)
		*ret_known = known;
	return known && value != CK_FALSE;
}

bool
attr_ulong(const struct session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *ret_value)
{
	CK_ULONG value = 0;
	CK_ATTRIBUTE a = { type, &value, sizeof(value) };
	CK_RV rv = s->module->f->C_GetAttributeValue(s->handle, object, &a, 1);

	if (rv != CKR_OK || a.ulValueLen != sizeof(value))
		return false;
	*ret_value = value;
	return true;
}
