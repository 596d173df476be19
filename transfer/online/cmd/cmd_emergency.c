/* SPDX-License-Identifier: Apache-2.0 */
/* The day a key leaks, and the CA is far: what the CA made for that day is
 * published in the place of the regular CRLs. There is no way back from it but
 * a visit, so all that it does is said before. */
#include "transfer/online/cmd/cmd.h"
#include "transfer/online/cmd/cmd_rotate.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/term.h"
#include "transfer/format/shadow.h"
#include "transfer/judge/judge.h"
#include "transfer/online/deploy/deploy.h"
#include "transfer/online/store/deployment.h"
#include "transfer/online/store/emergency.h"
#include "transfer/online/store/holding.h"
#include "transfer/online/store/home.h"
#include "transfer/rule.h"

#include <stdio.h>

/* The shadow of one of the CA's keys that has begun last. */
struct due_shadow {
	uint8_t issuer[SHA256_LEN];
	uint64_t number;
	bool shut;
};

struct alarm {
	struct cmd_env *env;
	const char *pass_source;
	struct store store;
	int64_t now;
	struct buf pass;
	struct shadow_key key;
	bool asked;		 /* for the passphrase */
	size_t n_opened, n_shut; /* by the passphrase, and not */
	uint64_t shut;		 /* the last of the latter */
	struct due_shadow due[JUDGE_CAS_MAX];
	size_t n_due;
	int64_t shut_from; /* when the first begins that has not and is shut */
	size_t n_places;   /* where CRLs go */
	size_t n_living;   /* names of this host */
};

static void
alarm_wipe(struct alarm *a)
{
	buf_wipe(&a->pass);
	shadow_key_wipe(&a->key);
	store_wipe(&a->store);
}

/* ---- opening what the CA made -------------------------------------------- */

/* It is seen while it is typed: it is long, and worth nothing in a minute. */
static enum rc
ask_pass(struct alarm *a)
{
	enum rc rc;

	if (a->asked)
		return RC_OK;
	rc = a->pass_source != NULL
		 ? p12_password(a->pass_source, &a->pass)
		 : term_ask(
		       "Passphrase of the shadow CRLs, as the CA showed it: ",
		       "--pass-source FILE", &a->pass);
	a->asked = rc == RC_OK;
	return rc;
}

/* One that does not open stays shut. A CA put back from its backup draws
 * another passphrase, and older shadows keep theirs; and who has the transfer
 * key can send one that nothing opens, which must not keep the others from this
 * day. */
static void
leave_shut(struct alarm *a, const struct stored_crl *shadow)
{
	a->n_shut++;
	a->shut = shadow->number;
	if (shadow->this_update > a->now && a->shut_from == 0)
		a->shut_from = shadow->this_update;
}

static void
note_due(struct alarm *a, const struct stored_crl *shadow, bool opened)
{
	size_t i = 0;

	while (i < a->n_due &&
	       memcmp(a->due[i].issuer, shadow->issuer, SHA256_LEN) != 0)
		i++;
	if (i == JUDGE_CAS_MAX)
		return; /* more keys than a store has */
	if (i == a->n_due)
		a->n_due++;
	memcpy(a->due[i].issuer, shadow->issuer, SHA256_LEN);
	a->due[i].number = shadow->number;
	a->due[i].shut = !opened;
}

static bool
none_due_opens(const struct alarm *a)
{
	for (size_t i = 0; i < a->n_due; i++)
		if (!a->due[i].shut)
			return false;
	return true;
}

static enum rc
open_one(void *arg, const struct stored_crl *shadow)
{
	struct alarm *a = arg;
	WIPED(buf) file = { 0 };
	WIPED(buf) der = { 0 };
	uint8_t digest[SHA256_LEN];
	bool opened = false;
	char from[48];
	enum rc rc = ask_pass(a);

	(void)snprintf(from, sizeof(from), "shadow CRL %llu",
	    (unsigned long long)shadow->number);
	if (rc == RC_OK)
		rc = crl_file_read(&a->store, shadow, &file);
	if (rc == RC_OK)
		rc = shadow_open(from, buf_span(&file), buf_span(&a->pass),
		    &a->key, &opened, &der);
	if (rc != RC_OK)
		return rc;
	if (opened) {
		rc = sha256(buf_span(&der), digest);
		/* Another one than the manifest names is none. */
		opened = rc == RC_OK &&
			 memcmp(digest, shadow->sha256, SHA256_LEN) == 0;
	}
	if (rc == RC_OK && shadow->this_update <= a->now)
		note_due(a, shadow, opened);
	if (rc == RC_OK && !opened)
		leave_shut(a, shadow);
	if (rc != RC_OK || !opened)
		return rc;
	a->n_opened++;
	return emergency_open(&a->store, shadow, buf_span(&der));
}

