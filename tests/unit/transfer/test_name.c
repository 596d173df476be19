/* SPDX-License-Identifier: Apache-2.0 */
/* Names: one spelling, scope, and the way into a subjectAltName and back. */
#include "transfer/x509/name.h"

#include "base/own_ssl.h"
#include "tests/lib/check.h"
#include "transfer/x509/name_san.h"

#include <stdlib.h>

static struct name
name_of(const char *text)
{
	struct name name = { NAME_DNS, SPAN_NONE };

	assert_true(name_of_text(span_str(text), &name));
	return name;
}

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

/* clang-format off */
static const char *const good[] = {
	"dns:example.org", "dns:a", "dns:*.example.org", "dns:1.example.org",
	"dns:" L63 ".org", "dns:" L63 "." L63 "." L63 ".abcdefghijklmnopqrst"
	    "uvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi",
	"dns:xn--bcher-kva.example", "dns:a--b.example",
	"srv:_xmpp-client.example.org", "srv:_sip.example.org",
	"srv:_abcdefghijklmno.example.org",
	"xmpp:simon@josefsson.org", "xmpp:j\xc3\xbcrg@example.org",
	("xmpp:a@b\xc3\xbc" "cher.example"), "xmpp:\xd7\x90\xd7\x91@example.org",
	"xmpp:a+b!@example.org",
	"ip:192.0.2.1", "ip:2001:db8::1", "ip:::1",
	"email:Simon.J+x@josefsson.org",
	"uri:https://example.org/", "uri:https://example.org:8443/a%20b?c=d",
	"uri:spiffe://example.org/web", "uri:https://example.org",
};

