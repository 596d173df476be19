/* SPDX-License-Identifier: Apache-2.0 */
/* A reader and a judge are started as for work and asked what they can still
 * do. Nothing is concluded from the kernel's version. */
#include "transfer/confined/confined.h"

#include "base/cmd.h"
#include "transfer/judge/judge.h"
#include "transfer/reader/reader.h"
#include "transfer/rule.h"

static enum rc
look_at_reader(struct confined *c)
{
	WIPED(reader) reader = READER_NONE;
	struct sandbox_seen seen = { .filtered = false };
	struct sandbox_level level = { .seccomp = false };
	enum rc rc = reader_start(&reader, NULL);

	if (rc == RC_OK)
		rc = reader_level(&reader, &level);
	if (rc == RC_OK)
		rc = sandbox_look(reader.child.pid, &seen);
	c->landlock_abi = level.landlock_abi;
	c->no_new_privs = seen.no_new_privs;
	c->seccomp = seen.filtered && level.seccomp;
	return rc;
}

static enum rc
look_at_judge(struct confined *c)
{
	WIPED(child) judge = CHILD_NONE;
	struct sandbox_seen seen = { .filtered = false };
	enum rc rc = judge_start(&judge);

	if (rc == RC_OK)
		rc = judge_ready(&judge);
	if (rc == RC_OK)
		rc = sandbox_look(judge.pid, &seen);
	c->no_new_privs = c->no_new_privs && seen.no_new_privs;
	c->seccomp = c->seccomp && seen.filtered;
	return rc;
}

enum rc
confined_conclude(
    enum rc rc, bool good, bool *ret_reached, struct err_saved *ret_why)
{
	/* What could not be looked at is neither. */
	if (rc != RC_OK && rule_spoken() == RULE_NONE)
		return rc;
	*ret_reached = rc == RC_OK && good;
	if (rc == RC_OK && !good)
		(void)rule_refuse(RULE_SANDBOX,
		    "a child that should be locked in is not: the kernel says so");
	if (!*ret_reached)
		err_save(ret_why);
	err_clear();
	return RC_OK;
}

enum rc
confined_measure(struct confined *ret)
{
	struct confined c = { .reached = false };
	enum rc rc = look_at_reader(&c);

	if (rc == RC_OK)
		rc = look_at_judge(&c);
	if (rc == RC_OK)
		rc = sandbox_try_socket(&c.no_sockets);
	rc = confined_conclude(rc, c.no_new_privs && c.seccomp && c.no_sockets,
	    &c.reached, &c.why);
	if (rc == RC_OK)
		*ret = c;
	return rc;
}

/* ---- told ---------------------------------------------------------------- */

static const char *
confined_yes(bool yes)
{
	return yes ? "yes" : "NO";
}

enum rc
confined_write(const struct confined *c, struct buf *out)
{
	enum rc rc = buf_printf(out,
	    "seccomp %s, no_new_privs %s, no sockets %s, Landlock ",
	    confined_yes(c->seccomp), confined_yes(c->no_new_privs),
	    confined_yes(c->no_sockets));

	if (rc != RC_OK)
		return rc;
	return c->landlock_abi == 0
		   ? buf_add_str(out, "no")
		   : buf_printf(out, "ABI %d", c->landlock_abi);
}

json_t *
confined_json(const struct confined *c)
{
	return json_pack("{s:b,s:b,s:b,s:b,s:i,s:o,s:o}", "reached", c->reached,
	    "seccomp", c->seccomp, "no_new_privs", c->no_new_privs,
	    "no_sockets", c->no_sockets, "landlock_abi", c->landlock_abi,
	    "rule",
	    c->reached ? json_null()
		       : json_string(rule_name((enum rule)c->why.rule)),
	    "reason",
	    c->reached ? json_null() : cmd_json_text(span_str(c->why.text)));
}
