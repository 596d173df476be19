/* SPDX-License-Identifier: Apache-2.0 */
#include "token/wire/shape.h"

void
token_key_wipe(struct token_key *key)
{
	buf_wipe(&key->spki);
	*key = (struct token_key){ 0 };
}