static const struct {
	const char *name, *rule, *what;
} bad[] = {
	{ "dns:", "NAME-FORM", "no domain" },
	{ "dns:example.org.", "NAME-FORM", "a trailing dot" },
	{ "dns:.example.org", "NAME-FORM", "an empty label" },
	{ "dns:a..org", "NAME-FORM", "an empty label" },
	{ "dns:Example.org", "NAME-FORM",
	  "an upper-case letter; wanted lower case" },
	{ "dns:a_b.org", "NAME-FORM", "an underscore, which no host name has" },
	{ "dns:a b.org", "NAME-FORM", "a character that no host name has" },
	{ "dns:-a.org", "NAME-FORM", "a hyphen at an end of a label" },
	{ "dns:a-.org", "NAME-FORM", "a hyphen at an end of a label" },
	{ "dns:ab--c.org", "NAME-FORM",
	  "hyphens in the third and fourth place of a label" },
	{ "dns:a" L63 ".org", "NAME-FORM", "a label of over 63 bytes" },
	{ "dns:" L63 "." L63 "." L63 ".abcdefghijklmnopqrst"
	  "uvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk", "NAME-FORM", NULL },
	{ "dns:192.0.2.1", "NAME-FORM", "a last label of digits only" },
	{ "dns:xn--a.org", "NAME-FORM",
	  "an A-label (xn--) that stands for nothing" },
	{ "dns:xn--bcher-kvb.example", "NAME-FORM", NULL },
	{ "dns:b\xc3\xbc" "cher.example", "NAME-FORM",
	  "not ASCII; wanted A-labels (xn--)" },
	{ "dns:*", "NAME-WILDCARD", NULL },
	{ "dns:a*.example.org", "NAME-WILDCARD", NULL },
	{ "dns:www.*.org", "NAME-WILDCARD",
	  "a wildcard is allowed as the whole left-most label of a dns name "
	  "only" },
	{ "dns:*.*.org", "NAME-WILDCARD", NULL },

	{ "srv:xmpp-client.example.org", "NAME-FORM",
	  "wanted _service.domain" },
	{ "srv:_xmpp-client", "NAME-FORM", "wanted _service.domain" },
	{ "srv:_.example.org", "NAME-FORM",
	  "a service of no or over 15 characters" },
	{ "srv:_abcdefghijklmnop.example.org", "NAME-FORM", NULL },
	{ "srv:_5.example.org", "NAME-FORM", "a service without a letter" },
	{ "srv:_a--b.example.org", "NAME-FORM", NULL },
	{ "srv:_XMPP.example.org", "NAME-FORM", NULL },
	{ "srv:_xmpp-client._tcp.example.org", "NAME-FORM",
	  "a protocol label such as _tcp has no place in an SRV name" },
	{ "srv:_xmpp-client.example.org.", "NAME-FORM", "a trailing dot" },
	{ "srv:_xmpp-client.*.example.org", "NAME-WILDCARD", NULL },

	{ "xmpp:example.org", "NAME-FORM", "wanted localpart@domain" },
	{ "xmpp:@example.org", "NAME-FORM", "no localpart" },
	{ "xmpp:a@", "NAME-FORM", "no domain" },
	{ "xmpp:a@example.org/home", "NAME-FORM",
	  "a resource; wanted a bare JID" },
	{ "xmpp:a@b@example.org", "NAME-FORM",
	  "a character that no localpart has (RFC 7622 3.3.1)" },
	{ "xmpp:A@example.org", "NAME-FORM",
	  "a localpart that is not in lower case and composed (NFC)" },
	{ "xmpp:ju\xcc\x88rg@example.org", "NAME-FORM",
	  "a localpart that is not in lower case and composed (NFC)" },
	{ "xmpp:\xef\xbd\x81@example.org", "NAME-FORM",
	  "a localpart with compatibility characters" },
	{ "xmpp:a\xe2\x80\x8d" "b@example.org", "NAME-FORM", NULL },
	{ "xmpp:a\xd7\x90@example.org", "NAME-FORM",
	  "letters of both directions" },
	{ "xmpp:a b@example.org", "NAME-FORM", NULL },
	{ "xmpp:a\xff@example.org", "NAME-FORM", "not UTF-8" },
	{ "xmpp:a@\xff.org", "NAME-FORM", "not UTF-8" },
	{ "xmpp:a@xn--bcher-kva.example", "NAME-FORM",
	  "an A-label (xn--); a JID has U-labels" },
	{ "xmpp:a@B\xc3\xbc" "cher.example", "NAME-FORM",
	  "a domain that is not in the form of IDNA2008" },
	{ "xmpp:a@*.example.org", "NAME-WILDCARD", NULL },

	{ "ip:", "NAME-FORM", "not an IP address" },
	{ "ip:192.0.2.256", "NAME-FORM", "not an IP address" },
	{ "ip:192.0.2.01", "NAME-FORM", "not an IP address" },
	{ "ip:2001:DB8::1", "NAME-FORM",
	  "an IP address that is not in its canonical form" },
	{ "ip:2001:db8:0:0::1", "NAME-FORM", NULL },
	{ "ip:::ffff:192.0.2.1", "NAME-FORM",
	  "an IPv4 address in IPv6 form; wanted the IPv4 address" },
	{ "ip:192.0.2.0/24", "NAME-FORM", "not an IP address" },

	{ "email:example.org", "NAME-FORM", "wanted local@domain" },
	{ "email:@example.org", "NAME-FORM",
	  "a local part of no or over 64 bytes" },
	{ "email:a..b@example.org", "NAME-FORM",
	  "a local part that is no dot-atom (RFC 5322 3.2.3)" },
	{ "email:.a@example.org", "NAME-FORM", NULL },
	{ "email:\"a\"@example.org", "NAME-FORM", NULL },
	{ "email:a@Example.org", "NAME-FORM", NULL },

	{ "uri:example.org/", "NAME-FORM", "wanted scheme://host/path" },
	{ "uri:://example.org/", "NAME-FORM", "no scheme" },
	{ "uri:HTTPS://example.org/", "NAME-FORM", NULL },
	{ "uri:https://a@example.org/", "NAME-FORM",
	  "a user, which has no place here" },
	{ "uri:https://a:b@example.org/", "NAME-FORM",
	  "a port that is no number from 1 to 65535, or a user" },
	{ "uri:https://example.org/#a", "NAME-FORM",
	  "a fragment, which has no place here" },
	{ "uri:https://example.org:65536/", "NAME-FORM", NULL },
	{ "uri:https://example.org:0/", "NAME-FORM",
	  "a port that begins with 0" },
	{ "uri:https://example.org/a b", "NAME-FORM",
	  "a character that no URI has" },
	{ "uri:https://example.org/%4", "NAME-FORM",
	  "a '%' without two hex digits" },
	{ "uri:https://192.0.2.1/", "NAME-FORM",
	  "a last label of digits only" },
	{ "uri:https:///a", "NAME-FORM", "no domain" },
};

