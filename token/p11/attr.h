/* SPDX-License-Identifier: Apache-2.0 */
/** Objects on a token and their attributes. */
#ifndef TOKEN_P11_ATTR_H
#define TOKEN_P11_ATTR_H

#include "token/p11/session.h"

#define OBJECTS_MAX 1024 /* of one kind on one token */

/** Handles of the objects that a template matches.
 * \retval RC_TOKEN the module fails, or has more than `max` */
enum rc objects_find(const struct session *s, CK_ATTRIBUTE *template,
    CK_ULONG n_template, CK_OBJECT_HANDLE *ret, size_t max,
    size_t *ret_n) MUST_CHECK;

/** An attribute's bytes, appended to `ret`. One that the object lacks or that
 * is secret gives none and is no error. */
enum rc attr_bytes(const struct session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct buf *ret) MUST_CHECK;

/** A CK_BBOOL; `*ret_known` tells whether the object has it (NSS lacks
 * CKA_ALWAYS_AUTHENTICATE where it means false). */
bool attr_true(const struct session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, bool *ret_known);

/** A CK_ULONG; false when the object lacks it. */
bool attr_ulong(const struct session *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *ret_value);

#endif
