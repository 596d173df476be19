/* SPDX-License-Identifier: Apache-2.0 */
/** A token process without PKCS#11: keys in memory, and a script.
 *
 * This defines helper_main, which token_start runs. The linker takes it from
 * the test's own object and leaves the shipped one in its archive, so that what
 * is tested is the caller's end as it is shipped, over a true socket.
 */
#ifndef TESTS_LIB_FAKE_TOKEN_PROCESS_H
#define TESTS_LIB_FAKE_TOKEN_PROCESS_H

#include "tests/lib/fake_child.h"
#include "tests/lib/software_ca.h"

#include "token/process/helper.h"
#include "token/token.h"
#include "token/wire/wire.h"
#include "transfer/x509/key.h"

/** What FAKE_LIE of a token gives at the nth signature instead. */
enum fake_signature {
	SIGN_OTHER, /* a good one of another digest */
	SIGN_SHORT, /* a byte less */
	SIGN_BY_NEXT, /* by the key that it holds next */
};

#define FAKE_TOKEN_URI "pkcs11:token=fake"
#define SAFE_KEYS 8

struct fake_key {
	EVP_PKEY *key; /* owned */
	char label[32];
	bool extractable;
	bool hidden; /* until the login */
	bool half;   /* without its public part */
};

/** The keys of the token that is started next. */
static struct fake_safe {
	struct fake_play *play;
	struct fake_key keys[SAFE_KEYS];
	size_t n;
	bool cannot_make, is_open; /* open: somebody has logged in */
	enum rc failed;		   /* a signature, with this */
	struct err_saved why;
} fake_safe;

/** Put a key there, which is taken over. */
static inline struct fake_key *
fake_token_hold(EVP_PKEY *key, const char *label)
{
	struct fake_key *one = &fake_safe.keys[fake_safe.n++];

	assert_true(fake_safe.n <= SAFE_KEYS);
	*one = (struct fake_key){ .key = key };
	(void)snprintf(one->label, sizeof(one->label), "%s", label);
	return one;
}

/** Forget the keys; a process that runs keeps its own. */
static inline void
fake_token_empty(void)
{
	for (size_t i = 0; i < fake_safe.n; i++)
		EVP_PKEY_free(fake_safe.keys[i].key);
	fake_safe = (struct fake_safe){ 0 };
}

/** Start it with what was put there. */
static inline void
fake_token_start(struct fake_play *play, struct token **ret)
{
	const struct token_options options = { 0 };

	fake_safe.play = play;
	check_ok(token_start(ret, &options));
}

/* ---- in the process ------------------------------------------------------ */

static inline enum rc
fake_put_key(const struct fake_key *one, struct buf *out)
{
	struct token_key shown = { .has_private = true,
		.sensitive = true,
		.extractable = one->extractable,
		.local = true,
		.sign = true };
	struct key_facts facts;
	OWN(EVP_PKEY) *public = NULL;
	enum rc rc;

	key_spki(one->key, &shown.spki);
	(void)snprintf(shown.uri, sizeof(shown.uri),
	    FAKE_TOKEN_URI ";object=%s", one->label);
	(void)snprintf(shown.label, sizeof(shown.label), "%s", one->label);
	rc = key_check("key", buf_span(&shown.spki), &facts, &public);
	if (rc == RC_OK)
		key_name(&facts, shown.type);
	else
		(void)snprintf(shown.type, sizeof(shown.type), "other");
	if (one->half)
		buf_reset(&shown.spki);
	rc = wire_put_key(out, &shown);
	token_key_wipe(&shown);
	return rc;
}

static inline bool
fake_shows(size_t i)
{
	return !fake_safe.keys[i].hidden || fake_safe.is_open;
}

static inline enum rc
fake_keys(bool lies, struct buf *out)
{
	const size_t first = lies ? 1 : 0; /* it keeps quiet about one */
	uint32_t n = 0;
	enum rc rc;

	for (size_t i = first; i < fake_safe.n; i++)
		n += fake_shows(i);
	rc = buf_add_u32(out, n);
	for (size_t i = first; i < fake_safe.n && rc == RC_OK; i++)
		if (fake_shows(i))
			rc = fake_put_key(&fake_safe.keys[i], out);
	return rc;
}

/* By the end of the URI, which is the label. */
static inline enum rc
fake_find(struct span in, struct buf *out)
{
	struct span uri = SPAN_NONE;
	uint32_t any = 0;

	if (!span_take_u32(&in, &any) || (any && !span_take_lv(&in, &uri)))
		return err_set(RC_BUG, "no URI");
	for (size_t i = 0; i < fake_safe.n; i++) {
		size_t n = strlen(fake_safe.keys[i].label);

		if (uri.n > n && memcmp(uri.p + uri.n - n,
				     fake_safe.keys[i].label, n) == 0)
			return fake_put_key(&fake_safe.keys[i], out);
	}
	return err_set(
	    RC_TOKEN, "no private key that %.*s names", SPAN_FMT(uri));
}

static inline enum rc
fake_use(struct span in, struct buf *out)
{
	struct span wanted;

	if (!span_take_lv(&in, &wanted))
		return err_set(RC_BUG, "no SPKI");
	for (size_t i = 0; i < fake_safe.n; i++) {
		WIPED(buf) spki = { 0 };

		key_spki(fake_safe.keys[i].key, &spki);
		if (span_eq(buf_span(&spki), wanted))
			return buf_add_u32(out, (uint32_t)i);
	}
	return err_set(RC_TOKEN, "no such private key on the token");
}

