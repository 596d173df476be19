/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle in the making: what gets in, what the CA would say, what is kept. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"
#include "tests/lib/vector.h"

#define ASK_POLICY \
	PLAIN_POLICY \
	"[profile person]\nsubject = none\nnames-from = csr\n" \
	"key-reuse = same-names\n" PLAIN_PROFILE

static const char many_x[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			     "xxxx"; /* 53 of them */

static void
bed_make(struct online_bed *b, struct compose *c)
{
	online_prepare(b, ASK_POLICY);
	online_enrol(b, ASK_POLICY, SPAN_NONE);
	*c = (struct compose){ .store = &b->store, .now = NOW };
}

static struct composed *
last_of(struct compose *c)
{
	return &c->items[c->n - 1];
}

/* ---- adding -------------------------------------------------------------- */

static void
id_becomes(
    struct compose *c, struct span csr, const char *wish, const char *wanted)
{
	check_ok(compose_add(c, "csr", csr, span_str(wish)));
	assert_string_equal(last_of(c)->id, wanted);
	assert_true(format_is_request_id(span_str(wanted)));
}

static void
ids_are_fitted_to_the_grammar_and_told_apart(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(buf) csr = { 0 };
	char wish[200], wanted[200];

	(void)state;
	bed_make(&b, &c);
	csr_of_key(b.requester, "dns:a.example.org", &csr);
	id_becomes(&c, buf_span(&csr), "Web Server.PEM", "web-server.pem");
	id_becomes(&c, buf_span(&csr), "web-server.pem", "web-server.pem-2");
	id_becomes(&c, buf_span(&csr), "web-server.pem", "web-server.pem-3");
	id_becomes(
	    &c, buf_span(&csr), "web-server.pem-2", "web-server.pem-2-2");
	id_becomes(&c, buf_span(&csr), "*.example.org", "example.org");
	id_becomes(&c, buf_span(&csr), "a.", "a");
	id_becomes(&c, buf_span(&csr), "", "r");
	id_becomes(&c, buf_span(&csr), "../\xc3\xa4", "r-2");
	/* cut at 55, so that any number has room */
	(void)snprintf(wish, sizeof(wish), "%s.yzzzz", many_x);
	(void)snprintf(wanted, sizeof(wanted), "%s.y", many_x);
	id_becomes(&c, buf_span(&csr), wish, wanted);
	(void)snprintf(wanted, sizeof(wanted), "%s.-2", many_x);
	id_becomes(&c, buf_span(&csr), wish, wanted);
}

/* What the CA's reader would refuse never leaves. */
static void
a_csr_that_the_ca_would_refuse_does_not_get_in(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(buf) bad = { 0 };
	WIPED(buf) good = { 0 };

	(void)state;
	bed_make(&b, &c);
	vector_read("csr", "ask-any-eku.der", &bad);
	check_rule(compose_add(&c, "web.csr", buf_span(&bad), span_str("web")),
	    "CSR-EKU", "web.csr");
	assert_int_equal(c.n, 0);
	vector_read("csr", "good.der", &good);
	check_ok(compose_add(&c, "web.csr", buf_span(&good), span_str("web")));
	assert_string_equal(last_of(&c)->id, "web"); /* it was not taken */
	assert_true(span_eq(buf_span(&last_of(&c)->csr), buf_span(&good)));
}

static void
a_bundle_has_its_limit(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(buf) csr = { 0 };

	(void)state;
	bed_make(&b, &c);
	csr_of_key(b.requester, "", &csr);
	c.n = COMPOSE_MAX;
	assert_int_equal(
	    compose_add(&c, "csr", buf_span(&csr), span_str("a")), RC_USAGE);
	assert_string_equal(err_text(), "more than 100000 requests");
	c.n = 0;
	for (int i = 0; i < 40; i++) /* more than the first array takes */
		check_ok(compose_add(&c, "csr", buf_span(&csr), span_str("a")));
	assert_string_equal(last_of(&c)->id, "a-40");
}

static void
csr_has(const char *type, const char *names, const char *first)
{
	OWN(EVP_PKEY) *key = key_new(type);
	WIPED(key_cache) cache = { 0 };
	WIPED(buf) der = { 0 };
	WIPED(csr) csr = { 0 };
	char found[KEY_TYPE_TEXT];

	csr_of_key(key, names, &der);
	check_ok(csr_read("made", buf_span(&der), &cache, &csr));
	key_name(&csr.key, found);
	assert_string_equal(found, type);
	assert_int_equal(csr.names.n, first == NULL ? 0 : 2);
	if (first != NULL)
		assert_true(span_eq_str(csr.names.items[0].text, first));
}

static void
a_csr_of_ours_is_one_that_the_ca_reads(void **state)
{
	(void)state;
	csr_has("ec-p256", "dns:a.example.org,srv:_x.a.example.org",
	    "a.example.org");
	csr_has(
	    "ed25519", "xmpp:a@example.org,dns:a.example.org", "a@example.org");
	csr_has("rsa-2048", "", NULL);
}

static void
a_name_that_is_none_makes_no_csr(void **state)
{
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	struct name name = { NAME_DNS, span_str("a..example.org") };
	WIPED(buf) der = { 0 };

	(void)state;
	check_rule(compose_csr(key, &name, 1, &der), "NAME-FORM", "");
	assert_int_equal(der.n, 0);
}

/* ---- keys of our own ----------------------------------------------------- */

static void
names_stand_where_the_profile_takes_them_from(void **state)
{
	static const struct online_ask asks[] = {
		{ .names = "dns:a.example.org", .key = "ec-p256" },
		{ .names = "dns:b.example.org",
		    .key = "ec-p256",
		    .profile = "person" },
		{ .key = "ec-p256", .profile = "bare" },
	};
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };

	(void)state;
	bed_make(&b, &c);
	for (size_t i = 0; i < 3; i++)
		ask_add(&c, &asks[i]);
	assert_string_equal(c.items[0].id, "a.example.org");
	assert_int_equal(c.items[0].names.n, 1);
	assert_int_equal(c.items[0].csr_names.n, 0);
	assert_int_equal(c.items[1].names.n, 0);
	assert_int_equal(c.items[1].csr_names.n, 1);
	assert_string_equal(c.items[2].id, "bare");
	for (size_t i = 0; i < 3; i++)
		assert_non_null(c.items[i].new_key);
}

