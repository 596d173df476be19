/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a response has, and the bytes of each, made anew from the ledger
 * as often as they are wanted. What lies in which file the results themselves
 * say, in a new response as in one of years ago. Manifest and commit are for
 * response.c. */
#include "ca/response/response_files.h"
#include "base/list.h"
#include "ca/response/response_crls.h"
#include "transfer/x509/pem.h"

#include <assert.h>
#include <stdio.h>

/* ---- the bytes of one ---------------------------------------------------- */

/* Found by its serial and held against the manifest's digest: the entry is
 * answered by that certificate or by none. */
static enum rc
add_cert(struct response *response, const struct cert_entry *entry,
    struct buf *der, struct buf *file)
{
	uint8_t digest[SHA256_LEN];
	bool known;
	enum rc rc =
	    ledger_cert_der(response->ledger, entry->serial, der, &known);

	if (rc == RC_OK)
		rc = sha256(buf_span(der), digest);
	if (rc != RC_OK)
		return rc;
	if (!known || memcmp(digest, entry->digest, SHA256_LEN) != 0)
		return err_set(RC_STATE,
		    "the ledger lacks a certificate of this response");
	return pem_write(PEM_CERTIFICATE, buf_span(der), file);
}

/* The certificates of these results, in their order. */
static enum rc
make_certs(
    struct response *response, size_t first, size_t end, struct buf *file)
{
	struct ledger *ledger = response->ledger;
	WIPED(buf) der = { 0 };
	enum rc rc = ledger_read_begin(ledger);

	if (rc != RC_OK)
		return rc;
	for (size_t i = first; i < end && rc == RC_OK; i++) {
		const struct result *r = &response->manifest.results[i];

		for (size_t c = 0; c < r->n_certs && rc == RC_OK; c++)
			rc = add_cert(response, &r->certs[c], &der, file);
	}
	ledger_read_end(ledger);
	return rc;
}

static bool
is_made_again(const struct response_file *file)
{
	return file->first != file->end || file->crl != NULL;
}

static enum rc
make_again(struct response *response, const struct response_file *file)
{
	uint8_t digest[SHA256_LEN];
	enum rc rc;

	buf_reset(&response->made);
	rc = make_certs(response, file->first, file->end, &response->made);
	if (rc == RC_OK)
		rc = sha256(buf_span(&response->made), digest);
	if (rc == RC_OK && memcmp(digest, file->digest, SHA256_LEN) != 0)
		rc = err_set(RC_STATE,
		    "%s of response %u does not come out as it was", file->name,
		    response->manifest.sequence);
	return rc;
}

enum rc
response_file_give(
    struct response *response, size_t i, const struct file_sink *to)
{
	const struct response_file *file = &response->files[i];
	enum rc rc;

	assert(i < response->n);
	if (file->kept.n != 0 || !is_made_again(file))
		return file_sink_whole(
		    to, i == response->n - 1 ? buf_span(&response->record.file)
					     : buf_span(&file->kept));
	if (file->crl != NULL)
		return response_crl_give(response, file, to);
	rc = make_again(response, file);
	return rc == RC_OK ? file_sink_whole(to, buf_span(&response->made))
			   : rc;
}

/* ---- all of them --------------------------------------------------------- */

static enum rc
file_add(
    struct response *response, const char *name, struct response_file **ret)
{
	struct response_file *one;
	enum rc rc = LIST_GROW(response->files, response->n);

	if (rc != RC_OK)
		return rc;
	one = &response->files[response->n++];
	*one = (struct response_file){ 0 };
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	*ret = one;
	return RC_OK;
}

/* Its size and digest. */
static enum rc
file_finish(struct response *response, struct response_file *file, bool keep)
{
	struct span bytes = buf_span(&response->made);
	enum rc rc = sha256(bytes, file->digest);

	file->size = bytes.n;
	if (rc == RC_OK && keep)
		rc = buf_add_span(&file->kept, bytes);
	buf_reset(&response->made);
	return rc;
}

/* All of these or none: a part of them would be held in vain. */
static bool
response_files_is_kept(struct response *response, uint64_t size)
{
	response->n_kept += size;
	if (response->n_kept <= RESPONSE_KEPT_MAX)
		return true;
	for (size_t i = 0; i < response->n; i++)
		if (is_made_again(&response->files[i]))
			buf_wipe(&response->files[i].kept);
	return false;
}

static enum rc
add_results(struct response *response, size_t first, size_t end)
{
	const struct result *results = response->manifest.results;
	char name[FILE_NAME_MAX + 1] = "";
	struct response_file *file;
	enum rc rc;

	for (size_t i = first; i < end; i++) {
		if (results[i].n_certs != 0)
			(void)snprintf(name, sizeof(name), "%.*s",
			    SPAN_FMT(results[i].certs[0].file));
		response->n_certs += results[i].n_certs;
		response->n_refused += results[i].n_certs == 0;
	}
	if (*name == '\0')
		return RC_OK;
	rc = file_add(response, name, &file);
	if (rc != RC_OK)
		return rc;
	file->first = first;
	file->end = end;
	rc = make_certs(response, first, end, &response->made);
	return rc == RC_OK
		   ? file_finish(response, file,
			 response_files_is_kept(response, response->made.n))
		   : rc;
}

/* Where the results from `first` on begin to lie in another file; those that
 * were refused lie in none. */
static size_t
results_file_end(const struct manifest *m, size_t first)
{
	struct span name = SPAN_NONE;

	for (size_t i = first; i < m->n_results; i++) {
		const struct result *r = &m->results[i];

		if (r->n_certs == 0)
			continue;
		if (name.n == 0)
			name = r->certs[0].file;
		if (!span_eq(name, r->certs[0].file))
			return i;
	}
	return m->n_results;
}

