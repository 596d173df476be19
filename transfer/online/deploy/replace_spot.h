/* SPDX-License-Identifier: Apache-2.0 */
/** One file of a server in its opened directory: for replace.c and its like.
 *
 *	NAME			the file
 *	NAME.airgap-new		while it is written
 *	NAME.airgap-old		what was there, until a reload went well
 *	.NAME.airgap-home	which home keeps it
 */
#ifndef TRANSFER_ONLINE_DEPLOY_REPLACE_SPOT_H
#define TRANSFER_ONLINE_DEPLOY_REPLACE_SPOT_H

#include "base/file.h"
#include "transfer/online/deploy/replace.h"

#include <limits.h>
#include <sys/stat.h>

#define SPOT_ROOM (NAME_MAX + 1)

struct replace_spot {
	const char *path; /* in sentences */
	int dir;	  /* borrowed; -1: there is no such file */
	bool theirs;	  /* we are its owner now, and root is not */
	char name[SPOT_ROOM], fresh[SPOT_ROOM], old[SPOT_ROOM],
	    claim[SPOT_ROOM];
};

/** \retval RC_STATE  no path of a file */
enum rc spot_open(const char *path, int dir, bool theirs,
    struct replace_spot *ret) MUST_CHECK;

/** \return its S_IFMT, 0 for none (errno says why) */
mode_t spot_kind(
    const struct replace_spot *s, const char *name, struct stat *ret);
bool spot_is_there(const struct replace_spot *s, const char *name);
/** "not a regular file: deploy to what it leads to" */
enum rc spot_no_file(const struct replace_spot *s);

/** What was looked at is what is read. *ret_is is false when there is none. */
enum rc spot_read(const struct replace_spot *s, const char *name,
    struct buf *ret, bool *ret_is) MUST_CHECK;

/** Owner and mode of what was there before all this began, if it was. Bits that
 * give others its owner's rights are not kept. */
struct file_look spot_look(const struct replace_spot *s, bool secret);

/** Put these bytes at its name, by a rename. */
enum rc spot_put(const struct replace_spot *s, struct span bytes,
    const struct file_look *look) MUST_CHECK;

/** Is this file free, or kept by that home? \retval RC_STATE  rule DEPLOY-TAKEN */
enum rc spot_claim_check(const struct replace_spot *s,
    const struct replace_claim *claim) MUST_CHECK;
/** Write down that it is kept by that home, unless it is. */
enum rc spot_claim(const struct replace_spot *s,
    const struct replace_claim *claim) MUST_CHECK;
/** Remove that, if it says that home. */
enum rc spot_unclaim(const struct replace_spot *s,
    const struct replace_claim *claim) MUST_CHECK;

#endif
