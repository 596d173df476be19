/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's end. The token process holds foreign code and may be slow,
 * dead or subverted: every wait has an end (but those for a person), every
 * answer is checked for form, and a signature is believed only after it was
 * verified with the public key. */
#include "token/token.h"

#include "base/child.h"
#include "base/file.h"
#include "base/frame.h"
#include "base/secret.h"
#include "token/p11/uri.h"
#include "token/process/helper.h"
#include "token/wire/wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>

#define CALL_SECONDS 60	   /* for a module to load and answer */
#define SEEK_SECONDS 300   /* every module, every card */
#define KEYGEN_SECONDS 900 /* RSA on a card is minutes */
#define PERSON_SECONDS 0   /* a prompt waits for ever */
#define SIGN_SECONDS 60
#define STOP_SECONDS 5

/* The terminal as it was before anything was asked there. */
struct echo {
	bool known;
	struct termios before;
};

struct token {
	struct child child;
	struct echo echo;
	unsigned outstanding;
	bool ask_each; /* an answer may wait for a person */
	struct buf out;
};

static void
echo_note(struct echo *echo)
{
	OWN_FD tty =
	    fd_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);

	echo->known = tty >= 0 && tcgetattr(tty, &echo->before) == 0;
}

/* A module's own thread may crash while the PIN prompt stands, and then nobody
 * else is left to put the terminal back. */
static void
echo_restore(const struct echo *echo)
{
	OWN_FD tty = -1;
	struct termios now;

	if (!echo->known)
		return;
	tty = fd_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	if (tty >= 0 && tcgetattr(tty, &now) == 0 &&
	    now.c_lflag != echo->before.c_lflag)
		(void)tcsetattr(tty, TCSANOW, &echo->before);
}

enum rc
token_start(struct token **ret, const struct token_options *options)
{
	struct token_options copy = *options;
	struct token *token = calloc(1, sizeof(*token));
	enum rc rc;

	if (token == NULL)
		return err_memory();
	echo_note(&token->echo);
	/* Of us: a module is of the same user, and could read what we hold. */
	(void)secret_hide();
	rc = child_start(&token->child, WIRE_NAME, helper_main, &copy, NULL, 0);
	if (rc != RC_OK) {
		free(token);
		return rc;
	}
	token->ask_each = options->ask_each;
	*ret = token;
	return RC_OK;
}

/* With signatures outstanding it does not wait for them: what they were for
 * has failed. */
void
token_free(struct token *token)
{
	struct err_saved before;

	if (token == NULL)
		return;
	err_save(&before);
	/* Its own errors were said when they mattered. */
	if (token->child.pid != 0 && token->outstanding == 0 &&
	    child_stop(&token->child, STOP_SECONDS) != RC_OK)
		err_restore(&before);
	child_wipe(&token->child);
	buf_wipe(&token->out);
	free(token);
}

void
token_keys_free(struct token_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		token_key_wipe(&keys[i]);
	free(keys);
}

/* ---- requests and answers -------------------------------------------------
 */

static enum rc
token_begin(struct token *token, enum wire_op op)
{
	buf_reset(&token->out);
	if (token->child.sock < 0)
		return err_set(RC_TOKEN, "the token process has ended");
	return buf_add_u32(&token->out, (uint32_t)op);
}

/* It is gone: say how, and let nobody wait for it again. */
static enum rc
lost(struct token *token)
{
	struct err_saved why;

	(void)child_explain(&token->child, RC_IO);
	err_save(&why);
	child_wipe(&token->child);
	echo_restore(&token->echo);
	token->outstanding = 0;
	err_restore(&why);
	return err_in(RC_TOKEN, "the token");
}

static enum rc
send_request(struct token *token)
{
	enum rc rc =
	    frame_send(token->child.sock, buf_span(&token->out), -1, WIRE_NAME);

	return rc == RC_OK ? RC_OK : lost(token);
}

/* A wait of a whole signature is bounded by the caller, since only he knows
 * whether a person or a card is waited for. */
