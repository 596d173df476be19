/* SPDX-License-Identifier: Apache-2.0 */
/* A TBS is written by hand, one clause of it spoiled, and the lint must name
 * that clause. */
#include "tests/lib/software_ca.h"

#include "ca/cert/lint.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/extension.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_san.h"
#include "transfer/x509/tbs.h"
#include "transfer/x509/transfer_eku.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#define BYTES(...) \
	__extension__({ \
		static const uint8_t b_[] = { __VA_ARGS__ }; \
		span_of(b_, sizeof(b_)); \
	})
#define CE(n) 0x06, 3, 0x55, 0x1d, n
#define EXTENSIONS 8
#define MAGNITUDE 0x11, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16

enum { BC, KU, EKU, SKI, AKI, SAN, MORE };

static const uint8_t serial[] = { MAGNITUDE };
static const uint8_t issuer[] = { 0x30, 13, 0x31, 11, 0x30, 9, 0x06, 3, 0x55, 4,
	3, 0x0c, 2, 'C', 'A' };
static const uint8_t subject[] = { 0x30, 16, 0x31, 14, 0x30, 12, 0x06, 3, 0x55,
	4, 3, 0x0c, 5, 'a', '.', 'o', 'r', 'g' };
static const uint8_t san[] = { 0x30, 7, 0x82, 5, 'a', '.', 'o', 'r', 'g' };
static uint8_t ca_ski[KEY_IDENTIFIER_LEN] = { 0xca };
static char *server_client[] = { (char[]){ "1.3.6.1.5.5.7.3.1" },
	(char[]){ "1.3.6.1.5.5.7.3.2" } };
/* The first is granted; more of them where a row says so. */
static const struct name granted[] = {
	{ NAME_DNS, { (const uint8_t *)"a.org", 5 } },
	{ NAME_DNS, { (const uint8_t *)"b.org", 5 } },
};

/* A TBS to be spoiled, and what it should have said. */
struct sample {
	struct tbs tbs;
	struct lint lint;
	struct profile profile;
	struct sign_alg alg;
	struct extension ext[EXTENSIONS]; /* oid with n 0: left out */
	struct buf spki;
	uint8_t ski[2 + KEY_IDENTIFIER_LEN], aki[4 + KEY_IDENTIFIER_LEN];
};

static void
sample_wipe(struct sample *s)
{
	buf_wipe(&s->spki);
}

static void
sample_new(struct sample *s)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");

	*s = (struct sample){ .ski = { 4, 20 }, .aki = { 0x30, 22, 0x80, 20 } };
	key_spki(key, &s->spki);
	check_ok(sign_alg_of(buf_span(&s->spki), &s->alg));
	check_ok(key_identifier_of(buf_span(&s->spki), s->ski + 2));
	memcpy(s->aki + 4, ca_ski, sizeof(ca_ski));
	s->profile = (struct profile){ .name_types = 1 << NAME_DNS,
		.key_usage = KU_DIGITAL_SIGNATURE,
		.eku = { server_client, 1 },
		.validity_max = 31 * DAY };
	s->tbs = (struct tbs){ .serial = span_of(serial, sizeof(serial)),
		.algorithm = s->alg.identifier,
		.issuer = span_of(issuer, sizeof(issuer)),
		.not_before = NOW,
		.not_after = NOW + 31 * DAY - 1,
		.subject = span_of(subject, sizeof(subject)),
		.spki = buf_span(&s->spki) };
	s->lint = (struct lint){ .kind = LINT_LEAF,
		.alg = &s->alg,
		.issuer = s->tbs.issuer,
		.issuer_ski = span_of(ca_ski, sizeof(ca_ski)),
		.issuer_spki = span_of(ca_ski, sizeof(ca_ski)), /* another */
		.issuer_not_before = NOW,
		.issuer_not_after = NOW + 365 * DAY,
		.serial = s->tbs.serial,
		.spki = s->tbs.spki,
		.not_before = s->tbs.not_before,
		.not_after = s->tbs.not_after,
		.profile = &s->profile,
		.names = granted,
		.n_names = 1 };
	s->ext[BC] = (struct extension){ BYTES(CE(19)), true, BYTES(0x30, 0) };
	s->ext[KU] =
	    (struct extension){ BYTES(CE(15)), true, BYTES(3, 2, 7, 0x80) };
	s->ext[EKU] = (struct extension){ BYTES(CE(37)), false,
		BYTES(0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1) };
	s->ext[SKI] = (struct extension){ BYTES(CE(14)), false,
		span_of(s->ski, sizeof(s->ski)) };
	s->ext[AKI] = (struct extension){ BYTES(CE(35)), false,
		span_of(s->aki, sizeof(s->aki)) };
	s->ext[SAN] = (struct extension){ BYTES(CE(17)), false,
		span_of(san, sizeof(san)) };
}

static enum rc
lint_sample(struct sample *s)
{
	WIPED(extension_list) list = { 0 };
	WIPED(tbs_bytes) bytes = { 0 };
	WIPED(buf) extensions = { 0 };
	WIPED(buf) tbs = { 0 };

	for (size_t i = 0; i < EXTENSIONS; i++)
		if (s->ext[i].oid.n != 0)
			list.items[list.n++] = s->ext[i];
	if (s->tbs.extensions.n == 0) {
		check_ok(extension_list_write(&list, &extensions));
		s->tbs.extensions = buf_span(&extensions);
	}
	check_ok(tbs_write(&s->tbs, &bytes));
	check_ok(der_put(&tbs, DER_SEQUENCE, buf_span(&bytes.content)));
	return lint_tbs(&s->lint, buf_span(&tbs));
}

/* ---- one spoiled clause each --------------------------------------------- */

static void
serial_given_as(struct sample *s, struct span given)
{
	s->tbs.serial = s->lint.serial = given;
}

static void
spoil_serial_zero(struct sample *s)
{
	serial_given_as(s, span_of("", 0));
}

