/* SPDX-License-Identifier: Apache-2.0 */
/* `show SERIAL`: one certificate, and how it came to be. */
#include "base/clock.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "ca/cmd/cert_json.h"
#include "ca/cmd/cmd.h"
#include "ca/home/home.h"
#include "ca/ledger/revocation.h"
#include "transfer/format/cose.h"
#include "transfer/x509/cert.h"

#include <inttypes.h>
#include <openssl/pem.h>

/* Everything that is known of one certificate. */
struct story {
	struct ledger_cert cert;
	struct cert_text text;
	struct ledger_revocation revocation; /* where cert.revoked */
	X509 *x;			     /* NULL when void or unfinished */
	bool has_bundle;
	struct ledger_bundle bundle;
	char label[LABEL_MAX + 1]; /* "" when loose or removed */
	bool has_csr;
	uint8_t csr[SHA256_LEN]; /* digest, as the manifest has it */
};

static void
story_wipe(struct story *s)
{
	ledger_cert_wipe(&s->cert);
	cert_text_wipe(&s->text);
	X509_free(s->x);
}

static enum rc
requester_read(struct ledger *ledger, struct story *s)
{
	WIPED(requester) q = { 0 };
	bool known = false;
	enum rc rc =
	    ledger_requester_get(ledger, s->bundle.requester, &q, &known);

	if (rc == RC_OK && known)
		memcpy(s->label, q.label, sizeof(s->label));
	return rc;
}

/* The ledger keeps a CSR's digest where the manifest has it, and not twice. */
static enum rc
csr_read_digest(struct ledger *ledger, struct story *s)
{
	WIPED(ledger_manifest) stored = { 0 };
	WIPED(manifest) m = { 0 };
	struct cose cose;
	bool known = false;
	enum rc rc;

	if (s->bundle.answered == 0)
		return RC_OK;
	rc = ledger_manifest_get(
	    ledger, s->bundle.requester, s->bundle.answered, &stored, &known);
	if (rc != RC_OK || !known)
		return rc;
	rc =
	    cose_read("manifest", buf_span(&stored.file), COSE_MANIFEST, &cose);
	if (rc == RC_OK)
		rc = manifest_read("manifest", cose.payload, &m);
	if (rc == RC_OK && s->cert.intent.request < m.n_results) {
		memcpy(s->csr, m.results[s->cert.intent.request].csr_digest,
		    SHA256_LEN);
		s->has_csr = true;
	}
	return rc;
}

static enum rc
story_read(struct ledger *ledger, const char *typed, struct story *s)
{
	uint8_t serial[SERIAL_MAX];
	size_t n = 0;
	bool known = false;
	enum rc rc;

	if (!hex_read_some(typed, serial, sizeof(serial), &n))
		return err_set(RC_USAGE,
		    "%s: a serial is up to 40 hexadecimal digits", typed);
	rc = ledger_cert_get(ledger, span_of(serial, n), &s->cert, &known);
	if (rc == RC_OK && !known)
		return err_set(RC_USAGE,
		    "%s: no certificate has this serial; 'airgap-ca list' lists them",
		    typed);
	if (rc == RC_OK && s->cert.der.n != 0) {
		rc = cert_stored(typed, buf_span(&s->cert.der), &s->x);
		if (rc == RC_OK)
			rc = cert_text_read(buf_span(&s->cert.der), &s->text);
	}
	if (rc == RC_OK && !s->cert.own)
		rc = ledger_revoked_get(ledger, ledger_cert_serial(&s->cert),
		    &s->revocation, &s->cert.revoked);
	if (rc != RC_OK || s->cert.intent.bundle == 0) {
		/* The CA's own, or adopted: dates are in the certificate. */
		if (s->x != NULL) {
			s->cert.intent.not_before = s->text.not_before;
			s->cert.intent.not_after = s->text.not_after;
		}
		return rc;
	}
	s->has_bundle = true;
	rc = ledger_bundle_at(ledger, s->cert.intent.bundle, &s->bundle);
	if (rc == RC_OK)
		rc = requester_read(ledger, s);
	return rc != RC_OK ? rc : csr_read_digest(ledger, s);
}

/* ---- for people -----------------------------------------------------------
 */

static void
field(const char *label, struct span text)
{
	term_print(stdout, "%-13s %.*s\n", label, SPAN_FMT(text));
}

static void
field_text(const char *label, const char *text)
{
	field(label, span_str(text));
}

static void
field_hex(const char *label, struct span bytes)
{
	char hex[2 * SHA256_LEN + 1];

	hex_write(bytes, hex);
	field_text(label, hex);
}

static void
field_time(const char *label, int64_t at)
{
	char text[CLOCK_TEXT];

	clock_write(at, text);
	field_text(label, text);
}

