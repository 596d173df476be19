/* SPDX-License-Identifier: Apache-2.0 */
/** A small ledger with fixed clock, serials and certificates, for tests. */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

#include "tests/lib/check.h"

#include "base/own_ssl.h"
#include "ca/ledger/ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define T0 INT64_C(1764000000) /* 2025-11-24T16:00:00Z */
#define POLICY_ONE "[ca]\nscope = any\n"
#define POLICY_TWO "[ca]\nscope = example.org\n"

static inline char *
path_of(void **state)
{
	return *state;
}

/* A directory of its own for each test; *state is the path of its ledger. */
static inline int
fixture_make(void **state)
{
	char dir[] = "/tmp/test-ledger.XXXXXX", *path = NULL;

	if (mkdtemp(dir) == NULL || asprintf(&path, "%s/ledger.db", dir) < 0)
		return -1;
	*state = path;
	return 0;
}

static inline int
fixture_drop(void **state)
{
	static const char *const tails[] = { "", ".lock", "-journal" };
	char *path = *state, *name = NULL;

	for (size_t i = 0; i < 3; i++) {
		if (asprintf(&name, "%s%s", path, tails[i]) < 0)
			return -1;
		(void)unlink(name);
		free(name);
	}
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	free(path);
	return 0;
}

/* Ed25519, because its signatures are the same every time. */
static inline void
cert_make(uint8_t mark, struct buf *ret_der)
{
	uint8_t seed[32], serial[16];
	OWN(EVP_PKEY) *key = NULL;
	OWN(X509) *x = X509_new();
	OWN(BIGNUM) *number = NULL;
	OWN(ssl_bytes) *der = NULL;
	int n;

	memset(seed, mark, sizeof(seed));
	memset(serial, mark, sizeof(serial));
	key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	assert_non_null(key);
	assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)));
	assert_int_equal(1, X509_set_version(x, X509_VERSION_3));
	assert_int_equal(
	    1, X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
		   MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0));
	assert_int_equal(1, X509_set_issuer_name(x, X509_get_subject_name(x)));
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), T0));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), T0 + 2678399));
	assert_int_equal(1, X509_set_pubkey(x, key));
	assert_true(X509_sign(x, key, NULL) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	check_ok(buf_add(ret_der, der, (size_t)n));
}

static inline void
stamp(struct ledger *l, int64_t now)
{
	check_ok(ledger_stamp(l, now, span_str(POLICY_ONE)));
}

static inline void
ca_add(struct ledger *l)
{
	WIPED(buf) ca = { 0 };
	WIPED(buf) transfer = { 0 };

	cert_make(0x11, &ca);
	cert_make(0x12, &transfer);
	check_ok(ledger_begin(l));
	stamp(l, T0);
	check_ok(ledger_init_add(l, buf_span(&ca), buf_span(&transfer)));
	check_ok(ledger_commit(l));
}

static inline struct span
spki_of(uint8_t mark, uint8_t store[static 44])
{
	memset(store, mark, 44);
	return span_of(store, 44);
}

/* The id of a requester that spki_of(mark) makes. */
static inline void
requester_id(uint8_t mark, uint8_t ret_id[static SHA256_LEN])
{
	uint8_t spki[44];

	check_ok(sha256(spki_of(mark, spki), ret_id));
}

static inline void
requester_add(struct ledger *l, const char *label, uint8_t mark)
{
	uint8_t spki[44];

	check_ok(ledger_enrol_add(l, span_str(label), spki_of(mark, spki)));
}

static inline struct ledger_bundle
bundle_make(uint8_t mark, uint8_t requester, uint32_t sequence)
{
	struct ledger_bundle b = { .sequence = sequence };

	memset(b.id, mark, sizeof(b.id));
	memset(b.digest, mark, sizeof(b.digest));
	requester_id(requester, b.requester);
	return b;
}

static inline struct intent
intent_make(const struct ledger_bundle *b, uint32_t request, uint8_t mark)
{
	struct intent i = { .bundle = b->n, .request = request };

	memset(i.serial, mark, sizeof(i.serial));
	memset(i.tbs, mark, sizeof(i.tbs));
	memset(i.key_id, mark, sizeof(i.key_id));
	i.not_before = T0;
	i.not_after = T0 + 2678399;
	(void)snprintf(i.request_id, sizeof(i.request_id), "r%u", request);
	(void)snprintf(i.profile, sizeof(i.profile), "tls-server");
	return i;
}