static void
spoil_serial_long(struct sample *s)
{
	serial_given_as(s, BYTES(MAGNITUDE, 1, 2, 3, 4, 5));
}

static void
spoil_serial_short(struct sample *s)
{
	serial_given_as(s, BYTES(1, 2, 3, 4, 5, 6, 7, 8));
}

static void
spoil_serial_other(struct sample *s)
{
	s->tbs.serial = BYTES(0x12, 2, 3, 4, 5, 6, 7, 8, 9, 10);
}

static void
spoil_algorithm(struct sample *s)
{
	s->tbs.algorithm = BYTES(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	    0x3d, 0x04, 0x03, 0x03);
}

static void
spoil_issuer(struct sample *s)
{
	s->tbs.issuer = BYTES(0x30, 13, 0x31, 11, 0x30, 9, 0x06, 3, 0x55, 4, 3,
	    0x13, 2, 'C', 'A'); /* the same text in another string type */
}

static void
spoil_issuer_empty(struct sample *s)
{
	s->tbs.issuer = s->lint.issuer = BYTES(0x30, 0);
}

static void
spoil_dates_other(struct sample *s)
{
	s->tbs.not_after++;
}

static void
spoil_dates_backwards(struct sample *s)
{
	s->tbs.not_after = s->lint.not_after = NOW - 1;
}

static void
spoil_before_ca(struct sample *s)
{
	s->lint.issuer_not_before = NOW + 1;
}

static void
spoil_after_ca(struct sample *s)
{
	s->lint.issuer_not_after = s->tbs.not_after - 1;
}

static void
spoil_too_long(struct sample *s)
{
	s->profile.validity_max--;
}

static void
spoil_subject_of_ca(struct sample *s)
{
	s->tbs.subject = s->tbs.issuer;
}

static void
spoil_subject_two(struct sample *s)
{
	s->tbs.subject =
	    BYTES(0x30, 24, 0x31, 22, 0x30, 9, 0x06, 3, 0x55, 4, 3, 0x0c, 2,
		'm', 'e', 0x30, 9, 0x06, 3, 0x55, 4, 10, 0x0c, 2, 'm', 'e');
}

static void
spoil_subject_t61(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 13, 0x31, 11, 0x30, 9, 0x06, 3, 0x55, 4, 3,
	    0x14, 2, 'm', 'e');
}

static void
spoil_subject_control(struct sample *s)
{
	s->tbs.subject = BYTES(
	    0x30, 13, 0x31, 11, 0x30, 9, 0x06, 3, 0x55, 4, 3, 0x0c, 2, 'm', 27);
}

static void
spoil_dates_earlier(struct sample *s)
{
	s->tbs.not_before--;
}

static void
spoil_cn_other(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 16, 0x31, 14, 0x30, 12, 0x06, 3, 0x55, 4,
	    3, 0x0c, 5, 'b', '.', 'o', 'r', 'g');
}

static void
spoil_cn_longer(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 17, 0x31, 15, 0x30, 13, 0x06, 3, 0x55, 4,
	    3, 0x0c, 6, 'a', '.', 'o', 'r', 'g', 's');
}

static void
spoil_cn_shorter(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 15, 0x31, 13, 0x30, 11, 0x06, 3, 0x55, 4,
	    3, 0x0c, 4, 'a', '.', 'o', 'r');
}

static void
spoil_cn_is_o(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 16, 0x31, 14, 0x30, 12, 0x06, 3, 0x55, 4,
	    10, 0x0c, 5, 'a', '.', 'o', 'r', 'g');
}

static void
spoil_cn_printable(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 16, 0x31, 14, 0x30, 12, 0x06, 3, 0x55, 4,
	    3, 0x13, 5, 'a', '.', 'o', 'r', 'g');
}

static void
spoil_cn_absent(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 0);
	s->ext[SAN].critical = true;
}

static void
spoil_cn_and_o(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 29, 0x31, 14, 0x30, 12, 0x06, 3, 0x55, 4,
	    3, 0x0c, 5, 'a', '.', 'o', 'r', 'g', 0x31, 11, 0x30, 9, 0x06, 3,
	    0x55, 4, 10, 0x0c, 2, 'm', 'e');
}

static void
spoil_cn_unwanted(struct sample *s)
{
	s->profile.subject = SUBJECT_NONE;
}

static void
spoil_cn_of_second(struct sample *s)
{
	spoil_cn_other(s);
	s->lint.n_names = 2;
	s->ext[SAN].value = BYTES(0x30, 14, 0x82, 5, 'a', '.', 'o', 'r', 'g',
	    0x82, 5, 'b', '.', 'o', 'r', 'g');
}

static void
spoil_spki(struct sample *s)
{
	s->spki.p[s->spki.n - 1] ^= 1;
	s->lint.spki = BYTES(0x30, 0);
}

static void
spoil_no_extension(struct sample *s)
{
	s->tbs.extensions = BYTES(0x30, 0);
}

static void
spoil_default(struct sample *s)
{
	s->tbs.extensions =
	    BYTES(0x30, 14, 0x30, 12, CE(19), 1, 1, 0, 4, 2, 0x30, 0);
}

static void
spoil_value(struct sample *s)
{
	s->ext[BC].value = BYTES(0x30, 0, 0);
}

static void
spoil_twice(struct sample *s)
{
	s->ext[MORE] = s->ext[AKI];
}

static void
spoil_stranger(struct sample *s)
{
	s->ext[MORE] =
	    (struct extension){ BYTES(CE(32)), false, BYTES(0x30, 0) };
}

static char tlsfeature[] = "tlsfeature", must_staple[] = "status_request";
static struct policy_extension promised[] = { { .name = tlsfeature,
    .value = must_staple } };
#define TLSFEATURE 6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 24

static void
spoil_promised(struct sample *s)
{
	s->profile.extensions = promised;
	s->profile.n_extensions = 1;
}

