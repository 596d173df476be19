/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation is asked for in a bundle of its own, at once: whoever has reason
 * to ask has no time to wait for the next request. */
#include "transfer/online/cmd/cmd_revoke.h"
#include "transfer/online/cmd/cmd_send.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "transfer/online/store/holding.h"
#include "transfer/online/store/store_revocation.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/pem.h"
#include "transfer/x509/tbs.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SERIAL_TYPED_MIN 8 /* bytes; shorter ones are names */

/* ---- what is meant ------------------------------------------------------- */

struct meaning {
	struct compose *compose;
	const struct revoke_ask *ask;
	struct revocation how; /* reason and since */
	struct span serial;
	const struct holding *holding; /* NULL: the serial */
	size_t n;
};

/* Of the newest request of a name, and of older ones, all that is live. */
static bool
is_meant(const struct meaning *m, const struct live_cert *cert)
{
	if (m->holding == NULL)
		return span_eq(cert->serial, m->serial);
	for (size_t i = 0; i < m->holding->n; i++)
		if (span_eq(
			buf_span(&m->holding->items[i].serial), cert->serial))
			return true;
	return false;
}

static enum rc
revoke_meant(void *arg, const struct live_cert *cert)
{
	struct meaning *m = arg;
	struct revocation r = m->how;
	struct span names = cert->names;

	if (cert->revoked || !is_meant(m, cert))
		return RC_OK;
	m->n++;
	if (m->ask->by_key)
		r.key_id = span_of(cert->key_id, SHA256_LEN);
	else
		r.serial = cert->serial;
	names = span_take_line(&names);
	if (!m->ask->by_key)
		return compose_revoke(m->compose, &r);
	term_say("%.*s: all certificates of its key\n", SPAN_FMT(names));
	return compose_revoke(m->compose, &r);
}

static enum rc
revoke_all_meant(struct meaning *m)
{
	enum rc rc = store_each_live(
	    m->compose->store, m->compose->now, revoke_meant, m);

	if (rc != RC_OK || m->n != 0)
		return rc;
	if (m->holding != NULL || m->ask->by_key)
		return err_set(RC_STATE,
		    "%s: no certificate of it is live: each is revoked, has ended, or is not of this host",
		    m->ask->what);
	/* The CA knows who may. */
	term_alarm("%s: no live certificate of this host; the CA decides\n",
	    m->ask->what);
	m->how.serial = m->serial;
	return compose_revoke(m->compose, &m->how);
}

static enum rc
revoke_held(struct meaning *m)
{
	WIPED(holding) h = { 0 };
	enum rc rc = holding_find(m->compose->store, m->ask->what,
	    m->ask->profile, m->compose->now, &h);

	m->holding = &h;
	if (rc == RC_OK)
		rc = revoke_all_meant(m);
	m->holding = NULL;
	return rc;
}

/* The first certificate of it, in PEM or DER. */
static enum rc
revoke_cert_file(struct meaning *m)
{
	const char *path = m->ask->what;
	WIPED(buf) bytes = { 0 };
	WIPED(buf) der = { 0 };
	struct cert_parts parts;
	struct span rest;
	bool more = false;
	enum rc rc = file_read(AT_FDCWD, path, 1 << 20, &bytes);

	if (rc != RC_OK)
		return rc;
	rest = buf_span(&bytes);
	if (rest.n != 0 && rest.p[0] == DER_SEQUENCE)
		rc = buf_add_span(&der, rest);
	else
		rc = pem_next(path, PEM_CERTIFICATE, &rest, &der, &more);
	if (rc == RC_OK)
		rc = cert_parts_read(path, buf_span(&der), &parts);
	if (rc != RC_OK)
		return rc;
	m->serial = parts.serial;
	return revoke_all_meant(m);
}

static enum rc
read_how(
    struct compose *c, const struct revoke_ask *ask, struct revocation *ret)
{
	enum reason reason = REASON_UNSPECIFIED;
	enum rc rc = reason_parse("reason", ask->reason, &reason);

