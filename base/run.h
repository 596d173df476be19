/* SPDX-License-Identifier: Apache-2.0 */
/** Other people's programs: a command line as typed, run without a shell.
 *
 * The words of a command are separated by spaces and tabs. Between two ' or two "
 * everything stands for itself, the other quote included; quoted and plain parts
 * that touch are one word. Nothing else is special: no variable, pattern,
 * backslash, pipe or list of commands, so nothing of it can come from outside.
 */
#ifndef BASE_RUN_H
#define BASE_RUN_H

#include "base/buf.h"

#define RUN_WORDS_MAX 64
#define RUN_LINE_MAX 4096 /* bytes of a command */

/** A command in words. */
struct run_words {
	char *argv[RUN_WORDS_MAX + 1]; /* into `text`; ends with NULL */
	size_t n;
	char text[RUN_LINE_MAX]; /* the words, each with its terminator */
};

/** Split a command.
 * \retval RC_USAGE no word, an open quote, a control character, too long */
enum rc run_split(const char *command, struct run_words *ret) MUST_CHECK;

/** Run it and wait for its end, at most `seconds`: then it is told to leave
 * (SIGTERM to its process group), and what is left of the group is killed two
 * seconds later. The program is looked up in PATH; it reads nothing, and what it
 * prints comes on our stderr. It has no other descriptor, and of the environment
 * PATH, HOME, USER, LOGNAME, SHELL, TERM, TZ, LANG, LANGUAGE, LC_*,
 * XDG_RUNTIME_DIR and DBUS_SESSION_BUS_ADDRESS.
 * \retval RC_IO cannot be started, left with another status than 0, was killed,
 *               or took too long: the sentence begins with the command */
enum rc run_command(const char *command, int seconds) MUST_CHECK;

#endif
