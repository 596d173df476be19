/* SPDX-License-Identifier: Apache-2.0 */
/* A web root often belongs to somebody else than root: nothing in it is trusted
 * to be where its name says. */
#include "transfer/online/deploy/publish.h"

#include "base/file.h"
#include "transfer/online/deploy/posh.h"
#include "transfer/x509/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLISH_FILE_MAX 1048576

struct root {
	const char *path;
	int dir;
	bool dry_run;
	size_t n; /* written */
};

static bool
publish_is_same(int dir, const char *name, struct span bytes)
{
	WIPED(buf) found = { 0 };
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode) || (st.st_mode & 0444) != 0444)
		return false;
	if (file_read(dir, name, PUBLISH_FILE_MAX, &found) != RC_OK) {
		err_clear();
		return false;
	}
	return span_eq(buf_span(&found), bytes);
}

static enum rc
publish_put(struct root *root, int dir, const char *name, struct span bytes)
{
	enum rc rc = RC_OK;

	if (dir >= 0 && publish_is_same(dir, name, bytes))
		return RC_OK;
	if (!root->dry_run)
		rc = file_replace(dir, name, bytes, 0644);
	if (rc != RC_OK)
		return err_in(rc, "%s", root->path);
	root->n++;
	return RC_OK;
}

/* A directory in another, made if it is not there, for all to read. In a dry
 * run one that is not there is -1. */
static enum rc
enter(const struct root *root, int dir, const char *name, int *ret_fd)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	bool made = false;

	if (dir < 0)
		return RC_OK;
	if (!root->dry_run)
		made = mkdirat(dir, name, 0755) == 0;
	*ret_fd = fd_openat(dir, name, flags, 0);
	if (*ret_fd < 0 && errno == ENOENT && root->dry_run)
		return RC_OK;
	/* Our umask is for secrets. */
	if (*ret_fd < 0 || (made && fchmod(*ret_fd, 0755) != 0))
		return err_errno(RC_IO, errno, "%s: %s", root->path, name);
	return made ? fd_sync(dir, root->path) : RC_OK;
}

static enum rc
put_posh(struct root *root, const struct holding *holding, int64_t now)
{
	WIPED(buf) document = { 0 };
	OWN_FD well_known = -1;
	OWN_FD posh = -1;
	enum rc rc;

	/* A server that starts without its clock knows nothing better than what
	 * is there. */
	if (!posh_is_now(holding, now))
		return err_set(RC_STATE,
		    "%s: no certificate of %s is valid now: the POSH documents stay as they are",
		    root->path, holding->name);
	rc = posh_write(holding, now, &document);
	if (rc == RC_OK)
		rc = enter(root, root->dir, ".well-known", &well_known);
	if (rc == RC_OK)
		rc = enter(root, well_known, "posh", &posh);
	if (rc == RC_OK)
		rc = publish_put(
		    root, posh, "xmpp-client.json", buf_span(&document));
	if (rc == RC_OK)
		rc = publish_put(
		    root, posh, "xmpp-server.json", buf_span(&document));
	return rc;
}

static enum rc
put_ca(struct root *root, const struct trust *trust)
{
	WIPED(buf) pem = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = trust->n_cas; i-- > 0 && rc == RC_OK;)
		rc = pem_write(
		    PEM_CERTIFICATE, buf_span(&trust->cas[i].der), &pem);
	if (rc == RC_OK)
		rc = publish_put(root, root->dir, "ca.crt",
		    buf_span(&trust->cas[trust->n_cas - 1].der));
	return rc != RC_OK
		   ? rc
		   : publish_put(root, root->dir, "ca.pem", buf_span(&pem));
}

enum rc
publish(const char *path, struct store *store, const struct holding *holding,
    int64_t now, bool dry_run, size_t *ret_n)
{
	OWN_FD dir = -1;
	struct root root = { .path = path, .dry_run = dry_run };
	enum rc rc = dir_open(AT_FDCWD, path, &dir);

	root.dir = dir;
	if (rc == RC_OK)
		rc = put_ca(&root, &store->trust);
	if (rc == RC_OK && holding != NULL)
		rc = put_posh(&root, holding, now);
	*ret_n = root.n;
	return rc;
}

enum rc
publish_again(struct store *store, const struct publication *p, int64_t now,
    bool dry_run, size_t *ret_n)
{
	WIPED(holding) holding = { 0 };
	enum rc rc = RC_OK;

	*ret_n = 0;
	if (p->name != NULL)
		rc = holding_load(
		    store, span_str(p->name), span_str(p->profile), &holding);
	return rc != RC_OK
		   ? rc
		   : publish(p->dir, store, p->name == NULL ? NULL : &holding,
			 now, dry_run, ret_n);
}
