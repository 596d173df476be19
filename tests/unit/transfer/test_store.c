/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/software_ca.h"

#include "base/file.h"
#include "transfer/online/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define VECTOR "tests/vectors/store/v7.sql"

struct bed {
	struct software_ca ca;
	struct buf spki;
	char dir[32], path[64];
};

static void
bed_make(struct bed *b)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");

	software_ca_make(&b->ca, "ec-p256");
	key_spki(key, &b->spki);
	(void)strcpy(b->dir, "/tmp/store.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->path, sizeof(b->path), "%s/store.db", b->dir);
}

static void
bed_wipe(struct bed *b)
{
	software_ca_wipe(&b->ca);
	buf_wipe(&b->spki);
	(void)unlink(b->path);
	(void)rmdir(b->dir);
}

static enum rc
create(struct bed *b)
{
	struct span cert = buf_span(&b->ca.der);
	struct enrolment e = { .ca_id = b->ca.id,
		.certs = &cert,
		.n_certs = 1,
		.transfer_cert = buf_span(&b->ca.transfer_der),
		.policy = span_str(PLAIN_POLICY),
		.label = "web",
		.spki = buf_span(&b->spki),
		.now = NOW };

	return store_create(b->path, &e);
}

static void
what_is_pinned_is_found_again(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(store) store = { 0 };

	(void)state;
	bed_make(&b);
	check_rule(store_open(b.path, true, &store), "UNENROLLED", b.path);
	check_ok(create(&b));
	check_ok(store_open(b.path, true, &store));
	assert_string_equal(store.label, "web");
	assert_memory_equal(store.trust.ca_id, b.ca.id, SHA256_LEN);
	assert_int_equal(store.trust.n_cas, 1);
	assert_true(span_eq(buf_span(&store.trust.transfer_cert),
	    buf_span(&b.ca.transfer_der)));
	assert_non_null(policy_profile_get0(&store.policy, span_str("bare")));
	assert_false(store.channel.has_head);
	assert_int_equal(create(&b), RC_STATE);
}

/* A killed enrolment must not look like one, nor stand in the next one's way.
 */
static void
what_a_killed_creation_left_is_no_store(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(store) store = { 0 };
	char new[80], journal[80];

	(void)state;
	bed_make(&b);
	(void)snprintf(new, sizeof(new), "%s.new", b.path);
	(void)snprintf(journal, sizeof(journal), "%s.new-journal", b.path);
	check_ok(file_create(AT_FDCWD, new, span_str("half"), 0600));
	check_ok(file_create(AT_FDCWD, journal, span_str("of it"), 0600));
	check_rule(store_open(b.path, true, &store), "UNENROLLED", b.path);
	check_ok(create(&b));
	assert_int_equal(access(new, F_OK), -1);
	assert_int_equal(access(journal, F_OK), -1);
	check_ok(store_open(b.path, true, &store));
	assert_string_equal(store.label, "web");
}

static void
two_creations_at_once_do_not_meet(void **state)
{
	WIPED(bed) b = { 0 };
	OWN_FD dir = -1;

	(void)state;
	bed_make(&b);
	check_ok(dir_open(AT_FDCWD, b.dir, &dir));
	assert_int_equal(flock(dir, LOCK_EX), 0);
	assert_int_equal(create(&b), RC_STATE);
	assert_non_null(strstr(err_text(), "another enrolment is at work"));
	fd_close(&dir);
	check_ok(create(&b));
}

static void
add_bundle(struct store *store, struct span csr, uint32_t *ret_sequence)
{
	struct cert_request request = { .id = span_str("a"),
		.csr = csr,
		.profile = span_str("server"),
		.validity = { .count = 1, .period = DAY } };
	/* A name of its own: what is asked later replaces nothing here. */
	struct name name = { NAME_DNS, csr };
	struct sent_request sent = { .names = &name, .n_names = 1 };
	struct bundle bundle = {
		.created = NOW, .requests = &request, .n_requests = 1
	};

	check_ok(store_begin(store));
	check_ok(store_next_sequence(store, NOW, &bundle.sequence));
	memset(bundle.id, (int)(bundle.sequence - NOW + 1), BUNDLE_ID_LEN);
	check_ok(store_bundle_add(store, &bundle, span_str("file"), &sent));
	check_ok(store_commit(store));
	*ret_sequence = bundle.sequence;
}

static enum rc
count(void *arg, const struct unanswered *u)
{
	size_t *n = arg;

	assert_true(span_eq_str(u->file, "file"));
	(*n)++;
	return RC_OK;
}

static size_t
unanswered(struct store *store)
{
	size_t n = 0;

	check_ok(store_each_unanswered(store, count, &n));
	return n;
}

