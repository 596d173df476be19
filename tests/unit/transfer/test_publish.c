/* SPDX-License-Identifier: Apache-2.0 */
/* Files for a web root that belongs to somebody else. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/deploy/publish.h"

#include <openssl/evp.h>

#define BEGIN (NOW - HOUR)
#define POSH ".well-known/posh/"

static const char *const all_files[] = { "ca.crt", "ca.pem",
	POSH "xmpp-client.json", POSH "xmpp-server.json" };

static const struct publish_how typed = { 0 };
static const struct publish_how by_timer = { .again = true };
static const struct publish_how dry = { .dry_run = true };

struct web_bed {
	struct online_bed on;
	struct holding h;
	char root[40];
};

static void
web_bed_wipe(struct web_bed *b)
{
	holding_wipe(&b->h);
	online_wipe(&b->on);
	remove_tree(b->root);
}

static void
web_bed_make(struct web_bed *b)
{
	static const struct online_ask ask = { .names = "dns:a.example.org",
		.key = "ec-p256",
		.count = 3,
		.overlap = 7 * DAY };

	online_make(&b->on);
	online_install(&b->on, &ask, 0);
	check_ok(holding_load(&b->on.store, span_str("dns:a.example.org"),
	    span_str("server"), &b->h));
	(void)strcpy(b->root, "/tmp/web.XXXXXX");
	assert_non_null(mkdtemp(b->root));
	(void)umask(077);
}

static const char *
path_of(const struct web_bed *b, const char *name)
{
	return online_path(b->root, name);
}

static mode_t
mode_of(const struct web_bed *b, const char *name)
{
	struct stat st;

	assert_int_equal(lstat(path_of(b, name), &st), 0);
	return st.st_mode & 07777;
}

static void
publishes(struct web_bed *b, int64_t now, size_t wanted)
{
	size_t n = 99;

	check_ok(publish(b->root, &b->on.store, &b->h, now, &typed, &n));
	assert_int_equal(n, wanted);
}

static void
file_has(const struct web_bed *b, const char *name, struct span wanted)
{
	WIPED(buf) found = { 0 };

	check_ok(file_read(AT_FDCWD, path_of(b, name), 65536, &found));
	if (!span_eq(buf_span(&found), wanted))
		fail_msg("%s: %.*s", name, SPAN_FMT(buf_span(&found)));
}

/* Is this certificate in the document that others fetch? */
static bool
is_listed(const struct web_bed *b, const struct held *h)
{
	WIPED(buf) found = { 0 };
	uint8_t digest[SHA256_LEN];
	char text[64];

	check_ok(sha256(buf_span(&h->der), digest));
	(void)EVP_EncodeBlock((unsigned char *)text, digest, SHA256_LEN);
	check_ok(file_read(
	    AT_FDCWD, path_of(b, POSH "xmpp-server.json"), 65536, &found));
	return memmem(found.p, found.n, text, strlen(text)) != NULL;
}

/* Whatever our umask, which is for secrets. */
static void
all_can_read_what_is_published_and_it_is_written_once(void **state)
{
	WIPED(web_bed) b = { 0 };
	WIPED(buf) pem = { 0 };

	(void)state;
	web_bed_make(&b);
	publishes(&b, NOW, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(mode_of(&b, all_files[i]), 0644);
	assert_int_equal(mode_of(&b, ".well-known"), 0755);
	assert_int_equal(mode_of(&b, ".well-known/posh"), 0755);
	file_has(&b, "ca.crt", buf_span(&b.on.ca.der));
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&b.on.ca.der), &pem));
	file_has(&b, "ca.pem", buf_span(&pem));
	publishes(&b, NOW, 0);
}