static inline void
manifest_add(struct ledger *l, const struct ledger_bundle *b, uint32_t sequence)
{
	WIPED(ledger_manifest) m = { .sequence = sequence, .bundle = b->n };

	memcpy(m.channel, b->requester, SHA256_LEN);
	check_ok(buf_printf(&m.file, "manifest %u", sequence));
	check_ok(ledger_manifest_add(l, &m));
}

/* Every kind of record once at least: 28 records. */
static inline void
story_tell(struct ledger *l)
{
	uint8_t id[SHA256_LEN];
	WIPED(buf) der = { 0 };
	WIPED(buf) transfer = { 0 };
	struct ledger_bundle b;
	struct intent one, two;

	ca_add(l); /* 1 policy, 2 init */
	check_ok(ledger_begin(l));
	stamp(l, T0 + 60);
	check_ok(ledger_network_add(l, span_str("eth0 wlan0"))); /* 3 */
	requester_add(l, "web", 0x21);			   /* 4 */
	b = bundle_make(0x31, 0x21, 1);
	check_ok(ledger_bundle_add(l, &b)); /* 5 */
	check_ok(ledger_refusal_add(
	    l, b.n, 2, span_str("r2"), "NAME-SCOPE", "r2: out of scope"));
	one = intent_make(&b, 0, 0x41); /* 7 */
	two = intent_make(&b, 1, 0x42); /* 8 */
	check_ok(ledger_intent_add(l, &one));
	check_ok(ledger_intent_add(l, &two));
	check_ok(ledger_commit(l));

	cert_make(0x41, &der);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 61);
	check_ok(ledger_result_add(l, &one, buf_span(&der)));		 /* 9 */
	check_ok(ledger_void_add(l, &two, "the run was interrupted")); /* 10 */
	two = intent_make(&b, 1, 0x43);				 /* 11 */
	check_ok(ledger_intent_add(l, &two));
	check_ok(ledger_commit(l));

	buf_reset(&der);
	cert_make(0x43, &der);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 62);
	check_ok(ledger_result_add(l, &two, buf_span(&der))); /* 12 */
	manifest_add(l, &b, 1);				/* 13 */
	check_ok(ledger_commit(l));

	requester_id(0x21, id);
	check_ok(ledger_begin(l));
	check_ok(ledger_stamp(l, T0 + 86400, span_str(POLICY_TWO))); /* 14 */
	check_ok(ledger_arrived_add(l, id, 1));		       /* 15 */
	check_ok(ledger_remove_add(l, id));			       /* 16 */
	requester_add(l, "www", 0x21);			       /* 17 */
	stamp(l, T0 + 86401);				       /* 18 */
	cert_make(0x13, &transfer);
	check_ok(ledger_transfer_add(l, buf_span(&transfer))); /* 19 */
	check_ok(ledger_clock_add(l, T0 + 80000));		 /* 20 */
	b = bundle_make(0x32, 0x21, 7);
	check_ok(ledger_bundle_add(l, &b)); /* 21 */
	one = intent_make(&b, 0, 0x44);
	check_ok(ledger_intent_add(l, &one)); /* 22 */
	check_ok(ledger_commit(l));

	buf_reset(&der);
	cert_make(0x45, &der);
	check_ok(ledger_begin(l));
	stamp(l, T0 + 80001);
	b = bundle_make(0x33, 0x21, 8);
	check_ok(ledger_bundle_add(l, &b)); /* 23 */
	two = intent_make(&b, 0, 0x45);
	check_ok(ledger_intent_add(l, &two)); /* 24 */
	check_ok(ledger_result_add(l, &two, buf_span(&der))); /* 25 */
	check_ok(ledger_void_add(l, &two, "given up")); /* 26 */
	check_ok(ledger_abandon_add(l, b.n)); /* 27 */
	check_ok(ledger_checked_add(l, id, 1)); /* 28 */
	check_ok(ledger_commit(l));
}
#define STORY_RECORDS 28

#endif