static void
spoil_promised_value(struct sample *s)
{
	spoil_promised(s);
	s->ext[MORE] = (struct extension){ BYTES(TLSFEATURE), false,
		BYTES(0x30, 3, 2, 1, 17) };
}

static void
spoil_promised_critical(struct sample *s)
{
	spoil_promised(s);
	s->ext[MORE] = (struct extension){ BYTES(TLSFEATURE), true,
		BYTES(0x30, 3, 2, 1, 5) };
}

static void
spoil_stranger_instead(struct sample *s)
{
	spoil_promised(s);
	spoil_stranger(s);
}

/* Where the list of the issuer's key lies: "http://a/l.crl". */
static char points[] = "crlDistributionPoints", place[] = "URI:http://a/l.crl";
static struct policy_extension placed[] = { { .name = points,
    .value = place } };
#define PLACE(n, ...) \
	BYTES(0x30, (n) + 8, 0x30, (n) + 6, 0xa0, (n) + 4, 0xa0, (n) + 2, \
	    0x86, n, 'h', 't', 't', 'p', ':', '/', '/', 'a', '/', 'l', \
	    __VA_ARGS__)
#define A_MARK "0123456789abcdef"
#define A_MARK_IN \
	'-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', \
	    'd', 'e', 'f'

static void
put_place(struct sample *s, const char *mark, struct span value)
{
	s->profile.extensions = placed;
	s->profile.n_extensions = 1;
	s->lint.issuer_mark = mark;
	s->ext[MORE] = (struct extension){ BYTES(CE(31)), false, value };
}

static void
spoil_place_unmarked(struct sample *s)
{
	put_place(s, A_MARK, PLACE(14, '.', 'c', 'r', 'l'));
}

static void
spoil_place_of_another(struct sample *s)
{
	put_place(
	    s, "0123456789abcdee", PLACE(31, A_MARK_IN, '.', 'c', 'r', 'l'));
}

static void
spoil_place_marked(struct sample *s)
{
	put_place(s, "", PLACE(31, A_MARK_IN, '.', 'c', 'r', 'l'));
}

static void
spoil_bc_absent(struct sample *s)
{
	s->ext[BC].oid = SPAN_NONE;
}

static void
spoil_bc_ca(struct sample *s)
{
	s->ext[BC].value = BYTES(0x30, 3, 1, 1, 0xff);
}

static void
spoil_bc_not_critical(struct sample *s)
{
	s->ext[BC].critical = false;
}

static void
spoil_ku_absent(struct sample *s)
{
	s->ext[KU].oid = SPAN_NONE;
}

static void
spoil_ku_not_critical(struct sample *s)
{
	s->ext[KU].critical = false;
}

static void
spoil_ku_zero_bits(struct sample *s)
{
	s->ext[KU].value = BYTES(3, 2, 0, 0x80);
}

static void
spoil_ku_other(struct sample *s)
{
	s->ext[KU].value = BYTES(3, 2, 5, 0xa0);
}

static void
spoil_ku_signs(struct sample *s)
{
	s->ext[KU].value = BYTES(3, 2, 2, 0x84);
	s->profile.key_usage |= KU_KEY_CERT_SIGN;
}

static void
spoil_eku_absent(struct sample *s)
{
	s->ext[EKU].oid = SPAN_NONE;
}

static void
spoil_eku_any(struct sample *s)
{
	s->ext[EKU].value = BYTES(0x30, 6, 6, 4, 0x55, 0x1d, 0x25, 0);
}

static void
spoil_eku_more(struct sample *s)
{
	s->ext[EKU].value = BYTES(0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 6,
	    8, 0x2b, 6, 1, 5, 5, 7, 3, 2);
}

static void
spoil_eku_other(struct sample *s)
{
	s->ext[EKU].value = BYTES(0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2);
}

static void
spoil_eku_fewer(struct sample *s)
{
	s->profile.eku.n = 2;
}

static void
spoil_eku_order(struct sample *s)
{
	s->profile.eku.n = 2;
	s->ext[EKU].value = BYTES(0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2, 6,
	    8, 0x2b, 6, 1, 5, 5, 7, 3, 1);
}

static void
spoil_eku_transfer(struct sample *s)
{
	/* The constant of the lint is the text of the judge. */
	static uint8_t der[64];
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(EKU_TRANSFER, 1);
	size_t n = OBJ_length(oid);

	memcpy(
	    der, (const uint8_t[]){ 0x30, (uint8_t)(n + 2), 6, (uint8_t)n }, 4);
	memcpy(der + 4, OBJ_get0_data(oid), n);
	s->ext[EKU].value = span_of(der, n + 4);
}

static void
spoil_ski(struct sample *s)
{
	s->ski[5] ^= 1;
}

static void
spoil_ski_absent(struct sample *s)
{
	s->ext[SKI].oid = SPAN_NONE;
}

static void
spoil_key_of_ca(struct sample *s)
{
	s->lint.issuer_spki = s->lint.spki; /* whatever its identifier is */
}

static void
spoil_aki(struct sample *s)
{
	s->aki[10] ^= 1;
}

static void
spoil_aki_absent(struct sample *s)
{
	s->ext[AKI].oid = SPAN_NONE;
}

static void
spoil_aki_critical(struct sample *s)
{
	s->ext[AKI].critical = true;
}

static void
spoil_san_absent(struct sample *s)
{
	s->ext[SAN].oid = SPAN_NONE;
}

static void
spoil_san_critical(struct sample *s)
{
	s->ext[SAN].critical = true;
}

static void
spoil_san_under_no_subject(struct sample *s)
{
	s->profile.subject = SUBJECT_NONE;
	s->tbs.subject = BYTES(0x30, 0);
}

static void
spoil_nobody(struct sample *s)
{
	s->tbs.subject = BYTES(0x30, 0);
	s->ext[SAN].oid = SPAN_NONE;
	s->lint.n_names = 0;
}

static void
spoil_san_fewer(struct sample *s)
{
	s->lint.n_names = 2;
}

