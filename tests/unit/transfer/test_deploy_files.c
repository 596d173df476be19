/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into the files of a deployment, and whose key it is. */
#include "tests/lib/fail_each.h"
#include "tests/lib/online_fixture.h"

#include "transfer/online/deploy/deploy.h"

#include <openssl/err.h>
#include <openssl/pem.h>

struct files_bed {
	struct online_bed on;
	struct holding h;
	struct deployment d;
	char dir[40], key[64];
	EVP_PKEY *elsewhere; /* a key that was not made here */
};

static void
files_bed_wipe(struct files_bed *b)
{
	holding_wipe(&b->h);
	deployment_wipe(&b->d);
	EVP_PKEY_free(b->elsewhere);
	online_wipe(&b->on);
	remove_tree(b->dir);
}

/* A certificate for a.example.org; `made_here`: its key too. */
static void
files_bed_make(struct files_bed *b, bool made_here, struct span issuer)
{
	WIPED(buf) csr = { 0 };
	struct online_ask ask = { .names = "dns:a.example.org" };

	if (*b->on.home == '\0')
		online_prepare(&b->on, PLAIN_POLICY);
	online_enrol(&b->on, PLAIN_POLICY, issuer);
	(void)strcpy(b->dir, "/tmp/files.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->key, sizeof(b->key), "%s/key.pem", b->dir);
	b->elsewhere = key_new("ec-p256");
	csr_of_key(b->elsewhere, "dns:a.example.org", &csr);
	if (made_here)
		ask.key = "ec-p256";
	else
		ask.csr = buf_span(&csr);
	online_install(&b->on, &ask, 0);
	check_ok(holding_find(&b->on.store, "a.example.org", NULL, NOW, &b->h));
	assert_int_equal(b->h.n, 1);
	b->d.name = strdup(b->h.name);
	b->d.profile = strdup(b->h.profile);
}

static enum rc
make(struct files_bed *b, enum deploy_format format, struct deploy_files *ret)
{
	b->d.format = format;
	return deploy_files_make(
	    b->on.home, &b->on.store, &b->d, &b->h.items[0], true, ret);
}

/* The blocks of a PEM file, by a letter each: K for a key, L for the leaf, C
 * for the CA, I for what is above it. */
static void
blocks_are(const struct files_bed *b, struct span pem, const char *wanted)
{
	OWN(BIO) *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	char found[8] = "", *name = NULL, *header = NULL;
	unsigned char *bytes = NULL;
	long n;

	while (PEM_read_bio(bio, &name, &header, &bytes, &n) == 1) {
		struct span der = span_of(bytes, (size_t)n);
		char c = strcmp(name, "PRIVATE KEY") == 0	      ? 'K'
			 : span_eq(der, buf_span(&b->h.items[0].der)) ? 'L'
			 : span_eq(der, buf_span(&b->on.ca.der))      ? 'C'
								      : 'I';

		assert_true(strlen(found) < sizeof(found) - 1);
		found[strlen(found)] = c;
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(bytes);
	}
	ERR_clear_error();
	assert_string_equal(found, wanted);
}

static void
format_holds(struct files_bed *b, enum deploy_format format, const char *cert,
    const char *key)
{
	WIPED(deploy_files) files = { 0 };

	check_ok(make(b, format, &files));
	blocks_are(b, buf_span(&files.cert), cert);
	blocks_are(b, buf_span(&files.key), key);
}

static void
each_format_holds_what_its_name_says(void **state)
{
	WIPED(files_bed) b = { 0 };

	(void)state;
	files_bed_make(&b, true, SPAN_NONE);
	format_holds(&b, DEPLOY_PEMFILE, "KLC", "");
	format_holds(&b, DEPLOY_P12, "KLC", "");
	format_holds(&b, DEPLOY_CERT, "L", "");
	format_holds(&b, DEPLOY_CHAIN, "C", "");
	format_holds(&b, DEPLOY_FULLCHAIN, "LC", "");
	b.d.key_path = strdup(b.key);
	format_holds(&b, DEPLOY_FULLCHAIN, "LC", "K");
	format_holds(&b, DEPLOY_CERT, "L", "K");
}

static void
what_is_above_the_ca_ends_the_chain(void **state)
{
	WIPED(files_bed) b = { 0 };
	WIPED(deploy_files) files = { 0 };
	WIPED(buf) issuer = { 0 };
	OWN(EVP_PKEY) *key = key_new("ec-p256");
	OWN(X509) *above = ca_cert_make(key, "CN=Root", NULL);

	(void)state;
	cert_der(above, &issuer);
	online_prepare(&b.on, PLAIN_POLICY);
	files_bed_make(&b, true, buf_span(&issuer));
	format_holds(&b, DEPLOY_FULLCHAIN, "LCI", "");
	format_holds(&b, DEPLOY_CHAIN, "CI", "");
	online_edit(
	    &b.on, "UPDATE ca_cert SET der = x'3082ffff' WHERE issuer = 1");
	assert_int_equal(make(&b, DEPLOY_CHAIN, &files), RC_STATE);
	assert_non_null(strstr(err_text(), "store.db: damaged"));
	assert_int_equal(files.cert.n, 0);
}

/* Twice: which way a chain goes, and that no root is in it. */
static void
of_a_ca_that_rolled_over_the_chain_leads_to_each_root(void **state)
{
	WIPED(files_bed) b = { 0 };
	WIPED(deploy_files) files = { 0 };
	struct buf der[3] = { 0 };
	struct trust *trust;
	struct software_ca cas[3] = { 0 };
	struct buf cross[4] = { 0 };
	static const struct {
		size_t by, over;
	} ways[4] = { { 0, 1 }, { 1, 0 }, { 1, 2 }, { 2, 1 } };
	/* Of a leaf by each key: the places of those across. */
	static const int wanted[3][3] = { { 1, 3, -1 }, { 3, -1 }, { 2, -1 } };

	(void)state;
	files_bed_make(&b, true, SPAN_NONE);
	trust = &b.on.store.trust;
	cas[0] = b.on.ca;
	for (size_t i = 1; i < 3; i++) {
		cas[i].key = key_new("ec-p256");
		cas[i].cert =
		    ca_cert_make(cas[i].key, "CN=Software CA, O=Tests", NULL);
		cert_der(cas[i].cert, &der[i]);
		check_ok(trust_add_ca(trust, "CA", buf_span(&der[i])));
	}
	check_ok(buf_add_span(&der[0], buf_span(&b.on.ca.der)));
	for (size_t i = 0; i < 4; i++) {
		software_ca_cross(
		    &cas[ways[i].by], cas[ways[i].over].cert, NULL, &cross[i]);
		check_ok(trust_add_cross(trust, "x", buf_span(&cross[i])));
	}
	for (size_t k = 0; k < 3; k++) {
		WIPED(buf) block = { 0 };
		struct span rest;
		bool more = true;

		memcpy(b.h.items[0].issuer, trust->cas[k].key_id, SHA256_LEN);
		deploy_files_wipe(&files);
		check_ok(make(&b, DEPLOY_CHAIN, &files));
		rest = buf_span(&files.cert);
		for (size_t i = 0; wanted[k][i] >= 0; i++) {
			check_ok(pem_next(
			    "chain", PEM_CERTIFICATE, &rest, &block, &more));
			assert_true(more);
			assert_true(span_eq(
			    buf_span(&block), buf_span(&cross[wanted[k][i]])));
		}
		check_ok(
		    pem_next("chain", PEM_CERTIFICATE, &rest, &block, &more));
		assert_false(more);
	}
	for (size_t i = 1; i < 3; i++) {
		EVP_PKEY_free(cas[i].key);
		X509_free(cas[i].cert);
	}
	for (size_t i = 0; i < 3; i++)
		buf_wipe(&der[i]);
	for (size_t i = 0; i < 4; i++)
		buf_wipe(&cross[i]);
}

/* A renewed CA has two certificates of one key. */
static void
of_a_renewed_ca_the_newest_is_given(void **state)
{
	WIPED(files_bed) b = { 0 };
	WIPED(buf) renewed = { 0 };
	WIPED(deploy_files) files = { 0 };
	OWN(X509) *again = NULL;

	(void)state;
	files_bed_make(&b, true, SPAN_NONE);
	again = ca_cert_make(b.on.ca.key, "CN=Software CA, O=Tests", NULL);
	cert_der(again, &renewed);
	check_ok(trust_add_ca(&b.on.store.trust, "CA", buf_span(&renewed)));
	check_ok(make(&b, DEPLOY_FULLCHAIN, &files));
	blocks_are(&b, buf_span(&files.cert), "LI");
	b.h.items[0].issuer[0] ^= 1;
	deploy_files_wipe(&files);
	assert_int_equal(make(&b, DEPLOY_CHAIN, &files), RC_STATE);
	assert_non_null(
	    strstr(err_text(), "a certificate of no pinned CA key"));
}

/* ---- the key ------------------------------------------------------------- */

static void
put_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
	OWN(BIO) *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long n;

	assert_int_equal(
	    PEM_write_bio_PKCS8PrivateKey(bio, key,
		passphrase == NULL ? NULL : EVP_aes_128_cbc(), passphrase,
		passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL),
	    1);
	n = BIO_get_mem_data(bio, &pem);
	check_ok(file_replace(AT_FDCWD, path, span_of(pem, (size_t)n), 0600));
}

