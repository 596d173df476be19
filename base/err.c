/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a thread, and the ways to fill it. It is of a fixed size and
 * takes no memory, so that a lack of memory has its sentence too. */
#include "base/err.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct err_saved record;

static void record_text(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

/* A sentence too long is cut, never lost. */
static void
record_text(const char *fmt, va_list ap)
{
	char text[ERR_TEXT_MAX];

	/* Formatted aside first: an argument may be err_text() itself. */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	memcpy(record.text, text, sizeof(text));
}

static void
append(const char *reason)
{
	size_t used = strlen(record.text);

	(void)snprintf(
	    record.text + used, sizeof(record.text) - used, ": %s", reason);
}

enum rc
err_set(enum rc rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record_text(fmt, ap);
	va_end(ap);
	record.rule = 0;
	return rc;
}

enum rc
err_rule(enum rc rc, unsigned rule, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record_text(fmt, ap);
	va_end(ap);
	record.rule = rule;
	return rc;
}

enum rc
err_in(enum rc rc, const char *fmt, ...)
{
	char sentence[ERR_TEXT_MAX];
	size_t used;
	va_list ap;

	memcpy(sentence, record.text, sizeof(sentence));
	va_start(ap, fmt);
	record_text(fmt, ap);
	va_end(ap);
	used = strlen(record.text);
	(void)snprintf(
	    record.text + used, sizeof(record.text) - used, ": %s", sentence);
	return rc;
}

enum rc
err_errno(enum rc rc, int errnum, const char *fmt, ...)
{
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	record_text(fmt, ap);
	va_end(ap);
	record.rule = 0;
	append(strerror_r(errnum, reason, sizeof(reason)));
	return rc;
}

enum rc
err_openssl(enum rc rc, const char *fmt, ...)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);
	va_list ap;

	va_start(ap, fmt);
	record_text(fmt, ap);
	va_end(ap);
	record.rule = 0;
	if (reason != NULL)
		append(reason);
	ERR_clear_error();
	return rc;
}

enum rc
err_memory(void)
{
	return err_set(RC_IO, "out of memory");
}

const char *
err_text(void)
{
	return record.text;
}

unsigned
err_rule_number(void)
{
	return record.rule;
}

void
err_clear(void)
{
	record.text[0] = '\0';
	record.rule = 0;
}

void
err_save(struct err_saved *saved)
{
	*saved = record;
}

void
err_restore(const struct err_saved *saved)
{
	record = *saved;
}
