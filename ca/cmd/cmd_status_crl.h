/* SPDX-License-Identifier: Apache-2.0 */
/** For `status`: until when the CRLs that were signed go, and by when the next ones
 * are wanted.
 */
#ifndef CA_CMD_CMD_STATUS_CRL_H
#define CA_CMD_CMD_STATUS_CRL_H

#include "ca/crl/crl_make.h"

#include <jansson.h>

#define CRL_KEYS_TOLD 8

struct crl_status {
	bool any;
	struct ledger_crl_series series;
	bool late;     /* the next one is wanted within what was asked */
	bool unlisted; /* something was revoked since */
	/* Keys of the CA that were there before the series, whose certificate has not
	 * ended, and that signed none of it: they were not on the token. */
	struct crl_silent {
		uint8_t key_id[SHA256_LEN];
		int64_t ends;
	} silent[CRL_KEYS_TOLD];
	size_t n_silent;
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
