/* SPDX-License-Identifier: Apache-2.0 */
/** A home from a backup.
 *
 * It is made whole in a directory beside the home and renamed into place: a run
 * that was killed has left nothing that counts, and the next one clears it away.
 */
#ifndef CA_LIFECYCLE_RESTORE_H
#define CA_LIFECYCLE_RESTORE_H

#include "ca/home/home.h"

struct restore {
	char *path;	 /* owned: the home to be */
	char *temporary; /* owned: beside it; emptied by restore_wipe */
	struct home home; /* of the temporary one; its descriptor holds a lock */
	struct ledger *ledger; /* the copy, once it was checked */
	struct ledger_ca ca;
	struct ledger_totals totals;
	struct ledger_head head;
	uint8_t digest[SHA256_LEN]; /* of the backup file */
	struct buf policy;	    /* text of policy.conf */
	bool other_policy; /* it is not the one that was last signed under */
	int64_t newest;		    /* time of its newest record */
	int64_t now;
};
void restore_wipe(struct restore *restore);

/** Copy a backup and check the copy whole: every record, every table, policy.
 * \retval RC_STATE a CA lives in `home` already, or the backup is damaged
 * \retval RC_FORMAT no regular file; rule POLICY; RC_IO */
enum rc restore_open(const char *home, const char *file, struct restore *ret)
    MUST_CHECK;

/** Record that it was restored, complete the home, and put it in place.
 * `token` is the URI for token.conf; NULL: none is written.
 * \retval RC_STATE rule CLOCK-BEHIND */
enum rc restore_finish(struct restore *restore, const char *token) MUST_CHECK;

/** Is `home` the one that was restored from this very file? What another run of
 * `restore` may complete. \retval RC_IO */
enum rc restore_is_done(const char *home, const char *file, bool *ret_done)
    MUST_CHECK;

/** Write where this machine reaches the token, into such a home. */
enum rc restore_token(const char *home, const char *token) MUST_CHECK;

#endif
