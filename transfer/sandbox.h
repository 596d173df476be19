/* SPDX-License-Identifier: Apache-2.0 */
/** What a process may still do: no_new_privs, Landlock, seccomp, no network.
 *
 * Two levels, each entered once and never left. A missing seccomp is an error;
 * a missing or older Landlock is said (`airgap-ca status`).
 */
#ifndef TRANSFER_SANDBOX_H
#define TRANSFER_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>

struct sandbox_level {
	bool seccomp;
	int landlock_abi; /* 0: the kernel has none */
};

/** Phase a: read beneath `dir` only (Landlock), write nowhere, no socket, no
 * exec, no fork, no ptrace (seccomp kills who tries). Only openat2 opens; open
 * and openat fail with EACCES, as does openat2 where Landlock says so. Where the
 * kernel has no Landlock, openat2 is not confined: the level says it.
 * \param dir  of the medium, or one file; -1: no file at all
 * \retval RC_IO seccomp is missing, or a filter was refused */
enum rc sandbox_read_only(int dir, struct sandbox_level *ret) MUST_CHECK;

/** Phase b, after phase a: read, write, sendmsg, recvmsg, poll on what is open,
 * memory that is not executable, exit; any other call kills the process with
 * SIGSYS. Load OpenSSL's algorithms first. \retval RC_IO as above */
enum rc sandbox_strict(void) MUST_CHECK;

/** What this kernel would give, without entering it. */
struct sandbox_level sandbox_probe(void);

#endif
