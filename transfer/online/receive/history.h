/* SPDX-License-Identifier: Apache-2.0 */
/** What this side holds of the CA's doing: its responses as they came.
 *
 * For a CA whose ledger is older than they are (`airgap-ca recover`). Beside each
 * lies the bundle that it answers, which tells what no certificate says: number
 * and profiles.
 */
#ifndef TRANSFER_ONLINE_RECEIVE_HISTORY_H
#define TRANSFER_ONLINE_RECEIVE_HISTORY_H

#include "transfer/media/layout.h"
#include "transfer/media/media.h"
#include "transfer/online/store/store.h"

/** "airgap-ca/history/<8 hex of ca-id>-<8 hex of requester>/<6 digits>" */
void history_path(const struct store *store, uint32_t sequence,
    char ret[static MEDIA_NAME_MAX]);

/** The files of one response, its manifest and its bundle behind them.
 * \retval RC_STATE the store is damaged: they do not come out as they were */
enum rc history_make(struct store *store, const struct stored_manifest *of,
    struct layout *ret) MUST_CHECK;

/** Within the transaction that stores a response: would history_make give it back?
 * At most one of its files is in memory at a time.
 * \param from  what sentences begin with
 * \retval RC_FORMAT rule MANIFEST-FILES */
enum rc history_check(struct store *store, const struct manifest *m,
    const char *from) MUST_CHECK;

#endif
