/* SPDX-License-Identifier: Apache-2.0 */
/** What CRLs bring back in `recover`, and that some are lacking: words and JSON. */
#ifndef CA_CMD_RECOVER_CRL_SHOW_H
#define CA_CMD_RECOVER_CRL_SHOW_H

#include "ca/lifecycle/recover.h"

#include <jansson.h>

void recover_crls_show(const struct recovery *recovery);
json_t *recover_crls_json(const struct recovery *recovery);

/** Of all CRLs that are given: does one change anything? */
bool recover_crls_are_news(const struct recovery *recovery);

#endif
