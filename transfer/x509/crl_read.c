/* SPDX-License-Identifier: Apache-2.0 */
/* A CRL is a queue of small values: each is taken whole once it has arrived,
 * and dropped. What the outer lengths claim is a place where something must
 * end, and never an amount of memory. */
#include "transfer/x509/crl_read.h"

#include "base/key_type.h"
#include "base/own_ssl.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define CRL_PIECE ((size_t)64 << 10) /* of a whole one */

/* Bytes of a value, its header included. */
#define ALGORITHM_MAX 64
#define ISSUER_MAX ((size_t)16 << 10)
#define TIME_MAX 32
#define REVOKED_ENTRY_MAX 128 /* three times what one of ours takes */
#define CRL_EXTENSIONS_MAX 1024
#define CRL_SIGNATURE_MAX 2048

enum crl_step {
	STEP_LIST, /* the header of CertificateList; of tbsCertList */
	STEP_TBS,
	STEP_VERSION,
	STEP_ALGORITHM,
	STEP_ISSUER,
	STEP_THIS_UPDATE,
	STEP_NEXT_UPDATE,
	STEP_REVOKED, /* the header of revokedCertificates, if there is one */
	STEP_ENTRY,
	STEP_EXTENSIONS,
	STEP_OUTER_ALGORITHM,
	STEP_SIGNATURE,
	STEP_DONE,
};

struct crl_reader {
	const char *from;
	crl_revoked_fn *each;
	void *arg;
	enum crl_step step;
	struct buf
	    held;      /* what no step has taken yet, and what is not hashed */
	size_t at;     /* in `held`: the next value */
	size_t hashed; /* in `held`: the next byte of the TBS to be hashed */
	uint64_t dropped; /* bytes that stood before `held` */
	uint64_t began;	  /* offset in the file: the value in hand */
	/* Offsets in the file at which these end. */
	uint64_t list_end, tbs_end, revoked_end;
	EVP_MD_CTX *file_md, *tbs_md;
	const struct key_row *signs; /* how the algorithm is one of ours */
	uint8_t tbs_hash[EVP_MAX_MD_SIZE];
	unsigned tbs_hash_n;
	struct buf issuer, algorithm, aki, signature;
	uint8_t last[SERIAL_MAX]; /* the serial before */
	size_t last_n;
	bool has_number;
	struct crl_facts facts;
};

void
crl_reader_free(struct crl_reader *r)
{
	if (r == NULL)
		return;
	EVP_MD_CTX_free(r->file_md);
	EVP_MD_CTX_free(r->tbs_md);
	buf_wipe(&r->held);
	buf_wipe(&r->issuer);
	buf_wipe(&r->algorithm);
	buf_wipe(&r->aki);
	buf_wipe(&r->signature);
	free(r);
}

enum rc
crl_reader_new(
    const char *from, crl_revoked_fn *each, void *arg, struct crl_reader **ret)
{
	OWNS(crl_reader) *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_memory();
	r->from = from;
	r->each = each;
	r->arg = arg;
	r->file_md = EVP_MD_CTX_new();
	r->tbs_md = EVP_MD_CTX_new();
	if (r->file_md == NULL || r->tbs_md == NULL ||
	    EVP_DigestInit_ex(r->file_md, EVP_sha256(), NULL) != 1)
		return err_openssl(RC_BUG, "%s: SHA-256", from);
	*ret = MOVE(r);
	return RC_OK;
}

/* ---- values that may not be here yet ------------------------------------- */

static uint64_t
crl_offset(const struct crl_reader *r)
{
	return r->dropped + r->at;
}

static enum rc
crl_fault(const struct crl_reader *r, const char *what)
{
	return err_set(RC_FORMAT, "%s: %s, at byte %llu", r->from, what,
	    (unsigned long long)r->began);
}

static struct span
crl_rest(const struct crl_reader *r)
{
	return span_of(r->held.p + r->at, r->held.n - r->at);
}

