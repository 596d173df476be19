/* SPDX-License-Identifier: Apache-2.0 */
/* The card onto a stick and the CA as it is shown: the end of `init`, `export`
 * and `transfer-key`. */
#include "ca/cmd/cmd_common.h"

#include "base/term.h"
#include "base/words.h"
#include "ca/cmd/cmd_deliver.h"
#include "ca/home/ca_trust.h"
#include "ca/home/card.h"
#include "ca/response/stick_ahead.h"

#include <sys/stat.h>

enum rc
cmd_put_card(const struct media *media, const uint8_t ca_id[static SHA256_LEN],
    struct span file)
{
	WIPED(buf) path = { 0 };
	WIPED(buf) note = { 0 };
	const char *p, *n;
	enum rc rc = card_put(ca_id, file, media, &path, &note);

	if (rc != RC_OK)
		return rc;
	p = buf_cstr(&path);
	n = buf_cstr(&note);
	if (p == NULL || n == NULL)
		return err_memory();
	term_say(
	    "Card: %s/%s%s%s\n", media->path, p, *n == '\0' ? "" : ": ", n);
	return RC_OK;
}

enum rc
cmd_check_medium(const struct act *act, const char *path)
{
	WIPED(trust) trust = { 0 };
	WIPED(media) read = { 0 };
	const struct media *media = &act->media;
	struct stat st;
	enum rc rc = RC_OK;

	if (path == NULL)
		return RC_OK;
	if (media->path == NULL) {
		if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
			return RC_OK;
		rc = media_open(path, &read);
		media = &read;
	}
	if (rc == RC_OK)
		rc = ca_trust(&act->ca, &trust);
	return rc == RC_OK ? stick_ahead(media, act->ledger, &trust) : rc;
}

static enum rc
put_response(const struct act *act, struct response *response, json_t *dirs)
{
	WIPED(buf) note = { 0 };
	const char *said;
	enum rc rc = response_write(&act->home, &act->media, response, &note);

	if (rc != RC_OK)
		return rc;
	said = buf_cstr(&note);
	if (said == NULL ||
	    json_array_append_new(dirs, json_string(response->dir)) != 0)
		return err_memory();
	term_say("Response: %s/%s%s%s\n", act->media.path, response->dir,
	    *said == '\0' ? "" : ": ", said);
	return RC_OK;
}

enum rc
cmd_put_change(const struct act *act, struct response *responses, size_t n,
    struct span card, json_t *dirs)
{
	WIPED(delivery)
	before = { .home = &act->home,
		.ledger = act->ledger,
		.ca = &act->ca,
		.media = &act->media };
	enum rc rc = RC_OK;

	if (act->media.path == NULL) {
		term_say(
		    "Nothing is written: 'airgap-ca export MEDIA' writes the card, and 'airgap-ca resend MEDIA' each response.\n");
		return RC_OK;
	}
	for (size_t i = 0; responses != NULL && i < n && rc == RC_OK; i++) {
		const struct ledger_manifest *m = &responses[i].record;

		rc = deliver_before(&before, m->channel, m->sequence);
		if (rc == RC_OK)
			rc = put_response(act, &responses[i], dirs);
	}
	return rc == RC_OK ? cmd_put_card(&act->media, act->ca.ca_id, card)
			   : rc;
}

enum rc
cmd_show_ca(struct cmd_env *env, const struct ledger_ca *ca)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	enum rc rc = sha256(buf_span(&ca->ca_cert), digest);

	if (rc != RC_OK)
		return rc;
	hex_write(span_of(digest, sizeof(digest)), hex);
	term_say("The words of this CA, for whoever enrols with it:\n\n");
	rc = words_show(digest, "    ");
	if (rc != RC_OK)
		return rc;
	term_say("\n  SHA-256 %s\n", hex);
	if (!env->json)
		return RC_OK;
	return cmd_json(json_pack("{s:o,s:o}", "ca_id",
	    cmd_json_hex(span_of(ca->ca_id, SHA256_LEN)), "fingerprint",
	    cmd_json_hex(span_of(digest, sizeof(digest)))));
}
