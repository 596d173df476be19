/* SPDX-License-Identifier: Apache-2.0 */
/** The file layer that our databases lie on: SQLite's own, but that a sync which
 * failed is final.
 *
 * The kernel forgets what it could not write once it has said so, and a second
 * fsync that succeeds proves nothing. SQLite tries again when it rolls back, and
 * passes over a directory that cannot be synced. Here, after the first failure,
 * the database of that connection is not written, synced or rid of its journal
 * any more: whoever opens it next rolls back from the journal.
 */
#ifndef BASE_DB_VFS_H
#define BASE_DB_VFS_H

#include "base/err.h"

/** Make it known to SQLite, once per process; `*ret_name` is for sqlite3_open_v2.
 * \retval RC_IO no memory */
enum rc db_vfs_use(const char **ret_name) MUST_CHECK;

#endif