static const struct {
	const char *typed, *name;
} typed[] = {
	{ "dns:WWW.Example.ORG", "dns:www.example.org" },
	{ "dns:B\xc3\xbc" "cher.example", "dns:xn--bcher-kva.example" },
	{ "dns:*.B\xc3\xbc" "cher.example", "dns:*.xn--bcher-kva.example" },
	/* non-transitional: sharp s stays itself */
	{ "dns:fa\xc3\x9f.example", "dns:xn--fa-hia.example" },
	{ "srv:_XMPP-Server.Example.org", "srv:_xmpp-server.example.org" },
	{ "xmpp:J\xc3\x9crg@Example.org", "xmpp:j\xc3\xbcrg@example.org" },
	{ "xmpp:ju\xcc\x88rg@example.org", "xmpp:j\xc3\xbcrg@example.org" },
	{ "xmpp:a@xn--bcher-kva.example", "xmpp:a@b\xc3\xbc" "cher.example" },
	{ "ip:2001:DB8:0:0::1", "ip:2001:db8::1" },
	{ "email:Simon@Example.ORG", "email:Simon@example.org" },
	{ "uri:HTTPS://Example.org/A", "uri:https://example.org/A" },
};

static const struct {
	const char *name, *scope;
	bool inside;
} scoped[] = {
	{ "dns:example.org", "example.org", true },
	{ "dns:a.b.example.org", "example.org", true },
	{ "dns:*.example.org", "example.org", true },
	{ "dns:xexample.org", "example.org", false },
	{ "dns:example.org.evil.test", "example.org", false },
	{ "dns:org", "example.org", false },
	{ "dns:example.org", "www.example.org", false },
	{ "dns:*.org", "example.org", false },
	{ "srv:_xmpp-client.chat.example.org", "example.org", true },
	{ "srv:_example.org", "example.org", false },
	{ "xmpp:a@example.org", "example.org", true },
	{ "xmpp:a@b\xc3\xbc" "cher.example", "xn--bcher-kva.example", true },
	{ "xmpp:example.org@evil.test", "example.org", false },
	{ "email:a@mail.example.org", "example.org", true },
	{ "email:example.org@evil.test", "example.org", false },
	{ "uri:https://example.org/", "example.org", true },
	{ "uri:https://evil.test/example.org", "example.org", false },
	{ "uri:https://evil.test:1/.example.org", "example.org", false },
	{ "ip:192.0.2.1", "192.0.2.1", false },
};
/* clang-format on */
#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Below, each of the good names goes through a certificate: so each type does.
 */
static void
each_type_has_its_word_and_a_name_here(void **state)
{
	(void)state;
	for (unsigned t = 0; t < NAME_TYPES; t++) {
		const char *word = name_type_text((enum name_type)t);
		size_t n = strlen(word), seen = 0;
		enum name_type back;

		assert_true(name_type_read(span_str(word), &back));
		assert_int_equal(back, t);
		assert_false(name_type_read(span_of(word, n - 1), &back));
		for (size_t i = 0; i < N(good); i++)
			seen +=
			    strncmp(good[i], word, n) == 0 && good[i][n] == ':';
		if (seen == 0)
			fail_msg("no name of type %s is tried", word);
	}
	assert_string_equal(name_type_text(NAME_TYPES), "?");
}

static void
a_name_of_no_type_is_refused(void **state)
{
	const struct name name = { NAME_TYPES, span_str("example.org") };

	(void)state;
	check_refused(
	    name_check("f", &name), "NAME-TYPE", "f: a name of no known type");
}

