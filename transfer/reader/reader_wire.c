/* SPDX-License-Identifier: Apache-2.0 */
/* The form of what a reader and its parent say. */
#include "transfer/reader/reader_wire.h"

#include "transfer/format/grammar.h"
#include "transfer/media/media.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

/* clang-format off */

static const struct schema_type
	empty = { .kind = SCHEMA_TUPLE },
	u32   = TYPE(NULL, SCHEMA_UINT, 0, UINT32_MAX);

static const struct schema_field check[] = {
	{ 0, "first", &u32, IN(reader_order, first) },
	{ 0, "n",     &u32, IN(reader_order, n) },
};
static const struct schema_type check_type =
	TYPE_TUPLE(NULL, reader_order, check);

static const struct schema_field orders[] = {
	[READER_SCAN]         = { 0, "scan",             &empty,      IN_PLACE },
	[READER_SCAN_LOOSE]   = { 0, "scan for CSRs",    &empty,      IN_PLACE },
	[READER_LEVEL]        = { 0, "level",            &empty,      IN_PLACE },
	[READER_CHECK]        = { 0, "check",            &check_type, IN_PLACE },
	[READER_CHECK_LOOSE]  = { 0, "check of CSRs",    &check_type, IN_PLACE },
	[READER_SCAN_HISTORY] = { 0, "scan for history", &empty,      IN_PLACE },
	[READER_CHECK_FILES]  = { 0, "check of files",   &check_type, IN_PLACE },
	[READER_DERS]         = { 0, "DER of files",     &check_type, IN_PLACE },
	[READER_SCAN_FOLDER]  = { 0, "scan of folder",   &empty,      IN_PLACE },
};
static const struct schema_type order_type =
	TYPE_OF(NULL, SCHEMA_MESSAGE, 0, 0, 0, orders);
const struct schema_field reader_order_form =
	{ 0, "command", &order_type, KIND_OF(reader_order) };

/* ---- answers --------------------------------------------------------------- */

static const struct schema_type
	rc_type   = TYPE(NULL, SCHEMA_UINT, 0, RC_BUG),
	rule_type = TYPE(NULL, SCHEMA_TEXT, 0, RULE_NAME_MAX),
	reason    = TYPE(NULL, SCHEMA_BYTES, 0, ERR_TEXT_MAX - 1),
	file_name = TYPE(NULL, SCHEMA_TEXT, 1, MEDIA_NAME_MAX - 1),
	flag      = TYPE(NULL, SCHEMA_UINT, 0, 1),
	abi       = TYPE(NULL, SCHEMA_UINT, 0, INT16_MAX),
	path_len  = TYPE(NULL, SCHEMA_UINT, 0, CSR_PATH_LEN_MAX),
	key_id    = TYPE(NULL, SCHEMA_BYTES, 0, SHA256_LEN),
	der       = TYPE(NULL, SCHEMA_BYTES, 0, CSR_MAX);
#define ERROR_OF(tag, error) \
	{ 0, "rc",     &rc_type,   IN(tag, error.rc) }, \
	{ 0, "rule",   &rule_type, IN(tag, error.rule) }, \
	{ 0, "reason", &reason,    IN(tag, error.reason) }

LIST_OF(names, 0, NAMES_MAX, "name", &grammar_name, IN_PLACE);
static const struct schema_field verdict[] = {
	{ 0, "index",  &u32,    IN(reader_verdict, index) },
	ERROR_OF(reader_verdict, error),
	{ 0, "key id", &key_id, IN(reader_verdict, key_id) },
	ERROR_OF(reader_verdict, names_error),
	{ 0, "names",  &names,  LENT(reader_verdict, names) },
	ERROR_OF(reader_verdict, ca_error),
	{ 0, "path length wanted", &flag, IN(reader_verdict, has_path_len) },
	{ 0, "path length", &path_len, IN(reader_verdict, path_len) },
	{ 0, "constraints", &der, IN(reader_verdict, constraints) },
	{ 0, "DER",    &der,    IN(reader_verdict, der) },
};
static const struct schema_type verdict_type =
	TYPE_TUPLE(NULL, reader_verdict, verdict);
const struct schema_field reader_verdict_form =
	{ 0, "verdict", &verdict_type, IN_PLACE };
LIST_OF(verdict_list, 1, READER_BATCH, "verdict", &verdict_type, IN_PLACE);

static const struct schema_field failed[] = { ERROR_OF(reader_said, error) };
static const struct schema_field file[] = {
	{ 0, "name", &file_name, IN(reader_said, name) },
};
static const struct schema_field refused[] = {
	{ 0, "name", &file_name, IN(reader_said, name) },
	ERROR_OF(reader_said, error),
};
static const struct schema_field level[] = {
	{ 0, "seccomp",  &flag, IN(reader_said, seccomp) },
	{ 0, "Landlock", &abi,  IN(reader_said, landlock_abi) },
};
static const struct schema_field verdicts[] = {
	{ 0, "verdicts", &verdict_list, COUNT_OF(reader_said, verdicts) },
};
static const struct schema_type
	failed_type   = TYPE_TUPLE(NULL, reader_said, failed),
	file_type     = TYPE_TUPLE(NULL, reader_said, file),
	refused_type  = TYPE_TUPLE(NULL, reader_said, refused),
	level_type    = TYPE_TUPLE(NULL, reader_said, level),
	verdicts_type = TYPE_TUPLE(NULL, reader_said, verdicts);

static const struct schema_field answers[] = {
	[ANSWER_FAILED]   = { 0, "failure",  &failed_type,   IN_PLACE },
	[ANSWER_END]      = { 0, "end",      &empty,         IN_PLACE },
	[ANSWER_FILE]     = { 0, "file",     &file_type,     IN_PLACE },
	[ANSWER_REFUSED]  = { 0, "refusal",  &refused_type,  IN_PLACE },
	[ANSWER_LEVEL]    = { 0, "level",    &level_type,    IN_PLACE },
	[ANSWER_VERDICTS] = { 0, "verdicts", &verdicts_type, IN_PLACE },
};
static const struct schema_type said_type =
	TYPE_OF(NULL, SCHEMA_MESSAGE, 0, 0, 0, answers);
const struct schema_field reader_said_form =
	{ 0, "answer", &said_type, KIND_OF(reader_said) };

/* clang-format on */
