/* SPDX-License-Identifier: Apache-2.0 */
/** How far readers and judge are locked in on this machine, measured. */
#ifndef CA_HOME_CONFINE_H
#define CA_HOME_CONFINE_H

#include "base/err.h"

#include <stdbool.h>

struct confine {
	bool no_new_privs, seccomp; /* of reader and judge, as the kernel says */
	bool no_sockets;  /* who asked for one was killed */
	struct {
		bool no_new_privs, seccomp, hidden; /* `hidden`: home and stick */
	} token; /* of the process that loads the module */
	int landlock_abi; /* that a reader has entered; 0: the kernel has none */
	bool reached;	  /* all but Landlock: `sign` would read a stick */
	struct err_saved why; /* when not: what stood in the way */
};

/** Start a reader, a judge and a token process as `sign` does, look at them,
 * dismiss them, and let another process try the way out. Nothing may be open yet
 * that they could inherit. What is not reached is no error; that nobody can tell
 * is one. `home` is what the token process must not see; NULL: nothing. */
enum rc confine_measure(const char *home, struct confine *ret) MUST_CHECK;

#endif
