/* SPDX-License-Identifier: Apache-2.0 */
/* `history`: all responses that this side has had, onto a stick, for a CA that
 * lost its ledger. */
#include "transfer/online/cmd/cmd.h"

#include "base/term.h"
#include "transfer/online/receive/history.h"
#include "transfer/online/store/home.h"

#include <errno.h>
#include <stdlib.h>

struct telling {
	struct cmd_env *env;
	const char *out, *from;
	uint32_t first; /* response */
	struct store store;
	struct media media;
	size_t n;
	uint32_t lowest, last;
	struct buf note; /* of the newest one */
};

static void
telling_wipe(struct telling *t)
{
	store_wipe(&t->store);
	media_wipe(&t->media);
	buf_wipe(&t->note);
}

static enum rc
history_put(struct telling *t, const char *path, const struct layout *layout)
{
	struct media_file *files = calloc(layout->n, sizeof(*files));
	enum rc rc;

	if (files == NULL)
		return err_memory();
	for (size_t i = 0; i < layout->n; i++)
		files[i] = (struct media_file){ .name = layout->names[i],
			.bytes = buf_span(&layout->bytes[i]) };
	buf_reset(&t->note);
	rc = media_put_dir(&t->media, path, files, layout->n, &t->note);
	free(files);
	return rc;
}

static enum rc
history_tell_one(void *arg, const struct stored_manifest *m)
{
	struct telling *t = arg;
	WIPED(layout) layout = { 0 };
	char path[MEDIA_NAME_MAX];
	enum rc rc = history_make(&t->store, m, &layout);

	history_path(&t->store, m->sequence, path);
	if (rc == RC_OK && !t->env->dry_run)
		rc = history_put(t, path, &layout);
	if (rc != RC_OK)
		return rc;
	t->lowest = t->n == 0 ? m->sequence : t->lowest;
	t->last = m->sequence;
	t->n++;
	return RC_OK;
}

static enum rc
history_say(const struct telling *t)
{
	char path[MEDIA_NAME_MAX];

	if (t->n == 0)
		return err_set(RC_STATE,
		    "no response %s%s is held here: there is nothing to tell",
		    t->from == NULL ? "at all" : "from number ",
		    t->from == NULL ? "" : t->from);
	history_path(&t->store, t->last, path);
	*strrchr(path, '/') = '\0';
	term_say("%s/%s: %zu response%s of the CA, number %u to %u\n", t->out,
	    path, t->n, t->n == 1 ? "" : "s", t->lowest, t->last);
	if (t->note.n != 0)
		term_field("read back", "%.*s", SPAN_FMT(buf_span(&t->note)));
	if (t->env->dry_run)
		term_say("Dry run: nothing was written.\n");
	else
		term_say(
		    "Carry it to the CA, and there: airgap-ca recover STICK\n");
	if (!t->env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:o,s:I,s:I,s:I}", "path",
	    cmd_json_text(span_str(path)), "responses", (json_int_t)t->n,
	    "from", (json_int_t)t->lowest, "to", (json_int_t)t->last));
}

static enum rc
history_check_words(struct telling *t, const struct cmd_list *operands)
{
	char *end = NULL;
	unsigned long first = 1;

	if (operands->n != 0 || t->out == NULL)
		return cmd_wants(t->env, "--out MEDIA and no operand");
	errno = 0;
	if (t->from != NULL)
		first = strtoul(t->from, &end, 10);
	if (t->from != NULL &&
	    (errno != 0 || end == t->from || *end != '\0' || first < 1 ||
		first > UINT32_MAX || *t->from == '-'))
		return err_set(
		    RC_USAGE, "--from %s: not a response's number", t->from);
	t->first = (uint32_t)first;
	return RC_OK;
}

enum rc
cmd_history(struct cmd_env *env, int argc, char **argv)
{
	WIPED(telling) t = { .env = env };
	const struct cmd_option options[] = {
		{ .name = "out",
		    .value = "MEDIA",
		    .text = &t.out,
		    .help = "the stick" },
		{ .name = "from",
		    .value = "SEQ",
		    .text = &t.from,
		    .help = "this response and the later ones only" },
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = history_check_words(&t, &operands);
	if (rc == RC_OK)
		rc = online_open(env->home, false, &t.store);
	if (rc == RC_OK)
		rc = media_open(t.out, &t.media);
	if (rc == RC_OK)
		rc = store_each_manifest(
		    &t.store, t.first, history_tell_one, &t);
	return rc != RC_OK ? rc : history_say(&t);
}
