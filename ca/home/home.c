/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a home has and how each is opened. What is in the ledger or the
 * policy is not read here. */
#include "ca/home/home.h"
#include "base/file.h"
#include "transfer/guard.h"
#include "transfer/rule.h"
#include "transfer/x509/constraints.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN_CONF_MAX 8192 /* bytes of token.conf */

void
home_wipe(struct home *home)
{
	free(home->path);
	fd_close(&home->fd);
	*home = (struct home){ .fd = -1 };
}

static enum rc
home_at(const char *path, struct home *ret)
{
	static const char *const files[] = { HOME_LEDGER, HOME_POLICY,
		HOME_TOKEN, HOME_WAITING, NULL };
	WIPED(home) home = { .fd = -1 };
	enum rc rc;

	home.path = strdup(path);
	if (home.path == NULL)
		return err_memory();
	rc = guard_home_enter(path, files, &home.fd);
	if (rc != RC_OK)
		return rc;
	*ret = home;
	home = (struct home){ .fd = -1 };
	return RC_OK;
}

/* Where there is none `ret` stays without a descriptor. A home that may not be
 * looked into is not one to run `init` for. */
static enum rc
home_look(const char *path, struct home *ret)
{
	if (access(path, F_OK) == 0)
		return home_at(path, ret);
	return errno == ENOENT || errno == ENOTDIR
		   ? RC_OK
		   : err_errno(RC_IO, errno, "%s", path);
}

