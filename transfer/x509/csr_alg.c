/* SPDX-License-Identifier: Apache-2.0 */
/* Which signatures prove possession. SHA-1 and MD5 are out because a
 * collision lets one signature stand for two requests; the rest is a
 * comparison of bytes, which leaves parameters no room to lie. */
#include "transfer/x509/csr_parts.h"

#include "transfer/rule.h"
#include "transfer/x509/der.h"

#include <stdio.h>

/* AlgorithmIdentifiers byte for byte. Parameters that say nothing are told by
 * `nothing`: RSA has NULL and must be taken without (RFC 4055 section 5), ECDSA
 * has none (RFC 5758 3.2), but Mbed TLS writes NULL, Ed25519 has none (RFC 8410
 * section 3). RSASSA-PSS spells out hash and mask, its hashes with NULL or
 * without (RFC 4055 sections 2.1 and 3.1), and how long its salt is. */
#define RSA_WITH(n) \
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, (n)
#define ECDSA_WITH(n) 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, (n)
#define SHA2_OID(n) \
	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (n)
#define SHA2(n) 0x30, 0x0d, SHA2_OID(n), 0x05, 0x00
#define SHA2_BARE(n) 0x30, 0x0b, SHA2_OID(n)
#define MGF1 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08
#define PSS_WITH(hash) \
	RSA_WITH(0x0a), 0xa0, 0x0f, SHA2(hash), 0xa1, 0x1c, 0x30, 0x1a, MGF1, \
	    SHA2(hash)
#define PSS_BARE_WITH(hash) \
	RSA_WITH(0x0a), 0xa0, 0x0d, SHA2_BARE(hash), 0xa1, 0x1a, 0x30, 0x18, \
	    MGF1, SHA2_BARE(hash)
#define RSA_OID_LEN 11
#define PSS_SALT 20 /* bytes, where nothing is said */

static const struct csr_alg_row {
	struct csr_alg alg;
	bool nothing;	    /* NULL parameters are as good as none */
	uint8_t n, der[58]; /* PSS: its OID, then of the parameters */
} taken[] = {
	{ { .family = KEY_EC, .digest = "SHA256" }, true, 10,
	    { ECDSA_WITH(2) } },
	{ { .family = KEY_EC, .digest = "SHA384" }, true, 10,
	    { ECDSA_WITH(3) } },
	{ { .family = KEY_EC, .digest = "SHA512" }, true, 10,
	    { ECDSA_WITH(4) } },
	{ { .family = KEY_MODULUS, .digest = "SHA256" }, true, 11,
	    { RSA_WITH(11) } },
	{ { .family = KEY_MODULUS, .digest = "SHA384" }, true, 11,
	    { RSA_WITH(12) } },
	{ { .family = KEY_MODULUS, .digest = "SHA512" }, true, 11,
	    { RSA_WITH(13) } },
	{ { .family = KEY_RAW, .kind = KEY_ED25519 }, false, 5,
	    { 0x06, 0x03, 0x2b, 0x65, 0x70 } },
	{ { .family = KEY_MODULUS, .digest = "SHA256", .pss = true }, false, 58,
	    { PSS_WITH(1) } },
	{ { .family = KEY_MODULUS, .digest = "SHA384", .pss = true }, false, 58,
	    { PSS_WITH(2) } },
	{ { .family = KEY_MODULUS, .digest = "SHA512", .pss = true }, false, 58,
	    { PSS_WITH(3) } },
	{ { .family = KEY_MODULUS, .digest = "SHA256", .pss = true }, false, 54,
	    { PSS_BARE_WITH(1) } },
	{ { .family = KEY_MODULUS, .digest = "SHA384", .pss = true }, false, 54,
	    { PSS_BARE_WITH(2) } },
	{ { .family = KEY_MODULUS, .digest = "SHA512", .pss = true }, false, 54,
	    { PSS_BARE_WITH(3) } },
};

