/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/visit.h"
#include "base/clock.h"
#include "base/file.h"

#include <stdlib.h>
#include <unistd.h>

void
visit_wipe(struct visit *v)
{
	for (size_t i = 0; i < v->n_readers; i++)
		child_wipe(&v->readers[i]);
	child_wipe(&v->judge);
	keys_wipe(&v->keys);
	token_free(v->token);
	ledger_free(v->ledger);
	policy_wipe(&v->policy);
	ledger_ca_wipe(&v->ca);
	trust_wipe(&v->trust);
	token_conf_wipe(&v->conf);
	home_wipe(&v->home);
	media_wipe(&v->media);
	buf_wipe(&v->interfaces);
	*v = (struct visit){ .judge = CHILD_NONE };
}

/* The first reader sees the stick; the others only what it copied. One reader
 * for each core but the one that the signer itself keeps busy. */
static enum rc
start_children(struct visit *v, const struct visit_options *options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cores < 1 ? 1 : (size_t)cores;
	enum rc rc = token_start(&v->token, &options->token);

	if (n > READERS_MAX)
		n = READERS_MAX;
	if (rc == RC_OK)
		rc = judge_start(&v->judge);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		v->readers[i] = CHILD_NONE;
		v->n_readers++;
		rc = reader_start(
		    &v->readers[i], i == 0 ? options->media : NULL);
	}
	return rc;
}

/* The CA as its requesters see it: key-id and validity come from there. */
static enum rc
open_trust(struct visit *v)
{
	enum rc rc;

	memcpy(v->trust.ca_id, v->ca.ca_id, SHA256_LEN);
	rc = trust_add_ca(
	    &v->trust, "the CA certificate", buf_span(&v->ca.ca_cert));
	if (rc != RC_OK)
		return rc;
	return trust_window(
	    &v->trust, buf_span(&v->ca.transfer_cert), &v->window);
}

static enum rc
open_home(struct visit *v, const struct visit_options *options)
{
	uint8_t newest[SHA256_LEN];
	bool any = false;
	enum rc rc = home_open(options->home, &v->home);

	if (rc == RC_OK)
		rc = home_ledger_open(&v->home, !options->dry_run, &v->ledger);
	if (rc == RC_OK)
		rc = home_policy_read(&v->home, &v->policy);
	if (rc == RC_OK)
		rc = ledger_ca_get(v->ledger, &v->ca);
	if (rc == RC_OK)
		rc = open_trust(v);
	if (rc == RC_OK)
		rc = home_token_read(&v->home, &v->conf);
	if (rc == RC_OK)
		rc = ledger_policy_newest(v->ledger, newest, &any);
	if (rc == RC_OK)
		v->policy_changed =
		    any && memcmp(newest, v->policy.digest, SHA256_LEN) != 0;
	return rc;
}

static enum rc
look_around(struct visit *v, const struct visit_options *options)
{
	enum rc rc = clock_now(&v->now);

	if (rc == RC_OK)
		rc = clock_check(v->ledger, &v->policy, v->now);
	if (rc == RC_OK)
		rc = network_check(
		    options->allow_network || options->dry_run, &v->interfaces);
	return rc;
}

enum rc
visit_open(const struct visit_options *options, struct visit *ret)
{
	WIPED(visit) v = { .judge = CHILD_NONE };
	enum rc rc = start_children(&v, options);

	if (rc == RC_OK)
		rc = open_home(&v, options);
	if (rc == RC_OK)
		rc = look_around(&v, options);
	if (rc == RC_OK)
		rc = reader_level(&v.readers[0], &v.sandbox);
	if (rc == RC_OK && !options->dry_run)
		rc = media_open(options->out, &v.media);
	if (rc != RC_OK)
		return rc;
	*ret = v;
	v = (struct visit){ .judge = CHILD_NONE };
	return RC_OK;
}

enum rc
visit_unlock(struct visit *v)
{
	enum rc rc;

	if (v->keys_open)
		return RC_OK;
	rc = keys_open(v->token, &v->conf, &v->ca, true, &v->keys);
	v->keys_open = rc == RC_OK;
	return rc;
}
