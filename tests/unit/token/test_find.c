/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that load and do not, and the one token that is meant among several
 * readers. */
#include "token/p11/find.h"

#include "tests/lib/card_fixture.h"
#include "tests/lib/fail.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- modules ------------------------------------------------------------- */

static void
what_is_no_module_is_not_loaded(void **state)
{
	struct module m = { 0 };

	(void)state;
	check_says(module_load("/nowhere/x.so", &m), RC_TOKEN,
	    "/nowhere/x.so: no such module file");
	/* It would be looked for in the library path. */
	check_says(module_load("libc.so.6", &m), RC_TOKEN,
	    "libc.so.6: no such module file");
	assert_int_equal(module_load("/etc/passwd", &m), RC_TOKEN);
	assert_non_null(strstr(err_text(),
	    "/etc/passwd: not a PKCS#11 module, or it does not start"));
	fail_nth("strdup", 1, ENOMEM);
	assert_int_equal(module_load(card_path, &m), RC_IO);
	assert_non_null(fail_stop());
	assert_null(m.path);
}

static void
a_module_that_does_not_start_is_let_go(void **state)
{
	struct module m = { 0 };

	(void)state;
	card_answers(FAKE_INITIALIZE, 1, CKR_CANT_LOCK);
	assert_int_equal(module_load(card_path, &m), RC_TOKEN);
	assert_non_null(strstr(err_text(), "it does not start"));
	/* libp11 starts it, and we hear that it runs; or else. */
	card_answers(FAKE_INITIALIZE, 2, CKR_CANT_LOCK);
	assert_int_equal(module_load(card_path, &m), RC_TOKEN);
	assert_non_null(strstr(err_text(),
	    "cannot be initialised: the module has no locking "
	    "(CKR_CANT_LOCK)"));
	assert_null(m.ctx);
	card_answers(FAKE_INITIALIZE, 2, CKR_CRYPTOKI_ALREADY_INITIALIZED);
	check_ok(module_load(card_path, &m));
	module_wipe(&m);
	assert_null(m.dl);
}

static void
readers_are_asked_for_anew(void **state)
{
	CK_SLOT_ID ids[MODULE_SLOTS];
	struct module m = { 0 };
	size_t n = 9;

	(void)state;
	check_ok(module_load(card_path, &m));
	card->n_slots = 0;
	check_ok(module_slots(&m, ids, &n));
	assert_int_equal(n, 0);
	card->n_slots = 1;
	check_ok(module_slots(&m, ids, &n));
	assert_int_equal(n, 1);
	card->n_slots = 3;
	card->slot[1].flags = 0; /* no card in it */
	check_ok(module_slots(&m, ids, &n));
	assert_int_equal(n, 2);
	assert_int_equal(ids[1], 2);
	card_answers(FAKE_SLOT_LIST, 1, CKR_DEVICE_ERROR);
	assert_int_equal(module_slots(&m, ids, &n), RC_TOKEN);
	assert_non_null(strstr(err_text(), "the readers cannot be listed"));
	assert_int_equal(n, 2);
	module_wipe(&m);
}

/* ---- tokens -------------------------------------------------------------- */

static struct rack rack;

static int
set_up(void **state)
{
	rack_wipe(&rack);
	return card_reset(state);
}

static void
a_reader_that_loses_its_card_is_passed_over(void **state)
{
	struct found_list list;
	unsigned calls;

	(void)state;
	card->n_slots = 2;
	check_ok(found_read(&rack, card_path, &list));
	assert_int_equal(list.n, 2);
	assert_int_equal(rack.n, 1);
	calls = card->answer[FAKE_TOKEN_INFO].calls;
	/* The last question is ours, of the second reader; before it libp11's.
	 */
	card_answers_once(FAKE_TOKEN_INFO, calls, CKR_TOKEN_NOT_PRESENT);
	check_ok(found_read(&rack, card_path, &list));
	assert_int_equal(list.n, 1);
	assert_int_equal(list.at[0].slot, 0);
	assert_int_equal(rack.n, 1); /* loaded once */
	card_answers(FAKE_SLOT_LIST, 1, CKR_FUNCTION_FAILED);
	assert_int_equal(found_read(&rack, card_path, &list), RC_TOKEN);
	assert_int_equal(found_read(&rack, "/nowhere/x.so", &list), RC_TOKEN);
}

