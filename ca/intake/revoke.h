/* SPDX-License-Identifier: Apache-2.0 */
/** Which of what somebody wants revoked is revoked.
 *
 * Asked of a bundle's revocations, in the name of its requester, and of what an
 * operator types. Deciding stores nothing. Once it is recorded, it is decided
 * again to the same end: what this bundle revoked was to be revoked.
 */
#ifndef CA_INTAKE_REVOKE_H
#define CA_INTAKE_REVOKE_H

#include "ca/intake/intake.h"
#include "ca/ledger/revocation.h"
#include "transfer/x509/cert.h"

/** A certificate that a revocation came to. */
struct revoke_cert {
	uint8_t serial[SERIAL_MAX];
	size_t n_serial;
	uint8_t key_id[SHA256_LEN];
	bool has_key; /* false of one from before an adoption that is not at hand */
	int64_t not_before, not_after;
	bool before; /* it is revoked, and not by this bundle */
};

/** What becomes of one revocation. */
struct revoke_decision {
	enum revocation_status status;
	enum rule rule; /* RULE_NONE: it is revoked, or was before */
	char *reason;   /* owned; printable, at most COMMENT_MAX bytes */
	struct revoke_cert *certs; /* owned; none when refused or unknown */
	size_t n;
};

struct revokes {
	const struct revocation *asked; /* borrowed */
	struct revoke_decision *items;  /* owned; one each, in order */
	size_t n;
	size_t n_refused; /* by a rule, REVOKE-UNKNOWN too */
	size_t n_certs;   /* certificates that are to be revoked */
	int64_t now;
};
void revokes_wipe(struct revokes *revokes);

/** In whose name. */
struct revoker {
	const uint8_t *key_id; /* of the requester; NULL: the operator */
	struct span label;     /* its */
	enum may_revoke right;
	uint64_t bundle; /* the record of its bundle, where it has one; or 0 */
	int64_t now;
};

/** Decide. By serials each is looked up; for revocations by key the ledger is
 * walked once. Rules REVOKE-UNKNOWN, REVOKE-CA, REVOKE-DENIED and REVOKE-FUTURE are
 * decisions. \retval a failure: nothing is decided */
enum rc revokes_decide(struct ledger *ledger, const struct revoker *who,
    const struct revocation *asked, size_t n, struct revokes *ret) MUST_CHECK;

/** The revocations of a bundle, in the name of its requester under this policy.
 * `bundle` and `at`: where and when it was accepted before; else 0, and now. */
enum rc revokes_decide_bundle(struct ledger *ledger,
    const struct policy *policy, const struct submission *s, uint64_t bundle,
    int64_t at, struct revokes *ret) MUST_CHECK;

/** Record what was decided, in the open transaction, and each key that others have
 * by what was said. `bundle` as ledger_revoke's. */
enum rc revokes_record(struct ledger *ledger, const struct revokes *revokes,
    uint64_t bundle) MUST_CHECK;

/** Withdraw each request whose key others have, by the ledger or by what the same
 * bundle says. Rule KEY-REVOKED. */
enum rc revokes_withhold(struct ledger *ledger, const struct revokes *revokes,
    const struct submission *s, struct decisions *d) MUST_CHECK;

#endif
