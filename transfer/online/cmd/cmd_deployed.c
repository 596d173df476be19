/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a deployment, for people, for a timer's log and as JSON:
 * `deploy` and `rotate` say the same. */
#include "transfer/online/cmd/cmd_deployed.h"

#include "base/clock.h"
#include "base/term.h"
#include "base/typed.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static const char *
state_of(const struct deployed *r, bool dry_run)
{
	return !r->changed   ? "as it was"
	       : dry_run     ? "would change"
	       : r->restored ? "put back"
			     : "new";
}

static void
tell_state(const struct deployment *d, const struct deployed *r, bool dry_run)
{
	const char *state = state_of(r, dry_run);
	char until[CLOCK_TEXT], last[CLOCK_TEXT];

	clock_write(r->not_after, until);
	clock_write(r->left.ends, last);
	term_say("%s: %s; %s until %.10s", d->path, state, d->name, until);
	if (r->left.later != 0)
		term_say(", %zu more to %.10s", r->left.later, last);
	if (r->changed && r->replaced && !r->restored)
		term_say("; in place of one that a newer request replaced");
	term_say("\n");
}

/* A CRL each, for the chain has several. */
static void
tell_crls(const struct deployment *d, const struct deployed *r, bool dry_run)
{
	char until[CLOCK_TEXT], last[CLOCK_TEXT];

	for (size_t i = 0; i < r->crls.n; i++) {
		const struct crl_due *crl = &r->crls.items[i];

		clock_write(crl->next_update, until);
		clock_write(crl->ends, last);
		term_say("%s: %s; %s %llu until %.10s, %zu more to %.10s\n",
		    d->path, state_of(r, dry_run),
		    crl->shadow ? "shadow CRL" : "CRL",
		    (unsigned long long)crl->number, until, crl->later, last);
	}
}

/* ---- the timer ----------------------------------------------------------- */

/* As systemd-escape --path writes it. */
static enum rc
escape_path(const char *path, struct buf *out)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
	const char *p = path + strspn(path, "/");
	bool first = true;
	enum rc rc = *p == '\0' ? buf_add_str(out, "-") : RC_OK;

	while (*p != '\0' && rc == RC_OK) {
		if (*p == '/') {
			p += strspn(p, "/");
			rc = *p == '\0' ? RC_OK : buf_add_str(out, "-");
			continue;
		}
		rc = strchr(plain, *p) != NULL && !(first && *p == '.')
			 ? buf_add_byte(out, (uint8_t)*p)
			 : buf_printf(out, "\\x%02x", (unsigned char)*p);
		first = false;
		p++;
	}
	return rc;
}

enum rc
timer_command(const char *home, struct buf *out)
{
	char *real = geteuid() == 0 ? realpath(home, NULL) : NULL;
	const struct passwd *user;
	enum rc rc;

	if (geteuid() != 0) {
		user = getpwuid(geteuid());
		return buf_printf(out,
		    "systemctl enable --now airgap-transfer-rotate-user@%s.timer (as root)",
		    user == NULL ? "USER" : user->pw_name);
	}
	if (real != NULL && strcmp(real, "/var/lib/airgap-transfer") == 0) {
		rc = buf_add_str(
		    out, "systemctl enable --now airgap-transfer-rotate.timer");
	} else {
		rc = buf_add_str(
		    out, "systemctl enable --now 'airgap-transfer-rotate@");
		if (rc == RC_OK)
			rc = escape_path(real == NULL ? home : real, out);
		if (rc == RC_OK)
			rc = buf_add_str(out, ".timer'");
	}
	free(real);
	return rc;
}

/* ---- telling ------------------------------------------------------------- */

/* Said at the end of a line; what fails is noted (err_shortage). */
static void
tell_renew(const struct deployment *d)
{
	WIPED(buf) name = { 0 };
	const char *text =
	    typed_word(&name, d->name) == RC_OK ? buf_cstr(&name) : NULL;

	if (text != NULL)
		term_alarm(
		    ": airgap-transfer request --renew %s --out STICK\n", text);
}

/* Neither a timer's log nor a person shall overlook these. */
static void
tell_none(const struct deployment *d, const struct deployed *r)
{
	char last[CLOCK_TEXT];

	clock_write(r->left.ends, last);
	if (r->left.later != 0) {
		term_alarm(
		    "due  %s: no certificate of %s is valid now; %zu to come, until %.10s\n",
		    d->path, d->name, r->left.later, last);
		return;
	}
	term_alarm("due  %s: no certificate of %s is left", d->path, d->name);
	tell_renew(d);
}

