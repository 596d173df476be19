/* SPDX-License-Identifier: Apache-2.0 */
/** How far readers and judge are locked in on this machine, measured: for `status` of
 * both programs.
 */
#ifndef TRANSFER_CONFINED_CONFINED_H
#define TRANSFER_CONFINED_CONFINED_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct confined {
	bool no_new_privs, seccomp; /* of reader and judge, as the kernel says */
	bool no_sockets;  /* who asked for one was killed */
	int landlock_abi; /* that a reader has entered; 0: the kernel has none */
	bool reached;	  /* all but Landlock: a stick or a CSR would be read */
	struct err_saved why; /* when not: what stood in the way */
};

/** Start a reader and a judge as every command does that has something to parse,
 * look at them, dismiss them, and let another process try the way out. Nothing may
 * be open yet that they could inherit. What is not reached is no error; that nobody
 * can tell is one. */
enum rc confined_measure(struct confined *ret) MUST_CHECK;

/** For what a caller has looked at besides: the verdict on all of it. `rc` and the
 * error record are of the look; any failure that is no refusal stays one. */
enum rc confined_conclude(enum rc rc, bool good, bool *ret_reached,
    struct err_saved *ret_why) MUST_CHECK;

/** Append "seccomp yes, no_new_privs yes, no sockets yes, Landlock ABI 6". */
enum rc confined_write(const struct confined *c, struct buf *out) MUST_CHECK;

/** The same as an object: "reached", "seccomp" ..., and the "rule" and "reason" that
 * stood in the way. NULL: no memory. */
json_t *confined_json(const struct confined *c);

#endif
