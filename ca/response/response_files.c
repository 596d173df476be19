/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/response/response_files.h"
#include "transfer/x509/pem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

size_t
reply_file_place(size_t i, size_t n)
{
	return n > REPLY_SINGLE_MAX ? i / REPLY_BULK : i;
}

/* Up to REPLY_SINGLE_MAX a person may look for one file; above it the stick
 * counts, which takes one large file hundreds of times faster than as many
 * bytes in small ones. */
void
reply_file_name(size_t i, size_t n, struct span request_id,
    char ret[static FILE_NAME_MAX + 1])
{
	if (n > REPLY_SINGLE_MAX)
		(void)snprintf(ret, FILE_NAME_MAX + 1, "certs-%04zu.pem",
		    i / REPLY_BULK + 1);
	else
		(void)snprintf(ret, FILE_NAME_MAX + 1, "%04zu-%.*s.pem", i + 1,
		    SPAN_FMT(request_id));
}

/* ---- the bytes of one ---------------------------------------------------- */

/* Found by its serial and held against the manifest's digest: the entry is
 * answered by that certificate or by none. */
static enum rc
add_cert(struct reply *reply, const struct cert_entry *entry, struct buf *der,
    struct buf *file)
{
	uint8_t digest[SHA256_LEN];
	bool known;
	enum rc rc = ledger_cert_der(reply->ledger, entry->serial, der, &known);

	if (rc == RC_OK)
		rc = sha256(buf_span(der), digest);
	if (rc != RC_OK)
		return rc;
	if (!known || memcmp(digest, entry->digest, SHA256_LEN) != 0)
		return err_set(RC_STATE, "the ledger lacks a certificate of "
					 "this response");
	return pem_write(PEM_CERTIFICATE, buf_span(der), file);
}

/* The certificates of these results, in their order. */
static enum rc
make_certs(struct reply *reply, size_t first, size_t end, struct buf *file)
{
	struct ledger *ledger = reply->ledger;
	WIPED(buf) der = { 0 };
	enum rc rc = ledger_read_begin(ledger);

	if (rc != RC_OK)
		return rc;
	for (size_t i = first; i < end && rc == RC_OK; i++) {
		const struct result *r = &reply->manifest.results[i];

		for (size_t c = 0; c < r->n_certs && rc == RC_OK; c++)
			rc = add_cert(reply, &r->certs[c], &der, file);
	}
	ledger_read_end(ledger);
	return rc;
}

static enum rc
make_again(struct reply *reply, const struct reply_file *file)
{
	uint8_t digest[SHA256_LEN];
	enum rc rc;

	buf_reset(&reply->made);
	rc = make_certs(reply, file->first, file->end, &reply->made);
	if (rc == RC_OK)
		rc = sha256(buf_span(&reply->made), digest);
	if (rc == RC_OK && memcmp(digest, file->digest, SHA256_LEN) != 0)
		rc = err_set(RC_STATE,
		    "%s of response %u does not come out as it was", file->name,
		    reply->manifest.sequence);
	return rc;
}

enum rc
reply_file_bytes(struct reply *reply, size_t i, struct span *ret)
{
	const struct reply_file *file = &reply->files[i];
	enum rc rc;

	assert(i < reply->n);
	if (file->first == file->end) {
		*ret = i == reply->n - 1 ? buf_span(&reply->record.file)
					 : buf_span(&file->kept);
		return RC_OK;
	}
	if (file->kept.n != 0) {
		*ret = buf_span(&file->kept);
		return RC_OK;
	}
	rc = make_again(reply, file);
	if (rc == RC_OK)
		*ret = buf_span(&reply->made);
	return rc;
}

/* ---- all of them --------------------------------------------------------- */

static enum rc
file_add(struct reply *reply, const char *name, struct reply_file **ret)
{
	struct reply_file *grown =
	    reallocarray(reply->files, reply->n + 1, sizeof(*grown));

	if (grown == NULL)
		return err_memory();
	reply->files = grown;
	grown[reply->n] = (struct reply_file){ 0 };
	(void)snprintf(grown[reply->n].name, sizeof(grown->name), "%s", name);
	*ret = &grown[reply->n++];
	return RC_OK;
}