static void
a_key_of_no_type_adds_nothing(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(name_list) names = { 0 };
	const struct profile *profile;

	(void)state;
	bed_make(&b, &c);
	profile = policy_profile_get0(&b.store.policy, span_str("server"));
	assert_int_equal(compose_add_key(&c, "dsa", profile, &names), RC_USAGE);
	assert_int_equal(c.n, 0);
}

/* Only once every question is answered: a refused request leaves none behind.
 */
static void
keys_are_written_when_they_are_kept_and_not_before(void **state)
{
	static const struct online_ask asks[] = {
		{ .names = "dns:a.example.org", .key = "ec-p256" },
		{ .key = "ec-p256", .profile = "bare" },
	};
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(buf) csr = { 0 };
	char wanted[80], hex[17];
	struct stat st;

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &asks[0]);
	ask_add(&c, &asks[1]);
	csr_of_key(b.requester, "", &csr);
	check_ok(compose_add(&c, "csr", buf_span(&csr), span_str("other")));
	assert_int_equal(access(online_path(b.home, "keys"), F_OK), -1);
	check_ok(compose_keys_keep(&c, b.home));
	assert_int_equal(stat(online_path(b.home, "keys"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (int i = 0; i < 2; i++) {
		OWN(EVP_PKEY) *found = NULL;
		const char *file = c.items[i].key_file;

		hex_write(span_of(c.items[i].key.id, 8), hex);
		(void)snprintf(wanted, sizeof(wanted), "keys/%s-%s.pem",
		    i == 0 ? "a.example.org" : "bare", hex);
		assert_string_equal(file, wanted);
		assert_int_equal(stat(online_path(b.home, file), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		check_ok(online_key_read(b.home, file, &found));
		assert_int_equal(EVP_PKEY_eq(found, c.items[i].new_key), 1);
	}
	assert_null(c.items[2].key_file);
	/* nothing is written over */
	free(c.items[0].key_file);
	c.items[0].key_file = NULL;
	assert_int_equal(compose_keys_keep(&c, b.home), RC_IO);
}

static void
no_place_for_keys_is_told(void **state)
{
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256" };
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(compose) none = { 0 };

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &ask);
	check_ok(file_create(
	    AT_FDCWD, online_path(b.home, "keys"), span_str(""), 0600));
	assert_int_equal(compose_keys_keep(&c, b.home), RC_IO);
	assert_null(c.items[0].key_file);
	check_ok(compose_keys_keep(&none, b.home)); /* nothing to do */
}

/* ---- checking ------------------------------------------------------------ */

struct refusals {
	size_t n;
	enum rule rules[4];
};
static struct refusals refused;

static void
note_refusal(enum rule rule, const char *reason)
{
	assert_true(*reason != '\0');
	refused.rules[refused.n++] = rule;
}

static void
refusals_are_all_told_and_the_first_is_the_result(void **state)
{
	static const struct online_ask asks[] = {
		{ .names = "dns:a.elsewhere.net", .key = "ec-p256" },
		{ .names = "dns:a.example.org", .key = "ec-p256" },
		{ .names = "dns:b.example.org", .key = "ec-p521" },
	};
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	size_t n = 99;

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &asks[1]);
	check_ok(compose_check(&c, note_refusal, &n));
	assert_int_equal(n, 0);
	ask_add(&c, &asks[0]);
	ask_add(&c, &asks[2]);
	refused.n = 0;
	check_rule(compose_check(&c, note_refusal, &n), "NAME-SCOPE",
	    "a.elsewhere.net");
	assert_int_equal(n, 2);
	assert_int_equal(refused.n, 2);
	assert_int_equal(refused.rules[0], RULE_NAME_SCOPE);
	assert_int_equal(refused.rules[1], RULE_KEY_POLICY);
	check_rule(compose_check(&c, NULL, &n), "NAME-SCOPE", "");
	assert_int_equal(n, 2);
}

static void
a_profile_that_the_policy_has_not_is_refused(void **state)
{
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256" };
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	size_t n;

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &ask);
	(void)strcpy(c.items[0].profile, "none");
	check_rule(compose_check(&c, NULL, &n), "PROFILE-UNKNOWN", "none");
	assert_int_equal(n, 1);
}

static void
ask_person(struct compose *c, EVP_PKEY *key, const char *names)
{
	WIPED(buf) csr = { 0 };
	struct online_ask ask = { .profile = "person" };

	csr_of_key(key, names, &csr);
	ask.csr = buf_span(&csr);
	ask_add(c, &ask);
}

static void
a_key_is_for_one_name_in_a_bundle(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	size_t n;

	(void)state;
	bed_make(&b, &c);
	ask_person(&c, key, "dns:a.example.org");
	ask_person(&c, key, "dns:a.example.org,dns:b.example.org");
	check_ok(compose_check(&c, NULL, &n));
	ask_person(&c, key, "dns:b.example.org");
	check_rule(compose_check(&c, NULL, &n), "KEY-USED", "");
	assert_int_equal(n, 1);
}

static void
a_key_is_for_the_name_that_the_store_has_it_for(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) first = { 0 };
	WIPED(compose) same = { 0 };
	WIPED(compose) other = { 0 };
	WIPED(composed_bundle) bundle = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	size_t n;

	(void)state;
	bed_make(&b, &first);
	ask_person(&first, key, "dns:a.example.org");
	check_ok(compose_finish(&first, b.requester, false, 0, &bundle));
	online_answer(&b, bundle.sequence, NULL);
	online_receive(&b);
	other = (struct compose){ .store = &b.store, .now = NOW };
	ask_person(&other, key, "dns:b.example.org");
	check_rule(compose_check(&other, NULL, &n), "KEY-USED", "");
	same = (struct compose){ .store = &b.store, .now = NOW };
	ask_person(&same, key, "dns:a.example.org");
	check_ok(compose_check(&same, NULL, &n));
	/* where the profile does not mind, nobody looks */
	(void)strcpy(other.items[0].profile, "server");
	check_ok(compose_check(&other, NULL, &n));
	/* a name in the store that is none */
	online_edit(&b, "UPDATE request SET names = 'x:y'");
	assert_int_equal(compose_check(&same, NULL, &n), RC_STATE);
	assert_non_null(strstr(err_text(), "is no name"));
	online_edit(&b, "UPDATE request SET names = 'dns'");
	assert_int_equal(compose_check(&same, NULL, &n), RC_STATE);
	online_edit(&b, "UPDATE certificate SET der = x'3000'");
	assert_int_not_equal(compose_check(&same, NULL, &n), RC_OK);
	assert_non_null(strstr(err_text(), "stored certificate"));
}

