/* SPDX-License-Identifier: Apache-2.0 */
/** On which mounts responses were written since this machine was started.
 *
 * `check` believes none of them: what it reads there may be what was written,
 * from memory. In a file of the home, for a stick that lost what it was given
 * would lose this too; not in the ledger, for it means nothing after the next
 * start.
 */
#ifndef CA_HOME_WRITTEN_H
#define CA_HOME_WRITTEN_H

#include "ca/home/home.h"
#include "transfer/media/media.h"

#define HOME_WRITTEN "written.state"

/** Before the first byte goes there. */
enum rc written_add(
    const struct home *home, const struct media *media) MUST_CHECK;

/** Was it? */
enum rc written_has(
    const struct home *home, const struct media *media, bool *ret) MUST_CHECK;

#endif