static void
spoil_san_more(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 14, 0x82, 5, 'a', '.', 'o', 'r', 'g',
	    0x82, 5, 'b', '.', 'o', 'r', 'g');
}

static void
spoil_san_order(struct sample *s)
{
	s->lint.n_names = 2;
	s->ext[SAN].value = BYTES(0x30, 14, 0x82, 5, 'b', '.', 'o', 'r', 'g',
	    0x82, 5, 'a', '.', 'o', 'r', 'g');
}

static void
spoil_san_name(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 7, 0x82, 5, 'b', '.', 'o', 'r', 'g');
}

static void
spoil_san_below(struct sample *s)
{
	s->ext[SAN].value =
	    BYTES(0x30, 9, 0x82, 7, 'a', '.', 'a', '.', 'o', 'r', 'g');
}

static void
spoil_san_type(struct sample *s)
{
	s->profile.name_types |= 1 << NAME_EMAIL;
	s->ext[SAN].value = BYTES(0x30, 7, 0x81, 5, 'a', '.', 'o', 'r', 'g');
}

static void
spoil_san_address(struct sample *s)
{
	static const struct name address[] = { { NAME_IP,
	    { (const uint8_t *)"192.0.2.1", 9 } } };

	s->profile.subject = SUBJECT_NONE;
	s->tbs.subject = BYTES(0x30, 0);
	s->profile.name_types = 1 << NAME_IP;
	s->lint.names = address;
	s->ext[SAN].critical = true;
	s->ext[SAN].value = BYTES(0x30, 6, 0x87, 4, 192, 0, 2, 2);
}

/* An SRVName of a service that was granted as an XMPP address. */
static void
spoil_san_srv(struct sample *s)
{
	static const struct name jid[] = { { NAME_XMPP,
	    { (const uint8_t *)"_a", 2 } } };

	s->profile.subject = SUBJECT_NONE;
	s->tbs.subject = BYTES(0x30, 0);
	s->profile.name_types = 1 << NAME_SRV | 1 << NAME_XMPP;
	s->lint.names = jid;
	s->ext[SAN].critical = true;
	s->ext[SAN].value = BYTES(0x30, 18, 0xa0, 16, 6, 8, 0x2b, 6, 1, 5, 5, 7,
	    8, 7, 0xa0, 4, 0x16, 2, '_', 'a');
}

static void
spoil_san_upper(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 7, 0x82, 5, 'A', '.', 'o', 'r', 'g');
}

static void
spoil_san_wildcard(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 7, 0x82, 5, '*', '.', 'o', 'r', 'g');
}

static void
spoil_san_ip(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 6, 0x87, 4, 192, 0, 2, 1);
}

static void
spoil_san_ip_short(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 5, 0x87, 3, 192, 0, 2);
}

static void
spoil_san_srv_utf8(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 18, 0xa0, 16, 6, 8, 0x2b, 6, 1, 5, 5, 7,
	    8, 7, 0xa0, 4, 0x0c, 2, '_', 'a');
}

static void
spoil_san_other(struct sample *s)
{
	s->ext[SAN].value = BYTES(0x30, 17, 0xa0, 15, 6, 7, 0x2b, 6, 1, 5, 5, 7,
	    1, 0xa0, 4, 0x16, 2, '_', 'a');
}

static void
spoil_name_constraints(struct sample *s)
{
	s->ext[MORE] =
	    (struct extension){ BYTES(CE(30)), true, BYTES(0x30, 0) };
}

