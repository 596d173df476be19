/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys told by their first bytes. This is no reader of keys: it looks
 * at as much as tells one from all else that lies on a stick, and takes BER,
 * which PKCS#12 files are. A key that is taken for none is the worse mistake.
 */
#include "transfer/x509/private_key.h"

#include "base/base64.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/text_plain.h"

/* ---- BER ----------------------------------------------------------------- */

/* Step over a header with this tag, of any length, the indefinite one included,
 * into its content. */
static bool
ber_enter(struct span *in, uint8_t tag)
{
	struct span rest = *in, head = SPAN_NONE, more;

	if (!span_take(&rest, 2, &head) || head.p[0] != tag)
		return false;
	if (head.p[1] > 0x80 && !span_take(&rest, head.p[1] & 0x7f, &more))
		return false;
	*in = rest;
	return true;
}

/* Step over a short value with this tag: its content. */
static bool
ber_take(struct span *in, uint8_t tag, struct span *ret)
{
	struct span rest = *in, head = SPAN_NONE;

	if (!span_take(&rest, 2, &head) || head.p[0] != tag ||
	    head.p[1] >= 0x80 || !span_take(&rest, head.p[1], ret))
		return false;
	*in = rest;
	return true;
}

/* An INTEGER of any size: step over it. */
static bool
ber_skip_integer(struct span *in)
{
	struct der v;

	if (in->n == 0 || in->p[0] != DER_INTEGER)
		return false;
	return der_next(in, &v);
}

/* ---- kinds --------------------------------------------------------------- */

static bool
begins_with(struct span s, const char *bytes, size_t n)
{
	return s.n >= n && memcmp(s.p, bytes, n) == 0;
}

/* PKCS#5 (1.2.840.113549.1.5) and PKCS#12 (1.2.840.113549.1.12.1): what such an
 * AlgorithmIdentifier stands before is encrypted by a password. */