static enum rc
add_all_results(struct response *response)
{
	const struct manifest *m = &response->manifest;
	enum rc rc = RC_OK;

	for (size_t i = 0, end; i < m->n_results && rc == RC_OK; i = end) {
		end = results_file_end(m, i);
		rc = add_results(response, i, end);
	}
	return rc;
}

/* Which of the CA's certificates it was: the newest in a response that is being
 * made, and else that whose file the manifest lists. */
static enum rc
response_files_make_ca(struct response *response, const struct ledger_ca *ca)
{
	const struct manifest *m = &response->manifest;
	const struct file_entry *entry = NULL;
	uint8_t digest[SHA256_LEN];
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_files; i++)
		if (span_eq_str(m->files[i].name, LAYOUT_CA))
			entry = &m->files[i];
	for (size_t i = ca->n_own; entry != NULL && i-- > 0 && rc == RC_OK;) {
		buf_reset(&response->made);
		rc = pem_write(PEM_CERTIFICATE, buf_span(&ca->own[i].cert),
		    &response->made);
		if (rc == RC_OK)
			rc = sha256(buf_span(&response->made), digest);
		if (rc == RC_OK &&
		    memcmp(digest, entry->digest, SHA256_LEN) == 0)
			return RC_OK;
	}
	buf_reset(&response->made);
	return rc != RC_OK ? rc
			   : pem_write(PEM_CERTIFICATE, buf_span(&ca->ca_cert),
				 &response->made);
}

static enum rc
response_files_add_ca(struct response *response, const struct ledger_ca *ca)
{
	struct response_file *file;
	enum rc rc = file_add(response, LAYOUT_CA, &file);

	if (rc == RC_OK)
		rc = response_files_make_ca(response, ca);
	return rc == RC_OK ? file_finish(response, file, true) : rc;
}

static enum rc
add_policy(struct response *response)
{
	struct response_file *file;
	enum rc rc = file_add(response, LAYOUT_POLICY, &file);

	if (rc == RC_OK)
		rc = ledger_policy_get(response->ledger,
		    response->manifest.policy, &response->made);
	return rc == RC_OK ? file_finish(response, file, true) : rc;
}

/* Small ones are kept as certificates are. What is large is made when it is
 * wanted, and proven each time. */
static enum rc
add_crl(struct response *response, const struct crl_entry *entry)
{
	const struct file_sink keep = file_sink_into(&response->made);
	char name[FILE_NAME_MAX + 1];
	struct response_file *file;
	bool kept;
	enum rc rc;

	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(entry->file));
	rc = file_add(response, name, &file);
	if (rc != RC_OK)
		return rc;
	file->crl = entry;
	rc = response_crl_measure(response, file);
	if (rc != RC_OK)
		return rc;
	kept = response_files_is_kept(response, file->size);
	if (!kept && !entry->shadow) {
		memcpy(file->digest, entry->digest, SHA256_LEN);
		return RC_OK;
	}
	rc = response_crl_give(response, file, &keep);
	return rc == RC_OK ? file_finish(response, file, kept) : rc;
}

static enum rc
add_crls(struct response *response)
{
	const struct manifest *m = &response->manifest;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->n_crls && rc == RC_OK; i++)
		rc = add_crl(response, &m->crls[i]);
	return rc;
}

bool
response_file_is_listed(const struct response_file *file)
{
	return file->crl == NULL || file->crl->shadow;
}

void
response_files_move_crls(struct response *response)
{
	size_t next = 0;

	for (size_t i = 0; i < response->n; i++)
		if (response->files[i].crl != NULL)
			response->files[i].crl =
			    &response->manifest.crls[next++];
}

enum rc
response_files_make(struct ledger *ledger, const struct ledger_ca *ca,
    bool with_policy, struct response *response)
{
	enum rc rc;

	response->ledger = ledger;
	response->ca = ca;
	rc = add_all_results(response);
	if (rc == RC_OK)
		rc = response_files_add_ca(response, ca);
	if (rc == RC_OK && with_policy)
		rc = add_policy(response);
	return rc == RC_OK ? add_crls(response) : rc;
}

enum rc
response_files_check(const struct response *response)
{
	const struct manifest *m = &response->manifest;

	size_t n = 0;

	for (size_t i = 0; i < response->n; i++)
		n += response_file_is_listed(&response->files[i]);
	if (m->n_files != n)
		return err_set(RC_STATE,
		    "response %u had %zu files, and has %zu now", m->sequence,
		    m->n_files, n);
	n = 0;
	for (size_t i = 0; i < response->n; i++) {
		const struct response_file *file = &response->files[i];

		if (!response_file_is_listed(file))
			continue; /* proven by its own entry, as it was made */
		if (!span_eq_str(m->files[n].name, file->name) ||
		    memcmp(m->files[n++].digest, file->digest, SHA256_LEN) != 0)
			return err_set(RC_STATE,
			    "%s of response %u does not come out as it was",
			    file->name, m->sequence);
	}
	return RC_OK;
}

enum rc
response_files_close(struct response *response, const struct ledger_ca *ca)
{
	char ca_hex[9], channel_hex[9] = "loose";
	struct response_file *last;
	enum rc rc = file_add(response, LAYOUT_MANIFEST, &last);

	if (rc != RC_OK)
		return rc;
	last->size = response->record.file.n;
	hex_write(span_of(ca->ca_id, 4), ca_hex);
	if (response->manifest.has_requester)
		hex_write(span_of(response->record.channel, 4), channel_hex);
	(void)snprintf(response->dir, sizeof(response->dir), "%s/%s-%s-%06u",
	    MEDIA_RESPONSES, ca_hex, channel_hex, response->record.sequence);
	return RC_OK;
}
