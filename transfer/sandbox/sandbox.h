/* SPDX-License-Identifier: Apache-2.0 */
/** What a process may still do: no_new_privs, Landlock, seccomp, no network.
 *
 * Two levels, each entered once and never left. A missing seccomp is refused
 * (rule SANDBOX); a missing or older Landlock is said (`airgap-ca status`).
 */
#ifndef TRANSFER_SANDBOX_SANDBOX_H
#define TRANSFER_SANDBOX_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct sandbox_level {
	bool seccomp;
	int landlock_abi; /* 0: the kernel has none */
};

/** First of all: exchange standard input, output and error for /dev/null. Who
 * parses a stranger's bytes shall neither write to the operator's terminal nor
 * read what is typed there. \retval RC_IO there is no /dev/null */
enum rc sandbox_leave_terminal(void) MUST_CHECK;

/** Phase a: read beneath `dir` only (Landlock), write nowhere, no socket, no
 * exec, no fork, no ptrace (seccomp kills who tries). Only openat2 opens; open
 * and openat fail with EACCES, as does openat2 where Landlock says so. Where the
 * kernel has no Landlock, openat2 is not confined: the level says it.
 * \param dir  of the medium, or one file; -1: no file at all
 * \retval RC_STATE rule SANDBOX: seccomp is missing, or a filter was refused, or
 *                  a Landlock that the kernel has does not hold */
enum rc sandbox_read_only(int dir, struct sandbox_level *ret) MUST_CHECK;

/** Phase b, after phase a: read, write, sendmsg, recvmsg, poll on what is open,
 * memory that is not executable, exit; any other call kills the process with
 * SIGSYS. Load OpenSSL's algorithms first. \retval RC_STATE as above */
enum rc sandbox_strict(void) MUST_CHECK;

/** What this kernel would give, without entering it. */
struct sandbox_level sandbox_probe(void);

/** What the kernel says of a child (/proc/PID/status): asked from outside, since
 * who is inside may lie. \retval RC_IO it cannot be read */
struct sandbox_seen {
	bool no_new_privs;
	bool filtered; /* by a seccomp filter */
};
enum rc sandbox_look(pid_t child, struct sandbox_seen *ret) MUST_CHECK;

/** Start a child that goes the way of a reader and then asks for a network
 * socket: was it killed for that? The kernel's log may tell of it.
 * False as well where it could not lock itself in.
 * \retval RC_IO no process, or one without memory */
enum rc sandbox_try_socket(bool *ret_killed) MUST_CHECK;

#endif
