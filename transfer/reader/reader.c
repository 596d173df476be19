/* SPDX-License-Identifier: Apache-2.0 */
/* The child: whatever it parses was written by a stranger, so it owns nothing
 * worth taking. Its own parent is the only one that it may trust. */
#include "transfer/reader/reader.h"

#include "base/file.h"
#include "base/frame.h"
#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/format/cose.h"
#include "transfer/reader/reader_history.h"
#include "transfer/reader/reader_loose.h"
#include "transfer/reader/reader_stray.h"
#include "transfer/reader/reader_verdict.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"
#include "transfer/sandbox/preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PARENT_NAME "parent"
#define BUNDLE_SUFFIX ".cose"
/* For an operator's file of any name. */
#define BUNDLE_ALIAS "bundle.cose"
#define LOOSE_ALIAS "request.csr"

struct reader_process {
	int sock;
	struct reader_place place;
	struct media media; /* the place, when that is a directory */
	struct sandbox_level level;
	bool listed, locked;
	struct media_names names;
	size_t next;	    /* of names */
	size_t room;	    /* bytes that may still be copied */
	struct sealed copy; /* what `handed` points into */
	bool parsed;
	struct verdicts_of handed;
	struct loose_scan loose;
	struct stray_scan strays;
	struct history_scan history;
	struct key_cache keys;
	struct buf out;
};

static void
reader_process_wipe(struct reader_process *r)
{
	media_names_wipe(&r->names);
	verdicts_of_wipe(&r->handed);
	sealed_wipe(&r->copy);
	loose_scan_wipe(&r->loose);
	stray_scan_wipe(&r->strays);
	history_scan_wipe(&r->history);
	key_cache_wipe(&r->keys);
	buf_wipe(&r->out);
}

/* ---- answers ------------------------------------------------------------- */

static enum rc answer_failed(struct reader_process *r, enum rc why);

/* What `more` holds, in whole items, ends the answer. Of a reader that ran
 * short no other answer than that is worth anything. */
static enum rc
answer_send(struct reader_process *r, const struct reader_said *said,
    const struct verdicts *more, int fd)
{
	struct span rest = more == NULL ? SPAN_NONE : buf_span(&more->bytes);
	struct span one = SPAN_NONE;
	struct cbor_out out;
	size_t done = 0;
	enum rc rc;

	if (said->kind != ANSWER_FAILED && err_check_shortage() != RC_OK)
		return answer_failed(r, RC_IO);
	buf_reset(&r->out);
	cbor_out_init(&out, &r->out);
	schema_put(&out, &reader_said_form, said);
	for (size_t i = 0; more != NULL && i < said->n_verdicts; i++) {
		(void)span_take(&rest, more->ends[i] - done, &one);
		done = more->ends[i];
		cbor_put_raw(&out, one);
	}
	rc = cbor_out_end(&out);
	if (rc != RC_OK)
		return rc;
	return frame_send(r->sock, buf_span(&r->out), fd, PARENT_NAME);
}

static enum rc
answer_failed(struct reader_process *r, enum rc why)
{
	const struct reader_said said = { .kind = ANSWER_FAILED,
		.error = reader_error_now(why) };

	return answer_send(r, &said, NULL, -1);
}

static enum rc
answer_end(struct reader_process *r)
{
	const struct reader_said said = { .kind = ANSWER_END };

	return answer_send(r, &said, NULL, -1);
}

static enum rc
answer_level(struct reader_process *r)
{
	const struct reader_said said = { .kind = ANSWER_LEVEL,
		.seccomp = r->level.seccomp,
		.landlock_abi = (uint32_t)r->level.landlock_abi };

	return answer_send(r, &said, NULL, -1);
}

/* ---- scanning: phase a --------------------------------------------------- */

static enum rc
lock_in(struct reader_process *r)
{
	enum rc rc = r->locked ? RC_OK : sandbox_strict();

	if (rc == RC_OK)
		r->locked = true;
	return rc;
}

/* A file that cannot be copied is an answer and not the end: the next one may
 * be the bundle that matters. */
static enum rc
answer_copy(
    struct reader_process *r, const char *name, enum rc copied, int memfd)
{
	struct reader_said said = { .kind = ANSWER_FILE,
		.name = span_str(name) };

	if (copied == RC_OK)
		return answer_send(r, &said, NULL, memfd);
	said.kind = ANSWER_REFUSED;
	said.error = reader_error_now(copied);
	return answer_send(r, &said, NULL, -1);
}

