/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs as files of a response. What they are is known in ca/crl. */
#include "ca/response/response_crls.h"

#include "base/own_ssl.h"
#include "ca/crl/crl_make.h"
#include "ca/home/emergency.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

void
response_crls_wipe(struct response_crls *crls)
{
	free(crls->items);
	free(crls->names);
	*crls = (struct response_crls){ 0 };
}

/* ---- which ----------------------------------------------------------------
 */

static enum rc
manifest_has(const struct ledger_manifest *stored, uint64_t first, bool *ret)
{
	WIPED(manifest) m = { .sequence = 0 };
	struct cose cose;
	enum rc rc = cose_read(
	    "a stored response", buf_span(&stored->file), COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read("a stored response", cose.payload, &m);
	*ret = false;
	for (size_t i = 0; i < m.n_crls; i++)
		*ret |= m.crls[i].number >= first;
	return rc;
}

/* From the newest response back to those that are older than the series. */
static enum rc
channel_has(struct ledger *ledger, const uint8_t channel[static SHA256_LEN],
    const struct ledger_crl_series *series, bool *ret)
{
	uint32_t sequence = 0;
	enum rc rc;

	*ret = false;
	do {
		WIPED(ledger_manifest) stored = { 0 };
		bool known;

		rc = ledger_manifest_get(
		    ledger, channel, sequence, &stored, &known);
		if (rc != RC_OK || !known || stored.at < series->start)
			return rc;
		rc = manifest_has(&stored, series->first, ret);
		sequence = stored.sequence - 1;
	} while (rc == RC_OK && !*ret && sequence != 0);
	return rc;
}

static enum rc
take_entry(const struct ledger_crl *crl, struct response_crls *crls)
{
	struct crl_entry *e = &crls->items[crls->n];
	char *name = crls->names[crls->n++];

	(void)snprintf(name, FILE_NAME_MAX + 1, "crl-%" PRIu64 ".%s",
	    crl->number, crl->list.shadow ? "shadow" : "crl");
	*e = (struct crl_entry){ .number = crl->number,
		.this_update = crl->list.this_update,
		.next_update = crl->next_update,
		.file = span_str(name),
		.n_revoked = crl->n_revoked,
		.shadow = crl->list.shadow };
	memcpy(e->digest, crl->digest, SHA256_LEN);
	memcpy(e->issuer, crl->issuer, SHA256_LEN);
	return RC_OK;
}

static enum rc
choose_all(struct ledger *ledger, const struct ledger_crl_series *series,
    const uint8_t *channel, int64_t now, struct response_crls *crls)
{
	const size_t n = (size_t)(series->last - series->first + 1);
	enum rc rc = RC_OK;

	crls->items = calloc(n, sizeof(*crls->items));
	crls->names = calloc(n, sizeof(*crls->names));
	if (crls->items == NULL || crls->names == NULL)
		return err_memory();
	for (uint64_t i = series->first; i <= series->last && rc == RC_OK;
	     i++) {
		struct ledger_crl crl;
		bool known;

		rc = ledger_crl_get(ledger, i, &crl, &known);
		if (rc != RC_OK || !known || crl.next_update <= now)
			continue;
		if (!crl.list.shadow ||
		    memcmp(crl.list.requester, channel, SHA256_LEN) == 0)
			rc = take_entry(&crl, crls);
	}
	return rc;
}

enum rc
response_crls_choose(struct ledger *ledger,
    const uint8_t channel[static SHA256_LEN], int64_t now,
    struct response_crls *ret)
{
	static const uint8_t loose[SHA256_LEN];
	const bool is_loose = memcmp(channel, loose, SHA256_LEN) == 0;
	WIPED(response_crls) crls = { 0 };
	struct ledger_crl_series series;
	bool any, has = false;
	enum rc rc = crl_series_current(ledger, &series, &any);

	if (rc != RC_OK || !any)
		return rc;
	crls.back_by = series_back_by(&series);
	if (!is_loose)
		rc = channel_has(ledger, channel, &series, &has);
	if (rc == RC_OK && !has)
		rc = choose_all(ledger, &series, channel, now, &crls);
	if (rc != RC_OK)
		return rc;
	*ret = crls;
	crls = (struct response_crls){ 0 };
	return RC_OK;
}

/* ---- their bytes ----------------------------------------------------------
 */

static enum rc
crl_lacking(const struct crl_entry *entry, const char *what)
{
	return err_set(RC_STATE, "CRL %" PRIu64 " of this response: %s",
	    entry->number, what);
}

/* One key for all shadows of a series. */
static enum rc
shadow_key_get(struct response *response, const struct ledger_crl *crl)
{
	WIPED(buf) pass = { 0 };
	bool any = false;
	enum rc rc = RC_OK;

	if (response->shadow.known &&
	    memcmp(response->shadow.salt, crl->salt, SHADOW_SALT_LEN) == 0)
		return RC_OK;
	if (response->home != NULL)
		rc = emergency_get(
		    response->home, crl->list.requester, &pass, &any);
	if (rc == RC_OK && !any)
		rc = err_set(RC_STATE,
		    "this home has no passphrase for the shadow CRLs of this requester: " HOME_EMERGENCY
		    " is where it was");
	return rc == RC_OK ? shadow_key_make(buf_span(&pass), crl->salt,
				 SHADOW_COST, &response->shadow)
			   : rc;
}

/* What is made of its record. */
struct crl_source {
	struct crl_issuer issuer;
	struct ledger_crl crl;
};

static void
crl_source_wipe(struct crl_source *source)
{
	crl_issuer_wipe(&source->issuer);
}

static enum rc
crl_source_get(struct response *response, const struct crl_entry *entry,
    struct crl_source *ret)
{
	bool known;
	enum rc rc =
	    ledger_crl_get(response->ledger, entry->number, &ret->crl, &known);

	if (rc == RC_OK && !known)
		rc = crl_lacking(entry, "the ledger lacks it");
	return rc == RC_OK ? crl_issuer_find(
				 response->ca, ret->crl.issuer, &ret->issuer)
			   : rc;
}

enum rc
response_crl_measure(struct response *response, struct response_file *file)
{
	WIPED(crl_source) source = { .issuer = { .not_after = 0 } };
	uint64_t len = 0;
	enum rc rc = crl_source_get(response, file->crl, &source);

	if (rc == RC_OK)
		rc = crl_measure(
		    response->ledger, &source.crl.list, &file->crl_size);
	if (rc == RC_OK)
		rc = crl_der_len(
		    &source.issuer, &source.crl, &file->crl_size, &len);
	if (rc == RC_OK)
		file->size = (size_t)len;
	return rc;
}

/* On its way it is hashed. */
struct crl_passing {
	const struct file_sink *to;
	EVP_MD_CTX *md;
};

static enum rc
crl_passing_begin(void *arg, uint64_t size)
{
	const struct crl_passing *p = arg;

	return p->to->begin == NULL ? RC_OK : p->to->begin(p->to->arg, size);
}

static enum rc
crl_passing_add(void *arg, struct span piece)
{
	const struct crl_passing *p = arg;

	if (EVP_DigestUpdate(p->md, piece.p, piece.n) != 1)
		return err_openssl(RC_BUG, "digest of a CRL");
	return p->to->add(p->to->arg, piece);
}

static enum rc
crl_der_proven(struct response *response, const struct crl_source *source,
    const struct response_file *file, const struct file_sink *to)
{
	OWN(EVP_MD_CTX) *md = EVP_MD_CTX_new();
	struct crl_passing passing = { to, md };
	const struct file_sink through = { crl_passing_begin, crl_passing_add,
		&passing };
	uint8_t digest[SHA256_LEN];
	enum rc rc;

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return err_openssl(RC_BUG, "digest of a CRL");
	rc = crl_der_give(response->ledger, &source->issuer, &source->crl,
	    &file->crl_size, &through);
	if (rc == RC_OK && EVP_DigestFinal_ex(md, digest, NULL) != 1)
		rc = err_openssl(RC_BUG, "digest of a CRL");
	if (rc == RC_OK && memcmp(digest, file->crl->digest, SHA256_LEN) != 0)
		rc = crl_lacking(file->crl, "it does not come out as it was");
	return rc;
}

static enum rc
shadow_give(struct response *response, const struct crl_source *source,
    const struct response_file *file, const struct file_sink *to)
{
	WIPED(buf) plain = { 0 }, sealed = { 0 };
	const struct file_sink hold = file_sink_into(&plain);
	enum rc rc = shadow_key_get(response, &source->crl);

	if (rc == RC_OK)
		rc = crl_der_proven(response, source, file, &hold);
	if (rc == RC_OK)
		rc = shadow_seal(&response->shadow, source->crl.iv,
		    buf_span(&plain), &sealed);
	buf_wipe(&plain);
	return rc == RC_OK ? file_sink_whole(to, buf_span(&sealed)) : rc;
}

enum rc
response_crl_give(struct response *response, const struct response_file *file,
    const struct file_sink *to)
{
	WIPED(crl_source) source = { .issuer = { .not_after = 0 } };
	enum rc rc = crl_source_get(response, file->crl, &source);

	if (rc != RC_OK)
		return rc;
	return file->crl->shadow ? shadow_give(response, &source, file, to)
				 : crl_der_proven(response, &source, file, to);
}
