/* SPDX-License-Identifier: Apache-2.0 */
/* One response put together again out of the store, byte for byte as it
 * came. */
#include "transfer/online/receive/history.h"

#include "transfer/format/cose.h"
#include "transfer/media/history_set.h"
#include "transfer/online/store/crl_due.h"
#include "transfer/rule.h"
#include "transfer/x509/pem.h"

#include <stdio.h>

void
history_path(const struct store *store, uint32_t sequence,
    char ret[static MEDIA_NAME_MAX])
{
	char ca[9], requester[9];

	hex_write(span_of(store->trust.ca_id, 4), ca);
	hex_write(span_of(store->channel.requester, 4), requester);
	(void)snprintf(ret, MEDIA_NAME_MAX, MEDIA_HISTORY "/%s-%s/%06u", ca,
	    requester, (unsigned)sequence);
}

static enum rc
add_result(struct store *store, const struct result *result, struct layout *to)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < result->n_certs && rc == RC_OK; i++) {
		const struct cert_entry *entry = &result->certs[i];
		WIPED(buf) der = { 0 };
		char name[FILE_NAME_MAX + 1];

		(void)snprintf(
		    name, sizeof(name), "%.*s", SPAN_FMT(entry->file));
		rc = store_cert_der(store, entry->serial, &der);
		if (rc == RC_OK)
			rc = layout_add_cert(to, name, buf_span(&der));
	}
	return rc;
}

/* Of all that are pinned by now, the one that was sent then. */
static enum rc
history_add_ca(
    struct store *store, const struct file_entry *entry, struct layout *to)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < store->trust.n_cas && rc == RC_OK; i++) {
		WIPED(buf) pem = { 0 };
		struct span der = buf_span(&store->trust.cas[i].der);
		uint8_t digest[SHA256_LEN];

		rc = pem_write(PEM_CERTIFICATE, der, &pem);
		if (rc == RC_OK)
			rc = sha256(buf_span(&pem), digest);
		if (rc == RC_OK &&
		    memcmp(digest, entry->digest, SHA256_LEN) == 0)
			return layout_add_cert(to, LAYOUT_CA, der);
	}
	return rc != RC_OK
		   ? rc
		   : err_set(RC_STATE, "the CA certificate of then is gone");
}

/* The files that no result names, in their order. */
static enum rc
add_others(struct store *store, const struct manifest *m, struct layout *to)
{
	struct buf *file;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_files && rc == RC_OK; i++) {
		const struct file_entry *entry = &m->files[i];

		if (span_eq_str(entry->name, LAYOUT_CA)) {
			rc = history_add_ca(store, entry, to);
		} else if (span_eq_str(entry->name, LAYOUT_POLICY)) {
			rc = layout_add(to, LAYOUT_POLICY, &file);
			if (rc == RC_OK)
				rc = store_policy_text(store, m->policy, file);
		}
	}
	return rc;
}

static enum rc
add_whole(struct layout *to, const char *name, struct span bytes)
{
	struct buf *file;
	enum rc rc = layout_add(to, name, &file);

	return rc != RC_OK ? rc : buf_add_span(file, bytes);
}

/* One that went bad here is passed over: `recover` says what it lacks, and
 * without all else it would have nothing. */
static enum rc
history_add_crl(struct store *store, const struct manifest *m,
    const struct stored_crl *crl, struct layout *to)
{
	WIPED(buf) der = { 0 };
	enum rc rc = crl_file_read(store, crl, &der);

	if (rc == RC_STATE || rc == RC_IO) {
		err_clear();
		return RC_OK;
	}
	for (size_t i = 0; i < m->n_crls && rc == RC_OK; i++) {
		char name[FILE_NAME_MAX + 1];

		if (m->crls[i].number != crl->number || der.n > HISTORY_CRL_MAX)
			continue;
		(void)snprintf(
		    name, sizeof(name), "%.*s", SPAN_FMT(m->crls[i].file));
		rc = add_whole(to, name, buf_span(&der));
	}
	return rc;
}

