/* SPDX-License-Identifier: Apache-2.0 */
/* One deployment: which certificate is put where, when, and what a reload that
 * fails or a process that dies leaves. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/deploy/deploy.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define BEGIN (NOW - HOUR) /* of the first certificate */

/* A server's directory: cert.pem, key.pem, and one line in `reloads` for each
 * reload, which fails while `broken` is there. */
struct deploy_bed {
	struct online_bed on;
	char dir[40], command[160];
	struct deployment d;
	struct deployed last;
};

static void
deploy_bed_wipe(struct deploy_bed *b)
{
	deployed_wipe(&b->last);
	deployment_wipe(&b->d);
	online_wipe(&b->on);
	remove_tree(b->dir);
}

static void
deploy_bed_make(struct deploy_bed *b, enum deploy_format format, bool has_key,
    const struct online_ask *ask)
{
	online_make(&b->on);
	online_install(&b->on, ask, 0);
	(void)strcpy(b->dir, "/tmp/deploy.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->command, sizeof(b->command),
	    "sh -c 'echo r >>%s/reloads && test ! -e %s/broken'", b->dir,
	    b->dir);
	b->d = (struct deployment){ .format = format,
		.path = strdup(online_path(b->dir, "cert.pem")),
		.key_path =
		    has_key ? strdup(online_path(b->dir, "key.pem")) : NULL,
		.name = strdup("dns:a.example.org"),
		.profile = strdup("server"),
		.reload = strdup(b->command) };
}

static const struct online_ask single = { .names = "dns:a.example.org",
	.key = "ec-p256" };
static const struct online_ask two = { .names = "dns:a.example.org",
	.key = "ec-p256",
	.count = 2,
	.overlap = 7 * DAY };

static enum rc
deploy_at(struct deploy_bed *b, int64_t now)
{
	const struct deploying by = { .home = b->on.home,
		.store = &b->on.store,
		.now = now,
		.remember = true };

	deployed_wipe(&b->last);
	b->last = (struct deployed){ 0 };
	return deploy(&by, &b->d, &b->last);
}

static size_t
reloads(const struct deploy_bed *b)
{
	WIPED(buf) found = { 0 };
	const char *path = online_path(b->dir, "reloads");

	if (access(path, F_OK) != 0)
		return 0;
	check_ok(file_read(AT_FDCWD, path, 4096, &found));
	return found.n / 2;
}

static void
deploys(struct deploy_bed *b, int64_t now, bool changed)
{
	size_t before = reloads(b);

	check_ok(deploy_at(b, now));
	assert_true(b->last.is_due);
	assert_int_equal(b->last.changed, changed);
	assert_int_equal(reloads(b), before + changed);
	assert_true(b->d.has_done);
	assert_false(b->last.failed);
}

static bool
is_there(const struct deploy_bed *b, const char *name)
{
	struct stat st;

	return lstat(online_path(b->dir, name), &st) == 0;
}

static void
put(const struct deploy_bed *b, const char *name, const char *text)
{
	check_ok(file_replace(
	    AT_FDCWD, online_path(b->dir, name), span_str(text), 0644));
}

static void
file_is(const struct deploy_bed *b, const char *name, const char *text)
{
	WIPED(buf) found = { 0 };

	check_ok(file_read(AT_FDCWD, online_path(b->dir, name), 65536, &found));
	if (!span_eq_str(buf_span(&found), text))
		fail_msg("%s: %.*s", name, SPAN_FMT(buf_span(&found)));
}

/* The first certificate of a file, its notBefore, and does a key fit it? */
static int64_t
served(const struct deploy_bed *b, const char *key_name)
{
	BIO *bio = BIO_new_file(online_path(b->dir, "cert.pem"), "r");
	OWN(X509) *cert = NULL;
	OWN(EVP_PKEY) *key = NULL;
	struct tm tm;

	assert_non_null(bio);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(cert);
	if (key_name != NULL) {
		bio = BIO_new_file(online_path(b->dir, key_name), "r");
		assert_non_null(bio);
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
		BIO_free(bio);
		assert_non_null(key);
		assert_int_equal(X509_check_private_key(cert, key), 1);
	}
	ERR_clear_error();
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(cert), &tm), 1);
	return (int64_t)timegm(&tm);
}

