/* SPDX-License-Identifier: Apache-2.0 */
/* Every token is looked into before one is chosen, the hint's module first: the
 * code of other makers is loaded only where that one has not got the key. */
#include "token/card/seek.h"

#include "base/term.h"
#include "token/card/key.h"

#include <stdio.h>

/* What looking brought. */
struct sight {
	struct found shows; /* has the key; module NULL: none has */
	struct found hides; /* is named by the URI, and shows no key */
	size_t n_hiding;
	struct buf there;      /* all that was seen, for the sentence */
	char module[PATH_MAX]; /* looked into already; empty: none */
};

static void
sight_wipe(struct sight *s)
{
	buf_wipe(&s->there);
}

static bool
is_sought(const struct seek *seek, const struct key *key)
{
	for (size_t i = 0; i < seek->n; i++)
		if (seek->spki[i].n != 0 &&
		    span_eq(buf_span(&key->shown.spki), seek->spki[i]))
			return true;
	return false;
}

/* Its public keys, as they show before a login. */
static enum rc
look_into(const struct seek *seek, const struct found *f, size_t *ret_keys,
    bool *ret_shows)
{
	WIPED(session) session = { 0 };
	WIPED(token_keys) keys = { 0 };
	enum rc rc = session_open(&session, f->module, f->slot);

	*ret_keys = 0;
	*ret_shows = false;
	if (rc == RC_OK)
		rc = token_keys_read(&session, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		*ret_keys += keys.key[i].shown.spki.n != 0;
		*ret_shows |= is_sought(seek, &keys.key[i]);
	}
	return rc;
}

/* A token that two modules show is there once. */
static enum rc
note_there(struct sight *s, const struct found *f, size_t keys, bool failed)
{
	WIPED(buf) name = { 0 };
	enum rc rc = found_name(f, &name);

	if (rc == RC_OK && s->there.n != 0 &&
	    memmem(s->there.p, s->there.n, name.p, name.n) != NULL)
		return RC_OK;
	if (rc == RC_OK && s->there.n != 0)
		rc = buf_add_str(&s->there, ", ");
	if (rc == RC_OK)
		rc = buf_add_span(&s->there, buf_span(&name));
	if (rc != RC_OK)
		return rc;
	if (failed)
		return buf_printf(
		    &s->there, ", which cannot be looked into: %s", err_text());
	return keys == 0 ? buf_add_str(&s->there, " with no key that shows")
			 : buf_printf(&s->there, " with %zu other key%s", keys,
			       keys == 1 ? "" : "s");
}

/* One that cannot be looked into is not the one. Of several that have the key,
 * the one that the URI names, and the first else. */
static enum rc
weigh_token(struct sight *s, const struct seek *seek, const struct found *f)
{
	bool named = found_is_meant(f, seek->uri);
	bool shows;
	size_t keys;
	enum rc rc = look_into(seek, f, &keys, &shows);
	bool failed = rc == RC_TOKEN;

	if (rc != RC_OK && !failed)
		return rc;
	if (shows && (s->shows.module == NULL ||
			 (named && !found_is_meant(&s->shows, seek->uri))))
		s->shows = *f;
	if (!failed && keys == 0 && named && !f->again) {
		s->hides = *f;
		s->n_hiding++;
	}
	rc = f->again ? RC_OK : note_there(s, f, keys, failed);
	err_clear();
	return rc;
}

static enum rc
look_through(struct sight *s, const struct seek *seek, const char *module,
    struct rack *rack)
{
	struct found_list list = { .n = 0 };
	enum rc rc = found_read(rack, module, &list);

	for (size_t i = 0; i < list.n && rc == RC_OK; i++) {
		const struct found *f = &list.at[i];

		if ((f->info.flags & CKF_TOKEN_INITIALIZED) != 0 &&
		    strcmp(f->module->path, s->module) != 0)
			rc = weigh_token(s, seek, f);
	}
	if (rc == RC_OK && module != NULL)
		(void)snprintf(s->module, sizeof(s->module), "%s", module);
	return rc;
}

/* The hint's own module, and all others only if need be: it may have been
 * moved, or its card be shown by another. */
static enum rc
look_everywhere(struct sight *s, const struct seek *seek, struct rack *rack)
{
	enum rc rc = RC_OK;

	if (seek->module == NULL && seek->uri->module != NULL) {
		rc = look_through(s, seek, seek->uri->module, rack);
		if (rc == RC_TOKEN) {
			term_say("%s: the other modules are looked through.\n",
			    err_text());
			err_clear();
			rc = RC_OK;
		}
	}
	if (rc == RC_OK && s->shows.module == NULL && s->n_hiding == 0)
		rc = look_through(s, seek, seek->module, rack);
	return rc;
}

/* What was wanted, and which file said where. */
static enum rc
describe_hint(const struct seek *seek, struct buf *out)
{
	WIPED(buf) uri = { 0 };
	enum rc rc = RC_OK;

	if (seek->said_by != NULL)
		rc = uri_show(seek->uri, &uri);
	if (rc == RC_OK && uri.n != 0)
		rc = buf_printf(out, "; %s names %.*s", seek->said_by,
		    SPAN_FMT(buf_span(&uri)));
	return rc;
}

static enum rc
nowhere(const struct sight *s, const struct seek *seek)
{
	WIPED(buf) hint = { 0 };
	enum rc rc = describe_hint(seek, &hint);

	if (rc != RC_OK)
		return rc;
	if (s->there.n == 0)
		return err_set(RC_TOKEN,
		    "no token is present; wanted the one with the CA's key%.*s",
		    SPAN_FMT(buf_span(&hint)));
	return err_set(RC_TOKEN,
	    "no token that is present has the CA's key%.*s; there is %.*s; no PIN was sent",
	    SPAN_FMT(buf_span(&hint)), SPAN_FMT(buf_span(&s->there)));
}

static enum rc
say_elsewhere(const struct seek *seek, const struct found *f)
{
	WIPED(buf) hint = { 0 };
	WIPED(buf) name = { 0 };
	enum rc rc;

	if (seek->said_by == NULL || found_is_meant(f, seek->uri))
		return RC_OK;
	rc = describe_hint(seek, &hint);
	if (rc == RC_OK)
		rc = found_name(f, &name);
	if (rc == RC_OK)
		term_say("The CA's key is on token %.*s%.*s\n",
		    SPAN_FMT(buf_span(&name)), SPAN_FMT(buf_span(&hint)));
	return rc;
}

enum rc
seek_token(struct rack *rack, const struct seek *seek, struct found *ret)
{
	WIPED(sight) s = { 0 };
	struct found picked;
	enum rc rc = look_everywhere(&s, seek, rack);

	if (rc != RC_OK)
		return rc;
	if (s.shows.module == NULL && s.n_hiding != 1)
		return nowhere(&s, seek);
	picked = s.shows.module != NULL ? s.shows : s.hides;
	rc = say_elsewhere(seek, &picked);
	if (rc != RC_OK)
		return rc;
	found_keep(rack, &picked);
	*ret = picked;
	return RC_OK;
}
