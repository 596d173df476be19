/* SPDX-License-Identifier: Apache-2.0 */
/* A request goes through the CA's own policy before anyone walks to the safe.
 * Nothing lasting happens until all of it is good and the stick is open: then
 * the private key, the bundle in the store, and at last the stick, so that
 * whatever breaks off leaves more on this side than on the stick. */
#include "transfer/online/cmd/cmd_request.h"
#include "transfer/online/cmd/cmd_in_place.h"
#include "transfer/online/cmd/cmd_revoke.h"
#include "transfer/online/cmd/cmd_send.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "transfer/media/media.h"
#include "transfer/online/request/compose.h"
#include "transfer/online/store/holding.h"
#include "transfer/online/store/home.h"
#include "transfer/policy/policy_crl.h"
#include "transfer/rule.h"
#include "transfer/x509/name_typed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAYS_MAX 36525

struct ask_for {
	struct cmd_env *env;
	struct cmd_list operands, names, domains, components, hosts, jids;
	const char *profile, *days, *series, *out, *expires, *comment, *new_key;
	const char *within, *crl;
	struct revoke_ask revoke; /* with --replace */
	bool again, renew, beside;
	struct store store;
	struct name_list asked; /* by --name and its kin */
	struct validity validity;
	struct reader reader; /* of CSRs that others made */
	struct compose compose;
	struct request_files files;
};

static void
ask_for_wipe(struct ask_for *a)
{
	struct cmd_list *lists[] = { &a->operands, &a->names, &a->domains,
		&a->components, &a->hosts, &a->jids };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		cmd_list_wipe(lists[i]);
	reader_wipe(&a->reader);
	request_files_wipe(&a->files);
	compose_wipe(&a->compose);
	name_list_wipe(&a->asked);
	store_wipe(&a->store);
}

/* ---- names --------------------------------------------------------------- */

/* What an XMPP server needs to be known by (docs/xmpp.md). */
struct name_for {
	enum name_type type;
	const char *before; /* what stands before the value; NULL: the end */
};
/* clang-format off */
static const struct name_for of_domain[] = {
	{ NAME_DNS, "" },
	{ NAME_SRV, "_xmpp-client." },
	{ NAME_SRV, "_xmpp-server." },
	{ 0, NULL },
};
static const struct name_for of_component[] = {
	{ NAME_DNS, "" },
	{ NAME_SRV, "_xmpp-server." },
	{ 0, NULL },
};
static const struct name_for of_host[] = { { NAME_DNS, "" }, { 0, NULL } };
static const struct name_for of_jid[] = { { NAME_XMPP, "" }, { 0, NULL } };
/* clang-format on */

static enum rc
add_name_for(struct ask_for *a, const char *option, const struct name_for *form,
    const char *value)
{
	WIPED(buf) typed = { 0 };
	WIPED(buf) text = { 0 };
	enum rc rc = buf_printf(&typed, "%s%s", form->before, value);

	if (rc == RC_OK)
		rc = name_read_as(form->type, buf_span(&typed), &text);
	return rc != RC_OK
		   ? name_typed_wrong(rc, option, value)
		   : name_list_add(&a->asked, form->type, buf_span(&text));
}

static enum rc
add_forms(struct ask_for *a, const char *option, const struct cmd_list *values,
    const struct name_for *forms)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < values->n; i++)
		for (size_t j = 0; forms[j].before != NULL && rc == RC_OK; j++)
			rc = add_name_for(
			    a, option, &forms[j], values->items[i]);
	return rc;
}

static enum rc
gather_names(struct ask_for *a)
{
	enum rc rc = add_forms(a, "domain", &a->domains, of_domain);

	if (rc == RC_OK)
		rc = add_forms(a, "component", &a->components, of_component);
	if (rc == RC_OK)
		rc = add_forms(a, "host", &a->hosts, of_host);
	if (rc == RC_OK)
		rc = add_forms(a, "jid", &a->jids, of_jid);
	for (size_t i = 0; i < a->names.n && rc == RC_OK; i++)
		rc = name_typed_add(&a->asked, "name", a->names.items[i]);
	/* A domain may be its own host. */
	name_list_unique(&a->asked);
	return rc;
}

/* ---- what is asked ------------------------------------------------------- */

static enum rc
read_validity(struct ask_for *a, const struct profile *profile)
{
	struct validity *v = &a->validity;
	char *end = NULL;
	long days;

	*v = (struct validity){ .count = 1, .period = profile->validity };
	if (a->series != NULL) {
		if (!series_read(a->series, &v->count, &v->period, &v->overlap))
			return err_set(RC_USAGE,
			    "--series %s: not NxDUR or NxDUR+DUR", a->series);
		if (v->count < 2 || v->count > SERIES_MAX)
			return err_set(RC_USAGE,
			    "--series %s: 2 to %d certificates", a->series,
			    SERIES_MAX);
		return RC_OK;
	}
	if (a->days == NULL)
		return RC_OK;
	errno = 0;
	days = strtol(a->days, &end, 10);
	if (errno != 0 || end == a->days || *end != '\0' || days < 1 ||
	    days > DAYS_MAX)
		return err_set(
		    RC_USAGE, "--days %s: not a number of days", a->days);
	v->period = days * DAY;
	return RC_OK;
}

