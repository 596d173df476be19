/* SPDX-License-Identifier: Apache-2.0 */
/* The form of what parent and judge say. Orders come from the signer, which is
 * trusted: their limits are for our own mistakes. */
#include "transfer/judge/judge_wire.h"

#include "transfer/format/grammar.h"
#include "transfer/media/media.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/csr.h"
#include "transfer/x509/name.h"

/* clang-format off */

static const struct schema_type
	empty   = { .kind = SCHEMA_TUPLE },
	u32     = TYPE(NULL, SCHEMA_UINT, 0, UINT32_MAX),
	copy    = TYPE(NULL, SCHEMA_UINT, COPY_NONE, COPY_UNASKED),
	flag    = TYPE(NULL, SCHEMA_UINT, 0, 1),
	type    = TYPE(NULL, SCHEMA_UINT, 0, NAME_TYPES - 1),
	any     = TYPE(NULL, SCHEMA_BYTES, 0, SIZE_MAX),
	some    = TYPE(NULL, SCHEMA_BYTES, 1, SIZE_MAX),
	policy  = TYPE(NULL, SCHEMA_FILE, 0, POLICY_FILE_MAX),
	from    = TYPE(NULL, SCHEMA_BYTES, 0, JUDGE_FROM_MAX),
	path    = TYPE(NULL, SCHEMA_BYTES, 0, ERR_TEXT_MAX - 1),
	needed  = TYPE(NULL, SCHEMA_BYTES, 1, CSR_MAX),
	maybe   = TYPE(NULL, SCHEMA_BYTES, 0, CSR_MAX),
	serial  = TYPE(NULL, SCHEMA_BYTES, 0, SERIAL_MAX),
	file    = TYPE(NULL, SCHEMA_BYTES, 1, MEDIA_NAME_MAX);

LIST_OF(ca_certs, 1, JUDGE_CAS_MAX, "CA certificate", &needed, ITEM_SPAN);
static const struct schema_field open_order[] = {
	{ 0, "policy",               &policy,   IN(judge_order, policy) },
	{ 0, "ca-id",                &maybe,    IN(judge_order, ca_id) },
	{ 0, "CA certificates",      &ca_certs, LENT(judge_order, ca_certs) },
	{ 0, "transfer certificate", &maybe,    IN(judge_order, transfer_cert) },
};

/* As bytes: names went through name_check on both sides, and UTF-8 is no matter
 * here. */
static const struct schema_field name[] = {
	{ 0, "type", &type, IN(name, type) },
	{ 0, "name", &some, IN(name, text) },
};
static const struct schema_type name_type = TYPE_TUPLE(NULL, name, name);
LIST_OF(names, 0, NAMES_MAX, "name", &name_type, IN_PLACE);
static const struct schema_field cert_order[] = {
	{ 0, "certificate", &any,            IN(judge_order, der) },
	{ 0, "from",        &from,           IN(judge_order, from) },
	{ 0, "spki",        &needed,         IN(judge_order, spki) },
	{ 0, "profile",     &needed,         IN(judge_order, profile) },
	{ 0, "serial",      &serial,         IN(judge_order, serial) },
	{ 0, "notBefore",   &grammar_epoch,  IN(judge_order, not_before) },
	{ 0, "notAfter",    &grammar_epoch,  IN(judge_order, not_after) },
	{ 0, "issuer",      &grammar_key_id, OR_NULL(judge_order, issuer) },
	{ 0, "names",       &names,          LENT(judge_order, names) },
	{ 0, "CSR's subject", &maybe,        IN(judge_order, csr_subject) },
};

static const struct schema_field asked_order[] = {
	{ 0, "certificate", &any,           IN(judge_order, der) },
	{ 0, "request",     &u32,           IN(judge_order, request) },
	{ 0, "serial",      &serial,        IN(judge_order, serial) },
	{ 0, "notBefore",   &grammar_epoch, IN(judge_order, not_before) },
	{ 0, "notAfter",    &grammar_epoch, IN(judge_order, not_after) },
};

static const struct schema_field head[] = {
	{ 0, "sequence", &grammar_sequence,    IN(head, sequence) },
	{ 0, "digest",   &grammar_digest,      IN(head, digest) },
	{ 0, "ledger",   &grammar_ledger_head, STRUCT_IN(head, ledger) },
};
static const struct schema_type head_type = TYPE_TUPLE(NULL, head, head);
static const struct schema_field channel[] = {
	{ 0, "requester", &grammar_key_id, IN(channel, requester) },
	{ 0, "head",      &head_type,      STRUCT_OR_NULL(channel, head) },
};
static const struct schema_type channel_type =
	TYPE_TUPLE(NULL, channel, channel);
LIST_OF(files, 0, MEDIA_FILES_MAX, "file name", &file, ITEM_SPAN);
static const struct schema_field response_order[] = {
	{ 0, "from",    &from,         IN(judge_order, from) },
	{ 0, "channel", &channel_type, STRUCT_IN(judge_order, channel) },
	{ 0, "copy",    &copy,         IN(judge_order, copy) },
	{ 0, "taking",  &flag,         IN(judge_order, taking) },
	{ 0, "profile", &maybe,        IN(judge_order, profile) },
	{ 0, "names",   &names,        LENT(judge_order, names) },
	{ 0, "files",   &files,        LIST(judge_order, files) },
};

