/* SPDX-License-Identifier: Apache-2.0 */
/** Another certificate for the CA: `airgap-ca renew-ca`, of the key that it has,
 * and `airgap-ca rollover`, of a new one.
 *
 * What may be signed is in the ledger before it is signed, and what came of it is
 * there, with a manifest for each requester, in one transaction afterwards. A run
 * that was cut short in between is gone on with: the same TBSes are signed by the
 * same keys.
 *
 * A new key is vouched for by the old one (RFC 4210 4.4): new-with-old and
 * old-with-new, which repeat what the CA's certificate says, for there are
 * verifiers that do not hold a trust anchor to its own nameConstraints.
 */
#ifndef CA_LIFECYCLE_CHANGE_CA_H
#define CA_LIFECYCLE_CHANGE_CA_H

#include "ca/home/act.h"
#include "ca/home/own_key.h"
#include "ca/response/response.h"
#include "transfer/judge/ca_form.h"

#define CHANGE_CA_DAYS 3650

struct change_ca {
	struct act *act; /* borrowed */
	enum ca_change change; /* CA_RENEWED, CA_ROLLED_OVER */
	const char *days, *subject; /* as typed; NULL: not given */
	struct own_key key;	    /* the new one, of a rollover */

	/* By change_ca_plan: */
	struct ca_form old;	 /* spans into act->ca.ca_cert */
	struct buf name;	 /* the next subject, DER */
	bool new_name;
	bool goes_on;		 /* with what `begun` has */
	bool dropped;		 /* another change was begun, and ends here */
	bool vouched;		 /* requesters take it over by themselves */
	struct ca_begun begun;
	int64_t not_before, not_after; /* of the CA */
	struct requester *requesters; /* owned */
	size_t n_requesters;

	struct keys next; /* with the key of the next certificate */
	struct buf next_spki;
	struct buf certs[CA_CHANGE_MAX]; /* as ledger_ca_change has them */
	size_t n_certs;
	struct buf transfer_cert; /* for the transfer key that there is */
	struct response *responses; /* owned; n_requesters, when vouched */
	struct buf card;
};
void change_ca_wipe(struct change_ca *c);

/** What it will be and whom it concerns; nothing is touched.
 * \retval RC_USAGE, RC_STATE (rule RESTORED; a CA below another one),
 *         RC_POLICY a new name that no client would accept below the old one */
enum rc change_ca_plan(struct change_ca *c) MUST_CHECK;

/** PIN; the keys; the new one of a rollover, adopted or made. */
enum rc change_ca_unlock(struct change_ca *c) MUST_CHECK;

/** Note what may be signed, sign it and verify it as a requester would. */
enum rc change_ca_sign(struct change_ca *c) MUST_CHECK;

/** Make what the requesters get, store it all, and note the key in token.conf:
 * from here on the CA has the new certificate. */
enum rc change_ca_install(struct change_ca *c) MUST_CHECK;

#endif
