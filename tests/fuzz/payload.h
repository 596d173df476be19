/* SPDX-License-Identifier: Apache-2.0 */
/** The body that the payload targets share: KIND is bundle, manifest or card,
 * TYPE the enum cose_type. Bytes that the strict pass takes and the schema too
 * must be written again as they were, and be printable both ways. Bytes that
 * were never checked may be refused only.
 */
#include "transfer/format/cbor_in.h"
#include "transfer/format/payload.h"
#include "transfer/online/cmd/diag.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool fact)
{
	if (!fact)
		abort();
}

/* Its pieces are not looked at: that there is no end to them would be seen. */
static enum rc
json_drop(void *unused, const char *before, json_t *value)
{
	(void)unused;
	(void)before;
	json_decref(value);
	return RC_OK;
}

static void
print_both(enum cose_type type, struct span payload)
{
	static const uint8_t bytes[64];
	const struct diag d = {
		.cose = {
			.type = type,
			.alg = COSE_ES256,
			.protected_bytes = { bytes, 64 },
			.kid = { bytes, type == COSE_BUNDLE ? 32 : 0 },
			.cert = { bytes, type == COSE_BUNDLE ? 0 : 64 },
			.payload = payload,
			.signature = { bytes, 64 },
		},
	};
	WIPED(buf) text = { 0 };

	must(diag_write(&d, &text, -1) == RC_OK);
	for (size_t i = 0; i < text.n; i++)
		must(text.p[i] == '\n' ||
		    (text.p[i] >= 0x20 && text.p[i] <= 0x7e));
	must(diag_json(&d, json_drop, NULL) == RC_OK);
}

#define FUZZ_PAYLOAD(KIND, TYPE)                                               \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)           \
	{                                                                      \
		const struct span in = span_of(data, size);                    \
		const bool strict = cbor_in_check("f", in) == RC_OK;           \
		WIPED(KIND) item = { 0 };                                      \
		WIPED(buf) again = { 0 };                                      \
                                                                               \
		if (KIND##_read("f", in, &item) != RC_OK || !strict)           \
			return 0;                                              \
		must(KIND##_write(&item, &again) == RC_OK);                    \
		must(span_eq(buf_span(&again), in));                           \
		print_both(TYPE, in);                                          \
		return 0;                                                      \
	}
