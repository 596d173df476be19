/* SPDX-License-Identifier: Apache-2.0 */
/** Files of a server, replaced while it may be started at any moment.
 *
 * A file keeps owner and mode, and changes by a rename. A certificate and its key
 * in two files change together as seen from outside: whatever moment a crash or a
 * start of the server picks, the key file holds the key of the certificate file.
 *
 * Until replace_keep or replace_undo what was there stays beside it as
 * FILE.airgap-old; a crash leaves that, and the next run takes it for what was.
 */
#ifndef TRANSFER_ONLINE_DEPLOY_REPLACE_H
#define TRANSFER_ONLINE_DEPLOY_REPLACE_H

#include "base/buf.h"
#include "base/hex.h"

/** What goes where. The path is absolute and without symbolic links. */
struct replace_file {
	const char *path; /* NULL: no such file */
	struct span bytes;
	bool secret; /* a new file is 0600, else 0644 */
};

/** Which home keeps the files, so that no other one replaces them. */
struct replace_claim {
	uint8_t home[SHA256_LEN]; /* the digest of its requester's key */
	const char *path;	  /* of the home, for people; NULL: of none */
	bool take;		  /* over from another one */
};

struct replace {
	struct replace_file cert;
	struct replace_file key; /* what `cert` must fit; path NULL: nothing */
	struct replace_claim claim;
};

#define REPLACE_MAX 134217728 /* bytes of a file: a CRL of a million is half that */

/** The path as it will be kept: absolute, links followed as site_path does. The file
 * need not exist, its directory must.
 * \retval RC_IO     no such directory
 * \retval RC_STATE  rule DEPLOY-OWNER
 * \retval RC_USAGE  not the name of a file, or one that is no regular file */
enum rc replace_path(const char *typed, char **ret_path) MUST_CHECK;

/** What lies at a path, known by its digest alone. */
struct replace_found {
	bool is; /* a file that can be read */
	uint8_t sha256[SHA256_LEN];
	bool has_key; /* it holds a private key in PEM, whose lines have that digest */
	uint8_t key[SHA256_LEN];
	bool was; /* so does FILE.airgap-old: a run was cut off */
	uint8_t was_sha256[SHA256_LEN];
};

/** Look at both. What cannot be read is not there: replace_put says why.
 * \retval RC_STATE rule DEPLOY-TAKEN, DEPLOY-OWNER */
enum rc replace_look(const struct replace *replace,
    struct replace_found *ret_cert, struct replace_found *ret_key) MUST_CHECK;

/** Does the file hold a private key in PEM? And may everybody read it? */
enum rc replace_holds_key(const char *path, bool *ret_key, bool *ret_open)
    MUST_CHECK;

/** Put the files in place, as whom site.h says. On failure they are as they were.
 * \retval RC_IO
 * \retval RC_STATE rule DEPLOY-TAKEN, DEPLOY-OWNER */
enum rc replace_put(const struct replace *replace) MUST_CHECK;

/** Done: let go of what was there, and claim what nobody has. Nothing to do is no
 * error. */
enum rc replace_keep(const struct replace *replace) MUST_CHECK;

/** Put back what was there. Files that were not there before stay.
 * \param[out] ret_is  something was put back */
enum rc replace_undo(const struct replace *replace, bool *ret_is) MUST_CHECK;

/** Another home may keep the files from now on. */
enum rc replace_unclaim(const struct replace *replace) MUST_CHECK;

#endif
