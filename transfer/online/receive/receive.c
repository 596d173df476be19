/* SPDX-License-Identifier: Apache-2.0 */
/* Responses one after the other, each in a transaction of its own:
 * certificates go in as the judge passes them and are rolled back with
 * everything else when the response turns out bad. The next one is judged
 * under the trust and policy that this one left. */
#include "transfer/online/receive/receive.h"

#include "base/clock.h"
#include "base/list.h"
#include "transfer/online/receive/history.h"
#include "transfer/online/receive/response_dir.h"
#include "transfer/online/store/home.h"
#include "transfer/online/store/store_revocation.h"
#include "transfer/rule.h"

#include <stdio.h>
#include <stdlib.h>

#define CHANNEL_PREFIX_LEN 18 /* "0123abcd-4567cdef-" */

/* One response directory. */
struct receive_visit {
	struct store *store;
	struct response_dir dir;
	uint32_t bundle_sequence;
	struct buf bundle;
	bool unasked; /* the store does not know what it answers */
	bool store_them;
	size_t n_lost;
	struct received_crls crls;
	struct learned *learned; /* owned */
	size_t n_learned;
};

static void
receive_visit_wipe(struct receive_visit *v)
{
	response_dir_wipe(&v->dir);
	buf_wipe(&v->bundle);
	free(v->learned);
}

/* ---- what the judge asks for --------------------------------------------- */

static enum rc
receive_give_file(void *arg, size_t i, struct span *ret_bytes)
{
	struct receive_visit *v = arg;

	return response_dir_file(&v->dir, i, ret_bytes);
}

static enum rc
give_bundle(void *arg, const uint8_t *id, enum bundle_state *ret,
    struct span *ret_bytes)
{
	struct receive_visit *v = arg;
	enum rc rc = store_bundle_find(
	    v->store, id, ret, &v->bundle_sequence, &v->bundle);

	*ret_bytes = buf_span(&v->bundle);
	v->unasked = rc == RC_OK && *ret == BUNDLE_UNKNOWN;
	if (v->unasked) {
		int64_t now;

		rc = clock_now(&now);
		if (rc == RC_OK)
			rc = store_unasked_begin(
			    v->store, id, now, &v->bundle_sequence);
	}
	return rc;
}

static enum rc
receive_find_key(void *arg, const uint8_t *key_id, struct buf *ret)
{
	const struct receive_visit *v = arg;

	return online_key_find(v->store, key_id, ret);
}

static enum rc
give_accepted(void *arg, uint32_t sequence, bool *ret_known,
    uint8_t ret_digest[static SHA256_LEN])
{
	struct receive_visit *v = arg;

	return store_accepted(v->store, sequence, ret_known, ret_digest);
}

static enum rc
receive_give_seen(void *arg, struct span serial, bool *ret)
{
	struct receive_visit *v = arg;

	return store_serial_seen(v->store, serial, ret);
}

static enum rc
receive_take_cert(void *arg, const struct judged *judged)
{
	struct receive_visit *v = arg;
	const struct channel *c = &v->store->channel;

	uint32_t next = c->has_head ? c->head.sequence + 1 : 1;

	return v->unasked
		   ? store_unasked_cert_add(
			 v->store, next, v->bundle_sequence, judged)
		   : store_cert_add(v->store, next, v->bundle_sequence, judged);
}

static enum rc
receive_give_pieces(void *arg, size_t i, const struct file_sink *to)
{
	struct receive_visit *v = arg;

	return response_dir_pieces(&v->dir, i, to);
}

static enum rc
give_crl_known(void *arg, uint64_t number, bool *ret_known,
    uint8_t ret_digest[static SHA256_LEN])
{
	struct receive_visit *v = arg;
	struct stored_crl crl;
	enum rc rc = store_crl_get(v->store, number, ret_known, &crl);

	if (rc == RC_OK && *ret_known)
		memcpy(ret_digest, crl.sha256, SHA256_LEN);
	return rc;
}

static enum rc
give_crl_past(void *arg, const uint8_t issuer[static SHA256_LEN], int64_t at,
    struct crl_past *ret)
{
	struct receive_visit *v = arg;

