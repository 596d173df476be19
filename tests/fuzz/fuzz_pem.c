/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates in PEM, one behind the other: what is taken out of one is found
 * again in what we would write of it. */
#include "transfer/x509/pem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(struct span der)
{
	WIPED(buf) pem = { 0 };
	WIPED(buf) found = { 0 };
	struct span rest;
	bool more = false;

	if (pem_write(PEM_CERTIFICATE, der, &pem) != RC_OK)
		abort();
	rest = buf_span(&pem);
	if (pem_next("f", PEM_CERTIFICATE, &rest, &found, &more) != RC_OK ||
	    !more || !span_eq(buf_span(&found), der))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size);
	WIPED(buf) der = { 0 };
	bool more = true;

	while (
	    pem_next("f", PEM_CERTIFICATE, &rest, &der, &more) == RC_OK && more)
		check_again(buf_span(&der));
	return 0;
}
