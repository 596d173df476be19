/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints as OpenSSL writes them into a CA certificate, and what each
 * says of names, subjects and whole scopes. */
#include "transfer/x509/constraints.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* A certificate with this extension, as `openssl req -addext` takes it. */
static void
certificate(const char *value, struct buf *ret)
{
	OWN(EVP_PKEY) *key = EVP_EC_gen("P-256");
	OWN(X509) *x = X509_new();
	X509_EXTENSION *e;
	OWN(ssl_bytes) *der = NULL;
	int n;

	assert_non_null(key);
	assert_non_null(x);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 77), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 1000));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	e = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	if (value != NULL) {
		e = X509V3_EXT_conf_nid(
		    NULL, NULL, NID_name_constraints, value);
		assert_non_null(e);
		assert_int_equal(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	buf_reset(ret);
	check_ok(buf_add(ret, der, (size_t)n));
}

static void
a_name_is_held_to_what_the_certificate_says(void **state)
{
	static const struct {
		const char *value, *name;
		bool allowed;
	} rows[] = {
		{ NULL, "dns:any.example.net", true },
		{ "permitted;DNS:example.org", "dns:example.org", true },
		{ "permitted;DNS:example.org", "dns:a.example.org", true },
		{ "permitted;DNS:example.org", "dns:*.example.org", true },
		{ "permitted;DNS:.example.org", "dns:*.example.org", true },
		{ "permitted;DNS:.example.org", "dns:example.org", false },
		{ "permitted;DNS:example.org", "dns:notexample.org", false },
		{ "permitted;DNS:example.org", "dns:example.net", false },
		{ "permitted;DNS:a.example.org", "dns:example.org", false },
		{ "permitted;DNS:a.example.org", "dns:*.example.org", false },
		{ "permitted;DNS:x.org,permitted;DNS:example.net",
		    "dns:www.example.net", true },
		{ "excluded;DNS:a.example.org", "dns:a.example.org", false },
		{ "excluded;DNS:a.example.org", "dns:b.a.example.org", false },
		{ "excluded;DNS:a.example.org", "dns:b.example.org", true },
		{ "excluded;DNS:a.example.org", "dns:*.example.org", false },
		/* another type is not bound */
		{ "permitted;DNS:example.org", "email:a@example.net", true },
		{ "permitted;DNS:example.org", "ip:192.0.2.1", true },
		{ "permitted;DNS:example.org", "xmpp:a@example.net", true },
		{ "permitted;IP:192.0.2.0/255.255.255.0", "ip:192.0.2.7",
		    true },
		{ "permitted;IP:192.0.2.0/255.255.255.0", "ip:192.0.3.7",
		    false },
		{ "permitted;IP:192.0.2.0/255.255.255.0", "ip:2001:db8::1",
		    false },
		{ "excluded;IP:0.0.0.0/0.0.0.0", "ip:192.0.2.7", false },
		{ "excluded;IP:0.0.0.0/0.0.0.0", "ip:2001:db8::1", true },
		{ "permitted;email:example.org", "email:a@example.org", true },
		{ "permitted;email:example.org", "email:a@b.example.org",
		    false },
		{ "permitted;email:.example.org", "email:a@b.example.org",
		    true },
		{ "permitted;email:.example.org", "email:a@example.org",
		    false },
		{ "permitted;email:a@example.org", "email:a@example.org",
		    true },
		{ "permitted;email:a@example.org", "email:A@example.org",
		    false },
		{ "permitted;email:a@example.org", "email:b@example.org",
		    false },
		{ "permitted;URI:example.org", "uri:https://example.org/x",
		    true },
		{ "permitted;URI:example.org", "uri:https://a.example.org/",
		    false },
		{ "permitted;URI:.example.org", "uri:https://a.example.org/",
		    true },
		{ "permitted;otherName:1.3.6.1.5.5.7.8.7;IA5:example.org",
		    "srv:_xmpp-client.a.example.org", true },
		{ "permitted;otherName:1.3.6.1.5.5.7.8.7;IA5:example.org",
		    "srv:_xmpp-client.example.net", false },
		{ "permitted;otherName:1.3.6.1.5.5.7.8.7;IA5:_imap.example.org",
		    "srv:_imap.example.org", true },
		{ "permitted;otherName:1.3.6.1.5.5.7.8.7;IA5:_imap.example.org",
		    "srv:_smtp.example.org", false },
		{ "permitted;otherName:1.3.6.1.5.5.7.8.5;UTF8:example.org",
		    "xmpp:a@example.org", false }, /* no RFC says how */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		WIPED(buf) der = { 0 };
		WIPED(buf) text = { 0 };
		struct constraints c;
		struct name name = { NAME_DNS, SPAN_NONE };

		certificate(rows[i].value, &der);
		check_ok(constraints_read("CA", buf_span(&der), &c));
		check_ok(name_read(rows[i].name, &name.type, &text));
		name.text = buf_span(&text);
		if ((constraints_fault(&c, &name) == NULL) != rows[i].allowed)
			fail_msg("%s: %s", rows[i].value, rows[i].name);
	}
}

static void
a_scope_is_held_whole(void **state)
{
	static const struct {
		const char *value;
		enum name_type type;
		const char *scope; /* a range; NULL: any domain */
		bool held;
	} rows[] = {
		{ NULL, NAME_DNS, NULL, true },
		{ "permitted;DNS:example.org", NAME_DNS, NULL, false },
		{ "permitted;DNS:example.org", NAME_DNS, "example.org", true },
		{ "permitted;DNS:example.org", NAME_DNS, "a.example.org",
		    true },
		{ "permitted;DNS:.example.org", NAME_DNS, "example.org",
		    false },
		{ "permitted;DNS:a.example.org", NAME_DNS, "example.org",
		    false },
		{ "excluded;DNS:a.example.org", NAME_DNS, "example.org",
		    false },
		{ "excluded;DNS:example.org", NAME_DNS, "a.example.org",
		    false },
		{ "excluded;DNS:a.example.org", NAME_DNS, "b.example.org",
		    true },
		{ "excluded;DNS:a.example.org", NAME_DNS, NULL, false },
		{ "permitted;email:example.org", NAME_EMAIL, "example.org",
		    false },
		{ "permitted;email:example.org,permitted;email:.example.org",
		    NAME_EMAIL, "example.org", true },
		{ "permitted;email:.example.org", NAME_EMAIL, "a.example.org",
		    true },
		{ "excluded;email:a@b.example.org", NAME_EMAIL, "example.org",
		    false },
		{ "permitted;DNS:example.org", NAME_EMAIL, "example.net",
		    true },
		{ "permitted;otherName:1.3.6.1.5.5.7.8.5;UTF8:example.org",
		    NAME_XMPP, "example.org", false },
		{ "permitted;IP:192.0.2.0/255.255.255.0", NAME_IP,
		    "192.0.2.0/24", true },
		{ "permitted;IP:192.0.2.0/255.255.255.0", NAME_IP,
		    "192.0.2.128/25", true },
		{ "permitted;IP:192.0.2.0/255.255.255.0", NAME_IP,
		    "192.0.2.0/23", false },
		{ "permitted;IP:192.0.2.0/255.255.255.0", NAME_IP,
		    "2001:db8::/32", false },
		{ "excluded;IP:192.0.2.0/255.255.255.0", NAME_IP,
		    "192.0.0.0/16", false },
		{ "excluded;IP:192.0.2.0/255.255.255.0", NAME_IP,
		    "192.0.3.0/24", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		WIPED(buf) der = { 0 };
		struct constraints c;
		struct cidr range;
		bool held;

		certificate(rows[i].value, &der);
		check_ok(constraints_read("CA", buf_span(&der), &c));
		if (rows[i].type == NAME_IP) {
			assert_true(cidr_read(rows[i].scope, &range));
			held = constraints_hold_range(&c, &range);
		} else
			held = constraints_hold_domain(
			    &c, rows[i].type, rows[i].scope);
		if (held != rows[i].held)
			fail_msg("%s: %s", rows[i].value, rows[i].scope);
	}
}

/* OpenSSL and GnuTLS take such a CN for a host's name. */
static void
a_cn_without_a_dns_name_beside_it_counts_as_one(void **state)
{
	static const struct {
		const char *cn, *name;
		bool allowed;
	} rows[] = {
		{ "192.0.2.7", "ip:192.0.2.7", false },
		{ "2001:db8::7", "ip:2001:db8::7", false },
		{ "www.example.net", "email:a@example.org", false },
		{ "www.example.org", "email:a@example.org", true },
		{ "www.example.net", "dns:a.example.org", true },
		{ "A host", "ip:192.0.2.7", true },
	};
	WIPED(buf) der = { 0 };
	struct constraints c;

	(void)state;
	certificate("permitted;DNS:example.org", &der);
	check_ok(constraints_read("CA", buf_span(&der), &c));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OWN(X509_NAME) *subject = X509_NAME_new();
		OWN(ssl_bytes) *bytes = NULL;
		WIPED(buf) text = { 0 };
		struct name name = { NAME_DNS, SPAN_NONE };
		int n;

		assert_int_equal(
		    X509_NAME_add_entry_by_NID(subject, NID_commonName,
			MBSTRING_UTF8, (const uint8_t *)rows[i].cn, -1, -1, 0),
		    1);
		n = i2d_X509_NAME(subject, &bytes);
		check_ok(name_read(rows[i].name, &name.type, &text));
		name.text = buf_span(&text);
		if ((constraints_subject_fault(&c, span_of(bytes, (size_t)n),
			 &name, 1) == NULL) != rows[i].allowed)
			fail_msg("CN=%s beside %s", rows[i].cn, rows[i].name);
	}
}

static void
what_a_certificate_is_bound_to_is_said(void **state)
{
	WIPED(buf) der = { 0 };
	WIPED(buf) text = { 0 };
	struct constraints c;

	(void)state;
	certificate("permitted;DNS:example.org,permitted;IP:192.0.2.0/"
		    "255.255.255.0,excluded;email:.example.org",
	    &der);
	check_ok(constraints_read("CA", buf_span(&der), &c));
	check_ok(constraints_write(&c, &text));
	assert_true(span_eq_str(buf_span(&text),
	    "dns:example.org, ip:192.0.2.0/24, not email:.example.org"));
	certificate(NULL, &der);
	buf_reset(&text);
	check_ok(constraints_read("CA", buf_span(&der), &c));
	check_ok(constraints_write(&c, &text));
	assert_true(span_eq_str(buf_span(&text), "nothing"));
}

/* Each byte of the extension, changed: read or refused, never wrongly walked.
 */
static void
malformed_constraints_are_refused(void **state)
{
	static const uint8_t oid[] = { 6, 3, 0x55, 0x1d, 0x1e };
	WIPED(buf) der = { 0 };
	struct constraints c;
	uint8_t *at;

	(void)state;
	certificate("permitted;IP:192.0.2.0/255.255.255.0", &der);
	at = memmem(der.p, der.n, oid, sizeof(oid));
	assert_non_null(at);
	/* OCTET STRING, SEQUENCE, [0], SEQUENCE, [7] 8 bytes */
	assert_int_equal(at[13], 0x87);
	at[13] = 0x82; /* no address any more: well formed */
	check_ok(constraints_read("CA", buf_span(&der), &c));
	at[13] = 0x87;
	at[9] = 0xa2; /* neither permitted nor excluded */
	check_refused(constraints_read("CA", buf_span(&der), &c), "CA-CERT",
	    "CA: malformed name constraints");
	at[9] = 0xa0;
	at[9] = 0xa0;
	at[7] = 0x31; /* a SET for the whole */
	check_refused(constraints_read("CA", buf_span(&der), &c), "CA-CERT",
	    "CA: malformed name constraints");
	at[7] = 0x30;
	at[11] = 0x31; /* a SET for a SEQUENCE */
	check_refused(constraints_read("CA", buf_span(&der), &c), "CA-CERT",
	    "CA: malformed name constraints");
}

/* What stands around the constraints: what cannot be walked is not passed over.
 */
static void
broken_extensions_are_refused(void **state)
{
	static const uint8_t oid[] = { 6, 3, 0x55, 0x1d, 0x1e };
	static const struct {
		int at; /* from the extension's OID */
		uint8_t from, to;
	} cases[] = {
		{ -2, 0x30, 0x31 }, /* the extension */
		{ 0, 0x06, 0x04 },  /* its OID */
		{ 5, 0x04, 0x02 },  /* the OCTET STRING of its value */
	};

	struct constraints c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		WIPED(buf) der = { 0 };
		uint8_t *at;

		certificate("permitted;IP:192.0.2.0/255.255.255.0", &der);
		at = memmem(der.p, der.n, oid, sizeof(oid));
		assert_non_null(at);
		assert_int_equal(at[cases[i].at], cases[i].from);
		at[cases[i].at] = cases[i].to;
		check_refused(constraints_read("CA", buf_span(&der), &c),
		    "CA-CERT", "CA: broken extensions");
	}
}

