/* SPDX-License-Identifier: Apache-2.0 */
/* The token's part of `init`: which keys there are, which become the CA's. */
#include "ca/init.h"

#include "base/own_ssl.h"
#include "transfer/key.h"

#include <openssl/rand.h>

void
init_wipe(struct init *init)
{
	buf_wipe(&init->policy_text);
	policy_wipe(&init->policy);
	buf_wipe(&init->interfaces);
	media_wipe(&init->media);
	token_keys_free(init->held, init->n_held);
	token_key_wipe(&init->ca.key);
	token_key_wipe(&init->transfer.key);
	buf_wipe(&init->ca_cert);
	buf_wipe(&init->transfer_cert);
	keys_wipe(&init->keys);
	*init = (struct init){ 0 };
}

/* Was it said what to do about keys that are there already? */
static bool
keys_were_chosen(const struct init *init)
{
	return init->options->use_key != NULL ||
	       init->options->key_type != NULL;
}

static enum rc
refuse_held(const struct init *init)
{
	return err_set(RC_USAGE,
	    "token \"%s\" holds %zu key%s: adopt one with --use-key URI, or "
	    "make a new one with --key-type TYPE",
	    init->info.label, init->n_held, init->n_held == 1 ? "" : "s");
}

static enum rc
read_held(struct init *init)
{
	token_keys_free(init->held, init->n_held);
	init->held = NULL;
	init->n_held = 0;
	return token_keys(init->token, &init->held, &init->n_held);
}

static enum rc
can_make(const struct init *init, const struct init_key *key)
{
	return key->type == NULL ? RC_OK
				 : token_can_make(init->token, key->type);
}

enum rc
init_look(struct init *init)
{
	const struct init_options *o = init->options;
	const char *uri = o->token != NULL     ? o->token
			  : o->use_key != NULL ? o->use_key
					       : o->transfer_key;
	enum rc rc = token_open(init->token, uri, &init->info);

	if (rc == RC_OK)
		rc = read_held(init);
	if (rc == RC_OK && init->n_held != 0 && !keys_were_chosen(init))
		rc = refuse_held(init);
	if (rc == RC_OK)
		rc = can_make(init, &init->ca);
	if (rc == RC_OK)
		rc = can_make(init, &init->transfer);
	return rc;
}

/* A key that signs for years: everything that a subscriber's must be, too. */
static enum rc
check_key(const char *what, struct init_key *key)
{
	OWN(EVP_PKEY) *pkey = NULL;
	struct key_facts facts;
	enum rc rc;

	if (key->key.spki.n == 0)
		return err_set(RC_TOKEN,
		    "%s \"%s\": the token does not show its public key", what,
		    key->key.label);
	rc = key_check(what, buf_span(&key->key.spki), &facts, &pkey);
	if (rc == RC_OK && key->key.extractable)
		rc = err_set(RC_TOKEN,
		    "%s \"%s\": the token would give its private key away "
		    "(extractable)",
		    what, key->key.label);
	return rc;
}

static enum rc
adopt(const struct init *init, const char *what, struct init_key *key)
{
	enum rc rc = token_find_key(init->token, key->uri, &key->key);

	return rc == RC_OK ? check_key(what, key) : err_in(rc, "%s", what);
}

static enum rc
make(const struct init *init, const char *what, const char *label,
    struct init_key *key)
{
	enum rc rc =
	    token_keygen(init->token, key->type, label, SPAN_NONE, &key->key);

	key->made = rc == RC_OK;
	return rc == RC_OK ? check_key(what, key) : err_in(rc, "%s", what);
}

/* Labels that no other CA on the token has: an object is named by its label in
 * token.conf. */
static enum rc
make_missing(struct init *init)
{
	char ca[24], transfer[24], hex[9];
	uint8_t mark[4];
	enum rc rc = RC_OK;

	if (RAND_bytes(mark, sizeof(mark)) != 1)
		return err_openssl(RC_BUG, "no random bytes");
	hex_write(span_of(mark, sizeof(mark)), hex);
	(void)snprintf(ca, sizeof(ca), "ca-%s", hex);
	(void)snprintf(transfer, sizeof(transfer), "transfer-%s", hex);
	if (init->ca.type != NULL)
		rc = make(init, "CA key", ca, &init->ca);
	if (rc == RC_OK && init->transfer.type != NULL)
		rc = make(init, "transfer key", transfer, &init->transfer);
	return rc;
}

static enum rc
open_keys(struct init *init)
{
	struct span ca = buf_span(&init->ca.key.spki);
	struct span transfer = buf_span(&init->transfer.key.spki);
	const uint8_t *p = transfer.p;
	enum rc rc;

	if (span_eq(ca, transfer))
		return err_set(RC_USAGE,
		    "the CA key and the transfer key are the same key: the CA "
		    "key signs X.509 objects only");
	rc = sign_alg_of(ca, &init->keys.alg);
	if (rc == RC_OK)
		rc = token_use_key(init->token, ca, &init->keys.ca);
	if (rc == RC_OK)
		rc = token_use_key(init->token, transfer, &init->keys.transfer);
	if (rc != RC_OK)
		return rc;
	init->keys.token = init->token;
	init->keys.transfer_key = d2i_PUBKEY(NULL, &p, (long)transfer.n);
	if (init->keys.transfer_key == NULL)
		return err_openssl(RC_TOKEN, "transfer key");
	return cose_alg_of(init->keys.transfer_key, &init->keys.transfer_alg);
}

enum rc
init_keys(struct init *init)
{
	enum rc rc = token_login(init->token);

	/* Many tokens show their keys only now. */
	if (rc == RC_OK)
		rc = read_held(init);
	if (rc == RC_OK && init->n_held != 0 && !keys_were_chosen(init))
		rc = refuse_held(init);
	/* What may fail without a trace comes first. */
	if (rc == RC_OK && init->ca.uri != NULL)
		rc = adopt(init, "CA key", &init->ca);
	if (rc == RC_OK && init->transfer.uri != NULL)
		rc = adopt(init, "transfer key", &init->transfer);
	if (rc == RC_OK)
		rc = make_missing(init);
	return rc == RC_OK ? open_keys(init) : rc;
}

enum rc
init_explain(const struct init *init, enum rc rc)
{
	if (!init->ca.made && !init->transfer.made)
		return rc;
	if (!init->transfer.made)
		return err_in(rc,
		    "the new CA key stays on the token: go on with --use-key "
		    "'%s'; because",
		    init->ca.key.uri);
	if (!init->ca.made)
		return err_in(rc,
		    "the new transfer key stays on the token: go on with "
		    "--transfer-key '%s'; because",
		    init->transfer.key.uri);
	return err_in(rc,
	    "the new keys stay on the token: go on with --use-key '%s' "
	    "--transfer-key '%s'; because",
	    init->ca.key.uri, init->transfer.key.uri);
}
