/* SPDX-License-Identifier: Apache-2.0 */
/* The token process besides, which the CA alone has. */
#include "ca/home/confine.h"

#include "token/token.h"
#include "transfer/sandbox/sandbox.h"

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
	struct confine c = { .all.reached = false };
	enum rc rc = confined_measure(&c.all);

	if (rc == RC_OK && c.all.reached) {
		rc = look_at_token(home, &c);
		rc = confined_conclude(rc,
		    c.token.no_new_privs && c.token.seccomp, &c.all.reached,
		    &c.all.why);
	}
	if (rc == RC_OK)
		*ret = c;
	return rc;
}
