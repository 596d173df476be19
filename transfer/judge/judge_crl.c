/* SPDX-License-Identifier: Apache-2.0 */
/* The CRLs of a response. They come as they will be published, for months to
 * come, and nobody may be asked then: so all of them are read now, and held to
 * what this side knows. Both the list of a CRL and that of our certificates are
 * in the order of serials, and are walked side by side. */
#include "transfer/judge/judge_response.h"

#include "base/clock.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <stdio.h>

#define CRL_FROM_MAX 400

enum rc
judge_pieces(const struct evidence *r, size_t i, const struct file_sink *to)
{
	struct span bytes;
	enum rc rc;

	if (r->pieces != NULL)
		return r->pieces(r->arg, i, to);
	rc = r->file(r->arg, i, &bytes);
	return rc != RC_OK ? rc : file_sink_whole(to, bytes);
}

/* ---- what the requester has ---------------------------------------------- */

/* "serial, notAfter, is it revoked?" one behind the other. */
enum rc
own_cert_put(const struct own_cert *cert, struct buf *list)
{
	enum rc rc = buf_add_lv(list, cert->serial);

	if (rc == RC_OK)
		rc = buf_add_u64(list, (uint64_t)cert->not_after);
	return rc != RC_OK ? rc : buf_add_byte(list, cert->revoked);
}

/* A walk through the list, in which what was told is marked. */
struct own_walk {
	struct buf *list;
	struct span rest;
	struct own_cert cert; /* the one at hand */
	bool has;
};

static enum rc
own_next(struct own_walk *w)
{
	struct span revoked;
	uint64_t not_after;

	w->has = w->rest.n != 0;
	if (!w->has)
		return RC_OK;
	if (!span_take_lv(&w->rest, &w->cert.serial) ||
	    !span_take_u64(&w->rest, &not_after) ||
	    !span_take(&w->rest, 1, &revoked))
		return err_set(RC_BUG, "judge: a broken list of certificates");
	w->cert.not_after = (int64_t)not_after;
	w->cert.revoked = revoked.p[0] != 0;
	return RC_OK;
}

/* It is the byte before the rest. */
static void
own_mark(struct own_walk *w)
{
	w->list->p[w->list->n - w->rest.n - 1] = 1;
}