static void
the_newest_ca_goes_first(void **state)
{
	WIPED(web_bed) b = { 0 };
	WIPED(buf) newest = { 0 };
	WIPED(buf) pem = { 0 };
	OWN(X509) *again = NULL;

	(void)state;
	web_bed_make(&b);
	publishes(&b, NOW, 4);
	again = ca_cert_make(b.on.ca.key, "CN=Software CA, O=Tests", NULL);
	cert_der(again, &newest);
	check_ok(trust_add_ca(&b.on.store.trust, "CA", buf_span(&newest)));
	publishes(&b, NOW, 2);
	file_has(&b, "ca.crt", buf_span(&newest));
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&newest), &pem));
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&b.on.ca.der), &pem));
	file_has(&b, "ca.pem", buf_span(&pem));
}

static void
other_bytes_or_modes_are_put_right(void **state)
{
	WIPED(web_bed) b = { 0 };

	(void)state;
	web_bed_make(&b);
	publishes(&b, NOW, 4);
	for (size_t i = 0; i < 4; i++) {
		WIPED(buf) was = { 0 };
		const char *path = path_of(&b, all_files[i]);

		check_ok(file_read(AT_FDCWD, path, 65536, &was));
		check_ok(
		    file_replace(AT_FDCWD, path, span_str("others\n"), 0644));
		publishes(&b, NOW, 1);
		file_has(&b, all_files[i], buf_span(&was));
		assert_int_equal(truncate(path, 0), 0);
		publishes(&b, NOW, 1);
		assert_int_equal(truncate(path, 2 << 20), 0);
		publishes(&b, NOW, 1);
		assert_int_equal(unlink(path), 0);
		publishes(&b, NOW, 1);
		assert_int_equal(chmod(path, 0640), 0); /* not for all */
		publishes(&b, NOW, 1);
		assert_int_equal(mode_of(&b, all_files[i]), 0644);
		file_has(&b, all_files[i], buf_span(&was));
		assert_int_equal(chmod(path, 0664), 0); /* the owner's choice */
		publishes(&b, NOW, 0);
	}
}

/* The web root's owner could otherwise have root write any file. */
static void
a_link_is_replaced_and_not_followed(void **state)
{
	WIPED(web_bed) b = { 0 };
	WIPED(buf) found = { 0 };
	char target[64];

	(void)state;
	web_bed_make(&b);
	publishes(&b, NOW, 4);
	(void)snprintf(target, sizeof(target), "%s", path_of(&b, "target"));
	check_ok(file_create(AT_FDCWD, target, span_str("precious"), 0600));
	assert_int_equal(unlink(path_of(&b, "ca.pem")), 0);
	assert_int_equal(symlink(target, path_of(&b, "ca.pem")), 0);
	publishes(&b, NOW, 1);
	assert_int_equal(mode_of(&b, "ca.pem"), 0644);
	check_ok(file_read(AT_FDCWD, target, 100, &found));
	assert_true(span_eq_str(buf_span(&found), "precious"));
	publishes(&b, NOW, 0);
}

static void
a_directory_that_is_a_link_is_refused(void **state)
{
	static const char *const links[] = { ".well-known",
		".well-known/posh" };
	WIPED(web_bed) b = { 0 };
	size_t n = 99;

	(void)state;
	web_bed_make(&b);
	assert_int_equal(mkdir(path_of(&b, "elsewhere"), 0700), 0);
	for (size_t i = 0; i < 2; i++) {
		const char *link = path_of(&b, links[i]);

		assert_int_equal(symlink(path_of(&b, "elsewhere"), link), 0);
		assert_int_equal(
		    publish(b.root, &b.on.store, &b.h, NOW, &typed, &n), RC_IO);
		assert_non_null(strstr(err_text(), b.root));
		assert_int_equal(n, 0); /* all of it or nothing */
		assert_int_equal(access(path_of(&b, "ca.crt"), F_OK), -1);
		assert_int_equal(rmdir(path_of(&b, "elsewhere")), 0);
		assert_int_equal(mkdir(path_of(&b, "elsewhere"), 0700), 0);
		assert_int_equal(unlink(link), 0);
		assert_int_equal(i == 0 ? mkdir(link, 0755) : 0, 0);
	}
	publishes(&b, NOW, 4);
}

