/* SPDX-License-Identifier: Apache-2.0 */
/* Is the clock to be believed before there is a ledger to hold it against?
 * What init finds that says otherwise makes it ask for the date in words. */
#include "ca/lifecycle/init.h"

#include "base/clock.h"
#include "base/file.h"

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

/* ---- what the stick says --------------------------------------------------
 */

struct newest {
	int64_t at;
	size_t n; /* entries seen */
};

static void newest_in(int dir, unsigned depth, struct newest *newest);

/* A file that cannot be looked at says nothing of the time. */
static void
newest_of(int dir, const char *name, unsigned depth, struct newest *newest)
{
	OWN_FD below = -1;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (S_ISREG(st.st_mode) && st.st_mtime > newest->at)
		newest->at = st.st_mtime;
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
	int fd = fd_openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (entries == NULL) {
		fd_close(&fd);
		return;
	}
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

enum rc
init_clock_doubt(struct init *init)
{
	struct newest newest = { 0 };
	char then[CLOCK_TEXT];
	enum rc rc = RC_OK;

	if (init->now < INIT_EARLIEST)
		rc = buf_add_str(
		    &init->doubt, "it is before this program was made");
	else if (init->now > INIT_LATEST)
		rc = buf_add_str(&init->doubt,
		    "it is more than 20 years after this program was made");
	if (init->options->out == NULL)
		return rc;
	newest_in(init->media.root, 0, &newest);
	if (rc != RC_OK || newest.at <= init->now + STICK_SLACK ||
	    newest.at > CLOCK_MAX)
		return rc;
	clock_write(newest.at, then);
	return buf_printf(&init->doubt, "%sa file in %s is of %s",
	    init->doubt.n == 0 ? "" : ", and ", init->options->out, then);
}

enum rc
init_clock_doubt_token(struct init *init)
{
	char then[CLOCK_TEXT];
	int64_t at = 0;
	enum rc rc = token_newest(init->token, &at);

	if (rc != RC_OK || at <= init->now + STICK_SLACK || at > CLOCK_MAX)
		return rc;
	clock_write(at, then);
	return buf_printf(&init->doubt,
	    "%sa certificate on the token begins on %s",
	    init->doubt.n == 0 ? "" : ", and ", then);
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
