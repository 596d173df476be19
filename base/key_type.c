/* SPDX-License-Identifier: Apache-2.0 */
/* The table of key types. Whether a key is a good one is not asked here: that
 * is transfer/x509/key, and token/card/spki for a token's. */
#include "base/key_type.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

#define OF_ALL (KEY_OF_SUBSCRIBER | KEY_OF_CA | KEY_OF_TOKEN)

/* clang-format off */
#define OID_EC .oid_n = 7, .oid = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 }

/* RFC 5480 2.1.1 and 2.1.1.1, RFC 8410 section 3, RFC 3279 2.3.1. A CA signs with
 * ecdsa-with-SHA256 and -SHA384, no parameters (RFC 5758 3.2), or with
 * sha256WithRSAEncryption, parameters NULL (RFC 4055 section 5). */
static const struct key_row rows[KEY_KINDS] = {
	[KEY_P256] = { .word = "ec-p256", .title = "P-256",
		.family = KEY_EC, .owners = OF_ALL,
		.bits = 256, .bits_max = 256, .bits_own_max = 256,
		OID_EC, .params_n = 10,
		.params = { 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 },
		.openssl = "EC", .group = "P-256",
		.public_len = 65, .signature_len = 64,
		.md = EVP_sha256, .signs_n = 12,
		.signs = { 0x30, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4,
			3, 2 } },
	[KEY_P384] = { .word = "ec-p384", .title = "P-384",
		.family = KEY_EC, .owners = OF_ALL,
		.bits = 384, .bits_max = 384, .bits_own_max = 384,
		OID_EC, .params_n = 7,
		.params = { 0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x22 },
		.openssl = "EC", .group = "P-384",
		.public_len = 97, .signature_len = 96,
		.md = EVP_sha384, .signs_n = 12,
		.signs = { 0x30, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4,
			3, 3 } },
	[KEY_P521] = { .word = "ec-p521", .title = "P-521",
		.family = KEY_EC, .owners = KEY_OF_SUBSCRIBER,
		.bits = 521, .bits_max = 521,
		OID_EC, .params_n = 7,
		.params = { 0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x23 },
		.openssl = "EC", .group = "P-521",
		.public_len = 133, .signature_len = 132 },
	[KEY_ED25519] = { .word = "ed25519", .title = "Ed25519",
		.family = KEY_RAW, .owners = KEY_OF_SUBSCRIBER,
		.bits = 256, .bits_max = 256,
		.oid_n = 3, .oid = { 0x2b, 0x65, 0x70 },
		.openssl = "ED25519",
		.public_len = 32, .signature_len = 64 },
	[KEY_RSA] = { .word = "rsa", .title = "RSA",
		.family = KEY_MODULUS, .owners = OF_ALL,
		.bits = KEY_RSA_BITS_MIN, .bits_max = KEY_RSA_BITS_MAX,
		.bits_own_max = 4096,
		.oid_n = 9, .oid = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 },
		.params_n = 2, .params = { 0x05, 0x00 },
		.openssl = "RSA",
		.md = EVP_sha256, .signs_n = 15,
		.signs = { 0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
			1, 1, 11, 0x05, 0x00 } },
};
/* clang-format on */

const struct key_row *
key_row_get0(enum key_kind kind)
{
	return kind > KEY_OTHER && kind < KEY_KINDS ? &rows[kind] : NULL;
}

const struct key_row *
key_row_of_params(struct span params, enum key_kind *ret_kind)
{
	for (unsigned i = KEY_OTHER + 1; i < KEY_KINDS; i++)
		if (rows[i].family == KEY_EC &&
		    span_eq(
			params, span_of(rows[i].params, rows[i].params_n))) {
			*ret_kind = (enum key_kind)i;
			return &rows[i];
		}
	return NULL;
}

/* ---- names --------------------------------------------------------------- */

static unsigned
bits_max_of(const struct key_row *row, enum key_owner owner)
{
	return owner == KEY_OF_SUBSCRIBER ? row->bits_max : row->bits_own_max;
}

bool
key_type_is_for(struct key_type type, enum key_owner owner)
{
	const struct key_row *row = key_row_get0(type.kind);

	return row != NULL && (row->owners & owner) != 0 &&
	       type.bits >= row->bits && type.bits <= bits_max_of(row, owner) &&
	       (row->family != KEY_MODULUS || type.bits % KEY_BITS_STEP == 0);
}

