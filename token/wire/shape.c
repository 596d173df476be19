/* SPDX-License-Identifier: Apache-2.0 */
/* What must be released of the things that cross between a program and its
 * token process. It stands below both sides. */
#include "token/wire/shape.h"

void
token_key_wipe(struct token_key *key)
{
	buf_wipe(&key->spki);
	*key = (struct token_key){ 0 };
}