static int
serial_order(struct span a, struct span b)
{
	const size_t common = a.n < b.n ? a.n : b.n;
	const int order = common == 0 ? 0 : memcmp(a.p, b.p, common);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* ---- the entries of a manifest ------------------------------------------- */

enum rc
judge_crls_new(const struct evidence *r, const struct manifest *m)
{
	for (size_t i = 0; i < m->n_crls; i++) {
		const struct crl_entry *e = &m->crls[i];
		struct crl_past past = { .this_update = INT64_MIN };
		uint8_t digest[SHA256_LEN];
		bool known = false;
		enum rc rc = RC_OK;

		if (r->crl_known != NULL)
			rc = r->crl_known(r->arg, e->number, &known, digest);
		if (rc == RC_OK && !known && r->crl_past != NULL)
			rc =
			    r->crl_past(r->arg, e->issuer, m->signed_at, &past);
		if (rc != RC_OK)
			return rc;
		if (known && memcmp(digest, e->digest, SHA256_LEN) != 0)
			return rule_refuse(RULE_CRL_NUMBER,
			    "%s: CRL %llu is another one than was accepted under that number",
			    r->from, (unsigned long long)e->number);
		if (known)
			continue;
		if (e->number <= past.number)
			return rule_refuse(RULE_CRL_NUMBER,
			    "%s: CRL %llu is new here, and number %llu was accepted before",
			    r->from, (unsigned long long)e->number,
			    (unsigned long long)past.number);
		if (e->this_update <= past.this_update)
			return rule_refuse(RULE_CRL_NUMBER,
			    "%s: CRL %llu begins no later than one that was accepted before",
			    r->from, (unsigned long long)e->number);
	}
	return RC_OK;
}

static bool
is_listed(const struct manifest *m, struct span name)
{
	for (size_t i = 0; i < m->n_files; i++)
		if (span_eq(m->files[i].name, name))
			return true;
	return false;
}

/* The one before it of the same issuer and kind; NULL: it is the first. */
static const struct crl_entry *
entry_before(const struct manifest *m, size_t i)
{
	const struct crl_entry *e = &m->crls[i];

	while (i-- != 0)
		if (m->crls[i].shadow == e->shadow &&
		    memcmp(m->crls[i].issuer, e->issuer, SHA256_LEN) == 0)
			return &m->crls[i];
	return NULL;
}

enum rc
judge_crls_order(const char *from, const struct manifest *m)
{
	for (size_t i = 0; i < m->n_crls; i++) {
		const struct crl_entry *e = &m->crls[i];
		const struct crl_entry *before = entry_before(m, i);

		if (i != 0 && e->number <= m->crls[i - 1].number)
			return rule_refuse(RULE_CRL_NUMBER,
			    "%s: CRL %llu stands behind CRL %llu", from,
			    (unsigned long long)e->number,
			    (unsigned long long)m->crls[i - 1].number);
		if (before != NULL && e->this_update <= before->this_update)
			return rule_refuse(RULE_CRL_NUMBER,
			    "%s: CRL %llu begins no later than CRL %llu", from,
			    (unsigned long long)e->number,
			    (unsigned long long)before->number);
		if (e->next_update <= e->this_update)
			return rule_refuse(RULE_CRL_FORM,
			    "%s: CRL %llu ends before it begins", from,
			    (unsigned long long)e->number);
		if (e->shadow && !is_listed(m, e->file))
			return rule_refuse(RULE_MANIFEST_FILES,
			    "%s: %.*s, a shadow CRL, is not among the files of the manifest",
			    from, SPAN_FMT(e->file));
	}
	return RC_OK;
}

/* ---- one CRL ------------------------------------------------------------- */

struct crl_judging {
	const struct crls_judging *all;
	const struct crl_entry *entry;
	const struct trust_ca *ca;
	char from[CRL_FROM_MAX];
	int64_t needed; /* what is valid after this, or then, must be listed */
	struct own_walk own;
	struct crl_reader *reader;
};

/* One of ours that the CRL passed over. */
static enum rc
check_passed_over(const struct crl_judging *j)
{
	char serial[2 * SERIAL_MAX + 1];
	const struct own_cert *own = &j->own.cert;

	if (!own->revoked || own->not_after < j->needed)
		return RC_OK;
	if (own->serial.n > SERIAL_MAX)
		return err_set(RC_BUG, "judge: a serial of ours is too long");
	hex_write(own->serial, serial);
	return rule_refuse(RULE_CRL_MISSING,
	    "%s: does not list certificate %s, which is revoked", j->from,
	    serial);
}

static enum rc
crl_take_entry(void *arg, const struct crl_revoked *revoked)
{
	struct crl_judging *j = arg;
	int order = -1;
	enum rc rc = RC_OK;

	while (rc == RC_OK && j->own.has) {
		order = serial_order(j->own.cert.serial, revoked->serial);
		if (order >= 0)
			break;
		rc = check_passed_over(j);
		if (rc == RC_OK)
			rc = own_next(&j->own);
	}
	if (rc != RC_OK || !j->own.has || order != 0)
		return rc;
	if (!j->own.cert.revoked) {
		own_mark(&j->own); /* told once */
		rc = j->all->r->revoked(j->all->r->arg, revoked);
	}
	return rc != RC_OK ? rc : own_next(&j->own);
}

/* The reader has no rules: what it says is of the form. */
static enum rc
name_form(enum rc rc)
{
	if (rc == RC_FORMAT && rule_spoken() == RULE_NONE)
		return rule_refuse(RULE_CRL_FORM, "%s", err_text());
	return rc;
}

static enum rc
crl_take_piece(void *arg, struct span piece)
{
	struct crl_judging *j = arg;

	return name_form(crl_reader_add(j->reader, piece));
}

static enum rc
check_stated(const struct crl_judging *j, const struct crl_facts *f)
{
	const struct crl_entry *e = j->entry;

	if (memcmp(f->digest, e->digest, SHA256_LEN) != 0)
		return rule_refuse(RULE_MANIFEST_FILES,
		    "%s: is not the file that the manifest lists", j->from);
	if (f->number != e->number)
		return rule_refuse(RULE_CRL_NUMBER,
		    "%s: has number %llu, and the manifest says %llu", j->from,
		    (unsigned long long)f->number,
		    (unsigned long long)e->number);
	if (f->this_update != e->this_update ||
	    f->next_update != e->next_update || f->n_revoked != e->n_revoked)
		return rule_refuse(RULE_CRL_FORM,
		    "%s: its dates, or how many it lists, are not what the manifest says",
		    j->from);
	return RC_OK;
}

static enum rc
crl_check_issuer(const struct crl_judging *j, const struct crl_facts *f)
{
	char end[CLOCK_TEXT];

	if (!span_eq(f->issuer, buf_span(&j->ca->subject)))
		return rule_refuse(RULE_CRL_ISSUER,
		    "%s: its issuer is not the CA, byte for byte", j->from);
	if (!span_eq(f->aki, j->ca->ski))
		return rule_refuse(RULE_CRL_ISSUER,
		    "%s: its authorityKeyIdentifier is not that of the CA's key",
		    j->from);
	if (f->this_update >= j->ca->not_before &&
	    f->next_update <= j->ca->not_after)
		return RC_OK;
	clock_write(j->ca->not_after, end);
	return rule_refuse(RULE_CRL_FORM,
	    "%s: its dates leave those of the CA, which ends at %s", j->from,
	    end);
}

static enum rc
crl_check_signature(const struct crl_judging *j)
{
	bool good = false;
	enum rc rc = crl_reader_verify(j->reader, j->ca->key, &good);

	if (rc != RC_OK || good)
		return rc;
	return rule_refuse(RULE_CRL_SIGNATURE,
	    "%s: its signature is not that of the CA's key", j->from);
}

static enum rc
crl_judge_read(struct crl_judging *j)
{
	const struct file_sink sink = { .add = crl_take_piece, .arg = j };
	struct crl_facts facts;
	size_t place = 0;
	enum rc rc = j->all->place(j->all->arg, j->entry->file, &place);

	if (rc == RC_OK)
		rc = own_next(&j->own);
	if (rc == RC_OK)
		rc = judge_pieces(j->all->r, place, &sink);
	if (rc == RC_OK)
		rc = name_form(crl_reader_end(j->reader, &facts));
	if (rc == RC_OK)
		rc = check_stated(j, &facts);
	if (rc == RC_OK)
		rc = crl_check_issuer(j, &facts);
	if (rc == RC_OK)
		rc = crl_check_signature(j);
	while (rc == RC_OK && j->own.has) {
		rc = check_passed_over(j);
		if (rc == RC_OK)
			rc = own_next(&j->own);
	}
	return rc;
}

/* The CA signs a list by each of its keys, and who enrolled after a rollover
 * was never told of those before: what nothing can be held against is passed
 * over, here and by who stores it (receive_crl.c).
 *
 * An expired certificate stands in one CRL after its end (RFC 5280 3.3): in the
 * first that begins later, so in that behind one that begins no later. */
static enum rc
crl_judge_one(const struct crls_judging *all, size_t i, struct buf *own)
{
	const struct crl_entry *before = entry_before(all->m, i);
	OWNS(crl_reader) *reader = NULL;
	struct crl_judging j = { .all = all,
		.entry = &all->m->crls[i],
		.ca = trust_key_get0(all->trust, all->m->crls[i].issuer),
		.own = { own, buf_span(own), { .revoked = false }, false } };
	enum rc rc;

	j.needed = before == NULL ? j.entry->this_update : before->this_update;
	(void)snprintf(j.from, sizeof(j.from), "%s: %.*s", all->r->from,
	    SPAN_FMT(j.entry->file));
	if (j.ca == NULL)
		return RC_OK;
	rc = crl_reader_new(j.from, crl_take_entry, &j, &reader);
	j.reader = reader;
	return rc != RC_OK ? rc : crl_judge_read(&j);
}

enum rc
judge_crls(const struct crls_judging *j)
{
	WIPED(buf) own = { 0 };
	enum rc rc = RC_OK;

	if (j->m->n_crls != 0 && j->r->own != NULL)
		rc = j->r->own(j->r->arg, j->m, &own);
	for (size_t i = 0; i < j->m->n_crls && rc == RC_OK; i++)
		if (!j->m->crls[i].shadow)
			rc = crl_judge_one(j, i, &own);
	return rc;
}
