/* SPDX-License-Identifier: Apache-2.0 */
/** For `status`: until when the CRLs that were signed go, and by when the next ones
 * are wanted.
 */
#ifndef CA_CMD_CMD_STATUS_CRL_H
#define CA_CMD_CMD_STATUS_CRL_H

#include "ca/crl/crl_make.h"

#include <jansson.h>

struct crl_status {
	bool any;
	struct ledger_crl_series series;
	bool late;     /* the next one is wanted within what was asked */
	bool unlisted; /* something was revoked since */
};
enum rc crl_status_read(struct ledger *ledger, int64_t now, int64_t within,
    struct crl_status *ret) MUST_CHECK;

/** Must somebody come? */
bool crl_status_is_due(const struct crl_status *s);
/** A line for each thing that is due, and one in any case. */
void crl_status_print_due(const struct crl_status *s);
void crl_status_print(const struct crl_status *s);
json_t *crl_status_json(const struct crl_status *s);

#endif
