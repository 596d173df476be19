/* SPDX-License-Identifier: Apache-2.0 */
/* Plain CSRs beside bundles, and the other way round. Names of files are enough
 * here: nothing is decided by them but whether to go on. */
#include "base/term.h"
#include "base/typed.h"
#include "ca/cmd/cmd_sign.h"
#include "transfer/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ENDING ".cose"

/* A bundle's file has its id as a name. */
static enum rc
is_answered(struct ledger *ledger, const char *name, bool *ret)
{
	struct ledger_bundle *all = NULL;
	size_t n = 0;
	uint8_t id[BUNDLE_ID_LEN];
	char hex[2 * BUNDLE_ID_LEN + 1];
	enum rc rc;

	*ret = false;
	if (strlen(name) != sizeof(hex) - 1 + strlen(ENDING))
		return RC_OK;
	memcpy(hex, name, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	if (!hex_read(hex, id, sizeof(id)))
		return RC_OK;
	rc = ledger_bundles_of_id(ledger, id, &all, &n);
	*ret = n > 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret && all[i].answered != 0;
	free(all);
	return rc;
}

static enum rc
sign_loose_list(const struct sign *sign, const char *dir, const char *ending,
    struct media_names *ret)
{
	WIPED(media) media = { 0 };
	struct stat st;
	enum rc rc;

	if (stat(sign->options.media, &st) != 0)
		return err_errno(RC_IO, errno, "%s", sign->options.media);
	if (!S_ISDIR(st.st_mode))
		return RC_OK; /* a FILE */
	rc = media_open(sign->options.media, &media);
	return rc != RC_OK ? rc : media_list(&media, dir, ending, false, ret);
}

enum rc
sign_loose_alone(struct sign *sign)
{
	WIPED(media_names) names = { 0 };
	const char *first = NULL;
	size_t open = 0;
	enum rc rc = sign_loose_list(sign, MEDIA_REQUESTS, ENDING, &names);

	for (size_t i = 0; i < names.n && rc == RC_OK; i++) {
		bool answered;

		rc = is_answered(
		    sign->visit.act.ledger, names.items[i], &answered);
		if (rc != RC_OK || answered)
			continue;
		if (open++ == 0)
			first = names.items[i];
	}
	if (rc != RC_OK || open == 0)
		return rc;
	return rule_refuse(RULE_LOOSE_BUNDLE,
	    "%s: has %zu bundle%s that this CA has not answered, %s%s",
	    sign->options.media, open, open == 1 ? "" : "s", first,
	    open == 1 ? "" : " and others");
}

/* Which of several CSRs a name is meant for nobody could tell. */
enum rc
sign_loose_read(
    const struct sign *sign, const struct scanned *file, struct submission *ret)
{
	const struct loose_asked asked = { span_str(sign->profile),
		sign->asked.items, sign->asked.n };
	WIPED(submission) s = { 0 };
	enum rc rc = submission_read_loose(file, &asked, &s);

	if (rc != RC_OK)
		return rc;
	if (asked.n_names != 0 && s.loose.n != 1)
		return err_set(RC_USAGE,
		    "--name says what one CSR is to be called, and %s has %zu; give that one as FILE, with --out MEDIA",
		    sign->options.media, s.loose.n);
	*ret = s;
	s = (struct submission){ 0 };
	return RC_OK;
}

enum rc
sign_loose_hint(const struct sign *sign)
{
	static const char *const endings[] = { ".csr", ".p10" };
	WIPED(buf) media = { 0 };
	const char *text;
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < 2 && rc == RC_OK; i++) {
		WIPED(media_names) names = { 0 };

		rc = sign_loose_list(sign, ".", endings[i], &names);
		n += names.n;
	}
	if (rc == RC_OK)
		rc = typed_word(&media, sign->options.media);
	text = rc == RC_OK ? buf_cstr(&media) : NULL;
	if (text == NULL)
		return rc != RC_OK ? rc : err_memory();
	if (n != 0)
		term_say(
		    "Plain CSR files lie there: airgap-ca sign %s --loose --profile P\n",
		    text);
	return RC_OK;
}