static bool
is_done_in_store(struct deploy_bed *b)
{
	return online_count(&b->on, "SELECT count(*) FROM deployment"
				    " WHERE sha256 IS NOT NULL") == 1;
}

/* ---- what is due --------------------------------------------------------- */

static void
a_new_one_is_written_reloaded_and_remembered_once(void **state)
{
	WIPED(deploy_bed) b = { 0 };
	struct stat st;

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	deploys(&b, NOW, true);
	assert_int_equal(served(&b, "cert.pem"), BEGIN);
	assert_int_equal(stat(b.d.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(is_done_in_store(&b));
	assert_int_equal(b.last.not_before, BEGIN);
	assert_int_equal(b.last.not_after, BEGIN + 31 * DAY - 1);
	assert_int_equal(b.last.serial.n, 16);
	assert_int_equal(b.last.left.ends, b.last.not_after);
	assert_false(is_there(&b, "cert.pem.airgap-old"));
	deploys(&b, NOW, false);
	deploys(&b, NOW + DAY, false);
}

static void
a_dry_run_touches_nothing(void **state)
{
	WIPED(deploy_bed) b = { 0 };
	struct deploying by = { .now = NOW, .dry_run = true, .remember = true };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	by.home = b.on.home;
	by.store = &b.on.store;
	check_ok(deploy(&by, &b.d, &b.last));
	assert_true(b.last.changed);
	assert_false(is_there(&b, "cert.pem"));
	assert_int_equal(reloads(&b), 0);
	assert_false(b.d.has_done);
	assert_int_equal(
	    online_count(&b.on, "SELECT count(*) FROM deployment"), 0);
	deploys(&b, NOW, true);
	deployed_wipe(&b.last);
	b.last = (struct deployed){ 0 };
	check_ok(deploy(&by, &b.d, &b.last));
	assert_false(b.last.changed);
}

static void
when_none_is_due_nothing_is_done(void **state)
{
	static const int64_t times[] = { BEGIN - 1, BEGIN + 31 * DAY };
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	for (int i = 0; i < 2; i++) {
		check_ok(deploy_at(&b, times[i]));
		assert_false(b.last.is_due);
		assert_false(b.last.changed);
		assert_false(is_there(&b, "cert.pem"));
	}
	assert_int_equal(b.last.left.ends, 0);
	deploys(&b, BEGIN, true); /* the border seconds are its own */
	deploys(&b, BEGIN + 31 * DAY - 1, false);
}

/* In the overlap: each border second. */
static void
the_next_one_takes_over_an_hour_after_it_began(void **state)
{
	const int64_t next = BEGIN + 31 * DAY;
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &two);
	deploys(&b, NOW, true);
	assert_int_equal(served(&b, "key.pem"), BEGIN);
	deploys(&b, next - 1, false);
	deploys(&b, next, false);
	deploys(&b, next + HELD_SETTLE - 1, false);
	assert_int_equal(served(&b, "key.pem"), BEGIN);
	deploys(&b, next + HELD_SETTLE, true);
	assert_int_equal(served(&b, "key.pem"), next);
	deploys(&b, next + 38 * DAY - 1, false);
	check_ok(deploy_at(&b, next + 38 * DAY)); /* over: it stays there */
	assert_false(b.last.is_due);
	assert_int_equal(served(&b, "key.pem"), next);
}

static void
a_revoked_one_gives_way_at_once(void **state)
{
	const int64_t next = BEGIN + 31 * DAY;
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &two);
	deploys(&b, NOW, true);
	online_edit(
	    &b.on, "UPDATE certificate SET revoked_at = 1 WHERE slot = 0");
	check_ok(deploy_at(&b, next - 1));
	assert_false(b.last.is_due);
	deploys(&b, next, true);
	assert_int_equal(served(&b, "key.pem"), next);
}

