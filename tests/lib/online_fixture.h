/* SPDX-License-Identifier: Apache-2.0 */
/** A host that is enrolled with a CA in memory, and a stick between the two.
 *
 * Bundles are made by the program's own code; the CA answers whatever the store
 * says was sent. A test changes an answer before it is sealed, and so makes
 * every response that an attacker or a bad day can bring.
 */
#ifndef TESTS_LIB_ONLINE_FIXTURE_H
#define TESTS_LIB_ONLINE_FIXTURE_H

#include "tests/lib/software_ca.h"

#include "base/file.h"
#include "transfer/media/loose.h"
#include "transfer/online/receive/receive.h"
#include "transfer/online/request/compose.h"
#include "transfer/online/store/home.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Syncs need not reach the disk, which costs milliseconds each: no test cuts the
 * power. What a power cut would do is told from the order of calls: has something
 * been written, or named, since the last sync; and how often was a name given to
 * bytes that no sync had followed? */
static bool sync_is_due;
static bool sync_is_due_of_names;
static unsigned sync_was_late;

int
fsync(int fd)
{
	(void)fd;
	sync_is_due = sync_is_due_of_names = false;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
syncfs(int fd)
{
	return fsync(fd);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	sync_is_due = true;
	return (ssize_t)syscall(SYS_write, fd, p, n);
}

int
renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	sync_was_late += sync_is_due;
	sync_is_due_of_names = true;
	return (int)syscall(SYS_renameat2, a, from, b, to, flags);
}

int
renameat(int a, const char *from, int b, const char *to)
{
	return renameat2(a, from, b, to, 0);
}

struct online_bed {
	struct software_ca ca;
	struct policy policy; /* the CA's own, which may be ahead of ours */
	EVP_PKEY *requester;
	struct buf spki;
	char home[40], stick[40];
	struct store store;
	struct media media;
	struct child judge; /* of the last receive; pid 0: none */
	struct reader reader; /* of the CSRs of others; pid 0: none */
	/* the CA's side of the channel */
	uint32_t sequence;
	uint8_t digest[SHA256_LEN];
	uint64_t records;
};