static enum rc
pick(const char *text, struct found *ret)
{
	WIPED(uri) uri = { 0 };

	check_ok(uri_parse(text, &uri));
	return found_pick(&rack, card_path, &uri, ret);
}

static void
the_one_that_is_meant_is_picked(void **state)
{
	struct found found;

	(void)state;
	card->n_slots = 3;
	card_pad(card->token[1].label, 32, "second");
	card->token[2].flags &= ~(CK_FLAGS)CKF_TOKEN_INITIALIZED;
	check_ok(pick("pkcs11:token=second", &found));
	assert_int_equal(found.slot, 1);
	check_ok(pick("pkcs11:serial=1", &found));
	assert_int_equal(found.slot, 0);
	check_ok(pick("pkcs11:slot-id=1", &found));
	assert_int_equal(found.slot, 1);
	check_says(pick(NULL, &found), RC_TOKEN,
	    "several tokens are meant: \"card\" (serial 1), \"second\" (serial "
	    "2): give the URI of one, as pkcs11:token=LABEL (`airgap-token "
	    "list` shows them)");
	check_says(pick("pkcs11:token=third", &found), RC_TOKEN,
	    "the token that the URI names is not present; there is \"card\" "
	    "(serial 1), \"second\" (serial 2)");
	/* An empty token is nobody's. */
	check_says(pick("pkcs11:serial=3", &found), RC_TOKEN,
	    "the token that the URI names is not present; there is \"card\" "
	    "(serial 1), \"second\" (serial 2)");
	card->n_slots = 0;
	check_says(pick(NULL, &found), RC_TOKEN,
	    "no token is present: plug it in, or name its module with "
	    "module-path");
	card_answers(FAKE_SLOT_LIST, 1, CKR_GENERAL_ERROR);
	assert_int_equal(pick(NULL, &found), RC_TOKEN);
}

static void
a_token_is_described_as_it_says(void **state)
{
	struct found_list list;
	struct token_info info;

	(void)state;
	card->token[0].label[4] = 0x07;
	card->token[0].flags |= CKF_USER_PIN_COUNT_LOW |
				CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED |
				CKF_PROTECTED_AUTHENTICATION_PATH;
	check_ok(found_read(&rack, card_path, &list));
	check_ok(found_describe(&list.at[0], NULL, &info));
	assert_string_equal(info.label, "card\\x07");
	assert_string_equal(info.manufacturer, "maker");
	assert_string_equal(info.model, "model");
	assert_string_equal(info.serial, "1");
	assert_true(info.initialised && info.pin_set && info.count_low);
	assert_true(info.final_try && info.locked && info.protected_path);
	assert_non_null(strstr(info.uri, "token=card%07"));
	card->token[0].flags = 0;
	check_ok(found_read(&rack, card_path, &list));
	check_ok(found_describe(&list.at[0], NULL, &info));
	assert_false(info.initialised || info.pin_set || info.count_low ||
		     info.final_try || info.locked || info.protected_path);
	FAIL_EACH("malloc", ENOMEM)
	{
		enum rc rc = found_describe(&list.at[0], NULL, &info);

		assert_int_equal(rc, fail_stop() == NULL ? RC_OK : RC_IO);
	}
}

static void
a_path_too_long_for_a_uri_is_said(void **state)
{
	struct found_list list;
	struct token_info info;
	struct module odd;
	char path[1200], words[1300];

	(void)state;
	check_ok(found_read(&rack, card_path, &list));
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	odd = *list.at[0].module;
	odd.path = path;
	list.at[0].module = &odd;
	(void)snprintf(words, sizeof(words), "%.900s", path);
	assert_int_equal(found_describe(&list.at[0], NULL, &info), RC_TOKEN);
	/* The start of the path: a sentence has its own limit. */
	assert_int_equal(strncmp(err_text(), words, 100), 0);
}

