/* SPDX-License-Identifier: Apache-2.0 */
/** A reader or judge that a stranger's bytes have taken over.
 *
 * This is linked around the shipped code (-Wl,--wrap, see the Makefile) into a
 * program of its own that is never installed; the signer in it is the shipped
 * one, and what tests/e2e/81-subverted.t watches. SUBVERT=WHEN:WHAT says what it
 * does: WHEN is `scan` (a reader that still has the stick), `check` (a reader
 * that parses a request), `file` (one that looks for a CSR in a file), `inspect`, `judge`, or `maker` (the signer's own maker of
 * certificates, whose bugs the lint is for). There may be several, with commas.
 */
#ifndef TESTS_SUBVERTED_HOSTILE_H
#define TESTS_SUBVERTED_HOSTILE_H

#include "base/buf.h"

#include <stdbool.h>

/** Is this what SUBVERT says? */
bool does(const char *what);

/** Go the way out that is wanted now, if any; what came of it is an error. */
enum rc go_out(const char *when);

/** Is this process the judge? Then its records go this way. */
bool is_judge(void);
enum rc judge_answer(int sock, struct span record, int fd);

/** As it is without us. */
enum rc __real_frame_send(int sock, struct span record, int fd,
    const char *peer);

#endif
