/* SPDX-License-Identifier: Apache-2.0 */
/** The CRLs that were signed, and the numbers that may have been.
 *
 * A number stands in the record of its series before anything is signed under
 * it, so a crash can waste numbers and never use one twice. What a CRL lists is
 * not kept: it follows from the revocations up to a record, and so the same
 * bytes come out years later.
 */
#ifndef CA_LEDGER_LEDGER_CRL_H
#define CA_LEDGER_LEDGER_CRL_H

#include "ca/ledger/ledger.h"
#include "transfer/format/shadow.h"
#include "transfer/x509/reason.h"

#define RAW_SIGNATURE_MAX 1024 /* bytes, as a token gives them: RSA-8192's */

struct ledger_crl_series {
	uint64_t n;	      /* its record; set when it is added */
	uint64_t first, last; /* CRL numbers */
	int64_t start, period, overlap;
	uint32_t count; /* slots */
	uint32_t
	    generation; /* how many before it have slots that meet its own */
};

/** What a CRL lists: those revoked by record `upto`, without those that ended
 * before `kept`; a shadow, each certificate of its requester besides. */
struct ledger_crl_list {
	uint64_t upto;
	int64_t kept, this_update;
	bool shadow;
	uint8_t requester[SHA256_LEN]; /* of a shadow */
};

struct ledger_crl {
	uint64_t number;
	int64_t next_update;
	struct ledger_crl_list list;
	uint8_t issuer[SHA256_LEN]; /* key-id */
	uint64_t n_revoked;
	uint8_t digest[SHA256_LEN];	      /* of the DER */
	uint8_t signature[RAW_SIGNATURE_MAX]; /* as the token gave it */
	size_t signature_n;
	uint8_t salt[SHADOW_SALT_LEN], iv[SHADOW_IV_LEN]; /* of a shadow */
};

/** In the open transaction: its numbers may be signed once it is committed.
 * \retval RC_STATE one was used before: the transaction is lost */
enum rc ledger_crl_series_add(
    struct ledger *ledger, struct ledger_crl_series *series) MUST_CHECK;
/** One that was signed, of the newest series. */
enum rc ledger_crl_add(
    struct ledger *ledger, const struct ledger_crl *crl) MUST_CHECK;

/** The lowest number that nobody has used. */
enum rc ledger_crl_number_next(struct ledger *ledger, uint64_t *ret) MUST_CHECK;
/** The newest series, signed or not; *ret_any false: there is none. */
enum rc ledger_crl_series_newest(struct ledger *ledger,
    struct ledger_crl_series *ret, bool *ret_any) MUST_CHECK;
enum rc ledger_crl_get(struct ledger *ledger, uint64_t number,
    struct ledger_crl *ret, bool *ret_known) MUST_CHECK;

/** One that a CRL lists; its serial lasts as long as the call. */
struct ledger_crl_entry {
	struct span serial; /* magnitude */
	int64_t at;	    /* not after thisUpdate */
	enum reason reason;
	int64_t since; /* invalidityDate; 0: none */
};
typedef enum rc ledger_crl_entry_fn(
    void *arg, const struct ledger_crl_entry *entry);
/** All of them, in the order of their bytes. */
enum rc ledger_crl_entries_each(struct ledger *ledger,
    const struct ledger_crl_list *list, ledger_crl_entry_fn *each,
    void *arg) MUST_CHECK;

#endif
