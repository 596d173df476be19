/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "tests/lib/check.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>

static void
a_sentence_comes_with_its_code(void **state)
{
	(void)state;
	assert_int_equal(err_set(RC_FORMAT, "%s: %d bytes", "f", 3), RC_FORMAT);
	assert_string_equal(err_text(), "f: 3 bytes");
	assert_int_equal(err_rule_number(), 0);
}

static void
a_rule_is_named_until_the_next_sentence(void **state)
{
	(void)state;
	assert_int_equal(err_rule(RC_POLICY, 7, "bad"), RC_POLICY);
	assert_int_equal(err_rule_number(), 7);
	assert_int_equal(err_in(RC_POLICY, "request %d", 1), RC_POLICY);
	assert_int_equal(err_rule_number(), 7);
	assert_string_equal(err_text(), "request 1: bad");
	(void)err_set(RC_IO, "other");
	assert_int_equal(err_rule_number(), 0);
}

static void
the_sentence_itself_may_be_an_argument(void **state)
{
	(void)state;
	(void)err_rule(RC_FORMAT, 1, "inner");
	(void)err_rule(RC_POLICY, 2, "outer: %s", err_text());
	assert_string_equal(err_text(), "outer: inner");
	assert_int_equal(err_rule_number(), 2);
	(void)err_rule(RC_POLICY, err_rule_number(), "again");
	assert_int_equal(err_rule_number(), 2);
}

static void
a_long_sentence_is_cut_and_ended(void **state)
{
	char longer[2 * ERR_TEXT_MAX];

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)err_set(RC_IO, "%s", longer);
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
	(void)err_in(RC_IO, "in front");
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
	assert_memory_equal(err_text(), "in front: aaa", 13);
	(void)err_errno(RC_IO, ENOENT, "%s", longer);
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
}

static void
an_errno_becomes_words(void **state)
{
	(void)state;
	assert_int_equal(err_errno(RC_IO, ENOENT, "f"), RC_IO);
	assert_string_equal(err_text(), "f: No such file or directory");
}

static void
openssls_reason_is_told_and_its_queue_emptied(void **state)
{
	BIO *empty = BIO_new(BIO_s_mem());

	(void)state;
	assert_null(PEM_read_bio_X509(empty, NULL, NULL, NULL));
	assert_int_equal(err_openssl(RC_FORMAT, "f"), RC_FORMAT);
	assert_string_equal(err_text(), "f: no start line");
	assert_int_equal(ERR_peek_error(), 0);
	/* With nothing queued the sentence stands alone. */
	(void)err_openssl(RC_FORMAT, "f");
	assert_string_equal(err_text(), "f");
	BIO_free(empty);
}

static void
a_record_is_kept_over_a_clean_up(void **state)
{
	struct err_saved saved;

	(void)state;
	(void)err_rule(RC_POLICY, 7, "first");
	err_save(&saved);
	(void)err_set(RC_IO, "clean-up failed too");
	err_restore(&saved);
	assert_string_equal(err_text(), "first");
	assert_int_equal(err_rule_number(), 7);
	err_clear();
	assert_string_equal(err_text(), "");
	assert_int_equal(err_rule_number(), 0);
}

static void *
other_thread(void *arg)
{
	(void)arg;
	assert_string_equal(err_text(), "");
	(void)err_set(RC_IO, "of the other thread");
	return NULL;
}

static void
each_thread_has_its_own_record(void **state)
{
	pthread_t thread;

	(void)state;
	(void)err_set(RC_IO, "of this thread");
	assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(err_text(), "of this thread");
}

/* Whoever ran short can tell no "no" from "I could not look". */
static void
what_ran_short_gives_no_verdict(void **state)
{
	static const struct {
		enum shortage what;
		const char *text;
	} all[] = { { SHORT_OF_MEMORY, "out of memory" },
		{ SHORT_OF_FILES, "Too many open files" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char wanted[64];

		assert_int_equal(err_check_shortage(), RC_OK);
		err_note_shortage(SHORT_OF_NOTHING);
		assert_int_equal(
		    err_rule(RC_POLICY, 7, "a bad key"), RC_POLICY);
		err_note_shortage(all[i].what);
		assert_int_equal(err_shortage(), all[i].what);
		(void)snprintf(
		    wanted, sizeof(wanted), "a bad key: %s", all[i].text);
		assert_int_equal(err_rule(RC_POLICY, 7, "a bad key"), RC_IO);
		assert_int_equal(err_rule_number(), 0);
		assert_string_equal(err_text(), wanted);
		assert_int_equal(err_set(RC_TOKEN, "a bad key"), RC_IO);
		assert_string_equal(err_text(), wanted);
		assert_int_equal(err_openssl(RC_FORMAT, "a bad key"), RC_IO);
		assert_string_equal(err_text(), wanted);
		assert_int_equal(err_check_shortage(), RC_IO);
		assert_string_equal(err_text(), all[i].text);
		err_shortage_clear();
	}
}

static void
an_errno_may_tell_what_ran_short(void **state)
{
	static const struct {
		int why;
		enum shortage what;
	} all[] = { { ENOMEM, SHORT_OF_MEMORY }, { EMFILE, SHORT_OF_FILES },
		{ ENFILE, SHORT_OF_FILES }, { ENOSPC, SHORT_OF_NOTHING },
		{ EIO, SHORT_OF_NOTHING } };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		enum rc rc = err_errno(RC_STATE, all[i].why, "a file");

		assert_int_equal(err_shortage(), all[i].what);
		assert_int_equal(
		    rc, all[i].what == SHORT_OF_NOTHING ? RC_STATE : RC_IO);
		err_shortage_clear();
	}
}

/* By OpenSSL's own record, and where it keeps none. */
static void
openssls_lack_of_memory_is_noted(void **state)
{
	(void)state;
	ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
	assert_int_equal(err_openssl(RC_FORMAT, "a key"), RC_IO);
	assert_string_equal(err_text(), "a key: out of memory");
	assert_int_equal(err_shortage(), SHORT_OF_MEMORY);
	err_shortage_clear();
	fail_nth("malloc", 1, ENOMEM);
	assert_null(OPENSSL_malloc(8));
	assert_int_equal(err_shortage(), SHORT_OF_MEMORY);
	assert_string_equal(fail_stop(), "malloc");
	assert_int_equal(err_shortage(), SHORT_OF_NOTHING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sentence_comes_with_its_code),
		cmocka_unit_test(a_rule_is_named_until_the_next_sentence),
		cmocka_unit_test(the_sentence_itself_may_be_an_argument),
		cmocka_unit_test(a_long_sentence_is_cut_and_ended),
		cmocka_unit_test(an_errno_becomes_words),
		cmocka_unit_test(openssls_reason_is_told_and_its_queue_emptied),
		cmocka_unit_test(a_record_is_kept_over_a_clean_up),
		cmocka_unit_test(each_thread_has_its_own_record),
		cmocka_unit_test(what_ran_short_gives_no_verdict),
		cmocka_unit_test(an_errno_may_tell_what_ran_short),
		cmocka_unit_test(openssls_lack_of_memory_is_noted),
	};

	/* As a program does it: before OpenSSL's first allocation. */
	if (err_watch_openssl() != RC_OK)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
