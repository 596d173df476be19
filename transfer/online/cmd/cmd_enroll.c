/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment is the one moment at which trust comes from a person. So the
 * order is fixed: the card whole in itself, what it offers shown, words or
 * --expect, and only then anything written; the key before the store, because
 * a store stands for a finished enrolment. */
#include "transfer/online/cmd/cmd.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "base/words.h"
#include "transfer/judge/card_judge.h"
#include "transfer/media/media.h"
#include "transfer/online/store/home.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CARD_MAX 524288 /* bytes: the policy and a few certificates */

struct enroll {
	struct cmd_env *env;
	struct cmd_list operands;
	const char *from;
	const char *label, *expect;
	bool replace, go_back;
	uint8_t expected[SHA256_LEN];
	int64_t now;
	char default_label[LABEL_MAX + 1];
	struct sealed file; /* the card, from a stick */
	struct buf bytes;   /* or as a file */
	struct offer offer;
	struct child judge;
};

static void
enroll_wipe(struct enroll *e)
{
	cmd_list_wipe(&e->operands);
	sealed_wipe(&e->file);
	buf_wipe(&e->bytes);
	offer_wipe(&e->offer);
	child_wipe(&e->judge);
}

/* ---- the card ------------------------------------------------------------ */

static enum rc
read_card_file(struct enroll *e, const char *path)
{
	enum rc rc = file_read(AT_FDCWD, path, CARD_MAX, &e->bytes);

	return rc != RC_OK ? rc
			   : card_ask(&e->judge, path, buf_span(&e->bytes),
				 e->now, &e->offer);
}

static enum rc
read_card_on(struct enroll *e, const struct media *media, const char *name)
{
	char path[sizeof(MEDIA_CARDS) + MEDIA_NAME_MAX];
	OWN_FD fd = -1;
	enum rc rc;

	offer_wipe(&e->offer);
	sealed_wipe(&e->file);
	e->file = (struct sealed){ .fd = -1 };
	(void)snprintf(path, sizeof(path), MEDIA_CARDS "/%s", name);
	rc = media_copy(media, path, CARD_MAX, &fd);
	if (rc == RC_OK)
		rc = sealed_map(fd, &e->file);
	if (rc != RC_OK)
		return rc;
	fd = -1; /* the map's now */
	return card_ask(&e->judge, path, e->file.bytes, e->now, &e->offer);
}

/* The only card, or the one that --expect names. */
static enum rc
choose_card(struct enroll *e, const struct media *media)
{
	WIPED(media_names) names = { 0 };
	enum rc rc;

	rc = media_list(media, MEDIA_CARDS, ".cose", false, &names);
	if (rc != RC_OK)
		return rc;
	if (names.n == 0)
		return err_set(
		    RC_IO, "%s: no CA's card in " MEDIA_CARDS, media->path);
	if (names.n == 1)
		return read_card_on(e, media, names.items[0]);
	if (e->expect == NULL)
		return err_set(RC_USAGE,
		    "%s: %zu cards in " MEDIA_CARDS
		    "; name one of the files, or give --expect",
		    media->path, names.n);
	for (size_t i = 0; i < names.n; i++) {
		rc = read_card_on(e, media, names.items[i]);
		if (rc != RC_OK ||
		    memcmp(e->offer.fingerprint, e->expected, SHA256_LEN) == 0)
			return rc;
	}
	return rule_refuse(
	    RULE_WORDS, "%s: no card with that fingerprint", media->path);
}

static enum rc
read_card(struct enroll *e)
{
	WIPED(media) media = { 0 };
	const char *path = e->from;
	struct stat st;
	enum rc rc;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return read_card_file(e, path);
	rc = media_open(path, &media);
	return rc != RC_OK ? rc : choose_card(e, &media);
}

/* ---- the decision -------------------------------------------------------- */

static enum rc
show_words(const uint8_t *digest)
{
	char hex[SHA256_HEX];

	hex_write(span_of(digest, SHA256_LEN), hex);
	term_say("  SHA-256  %s\n", hex); /* whole, for --expect */
	return words_show(digest, "  ");
}

static enum rc
show_offer(const struct enroll *e)
{
	char until[CLOCK_TEXT];

	clock_write(e->offer.until, until);
	term_field("CA", "%.*s", SPAN_FMT(buf_span(&e->offer.subject)));
	term_field("valid until", "%s", until);
	return show_words(e->offer.fingerprint);
}