static void
without_a_transfer_certificate_nothing_is_checked(void **state)
{
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256" };
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	size_t n = 99;

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &ask);
	buf_reset(&b.store.trust.transfer_cert);
	check_rule(compose_check(&c, NULL, &n), "TRANSFER-CERT", "");
	assert_int_equal(n, 0);
}

/* ---- the bundle ---------------------------------------------------------- */

static void
read_back(struct online_bed *b, const struct composed_bundle *made,
    struct bundle *ret)
{
	enum bundle_state state;
	WIPED(buf) file = { 0 };
	uint32_t sequence = 0;
	struct cose cose;

	check_ok(cose_read("made", buf_span(&made->file), COSE_BUNDLE, &cose));
	check_ok(cose_verify("made", &cose, b->requester));
	assert_true(
	    span_eq(cose.kid, span_of(b->store.channel.requester, SHA256_LEN)));
	check_ok(bundle_read("made", cose.payload, ret));
	assert_memory_equal(ret->id, made->id, BUNDLE_ID_LEN);
	/* and it is on record to the byte */
	check_ok(
	    store_bundle_find(&b->store, made->id, &state, &sequence, &file));
	assert_int_equal(state, BUNDLE_OPEN);
	assert_int_equal(sequence, made->sequence);
	assert_true(span_eq(buf_span(&file), buf_span(&made->file)));
}

