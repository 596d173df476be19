/* SPDX-License-Identifier: Apache-2.0 */
/* `verify` is `install` that stores nothing: one command under two names. */
#include "transfer/online/cmd/cmd.h"
#include "transfer/online/cmd/cmd_in_place.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/term.h"
#include "transfer/judge/judge.h"
#include "transfer/online/receive/loose_files.h"
#include "transfer/online/receive/receive.h"
#include "transfer/online/store/home.h"
#include "transfer/online/store/store_revocation.h"
#include "transfer/rule.h"
#include "transfer/x509/name_typed.h"

#include <sys/stat.h>

#define TO_COME_SHOWN 5

struct taking {
	struct cmd_env *env;
	struct store store;
	bool store_them;
	bool loose;	      /* what answers loose CSRs, */
	struct cmd_list csrs; /* exactly these; none: they are not at hand */
	struct cmd_list names;
	struct name_list asked; /* of the one CSR, at the CA */
	struct loose_files files;
	struct reader reader; /* of those */
	struct child judge;
	int lock;
	struct cmd_list operands;
	const char *media;
	int64_t now;
	size_t n_to_come; /* requests without a certificate that is valid yet */
};

static void
taking_wipe(struct taking *t)
{
	cmd_list_wipe(&t->csrs);
	cmd_list_wipe(&t->names);
	name_list_wipe(&t->asked);
	cmd_list_wipe(&t->operands);
	loose_files_wipe(&t->files);
	reader_wipe(&t->reader);
	child_wipe(&t->judge);
	store_wipe(&t->store);
	fd_close(&t->lock);
}

static void
tell_refused(const struct manifest *m)
{
	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];

		if (r->n_certs == 0)
			term_say("  refused: %.*s: %.*s [%.*s]\n",
			    SPAN_FMT(r->id), SPAN_FMT(r->reason),
			    SPAN_FMT(r->rule));
	}
}

/* Whoever deploys it wants to know; who asked for it was asked at the CA. */
static enum rc
tell_revoked(struct store *store, const struct learned *learned)
{
	char serial[2 * SERIAL_MAX + 1];
	const struct span bytes = span_of(learned->serial, learned->serial_n);
	WIPED(buf) name = { 0 };
	enum rc rc = store_cert_name(store, bytes, &name);

	hex_write(bytes, serial);
	if (rc == RC_OK)
		term_alarm(
		    "  revoked at the CA: %.*s, certificate %s (%s): it is not used any more\n",
		    SPAN_FMT(buf_span(&name)), serial,
		    reason_text(learned->reason));
	return rc;
}

/* Each entry of what was asked, as the CA answered it. */
static void
tell_revocations(const struct manifest *m)
{
	static const char *const words[] = { [REVOKED] = "revoked",
		[REVOKED_BEFORE] = "was revoked before",
		[REVOKE_UNKNOWN] = "is unknown to the CA",
		[REVOKE_REFUSED] = "is not revoked" };

	for (size_t i = 0; i < m->n_revocations; i++) {
		const struct revocation_result *r = &m->revocations[i];

		if (r->status == REVOKE_REFUSED)
			term_alarm("  revocation %zu refused: %.*s [%.*s]\n",
			    i + 1, SPAN_FMT(r->comment), SPAN_FMT(r->rule));
		else if (r->n_serials == 0)
			term_say(
			    "  revocation %zu: %s\n", i + 1, words[r->status]);
		for (size_t j = 0;
		     r->status != REVOKE_REFUSED && j < r->n_serials; j++) {
			char serial[2 * SERIAL_MAX + 1];

			hex_write(r->serials[j], serial);
			term_say(
			    "  certificate %s %s\n", serial, words[r->status]);
		}
	}
}

/* The first certificate of a result that is to come, where none of it is valid
 * now: a clock is wrong, here or at the CA, or it was asked for later. */
static bool
result_is_to_come(const struct result *r, int64_t now)
{
	for (size_t i = 0; i < r->n_certs; i++)
		if (r->certs[i].not_before <= now)
			return false;
	return r->n_certs != 0;
}

/* No more than a screen's worth, however wrong the clock is. */
static void
tell_to_come(struct taking *t, const struct manifest *m)
{
	char begins[CLOCK_TEXT], today[CLOCK_TEXT];
	size_t n = 0;

	clock_write(t->now, today);
	for (size_t i = 0; i < m->n_results; i++) {
		const struct result *r = &m->results[i];

		if (!result_is_to_come(r, t->now) || ++n > TO_COME_SHOWN)
			continue;
		clock_write(r->certs[0].not_before, begins);
		term_alarm(
		    "  not valid yet: %.*s begins at %s, and it is %s by this host's clock\n",
		    SPAN_FMT(r->id), begins, today);
	}
	if (n > TO_COME_SHOWN)
		term_alarm("  not valid yet: %zu more\n", n - TO_COME_SHOWN);
	t->n_to_come += n;
}

