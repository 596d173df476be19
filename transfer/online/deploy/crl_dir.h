/* SPDX-License-Identifier: Apache-2.0 */
/** A directory of CRLs as OpenSSL looks them up: HASH.r0, HASH.r1, ... in PEM, HASH
 * being that of the issuer's name.
 *
 * A server that has read HASH.rN looks for the next number only, and one that
 * starts reads from 0 on until a number is missing. So a CRL is added under the
 * next number and none is ever replaced by another that running servers should
 * see, nor removed; of one that is long over the number becomes a link to the
 * newest, so that the directory does not grow with what nobody wants.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_CRL_DIR_H
#define TRANSFER_ONLINE_DEPLOY_CRL_DIR_H

#include "transfer/online/deploy/replace.h"
#include "transfer/online/store/crl_due.h"

#define CRL_DIR_OVER INT64_C(604800) /* seconds after nextUpdate: long over */

struct crl_dir {
	const char *path; /* absolute */
	struct replace_claim claim;
	const struct crl_due_list *crls; /* with their bytes */
	int64_t now;
	bool dry_run;
};

/** Add those that are not there, as whom site.h says, for all to read.
 * \param[out] ret_n  how many were added, or would be (dry run)
 * \retval RC_STATE  rule DEPLOY-TAKEN, DEPLOY-OWNER
 * \retval RC_IO     one cannot be written: those before it are there */
enum rc crl_dir_put(const struct crl_dir *dir, size_t *ret_n) MUST_CHECK;

/** Another home may keep it from now on. */
enum rc crl_dir_release(const struct crl_dir *dir) MUST_CHECK;

#endif
