/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/reply_files.h"
#include "transfer/pem.h"

#include <stdio.h>
#include <stdlib.h>

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

/* Found by its serial and held against the manifest's digest: the entry is
 * answered by that certificate or by none. */
static enum rc
add_cert(struct ledger *ledger, const struct cert_entry *entry,
    const char *name, struct filing *to)
{
	WIPED(ledger_cert) cert = { 0 };
	uint8_t digest[SHA256_LEN];
	bool known;
	enum rc rc = ledger_cert_get(ledger, entry->serial, &cert, &known);

	if (rc == RC_OK)
		rc = sha256(buf_span(&cert.der), digest);
	if (rc != RC_OK)
		return rc;
	if (!known || memcmp(digest, entry->digest, SHA256_LEN) != 0)
		return err_set(RC_STATE, "the ledger lacks a certificate of "
					 "this response");
	return filing_add_cert(to, name, buf_span(&cert.der));
}

static enum rc
add_result(struct ledger *ledger, struct reply *reply, size_t i)
{
	const struct result *r = &reply->manifest.results[i];
	char name[FILE_NAME_MAX + 1];
	enum rc rc = RC_OK;

	if (r->n_certs == 0) {
		reply->n_refused++;
		return RC_OK;
	}
	reply_file_name(i, reply->manifest.n_results, r->id, name);
	for (size_t c = 0; c < r->n_certs && rc == RC_OK; c++)
		rc = add_cert(ledger, &r->certs[c], name, &reply->filing);
	reply->n_certs += r->n_certs;
	return rc;
}

enum rc
reply_files_make(struct ledger *ledger, const struct ledger_ca *ca,
    bool with_policy, struct reply *reply)
{
	struct buf *file = NULL;
	enum rc rc = ledger_read_begin(ledger);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < reply->manifest.n_results && rc == RC_OK; i++)
		rc = add_result(ledger, reply, i);
	ledger_read_end(ledger);
	if (rc == RC_OK)
		rc = filing_add_cert(
		    &reply->filing, FILING_CA, buf_span(&ca->ca_cert));
	if (rc == RC_OK && with_policy)
		rc = filing_add(&reply->filing, FILING_POLICY, &file);
	if (rc == RC_OK && with_policy)
		rc = ledger_policy_get(ledger, reply->manifest.policy, file);
	return rc;
}

enum rc
reply_files_close(struct reply *reply, const struct ledger_ca *ca)
{
	char ca_hex[9], channel_hex[9] = "loose";
	struct buf *last;
	enum rc rc = filing_add(&reply->filing, FILING_MANIFEST, &last);

	if (rc == RC_OK)
		rc = buf_add_span(last, buf_span(&reply->record.file));
	if (rc != RC_OK)
		return rc;
	reply->n = reply->filing.n;
	reply->files = calloc(reply->n, sizeof(*reply->files));
	if (reply->files == NULL)
		return err_memory();
	for (size_t i = 0; i < reply->n; i++)
		reply->files[i] = (struct media_file){ reply->filing.names[i],
			buf_span(&reply->filing.bytes[i]) };
	hex_write(span_of(ca->ca_id, 4), ca_hex);
	if (reply->manifest.has_requester)
		hex_write(span_of(reply->record.channel, 4), channel_hex);
	(void)snprintf(reply->dir, sizeof(reply->dir), "%s/%s-%s-%06u",
	    MEDIA_RESPONSES, ca_hex, channel_hex, reply->record.sequence);
	return RC_OK;
}