static const struct schema_field card_order[] = {
	{ 0, "from", &path,          IN(judge_order, from) },
	{ 0, "now",  &grammar_epoch, IN(judge_order, now) },
};
static const struct schema_type
	whose   = TYPE(NULL, SCHEMA_UINT, 0, KIN_WHOSE - 1),
	subject = TYPE(NULL, SCHEMA_BYTES, 0, CERT_MAX);
static const struct schema_field kin_fields[] = {
	{ 0, "whose",   &whose,          IN(kin_one, whose) },
	{ 0, "key-id",  &grammar_key_id, IN(kin_one, key_id) },
	{ 0, "subject", &subject,        IN(kin_one, subject) },
};
static const struct schema_type kin_type = TYPE_TUPLE(NULL, kin_one, kin_fields);
LIST_OF(kin, 0, JUDGE_KIN_MAX, "key that is taken", &kin_type, IN_PLACE);
static const struct schema_field kin_order[] = {
	{ 0, "keys that are taken", &kin, LIST(judge_order, kin) },
};
static const struct schema_type
	open_type     = TYPE_TUPLE(NULL, judge_order, open_order),
	cert_type     = TYPE_TUPLE(NULL, judge_order, cert_order),
	response_type = TYPE_TUPLE(NULL, judge_order, response_order),
	asked_type    = TYPE_TUPLE(NULL, judge_order, asked_order),
	card_type     = TYPE_TUPLE(NULL, judge_order, card_order),
	kin_order_type = TYPE_TUPLE(NULL, judge_order, kin_order);
static const struct schema_field orders[] = {
	[JUDGE_OPEN]     = { 0, "CA",                  &open_type,     IN_PLACE },
	[JUDGE_CERT]     = { 0, "certificate",         &cert_type,     IN_PLACE },
	[JUDGE_RESPONSE] = { 0, "response",            &response_type, IN_PLACE },
	[JUDGE_LEVEL]    = { 0, "level",               &empty,         IN_PLACE },
	[JUDGE_BUNDLE]   = { 0, "bundle",              &empty,         IN_PLACE },
	[JUDGE_ASKED]    = { 0, "certificate of that", &asked_type,    IN_PLACE },
	[JUDGE_CARD]     = { 0, "card",                &card_type,     IN_PLACE },
	[JUDGE_KIN]      = { 0, "keys",                &kin_order_type, IN_PLACE },
};
static const struct schema_type order_type =
	TYPE_OF(NULL, SCHEMA_MESSAGE, 0, 0, 0, orders);
const struct schema_field judge_order_form =
	{ 0, "order", &order_type, KIND_OF(judge_order) };

/* ---- answers --------------------------------------------------------------- */

static const struct schema_type
	rc_type   = TYPE(NULL, SCHEMA_UINT, 0, RC_BUG),
	rule_type = TYPE(NULL, SCHEMA_TEXT, 0, RULE_NAME_MAX),
	sentence  = TYPE(NULL, SCHEMA_BYTES, 0, ERR_TEXT_MAX),
	der       = TYPE(NULL, SCHEMA_BYTES, 1, CERT_MAX);
static const struct schema_field verdict[] = {
	{ 0, "code",     &rc_type,   IN(judge_said, rc) },
	{ 0, "rule",     &rule_type, IN(judge_said, rule) },
	{ 0, "sentence", &sentence,  IN(judge_said, sentence) },
};
static const struct schema_field wanted_file[] = {
	{ 0, "index", &u32, IN(judge_said, index) },
};
static const struct schema_field offer[] = {
	{ 0, "subject", &subject,       IN(judge_said, subject) },
	{ 0, "until",   &grammar_epoch, IN(judge_said, until) },
};
static const struct schema_field taken[] = {
	{ 0, "request",     &u32,   IN(judge_said, request) },
	{ 0, "slot",        &u32,   IN(judge_said, slot) },
	{ 0, "certificate", &der,   IN(judge_said, der) },
	{ 0, "profile",     &maybe, IN(judge_said, profile) },
	{ 0, "names",       &names, LENT(judge_said, names) },
};
static const struct schema_field revoked[] = {
	{ 0, "serial", &serial,        IN(judge_said, serial) },
	{ 0, "reason", &u32,           IN(judge_said, reason) },
	{ 0, "at",     &grammar_epoch, IN(judge_said, at) },
};
static const struct schema_type
	verdict_type = TYPE_TUPLE(NULL, judge_said, verdict),
	wanted_type  = TYPE_TUPLE(NULL, judge_said, wanted_file),
	taken_type   = TYPE_TUPLE(NULL, judge_said, taken),
	offer_type   = TYPE_TUPLE(NULL, judge_said, offer),
	revoked_type = TYPE_TUPLE(NULL, judge_said, revoked);
static const struct schema_field answers[] = {
	[JUDGE_VERDICT] = { 0, "verdict", &verdict_type, IN_PLACE },
	[JUDGE_FILE]    = { 0, "file",    &wanted_type,  IN_PLACE },
	[JUDGE_TAKE]    = { 0, "certificate", &taken_type, IN_PLACE },
	[JUDGE_OFFER]   = { 0, "offer",   &offer_type,   IN_PLACE },
	[JUDGE_REVOKED] = { 0, "revoked", &revoked_type, IN_PLACE },
};
static const struct schema_type said_type =
	TYPE_OF(NULL, SCHEMA_MESSAGE, 0, 0, 0, answers);
const struct schema_field judge_said_form =
	{ 0, "answer", &said_type, KIND_OF(judge_said) };

/* clang-format on */
