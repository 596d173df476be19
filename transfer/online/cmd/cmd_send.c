/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle is in the store before it is on the stick, so that whatever breaks
 * off leaves more on this side than there. */
#include "transfer/online/cmd/cmd_send.h"

#include "base/clock.h"
#include "base/term.h"
#include "transfer/x509/cert.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum rc
send_read_key(
    const struct cmd_env *env, const struct store *store, EVP_PKEY **ret)
{
	WIPED(buf) path = { 0 };
	enum rc rc = buf_printf(&path, "%s/" ONLINE_REQUESTER_KEY, env->home);
	const char *text = rc == RC_OK ? buf_cstr(&path) : NULL;

	if (text == NULL)
		return rc != RC_OK ? rc : err_memory();
	rc = online_key_read(env->home, ONLINE_REQUESTER_KEY, ret);
	if (rc == RC_OK || access(text, F_OK) == 0 || errno != ENOENT)
		return rc;
	return err_set(RC_STATE,
	    "%s: is gone: put it back from a copy of this home; without it this host is another one to the CA, which first wants `airgap-ca requester remove %s`, and here a new --home",
	    text, store->label);
}

enum rc
send_write(const struct cmd_env *env, const struct compose *compose,
    const struct media *media, const struct composed_bundle *b)
{
	char hex[2 * BUNDLE_ID_LEN + 1];
	char path[sizeof(MEDIA_REQUESTS) + sizeof(hex) + 8];
	WIPED(buf) note = { 0 };
	enum rc rc;

	hex_write(span_of(b->id, BUNDLE_ID_LEN), hex);
	(void)snprintf(path, sizeof(path), MEDIA_REQUESTS "/%s.cose", hex);
	rc = media_put_file(media, path, buf_span(&b->file), false, &note);
	if (rc != RC_OK)
		return err_in(rc,
		    "the bundle is recorded but not on the stick; `airgap-transfer request --again --out STICK` makes a new one");
	term_say("%s/%s: %zu request%s, ", media->path, path, compose->n,
	    compose->n == 1 ? "" : "s");
	if (compose->n_revocations != 0)
		term_say("%zu revocation%s, ", compose->n_revocations,
		    compose->n_revocations == 1 ? "" : "s");
	term_say("%zu bytes (%.*s)\n", b->file.n, SPAN_FMT(buf_span(&note)));
	term_say("Carry it to the CA, and there: airgap-ca sign STICK\n");
	if (!env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:s, s:s, s:I, s:I, s:I}", "bundle_id", hex,
	    "path", path, "sequence", (json_int_t)b->sequence, "requests",
	    (json_int_t)compose->n, "revocations",
	    (json_int_t)compose->n_revocations));
}

void
send_tell_revocations(const struct compose *c)
{
	for (size_t i = 0; i < c->n_revocations; i++) {
		const struct revocation *r = &c->revocations[i];
		const struct span id = r->serial.n != 0 ? r->serial : r->key_id;
		char hex[2 * SHA256_LEN + 1];

		hex_write(id, hex);
		term_say("to be revoked: %s %s (%s)\n",
		    r->serial.n != 0 ? "certificate"
				     : "every certificate of key",
		    hex, reason_text((enum reason)r->reason));
	}
	if (c->n_revocations != 0)
		term_say(
		    "It takes effect after the visit to the CA, when `airgap-transfer install STICK` has brought its CRLs and `airgap-transfer rotate` has put them in place: until then nobody knows.\n");
}
