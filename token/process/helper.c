/* SPDX-License-Identifier: Apache-2.0 */
/* The process that owns module, session and PIN. It is forked before either
 * exists, does one request after the other, and after the first failed
 * signature does none: a card that answered wrongly once is not asked to sign
 * a CA's certificates until a person has looked. */
#include "token/process/helper.h"

#include "base/file.h"
#include "token/card/attest.h"
#include "token/card/keygen.h"
#include "token/card/login.h"
#include "token/card/newest.h"
#include "token/card/seek.h"
#include "token/card/setup.h"
#include "token/card/sign.h"
#include "token/p11/find.h"
#include "token/process/channel.h"
#include "token/process/jail.h"
#include "token/wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIGNERS_MAX 16

/* All that the process has. */
struct helper {
	struct token_options options;
	bool confined;
	struct token_level level;
	struct rack rack;
	struct found token; /* its module is NULL when none is open */
	struct session session;
	struct login login;
	struct signer signer[SIGNERS_MAX];
	size_t n_signers;
	bool failed; /* a signature failed: no other is tried */
	struct err_saved why;
	enum rc why_rc;
};

/* ---- arguments ------------------------------------------------------------
 */

static enum rc
bad_request(void)
{
	return err_set(RC_BUG, "the token process got a malformed request");
}

/* An optional text becomes NULL or a string in `room`. */
static bool
take_optional(struct span *in, struct buf *room, const char **ret)
{
	uint32_t given;
	struct span text;

	*ret = NULL;
	if (!span_take_u32(in, &given) || given > 1)
		return false;
	if (given == 0)
		return true;
	if (!span_take_lv(in, &text) || buf_add_span(room, text) != RC_OK)
		return false;
	*ret = buf_cstr(room);
	return *ret != NULL && strlen(*ret) == text.n;
}

static enum rc
want_open(const struct helper *h)
{
	return h->token.module != NULL ? RC_OK
				       : err_set(RC_BUG, "no token was opened");
}

/* Before the first module is loaded, and once: a PIN file that a later URI
 * names is not let through. */
static enum rc
helper_confine(struct helper *h, const char *pin_file)
{
	enum rc rc = RC_OK;

	if (!h->confined)
		rc = jail_enter(&h->options, pin_file, &h->level);
	h->confined = rc == RC_OK;
	return rc;
}

static enum rc
do_confine(struct helper *h, struct span in, struct buf *out)
{
	enum rc rc = in.n != 0 ? bad_request() : helper_confine(h, NULL);

	if (rc == RC_OK)
		rc = buf_add_u32(out, (uint32_t)h->level.landlock_abi);
	return rc != RC_OK ? rc : buf_add_u32(out, h->level.seccomp);
}

/* ---- looking --------------------------------------------------------------
 */

static enum rc
do_list(struct helper *h, struct span in, struct buf *out)
{
	struct found_list list = { .n = 0 };
	WIPED(buf) room = { 0 };
	struct token_info info;
	const char *module;
	uint32_t n = 0;
	enum rc rc;

	if (!take_optional(&in, &room, &module) || in.n != 0)
		return bad_request();
	rc = helper_confine(h, NULL);
	if (rc == RC_OK)
		rc = found_read(&h->rack,
		    module != NULL ? module : h->options.module, &list);
	for (size_t i = 0; i < list.n; i++)
		n += !list.at[i].again;
	if (rc == RC_OK)
		rc = buf_add_u32(out, n);
	for (size_t i = 0; i < list.n && rc == RC_OK; i++) {
		if (list.at[i].again)
			continue;
		rc = found_describe(&list.at[i], &list, &info);
		if (rc == RC_OK)
			rc = wire_put_info(out, &info);
	}
	return rc;
}

/* Logged out by hand: other programs share the card's login where the module
 * lets them. */
static void
helper_close(struct helper *h)
{
	for (size_t i = 0; i < h->n_signers; i++)
		signer_wipe(&h->signer[i]);
	h->n_signers = 0;
	if (h->login.done && h->session.handle != P11_NO_HANDLE)
		(void)h->session.module->f->C_Logout(h->session.handle);
	login_forget(&h->login);
	session_wipe(&h->session);
	h->token = (struct found){ .module = NULL };
	h->failed = false;
}

