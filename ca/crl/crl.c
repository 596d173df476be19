/* SPDX-License-Identifier: Apache-2.0 */
/* DER wants each length before what it is of, so the entries are walked twice:
 * for their size, and for their bytes. Neither walk holds more than a piece. */
#include "ca/crl/crl.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "ca/cert/tbs.h"
#include "transfer/format/cose.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/ext_out.h"
#include "transfer/x509/issuer_id.h"
#include "transfer/x509/tbs.h"

#include <inttypes.h>
#include <time.h>

#define PIECE ((size_t)32 << 10) /* bytes that go to a sink at a time */
#define SERIAL_TOP 0x80		 /* a first byte that needs a zero before it */

/* ---- the issuer ---------------------------------------------------------- */

void
crl_issuer_wipe(struct crl_issuer *issuer)
{
	buf_wipe(&issuer->name);
	buf_wipe(&issuer->keyid);
	buf_wipe(&issuer->spki);
	*issuer = (struct crl_issuer){ .not_after = 0 };
}

static enum rc
issuer_fill(struct span ca_cert, X509 *cert, struct crl_issuer *issuer)
{
	struct cert_parts parts;
	int64_t not_before;
	enum rc rc;

	if ((X509_get_key_usage(cert) & KU_CRL_SIGN) == 0)
		return rule_refuse(RULE_CRL_SIGN,
		    "the CA's certificate does not allow it to sign CRLs");
	rc = cert_parts_read("CA certificate", ca_cert, &parts);
	if (rc == RC_OK)
		rc = buf_add_span(&issuer->name, parts.subject);
	if (rc == RC_OK)
		rc = buf_add_span(&issuer->spki, parts.spki);
	if (rc == RC_OK)
		rc = issuer_id_of("CA certificate", &parts, &issuer->keyid);
	if (rc == RC_OK)
		rc = sha256(parts.spki, issuer->key_id);
	if (rc == RC_OK)
		rc = sign_alg_of(parts.spki, &issuer->alg);
	return rc == RC_OK ? cert_window(cert, &not_before, &issuer->not_after)
			   : rc;
}

enum rc
crl_issuer_read(struct span ca_cert, struct crl_issuer *ret)
{
	WIPED(crl_issuer) issuer = { .not_after = 0 };
	OWN(X509) *cert = NULL;
	enum rc rc = cert_parse("CA certificate", ca_cert, &cert);

	if (rc == RC_OK)
		rc = issuer_fill(ca_cert, cert, &issuer);
	if (rc != RC_OK)
		return rc;
	*ret = issuer;
	issuer = (struct crl_issuer){ .not_after = 0 };
	return RC_OK;
}

enum rc
crl_issuer_find(const struct ledger_ca *ca,
    const uint8_t key_id[static SHA256_LEN], struct crl_issuer *ret)
{
	for (size_t i = ca->n_own; i-- > 0;) {
		WIPED(crl_issuer) one = { .not_after = 0 };
		enum rc rc = crl_issuer_read(buf_span(&ca->own[i].cert), &one);

		if (rc != RC_OK)
			return rc;
		if (memcmp(one.key_id, key_id, SHA256_LEN) != 0)
			continue;
		*ret = one;
		one = (struct crl_issuer){ .not_after = 0 };
		return RC_OK;
	}
	return err_set(
	    RC_STATE, "no certificate of the CA has the key of a CRL");
}

/* ---- one entry ----------------------------------------------------------- */

/* RFC 5280 5.3: reasonCode and invalidityDate, never critical. The OIDs. */
#define OID_REASON DER_OID, 3, 0x55, 0x1d, 0x15
#define OID_INVALIDITY DER_OID, 3, 0x55, 0x1d, 0x18
#define ENUMERATED 0x0a
#define GENERALIZED_LEN 15 /* YYYYMMDDHHMMSSZ */
#define UTC_LEN 13

#define ENTRY_MAX 96 /* bytes of one, in DER */

/* The last time that was written: most entries of a list share few. */
struct crl_time {
	int64_t at;
	char text[GENERALIZED_LEN + 1];
};

static size_t
time_len(int64_t at)
{
	return at < DER_UTC_END ? UTC_LEN : GENERALIZED_LEN;
}