	return store_crl_past(v->store, issuer, at, ret);
}

/* What the response itself says is revoked counts. */
static enum rc
receive_give_own(void *arg, const struct manifest *m, struct buf *ret_list)
{
	struct receive_visit *v = arg;
	enum rc rc = store_revocations_answer(v->store, v->bundle_sequence, m);

	return rc != RC_OK ? rc : store_own_list(v->store, ret_list);
}

static enum rc
receive_take_revoked(void *arg, const struct crl_revoked *revoked)
{
	struct receive_visit *v = arg;
	struct learned *new;
	bool is_new = false;
	enum rc rc = store_revoked(v->store, revoked, &is_new);

	if (rc == RC_OK && (!is_new || revoked->serial.n > SERIAL_MAX))
		return err_set(RC_BUG,
		    "the judge's answer: a revocation of what is not here, or is known");
	if (rc == RC_OK)
		rc = LIST_GROW(v->learned, v->n_learned);
	if (rc != RC_OK)
		return rc;
	new = &v->learned[v->n_learned++];
	*new = (struct learned){ .serial_n = revoked->serial.n,
		.reason = revoked->reason,
		.at = revoked->at };
	memcpy(new->serial, revoked->serial.p, revoked->serial.n);
	return RC_OK;
}

/* ---- one response -------------------------------------------------------- */

static enum rc
receive_judge_visit(struct receive_visit *v, struct child *judge,
    struct response_verdict *verdict)
{
	const struct evidence r = {
		.from = v->dir.path,
		.manifest = v->dir.manifest.bytes,
		.channel = &v->store->channel,
		.names = v->dir.others,
		.n_names = v->dir.n_others,
		.file = receive_give_file,
		.bundle = give_bundle,
		.accepted = give_accepted,
		.seen = receive_give_seen,
		.pieces = receive_give_pieces,
		.crl_known = give_crl_known,
		.crl_past = give_crl_past,
		.own = receive_give_own,
		.revoked = receive_take_revoked,
		.take = receive_take_cert,
		.unasked = true,
		.arg = v,
	};

	return judge_receive(
	    judge, &v->store->trust, &v->store->policy, &r, verdict);
}

static enum rc
receive_take_response(struct receive_visit *v, struct child *judge,
    struct response_verdict *verdict)
{
	int64_t now;
	enum rc rc = clock_now(&now);

	if (rc == RC_OK)
		rc = receive_judge_visit(v, judge, verdict);
	if (rc == RC_OK && verdict->unasked)
		rc = store_unasked_add(v->store, v->bundle_sequence,
		    &verdict->manifest, receive_find_key, v, &v->n_lost);
	if (rc == RC_OK && !verdict->again)
		rc = store_revocations_answer(
		    v->store, v->bundle_sequence, &verdict->manifest);
	if (rc == RC_OK && !verdict->again)
		rc = receive_crls(v->store,
		    verdict->trust_changed ? &verdict->trust : &v->store->trust,
		    &v->dir, &verdict->manifest, v->store_them, &v->crls);
	if (rc == RC_OK && !verdict->again)
		rc = store_response_add(v->store, verdict,
		    v->dir.manifest.bytes, v->bundle_sequence, now);
	/* What history cannot give back a CA that lost it would miss. What was
	 * pinned by this response counts already. */
	if (rc == RC_OK && !verdict->again)
		rc = store_reload(v->store);
	if (rc == RC_OK && !verdict->again)
		rc = history_check(v->store, &verdict->manifest, v->dir.path);
	return rc;
}

/* ---- all of them --------------------------------------------------------- */

struct round {
	struct store *store;
	const struct media *media;
	struct child *judge;
	bool store_them;
	enum rc (*each)(void *arg, const struct received *r);
	void *arg;
	struct reception *ret;
};

/* Revocations of ours that it grants. */
static size_t
receive_revoked(const struct response_verdict *verdict)
{
	const struct manifest *m = &verdict->manifest;
	size_t n = 0;

	for (size_t i = 0; i < m->n_revocations; i++)
		if (m->revocations[i].status == REVOKED)
			n += m->revocations[i].n_serials;
	return n;
}