static void
field_number(const char *label, uint64_t n)
{
	term_print(stdout, "%-13s %" PRIu64 "\n", label, n);
}

/* One line of text per extension: OpenSSL's printers break and indent theirs,
 * and what they let through unescaped term_print does not. */
static enum rc
extension_print(X509_EXTENSION *ext)
{
	OWN(BIO) *bio = BIO_new(BIO_s_mem());
	WIPED(buf) line = { 0 };
	char name[80] = "", *text = NULL;
	long n;
	enum rc rc;

	if (bio == NULL)
		return err_memory();
	(void)OBJ_obj2txt(
	    name, sizeof(name), X509_EXTENSION_get_object(ext), 0);
	(void)X509V3_EXT_print(bio, ext, X509V3_EXT_DUMP_UNKNOWN, 0);
	n = BIO_get_mem_data(bio, &text);
	rc = buf_printf(&line, "%s%s: ", name,
	    X509_EXTENSION_get_critical(ext) ? " (critical)" : "");
	for (long i = 0; rc == RC_OK && i < n; i++)
		if (text[i] != '\n')
			rc = buf_add_byte(&line, (uint8_t)text[i]);
		else if (i + 1 < n)
			rc = buf_add_str(&line, "; ");
	if (rc == RC_OK)
		field("extension", buf_span(&line));
	return rc;
}

static enum rc
key_print(const X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	char line[80];

	if (key == NULL)
		return err_openssl(RC_STATE, "a certificate's key");
	(void)snprintf(line, sizeof(line), "%s, %d bits",
	    EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	field_text("key", line);
	return RC_OK;
}

static enum rc
certificate_print(const struct story *s)
{
	uint8_t digest[SHA256_LEN];
	OWN(BIO) *bio = BIO_new(BIO_s_mem());
	char *issuer = NULL;
	long n;
	enum rc rc = sha256(buf_span(&s->cert.der), digest);

	if (rc == RC_OK &&
	    (bio == NULL ||
		X509_NAME_print_ex(bio, X509_get_issuer_name(s->x), 0,
		    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0))
		rc = err_openssl(RC_STATE, "a certificate's issuer");
	if (rc != RC_OK)
		return rc;
	field_hex("sha256", span_of(digest, sizeof(digest)));
	n = BIO_get_mem_data(bio, &issuer);
	field("issuer", span_of(issuer, (size_t)n));
	field("subject", buf_span(&s->text.subject));
	for (size_t i = 0; rc == RC_OK && i < s->text.names.n; i++) {
		WIPED(buf) name = { 0 };

		rc = name_write(&name, &s->text.names.items[i]);
		if (rc == RC_OK)
			field("name", buf_span(&name));
	}
	field_time("not before", s->cert.intent.not_before);
	field_time("not after", s->cert.intent.not_after);
	if (rc == RC_OK)
		rc = key_print(s->x);
	field_text("signature", OBJ_nid2ln(X509_get_signature_nid(s->x)));
	for (int i = 0; rc == RC_OK && i < X509_get_ext_count(s->x); i++)
		rc = extension_print(X509_get_ext(s->x, i));
	return rc;
}

static void
origin_print(const struct story *s)
{
	const struct intent *i = &s->cert.intent;

	field_text("profile", *i->profile == '\0' ? "not known" : i->profile);
	field_text("request", i->request_id);
	term_print(stdout,
	    "%-13s number %" PRIu32 ", certificate %" PRIu32 "\n", "",
	    i->request + 1, i->slot + 1);
	if (s->has_csr)
		field_hex("csr sha256", span_of(s->csr, SHA256_LEN));
	field_hex("key sha256", span_of(i->key_id, SHA256_LEN));
	field_text("requester",
	    *s->label == '\0' ? "(loose requests, or removed)" : s->label);
	field_hex("", span_of(s->bundle.requester, SHA256_LEN));
	field_hex("bundle", span_of(s->bundle.id, BUNDLE_ID_LEN));
	field_number("bundle no", s->bundle.sequence);
	if (s->bundle.answered != 0)
		field_number("manifest", s->bundle.answered);
	field_hex("tbs sha256", span_of(i->tbs, SHA256_LEN));
}

static void
revocation_print(const struct ledger_revocation *r)
{
	field_time("revoked", r->at);
	field_text("reason", reason_text(r->reason));
	if (r->has_since)
		field_time("key lost", r->since);
}

/* Of a certificate that is not at hand. */
static void
adopted_print(const struct story *s)
{
	if (s->cert.listed) {
		field_text("certificate",
		    "not here: known from a CRL that lists its serial");
		return;
	}
	field("subject", buf_span(&s->cert.subject));
	field_time("not after", s->cert.intent.not_after);
}

static enum rc
story_print(const struct story *s, int64_t now)
{
	const struct intent *i = &s->cert.intent;
	enum rc rc = RC_OK;

	if (s->x != NULL)
		field("serial", buf_span(&s->text.serial));
	else
		field_hex("serial", ledger_cert_serial(&s->cert));
	field_text("status", cert_status(&s->cert, now));
	if (s->cert.revoked)
		revocation_print(&s->revocation);
	if (s->x != NULL)
		rc = certificate_print(s);
	else if (s->cert.adopted)
		adopted_print(s);
	if (rc != RC_OK)
		return rc;
	if (s->has_bundle)
		origin_print(s);
	field_time(s->cert.listed    ? "listed"
		   : s->cert.adopted ? "adopted"
				     : "issued",
	    s->cert.at);
	if (s->has_bundle)
		term_print(stdout,
		    "%-13s bundle %" PRIu64 ", intent %" PRIu64
		    ", outcome %" PRIu64 "\n",
		    "records", s->bundle.n, i->n, s->cert.outcome);
	else
		field_number("record", i->n);
	return RC_OK;
}

/* ---- for programs ---------------------------------------------------------
 */

static json_t *
revocation_json(const struct story *s)
{
	const struct ledger_revocation *r = &s->revocation;

	if (!s->cert.revoked)
		return json_null();
	return json_pack("{s:o,s:s,s:o,s:I}", "at", cmd_json_time(r->at),
	    "reason", reason_text(r->reason), "since",
	    r->has_since ? cmd_json_time(r->since) : json_null(), "record",
	    (json_int_t)r->n);
}

static enum rc
story_json(const struct story *s, int64_t now)
{
	const struct intent *i = &s->cert.intent;
	json_t *object = cert_json(&s->cert, &s->text, now);
	json_t *more;

	if (object == NULL)
		return err_memory();
	more = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:o}", "revoked",
	    revocation_json(s), "issued", cmd_json_time(s->cert.at),
	    "requester",
	    *s->label == '\0' ? json_null() : json_string(s->label),
	    "bundle_id",
	    s->has_bundle ? cmd_json_hex(span_of(s->bundle.id, BUNDLE_ID_LEN))
			  : json_null(),
	    "csr_sha256",
	    s->has_csr ? cmd_json_hex(span_of(s->csr, SHA256_LEN))
		       : json_null(),
	    "key_sha256",
	    s->has_bundle ? cmd_json_hex(span_of(i->key_id, SHA256_LEN))
			  : json_null(),
	    "bundle_record", (json_int_t)s->bundle.n, "intent_record",
	    (json_int_t)i->n, "outcome_record", (json_int_t)s->cert.outcome,
	    "der",
	    s->x != NULL ? cmd_json_hex(buf_span(&s->cert.der)) : json_null());
	if (more == NULL || json_object_update(object, more) != 0) {
		json_decref(object);
		json_decref(more);
		return err_memory();
	}
	json_decref(more);
	return cmd_json(object);
}