/* By words or by the whole SHA-256; --yes answers reviews, not this. */
static enum rc
decide(const struct enroll *e)
{
	bool yes = false;
	enum rc rc;

	if (e->expect != NULL) {
		if (memcmp(e->expected, e->offer.fingerprint, SHA256_LEN) == 0)
			return RC_OK;
		return rule_refuse(RULE_WORDS,
		    "the card's CA certificate has another SHA-256 than --expect");
	}
	term_say("\nThe laptop shows the CA's words too (airgap-ca export).\n");
	rc = term_confirm("Are these the words that it shows? Type Yes: ",
	    "--expect HEX", &yes);
	if (rc == RC_OK && !yes)
		rc = err_set(RC_POLICY, "not confirmed: nothing was pinned");
	return rc;
}

/* Its file is the operator's operand, whatever card of it was chosen. */
static enum rc
enroll_show_policy(struct enroll *e)
{
	enum rc rc = offer_policy_read(e->from, &e->offer);

	for (size_t i = 0; rc == RC_OK && i < e->offer.policy.n_profiles; i++)
		term_field("profile", "%s", e->offer.policy.profiles[i].name);
	return rc;
}

/* ---- making it so -------------------------------------------------------- */

/* Linux allows a host's name of 64 bytes, one more than a label has. */
static void
fill_default_label(struct enroll *e)
{
	char host[HOST_NAME_MAX + 1] = "";
	size_t n = 0;

	(void)gethostname(host, sizeof(host) - 1);
	for (const char *p = host; *p != '\0' && *p != '.' && n < LABEL_MAX;
	     p++)
		if (isalnum((unsigned char)*p) || (*p == '-' && n != 0))
			e->default_label[n++] =
			    (char)tolower((unsigned char)*p);
	while (n != 0 && e->default_label[n - 1] == '-')
		n--;
	e->default_label[n] = '\0';
	e->label = n == 0 ? "online" : e->default_label;
}

/* A key that an interrupted enrolment left is used again. */
static enum rc
enroll_requester_key(const char *home, struct buf *ret_spki)
{
	OWN(EVP_PKEY) *key = NULL;
	OWN(ssl_bytes) *der = NULL;
	WIPED(buf) path = { 0 };
	const char *text;
	enum rc rc = buf_printf(&path, "%s/" ONLINE_REQUESTER_KEY, home);
	int n;

	text = rc == RC_OK ? buf_cstr(&path) : NULL;
	if (text == NULL)
		return err_memory();
	if (access(text, F_OK) == 0) {
		rc = online_key_read(home, ONLINE_REQUESTER_KEY, &key);
	} else {
		rc = online_key_make("ec-p256", &key);
		if (rc == RC_OK)
			rc = online_key_write(home, ONLINE_REQUESTER_KEY, key);
	}
	if (rc != RC_OK)
		return rc;
	n = i2d_PUBKEY(key, &der);
	if (n < 0)
		return err_openssl(RC_BUG, "the requester's key");
	return buf_add(ret_spki, der, (size_t)n);
}

static struct enrolment
enrolment_of(const struct enroll *e)
{
	return (struct enrolment){
		.ca_id = e->offer.card.ca_id,
		.certs = e->offer.card.certs,
		.n_certs = e->offer.card.n_certs,
		.transfer_cert = e->offer.transfer_cert,
		.policy = e->offer.card.policy,
		.label = e->label,
		.created = e->offer.card.created,
		.back = e->go_back,
		.now = e->now,
	};
}

static enum rc
enroll_new(const struct enroll *e, const char *store_path)
{
	struct enrolment enrolment = enrolment_of(e);
	WIPED(buf) spki = { 0 };
	enum rc rc;

	rc = dir_make(e->env->home, 0700);
	if (rc == RC_OK)
		rc = enroll_requester_key(e->env->home, &spki);
	enrolment.spki = buf_span(&spki);
	return rc != RC_OK ? rc : store_create(store_path, &enrolment);
}

/* The store, which must be of the card's CA, and of nothing newer. */
static enum rc
open_pinned(const struct enroll *e, bool write, struct store *ret)
{
	const struct enrolment enrolment = enrolment_of(e);
	WIPED(store) store = { 0 };
	enum rc rc = online_open(e->env->home, write, &store);

	if (rc != RC_OK)
		return rc;
	if (memcmp(store.trust.ca_id, e->offer.card.ca_id, SHA256_LEN) != 0)
		return err_set(RC_STATE,
		    "%s: this host is enrolled with another CA there; to have both, give another --home",
		    e->env->home);
	rc = store_card_check(&store, &enrolment);
	if (rc != RC_OK)
		return rc;
	*ret = store;
	store = (struct store){ 0 };
	return RC_OK;
}