static enum rc
add_comment(const struct ask_for *a, struct composed *c)
{
	if (a->comment == NULL)
		return RC_OK;
	c->comment = strdup(a->comment);
	return c->comment == NULL ? err_memory() : RC_OK;
}

/* What all requests of one command share. */
static enum rc
request_fill(const struct ask_for *a, struct composed *c)
{
	(void)snprintf(c->profile, sizeof(c->profile), "%s", a->profile);
	c->validity = a->validity;
	return add_comment(a, c);
}

static enum rc
add_asked(struct ask_for *a, struct composed *c)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < a->asked.n && rc == RC_OK; i++)
		rc = name_list_add(
		    &c->names, a->asked.items[i].type, a->asked.items[i].text);
	return rc;
}

static enum rc
fill_from_file(void *arg, struct composed *c)
{
	struct ask_for *a = arg;
	enum rc rc = request_fill(a, c);

	return rc != RC_OK ? rc : add_asked(a, c);
}

/* ---- a key of our own ---------------------------------------------------- */

static enum rc
request_add_new_key(struct ask_for *a, const struct profile *profile)
{
	enum rc rc =
	    compose_add_key(&a->compose, a->new_key, profile, &a->asked);

	return rc != RC_OK
		   ? rc
		   : request_fill(a, &a->compose.items[a->compose.n - 1]);
}

static enum rc
keep_keys(struct ask_for *a)
{
	enum rc rc = compose_keys_keep(&a->compose, a->env->home);

	for (size_t i = 0; i < a->compose.n && rc == RC_OK; i++)
		if (a->compose.items[i].new_key != NULL)
			term_say("private key: %s/%s\n", a->env->home,
			    a->compose.items[i].key_file);
	return rc;
}

/* ---- sending ------------------------------------------------------------- */

static void
tell_refusal(enum rule rule, const char *reason)
{
	term_say("  refused: %s [%s]\n", reason, rule_name(rule));
}

/* The first that was refused is the result: a bundle is all or nothing. */
static enum rc
refuse_all(const struct ask_for *a, size_t refused, enum rc rc)
{
	const struct request_refused *first = a->files.refused;
	const size_t n = a->compose.n + a->files.n_refused;
	const bool in_file = a->files.n_refused != 0;
	const unsigned rule = in_file ? first->rule : rule_spoken();

	if (n > 1)
		return err_rule(in_file ? first->rc : rc, rule,
		    "%zu of %zu requests would be refused; nothing was put on the stick",
		    refused, n);
	if (in_file)
		return err_rule(first->rc, rule, "%s", first->reason);
	return err_rule(
	    rc, rule, "%s; nothing was put on the stick", err_text());
}

/* One refusal is the sentence that main prints; several are told one by one,
 * those of files and those of the policy. */
static enum rc
check_all(struct ask_for *a)
{
	const struct request_files *files = &a->files;
	const bool many = a->compose.n + files->n_refused > 1;
	size_t refused = 0;
	enum rc rc;

	for (size_t i = 0; many && i < files->n_refused; i++)
		tell_refusal(files->refused[i].rule, files->refused[i].reason);
	rc = compose_check(&a->compose, many ? tell_refusal : NULL, &refused);
	if (rc != RC_OK && refused == 0)
		return rc;
	refused += files->n_refused;
	return refused == 0 ? RC_OK : refuse_all(a, refused, rc);
}

static enum rc
read_expiry(const struct ask_for *a, int64_t *ret)
{
	int64_t duration = 0;
	enum rc rc = cmd_duration("expires", a->expires, &duration);

	*ret = a->expires == NULL ? 0 : a->compose.now + duration;
	return rc;
}

static enum rc
send(struct ask_for *a)
{
	WIPED(composed_bundle) bundle = { 0 };
	OWN(EVP_PKEY) *requester = NULL;
	WIPED(media) media = { 0 };
	int64_t expires;
	enum rc rc;

	rc = read_expiry(a, &expires);
	if (rc == RC_OK)
		rc = check_all(a);
	if (rc == RC_OK)
		rc = media_open(a->out, &media);
	if (rc == RC_OK)
		rc = send_read_key(a->env, &a->store, &requester);
	if (rc != RC_OK)
		return rc;
	if (a->env->dry_run) {
		term_say("%zu request%s, good; nothing was written\n",
		    a->compose.n, a->compose.n == 1 ? "" : "s");
		return RC_OK;
	}
	send_tell_revocations(&a->compose);
	rc = keep_keys(a);
	if (rc == RC_OK)
		rc = compose_finish(&a->compose, requester, a->expires != NULL,
		    expires, &bundle);
	return rc != RC_OK ? rc
			   : send_write(a->env, &a->compose, &media, &bundle);
}