static enum rc
install_tell_one(void *arg, const struct received *r)
{
	struct taking *t = arg;
	const struct response_verdict *v = r->verdict;

	if (v->again) {
		term_say("%s: number %u, installed before\n", r->path,
		    (unsigned)r->sequence);
		return RC_OK;
	}
	term_say(
	    "%s: number %u, %s: %zu certificate%s, %zu request%s refused\n",
	    r->path, (unsigned)r->sequence,
	    t->store_them ? "installed" : "good", v->n_certs,
	    v->n_certs == 1 ? "" : "s", v->n_refused,
	    v->n_refused == 1 ? "" : "s");
	if (v->unasked)
		term_alarm(
		    "  not asked for by this store: it answers a bundle that is not known here\n");
	if (v->policy.n != 0)
		term_say("  the CA's policy has changed\n");
	if (v->trust_changed)
		term_say("  the CA's keys or certificates have changed\n");
	if (r->crls.n != 0)
		term_say("  %zu CRL%s\n", r->crls.n, r->crls.n == 1 ? "" : "s");
	if (r->crls.strange != 0)
		term_say(
		    "  %zu CRL%s by keys of the CA that this host was never told of: passed over\n",
		    r->crls.strange, r->crls.strange == 1 ? "" : "s");
	tell_refused(&v->manifest);
	tell_revocations(&v->manifest);
	for (size_t i = 0; i < r->n_learned; i++) {
		enum rc rc = tell_revoked(&t->store, &r->learned[i]);

		if (rc != RC_OK)
			return rc;
	}
	tell_to_come(t, &v->manifest);
	return in_place_tell_installed(&t->store, r->bundle);
}

static json_t *
text_or_null(bool has, const char *text)
{
	return has ? cmd_json_text(span_str(text)) : json_null();
}

static enum rc
install_print_json(
    const struct taking *t, enum rc rc, const struct reception *all)
{
	bool trusted = rc == RC_OK;
	const char *rule = trusted ? "" : rule_name(rule_spoken());

	return cmd_json(json_pack(
	    "{s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "trusted",
	    (int)trusted, "rule", text_or_null(*rule != '\0', rule), "reason",
	    text_or_null(!trusted, err_text()), "sequence",
	    all->sequence == 0 ? json_null()
			       : json_integer((json_int_t)all->sequence),
	    "certificates", (json_int_t)all->n_certs, "not_asked_for",
	    (json_int_t)all->n_unasked, "crls", (json_int_t)all->n_crls,
	    "revoked", (json_int_t)all->n_revoked, "not_yet_valid",
	    (json_int_t)t->n_to_come));
}

/* 0 when all was granted; else as the signer's own exit status was. */
static enum rc
install_outcome(const struct reception *all)
{
	if (all->n_refused == 0)
		return RC_OK;
	err_clear();
	return all->n_certs == 0 ? RC_POLICY : RC_PARTIAL;
}

static enum rc
receive_all(struct taking *t, const struct media *media, struct reception *all)
{
	const struct receiving how = { &t->judge, t->store_them,
		install_tell_one, t, &t->asked };

	if (!t->loose)
		return receive(&t->store, media, &how, all);
	return receive_loose(&t->store, media,
	    t->files.set.n == 0 ? NULL : &t->files.set, &how, all);
}

/* Nobody else may have noticed: keys that were made since are gone with it. */
static void
tell_restored(const struct reception *all)
{
	if (all->n_unasked == 0)
		return;
	term_alarm(
	    "warning  this host was restored from an older copy: %zu response%s answer%s what it does not remember\n",
	    all->n_unasked, all->n_unasked == 1 ? "" : "s",
	    all->n_unasked == 1 ? "s" : "");
	if (all->n_lost == 0)
		term_say(
		    "  The keys of their certificates are here: they are used, but for those of requests that were withdrawn, forgotten or replaced since.\n");
	else
		term_say(
		    "  The key of %zu certificate%s is not here: `airgap-transfer list` shows them as unused, and nothing deploys them. Ask anew.\n",
		    all->n_lost, all->n_lost == 1 ? "" : "s");
}

/* Two at once would each take what the other stored for what is not its. */
static enum rc
install_open(struct taking *t)
{
	enum rc rc = online_open(t->env->home, true, &t->store);

	if (rc == RC_OK && t->store_them)
		rc = online_lock(t->env->home, &t->lock);
	if (rc == RC_OK && t->store_them)
		rc = store_reload(&t->store);
	return rc;
}