/* ---- a change of key ----------------------------------------------------- */

/* Renewed with a key of its own: valid from ten days after the first. */
static void
renew(struct deploy_bed *b)
{
	struct online_ask renewed = single;

	renewed.standing = STANDS_RENEWED;
	online_install(&b->on, &renewed, NOW);
}

static void
a_new_key_comes_with_its_certificate(void **state)
{
	WIPED(deploy_bed) b = { 0 };
	WIPED(buf) key = { 0 };
	WIPED(buf) after = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &single);
	deploys(&b, NOW, true);
	check_ok(file_read(AT_FDCWD, b.d.key_path, 65536, &key));
	renew(&b);
	deploys(&b, NOW + HELD_SETTLE - 1, false);
	deploys(&b, NOW + HELD_SETTLE, true);
	assert_int_equal(served(&b, "key.pem"), NOW);
	check_ok(file_read(AT_FDCWD, b.d.key_path, 65536, &after));
	assert_false(span_eq(buf_span(&key), buf_span(&after)));
	assert_false(is_there(&b, "key.pem.airgap-old"));
}

static void
a_reload_that_fails_brings_the_old_key_back_too(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &single);
	deploys(&b, NOW, true);
	renew(&b);
	put(&b, "broken", "");
	assert_int_equal(deploy_at(&b, NOW + HELD_SETTLE), RC_IO);
	assert_non_null(strstr(err_text(), "cert.pem: the reload failed: \""));
	assert_true(b.last.failed);
	assert_true(b.last.restored);
	assert_true(b.last.changed);
	assert_int_equal(served(&b, "key.pem"), BEGIN);
	assert_false(is_there(&b, "cert.pem.airgap-old"));
	/* the next run tries again, and then it is well */
	assert_int_equal(deploy_at(&b, NOW + HELD_SETTLE), RC_IO);
	assert_int_equal(unlink(online_path(b.dir, "broken")), 0);
	deploys(&b, NOW + HELD_SETTLE, true);
	assert_int_equal(served(&b, "key.pem"), NOW);
}

/* What a renewal did not change is written once and reloaded once. */
static void
all_dies_anywhere_and_the_pair_fits(void *arg)
{
	struct deploy_bed *b = arg;
	int64_t from;

	check_ok(online_open(b->on.home, true, &b->on.store));
	from = served(b, "key.pem");
	assert_true(from == BEGIN || from == NOW);
	/* the next run finishes it, whatever was left */
	check_ok(deploy_at(b, NOW + HELD_SETTLE));
	assert_int_equal(served(b, "key.pem"), NOW);
	assert_false(is_there(b, "cert.pem.airgap-old"));
	assert_false(is_there(b, "key.pem.airgap-old"));
	assert_false(is_there(b, "cert.pem.airgap-new"));
	/* and all begins anew */
	check_ok(deploy_at(b, NOW));
	assert_int_equal(served(b, "key.pem"), BEGIN);
	store_wipe(&b->on.store);
}

static enum rc
deploy_as_a_process(void *arg)
{
	struct deploy_bed *b = arg;
	WIPED(deployment_list) list = { 0 };
	WIPED(store) store = { 0 };
	WIPED(deployed) done = { 0 };
	struct deploying by = {
		.home = b->on.home, .store = &store, .now = NOW + HELD_SETTLE
	};
	enum rc rc = online_open(b->on.home, true, &store);

	if (rc == RC_OK)
		rc = deployment_list_load(&store, &list);
	return rc == RC_OK ? deploy(&by, &list.items[0], &done) : rc;
}

static void
a_rotation_that_is_killed_anywhere_is_finished_by_the_next(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &single);
	free(b.d.reload);
	b.d.reload = NULL;
	check_ok(deploy_at(&b, NOW));
	renew(&b);
	store_wipe(&b.on.store);
	each_dies(FAIL_FILE, deploy_as_a_process,
	    all_dies_anywhere_and_the_pair_fits, &b);
	assert_int_equal(served(&b, "key.pem"), NOW);
}

