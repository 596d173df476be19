/* SPDX-License-Identifier: Apache-2.0 */
/* What peers are told: posh and tlsa print it, publish puts it into a web root.
 */
#include "transfer/online/cmd/cmd.h"
#include "transfer/x509/crl_points.h"
#include "transfer/x509/name.h"

#include "base/file.h"
#include "base/term.h"
#include "transfer/online/deploy/crl_names.h"
#include "transfer/online/deploy/deploy.h"
#include "transfer/online/deploy/posh.h"
#include "transfer/online/deploy/publish.h"
#include "transfer/online/deploy/site.h"
#include "transfer/online/store/crl_due.h"
#include "transfer/online/store/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct publish_wish {
	struct cmd_env *env;
	struct cmd_list operands, ports;
	const char *name, *profile, *host, *forget;
	bool take;
	struct store store;
	struct holding holding;
	int64_t now;
};

static void
publish_wish_wipe(struct publish_wish *a)
{
	cmd_list_wipe(&a->operands);
	cmd_list_wipe(&a->ports);
	holding_wipe(&a->holding);
	store_wipe(&a->store);
}

static enum rc
open_store(struct publish_wish *a, bool write)
{
	enum rc rc = online_open(a->env->home, write, &a->store);

	return rc != RC_OK ? rc : clock_now(&a->now);
}

static enum rc
open_name(struct publish_wish *a)
{
	enum rc rc = open_store(a, false);

	if (rc == RC_OK)
		rc = holding_find(
		    &a->store, a->name, a->profile, a->now, &a->holding);
	return rc;
}

/* ---- posh ---------------------------------------------------------------- */

static enum rc
posh(struct publish_wish *a)
{
	WIPED(buf) document = { 0 };
	enum rc rc = open_name(a);

	if (rc == RC_OK)
		rc = posh_write(&a->holding, a->now, &document);
	if (rc != RC_OK)
		return rc;
	document.n--; /* the newline, which term_print escapes */
	term_print(stdout, "%.*s\n", SPAN_FMT(buf_span(&document)));
	term_say(
	    "Serve it as https://DOMAIN/.well-known/posh/xmpp-client.json and xmpp-server.json; `airgap-transfer publish DIR` does, and keeps it up to date.\n");
	return RC_OK;
}

enum rc
cmd_posh(struct cmd_env *env, int argc, char **argv)
{
	WIPED(publish_wish) a = { .env = env };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "profile", "P", "where several kinds of certificates have NAME", NULL, &a.profile, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &a.operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &a.operands, "NAME", &a.name);
	return rc == RC_OK ? posh(&a) : rc;
}

/* ---- tlsa ---------------------------------------------------------------- */

static bool
is_port(const char *text)
{
	char *end = NULL;
	long port = strtol(text, &end, 10);

	return *text >= '1' && *text <= '9' && *end == '\0' && port < 65536;
}

static enum rc
print_record(
    const char *port, struct span host, const struct tlsa *t, json_t **rows)
{
	char data[2 * TLSA_DATA_LEN + 1], owner[320];

	hex_write(span_of(t->data, TLSA_DATA_LEN), data);
	(void)snprintf(
	    owner, sizeof(owner), "_%s._tcp.%.*s.", port, SPAN_FMT(host));
	if (*rows == NULL) {
		term_print(stdout, "%s IN TLSA %u %u %u %s\n", owner, t->usage,
		    t->selector, t->matching, data);
		return RC_OK;
	}
	cmd_json_add(
	    rows, json_pack("{s:s, s:i, s:i, s:i, s:s}", "owner", owner,
		      "usage", t->usage, "selector", t->selector, "matching",
		      t->matching, "data", data));
	return *rows == NULL ? err_memory() : RC_OK;
}

static enum rc
print_host(struct publish_wish *a, struct span host, const struct tlsa *records,
    size_t n, json_t **rows)
{
	static const char *usual[] = { "5222", "5269" };
	const char *const *ports = a->ports.n == 0 ? usual : a->ports.items;
	size_t n_ports = a->ports.n == 0 ? 2 : a->ports.n;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n_ports; i++)
		for (size_t j = 0; j < n && rc == RC_OK; j++)
			rc = print_record(ports[i], host, &records[j], rows);
	return rc;
}