static void
a_bundle_is_signed_and_on_record(void **state)
{
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256",
		.count = 3,
		.overlap = 7 * DAY };
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(composed_bundle) made = { 0 };
	WIPED(bundle) found = { 0 };

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &ask);
	last_of(&c)->comment = strdup("for the web");
	check_ok(buf_add_str(&last_of(&c)->replaces, "12345678"));
	check_ok(compose_finish(&c, b.requester, true, NOW + DAY, &made));
	read_back(&b, &made, &found);
	assert_int_equal(found.sequence, NOW);
	assert_int_equal(found.created, NOW);
	assert_true(found.has_expires);
	assert_int_equal(found.expires, NOW + DAY);
	assert_false(found.has_head);
	assert_true(span_eq_str(found.label, "web"));
	assert_memory_equal(found.ca_id, b.ca.id, SHA256_LEN);
	assert_int_equal(found.n_requests, 1);
	assert_true(span_eq_str(found.requests[0].comment, "for the web"));
	assert_true(span_eq_str(found.requests[0].replaces, "12345678"));
	assert_int_equal(found.requests[0].validity.count, 3);
	assert_int_equal(
	    online_count(&b, "SELECT expires FROM bundle"), NOW + DAY);
}

static void
numbers_grow_and_the_head_is_echoed(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(composed_bundle) made = { 0 };
	WIPED(bundle) found = { 0 };
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256" };

	(void)state;
	bed_make(&b, &c);
	online_answer(&b, online_send_one(&b, "dns:a.example.org", 1), NULL);
	online_receive(&b);
	ask_add(&c, &ask);
	check_ok(compose_finish(&c, b.requester, false, 0, &made));
	read_back(&b, &made, &found);
	assert_int_equal(found.sequence, NOW + 1);
	assert_false(found.has_expires);
	assert_true(found.has_head);
	assert_int_equal(found.head.sequence, 1);
	assert_memory_equal(found.head.digest, b.digest, SHA256_LEN);
	assert_int_equal(found.head.ledger.count, b.records);
}

/* By the clock, so that a store put back to an older state counts up as well.
 */
