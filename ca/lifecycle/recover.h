/* SPDX-License-Identifier: Apache-2.0 */
/** What a restored ledger lacks, brought back from those who have it.
 *
 * A history is the work of this CA as a requester kept it. Nothing in it is
 * believed before it is proven: the manifest by a transfer certificate that the
 * CA's key signed, each certificate by its digest in the manifest and by the
 * CA's key, the bundle and the policy by their digests in the manifest. Only
 * then is it given to OpenSSL's X.509 decoder.
 */
#ifndef CA_LIFECYCLE_RECOVER_H
#define CA_LIFECYCLE_RECOVER_H

#include "ca/home/home.h"
#include "ca/ledger/revocation.h"
#include "transfer/format/digest_set.h"
#include "transfer/judge/judge.h"
#include "transfer/media/history_set.h"
#include "transfer/rule.h"

/** One response of a history, proven. */
struct history_response {
	const struct history_item *item; /* borrowed */
	char from[HISTORY_NAME_MAX + 1]; /* its name, for sentences */
	struct manifest manifest;
	uint8_t digest[SHA256_LEN];
	struct bundle bundle; /* what it answers, if anything */
	bool held;	      /* the ledger has it */
	size_t n_regained;    /* certificates that the ledger lacks */
};
void history_response_wipe(struct history_response *r);

/** Prove one. Rules COSE-, CBOR-, CHANNEL (another CA's, or under a name that is
 * not its own), TRANSFER-CERT, LEDGER-COUNT, MANIFEST-BUNDLE, MANIFEST-RESULTS, MANIFEST-FILES,
 * CERT-DIGEST, CERT-SIGNATURE, CERT-SERIAL, POLICY-DIGEST. */
enum rc history_prove(const struct trust *trust,
    const struct history_item *item, struct history_response *ret) MUST_CHECK;

/** A transfer certificate, and when its validity begins. */
struct transfer_key {
	bool any;
	uint8_t digest[SHA256_LEN];
	int64_t since;
};

/** What is not taken, and why: a response, or a channel whole. */
struct history_left {
	char name[HISTORY_NAME_MAX]; /* CHANNEL/NUMBER, or CHANNEL */
	enum rc rc;
	enum rule rule;
	char *reason; /* owned */
};

/** What a CRL says of one serial. */
struct crl_word {
	uint8_t serial[SERIAL_MAX]; /* without leading zeros */
	uint8_t n_serial;
	enum reason reason;
	int64_t at, since; /* revocationDate; invalidityDate, 0: none */
};

/** A CRL of the lost part, proven. */
struct recovery_crl {
	char *from; /* owned: what sentences call it */
	uint64_t number;
	int64_t this_update;
	uint8_t digest[SHA256_LEN];
	bool seen;		/* an earlier run has read it */
	struct crl_word *words; /* owned; by serial */
	size_t n, n_new;	/* of them; not revoked in the ledger */
	size_t n_no_key; /* lost keys of certificates that are not here */
};

/** The histories of this CA on a stick, and what they come to here. */
struct recovery {
	struct ledger *ledger; /* borrowed */
	struct trust *trust; /* borrowed: the CA, no transfer certificate; it learns */
	int64_t clock; /* what it says */
	struct history_response *items; /* owned; as the CA made them, in order */
	size_t n, n_new, n_certs; /* of all; not held; certificates lacking */
	size_t n_others; /* responses of other CAs, passed over */
	struct history_left *left; /* owned; of this CA */
	size_t n_left;
	struct ledger_history *read; /* owned; of each channel that is known */
	size_t n_read;
	bool waits;		/* nothing is signed yet: rule RESTORED */
	struct awaited *awaits; /* owned; whose history it waits for after this */
	size_t n_awaits;
	struct transfer_key in_force; /* the newest that has signed so far */
	struct ledger_restored restored; /* count 0: nobody restored this one */
	uint64_t had;	  /* records, before anything came back */
	size_t latest; /* of the items: the one not held that was signed last */
	int64_t latest_at; /* and when; 0: none */
	uint64_t before;  /* as top, of those imported before this run */
	uint64_t top;	  /* most records that a manifest was made over */
	uint64_t missing; /* at most so many of those are of nobody's history */
	/* by recovery_store: certificates that it revoked again, and those that
	 * are not here to be revoked */
	size_t n_revoked, n_unrevoked;
	struct recovery_crl *crls; /* owned; by recovery_crl_take */
	size_t n_crls;
	/* CRLs that manifests tell of and that the ledger lacks: the highest number,
	 * the one from which on a CRL tells all, and the highest that was read in
	 * earlier runs; 0: none */
	uint64_t crl_top, crl_wanted, crl_read;
	struct digest_set shadows, coming; /* digests of CRLs; serials of items */
};
void recovery_wipe(struct recovery *recovery);