static bool
home_has(const struct home *home, const char *name)
{
	return home->fd >= 0 &&
	       faccessat(home->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum rc
home_create(const char *path, struct home *ret)
{
	WIPED(home) home = { .fd = -1 };
	enum rc rc = guard_home_new(path);

	if (rc == RC_OK)
		rc = dir_make(path, 0700);
	if (rc == RC_OK)
		rc = home_at(path, &home);
	if (rc != RC_OK)
		return rc;
	if (home_has(&home, HOME_LEDGER))
		return err_set(RC_STATE,
		    "%s: a CA lives there already: 'airgap-ca export MEDIA' writes its card; for another CA give another --home",
		    path);
	*ret = home;
	home = (struct home){ .fd = -1 };
	return RC_OK;
}

enum rc
home_open(const char *path, struct home *ret)
{
	WIPED(home) home = { .fd = -1 };
	char other[HOME_ELSEWHERE];
	enum rc rc = home_look(path, &home);

	if (rc != RC_OK)
		return rc;
	if (!home_has(&home, HOME_LEDGER) && home_has(&home, HOME_WAITING))
		return err_set(RC_STATE,
		    "the CA in %s waits for its certificate: have another CA certify %s/" HOME_WAITING
		    ", then 'airgap-ca import FILE'",
		    path, path);
	if (!home_has(&home, HOME_LEDGER) &&
	    home_elsewhere("airgap-ca", path, other))
		return err_set(RC_STATE,
		    "no CA in %s; %s; to make another one here: 'airgap-ca init --subject CN=NAME'",
		    path, other);
	if (!home_has(&home, HOME_LEDGER))
		return err_set(RC_STATE,
		    "no CA in %s: make one with 'airgap-ca init --subject CN=NAME', or bring one back with 'airgap-ca restore FILE'",
		    path);
	*ret = home;
	home = (struct home){ .fd = -1 };
	return RC_OK;
}

enum rc
home_waiting_open(const char *path, bool tidy, struct home *ret)
{
	WIPED(home) home = { .fd = -1 };
	enum rc rc = home_look(path, &home);

	if (rc != RC_OK)
		return rc;
	if (home_has(&home, HOME_LEDGER)) {
		if (tidy)
			(void)unlinkat(home.fd, HOME_WAITING, 0);
		return err_set(RC_STATE,
		    "%s: a CA lives there already: 'airgap-ca export MEDIA' writes its card",
		    path);
	}
	if (!home_has(&home, HOME_WAITING))
		return err_set(RC_STATE,
		    "no CA waits for its certificate in %s: 'airgap-ca init --csr FILE --subject CN=NAME' makes one that does",
		    path);
	*ret = home;
	home = (struct home){ .fd = -1 };
	return RC_OK;
}

static enum rc
ledger_path(const struct home *home, struct buf *path, const char **ret)
{
	enum rc rc = buf_printf(path, "%s/" HOME_LEDGER, home->path);

	if (rc != RC_OK)
		return rc;
	*ret = buf_cstr(path);
	return *ret == NULL ? err_memory() : RC_OK;
}

enum rc
home_ledger_open(const struct home *home, bool write, struct ledger **ret)
{
	WIPED(buf) path = { 0 };
	const char *name = NULL;
	enum rc rc = ledger_path(home, &path, &name);

	return rc != RC_OK ? rc : ledger_open(name, write, ret);
}

enum rc
home_policy_read(const struct home *home, struct policy *ret)
{
	WIPED(buf) text = { 0 };
	WIPED(buf) name = { 0 };
	const char *from;
	enum rc rc = buf_printf(&name, "%s/" HOME_POLICY, home->path);

	if (rc != RC_OK)
		return rc;
	from = buf_cstr(&name);
	if (from == NULL)
		return err_memory();
	rc = file_read(home->fd, HOME_POLICY, POLICY_FILE_MAX, &text);
	if (rc != RC_OK && faccessat(home->fd, HOME_POLICY, F_OK, 0) != 0 &&
	    errno == ENOENT)
		return err_set(RC_STATE,
		    "%s: is gone: each backup has it ('airgap-ca restore FILE' in another --home writes it there), and so has the first response that was signed under it",
		    from);
	if (rc != RC_OK)
		return err_in(rc, "%s", home->path);
	return policy_parse(from, buf_span(&text), ret);
}

enum rc
home_check_bound(const struct policy *policy, const struct ledger_ca *ca)
{
	struct span above = buf_span(&ca->issuers),
		    der = buf_span(&ca->ca_cert);
	const char *from = "the CA certificate";
	struct constraints bound;
	enum rc rc;

	do {
		rc = constraints_read(from, der, &bound);
		if (rc == RC_OK)
			rc = policy_check_bound(HOME_POLICY, policy, &bound);
		from = "a certificate above the CA's";
	} while (rc == RC_OK && ledger_ca_issuer(&above, &der));
	return rc;
}

/* ---- token.conf -----------------------------------------------------------
 */

void
token_conf_wipe(struct token_conf *conf)
{
	buf_wipe(&conf->ca);
	buf_wipe(&conf->transfer);
}

static struct span
trimmed(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' ||
			      s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static enum rc
conf_line(struct span line, unsigned number, struct token_conf *conf)
{
	const uint8_t *equals =
	    line.n == 0 ? NULL : memchr(line.p, '=', line.n);
	struct span key, value;
	struct buf *to;
	enum rc rc;

	if (equals == NULL)
		return err_set(RC_FORMAT,
		    HOME_TOKEN ":%u: wanted 'ca = URI' or 'transfer = URI'",
		    number);
	key = trimmed(span_of(line.p, (size_t)(equals - line.p)));
	value = trimmed(
	    span_of(equals + 1, line.n - (size_t)(equals - line.p) - 1));
	if (span_eq_str(key, "ca"))
		to = &conf->ca;
	else if (span_eq_str(key, "transfer"))
		to = &conf->transfer;
	else
		return err_set(RC_FORMAT, HOME_TOKEN ":%u: unknown key '%.*s'",
		    number, SPAN_FMT(key));
	if (to->n != 0)
		return err_set(RC_FORMAT, HOME_TOKEN ":%u: '%.*s' stands twice",
		    number, SPAN_FMT(key));
	if (value.n == 0 || memchr(value.p, '\0', value.n) != NULL)
		return err_set(RC_FORMAT, HOME_TOKEN ":%u: '%.*s' has no URI",
		    number, SPAN_FMT(key));
	rc = buf_add_span(to, value);
	return rc != RC_OK ? rc : buf_add_byte(to, '\0');
}

enum rc
home_token_read(const struct home *home, struct token_conf *ret)
{
	WIPED(buf) text = { 0 };
	WIPED(token_conf) conf = { 0 };
	struct span rest;
	enum rc rc;

	/* A restored home has none: its keys are looked for. */
	if (faccessat(home->fd, HOME_TOKEN, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == ENOENT)
		return RC_OK;
	rc = file_read(home->fd, HOME_TOKEN, TOKEN_CONF_MAX, &text);
	if (rc != RC_OK)
		return err_in(rc, "%s", home->path);
	rest = buf_span(&text);
	for (unsigned number = 1; rc == RC_OK && rest.n > 0; number++) {
		struct span line = trimmed(span_take_line(&rest));

		if (line.n > 0 && line.p[0] != '#')
			rc = conf_line(line, number, &conf);
	}
	if (rc == RC_OK && (conf.ca.n == 0 || conf.transfer.n == 0))
		rc = err_set(RC_FORMAT, HOME_TOKEN ": no line '%s = URI'",
		    conf.ca.n == 0 ? "ca" : "transfer");
	if (rc != RC_OK)
		return err_in(rc, "%s", home->path);
	*ret = conf;
	conf = (struct token_conf){ 0 };
	return RC_OK;
}

enum rc
home_token_write(
    const struct home *home, const char *ca_uri, const char *transfer_uri)
{
	WIPED(buf) text = { 0 };
	enum rc rc;

	/* A line break in a URI would be a second line. */
	if (strpbrk(ca_uri, "\r\n") != NULL ||
	    strpbrk(transfer_uri, "\r\n") != NULL)
		return err_set(RC_USAGE, "a token URI holds a line break");
	rc = buf_printf(&text,
	    "# Where this machine reaches the CA's keys (RFC 7512). Written by\n"
	    "# airgap-ca; yours to change: it is not part of the policy.\n"
	    "ca = %s\ntransfer = %s\n",
	    ca_uri, transfer_uri);
	return rc != RC_OK
		   ? rc
		   : file_replace(home->fd, HOME_TOKEN, buf_span(&text), 0600);
}
