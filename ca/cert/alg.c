/* SPDX-License-Identifier: Apache-2.0 */
/* How a CA signs, by the row of its key's type. What it signs is not known
 * here. */
#include "ca/cert/alg.h"

#include "transfer/x509/key.h"

#include <openssl/evp.h>

enum rc
sign_alg_of(struct span spki, struct sign_alg *ret)
{
	char name[KEY_TYPE_TEXT], wanted[CHOICE_TEXT];
	const struct key_row *row;
	struct key_facts key;
	enum rc rc = key_shape("CA key", spki, &key);

	if (rc != RC_OK)
		return rc;
	if (!key_type_is_for(
		(struct key_type){ key.kind, key.bits }, KEY_OF_CA)) {
		key_name(&key, name);
		key_types_list(KEY_OF_CA, wanted);
		return err_set(
		    RC_POLICY, "CA key: %s; wanted %s", name, wanted);
	}
	row = key_row_get0(key.kind);
	*ret = (struct sign_alg){
		.scheme = row->family == KEY_EC ? TOKEN_ECDSA : TOKEN_RSA_PKCS1,
		.md = row->md(),
		.hash_len = (size_t)EVP_MD_get_size(row->md()),
		.identifier = span_of(row->signs, row->signs_n),
	};
	return RC_OK;
}
