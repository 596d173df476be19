/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of `init` that sign and write. What is checked before them is in
 * init_check.c, and the keys are had by init_keys.c. */
#include "ca/lifecycle/init.h"

#include "base/file.h"
#include "ca/home/certify.h"
#include "transfer/x509/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* A ledger that is not yet one: whoever opens the home does not see it. */
#define LEDGER_NEW HOME_LEDGER ".new"

static enum rc
certify_ca(struct init *init)
{
	struct span spki = buf_span(&init->ca.key.spki);
	WIPED(buf) tbs = { 0 };
	enum rc rc = tbs_of_ca(&init->wish, spki, &tbs);

	return rc != RC_OK
		   ? rc
		   : certify(&init->keys, spki, buf_span(&tbs), &init->ca_cert);
}

enum rc
init_certify(struct init *init)
{
	enum rc rc = init->options->adopted == NULL
			 ? certify_ca(init)
			 : buf_add_span(&init->ca_cert,
			       buf_span(&init->options->adopted->ca_cert));

	if (rc == RC_OK)
		rc = certify_transfer(&init->keys, buf_span(&init->ca_cert),
		    buf_span(&init->transfer.key.spki), init->now,
		    &init->transfer_cert);
	return rc;
}

/* ---- the home ------------------------------------------------------------ */

/* With the pin-source that was given: the commands after this one ask
 * token.conf only. */
static enum rc
write_token_conf(const struct init *init, const struct home *home)
{
	WIPED(buf) ca = { 0 };
	WIPED(buf) transfer = { 0 };
	const char *ca_uri, *transfer_uri;
	enum rc rc = own_key_uri(&init->ca, init->opened_by, &ca);

	if (rc == RC_OK)
		rc = own_key_uri(&init->transfer, init->opened_by, &transfer);
	if (rc != RC_OK)
		return rc;
	ca_uri = buf_cstr(&ca);
	transfer_uri = buf_cstr(&transfer);
	if (ca_uri == NULL || transfer_uri == NULL)
		return err_memory();
	return home_token_write(home, ca_uri, transfer_uri);
}

static enum rc
fill_ledger(const struct init *init, struct ledger *ledger)
{
	enum rc rc = ledger_begin(ledger);

	if (rc == RC_OK)
		rc = ledger_stamp(
		    ledger, init->now, buf_span(&init->policy_text));
	if (rc == RC_OK)
		rc = ledger_init_add(ledger, buf_span(&init->ca_cert),
		    buf_span(&init->transfer_cert));
	if (rc == RC_OK && init->options->adopted != NULL)
		rc = adoption_record(init->options->adopted, ledger);
	if (rc == RC_OK && init->interfaces.n != 0)
		rc = ledger_network_add(ledger, buf_span(&init->interfaces));
	return rc == RC_OK ? ledger_commit(ledger) : rc;
}

static enum rc
init_remove_stale(const struct home *home)
{
	static const char *const names[] = { LEDGER_NEW, LEDGER_NEW "-journal",
		LEDGER_NEW ".lock" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlinkat(home->fd, names[i], 0) != 0 && errno != ENOENT)
			return err_errno(
			    RC_IO, errno, "%s/%s", home->path, names[i]);
	return RC_OK;
}

static enum rc
make_ledger(const struct init *init, const struct home *home)
{
	OWNS(ledger) *ledger = NULL;
	WIPED(buf) path = { 0 };
	const char *name;
	enum rc rc = buf_printf(&path, "%s/" LEDGER_NEW, home->path);

	if (rc != RC_OK)
		return rc;
	name = buf_cstr(&path);
	if (name == NULL)
		return err_memory();
	rc = ledger_create(name, &ledger);
	return rc != RC_OK ? rc : fill_ledger(init, ledger);
}

/* From here on the directory is a CA. */
static enum rc
publish_ledger(const struct home *home)
{
	enum rc rc = file_put_in_place(
	    home->fd, LEDGER_NEW, HOME_LEDGER, RENAME_NOREPLACE, HOME_LEDGER);

	if (rc != RC_OK)
		return err_in(rc, "%s", home->path);
	(void)unlinkat(home->fd, LEDGER_NEW ".lock", 0);
	return RC_OK;
}

/* Two runs of init in one home would write over each other's files. The lock
 * ends with the descriptor. */
static enum rc
lock_home(const struct home *home)
{
	enum rc rc =
	    fd_lock(home->fd, home->path, "another init is at work there");

	if (rc != RC_OK)
		return rc;
	if (faccessat(home->fd, HOME_LEDGER, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(RC_STATE,
		    "%s: a CA lives there since a moment ago", home->path);
	return RC_OK;
}

/* Everything but what makes it a CA. */
static enum rc
prepare_home(const struct init *init, struct home *home)
{
	enum rc rc = home_create(init->options->home, home);

	if (rc == RC_OK)
		rc = lock_home(home);
	if (rc == RC_OK)
		rc = write_token_conf(init, home);
	return rc != RC_OK ? rc
			   : file_replace(home->fd, HOME_POLICY,
				 buf_span(&init->policy_text), 0600);
}

enum rc
init_store(struct init *init)
{
	WIPED(home) home = { .fd = -1 };
	enum rc rc = prepare_home(init, &home);

	if (rc == RC_OK)
		rc = init_remove_stale(&home);
	if (rc == RC_OK)
		rc = make_ledger(init, &home);
	if (rc == RC_OK)
		rc = publish_ledger(&home);
	/* What it waited for is there. */
	if (rc == RC_OK)
		(void)unlinkat(home.fd, HOME_WAITING, 0);
	return rc;
}

/* ---- below another CA -----------------------------------------------------
 */

enum rc
init_request(struct init *init)
{
	struct span spki = buf_span(&init->ca.key.spki);
	WIPED(buf) info = { 0 };
	enum rc rc = info_of_ca_request(&init->wish, spki, &info);

	return rc != RC_OK ? rc
			   : certify_request(&init->keys, spki, buf_span(&info),
				 &init->request);
}

enum rc
init_wait(struct init *init)
{
	WIPED(home) home = { .fd = -1 };
	WIPED(buf) pem = { 0 };
	enum rc rc = prepare_home(init, &home);

	if (rc == RC_OK)
		rc = pem_write(PEM_REQUEST, buf_span(&init->request), &pem);
	if (rc == RC_OK)
		rc = file_replace(home.fd, HOME_WAITING, buf_span(&pem), 0600);
	if (rc != RC_OK)
		return rc;
	rc = file_create(AT_FDCWD, init->options->csr, buf_span(&pem), 0644);
	return rc == RC_OK ? RC_OK
			   : err_in(rc,
				 "the request is in %s/" HOME_WAITING
				 ": copy it from there; because",
				 init->options->home);
}