static enum rc
token_receive(struct token *token, int seconds, struct span *ret_body)
{
	uint32_t code;

	if (!frame_is_here(&token->child.line) &&
	    frame_wait(token->child.sock, seconds, WIRE_NAME) != RC_OK) {
		/* A module that hangs can only be killed. */
		child_wipe(&token->child);
		token->outstanding = 0;
		return err_set(RC_TOKEN,
		    "the token did not answer in %d s: the token process was ended",
		    seconds);
	}
	if (frame_next(&token->child.line, token->child.sock, WIRE_ANSWER_MAX,
		CALL_SECONDS, ret_body, NULL, WIRE_NAME) != RC_OK)
		return lost(token);
	if (!span_take_u32(ret_body, &code))
		return wire_take_error(SPAN_NONE, RC_BUG);
	return code == RC_OK ? RC_OK : wire_take_error(*ret_body, code);
}

static enum rc
call(struct token *token, int seconds, struct span *ret_body)
{
	enum rc rc;

	if (token->outstanding != 0)
		return err_set(RC_BUG, "signatures are outstanding");
	rc = send_request(token);
	return rc != RC_OK ? rc : token_receive(token, seconds, ret_body);
}

static enum rc
senseless(void)
{
	return wire_take_error(SPAN_NONE, RC_BUG);
}

/* A request with one optional text. */
static enum rc
call_text(struct token *token, enum wire_op op, const char *text,
    struct span *ret_body)
{
	enum rc rc = token_begin(token, op);

	if (rc == RC_OK)
		rc = wire_put_text(&token->out, text);
	return rc != RC_OK ? rc : call(token, CALL_SECONDS, ret_body);
}

static enum rc
call_span(struct token *token, enum wire_op op, struct span bytes,
    struct span *ret_body)
{
	enum rc rc = token_begin(token, op);

	if (rc == RC_OK)
		rc = buf_add_lv(&token->out, bytes);
	return rc != RC_OK ? rc : call(token, CALL_SECONDS, ret_body);
}

enum rc
token_confine(struct token *token, struct token_level *ret, pid_t *ret_pid)
{
	struct span body;
	uint32_t abi, seccomp;
	enum rc rc = token_begin(token, WIRE_CONFINE);

	if (rc == RC_OK)
		rc = call(token, CALL_SECONDS, &body);
	if (rc != RC_OK)
		return rc;
	if (!span_take_u32(&body, &abi) || !span_take_u32(&body, &seccomp))
		return senseless();
	*ret = (struct token_level){
		.landlock_abi = (int)abi,
		.seccomp = seccomp != 0,
	};
	*ret_pid = token->child.pid;
	return RC_OK;
}

/* ---- looking --------------------------------------------------------------
 */

/* A count from the token process sizes an allocation: no item is smaller than
 * the four bytes of a length. */
static bool
take_count(struct span *body, uint32_t *ret_n)
{
	return span_take_u32(body, ret_n) && *ret_n <= body->n / 4;
}

enum rc
token_uri_check(const char *uri)
{
	return uri_check(uri);
}

enum rc
token_list(struct token *token, const char *module, struct token_info **ret,
    size_t *ret_n)
{
	struct token_info *infos;
	struct span body;
	uint32_t n;
	enum rc rc = call_text(token, WIRE_LIST, module, &body);

	if (rc != RC_OK)
		return rc;
	if (!take_count(&body, &n))
		return senseless();
	infos = calloc((size_t)n + 1, sizeof(*infos));
	if (infos == NULL)
		return err_memory();
	for (uint32_t i = 0; i < n; i++)
		if (!wire_take_info(&body, &infos[i])) {
			free(infos);
			return senseless();
		}
	*ret = infos;
	*ret_n = n;
	return RC_OK;
}

enum rc
token_open(struct token *token, const char *uri, struct token_info *ret_info)
{
	struct span body;
	enum rc rc = call_text(token, WIRE_OPEN, uri, &body);

	if (rc != RC_OK)
		return rc;
	return wire_take_info(&body, ret_info) ? RC_OK : senseless();
}

