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
	struct trust trust;		 /* as it would be pinned; by card_ask none */
	struct buf subject; /* of the CA certificate, for people; by card_ask */
	int64_t until;	    /* its last second; by card_ask */
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

/** The same by a judge process: no certificate is parsed here, but the card's CBOR
 * is read, and the fingerprint is made of these bytes. Subject and date are the
 * judge's word, for a person who compares words and not them. Nothing may be
 * outstanding. \retval RC_IO, RC_BUG the judge died, hangs or lies */
enum rc card_ask(struct child *judge, const char *from, struct span file,
    int64_t now, struct offer *ret) MUST_CHECK;

/** Once the words are confirmed: parse the policy. Rule POLICY. */
enum rc offer_policy_read(const char *from, struct offer *offer) MUST_CHECK;

#endif