static enum rc
receive_tell(struct round *round, struct receive_visit *v,
    const struct response_verdict *verdict)
{
	struct received r = { v->dir.path, verdict->manifest.sequence,
		verdict->manifest.has_bundle ? v->bundle_sequence : 0, verdict,
		v->learned, v->n_learned, v->crls };

	round->ret->found++;
	round->ret->again += verdict->again;
	round->ret->sequence = verdict->manifest.sequence;
	round->ret->n_unasked += verdict->unasked;
	round->ret->n_lost += v->n_lost;
	if (!verdict->again) {
		round->ret->n_certs += verdict->n_certs;
		round->ret->n_refused += verdict->n_refused;
		round->ret->n_crls += v->crls.n;
		round->ret->n_revoked +=
		    v->n_learned + receive_revoked(verdict);
	}
	return round->each == NULL ? RC_OK : round->each(round->arg, &r);
}

/* Was it refused before anything of the CA's was proven? Then it can be
 * anybody's, and says nothing of what lies beside it. */
static bool
receive_is_junk(enum rule rule)
{
	switch (rule) {
	case RULE_CBOR:
	case RULE_CBOR_SCHEMA:
	case RULE_CHANNEL:
	case RULE_COSE_ALG:
	case RULE_COSE_FORM:
	case RULE_COSE_SIGNATURE:
	case RULE_COSE_TYPE:
	case RULE_MEDIA_COUNT:
	case RULE_MEDIA_FILE:
	case RULE_MEDIA_NAME:
	case RULE_MEDIA_SIZE:
	case RULE_TRANSFER_CERT:
		return true;
	default:
		return false;
	}
}