/* clang-format off */
static const struct spoiled {
	void (*spoil)(struct sample *s);
	const char *sentence;
} spoiled[] = {
	{ spoil_serial_zero,
	  "RFC 5280 4.1.2.2: the serial is zero" },
	{ spoil_serial_long,
	  "RFC 5280 4.1.2.2: the serial has more than 20 octets" },
	{ spoil_serial_other,
	  "RFC 5280 4.1.2.2: another serial was drawn" },
	{ spoil_serial_short,
	  "CA/B BR 7.1: the serial has fewer than 64 bits" },
	{ spoil_algorithm,
	  "RFC 5280 4.1.2.3: the signature algorithm is not that of the CA's key" },
	{ spoil_issuer,
	  "RFC 5280 4.1.2.4: the issuer is not the CA's subject, byte for byte" },
	{ spoil_issuer_empty,
	  "RFC 5280 4.1.2.4: the issuer is empty" },
	{ spoil_dates_earlier,
	  "RFC 5280 4.1.2.5: the dates are not those that were granted" },
	{ spoil_dates_other,
	  "RFC 5280 4.1.2.5: the dates are not those that were granted" },
	{ spoil_dates_backwards,
	  "RFC 5280 4.1.2.5: the validity ends before it begins" },
	{ spoil_before_ca,
	  "a leaf in its CA: the validity is not within the CA's own" },
	{ spoil_after_ca,
	  "a leaf in its CA: the validity is not within the CA's own" },
	{ spoil_too_long,
	  "the profile: the validity is longer than the profile's maximum" },
	{ spoil_subject_of_ca,
	  "RFC 5280 4.1.2.6: subject and issuer must be the same in the CA's own certificate only" },
	{ spoil_subject_two,
	  "RFC 5280 4.1.2.6: an RDN of the subject has not one attribute" },
	{ spoil_subject_t61,
	  "RFC 5280 4.1.2.6: an attribute of the subject is of a type out of use" },
	{ spoil_subject_control,
	  "RFC 5280 4.1.2.6: an attribute of the subject is empty or no text" },
	{ spoil_cn_other,
	  "as granted: an attribute of the subject has another value than is wanted" },
	{ spoil_cn_longer,
	  "as granted: an attribute of the subject has another value than is wanted" },
	{ spoil_cn_shorter,
	  "as granted: an attribute of the subject has another value than is wanted" },
	{ spoil_cn_of_second,
	  "as granted: an attribute of the subject has another value than is wanted" },
	{ spoil_cn_is_o,
	  "as granted: an attribute of the subject is not the one wanted" },
	{ spoil_cn_printable,
	  "as granted: an attribute of the subject has another type of string than is wanted" },
	{ spoil_cn_absent,
	  "as granted: the subject lacks an attribute" },
	{ spoil_cn_and_o,
	  "as granted: an attribute of the subject is one too many" },
	{ spoil_cn_unwanted,
	  "as granted: an attribute of the subject is one too many" },
	{ spoil_spki,
	  "RFC 5280 4.1.2.7: the key is not the one that was checked" },
	{ spoil_no_extension,
	  "RFC 5280 4.2: no extension" },
	{ spoil_default,
	  "RFC 5280 4.2: critical FALSE is written out (X.690 11.5)" },
	{ spoil_value,
	  "RFC 5280 4.2: the value of an extension is not strict DER" },
	{ spoil_twice,
	  "RFC 5280 4.2: an extension stands twice" },
	{ spoil_stranger,
	  "the profile: an extension that nobody asked for" },
	{ spoil_stranger_instead,
	  "the profile: an extension of the profile's is missing" },
	{ spoil_promised_value,
	  "the profile: an extension of the profile's has another value than the profile gives" },
	{ spoil_place_unmarked,
	  "the profile: an extension of the profile's has another value than the profile gives" },
	{ spoil_place_of_another,
	  "the profile: an extension of the profile's has another value than the profile gives" },
	{ spoil_place_marked,
	  "the profile: an extension of the profile's has another value than the profile gives" },
	{ spoil_promised_critical,
	  "the profile: an extension of the profile's is critical where the profile says otherwise" },
	{ spoil_promised,
	  "the profile: an extension of the profile's is missing" },
	{ spoil_bc_absent,
	  "RFC 5280 4.2.1.9: no basicConstraints" },
	{ spoil_bc_ca,
	  "RFC 5280 4.2.1.9: an end entity's basicConstraints are not empty" },
	{ spoil_bc_not_critical,
	  "RFC 5280 4.2.1.9: the basicConstraints are not critical" },
	{ spoil_ku_absent,
	  "RFC 5280 4.2.1.3: no keyUsage" },
	{ spoil_ku_not_critical,
	  "RFC 5280 4.2.1.3: the keyUsage is not critical" },
	{ spoil_ku_zero_bits,
	  "RFC 5280 4.2.1.3: the keyUsage is not a named bit list" },
	{ spoil_ku_other,
	  "RFC 5280 4.2.1.3: the keyUsage is not the one that is wanted" },
	{ spoil_ku_signs,
	  "RFC 5280 4.2.1.3: an end entity may sign certificates or CRLs" },
	{ spoil_eku_absent,
	  "RFC 5280 4.2.1.12: no extKeyUsage" },
	{ spoil_eku_any,
	  "RFC 5280 4.2.1.12: anyExtendedKeyUsage" },
	{ spoil_eku_more,
	  "RFC 5280 4.2.1.12: more purposes than the profile has" },
	{ spoil_eku_other,
	  "RFC 5280 4.2.1.12: another purpose than the profile has" },
	{ spoil_eku_order,
	  "RFC 5280 4.2.1.12: another purpose than the profile has" },
	{ spoil_eku_fewer,
	  "RFC 5280 4.2.1.12: fewer purposes than the profile has" },
	{ spoil_eku_transfer,
	  "RFC 5280 4.2.1.12: id-kp-airgapTransfer in a subscriber's certificate" },
	{ spoil_ski,
	  "RFC 5280 4.2.1.2: the subjectKeyIdentifier is not the key's (RFC 7093)" },
	{ spoil_ski_absent,
	  "RFC 5280 4.2.1.2: no subjectKeyIdentifier" },
	{ spoil_key_of_ca,
	  "RFC 5280 4.1.2.7: the key is the CA's own" },
	{ spoil_aki,
	  "RFC 5280 4.2.1.1: the authorityKeyIdentifier is not the CA's subjectKeyIdentifier" },
	{ spoil_aki_absent,
	  "RFC 5280 4.2.1.1: no authorityKeyIdentifier" },
	{ spoil_aki_critical,
	  "RFC 5280 4.2.1.1: the authorityKeyIdentifier is critical" },
	{ spoil_nobody,
	  "RFC 5280 4.1.2.6: neither a subject nor a subjectAltName" },
	{ spoil_san_absent,
	  "RFC 5280 4.2.1.6: no subjectAltName" },
	{ spoil_san_critical,
	  "RFC 5280 4.2.1.6: the subjectAltName is critical if, and only if, the subject is empty" },
	{ spoil_san_under_no_subject,
	  "RFC 5280 4.2.1.6: the subjectAltName is critical if, and only if, the subject is empty" },
	{ spoil_san_more,
	  "RFC 5280 4.2.1.6: more names than were granted" },
	{ spoil_san_fewer,
	  "RFC 5280 4.2.1.6: fewer names than were granted" },
	{ spoil_san_order,
	  "RFC 5280 4.2.1.6: another name than was granted" },
	{ spoil_san_name,
	  "RFC 5280 4.2.1.6: another name than was granted" },
	{ spoil_san_below,
	  "RFC 5280 4.2.1.6: another name than was granted" },
	{ spoil_san_type,
	  "RFC 5280 4.2.1.6: a name of another type than was granted" },
	{ spoil_san_srv,
	  "RFC 5280 4.2.1.6: a name of another type than was granted" },
	{ spoil_san_address,
	  "RFC 5280 4.2.1.6: another name than was granted" },
	{ spoil_san_upper,
	  "RFC 5280 4.2.1.6: a dNSName that is none" },
	{ spoil_san_wildcard,
	  "RFC 5280 4.2.1.6: a dNSName that is none" },
	{ spoil_san_ip,
	  "RFC 5280 4.2.1.6: a type of name that the profile does not allow" },
	{ spoil_san_ip_short,
	  "RFC 5280 4.2.1.6: an iPAddress of neither 4 nor 16 octets" },
	{ spoil_san_srv_utf8,
	  "RFC 5280 4.2.1.6: an otherName of an unknown kind or string type" },
	{ spoil_san_other,
	  "RFC 5280 4.2.1.6: an otherName of an unknown kind" },
	{ spoil_name_constraints,
	  "RFC 5280 4.2.1.10: an end entity has nameConstraints" },
};
/* clang-format on */

