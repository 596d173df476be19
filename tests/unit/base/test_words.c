/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include "base/hex.h"
#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

/* The example of Zimmermann's PGPfone manual (1996), appendix. */
static const char fingerprint[] =
    "E582 94F2 E9A2 2748 6E8B 061B 31CC 528F D7FA 3F19";
static const char *const spoken[] = { "topmost", "Istanbul", "Pluto",
	"vagabond", "treadmill", "Pacific", "brackish", "dictator", "goldfish",
	"Medusa", "afflict", "bravado", "chatter", "revolver", "Dupont",
	"midsummer", "stopwatch", "whimsical", "cowbell", "bottomless" };

static void
the_published_fingerprint_is_spoken_as_published(void **state)
{
	uint8_t bytes[20];

	(void)state;
	assert_true(hex_read(fingerprint, bytes, sizeof(bytes)));
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_string_equal(words_get0(bytes[i], i), spoken[i]);
}

/* Digests of the two lists, a word a line, as PGPfone's manual and the root
 * zone's key ceremonies print them. */
static const char *const list_digests[] = {
	"37a65f88512467edd12a1ab3eeb5f4328230e86711a8efde6333361ce10f4fcf",
	"c2f23c2233d4d7291107e8f796c374d0cb1fb30c1391bcb4f6480243de8ebf5a",
};

static void
both_lists_are_the_published_ones(void **state)
{
	(void)state;
	for (unsigned place = 0; place < 2; place++) {
		WIPED(buf) list = { 0 };
		uint8_t digest[SHA256_LEN];
		char text[SHA256_HEX];

		for (unsigned byte = 0; byte < 256; byte++)
			check_ok(buf_printf(
			    &list, "%s\n", words_get0((uint8_t)byte, place)));
		check_ok(sha256(buf_span(&list), digest));
		hex_write(span_of(digest, sizeof(digest)), text);
		assert_string_equal(text, list_digests[place]);
	}
}

static void
no_word_stands_for_two_bytes_or_places(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 512; a++)
		for (unsigned b = 0; b < a; b++)
			assert_int_not_equal(
			    strcasecmp(words_get0((uint8_t)a, a >> 8),
				words_get0((uint8_t)b, b >> 8)),
			    0);
}

static void
sixteen_words_stand_on_four_lines(void **state)
{
	WIPED(buf) out = { 0 };
	uint8_t digest[32] = { 0 };

	(void)state;
	assert_true(hex_read("E58294F2E9A227486E8B061B31CC528F", digest, 16));
	check_ok(words_write(&out, digest, "  "));
	assert_string_equal(buf_cstr(&out),
	    "  topmost     Istanbul    Pluto       vagabond\n"
	    "  treadmill   Pacific     brackish    dictator\n"
	    "  goldfish    Medusa      afflict     bravado\n"
	    "  chatter     revolver    Dupont      midsummer\n");
}

static void
the_words_are_shown_line_by_line(void **state)
{
	uint8_t digest[32] = { 0 };
	char text[1024];
	FILE *to = tmpfile();
	int saved = dup(2);
	size_t n;

	(void)state;
	assert_true(hex_read("E58294F2E9A227486E8B061B31CC528F", digest, 16));
	assert_non_null(to);
	assert_int_equal(dup2(fileno(to), 2), 2);
	check_ok(words_show(digest, "    "));
	(void)fflush(stderr);
	assert_int_equal(dup2(saved, 2), 2);
	(void)close(saved);
	rewind(to);
	n = fread(text, 1, sizeof(text) - 1, to);
	text[n] = '\0';
	(void)fclose(to);
	assert_string_equal(text,
	    "    topmost     Istanbul    Pluto       vagabond\n"
	    "    treadmill   Pacific     brackish    dictator\n"
	    "    goldfish    Medusa      afflict     bravado\n"
	    "    chatter     revolver    Dupont      midsummer\n");
}

static void
without_memory_no_words_are_shown(void **state)
{
	const uint8_t digest[32] = { 0 };

	(void)state;
	FAIL_EACH("malloc", ENOMEM)
	{
		WIPED(buf) out = { 0 };
		enum rc rc = words_write(&out, digest, "");

		assert_int_equal(rc, fail_stop() == NULL ? RC_OK : RC_IO);
	}
	fail_nth("malloc", 1, ENOMEM);
	assert_int_equal(words_show(digest, ""), RC_IO);
	(void)fail_stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_published_fingerprint_is_spoken_as_published),
		cmocka_unit_test(both_lists_are_the_published_ones),
		cmocka_unit_test(no_word_stands_for_two_bytes_or_places),
		cmocka_unit_test(sixteen_words_stand_on_four_lines),
		cmocka_unit_test(the_words_are_shown_line_by_line),
		cmocka_unit_test(without_memory_no_words_are_shown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
