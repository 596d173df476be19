/* SPDX-License-Identifier: Apache-2.0 */
/* Is what lies on a stick what the ledger would write there? Compared byte for
 * byte, and noted as delivered. */
#include "ca/response/stick_check.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>

static void
stick_response_wipe(struct stick_response *r)
{
	media_faults_wipe(&r->faults);
	buf_wipe(&r->note);
}

void
stick_look_wipe(struct stick_look *look)
{
	for (size_t i = 0; i < look->n; i++)
		stick_response_wipe(&look->items[i]);
	free(look->items);
	*look = (struct stick_look){ 0 };
}

/* ---- names --------------------------------------------------------------- */

#define PART_LEN 8 /* hex digits of a ca-id or a requester's id */

bool
stick_name_read(const char *name, const uint8_t ca_id[static SHA256_LEN],
    uint8_t ret_prefix[static 4], uint32_t *ret_sequence)
{
	char part[PART_LEN + 1], again[MEDIA_NAME_MAX];
	unsigned sequence;
	int n = 0;

	memset(ret_prefix, 0, 4);
	hex_write(span_of(ca_id, 4), part);
	if (strncmp(name, part, PART_LEN) != 0 || name[PART_LEN] != '-')
		return false;
	name += PART_LEN + 1;
	if (strncmp(name, "loose-", 6) == 0) {
		name += 6;
	} else {
		(void)snprintf(part, sizeof(part), "%.8s", name);
		if (!hex_read(part, ret_prefix, 4) || name[PART_LEN] != '-')
			return false;
		name += PART_LEN + 1;
	}
	if (sscanf(name, "%9u%n", &sequence, &n) != 1 || sequence == 0)
		return false;
	/* Only as we write it: no sign, no blank, no tail. */
	(void)snprintf(again, sizeof(again), "%06u", sequence);
	*ret_sequence = sequence;
	return strcmp(name, again) == 0;
}

/* ---- looking ------------------------------------------------------------- */

static enum rc
stick_check_compare(const struct media *media,
    const struct response_maker *maker, struct stick_response *r)
{
	WIPED(response) response = { 0 };
	enum rc rc = response_again(maker, r->channel, r->sequence, &response);

	if (rc != RC_OK)
		return rc;
	r->known = strcmp(response.dir, r->dir) == 0;
	return r->known
		   ? response_compare(media, &response, &r->faults, &r->note)
		   : RC_OK;
}

static enum rc
look_at(const struct media *media, const struct response_maker *maker,
    const char *name, struct stick_look *look)
{
	struct stick_response *r;
	uint8_t prefix[4];
	uint32_t sequence;
	bool known = false;
	enum rc rc;

	if (!stick_name_read(name, maker->ca->ca_id, prefix, &sequence)) {
		look->n_foreign++;
		return RC_OK;
	}
	rc = LIST_GROW(look->items, look->n);
	if (rc != RC_OK)
		return rc;
	r = &look->items[look->n++];
	*r = (struct stick_response){ .sequence = sequence };
	(void)snprintf(r->dir, sizeof(r->dir), MEDIA_RESPONSES "/%.100s", name);
	rc = ledger_manifest_find(
	    maker->ledger, prefix, sequence, r->channel, &known);
	return rc == RC_OK && known ? stick_check_compare(media, maker, r) : rc;
}

enum rc
stick_look(const struct media *media, const struct home *home,
    struct ledger *ledger, const struct ledger_ca *ca, struct stick_look *ret)
{
	const struct response_maker maker = {
		.ledger = ledger, .ca = ca, .home = home
	};
	WIPED(stick_look) look = { 0 };
	WIPED(media_names) names = { 0 };
	enum rc rc = media_list(media, MEDIA_RESPONSES, NULL, false, &names);

	for (size_t i = 0; i < names.n && rc == RC_OK; i++)
		rc = look_at(media, &maker, names.items[i], &look);
	if (rc != RC_OK)
		return rc;
	*ret = look;
	look = (struct stick_look){ 0 };
	return RC_OK;
}

/* ---- recording ----------------------------------------------------------- */

static enum rc
is_pending(
    struct ledger *ledger, const struct stick_response *r, bool *ret_pending)
{
	WIPED(requester) q = { 0 };
	uint32_t *list = NULL;
	size_t n = 0;
	bool known = false;
	enum rc rc = ledger_requester_get(ledger, r->channel, &q, &known);

	*ret_pending = false;
	if (rc == RC_OK)
		rc = ledger_manifests_pending(
		    ledger, r->channel, known ? q.arrived : 0, &list, &n);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (list[i] == r->sequence)
			*ret_pending = true;
	free(list);
	return rc;
}

static enum rc
record_all(struct ledger *ledger, const struct stick_look *look, size_t *ret_n)
{
	enum rc rc = RC_OK;

	*ret_n = 0;
	for (size_t i = 0; i < look->n && rc == RC_OK; i++) {
		const struct stick_response *r = &look->items[i];
		bool pending = false;

		if (!r->known || r->faults.n != 0 || !r->faults.past_cache)
			continue;
		rc = is_pending(ledger, r, &pending);
		if (rc != RC_OK || !pending)
			continue;
		rc = ledger_checked_add(ledger, r->channel, r->sequence);
		*ret_n += rc == RC_OK;
	}
	return rc;
}

enum rc
stick_record(struct ledger *ledger, int64_t now, struct span policy,
    const struct stick_look *look, size_t *ret_n)
{
	enum rc rc = ledger_begin(ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(ledger, now, policy);
	if (rc == RC_OK)
		rc = record_all(ledger, look, ret_n);
	/* A stamp alone may bring a record of a changed policy: without a
	 * reason that is left to whoever acts under it. */
	if (rc == RC_OK && *ret_n > 0)
		return ledger_commit(ledger);
	ledger_rollback(ledger);
	return rc;
}