static size_t
extensions_len(const struct ledger_crl_entry *e)
{
	size_t n = e->reason != REASON_UNSPECIFIED ? 12 : 0;

	return e->since != 0 ? n + 2 + 5 + 4 + GENERALIZED_LEN : n;
}

/* The content of its SEQUENCE; under 128 bytes, so each length is one byte. */
static size_t
entry_len(const struct ledger_crl_entry *e)
{
	size_t extensions = extensions_len(e);

	size_t n = 2 + e->serial.n + 2 + time_len(e->at);

	if (e->serial.p[0] >= SERIAL_TOP)
		n++;
	return extensions != 0 ? n + 2 + extensions : n;
}

static uint8_t *
put_head(uint8_t *to, uint8_t tag, size_t n)
{
	*to++ = tag;
	*to++ = (uint8_t)n;
	return to;
}

static void
digits_put(char *to, int value, int n)
{
	while (n-- > 0) {
		to[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

static void
time_spell(int64_t at, struct crl_time *ret)
{
	time_t t = (time_t)at;
	struct tm tm = { 0 };

	if (at == ret->at && ret->text[0] != '\0')
		return;
	(void)gmtime_r(&t, &tm);
	ret->at = at;
	digits_put(ret->text, tm.tm_year + 1900, 4);
	digits_put(ret->text + 4, tm.tm_mon + 1, 2);
	digits_put(ret->text + 6, tm.tm_mday, 2);
	digits_put(ret->text + 8, tm.tm_hour, 2);
	digits_put(ret->text + 10, tm.tm_min, 2);
	digits_put(ret->text + 12, tm.tm_sec, 2);
	ret->text[14] = 'Z';
}

static uint8_t *
put_bytes(uint8_t *to, const void *bytes, size_t n)
{
	memcpy(to, bytes, n);
	return to + n;
}

static uint8_t *
put_entry_time(uint8_t *to, int64_t at, struct crl_time *time)
{
	size_t n = time_len(at);

	time_spell(at, time);
	to =
	    put_head(to, n == UTC_LEN ? DER_UTC_TIME : DER_GENERALIZED_TIME, n);
	return put_bytes(to, time->text + GENERALIZED_LEN - n, n);
}

static uint8_t *
put_entry_extensions(uint8_t *to, const struct ledger_crl_entry *e)
{
	static const uint8_t reason[] = { DER_SEQUENCE, 10, OID_REASON,
		DER_OCTET_STRING, 3, ENUMERATED, 1 };
	static const uint8_t invalidity[] = { DER_SEQUENCE,
		5 + 4 + GENERALIZED_LEN, OID_INVALIDITY, DER_OCTET_STRING,
		2 + GENERALIZED_LEN, DER_GENERALIZED_TIME, GENERALIZED_LEN };
	struct crl_time since = { .at = 0 };

	to = put_head(to, DER_SEQUENCE, extensions_len(e));
	if (e->reason != REASON_UNSPECIFIED) {
		to = put_bytes(to, reason, sizeof(reason));
		*to++ = (uint8_t)e->reason;
	}
	if (e->since == 0)
		return to;
	time_spell(e->since, &since);
	to = put_bytes(to, invalidity, sizeof(invalidity));
	return put_bytes(to, since.text, GENERALIZED_LEN);
}

static size_t
put_entry(const struct ledger_crl_entry *e, struct crl_time *time,
    uint8_t to[static ENTRY_MAX])
{
	const bool zero = e->serial.p[0] >= SERIAL_TOP;
	uint8_t *at = put_head(to, DER_SEQUENCE, entry_len(e));

	at = put_head(at, DER_INTEGER, e->serial.n + zero);
	if (zero)
		*at++ = 0;
	at = put_bytes(at, e->serial.p, e->serial.n);
	at = put_entry_time(at, e->at, time);
	if (extensions_len(e) != 0)
		at = put_entry_extensions(at, e);
	return (size_t)(at - to);
}

/* ---- all of them --------------------------------------------------------- */

static enum rc
measure_one(void *arg, const struct ledger_crl_entry *entry)
{
	struct crl_size *size = arg;

	size->n++;
	size->bytes += 2 + entry_len(entry);
	return RC_OK;
}

enum rc
crl_measure(struct ledger *ledger, const struct ledger_crl_list *list,
    struct crl_size *ret)
{
	*ret = (struct crl_size){ .n = 0 };
	return ledger_crl_entries_each(ledger, list, measure_one, ret);
}

struct crl_stream {
	const struct file_sink *to;
	struct crl_time time;
	uint64_t bytes; /* of entries */
	size_t n;
	uint8_t piece[PIECE];
};

static enum rc
stream_flush(struct crl_stream *s)
{
	size_t n = s->n;

	s->n = 0;
	return n == 0 ? RC_OK : s->to->add(s->to->arg, span_of(s->piece, n));
}

static enum rc
stream_one(void *arg, const struct ledger_crl_entry *entry)
{
	struct crl_stream *s = arg;
	size_t n;

	if (PIECE - s->n < ENTRY_MAX) {
		enum rc rc = stream_flush(s);

		if (rc != RC_OK)
			return rc;
	}
	n = put_entry(entry, &s->time, s->piece + s->n);
	s->n += n;
	s->bytes += n;
	return RC_OK;
}

static enum rc
stream_entries(struct ledger *ledger, const struct ledger_crl *crl,
    const struct crl_size *size, const struct file_sink *to)
{
	struct crl_stream s = { .to = to };
	enum rc rc =
	    ledger_crl_entries_each(ledger, &crl->list, stream_one, &s);

	if (rc == RC_OK)
		rc = stream_flush(&s);
	if (rc == RC_OK && s.bytes != size->bytes)
		rc = err_set(RC_STATE,
		    "CRL %" PRIu64 ": the ledger changed while it was read",
		    crl->number);
	return rc;
}

/* ---- around them --------------------------------------------------------- */

static enum rc
put_number(struct buf *to, uint64_t number)
{
	WIPED(buf) value = { 0 };
	uint8_t bytes[8];
	size_t skip = 0;
	enum rc rc;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (8 * (7 - i)));
	while (skip < sizeof(bytes) - 1 && bytes[skip] == 0)
		skip++;
	rc = der_put_unsigned(
	    &value, span_of(bytes + skip, sizeof(bytes) - skip));
	return rc == RC_OK
		   ? ext_put(to, EXT_CRL_NUMBER, false, buf_span(&value))
		   : rc;
}

static enum rc
put_before(const struct crl_issuer *issuer, const struct ledger_crl *crl,
    struct buf *to)
{
	static const uint8_t v2[] = { DER_INTEGER, 1, 1 };
	enum rc rc = buf_add(to, v2, sizeof(v2));

	if (rc == RC_OK)
		rc = buf_add_span(to, issuer->alg.identifier);
	if (rc == RC_OK)
		rc = buf_add_span(to, buf_span(&issuer->name));
	if (rc == RC_OK)
		rc = der_put_time(to, crl->list.this_update);
	return rc == RC_OK ? der_put_time(to, crl->next_update) : rc;
}

static enum rc
put_behind(const struct crl_issuer *issuer, const struct ledger_crl *crl,
    struct buf *to)
{
	WIPED(buf) list = { 0 }, all = { 0 };
	enum rc rc = ext_put_aki(&list, buf_span(&issuer->keyid));

	if (rc == RC_OK)
		rc = put_number(&list, crl->number);
	if (rc == RC_OK)
		rc = der_put(&all, DER_SEQUENCE, buf_span(&list));
	return rc == RC_OK ? der_put(to, DER_EXPLICIT(0), buf_span(&all)) : rc;
}

/* What stands before and behind the entries, the lengths of all included. */
struct crl_frame {
	struct buf head, tail;
};

static void
crl_frame_wipe(struct crl_frame *frame)
{
	buf_wipe(&frame->head);
	buf_wipe(&frame->tail);
}

static enum rc
frame_make(const struct crl_issuer *issuer, const struct ledger_crl *crl,
    const struct crl_size *size, struct crl_frame *ret)
{
	WIPED(buf) inner = { 0 };
	enum rc rc = put_before(issuer, crl, &inner);

	/* RFC 5280 5.1.2.6: absent, never empty. */
	if (rc == RC_OK && size->n != 0)
		rc = der_put_header(&inner, DER_SEQUENCE, size->bytes);
	if (rc == RC_OK)
		rc = put_behind(issuer, crl, &ret->tail);
	if (rc == RC_OK)
		rc = der_put_header(&ret->head, DER_SEQUENCE,
		    inner.n + size->bytes + ret->tail.n);
	return rc == RC_OK ? buf_add_span(&ret->head, buf_span(&inner)) : rc;
}

static enum rc
stream_tbs(struct ledger *ledger, const struct crl_frame *frame,
    const struct ledger_crl *crl, const struct crl_size *size,
    const struct file_sink *to)
{
	enum rc rc = to->add(to->arg, buf_span(&frame->head));

	if (rc == RC_OK)
		rc = stream_entries(ledger, crl, size, to);
	return rc == RC_OK ? to->add(to->arg, buf_span(&frame->tail)) : rc;
}

/* ---- what is made of it -------------------------------------------------- */

static enum rc
sink_hash(void *arg, struct span piece)
{
	return EVP_DigestUpdate(arg, piece.p, piece.n) == 1
		   ? RC_OK
		   : err_openssl(RC_BUG, "digest of a CRL");
}

enum rc
crl_tbs_hash(struct ledger *ledger, const struct crl_issuer *issuer,
    const struct ledger_crl *crl, const struct crl_size *size,
    uint8_t ret_digest[static 64])
{
	WIPED(crl_frame) frame = { .head = { 0 } };
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	const struct file_sink to = { .add = sink_hash, .arg = ctx };
	enum rc rc;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, issuer->alg.md, NULL) != 1)
		return err_openssl(RC_BUG, "digest of a CRL");
	rc = frame_make(issuer, crl, size, &frame);
	if (rc == RC_OK)
		rc = stream_tbs(ledger, &frame, crl, size, &to);
	if (rc == RC_OK && EVP_DigestFinal_ex(ctx, ret_digest, NULL) != 1)
		rc = err_openssl(RC_BUG, "digest of a CRL");
	return rc;
}