static void
answer(
    struct store *store, uint32_t bundle, uint32_t sequence, const char *rule)
{
	struct cert_entry cert = { .serial = span_str("12345678") };
	struct result result = { .id = span_str("a"),
		.certs = rule == NULL ? &cert : NULL,
		.n_certs = rule == NULL,
		.rule = rule == NULL ? SPAN_NONE : span_str(rule),
		.reason = rule == NULL ? SPAN_NONE : span_str("because") };
	struct response_verdict v = { .manifest = { .sequence = sequence,
					  .has_bundle = true,
					  .signed_at = NOW,
					  .results = &result,
					  .n_results = 1 } };

	memcpy(v.manifest.policy, store->policy.digest, SHA256_LEN);
	check_ok(store_begin(store));
	check_ok(
	    store_response_add(store, &v, span_str("manifest"), bundle, NOW));
	check_ok(store_commit(store));
	check_ok(store_reload(store));
	assert_int_equal(store->channel.head.sequence, sequence);
}

static enum bundle_state
state_of(struct store *store, uint32_t sequence)
{
	uint8_t id[BUNDLE_ID_LEN];
	enum bundle_state state;
	WIPED(buf) file = { 0 };
	uint32_t found = 0;

	memset(id, (int)(sequence - NOW + 1), sizeof(id));
	check_ok(store_bundle_find(store, id, &state, &found, &file));
	return state;
}

static void
an_answer_voids_what_was_sent_before(void **state)
{
	uint32_t one, two, three;
	WIPED(bed) b = { 0 };
	WIPED(store) store = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(create(&b));
	check_ok(store_open(b.path, true, &store));
	add_bundle(&store, span_str("csr 1"), &one);
	add_bundle(&store, span_str("csr 2"), &two);
	add_bundle(&store, span_str("csr 3"), &three);
	assert_int_equal(unanswered(&store), 3);
	answer(&store, two, 1, NULL);
	assert_int_equal(state_of(&store, one), BUNDLE_VOID);
	assert_int_equal(state_of(&store, two), BUNDLE_ANSWERED);
	assert_int_equal(state_of(&store, three), BUNDLE_OPEN);
	assert_int_equal(state_of(&store, 9), BUNDLE_UNKNOWN);
	assert_int_equal(unanswered(&store), 2);
}

