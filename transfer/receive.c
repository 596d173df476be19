/* SPDX-License-Identifier: Apache-2.0 */
/* Responses one after the other, each in a transaction of its own:
 * certificates go in as the judge passes them and are rolled back with
 * everything else when the response turns out bad. The next one is judged
 * under the trust and policy that this one left. */
#include "transfer/receive.h"

#include "base/clock.h"
#include "transfer/rule.h"

#include <stdio.h>
#include <stdlib.h>

#define MANIFEST_NAME "manifest.cose"
#define PATH_LEN 256
#define PREFIX_LEN 18 /* "0123abcd-4567cdef-" */

/* One response directory. */
struct visit {
	struct store *store;
	const struct media *media;
	char path[PATH_LEN];
	struct sealed manifest, file;
	struct media_names names;
	struct span *others; /* owned: the names but the manifest's */
	size_t n_others;
	uint32_t bundle_sequence;
	struct buf bundle;
};

static void
visit_wipe(struct visit *v)
{
	sealed_wipe(&v->manifest);
	sealed_wipe(&v->file);
	media_names_wipe(&v->names);
	free(v->others);
	buf_wipe(&v->bundle);
}

static enum rc
map_file(struct visit *v, const char *name, size_t cap, struct sealed *ret)
{
	char path[PATH_LEN + MEDIA_NAME_MAX];
	int fd = -1;
	enum rc rc;

	(void)snprintf(path, sizeof(path), "%s/%s", v->path, name);
	rc = media_copy(v->media, path, cap, &fd);
	if (rc == RC_OK)
		rc = sealed_map(fd, ret);
	return rc;
}

/* ---- what the judge asks for --------------------------------------------- */

/* One file in memory at a time; the one before is unmapped. */
static enum rc
give_file(void *arg, size_t i, struct span *ret_bytes)
{
	struct visit *v = arg;
	char name[MEDIA_NAME_MAX];
	enum rc rc;

	sealed_wipe(&v->file);
	v->file = (struct sealed){ .fd = -1 };
	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(v->others[i]));
	rc = map_file(v, name, MEDIA_FILE_MAX, &v->file);
	if (rc == RC_OK)
		*ret_bytes = v->file.bytes;
	return rc;
}

static enum rc
give_bundle(void *arg, const uint8_t *id, enum bundle_state *ret,
    struct span *ret_bytes)
{
	struct visit *v = arg;
	enum rc rc = store_bundle_find(
	    v->store, id, ret, &v->bundle_sequence, &v->bundle);

	*ret_bytes = buf_span(&v->bundle);
	return rc;
}

static enum rc
give_accepted(void *arg, uint32_t sequence, bool *ret_known,
    uint8_t ret_digest[static SHA256_LEN])
{
	struct visit *v = arg;

	return store_accepted(v->store, sequence, ret_known, ret_digest);
}

static enum rc
give_seen(void *arg, struct span serial, bool *ret)
{
	struct visit *v = arg;

	return store_serial_seen(v->store, serial, ret);
}

static enum rc
take_cert(void *arg, const struct judged *judged)
{
	struct visit *v = arg;
	const struct channel *c = &v->store->channel;

	return store_cert_add(v->store, c->has_head ? c->head.sequence + 1 : 1,
	    v->bundle_sequence, judged);
}

/* ---- one response -------------------------------------------------------- */

static enum rc
list_files(struct visit *v)
{
	enum rc rc = media_list(v->media, v->path, NULL, true, &v->names);

	if (rc != RC_OK)
		return rc;
	v->others = calloc(v->names.n + 1, sizeof(*v->others));
	if (v->others == NULL)
		return err_memory();
	for (size_t i = 0; i < v->names.n; i++)
		if (strcmp(v->names.items[i], MANIFEST_NAME) != 0)
			v->others[v->n_others++] = span_str(v->names.items[i]);
	if (v->n_others == v->names.n)
		return rule_refuse("MANIFEST-FILES",
		    "%s: " MANIFEST_NAME " is missing", v->path);
	return RC_OK;
}