/* The frame of a signed one, and what is around that. */
struct crl_whole {
	struct crl_frame frame;
	struct buf header, tail;
	uint64_t len;
};

static void
crl_whole_wipe(struct crl_whole *w)
{
	crl_frame_wipe(&w->frame);
	buf_wipe(&w->header);
	buf_wipe(&w->tail);
}

static enum rc
whole_make(const struct crl_issuer *issuer, const struct ledger_crl *crl,
    const struct crl_size *size, struct crl_whole *w)
{
	enum rc rc = frame_make(issuer, crl, size, &w->frame);

	if (rc == RC_OK)
		rc = cert_assemble_tail(&issuer->alg,
		    span_of(crl->signature, crl->signature_n), &w->tail);
	if (rc != RC_OK)
		return rc;
	w->len = w->frame.head.n + size->bytes + w->frame.tail.n + w->tail.n;
	rc = der_put_header(&w->header, DER_SEQUENCE, w->len);
	w->len += w->header.n;
	return rc;
}

enum rc
crl_der_len(const struct crl_issuer *issuer, const struct ledger_crl *crl,
    const struct crl_size *size, uint64_t *ret)
{
	WIPED(crl_whole) w = { .len = 0 };
	enum rc rc = whole_make(issuer, crl, size, &w);

	if (rc == RC_OK)
		*ret = w.len;
	return rc;
}

