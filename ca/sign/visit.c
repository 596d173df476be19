/* SPDX-License-Identifier: Apache-2.0 */
/* What `sign` opens beside what every act does: readers, trust, and the policy
 * against the one before. What it does with them is in work.c and issue.c. */
#include "ca/sign/visit.h"

#include "ca/home/ca_trust.h"
#include "ca/response/stick_ahead.h"

#include <sys/stat.h>
#include <unistd.h>

void
visit_wipe(struct visit *v)
{
	for (size_t i = 0; i < v->n_readers; i++)
		reader_wipe(&v->readers[i]);
	trust_wipe(&v->trust);
	act_wipe(&v->act);
	*v = VISIT_NONE;
}

/* The first reader sees the stick; the others only what it copied. As many as
 * there are cores: while they parse, the signer only waits for them. */
static enum rc
start_readers(struct visit *v, const char *media)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cores < 1 ? 1 : (size_t)cores;
	enum rc rc = RC_OK;

	if (n > READERS_MAX)
		n = READERS_MAX;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		v->readers[i] = READER_NONE;
		v->n_readers++;
		rc = reader_start(&v->readers[i], i == 0 ? media : NULL);
	}
	return rc;
}

/* The CA as its requesters see it: key-id and validity come from there. */
static enum rc
visit_open_trust(struct visit *v)
{
	enum rc rc;

	rc = ca_trust(&v->act.ca, &v->trust);
	if (rc != RC_OK)
		return rc;
	return trust_window(
	    &v->trust, buf_span(&v->act.ca.transfer_cert), &v->window);
}

/* What is written to comes first; a dry run has only what it reads from. */
static enum rc
visit_check_stick(const struct visit_options *options, const struct visit *v)
{
	WIPED(media) read = { 0 };
	struct stat st;
	enum rc rc = RC_OK;

	if (v->act.media.path != NULL)
		rc = stick_ahead(&v->act.media, v->act.ledger, &v->trust);
	if (rc != RC_OK || options->media == NULL ||
	    stat(options->media, &st) != 0 || !S_ISDIR(st.st_mode) ||
	    (options->act.out != NULL &&
		strcmp(options->act.out, options->media) == 0))
		return rc;
	rc = media_open(options->media, &read);
	return rc != RC_OK ? rc : stick_ahead(&read, v->act.ledger, &v->trust);
}

/* A policy that changed since it was last signed under is shown as such. */
static enum rc
compare_policy(struct visit *v)
{
	uint8_t newest[SHA256_LEN];
	bool any = false;
	enum rc rc = ledger_policy_newest(v->act.ledger, newest, &any);

	if (rc == RC_OK)
		v->policy_changed = any && memcmp(newest, v->act.policy.digest,
					       SHA256_LEN) != 0;
	return rc;
}

enum rc
visit_open(const struct visit_options *options, struct visit *ret)
{
	WIPED(visit) v = VISIT_NONE;
	struct act_options act = options->act;
	enum rc rc;

	act.token.hidden[2] = options->media;
	rc = act_start(&act, &v.act);
	if (rc == RC_OK)
		rc = start_readers(&v, options->media);
	if (rc == RC_OK)
		rc = act_open(&options->act, &v.act);
	/* A response made now could be the second one of its number. */
	if (rc == RC_OK && !options->act.dry_run)
		rc = ledger_check_caught_up(v.act.ledger);
	if (rc == RC_OK)
		rc = visit_open_trust(&v);
	if (rc == RC_OK)
		rc = visit_check_stick(options, &v);
	if (rc == RC_OK)
		rc = compare_policy(&v);
	if (rc == RC_OK)
		rc = reader_level(&v.readers[0], &v.sandbox);
	if (rc != RC_OK)
		return rc;
	*ret = v;
	v = VISIT_NONE;
	return RC_OK;
}

enum rc
visit_unlock(struct visit *v)
{
	enum rc rc;

	if (v->keys_open)
		return RC_OK;
	rc = keys_open(
	    v->act.token, &v->act.conf, &v->act.ca, true, &v->act.keys);
	v->keys_open = rc == RC_OK;
	return rc;
}
