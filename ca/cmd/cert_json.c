/* SPDX-License-Identifier: Apache-2.0 */
/* The words and the JSON for a certificate, once for the three commands that
 * show one. */
#include "ca/cmd/cert_json.h"

#include "base/cmd.h"

const char *
cert_status(const struct ledger_cert *cert, int64_t now)
{
	if (cert->is_void)
		return "void";
	if (cert->der.n == 0)
		return "unfinished";
	if (cert->revoked)
		return "revoked";
	if (now < cert->intent.not_before)
		return "future";
	return now > cert->intent.not_after ? "expired" : "valid";
}

static json_t *
cert_json_names_json(const struct name_list *names)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < names->n; i++) {
		WIPED(buf) name = { 0 };

		if (name_write(&name, &names->items[i]) != RC_OK ||
		    json_array_append_new(
			list, cmd_json_text(buf_span(&name))) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What a void or unfinished one never had is null. */
json_t *
cert_json(
    const struct ledger_cert *cert, const struct cert_text *text, int64_t now)
{
	const struct intent *i = &cert->intent;
	bool made = cert->der.n != 0;
	uint8_t digest[SHA256_LEN];

	if (sha256(buf_span(&cert->der), digest) != RC_OK)
		return NULL;
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "serial",
	    made ? cmd_json_text(buf_span(&text->serial))
		 : cmd_json_hex(span_of(i->serial, sizeof(i->serial))),
	    "sha256",
	    made ? cmd_json_hex(span_of(digest, sizeof(digest))) : json_null(),
	    "subject",
	    made ? cmd_json_text(buf_span(&text->subject)) : json_null(),
	    "names", made ? cert_json_names_json(&text->names) : json_null(),
	    "profile",
	    *i->profile == '\0' ? json_null() : json_string(i->profile),
	    "request_id",
	    *i->request_id == '\0' ? json_null() : json_string(i->request_id),
	    "not_before", cmd_json_time(i->not_before), "not_after",
	    cmd_json_time(i->not_after), "status", cert_status(cert, now));
}
