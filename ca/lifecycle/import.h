/* SPDX-License-Identifier: Apache-2.0 */
/** A CA that waits for its certificate gets it: `airgap-ca import`.
 *
 * `init --csr` has left key, policy and request, and no ledger. What another CA
 * certified is judged as every host will judge it, held against the request, and
 * from there the steps are those of init.
 */
#ifndef CA_LIFECYCLE_IMPORT_H
#define CA_LIFECYCLE_IMPORT_H

#include "ca/lifecycle/init.h"

struct import {
	struct init_options options; /* home, out, date, URIs: as typed, or those
				      * of token.conf */
	struct token_conf conf;
	struct adoption adoption;
};
void import_wipe(struct import *import);

/** Read and judge the files, by a process of its own: nothing may be open that it
 * could inherit. \retval RC_FORMAT rule IMPORT-CERT; RC_IO */
enum rc import_read(struct import *import, const struct cmd_list *files)
    MUST_CHECK;

/** Home, policy, clock, medium and network; nothing is touched.
 * \retval RC_STATE no CA waits there; RC_FORMAT rule IMPORT-CERT: not what was asked
 * for; RC_POLICY rule POLICY-BOUND */
enum rc import_check(struct import *import, struct token *token,
    struct init *init) MUST_CHECK;

#endif