/* What was revoked, and when, is in no manifest; one CRL tells it all. */
static enum rc
history_add_newest_crl(struct store *store, uint32_t sequence,
    const struct manifest *m, struct layout *to)
{
	struct stored_crl crl;
	bool known = false;
	enum rc rc =
	    m->n_crls == 0 ? RC_OK : store_crl_newest(store, &known, &crl);

	return rc == RC_OK && known && crl.manifest == sequence
		   ? history_add_crl(store, m, &crl, to)
		   : rc;
}

enum rc
history_make(
    struct store *store, const struct stored_manifest *of, struct layout *ret)
{
	WIPED(layout) f = { 0 };
	WIPED(manifest) m = { 0 };
	struct cose cose;
	enum rc rc = cose_read("store", of->file, COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read("store", cose.payload, &m);
	for (size_t i = 0; i < m.n_results && rc == RC_OK; i++)
		rc = add_result(store, &m.results[i], &f);
	if (rc == RC_OK)
		rc = add_others(store, &m, &f);
	if (rc == RC_OK)
		rc = layout_check(&f, &m);
	if (rc == RC_OK)
		rc = add_whole(&f, LAYOUT_MANIFEST, of->file);
	if (rc == RC_OK && of->bundle.n != 0)
		rc = add_whole(&f, LAYOUT_BUNDLE, of->bundle);
	if (rc == RC_OK)
		rc = history_add_newest_crl(store, of->sequence, &m, &f);
	if (rc != RC_OK)
		return err_in(RC_STATE, "response %u", of->sequence);
	*ret = f;
	f = (struct layout){ 0 };
	return RC_OK;
}

/* ---- can it be given back? ----------------------------------------------- */

struct history_checking {
	const struct manifest *m;
	const char *from;
	size_t at; /* files that are proven */
	struct layout files;
};

static void
history_checking_wipe(struct history_checking *c)
{
	layout_wipe(&c->files);
}

/* Shadows are not given back: a CA that was recovered makes a new series. */
static void
pass_shadows(struct history_checking *c)
{
	while (c->at < c->m->n_files && manifest_is_shadow(c->m, c->at))
		c->at++;
}

/* The next of the listed files, while `left` others may still grow. */
static enum rc
check_given(struct history_checking *c, size_t left)
{
	const struct manifest *m = c->m;
	uint8_t digest[SHA256_LEN];
	enum rc rc = RC_OK;

	for (size_t i = 0; i + left < c->files.n && rc == RC_OK; i++, c->at++) {
		const char *name = c->files.names[i];

		pass_shadows(c);
		rc = sha256(buf_span(&c->files.bytes[i]), digest);
		if (rc == RC_OK &&
		    (c->at >= m->n_files ||
			!span_eq_str(m->files[c->at].name, name) ||
			memcmp(digest, m->files[c->at].digest, SHA256_LEN) !=
			    0))
			rc = rule_refuse(RULE_MANIFEST_FILES,
			    "%s: %s does not come in that place, or with those bytes, out of what the response says",
			    c->from, name);
	}
	return rc;
}

enum rc
history_check(struct store *store, const struct manifest *m, const char *from)
{
	WIPED(history_checking) c = { .m = m, .from = from };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_results && rc == RC_OK; i++) {
		rc = add_result(store, &m->results[i], &c.files);
		/* A file of several results is made in one go. */
		if (rc == RC_OK && c.files.n > 1) {
			rc = check_given(&c, 1);
			layout_keep_last(&c.files);
		}
	}
	if (rc == RC_OK)
		rc = add_others(store, m, &c.files);
	if (rc == RC_OK)
		rc = check_given(&c, 0);
	pass_shadows(&c);
	if (rc == RC_OK && c.at != m->n_files)
		rc = rule_refuse(RULE_MANIFEST_FILES,
		    "%s: %zu files are listed, and %zu come out of what the response says",
		    from, m->n_files, c.at);
	return rc;
}