/* Its size and digest. */
static enum rc
file_finish(struct reply *reply, struct reply_file *file, bool keep)
{
	struct span bytes = buf_span(&reply->made);
	enum rc rc = sha256(bytes, file->digest);

	file->size = bytes.n;
	if (rc == RC_OK && keep)
		rc = buf_add_span(&file->kept, bytes);
	buf_reset(&reply->made);
	return rc;
}

/* All certificates or none: a part of them would be held in vain. */
static bool
response_files_is_kept(struct reply *reply)
{
	reply->n_kept += reply->made.n;
	if (reply->n_kept <= REPLY_KEPT_MAX)
		return true;
	for (size_t i = 0; i < reply->n; i++)
		buf_wipe(&reply->files[i].kept);
	return false;
}

static enum rc
add_results(struct reply *reply, size_t first, size_t end)
{
	const struct result *results = reply->manifest.results;
	char name[FILE_NAME_MAX + 1];
	struct reply_file *file;
	size_t certs = 0;
	enum rc rc;

	for (size_t i = first; i < end; i++) {
		certs += results[i].n_certs;
		reply->n_refused += results[i].n_certs == 0;
	}
	reply->n_certs += certs;
	if (certs == 0)
		return RC_OK;
	reply_file_name(
	    first, reply->manifest.n_results, results[first].id, name);
	rc = file_add(reply, name, &file);
	if (rc != RC_OK)
		return rc;
	file->first = first;
	file->end = end;
	rc = make_certs(reply, first, end, &reply->made);
	return rc == RC_OK
		   ? file_finish(reply, file, response_files_is_kept(reply))
		   : rc;
}

static enum rc
add_all_results(struct reply *reply)
{
	size_t n = reply->manifest.n_results;
	size_t step = n > REPLY_SINGLE_MAX ? REPLY_BULK : 1;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i += step)
		rc = add_results(reply, i, n - i < step ? n : i + step);
	return rc;
}

static enum rc
response_files_add_ca(struct reply *reply, const struct ledger_ca *ca)
{
	struct reply_file *file;
	enum rc rc = file_add(reply, FILING_CA, &file);

	if (rc == RC_OK)
		rc = pem_write(
		    PEM_CERTIFICATE, buf_span(&ca->ca_cert), &reply->made);
	return rc == RC_OK ? file_finish(reply, file, true) : rc;
}

static enum rc
add_policy(struct reply *reply)
{
	struct reply_file *file;
	enum rc rc = file_add(reply, FILING_POLICY, &file);

	if (rc == RC_OK)
		rc = ledger_policy_get(
		    reply->ledger, reply->manifest.policy, &reply->made);
	return rc == RC_OK ? file_finish(reply, file, true) : rc;
}

enum rc
reply_files_make(struct ledger *ledger, const struct ledger_ca *ca,
    bool with_policy, struct reply *reply)
{
	enum rc rc;

	reply->ledger = ledger;
	rc = add_all_results(reply);
	if (rc == RC_OK)
		rc = response_files_add_ca(reply, ca);
	return rc == RC_OK && with_policy ? add_policy(reply) : rc;
}

enum rc
reply_files_check(const struct reply *reply)
{
	const struct manifest *m = &reply->manifest;

	if (m->n_files != reply->n)
		return err_set(RC_STATE,
		    "response %u had %zu files, and has %zu now", m->sequence,
		    m->n_files, reply->n);
	for (size_t i = 0; i < reply->n; i++) {
		const struct reply_file *file = &reply->files[i];

		if (!span_eq_str(m->files[i].name, file->name) ||
		    memcmp(m->files[i].digest, file->digest, SHA256_LEN) != 0)
			return err_set(RC_STATE,
			    "%s of response %u does not come out as it was",
			    file->name, m->sequence);
	}
	return RC_OK;
}

enum rc
reply_files_close(struct reply *reply, const struct ledger_ca *ca)
{
	char ca_hex[9], channel_hex[9] = "loose";
	struct reply_file *last;
	enum rc rc = file_add(reply, FILING_MANIFEST, &last);

	if (rc != RC_OK)
		return rc;
	last->size = reply->record.file.n;
	hex_write(span_of(ca->ca_id, 4), ca_hex);
	if (reply->manifest.has_requester)
		hex_write(span_of(reply->record.channel, 4), channel_hex);
	(void)snprintf(reply->dir, sizeof(reply->dir), "%s/%s-%s-%06u",
	    MEDIA_RESPONSES, ca_hex, channel_hex, reply->record.sequence);
	return RC_OK;
}