static void
each_spoiled_clause_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
		WIPED(sample) s = { 0 };

		sample_new(&s);
		spoiled[i].spoil(&s);
		check_refused(lint_sample(&s), "LINT", spoiled[i].sentence);
	}
}

static void
what_we_promise_passes(void **state)
{
	static const struct name wildcard[] = { { NAME_DNS,
	    { (const uint8_t *)"*.org", 5 } } };
	WIPED(sample) s = { 0 };

	(void)state;
	sample_new(&s);
	check_ok(lint_sample(&s));
	/* Each at its limit. */
	serial_given_as(&s, BYTES(1, 2, 3, 4, 5, 6, 7, 8, 9));
	s.profile.wildcard = true;
	s.profile.subject = SUBJECT_NONE;
	s.tbs.subject = BYTES(0x30, 0);
	s.lint.names = wildcard;
	s.ext[SAN].critical = true;
	s.ext[SAN].value = BYTES(0x30, 7, 0x82, 5, '*', '.', 'o', 'r', 'g');
	s.lint.issuer_not_after = s.tbs.not_after;
	s.tbs.extensions = SPAN_NONE;
	check_ok(lint_sample(&s));
}

/* ---- subjects ------------------------------------------------------------ */

/* clang-format off */
static const struct wording {
	const char *text; /* of the profile */
	enum name_type type;
	const char *name; /* granted, and the SAN's */
	const char *made; /* what the TBS has, as subject_read takes it */
	bool good;
} wordings[] = {
	{ "O=Example, CN=%{name}", NAME_DNS, "a.org", "O=Example, CN=a.org", true },
	{ "O=Example, CN=%{name}", NAME_DNS, "a.org", "CN=a.org, O=Example", false },
	{ "O=Example, CN=%{name}", NAME_DNS, "a.org", "O=Example", false },
	{ "O=Example, CN=%{name}", NAME_DNS, "a.org", "O=Examples, CN=a.org", false },
	{ "O=%{domain}", NAME_EMAIL, "j@a.org", "O=a.org", true },
	{ "O=%{domain}", NAME_EMAIL, "j@a.org", "O=j\\@a.org", false },
	{ "C=SE, DC=%{domain},serialNumber=7", NAME_DNS, "a.org", "C=SE, DC=a.org, serialNumber=7", true },
	{ "C=SE, O=x", NAME_DNS, "a.org", "C=NO, O=x", false },
	{ " O = A\\, B \\ , OU = a  b ", NAME_DNS, "a.org", "O=A\\, B \\ , OU=a  b", true },
	{ " O = A\\, B \\ ", NAME_DNS, "a.org", "O=A\\, B", false },
	{ "O=50%% of %{name}%%", NAME_DNS, "a.org", "O=50% of a.org%", true },
	{ "O=50%% of %{name}%%", NAME_DNS, "a.org", "O=50%% of a.org%%", false },
	{ "O=50\\% of\\ %{name}", NAME_DNS, "a.org", "O=50% of a.org", true },
	{ "2.5.4.10=x, commonName=%{name}", NAME_DNS, "a.org", "O=x, CN=a.org", true },
	{ "CN=%{name}", NAME_URI, "https://a.org/a,O=b+c", "CN=https://a.org/a\\,O=b+c", true },
	{ "CN=%{name}", NAME_URI, "https://a.org/a,O=b+c", "CN=https://a.org/a,O=b+c", false },
	{ "", NAME_DNS, "a.org", "", true },
};
/* clang-format on */

static void
put_subject(const char *text, struct buf *ret)
{
	OWN(X509_NAME) *name = NULL;

	buf_reset(ret);
	check_ok(subject_read(text, &name));
	check_ok(subject_write(name, ret));
}

static void
a_subject_is_held_to_the_words_of_the_profile(void **state)
{
	WIPED(buf) made = { 0 };
	WIPED(buf) names = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wordings) / sizeof(wordings[0]); i++) {
		const struct wording *w = &wordings[i];
		const struct name name = { w->type, span_str(w->name) };
		WIPED(sample) s = { 0 };
		enum rc rc;

		sample_new(&s);
		put_subject(w->made, &made);
		s.tbs.subject = buf_span(&made);
		s.profile.subject = SUBJECT_TEXT;
		s.profile.subject_text = strdup(w->text);
		s.profile.name_types = 1U << w->type;
		s.lint.names = &name;
		buf_reset(&names);
		check_ok(names_to_san_der(&name, 1, &names));
		s.ext[SAN].value = buf_span(&names);
		s.ext[SAN].critical = made.n == 2;
		rc = lint_sample(&s);
		free(s.profile.subject_text);
		if (w->good && rc != RC_OK)
			fail_msg("row %zu: \"%s\": %s", i, w->text, err_text());
		if (!w->good)
			check_refused(rc, "LINT", NULL);
	}
}

/* 64 characters. */
#define LONG_DNS \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbb.org"

static void
a_name_too_long_for_a_cn_is_left_out(void **state)
{
	static const struct {
		const char *name, *made;
		bool good;
	} rows[] = {
		{ LONG_DNS, "CN=" LONG_DNS, true },
		{ LONG_DNS, "", false },
		{ LONG_DNS "c", "", true },
	};
	WIPED(buf) made = { 0 };
	WIPED(buf) names = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct name name = { NAME_DNS, span_str(rows[i].name) };
		WIPED(sample) s = { 0 };

		sample_new(&s);
		put_subject(rows[i].made, &made);
		s.tbs.subject = buf_span(&made);
		s.lint.names = &name;
		buf_reset(&names);
		check_ok(names_to_san_der(&name, 1, &names));
		s.ext[SAN].value = buf_span(&names);
		s.ext[SAN].critical = made.n == 2;
		if (rows[i].good)
			check_ok(lint_sample(&s));
		else
			check_refused(lint_sample(&s), "LINT",
			    "as granted: the subject lacks an attribute");
	}
}