/* A session with the token that was found: from now on it is the open one. */
static enum rc
helper_take(struct helper *h, struct uri *uri, struct buf *out)
{
	struct token_info info;
	enum rc rc = found_describe(&h->token, NULL, &info);

	if (rc == RC_OK)
		rc = session_open(&h->session, h->token.module, h->token.slot);
	if (rc == RC_OK)
		rc = wire_put_info(out, &info);
	if (rc == RC_OK)
		h->login.file = MOVE(uri->pin_file);
	return rc;
}

/* Whatever was open goes first, login and keys too: a URI given now is what
 * counts. */
static enum rc
helper_do_open(struct helper *h, struct span in, struct buf *out)
{
	WIPED(uri) uri = { 0 };
	WIPED(buf) room = { 0 };
	const char *text;
	enum rc rc;

	if (!take_optional(&in, &room, &text) || in.n != 0)
		return bad_request();
	helper_close(h);
	rc = uri_parse(text, &uri);
	if (rc == RC_OK)
		rc = helper_confine(h, uri.pin_file);
	if (rc == RC_OK)
		rc = found_pick(&h->rack, h->options.module, &uri, &h->token);
	if (rc == RC_OK)
		rc = helper_take(h, &uri, out);
	if (rc != RC_OK)
		helper_close(h);
	return rc;
}

/* The same, by the key. */
static enum rc
do_seek(struct helper *h, struct span in, struct buf *out)
{
	WIPED(uri) uri = { 0 };
	WIPED(buf) room = { 0 };
	WIPED(buf) room2 = { 0 };
	struct span spki[2];
	struct seek seek = {
		.module = h->options.module, .uri = &uri, .spki = spki, .n = 2
	};
	const char *text;
	enum rc rc;

	if (!take_optional(&in, &room, &text) ||
	    !take_optional(&in, &room2, &seek.said_by) ||
	    !span_take_lv(&in, &spki[0]) || !span_take_lv(&in, &spki[1]) ||
	    in.n != 0)
		return bad_request();
	helper_close(h);
	rc = uri_parse(text, &uri);
	if (rc == RC_OK)
		rc = helper_confine(h, uri.pin_file);
	if (rc == RC_OK)
		rc = seek_token(&h->rack, &seek, &h->token);
	if (rc == RC_OK)
		rc = helper_take(h, &uri, out);
	if (rc != RC_OK)
		helper_close(h);
	return rc;
}

static enum rc
do_keys(struct helper *h, struct span in, struct buf *out)
{
	WIPED(token_keys) keys = { 0 };
	enum rc rc = in.n != 0 ? bad_request() : want_open(h);

	if (rc == RC_OK)
		rc = token_keys_read(&h->session, &keys);
	if (rc == RC_OK)
		rc = buf_add_u32(out, (uint32_t)keys.n);
	for (size_t i = 0; i < keys.n && rc == RC_OK; i++)
		rc = wire_put_key(out, &keys.key[i].shown);
	return rc;
}

static enum rc
do_newest(struct helper *h, struct span in, struct buf *out)
{
	int64_t at = 0;
	enum rc rc = in.n != 0 ? bad_request() : want_open(h);

	if (rc == RC_OK)
		rc = token_newest_read(&h->session, &at);
	return rc != RC_OK ? rc : buf_add_u64(out, (uint64_t)at);
}

static enum rc
do_find(struct helper *h, struct span in, struct buf *out)
{
	WIPED(token_keys) keys = { 0 };
	WIPED(uri) uri = { 0 };
	WIPED(buf) room = { 0 };
	const struct key *key;
	const char *text;
	enum rc rc;

	if (!take_optional(&in, &room, &text) || in.n != 0)
		return bad_request();
	rc = want_open(h);
	if (rc == RC_OK)
		rc = uri_parse(text, &uri);
	if (rc == RC_OK && !uri_match_token(&uri, h->token.slot,
			       &h->token.slot_info, &h->token.info))
		rc = err_set(RC_TOKEN,
		    "%s is open, and the key's URI names another",
		    h->session.name);
	if (rc == RC_OK)
		rc = token_keys_read(&h->session, &keys);
	if (rc == RC_OK)
		rc = token_keys_find_uri(&h->session, &keys, &uri, &key);
	return rc != RC_OK ? rc : wire_put_key(out, &key->shown);
}

