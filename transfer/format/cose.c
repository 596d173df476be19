/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9052 narrowed to what we write: every parameter is in the protected
 * header, in one order, and nothing is passed over as unknown. A header that
 * a reader ignores is a place where signer and verifier can come to disagree.
 */
#include "transfer/format/cose.h"

#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <assert.h>
#include <cbor.h>
#include <stdio.h>

#define TAG_SIGN1 0xd2 /* tag 18 in its one byte: RFC 9052 section 2 */

/* The others: RFC 9052 section 3.1, RFC 9360 section 2. */
#define LABEL_KID 4
#define LABEL_X5CHAIN 33

#define SIGNATURE_MIN 64
#define COSE_SIGNATURE_MAX 4627 /* ML-DSA-87: a later version may have it */
#define TYPE_MAX 128		/* bytes of a content type */

/* clang-format off */
static const char *const content_types[] = {
	[COSE_BUNDLE]   = "application/vnd.airgap-ca.csr-bundle+cbor",
	[COSE_MANIFEST] = "application/vnd.airgap-ca.transfer-manifest+cbor",
	[COSE_CARD]     = "application/vnd.airgap-ca.ca-card+cbor",
};
/* clang-format on */
#define TYPES (sizeof(content_types) / sizeof(*content_types))

const char *
cose_content_type(enum cose_type type)
{
	return content_types[type];
}

#define COSE_FROM_MAX 256 /* "FILE: protected header", cut when longer */

/* What the item reader refuses is a fault of the envelope here. */
static enum rc
as_form(enum rc rc)
{
	if (rc != RC_FORMAT)
		return rc;
	return rule_refuse(RULE_COSE_FORM, "%s", err_text());
}

/* Content types keep the kinds apart: a card signed by the transfer key can
 * never be taken for a manifest (RFC 9052 3.1). */
static enum rc
cose_type_of(const char *from, struct span text, enum cose_type *ret_type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (span_eq_str(text, content_types[i])) {
			*ret_type = (enum cose_type)i;
			return RC_OK;
		}
	return rule_refuse(RULE_COSE_TYPE, "%s: unknown content type \"%.*s\"",
	    from, SPAN_FMT(text));
}

/* Those that a file of a later version may have, for the sentence. */
static const char *
alg_to_come(int64_t alg)
{
	static const char *const names[] = { " (ML-DSA-44)", " (ML-DSA-65)",
		" (ML-DSA-87)" };

	return alg <= -48 && alg >= -50 ? names[-48 - alg] : "";
}

static enum rc
alg_take(struct cbor_in *in, enum cose_alg *ret_alg)
{
	char wanted[CHOICE_TEXT];
	int64_t alg;
	enum rc rc = as_form(cbor_take_int(in, "alg", &alg));

	if (rc != RC_OK || cose_alg_read(alg, ret_alg))
		return rc;
	cose_algs_list(wanted);
	return rule_refuse(RULE_COSE_ALG, "%s: algorithm %lld%s, wanted %s",
	    in->from, (long long)alg, alg_to_come(alg), wanted);
}

static enum rc
label_take(struct cbor_in *in, uint64_t *pairs, int wanted)
{
	int key;
	enum rc rc = as_form(cbor_next_key(in, pairs, &key));

	if (rc == RC_OK && key != wanted)
		rc = rule_refuse(RULE_COSE_FORM,
		    "%s: parameter %d where %d was wanted", in->from, key,
		    wanted);
	return rc;
}

/* The third parameter: who signed, by digest in a bundle, else by certificate.
 */
static enum rc
signer_take(struct cbor_in *in, uint64_t *pairs, struct cose *c)
{
	const bool bundle = c->type == COSE_BUNDLE;
	enum rc rc = label_take(in, pairs, bundle ? LABEL_KID : LABEL_X5CHAIN);

	if (rc != RC_OK)
		return rc;
	if (bundle)
		return as_form(cbor_take_bytes(
		    in, "kid", SHA256_LEN, SHA256_LEN, &c->kid));
	return as_form(
	    cbor_take_bytes(in, "x5chain", CERT_MIN, CERT_MAX, &c->cert));
}