static void
numbers_follow_the_clock_and_the_answers(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	uint32_t next = 0;

	(void)state;
	bed_make(&b, &c);
	check_ok(store_next_sequence(&b.store, NOW, &next));
	assert_int_equal(next, NOW);
	(void)online_send_one(&b, "dns:b.example.org", 1);
	/* Two in one second; and a clock that was set back a little. */
	online_edit(&b, "UPDATE bundle SET sequence = 1800000000");
	check_ok(store_next_sequence(&b.store, NOW, &next));
	assert_int_equal(next, NOW + 1);
	check_ok(store_next_sequence(&b.store, NOW - HOUR, &next));
	assert_int_equal(next, NOW + 1);
	check_ok(store_next_sequence(&b.store, NOW + 5, &next));
	assert_int_equal(next, NOW + 5);
	/* The last seconds that 32 bits can say, and what comes after. */
	check_ok(store_next_sequence(&b.store, INT64_C(4194967295), &next));
	assert_true(next == 4194967295U);
	check_ok(store_next_sequence(&b.store, INT64_C(4300000000), &next));
	assert_true(next == 4194967295U);
	/* It was far ahead, and the CA did not take that. */
	online_edit(&b, "UPDATE bundle SET sequence = 1900000000");
	check_ok(store_next_sequence(&b.store, NOW, &next));
	assert_int_equal(next, NOW);
	/* It did, for its own clock was. */
	online_edit(&b, "UPDATE bundle SET state = 3");
	check_ok(store_next_sequence(&b.store, NOW, &next));
	assert_int_equal(next, 1900000001);
	/* A clock of before 1970. */
	online_edit(&b, "UPDATE bundle SET sequence = 1, state = 1");
	check_ok(store_next_sequence(&b.store, -5, &next));
	assert_int_equal(next, 2);
}

static void
no_number_is_left_after_the_last(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256" };
	uint32_t next = 0;
	WIPED(composed_bundle) made = { 0 };

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &ask);
	(void)online_send_one(&b, "dns:b.example.org", 1);
	online_edit(&b, "UPDATE bundle SET sequence = 4294967294, state = 3");
	check_ok(store_next_sequence(&b.store, NOW, &next));
	assert_int_equal(next, UINT32_MAX);
	online_edit(&b, "UPDATE bundle SET sequence = 4294967295");
	assert_int_equal(
	    compose_finish(&c, b.requester, false, 0, &made), RC_STATE);
	assert_non_null(strstr(err_text(), "no bundle number is left"));
}

struct finishing {
	struct online_bed *bed;
	struct compose *compose;
};

static enum rc
finish(void *arg)
{
	struct finishing *f = arg;
	WIPED(composed_bundle) made = { 0 };

	return compose_finish(f->compose, f->bed->requester, false, 0, &made);
}

static void
no_bundle_is_there(void *arg)
{
	struct online_bed *b = ((struct finishing *)arg)->bed;

	assert_int_equal(online_count(b, "SELECT count(*) FROM bundle"), 0);
	assert_int_equal(online_count(b, "SELECT count(*) FROM request"), 0);
	store_rollback(&b->store); /* as the end of the program does */
}

static void
what_was_not_recorded_does_not_leave(void **state)
{
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256" };
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	struct finishing f = { &b, &c };

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &ask);
	each_fails(FAIL_DB, finish, no_bundle_is_there, &f);
	assert_int_equal(online_count(&b, "SELECT count(*) FROM bundle"), 1);
}

static void
without_memory_no_bundle_leaves(void **state)
{
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256" };
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	struct finishing f = { &b, &c };

	(void)state;
	bed_make(&b, &c);
	ask_add(&c, &ask);
	each_fails(FAIL_MEMORY, finish, no_bundle_is_there, &f);
	assert_int_equal(online_count(&b, "SELECT count(*) FROM bundle"), 1);
}

/* ---- again --------------------------------------------------------------- */

static enum rc
again(struct online_bed *b, struct compose *c)
{
	*c = (struct compose){
		.store = &b->store, .reader = online_reader(b), .now = NOW
	};
	return compose_again(c);
}

