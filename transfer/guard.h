/* SPDX-License-Identifier: Apache-2.0 */
/** Who can change what lies at a path.
 *
 * Whoever may write to a home decides what is signed, or believed: ledger,
 * policy and pins are only as good as the modes that keep them. So is a path:
 * whoever owns a directory on the way can put another in its place.
 */
#ifndef TRANSFER_GUARD_H
#define TRANSFER_GUARD_H

#include "base/err.h"

#include <sys/types.h>

/** Check a home's directory, as sshd wants of its files, and these of its files,
 * which may be missing: neither group nor others may write (an ACL shows in the
 * group's bits), and the owner is root or the caller. The directories above it
 * are theirs as well, and others may write there only where the sticky bit keeps
 * them from what is not their own.
 * \param dir    the home, opened
 * \param path   as typed; links on the way are followed when they are theirs too
 * \param names  ends with NULL
 * \retval RC_STATE rule HOME-MODE
 * \retval RC_IO    cannot be looked at */
enum rc guard_home(int dir, const char *path, const char *const *names)
    MUST_CHECK;

/** Open a home that is there, and guard_home it.
 * \retval RC_STATE rule HOME-MODE, also where another user's may not be looked into */
enum rc guard_home_enter(const char *path, const char *const *names,
    int *ret_fd) MUST_CHECK;

/** The same of what there is on the way to a home that is to be made. */
enum rc guard_home_new(const char *path) MUST_CHECK;

enum guard_found {
	GUARD_CLEAR,   /* nobody but root and the caller can change it */
	GUARD_OPEN,    /* theirs, but others may write there; sticky is enough above */
	GUARD_STRANGE, /* somebody else's from here on */
	GUARD_LACKING, /* not there (guard_home_new, guard_path) */
	GUARD_FILE,    /* no directory, at the end (guard_path) */
};

/** A way from the root of the file system, without a link, and how far nobody but
 * root and the caller can change it. */
struct guard_way {
	enum guard_found found;
	int dir;     /* the last directory that is theirs, O_PATH; -1: none is */
	char *at;    /* owned: the path of what was found */
	uid_t owner; /* of that, GUARD_STRANGE */
	mode_t mode; /* of that, GUARD_OPEN */
	char *rest;  /* owned: what is left of the path; it begins with the stranger's */
};
#define GUARD_WAY_NONE ((struct guard_way){ .dir = -1 })
void guard_way_wipe(struct guard_way *way);

/** Go along the absolute path of a directory. Whoever calls it refuses.
 * \retval RC_IO  a link on the way, or it cannot be looked at */
enum rc guard_way_open(const char *path, struct guard_way *ret) MUST_CHECK;

/** The absolute path that a typed one stands for, of what may be missing at its
 * end. Links that root or the caller put where nobody else can change them are
 * followed. From where others can on nothing is: what is left is as it was typed,
 * and who opens it without links finds one there.
 * \param[out] ret_path  to be freed
 * \retval RC_IO  its directory is not there, or cannot be looked at */
enum rc guard_path(const char *typed, char **ret_path) MUST_CHECK;

#endif