static enum rc
do_attest(struct helper *h, struct span in, struct buf *out)
{
	WIPED(buf) cert = { 0 }, issuer = { 0 };
	struct span spki;
	enum rc rc;

	if (!span_take_lv(&in, &spki) || in.n != 0)
		return bad_request();
	rc = want_open(h);
	if (rc == RC_OK)
		rc = attest_find(&h->session, spki, &cert, &issuer);
	if (rc == RC_OK)
		rc = buf_add_lv(out, buf_span(&cert));
	return rc != RC_OK ? rc : buf_add_lv(out, buf_span(&issuer));
}

/* ---- writing --------------------------------------------------------------
 */

static enum rc
helper_take_type(struct span *in, struct key_type *ret)
{
	char text[KEY_TYPE_TEXT * 4], wanted[CHOICE_TEXT];

	if (!wire_take_text(in, text, sizeof(text)))
		return err_set(RC_USAGE, "no such key type");
	if (key_type_read(text, KEY_OF_TOKEN, ret))
		return RC_OK;
	key_types_list(KEY_OF_TOKEN, wanted);
	return err_set(RC_USAGE, "key type %s: wanted %s", text, wanted);
}

static enum rc
do_can(struct helper *h, struct span in, struct buf *out)
{
	struct key_type type;
	enum rc rc = helper_take_type(&in, &type);

	(void)out;
	if (rc == RC_OK)
		rc = want_open(h);
	return rc != RC_OK ? rc : keygen_possible(&h->session, type);
}

static enum rc
do_keygen(struct helper *h, struct span in, struct buf *out)
{
	struct keygen what = { .label = SPAN_NONE };
	WIPED(key) key = { 0 };
	enum rc rc = helper_take_type(&in, &what.type);

	if (rc != RC_OK)
		return rc;
	if (!span_take_lv(&in, &what.label) || !span_take_lv(&in, &what.id) ||
	    in.n != 0)
		return bad_request();
	rc = want_open(h);
	if (rc == RC_OK)
		rc = keygen_run(&h->session, &what, &key);
	return rc != RC_OK ? rc : wire_put_key(out, &key.shown);
}

static bool
take_setup(struct span *in, struct buf room[static 4], struct token_setup *ret)
{
	return take_optional(in, &room[0], &ret->module) &&
	       take_optional(in, &room[1], &ret->label) &&
	       take_optional(in, &room[2], &ret->so_pin_source) &&
	       take_optional(in, &room[3], &ret->pin_source) && in->n == 0 &&
	       ret->module != NULL && ret->label != NULL;
}

static enum rc
describe_slot(
    struct helper *h, const char *module, CK_SLOT_ID slot, struct buf *out)
{
	struct found_list list = { .n = 0 };
	struct token_info info;
	enum rc rc = found_read(&h->rack, module, &list);

	for (size_t i = 0; i < list.n && rc == RC_OK; i++) {
		if (list.at[i].slot != slot)
			continue;
		rc = found_describe(&list.at[i], NULL, &info);
		return rc != RC_OK ? rc : wire_put_info(out, &info);
	}
	return rc != RC_OK
		   ? rc
		   : err_set(RC_TOKEN, "%s: the new token is not found again",
			 module);
}

static enum rc
do_init(struct helper *h, struct span in, struct buf *out)
{
	struct buf room[4] = { { 0 } };
	struct token_setup setup = { 0 };
	struct found_list list = { .n = 0 };
	CK_SLOT_ID slot = 0;
	enum rc rc;

	helper_close(h);
	rc = take_setup(&in, room, &setup) ? RC_OK : bad_request();
	/* Alone: a security officer's login wants no other session. */
	rack_wipe(&h->rack);
	if (rc == RC_OK)
		rc = helper_confine(h, setup.pin_source);
	if (rc == RC_OK)
		rc = found_read(&h->rack, setup.module, &list);
	if (rc == RC_OK)
		rc = setup_run(&h->rack.module[0], &setup, &slot);
	if (rc == RC_OK)
		rc = describe_slot(h, setup.module, slot, out);
	for (size_t i = 0; i < 4; i++)
		buf_wipe(&room[i]);
	return rc;
}

/* ---- signing --------------------------------------------------------------
 */

