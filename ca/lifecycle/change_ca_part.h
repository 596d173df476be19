/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of change_ca share, and nobody else includes. */
#ifndef CA_LIFECYCLE_CHANGE_CA_PART_H
#define CA_LIFECYCLE_CHANGE_CA_PART_H

#include "ca/lifecycle/change_ca.h"

/** Note in the ledger what may be signed, unless it is there: c->begun. */
enum rc change_ca_note(struct change_ca *c) MUST_CHECK;

#endif
