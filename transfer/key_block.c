/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/key_arith.h"

static const struct blocked {
	uint8_t id[SHA256_LEN];
	const char *where;
} blocked[] = {
	{ { 0 }, NULL },
};

const char *
key_block_get0(const uint8_t id[static SHA256_LEN])
{
	(void)id;
	return blocked[0].where;
}
