/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of the subcommand `request` that have a file of their own. */
#ifndef TRANSFER_ONLINE_CMD_CMD_REQUEST_H
#define TRANSFER_ONLINE_CMD_CMD_REQUEST_H

#include "transfer/online/cmd/cmd.h"
#include "transfer/online/request/compose.h"

/** Put into `compose` what is to be renewed of `names` (none: of all), and say
 * what becomes of each.
 * \retval RC_STATE nothing is to be renewed now */
enum rc request_renewal(struct compose *compose, const struct cmd_list *names,
    int64_t within) MUST_CHECK;

/** The same of one name whose key is in other hands, whatever is left of it. */
enum rc request_replacement(
    struct compose *compose, const char *name) MUST_CHECK;

/** The files in which CSRs are looked for, and those that hold none that is
 * good. `compose` has the reader. */
struct request_files {
	struct compose *compose;
	/* What the new last item of it asks for. */
	enum rc (*fill)(void *arg, struct composed *c);
	void *arg;
	char **paths; /* owned */
	size_t n;
	struct request_folder {
		const char *path;
		size_t first, end; /* of the paths: its files */
		bool has_csr;	   /* or what should be one */
	} *folders; /* owned */
	size_t n_folders;
	struct request_refused {
		enum rc rc;
		unsigned rule;
		char *reason; /* owned */
	} *refused; /* owned */
	size_t n_refused;
};
void request_files_wipe(struct request_files *files);

/** Note each operand: a file, or a directory of them. In a directory, readers call
 * out private keys, and say CSRs that are not taken; neither stops anything. While
 * nothing is open that such a reader could inherit. */
enum rc request_files_find(struct request_files *files,
    const struct cmd_list *operands) MUST_CHECK;

/** Let the reader look into what was found. A bad one is kept in `refused`, so that
 * all are told at once; a private key of a directory is called out.
 * \retval RC_USAGE a directory without a CSR */
enum rc request_files_read(struct request_files *files) MUST_CHECK;

#endif
