/* SPDX-License-Identifier: Apache-2.0 */
/** The directories of a server, and as whom we work in them.
 *
 * Whoever can change a directory on the way to a file can turn what is done to
 * that file to any other. So we do it ourselves only where nobody can but root and
 * the user who runs us. Where one other user can, it is done as that user, in a
 * process of its own that can do no more than they could: whatever they put in
 * the way, they do it to themselves.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_SITE_H
#define TRANSFER_ONLINE_DEPLOY_SITE_H

#include "base/buf.h"

#include <limits.h>

#define SITE_DIRS 2
#define SITE_SECONDS 30		/* that another user's process may take */
#define SITE_ANSWER_MAX 2097152 /* bytes of `out` */

struct site_dir {
	const char *path; /* absolute; no link on it is followed */
	const char *from; /* what sentences begin with */
};

/** Work in these directories, opened. \param theirs  as their owner, who cannot
 * give files away: memory is a copy then, and only `out` comes back. */
typedef enum rc site_work(
    const int dirs[], bool theirs, void *arg, struct buf *out);

/** Do that. Nothing that the work reads is looked at by the caller but `out`.
 * \param n  at most SITE_DIRS; all belong to the same side
 * \retval RC_STATE rule DEPLOY-OWNER: several can change them, or a stranger and we
 *                  are not root
 * \retval RC_IO    a directory cannot be opened, or the process ended
 * \retval other    what the work said */
enum rc site_do(const struct site_dir *dirs, size_t n, site_work *work,
    void *arg, struct buf *out) MUST_CHECK;

/** The path to remember for a typed one: links are followed where root or we put
 * them. Nothing need be there.
 * \param[out] ret_path  absolute, to be freed
 * \retval RC_STATE rule DEPLOY-OWNER: a link that others can change is on it
 * \retval RC_IO    its directory is not there, or cannot be looked at */
enum rc site_path(const char *typed, char **ret_path) MUST_CHECK;

/** A file by its directory. \retval RC_STATE  no absolute path of a file */
struct site_file {
	char dir[PATH_MAX], name[NAME_MAX + 1];
};
enum rc site_file_of(const char *path, struct site_file *ret) MUST_CHECK;

/** Open a file of the server's as it lies there, for reading: no link, no device,
 * and without waiting. *ret_fd is -1 where there is none. */
enum rc site_file_open(int dir, const char *name, const char *from,
    int *ret_fd) MUST_CHECK;

/** Open one that decides something, and that root or we alone can change: DEPLOY-OWNER
 * where its directory is somebody else's. `from` begins the sentences. */
enum rc site_own_file_open(const char *path, const char *from, int *ret_fd)
    MUST_CHECK;

#endif
