/* SPDX-License-Identifier: Apache-2.0 */
/** A certificate of ours in words, for `list`, `show` and `status`. */
#ifndef CA_CMD_CERT_TEXT_H
#define CA_CMD_CERT_TEXT_H

#include "ca/ledger/ledger.h"
#include "transfer/x509/name.h"

#include <jansson.h>

struct cert_text {
	struct buf serial;	/* hex digits */
	struct buf subject;	/* RFC 4514, "" when empty */
	struct name_list names; /* of the subjectAltName */
	int64_t not_before, not_after;
};
void cert_text_wipe(struct cert_text *text);

/** \retval RC_FORMAT not a certificate; what a ledger holds is one */
enum rc cert_text_read(struct span der, struct cert_text *ret) MUST_CHECK;

/** "valid", "future", "expired", "void", or "unfinished" for an intent that has
 * no result. */
const char *cert_status(const struct ledger_cert *cert, int64_t now);

/** One object of `list --json`; NULL when memory runs out. */
json_t *cert_json(const struct ledger_cert *cert, const struct cert_text *text,
    int64_t now);

/** The names, "dns:a, dns:b"; appended, not escaped. */
enum rc cert_names_write(const struct name_list *names, struct buf *out)
    MUST_CHECK;

#endif