/* Before words are compared for nothing. */
static enum rc
check_pinned(const struct enroll *e)
{
	WIPED(store) store = { 0 };
	char made[CLOCK_TEXT];
	enum rc rc = open_pinned(e, false, &store);

	if (rc != RC_OK || !e->go_back)
		return rc;
	clock_write(e->offer.card.created, made);
	term_alarm(
	    "Going back: keys and policy become those of this card, from %s. That is recorded.\n",
	    made);
	return RC_OK;
}

static enum rc
enroll_again(const struct enroll *e)
{
	struct enrolment enrolment = enrolment_of(e);
	WIPED(store) store = { 0 };
	enum rc rc = open_pinned(e, true, &store);

	return rc != RC_OK ? rc : store_replace(&store, &enrolment);
}

/* What the operator at the laptop will compare. */
static enum rc
enroll_report(const struct enroll *e)
{
	WIPED(store) store = { 0 };
	size_t n;
	enum rc rc = online_open(e->env->home, false, &store);

	if (rc == RC_OK)
		rc = online_files_write(e->env->home, &store, &n);
	if (rc != RC_OK)
		return rc;
	term_say(
	    "\nEnrolled. `airgap-ca sign STICK` will show this host as:\n");
	term_field("label", "%s", store.label);
	rc = show_words(store.channel.requester);
	if (rc != RC_OK)
		return rc;
	term_say(
	    "Next: airgap-transfer request --new-key TYPE --profile P --name TYPE:X --out STICK\n");
	if (!e->env->json)
		return RC_OK;
	return cmd_json(
	    json_pack("{s:s, s:o}", "requester", store.label, "fingerprint",
		cmd_json_hex(span_of(store.channel.requester, SHA256_LEN))));
}

static enum rc
enroll(struct enroll *e)
{
	WIPED(buf) path = { 0 };
	const char *store_path;
	const bool again = e->replace || e->go_back;
	bool there;
	enum rc rc = online_store_path(e->env->home, &path);

	store_path = rc == RC_OK ? buf_cstr(&path) : NULL;
	if (store_path == NULL)
		return err_memory();
	there = access(store_path, F_OK) == 0;
	if (there && !again)
		return err_set(RC_STATE,
		    "%s: enrolled already; a CA that lost its transfer key takes --replace, another CA another --home",
		    store_path);
	if (!there && again)
		return err_set(RC_STATE,
		    "%s: nothing to replace; enroll without --replace",
		    store_path);
	rc = online_guard(e->env->home);
	if (rc == RC_OK)
		rc = clock_now(&e->now);
	/* It parses what may be a stranger's, before anything is opened here.
	 */
	if (rc == RC_OK)
		rc = judge_start(&e->judge);
	if (rc == RC_OK)
		rc = judge_ready(&e->judge);
	if (rc == RC_OK)
		rc = read_card(e);
	if (rc == RC_OK)
		rc = show_offer(e);
	if (rc == RC_OK && there)
		rc = check_pinned(e);
	if (rc == RC_OK)
		rc = decide(e);
	if (rc == RC_OK)
		rc = enroll_show_policy(e);
	if (rc != RC_OK || e->env->dry_run)
		return rc;
	rc = there ? enroll_again(e) : enroll_new(e, store_path);
	return rc != RC_OK ? rc : enroll_report(e);
}

enum rc
cmd_enroll(struct cmd_env *env, int argc, char **argv)
{
	WIPED(enroll)
	e = { .env = env, .file = { .fd = -1 }, .judge = CHILD_NONE };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "label", "NAME", "how this host is called at the CA", NULL, &e.label, NULL },
		{ "expect", "HEX", "the SHA-256 of the CA certificate, instead of words", NULL, &e.expect, NULL },
		{ "replace", NULL, "pin the CA's new card in place of the old one", &e.replace, NULL, NULL },
		{ "go-back", NULL, "pin an older card than the one that is pinned", &e.go_back, NULL, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc;

	rc = cmd_options(env, argc, argv, options, &e.operands, &done);
	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &e.operands, "MEDIA or CARD", &e.from);
	if (rc != RC_OK)
		return rc;
	if (e.expect != NULL && !hex_read(e.expect, e.expected, SHA256_LEN))
		return err_set(RC_USAGE,
		    "--expect wants the whole SHA-256: 64 hex digits");
	if (e.replace && e.go_back)
		return err_set(RC_USAGE,
		    "--replace and --go-back: a newer card, or an older one?");
	if (e.label == NULL)
		fill_default_label(&e);
	if (!format_is_label(span_str(e.label)))
		return err_set(RC_USAGE,
		    "--label %s: not of a-z, 0-9 and '-', 1 to %d of them",
		    e.label, LABEL_MAX);
	return enroll(&e);
}
