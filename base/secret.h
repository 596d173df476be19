/* SPDX-License-Identifier: Apache-2.0 */
/** A PIN while it is needed.
 *
 * Never copied, printed, or put in argv or the environment. The process that
 * holds one locks the page, makes no core dump and cannot be traced.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>

#define PIN_MAX 64 /* bytes; PKCS#11 modules take 4 to 32 or 48 */

struct pin {
	char text[PIN_MAX + 1];
	size_t len; /* bytes, without the terminator; 0 is no PIN */
};

/** Wipe it. `WIPED(pin) pin = { .len = 0 };` does so on every way out. */
void pin_wipe(struct pin *pin);

/** No other process of the same user reads or traces this one, nor those that it
 * forks from now on, and none of them leaves a core. A change of user undoes it.
 * False: a filter of somebody's forbids it. */
bool secret_hide(void);

/** No core dumps, no ptrace by others, and what can be locked is locked. Called
 * first by the process that will hold a PIN. */
void secret_harden(void);

/** Ask at /dev/tty with echo off. The terminal is put back on every way out,
 * a signal included.
 * \retval RC_USAGE no terminal; the sentence says what to use instead
 * \retval RC_TOKEN empty, longer than PIN_MAX, or with a control character */
enum rc pin_ask(const char *prompt, struct pin *ret_pin) MUST_CHECK;

/** Read the first line of a regular file of our own or root's that others
 * cannot read.
 * \retval RC_TOKEN the file is missing, unsafe, empty or too long, or the line
 *                  has a control character (a CR at its end, say) */
enum rc pin_read(const char *path, struct pin *ret_pin) MUST_CHECK;

#endif
