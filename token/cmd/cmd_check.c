/* SPDX-License-Identifier: Apache-2.0 */
/* `check`: one key is made to prove itself, by its attributes, an attestation
 * if there is one, and signatures over words that certify nothing. */
#include "token/cmd/cmd.h"

#include "base/hex.h"
#include "base/term.h"
#include "token/card/attest.h"
#include "token/card/verify.h"

/* Something that nobody could have had signed before. */
static const char text[] = "airgap-token check: nothing is certified by this";

static enum rc
sign_and_verify(struct cmd_key *k, enum token_scheme scheme)
{
	uint8_t digest[SHA256_LEN];
	WIPED(buf) sig = { 0 };
	enum rc rc = sha256(span_str(text), digest);

	if (rc == RC_OK)
		rc = token_sign(k->token, k->handle, scheme,
		    span_of(digest, sizeof(digest)), &sig);
	return rc != RC_OK
		   ? rc
		   : verify_signature(buf_span(&k->key.spki), scheme,
			 span_of(digest, sizeof(digest)), buf_span(&sig));
}

static enum rc
token_check_signature(struct cmd_key *k)
{
	enum rc rc;

	bool is_rsa = strncmp(k->key.type, "rsa-", 4) == 0;

	/* Twice: a card may want a login for each, and tell by the second. */
	rc = sign_and_verify(k, is_rsa ? TOKEN_RSA_PKCS1 : TOKEN_ECDSA);
	return rc != RC_OK
		   ? rc
		   : sign_and_verify(k, is_rsa ? TOKEN_RSA_PSS : TOKEN_ECDSA);
}

/* What the maker of the token says about the key. */
struct attestation {
	bool there, is_signed;
	struct buf issuer; /* a name */
};

static void
attestation_wipe(struct attestation *a)
{
	buf_wipe(&a->issuer);
}

static enum rc
check_attestation(struct cmd_key *k, struct attestation *ret)
{
	WIPED(buf) cert = { 0 }, issuer = { 0 };
	enum rc rc =
	    token_attestation(k->token, buf_span(&k->key.spki), &cert, &issuer);

	if (rc != RC_OK || cert.n == 0)
		return rc;
	/* The token process found it; that it is about this key is proved. */
	if (!attest_is_for(buf_span(&cert), buf_span(&k->key.spki)))
		return err_set(RC_TOKEN, "the attestation is for another key");
	ret->there = true;
	return attest_describe(
	    buf_span(&cert), buf_span(&issuer), &ret->issuer, &ret->is_signed);
}

static void
say_report(const struct cmd_key *k, const struct attestation *a)
{
	const struct token_key *key = &k->key;

	term_print(stdout, "token \"%s\", key \"%s\", %s\n", k->info.label,
	    key->label, key->type);
	term_print(stdout, "  sensitive           %s\n",
	    key->sensitive ? "yes" : "NO");
	term_print(stdout, "  extractable         %s\n",
	    key->extractable ? "YES" : "no");
	term_print(stdout, "  never extractable   %s\n",
	    key->never_extractable ? "yes" : "not shown");
	term_print(stdout, "  made on the token   %s\n",
	    key->local ? "yes" : "not shown");
	term_print(stdout, "  PIN each signature  %s\n",
	    key->always_authenticate ? "yes" : "no");
	term_print(stdout, "  other uses          %s\n",
	    key->decrypt ? "decrypts" : "none");
	if (!a->there)
		term_print(
		    stdout, "  attestation         none from this module\n");
	else
		term_print(stdout, "  attestation         by %.*s, %s\n",
		    SPAN_FMT(buf_span(&a->issuer)),
		    a->is_signed
			? "signature verified; compare that key with the maker's root"
			: "NOT VERIFIED: its issuer is not on the token");
}

static json_t *
json_report(const struct cmd_key *k, const struct attestation *a, enum rc rc)
{
	json_t *attestation = json_null();

	if (a->there)
		attestation = json_pack("{s:o,s:b}", "issuer",
		    cmd_json_text(buf_span(&a->issuer)), "verified",
		    a->is_signed);
	return json_pack("{s:b,s:o,s:o,s:o}", "good", rc == RC_OK, "token",
	    cmd_json_info(&k->info), "key", cmd_json_key(&k->key),
	    "attestation", attestation);
}

/* What a CA's key must keep, then what is merely not shown. */
static enum rc
check_promises(const struct token_key *key)
{
	if (!key->sensitive)
		return err_set(RC_TOKEN,
		    "the key \"%s\" is not sensitive: the token may show it",
		    key->label);
	if (key->extractable)
		return err_set(RC_TOKEN,
		    "the key \"%s\" is extractable: there may be copies",
		    key->label);
	if (!key->local || !key->never_extractable)
		return err_set(RC_PARTIAL,
		    "the token does not say that the key \"%s\" was made on it and never left: there may be copies",
		    key->label);
	return RC_OK;
}

static enum rc
check_run(
    struct cmd_env *env, const char *uri, const struct token_options *options)
{
	WIPED(cmd_key) k = { .token = NULL };
	WIPED(attestation) a = { .there = false };
	enum rc rc = cmd_key_open(&k, uri, options);
	enum rc written = RC_OK;

	if (rc == RC_OK)
		rc = check_attestation(&k, &a);
	if (rc == RC_OK)
		rc = token_check_signature(&k);
	if (rc != RC_OK)
		return rc;
	rc = check_promises(&k.key);
	if (env->json) {
		written = cmd_json(json_report(&k, &a, rc));
	} else {
		say_report(&k, &a);
		term_print(stdout,
		    "  signature           made and verified with the public key\n");
	}
	return written != RC_OK ? written : rc;
}

enum rc
cmd_check(struct cmd_env *env, int argc, char **argv)
{
	struct token_options o = { .module = NULL };
	const struct cmd_option options[] = {
		CMD_KEY_OPTIONS(o),
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	const char *uri = NULL;
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc == RC_OK && !done)
		rc = cmd_uri(env, &operands, &uri);
	return rc != RC_OK || done ? rc : check_run(env, uri, &o);
}
