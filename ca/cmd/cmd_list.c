/* SPDX-License-Identifier: Apache-2.0 */
/* `list`: a line for each certificate, straight from the ledger, however long
 * that is. `show` is for one of them. */
#include "base/clock.h"
#include "base/term.h"
#include "ca/cmd/cert_json.h"
#include "ca/cmd/cmd.h"
#include "ca/home/home.h"

#include <unistd.h>

#define NAMES_COLUMN 58
#define NAMES_MIN 8 /* columns: narrower than this is not cut for */

struct cert_listing {
	int64_t now;
	bool json;
	size_t room; /* columns for the names; 0: no limit */
	size_t n;    /* printed so far */
};

static enum rc
row_print(const struct cert_listing *l, const struct ledger_cert *cert,
    const struct cert_text *text)
{
	WIPED(buf) names = { 0 };
	WIPED(buf) plain = { 0 };
	char hex[2 * SERIAL_MAX + 1];
	char not_after[CLOCK_TEXT];
	enum rc rc = cert_names_write(&text->names, &names);

	if (rc == RC_OK && text->names.n == 0)
		rc = cert->adopted
			 ? buf_add_span(&names, buf_span(&cert->subject))
			 : buf_add_str(&names, cert->intent.request_id);
	if (rc == RC_OK)
		rc = term_escape(&plain, buf_span(&names));
	if (rc != RC_OK)
		return rc;
	hex_write(ledger_cert_serial(cert), hex);
	clock_write(cert->intent.not_after, not_after);
	if (l->room != 0 && plain.n > l->room) {
		plain.n = l->room;
		memcpy(plain.p + plain.n - 3, "...", 3);
	}
	/* Escaped already, so not through term_print, which would again. */
	(void)printf("%-32s  %.10s  %-10s  %.*s\n", hex, not_after,
	    cert_status(cert, l->now), SPAN_FMT(buf_span(&plain)));
	return RC_OK;
}

static enum rc
ca_list_one(const struct ledger_cert *cert, void *arg)
{
	struct cert_listing *l = arg;
	WIPED(cert_text) text = { 0 };
	enum rc rc = RC_OK;

	if (cert->der.n == 0 && !cert->is_void && !cert->adopted)
		return RC_OK; /* unfinished: `status` has those */
	if (cert->der.n != 0)
		rc = cert_text_read(buf_span(&cert->der), &text);
	if (rc != RC_OK)
		return err_in(
		    rc, "record %llu", (unsigned long long)cert->outcome);
	if (!l->json)
		return row_print(l, cert, &text);

	/* One at a time: a million of them do not fit into memory. */
	return cmd_json_item(cert_json(cert, &text, l->now), l->n++ == 0);
}

/* As `status` does, for those who look here. */
static enum rc
list_tell_end(struct ledger *ledger, int64_t now)
{
	WIPED(ledger_ca) ca = { 0 };
	WIPED(cert_text) text = { 0 };
	char at[CLOCK_TEXT];
	enum rc rc = ledger_ca_get(ledger, &ca);

	if (rc == RC_OK)
		rc = cert_text_read(buf_span(&ca.ca_cert), &text);
	if (rc != RC_OK || text.not_after - now >= CMD_CA_END_NOTICE)
		return rc;
	clock_write(text.not_after, at);
	term_say(
	    "The CA's own certificate ends %.10s: 'airgap-ca renew-ca' makes it longer, 'airgap-ca rollover' gives it a new key\n",
	    at);
	return RC_OK;
}

static enum rc
ca_list_all(struct cmd_env *env, struct ledger *ledger)
{
	struct cert_listing l = { .json = env->json };
	enum rc rc = clock_now(&l.now);

	if (rc != RC_OK)
		return rc;
	if (isatty(STDOUT_FILENO) && term_width() >= NAMES_COLUMN + NAMES_MIN)
		l.room = (size_t)term_width() - NAMES_COLUMN;
	if (env->json)
		(void)fputs("{\"certificates\":[", stdout);
	else
		(void)printf("%-32s  %-10s  %-10s  %s\n", "SERIAL", "NOT AFTER",
		    "STATUS", "NAMES");
	rc = ledger_certs_each(ledger, ca_list_one, &l);
	if (rc == RC_OK && env->json)
		(void)puts("]}");
	return rc == RC_OK ? list_tell_end(ledger, l.now) : rc;
}

enum rc
cmd_list(struct cmd_env *env, int argc, char **argv)
{
	static const struct cmd_option options[] = { { 0 } };
	WIPED(cmd_list) operands = { 0 };
	WIPED(home) home = { .fd = -1 };
	OWNS(ledger) *ledger = NULL;
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operands_none(env, &operands);
	if (rc == RC_OK)
		rc = home_open(env->home, &home);
	if (rc == RC_OK)
		rc = home_ledger_open(&home, false, &ledger);
	return rc != RC_OK ? rc : ca_list_all(env, ledger);
}
