/* SPDX-License-Identifier: Apache-2.0 */
/** A home that nobody but its owner can change, as sshd wants of its files.
 *
 * Whoever may write to the home decides what is signed, or believed: ledger,
 * policy and pins are only as good as the modes that keep them.
 */
#ifndef TRANSFER_GUARD_H
#define TRANSFER_GUARD_H

#include "base/err.h"

/** Check a home's directory and these of its files, which may be missing:
 * neither group nor others may write (an ACL shows in the group's bits), and
 * the owner is root or the caller, or anybody where the caller is root.
 * \param names  ends with NULL
 * \retval RC_STATE rule HOME-MODE
 * \retval RC_IO    cannot be looked at */
enum rc guard_home(int dir, const char *path, const char *const *names)
    MUST_CHECK;

#endif
