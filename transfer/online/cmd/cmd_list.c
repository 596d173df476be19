/* SPDX-License-Identifier: Apache-2.0 */
/* `list`: the certificates of the store, a line each, or one JSON document. */
#include "transfer/online/cmd/cmd.h"

#include "base/clock.h"
#include "base/own_ssl.h"
#include "base/term.h"
#include "transfer/online/store/holding.h"
#include "transfer/online/store/home.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/cert.h"

#include <stdio.h>
#include <unistd.h>

struct store_listing {
	struct store *store;
	struct holding holding;
	bool json;
	int64_t now;
	size_t room;   /* for the names; 0: without end */
	json_t *certs; /* with json */
};

static void
store_listing_wipe(struct store_listing *l)
{
	holding_wipe(&l->holding);
}

/* The size of the columns before the names, and the least that these have. */
#define COLUMNS 65
#define NAMES_LEAST 16
#define DATE_LEN 10 /* of RFC 3339 text: 2026-11-23 */

static size_t
names_room(void)
{
	size_t width = (size_t)term_width();

	if (!isatty(STDOUT_FILENO))
		return 0;
	return width < COLUMNS + NAMES_LEAST ? NAMES_LEAST : width - COLUMNS;
}

/* The certificates of the name that was listed last: those of one come one
 * after the other. */
static enum rc
list_hold(struct store_listing *l, const struct stored_cert *c)
{
	struct span names = c->names;
	struct span name =
	    names.n == 0 ? c->request_id : span_take_line(&names);

	if (l->holding.name != NULL && span_eq_str(name, l->holding.name) &&
	    span_eq_str(c->profile, l->holding.profile))
		return RC_OK;
	holding_wipe(&l->holding);
	return holding_load(l->store, name, c->profile, &l->holding);
}

/* Did a newer request take its place? */
static bool
list_is_replaced(const struct store_listing *l, const struct stored_cert *c)
{
	const struct holding *h = &l->holding;

	for (size_t i = 0; i < h->n; i++)
		if (span_eq(c->serial, buf_span(&h->items[i].serial)))
			return !held_is_in_force(h, i, l->now);
	return false;
}

static const char *
status_of(const struct store_listing *l, const struct stored_cert *c)
{
	const int64_t now = l->now;

	if (c->revoked)
		return "revoked";
	if (now > c->not_after)
		return "expired";
	if (c->unused != UNUSED_NOT)
		return "unused";
	if (list_is_replaced(l, c))
		return "replaced";
	return now < c->not_before ? "future" : "valid";
}

static enum rc
subject_text(struct span der, struct buf *out)
{
	const uint8_t *p = der.p;
	OWN(X509_NAME) *name = d2i_X509_NAME(NULL, &p, (long)der.n);

	if (name == NULL)
		return err_openssl(RC_STATE, "store: a damaged subject");
	return subject_print(name, out);
}

/* "a\nb" as ["a", "b"] */
static json_t *
list_names_json(struct span names)
{
	json_t *array = json_array();

	while (array != NULL && names.n != 0)
		(void)json_array_append_new(
		    array, cmd_json_text(span_take_line(&names)));
	return array;
}

/* NULL: it is used. */
static const char *
why_unused(enum unused unused)
{
	static const char *const why[] = {
		[UNUSED_NOT] = NULL,
		[UNUSED_FORGOTTEN] = "forgotten",
		[UNUSED_WITHDRAWN] = "withdrawn",
		[UNUSED_NO_KEY] = "key not here",
	};

	return unused > UNUSED_NO_KEY ? "?" : why[unused];
}

static enum rc
transfer_list_add_json(
    struct store_listing *l, const struct stored_cert *c, struct span subject)
{
	json_t *one =
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s?}",
		"serial", cmd_json_hex(c->serial), "sha256",
		cmd_json_hex(span_of(c->sha256, SHA256_LEN)), "subject",
		cmd_json_text(subject), "names", list_names_json(c->names),
		"profile", cmd_json_text(c->profile), "request_id",
		cmd_json_text(c->request_id), "not_before",
		cmd_json_time(c->not_before), "not_after",
		cmd_json_time(c->not_after), "status", status_of(l, c),
		"unused", why_unused(c->unused));

	if (one == NULL || json_array_append_new(l->certs, one) != 0)
		return err_memory();
	return RC_OK;
}

/* Names in one line, cut where a terminal ends so that the columns stay. */
static enum rc
names_line(const struct store_listing *l, struct span names, struct buf *out)
{
	enum rc rc = buf_add_span(out, names);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] == '\n')
			out->p[i] = ' ';
	if (l->room == 0 || out->n <= l->room)
		return RC_OK;
	out->n = l->room - 3;
	return buf_add_str(out, "...");
}

/* One record is one line: a table for people and for grep. */
static enum rc
print_line(const struct store_listing *l, const struct stored_cert *c,
    struct span subject)
{
	char from[CLOCK_TEXT], to[CLOCK_TEXT], serial[2 * SERIAL_MAX + 1];
	WIPED(buf) names = { 0 };
	enum rc rc =
	    names_line(l, c->names.n != 0 ? c->names : subject, &names);

	if (rc != RC_OK)
		return rc;
	clock_write(c->not_before, from);
	clock_write(c->not_after, to);
	hex_write(c->serial, serial);
	term_print(stdout, "%-8s %.*s %.*s %-32s  %.*s\n", status_of(l, c),
	    DATE_LEN, from, DATE_LEN, to, serial, SPAN_FMT(buf_span(&names)));
	return RC_OK;
}

static enum rc
transfer_list_one(void *arg, const struct stored_cert *c)
{
	struct store_listing *l = arg;
	WIPED(buf) subject = { 0 };
	enum rc rc = subject_text(c->subject, &subject);

	if (rc == RC_OK)
		rc = list_hold(l, c);
	if (rc != RC_OK)
		return rc;
	if (l->json)
		return transfer_list_add_json(l, c, buf_span(&subject));
	return print_line(l, c, buf_span(&subject));
}

/* As `status` does, for those who look here. */
static void
list_tell_ca(const struct trust *trust, int64_t now)
{
	const int64_t end = trust->cas[trust->n_cas - 1].not_after;
	char at[CLOCK_TEXT];

	if (end - now >= CMD_CA_END_NOTICE)
		return;
	clock_write(end, at);
	term_say(
	    "The CA's own certificate ends %.10s: there, 'airgap-ca renew-ca' makes it longer, 'airgap-ca rollover' gives it a new key\n",
	    at);
}

static enum rc
list_certs(struct cmd_env *env)
{
	WIPED(store) store = { 0 };
	WIPED(store_listing)
	l = { .store = &store, .json = env->json, .room = names_room() };
	enum rc rc = online_open(env->home, false, &store);

	if (rc == RC_OK)
		rc = clock_now(&l.now);
	if (rc != RC_OK)
		return rc;
	l.certs = env->json ? json_array() : NULL;
	rc = store_each_cert(&store, STORE_BY_NAMES, transfer_list_one, &l);
	if (rc == RC_OK && env->json)
		return cmd_json(json_pack("{s:o}", "certificates", l.certs));
	json_decref(l.certs);
	if (rc == RC_OK)
		list_tell_ca(&store.trust, l.now);
	return rc;
}

enum rc
cmd_list(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	bool done;
	enum rc rc;

	rc = cmd_options(env, argc, argv, options, &operands, &done);
	if (rc == RC_OK && !done)
		rc = cmd_operands_none(env, &operands);
	return rc != RC_OK || done ? rc : list_certs(env);
}
