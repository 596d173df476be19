/* SPDX-License-Identifier: Apache-2.0 */
/* What an adopted CA is, and what becomes of it in the ledger. Which
 * certificates are fit to be pinned is decided in transfer/judge, as for every
 * host that will enrol; what it did before is read by past.c. */
#include "ca/lifecycle/adopt.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "ca/ledger/adopted.h"
#include "ca/ledger/revocation.h"
#include "ca/lifecycle/adopt_part.h"
#include "transfer/judge/ca_signed.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#define ADOPT_CA_FILE_MAX ((size_t)4 * CERT_MAX)
#define ADOPT_NUMBER_FILE_MAX 256
#define ADOPT_END_SOON (365 * DAY)

void
adoption_wipe(struct adoption *adoption)
{
	buf_wipe(&adoption->ca_cert);
	buf_wipe(&adoption->above);
	buf_wipe(&adoption->subject);
	past_wipe(&adoption->past);
	text_list_wipe(&adoption->notes);
	*adoption = (struct adoption){ 0 };
}

/* ---- the certificate
 * ---------------------------------------------------------- */

/* What the others call CA-CERT has another remedy here. */
static enum rc
adopt_refused(enum rc rc)
{
	if (rc == RC_OK || rule_spoken() == RULE_NONE)
		return rc;
	return rule_refuse(RULE_ADOPT_CERT, "%s", err_text());
}

enum rc
adopt_ca_judge(const char *from, struct span der, int64_t now)
{
	WIPED(trust) trust = { 0 };
	enum rc rc = adopt_refused(trust_add_ca(&trust, from, der));
	const struct trust_ca *ca = rc == RC_OK ? &trust.cas[0] : NULL;

	if (rc == RC_OK && !ca->own_issuer)
		return rule_refuse(RULE_ADOPT_CERT,
		    "%s: another CA issued it, and only a root can be adopted",
		    from);
	return rc != RC_OK ? rc
			   : adopt_refused(ca_form_dates(
				 from, ca->not_before, ca->not_after, now));
}

static enum rc
adopt_ca_read(const char *path, struct adoption *a)
{
	WIPED(buf) file = { 0 };
	enum rc rc = file_read(AT_FDCWD, path, ADOPT_CA_FILE_MAX, &file);

	a->path = path;
	if (rc == RC_OK) {
		rc = past_cert_take(path, buf_span(&file), &a->ca_cert);
		if (rc == RC_FORMAT)
			rc = rule_refuse(RULE_ADOPT_CERT, "%s", err_text());
	}
	return rc;
}

static enum rc
adopt_ca_look(struct adoption *a)
{
	OWN(X509) *cert = NULL;
	enum rc rc =
	    ca_form_read(a->path, buf_span(&a->ca_cert), CA_PINNED, &a->form);

	if (rc == RC_OK)
		rc = cert_parse(a->path, buf_span(&a->ca_cert), &cert);
	return rc != RC_OK
		   ? rc
		   : subject_print(X509_get_subject_name(cert), &a->subject);
}

/* ---- notes
 * ------------------------------------------------------------------- */

static enum rc
adopt_note(struct adoption *a, bool is_so, const char *sentence)
{
	return is_so ? text_list_add(&a->notes, span_str(sentence)) : RC_OK;
}

static enum rc
adopt_note_end(struct adoption *a, int64_t now)
{
	WIPED(buf) text = { 0 };
	enum rc rc;

	if (a->form.not_after - now >= ADOPT_END_SOON)
		return RC_OK;
	rc = buf_printf(&text,
	    "It ends in %" PRId64
	    " days, and nothing that it signs lasts longer: see `airgap-ca renew-ca`.",
	    clock_days(now, a->form.not_after));
	return rc != RC_OK ? rc : text_list_add(&a->notes, buf_span(&text));
}