static void
the_types_of_hosts_are_told_from_those_of_persons(void **state)
{
	(void)state;
	for (unsigned t = 0; t <= NAME_TYPES; t++)
		assert_int_equal(name_type_is_host((enum name_type)t),
		    t == NAME_DNS || t == NAME_SRV);
}

static void
well_formed_names_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		const struct name name = name_of(good[i]);

		check_ok(name_check("f", &name));
	}
}

static void
other_spellings_are_refused(void **state)
{
	char sentence[ERR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		const struct name name = name_of(bad[i].name);

		(void)snprintf(sentence, sizeof(sentence), "f: name %s: %s",
		    bad[i].name, bad[i].what == NULL ? "" : bad[i].what);
		if (name_check("f", &name) == RC_OK)
			fail_msg("%s: accepted", bad[i].name);
		check_refused(name_check("f", &name), bad[i].rule,
		    bad[i].what == NULL ? NULL : sentence);
	}
}

static void
a_nul_ends_no_name(void **state)
{
	static const char text[] = "www.example.org\0.evil.test";
	struct name name = { NAME_DNS, span_of(text, sizeof(text) - 1) };

	(void)state;
	for (int t = 0; t < NAME_TYPES; t++) {
		name.type = (enum name_type)t;
		check_rule(
		    name_check("f", &name), "NAME-FORM", "<NUL>.evil.test");
	}
}

static void
what_is_typed_becomes_the_one_spelling(void **state)
{
	WIPED(buf) as = { 0 };

	(void)state;
	for (size_t i = 0; i < N(typed); i++) {
		WIPED(buf) out = { 0 };
		WIPED(buf) text = { 0 };
		struct name name;

		check_ok(name_read(typed[i].typed, &name.type, &out));
		name.text = buf_span(&out);
		check_ok(name_write(&text, &name));
		assert_string_equal(buf_cstr(&text), typed[i].name);

		/* behind what is there already, and the same */
		buf_reset(&as);
		check_ok(buf_add_str(&as, "a "));
		check_ok(name_read_as(
		    name.type, span_str(strchr(typed[i].typed, ':') + 1), &as));
		assert_memory_equal(as.p + 2, out.p, out.n);
		assert_int_equal(as.n, out.n + 2);
	}
}

static void
a_typed_name_has_a_type(void **state)
{
	WIPED(buf) out = { 0 };
	enum name_type type;

	(void)state;
	assert_int_equal(name_read("example.org", &type, &out), RC_USAGE);
	assert_string_equal(err_text(),
	    "name \"example.org\": wanted dns:, srv:, xmpp:, ip:, email: or "
	    "uri: in front");
	assert_int_equal(name_read("host:example.org", &type, &out), RC_USAGE);
	check_refused(name_read("dns:a b", &type, &out), "NAME-FORM", NULL);
	check_refused(name_read("srv:", &type, &out), "NAME-FORM", NULL);
	check_refused(name_read_as(NAME_SRV, SPAN_NONE, &out), "NAME-FORM",
	    "the command line: name srv:: wanted _service.domain");
	assert_int_equal(out.n, 0);
}

static void
what_is_written_is_read_back(void **state)
{
	WIPED(buf) text = { 0 };
	struct name name, back;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		name = name_of(good[i]);
		buf_reset(&text);
		check_ok(name_write(&text, &name));
		assert_string_equal(buf_cstr(&text), good[i]);
		assert_true(name_of_text(buf_span(&text), &back));
		assert_int_equal(name_compare(&name, &back), 0);
	}
	assert_false(name_of_text(span_str("example.org"), &back));
	assert_false(name_of_text(span_str("host:example.org"), &back));
	assert_false(name_of_text(span_str(":example.org"), &back));
	assert_false(name_of_text(SPAN_NONE, &back));
}

static void
scope_is_a_domain_and_all_below(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(scoped); i++) {
		const struct name name = name_of(scoped[i].name);

		if (name_in_scope(&name, scoped[i].scope) != scoped[i].inside)
			fail_msg("%s in %s", scoped[i].name, scoped[i].scope);
	}
}