static enum rc
request_new(struct ask_for *a)
{
	const struct profile *profile;
	enum rc rc;

	profile = policy_profile_get0(&a->store.policy, span_str(a->profile));
	if (profile == NULL)
		return rule_refuse(RULE_PROFILE_UNKNOWN,
		    "the CA's policy has no profile \"%s\"", a->profile);
	rc = read_validity(a, profile);
	if (rc == RC_OK)
		rc = gather_names(a);
	if (rc == RC_OK)
		rc = request_files_read(&a->files);
	if (rc == RC_OK && a->new_key != NULL)
		rc = request_add_new_key(a, profile);
	if (rc == RC_OK && a->files.n_refused == 0)
		rc = in_place_find(&a->compose, a->beside, in_place_tell, NULL);
	return rc != RC_OK ? rc : send(a);
}

/* A comment is of one request only, and the last year's is not repeated. */
static enum rc
request_renewed(struct ask_for *a)
{
	int64_t within = HELD_WITHIN;
	enum rc rc = cmd_duration("within", a->within, &within);

	if (rc == RC_OK)
		rc = request_renewal(&a->compose, &a->operands, within);
	for (size_t i = 0; i < a->compose.n && rc == RC_OK; i++)
		rc = add_comment(a, &a->compose.items[i]);
	return rc != RC_OK ? rc : send(a);
}

/* A new key for what others may have, and the old one revoked, in one bundle.
 */
static enum rc
request_replaced(struct ask_for *a)
{
	enum rc rc = request_replacement(&a->compose, a->revoke.what);

	if (rc == RC_OK)
		rc = revoke_compose(&a->compose, &a->revoke);
	for (size_t i = 0; i < a->compose.n && rc == RC_OK; i++)
		rc = add_comment(a, &a->compose.items[i]);
	return rc != RC_OK ? rc : send(a);
}

static enum rc
read_crl(struct ask_for *a)
{
	const struct trust *trust = &a->store.trust;
	struct crl_request *crl = &a->compose.crl;
	char from[64];
	enum rc rc;

	if (a->crl == NULL)
		return RC_OK;
	if (!series_read(a->crl, &crl->count, &crl->period, &crl->overlap) ||
	    crl->count < 1 || crl->count > SERIES_MAX)
		return err_set(RC_USAGE,
		    "--crl %s: not NxDUR or NxDUR+DUR, with N from 1 to %d",
		    a->crl, SERIES_MAX);
	(void)snprintf(from, sizeof(from), "--crl %s", a->crl);
	rc = policy_crl_ask_check(from, crl);
	if (rc == RC_OK)
		rc = policy_crl_check(from, &a->store.policy, crl,
		    a->compose.now, trust->cas[trust->n_cas - 1].not_after);
	a->compose.has_crl = rc == RC_OK;
	return rc;
}

static enum rc
request(struct ask_for *a)
{
	enum rc rc = RC_OK;

	a->files = (struct request_files){
		.compose = &a->compose, .fill = fill_from_file, .arg = a
	};
	/* While nothing else is open that it could inherit. */
	if (a->operands.n != 0 || a->renew || a->again ||
	    a->revoke.what != NULL)
		rc = reader_start(&a->reader, NULL);
	if (rc == RC_OK && a->operands.n != 0 && !a->renew)
		rc = request_files_find(&a->files, &a->operands);
	if (rc == RC_OK)
		rc = online_open(a->env->home, true, &a->store);
	a->compose.store = &a->store;
	a->compose.reader = &a->reader;
	if (rc == RC_OK)
		rc = clock_now(&a->compose.now);
	if (rc == RC_OK)
		rc = read_crl(a);
	if (rc != RC_OK)
		return rc;
	if (a->revoke.what != NULL)
		return request_replaced(a);
	if (a->renew)
		return request_renewed(a);
	if (!a->again)
		return request_new(a);
	rc = compose_again(&a->compose);
	for (size_t i = 0; i < a->compose.n; i++)
		if (a->compose.items[i].replaced)
			term_alarm(
			    "warning  %s: a later request has its place, so what comes of this will not be used; `airgap-transfer withdraw BUNDLE` takes the one back that asked\n",
			    a->compose.items[i].id);
	return rc != RC_OK ? rc : send(a);
}