/* ---- what others do to the files ----------------------------------------- */

static void
what_somebody_changed_is_put_right_and_reloaded(void **state)
{
	static const char *const names[] = { "cert.pem", "key.pem" };
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &single);
	deploys(&b, NOW, true);
	for (size_t i = 0; i < 2; i++) {
		put(&b, names[i], "something else\n");
		deploys(&b, NOW, true);
		assert_int_equal(served(&b, "key.pem"), BEGIN);
		assert_int_equal(unlink(online_path(b.dir, names[i])), 0);
		deploys(&b, NOW, true);
		assert_int_equal(served(&b, "key.pem"), BEGIN);
	}
	deploys(&b, NOW, false);
}

/* The reload is due once more, and that must outlive a crash. */
static void
what_was_changed_and_not_reloaded_is_not_done(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &single);
	deploys(&b, NOW, true);
	put(&b, "cert.pem", "something else\n");
	put(&b, "broken", "");
	assert_int_equal(deploy_at(&b, NOW), RC_IO);
	assert_false(b.d.has_done);
	assert_false(is_done_in_store(&b));
	assert_int_equal(unlink(online_path(b.dir, "broken")), 0);
	deploys(&b, NOW, true);
	assert_true(is_done_in_store(&b));
}

static void
a_link_in_its_place_is_not_followed(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	deploys(&b, NOW, true);
	put(&b, "precious", "precious");
	assert_int_equal(unlink(b.d.path), 0);
	assert_int_equal(symlink(online_path(b.dir, "precious"), b.d.path), 0);
	assert_int_equal(deploy_at(&b, NOW), RC_IO);
	assert_non_null(strstr(err_text(),
	    "cert.pem: not a regular file: deploy to what it leads to"));
	file_is(&b, "precious", "precious");
	assert_int_equal(reloads(&b), 1);
}

/* ---- what is put back ---------------------------------------------------- */

static void
goes_back(struct deploy_bed *b, int64_t now, bool back)
{
	assert_int_equal(deploy_at(b, now), RC_IO);
	assert_true(b->last.failed);
	assert_int_equal(b->last.restored, back);
}

static void
foreign_bytes_come_back_as_they_were(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	put(&b, "cert.pem", "of somebody else\n");
	put(&b, "broken", "");
	goes_back(&b, NOW, true);
	file_is(&b, "cert.pem", "of somebody else\n");
	assert_false(is_done_in_store(&b));
}

static void
where_nothing_was_the_new_file_stays(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	put(&b, "broken", "");
	goes_back(&b, NOW, false);
	assert_int_equal(served(&b, "cert.pem"), BEGIN);
}

/* One of ours, with which the server was well before. */
static void
what_is_over_does_not_come_back(void **state)
{
	const int64_t ends = BEGIN + 38 * DAY - 1, next = BEGIN + 31 * DAY;
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &two);
	deploys(&b, NOW, true);
	put(&b, "broken", "");
	goes_back(&b, ends, true);
	assert_int_equal(served(&b, "cert.pem"), BEGIN);
	goes_back(&b, ends + 1, false);
	assert_int_equal(served(&b, "cert.pem"), next);
}

static void
what_was_revoked_does_not_come_back(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &two);
	deploys(&b, NOW, true);
	online_edit(
	    &b.on, "UPDATE certificate SET revoked_at = 1 WHERE slot = 0");
	put(&b, "broken", "");
	goes_back(&b, BEGIN + 31 * DAY, false);
}

/* A certificate that is none of ours. */
static void
put_foreign(struct deploy_bed *b, int64_t ends)
{
	OWN(X509_NAME) *name = NULL;
	OWN(X509) *cert = NULL;
	WIPED(buf) der = { 0 };
	WIPED(buf) pem = { 0 };
	uint8_t serial[16];

	draw_serial(serial);
	check_ok(subject_read("CN=other", &name));
	cert = cert_begin(
	    name, b->on.requester, span_of(serial, 16), NOW - DAY, ends);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
	assert_true(X509_sign(cert, b->on.requester, EVP_sha256()) > 0);
	cert_der(cert, &der);
	check_ok(pem_write(PEM_CERTIFICATE, buf_span(&der), &pem));
	check_ok(file_replace(AT_FDCWD, b->d.path, buf_span(&pem), 0600));
}

