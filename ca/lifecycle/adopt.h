/* SPDX-License-Identifier: Apache-2.0 */
/** A CA that other software made, about to be taken over: what its files come
 * to.
 *
 * All of it is read and judged before a token is opened. What we cannot bear is
 * refused; what differs from a CA of ours and can be borne is a note for the
 * review.
 */
#ifndef CA_LIFECYCLE_ADOPT_H
#define CA_LIFECYCLE_ADOPT_H

#include "base/cmd.h"
#include "base/list.h"
#include "ca/ledger/ledger.h"
#include "ca/lifecycle/past.h"
#include "transfer/judge/ca_form.h"

/** As typed; NULL: not given. */
struct adopt_options {
	const char *ca; /* CA.pem; NULL: nothing is adopted */
	const char *index, *certs, *crl_number;
};

struct adoption {
	const char *path;    /* of CA.pem; borrowed */
	struct buf ca_cert;  /* DER, the very bytes */
	bool below;	     /* another CA issued it: `import` */
	struct buf above;    /* DER, joined: that one and so on to the root */
	struct ca_form form; /* of these */
	struct buf subject;  /* for people */
	uint64_t crl_next;   /* 1 where no number was given */
	bool has_past;	     /* an index or certificates were given */
	struct past past;
	struct text_list notes; /* sentences */
};
void adoption_wipe(struct adoption *adoption);

/** Nothing may be open that a child could inherit (past_read_apart).
 * \retval RC_FORMAT rule ADOPT-CERT, or those of past_read; RC_USAGE, RC_IO */
enum rc adoption_read(const struct adopt_options *options, int64_t now,
    struct adoption *ret) MUST_CHECK;

/** The certificate of a CA that asked another one for it, and those above it, in
 * that order and from one file or several. No token, no ledger, no request is
 * looked at. \retval RC_FORMAT rule IMPORT-CERT; RC_IO */
enum rc adoption_read_below(const struct cmd_list *files, int64_t now,
    struct adoption *ret) MUST_CHECK;

/** \param above  DER, joined \retval RC_FORMAT rule IMPORT-CERT */
enum rc adopt_below_judge(const char *from, struct span der, struct span above,
    int64_t now) MUST_CHECK;

/** Can this certificate be adopted at `now`? \retval RC_FORMAT rule ADOPT-CERT
 */
enum rc adopt_ca_judge(
    const char *from, struct span der, int64_t now) MUST_CHECK;

/** Into the open transaction, behind the CA itself. */
enum rc adoption_record(
    const struct adoption *adoption, struct ledger *ledger) MUST_CHECK;

#endif