static enum rc
do_login(struct helper *h, struct span in, struct buf *out)
{
	enum rc rc = in.n != 0 ? bad_request() : want_open(h);

	(void)out;
	return rc != RC_OK ? rc : login_user(&h->login, &h->session);
}

/* Find the signer's object: at first, and after a new login made the old handle
 * worthless. */
static enum rc
find_signer(struct helper *h, struct signer *signer)
{
	WIPED(token_keys) keys = { 0 };
	const struct key *key;
	enum rc rc = token_keys_read(&h->session, &keys);

	if (rc == RC_OK)
		rc = token_keys_find_spki(
		    &h->session, &keys, buf_span(&signer->spki), &key);
	if (rc != RC_OK)
		return rc;
	if (!key->shown.sign)
		return err_set(RC_TOKEN,
		    "%s: the key \"%s\" is not for signing", h->session.name,
		    key->shown.label);
	if (key_signature_len(key->type) == 0)
		return err_set(RC_TOKEN,
		    "%s: the key \"%s\" is not RSA, P-256 or P-384",
		    h->session.name, key->shown.label);
	signer->object = key->private;
	signer->type = key->type;
	signer->always_authenticate =
	    key->shown.always_authenticate || signer->learned;
	return RC_OK;
}

/* A PIV key that wants its PIN for each signature may hide that (OpenSC, ykcs11
 * 2.2), and a card that another program has reset has forgotten who logged in.
 * What is missing is given once, by the PIN that was right before; where it was
 * the login of the one operation, that is remembered. */
static enum rc
authorise(struct helper *h, struct signer *signer)
{
	enum rc rc = RC_OK;

	if (signer->lacks == SIGN_LACKS_CONTEXT)
		signer->learned = true;
	else
		rc = login_repeat(&h->login, &h->session);
	return rc == RC_OK ? find_signer(h, signer) : rc;
}

static enum rc
sign_authorised(struct helper *h, struct signer *signer,
    struct sign_input *input, struct buf *out)
{
	enum rc rc = sign_run(&h->session, &h->login, signer, input, out);

	if (rc == RC_OK || signer->lacks == SIGN_LACKS_NOTHING ||
	    h->login.pin->len == 0)
		return rc;
	err_clear();
	rc = authorise(h, signer);
	if (rc == RC_OK)
		rc = sign_run(&h->session, &h->login, signer, input, out);
	return rc;
}

static enum rc
do_use(struct helper *h, struct span in, struct buf *out)
{
	struct signer *signer = &h->signer[h->n_signers];
	struct span spki;
	enum rc rc;

	if (!span_take_lv(&in, &spki) || in.n != 0)
		return bad_request();
	rc = want_open(h);
	for (size_t i = 0; i < h->n_signers && rc == RC_OK; i++)
		if (span_eq(buf_span(&h->signer[i].spki), spki))
			return buf_add_u32(out, (uint32_t)i);
	if (rc == RC_OK && h->n_signers == SIGNERS_MAX)
		rc = err_set(RC_BUG, "more than %d keys in use", SIGNERS_MAX);
	if (rc != RC_OK)
		return rc;
	rc = buf_add_span(&signer->spki, spki);
	if (rc == RC_OK)
		rc = find_signer(h, signer);
	if (rc == RC_OK)
		rc = buf_add_u32(out, (uint32_t)h->n_signers);
	if (rc == RC_OK)
		h->n_signers++;
	else
		signer_wipe(signer);
	return rc;
}

static enum rc
sign_digest(struct helper *h, struct signer *signer, enum token_scheme scheme,
    struct span digest, struct buf *out)
{
	struct sign_input input;
	enum rc rc = sign_input_init(&input, signer->type, scheme, digest);

	if (rc == RC_OK && h->login.ask_each) {
		if (!signer->always_authenticate)
			rc = login_again(&h->login, &h->session);
		/* A login of any key's made every old handle worthless. */
		if (rc == RC_OK)
			rc = find_signer(h, signer);
	}
	return rc != RC_OK ? rc : sign_authorised(h, signer, &input, out);
}

/* After one failure nothing further goes to the token: what is still in the
 * pipe gets the same answer, and a PIN that was refused is not sent again. */
