/* SPDX-License-Identifier: Apache-2.0 */
/* A response as its requester will meet it: judged with the checks of the
 * online side, over the files that are to be written, so that nothing leaves
 * which `install` would refuse. */
#include "ca/response/response_files.h"
#include "transfer/judge/judge.h"

#include <stdio.h>
#include <stdlib.h>

void
reply_wipe(struct reply *reply)
{
	for (size_t i = 0; i < reply->n; i++)
		buf_wipe(&reply->files[i].kept);
	free(reply->files);
	buf_wipe(&reply->made);
	manifest_wipe(&reply->manifest);
	ledger_manifest_wipe(&reply->record);
	*reply = (struct reply){ 0 };
}

/* What the requester holds before this response, from our own record of it. */
static enum rc
channel_before(
    struct ledger *ledger, const struct reply *reply, struct channel *ret)
{
	WIPED(ledger_manifest) before = { 0 };
	WIPED(manifest) manifest = { 0 };
	struct cose cose;
	bool known;
	enum rc rc;

	*ret = (struct channel){ .has_head = reply->record.sequence > 1 &&
					     reply->manifest.has_requester };
	memcpy(ret->requester, reply->record.channel, SHA256_LEN);
	if (!ret->has_head)
		return RC_OK;
	rc = ledger_manifest_get(ledger, reply->record.channel,
	    reply->record.sequence - 1, &before, &known);
	if (rc == RC_OK && !known)
		return err_set(RC_STATE, "the ledger lacks response %u",
		    reply->record.sequence - 1);
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
response_give_file(void *arg, size_t i, struct span *ret_bytes)
{
	return reply_file_bytes(arg, i, ret_bytes);
}

enum rc
reply_judge(struct child *judge, struct ledger *ledger,
    const struct submission *s, struct reply *reply)
{
	size_t n = reply->n - 1; /* the last is the manifest itself */
	struct span *names = calloc(n == 0 ? 1 : n, sizeof(*names));
	struct channel channel;
	struct loose_terms terms = { 0 };
	struct response response = { .from = "the new response",
		.manifest = buf_span(&reply->record.file),
		.channel = &channel,
		.names = names,
		.n_names = n,
		.file = response_give_file,
		.arg = reply };
	enum rc rc;

	if (names == NULL)
		return err_memory();
	/* Judged are the bytes that will be written, not what they came from:
	 * a slip in making files is caught as well. What is made anew to be
	 * written has the digest of what was judged. */
	for (size_t i = 0; i < n; i++)
		names[i] = span_str(reply->files[i].name);
	if (s != NULL && s->is_loose) {
		terms.profile = s->bundle.requests[0].profile;
		response.loose = &terms;
	}
	rc = channel_before(ledger, reply, &channel);
	if (rc == RC_OK)
		rc = judge_response_ask(
		    judge, &response, s == NULL ? NULL : &s->file->copy);
	free(names);
	return rc;
}

static enum rc
files_for_media(struct reply *reply, struct media_file **ret)
{
	struct media_file *files = calloc(reply->n, sizeof(*files));

	if (files == NULL)
		return err_memory();
	for (size_t i = 0; i < reply->n; i++)
		files[i] = (struct media_file){ .name = reply->files[i].name,
			.bytes = { .n = reply->files[i].size },
			.give = response_give_file,
			.arg = reply,
			.i = i };
	*ret = files;
	return RC_OK;
}

enum rc
reply_write(
    const struct media *media, struct reply *reply, struct buf *ret_note)
{
	struct media_file *files = NULL;
	enum rc rc = files_for_media(reply, &files);

	if (rc == RC_OK)
		rc =
		    media_put_dir(media, reply->dir, files, reply->n, ret_note);
	free(files);
	return rc;
}

enum rc
reply_compare(const struct media *media, struct reply *reply,
    struct media_faults *ret, struct buf *ret_note)
{
	struct media_file *files = NULL;
	enum rc rc = files_for_media(reply, &files);

	if (rc == RC_OK)
		rc = media_dir_compare(
		    media, reply->dir, files, reply->n, ret, ret_note);
	free(files);
	return rc;
}
