/* SPDX-License-Identifier: Apache-2.0 */
/* A card whose parts belong together, and each part that does not. */
#include "transfer/judge/card_judge.h"

#include "tests/lib/software_ca.h"

struct made {
	struct software_ca ca, other;
	int64_t now; /* by the clock of who reads the card */
	struct span certs[2];
	struct card card;
	struct buf file;
	EVP_PKEY *signer;
	struct span signer_cert;
};

static int
set_up(void **state)
{
	struct made *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	software_ca_make(&m->ca, "ec-p256");
	software_ca_make(&m->other, "ec-p256");
	m->now = NOW;
	m->certs[0] = buf_span(&m->ca.der);
	m->card = (struct card){ .certs = m->certs,
		.n_certs = 1,
		.created = NOW,
		.policy = span_str(PLAIN_POLICY) };
	memcpy(m->card.ca_id, m->ca.id, SHA256_LEN);
	m->signer = m->ca.transfer_key;
	m->signer_cert = buf_span(&m->ca.transfer_der);
	*state = m;
	return 0;
}

static int
tear_down(void **state)
{
	struct made *m = *state;

	software_ca_wipe(&m->ca);
	software_ca_wipe(&m->other);
	buf_wipe(&m->file);
	free(m);
	return 0;
}

static enum rc
judged(struct made *m, struct offer *ret)
{
	WIPED(buf) payload = { 0 };

	buf_reset(&m->file);
	check_ok(card_write(&m->card, &payload));
	check_ok(cose_sign(COSE_CARD, m->signer, m->signer_cert,
	    buf_span(&payload), &m->file));
	err_clear();
	return card_judge("c.cose", buf_span(&m->file), m->now, ret);
}

static void
a_whole_card_is_offered_and_its_policy_left_alone(void **state)
{
	struct made *m = *state;
	WIPED(offer) offer = { 0 };

	check_ok(judged(m, &offer));
	assert_memory_equal(offer.fingerprint, m->ca.id, SHA256_LEN);
	assert_memory_equal(offer.trust.ca_id, m->ca.id, SHA256_LEN);
	assert_true(span_eq(buf_span(&offer.trust.transfer_cert),
	    buf_span(&m->ca.transfer_der)));
	assert_int_equal(offer.policy.n_profiles, 0);
	check_ok(offer_policy_read("c.cose", &offer));
	assert_int_equal(offer.policy.n_profiles, 2);
}

/* A policy that nobody could read is no reason not to compare the words. */
static void
a_policy_is_read_only_when_it_is_asked_for(void **state)
{
	struct made *m = *state;
	WIPED(offer) offer = { 0 };

	m->card.policy = span_str("[nonsense");
	check_ok(judged(m, &offer));
	assert_int_not_equal(offer_policy_read("c.cose", &offer), RC_OK);
	assert_int_equal(offer.policy.n_profiles, 0);
}

static void
another_key_or_certificate_signs_no_card(void **state)
{
	struct made *m = *state;
	struct offer offer = { 0 };

	/* Its certificate, signed with another key. */
	m->signer = m->other.transfer_key;
	check_refused(judged(m, &offer), "COSE-SIGNATURE", NULL);
	/* Another CA's transfer certificate, in order by itself. */
	m->signer_cert = buf_span(&m->other.transfer_der);
	check_refused(judged(m, &offer), "TRANSFER-CERT", NULL);
	/* The CA's own certificate is none for transfer. */
	m->signer = m->ca.key;
	m->signer_cert = buf_span(&m->ca.der);
	check_refused(judged(m, &offer), "TRANSFER-CERT", NULL);
	assert_null(offer.card.certs);
}

static void
one_below(X509 *cert)
{
	add_text(cert, cert, "basicConstraints", "critical,CA:TRUE,pathlen:1");
}

static void
sub_make(struct made *m, X509 *root, struct buf *ret_der)
{
	OWN(X509) *sub = X509_dup(m->ca.cert);

	assert_int_equal(
	    X509_set_issuer_name(sub, X509_get_subject_name(root)), 1);
	add_text(sub, root, "authorityKeyIdentifier", "keyid:always");
	assert_true(X509_sign(sub, m->other.key, EVP_sha256()) > 0);
	cert_der(sub, ret_der);
}