static void
what_is_in_the_way_is_told_with_the_root(void **state)
{
	WIPED(web_bed) b = { 0 };
	size_t n = 99;

	(void)state;
	web_bed_make(&b);
	assert_int_equal(mkdir(path_of(&b, "ca.crt"), 0755), 0);
	assert_int_equal(
	    publish(b.root, &b.on.store, &b.h, NOW, &typed, &n), RC_IO);
	assert_int_equal(strncmp(err_text(), b.root, strlen(b.root)), 0);
	assert_int_equal(n, 0);
	assert_int_equal(
	    publish("/no/such/root", &b.on.store, NULL, NOW, &typed, &n),
	    RC_IO);
}

static void
a_dry_run_counts_and_writes_nothing(void **state)
{
	WIPED(web_bed) b = { 0 };
	size_t n = 99;

	(void)state;
	web_bed_make(&b);
	check_ok(publish(b.root, &b.on.store, &b.h, NOW, &dry, &n));
	assert_int_equal(n, 4);
	assert_int_equal(rmdir(b.root), 0); /* it is empty */
	assert_int_equal(mkdir(b.root, 0755), 0);
	publishes(&b, NOW, 4);
	check_ok(publish(b.root, &b.on.store, &b.h, NOW, &dry, &n));
	assert_int_equal(n, 0);
	check_ok(
	    publish(b.root, &b.on.store, &b.h, BEGIN + 31 * DAY, &dry, &n));
	assert_int_equal(n, 2);
	publishes(&b, NOW, 0);
}

/* ---- what is listed ------------------------------------------------------ */

/* Before a server presents a certificate it is listed, and as long as it does.
 */
static void
what_a_server_presents_is_listed_before_it_does(void **state)
{
	const int64_t second = BEGIN + 31 * DAY, third = second + 31 * DAY;
	const int64_t times[] = { NOW, second - 1, second,
		second + HELD_SETTLE - 1, second + HELD_SETTLE,
		BEGIN + 38 * DAY - 1, BEGIN + 38 * DAY, third - 1, third,
		third + HELD_SETTLE, third + 38 * DAY - 1 };
	WIPED(web_bed) b = { 0 };

	(void)state;
	web_bed_make(&b);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct held *next = held_next_get0(&b.h, "EC", times[i]);
		size_t n;

		check_ok(
		    publish(b.root, &b.on.store, &b.h, times[i], &typed, &n));
		assert_true(is_listed(&b, held_due_get0(&b.h, "EC", times[i])));
		if (next != NULL)
			assert_true(is_listed(&b, next));
	}
	assert_false(is_listed(&b, &b.h.items[0]));
}

static void
without_a_certificate_only_the_ca_is_kept(void **state)
{
	WIPED(web_bed) b = { 0 };
	size_t n = 99;

	(void)state;
	web_bed_make(&b);
	assert_int_equal(
	    publish(b.root, &b.on.store, &b.h, BEGIN + 100 * DAY, &typed, &n),
	    RC_STATE);
	assert_int_equal(n, 0); /* nothing of what was asked for */
	assert_int_equal(access(path_of(&b, "ca.crt"), F_OK), -1);
	assert_int_equal(publish(b.root, &b.on.store, &b.h, BEGIN + 100 * DAY,
			     &by_timer, &n),
	    RC_STATE);
	assert_non_null(strstr(err_text(),
	    "no certificate of dns:a.example.org is valid now: the POSH documents stay as they are"));
	assert_int_equal(n, 2);
	assert_int_equal(access(path_of(&b, ".well-known"), F_OK), -1);
	check_ok(publish(b.root, &b.on.store, NULL, NOW, &typed, &n));
	assert_int_equal(n, 0);
	assert_int_equal(access(path_of(&b, ".well-known"), F_OK), -1);
}