/* As two cards from the same factory, which only their readers tell apart. */
static void
twins_are_told_apart_by_their_slots(void **state)
{
	struct found_list list;
	struct token_info info;
	struct found found;

	(void)state;
	card->n_slots = 3;
	card_pad(card->token[1].serialNumber, 16, "1");
	check_ok(found_read(&rack, card_path, &list));
	for (size_t i = 0; i < 2; i++) {
		check_ok(found_describe(&list.at[i], &list, &info));
		check_ok(pick(info.uri, &found));
		assert_int_equal(found.slot, i);
		check_ok(found_read(&rack, card_path, &list));
	}
	check_ok(found_describe(&list.at[2], &list, &info));
	assert_null(strstr(info.uri, "slot-id"));
	assert_int_equal(pick("pkcs11:serial=1", &found), RC_TOKEN);
}

/* ---- every module of this machine ---------------------------------------- */

static struct fake *
load_copy(const char *dir, const char *name)
{
	char path[128], text[256], copy[1024];
	struct fake *other;
	void *module;
	FILE *f;

	(void)snprintf(copy, sizeof(copy), "install -m 755 '%s' %s/%s.so",
	    card_path, dir, name);
	if (system(copy) != 0)
		_exit(90);
	(void)snprintf(path, sizeof(path), "%s/%s.so", dir, name);
	module = dlopen(path, RTLD_NOW);
	other = module == NULL ? NULL : dlsym(module, "fake_token");
	if (other == NULL)
		_exit(91);
	other->n_slots = 1;
	other->slot[0] = card->slot[0];
	other->token[0] = card->token[0];
	(void)snprintf(
	    text, sizeof(text), "%s/pkcs11/modules/%s.module", dir, name);
	f = fopen(text, "w");
	if (f == NULL || fprintf(f, "module: %s\n", path) < 0 || fclose(f) != 0)
		_exit(92);
	return other;
}

static size_t
found_cards(void)
{
	struct found_list list;
	size_t n = 0;

	if (found_read(&rack, NULL, &list) != RC_OK)
		_exit(93);
	for (size_t i = 0; i < list.n; i++)
		n += !list.at[i].again &&
		     span_eq_str(p11_padded(list.at[i].info.label, 32), "card");
	return n;
}

/* In a child that is nobody: p11-kit reads no user's list of modules as root.
 * \return through its status: 0, or where it went wrong */
static int
look_everywhere(char *dir)
{
	struct fake *two;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/pkcs11", dir);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/pkcs11/modules", dir);
	(void)mkdir(path, 0755);
	(void)load_copy(dir, "one");
	two = load_copy(dir, "two");
	(void)chmod(dir, 0755);
	(void)setenv("XDG_CONFIG_HOME", dir, 1);
	(void)setenv("HOME", dir, 1);
	if (geteuid() == 0 && setuid(65534) != 0)
		return 1;
	/* Both show the same reader. */
	if (found_cards() != 1)
		return 2;
	two->slot[0].slotDescription[7] = '9';
	if (found_cards() != 2)
		return 3;
	/* Software tokens have readers of one name. */
	two->slot[0].slotDescription[7] = '0';
	two->slot[0].flags &= ~(CK_FLAGS)CKF_REMOVABLE_DEVICE;
	if (found_cards() != 2)
		return 4;
	/* One that was not asked for may fail. */
	two->answer[FAKE_SLOT_LIST].rv = CKR_DEVICE_ERROR;
	two->answer[FAKE_SLOT_LIST].n = 1;
	if (found_cards() != 1)
		return 5;
	return rack.n >= 2 ? 0 : 6;
}

static void
a_device_that_two_modules_show_is_listed_once(void **state)
{
	char dir[] = "/tmp/airgap-find.XXXXXX", command[64];
	int status = 0;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(look_everywhere(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(status, 0);
}

#define fresh(test) cmocka_unit_test_setup(test, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(what_is_no_module_is_not_loaded),
		fresh(a_module_that_does_not_start_is_let_go),
		fresh(readers_are_asked_for_anew),
		fresh(a_reader_that_loses_its_card_is_passed_over),
		fresh(the_one_that_is_meant_is_picked),
		fresh(a_token_is_described_as_it_says),
		fresh(twins_are_told_apart_by_their_slots),
		fresh(a_path_too_long_for_a_uri_is_said),
		fresh(a_device_that_two_modules_show_is_listed_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, set_up);
}