/* In the one spelling that DNS has: what is printed goes into a zone. */
static enum rc
add_host(const char *host, struct buf *ret)
{
	WIPED(buf) name = { 0 };
	enum rc rc = name_read_as(NAME_DNS, span_str(host), &name);

	if (rc == RC_OK && name.p[0] == '*')
		rc = err_set(
		    RC_USAGE, "a record needs one host, not a wildcard");
	if (rc != RC_OK)
		return err_in(rc, "--host %s", host);
	rc = buf_add_span(ret, buf_span(&name));
	return rc != RC_OK ? rc : buf_add_byte(ret, '\n');
}

static enum rc
find_hosts(const struct publish_wish *a, struct buf *ret)
{
	const struct holding *h = &a->holding;
	enum rc rc;

	if (a->host != NULL)
		return add_host(a->host, ret);
	rc = tlsa_hosts(buf_span(&h->items[h->n - 1].names), ret);
	if (rc == RC_OK && ret->n == 0)
		rc = err_set(
		    RC_USAGE, "%s: names no host: give --host", h->name);
	return rc;
}

static enum rc
print_all(struct publish_wish *a, struct span hosts, const struct tlsa *records,
    size_t n, json_t **rows)
{
	enum rc rc = RC_OK;

	while (hosts.n != 0 && rc == RC_OK)
		rc = print_host(a, span_take_line(&hosts), records, n, rows);
	return rc;
}

static enum rc
tlsa(struct publish_wish *a)
{
	struct tlsa records[TLSA_MAX];
	WIPED(buf) hosts = { 0 };
	json_t *rows = NULL;
	size_t n = 0;
	enum rc rc = open_name(a);

	if (rc == RC_OK)
		rc = tlsa_make(&a->store, &a->holding, a->now, records, &n);
	if (rc == RC_OK)
		rc = find_hosts(a, &hosts);
	if (rc != RC_OK)
		return rc;
	rows = a->env->json ? json_array() : NULL;
	rc = print_all(a, buf_span(&hosts), records, n, &rows);
	if (rc == RC_OK && a->env->json)
		return cmd_json(json_pack("{s:o}", "records", rows));
	json_decref(rows);
	if (rc == RC_OK)
		term_say(
		    "They count in a zone signed by DNSSEC only. Publish again after each `install`, with a TTL of at most %lld s.\n",
		    (long long)posh_expires(&a->holding, a->now));
	return rc;
}

enum rc
cmd_tlsa(struct cmd_env *env, int argc, char **argv)
{
	WIPED(publish_wish) a = { .env = env };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "host", "H", "the host of the records, where NAME does not tell", NULL, &a.host, NULL },
		{ "port", "N", "5222 and 5269 unless given", NULL, NULL, &a.ports },
		{ "profile", "P", "where several kinds of certificates have NAME", NULL, &a.profile, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &a.operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &a.operands, "NAME", &a.name);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < a.ports.n; i++)
		if (!is_port(a.ports.items[i]))
			return err_set(RC_USAGE, "--port %s: not a port",
			    a.ports.items[i]);
	return tlsa(&a);
}

/* ---- publish ------------------------------------------------------------- */

struct xmpp_names {
	struct publish_wish *asked;
	size_t n;
};

static bool
has_xmpp_service(struct span names)
{
	static const char service[] = "_xmpp-";
	struct name name;

	while (names.n != 0)
		if (name_of_text(span_take_line(&names), &name) &&
		    name.type == NAME_SRV && name.text.n >= strlen(service) &&
		    memcmp(name.text.p, service, strlen(service)) == 0)
			return true;
	return false;
}

/* An XMPP name is one whose certificates have an XMPP service. */
static enum rc
see_name(void *arg, struct span name, struct span profile, int64_t ends)
{
	struct xmpp_names *x = arg;
	WIPED(holding) h = { 0 };
	enum rc rc;

	if (ends < x->asked->now)
		return RC_OK;
	rc = holding_load(&x->asked->store, name, profile, &h);
	if (rc != RC_OK || h.n == 0)
		return rc;
	if (!has_xmpp_service(buf_span(&h.items[h.n - 1].names)))
		return RC_OK;
	x->n++;
	holding_wipe(&x->asked->holding);
	x->asked->holding = h;
	h = (struct holding){ 0 };
	return RC_OK;
}

static enum rc
choose_name(struct publish_wish *a)
{
	struct xmpp_names x = { .asked = a };
	enum rc rc;

	if (a->operands.n == 2)
		return holding_find(&a->store, a->operands.items[1], a->profile,
		    a->now, &a->holding);
	rc = holding_each(&a->store, see_name, &x);
	if (rc == RC_OK && x.n > 1)
		rc = err_set(RC_USAGE,
		    "publish: %zu XMPP names are held: say which one this web root is for",
		    x.n);
	return rc;
}

