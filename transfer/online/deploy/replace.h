/* SPDX-License-Identifier: Apache-2.0 */
/** Files of a server, replaced while it may be started at any moment.
 *
 * A file keeps owner and mode, and changes by a rename. A certificate and its key
 * in two files change together as seen from outside: whatever moment a crash or a
 * start of the server picks, the key file holds the key of the certificate file.
 *
 * Until replace_keep or replace_undo what was there stays beside it as
 * FILE.airgap-old; a crash leaves that, and the next run takes it for what was.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_REPLACE_H
#define TRANSFER_ONLINE_DEPLOY_REPLACE_H

#include "base/buf.h"

/** What goes where. The path is absolute and without symbolic links. */
struct replace_file {
	const char *path; /* NULL: no such file */
	struct span bytes;
	bool secret; /* a new file is 0600, else 0644 */
};

struct replace {
	struct replace_file cert;
	struct replace_file key; /* what `cert` must fit; path NULL: nothing */
};

#define REPLACE_MAX 1048576 /* bytes of a file */

/** The path as it will be kept: absolute, links followed. The file need not
 * exist, its directory must.
 * \retval RC_IO     no such directory
 * \retval RC_USAGE  not the name of a file, or one that is no regular file */
enum rc replace_path(const char *typed, char **ret_path) MUST_CHECK;

/** The bytes of a file; *ret_is false when there is none. */
enum rc replace_read(const char *path, struct buf *ret_bytes, bool *ret_is)
    MUST_CHECK;

/** Put the files in place. On failure they are as they were.
 * \retval RC_IO */
enum rc replace_put(const struct replace *replace) MUST_CHECK;

/** Done: let go of what was there. Nothing to do is no error. */
enum rc replace_keep(const struct replace *replace) MUST_CHECK;

/** Put back what was there. Files that were not there before stay.
 * \param[out] ret_is  something was put back */
enum rc replace_undo(const struct replace *replace, bool *ret_is) MUST_CHECK;

/** What was at the certificate's path before; *ret_is false: nothing. */
enum rc replace_old(const struct replace *replace, struct buf *ret_bytes,
    bool *ret_is) MUST_CHECK;

/** May others read this file? False when there is none. */
bool replace_is_open(const char *path);

#endif