/* The CA as a sub-CA of a root, which is the other one's key. */
static void
issuers_follow_each_other(void **state)
{
	struct made *m = *state;
	OWN(X509) *root = ca_cert_make(m->other.key, "CN=Root", one_below);
	OWN(X509) *narrow = ca_cert_make(m->other.key, "CN=Root", NULL);
	OWN(X509) *twin = ca_cert_make(m->signer, "CN=Root", one_below);
	WIPED(buf) root_der = { 0 }, sub_der = { 0 };
	struct offer offer = { 0 };
	char junk[80];

	cert_der(root, &root_der);
	sub_make(m, root, &sub_der);
	m->card.n_certs = 2;
	m->certs[0] = buf_span(&sub_der);
	m->certs[1] = buf_span(&root_der);
	check_ok(sha256(m->certs[0], m->card.ca_id));
	check_ok(judged(m, &offer));
	assert_memory_equal(offer.fingerprint, m->card.ca_id, SHA256_LEN);
	offer_wipe(&offer);
	/* Of the right name and another key. */
	buf_reset(&root_der);
	cert_der(twin, &root_der);
	m->certs[1] = buf_span(&root_der);
	check_refused(judged(m, &offer), "CA-CERT",
	    "c.cose: its certificate 2 did not issue the one before");
	/* Another one, and no certificate at all. */
	m->certs[1] = buf_span(&m->other.der);
	check_refused(judged(m, &offer), "CA-CERT",
	    "c.cose: its certificate 2 did not issue the one before");
	memset(junk, 'x', sizeof(junk));
	m->certs[1] = span_of(junk, sizeof(junk));
	check_refused(judged(m, &offer), "CA-CERT",
	    "c.cose: its certificate 2: not strict DER: no DER value at byte 0");
	/* One that allows no CA below, and none at all. */
	buf_reset(&root_der);
	cert_der(narrow, &root_der);
	m->certs[1] = buf_span(&root_der);
	check_refused(judged(m, &offer), "CA-CERT",
	    "c.cose: its certificate 2 allows 0 below itself, and here are 1 (RFC 5280 4.2.1.9)");
	m->card.n_certs = 1;
	check_refused(judged(m, &offer), "CA-CERT",
	    "c.cose: its last certificate has an issuer that is not here");
	assert_null(offer.card.certs);
}

/* To the second, as the certificates themselves. */
static void
a_ca_is_valid_on_the_day_on_which_it_is_pinned(void **state)
{
	struct made *m = *state;
	struct offer offer = { 0 };

	m->now = NOW - 10 * DAY - 1;
	check_refused(judged(m, &offer), "CA-DATES",
	    "c.cose: its validity begins at 2027-01-05T08:00:00Z, and it is 2027-01-05T07:59:59Z by this host's clock");
	m->now = NOW + 3650 * DAY + 1;
	check_refused(judged(m, &offer), "CA-DATES",
	    "c.cose: its validity ended at 2037-01-12T08:00:00Z, and it is 2037-01-12T08:00:01Z by this host's clock");
	m->now = NOW + 3650 * DAY;
	check_ok(judged(m, &offer));
	offer_wipe(&offer);
	/* From there on what is too early is the card. */
	m->now = NOW - 10 * DAY;
	check_refused(judged(m, &offer), "CA-DATES",
	    "c.cose: made at 2027-01-15T08:00:00Z, and it is 2027-01-05T08:00:00Z by this host's clock");
	m->now = NOW - DAY - 1;
	check_refused(judged(m, &offer), "CA-DATES", NULL);
	m->now = NOW - DAY;
	check_ok(judged(m, &offer));
	offer_wipe(&offer);
}

static void
what_is_no_card_is_not_judged(void **state)
{
	struct made *m = *state;
	struct offer offer = { 0 };
	WIPED(offer) good = { 0 };

	check_ok(judged(m, &good));
	assert_int_equal(
	    card_judge("c.cose", span_str("x"), NOW, &offer), RC_FORMAT);
	for (size_t n = 0; n < m->file.n; n += 7)
		assert_int_equal(
		    card_judge("c.cose", span_of(m->file.p, n), NOW, &offer),
		    RC_FORMAT);
	m->certs[0] = span_str("no certificate");
	assert_int_equal(judged(m, &offer), RC_FORMAT);
	assert_null(offer.card.certs);
}

#define ON_CARD(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_CARD(a_whole_card_is_offered_and_its_policy_left_alone),
		ON_CARD(a_policy_is_read_only_when_it_is_asked_for),
		ON_CARD(another_key_or_certificate_signs_no_card),
		ON_CARD(issuers_follow_each_other),
		ON_CARD(a_ca_is_valid_on_the_day_on_which_it_is_pinned),
		ON_CARD(what_is_no_card_is_not_judged),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