static enum rc
install_take(struct taking *t, struct reception *all)
{
	WIPED(media) media = { 0 };
	size_t written = 0;
	enum rc rc, files;

	/* While nothing else is open that they could inherit. */
	rc = judge_start(&t->judge);
	if (rc == RC_OK && t->csrs.n != 0)
		rc = reader_start(&t->reader, NULL);
	if (rc == RC_OK)
		rc = install_open(t);
	if (rc == RC_OK)
		rc = judge_ready(&t->judge);
	if (rc == RC_OK)
		rc = clock_now(&t->now);
	if (rc == RC_OK)
		rc = media_open(t->media, &media);
	if (rc == RC_OK && t->csrs.n != 0)
		rc = loose_files_read(
		    &t->reader, t->csrs.items, t->csrs.n, &t->files);
	if (rc != RC_OK)
		return rc;
	rc = receive_all(t, &media, all);
	if (rc == RC_OK && all->n_junk != 0)
		term_alarm(
		    "warning  %s: %zu more director%s named like a response for this host, and nothing in %s proves that the CA made it\n",
		    media.path, all->n_junk,
		    all->n_junk == 1 ? "y is" : "ies are",
		    all->n_junk == 1 ? "it" : "them");
	tell_restored(all);
	if (!t->store_them)
		return rc;
	/* What was stored gets its files, whatever came after it, and so does
	 * what an interrupted run stored. */
	{
		struct err_saved saved;

		err_save(&saved);
		files = online_files_write(t->env->home, &t->store, &written);
		if (rc != RC_OK || files == RC_OK)
			err_restore(&saved);
		else
			files = err_in(files,
			    "%s: all is proven and stored, and the files are not written; the same command writes them when this is mended",
			    t->env->home);
	}
	if (written != 0)
		term_say(
		    "%zu new file%s: %s/certs/NAME/DATE-SERIAL.pem, issued by %s/ca.pem\n",
		    written, written == 1 ? "" : "s", t->env->home,
		    t->env->home);
	return rc != RC_OK ? rc : files;
}

static bool
install_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* `--csr *.csr` becomes an option and many operands: the directory is MEDIA and
 * the files are CSRs, in whatever order they stand. */
static enum rc
sort_operands(struct taking *t)
{
	for (size_t i = 0; i < t->operands.n; i++) {
		const char *path = t->operands.items[i];
		bool is_csr = t->csrs.n != 0 && !install_is_directory(path);
		enum rc rc;

		if (!is_csr && t->media != NULL)
			return cmd_wants(t->env, "one MEDIA");
		if (!is_csr) {
			t->media = path;
			continue;
		}
		rc = cmd_list_add(&t->csrs, path);
		if (rc != RC_OK)
			return rc;
	}
	if (t->media == NULL)
		return cmd_wants(
		    t->env, t->csrs.n == 0
				? "one MEDIA"
				: "one MEDIA, a directory, besides the CSRs");
	t->loose = t->loose || t->csrs.n != 0;
	return RC_OK;
}

static enum rc
install_read_names(struct taking *t)
{
	enum rc rc = RC_OK;

	if (t->names.n != 0 && t->csrs.n != 1)
		return cmd_wants(t->env,
		    "--csr with one FILE for --name: so is the CSR called at the CA");
	for (size_t i = 0; i < t->names.n && rc == RC_OK; i++)
		rc = name_typed_add(&t->asked, "name", t->names.items[i]);
	name_list_unique(&t->asked);
	return rc;
}

static enum rc
install_run(
    struct taking *t, int argc, char **argv, const struct cmd_option *options)
{
	struct reception all = { 0 };
	bool done;
	enum rc rc =
	    cmd_options(t->env, argc, argv, options, &t->operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = sort_operands(t);
	if (rc == RC_OK)
		rc = install_read_names(t);
	if (rc != RC_OK)
		return rc;
	t->store_them = t->store_them && !t->env->dry_run;
	rc = install_take(t, &all);
	if (t->env->json && rc != RC_BUG) {
		struct err_saved saved;

		err_save(&saved);
		if (install_print_json(t, rc, &all) != RC_OK)
			rc = RC_IO;
		else
			err_restore(&saved);
	}
	return rc != RC_OK ? rc : install_outcome(&all);
}

enum rc
cmd_install(struct cmd_env *env, int argc, char **argv)
{
	WIPED(taking)
	t = { .env = env,
		.reader = READER_NONE,
		.judge = CHILD_NONE,
		.lock = -1,
		.store_them = true };
	const struct cmd_option options[] = {
		{ .name = "csr",
		    .value = "FILE...",
		    .list = &t.csrs,
		    .help = "the response to exactly these loose CSRs" },
		{ .name = "name",
		    .value = "TYPE:X",
		    .list = &t.names,
		    .help = "what the one CSR was named there by --name" },
		{ 0 },
	};

	return install_run(&t, argc, argv, options);
}

enum rc
cmd_verify(struct cmd_env *env, int argc, char **argv)
{
	WIPED(taking)
	t = { .env = env,
		.reader = READER_NONE,
		.judge = CHILD_NONE,
		.lock = -1 };
	const struct cmd_option options[] = {
		{ .name = "loose",
		    .flag = &t.loose,
		    .help = "responses to loose CSRs" },
		{ 0 },
	};

	return install_run(&t, argc, argv, options);
}
