/* SPDX-License-Identifier: Apache-2.0 */
/* The token's part of `init`: which keys there are, which become the CA's. */
#include "ca/lifecycle/init.h"

#include "transfer/rule.h"

void
init_wipe(struct init *init)
{
	buf_wipe(&init->subject);
	buf_wipe(&init->policy_text);
	policy_wipe(&init->policy);
	text_list_wipe(&init->scope_ip);
	text_list_wipe(&init->scope_email);
	buf_wipe(&init->interfaces);
	buf_wipe(&init->doubt);
	media_wipe(&init->media);
	token_keys_free(init->held, init->n_held);
	own_key_wipe(&init->ca);
	own_key_wipe(&init->transfer);
	buf_wipe(&init->request);
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
	    "token \"%s\" holds %zu key%s: adopt one with --use-key URI, or make a new one with --key-type TYPE",
	    init->info.label, init->n_held, init->n_held == 1 ? "" : "s");
}

static enum rc
init_keys_read_held(struct init *init)
{
	token_keys_free(init->held, init->n_held);
	init->held = NULL;
	init->n_held = 0;
	return token_keys(init->token, &init->held, &init->n_held);
}

static enum rc
can_make(const struct init *init, const struct own_key *key)
{
	return key->type == NULL ? RC_OK
				 : token_can_make(init->token, key->type);
}

enum rc
init_look(struct init *init)
{
	const struct init_options *o = init->options;
	enum rc rc;

	init->opened_by = o->token != NULL     ? o->token
			  : o->use_key != NULL ? o->use_key
					       : o->transfer_key;
	rc = token_open(init->token, init->opened_by, &init->info);
	if (rc == RC_OK)
		rc = init_clock_doubt_token(init);
	if (rc == RC_OK)
		rc = init_keys_read_held(init);
	if (rc == RC_OK && init->n_held != 0 && !keys_were_chosen(init))
		rc = refuse_held(init);
	if (rc == RC_OK)
		rc = can_make(init, &init->ca);
	if (rc == RC_OK)
		rc = can_make(init, &init->transfer);
	return rc;
}

static enum rc
open_keys(struct init *init)
{
	struct span ca = buf_span(&init->ca.key.spki);
	struct span transfer = buf_span(&init->transfer.key.spki);
	enum rc rc;

	if (span_eq(ca, transfer))
		return err_set(RC_USAGE,
		    "the CA key and the transfer key are the same key: the CA key signs X.509 objects only");
	init->keys.token = init->token;
	rc = sign_alg_of(ca, &init->keys.alg);
	if (rc == RC_OK)
		rc = token_use_key(init->token, ca, &init->keys.ca);
	return rc == RC_OK ? keys_set_transfer(&init->keys, transfer) : rc;
}

static enum rc
adopted_key_check(const struct init *init)
{
	const struct adoption *adopted = init->options->adopted;

	if (span_eq(buf_span(&init->ca.key.spki), adopted->form.parts.spki))
		return RC_OK;
	return rule_refuse(RULE_ADOPT_KEY,
	    "CA key \"%s\": it is not the key of %s", init->ca.key.label,
	    adopted->path);
}

enum rc
init_keys(struct init *init)
{
	enum rc rc = token_login(init->token);

	/* Many tokens show their keys only now. */
	if (rc == RC_OK)
		rc = init_keys_read_held(init);
	if (rc == RC_OK && init->n_held != 0 && !keys_were_chosen(init))
		rc = refuse_held(init);
	/* What may fail without a trace comes first. */
	if (rc == RC_OK && init->ca.type == NULL)
		rc = own_key_get(init->token, "ca", &init->ca);
	if (rc == RC_OK && init->options->adopted != NULL)
		rc = adopted_key_check(init);
	if (rc == RC_OK && init->transfer.type == NULL)
		rc = own_key_get(init->token, "transfer", &init->transfer);
	if (rc == RC_OK && init->ca.type != NULL)
		rc = own_key_get(init->token, "ca", &init->ca);
	if (rc == RC_OK && init->transfer.type != NULL)
		rc = own_key_get(init->token, "transfer", &init->transfer);
	return rc == RC_OK ? open_keys(init) : rc;
}

enum rc
init_explain(const struct init *init, enum rc rc)
{
	if (!init->ca.made && !init->transfer.made)
		return rc;
	if (!init->transfer.made)
		return err_in(rc,
		    "the new CA key stays on the token: go on with --use-key '%s'; because",
		    init->ca.key.uri);
	if (!init->ca.made)
		return err_in(rc,
		    "the new transfer key stays on the token: go on with --transfer-key '%s'; because",
		    init->transfer.key.uri);
	return err_in(rc,
	    "the new keys stay on the token: go on with --use-key '%s' --transfer-key '%s'; because",
	    init->ca.key.uri, init->transfer.key.uri);
}
