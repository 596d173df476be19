/* SPDX-License-Identifier: Apache-2.0 */
/* Which Ed25519 points are no keys. OpenSSL takes any 32 bytes, and finds out
 * at the first verification, if at all. */
#include "transfer/rule.h"
#include "transfer/x509/key_arith.h"

/* The y coordinates of the eight points of small order (RFC 7748 section 6.1
 * asks for the check; the points: Bernstein, "Curve25519", section on
 * contributory behaviour), little-endian, sign bit cleared. 0 and 1 are tested
 * by themselves. */
static const uint8_t small_order[][ED25519_LEN] = {
	{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
	    0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	    0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
	{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
	    0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	    0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
};

/* With a key of small order a signature says nothing: many messages verify
 * under one that nobody had a private key for. */
enum rc
key_ed25519_check(const char *from, const uint8_t key[static ED25519_LEN])
{
	uint8_t y[ED25519_LEN];
	bool ones = true, zeros = true, small = false;

	memcpy(y, key, sizeof(y));
	y[31] &= 0x7f;
	for (size_t i = 1; i < 31; i++) {
		ones = ones && y[i] == 0xff;
		zeros = zeros && y[i] == 0;
	}
	/* p is 2^255 - 19: ed ff .. ff 7f */
	if (ones && y[31] == 0x7f && y[0] >= 0xed)
		return rule_refuse(RULE_KEY_ED25519_POINT,
		    "%s: the Ed25519 point is not in its canonical form (RFC 8032 5.1.3)",
		    from);
	if (zeros && y[31] == 0 && y[0] <= 1)
		small = true;
	if (ones && y[31] == 0x7f && y[0] == 0xec)
		small = true;
	for (size_t i = 0; i < 2; i++)
		if (memcmp(y, small_order[i], sizeof(y)) == 0)
			small = true;
	if (small)
		return rule_refuse(RULE_KEY_ED25519_POINT,
		    "%s: the Ed25519 point has a small order", from);
	return RC_OK;
}