#define NO_IP \
	"excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0"

/* `asked`: what a CSR asks for, which says nothing of what it leaves out. */
static void
a_ca_below_is_bound_to_no_less(void **state)
{
	static const struct {
		const char *above, *below;
		bool asked, contained;
	} rows[] = {
		{ "permitted;DNS:example.org," NO_IP,
		    "permitted;DNS:example.org," NO_IP, true, true },
		{ "permitted;DNS:example.org," NO_IP,
		    "permitted;DNS:a.example.org," NO_IP, true, true },
		{ "permitted;DNS:example.org," NO_IP,
		    "permitted;DNS:a.example.org", true, false },
		{ "permitted;DNS:example.org", "permitted;DNS:org", false,
		    false },
		{ "permitted;DNS:example.org",
		    "permitted;DNS:a.example.org,permitted;DNS:example.net",
		    false, false },
		{ "permitted;DNS:example.org", "permitted;email:example.org",
		    true, false },
		{ "permitted;DNS:example.org", "excluded;DNS:b.example.org",
		    true, false },
		{ "excluded;DNS:b.example.org", "permitted;DNS:example.org",
		    false, false },
		{ "excluded;DNS:b.example.org", "excluded;DNS:b.example.org",
		    true, true },
		{ "permitted;IP:192.0.2.0/255.255.255.0",
		    "permitted;IP:192.0.2.0/255.255.255.128", true, true },
		{ "permitted;IP:192.0.2.0/255.255.255.0",
		    "permitted;IP:192.0.0.0/255.255.0.0", false, false },
		{ NULL, "permitted;DNS:example.org", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		WIPED(buf) one = { 0 };
		WIPED(buf) other = { 0 };
		struct constraints above, below;

		certificate(rows[i].above, &one);
		certificate(rows[i].below, &other);
		check_ok(constraints_read("CA", buf_span(&one), &above));
		check_ok(constraints_read("CA", buf_span(&other), &below));
		if (constraints_allow(&above, &below) != rows[i].asked ||
		    constraints_contain(&above, &below) != rows[i].contained)
			fail_msg("%s: %s",
			    rows[i].above == NULL ? "none" : rows[i].above,
			    rows[i].below);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_held_to_what_the_certificate_says),
		cmocka_unit_test(a_scope_is_held_whole),
		cmocka_unit_test(
		    a_cn_without_a_dns_name_beside_it_counts_as_one),
		cmocka_unit_test(what_a_certificate_is_bound_to_is_said),
		cmocka_unit_test(malformed_constraints_are_refused),
		cmocka_unit_test(broken_extensions_are_refused),
		cmocka_unit_test(a_ca_below_is_bound_to_no_less),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