enum rc
crl_der_give(struct ledger *ledger, const struct crl_issuer *issuer,
    const struct ledger_crl *crl, const struct crl_size *size,
    const struct file_sink *to)
{
	WIPED(crl_whole) w = { .len = 0 };
	enum rc rc = whole_make(issuer, crl, size, &w);

	if (rc == RC_OK && to->begin != NULL)
		rc = to->begin(to->arg, w.len);
	if (rc == RC_OK)
		rc = to->add(to->arg, buf_span(&w.header));
	if (rc == RC_OK)
		rc = stream_tbs(ledger, &w.frame, crl, size, to);
	return rc == RC_OK ? to->add(to->arg, buf_span(&w.tail)) : rc;
}

enum rc
crl_der_digest(struct ledger *ledger, const struct crl_issuer *issuer,
    const struct ledger_crl *crl, const struct crl_size *size,
    uint8_t ret_digest[static SHA256_LEN])
{
	OWN(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	const struct file_sink to = { .add = sink_hash, .arg = ctx };
	enum rc rc;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return err_openssl(RC_BUG, "digest of a CRL");
	rc = crl_der_give(ledger, issuer, crl, size, &to);
	if (rc == RC_OK && EVP_DigestFinal_ex(ctx, ret_digest, NULL) != 1)
		rc = err_openssl(RC_BUG, "digest of a CRL");
	return rc;
}
