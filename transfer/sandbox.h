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

/** Phase a: read beneath `dir` only (Landlock), write nowhere, no network, no
 * exec, no ptrace. A seccomp filter holds what Landlock cannot.
 * \param dir -1: no file at all
 * \retval RC_IO seccomp is missing */
enum rc sandbox_read_only(int dir, struct sandbox_level *ret) MUST_CHECK;

/** Phase b: read, write, recvmsg, sendmsg, poll on what is open, memory, exit;
 * any other call kills the process. Load OpenSSL's algorithms first. */
enum rc sandbox_strict(void) MUST_CHECK;

/** What this kernel would give, without entering it. */
struct sandbox_level sandbox_probe(void);

#endif
