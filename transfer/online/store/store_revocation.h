/* SPDX-License-Identifier: Apache-2.0 */
/** What is revoked, as this host asked for it and as the CA answered; and keys that
 * others may have. What takes from it: a revoked certificate stays in the store and
 * is used for nothing. */
#ifndef TRANSFER_ONLINE_STORE_STORE_REVOCATION_H
#define TRANSFER_ONLINE_STORE_STORE_REVOCATION_H

#include "transfer/online/store/store.h"
#include "transfer/x509/reason.h"

/** Within a transaction: what a bundle asks to be revoked; a key of which others may
 * have the private half is known as that from now on. */
enum rc store_revocations_put(
    struct store *store, const struct bundle *bundle) MUST_CHECK;

/** Within a transaction: what a manifest answers to the bundle (0: to none that is
 * known here). Done twice it is the same. */
enum rc store_revocations_answer(struct store *store, uint32_t bundle,
    const struct manifest *manifest) MUST_CHECK;

/** Within a transaction: this certificate is revoked, whoever asked for it.
 * \param[out] ret_is_new  false: it is not here, or was known to be */
enum rc store_revoked(struct store *store, const struct crl_revoked *revoked,
    bool *ret_is_new) MUST_CHECK;

/** Every certificate as CRLs are held to it (own_cert_put). */
enum rc store_own_list(struct store *store, struct buf *ret_list) MUST_CHECK;

/** Revocations without an answer: of open and void bundles, each once, the oldest
 * first; spans last during the call. */
enum rc store_each_unrevoked(struct store *store,
    enum rc (*each)(void *arg, const struct revocation *r), void *arg)
    MUST_CHECK;

/** Was it said of the key that others may have it? */
enum rc store_key_is_revoked(struct store *store,
    const uint8_t key_id[static SHA256_LEN], bool *ret) MUST_CHECK;

/** The certificates of a request of that name (as holding_find has it) or all of a
 * key; or one, by its serial: each that is neither revoked nor at its end at `now`.
 * Spans last during the call. */
struct live_cert {
	struct span serial, names;
	int64_t not_before, not_after;
	uint8_t key_id[SHA256_LEN];
	bool revoked;
};
enum rc store_each_live(struct store *store, int64_t now,
    enum rc (*each)(void *arg, const struct live_cert *cert), void *arg)
    MUST_CHECK;

/** The first of the names of a certificate, "dns:www.example.org", or its request's
 * id; appended. */
enum rc store_cert_name(
    struct store *store, struct span serial, struct buf *ret) MUST_CHECK;

#endif
