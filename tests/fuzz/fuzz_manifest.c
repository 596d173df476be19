/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of a manifest, as they lie in the COSE envelope. */
#include "tests/fuzz/payload.h"

FUZZ_PAYLOAD(manifest, COSE_MANIFEST)
