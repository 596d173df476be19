/* SPDX-License-Identifier: Apache-2.0 */
/* `backup`: a copy to a directory, a file or a stick. What is in the copy is
 * for ca/home/backup.c. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cmd.h"
#include "ca/home/backup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

struct copying {
	struct cmd_env *env;
	const char *to;
	bool to_media;
	int64_t now;
	struct home home;
	struct ledger *ledger;
	struct ledger_ca ca;
	struct backup backup;
	struct media media;
	char name[MEDIA_NAME_MAX]; /* below the medium's root */
	struct buf note;
};

static void
copying_wipe(struct copying *c)
{
	backup_wipe(&c->backup);
	ledger_free(c->ledger);
	home_wipe(&c->home);
	ledger_ca_wipe(&c->ca);
	media_wipe(&c->media);
	buf_wipe(&c->note);
}

static bool
backup_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum rc
backup_look(struct copying *c)
{
	enum rc rc = clock_now(&c->now);

	if (rc == RC_OK)
		rc = home_open(c->env->home, &c->home);
	if (rc == RC_OK)
		rc = home_ledger_open(&c->home, false, &c->ledger);
	if (rc == RC_OK)
		rc = ledger_ca_get(c->ledger, &c->ca);
	if (rc == RC_OK)
		rc = backup_name(c->ca.ca_id, c->now, c->name);
	c->to_media = backup_is_directory(c->to);
	if (rc == RC_OK && c->to_media)
		rc = media_open(c->to, &c->media);
	return rc;
}

static enum rc
put_copy(struct copying *c)
{
	if (c->to_media)
		return backup_put_media(
		    &c->backup, &c->media, c->name, &c->note);
	if (faccessat(AT_FDCWD, c->to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return backup_put_over(
		    &c->backup, &c->home, c->ledger, c->to, &c->note);
	return backup_put_file(&c->backup, c->to, &c->note);
}

/* What counts is remembered only when it was read back. */
static enum rc
backup_put(struct copying *c)
{
	enum rc rc = put_copy(c);

	return rc != RC_OK
		   ? rc
		   : backup_state_write(&c->home, &c->backup.head, c->now);
}

static enum rc
backup_say(const struct copying *c)
{
	char hex[SHA256_HEX], newest[CLOCK_TEXT];

	hex_write(span_of(c->backup.digest, SHA256_LEN), hex);
	clock_write(c->backup.newest, newest);
	term_bold("%s of ledger and policy: %" PRIu64 " records, to %s\n",
	    c->env->dry_run ? "A backup" : "Backup", c->backup.head.count,
	    newest);
	if (c->to_media)
		term_field("file", "%s/%s", c->to, c->name);
	else
		term_field("file", "%s", c->to);
	term_field("sha256", "%s", hex);
	if (c->note.n != 0)
		term_field("read back", "%.*s", SPAN_FMT(buf_span(&c->note)));
	if (c->env->dry_run)
		term_say("Dry run: nothing was written.\n");
	if (!c->env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:o,s:I,s:o,s:o,s:o}", "path",
	    cmd_json_text(span_str(c->to_media ? c->name : c->to)), "records",
	    (json_int_t)c->backup.head.count, "head",
	    cmd_json_hex(span_of(c->backup.head.hash, SHA256_LEN)), "newest",
	    cmd_json_time(c->backup.newest), "sha256",
	    cmd_json_hex(span_of(c->backup.digest, SHA256_LEN))));
}

enum rc
cmd_backup(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(copying) c = { .env = env, .home = { .fd = -1 } };
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &operands, "FILE or MEDIA", &c.to);
	if (rc == RC_OK)
		rc = backup_look(&c);
	if (rc == RC_OK)
		rc = backup_make(&c.home, c.ledger, &c.backup);
	if (rc == RC_OK && !env->dry_run)
		rc = backup_put(&c);
	return rc != RC_OK ? rc : backup_say(&c);
}