/* ---- options ------------------------------------------------------------- */

static enum rc
request_check_usage(const struct ask_for *a)
{
	bool asks = a->operands.n != 0 || a->new_key != NULL;
	bool describes = a->beside || a->profile != NULL || a->days != NULL ||
			 a->series != NULL ||
			 a->names.n + a->domains.n + a->components.n +
				 a->hosts.n + a->jids.n !=
			     0;

	if (a->out == NULL)
		return cmd_wants(a->env, "--out MEDIA");
	if (a->comment != NULL &&
	    (*a->comment == '\0' || strlen(a->comment) > COMMENT_MAX))
		return err_set(
		    RC_USAGE, "--comment: 1 to %d bytes", COMMENT_MAX);
	if ((a->revoke.what == NULL) != (a->revoke.reason == NULL) ||
	    (a->revoke.since != NULL && a->revoke.what == NULL))
		return err_set(RC_USAGE,
		    "--replace NAME goes with --reason, and --since with both");
	if (a->revoke.what != NULL &&
	    (a->again || a->renew || asks || describes))
		return err_set(RC_USAGE,
		    "--replace asks for the same as before with a new key: it goes with --reason, --since, --comment, --expires and --out");
	if (a->revoke.what != NULL)
		return RC_OK;
	if (a->within != NULL && !a->renew)
		return err_set(RC_USAGE, "--within goes with --renew");
	if (a->renew && (a->again || a->new_key != NULL || describes))
		return err_set(RC_USAGE,
		    "--renew asks for the same as before: it goes with names, --within, --comment, --expires and --out");
	if (a->renew)
		return RC_OK;
	if (a->again && (asks || describes || a->comment != NULL))
		return err_set(RC_USAGE,
		    "--again repeats what is unanswered as it was: it goes with --out and --expires only");
	if (a->again)
		return RC_OK;
	if (!asks)
		return cmd_wants(
		    a->env, "a CSR, a directory of them, or --new-key");
	if (a->profile == NULL || !format_is_profile(span_str(a->profile)))
		return cmd_wants(a->env, "--profile NAME");
	if (a->days != NULL && a->series != NULL)
		return err_set(RC_USAGE, "--days or --series, not both");
	return RC_OK;
}

enum rc
cmd_request(struct cmd_env *env, int argc, char **argv)
{
	WIPED(ask_for) a = { .env = env, .reader = READER_NONE };
	char types[CHOICE_TEXT];
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "profile", "P", "what kind of certificate", NULL, &a.profile, NULL },
		{ "name", "TYPE:X", types, NULL, NULL, &a.names },
		{ "domain", "D", "XMPP domain: dns:D, srv:_xmpp-client.D, srv:_xmpp-server.D", NULL, NULL, &a.domains },
		{ "component", "D", "XMPP component: dns:D, srv:_xmpp-server.D", NULL, NULL, &a.components },
		{ "host", "H", "host of the server: dns:H", NULL, NULL, &a.hosts },
		{ "jid", "J", "XMPP address: xmpp:J", NULL, NULL, &a.jids },
		{ "new-key", "TYPE", "make a key: ec-p256, ec-p384, rsa-3072, ...", NULL, &a.new_key, NULL },
		{ "days", "N", "valid that long (default: the profile's)", NULL, &a.days, NULL },
		{ "series", "NxDUR+DUR", "N certificates, each DUR, overlapping", NULL, &a.series, NULL },
		{ "expires", "DUR", "not to be signed after that", NULL, &a.expires, NULL },
		{ "comment", "TEXT", "shown to the operator", NULL, &a.comment, NULL },
		{ "beside", NULL, "leave what has another type of key (RSA, EC) in use", &a.beside, NULL, NULL },
		{ "again", NULL, "what has no answer yet, once more", &a.again, NULL, NULL },
		{ "renew", NULL, "what runs out, for as long again", &a.renew, NULL, NULL },
		{ "within", "DUR", "with --renew: what ends within this (30d)", NULL, &a.within, NULL },
		{ "replace", "NAME", "a new key in place of one that leaked, which is revoked", NULL, &a.revoke.what, NULL },
		{ "reason", "R", "with --replace: keyCompromise, superseded, ...", NULL, &a.revoke.reason, NULL },
		{ "since", "TIME", "with --replace: when the key leaked", NULL, &a.revoke.since, NULL },
		{ "crl", "NxDUR+DUR", "ask for a series of CRLs", NULL, &a.crl, NULL },
		{ "out", "MEDIA", "the stick", NULL, &a.out, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc;

	name_types_list(":", types);
	rc = cmd_options(env, argc, argv, options, &a.operands, &done);
	if (rc != RC_OK || done)
		return rc;
	rc = request_check_usage(&a);
	return rc != RC_OK ? rc : request(&a);
}
