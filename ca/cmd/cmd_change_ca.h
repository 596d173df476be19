/* SPDX-License-Identifier: Apache-2.0 */
/** What `renew-ca` and `rollover` share: the review, Yes, and what is written. */
#ifndef CA_CMD_CMD_CHANGE_CA_H
#define CA_CMD_CMD_CHANGE_CA_H

#include "base/cmd.h"
#include "ca/lifecycle/change_ca.h"

struct change_ca_words {
	const char *title;  /* "The CA's certificate is renewed" */
	const char *ask;    /* "Renew it? Type Yes: " */
	const char *again;  /* the command, in sentences */
	/* What it does not help, and what it changes besides. */
	enum rc (*review)(const struct change_ca *c);
};

/** From the children to what is printed. `o` is filled in but for home and dry_run. */
enum rc cmd_change_ca(struct cmd_env *env, struct act_options *o,
    struct change_ca *c, const struct change_ca_words *words) MUST_CHECK;

#endif