static enum rc
judge_visit(struct visit *v, struct response_verdict *verdict)
{
	OWNS(judge) *judge = NULL;
	struct response r = {
		.from = v->path,
		.channel = &v->store->channel,
		.file = give_file,
		.bundle = give_bundle,
		.accepted = give_accepted,
		.seen = give_seen,
		.take = take_cert,
		.arg = v,
	};
	enum rc rc;

	rc = list_files(v);
	if (rc == RC_OK)
		rc = map_file(v, MANIFEST_NAME, COSE_FILE_MAX, &v->manifest);
	if (rc == RC_OK)
		rc = judge_new(&v->store->trust, &v->store->policy, &judge);
	if (rc != RC_OK)
		return rc;
	r.manifest = v->manifest.bytes;
	r.names = v->others;
	r.n_names = v->n_others;
	return judge_response(judge, &r, verdict);
}

static enum rc
take_response(struct visit *v, struct response_verdict *verdict)
{
	int64_t now;
	enum rc rc = clock_now(&now);

	if (rc == RC_OK)
		rc = judge_visit(v, verdict);
	if (rc == RC_OK && !verdict->again)
		rc = store_response_add(v->store, verdict, v->manifest.bytes,
		    v->bundle_sequence, now);
	return rc;
}

/* ---- all of them --------------------------------------------------------- */

struct round {
	struct store *store;
	const struct media *media;
	bool store_them;
	enum rc (*each)(void *arg, const struct received *r);
	void *arg;
	struct reception *ret;
};

static enum rc
tell(struct round *round, struct visit *v,
    const struct response_verdict *verdict)
{
	struct received r = { v->path, verdict->manifest.sequence, verdict };

	round->ret->found++;
	round->ret->again += verdict->again;
	round->ret->sequence = verdict->manifest.sequence;
	if (!verdict->again) {
		round->ret->n_certs += verdict->n_certs;
		round->ret->n_refused += verdict->n_refused;
	}
	return round->each == NULL ? RC_OK : round->each(round->arg, &r);
}

static enum rc
visit_one(struct round *round, const char *name)
{
	WIPED(response_verdict) verdict = { 0 };
	WIPED(visit)
	v = { .store = round->store,
		.media = round->media,
		.manifest = { .fd = -1 },
		.file = { .fd = -1 } };
	enum rc rc = RC_OK;

	(void)snprintf(v.path, sizeof(v.path), MEDIA_RESPONSES "/%s", name);
	if (round->store_them)
		rc = store_begin(round->store);
	if (rc == RC_OK)
		rc = take_response(&v, &verdict);
	if (rc == RC_OK && round->store_them)
		rc = store_commit(round->store);
	if (rc != RC_OK) {
		store_rollback(round->store);
		return rc;
	}
	if (!verdict.again)
		rc = store_reload(round->store);
	return rc != RC_OK ? rc : tell(round, &v, &verdict);
}

/* By prefixes of eight digits, which others may share: the manifest's own ids
 * decide. */
static bool
is_ours(const char *name, const char *prefix)
{
	size_t digits;

	if (strncmp(name, prefix, PREFIX_LEN) != 0)
		return false;
	digits = strspn(name + PREFIX_LEN, "0123456789");
	return digits >= 6 && name[PREFIX_LEN + digits] == '\0';
}

static enum rc
visit_all(struct round *round)
{
	const struct store *store = round->store;
	WIPED(media_names) names = { 0 };
	char ca[9], requester[9], prefix[PREFIX_LEN + 1];
	enum rc rc;

	rc = media_list(round->media, MEDIA_RESPONSES, NULL, false, &names);
	if (rc != RC_OK)
		return rc;
	hex_write(span_of(store->trust.ca_id, 4), ca);
	hex_write(span_of(store->channel.requester, 4), requester);
	(void)snprintf(prefix, sizeof(prefix), "%s-%s-", ca, requester);
	for (size_t i = 0; i < names.n && rc == RC_OK; i++)
		if (is_ours(names.items[i], prefix))
			rc = visit_one(round, names.items[i]);
	if (rc == RC_OK && round->ret->found == 0)
		rc = err_set(RC_IO,
		    "%s: no response for this host (" MEDIA_RESPONSES
		    "/%s*), and %zu for others",
		    round->media->path, prefix, names.n);
	return rc;
}

enum rc
receive(struct store *store, const struct media *media, bool store_them,
    enum rc (*each)(void *arg, const struct received *r), void *arg,
    struct reception *ret)
{
	struct round round = { store, media, store_them, each, arg, ret };
	enum rc rc = RC_OK;

	*ret = (struct reception){ 0 };
	/* Without storing, one transaction holds all and is undone. */
	if (!store_them)
		rc = store_begin(store);
	if (rc == RC_OK)
		rc = visit_all(&round);
	if (!store_them)
		store_rollback(store);
	return rc;
}