/* All copies are held at once, and a stick may be larger than the memory. */
static enum rc
room_take(struct reader_process *r, int memfd)
{
	struct stat st;

	if (fstat(memfd, &st) != 0)
		return err_errno(RC_IO, errno, "a copy cannot be looked at");
	r->room -= (size_t)st.st_size; /* it was the cap */
	return RC_OK;
}

static enum rc
scan_dir(struct reader_process *r)
{
	const char *name = r->names.items[r->next++];
	char path[sizeof(MEDIA_REQUESTS) + MEDIA_NAME_MAX];
	OWN_FD memfd = -1;
	enum rc rc;

	(void)snprintf(path, sizeof(path), MEDIA_REQUESTS "/%s", name);
	rc = media_copy(&r->media, path, r->room, &memfd);
	if (rc == RC_OK)
		rc = room_take(r, memfd);
	return answer_copy(r, name, rc, memfd);
}

/* The operator may have given any name; only ours go further. */
static const char *
place_name(const struct reader_process *r, const char *alias)
{
	const char *slash = strrchr(r->place.path, '/');
	const char *name = slash == NULL ? r->place.path : slash + 1;

	return media_name_ok(name) ? name : alias;
}

/* Once: the descriptor is closed, and the next scan finds the end. */
static enum rc
scan_file(struct reader_process *r)
{
	OWN_FD memfd = -1;
	enum rc rc;

	rc = media_copy_fd(r->place.path, r->place.file, COSE_FILE_MAX, &memfd);
	fd_close(&r->place.file);
	return answer_copy(r, place_name(r, BUNDLE_ALIAS), rc, memfd);
}

/* A bundle that somebody renamed is not passed over without a word. */
static enum rc
answer_left_out(struct reader_process *r)
{
	char from[PATH_MAX];

	(void)snprintf(from, sizeof(from), "%s/" MEDIA_REQUESTS, r->media.path);
	return answer_copy(
	    r, "requests", media_name_refuse(from, r->names.left_out), -1);
}

static enum rc
list_once(struct reader_process *r)
{
	if (r->place.dir < 0 || r->listed)
		return RC_OK;
	r->listed = true;
	return media_list(
	    &r->media, MEDIA_REQUESTS, BUNDLE_SUFFIX, false, &r->names);
}

/* ---- what else lies there: both phases ----------------------------------- */

static enum rc
strays_gather(struct reader_process *r, bool for_csrs, bool any_name)
{
	if (r->strays.begun)
		return RC_OK;
	r->strays.for_csrs = for_csrs;
	r->strays.any_name = any_name;
	r->strays.begun = true;
	return r->locked || r->place.dir < 0
		   ? RC_OK
		   : stray_scan_dir(&r->strays, &r->media);
}

/* The next that was left behind, if there is one. */
static enum rc
answer_left(struct reader_process *r, struct reader_left *left, bool *ret_told)
{
	const struct reader_left_one *one = reader_left_next(left);

	*ret_told = one != NULL;
	return one == NULL ? RC_OK : answer_copy(r, one->name, one->rc, -1);
}

/* Behind what is wanted: no file is opened any more. */
static enum rc
scan_strays(struct reader_process *r, bool for_csrs, bool any_name)
{
	bool told = false;
	enum rc rc = strays_gather(r, for_csrs, any_name);

	if (rc == RC_OK)
		rc = lock_in(r);
	if (rc == RC_OK)
		rc = stray_scan_parse(&r->strays, r->media.path);
	if (rc != RC_OK)
		return answer_failed(r, rc);
	rc = answer_left(r, &r->strays.left, &told);
	return rc != RC_OK || told ? rc : answer_end(r);
}

static enum rc
transfer_reader_scan(struct reader_process *r)
{
	bool listed = r->listed;
	enum rc rc;

	if (r->place.file >= 0)
		return scan_file(r);
	rc = list_once(r);
	if (rc == RC_OK && !listed && r->names.left_out[0] != '\0')
		return answer_left_out(r);
	if (rc == RC_OK && r->next < r->names.n)
		return scan_dir(r);
	return rc == RC_OK ? scan_strays(r, false, false)
			   : answer_failed(r, rc);
}

/* ---- loose CSRs: both phases --------------------------------------------- */