/* Exactly alg, content type and signer: nothing that we would have to ignore.
 */
static enum rc
protected_read(const char *file, struct cose *c)
{
	char from[COSE_FROM_MAX];
	struct cbor_in in = { .from = from, .rest = c->protected_bytes };
	struct span type;
	uint64_t pairs;
	enum rc rc;

	(void)snprintf(from, sizeof(from), "%s: protected header", file);
	rc = cbor_in_check(from, c->protected_bytes);
	if (rc == RC_OK)
		rc = as_form(cbor_take_map(&in, "header", &pairs));
	if (rc == RC_OK)
		rc = label_take(&in, &pairs, COSE_LABEL_ALG);
	if (rc == RC_OK)
		rc = alg_take(&in, &c->alg);
	if (rc == RC_OK)
		rc = label_take(&in, &pairs, COSE_LABEL_TYPE);
	if (rc == RC_OK)
		rc = as_form(
		    cbor_take_text(&in, "content type", 1, TYPE_MAX, &type));
	if (rc == RC_OK)
		rc = cose_type_of(file, type, &c->type);
	if (rc == RC_OK)
		rc = signer_take(&in, &pairs, c);
	if (rc == RC_OK)
		rc = label_take(&in, &pairs, -1);
	return rc;
}

/* The four parts of a COSE_Sign1, once the tag is off. How long the signature
 * is says nothing before its algorithm is known. */
static enum rc
parts_read(const char *from, struct span array, struct cose *c)
{
	struct cbor_in in = { .from = from, .rest = array };
	uint64_t n;
	enum rc rc = cbor_in_check(from, array);

	if (rc == RC_OK)
		rc = as_form(cbor_take_array(&in, "COSE_Sign1", 4, 4, &n));
	if (rc == RC_OK)
		rc = as_form(cbor_take_bytes(&in, "protected header", 1,
		    COSE_FILE_MAX, &c->protected_bytes));
	if (rc == RC_OK)
		rc = as_form(cbor_take_map(&in, "unprotected header", &n));
	if (rc == RC_OK && n != 0)
		rc = rule_refuse(RULE_COSE_FORM,
		    "%s: the unprotected header is not empty", from);
	if (rc == RC_OK)
		rc = as_form(cbor_take_bytes(
		    &in, "payload", 1, COSE_FILE_MAX, &c->payload));
	if (rc == RC_OK)
		rc = as_form(cbor_take_bytes(
		    &in, "signature", 0, COSE_FILE_MAX, &c->signature));
	return rc;
}

/* Everything but the payload's own encoding. */
static enum rc
envelope_read(const char *from, struct span file, struct cose *c)
{
	struct span tag;
	size_t len;
	enum rc rc;

	if (file.n > COSE_FILE_MAX)
		return rule_refuse(RULE_COSE_FORM,
		    "%s: %zu bytes, wanted %zu at most", from, file.n,
		    COSE_FILE_MAX);
	if (!span_take(&file, 1, &tag) || *tag.p != TAG_SIGN1)
		return rule_refuse(RULE_COSE_FORM,
		    "%s: not a COSE_Sign1: it does not begin with tag 18",
		    from);
	rc = parts_read(from, file, c);
	if (rc == RC_OK)
		rc = protected_read(from, c);
	if (rc != RC_OK)
		return rc;
	if (c->signature.n < SIGNATURE_MIN ||
	    c->signature.n > COSE_SIGNATURE_MAX)
		return rule_refuse(RULE_COSE_FORM,
		    "%s: a signature of %zu bytes, wanted %d to %d", from,
		    c->signature.n, SIGNATURE_MIN, COSE_SIGNATURE_MAX);
	len = cose_alg_signature_len(c->alg);
	if (len != 0 && c->signature.n != len)
		return rule_refuse(RULE_COSE_FORM,
		    "%s: a signature of %zu bytes, wanted %zu for its algorithm",
		    from, c->signature.n, len);
	return RC_OK;
}

