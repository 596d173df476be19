/* SPDX-License-Identifier: Apache-2.0 */
/* Names and nameConstraints of a CA certificate, byte by byte. Whole
 * certificates with each of these are in tests/tools/make_ca_cards.py. */
#include "transfer/judge/ca_constraints.h"

#include "tests/lib/check.h"

#include <string.h>

#define FAULT "its nameConstraints are malformed (RFC 5280 4.2.1.10)"

struct ca_bytes {
	const char *bytes;
	size_t n;
	bool good;
};
#define ROW(text, good) \
	{ \
		text, sizeof(text) - 1, good \
	}

/* In permittedSubtrees: 30 (n+6) A0 (n+4) 30 (n+2) TAG n BASE. */
static void
base_is(uint8_t tag, struct span base, bool good)
{
	uint8_t der[128] = { 0x30, (uint8_t)(base.n + 6), 0xa0,
		(uint8_t)(base.n + 4), 0x30, (uint8_t)(base.n + 2), tag,
		(uint8_t)base.n };
	const char *wrong;

	assert_true(base.n + 8 <= sizeof(der));
	if (base.n != 0)
		memcpy(der + 8, base.p, base.n);
	wrong = ca_constraints_fault(span_of(der, base.n + 8));
	if (good != (wrong == NULL))
		fail_msg("%02x %.*s: %s", tag, SPAN_FMT(base),
		    wrong == NULL ? "taken" : wrong);
	if (wrong != NULL)
		assert_string_equal(wrong, FAULT);
}

static void
a_domain_stands_for_itself_and_all_below(void **state)
{
	static const struct ca_bytes rows[] = {
		ROW("example.org", true),
		ROW("a-b.example.org", true),
		ROW("EXAMPLE.org", true),
		ROW("org", true),
		ROW("", true),
		ROW(".example.org", false),
		ROW("example.org.", false),
		ROW("a..b", false),
		ROW("*.example.org", false),
		ROW("-a.org", false),
		ROW("a-.org", false),
		ROW("a b.org", false),
		ROW("a\0.org", false),
		ROW("\xc3\xa9.org", false),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		base_is(0x82, span_of(rows[i].bytes, rows[i].n), rows[i].good);
}

static void
a_network_has_a_mask_without_holes(void **state)
{
	static const struct ca_bytes rows[] = {
		ROW("\x0a\0\0\0\xff\0\0\0", true),
		ROW("\x0a\0\0\0\xff\x80\0\0", true),
		ROW("\0\0\0\0\0\0\0\0", true),
		ROW("\1\2\3\4\xff\xff\xff\xff", true),
		ROW("\x0a\0\0\0", false),
		ROW("", false),
		ROW("\x0a\0\0\0\xff\0\xff\0", false),
		ROW("\x0a\0\0\0\x7f\0\0\0", false),
		ROW("\x0a\0\0\0\xff\0\0\0\0", false),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		base_is(0x87, span_of(rows[i].bytes, rows[i].n), rows[i].good);
}

static void
mailboxes_and_hosts_are_whole(void **state)
{
	static const struct ca_bytes mail[] = {
		ROW("a@example.org", true),
		ROW("example.org", true),
		ROW(".example.org", true),
		ROW("@example.org", false),
		ROW("a@", false),
		ROW("a@b@c", false),
		ROW("", false),
	};
	static const struct ca_bytes hosts[] = {
		ROW("example.org", true),
		ROW(".example.org", true),
		ROW("http://example.org/", false),
		ROW(".", false),
		ROW("", false),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mail) / sizeof(mail[0]); i++)
		base_is(0x81, span_of(mail[i].bytes, mail[i].n), mail[i].good);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		base_is(
		    0x86, span_of(hosts[i].bytes, hosts[i].n), hosts[i].good);
	base_is(0x88, span_of("\x2a\x03", 2), false); /* registeredID */
}

static void
lists_are_there_and_not_empty(void **state)
{
	static const struct ca_bytes rows[] = {
		/* permitted a; excluded a; both */
		ROW("\x30\x07\xa0\x05\x30\x03\x82\x01"
		    "a",
		    true),
		ROW("\x30\x07\xa1\x05\x30\x03\x82\x01"
		    "a",
		    true),
		ROW("\x30\x0e\xa0\x05\x30\x03\x82\x01"
		    "a"
		    "\xa1\x05\x30\x03\x82\x01"
		    "b",
		    true),
		/* nothing; an empty list; the wrong order; a third one */
		ROW("\x30\x00", false),
		ROW("\x30\x02\xa0\x00", false),
		ROW("\x30\x0e\xa1\x05\x30\x03\x82\x01"
		    "a"
		    "\xa0\x05\x30\x03\x82\x01"
		    "b",
		    false),
		ROW("\x30\x09\xa0\x05\x30\x03\x82\x01"
		    "a\xa2\x00",
		    false),
		/* minimum, maximum; something behind */
		ROW("\x30\x0a\xa0\x08\x30\x06\x82\x01"
		    "a\x80\x01\x00",
		    false),
		ROW("\x30\x0a\xa0\x08\x30\x06\x82\x01"
		    "a\x81\x01\x03",
		    false),
		ROW("\x30\x07\xa0\x05\x30\x03\x82\x01"
		    "a\x00",
		    false),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wrong =
		    ca_constraints_fault(span_of(rows[i].bytes, rows[i].n));

		if (rows[i].good != (wrong == NULL))
			fail_msg("row %zu: %s", i, wrong);
	}
}

static void
a_name_has_text_in_each_attribute(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *wrong;
	} rows[] = {
		{ "\x30\x00", 2, NULL },
		{ "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
		  "a",
		    14, NULL },
		{ "\x30\x02\x31\x00", 4,
		    "a malformed name (RFC 5280 4.1.2.4)" },
		{ "\x31\x00", 2, "a malformed name (RFC 5280 4.1.2.4)" },
		{ "\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x0c\x00", 13,
		    "an attribute in a name that is empty or no text (RFC 5280 4.1.2.4)" },
		{ "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x1b",
		    14,
		    "an attribute in a name that is empty or no text (RFC 5280 4.1.2.4)" },
		{ "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x14\x01"
		  "a",
		    14, NULL },
		{ "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x12\x01"
		  "1",
		    14,
		    "an attribute in a name of a type out of use (RFC 5280 4.1.2.4)" },
		{ "\x30\x09\x31\x07\x30\x05\x06\x03\x55\x04\x03", 11,
		    "a malformed attribute in a name (RFC 5280 4.1.2.4)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wrong =
		    ca_name_fault(span_of(rows[i].bytes, rows[i].n));

		if ((wrong == NULL) != (rows[i].wrong == NULL) ||
		    (wrong != NULL && strcmp(wrong, rows[i].wrong) != 0))
			fail_msg("row %zu: %s", i, wrong);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_stands_for_itself_and_all_below),
		cmocka_unit_test(a_network_has_a_mask_without_holes),
		cmocka_unit_test(mailboxes_and_hosts_are_whole),
		cmocka_unit_test(lists_are_there_and_not_empty),
		cmocka_unit_test(a_name_has_text_in_each_attribute),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