static enum rc
loose_gather(struct reader_process *r)
{
	enum rc rc = RC_OK;

	if (r->locked) /* too late for any file */
		r->loose.begun = true;
	else if (r->place.file >= 0)
		rc = loose_scan_file(
		    &r->loose, place_name(r, LOOSE_ALIAS), r->place.file);
	else if (r->place.dir >= 0)
		rc = loose_scan_dir(&r->loose, &r->media);
	if (rc == RC_OK)
		rc = strays_gather(r, true, false);
	if (rc == RC_OK)
		rc = lock_in(r);
	if (rc == RC_OK)
		rc = stray_scan_parse(&r->strays, r->media.path);
	return rc != RC_OK ? rc : loose_scan_parse(&r->loose);
}

/* Each refused file first, then the others as one set. */
static enum rc
scan_loose(struct reader_process *r)
{
	struct loose_scan *loose = &r->loose;
	bool told = false;
	enum rc rc = loose->begun ? RC_OK : loose_gather(r);

	if (rc != RC_OK)
		return answer_failed(r, rc);
	rc = answer_left(r, &loose->left, &told);
	if (rc == RC_OK && !told)
		rc = answer_left(r, &r->strays.left, &told);
	if (rc != RC_OK || told)
		return rc;
	if (loose->memfd < 0)
		return answer_end(r);
	rc = answer_copy(r, LOOSE_NAME, RC_OK, loose->memfd);
	fd_close(&loose->memfd);
	return rc;
}

/* ---- histories: both phases -----------------------------------------------
 */

static enum rc
history_gather(struct reader_process *r)
{
	enum rc rc = RC_OK;

	if (r->locked || r->place.dir < 0)
		r->history.begun = true;
	else
		rc = history_scan_dir(&r->history, &r->media);
	if (rc == RC_OK)
		rc = lock_in(r);
	return rc != RC_OK ? rc : history_scan_parse(&r->history);
}

/* Each refused response first, then the others as one set. */
static enum rc
scan_history(struct reader_process *r)
{
	bool told = false;
	enum rc rc = r->history.begun ? RC_OK : history_gather(r);

	if (rc != RC_OK)
		return answer_failed(r, rc);
	rc = answer_left(r, &r->history.left, &told);
	if (rc != RC_OK || told)
		return rc;
	if (r->history.memfd < 0)
		return answer_end(r);
	rc = answer_copy(r, HISTORY_SET, RC_OK, r->history.memfd);
	fd_close(&r->history.memfd);
	return rc;
}

/* ---- checking: phase b --------------------------------------------------- */

/* The same memory as last time? Its number cannot be used again as long as our
 * own descriptor holds it. */