/* The number that a name bears behind its prefix. */
static uint32_t
number_of(const char *name)
{
	const unsigned long n = strtoul(name + CHANNEL_PREFIX_LEN, NULL, 10);

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* The highest number that it may be meant to have, by its name or its manifest:
 * what is damaged may say it in one of them only. */
static void
claim_number(const char *name, const struct response_dir *dir, uint32_t *ret)
{
	struct manifest head;
	struct cose cose;
	struct err_saved said;

	err_save(&said);
	*ret = number_of(name);
	if (dir->manifest.bytes.n != 0 &&
	    cose_read(dir->path, dir->manifest.bytes, COSE_MANIFEST, &cose) ==
		RC_OK &&
	    manifest_read_head(dir->path, cose.payload, &head) == RC_OK &&
	    head.sequence > *ret)
		*ret = head.sequence;
	err_restore(&said);
}

/* What was judged on the way is in force no more, in memory neither. */
static enum rc
receive_undo(struct store *store, enum rc rc)
{
	struct err_saved said;
	enum rc undone;

	err_save(&said);
	store_rollback(store);
	undone = store_reload(store);
	if (rc == RC_OK && undone != RC_OK)
		return undone;
	err_restore(&said);
	return rc;
}

static enum rc
visit_one(
    struct round *round, const char *name, bool *ret_junk, uint32_t *ret_number)
{
	WIPED(response_verdict) verdict = { 0 };
	WIPED(receive_visit)
	v = { .store = round->store, .store_them = round->store_them };
	enum rc rc = response_dir_open(round->media, name, &v.dir);

	/* What this process failed to read for a want of its own proves
	 * nothing; what the stick does not give is not there for anybody. */
	*ret_junk = rc == RC_FORMAT ||
		    (rc == RC_IO && err_shortage() == SHORT_OF_NOTHING);
	if (rc != RC_OK) {
		claim_number(name, &v.dir, ret_number);
		return rc;
	}
	if (round->store_them)
		rc = store_begin(round->store);
	if (rc == RC_OK)
		rc = receive_take_response(&v, round->judge, &verdict);
	if (rc == RC_OK && round->store_them)
		rc = store_commit(round->store);
	if (rc == RC_OK && round->store_them && v.crls.n != 0)
		rc = receive_crls_tidy(round->store);
	if (rc != RC_OK) {
		*ret_junk = receive_is_junk(rule_spoken());
		claim_number(name, &v.dir, ret_number);
		/* else all of it is one transaction */
		return round->store_them ? receive_undo(round->store, rc) : rc;
	}
	return receive_tell(round, &v, &verdict);
}

/* By prefixes of eight digits, which others may share: the manifest's own ids
 * decide. */
static bool
is_ours(const char *name, const char *prefix)
{
	size_t digits;

	if (strncmp(name, prefix, CHANNEL_PREFIX_LEN) != 0)
		return false;
	digits = strspn(name + CHANNEL_PREFIX_LEN, "0123456789");
	return digits >= 6 && name[CHANNEL_PREFIX_LEN + digits] == '\0';
}

static bool
has_loose(const struct media_names *names, const char *ca)
{
	for (size_t i = 0; i < names->n; i++)
		if (strncmp(names->items[i], ca, 8) == 0 &&
		    strncmp(names->items[i] + 8, "-loose-", 7) == 0)
			return true;
	return false;
}

/* The directory that nothing proves, of those with the highest number the
 * first, and what was wrong with it. */
struct receive_junk {
	enum rc rc;
	uint32_t number;
	struct err_saved said;
};

static enum rc
visit_next(struct round *round, const char *name, struct receive_junk *junk)
{
	uint32_t number = 0;
	bool is = false;
	enum rc rc = visit_one(round, name, &is, &number);

	if (rc == RC_OK || !is)
		return rc;
	if (round->ret->n_junk++ == 0 || number > junk->number) {
		junk->rc = rc;
		junk->number = number;
		err_save(&junk->said);
	}
	err_clear();
	return RC_OK;
}

/* Does it decide? It may be why there is a gap, or the next response, damaged.
 * Beside one that is installed, what is no newer than that cannot be news,
 * whatever it was. */
static bool
junk_matters(
    const struct round *round, const struct receive_junk *junk, enum rc rc)
{
	const struct reception *r = round->ret;
	const struct channel *c = &round->store->channel;

	if (r->n_junk == 0)
		return false;
	if (rc != RC_OK || r->found == 0)
		return true;
	return !c->has_head || junk->number > c->head.sequence;
}

static enum rc
visit_all(struct round *round)
{
	const struct store *store = round->store;
	struct receive_junk junk = { .rc = RC_OK };
	WIPED(media_names) names = { 0 };
	char ca[9], requester[9], prefix[CHANNEL_PREFIX_LEN + 1];
	enum rc rc;

	rc = media_list(round->media, MEDIA_RESPONSES, NULL, false, &names);
	if (rc != RC_OK)
		return rc;
	hex_write(span_of(store->trust.ca_id, 4), ca);
	hex_write(span_of(store->channel.requester, 4), requester);
	(void)snprintf(prefix, sizeof(prefix), "%s-%s-", ca, requester);
	for (size_t i = 0; i < names.n && rc == RC_OK; i++)
		if (is_ours(names.items[i], prefix))
			rc = visit_next(round, names.items[i], &junk);
	if (junk_matters(round, &junk, rc)) {
		err_restore(&junk.said);
		return junk.rc;
	}
	if (rc == RC_OK && round->ret->found == 0)
		rc = media_check_there(round->media);
	if (rc == RC_OK && round->ret->found == 0)
		rc = err_set(RC_IO,
		    "%s: no response for this host (" MEDIA_RESPONSES
		    "/%s*), and %zu for others%s",
		    round->media->path, prefix, names.n,
		    has_loose(&names, ca)
			? "; one to loose CSRs is taken with --csr"
			: ": has the CA signed on this stick?");
	return rc;
}

enum rc
receive(struct store *store, const struct media *media,
    const struct receiving *how, struct reception *ret)
{
	struct round round = { store, media, how->judge, how->store_them,
		how->each, how->arg, ret };
	enum rc rc = RC_OK;

	*ret = (struct reception){ 0 };
	/* Without storing, one transaction holds all and is undone. */
	if (!how->store_them)
		rc = store_begin(store);
	if (rc == RC_OK)
		rc = visit_all(&round);
	return how->store_them ? rc : receive_undo(store, rc);
}
