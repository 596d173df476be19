/* SPDX-License-Identifier: Apache-2.0 */
/** What deploy.c shares with the files of its kind. */
#ifndef TRANSFER_ONLINE_DEPLOY_DEPLOY_PART_H
#define TRANSFER_ONLINE_DEPLOY_DEPLOY_PART_H

#include "transfer/online/deploy/deploy.h"

/** What shall be in place. */
struct deploy_due {
	const uint8_t *sha256; /* SHA256_LEN bytes: what `done` says of it then */
	const char *key_type;  /* as in struct deployment, or NULL */
	bool stays; /* though the reload fails: what was there is worth nothing */
};

/** Bring these bytes to the files of `d`, as `deploy` does. */
enum rc deploy_bring(const struct deploying *by, struct deployment *d,
    const struct deploy_due *due, const struct deploy_files *files,
    struct deployed *ret) MUST_CHECK;

/** Which home's files they are. \param[out] ret_path  that of `ret`, to be freed */
enum rc deploy_claim_of(const struct deploying *by, struct replace_claim *ret,
    char **ret_path) MUST_CHECK;

/** `deploy_release` of a directory of CRLs. What is gone is no error. */
enum rc deploy_crl_dir_release(const struct deploying *by,
    const struct deployment *d) MUST_CHECK;

/** Does what is in place say that a certificate is revoked which `due` says is good?
 * \retval RC_STATE it does: this home is older than that file */
enum rc deploy_index_check(
    const char *path, struct span there, struct span due) MUST_CHECK;

/** Append index.txt of this host's certificates, as those CRLs have it. */
enum rc deploy_index_write(const struct deploying *by,
    const struct crl_due_list *crls, struct buf *out) MUST_CHECK;

/** `deploy` where the format is of no name. */
enum rc deploy_crl(const struct deploying *by, struct deployment *d,
    struct deployed *ret) MUST_CHECK;

#endif
