/* SPDX-License-Identifier: Apache-2.0 */
/* A reader and a judge are started as `sign` starts them and asked what they
 * can still do. Nothing is concluded from the kernel's version. */
#include "ca/home/confine.h"

#include "token/token.h"
#include "transfer/judge/judge.h"
#include "transfer/reader/reader.h"
#include "transfer/rule.h"

static enum rc
look_at_reader(struct confine *c)
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
look_at_judge(struct confine *c)
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

/* As `sign` does, but that no module is loaded. */
static enum rc
look_at_token(const char *home, struct confine *c)
{
	const struct token_options options = { .hidden = { home } };
	struct sandbox_seen seen = { .filtered = false };
	struct token_level level = { .seccomp = false };
	OWNS(token) *token = NULL;
	pid_t pid = 0;
	enum rc rc = token_start(&token, &options);

	if (rc == RC_OK)
		rc = token_confine(token, &level, &pid);
	if (rc == RC_OK)
		rc = sandbox_look(pid, &seen);
	c->token.no_new_privs = seen.no_new_privs;
	c->token.seccomp = seen.filtered && level.seccomp;
	c->token.hidden = level.landlock_abi > 0;
	return rc;
}

enum rc
confine_measure(const char *home, struct confine *ret)
{
	struct confine c = { .reached = false };
	enum rc rc = look_at_reader(&c);

	if (rc == RC_OK)
		rc = look_at_judge(&c);
	if (rc == RC_OK)
		rc = sandbox_try_socket(&c.no_sockets);
	if (rc == RC_OK)
		rc = look_at_token(home, &c);
	/* What could not be looked at is neither. */
	if (rc != RC_OK && rule_spoken() == RULE_NONE)
		return rc;
	c.reached = rc == RC_OK && c.no_new_privs && c.seccomp &&
		    c.no_sockets && c.token.no_new_privs && c.token.seccomp;
	if (rc == RC_OK && !c.reached)
		(void)rule_refuse(RULE_SANDBOX,
		    "a child that should be locked in is not: the kernel says so");
	if (!c.reached)
		err_save(&c.why);
	err_clear();
	*ret = c;
	return RC_OK;
}