static bool
is_parsed(const struct reader_process *r, int memfd)
{
	struct stat a, b;

	return r->parsed && fstat(r->copy.fd, &a) == 0 &&
	       fstat(memfd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static enum rc
reader_parse_bundle(struct span bytes, struct bundle *ret)
{
	struct cose cose;
	enum rc rc = cose_read("bundle", bytes, COSE_BUNDLE, &cose);

	return rc != RC_OK ? rc : bundle_read("bundle", cose.payload, ret);
}

/* As if they were a bundle's, by the names of their files. */
static enum rc
parse_loose(struct span bytes, struct bundle *ret)
{
	WIPED(loose) loose = { 0 };
	enum rc rc = loose_read(bytes, &loose);

	if (rc != RC_OK)
		return rc;
	ret->requests = calloc(loose.n, sizeof(ret->requests[0]));
	if (ret->requests == NULL)
		return err_memory();
	for (size_t i = 0; i < loose.n; i++) {
		ret->requests[i].id = loose.items[i].name;
		ret->requests[i].csr = loose.items[i].der;
	}
	ret->n_requests = loose.n;
	return RC_OK;
}

static enum rc
reader_parse_copy(struct reader_process *r, enum reader_command order)
{
	const struct span bytes = r->copy.bytes;

	if (order == READER_CHECK)
		return reader_parse_bundle(bytes, &r->handed.bundle);
	if (order == READER_CHECK_LOOSE)
		return parse_loose(bytes, &r->handed.bundle);
	return csr_files_read(bytes, &r->handed.files);
}

static enum rc
reader_parse(struct reader_process *r, enum reader_command order, int *memfd)
{
	enum rc rc;

	if (is_parsed(r, *memfd) && r->handed.order == order)
		return RC_OK;
	verdicts_of_wipe(&r->handed);
	r->handed = (struct verdicts_of){ .order = order };
	r->parsed = false;
	sealed_wipe(&r->copy);
	rc = sealed_map(*memfd, &r->copy);
	if (rc != RC_OK)
		return rc;
	*memfd = -1;
	rc = reader_parse_copy(r, order);
	r->parsed = rc == RC_OK;
	return rc;
}

/* Verdicts on first..end-1, as many to a record as are worth it. */
static enum rc
check_range(struct reader_process *r, uint32_t first, uint32_t end)
{
	WIPED(verdicts) batch = { 0 };

	while (first < end) {
		struct reader_said said = { .kind = ANSWER_VERDICTS };
		enum rc rc =
		    verdicts_fill(&batch, &r->handed, &r->keys, first, end);

		if (rc != RC_OK)
			return answer_failed(r, rc);
		said.n_verdicts = batch.n;
		rc = answer_send(r, &said, &batch, -1);
		if (rc != RC_OK)
			return rc;
		first += (uint32_t)batch.n;
	}
	return RC_OK;
}

static enum rc
reader_check(
    struct reader_process *r, const struct reader_order *order, int *memfd)
{
	const uint32_t first = order->first, n = order->n;
	size_t all = 0;
	/* A stranger's bytes are parsed from here on, and no file is opened. */
	enum rc rc = lock_in(r);

	if (rc == RC_OK && *memfd < 0)
		rc = err_set(RC_BUG, "the reader was handed no bundle");
	if (rc == RC_OK)
		rc = reader_parse(r, order->kind, memfd);
	if (rc == RC_OK)
		all = verdicts_of_count(&r->handed);
	if (rc == RC_OK && (first > all || n > all - first))
		rc = err_set(RC_BUG,
		    "the reader was asked for requests that the bundle has not");
	if (rc != RC_OK)
		return answer_failed(r, rc);
	return check_range(r, first, first + n);
}

/* ---- commands ------------------------------------------------------------ */

static enum rc
obey(struct reader_process *r, struct span command, int *memfd)
{
	struct reader_order order = { .first = 0 };
	enum rc rc = cbor_in_check(PARENT_NAME, command);

	if (rc == RC_OK)
		rc = schema_read(
		    PARENT_NAME, command, &reader_order_form, &order);
	if (rc != RC_OK)
		return rc;
	switch (order.kind) {
	case READER_SCAN:
		return transfer_reader_scan(r);
	case READER_LEVEL:
		return answer_level(r);
	case READER_SCAN_LOOSE:
		return scan_loose(r);
	case READER_SCAN_HISTORY:
		return scan_history(r);
	case READER_SCAN_FOLDER:
		return scan_strays(r, true, true);
	case READER_CHECK:
	case READER_CHECK_LOOSE:
	case READER_CHECK_FILES:
	case READER_DERS:
		break;
	}
	return reader_check(r, &order, memfd);
}

/* Until the parent closes its end: that is how a reader is dismissed. */
static enum rc
serve(struct reader_process *r)
{
	WIPED(buf) command = { 0 };
	enum rc rc;

	do {
		OWN_FD memfd = -1;

		if (frame_recv(r->sock, READER_COMMAND_MAX, 0, &command, &memfd,
			PARENT_NAME) != RC_OK)
			return RC_OK;
		rc = obey(r, buf_span(&command), &memfd);
	} while (rc == RC_OK);
	return rc;
}

static enum rc
reader_settle(struct reader_process *r)
{
	enum rc rc = sandbox_leave_terminal();

	if (rc == RC_OK)
		rc = preload();
	/* A single file is open already: nothing else needs to be. */
	if (rc == RC_OK)
		rc = sandbox_read_only(r->place.dir, &r->level);
	if (rc == RC_OK && r->place.path == NULL)
		rc = lock_in(r);
	return rc;
}

enum rc
reader_run(int sock, void *arg)
{
	const struct reader_place *place = arg;
	struct reader_process r = {
		.sock = sock, .place = *place, .room = MEDIA_BUNDLES_MAX
	};
	enum rc rc;

	/* The path is only a name here: the directory is open. */
	r.media.path = strdup(place->path != NULL ? place->path : "");
	r.media.root = place->dir;
	r.copy.fd = -1;
	r.loose.memfd = -1;
	r.history.memfd = -1;
	rc = r.media.path == NULL ? err_memory() : reader_settle(&r);
	if (rc == RC_OK)
		rc = answer_end(&r);
	else
		(void)answer_failed(&r, rc);
	if (rc == RC_OK)
		rc = serve(&r);
	reader_process_wipe(&r);
	return rc;
}
