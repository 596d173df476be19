/* SPDX-License-Identifier: Apache-2.0 */
/** The files of a response, made from the ledger. Inside ca/response/response only. */
#ifndef CA_RESPONSE_RESPONSE_FILES_H
#define CA_RESPONSE_RESPONSE_FILES_H

#include "ca/response/response.h"

/** Bytes of files that are kept once they were made, for each is wanted four
 * times: to be hashed, judged, written and compared. If they come to more, all are
 * made each time, and a CRL piece by piece. */
#define RESPONSE_KEPT_MAX ((size_t)8 << 20)

/** Make the files of response->manifest.results, ca.pem, policy.conf when
 * `with_policy`, and those of response->manifest.crls; the manifest itself is not among them yet.
 * \retval RC_STATE a certificate or policy is not in the ledger */
enum rc response_files_make(struct ledger *ledger, const struct ledger_ca *ca,
    bool with_policy, struct response *response) MUST_CHECK;

/** Is it a file-entry of the manifest? A CRL has an entry of its own, and a shadow
 * has both: the digest there is of its DER. */
bool response_file_is_listed(const struct response_file *file);

/** Their entries point into a manifest that was read since. */
void response_files_move_crls(struct response *response);

/** Are they what the manifest lists, in order and to the byte?
 * \retval RC_STATE naming the first that is not */
enum rc response_files_check(const struct response *response) MUST_CHECK;

/** Put the manifest behind them and name the directory. */
enum rc response_files_close(struct response *response, const struct ledger_ca *ca)
    MUST_CHECK;

/** The bytes of file `i`: what was given is as it was when RC_OK comes back, and not
 * before.
 * \retval RC_STATE they do not come out as they were */
enum rc response_file_give(struct response *response, size_t i,
    const struct file_sink *to) MUST_CHECK;

#endif