/* What differs from a CA of ours, and what comes of it. */
static enum rc
adopt_notes_form(struct adoption *a)
{
	const struct ca_form *f = &a->form;
	bool sha1 = false;
	enum rc rc = RC_OK;

	(void)ca_own_algorithm(f->parts.algorithm, &sha1);
	const struct {
		bool is_so;
		const char *sentence;
	} notes[] = {
		{ !f->signs_crls,
		    "Its keyUsage has no cRLSign: it makes no CRL, so what is revoked is recorded here and told to nobody." },
		{ f->path_len == 0,
		    "Its path length is 0: no CA can stand below it, and GnuTLS, mbed TLS and Go refuse a cross-certificate of a later rollover." },
		{ f->bound && !f->bound_critical,
		    "Its name constraints are not critical: a peer that does not know constraints believes it for any name." },
		{ f->bound && f->bound_critical,
		    "Its name constraints bind what it can certify, whatever the policy allows." },
		{ !f->bound,
		    "It has no name constraints: peers believe it for any name; only policy.conf here keeps it to its scope." },
		{ sha1 && !a->below,
		    "It signed itself with SHA-1, which no peer looks at in a root that it trusts; what it signs from now on has SHA-2." },
		{ !f->basic_critical,
		    "Its basicConstraints are not critical (RFC 5280 4.2.1.9): peers take it all the same." },
		{ f->other_uses,
		    "Its keyUsage allows its key more than a CA needs." },
		{ f->ski.n == 0,
		    "It has no subjectKeyIdentifier: certificates name it by the SHA-1 of its key, which no peer compares." },
	};

	for (size_t i = 0; rc == RC_OK && i < sizeof(notes) / sizeof(notes[0]);
	     i++)
		rc = adopt_note(a, notes[i].is_so, notes[i].sentence);
	return rc;
}

enum rc
adopt_describe(int64_t now, struct adoption *a)
{
	enum rc rc = adopt_ca_look(a);

	if (rc == RC_OK)
		rc = adopt_notes_form(a);
	return rc == RC_OK ? adopt_note_end(a, now) : rc;
}

/* What becomes of lines that ours has no word for. */
static enum rc
adopt_note_count(struct adoption *a, size_t n, const char *sentence)
{
	WIPED(buf) text = { 0 };
	enum rc rc;

	if (n == 0)
		return RC_OK;
	rc = buf_printf(&text, "%zu %s", n, sentence);
	return rc != RC_OK ? rc : text_list_add(&a->notes, buf_span(&text));
}

static enum rc
adopt_notes_past(struct adoption *a, const struct adopt_options *o)
{
	const struct past_counts *c = &a->past.counts;
	const struct {
		size_t n;
		const char *sentence;
	} notes[] = {
		{ c->held,
		    "on hold (certificateHold): revoked for good, without a reason; there is no way back from a CRL here." },
		{ c->removed,
		    "with the reason removeFromCRL: revoked for good, without a reason; most peers took them for revoked all the time." },
		{ c->late, "marked V that have ended: taken for expired." },
		{ c->own, "of the CA itself: passed over." },
		{ c->unlisted,
		    "with a certificate in --certs that the index does not have: taken for issued, and not revoked." },
		{ c->by_serial,
		    "known by serial alone: no certificate of it is at hand, or one that this program does not show." },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof(notes) / sizeof(notes[0]);
	     i++)
		rc = adopt_note_count(a, notes[i].n, notes[i].sentence);
	if (rc == RC_OK)
		rc = adopt_note(a, !a->has_past,
		    "Neither --index nor --certs: its certificates are not known here, so none of them can be revoked.");
	if (rc == RC_OK)
		rc = adopt_note(a, o->crl_number == NULL && a->form.signs_crls,
		    "No --crlnumber: CRLs are numbered from 1. If its own had numbers, say which comes next: some peers keep the higher one.");
	return rc;
}

/* ---- numbers
 * ------------------------------------------------------------------ */

/* openssl's file: hexadecimal digits of the number that comes next. */
static enum rc
adopt_number_file(const char *path, uint64_t *ret)
{
	WIPED(buf) file = { 0 };
	const char *text;
	char *end = NULL;
	unsigned long long value;
	enum rc rc = file_read(AT_FDCWD, path, ADOPT_NUMBER_FILE_MAX, &file);

	text = rc == RC_OK ? buf_cstr(&file) : NULL;
	if (rc == RC_OK && text == NULL)
		rc = err_memory();
	if (rc != RC_OK)
		return rc;
	errno = 0;
	value = strtoull(text, &end, 16);
	if (strspn(text, "0123456789abcdefABCDEF") == 0 || errno != 0 ||
	    end[strspn(end, "\r\n")] != '\0' || strlen(text) != file.n ||
	    value > ADOPTED_CRL_MAX)
		return err_set(RC_USAGE,
		    "--crlnumber %s: wanted hexadecimal digits up to %" PRIx64
		    ", as openssl ca writes them",
		    path, ADOPTED_CRL_MAX);
	*ret = value;
	return RC_OK;
}

