/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/reply_files.h"
#include "transfer/pem.h"

#include <stdio.h>
#include <stdlib.h>

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

/* A new, empty file at the end; the one before is complete. */
static enum rc
add_file(struct reply *reply, const char *name, struct buf **ret_bytes)
{
	char(*names)[FILE_NAME_MAX + 1];
	struct buf *bytes;

	names = reallocarray(reply->names, reply->n + 1, sizeof(*names));
	if (names == NULL)
		return err_memory();
	reply->names = names;
	bytes = reallocarray(reply->bytes, reply->n + 1, sizeof(*bytes));
	if (bytes == NULL)
		return err_memory();
	reply->bytes = bytes;
	(void)snprintf(names[reply->n], sizeof(*names), "%s", name);
	bytes[reply->n] = (struct buf){ 0 };
	*ret_bytes = &bytes[reply->n++];
	return RC_OK;
}

static enum rc
add_cert(struct ledger *ledger, const struct cert_entry *entry, struct buf *to)
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
	return pem_write(PEM_CERTIFICATE, buf_span(&cert.der), to);
}

static enum rc
add_result(
    struct ledger *ledger, struct reply *reply, size_t i, struct buf **file)
{
	const struct result *r = &reply->manifest.results[i];
	char name[FILE_NAME_MAX + 1];
	enum rc rc = RC_OK;

	if (r->n_certs == 0) {
		reply->n_refused++;
		return RC_OK;
	}
	reply_file_name(i, reply->manifest.n_results, r->id, name);
	if (reply->n == 0 || strcmp(name, reply->names[reply->n - 1]) != 0)
		rc = add_file(reply, name, file);
	for (size_t c = 0; c < r->n_certs && rc == RC_OK; c++)
		rc = add_cert(ledger, &r->certs[c], *file);
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
		rc = add_result(ledger, reply, i, &file);
	ledger_read_end(ledger);
	if (rc == RC_OK)
		rc = add_file(reply, "ca.pem", &file);
	if (rc == RC_OK)
		rc = pem_write(PEM_CERTIFICATE, buf_span(&ca->ca_cert), file);
	if (rc == RC_OK && with_policy)
		rc = add_file(reply, "policy.conf", &file);
	if (rc == RC_OK && with_policy)
		rc = ledger_policy_get(ledger, reply->manifest.policy, file);
	return rc;
}

enum rc
reply_files_close(struct reply *reply, const struct ledger_ca *ca)
{
	char ca_hex[9], channel_hex[9] = "loose";
	struct buf *last;
	enum rc rc = add_file(reply, REPLY_MANIFEST, &last);

	if (rc == RC_OK)
		rc = buf_add_span(last, buf_span(&reply->record.file));
	if (rc != RC_OK)
		return rc;
	reply->files = calloc(reply->n, sizeof(*reply->files));
	if (reply->files == NULL)
		return err_memory();
	for (size_t i = 0; i < reply->n; i++)
		reply->files[i] = (struct media_file){ reply->names[i],
			buf_span(&reply->bytes[i]) };
	hex_write(span_of(ca->ca_id, 4), ca_hex);
	if (reply->manifest.has_requester)
		hex_write(span_of(reply->record.channel, 4), channel_hex);
	(void)snprintf(reply->dir, sizeof(reply->dir), "%s/%s-%s-%06u",
	    MEDIA_RESPONSES, ca_hex, channel_hex, reply->record.sequence);
	return RC_OK;
}