static enum rc
pem_print(const struct story *s)
{
	if (s->x == NULL && s->cert.listed)
		return err_set(RC_USAGE,
		    "the certificate is not here: a CRL lists its serial, and nothing else is known of it");
	if (s->x == NULL && s->cert.adopted)
		return err_set(RC_USAGE,
		    "the certificate is not here: it was issued before this CA was adopted, and is known by its serial");
	if (s->x == NULL)
		return err_set(RC_USAGE, "there is no certificate: it is %s",
		    cert_status(&s->cert, 0));
	if (PEM_write_X509(stdout, s->x) != 1)
		return err_set(RC_IO, "standard output cannot be written");
	return RC_OK;
}

enum rc
cmd_show(struct cmd_env *env, int argc, char **argv)
{
	bool pem = false;
	const struct cmd_option options[] = {
		{ .name = "pem",
		    .help = "the certificate alone, as PEM",
		    .flag = &pem },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	const char *serial = NULL;
	WIPED(home) home = { .fd = -1 };
	WIPED(story) story = { 0 };
	OWNS(ledger) *ledger = NULL;
	bool done = false;
	int64_t now = 0;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &operands, "SERIAL", &serial);
	if (rc == RC_OK)
		rc = clock_now(&now);
	if (rc == RC_OK)
		rc = home_open(env->home, &home);
	if (rc == RC_OK)
		rc = home_ledger_open(&home, false, &ledger);
	if (rc == RC_OK)
		rc = story_read(ledger, serial, &story);
	if (rc != RC_OK)
		return rc;
	if (pem)
		return pem_print(&story);
	return env->json ? story_json(&story, now) : story_print(&story, now);
}