/* "-2048": four digits, which all sizes of ours have. */
static bool
read_bits(const char *text, unsigned *ret_bits)
{
	unsigned bits = 0;

	if (text[0] != '-' || strlen(text) != 5)
		return false;
	for (const char *p = text + 1; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return false;
		bits = 10 * bits + (unsigned)(*p - '0');
	}
	*ret_bits = bits;
	return true;
}

bool
key_type_read(const char *text, enum key_owner owner, struct key_type *ret)
{
	for (unsigned i = KEY_OTHER + 1; i < KEY_KINDS; i++) {
		struct key_type type = { (enum key_kind)i, rows[i].bits };
		size_t n = strlen(rows[i].word);
		bool is = rows[i].family != KEY_MODULUS
			      ? strcmp(text, rows[i].word) == 0
			      : strncmp(text, rows[i].word, n) == 0 &&
				    read_bits(text + n, &type.bits);

		if (is && key_type_is_for(type, owner)) {
			*ret = type;
			return true;
		}
	}
	return false;
}

void
key_type_write(struct key_type type, char ret_text[static KEY_TYPE_TEXT])
{
	const struct key_row *row = key_row_get0(type.kind);

	if (row != NULL && row->family == KEY_MODULUS)
		(void)snprintf(ret_text, KEY_TYPE_TEXT, "%s-%u", row->word,
		    type.bits % 100000);
	else
		(void)snprintf(ret_text, KEY_TYPE_TEXT, "%s",
		    row == NULL ? "other" : row->word);
}

static const char *
owner_word(const void *table, unsigned i)
{
	const enum key_owner *owner = table;

	for (unsigned k = KEY_OTHER + 1; k < KEY_KINDS; k++)
		if ((rows[k].owners & *owner) != 0 && i-- == 0)
			return rows[k].family == KEY_MODULUS ? "rsa-BITS"
							     : rows[k].word;
	return NULL;
}

void
key_types_list(enum key_owner owner, char ret[static CHOICE_TEXT])
{
	size_t n;

	choice_write(owner_word, &owner, "", ret);
	n = strlen(ret);
	(void)snprintf(ret + n, CHOICE_TEXT - n,
	    " with %u to %u bits, a multiple of %d", rows[KEY_RSA].bits,
	    bits_max_of(&rows[KEY_RSA], owner), KEY_BITS_STEP);
}

static const char *
family_title(const void *table, unsigned i)
{
	const enum key_family *family = table;

	for (unsigned k = KEY_OTHER + 1; k < KEY_KINDS; k++)
		if ((family == NULL || rows[k].family == *family) && i-- == 0)
			return rows[k].title;
	return NULL;
}

void
key_titles_list(const enum key_family *family, char ret[static CHOICE_TEXT])
{
	choice_write(family_title, family, "", ret);
}

/* ---- keys of OpenSSL's --------------------------------------------------- */

/* It gives the name that a key was made with: "P-256" or "prime256v1". */
static bool
is_on_curve(const EVP_PKEY *key, const char *curve)
{
	char name[64];
	size_t n;
	int nid;

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), &n) != 1)
		return false;
	nid = EC_curve_nist2nid(name);
	if (nid == NID_undef)
		nid = OBJ_txt2nid(name);
	return nid != NID_undef && nid == EC_curve_nist2nid(curve);
}

struct key_type
key_type_of(const EVP_PKEY *key)
{
	struct key_type type = { KEY_OTHER, 0 };

	for (unsigned i = KEY_OTHER + 1; i < KEY_KINDS; i++) {
		if (EVP_PKEY_is_a(key, rows[i].openssl) != 1 ||
		    (rows[i].group != NULL && !is_on_curve(key, rows[i].group)))
			continue;
		type.kind = (enum key_kind)i;
		type.bits = rows[i].family == KEY_MODULUS
				? (unsigned)EVP_PKEY_get_bits(key)
				: rows[i].bits;
		break;
	}
	ERR_clear_error();
	return type;
}

size_t
key_signature_len(struct key_type type)
{
	const struct key_row *row = key_row_get0(type.kind);

	if (row == NULL)
		return 0;
	return row->signature_len != 0 ? row->signature_len
				       : (type.bits + 7) / 8;
}
