/* SPDX-License-Identifier: Apache-2.0 */
/* JSON on standard output, with bytes from outside in it: all ASCII, and
 * nothing that a terminal would act on. */
#include "base/clock.h"
#include "base/cmd.h"
#include "base/hex.h"
#include "base/term.h"

#include <stdio.h>
#include <stdlib.h>

/* JSON_ENSURE_ASCII leaves DEL as it is, which a terminal may act on. It only
 * ever stands inside a string. */
static bool
print_without_del(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\x7f' ? fputs("\\u007f", stdout) == EOF
				    : fputc(*text, stdout) == EOF)
			return false;
	return true;
}

enum rc
cmd_json_item(json_t *value, bool first)
{
	char *text;
	bool printed;

	if (value == NULL)
		return err_memory();
	text = json_dumps(
	    value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	json_decref(value);
	if (text == NULL)
		return err_memory();
	printed =
	    (first || fputc(',', stdout) != EOF) && print_without_del(text);
	free(text);
	if (!printed)
		return err_set(RC_IO, "standard output cannot be written");
	return RC_OK;
}

enum rc
cmd_json(json_t *document)
{
	enum rc rc = cmd_json_item(document, true);

	if (rc == RC_OK && (fputc('\n', stdout) == EOF || fflush(stdout) != 0))
		rc = err_set(RC_IO, "standard output cannot be written");
	return rc;
}

void
cmd_json_add(json_t **list, json_t *value)
{
	if (json_array_append_new(*list, value) == 0)
		return;
	json_decref(*list);
	*list = NULL;
}

json_t *
cmd_json_text(struct span text)
{
	WIPED(buf) plain = { 0 };
	json_t *value;

	/* jansson gives NULL for what is not UTF-8. */
	value =
	    json_stringn(text.p == NULL ? "" : (const char *)text.p, text.n);
	if (value != NULL || term_escape(&plain, text) != RC_OK)
		return value;
	return json_stringn((const char *)plain.p, plain.n);
}

json_t *
cmd_json_hex(struct span bytes)
{
	char *text = malloc(2 * bytes.n + 1);
	json_t *value;

	if (text == NULL)
		return NULL;
	hex_write(bytes, text);
	value = json_string(text);
	free(text);
	return value;
}

json_t *
cmd_json_time(int64_t at)
{
	char text[CLOCK_TEXT];

	clock_write(at, text);
	return json_string(text);
}