/* Its dates are not looked for: what others can write is not parsed. */
static void
a_foreign_one_comes_back_whatever_it_says(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	put(&b, "broken", "");
	put_foreign(&b, NOW + 1);
	goes_back(&b, NOW, true);
	put_foreign(&b, NOW - 1);
	goes_back(&b, NOW, true);
}

/* ---- PKCS#12 ------------------------------------------------------------- */

static void
a_p12_is_made_anew_only_when_it_holds_something_else(void **state)
{
	WIPED(deploy_bed) b = { 0 };
	WIPED(buf) one = { 0 };
	WIPED(buf) same = { 0 };
	const char *pass;
	struct stat st;

	(void)state;
	deploy_bed_make(&b, DEPLOY_P12, false, &single);
	pass = online_path(b.dir, "pass");
	b.d.pass_source = strdup(pass);
	assert_int_equal(deploy_at(&b, NOW), RC_IO); /* no password yet */
	assert_non_null(strstr(err_text(), "password file"));
	assert_false(is_there(&b, "cert.pem"));
	check_ok(
	    file_replace(AT_FDCWD, b.d.pass_source, span_str("one\n"), 0600));
	deploys(&b, NOW, true);
	assert_int_equal(stat(b.d.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	check_ok(file_read(AT_FDCWD, b.d.path, 65536, &one));
	deploys(&b, NOW, false);
	check_ok(file_read(AT_FDCWD, b.d.path, 65536, &same));
	assert_true(span_eq(buf_span(&one), buf_span(&same)));
	/* a new password is a new file */
	check_ok(
	    file_replace(AT_FDCWD, b.d.pass_source, span_str("two\n"), 0600));
	deploys(&b, NOW, true);
	put(&b, "cert.pem", "damaged");
	deploys(&b, NOW, true);
	deploys(&b, NOW, false);
	/* one that others can read is not used any more */
	assert_int_equal(chmod(b.d.pass_source, 0644), 0);
	assert_int_equal(deploy_at(&b, NOW), RC_IO);
	assert_non_null(strstr(err_text(), "others may read it"));
	assert_int_equal(reloads(&b), 3);
}

/* ---- when something fails ------------------------------------------------ */

static void
without_its_key_nothing_is_written(void **state)
{
	WIPED(deploy_bed) b = { 0 };
	WIPED(holding) h = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	check_ok(holding_find(&b.on.store, "a.example.org", NULL, NOW, &h));
	assert_int_equal(
	    unlink(online_path(b.on.home, h.items[0].key_file)), 0);
	assert_int_equal(deploy_at(&b, NOW), RC_IO);
	assert_true(b.last.is_due);
	assert_false(b.last.changed);
	assert_false(is_there(&b, "cert.pem"));
}

static enum rc
deploy_again(void *arg)
{
	return deploy_at(arg, NOW + HELD_SETTLE);
}

static void
contents_are_synced_before_names(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &single);
	deploys(&b, NOW, true);
	renew(&b);
	sync_was_late = 0;
	sync_is_due = false;
	deploys(&b, NOW + HELD_SETTLE, true);
	assert_int_equal(sync_was_late, 0);
	assert_false(sync_is_due_of_names);
}

/* A database of which a sync failed writes no more until it is opened anew. */
static void
a_pair_fits(void *arg)
{
	struct deploy_bed *b = arg;
	int64_t from = served(b, "key.pem");

	online_reopen(&b->on);
	assert_true(from == BEGIN || from == NOW);
	check_ok(deploy_at(b, NOW + HELD_SETTLE));
	assert_int_equal(served(b, "key.pem"), NOW);
	check_ok(deploy_at(b, NOW));
	assert_int_equal(served(b, "key.pem"), BEGIN);
}

static void
whatever_fails_the_pair_fits(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_FULLCHAIN, true, &single);
	free(b.d.reload);
	b.d.reload = NULL;
	check_ok(deploy_at(&b, NOW));
	renew(&b);
	each_fails(FAIL_FILE, deploy_again, a_pair_fits, &b);
	check_ok(deploy_at(&b, NOW));
	each_fails(FAIL_DB, deploy_again, a_pair_fits, &b);
	assert_int_equal(served(&b, "key.pem"), NOW);
}

