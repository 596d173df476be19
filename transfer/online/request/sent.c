/* SPDX-License-Identifier: Apache-2.0 */
/* Its copy in sealed memory is what the reader gets: the bytes that are read here. */
#include "transfer/online/request/sent.h"

#include "base/file.h"
#include "transfer/format/cose.h"

#define SENT_NAME "stored bundle"

void
sent_wipe(struct sent *s)
{
	bundle_wipe(&s->bundle);
	sealed_wipe(&s->copy);
	*s = (struct sent){ .copy = { .fd = -1 } };
}

enum rc
sent_open(struct sent *s, uint32_t sequence, struct span file)
{
	struct cose cose;
	int fd = -1;
	enum rc rc;

	sent_wipe(s);
	rc = sealed_make(file, &fd);
	if (rc != RC_OK)
		return rc;
	rc = sealed_map(fd, &s->copy);
	if (rc != RC_OK) {
		fd_close(&fd);
		return rc;
	}
	rc = cose_read(SENT_NAME, s->copy.bytes, COSE_BUNDLE, &cose);
	if (rc == RC_OK)
		rc = bundle_read(SENT_NAME, cose.payload, &s->bundle);
	if (rc == RC_OK)
		s->sequence = sequence;
	return rc;
}

enum rc
sent_request(
    const struct sent *s, uint32_t place, const struct cert_request **ret)
{
	if (place >= s->bundle.n_requests)
		return err_set(RC_STATE, "store: a request of no bundle");
	*ret = &s->bundle.requests[place];
	return RC_OK;
}

enum rc
sent_read(const struct sent *s, struct reader *reader, uint32_t place,
    struct verdict *ret)
{
	WIPED(verdict) v = { 0 };
	enum rc rc = reader_check_start(reader, &s->copy, place, 1);

	if (rc == RC_OK)
		rc = reader_check_next(reader, &v);
	if (rc == RC_OK)
		rc = verdict_pass(&v);
	if (rc != RC_OK)
		return rc;
	*ret = v;
	v = (struct verdict){ 0 };
	return RC_OK;
}