static enum rc
adopt_number_read(const char *typed, uint64_t *ret)
{
	unsigned long long value;
	char *end = NULL;

	*ret = 1;
	if (typed == NULL)
		return RC_OK;
	if (typed[strspn(typed, "0123456789")] != '\0')
		return adopt_number_file(typed, ret);
	errno = 0;
	value = strtoull(typed, &end, 10);
	if (*typed == '\0' || errno != 0 || value > ADOPTED_CRL_MAX)
		return err_set(RC_USAGE,
		    "--crlnumber %s: wanted a number up to %" PRIu64
		    ", or openssl's file of it",
		    typed, ADOPTED_CRL_MAX);
	*ret = value;
	return RC_OK;
}

/* ---- all of it
 * ---------------------------------------------------------------- */

static enum rc
adopt_past_read(const struct adopt_options *o, int64_t now, struct adoption *a)
{
	WIPED(past_sources) sources = { 0 };
	enum rc rc;

	a->has_past = o->index != NULL || o->certs != NULL;
	rc = past_sources_read(o->index, o->certs, &sources);
	sources.ca_path = o->ca;
	sources.ca_cert = buf_span(&a->ca_cert);
	sources.now = now;
	return rc != RC_OK ? rc : past_read_apart(&sources, &a->past);
}

enum rc
adoption_read(
    const struct adopt_options *options, int64_t now, struct adoption *ret)
{
	WIPED(adoption) a = { 0 };
	enum rc rc = adopt_number_read(options->crl_number, &a.crl_next);

	if (rc == RC_OK)
		rc = adopt_ca_read(options->ca, &a);
	if (rc == RC_OK)
		rc = adopt_past_read(options, now, &a);
	/* Once a process that is locked in has found it good. */
	if (rc == RC_OK)
		rc = adopt_ca_judge(a.path, buf_span(&a.ca_cert), now);
	if (rc == RC_OK)
		rc = adopt_describe(now, &a);
	if (rc == RC_OK)
		rc = adopt_notes_past(&a, options);
	if (rc != RC_OK)
		return rc;
	*ret = a;
	a = (struct adoption){ 0 };
	return RC_OK;
}

/* ---- into the ledger
 * ------------------------------------------------------------ */

/* A key that others have is not certified again; which it is, the certificate
 * says. */
static enum rc
adopt_record_key(struct ledger *ledger, const struct past_cert *cert)
{
	struct cert_parts parts;
	uint8_t key_id[SHA256_LEN];
	bool revoked = false;
	enum rc rc;

	if (!reason_is_compromise(cert->reason) || cert->der.n == 0)
		return RC_OK;
	rc = cert_parts_read("certificate", buf_span(&cert->der), &parts);
	if (rc == RC_OK)
		rc = sha256(parts.spki, key_id);
	if (rc == RC_OK)
		rc = ledger_key_is_revoked(ledger, key_id, &revoked);
	return rc != RC_OK || revoked ? rc
				      : ledger_key_revoke(ledger, key_id,
					    cert->reason, cert->since);
}

static enum rc
adopt_record_cert(struct ledger *ledger, const struct past_cert *cert)
{
	const struct span serial = span_of(cert->serial, cert->n_serial);
	const struct ledger_adopted_cert adopted = { .serial = serial,
		.not_after = cert->not_after,
		.subject = buf_span(&cert->subject),
		.der = buf_span(&cert->der) };
	const struct ledger_revocation revocation = { .serial = serial,
		.not_after = cert->not_after,
		.reason = cert->reason,
		.has_since = cert->since != 0,
		.since = cert->since,
		.date = cert->revoked_at };
	enum rc rc = ledger_adopted_cert_add(ledger, &adopted);

	if (rc != RC_OK || !cert->revoked)
		return rc;
	rc = ledger_revoke(ledger, &revocation, 0);
	return rc != RC_OK ? rc : adopt_record_key(ledger, cert);
}

/* The record says with whose certificates it stands below another one. */
static enum rc
adoption_record_below(const struct adoption *a, struct ledger *ledger)
{
	struct span certs[CA_CHAIN_MAX];
	size_t n;

	(void)ledger_ca_chain(/* judged by now */
	    buf_span(&a->ca_cert), buf_span(&a->above), certs, &n);
	return ledger_ca_change(ledger, CA_SUBORDINATE, certs, n);
}

enum rc
adoption_record(const struct adoption *adoption, struct ledger *ledger)
{
	enum rc rc;

	if (adoption->below)
		return adoption_record_below(adoption, ledger);
	rc = ledger_adopted_add(ledger, adoption->crl_next);
	for (size_t i = 0; rc == RC_OK && i < adoption->past.n; i++)
		rc = adopt_record_cert(ledger, &adoption->past.items[i]);
	return rc;
}