/* Files that nobody would rotate are worse than none. */
static void
what_cannot_be_remembered_is_put_back(void **state)
{
	WIPED(deploy_bed) b = { 0 };

	(void)state;
	deploy_bed_make(&b, DEPLOY_PEMFILE, false, &single);
	put(&b, "cert.pem", "of somebody else\n");
	check_ok(db_begin_read(&b.on.store.db)); /* no write goes through: */
	online_edit(&b.on, "PRAGMA query_only = ON");
	assert_int_not_equal(deploy_at(&b, NOW), RC_OK);
	assert_false(b.last.failed);
	assert_true(b.last.restored);
	file_is(&b, "cert.pem", "of somebody else\n");
	assert_int_equal(reloads(&b), 0);
	online_edit(&b.on, "PRAGMA query_only = OFF");
	db_rollback(&b.on.store.db);
	deploys(&b, NOW, true);
}

/* ---- one at a time ------------------------------------------------------- */

static void
one_process_of_a_home_deploys_at_a_time(void **state)
{
	WIPED(online_bed) b = { 0 };
	OWN_FD one = -1;
	OWN_FD two_fd = -1;
	char key[160];

	(void)state;
	online_prepare(&b, PLAIN_POLICY);
	(void)snprintf(key, sizeof(key), "%s/" ONLINE_REQUESTER_KEY, b.home);
	check_ok(file_create(AT_FDCWD, key, span_str("key\n"), 0600));
	check_ok(online_lock(b.home, &one));
	assert_int_equal(online_lock(b.home, &two_fd), RC_STATE);
	assert_non_null(strstr(err_text(),
	    "another install, deploy, rotate or publish is running"));
	assert_int_equal(two_fd, -1);
	fd_close(&one);
	check_ok(online_lock(b.home, &two_fd));
	assert_int_equal(online_lock("/no/such/home", &one), RC_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_new_one_is_written_reloaded_and_remembered_once),
		cmocka_unit_test(a_dry_run_touches_nothing),
		cmocka_unit_test(when_none_is_due_nothing_is_done),
		cmocka_unit_test(
		    the_next_one_takes_over_an_hour_after_it_began),
		cmocka_unit_test(a_revoked_one_gives_way_at_once),
		cmocka_unit_test(a_new_key_comes_with_its_certificate),
		cmocka_unit_test(
		    a_reload_that_fails_brings_the_old_key_back_too),
		cmocka_unit_test(
		    a_rotation_that_is_killed_anywhere_is_finished_by_the_next),
		cmocka_unit_test(
		    what_somebody_changed_is_put_right_and_reloaded),
		cmocka_unit_test(what_was_changed_and_not_reloaded_is_not_done),
		cmocka_unit_test(a_link_in_its_place_is_not_followed),
		cmocka_unit_test(foreign_bytes_come_back_as_they_were),
		cmocka_unit_test(where_nothing_was_the_new_file_stays),
		cmocka_unit_test(what_is_over_does_not_come_back),
		cmocka_unit_test(what_was_revoked_does_not_come_back),
		cmocka_unit_test(a_foreign_one_comes_back_whatever_it_says),
		cmocka_unit_test(
		    a_p12_is_made_anew_only_when_it_holds_something_else),
		cmocka_unit_test(without_its_key_nothing_is_written),
		cmocka_unit_test(contents_are_synced_before_names),
		cmocka_unit_test(whatever_fails_the_pair_fits),
		cmocka_unit_test(what_cannot_be_remembered_is_put_back),
		cmocka_unit_test(one_process_of_a_home_deploys_at_a_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
