/* SPDX-License-Identifier: Apache-2.0 */
/** How far all of the CA's processes are locked in on this machine, measured. */
#ifndef CA_HOME_CONFINE_H
#define CA_HOME_CONFINE_H

#include "transfer/confined/confined.h"

struct confine {
	/* Readers and judge; `reached` and `why` speak of the token process too:
	 * `sign` would read a stick. */
	struct confined all;
	struct {
		bool no_new_privs, seccomp, hidden; /* `hidden`: home and stick */
	} token; /* of the process that loads the module */
};

/** confined_measure, and a token process started as `sign` does. Nothing may be open
 * yet that they could inherit. What is not reached is no error; that nobody can tell
 * is one. `home` is what the token process must not see; NULL: nothing. */
enum rc confine_measure(const char *home, struct confine *ret) MUST_CHECK;

#endif