static void
what_was_withdrawn_is_not_asked_again(void **state)
{
	uint32_t one, two, three;
	WIPED(bed) b = { 0 };
	WIPED(store) store = { 0 };
	WIPED(buf) id = { 0 };
	size_t requests = 0;
	char first[3], third[3], whole[2 * BUNDLE_ID_LEN + 1];

	(void)state;
	bed_make(&b);
	check_ok(create(&b));
	check_ok(store_open(b.path, true, &store));
	add_bundle(&store, span_str("a1"), &one);
	add_bundle(&store, span_str("a2"), &two);
	add_bundle(&store, span_str("b"), &three);
	(void)snprintf(first, 3, "%02x", (uint8_t)(one - NOW + 1));
	(void)snprintf(third, 3, "%02x", (uint8_t)(three - NOW + 1));
	for (size_t i = 0; i < sizeof(whole); i++)
		whole[i] = i == sizeof(whole) - 1 ? '\0' : third[i % 2];
	answer(&store, two, 1, NULL);
	assert_int_equal(unanswered(&store), 2);
	assert_int_equal(store_withdraw(&store, first, &id, &requests), 0);
	assert_int_equal(unanswered(&store), 1);
	assert_int_equal(store_withdraw(&store, third, &id, &requests), 0);
	assert_true(span_eq_str(buf_span(&id), whole));
	assert_int_equal(requests, 1);
	assert_int_equal(unanswered(&store), 0);
	/* answered all the same, it is one of ours */
	assert_int_equal(state_of(&store, three), BUNDLE_OPEN);
	assert_int_equal(sqlite3_exec(store.db.sql, "DELETE FROM manifest",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	answer(&store, three, 1, NULL);
	assert_int_equal(state_of(&store, three), BUNDLE_ANSWERED);
	assert_int_equal(
	    store_withdraw(&store, third, &id, &requests), RC_STATE);
	assert_non_null(strstr(err_text(), "has its answer"));
	assert_int_equal(
	    store_withdraw(&store, first, &id, &requests), RC_STATE);
	assert_non_null(strstr(err_text(), "was withdrawn already"));
	assert_int_equal(store_withdraw(&store, "", &id, &requests), RC_STATE);
	assert_int_equal(store_withdraw(&store, "7", &id, &requests), RC_STATE);
	assert_non_null(strstr(err_text(), "no bundle has that id"));
	add_bundle(&store, span_str("c"), &one);
	add_bundle(&store, span_str("d"), &two);
	assert_int_equal(store_withdraw(&store, "0", &id, &requests), RC_STATE);
	assert_non_null(strstr(err_text(), "2 bundles have ids"));
}

static void
only_what_was_abandoned_is_asked_again(void **state)
{
	uint32_t one, two;
	WIPED(bed) b = { 0 };
	WIPED(store) store = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(create(&b));
	check_ok(store_open(b.path, true, &store));
	add_bundle(&store, span_str("csr 1"), &one);
	answer(&store, one, 1, "NAME-SCOPE");
	assert_int_equal(unanswered(&store), 0);
	add_bundle(&store, span_str("csr 2"), &two);
	answer(&store, two, 2, "ABANDONED");
	assert_int_equal(unanswered(&store), 1);
	add_bundle(&store, span_str("csr 2"), &two); /* asked again */
	assert_int_equal(unanswered(&store), 1);     /* once */
	answer(&store, two, 3, NULL);
	assert_int_equal(unanswered(&store), 0);
}

static void
nothing_stays_of_what_was_not_committed(void **state)
{
	struct response_verdict v = { .manifest = { .sequence = 1 } };
	WIPED(bed) b = { 0 };
	WIPED(store) store = { 0 };
	uint8_t digest[SHA256_LEN];
	bool known = true;

	(void)state;
	bed_make(&b);
	check_ok(create(&b));
	check_ok(store_open(b.path, true, &store));
	memcpy(v.manifest.policy, store.policy.digest, SHA256_LEN);
	check_ok(store_begin(&store));
	check_ok(store_response_add(&store, &v, span_str("m"), 0, NOW));
	check_ok(store_accepted(&store, 1, &known, digest));
	assert_true(known);
	store_rollback(&store);
	check_ok(store_accepted(&store, 1, &known, digest));
	assert_false(known);
}

/* A set of two CSRs; the first gets a certificate, the second is refused. */
struct loose_story {
	struct loose_csr csrs[2];
	struct loose set;
	struct result results[2];
	struct response_verdict v;
};

static void
story_make(struct loose_story *t, const struct store *store)
{
	static const char *const ders[] = { "csr of one", "csr of another" };

	for (size_t i = 0; i < 2; i++) {
		t->csrs[i].name = t->csrs[i].der = span_str(ders[i]);
		check_ok(sha256(t->csrs[i].der, t->csrs[i].digest));
	}
	t->set = (struct loose){ t->csrs, 2 };
	loose_sort(&t->set);
	for (size_t i = 0; i < 2; i++) {
		t->results[i].id = span_str(t->csrs[i].id);
		memcpy(t->results[i].csr_digest, t->csrs[i].digest, SHA256_LEN);
	}
	t->results[0].n_certs = 1;
	t->results[1].rule = span_str("ABANDONED");
	t->results[1].reason = span_str("given up");
	t->v.manifest.sequence = 5;
	t->v.manifest.results = t->results;
	t->v.manifest.n_results = 2;
	memcpy(t->v.manifest.policy, store->policy.digest, SHA256_LEN);
	memset(t->v.head.digest, 9, SHA256_LEN);
}

static void
add_loose(struct store *store, const struct loose_story *t, uint32_t *ret)
{
	const struct name name = { NAME_DNS, span_str("a.example.org") };
	const struct cert_request asked = { .id = t->results[0].id,
		.csr = t->csrs[0].der,
		.profile = span_str("server"),
		.validity = { .count = 1, .period = DAY } };
	const struct cert_entry entry = { .serial = span_str("12345678") };
	const struct judged judged = { .asked = &asked,
		.names = &name,
		.n_names = 1,
		.entry = &entry,
		.der = span_str("der"),
		.subject = span_str("subject") };
	const struct loose_answer answer = { &t->v, span_str("m"), NOW };

	check_ok(store_loose_begin(store, &t->set, NOW, ret));
	check_ok(store_loose_cert_add(store, *ret, &judged));
	check_ok(store_loose_add(store, *ret, &answer));
}

static enum rc
see_cert(void *arg, const struct stored_cert *cert)
{
	size_t *n = arg;

	assert_true(span_eq_str(cert->names, "dns:a.example.org"));
	assert_true(span_eq_str(cert->profile, "server"));
	assert_int_equal(cert->key_file.n, 0);
	(*n)++;
	return RC_OK;
}

static void
loose_csrs_have_one_answer_and_no_place_in_the_channel(void **state)
{
	WIPED(bed) b = { 0 };
	WIPED(store) store = { 0 };
	struct loose_story t = { 0 };
	uint8_t digest[SHA256_LEN];
	uint32_t before, bundle = 0;
	bool known = true, seen = false;
	size_t n = 0;

	(void)state;
	bed_make(&b);
	check_ok(create(&b));
	check_ok(store_open(b.path, true, &store));
	story_make(&t, &store);
	add_bundle(&store, span_str("csr"), &before);
	check_ok(store_loose_find(&store, &t.set, &known, digest));
	assert_false(known);
	check_ok(store_begin(&store));
	add_loose(&store, &t, &bundle);
	check_ok(store_commit(&store));
	assert_int_equal(bundle, before + 1);
	check_ok(store_loose_find(&store, &t.set, &known, digest));
	assert_true(known);
	assert_memory_equal(digest, t.v.head.digest, SHA256_LEN);
	check_ok(store_reload(&store));
	assert_false(store.channel.has_head);
	check_ok(store_serial_seen(&store, span_str("12345678"), &seen));
	assert_true(seen);
	check_ok(store_each_cert(&store, STORE_BY_DATE, see_cert, &n));
	assert_int_equal(n, 1);
	/* What was asked in the channel is still open, and nothing else is. */
	assert_int_equal(unanswered(&store), 1);
}

static void
tables_are(struct bed *b, const char *vector)
{
	WIPED(store) store = { 0 };
	WIPED(buf) found = { 0 };
	WIPED(buf) wanted = { 0 };
	OWN(sqlite3_stmt) *st = NULL;
	bool row = true;

	check_ok(store_open(b->path, false, &store));
	check_ok(db_prepare(&store.db,
	    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
	    " ORDER BY name",
	    &st));
	for (;;) {
		check_ok(db_step(&store.db, st, &row));
		if (!row)
			break;
		check_ok(buf_add_span(&found, db_text(st, 0)));
		check_ok(buf_add_str(&found, ";\n"));
	}
	check_ok(file_read(AT_FDCWD, vector, 65536, &wanted));
	if (!span_eq(buf_span(&found), buf_span(&wanted)))
		fail_msg("not %s:\n%.*s", vector, SPAN_FMT(buf_span(&found)));
}

static void
version_7_is_what_it_was(void **state)
{
	WIPED(bed) b = { 0 };

	(void)state;
	bed_make(&b);
	check_ok(create(&b));
	tables_are(&b, VECTOR);
}

/* What an older program enrolled, as that program's own tables have it. */
static void
is_brought_to_ours(int version)
{
	WIPED(bed) b = { 0 };
	WIPED(buf) sql = { 0 };
	WIPED(buf) tables = { 0 };
	char fill[80], vector[40];
	const char *text;
	sqlite3 *db = NULL;

	bed_make(&b);
	check_ok(create(&b));
	(void)snprintf(fill, sizeof(fill), "%s.new", b.path);
	(void)snprintf(
	    vector, sizeof(vector), "tests/vectors/store/v%d.sql", version);
	assert_int_equal(rename(b.path, fill), 0);
	check_ok(buf_printf(&sql,
	    "PRAGMA application_id=%d; PRAGMA user_version=%d;"
	    "ATTACH '%s' AS new;",
	    0x61675472, version, fill));
	check_ok(file_read(AT_FDCWD, vector, 65536, &tables));
	check_ok(buf_add_span(&sql, buf_span(&tables)));
	check_ok(buf_add_str(&sql,
	    "INSERT INTO policy SELECT * FROM new.policy;"
	    "INSERT INTO ca_cert SELECT * FROM new.ca_cert;"
	    "INSERT INTO enrolment SELECT * FROM new.enrolment;"));
	text = buf_cstr(&sql);
	assert_non_null(text);
	assert_int_equal(sqlite3_open(b.path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(unlink(fill), 0);
	tables_are(&b, VECTOR);
}

static void
a_store_of_an_older_version_is_brought_to_ours(void **state)
{
	(void)state;
	for (int version = 1; version < 7; version++)
		is_brought_to_ours(version);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_pinned_is_found_again),
		cmocka_unit_test(what_a_killed_creation_left_is_no_store),
		cmocka_unit_test(two_creations_at_once_do_not_meet),
		cmocka_unit_test(an_answer_voids_what_was_sent_before),
		cmocka_unit_test(what_was_withdrawn_is_not_asked_again),
		cmocka_unit_test(only_what_was_abandoned_is_asked_again),
		cmocka_unit_test(nothing_stays_of_what_was_not_committed),
		cmocka_unit_test(
		    loose_csrs_have_one_answer_and_no_place_in_the_channel),
		cmocka_unit_test(version_7_is_what_it_was),
		cmocka_unit_test(
		    a_store_of_an_older_version_is_brought_to_ours),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
