/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a thread, and the ways to fill it. It is of a fixed size and
 * takes no memory, so that a lack of memory has its sentence too. */
#include "base/err.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

/* As SQLite remembers that an allocation failed: by whatever thread, for good.
 */
static _Atomic(enum shortage) shortage;
static const char *const shortages[] = { "", "out of memory",
	"Too many open files" };

static void
append(const char *reason)
{
	size_t used = strlen(record.text);

	(void)snprintf(
	    record.text + used, sizeof(record.text) - used, ": %s", reason);
}

/* What is said by a process that ran short is no verdict. */
static enum rc
verdict_of(enum rc rc)
{
	const char *what = shortages[shortage];

	if (*what == '\0')
		return rc;
	record.rule = 0;
	if (strstr(record.text, what) == NULL)
		append(what);
	return RC_IO;
}

enum rc
err_set(enum rc rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record_text(fmt, ap);
	va_end(ap);
	record.rule = 0;
	return verdict_of(rc);
}

enum rc
err_rule(enum rc rc, unsigned rule, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record_text(fmt, ap);
	va_end(ap);
	record.rule = rule;
	return verdict_of(rc);
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
	err_note_errno(errnum);
	if (errnum != ENOMEM) /* which has its words */
		append(strerror_r(errnum, reason, sizeof(reason)));
	return verdict_of(rc);
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
	if (code != 0 && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		shortage = SHORT_OF_MEMORY;
	else if (reason != NULL)
		append(reason);
	ERR_clear_error();
	return verdict_of(rc);
}

enum rc
err_memory(void)
{
	shortage = SHORT_OF_MEMORY;
	return err_set(RC_IO, "%s", shortages[SHORT_OF_MEMORY]);
}

/* ---- running short ------------------------------------------------------- */

enum shortage
err_shortage(void)
{
	return shortage;
}

void
err_note_shortage(enum shortage what)
{
	if (what != SHORT_OF_NOTHING)
		shortage = what;
}

void
err_note_errno(int errnum)
{
	if (errnum == ENOMEM)
		shortage = SHORT_OF_MEMORY;
	else if (errnum == EMFILE || errnum == ENFILE)
		shortage = SHORT_OF_FILES;
}

enum rc
err_check_shortage(void)
{
	return shortage == SHORT_OF_NOTHING
		   ? RC_OK
		   : err_set(RC_IO, "%s", shortages[shortage]);
}

void
err_shortage_clear(void)
{
	shortage = SHORT_OF_NOTHING;
}

static void (*leave_by)(enum shortage what);
static volatile enum shortage crash_means;

static void
on_crash(int sig)
{
	const enum shortage noted = shortage;

	if (noted != SHORT_OF_NOTHING)
		leave_by(noted);
	if (crash_means != SHORT_OF_NOTHING)
		leave_by(crash_means);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

/* A sanitiser has a handler of its own, and is left alone. */
void
err_watch_crashes(void (*leave)(enum shortage what))
{
	static const int crashes[] = { SIGSEGV, SIGABRT };
	struct sigaction old;

	leave_by = leave;
	for (size_t i = 0; i < 2; i++)
		if (sigaction(crashes[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			(void)signal(crashes[i], on_crash);
}

void
err_crash_means(enum shortage what)
{
	crash_means = what;
}

static void *
watched_malloc(size_t n, const char *file, int line)
{
	void *p = n == 0 ? NULL : malloc(n);

	(void)file;
	(void)line;
	if (p == NULL && n != 0)
		shortage = SHORT_OF_MEMORY;
	return p;
}

static void *
watched_realloc(void *old, size_t n, const char *file, int line)
{
	void *p;

	if (old == NULL)
		return watched_malloc(n, file, line);
	if (n == 0) {
		free(old);
		return NULL;
	}
	p = realloc(old, n);
	if (p == NULL)
		shortage = SHORT_OF_MEMORY;
	return p;
}

static void
watched_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

enum rc
err_watch_openssl(void)
{
	if (CRYPTO_set_mem_functions(
		watched_malloc, watched_realloc, watched_free) != 1)
		return err_set(RC_BUG, "OpenSSL's memory cannot be watched");
	return RC_OK;
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
