/* SPDX-License-Identifier: Apache-2.0 */
/* Is the clock to be believed before there is a ledger to hold it against?
 * What init finds that says otherwise makes it ask for the date in words. */
#include "ca/lifecycle/init.h"

#include "base/clock.h"
#include "base/file.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/pem.h"
#include "transfer/x509/tbs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INIT_EARLIEST AIRGAP_MADE /* the day of these sources */
#define INIT_LATEST (INIT_EARLIEST + 20 * 366 * DAY)
#define STICK_SLACK DAY	     /* FAT keeps the local time of who wrote */
#define STICK_DEPTH 6	     /* as deep as our own files lie */
#define STICK_ENTRIES 100000 /* what is behind them says no more */
#define STICK_CERTS 1000     /* nor what is behind so many of these */

/* ---- what the stick says --------------------------------------------------
 */

struct newest {
	int64_t file, cert; /* a file's time, a certificate's first second */
	size_t n;	    /* entries seen */
	size_t n_certs;	    /* files read */
};

static void newest_in(int dir, unsigned depth, struct newest *newest);

/* By our own reader of DER, for whoever parses by OpenSSL parses in a process
 * of its own. What it does not read says nothing of the time. */
static void
newest_cert(struct span der, struct newest *newest)
{
	struct cert_parts parts = { 0 };
	struct span rest, validity;
	struct der skipped;
	int64_t at = 0;

	if (cert_parts_read("certificate", der, &parts) != RC_OK)
		return;
	rest = parts.content;
	for (int i = 0; i < 4; i++) /* RFC 5280 4.1: validity is the fifth */
		if (!der_next(&rest, &skipped))
			return;
	if (der_take(&rest, DER_SEQUENCE, &validity) &&
	    der_take_time(&validity, &at) && at > newest->cert)
		newest->cert = at;
}

static void
newest_certs(struct span file, struct newest *newest)
{
	WIPED(buf) der = { 0 };
	bool more = true;

	if (file.n != 0 && file.p[0] == DER_SEQUENCE)
		newest_cert(file, newest);
	while (pem_next("certificate", PEM_CERTIFICATE, &file, &der, &more) ==
		   RC_OK &&
	       more)
		newest_cert(buf_span(&der), newest);
}

static bool
is_cert_name(const char *name)
{
	static const char *const ends[] = { ".pem", ".crt", ".cer", ".der" };
	const char *end = strrchr(name, '.');

	for (size_t i = 0; end != NULL && i < sizeof(ends) / sizeof(ends[0]);
	     i++)
		if (strcasecmp(end, ends[i]) == 0)
			return true;
	return false;
}

static void
newest_in_file(int dir, const char *name, struct newest *newest)
{
	OWN_FD fd = -1;
	WIPED(buf) bytes = { 0 };

	if (!is_cert_name(name) || newest->n_certs++ >= STICK_CERTS)
		return;
	fd = fd_open_beneath(
	    dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fd_read(fd, name, CERT_MAX, &bytes) == RC_OK)
		newest_certs(buf_span(&bytes), newest);
	err_clear();
}

/* A file that cannot be looked at says nothing of the time. */
static void
newest_of(int dir, const char *name, unsigned depth, struct newest *newest)
{
	OWN_FD below = -1;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (S_ISREG(st.st_mode) && st.st_mtime > newest->file)
		newest->file = st.st_mtime;
	if (S_ISREG(st.st_mode))
		newest_in_file(dir, name, newest);
	if (!S_ISDIR(st.st_mode) || depth == STICK_DEPTH)
		return;
	below = fd_open_beneath(
	    dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below >= 0)
		newest_in(below, depth + 1, newest);
}

static void
newest_in(int dir, unsigned depth, struct newest *newest)
{
	DIR *entries = dir_entries(dir, ".");
	const struct dirent *entry;

	if (entries == NULL)
		return;
	while (
	    newest->n < STICK_ENTRIES && (entry = readdir(entries)) != NULL) {
		newest->n++;
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			newest_of(dir, entry->d_name, depth, newest);
	}
	(void)closedir(entries);
}

/* ---- the doubt ------------------------------------------------------------
 */

/* A time beyond any is none that anybody meant. */
static enum rc
doubt_add(struct init *init, int64_t at, const char *what, const char *where,
    const char *says)
{
	char then[CLOCK_TEXT];

	if (at <= init->now + STICK_SLACK || at > CLOCK_MAX)
		return RC_OK;
	clock_write(at, then);
	return buf_printf(&init->doubt, "%s%s %s %s %s",
	    init->doubt.n == 0 ? "" : ", and ", what, where, says, then);
}

static enum rc
doubt_stick(struct init *init)
{
	struct newest newest = { 0 };
	WIPED(buf) where = { 0 };
	const char *text;
	enum rc rc = buf_printf(&where, "in %s", init->options->out);

	text = rc == RC_OK ? buf_cstr(&where) : NULL;
	if (text == NULL)
		return err_memory();
	newest_in(init->media.root, 0, &newest);
	rc = err_check_shortage();
	if (rc == RC_OK)
		rc = doubt_add(init, newest.file, "a file", text, "is of");
	return rc != RC_OK ? rc
			   : doubt_add(init, newest.cert, "a certificate", text,
				 "begins on");
}

enum rc
init_clock_doubt(struct init *init)
{
	enum rc rc = RC_OK;

	if (init->now < INIT_EARLIEST)
		rc = buf_add_str(
		    &init->doubt, "it is before this program was made");
	else if (init->now > INIT_LATEST)
		rc = buf_add_str(&init->doubt,
		    "it is more than 20 years after this program was made");
	return rc != RC_OK || init->options->out == NULL ? rc
							 : doubt_stick(init);
}

enum rc
init_clock_doubt_token(struct init *init)
{
	int64_t at = 0;
	enum rc rc = token_newest(init->token, &at);

	return rc != RC_OK ? rc
			   : doubt_add(init, at, "a certificate",
				 "on the token", "begins on");
}

/* ---- the date in words ----------------------------------------------------
 */

static bool
is_date_of(int64_t at, const char *words)
{
	static const char *const months[] = { "January", "February", "March",
		"April", "May", "June", "July", "August", "September",
		"October", "November", "December" };
	char text[64];
	time_t seconds = (time_t)at;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return false;
	(void)snprintf(text, sizeof(text), "%d %s %d", tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900);
	return strcasecmp(text, words) == 0;
}

enum rc
init_clock_confirm(const struct init *init, const char *words)
{
	char now[CLOCK_TEXT];

	/* A calendar on the wall is of the local day: 12 hours behind to 14
	 * ahead. */
	if (is_date_of(init->now, words) ||
	    is_date_of(init->now - 12 * HOUR, words) ||
	    is_date_of(init->now + 14 * HOUR, words))
		return RC_OK;
	clock_write(init->now, now);
	return err_set(RC_STATE,
	    "the clock says %s, and the date given is \"%.60s\" (wanted as \"3 May 2031\"): set the clock right, or type the date that it has",
	    now, words);
}