/* Algorithms that are still met, to refuse them by name. */
static const struct {
	const char *oid, *name;
} refused[] = {
	{ "1.2.840.113549.1.1.2", "MD2 with RSA" },
	{ "1.2.840.113549.1.1.4", "MD5 with RSA" },
	{ "1.2.840.113549.1.1.5", "SHA-1 with RSA" },
	{ "1.3.14.3.2.29", "SHA-1 with RSA" },
	{ "1.2.840.113549.1.1.14", "SHA-224 with RSA" },
	{ "1.2.840.10045.4.1", "ECDSA with SHA-1" },
	{ "1.2.840.10045.4.3.1", "ECDSA with SHA-224" },
	{ "1.2.840.10040.4.3", "DSA with SHA-1" },
	{ "2.16.840.1.101.3.4.3.2", "DSA with SHA-256" },
	{ "1.3.101.113", "Ed448" },
};

/* What stands behind hash and mask: any length (RFC 8017 9.1: as much as the
 * key has room for, which verifying tells), and no field behind it. */
static bool
salt_read(struct span rest, unsigned *ret)
{
	struct span field, bytes;

	*ret = PSS_SALT;
	if (rest.n == 0)
		return true;
	if (!der_take(&rest, DER_CONTEXT(2) | DER_CONSTRUCTED, &field) ||
	    rest.n != 0 || !der_take_unsigned(&field, &bytes) || field.n != 0 ||
	    bytes.n > 2)
		return false;
	*ret = 0;
	for (size_t i = 0; i < bytes.n; i++)
		*ret = *ret << 8 | bytes.p[i];
	return true;
}

static bool
is_pss_row(
    struct span algorithm, const struct csr_alg_row *row, unsigned *ret_salt)
{
	struct span oid, params, head, wanted;

	wanted = span_of(row->der + RSA_OID_LEN, row->n - RSA_OID_LEN);
	return span_take(&algorithm, RSA_OID_LEN, &oid) &&
	       span_eq(oid, span_of(row->der, RSA_OID_LEN)) &&
	       der_take(&algorithm, DER_SEQUENCE, &params) &&
	       algorithm.n == 0 && span_take(&params, wanted.n, &head) &&
	       span_eq(head, wanted) && salt_read(params, ret_salt);
}

/* Is it this algorithm, all of it? */
static bool
is_row(struct span algorithm, const struct csr_alg_row *row, unsigned *ret_salt)
{
	static const uint8_t null[] = { DER_NULL, 0 };
	struct span head = SPAN_NONE;

	if (row->alg.pss)
		return is_pss_row(algorithm, row, ret_salt);
	if (!span_take(&algorithm, row->n, &head) ||
	    !span_eq(head, span_of(row->der, row->n)))
		return false;
	return algorithm.n == 0 ||
	       (row->nothing && span_eq(algorithm, span_of(null, 2)));
}

enum rc
csr_alg_read(const char *from, struct span algorithm, struct csr_alg *ret)
{
	struct span rest = algorithm, oid = SPAN_NONE;
	char text[DER_OID_TEXT];
	const char *wrong = "";
	unsigned salt = 0;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		const uint8_t *der = taken[i].der;

		if (is_row(algorithm, &taken[i], &salt)) {
			*ret = taken[i].alg;
			ret->salt = (int)salt;
			return RC_OK;
		}
		if (algorithm.n > 1 && der[1] + 2U <= algorithm.n &&
		    memcmp(algorithm.p, der, der[1] + 2U) == 0)
			wrong = " with parameters that do not belong there";
	}
	(void)der_take(&rest, DER_OID, &oid);
	der_oid_text(oid, text);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(text, refused[i].oid) == 0)
			(void)snprintf(
			    text, sizeof(text), "%s", refused[i].name);
	return rule_refuse(RULE_CSR_SIGNATURE_ALG,
	    "%s: signed by %s%s; wanted RSA or ECDSA with SHA-256, SHA-384 or SHA-512, or Ed25519",
	    from, text, wrong);
}
