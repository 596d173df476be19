/* SPDX-License-Identifier: Apache-2.0 */
/* A response as its requester will meet it: judged with the checks of the
 * online side, over the files that are to be written, so that nothing leaves
 * which `install` would refuse. */
#include "ca/home/written.h"
#include "ca/response/response_files.h"
#include "transfer/judge/judge.h"

#include <stdio.h>
#include <stdlib.h>

void
response_wipe(struct response *response)
{
	for (size_t i = 0; i < response->n; i++)
		buf_wipe(&response->files[i].kept);
	free(response->files);
	buf_wipe(&response->made);
	shadow_key_wipe(&response->shadow);
	manifest_wipe(&response->manifest);
	ledger_manifest_wipe(&response->record);
	*response = (struct response){ 0 };
}

/* What the requester holds before this response, from our own record of it. */
static enum rc
channel_before(
    struct ledger *ledger, const struct response *response, struct channel *ret)
{
	WIPED(ledger_manifest) before = { 0 };
	WIPED(manifest) manifest = { 0 };
	struct cose cose;
	bool known;
	enum rc rc;

	*ret = (struct channel){ .has_head = response->record.sequence > 1 &&
					     response->manifest.has_requester };
	memcpy(ret->requester, response->record.channel, SHA256_LEN);
	if (!ret->has_head)
		return RC_OK;
	rc = ledger_manifest_get(ledger, response->record.channel,
	    response->record.sequence - 1, &before, &known);
	if (rc == RC_OK && !known)
		return err_set(RC_STATE, "the ledger lacks response %u",
		    response->record.sequence - 1);
	if (rc == RC_OK)
		rc = cose_read("the response before", buf_span(&before.file),
		    COSE_MANIFEST, &cose);
	if (rc == RC_OK)
		rc = manifest_read(
		    "the response before", cose.payload, &manifest);
	if (rc != RC_OK)
		return rc;
	ret->head.sequence = before.sequence;
	ret->head.ledger = manifest.ledger;
	memcpy(ret->head.digest, before.digest, SHA256_LEN);
	return RC_OK;
}

/* ---- its files, for those who read them -----------------------------------
 */

static enum rc
response_give_file(void *arg, size_t i, const struct file_sink *to)
{
	return response_file_give(arg, i, to);
}

enum rc
response_judge(struct child *judge, struct ledger *ledger,
    const struct submission *s, struct response *response)
{
	size_t n = response->n - 1; /* the last is the manifest itself */
	struct span *names = calloc(n == 0 ? 1 : n, sizeof(*names));
	struct channel channel;
	struct loose_terms terms = { 0 };
	struct evidence evidence = { .from = "the new response",
		.manifest = buf_span(&response->record.file),
		.channel = &channel,
		.names = names,
		.n_names = n,
		.pieces = response_give_file,
		.arg = response };
	enum rc rc;

	if (names == NULL)
		return err_memory();
	/* Judged are the bytes that will be written, not what they came from:
	 * a slip in making files is caught as well. What is made anew to be
	 * written has the digest of what was judged. */
	for (size_t i = 0; i < n; i++)
		names[i] = span_str(response->files[i].name);
	if (s != NULL && s->is_loose) {
		const struct cert_request *all = &s->bundle.requests[0];

		terms.asked = (struct loose_asked){ all->profile, all->names,
			all->n_names };
		evidence.loose = &terms;
	}
	rc = channel_before(ledger, response, &channel);
	if (rc == RC_OK)
		rc = judge_response_ask(
		    judge, &evidence, s == NULL ? NULL : &s->file->copy);
	free(names);
	return rc;
}

static enum rc
files_for_media(struct response *response, struct media_file **ret)
{
	struct media_file *files = calloc(response->n, sizeof(*files));

	if (files == NULL)
		return err_memory();
	for (size_t i = 0; i < response->n; i++)
		files[i] = (struct media_file){ .name = response->files[i].name,
			.bytes = { .n = response->files[i].size },
			.give = response_give_file,
			.arg = response,
			.i = i };
	*ret = files;
	return RC_OK;
}

enum rc
response_write(const struct home *home, const struct media *media,
    struct response *response, struct buf *ret_note)
{
	struct media_file *files = NULL;
	enum rc rc = files_for_media(response, &files);

	if (rc == RC_OK)
		rc = written_add(home, media);
	if (rc == RC_OK)
		rc = media_put_dir(
		    media, response->dir, files, response->n, ret_note);
	free(files);
	return rc;
}

enum rc
response_compare(const struct media *media, struct response *response,
    struct media_faults *ret, struct buf *ret_note)
{
	struct media_file *files = NULL;
	enum rc rc = files_for_media(response, &files);

	if (rc == RC_OK)
		rc = media_dir_compare(
		    media, response->dir, files, response->n, ret, ret_note);
	free(files);
	return rc;
}
