/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs of tests/vectors/crl, whole and in pieces; and one that is too large to
 * be anywhere but on its way. */
#include "transfer/x509/crl_read.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "tests/lib/fail.h"
#include "tests/lib/vector.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der_out.h"
#include "transfer/x509/pem.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/resource.h>

#define THIS 1800000000

static X509 *
authority(const char *name)
{
	WIPED(buf) pem = { 0 };
	WIPED(buf) der = { 0 };
	struct span rest;
	bool more;
	X509 *cert;

	vector_read("crl", name, &pem);
	rest = buf_span(&pem);
	check_ok(pem_next(name, PEM_CERTIFICATE, &rest, &der, &more));
	cert = cert_of_der(buf_span(&der));
	assert_non_null(cert);
	return cert;
}

/* Serials and what is said of each: "0102 key 1797000000; 7f00;" */
static enum rc
note(void *arg, const struct crl_revoked *e)
{
	char serial[2 * 20 + 1];
	enum rc rc;

	assert_true(e->serial.n <= 20);
	hex_write(e->serial, serial);
	rc = buf_printf(arg, "%s %d", serial, (int)e->reason);
	if (rc == RC_OK && e->has_since)
		rc = buf_printf(arg, " %lld", (long long)e->since);
	return rc == RC_OK ? buf_add_str(arg, ";") : rc;
}

static const struct {
	const char *file, *ca, *list;
	int64_t this_update; /* 0: when it was made */
	uint64_t number;
} good[] = {
	{ "good-openssl.der", "ca.pem",
	    "01 0;1234 1;80ff 4;8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a 2;",
	    THIS, 42 },
	{ "good-gnutls.der", "ca.pem", "07 0;", 0, 43 },
	{ "good-pyca.der", "ca.pem", "0102 1 1797408000;7f00 0;", THIS, 44 },
	{ "good-2050.der", "ca.pem",
	    "ffffffffffffffffffffffffffffffffffffff01 10 1;", 2524607999,
	    9007199254740991 },
	{ "good-none.der", "ca.pem", "", THIS, 2 },
	{ "good-rsa.der", "ca-rsa.pem", "09 0;", THIS, 1 },
	{ "good-p384.der", "ca-p384.pem", "09 0;", THIS, 1 },
};
#define N_GOOD (sizeof(good) / sizeof(good[0]))

static void
check_good(size_t i, size_t piece)
{
	OWN(X509) *ca = authority(good[i].ca);
	OWNS(crl_reader) *reader = NULL;
	WIPED(buf) der = { 0 };
	WIPED(buf) list = { 0 };
	struct crl_facts facts;
	uint8_t digest[SHA256_LEN];
	struct span rest, some;
	bool is = false;

	vector_read("crl", good[i].file, &der);
	rest = buf_span(&der);
	check_ok(crl_reader_new(good[i].file, note, &list, &reader));
	while (span_take(&rest, piece, &some))
		check_ok(crl_reader_add(reader, some));
	check_ok(crl_reader_add(reader, rest));
	check_ok(crl_reader_end(reader, &facts));
	assert_string_equal(list.n == 0 ? "" : buf_cstr(&list), good[i].list);
	assert_int_equal(facts.number, good[i].number);
	assert_int_equal(facts.size, der.n);
	assert_int_equal(facts.next_update - facts.this_update,
	    i == 3 ? 7 * 86400 + 1 : 7 * 86400);
	if (good[i].this_update != 0)
		assert_int_equal(facts.this_update, good[i].this_update);
	check_ok(sha256(buf_span(&der), digest));
	assert_memory_equal(digest, facts.digest, SHA256_LEN);
	check_ok(crl_reader_verify(reader, X509_get0_pubkey(ca), &is));
	assert_true(is);
	for (size_t j = 0; j < N_GOOD; j++) {
		OWN(X509) *other = authority(good[j].ca);

		check_ok(
		    crl_reader_verify(reader, X509_get0_pubkey(other), &is));
		assert_int_equal(is, strcmp(good[i].ca, good[j].ca) == 0);
	}
}

static void
good_ones_are_read_in_pieces_of_any_size(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 100000 };

	(void)state;
	for (size_t i = 0; i < N_GOOD; i++)
		for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++)
			check_good(i, pieces[j]);
}

