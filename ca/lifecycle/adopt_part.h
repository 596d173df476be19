/* SPDX-License-Identifier: Apache-2.0 */
/* What a root that is adopted and a CA that another one certified share. */
#ifndef CA_LIFECYCLE_ADOPT_PART_H
#define CA_LIFECYCLE_ADOPT_PART_H

#include "ca/lifecycle/adopt.h"

/* Of a certificate that was judged: its form, its subject, and the notes on what
 * differs from a CA of ours. */
enum rc adopt_describe(int64_t now, struct adoption *a) MUST_CHECK;

#endif