	if (rc != RC_OK)
		return rc;
	ret->reason = reason;
	ret->has_since = ask->since != NULL;
	if (!ret->has_since)
		return RC_OK;
	if (!clock_read(ask->since, &ret->since))
		return err_set(RC_USAGE,
		    "--since %s: no day (2026-11-23) and no moment (2026-11-23T10:00:00Z)",
		    ask->since);
	if (ret->since > c->now)
		return rule_refuse(RULE_REVOKE_FUTURE,
		    "--since %s: has not come yet", ask->since);
	return RC_OK;
}

enum rc
revoke_compose(struct compose *compose, const struct revoke_ask *ask)
{
	struct meaning m = { .compose = compose, .ask = ask };
	uint8_t serial[SERIAL_MAX];
	struct stat st;
	size_t n = 0;
	enum rc rc = read_how(compose, ask, &m.how);

	if (rc != RC_OK)
		return rc;
	if (hex_read_some(ask->what, serial, sizeof(serial), &n) &&
	    n >= SERIAL_TYPED_MIN && serial[0] != 0) {
		m.serial = span_of(serial, n);
		return revoke_all_meant(&m);
	}
	return stat(ask->what, &st) == 0 && S_ISREG(st.st_mode)
		   ? revoke_cert_file(&m)
		   : revoke_held(&m);
}

/* ---- revoke -------------------------------------------------------------- */

struct revoking {
	struct cmd_env *env;
	struct cmd_list operands;
	struct revoke_ask ask;
	const char *out;
	struct store store;
	struct compose compose;
};

static void
revoking_wipe(struct revoking *r)
{
	cmd_list_wipe(&r->operands);
	compose_wipe(&r->compose);
	store_wipe(&r->store);
}

static enum rc
revoke_send(struct revoking *r)
{
	WIPED(composed_bundle) bundle = { 0 };
	OWN(EVP_PKEY) *requester = NULL;
	WIPED(media) media = { 0 };
	enum rc rc = media_open(r->out, &media);

	if (rc == RC_OK)
		rc = send_read_key(r->env, &r->store, &requester);
	if (rc != RC_OK)
		return rc;
	send_tell_revocations(&r->compose);
	if (r->env->dry_run) {
		term_say("nothing was written\n");
		return RC_OK;
	}
	rc = compose_finish(&r->compose, requester, false, 0, &bundle);
	return rc != RC_OK ? rc
			   : send_write(r->env, &r->compose, &media, &bundle);
}

enum rc
cmd_revoke(struct cmd_env *env, int argc, char **argv)
{
	WIPED(revoking) r = { .env = env };
	/* clang-format off */
	const struct cmd_option options[] = {
		{ "reason", "R", "keyCompromise, superseded, ...", NULL, &r.ask.reason, NULL },
		{ "since", "TIME", "when the key leaked", NULL, &r.ask.since, NULL },
		{ "key", NULL, "every certificate of that key, of which the CA has more perhaps", &r.ask.by_key, NULL, NULL },
		{ "profile", "P", "where several kinds of certificates have NAME", NULL, &r.ask.profile, NULL },
		{ "out", "MEDIA", "the stick", NULL, &r.out, NULL },
		{ 0 },
	};
	/* clang-format on */
	bool done;
	enum rc rc = cmd_options(env, argc, argv, options, &r.operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(
	    env, &r.operands, "SERIAL, CERT-FILE or NAME", &r.ask.what);
	if (rc == RC_OK && r.ask.reason == NULL)
		rc = cmd_wants(env, "--reason R");
	if (rc == RC_OK && r.out == NULL)
		rc = cmd_wants(env, "--out MEDIA");
	if (rc == RC_OK)
		rc = online_open(env->home, true, &r.store);
	r.compose.store = &r.store;
	if (rc == RC_OK)
		rc = clock_now(&r.compose.now);
	if (rc == RC_OK)
		rc = revoke_compose(&r.compose, &r.ask);
	return rc != RC_OK ? rc : revoke_send(&r);
}