/* And where it is as the profile has it, it passes. */
static void
a_place_of_lists_is_that_of_the_issuers_key(void **state)
{
	WIPED(sample) first = { 0 };
	WIPED(sample) later = { 0 };

	(void)state;
	sample_new(&first);
	put_place(&first, "", PLACE(14, '.', 'c', 'r', 'l'));
	check_ok(lint_sample(&first));
	sample_new(&later);
	put_place(&later, A_MARK, PLACE(31, A_MARK_IN, '.', 'c', 'r', 'l'));
	check_ok(lint_sample(&later));
}

static void
what_a_profile_adds_is_there_as_it_says(void **state)
{
	WIPED(sample) s = { 0 };

	(void)state;
	sample_new(&s);
	spoil_promised(&s);
	s.ext[MORE] = (struct extension){ BYTES(TLSFEATURE), false,
		BYTES(0x30, 3, 2, 1, 5) };
	check_ok(lint_sample(&s));
}

/* ---- the CA's own certificates ------------------------------------------- */

static char *domains[] = { (char[]){ "a.org" }, (char[]){ "b.org" },
	(char[]){ "a.org" } };

/* Each lint of one and the same TBS; a percent sign at init is one. */
static void
a_ca_is_what_was_wished(void **state)
{
	static const struct text_list ab = { domains, 2 }, a = { domains, 1 },
				      ba = { domains + 1, 2 },
				      aba = { domains, 3 };
	static const char scopes[] =
	    "RFC 5280 4.2.1.10: the nameConstraints do not permit the scopes, "
	    "and those only";
	static const struct {
		const char *subject;
		uint32_t path_len;
		const struct text_list *scopes;
		bool srv, ip;
		const char *sentence;
	} rows[] = {
		{ "O=100%%, CN=Test", 1, &ab, true, false, NULL },
		{ "CN=Test, O=100%%", 1, &ab, true, false,
		    "as granted: an attribute of the subject is not the one "
		    "wanted" },
		{ "O=100%, CN=Test", 1, &ab, true, false,
		    "as granted: an attribute of the subject has another value "
		    "than is wanted" },
		{ "O=100%%, CN=Test", 0, &ab, true, false,
		    "RFC 5280 4.2.1.9: another pathLenConstraint than was "
		    "granted" },
		{ "O=100%%, CN=Test", 1, &a, true, false, scopes },
		{ "O=100%%, CN=Test", 1, &ba, true, false, scopes },
		{ "O=100%%, CN=Test", 1, &aba, true, false, scopes },
		{ "O=100%%, CN=Test", 1, &ab, false, false, scopes },
		{ "O=100%%, CN=Test", 1, &ab, true, true,
		    "RFC 5280 4.2.1.10: the nameConstraints exclude "
		    "something" },
		{ "O=100%%, CN=Test", 1, NULL, false, false,
		    "RFC 5280 4.2.1.10: nameConstraints without a scope" },
	};
	struct ca_wish made = PLAIN_WISH;
	WIPED(buf) subject_der = { 0 };
	WIPED(buf) tbs = { 0 };
	WIPED(sample) s = { 0 };

	(void)state;
	sample_new(&s);
	made.subject = rows[0].subject;
	made.serial = s.tbs.serial;
	made.path_len = 1;
	made.scopes = &ab;
	made.constrain_srv = true;
	check_ok(tbs_of_ca(&made, buf_span(&s.spki), &tbs));
	put_subject(made.subject, &subject_der);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct ca_wish wish = { .subject = rows[i].subject,
			.path_len = rows[i].path_len,
			.scopes = rows[i].scopes,
			.constrain_srv = rows[i].srv,
			.allow_ip = rows[i].ip };
		const struct lint lint = { .kind = LINT_CA,
			.alg = &s.alg,
			.issuer = buf_span(&subject_der),
			.issuer_ski = span_of(s.ski + 2, KEY_IDENTIFIER_LEN),
			.issuer_not_before = made.not_before,
			.issuer_not_after = made.not_after,
			.serial = made.serial,
			.spki = buf_span(&s.spki),
			.not_before = made.not_before,
			.not_after = made.not_after,
			.wish = &wish };

		if (rows[i].sentence == NULL)
			check_ok(lint_tbs(&lint, buf_span(&tbs)));
		else
			check_refused(lint_tbs(&lint, buf_span(&tbs)), "LINT",
			    rows[i].sentence);
	}
}

