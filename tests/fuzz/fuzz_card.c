/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of a card, as they lie in the COSE envelope. */
#include "tests/fuzz/payload.h"

FUZZ_PAYLOAD(card, COSE_CARD)