static enum rc
open_all(struct alarm *a)
{
	enum rc rc = emergency_each_sealed(&a->store, open_one, a);

	if (rc != RC_OK || a->n_shut == 0)
		return rc;
	/* One of today is what it is for. */
	if (a->n_opened == 0 || none_due_opens(a))
		return rule_refuse(RULE_SHADOW_PASS,
		    "shadow CRL %llu: this passphrase does not open it",
		    (unsigned long long)(a->n_due == 0 ? a->shut
						       : a->due[0].number));
	return RC_OK;
}

/* From there on nothing follows that clients would take. */
static void
tell_shut(const struct alarm *a)
{
	char from[CLOCK_TEXT];

	if (a->n_shut == 0)
		return;
	for (size_t i = 0; i < a->n_due; i++)
		if (a->due[i].shut)
			term_alarm(
			    "  CRL %llu, of today and by another key of the CA, does not open: what that key signed is not refused; visit the CA now.\n",
			    (unsigned long long)a->due[i].number);
	clock_write(a->shut_from, from);
	if (a->shut_from == 0)
		term_alarm(
		    "  %zu that have begun do not open by this passphrase.\n",
		    a->n_shut);
	else
		term_alarm(
		    "  %zu do not open by this passphrase, the last is CRL %llu: visit the CA before %.10s, when the first of them would be due.\n",
		    a->n_shut, (unsigned long long)a->shut, from);
}

/* ---- what it does -------------------------------------------------------- */

static enum rc
alarm_see_name(void *arg, struct span name, struct span profile, int64_t ends)
{
	struct alarm *a = arg;

	(void)profile;
	if (ends < a->now)
		return RC_OK;
	a->n_living++;
	term_say("           %.*s\n", SPAN_FMT(name));
	return RC_OK;
}

/* Where CRLs go from here: to nobody, if nowhere. */
static enum rc
tell_places(struct alarm *a)
{
	WIPED(publication_list) roots = { 0 };
	WIPED(deployment_list) files = { 0 };
	enum rc rc = publication_list_load(&a->store, &roots);

	if (rc == RC_OK)
		rc = deployment_list_load(&a->store, &files);
	for (size_t i = 0; i < roots.n && rc == RC_OK; i++) {
		a->n_places++;
		term_say("           %s\n", roots.items[i].dir);
	}
	for (size_t i = 0; i < files.n && rc == RC_OK; i++)
		if (!deploy_format_is_named(files.items[i].format)) {
			a->n_places++;
			term_say("           %s\n", files.items[i].path);
		}
	if (rc == RC_OK && a->n_places == 0)
		rc = err_set(RC_STATE,
		    "emergency: nothing here publishes CRLs: `airgap-transfer publish DIR`, or `airgap-transfer deploy --format crl --to FILE`, then this again");
	return rc;
}

/* It must take the place of what is there, or clients that have both go by the
 * newer one. */
static enum rc
check_newer(struct alarm *a, const struct crl_due *shadow)
{
	WIPED(crl_due_list) regular = { 0 };
	enum rc rc =
	    crl_due_regular(&a->store, shadow->issuer, a->now, &regular);

	if (rc == RC_OK && regular.n != 0 &&
	    regular.items[0].number >= shadow->number)
		rc = err_set(RC_STATE,
		    "emergency: shadow CRL %llu is older than CRL %llu, which is due: the CA made no shadows with the newest series: visit it, and revoke there (airgap-ca revoke)",
		    (unsigned long long)shadow->number,
		    (unsigned long long)regular.items[0].number);
	return rc;
}

