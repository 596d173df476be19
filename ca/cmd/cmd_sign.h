/* SPDX-License-Identifier: Apache-2.0 */
/** The parts of the command `sign`, which share one run.
 *
 * cmd_sign.c has the options and the stick, cmd_sign_bundle.c one bundle,
 * cmd_sign_loose.c what is different when there is none,
 * cmd_sign_review.c what the operator sees before the word Yes, and
 * cmd_sign_json.c what a program reads.
 */
#ifndef CA_CMD_CMD_SIGN_H
#define CA_CMD_CMD_SIGN_H

#include "base/cmd.h"
#include "base/term.h"
#include "ca/cmd/cmd_deliver.h"
#include "ca/sign/work.h"

/* One run of `sign`. */
struct sign {
	struct cmd_env *env;
	struct visit visit;
	struct visit_options options;
	struct cmd_list expect;
	bool loose; /* plain CSRs, all for one profile */
	const char *profile;
	struct cmd_list names;
	struct name_list asked; /* by --name, for one CSR */
	struct delivery delivery;
	json_t *stopped; /* owned; NULL without --json */
	struct term_progress progress;
	size_t issued, refused, answered, other;
	size_t old_issued, old_refused; /* in stored answers, not yet arrived */
	enum rc first_stop; /* of a bundle; RC_OK while there is none */
	bool declined;
	bool signing; /* work_sign has begun, and not ended well */
};

/** What --expect says: a key, and perhaps the label that it is to have. */
struct sign_expect {
	struct span label; /* n 0: none is given */
	uint8_t key_id[SHA256_LEN];
};
/** False: neither HEX nor LABEL=HEX. */
bool sign_expect_read(const char *text, struct sign_expect *ret);

/** Everything that one file on the stick comes to.
 * \retval with a rule's name: this bundle is stopped, others may go on */
enum rc sign_file(struct sign *sign, const struct scanned *file) MUST_CHECK;

/** With --loose: refuse a medium that has a bundle without an answer.
 * Rule LOOSE-BUNDLE. */
enum rc sign_loose_alone(struct sign *sign) MUST_CHECK;
/** The same: a set for the profile and names that were typed.
 * \retval RC_USAGE names for more CSRs than one */
enum rc sign_loose_read(const struct sign *sign, const struct scanned *file,
    struct submission *ret) MUST_CHECK;
/** Without: a word about plain CSRs that lie there unused. */
enum rc sign_loose_hint(const struct sign *sign) MUST_CHECK;

/** Add, in a dry run, what would be decided. */
void sign_json_review(struct sign *sign, const struct work *w);

/** Who asks, the clock, the policy, the network, what would be signed, what is
 * refused and by which rule with its remedy. */
enum rc review_show(struct visit *v, const struct work *w) MUST_CHECK;

/** The sixteen words of a requester that this CA does not know. */
enum rc review_words(const struct submission *s) MUST_CHECK;

#endif