static inline enum rc
fake_make(struct span in, struct buf *out)
{
	struct span type, label;
	char text[32], name[32];

	if (!span_take_lv(&in, &type) || !span_take_lv(&in, &label))
		return err_set(RC_BUG, "no type");
	(void)snprintf(text, sizeof(text), "%.*s", SPAN_FMT(type));
	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(label));
	return fake_put_key(fake_token_hold(key_new(text), name), out);
}

static inline enum rc
fake_sign(struct span in, bool lies, unsigned lie, struct buf *out)
{
	uint8_t other[EVP_MAX_MD_SIZE] = { 0 };
	uint32_t key, scheme;
	struct span digest;

	if (!span_take_u32(&in, &key) || !span_take_u32(&in, &scheme) ||
	    !span_take_lv(&in, &digest) || key >= fake_safe.n)
		return err_set(RC_BUG, "no digest");
	/* After one that failed there is none any more, as at the true one. */
	if (fake_safe.failed != RC_OK) {
		err_restore(&fake_safe.why);
		return fake_safe.failed;
	}
	if (lies && lie == SIGN_OTHER)
		digest.p = other;
	if (lies && lie == SIGN_BY_NEXT)
		key = (key + 1) % (uint32_t)fake_safe.n;
	key_sign_digest(fake_safe.keys[key].key, (enum token_scheme)scheme,
	    digest, out);
	out->n -= lies && lie == SIGN_SHORT;
	return RC_OK;
}

static inline enum rc
fake_serve(enum wire_op op, struct span in, bool lies, struct buf *out)
{
	struct token_info info = { .uri = FAKE_TOKEN_URI,
		.label = "fake",
		.initialised = true,
		.pin_set = true };
	enum rc rc;

	switch (op) {
	case WIRE_OPEN:
	case WIRE_SEEK: /* its tests know one token */
		return wire_put_info(out, &info);
	case WIRE_KEYS:
		return fake_keys(lies, out);
	case WIRE_FIND:
		return fake_find(in, out);
	case WIRE_LOGIN:
		fake_safe.is_open = true;
		return RC_OK;
	case WIRE_USE:
		return fake_use(in, out);
	case WIRE_CAN:
		return fake_safe.cannot_make
			   ? err_set(RC_TOKEN, "the token cannot make it")
			   : RC_OK;
	case WIRE_KEYGEN:
		return fake_make(in, out);
	case WIRE_SIGN:
		return fake_sign(in, lies, fake_safe.play->token.lie, out);
	case WIRE_NEWEST:
		return buf_add_u64(out, 0);
	case WIRE_CONFINE: /* it loads nothing to be kept from anything */
		rc = buf_add_u32(out, 0);
		return rc == RC_OK ? buf_add_u32(out, 1) : rc;
	case WIRE_LIST:
	case WIRE_BENCH:
	case WIRE_ATTEST:
	case WIRE_INIT:
	case WIRE_OPS:
		break;
	}
	return err_set(RC_BUG, "the fake token cannot do this");
}

/* Its watch sees what comes after the operation; of a signature, the digest. */
static inline enum rc
fake_token_answer(struct span request, struct buf *answer, bool *ret_babble)
{
	struct fake_play *play = fake_safe.play;
	struct span in = request, rest, seen;
	uint32_t op, number;
	enum fake_deed deed;
	enum rc rc;

	if (!span_take_u32(&in, &op) || op >= WIRE_OPS)
		return RC_BUG;
	seen = rest = in;
	if (op == WIRE_SIGN && (!span_take_u32(&rest, &number) ||
				   !span_take_u32(&rest, &number) ||
				   !span_take_lv(&rest, &seen)))
		return RC_BUG;
	deed = fake_turn(play, &play->token, op, 0, seen);
	*ret_babble = deed == FAKE_BABBLE;
	buf_reset(answer);
	rc = buf_add_u32(answer, RC_OK);
	if (rc == RC_OK)
		rc = deed == FAKE_REFUSE
			 ? fake_error(&play->token)
			 : fake_serve((enum wire_op)op, in, deed == FAKE_LIE,
			       answer);
	if (rc == RC_OK)
		return RC_OK;
	if (op == WIRE_SIGN && fake_safe.failed == RC_OK) {
		fake_safe.failed = rc;
		err_save(&fake_safe.why);
	}
	buf_reset(answer);
	return wire_put_error(answer, rc);
}

enum rc
helper_main(int sock, void *arg)
{
	WIPED(buf) request = { 0 };
	WIPED(buf) answer = { 0 };
	enum rc rc = RC_OK;

	(void)arg;
	while (rc == RC_OK && frame_recv(sock, WIRE_REQUEST_MAX, 0, &request,
				  NULL, "test") == RC_OK) {
		bool babble = false;

		rc = fake_token_answer(buf_span(&request), &answer, &babble);
		if (rc == RC_OK)
			rc = babble ? fake_babble(sock)
				    : fake_send(sock, &answer);
	}
	return rc;
}

#endif