enum rc
token_open_by_key(struct token *token, const struct token_sought *sought,
    struct token_info *ret_info)
{
	struct span body;
	enum rc rc = token_begin(token, WIRE_SEEK);

	if (rc == RC_OK)
		rc = wire_put_text(&token->out, sought->uri);
	if (rc == RC_OK)
		rc = wire_put_text(&token->out, sought->said_by);
	for (size_t i = 0; i < 2 && rc == RC_OK; i++)
		rc = buf_add_lv(&token->out, sought->spki[i]);
	if (rc == RC_OK)
		rc = call(token, SEEK_SECONDS, &body);
	if (rc != RC_OK)
		return rc;
	return wire_take_info(&body, ret_info) ? RC_OK : senseless();
}

enum rc
token_keys(struct token *token, struct token_key **ret, size_t *ret_n)
{
	struct token_key *keys;
	struct span body;
	uint32_t n;
	enum rc rc = token_begin(token, WIRE_KEYS);

	if (rc == RC_OK)
		rc = call(token, CALL_SECONDS, &body);
	if (rc != RC_OK)
		return rc;
	if (!take_count(&body, &n))
		return senseless();
	keys = calloc((size_t)n + 1, sizeof(*keys));
	if (keys == NULL)
		return err_memory();
	for (uint32_t i = 0; i < n; i++)
		if (!wire_take_key(&body, &keys[i])) {
			token_keys_free(keys, n);
			return senseless();
		}
	*ret = keys;
	*ret_n = n;
	return RC_OK;
}

enum rc
token_newest(struct token *token, int64_t *ret_at)
{
	struct span body;
	uint64_t at;
	enum rc rc = token_begin(token, WIRE_NEWEST);

	if (rc == RC_OK)
		rc = call(token, CALL_SECONDS, &body);
	if (rc != RC_OK)
		return rc;
	if (!span_take_u64(&body, &at) || body.n != 0 || at > INT64_MAX)
		return senseless();
	*ret_at = (int64_t)at;
	return RC_OK;
}

enum rc
token_find_key(struct token *token, const char *uri, struct token_key *ret)
{
	struct span body;
	enum rc rc = call_text(token, WIRE_FIND, uri, &body);

	if (rc != RC_OK)
		return rc;
	return wire_take_key(&body, ret) ? RC_OK : senseless();
}

enum rc
token_attestation(struct token *token, struct span spki, struct buf *ret_cert,
    struct buf *ret_issuer)
{
	struct span body, cert, issuer;
	enum rc rc = call_span(token, WIRE_ATTEST, spki, &body);

	if (rc != RC_OK)
		return rc;
	if (!span_take_lv(&body, &cert) || !span_take_lv(&body, &issuer))
		return senseless();
	rc = buf_add_span(ret_cert, cert);
	return rc != RC_OK ? rc : buf_add_span(ret_issuer, issuer);
}

/* ---- writing --------------------------------------------------------------
 */

enum rc
token_can_make(struct token *token, const char *type)
{
	struct span body;

	return call_span(token, WIRE_CAN, span_str(type), &body);
}

enum rc
token_keygen(struct token *token, const char *type, const char *label,
    struct span id, struct token_key *ret)
{
	struct span body;
	enum rc rc = token_begin(token, WIRE_KEYGEN);

	if (rc == RC_OK)
		rc = buf_add_lv(&token->out, span_str(type));
	if (rc == RC_OK)
		rc = buf_add_lv(&token->out, span_str(label));
	if (rc == RC_OK)
		rc = buf_add_lv(&token->out, id);
	if (rc == RC_OK)
		rc = call(token, KEYGEN_SECONDS, &body);
	if (rc != RC_OK)
		return rc;
	return wire_take_key(&body, ret) ? RC_OK : senseless();
}

enum rc
token_init(struct token *token, const struct token_setup *setup,
    struct token_info *ret_info)
{
	const char *const texts[] = { setup->module, setup->label,
		setup->so_pin_source, setup->pin_source };
	struct span body;
	enum rc rc = token_begin(token, WIRE_INIT);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (rc == RC_OK)
			rc = wire_put_text(&token->out, texts[i]);
	if (rc == RC_OK)
		rc = call(token, PERSON_SECONDS, &body);
	if (rc != RC_OK)
		return rc;
	return wire_take_info(&body, ret_info) ? RC_OK : senseless();
}

