/* SPDX-License-Identifier: Apache-2.0 */
/** What was revoked: certificates by serial, and keys.
 *
 * A certificate is revoked once, and stays so. The time of its record is the
 * revocationDate, but of what was revoked before the CA was taken over. A key of which somebody said that others have it is never
 * certified again. All of it is looked up by an index: a million revocations do
 * not slow a signing.
 */
#ifndef CA_LEDGER_REVOCATION_H
#define CA_LEDGER_REVOCATION_H

#include "ca/ledger/ledger.h"
#include "transfer/x509/reason.h"

struct ledger_revocation {
	struct span serial; /* without leading zeros */
	int64_t not_after;  /* of the certificate */
	enum reason reason;
	bool has_since;
	int64_t since; /* invalidityDate: when the key was lost, above 0 */
	int64_t date; /* the revocationDate where it is not that of the record: of
		       * what an adopted CA had revoked; 0 */
	/* of its record; ledger_revoke does not look at these */
	uint64_t n;
	int64_t at; /* the revocationDate */
};

/** In the open transaction. `bundle` is the record of the bundle that asked for
 * it; 0: the operator, at the laptop.
 * \retval RC_STATE never issued, or revoked already: the transaction is lost */
enum rc ledger_revoke(struct ledger *ledger,
    const struct ledger_revocation *revocation, uint64_t bundle) MUST_CHECK;

/** Is it revoked? `ret->serial` is `serial`. */
enum rc ledger_revoked_get(struct ledger *ledger, struct span serial,
    struct ledger_revocation *ret, bool *ret_revoked) MUST_CHECK;

/** Which bundle asked for the revocation of record `n`; 0: none did. */
enum rc ledger_revoked_by(struct ledger *ledger, uint64_t n,
    uint64_t *ret_bundle) MUST_CHECK;

/** Record of the newest revocation; 0: there is none. */
enum rc ledger_revoked_newest(struct ledger *ledger, uint64_t *ret_n)
    MUST_CHECK;

/** Every one, in the order of the serials' bytes, of which a shorter one comes
 * before those that it begins. Only those of records up to `upto`; 0: all. Its
 * serial lasts as long as the call. */
typedef enum rc revoked_fn(const struct ledger_revocation *revocation, void *arg);
enum rc ledger_revoked_each(struct ledger *ledger, uint64_t upto,
    revoked_fn *each, void *arg) MUST_CHECK;

/** A key that others have, in the open transaction. `key_id` is the SHA-256 of
 * its SPKI. \retval RC_STATE it is revoked already: the transaction is lost */
enum rc ledger_key_revoke(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], enum reason reason,
    int64_t since /* 0: not known */) MUST_CHECK;
enum rc ledger_key_is_revoked(struct ledger *ledger,
    const uint8_t key_id[static SHA256_LEN], bool *ret_revoked) MUST_CHECK;

/** The certificates that bundles of this requester obtained and that count at
 * `live_at` or later: signed, not void, not revoked, not ended by then. In the
 * order of ledger_revoked_each. All of the ledger is walked. */
typedef enum rc live_cert_fn(struct span serial, int64_t not_after, void *arg);
enum rc ledger_certificates_of(struct ledger *ledger,
    const uint8_t requester[static SHA256_LEN], int64_t live_at,
    live_cert_fn *each, void *arg) MUST_CHECK;

#endif
