/* SPDX-License-Identifier: Apache-2.0 */
/** A copy of all that a CA is, but for its keys: ledger and policy in one file.
 *
 * A backup is an SQLite database like the ledger, with one table more:
 *	home(name, bytes)	the files of the home that belong to it: policy.conf
 * Nothing in it is secret; the keys stay on the token. What was backed up last
 * is remembered in a file of the home and not in the ledger, whose head must not
 * move by being copied.
 */
#ifndef CA_HOME_BACKUP_H
#define CA_HOME_BACKUP_H

#include "ca/home/home.h"
#include "transfer/media/media.h"

#define BACKUPS "airgap-ca/backups" /* on a medium */
#define HOME_BACKUP "backup.state"

/** A copy that was checked whole, in the home under a temporary name. */
struct backup {
	char *temporary;	 /* owned; removed by backup_wipe */
	void *map;		 /* of it */
	struct span bytes;	 /* in the map */
	uint8_t digest[SHA256_LEN]; /* of the bytes */
	struct ledger_head head;
	int64_t newest; /* time of the newest record; 0: none */
};
void backup_wipe(struct backup *backup);

/** Make it. A signer may be at work meanwhile: the copy is of one moment.
 * \retval RC_STATE the ledger is damaged, RC_FORMAT rule POLICY */
enum rc backup_make(const struct home *home, struct ledger *ledger,
    struct backup *ret) MUST_CHECK;

/** "airgap-ca/backups/<8 hex of ca-id>-<yyyymmddthhmmssz>.db" */
enum rc backup_name(const uint8_t ca_id[static SHA256_LEN], int64_t now,
    char ret[static MEDIA_NAME_MAX]) MUST_CHECK;

/** Write it to a medium, or as a new file, and read it back. `ret_note` as
 * media_put_file's. */
enum rc backup_put_media(const struct backup *backup, const struct media *media,
    const char *path, struct buf *ret_note) MUST_CHECK;
enum rc backup_put_file(const struct backup *backup, const char *path,
    struct buf *ret_note) MUST_CHECK;

/** The same where an older backup of this ledger lies, which goes only when the
 * new one was read back: it holds nothing that the new one lacks.
 * \retval RC_IO what lies there is anything else, or as above */
enum rc backup_put_over(const struct backup *backup, const struct home *home,
    struct ledger *ledger, const char *path, struct buf *ret_note) MUST_CHECK;

/** What this home knows of its newest backup. */
struct backup_state {
	bool any;    /* there is one, of this ledger's history */
	struct ledger_head head;
	int64_t at;  /* when it was made */
	bool behind; /* something was signed since, or without any */
	int64_t signed_at; /* then: the newest response's time */
};
enum rc backup_state_write(const struct home *home,
    const struct ledger_head *head, int64_t at) MUST_CHECK;
enum rc backup_state_read(const struct home *home, struct ledger *ledger,
    struct backup_state *ret) MUST_CHECK;

#endif