/* Payload last: its size is the file's, and a wrong envelope is told at once.
 */
enum rc
cose_read(const char *from, struct span file, enum cose_type type,
    struct cose *ret_cose)
{
	struct cose c = { .type = type };
	char payload[COSE_FROM_MAX];
	enum rc rc = envelope_read(from, file, &c);

	if (rc != RC_OK)
		return rc;
	if (c.type != type)
		return rule_refuse(RULE_COSE_TYPE,
		    "%s: content type %s, wanted %s", from,
		    content_types[c.type], content_types[type]);
	(void)snprintf(payload, sizeof(payload), "%s: payload", from);
	rc = cbor_in_check(payload, c.payload);
	if (rc == RC_OK)
		*ret_cose = c;
	return rc;
}

enum rc
cose_read_type(const char *from, struct span file, enum cose_type *ret_type)
{
	struct cose c = { .type = COSE_BUNDLE };
	enum rc rc = envelope_read(from, file, &c);

	if (rc == RC_OK)
		*ret_type = c.type;
	return rc;
}

/* ---- writing ------------------------------------------------------------- */

enum rc
cose_protected(
    enum cose_type type, enum cose_alg alg, struct span signer, struct buf *ret)
{
	struct cbor_out out;

	cbor_out_init(&out, ret);
	cbor_put_map(&out, 3);
	cbor_put_uint(&out, COSE_LABEL_ALG);
	cbor_put_int(&out, alg);
	cbor_put_uint(&out, COSE_LABEL_TYPE);
	cbor_put_text(&out, span_str(content_types[type]));
	cbor_put_uint(&out, type == COSE_BUNDLE ? LABEL_KID : LABEL_X5CHAIN);
	cbor_put_bytes(&out, signer);
	return cbor_out_end(&out);
}

static enum rc
string_head_add(struct buf *to, size_t n)
{
	uint8_t head[9];

	return buf_add(
	    to, head, cbor_encode_bytestring_start(n, head, sizeof(head)));
}

/* The payload is not copied behind it: a bundle may be 256 MiB, and is hashed
 * where it lies.
 *
 * RFC 9052 section 4.4: [ "Signature1", protected, external_aad, payload ]. */
enum rc
cose_tbs_head(struct span protected_bytes, size_t payload_len, struct buf *ret)
{
	static const char first[] = "\x84\x6aSignature1";
	static const uint8_t no_aad = 0x40;
	enum rc rc = buf_add_str(ret, first);

	if (rc == RC_OK)
		rc = string_head_add(ret, protected_bytes.n);
	if (rc == RC_OK)
		rc = buf_add_span(ret, protected_bytes);
	if (rc == RC_OK)
		rc = buf_add_byte(ret, no_aad);
	if (rc == RC_OK)
		rc = string_head_add(ret, payload_len);
	return rc;
}

enum rc
cose_write(struct span protected_bytes, struct span payload,
    struct span signature, struct buf *ret_file)
{
	const size_t before = ret_file->n;
	struct cbor_out out;
	enum rc rc;

	assert(
	    signature.n >= SIGNATURE_MIN && signature.n <= COSE_SIGNATURE_MAX);
	rc = buf_reserve(ret_file,
	    payload.n + protected_bytes.n + signature.n + SIGNATURE_MIN);
	if (rc == RC_OK)
		rc = buf_add_byte(ret_file, TAG_SIGN1);
	if (rc != RC_OK)
		return rc;
	cbor_out_init(&out, ret_file);
	cbor_put_array(&out, 4);
	cbor_put_bytes(&out, protected_bytes);
	cbor_put_map(&out, 0);
	cbor_put_bytes(&out, payload);
	cbor_put_bytes(&out, signature);
	rc = cbor_out_end(&out);
	if (rc == RC_OK && ret_file->n - before > COSE_FILE_MAX)
		rc = err_set(RC_USAGE,
		    "a signed file of %zu bytes, wanted %zu at most: split it",
		    ret_file->n - before, COSE_FILE_MAX);
	return rc;
}