/* Critical, not critical, none: one is made, and each is wanted in turn. */
static void
constraints_stand_as_they_were_wished(void **state)
{
	static const struct text_list one = { domains, 1 };
	static const char *const sentences[3][3] = {
		[CONSTRAINTS_CRITICAL] = { NULL,
		    "RFC 5280 4.2.1.10: the nameConstraints are critical",
		    "RFC 5280 4.2.1.10: nameConstraints that were not wished" },
		[CONSTRAINTS_NON_CRITICAL] = { "RFC 5280 4.2.1.10: the nameConstraints are not critical",
		    NULL,
		    "RFC 5280 4.2.1.10: nameConstraints that were not wished" },
		[CONSTRAINTS_NONE] = { "RFC 5280 4.2.1.10: no nameConstraints",
		    "RFC 5280 4.2.1.10: no nameConstraints", NULL },
	};
	WIPED(buf) subject_der = { 0 };
	WIPED(sample) s = { 0 };
	struct ca_wish wish = PLAIN_WISH;

	(void)state;
	sample_new(&s);
	wish.serial = s.tbs.serial;
	wish.scopes = &one;
	put_subject(wish.subject, &subject_der);
	for (unsigned made = 0; made < 3; made++) {
		WIPED(buf) tbs = { 0 };

		wish.constraints = (enum ca_constraints)made;
		check_ok(tbs_of_ca(&wish, buf_span(&s.spki), &tbs));
		for (unsigned wanted = 0; wanted < 3; wanted++) {
			struct ca_wish other = wish;
			const struct lint lint = { .kind = LINT_CA,
				.alg = &s.alg,
				.issuer = buf_span(&subject_der),
				.issuer_ski =
				    span_of(s.ski + 2, KEY_IDENTIFIER_LEN),
				.issuer_not_before = wish.not_before,
				.issuer_not_after = wish.not_after,
				.serial = wish.serial,
				.spki = buf_span(&s.spki),
				.not_before = wish.not_before,
				.not_after = wish.not_after,
				.wish = &other };

			other.constraints = (enum ca_constraints)wanted;
			if (sentences[made][wanted] == NULL)
				check_ok(lint_tbs(&lint, buf_span(&tbs)));
			else
				check_refused(lint_tbs(&lint, buf_span(&tbs)),
				    "LINT", sentences[made][wanted]);
		}
	}
}

static void
scopes_that_a_ca_lacks_are_missed(void **state)
{
	static const struct text_list one = { domains, 1 };
	static const struct {
		bool scoped_made, ip_made;
		const char *sentence;
	} rows[] = {
		{ false, true, "RFC 5280 4.2.1.10: no nameConstraints" },
		{ true, true,
		    "RFC 5280 4.2.1.10: the nameConstraints do not exclude "
		    "addresses" },
	};
	WIPED(buf) subject_der = { 0 };
	WIPED(sample) s = { 0 };
	struct ca_wish wish = PLAIN_WISH;

	(void)state;
	sample_new(&s);
	wish.serial = s.tbs.serial;
	wish.scopes = &one;
	put_subject(wish.subject, &subject_der);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ca_wish made = wish;
		WIPED(buf) tbs = { 0 };
		const struct lint lint = { .kind = LINT_CA,
			.alg = &s.alg,
			.issuer = buf_span(&subject_der),
			.issuer_ski = span_of(s.ski + 2, KEY_IDENTIFIER_LEN),
			.issuer_not_before = wish.not_before,
			.issuer_not_after = wish.not_after,
			.serial = wish.serial,
			.spki = buf_span(&s.spki),
			.not_before = wish.not_before,
			.not_after = wish.not_after,
			.wish = &wish };

		made.scopes = rows[i].scoped_made ? &one : NULL;
		made.allow_ip = rows[i].ip_made;
		check_ok(tbs_of_ca(&made, buf_span(&s.spki), &tbs));
		check_refused(
		    lint_tbs(&lint, buf_span(&tbs)), "LINT", rows[i].sentence);
	}
}

static void
a_transfer_certificate_is_called_after_its_ca(void **state)
{
	static const struct {
		const char *ca, *made;
		bool good;
	} rows[] = {
		{ "O=E, CN=C", "O=C, OU=airgap-ca transfer", true },
		{ "O=E, CN=C", "O=E, OU=airgap-ca transfer", false },
		{ "O=E, CN=C", "O=C, OU=airgap-ca", false },
		{ "O=E, CN=C", "CN=C", false },
		{ "O=E, OU=x", "O=E, OU=airgap-ca transfer", true },
		{ "CN=C, CN=D", "O=C, OU=airgap-ca transfer", true },
		{ "DC=a, DC=b", "O=b, OU=airgap-ca transfer", true },
		{ "DC=a, DC=b", "O=a, OU=airgap-ca transfer", false },
	};
	WIPED(buf) ca = { 0 };
	WIPED(buf) made = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		WIPED(sample) s = { 0 };

		sample_new(&s);
		put_subject(rows[i].ca, &ca);
		put_subject(rows[i].made, &made);
		s.lint.kind = LINT_TRANSFER;
		s.lint.profile = NULL;
		s.lint.n_names = 0;
		s.lint.issuer = s.tbs.issuer = buf_span(&ca);
		s.tbs.subject = buf_span(&made);
		spoil_eku_transfer(&s);
		s.ext[EKU].critical = true;
		s.ext[SAN].oid = SPAN_NONE;
		if (rows[i].good)
			check_ok(lint_sample(&s));
		else
			check_refused(lint_sample(&s), "LINT", NULL);
	}
}

static void
bytes_around_a_tbs_are_refused(void **state)
{
	WIPED(sample) s = { 0 };

	(void)state;
	sample_new(&s);
	check_refused(lint_tbs(&s.lint, BYTES(0x30, 0)), "LINT",
	    "RFC 5280 4.1: not a TBSCertificate with extensions and without "
	    "unique identifiers");
	check_refused(lint_tbs(&s.lint, BYTES(0x30, 0, 0)), "LINT",
	    "RFC 5280 4.1: bytes behind the value at byte 2 of 3");
	check_refused(lint_tbs(&s.lint, BYTES(0x30, 0x80, 0, 0)), "LINT", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constraints_stand_as_they_were_wished),
		cmocka_unit_test(what_a_profile_adds_is_there_as_it_says),
		cmocka_unit_test(a_place_of_lists_is_that_of_the_issuers_key),
		cmocka_unit_test(what_we_promise_passes),
		cmocka_unit_test(each_spoiled_clause_is_named),
		cmocka_unit_test(a_subject_is_held_to_the_words_of_the_profile),
		cmocka_unit_test(a_name_too_long_for_a_cn_is_left_out),
		cmocka_unit_test(a_ca_is_what_was_wished),
		cmocka_unit_test(scopes_that_a_ca_lacks_are_missed),
		cmocka_unit_test(a_transfer_certificate_is_called_after_its_ca),
		cmocka_unit_test(bytes_around_a_tbs_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