enum come { COME_NOT, COME_ALL, COME_BROKEN };

/* The header that the rest begins with. */
static enum come
peek(struct span in, uint8_t *ret_tag, size_t *ret_head, uint64_t *ret_content)
{
	size_t octets;

	if (in.n < 2)
		return COME_NOT;
	*ret_tag = in.p[0];
	*ret_head = 2;
	*ret_content = in.p[1];
	if (in.p[1] < 0x80)
		return COME_ALL;
	octets = in.p[1] - 0x80U;
	if (octets < 1 || octets > 4)
		return COME_BROKEN;
	if (in.n < 2 + octets)
		return COME_NOT;
	*ret_head = 2 + octets;
	*ret_content = 0;
	for (size_t i = 0; i < octets; i++)
		*ret_content = *ret_content << 8 | in.p[2 + i];
	return *ret_content < 0x80 || *ret_content >> (8 * (octets - 1)) == 0
		   ? COME_BROKEN
		   : COME_ALL;
}

/* A header alone: its content comes as values of their own, up to *ret_end. */
static enum rc
crl_take_header(
    struct crl_reader *r, uint64_t limit, bool *ret_here, uint64_t *ret_end)
{
	uint64_t content = 0;
	size_t head = 0;
	uint8_t tag = 0;
	enum come come = peek(crl_rest(r), &tag, &head, &content);

	*ret_here = come == COME_ALL;
	if (come == COME_NOT)
		return RC_OK;
	if (come == COME_BROKEN || tag != DER_SEQUENCE)
		return crl_fault(r, "no SEQUENCE in DER");
	if (content > CRL_FILE_MAX)
		return crl_fault(r, "a length beyond 256 MiB");
	if (crl_offset(r) + head + content > limit)
		return crl_fault(r, "a length past the end of what it is in");
	*ret_end = crl_offset(r) + head + content;
	r->at += head;
	return RC_OK;
}

/* A whole value that ends within `limit`, in strict DER. */
static enum rc
crl_take_value(struct crl_reader *r, size_t max, uint64_t limit, bool *ret_here,
    struct der *ret)
{
	uint64_t content = 0;
	size_t head = 0, bad = 0;
	uint8_t tag = 0;
	const char *what = NULL;
	enum come come = peek(crl_rest(r), &tag, &head, &content);
	struct span value;

	*ret_here = false;
	if (come == COME_NOT)
		return RC_OK;
	if (come == COME_BROKEN)
		return crl_fault(r, "a header that is not DER");
	if (crl_offset(r) + head + content > limit)
		return crl_fault(r, "a length past the end of what it is in");
	if (head + content > max)
		return crl_fault(r, "a value that is too large for its place");
	if (crl_rest(r).n < head + content)
		return RC_OK;
	value = span_of(crl_rest(r).p, head + (size_t)content);
	if (!der_check(value, &what, &bad))
		return crl_fault(r, what);
	*ret_here = der_next(&value, ret);
	r->at += ret->whole.n;
	return RC_OK;
}

/* ---- the head ------------------------------------------------------------ */

static const struct key_row *
row_of_algorithm(struct span algorithm)
{
	for (int kind = KEY_OTHER + 1; kind < KEY_KINDS; kind++) {
		const struct key_row *row = key_row_get0((enum key_kind)kind);

		if ((row->owners & KEY_OF_CA) != 0 &&
		    span_eq(algorithm, span_of(row->signs, row->signs_n)))
			return row;
	}
	return NULL;
}

static enum rc
read_algorithm(struct crl_reader *r, const struct der *v)
{
	r->signs = row_of_algorithm(v->whole);
	if (r->signs == NULL)
		return crl_fault(
		    r, "an algorithm that no CA key of ours signs with");
	if (EVP_DigestInit_ex(r->tbs_md, r->signs->md(), NULL) != 1)
		return err_openssl(RC_BUG, "%s: a digest", r->from);
	return buf_add_span(&r->algorithm, v->whole);
}

