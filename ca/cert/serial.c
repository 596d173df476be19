/* SPDX-License-Identifier: Apache-2.0 */
/* Where serials come from: one function, so that there is one answer to how
 * random they are. */
#include "ca/cert/tbs.h"

#include <openssl/rand.h>

enum rc
ca_serial_draw(uint8_t ret_serial[static CA_SERIAL_LEN])
{
	uint8_t serial[CA_SERIAL_LEN];

	/* A first byte of zero would shorten the INTEGER, a top bit would make
	 * it negative: drawn again, about once in 128, rather than bent. */
	do {
		if (RAND_bytes(serial, sizeof(serial)) != 1)
			return err_openssl(
			    RC_BUG, "no random bytes for a serial");
		serial[0] &= 0x7f;
	} while (serial[0] == 0);
	memcpy(ret_serial, serial, sizeof(serial));
	return RC_OK;
}
