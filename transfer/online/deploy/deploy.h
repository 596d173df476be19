/* SPDX-License-Identifier: Apache-2.0 */
/** From the store into a server's files: the certificate that is due, or the CRLs. */
#ifndef TRANSFER_ONLINE_DEPLOY_DEPLOY_H
#define TRANSFER_ONLINE_DEPLOY_DEPLOY_H

#include "transfer/online/deploy/replace.h"
#include "transfer/online/store/crl_due.h"
#include "transfer/online/store/deployment.h"
#include "transfer/online/store/holding.h"

/* ---- contents ------------------------------------------------------------ */

/** What goes into the files of a deployment, as PEM. */
struct deploy_files {
	struct buf cert; /* of the file; PKCS#12 is made of it */
	struct buf key;	 /* of the key's file, if that is ours to write */
};
void deploy_files_wipe(struct deploy_files *files);

/** Make them for one certificate. The key comes from the home, else from key_from,
 * else it is what lies at key_path already and stays; it must be the
 * certificate's. The CA certificates are the one that issued it and those above.
 * \param typed  somebody looks on: a key at key_path is read, and its digest kept
 *               in `d`; else it must have that digest, and is not read
 * \retval RC_STATE  no key is known, or it is another certificate's
 * \retval RC_IO     a file cannot be read */
enum rc deploy_files_make(const char *home, struct store *store,
    struct deployment *d, const struct held *held, bool typed,
    struct deploy_files *ret) MUST_CHECK;

/** The first line of a password's file, without its end.
 * \retval RC_IO    it cannot be read, or others can read it
 * \retval RC_STATE rule DEPLOY-OWNER: others can replace it */
enum rc p12_password(const char *pass_source, struct buf *ret) MUST_CHECK;
/** PKCS#12 of PEM blocks: a key, its certificate, the CA's certificates.
 * \param legacy  with 3DES and SHA-1, for programs that read nothing else */
enum rc p12_make(const char *name, struct span pem, struct buf *pass,
    bool legacy, struct buf *ret) MUST_CHECK;

/* ---- one deployment ------------------------------------------------------ */

#define RELOAD_SECONDS 60 /* that a reload may take */

struct deploying {
	const char *home;
	struct store *store;
	int64_t now;
	bool dry_run;
	bool remember; /* it is a new one: remember it once its files are there */
	bool take;     /* its files, from another home that keeps them */
};

/** What became of it. */
struct deployed {
	bool is_due;   /* there is one; of a name the next three say more */
	struct buf serial;
	int64_t not_before, not_after;
	bool changed;  /* files were written, or would be (dry run) */
	bool failed;   /* the reload did */
	bool restored; /* and what was there is back */
	bool replaced; /* what was there is of a request that another replaced */
	struct held_left left;
	struct crl_due_list crls; /* where it is of no name; what else is 0 then */
};
void deployed_wipe(struct deployed *deployed);

/** Bring the files of `d` to the certificate, or the CRLs, due now, reload, remember that.
 * Nothing to do is no error, and neither is that none is due: the caller tells.
 * A reload that fails has what was there put back, unless there was nothing or
 * it was one of ours that is over; the next call tries again.
 * \retval RC_IO  files could not be written, or the reload failed; `ret` is filled
 *                up to there, and the caller wipes it in any case */
enum rc deploy(const struct deploying *by, struct deployment *d,
    struct deployed *ret) MUST_CHECK;

/** Another home may keep its files from now on. What is gone is no error. */
enum rc deploy_release(const struct deploying *by,
    const struct deployment *d) MUST_CHECK;

#endif