static const struct {
	const char *name, *what;
} bad[] = {
#define LENGTH "a length past the end of what it is in"
#define NUMBER "no cRLNumber from 1 to 9007199254740991"
#define AKI "no authorityKeyIdentifier that is a keyid alone"
#define NEITHER "no authorityKeyIdentifier, or no cRLNumber"
#define CRITICAL "a critical or malformed extension"
#define PLACE "an extension that has no place there"
#define ENTRY_CRITICAL "an entry with a critical or malformed extension"
#define REASON "an entry with a reason that is none of ours"
#define FIELDS "an entry without a serial and a date"
#define ORDER "an entry that is not behind the one before it"
#define ALGORITHM "an algorithm that no CA key of ours signs with"
	{ "version-1", "no CRL of version 2" },
	{ "version-3", "no CRL of version 2" },
	{ "algorithm-sha1", ALGORITHM },
	{ "algorithm-outer", "another algorithm than is signed" },
	{ "issuer-empty", "no issuer" },
	{ "next-none", "no time of RFC 5280 4.1.2.5" },
	{ "next-equal", "a nextUpdate not behind thisUpdate" },
	{ "time-type", "no time of RFC 5280 4.1.2.5" },
	{ "time-day", "no time of RFC 5280 4.1.2.5" },
	{ "list-empty", "an empty list, which is left out" },
	{ "gnutls-none", "an empty list, which is left out" },
	{ "number-none", NEITHER },
	{ "number-zero", NUMBER },
	{ "number-large", NUMBER },
	{ "number-160-bit", NUMBER },
	{ "number-twice", NUMBER },
	{ "aki-none", NEITHER },
	{ "aki-twice", AKI },
	{ "aki-serial", AKI },
	{ "extensions-none", LENGTH },
	{ "extensions-empty", "no extensions" },
	{ "critical-number", CRITICAL },
	{ "critical-unknown", CRITICAL },
	{ "unknown", PLACE },
	{ "idp", CRITICAL },
	{ "delta", CRITICAL },
	{ "default-written", CRITICAL },
	{ "entry-critical", ENTRY_CRITICAL },
	{ "entry-issuer", ENTRY_CRITICAL },
	{ "entry-unknown",
	    "an entry with an extension that has no place there" },
	{ "entry-large", "a value that is too large for its place" },
	{ "entry-future", "an entry revoked after thisUpdate" },
	{ "entry-no-extension", "an entry with a malformed end" },
	{ "reason-0", REASON },
	{ "reason-6", REASON },
	{ "reason-7", REASON },
	{ "reason-8", REASON },
	{ "reason-11", REASON },
	{ "reason-twice", "an entry with two reasons" },
	{ "since-type", "an entry with a broken invalidityDate" },
	{ "since-twice", "an entry with an extension that has no place there" },
	{ "serial-zero", FIELDS },
	{ "serial-negative", FIELDS },
	{ "serial-21", FIELDS },
	{ "serial-long-form", "an INTEGER that is not in its shortest form" },
	{ "order", ORDER },
	{ "order-twice", ORDER },
	{ "order-longer", ORDER },
	{ "behind", "bytes behind the CRL" },
	{ "behind-signature", "more than a signature" },
	{ "behind-tbs", "more than its extensions" },
	{ "cut", "no CRL, or one that is cut short" },
	{ "cut-entries", "no CRL, or one that is cut short" },
	{ "nothing", "no CRL, or one that is cut short" },
	{ "indefinite", "no SEQUENCE in DER" },
	{ "claims-2gib", "a length beyond 256 MiB" },
	{ "claims-entries", "a length beyond 256 MiB" },
	{ "certificate", "no CRL of version 2" },
};
#define N_BAD (sizeof(bad) / sizeof(bad[0]))

static void
bad_ones_are_told_by_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_BAD; i++) {
		OWNS(crl_reader) *reader = NULL;
		WIPED(buf) der = { 0 };
		struct crl_facts facts;
		char name[64];

		(void)snprintf(name, sizeof(name), "bad-%s.der", bad[i].name);
		vector_read("crl", name, &der);
		check_ok(crl_reader_new("f", NULL, NULL, &reader));
		err_clear();
		if (crl_reader_read(reader, buf_span(&der), &facts) !=
			RC_FORMAT ||
		    strncmp(err_text(), "f: ", 3) != 0 ||
		    strncmp(err_text() + 3, bad[i].what, strlen(bad[i].what)) !=
			0 ||
		    strncmp(err_text() + 3 + strlen(bad[i].what), ", at byte ",
			10) != 0)
			fail_msg("%s: \"%s\"", name, err_text());
		assert_int_equal(rule_spoken(), RULE_NONE);
	}
}

static void
no_bad_one_is_forgotten(void **state)
{
	DIR *dir = opendir("tests/vectors/crl");
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		n += strncmp(e->d_name, "bad-", 4) == 0;
	(void)closedir(dir);
	assert_int_equal(n, N_BAD);
}