/* ---- whose it is --------------------------------------------------------- */

/* Another home, by another key. */
static void
be_another(struct web_bed *b)
{
	b->on.store.spki.p[b->on.store.spki.n - 1] ^= 1;
}

static void
a_file_of_somebody_else_is_not_written_over(void **state)
{
	static const struct publish_how take = { .take = true };
	WIPED(web_bed) b = { 0 };
	char sentence[160];
	size_t n = 99;

	(void)state;
	web_bed_make(&b);
	for (size_t i = 0; i < 4; i++) {
		const char *path = path_of(&b, all_files[i]);

		if (i >= 2)
			check_ok(dir_make(path_of(&b, POSH), 0755));
		path = path_of(&b, all_files[i]);
		check_ok(
		    file_replace(AT_FDCWD, path, span_str("theirs\n"), 0644));
		(void)snprintf(sentence, sizeof(sentence),
		    "%s: %s lies there, and was not published from here",
		    b.root, file_name(all_files[i]));
		check_refused(
		    publish(b.root, &b.on.store, &b.h, NOW, &typed, &n),
		    "DEPLOY-TAKEN", sentence);
		assert_int_equal(n, 0);
		file_has(&b, all_files[i], span_str("theirs\n"));
		assert_int_equal(unlink(path_of(&b, all_files[i])), 0);
	}
	check_ok(file_replace(
	    AT_FDCWD, path_of(&b, "ca.pem"), span_str("theirs\n"), 0644));
	check_ok(publish(b.root, &b.on.store, &b.h, NOW, &take, &n));
	assert_int_equal(n, 4);
	publishes(&b, NOW, 0);
}

static void
a_web_root_has_one_home(void **state)
{
	static const struct publish_how take = { .take = true };
	WIPED(web_bed) b = { 0 };
	char sentence[160];
	size_t n = 99;

	(void)state;
	web_bed_make(&b);
	publishes(&b, NOW, 4);
	be_another(&b);
	(void)snprintf(sentence, sizeof(sentence),
	    "%s: ca.pem: is kept by another home: unnamed", b.root);
	check_refused(publish(b.root, &b.on.store, &b.h, NOW, &typed, &n),
	    "DEPLOY-TAKEN", sentence);
	check_refused(publish(b.root, &b.on.store, &b.h, NOW, &by_timer, &n),
	    "DEPLOY-TAKEN", sentence);
	check_ok(publish(b.root, &b.on.store, &b.h, NOW, &take, &n));
	publishes(&b, NOW, 0);
	be_another(&b); /* the first one again */
	check_refused(publish(b.root, &b.on.store, &b.h, NOW, &by_timer, &n),
	    "DEPLOY-TAKEN", sentence);
	check_ok(publish_release(b.root, &b.on.store)); /* not its own */
	check_refused(publish(b.root, &b.on.store, &b.h, NOW, &typed, &n),
	    "DEPLOY-TAKEN", sentence);
	be_another(&b);
	check_ok(publish_release(b.root, &b.on.store));
	be_another(&b);
	publishes(&b, NOW, 0);
}