static enum rc
tell_shadow(struct alarm *a, const struct crl_due *crl)
{
	char until[CLOCK_TEXT], last[CLOCK_TEXT];
	enum rc rc = check_newer(a, crl);

	clock_write(crl->next_update, until);
	clock_write(crl->ends, last);
	if (rc == RC_OK)
		term_field("  now",
		    "shadow CRL %llu until %.10s, and %zu more to %.10s",
		    (unsigned long long)crl->number, until, crl->later, last);
	return rc;
}

static enum rc
tell_shadows(struct alarm *a)
{
	WIPED(crl_due_list) crls = { 0 };
	size_t n = 0;
	enum rc rc = crl_due_list_load(&a->store, a->now, false, &crls);

	for (size_t i = 0; i < crls.n && rc == RC_OK; i++)
		if (crls.items[i].shadow) {
			n++;
			rc = tell_shadow(a, &crls.items[i]);
		}
	if (rc == RC_OK && n == 0)
		rc = err_set(RC_STATE,
		    "emergency: no shadow CRL is here, or none has begun: the CA makes them where policy.conf says `emergency = yes` in [requester %s]",
		    a->store.label);
	return rc;
}

static enum rc
alarm_tell(struct alarm *a)
{
	enum rc rc;

	term_bold("EMERGENCY of %s\n", a->store.label);
	rc = tell_shadows(a);
	if (rc != RC_OK)
		return rc;
	tell_shut(a);
	term_say("  It goes to\n");
	rc = tell_places(a);
	if (rc == RC_OK)
		term_say(
		    "  and revokes every certificate that the CA made for this requester until its last visit, of the names\n");
	if (rc == RC_OK)
		rc = holding_each(&a->store, alarm_see_name, a);
	if (rc == RC_OK)
		term_alarm(
		    "  Whoever checks CRLs refuses all of them from now on, the good ones too. There is no way back but a visit to the CA; until then `rotate` publishes the shadows that follow.\n");
	return rc;
}

/* ---- doing it ------------------------------------------------------------ */

static enum rc
alarm_open(struct alarm *a)
{
	enum rc rc = store_begin(&a->store);

	if (rc == RC_OK)
		rc = open_all(a);
	if (rc == RC_OK)
		rc = alarm_tell(a);
	if (rc == RC_OK && !a->env->dry_run) {
		bool yes = a->env->yes;

		rc = term_confirm("Publish them? Type Yes: ", "--yes", &yes);
		if (rc == RC_OK && !yes)
			rc = err_set(
			    RC_POLICY, "not confirmed: nothing was published");
	}
	if (rc == RC_OK)
		rc = emergency_declare(&a->store, a->now);
	if (rc == RC_OK && !a->env->dry_run)
		rc = store_commit(&a->store);
	if (rc != RC_OK || a->env->dry_run)
		store_rollback(&a->store);
	return rc;
}

static void
tell_rest(void)
{
	term_say(
	    "\nNext: for each name `airgap-transfer request --replace NAME --reason keyCompromise --out STICK`, and visit the CA. The bundle says which shadows were published, and the CA revokes the same for good before it signs.\n");
}

static enum rc
alarm_run(struct alarm *a)
{
	OWN_FD lock = -1;
	enum rc rc = online_open(a->env->home, true, &a->store);

	if (rc == RC_OK)
		rc = clock_now(&a->now);
	if (rc == RC_OK)
		rc = online_lock(a->env->home, &lock);
	if (rc == RC_OK)
		rc = alarm_open(a);
	if (rc != RC_OK || a->env->dry_run)
		return rc;
	rc = rotate_with(a->env, &a->store, a->now, HELD_WITHIN);
	if (rc == RC_OK || rc == RC_PARTIAL) {
		tell_rest();
		return RC_OK;
	}
	return err_in(rc,
	    "the emergency is declared, and not in place everywhere: mend that, and `airgap-transfer rotate` goes on; because");
}

enum rc
cmd_emergency(struct cmd_env *env, int argc, char **argv)
{
	WIPED(alarm) a = { .env = env };
	WIPED(cmd_list) operands = { 0 };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "pass-source", "FILE", "the passphrase is its first line", NULL, &a.pass_source, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc == RC_OK && !done)
		rc = cmd_operands_none(env, &operands);
	return rc != RC_OK || done ? rc : alarm_run(&a);
}