static void
a_signature_of_another_key_or_over_other_bytes_is_none(void **state)
{
	static const char *const names[] = { "signature-other-key.der",
		"signature-flipped.der", "signature-entry.der",
		"signature-none.der" };
	OWN(X509) *ca = authority("ca.pem");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		OWNS(crl_reader) *reader = NULL;
		WIPED(buf) der = { 0 };
		struct crl_facts facts;
		bool is = true;

		vector_read("crl", names[i], &der);
		check_ok(crl_reader_new("f", NULL, NULL, &reader));
		check_ok(crl_reader_read(reader, buf_span(&der), &facts));
		check_ok(crl_reader_verify(reader, X509_get0_pubkey(ca), &is));
		assert_false(is);
	}
}

/* Neither yes nor no. */
static void
what_fails_is_no_answer(void **state)
{
	OWN(X509) *ca = authority("ca.pem");
	WIPED(buf) der = { 0 };

	(void)state;
	vector_read("crl", "good-pyca.der", &der);
	FAIL_EACH("calloc malloc EVP_MD_CTX_new EVP_DigestInit_ex "
		  "EVP_DigestUpdate EVP_DigestFinal_ex EVP_PKEY_verify_init "
		  "EVP_PKEY_verify",
	    ENOMEM)
	{
		OWNS(crl_reader) *reader = NULL;
		struct crl_facts facts;
		const char *failed;
		bool is = false;
		enum rc rc = crl_reader_new("f", NULL, NULL, &reader);

		if (rc == RC_OK)
			rc = crl_reader_read(reader, buf_span(&der), &facts);
		if (rc == RC_OK)
			rc = crl_reader_verify(
			    reader, X509_get0_pubkey(ca), &is);
		failed = fail_stop();
		assert_int_equal(is, failed == NULL);
		assert_int_equal(rc == RC_OK, failed == NULL);
		assert_int_not_equal(rc, RC_FORMAT);
		err_shortage_clear();
		err_clear();
	}
}

static enum rc
stop_at(void *arg, const struct crl_revoked *e)
{
	int *left = arg;

	(void)e;
	return --*left == 0 ? err_set(RC_STATE, "enough") : RC_OK;
}

static void
what_the_caller_says_ends_it(void **state)
{
	WIPED(buf) der = { 0 };

	(void)state;
	vector_read("crl", "good-pyca.der", &der);
	for (int stop = 1; stop <= 3; stop++) {
		OWNS(crl_reader) *reader = NULL;
		struct crl_facts facts;
		int left = stop;

		check_ok(crl_reader_new("f", stop_at, &left, &reader));
		assert_int_equal(
		    crl_reader_read(reader, buf_span(&der), &facts),
		    stop <= 2 ? RC_STATE : RC_OK);
	}
}

/* Made on the way: the head of one, and a million times an entry. */
static void
a_million_entries_take_no_more_memory_than_one(void **state)
{
	OWNS(crl_reader) *reader = NULL;
	WIPED(buf) head = { 0 };
	WIPED(buf) small = { 0 };
	struct rusage before, after;
	const uint32_t n = 1000000;
	uint8_t entry[] = { 0x30, 0x21, 0x02, 0x10, 0x40, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 1, 0x17, 0x0d, '2', '6', '0', '1', '0',
		'1', '0', '0', '0', '0', '0', '0', 'Z' };
	size_t revoked, list;

	(void)state;
	vector_read("crl", "good-pyca.der", &small);
	/* tbsCertList up to nextUpdate, which is the second of two times. */
	for (revoked = 0; memcmp(small.p + revoked, "\x17\x0d", 2) != 0;)
		revoked++;
	revoked += 30;
	list = (size_t)n * sizeof(entry);
	check_ok(der_put_header(&head, DER_SEQUENCE, list + 2000));
	check_ok(der_put_header(&head, DER_SEQUENCE, list + 1000));
	check_ok(buf_add(&head, small.p + 7, revoked - 7));
	check_ok(der_put_header(&head, DER_SEQUENCE, list));
	check_ok(crl_reader_new("f", NULL, NULL, &reader));
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	check_ok(crl_reader_add(reader, buf_span(&head)));
	for (uint32_t i = 0; i < n; i++) {
		entry[15] = (uint8_t)(i >> 16);
		entry[16] = (uint8_t)(i >> 8);
		entry[17] = (uint8_t)i;
		check_ok(crl_reader_add(reader, span_of(entry, sizeof(entry))));
	}
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	assert_true(after.ru_maxrss - before.ru_maxrss < 1024);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_read_in_pieces_of_any_size),
		cmocka_unit_test(bad_ones_are_told_by_what_is_wrong),
		cmocka_unit_test(no_bad_one_is_forgotten),
		cmocka_unit_test(
		    a_signature_of_another_key_or_over_other_bytes_is_none),
		cmocka_unit_test(what_fails_is_no_answer),
		cmocka_unit_test(what_the_caller_says_ends_it),
		cmocka_unit_test(
		    a_million_entries_take_no_more_memory_than_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