static void
refuses(struct files_bed *b, enum deploy_format format, enum rc wanted,
    const char *words)
{
	WIPED(deploy_files) files = { 0 };

	assert_int_equal(make(b, format, &files), wanted);
	if (strstr(err_text(), words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err_text(), words);
	assert_int_equal(files.cert.n + files.key.n, 0);
}

static void
a_key_from_elsewhere_must_be_told_of(void **state)
{
	WIPED(files_bed) b = { 0 };

	(void)state;
	files_bed_make(&b, false, SPAN_NONE);
	refuses(&b, DEPLOY_PEMFILE, RC_STATE,
	    "dns:a.example.org: its key was not made here: give --key-from");
	format_holds(&b, DEPLOY_CERT, "L", ""); /* where it is not wanted */
	b.d.key_from = strdup(b.key);
	refuses(&b, DEPLOY_PEMFILE, RC_IO, "key.pem");
	put_key(b.key, b.elsewhere, NULL);
	format_holds(&b, DEPLOY_PEMFILE, "KLC", "");
	/* its file is copied to where the server looks for it */
	b.d.key_path = strdup("/tmp/other.pem");
	format_holds(&b, DEPLOY_CERT, "L", "K");
}

/* What lies in its place already is not ours to write. */
static void
a_key_in_its_place_stays_and_must_fit(void **state)
{
	WIPED(files_bed) b = { 0 };

	(void)state;
	files_bed_make(&b, false, SPAN_NONE);
	b.d.key_path = strdup(b.key);
	put_key(b.key, b.elsewhere, NULL);
	format_holds(&b, DEPLOY_FULLCHAIN, "LC", "");
	put_key(b.key, b.on.requester, NULL);
	refuses(&b, DEPLOY_FULLCHAIN, RC_STATE,
	    "key.pem: not the key of the certificate that is due");
}

static void
a_key_of_ours_that_was_changed_is_not_deployed(void **state)
{
	WIPED(files_bed) b = { 0 };
	const char *path;

	(void)state;
	files_bed_make(&b, true, SPAN_NONE);
	path = online_path(b.on.home, b.h.items[0].key_file);
	put_key(path, b.elsewhere, NULL);
	refuses(&b, DEPLOY_PEMFILE, RC_STATE, "not the key of the certif");
	assert_int_equal(unlink(path), 0);
	refuses(&b, DEPLOY_PEMFILE, RC_IO, b.h.items[0].key_file);
	format_holds(&b, DEPLOY_CHAIN, "C", "");
}

/* A timer has nobody to ask. */
static void
no_passphrase_is_asked_for(void **state)
{
	WIPED(files_bed) b = { 0 };

	(void)state;
	files_bed_make(&b, false, SPAN_NONE);
	b.d.key_from = strdup(b.key);
	put_key(b.key, b.elsewhere, "secret");
	refuses(&b, DEPLOY_PEMFILE, RC_STATE,
	    "key.pem: no private key in PEM without a passphrase");
	check_ok(file_replace(AT_FDCWD, b.key, span_str("nothing\n"), 0600));
	refuses(&b, DEPLOY_PEMFILE, RC_STATE, "no private key in PEM");
	assert_int_equal(truncate(b.key, 65537), 0);
	refuses(&b, DEPLOY_PEMFILE, RC_FORMAT, "key.pem");
}

static void
a_damaged_certificate_is_told(void **state)
{
	WIPED(files_bed) b = { 0 };

	(void)state;
	files_bed_make(&b, true, SPAN_NONE);
	buf_reset(&b.h.items[0].der);
	check_ok(buf_add_str(&b.h.items[0].der, "no certificate"));
	refuses(&b, DEPLOY_PEMFILE, RC_STATE, "store: a damaged certificate");
}

static enum rc
make_again(void *arg)
{
	WIPED(deploy_files) files = { 0 };

	return make(arg, DEPLOY_FULLCHAIN, &files);
}

static void
whatever_fails_is_told(void **state)
{
	WIPED(files_bed) b = { 0 };

	(void)state;
	files_bed_make(&b, true, SPAN_NONE);
	b.d.key_path = strdup(b.key);
	each_fails(FAIL_DB " " FAIL_MEMORY, make_again, NULL, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_holds_what_its_name_says),
		cmocka_unit_test(what_is_above_the_ca_ends_the_chain),
		cmocka_unit_test(
		    of_a_ca_that_rolled_over_the_chain_leads_to_each_root),
		cmocka_unit_test(of_a_renewed_ca_the_newest_is_given),
		cmocka_unit_test(a_key_from_elsewhere_must_be_told_of),
		cmocka_unit_test(a_key_in_its_place_stays_and_must_fit),
		cmocka_unit_test(
		    a_key_of_ours_that_was_changed_is_not_deployed),
		cmocka_unit_test(no_passphrase_is_asked_for),
		cmocka_unit_test(a_damaged_certificate_is_told),
		cmocka_unit_test(whatever_fails_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
