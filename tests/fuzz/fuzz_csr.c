/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as files, DER or PEM. What is accepted is one strict encoding: its
 * SPKI is found again, and nothing can be cut off it. */
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool fact)
{
	if (!fact)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	WIPED(buf) der = { 0 };
	WIPED(csr) csr = { 0 };
	WIPED(buf) room = { 0 };
	struct span spki;

	if (csr_from_file("f", span_of(data, size), &der) != RC_OK ||
	    csr_read("f", buf_span(&der), NULL, &csr) != RC_OK) {
		must(rule_name(rule_spoken())[0] != '\0');
		return 0;
	}
	must(csr_find_spki("f", buf_span(&der), &room, &spki) == RC_OK);
	must(span_eq(spki, csr.spki));
	for (size_t i = 0; i < csr.names.n; i++)
		must(name_check("f", &csr.names.items[i]) == RC_OK);
	return 0;
}
