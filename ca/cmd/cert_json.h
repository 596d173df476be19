/* SPDX-License-Identifier: Apache-2.0 */
/** A certificate of this CA for `list`, `show` and `status`: its state, and as
 * JSON. */
#ifndef CA_CMD_CERT_JSON_H
#define CA_CMD_CERT_JSON_H

#include "ca/ledger/ledger.h"
#include "transfer/x509/cert_text.h"

#include <jansson.h>

/** "valid", "future", "expired", "revoked", "void", or "unfinished" for an intent that has
 * no result. */
const char *cert_status(const struct ledger_cert *cert, int64_t now);

/** One object of `list --json`; NULL when memory runs out. */
json_t *cert_json(const struct ledger_cert *cert, const struct cert_text *text,
    int64_t now);

#endif
