/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever can write to the file can put a CRL there that looks newer; only the
 * CA can sign it. */
#include "transfer/online/deploy/crl_place.h"

#include "base/clock.h"
#include "transfer/x509/crl_read.h"
#include "transfer/x509/pem.h"

#include <string.h>

/* What is no CRL of our form is nobody's that we made. The number first: a
 * signature over a million entries takes its time. */
static enum rc
crl_is_newer(const char *from, struct span der, const struct trust_ca *ca,
    const struct crl_due *due, struct crl_facts *ret, bool *ret_newer)
{
	OWNS(crl_reader) *reader = NULL;
	enum rc rc = crl_reader_new(from, NULL, NULL, &reader);

	*ret_newer = false;
	if (rc == RC_OK)
		rc = crl_reader_read(reader, der, ret);
	if (rc == RC_FORMAT) {
		err_clear();
		return RC_OK;
	}
	if (rc != RC_OK || ret->number <= due->number)
		return rc;
	return crl_reader_verify(reader, ca->key, ret_newer);
}

static enum rc
crl_check_one(const char *from, struct span der, const struct trust_ca *ca,
    const struct crl_due *due)
{
	char begun[CLOCK_TEXT], ours[CLOCK_TEXT];
	struct crl_facts there = { 0 };
	bool newer = false;
	enum rc rc = crl_is_newer(from, der, ca, due, &there, &newer);

	if (rc != RC_OK || !newer)
		return rc;
	clock_write(there.this_update, begun);
	clock_write(due->this_update, ours);
	return err_set(RC_STATE,
	    "%s: holds CRL %llu of %s, which is newer than %llu of %s that is due here: was this home put back to an older copy? Move that file away for what is due here to take its place",
	    from, (unsigned long long)there.number, begun,
	    (unsigned long long)due->number, ours);
}

/* Certificates stand before CRLs where a file has both. */
static struct span
from_first_crl(struct span file)
{
	static const char mark[] = "-----BEGIN " PEM_CRL "-----";
	const uint8_t *first =
	    file.n == 0 ? NULL : memmem(file.p, file.n, mark, sizeof(mark) - 1);

	return first == NULL
		   ? SPAN_NONE
		   : span_of(first, file.n - (size_t)(first - file.p));
}

enum rc
crl_place_check(const char *from, struct span found, const struct trust_ca *ca,
    const struct crl_due *due)
{
	struct span rest = from_first_crl(found);
	WIPED(buf) der = { 0 };
	bool more = rest.n != 0;
	enum rc rc = RC_OK;

	if (ca == NULL)
		return RC_OK;
	if (!more)
		return crl_check_one(from, found, ca, due);
	while (more && rc == RC_OK) {
		if (pem_next(from, PEM_CRL, &rest, &der, &more) != RC_OK) {
			err_clear(); /* nobody's, or no longer ours */
			return RC_OK;
		}
		if (more)
			rc = crl_check_one(from, buf_span(&der), ca, due);
	}
	return rc;
}
