/* SPDX-License-Identifier: Apache-2.0 */
/* Names say what to look at; the CA's signatures say what it is. Unlike a
 * bundle's head nobody else can make this up, whoever holds the stick. */
#include "ca/response/stick_ahead.h"

#include "base/file.h"
#include "ca/response/manifest_prove.h"
#include "ca/response/stick_check.h"
#include "transfer/media/layout.h"
#include "transfer/rule.h"

#include <stdio.h>

/* The directory may bear another's name: what it is, the manifest says. */
static enum rc
ahead_refuse(struct ledger *ledger, const struct trust *trust, const char *from,
    const struct manifest *m)
{
	WIPED(ledger_manifest) ours = { 0 };
	bool known = false;
	enum rc rc = RC_OK;

	if (memcmp(m->ca_id, trust->ca_id, SHA256_LEN) != 0)
		return RC_OK;
	rc = ledger_manifest_get(
	    ledger, m->requester, m->sequence, &ours, &known);
	if (rc != RC_OK || known)
		return rc;
	return rule_refuse(RULE_RESPONSE_AHEAD,
	    "%s: this CA signed it as response %u, and this ledger does not have it: it lost its newest records",
	    from, (unsigned)m->sequence);
}

/* What is not proven to be this CA's is no error, and none of its business. */
static enum rc
ahead_prove(struct ledger *ledger, const struct trust *trust, const char *from,
    struct span file)
{
	WIPED(manifest) m = { 0 };
	struct cose cose;
	enum rc rc = cose_read(from, file, COSE_MANIFEST, &cose);

	if (rc == RC_OK)
		rc = manifest_read_head(from, cose.payload, &m);
	if (rc == RC_OK)
		rc = manifest_prove(from, trust, &cose, m.signed_at);
	if (rc == RC_OK)
		return ahead_refuse(ledger, trust, from, &m);
	if (rule_spoken() == RULE_NONE)
		return rc;
	err_clear();
	return RC_OK;
}

/* A sealed copy, `ret` unchanged where there is no such file as we write. */
static enum rc
ahead_copy(const struct media *media, const char *dir, struct sealed *ret)
{
	WIPED(media_names) names = { 0 };
	char path[MEDIA_NAME_MAX + sizeof("/" LAYOUT_MANIFEST)];
	int memfd = -1;
	bool there = false;
	enum rc rc = media_list(media, dir, NULL, false, &names);

	for (size_t i = 0; i < names.n; i++)
		there |= strcmp(names.items[i], LAYOUT_MANIFEST) == 0;
	if (rc == RC_OK && !there)
		return RC_OK;
	(void)snprintf(path, sizeof(path), "%s/" LAYOUT_MANIFEST, dir);
	if (rc == RC_OK)
		rc = media_copy(media, path, COSE_FILE_MAX, &memfd);
	if (rc == RC_OK)
		rc = sealed_map(memfd, ret);
	if (rc != RC_OK)
		fd_close(&memfd);
	return rc;
}

static enum rc
ahead_look(const struct media *media, struct ledger *ledger,
    const struct trust *trust, const char *dir)
{
	WIPED(sealed) copy = { .fd = -1 };
	enum rc rc = ahead_copy(media, dir, &copy);

	if (rc == RC_FORMAT) { /* links, other kinds of files */
		err_clear();
		return RC_OK;
	}
	return rc != RC_OK || copy.bytes.n == 0
		   ? rc
		   : ahead_prove(ledger, trust, dir, copy.bytes);
}

enum rc
stick_ahead(
    const struct media *media, struct ledger *ledger, const struct trust *trust)
{
	WIPED(media_names) names = { 0 };
	enum rc rc = media_list(media, MEDIA_RESPONSES, NULL, false, &names);

	for (size_t i = 0; i < names.n && rc == RC_OK; i++) {
		uint8_t prefix[4], channel[SHA256_LEN];
		char dir[MEDIA_NAME_MAX];
		uint32_t sequence;
		bool known = false;

		if (!stick_name_read(
			names.items[i], trust->ca_id, prefix, &sequence))
			continue;
		rc = ledger_manifest_find(
		    ledger, prefix, sequence, channel, &known);
		(void)snprintf(dir, sizeof(dir), MEDIA_RESPONSES "/%.100s",
		    names.items[i]);
		if (rc == RC_OK && !known)
			rc = ahead_look(media, ledger, trust, dir);
	}
	return rc;
}