static enum rc
read_time(const struct crl_reader *r, const struct der *v, int64_t *ret)
{
	struct span in = v->whole;

	if (!der_take_time(&in, ret) || *ret < 0)
		return crl_fault(r, "no time of RFC 5280 4.1.2.5");
	return RC_OK;
}

static enum rc
read_head(struct crl_reader *r, const struct der *v)
{
	static const uint8_t v2[] = { DER_INTEGER, 1, 1 };
	enum rc rc;

	switch (r->step) {
	case STEP_VERSION:
		return span_eq(v->whole, span_of(v2, sizeof(v2)))
			   ? RC_OK
			   : crl_fault(r, "no CRL of version 2");
	case STEP_ALGORITHM:
		return read_algorithm(r, v);
	case STEP_ISSUER:
		return v->tag == DER_SEQUENCE && v->content.n != 0
			   ? buf_add_span(&r->issuer, v->whole)
			   : crl_fault(r, "no issuer");
	case STEP_THIS_UPDATE:
		return read_time(r, v, &r->facts.this_update);
	default:
		break;
	}
	rc = read_time(r, v, &r->facts.next_update);
	if (rc == RC_OK && r->facts.next_update <= r->facts.this_update)
		return crl_fault(r, "a nextUpdate not behind thisUpdate");
	return rc;
}

/* ---- entries ------------------------------------------------------------- */

static const uint8_t oid_reason[] = { 0x55, 0x1d, 0x15 };
static const uint8_t oid_since[] = { 0x55, 0x1d, 0x18 };
static const uint8_t oid_number[] = { 0x55, 0x1d, 0x14 };
static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };

#define IS_OID(oid, of) span_eq((oid), span_of((of), sizeof(of)))

/* An Extension without `critical`, whose DEFAULT is not written out. */
static bool
take_extension(struct span *list, struct span *ret_oid, struct span *ret_value)
{
	struct span body;

	return der_take(list, DER_SEQUENCE, &body) &&
	       der_take(&body, DER_OID, ret_oid) &&
	       der_take(&body, DER_OCTET_STRING, ret_value) && body.n == 0;
}

static bool
is_strict(struct span value)
{
	const char *what;
	size_t at;

	return der_check(value, &what, &at);
}

static const char *
read_reason(struct span value, struct crl_revoked *e)
{
	struct span code;

	if (e->reason != REASON_UNSPECIFIED)
		return "an entry with two reasons";
	if (!der_take(&value, DER_ENUMERATED, &code) || value.n != 0 ||
	    code.n != 1 || code.p[0] == REASON_UNSPECIFIED ||
	    !reason_is_known(code.p[0]))
		return "an entry with a reason that is none of ours";
	e->reason = (enum reason)code.p[0];
	return NULL;
}

/* What is wrong with an entry's extensions, or NULL. */
static const char *
read_entry_extensions(struct span list, struct crl_revoked *e)
{
	struct span oid, value;

	while (list.n != 0) {
		const char *what = NULL;

		if (!take_extension(&list, &oid, &value))
			return "an entry with a critical or malformed extension";
		if (!is_strict(value))
			return "an entry with an extension that is not DER";
		if (IS_OID(oid, oid_reason))
			what = read_reason(value, e);
		else if (!IS_OID(oid, oid_since) || e->has_since)
			what =
			    "an entry with an extension that has no place there";
		else if (!der_take_generalized(&value, &e->since) ||
			 value.n != 0 || e->since < 0)
			what = "an entry with a broken invalidityDate";
		else
			e->has_since = true;
		if (what != NULL)
			return what;
	}
	return NULL;
}

/* X.690 11.6 has no word on a SEQUENCE OF: the order is ours. */
static bool
comes_after(const struct crl_reader *r, struct span serial)
{
	const size_t common = r->last_n < serial.n ? r->last_n : serial.n;
	const int order = common == 0 ? 0 : memcmp(r->last, serial.p, common);

	return order < 0 || (order == 0 && r->last_n < serial.n);
}