static void
tell_end(const struct deployment *d, const struct deployed *r, int64_t now)
{
	char last[CLOCK_TEXT], distance[DISTANCE_TEXT];

	clock_write(r->left.ends, last);
	clock_distance(r->left.ends, now, distance);
	term_alarm(
	    "due  %s: the last certificate of %s %s %.10s (%s), %zu to come",
	    d->path, d->name, r->left.ends < now ? "ended" : "ends", last,
	    distance, r->left.later);
	tell_renew(d);
}

/* Of CRLs: none is here, or those of one key run out. */
static void
tell_crls_due(const struct deployment *d, const struct deployed *r, int64_t now,
    int64_t within, bool *ret_due)
{
	char last[CLOCK_TEXT], distance[DISTANCE_TEXT];

	if (r->crls.n == 0) {
		*ret_due = true;
		term_alarm("due  %s: no CRL is here\n", d->path);
	}
	for (size_t i = 0; i < r->crls.n; i++) {
		const struct crl_due *crl = &r->crls.items[i];

		if (crl->ends - now >= within)
			continue;
		*ret_due = true;
		clock_write(crl->ends, last);
		clock_distance(crl->ends, now, distance);
		term_alarm(
		    "due  %s: the last CRL %s %.10s (%s), after which everybody is refused: visit the CA\n",
		    d->path, crl->ends < now ? "ended" : "ends", last,
		    distance);
	}
}

static void
tell_certificate_due(const struct deployment *d, const struct deployed *r,
    int64_t now, int64_t within, bool *ret_due)
{
	if (!r->is_due) {
		*ret_due = true;
		tell_none(d, r);
	} else if (held_runs_out(&r->left, now, within)) {
		*ret_due = true;
		tell_end(d, r, now);
	}
}

void
deployed_tell(const struct deployment *d, const struct deployed *r, enum rc rc,
    const struct deploying *by, int64_t within, bool *ret_due)
{
	const bool named = deploy_format_is_named(d->format);
	struct err_saved why;

	err_save(&why);
	*ret_due = rc != RC_OK;
	if (rc != RC_OK)
		term_alarm("failed  %s%s\n", why.text,
		    r->restored
			? "; what was there is back, and the next rotate tries again"
		    : r->failed ? "; the next rotate tries again"
				: "");
	else if (r->is_due && named)
		tell_state(d, r, by->dry_run);
	else if (r->is_due)
		tell_crls(d, r, by->dry_run);
	if (rc == RC_OK || r->is_due) {
		if (named)
			tell_certificate_due(d, r, by->now, within, ret_due);
		else
			tell_crls_due(d, r, by->now, within, ret_due);
	}
	if (rc != RC_OK)
		err_restore(&why);
}

static json_t *
time_or_null(bool is, int64_t at)
{
	return is ? cmd_json_time(at) : json_null();
}

json_t *
deployed_name_json(const struct deployment *d)
{
	return d->name == NULL ? json_null() : cmd_json_text(span_str(d->name));
}

/* null where the format is of a name */
static json_t *
crls_json(const struct deployment *d, const struct crl_due_list *crls)
{
	json_t *rows = deploy_format_is_named(d->format) ? NULL : json_array();

	if (rows == NULL)
		return json_null();
	for (size_t i = 0; i < crls->n; i++) {
		const struct crl_due *crl = &crls->items[i];

		cmd_json_add(&rows,
		    json_pack("{s:o, s:I, s:o, s:o, s:b, s:I, s:o}", "issuer",
			cmd_json_hex(span_of(crl->issuer, SHA256_LEN)),
			"number", (json_int_t)crl->number, "this_update",
			cmd_json_time(crl->this_update), "next_update",
			cmd_json_time(crl->next_update), "shadow",
			(int)crl->shadow, "later", (json_int_t)crl->later,
			"ends", cmd_json_time(crl->ends)));
	}
	return rows;
}

json_t *
deployed_json(
    const struct deployment *d, const struct deployed *r, enum rc rc, bool due)
{
	return json_pack(
	    "{s:o, s:o, s:s?, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:I, s:o, s:b, s:o}",
	    "path", cmd_json_text(span_str(d->path)), "name",
	    deployed_name_json(d), "profile", d->profile, "format",
	    deploy_format_text(d->format), "serial",
	    r->serial.n != 0 ? cmd_json_hex(buf_span(&r->serial)) : json_null(),
	    "not_before", time_or_null(r->serial.n != 0, r->not_before),
	    "not_after", time_or_null(r->serial.n != 0, r->not_after), "crls",
	    crls_json(d, &r->crls), "changed", (int)r->changed, "restored",
	    (int)r->restored, "later", (json_int_t)r->left.later, "ends",
	    time_or_null(r->left.ends != 0, r->left.ends), "due", (int)due,
	    "error",
	    rc == RC_OK ? json_null() : cmd_json_text(span_str(err_text())));
}
