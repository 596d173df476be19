/* SPDX-License-Identifier: Apache-2.0 */
/* `inspect`: any file that crosses the gap, its signature's verdict first. It
 * asks no home; the notation is made in diag.c, and both in a process that
 * holds nothing else (cmd_apart.c). */
#include "transfer/online/cmd/cmd.h"
#include "transfer/online/cmd/cmd_apart.h"

#include "base/file.h"
#include "base/words.h"
#include "transfer/online/cmd/diag.h"
#include "transfer/rule.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum rc
words_add(const struct diag *d, struct buf *out)
{
	char hex[SHA256_HEX];
	enum rc rc;

	if (!d->has_fingerprint)
		return buf_add_str(
		    out, "/ a manifest has no words: run verify /\n");
	hex_write(span_of(d->fingerprint, SHA256_LEN), hex);
	rc = buf_printf(
	    out, "/ %s: SHA-256 %s /\n", diag_fingerprint_of(d), hex);
	if (rc == RC_OK)
		rc = buf_add_str(out, "/ words:\n");
	if (rc == RC_OK)
		rc = words_write(out, d->fingerprint, "    ");
	return rc != RC_OK ? rc : buf_add_str(out, "/\n");
}

/* The verdict first: what follows it may be a lie. */
static enum rc
print_notation(const struct diag *d, bool words)
{
	WIPED(buf) out = { 0 };
	enum rc rc = buf_printf(&out, "/ %s /\n", diag_verdict(d));

	if (rc == RC_OK && words)
		rc = words_add(d, &out);
	if (rc == RC_OK)
		rc = diag_write(d, &out, STDOUT_FILENO);
	if (rc == RC_OK)
		rc = fd_write_all(STDOUT_FILENO, buf_span(&out), "stdout");
	return rc;
}

static json_t *
words_json(const struct diag *d)
{
	json_t *words = json_array();

	for (size_t i = 0; words != NULL && i < WORDS_BYTES; i++)
		(void)json_array_append_new(
		    words, json_string(words_get0(d->fingerprint[i], i)));
	return words;
}

/* Text of ours, and a value behind it. */
static enum rc
inspect_put(void *unused, const char *before, json_t *value)
{
	(void)unused;
	if (fputs(before, stdout) == EOF) {
		json_decref(value);
		return err_set(RC_IO, "standard output cannot be written");
	}
	return value == NULL ? RC_OK : cmd_json_item(value, true);
}

/* All that stands before the payload. */
static json_t *
head_json(const struct diag *d, bool words)
{
	const bool good = d->signature == RC_OK;

	return json_pack(
	    "{s:s, s:b, s:s, s:s?, s:s?, s:s, s:o*, s:o*, s:o*, s:o*}", "type",
	    diag_kind(d), "signature_good", good, "verdict", diag_verdict(d),
	    "rule", good ? NULL : rule_name(d->rule), "reason",
	    good ? NULL : d->reason, "alg", cose_alg_name(d->cose.alg), "kid",
	    d->cose.kid.n == 0 ? NULL : cmd_json_hex(d->cose.kid), "x5chain",
	    d->cose.cert.n == 0 ? NULL : cmd_json_hex(d->cose.cert),
	    "fingerprint",
	    d->has_fingerprint
		? cmd_json_hex(span_of(d->fingerprint, SHA256_LEN))
		: NULL,
	    "words", words && d->has_fingerprint ? words_json(d) : NULL);
}

/* One document, but never held whole: its text is several times the file. */
static enum rc
inspect_print_json(const struct diag *d, bool words)
{
	json_t *head = head_json(d, words), *value;
	char before[64];
	const char *key;
	bool first = true;
	enum rc rc = head == NULL ? err_memory() : RC_OK;

	json_object_foreach(head, key, value)
	{
		(void)snprintf(before, sizeof(before),
		    "%s\"%s\":", first ? "{" : ",", key);
		if (rc == RC_OK)
			rc = inspect_put(NULL, before, json_incref(value));
		first = false;
	}
	json_decref(head);
	if (rc == RC_OK)
		rc = inspect_put(NULL, ",\"payload\":", NULL);
	if (rc == RC_OK)
		rc = diag_json(d, inspect_put, NULL);
	if (rc == RC_OK && (fputs("}\n", stdout) == EOF || fflush(stdout) != 0))
		rc = err_set(RC_IO, "standard output cannot be written");
	return rc;
}

struct inspection {
	const char *path;
	struct span file;
	bool words, json;
};

/* Behind locks: no byte of the file was looked at before. */
static enum rc
inspect(void *arg)
{
	const struct inspection *i = arg;
	struct diag d;
	enum rc rc = diag_read(i->path, i->file, &d);

	if (rc == RC_OK)
		rc = i->json ? inspect_print_json(&d, i->words)
			     : print_notation(&d, i->words);
	if (rc == RC_OK && d.signature != RC_OK)
		rc = err_rule(d.signature, d.rule, "%s", d.reason);
	return rc;
}

enum rc
cmd_inspect(struct cmd_env *env, int argc, char **argv)
{
	struct inspection i = { .words = false };
	bool done = false;
	const struct cmd_option options[] = {
		{ "words", NULL, "show the fingerprint as words too", &i.words,
		    NULL, NULL },
		{ 0 },
	};
	WIPED(cmd_list) files = { 0 };
	WIPED(buf) file = { 0 };
	enum rc rc = cmd_options(env, argc, argv, options, &files, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_operand_one(env, &files, "FILE", &i.path);
	if (rc == RC_OK)
		rc = file_read(AT_FDCWD, i.path, COSE_FILE_MAX, &file);
	i.file = buf_span(&file);
	i.json = env->json;
	return rc != RC_OK ? rc : cmd_apart(inspect, &i);
}
