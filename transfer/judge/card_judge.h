/* SPDX-License-Identifier: Apache-2.0 */
/** A CA's card before it is believed: whole in itself, trusted by words only. */
#ifndef TRANSFER_JUDGE_CARD_JUDGE_H
#define TRANSFER_JUDGE_CARD_JUDGE_H

#include "transfer/judge/judge.h"

/** What a card offers. Spans point into the file. */
struct offer {
	struct card card;
	struct span transfer_cert;
	uint8_t fingerprint[SHA256_LEN]; /* of the CA certificate: its words */
	struct trust trust;		 /* as it would be pinned */
	struct policy policy; /* after offer_policy_read */
};
void offer_wipe(struct offer *offer);

/** Check that the CA certificate is one (CA-CERT) and valid at `now` (CA-DATES, also
 * for a card that is made more than a day later),
 * that its issuers, if any, are likewise and follow it in order up to one that
 * signed itself, that it issued the transfer certificate, and that this signed the
 * card. Nothing of it says who made the card, so its policy is not looked at
 * yet: that is a larger language than a stranger is allowed to speak. */
enum rc card_judge(const char *from, struct span file, int64_t now,
    struct offer *ret) MUST_CHECK;

/** Once the words are confirmed: parse the policy. Rule POLICY. */
enum rc offer_policy_read(const char *from, struct offer *offer) MUST_CHECK;

#endif