static enum rc
do_sign(struct helper *h, struct span in, struct buf *out)
{
	uint32_t key, scheme;
	struct span digest;
	enum rc rc;

	if (!span_take_u32(&in, &key) || !span_take_u32(&in, &scheme) ||
	    !span_take_lv(&in, &digest) || in.n != 0 || key >= h->n_signers ||
	    scheme > TOKEN_RSA_PSS)
		return bad_request();
	if (h->failed) {
		err_restore(&h->why);
		return h->why_rc;
	}
	rc = sign_digest(
	    h, &h->signer[key], (enum token_scheme)scheme, digest, out);
	if (rc != RC_OK) {
		h->failed = true;
		h->why_rc = rc;
		err_save(&h->why);
	}
	return rc;
}

static enum rc
do_bench(struct helper *h, struct span in, struct buf *out)
{
	uint32_t key, seconds, threads;
	double rate = 0;
	enum rc rc;

	if (!span_take_u32(&in, &key) || !span_take_u32(&in, &seconds) ||
	    !span_take_u32(&in, &threads) || in.n != 0 || key >= h->n_signers ||
	    seconds == 0 || threads == 0)
		return bad_request();
	rc = sign_bench(
	    &h->session, &h->login, &h->signer[key], seconds, threads, &rate);
	return rc != RC_OK ? rc : buf_add_u64(out, (uint64_t)(rate * 1000));
}

/* ---- the loop -------------------------------------------------------------
 */

typedef enum rc helper_op(struct helper *h, struct span in, struct buf *out);

static helper_op *const ops[WIRE_OPS] = {
	[WIRE_LIST] = do_list,
	[WIRE_OPEN] = helper_do_open,
	[WIRE_SEEK] = do_seek,
	[WIRE_KEYS] = do_keys,
	[WIRE_FIND] = do_find,
	[WIRE_LOGIN] = do_login,
	[WIRE_USE] = do_use,
	[WIRE_CAN] = do_can,
	[WIRE_KEYGEN] = do_keygen,
	[WIRE_SIGN] = do_sign,
	[WIRE_BENCH] = do_bench,
	[WIRE_ATTEST] = do_attest,
	[WIRE_CONFINE] = do_confine,
	[WIRE_INIT] = do_init,
	[WIRE_NEWEST] = do_newest,
};

static enum rc
serve_one(struct helper *h, struct span request, struct buf *answer)
{
	uint32_t op;
	enum rc rc;

	buf_reset(answer);
	err_clear();
	rc = buf_add_u32(answer, RC_OK);
	if (rc == RC_OK) {
		if (!span_take_u32(&request, &op) || op >= WIRE_OPS)
			rc = bad_request();
		else
			rc = ops[op](h, request, answer);
	}
	if (rc == RC_OK) /* what it went on without may be a key */
		rc = err_check_shortage();
	if (rc == RC_OK)
		return RC_OK;
	buf_reset(answer);
	return wire_put_error(answer, rc);
}

/* What a module prints is not what a program reads on our standard output, and
 * what is typed there is not a module's to read. The prompt for the PIN opens
 * the terminal itself. */
static enum rc
leave_streams(void)
{
	OWN_FD nothing =
	    fd_openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);

	if (nothing < 0 || dup2(nothing, 0) != 0 || dup2(2, 1) != 1)
		return err_errno(RC_IO, errno, "/dev/null");
	return RC_OK;
}

/* Hardened before anything else is read; ends when the parent closes its
 * socket, and is killed when the parent dies (base/child). */
enum rc
helper_main(int sock, void *arg)
{
	struct helper *h = calloc(1, sizeof(*h));
	WIPED(token_channel) channel = { .sock = sock };
	WIPED(buf) answer = { 0 };
	struct span request;
	enum rc rc;

	secret_harden();
	if (h == NULL)
		return err_memory();
	h->options = *(const struct token_options *)arg;
	rc = leave_streams();
	if (rc == RC_OK)
		rc = login_init(
		    &h->login, h->options.last_try, h->options.ask_each);
	while (rc == RC_OK &&
	       channel_next(&channel, WIRE_REQUEST_MAX, &request) == RC_OK) {
		rc = serve_one(h, request, &answer);
		if (rc == RC_OK)
			rc = channel_answer(&channel, buf_span(&answer));
	}
	helper_close(h);
	login_wipe(&h->login);
	rack_wipe(&h->rack);
	free(h);
	return rc;
}