/** Note what a reader has refused, by its error on record. \retval RC_IO no memory */
enum rc recovery_leave(struct recovery *recovery, const char *name, enum rc why)
    MUST_CHECK;

/** Prove all, and hold them against the ledger and each other. Nothing is stored.
 * What a rule above refuses is left, and so is by GAP, PREVIOUS, LEDGER-COUNT,
 * POLICY-DIGEST or REGAINED-SERIAL what does not continue its channel. Others go on.
 * \retval RC_STATE  rules FORK, ROLLBACK: two ledgers have signed for this CA */
enum rc recovery_plan(struct recovery *recovery,
    const struct history_set *history, const uint8_t ca_id[static SHA256_LEN]) MUST_CHECK;

/** For recovery_plan, which passes over the responses in the order in which they
 * were made. `before` is the manifest before it in its channel; n 0: none.
 * \retval RC_FORMAT rule TRANSFER-CERT: a key that was replaced in that channel, or
 *                   before the backup, or when another response was made before */
enum rc recovery_signer_begin(struct recovery *recovery) MUST_CHECK;
enum rc recovery_signer_check(const struct recovery *recovery, size_t i,
    struct span before) MUST_CHECK;
enum rc recovery_signer_pass(struct recovery *recovery, size_t i) MUST_CHECK;

/** For recovery_plan: what was read of each channel, and who is awaited still. */
enum rc recovery_await(struct recovery *recovery) MUST_CHECK;

/** May the CA sign when this is settled? Nothing is left and nobody is awaited. */
bool recovery_is_whole(const struct recovery *recovery);

/** Import what the ledger lacks: one transaction, begun and committed here.
 * `policy` is in force before and after. */
enum rc recovery_store(struct recovery *recovery, int64_t now,
    struct span policy) MUST_CHECK;

/** A CRL of this CA, after recovery_plan: what it lists is stored with the rest.
 * Proven by the CA's key before it is read.
 * \retval RC_FORMAT rule RECOVER-CRL: not this CA's, of no form of ours, from the
 *                   future by `now`, or a shadow */
enum rc recovery_crl_take(struct recovery *recovery, const char *from,
    struct span der, int64_t now) MUST_CHECK;
/** Do manifests tell of CRLs that are newer than any which was read? */
bool recovery_lacks_crl(const struct recovery *recovery);

/** For recovery_plan, which takes the CRLs of the histories likewise (one that is
 * refused is left, and the response is taken), and for recovery_wipe. */
enum rc recovery_crls_told(struct recovery *recovery) MUST_CHECK;
enum rc recovery_crls_of_items(struct recovery *recovery) MUST_CHECK;
void recovery_crls_wipe(struct recovery *recovery);
/** For recovery_store: all that the CRLs list, behind all else. */
enum rc recovery_add_crls(struct recovery *recovery) MUST_CHECK;
/** What the CRLs say of a serial; NULL: nothing. */
const struct crl_word *recovery_crl_word(
    const struct recovery *recovery, struct span serial);

/** For recovery_store: a lost key of this certificate is not certified again; and
 * of those of a response that were revoked before they came. */
enum rc recovery_add_key(struct ledger *ledger, const struct ledger_cert *cert,
    const struct ledger_revocation *revocation) MUST_CHECK;
enum rc recovery_add_keys(
    struct recovery *recovery, const struct history_response *p) MUST_CHECK;

/** For recovery_store: what a response says was revoked is revoked here too, in the
 * open transaction. And for recovery_plan, how many certificates that were. */
enum rc recovery_add_revoked(struct recovery *recovery,
    const struct history_response *p) MUST_CHECK;
enum rc recovery_count_revoked(const struct manifest *m, uint64_t *ret_n)
    MUST_CHECK;

/** A ledger that waits keeps whose history was read, and waits no longer when it
 * is whole: one transaction, begun and committed here. A crash before it only
 * makes the CA wait on. */
enum rc recovery_settle(struct recovery *recovery, int64_t now,
    struct span policy) MUST_CHECK;
/** It waits no longer, for `words` say what is lost. */
enum rc recovery_give_up(struct ledger *ledger, int64_t now, struct span policy,
    const char *words) MUST_CHECK;

#endif