static void
a_san_gives_back_its_names(void **state)
{
	struct name names[N(good)];
	OWN(GENERAL_NAMES) *san = NULL;
	WIPED(name_list) back = { 0 };

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		names[i] = name_of(good[i]);
	check_ok(names_to_san(names, N(good), &san));
	assert_int_equal(sk_GENERAL_NAME_num(san), N(good));
	check_ok(names_of_san("f", san, &back));
	assert_int_equal(back.n, N(good));
	for (size_t i = 0; i < N(good); i++)
		assert_int_equal(name_compare(&names[i], &back.items[i]), 0);
}

static void
srv_and_xmpp_names_have_their_string_types(void **state)
{
	const struct name names[] = { name_of("srv:_xmpp-client.example.org"),
		name_of("xmpp:a@example.org") };
	OWN(GENERAL_NAMES) *san = NULL;
	ASN1_OBJECT *oid;
	ASN1_TYPE *value;

	(void)state;
	check_ok(names_to_san(names, 2, &san));
	assert_int_equal(GENERAL_NAME_get0_otherName(
			     sk_GENERAL_NAME_value(san, 0), &oid, &value),
	    1);
	assert_int_equal(OBJ_obj2nid(oid), NID_SRVName);
	assert_int_equal(ASN1_TYPE_get(value), V_ASN1_IA5STRING);
	assert_int_equal(GENERAL_NAME_get0_otherName(
			     sk_GENERAL_NAME_value(san, 1), &oid, &value),
	    1);
	assert_int_equal(OBJ_obj2nid(oid), NID_XmppAddr);
	assert_int_equal(ASN1_TYPE_get(value), V_ASN1_UTF8STRING);
}

static void
a_name_of_no_form_is_not_encoded(void **state)
{
	const struct name name = name_of("dns:Example.org");
	OWN(GENERAL_NAMES) *san = NULL;
	WIPED(buf) der = { 0 };

	(void)state;
	check_refused(names_to_san(&name, 1, &san), "NAME-FORM", NULL);
	check_refused(names_to_san_der(&name, 1, &der), "NAME-FORM", NULL);
	assert_int_equal(der.n, 0);
}

static void
a_san_of_broken_der_is_refused(void **state)
{
	WIPED(name_list) list = { 0 };

	(void)state;
	check_ok(names_of_san_der("f",
	    span_of((const uint8_t *)"\x30\x03\x82\x01"
				     "a",
		5),
	    &list));
	assert_int_equal(list.n, 1);
	check_refused(names_of_san_der("f",
			  span_of((const uint8_t *)"\x30\x03\x82\x02"
						   "a",
			      5),
			  &list),
	    "NAME-FORM", "f: a subjectAltName that is not DER");
}

static void
a_list_keeps_its_texts_while_it_grows(void **state)
{
	WIPED(name_list) list = { 0 };
	char text[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "a%d.example.org", i);
		check_ok(name_list_add(&list, NAME_DNS, span_str(text)));
	}
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "a%d.example.org", i);
		assert_true(span_eq_str(list.items[i].text, text));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_has_its_word_and_a_name_here),
		cmocka_unit_test(a_name_of_no_type_is_refused),
		cmocka_unit_test(
		    the_types_of_hosts_are_told_from_those_of_persons),
		cmocka_unit_test(well_formed_names_pass),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(a_nul_ends_no_name),
		cmocka_unit_test(what_is_typed_becomes_the_one_spelling),
		cmocka_unit_test(a_typed_name_has_a_type),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(scope_is_a_domain_and_all_below),
		cmocka_unit_test(a_san_gives_back_its_names),
		cmocka_unit_test(srv_and_xmpp_names_have_their_string_types),
		cmocka_unit_test(a_name_of_no_form_is_not_encoded),
		cmocka_unit_test(a_san_of_broken_der_is_refused),
		cmocka_unit_test(a_list_keeps_its_texts_while_it_grows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