/* Which list is whose: each key of the CA has one, and names of its own. */
static enum rc
publish_say_lists(struct publish_wish *a)
{
	WIPED(crl_due_list) crls = { 0 };
	char key[2 * SHA256_LEN + 1];
	enum rc rc = crl_due_list_load(&a->store, a->now, false, &crls);

	for (size_t i = 0; i < crls.n && rc == RC_OK; i++) {
		const struct crl_due *crl = &crls.items[i];
		WIPED(text_list) names = { 0 };

		rc = crl_names_list(&a->store, crl->issuer, a->now, &names);
		hex_write(span_of(crl->issuer, SHA256_LEN), key);
		for (size_t j = 0; j < names.n; j++)
			term_say("  %s: of key %.*s, CRL %llu\n",
			    names.items[j], CRL_MARK_LEN, key,
			    (unsigned long long)crl->number);
	}
	return rc;
}

static enum rc
publish_new(struct publish_wish *a)
{
	const struct publish_how how = { .dry_run = a->env->dry_run,
		.take = a->take };
	struct publication p = { 0 };
	size_t n = 0;
	enum rc rc = choose_name(a);

	if (rc != RC_OK)
		return rc;
	rc = site_path(a->operands.items[0], &p.dir);
	if (rc != RC_OK)
		return rc;
	p.name = a->holding.name;
	p.profile = a->holding.profile;
	rc = publish(p.dir, &a->store, p.name == NULL ? NULL : &a->holding,
	    a->now, &how, &n);
	if (rc == RC_OK && !a->env->dry_run)
		rc = publication_save(&a->store, &p);
	if (rc == RC_OK)
		term_say("%s: %zu file%s %s; POSH for %s\n", p.dir, n,
		    n == 1 ? "" : "s",
		    a->env->dry_run ? "would be written" : "written",
		    p.name == NULL ? "no name" : p.name);
	if (rc == RC_OK)
		rc = publish_say_lists(a);
	if (rc == RC_OK && a->env->json)
		rc = cmd_json(json_pack("{s:o, s:o, s:I}", "dir",
		    cmd_json_text(span_str(p.dir)), "name",
		    p.name == NULL ? json_null()
				   : cmd_json_text(span_str(p.name)),
		    "written", (json_int_t)n));
	free(p.dir);
	return rc;
}

static enum rc
publish_forget(struct publish_wish *a)
{
	char *real = NULL;
	const char *dir;
	bool known = false;
	enum rc rc = site_path(a->forget, &real);

	/* What is gone, or is a link by now, can be forgotten all the same. */
	if (rc != RC_OK)
		err_clear();
	rc = RC_OK;
	dir = real == NULL ? a->forget : real;
	if (a->env->dry_run)
		term_say("%s: would be forgotten\n", dir);
	else
		rc = publish_release(dir, &a->store);
	if (rc == RC_OK && !a->env->dry_run)
		rc = publication_forget(&a->store, dir, &known);
	if (rc == RC_OK && !known && !a->env->dry_run)
		rc = err_set(RC_STATE, "%s: nothing was published there", dir);
	if (rc == RC_OK && known)
		term_say("%s: forgotten; the files stay as they are\n", dir);
	free(real);
	return rc;
}

enum rc
cmd_publish(struct cmd_env *env, int argc, char **argv)
{
	WIPED(publish_wish) a = { .env = env };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "profile", "P", "where several kinds of certificates have NAME", NULL, &a.profile, NULL },
		{ "take-over", NULL, "the web root, from whoever wrote what lies there", &a.take, NULL, NULL },
		{ "forget", "DIR", "rotate keeps this web root no more", NULL, &a.forget, NULL },
		{ 0 },
	};
	/* clang-format on */
	OWN_FD lock = -1;
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &a.operands, &done);

	if (rc != RC_OK || done)
		return rc;
	if (a.forget != NULL ? a.operands.n != 0
			     : a.operands.n < 1 || a.operands.n > 2)
		return cmd_wants(env, "a DIR and perhaps a NAME");
	rc = open_store(&a, true);
	if (rc == RC_OK)
		rc = online_lock(env->home, &lock);
	if (rc != RC_OK)
		return rc;
	return a.forget != NULL ? publish_forget(&a) : publish_new(&a);
}
