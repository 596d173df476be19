/* SPDX-License-Identifier: Apache-2.0 */
/** The files of a response, made from the ledger. Inside ca/reply only. */
#ifndef CA_REPLY_FILES_H
#define CA_REPLY_FILES_H

#include "ca/reply.h"

/** Requests up to which each has a file of its own; above, REPLY_BULK to a file:
 * a stick writes one large file far faster than thousands of small ones. */
#define REPLY_SINGLE_MAX 100
#define REPLY_BULK 1000

/** The file that request `i` (from 0) of `n` stands in. */
void reply_file_name(size_t i, size_t n, struct span request_id,
    char ret[static FILE_NAME_MAX + 1]);

/** Make the files of reply->manifest.results, ca.pem, and policy.conf when
 * `with_policy`; the manifest's bytes are not among them yet.
 * \retval RC_STATE a certificate or policy is not in the ledger */
enum rc reply_files_make(struct ledger *ledger, const struct ledger_ca *ca,
    bool with_policy, struct reply *reply) MUST_CHECK;

/** Put the manifest behind them and fill reply->files in. */
enum rc reply_files_close(struct reply *reply, const struct ledger_ca *ca)
    MUST_CHECK;

#endif
