/* SPDX-License-Identifier: Apache-2.0 */
/* A line for each mount; those of earlier boots go with the first of a new one.
 */
#include "ca/home/written.h"

#include "base/file.h"
#include "transfer/media/mount.h"

#include <fcntl.h>
#include <unistd.h>

#define WRITTEN_MAX ((size_t)64 << 10) /* bytes; some 900 mounts */

/* What stands there; nothing where there is no such file. */
static enum rc
written_read(const struct home *home, struct buf *text)
{
	enum rc rc;

	if (faccessat(home->fd, HOME_WRITTEN, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return RC_OK;
	rc = file_read(home->fd, HOME_WRITTEN, WRITTEN_MAX, text);
	return rc != RC_OK ? err_in(rc, "%s", home->path) : RC_OK;
}

/* The next line, without its end; false after the last. */
static bool
written_line(struct span *rest, struct span *ret)
{
	const uint8_t *end =
	    rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);

	if (end == NULL)
		return false;
	*ret = span_of(rest->p, (size_t)(end - rest->p));
	*rest = span_of(end + 1, rest->n - ret->n - 1);
	return true;
}

static bool
stands_in(struct span text, const char *mount)
{
	struct span line;

	while (written_line(&text, &line))
		if (span_eq_str(line, mount))
			return true;
	return false;
}

/* Boot and slash are what two mounts of one boot begin with. */
static enum rc
add_same_boot(struct buf *to, struct span text, const char *mount)
{
	const size_t boot = (size_t)(strchr(mount, '/') - mount) + 1;
	struct span line;
	enum rc rc = RC_OK;

	while (rc == RC_OK && written_line(&text, &line))
		if (line.n > boot && memcmp(line.p, mount, boot) == 0)
			rc = buf_printf(to, "%.*s\n", SPAN_FMT(line));
	return rc;
}

enum rc
written_add(const struct home *home, const struct media *media)
{
	WIPED(buf) text = { 0 };
	WIPED(buf) fresh = { 0 };
	char mount[MOUNT_TEXT];
	enum rc rc = mount_text(media, mount);

	if (rc == RC_OK)
		rc = written_read(home, &text);
	if (rc != RC_OK || stands_in(buf_span(&text), mount))
		return rc;
	rc = add_same_boot(&fresh, buf_span(&text), mount);
	if (rc == RC_OK)
		rc = buf_printf(&fresh, "%s\n", mount);
	/* A file that is never read again would stop every visit. */
	if (rc == RC_OK && fresh.n > WRITTEN_MAX)
		rc = err_set(RC_STATE,
		    "%s/" HOME_WRITTEN
		    ": too many sticks in one run of this machine: restart it",
		    home->path);
	return rc != RC_OK ? rc
			   : file_replace(home->fd, HOME_WRITTEN,
				 buf_span(&fresh), 0600);
}

enum rc
written_has(const struct home *home, const struct media *media, bool *ret)
{
	WIPED(buf) text = { 0 };
	char mount[MOUNT_TEXT];
	enum rc rc = mount_text(media, mount);

	if (rc == RC_OK)
		rc = written_read(home, &text);
	if (rc == RC_OK)
		*ret = stands_in(buf_span(&text), mount);
	return rc;
}
