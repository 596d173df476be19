/* SPDX-License-Identifier: Apache-2.0 */
/** The CA's card: what an online side pins the CA from. */
#ifndef CA_HOME_CARD_H
#define CA_HOME_CARD_H

#include "ca/home/keys.h"
#include "transfer/media/media.h"

/** Make the card, signed by the transfer key. Appended. */
enum rc card_make(struct keys *keys, const struct ledger_ca *ca,
    const struct policy *policy, int64_t now, struct buf *ret_file) MUST_CHECK;

/** Write it to the medium as airgap-ca/cards/<8 hex of ca-id>.cose, replacing
 * one that is there.
 * \param[out] ret_path  appended: where below the medium's root
 * \param[out] ret_note  appended: as media_put_file's */
enum rc card_put(const uint8_t ca_id[static SHA256_LEN], struct span file,
    const struct media *media, struct buf *ret_path, struct buf *ret_note)
    MUST_CHECK;

#endif
