/* SPDX-License-Identifier: Apache-2.0 */
/** What is to be typed next, as sh reads it.
 *
 * A sentence names a command of ours, "`airgap-ca sign STICK`", and knows of no
 * home. Where that is not the default one the command would act on another, or
 * on none: so whoever prints a sentence (base/term.c) puts the home in, and
 * nobody else does.
 */
#ifndef BASE_TYPED_H
#define BASE_TYPED_H

#include "base/buf.h"

struct cmd_program;

/** Append `word` so that sh takes it for one word: as it is, quoted, or, where
 * it has what no terminal shows, by printf's octal numbers. Printable ASCII in
 * any case. */
enum rc typed_word(struct buf *out, const char *word) MUST_CHECK;

/** From now on the commands of `program` are told with this home, unless it is
 * where they look without being told. An environment variable does not count as
 * that: sudo and timers do not pass it on. The program's table stays where it
 * is. */
enum rc typed_home_set(
    const struct cmd_program *program, const char *home) MUST_CHECK;

/** The bytes that a sentence of `n` bytes can grow by. */
size_t typed_home_most(size_t n);

/** What is to be put in before `at`, in the sentence that begins at `text`:
 * behind the program's name, where one of its commands follows. "" for nothing.
 */
const char *typed_home_at(const char *text, const char *at);

#endif
