/* SPDX-License-Identifier: Apache-2.0 */
/** Files of a server, replaced while it may be started at any moment.
 *
 * A file keeps owner and mode, and changes by a rename. A certificate and its key
 * in two files change together as seen from outside: whatever moment a crash or a
 * start of the server picks, the key file holds the key of the certificate file.
 *
 * Until place_keep or place_undo what was there stays beside it as
 * FILE.airgap-old; a crash leaves that, and the next run takes it for what was.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_REPLACE_H
#define TRANSFER_ONLINE_DEPLOY_REPLACE_H

#include "base/buf.h"

/** What goes where. The path is absolute and without symbolic links. */
struct place_file {
	const char *path; /* NULL: no such file */
	struct span bytes;
	bool secret; /* a new file is 0600, else 0644 */
};

struct place {
	struct place_file cert;
	struct place_file key; /* what `cert` must fit; path NULL: nothing */
};

#define PLACE_MAX 1048576 /* bytes of a file */

/** The path as it will be kept: absolute, links followed. The file need not
 * exist, its directory must.
 * \retval RC_IO     no such directory
 * \retval RC_USAGE  not the name of a file, or one that is no regular file */
enum rc place_path(const char *typed, char **ret_path) MUST_CHECK;

/** The bytes of a file; *ret_is false when there is none. */
enum rc place_read(const char *path, struct buf *ret_bytes, bool *ret_is)
    MUST_CHECK;

/** Put the files in place. On failure they are as they were.
 * \retval RC_IO */
enum rc place_put(const struct place *place) MUST_CHECK;

/** Done: let go of what was there. Nothing to do is no error. */
enum rc place_keep(const struct place *place) MUST_CHECK;

/** Put back what was there. Files that were not there before stay.
 * \param[out] ret_is  something was put back */
enum rc place_undo(const struct place *place, bool *ret_is) MUST_CHECK;

/** What was at the certificate's path before; *ret_is false: nothing. */
enum rc place_old(const struct place *place, struct buf *ret_bytes,
    bool *ret_is) MUST_CHECK;

/** May others read this file? False when there is none. */
bool place_is_open(const char *path);

#endif