static void
what_is_unanswered_is_asked_as_it_was(void **state)
{
	static const struct online_ask asks[] = {
		{ .names = "dns:a.example.org", .key = "ec-p256", .count = 2 },
		{ .names = "dns:b.example.org,srv:_x.b.example.org",
		    .key = "ed25519" },
		{ .names = "dns:c.example.org",
		    .key = "ec-p256",
		    .profile = "person" },
	};
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };
	WIPED(compose) none = { 0 };
	WIPED(compose) one = { 0 };
	WIPED(composed_bundle) made = { 0 };

	(void)state;
	bed_make(&b, &c);
	assert_int_equal(again(&b, &none), RC_STATE);
	assert_string_equal(err_text(), "nothing is unanswered");
	ask_add(&c, &asks[0]);
	ask_add(&c, &asks[1]);
	c.items[1].comment = strdup("why");
	check_ok(compose_keys_keep(&c, b.home));
	check_ok(compose_finish(&c, b.requester, false, 0, &made));
	(void)online_send(&b, &asks[2], 1);
	check_ok(again(&b, &none));
	assert_int_equal(none.n, 3);
	for (size_t i = 0; i < 2; i++) {
		const struct composed *was = &c.items[i], *is = &none.items[i];

		assert_string_equal(is->id, was->id);
		assert_string_equal(is->profile, was->profile);
		assert_string_equal(is->key_file, was->key_file);
		assert_true(span_eq(buf_span(&is->csr), buf_span(&was->csr)));
		assert_memory_equal(
		    &is->validity, &was->validity, sizeof(is->validity));
		assert_int_equal(is->names.n, i + 1);
		assert_int_equal(
		    name_compare(&is->names.items[i], &was->names.items[i]), 0);
		assert_int_equal(is->replaces.n, 0);
	}
	assert_null(none.items[0].comment);
	assert_string_equal(none.items[1].comment, "why");
	assert_int_equal(none.items[2].names.n, 0);
	assert_int_equal(none.items[2].csr_names.n, 1);
	/* what is answered is not asked again */
	online_answer(&b, made.sequence, NULL);
	online_receive(&b);
	check_ok(again(&b, &one));
	assert_int_equal(one.n, 1);
	assert_string_equal(one.items[0].id, "c.example.org");
}

static void
a_damaged_bundle_is_not_repeated(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };

	(void)state;
	bed_make(&b, &c);
	(void)online_send_one(&b, "dns:a.example.org", 1);
	online_edit(&b, "UPDATE request SET place = 1");
	assert_int_equal(again(&b, &c), RC_STATE);
	assert_string_equal(err_text(), "store: a request of no bundle");
	online_edit(&b, "UPDATE bundle SET file = x'00'");
	assert_int_equal(again(&b, &c), RC_FORMAT);
	assert_non_null(strstr(err_text(), "stored bundle"));
	assert_int_equal(c.n, 0);
}

static enum rc
again_anew(void *arg)
{
	WIPED(compose) c = { 0 };

	return again(arg, &c);
}

static void
begin_anew(void *arg)
{
	online_reader_anew(arg);
}

static void
whatever_fails_is_told_of_what_is_asked_again(void **state)
{
	WIPED(online_bed) b = { 0 };
	WIPED(compose) c = { 0 };

	(void)state;
	bed_make(&b, &c);
	(void)online_send_one(&b, "dns:a.example.org", 1);
	begin_anew(&b);
	each_fails(FAIL_MEMORY " " FAIL_DB, again_anew, begin_anew, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_fitted_to_the_grammar_and_told_apart),
		cmocka_unit_test(
		    a_csr_that_the_ca_would_refuse_does_not_get_in),
		cmocka_unit_test(a_bundle_has_its_limit),
		cmocka_unit_test(a_csr_of_ours_is_one_that_the_ca_reads),
		cmocka_unit_test(a_name_that_is_none_makes_no_csr),
		cmocka_unit_test(names_stand_where_the_profile_takes_them_from),
		cmocka_unit_test(a_key_of_no_type_adds_nothing),
		cmocka_unit_test(
		    keys_are_written_when_they_are_kept_and_not_before),
		cmocka_unit_test(no_place_for_keys_is_told),
		cmocka_unit_test(
		    refusals_are_all_told_and_the_first_is_the_result),
		cmocka_unit_test(a_profile_that_the_policy_has_not_is_refused),
		cmocka_unit_test(a_key_is_for_one_name_in_a_bundle),
		cmocka_unit_test(
		    a_key_is_for_the_name_that_the_store_has_it_for),
		cmocka_unit_test(
		    without_a_transfer_certificate_nothing_is_checked),
		cmocka_unit_test(a_bundle_is_signed_and_on_record),
		cmocka_unit_test(numbers_grow_and_the_head_is_echoed),
		cmocka_unit_test(numbers_follow_the_clock_and_the_answers),
		cmocka_unit_test(no_number_is_left_after_the_last),
		cmocka_unit_test(what_was_not_recorded_does_not_leave),
		cmocka_unit_test(without_memory_no_bundle_leaves),
		cmocka_unit_test(what_is_unanswered_is_asked_as_it_was),
		cmocka_unit_test(a_damaged_bundle_is_not_repeated),
		cmocka_unit_test(whatever_fails_is_told_of_what_is_asked_again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