static void
what_was_remembered_is_published_again(void **state)
{
	static char name[] = "dns:a.example.org", profile[] = "server",
		    gone[] = "dns:b.example.org";
	WIPED(web_bed) b = { 0 };
	struct publication p = { 0 };
	size_t n = 99;
	bool due = true;

	(void)state;
	web_bed_make(&b);
	p.dir = b.root;
	check_ok(publish_again(&b.on.store, &p, NOW, false, &n, &due));
	assert_int_equal(n, 2);
	p.name = name;
	p.profile = profile;
	check_ok(publish_again(&b.on.store, &p, NOW, true, &n, &due));
	assert_int_equal(n, 2);
	check_ok(publish_again(&b.on.store, &p, NOW, false, &n, &due));
	assert_int_equal(n, 2);
	check_ok(publish_again(&b.on.store, &p, NOW, false, &n, &due));
	assert_int_equal(n, 0);
	p.name = gone;
	assert_int_equal(
	    publish_again(&b.on.store, &p, NOW, false, &n, &due), RC_STATE);
	assert_true(due);
	/* Damage is no end that was to be expected. */
	assert_int_equal(sqlite3_exec(b.on.store.db.sql,
			     "PRAGMA ignore_check_constraints = 1;"
			     "UPDATE certificate SET sha256 = randomblob(31)",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	p.name = name;
	assert_int_equal(
	    publish_again(&b.on.store, &p, NOW, false, &n, &due), RC_STATE);
	assert_false(due);
}

/* ---- when something fails ------------------------------------------------ */

static enum rc
publish_anew(void *arg)
{
	struct web_bed *b = arg;
	size_t n;

	return publish(
	    b->root, &b->on.store, &b->h, BEGIN + 38 * DAY, &typed, &n);
}

/* Each file is as it was or as it shall be, and the next run writes the rest.
 */
static void
each_file_is_whole(void *arg)
{
	struct web_bed *b = arg;
	size_t n = 99;

	assert_true(is_listed(b, &b->h.items[1]));
	file_has(b, "ca.crt", buf_span(&b->on.ca.der));
	check_ok(publish_anew(b));
	assert_false(is_listed(b, &b->h.items[0]));
	check_ok(publish(b->root, &b->on.store, &b->h, NOW, &typed, &n));
	assert_int_equal(n, 2);
}

static void
is_made_by_the_next(void *arg)
{
	struct web_bed *b = arg;

	assert_int_equal(access(path_of(b, "ca.crt"), F_OK), -1);
	assert_int_equal(access(path_of(b, ".well-known"), F_OK), -1);
	publishes(b, BEGIN + 38 * DAY, 4);
	remove_tree(path_of(b, ".well-known"));
	assert_int_equal(unlink(path_of(b, "ca.crt")), 0);
	assert_int_equal(unlink(path_of(b, "ca.pem")), 0);
}

static void
a_directory_that_cannot_be_made_is_told(void **state)
{
	WIPED(web_bed) b = { 0 };

	(void)state;
	web_bed_make(&b);
	each_fails(FAIL_MKDIR, publish_anew, is_made_by_the_next, &b);
	publishes(&b, BEGIN + 38 * DAY, 0);
}

static void
whatever_fails_each_file_is_whole(void **state)
{
	WIPED(web_bed) b = { 0 };

	(void)state;
	web_bed_make(&b);
	publishes(&b, NOW, 4);
	each_fails(FAIL_FILE, publish_anew, each_file_is_whole, &b);
	publishes(&b, NOW, 2);
	each_dies(FAIL_FILE, publish_anew, each_file_is_whole, &b);
	publishes(&b, BEGIN + 38 * DAY, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    all_can_read_what_is_published_and_it_is_written_once),
		cmocka_unit_test(the_newest_ca_goes_first),
		cmocka_unit_test(other_bytes_or_modes_are_put_right),
		cmocka_unit_test(a_link_is_replaced_and_not_followed),
		cmocka_unit_test(a_directory_that_is_a_link_is_refused),
		cmocka_unit_test(what_is_in_the_way_is_told_with_the_root),
		cmocka_unit_test(a_dry_run_counts_and_writes_nothing),
		cmocka_unit_test(
		    what_a_server_presents_is_listed_before_it_does),
		cmocka_unit_test(without_a_certificate_only_the_ca_is_kept),
		cmocka_unit_test(a_file_of_somebody_else_is_not_written_over),
		cmocka_unit_test(a_web_root_has_one_home),
		cmocka_unit_test(what_was_remembered_is_published_again),
		cmocka_unit_test(a_directory_that_cannot_be_made_is_told),
		cmocka_unit_test(whatever_fails_each_file_is_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
