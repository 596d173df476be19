/* SPDX-License-Identifier: Apache-2.0 */
/** The CRLs of a store: a row each, whose bytes lie beside it as "crl/FILE" of the
 * home, mode 0600 in a directory of mode 0700, whether due or not.
 *
 * A later series replaces an earlier one slot by slot: of those that have begun
 * the one with the highest number counts.
 */
#ifndef TRANSFER_ONLINE_STORE_STORE_CRL_H
#define TRANSFER_ONLINE_STORE_STORE_CRL_H

#include "transfer/online/store/store.h"

#define STORE_CRL_DIR "crl"

/** Where `file` lies, or, with "", its directory: `ret` is a new buffer. */
enum rc store_crl_path(const struct store *store, const char *file,
    struct buf *ret) MUST_CHECK;

/** Spans last during the call; a regular one's `file_sha256` is its `sha256`, that
 * of a shadow is of the encrypted file. */
struct stored_crl {
	uint64_t number, n_revoked;
	int64_t this_update, next_update;
	uint8_t issuer[SHA256_LEN]; /* key-id of the CA key */
	uint8_t sha256[SHA256_LEN]; /* of the DER */
	uint8_t file_sha256[SHA256_LEN];
	bool shadow;
	uint32_t manifest; /* that brought it */
	char file[FILE_NAME_MAX + 1];
};

/** Each CRL by number; of one issuer (NULL: all), of one kind or both. */
enum crl_kind { CRL_ANY, CRL_REGULAR, CRL_SHADOW };
struct crl_filter {
	const uint8_t *issuer;
	enum crl_kind kind;
};
enum rc store_each_crl(struct store *store, const struct crl_filter *filter,
    enum rc (*each)(void *arg, const struct stored_crl *crl), void *arg)
    MUST_CHECK;

/** The one that counts at that moment: of those of `filter` (with an issuer) whose
 * thisUpdate is no later, the one with the highest number, whether it has ended
 * or not. */
enum rc store_crl_due(struct store *store, const struct crl_filter *filter,
    int64_t at, bool *ret_known, struct stored_crl *ret) MUST_CHECK;

/** The one with that number. */
enum rc store_crl_get(struct store *store, uint64_t number, bool *ret_known,
    struct stored_crl *ret) MUST_CHECK;

/** The first that is held of the newest response that brought regular ones: of a
 * series it lists most. */
enum rc store_crl_newest(
    struct store *store, bool *ret_known, struct stored_crl *ret) MUST_CHECK;

/** What a new one must be past that is signed at `at`. */
enum rc store_crl_past(struct store *store,
    const uint8_t issuer[static SHA256_LEN], int64_t at,
    struct crl_past *ret) MUST_CHECK;

/** Within a transaction: one that is proven, and whose file is in place. */
enum rc store_crl_add(struct store *store, uint32_t manifest,
    const struct crl_entry *entry,
    const uint8_t file_sha256[static SHA256_LEN]) MUST_CHECK;

/** Within a transaction: drop the rows of what ended before `at` and is followed
 * by another of its issuer and kind, so that the last of them stays. The files
 * that no row names any more are for store_each_crl's caller. */
enum rc store_crl_forget(struct store *store, int64_t at) MUST_CHECK;

#endif