static const char *
read_entry_fields(
    const struct crl_reader *r, const struct der *v, struct crl_revoked *e)
{
	struct span body = v->content, list;

	if (v->tag != DER_SEQUENCE || !der_take_unsigned(&body, &e->serial) ||
	    e->serial.n == 0 || e->serial.n > SERIAL_MAX ||
	    !der_take_time(&body, &e->at) || e->at < 0)
		return "an entry without a serial and a date";
	if (!comes_after(r, e->serial))
		return "an entry that is not behind the one before it";
	if (e->at > r->facts.this_update)
		return "an entry revoked after thisUpdate";
	if (body.n == 0)
		return NULL;
	if (!der_take(&body, DER_SEQUENCE, &list) || list.n == 0 || body.n != 0)
		return "an entry with a malformed end";
	return read_entry_extensions(list, e);
}

static enum rc
read_entry(struct crl_reader *r, const struct der *v)
{
	struct crl_revoked e = { .reason = REASON_UNSPECIFIED };
	const char *what = read_entry_fields(r, v, &e);

	if (what != NULL)
		return crl_fault(r, what);
	memcpy(r->last, e.serial.p, e.serial.n);
	r->last_n = e.serial.n;
	r->facts.n_revoked++;
	return r->each == NULL ? RC_OK : r->each(r->arg, &e);
}

/* ---- extensions and signature -------------------------------------------- */

static const char *
read_aki(struct crl_reader *r, struct span value, struct span *ret)
{
	struct span body;

	if (r->aki.n != 0 || !der_take(&value, DER_SEQUENCE, &body) ||
	    value.n != 0 || !der_take(&body, DER_CONTEXT(0), ret) ||
	    body.n != 0 || ret->n == 0)
		return "no authorityKeyIdentifier that is a keyid alone";
	return NULL;
}

static const char *
crl_read_number(struct crl_reader *r, struct span value)
{
	struct span number;
	uint64_t n = 0;

	if (r->has_number || !der_take_unsigned(&value, &number) ||
	    value.n != 0 || number.n == 0 || number.n > 7)
		return "no cRLNumber from 1 to 9007199254740991";
	for (size_t i = 0; i < number.n; i++)
		n = n << 8 | number.p[i];
	if (n > CRL_NUMBER_MAX)
		return "no cRLNumber from 1 to 9007199254740991";
	r->facts.number = n;
	r->has_number = true;
	return NULL;
}

static const char *
crl_read_extension(
    struct crl_reader *r, struct span *list, struct span *ret_aki)
{
	struct span oid, value;

	if (!take_extension(list, &oid, &value))
		return "a critical or malformed extension";
	if (!is_strict(value))
		return "an extension that is not DER";
	if (IS_OID(oid, oid_number))
		return crl_read_number(r, value);
	return IS_OID(oid, oid_aki) ? read_aki(r, value, ret_aki)
				    : "an extension that has no place there";
}

static enum rc
read_extensions(struct crl_reader *r, const struct der *v)
{
	struct span in = v->content, list, aki = SPAN_NONE;
	enum rc rc;

	if (v->tag != DER_EXPLICIT(0) || !der_take(&in, DER_SEQUENCE, &list) ||
	    in.n != 0)
		return crl_fault(r, "no extensions");
	while (list.n != 0) {
		const char *what;

		aki = SPAN_NONE;
		what = crl_read_extension(r, &list, &aki);
		if (what != NULL)
			return crl_fault(r, what);
		rc = buf_add_span(&r->aki, aki);
		if (rc != RC_OK)
			return rc;
	}
	if (r->aki.n == 0 || !r->has_number)
		return crl_fault(
		    r, "no authorityKeyIdentifier, or no cRLNumber");
	return RC_OK;
}