/* ---- signing --------------------------------------------------------------
 */

enum rc
token_login(struct token *token)
{
	struct span body;
	enum rc rc = token_begin(token, WIRE_LOGIN);

	return rc != RC_OK ? rc : call(token, PERSON_SECONDS, &body);
}

enum rc
token_use_key(struct token *token, struct span spki, unsigned *ret_key)
{
	struct span body;
	uint32_t key;
	enum rc rc = call_span(token, WIRE_USE, spki, &body);

	if (rc != RC_OK)
		return rc;
	if (!span_take_u32(&body, &key))
		return senseless();
	*ret_key = key;
	return RC_OK;
}

/* Nothing more can be asked, and what has been answered is still to be taken.
 */
static void
hang_up(struct token *token)
{
	err_clear();
	(void)shutdown(token->child.sock, SHUT_WR);
}

enum rc
token_sign_send(struct token *token, unsigned key, enum token_scheme scheme,
    struct span digest)
{
	enum rc rc = token_begin(token, WIRE_SIGN);

	if (rc == RC_OK && token->outstanding >= TOKEN_WINDOW)
		rc = err_set(RC_BUG, "more than %d signatures outstanding",
		    TOKEN_WINDOW);
	if (rc == RC_OK)
		rc = buf_add_u32(&token->out, key);
	if (rc == RC_OK)
		rc = buf_add_u32(&token->out, (uint32_t)scheme);
	if (rc == RC_OK)
		rc = buf_add_lv(&token->out, digest);
	if (rc != RC_OK)
		return rc;
	token->outstanding++;
	if (frame_add(&token->child.line, token->child.sock,
		buf_span(&token->out), WIRE_NAME) != RC_OK)
		hang_up(token);
	return RC_OK;
}

void
token_sign_flush(struct token *token)
{
	if (token->child.sock >= 0 &&
	    frame_flush(&token->child.line, token->child.sock, WIRE_NAME) !=
		RC_OK)
		hang_up(token);
}

enum rc
token_sign_recv(struct token *token, int seconds, struct buf *ret_sig)
{
	struct span body;
	enum rc rc;

	if (token->child.sock < 0)
		return err_set(RC_TOKEN, "the token process has ended");
	if (token->outstanding == 0)
		return err_set(RC_BUG, "no signature is outstanding");
	if (!frame_is_here(&token->child.line))
		token_sign_flush(token);
	rc = token_receive(
	    token, token->ask_each ? PERSON_SECONDS : seconds, &body);
	if (token->outstanding != 0)
		token->outstanding--;
	if (rc != RC_OK)
		return rc;
	buf_reset(ret_sig);
	return buf_add_span(ret_sig, body);
}

enum rc
token_sign(struct token *token, unsigned key, enum token_scheme scheme,
    struct span digest, struct buf *ret_sig)
{
	enum rc rc = token_sign_send(token, key, scheme, digest);

	return rc != RC_OK ? rc : token_sign_recv(token, SIGN_SECONDS, ret_sig);
}

enum rc
token_bench(struct token *token, unsigned key, unsigned seconds,
    unsigned threads, double *ret_rate)
{
	struct span body;
	uint64_t rate;
	enum rc rc = token_begin(token, WIRE_BENCH);

	if (rc == RC_OK)
		rc = buf_add_u32(&token->out, key);
	if (rc == RC_OK)
		rc = buf_add_u32(&token->out, seconds);
	if (rc == RC_OK)
		rc = buf_add_u32(&token->out, threads);
	if (rc == RC_OK)
		rc = call(token, (int)seconds + CALL_SECONDS, &body);
	if (rc != RC_OK)
		return rc;
	if (!span_take_u64(&body, &rate))
		return senseless();
	*ret_rate = (double)rate / 1000;
	return RC_OK;
}