/* "DIR/NAME" in one of a few buffers that take turns. */
static inline const char *
online_path(const char *dir, const char *name)
{
	static char paths[8][320];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static inline int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/** A directory and all below it, links not followed. */
static inline void
remove_tree(const char *dir)
{
	assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void
online_wipe(struct online_bed *b)
{
	if (b->judge.pid != 0)
		child_wipe(&b->judge);
	if (b->reader.child.pid != 0)
		reader_wipe(&b->reader);
	store_wipe(&b->store);
	media_wipe(&b->media);
	policy_wipe(&b->policy);
	software_ca_wipe(&b->ca);
	EVP_PKEY_free(b->requester);
	buf_wipe(&b->spki);
	if (*b->home != '\0')
		remove_tree(b->home);
	if (*b->stick != '\0')
		remove_tree(b->stick);
}

static inline void
online_bed_wipe(struct online_bed *b)
{
	online_wipe(b);
}

/** What another run of the program would see. */
static inline void
online_reopen(struct online_bed *b)
{
	store_wipe(&b->store);
	check_ok(online_open(b->home, true, &b->store));
}

/* `issuer`: of the CA's certificate, pinned behind it; n 0 for none. */
static inline void
online_enrol(struct online_bed *b, const char *policy, struct span issuer)
{
	const struct span certs[] = { buf_span(&b->ca.der), issuer };
	const struct enrolment e = { .ca_id = b->ca.id,
		.certs = certs,
		.n_certs = issuer.n == 0 ? 1 : 2,
		.transfer_cert = buf_span(&b->ca.transfer_der),
		.policy = span_str(policy),
		.label = "web",
		.spki = buf_span(&b->spki),
		.now = NOW };

	check_ok(store_create(online_path(b->home, "store.db"), &e));
	check_ok(online_key_write(b->home, ONLINE_REQUESTER_KEY, b->requester));
	online_reopen(b);
}

static inline void
online_prepare(struct online_bed *b, const char *policy)
{
	software_ca_make(&b->ca, "ec-p256");
	check_ok(policy_parse("policy.conf", span_str(policy), &b->policy));
	b->requester = key_new("ec-p256");
	key_spki(b->requester, &b->spki);
	(void)strcpy(b->home, "/tmp/online-home.XXXXXX");
	assert_non_null(mkdtemp(b->home));
	(void)strcpy(b->stick, "/tmp/online-stick.XXXXXX");
	assert_non_null(mkdtemp(b->stick));
	check_ok(media_open(b->stick, &b->media));
	b->records = 10;
}

static inline void
online_make(struct online_bed *b)
{
	online_prepare(b, PLAIN_POLICY);
	online_enrol(b, PLAIN_POLICY, SPAN_NONE);
}

/** One number out of the store. */
static inline int64_t
online_count(struct online_bed *b, const char *sql)
{
	OWN(sqlite3_stmt) *st = NULL;
	bool row = false;

	check_ok(db_prepare(&b->store.db, sql, &st));
	check_ok(db_step(&b->store.db, st, &row));
	assert_true(row);
	return sqlite3_column_int64(st, 0);
}

/** Somebody's hand in the store: what no code of ours writes. */
static inline void
online_edit(struct online_bed *b, const char *sql)
{
	char *why = NULL;

	(void)sqlite3_exec(b->store.db.sql,
	    "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF",
	    NULL, NULL, NULL);
	if (sqlite3_exec(b->store.db.sql, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	(void)sqlite3_exec(b->store.db.sql,
	    "PRAGMA ignore_check_constraints = OFF; PRAGMA foreign_keys = ON",
	    NULL, NULL, NULL);
}

/* ---- asking -------------------------------------------------------------- */

/** What one request asks for: `names` in one line, with commas: "dns:a,dns:b".
 */
struct online_ask {
	const char *names, *profile;
	const char *key; /* type of a key made here; NULL: `csr` */
	struct span csr; /* of a key that lies elsewhere */
	uint32_t count;	 /* 0: one */
	int64_t overlap;
	enum standing standing;
};

static inline void
names_of_line(const char *line, struct name_list *ret)
{
	char copy[512], *rest = copy, *one;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	while ((one = strsep(&rest, ",")) != NULL) {
		char *colon = strchr(one, ':');
		enum name_type type;

		assert_non_null(colon);
		assert_true(
		    name_type_read(span_of(one, (size_t)(colon - one)), &type));
		check_ok(name_list_add(ret, type, span_str(colon + 1)));
	}
}

/** A CSR of somebody's own key. */
static inline void
csr_of_key(EVP_PKEY *key, const char *names, struct buf *ret_der)
{
	WIPED(name_list) list = { 0 };

	if (*names != '\0')
		names_of_line(names, &list);
	check_ok(compose_csr(key, list.items, list.n, ret_der));
}

static inline void
ask_add(struct compose *c, const struct online_ask *a)
{
	const char *wanted = a->profile == NULL ? "server" : a->profile;
	const struct profile *profile =
	    policy_profile_get0(&c->store->policy, span_str(wanted));
	WIPED(name_list) names = { 0 };
	struct composed *item;

	assert_non_null(profile);
	if (a->names != NULL)
		names_of_line(a->names, &names);
	if (a->key != NULL)
		check_ok(compose_add_key(c, a->key, profile, &names));
	else
		check_ok(compose_add(c, "csr", a->csr, span_str("csr")));
	item = &c->items[c->n - 1];
	item->standing = a->standing;
	(void)snprintf(item->profile, sizeof(item->profile), "%s", wanted);
	item->validity =
	    (struct validity){ .count = a->count == 0 ? 1 : a->count,
		    .period = 31 * DAY,
		    .overlap = a->overlap };
}

/** Send a bundle; its number. */
static inline uint32_t
online_send(struct online_bed *b, const struct online_ask *asks, size_t n)
{
	WIPED(compose) c = { .store = &b->store, .now = NOW };
	WIPED(composed_bundle) bundle = { 0 };

	for (size_t i = 0; i < n; i++)
		ask_add(&c, &asks[i]);
	check_ok(compose_keys_keep(&c, b->home));
	check_ok(compose_finish(&c, b->requester, false, 0, &bundle));
	return bundle.sequence;
}

/** The same for one name, with a key of its own. */
static inline uint32_t
online_send_one(struct online_bed *b, const char *names, uint32_t count)
{
	const struct online_ask ask = { .names = names,
		.key = "ec-p256",
		.count = count,
		.overlap = count > 1 ? 7 * DAY : 0 };

	return online_send(b, &ask, 1);
}

/* ---- answering ----------------------------------------------------------- */

#define ANSWER_REQUESTS 4
#define ANSWER_SLOTS 6
#define ANSWER_FILES (ANSWER_REQUESTS + 2)

/** How a CA answers; all zero is the best that there is. */
struct answer_how {
	uint32_t refused;   /* bit i: of request i */
	int64_t not_before; /* of every first slot; 0: an hour ago */
	struct span serial; /* of the first certificate; n 0: a new one */
	spoil *spoil;	    /* what is done to each certificate */
	const char *policy; /* that it comes with, and was made under */
};

/** A response on its way. */
struct ca_answer {
	struct bundle
	    bundle; /* what is answered; of a loose set one request each */
	struct buf bundle_file;
	struct csr csrs[ANSWER_REQUESTS];
	uint8_t serials[ANSWER_REQUESTS][ANSWER_SLOTS][16];
	struct buf ders[ANSWER_REQUESTS][ANSWER_SLOTS];
	struct cert_entry entries[ANSWER_REQUESTS][ANSWER_SLOTS];
	struct result results[ANSWER_REQUESTS];
	struct buf files[ANSWER_FILES];
	char names[ANSWER_FILES][FILE_NAME_MAX + 1];
	struct file_entry file_entries[ANSWER_FILES];
	size_t n_files;
	struct manifest manifest;
	struct buf manifest_file;
	char dir[128]; /* on the stick, once it is there */
};

static inline void
ca_answer_wipe(struct ca_answer *a)
{
	bundle_wipe(&a->bundle);
	buf_wipe(&a->bundle_file);
	buf_wipe(&a->manifest_file);
	for (size_t i = 0; i < ANSWER_REQUESTS; i++) {
		csr_wipe(&a->csrs[i]);
		for (size_t j = 0; j < ANSWER_SLOTS; j++)
			buf_wipe(&a->ders[i][j]);
	}
	for (size_t i = 0; i < ANSWER_FILES; i++)
		buf_wipe(&a->files[i]);
}

static inline struct buf *
answer_file(struct ca_answer *a, const char *name)
{
	assert_true(a->n_files < ANSWER_FILES);
	(void)snprintf(a->names[a->n_files], sizeof(a->names[0]), "%s", name);
	return &a->files[a->n_files++];
}

static inline void
answer_slot(struct online_bed *b, struct ca_answer *a,
    const struct answer_how *how, size_t i, uint32_t slot)
{
	const struct cert_request *r = &a->bundle.requests[i];
	struct cert_entry *entry = &a->entries[i][slot];
	const struct csr *csr = &a->csrs[i];
	bool own = r->n_names != 0;
	struct expected e = { .from = "made",
		.spki = csr->spki,
		.profile = r->profile,
		.names = own ? r->names : csr->names.items,
		.n_names = own ? r->n_names : csr->names.n };
	int64_t from = r->validity.has_not_before ? r->validity.not_before
		       : how->not_before != 0	  ? how->not_before
						  : NOW - HOUR;

	draw_serial(a->serials[i][slot]);
	if (i == 0 && slot == 0 && how->serial.n == 16)
		memcpy(a->serials[i][slot], how->serial.p, 16);
	e.serial = span_of(a->serials[i][slot], 16);
	validity_slot(&r->validity, from, slot, &e.not_before, &e.not_after);
	software_ca_issue(
	    &b->ca, &b->policy, &e, how->spoil, &a->ders[i][slot]);
	*entry = (struct cert_entry){ .serial = e.serial,
		.not_before = e.not_before,
		.not_after = e.not_after };
	check_ok(sha256(buf_span(&a->ders[i][slot]), entry->digest));
	memcpy(entry->issuer, b->ca.key_id, SHA256_LEN);
}

static inline void
answer_request(struct online_bed *b, struct ca_answer *a,
    const struct answer_how *how, size_t i)
{
	const struct cert_request *r = &a->bundle.requests[i];
	struct result *result = &a->results[i];
	WIPED(key_cache) keys = { 0 };
	char name[32];
	struct buf *pem;

	*result = (struct result){ .id = r->id };
	check_ok(sha256(r->csr, result->csr_digest));
	if ((how->refused & UINT32_C(1) << i) != 0) {
		result->rule = span_str("NAME-SCOPE");
		result->reason = span_str("out of scope");
		return;
	}
	check_ok(csr_read("sent", r->csr, &keys, &a->csrs[i]));
	result->certs = a->entries[i];
	result->n_certs = r->validity.count;
	assert_true(result->n_certs <= ANSWER_SLOTS);
	(void)snprintf(name, sizeof(name), "%04zu.pem", i + 1);
	pem = answer_file(a, name);
	for (uint32_t slot = 0; slot < r->validity.count; slot++) {
		answer_slot(b, a, how, i, slot);
		a->entries[i][slot].file = span_str(a->names[a->n_files - 1]);
		check_ok(pem_write(
		    PEM_CERTIFICATE, buf_span(&a->ders[i][slot]), pem));
	}
}

/* Results, files and all of the manifest that does not depend on who asked. */
static inline void
answer_fill(
    struct online_bed *b, const struct answer_how *how, struct ca_answer *a)
{
	struct manifest *m = &a->manifest;

	assert_true(a->bundle.n_requests <= ANSWER_REQUESTS);
	for (size_t i = 0; i < a->bundle.n_requests; i++)
		answer_request(b, a, how, i);
	check_ok(pem_write(
	    PEM_CERTIFICATE, buf_span(&b->ca.der), answer_file(a, "ca.pem")));
	if (how->policy != NULL)
		check_ok(
		    buf_add_str(answer_file(a, "policy.conf"), how->policy));
	*m = (struct manifest){ .sequence = b->sequence + 1,
		.has_previous = b->sequence != 0,
		.signed_at = NOW,
		.results = a->results,
		.n_results = a->bundle.n_requests,
		.files = a->file_entries,
		.ledger = { .count = b->records + 5 } };
	memcpy(m->ca_id, b->ca.id, SHA256_LEN);
	memcpy(m->previous, b->digest, SHA256_LEN);
	memcpy(m->policy, b->policy.digest, SHA256_LEN);
}

static inline void
bundle_of_store(struct online_bed *b, uint32_t sequence, struct ca_answer *a)
{
	OWN(sqlite3_stmt) *st = NULL;
	struct cose cose;
	bool row = false;

	check_ok(db_prepare(
	    &b->store.db, "SELECT file FROM bundle WHERE sequence = ?1", &st));
	check_ok(db_bind(&b->store.db, st, "i", (int64_t)sequence));
	check_ok(db_step(&b->store.db, st, &row));
	assert_true(row);
	check_ok(buf_add_span(&a->bundle_file, db_blob(st, 0)));
	check_ok(
	    cose_read("sent", buf_span(&a->bundle_file), COSE_BUNDLE, &cose));
	check_ok(bundle_read("sent", cose.payload, &a->bundle));
}

/** Answer a bundle of the store. The CA's policy becomes `how->policy` first.
 */
static inline void
answer_make(struct online_bed *b, uint32_t sequence,
    const struct answer_how *how, struct ca_answer *a)
{
	struct manifest *m = &a->manifest;

	if (how->policy != NULL) {
		policy_wipe(&b->policy);
		b->policy = (struct policy){ 0 };
		check_ok(policy_parse(
		    "policy.conf", span_str(how->policy), &b->policy));
	}
	bundle_of_store(b, sequence, a);
	answer_fill(b, how, a);
	m->has_bundle = true;
	memcpy(m->bundle_id, a->bundle.id, BUNDLE_ID_LEN);
	check_ok(sha256(buf_span(&a->bundle_file), m->bundle_digest));
	m->has_requester = true;
	memcpy(m->requester, b->store.channel.requester, SHA256_LEN);
}

/** Answer a set of loose CSRs, which stays the caller's. */
static inline void
answer_loose(struct online_bed *b, const struct loose *set,
    const struct answer_how *how, struct ca_answer *a)
{
	const struct loose_asked asked = { .profile = span_str("server") };

	check_ok(loose_requests(set, &asked, &a->bundle.requests));
	for (size_t i = 0; i < set->n; i++)
		a->bundle.requests[i].validity.period = 31 * DAY;
	a->bundle.n_requests = set->n;
	answer_fill(b, how, a);
	a->manifest.has_previous = false;
}

/** The manifest file, as everything stands now. */
static inline void
answer_seal(struct online_bed *b, struct ca_answer *a)
{
	WIPED(buf) payload = { 0 };

	for (size_t i = 0; i < a->n_files; i++) {
		struct file_entry *f = &a->file_entries[i];

		f->name = span_str(a->names[i]);
		f->size = a->files[i].n;
		check_ok(sha256(buf_span(&a->files[i]), f->digest));
	}
	a->manifest.n_files = a->n_files;
	buf_reset(&a->manifest_file);
	check_ok(manifest_write(&a->manifest, &payload));
	check_ok(cose_sign(COSE_MANIFEST, b->ca.transfer_key,
	    buf_span(&b->ca.transfer_der), buf_span(&payload),
	    &a->manifest_file));
}

/** The CA goes on from this answer. */
static inline void
answer_went_out(struct online_bed *b, const struct ca_answer *a)
{
	b->sequence = a->manifest.sequence;
	b->records = a->manifest.ledger.count;
	check_ok(sha256(buf_span(&a->manifest_file), b->digest));
}

/** Write it to the stick, under `name` or (NULL) that of its channel and
 * number. */
static inline void
answer_put(struct online_bed *b, struct ca_answer *a, const char *name)
{
	char ca[9], requester[9], own[64], path[256];

	hex_write(span_of(a->manifest.ca_id, 4), ca);
	hex_write(span_of(a->manifest.requester, 4), requester);
	(void)snprintf(own, sizeof(own), "%s-%s-%06u", ca,
	    a->manifest.has_requester ? requester : "loose",
	    (unsigned)a->manifest.sequence);
	(void)snprintf(a->dir, sizeof(a->dir), MEDIA_RESPONSES "/%.80s",
	    name == NULL ? own : name);
	(void)snprintf(path, sizeof(path), "%s/%s", b->stick, a->dir);
	check_ok(dir_make(path, 0755));
	for (size_t i = 0; i < a->n_files; i++)
		check_ok(file_replace(AT_FDCWD, online_path(path, a->names[i]),
		    buf_span(&a->files[i]), 0644));
	check_ok(file_replace(AT_FDCWD, online_path(path, "manifest.cose"),
	    buf_span(&a->manifest_file), 0644));
}

/** All of that for a bundle, in the usual way. */
static inline void
online_answer(
    struct online_bed *b, uint32_t sequence, const struct answer_how *how)
{
	static const struct answer_how best;
	WIPED(ca_answer) a = { 0 };

	answer_make(b, sequence, how == NULL ? &best : how, &a);
	answer_seal(b, &a);
	answer_put(b, &a, NULL);
	answer_went_out(b, &a);
}

/** The process that reads CSRs of others, and another one in its place: one that was
 * left in the midst of an answer is of no use any more. */
static inline struct reader *
online_reader(struct online_bed *b)
{
	if (b->reader.child.pid == 0)
		check_ok(reader_start(&b->reader, NULL));
	return &b->reader;
}

static inline void
online_reader_anew(struct online_bed *b)
{
	if (b->reader.child.pid != 0)
		reader_wipe(&b->reader);
	(void)online_reader(b);
}

/** A judge process of its own for each time: one that was left in the midst of a
 * response is of no use any more. */
static inline struct child *
online_judge(struct online_bed *b)
{
	if (b->judge.pid != 0)
		child_wipe(&b->judge);
	check_ok(judge_start(&b->judge));
	return &b->judge;
}

static inline enum rc
online_take(struct online_bed *b, bool store_them,
    enum rc (*each)(void *arg, const struct received *r), void *arg,
    struct reception *ret)
{
	const struct receiving how = { online_judge(b), store_them, each, arg,
		NULL };

	return receive(&b->store, &b->media, &how, ret);
}

/** Take what is on the stick. */
static inline void
online_receive(struct online_bed *b)
{
	struct reception all;

	check_ok(online_take(b, true, NULL, NULL, &all));
}

/** Ask, answer and receive: certificates in the store. `from`: the first one's
 * notBefore; 0: an hour ago. */
static inline void
online_install(
    struct online_bed *b, const struct online_ask *ask, int64_t from)
{
	const struct answer_how how = { .not_before = from };

	online_answer(b, online_send(b, ask, 1), &how);
	online_receive(b);
}

/** A clean stick. */
static inline void
stick_clear(struct online_bed *b)
{
	remove_tree(online_path(b->stick, "airgap-ca"));
}

#endif