static enum rc
read_signature(struct crl_reader *r, const struct der *v)
{
	struct span in = v->whole, octets;

	if (!der_take_bits(&in, &octets) || octets.n == 0)
		return crl_fault(r, "no signature");
	return buf_add_span(&r->signature, octets);
}

/* ---- step by step -------------------------------------------------------- */

static enum rc
hash_tbs(struct crl_reader *r)
{
	if (r->signs == NULL || r->step > STEP_EXTENSIONS)
		return RC_OK;
	if (EVP_DigestUpdate(
		r->tbs_md, r->held.p + r->hashed, r->at - r->hashed) != 1)
		return err_openssl(RC_BUG, "%s: a digest", r->from);
	r->hashed = r->at;
	return RC_OK;
}

static enum rc
end_tbs(struct crl_reader *r)
{
	if (crl_offset(r) != r->tbs_end)
		return crl_fault(r, "more than its extensions");
	if (EVP_DigestFinal_ex(r->tbs_md, r->tbs_hash, &r->tbs_hash_n) != 1)
		return err_openssl(RC_BUG, "%s: a digest", r->from);
	return RC_OK;
}

static enum rc
step_header(struct crl_reader *r, bool *ret_here)
{
	enum rc rc;

	switch (r->step) {
	case STEP_LIST:
		return crl_take_header(r, UINT64_MAX, ret_here, &r->list_end);
	case STEP_TBS:
		r->hashed = r->at;
		return crl_take_header(r, r->list_end, ret_here, &r->tbs_end);
	default:
		break;
	}
	/* Absent where nothing is revoked (RFC 5280 5.1.2.6). */
	if (crl_rest(r).n != 0 && crl_rest(r).p[0] != DER_SEQUENCE) {
		r->revoked_end = crl_offset(r);
		*ret_here = true;
		return RC_OK;
	}
	rc = crl_take_header(r, r->tbs_end, ret_here, &r->revoked_end);
	if (rc == RC_OK && *ret_here && crl_offset(r) == r->revoked_end)
		return crl_fault(r, "an empty list, which is left out");
	return rc;
}

static enum rc
step_value(struct crl_reader *r, bool *ret_here)
{
	static const size_t most[] = { [STEP_VERSION] = ALGORITHM_MAX,
		[STEP_ALGORITHM] = ALGORITHM_MAX,
		[STEP_ISSUER] = ISSUER_MAX,
		[STEP_THIS_UPDATE] = TIME_MAX,
		[STEP_NEXT_UPDATE] = CRL_EXTENSIONS_MAX,
		[STEP_ENTRY] = REVOKED_ENTRY_MAX,
		[STEP_EXTENSIONS] = CRL_EXTENSIONS_MAX,
		[STEP_OUTER_ALGORITHM] = ALGORITHM_MAX,
		[STEP_SIGNATURE] = CRL_SIGNATURE_MAX };
	const uint64_t limit = r->step == STEP_ENTRY		? r->revoked_end
			       : r->step < STEP_OUTER_ALGORITHM ? r->tbs_end
								: r->list_end;
	struct der v = { 0 };
	enum rc rc = crl_take_value(r, most[r->step], limit, ret_here, &v);

	if (rc != RC_OK || !*ret_here)
		return rc;
	switch (r->step) {
	case STEP_ENTRY:
		return read_entry(r, &v);
	case STEP_EXTENSIONS:
		rc = read_extensions(r, &v);
		if (rc == RC_OK)
			rc = hash_tbs(r);
		return rc == RC_OK ? end_tbs(r) : rc;
	case STEP_OUTER_ALGORITHM:
		return span_eq(v.whole, buf_span(&r->algorithm))
			   ? RC_OK
			   : crl_fault(r, "another algorithm than is signed");
	case STEP_SIGNATURE:
		rc = read_signature(r, &v);
		if (rc == RC_OK && crl_offset(r) != r->list_end)
			return crl_fault(r, "more than a signature");
		return rc;
	default:
		return read_head(r, &v);
	}
}

