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
	if (cert->der.n == 0 && !cert->adopted)
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

/* The first second of an adopted one is in its DER alone, which may be lost. */
static json_t *
cert_json_not_before(const struct ledger_cert *cert)
{
	return cert->adopted && cert->der.n == 0
		   ? json_null()
		   : cmd_json_time(cert->intent.not_before);
}

static json_t *
cert_json_subject(const struct ledger_cert *cert, const struct cert_text *text)
{
	if (cert->der.n != 0)
		return cmd_json_text(buf_span(&text->subject));
	return cert->adopted && !cert->listed
		   ? cmd_json_text(buf_span(&cert->subject))
		   : json_null();
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
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:b}", "serial",
	    made ? cmd_json_text(buf_span(&text->serial))
		 : cmd_json_hex(ledger_cert_serial(cert)),
	    "sha256",
	    made ? cmd_json_hex(span_of(digest, sizeof(digest))) : json_null(),
	    "subject", cert_json_subject(cert, text), "names",
	    made ? cert_json_names_json(&text->names) : json_null(), "profile",
	    *i->profile == '\0' ? json_null() : json_string(i->profile),
	    "request_id",
	    *i->request_id == '\0' ? json_null() : json_string(i->request_id),
	    "not_before", cert_json_not_before(cert), "not_after",
	    cert->listed ? json_null() : cmd_json_time(i->not_after), "status",
	    cert_status(cert, now), "adopted", cert->adopted && !cert->listed);
}
