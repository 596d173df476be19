/* SPDX-License-Identifier: Apache-2.0 */
/** A series of CRLs, from what was asked to signatures in the ledger.
 *
 * Its numbers are committed before anything is signed, and all CRLs together
 * when the last is. What a crash leaves between the two are numbers that nobody
 * uses.
 */
#ifndef CA_CRL_CRL_MAKE_H
#define CA_CRL_CRL_MAKE_H

#include "ca/crl/crl.h"
#include "ca/crl/series.h"
#include "ca/home/act.h"

/** May a series of this kind be made now?
 * \retval RC_POLICY rules CRL-SERIES, CRL-CA-END, CRL-SIGN */
enum rc crl_wish_check(const struct act *act, const char *from,
    const struct crl_request *wish) MUST_CHECK;

/** Make one, with a shadow in each slot for every requester that policy has as
 * `emergency`. Not within a transaction; keys are open.
 * \param progress  may be NULL; told how many of how many are signed
 * \retval RC_TOKEN, RC_IO, RC_STATE as for certificates */
enum rc crl_series_make(struct act *act, const struct crl_request *wish,
    void (*progress)(void *arg, uint64_t done), void *arg) MUST_CHECK;

/** The newest series whose CRLs are all in the ledger; *ret_any false: none. */
enum rc crl_series_current(struct ledger *ledger, struct ledger_crl_series *ret,
    bool *ret_any) MUST_CHECK;

/** Of what kind it will be where a bundle asks for one: for `sign` to show. Shorter than
 * the series before it is none. */
enum rc crl_wish_taken(const struct act *act, const struct crl_request *asked,
    struct crl_request *ret) MUST_CHECK;

/** What `sign` has to make before its response; count 0: nothing. `asked` is of
 * the bundle, or NULL; `emergency`: its requester has shadows, which must have
 * what it was given just now. */
enum rc crl_due(struct act *act, const struct crl_request *asked,
    bool emergency, struct crl_request *ret) MUST_CHECK;

#endif
