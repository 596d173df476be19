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

static void
tell_state(const struct deployment *d, const struct deployed *r, bool dry_run)
{
	const char *state = !r->changed	  ? "as it was"
			    : dry_run	  ? "would change"
			    : r->restored ? "put back"
					  : "new";
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
	char last[CLOCK_TEXT];

	clock_write(r->left.ends, last);
	term_alarm(
	    "due  %s: the last certificate of %s ends %.10s (in %lld days), %zu to come",
	    d->path, d->name, last, (long long)clock_days(now, r->left.ends),
	    r->left.later);
	tell_renew(d);
}

void
deployed_tell(const struct deployment *d, const struct deployed *r, enum rc rc,
    const struct deploying *by, int64_t within, bool *ret_due)
{
	struct err_saved why;

	err_save(&why);
	*ret_due = rc != RC_OK;
	if (rc != RC_OK)
		term_alarm("failed  %s%s\n", why.text,
		    r->restored
			? "; what was there is back, and the next rotate tries again"
		    : r->failed ? "; the next rotate tries again"
				: "");
	else if (r->is_due)
		tell_state(d, r, by->dry_run);
	if (!r->is_due && rc == RC_OK) {
		*ret_due = true;
		tell_none(d, r);
	} else if (r->is_due && held_runs_out(&r->left, by->now, within)) {
		*ret_due = true;
		tell_end(d, r, by->now);
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
deployed_json(
    const struct deployment *d, const struct deployed *r, enum rc rc, bool due)
{
	return json_pack(
	    "{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:b, s:I, s:o, s:b, s:o}",
	    "path", cmd_json_text(span_str(d->path)), "name",
	    cmd_json_text(span_str(d->name)), "profile", d->profile, "format",
	    deploy_format_text(d->format), "serial",
	    r->is_due ? cmd_json_hex(buf_span(&r->serial)) : json_null(),
	    "not_before", time_or_null(r->is_due, r->not_before), "not_after",
	    time_or_null(r->is_due, r->not_after), "changed", (int)r->changed,
	    "restored", (int)r->restored, "later", (json_int_t)r->left.later,
	    "ends", time_or_null(r->left.ends != 0, r->left.ends), "due",
	    (int)due, "error",
	    rc == RC_OK ? json_null() : cmd_json_text(span_str(err_text())));
}