/* One step, if all that it wants is here. */
static enum rc
crl_step(struct crl_reader *r, bool *ret_here)
{
	enum rc rc;

	if (r->step == STEP_ENTRY && crl_offset(r) == r->revoked_end)
		r->step++;
	r->began = crl_offset(r);
	if (r->step == STEP_DONE) {
		*ret_here = false;
		return crl_rest(r).n == 0
			   ? RC_OK
			   : crl_fault(r, "bytes behind the CRL");
	}
	rc = r->step <= STEP_TBS || r->step == STEP_REVOKED
		 ? step_header(r, ret_here)
		 : step_value(r, ret_here);
	if (rc == RC_OK && *ret_here && r->step != STEP_ENTRY)
		r->step++;
	return rc;
}

/* What is done with goes: all of it, once its hash is on the way. */
static void
crl_drop(struct crl_reader *r)
{
	const bool waits = r->signs == NULL && r->step > STEP_TBS;
	const size_t done = waits ? r->hashed : r->at;

	buf_keep_last(&r->held, r->held.n - done);
	r->dropped += done;
	r->at -= done;
	r->hashed = r->hashed > done ? r->hashed - done : 0;
}

static enum rc
add_some(struct crl_reader *r, struct span piece)
{
	bool here = true;
	enum rc rc = buf_add_span(&r->held, piece);

	if (rc == RC_OK && EVP_DigestUpdate(r->file_md, piece.p, piece.n) != 1)
		rc = err_openssl(RC_BUG, "%s: SHA-256", r->from);
	while (rc == RC_OK && here)
		rc = crl_step(r, &here);
	if (rc == RC_OK)
		rc = hash_tbs(r);
	if (rc == RC_OK)
		crl_drop(r);
	return rc;
}

enum rc
crl_reader_add(struct crl_reader *r, struct span piece)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && piece.n != 0) {
		struct span some = piece;

		if (span_take(&piece, CRL_PIECE, &some))
			rc = add_some(r, some);
		else {
			rc = add_some(r, piece);
			piece = SPAN_NONE;
		}
	}
	return rc;
}

enum rc
crl_reader_end(struct crl_reader *r, struct crl_facts *ret)
{
	unsigned n = 0;

	r->began = crl_offset(r);
	if (r->step != STEP_DONE)
		return crl_fault(r, "no CRL, or one that is cut short");
	if (EVP_DigestFinal_ex(r->file_md, r->facts.digest, &n) != 1)
		return err_openssl(RC_BUG, "%s: SHA-256", r->from);
	r->facts.size = crl_offset(r);
	r->facts.issuer = buf_span(&r->issuer);
	r->facts.algorithm = buf_span(&r->algorithm);
	r->facts.aki = buf_span(&r->aki);
	r->facts.signature = buf_span(&r->signature);
	*ret = r->facts;
	return RC_OK;
}

enum rc
crl_reader_read(struct crl_reader *r, struct span der, struct crl_facts *ret)
{
	enum rc rc = crl_reader_add(r, der);

	return rc != RC_OK ? rc : crl_reader_end(r, ret);
}

enum rc
crl_reader_verify(struct crl_reader *r, EVP_PKEY *key, bool *ret_good)
{
	OWN(EVP_PKEY_CTX) *ctx = NULL;

	*ret_good = false;
	if (key_row_get0(key_type_of(key).kind) != r->signs)
		return RC_OK;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    (r->signs->family == KEY_MODULUS &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1) ||
	    EVP_PKEY_CTX_set_signature_md(ctx, r->signs->md()) != 1)
		return err_openssl(
		    RC_BUG, "%s: its signature could not be verified", r->from);
	return signature_of_hash(r->from, ctx, buf_span(&r->signature),
	    span_of(r->tbs_hash, r->tbs_hash_n), ret_good);
}