static bool
is_password_based(struct span oid)
{
	return begins_with(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x05", 8) ||
	       begins_with(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01", 9);
}

/* PFX ::= SEQUENCE { 3, ContentInfo { data or signedData (PKCS#7) ... */
static bool
is_pkcs7(struct span oid)
{
	return begins_with(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x07", 8);
}

/* What begins with a small version: PKCS#8, SEC 1, PKCS#12, PKCS#1, DSA. */
static const char *
kind_of_versioned(struct span body, uint8_t version)
{
	struct span at = body, oid;
	size_t integers = 0;

	if (ber_enter(&at, DER_SEQUENCE) && ber_take(&at, DER_OID, &oid)) {
		if (version == 3 && is_pkcs7(oid))
			return "a PKCS#12 file";
		return version <= 1 ? "a PKCS#8 private key" : NULL;
	}
	if (version == 1 && body.n > 8 && body.p[0] == DER_OCTET_STRING)
		return "an EC private key (SEC 1)";
	/* n, e, d, p, q ...; or p, q, g, y, x of DSA */
	while (integers < 5 && ber_skip_integer(&body))
		integers++;
	if (version > 1 || integers < 5)
		return NULL;
	return ber_skip_integer(&body) ? "an RSA private key (PKCS#1)"
				       : "a DSA private key";
}

const char *
private_key_of_der(struct span der)
{
	struct span at = der, version, oid;

	if (!ber_enter(&at, DER_SEQUENCE))
		return NULL;
	if (ber_take(&at, DER_INTEGER, &version))
		return version.n == 1 ? kind_of_versioned(at, version.p[0])
				      : NULL;
	if (ber_enter(&at, DER_SEQUENCE) && ber_take(&at, DER_OID, &oid) &&
	    is_password_based(oid))
		return "an encrypted PKCS#8 private key";
	return NULL;
}

static const struct {
	const char *what, *bytes;
	size_t n;
} magics[] = {
	{ "a PuTTY private key", "PuTTY-User-Key-File-", 20 },
	{ "an OpenSSH private key", "openssh-key-v1", 15 },
	{ "a Java key store", "\xfe\xed\xfe\xed", 4 },
	{ "a Java key store", "\xce\xce\xce\xce", 4 },
	{ "a PVK private key", "\x1e\xf1\xb5\xb0", 4 },
	{ "a private key blob of Windows", "\x07\x02\x00\x00", 4 },
};

static const char *
kind_of_bytes(struct span file)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (begins_with(file, magics[i].bytes, magics[i].n))
			return magics[i].what;
	return private_key_of_der(file);
}

/* ---- PEM ----------------------------------------------------------------- */

static bool
line_has(struct span line, const char *words)
{
	const size_t n = strlen(words);

	for (size_t i = 0; i + n <= line.n; i++)
		if (memcmp(line.p + i, words, n) == 0)
			return true;
	return false;
}

static const struct {
	const char *label, *what;
} pem_labels[] = {
	{ "BEGIN ENCRYPTED PRIVATE KEY", "an encrypted PKCS#8 private key" },
	{ "BEGIN PRIVATE KEY", "a PKCS#8 private key" },
	{ "BEGIN EC PRIVATE KEY", "an EC private key (SEC 1)" },
	{ "BEGIN RSA PRIVATE KEY", "an RSA private key (PKCS#1)" },
	{ "BEGIN OPENSSH PRIVATE KEY", "an OpenSSH private key" },
	{ "BEGIN PGP PRIVATE KEY", "a PGP private key" },
	{ "PRIVATE KEY", "a private key" },
	{ "BEGIN PKCS12", "a PKCS#12 file" },
};

/* The block below a BEGIN, whatever it calls itself. Base64 that is broken is
 * nobody's key. */
static enum rc
kind_of_block(struct span text, const char **ret)
{
	WIPED(buf) digits = { 0 };
	WIPED(buf) der = { 0 };
	enum rc rc = RC_OK;

	while (text.n != 0 && text.p[0] != '-' && rc == RC_OK) {
		struct span line = span_take_line(&text);

		for (size_t i = 0; i < line.n && rc == RC_OK; i++)
			if (line.p[i] > ' ')
				rc = buf_add_byte(&digits, line.p[i]);
	}
	if (rc == RC_OK)
		rc = base64_read(buf_span(&digits), &der);
	if (rc == RC_FORMAT) {
		err_clear();
		return RC_OK;
	}
	if (rc == RC_OK)
		*ret = kind_of_bytes(buf_span(&der));
	return rc;
}

static enum rc
kind_of_text(struct span text, const char **ret)
{
	enum rc rc = RC_OK;

	while (text.n != 0 && *ret == NULL && rc == RC_OK) {
		struct span line = span_take_line(&text);

		if (line.n < 5 || memcmp(line.p, "----", 4) != 0 ||
		    !line_has(line, "BEGIN "))
			continue;
		for (size_t i = 0;
		     i < sizeof(pem_labels) / sizeof(pem_labels[0]); i++)
			if (*ret == NULL && line_has(line, pem_labels[i].label))
				*ret = pem_labels[i].what;
		if (*ret == NULL)
			rc = kind_of_block(text, ret);
	}
	return rc;
}

enum rc
private_key_check(const char *from, struct span file)
{
	WIPED(buf) room = { 0 };
	const char *what = kind_of_bytes(file);
	struct span text = SPAN_NONE;
	enum rc rc = RC_OK;

	if (what == NULL)
		rc = text_plain(file, &room, &text);
	if (rc == RC_OK && what == NULL)
		what = kind_of_bytes(text);
	if (rc == RC_OK && what == NULL)
		rc = kind_of_text(text, &what);
	if (rc != RC_OK || what == NULL)
		return rc;
	return rule_refuse(RULE_PRIVATE_KEY,
	    "%s: %s; wanted requests, and no secret ever", from, what);
}
