/* SPDX-License-Identifier: Apache-2.0 */
/** The day a key leaks: shadow CRLs are published, which revoke every certificate
 * of this requester, until the CA has said the same in regular ones.
 *
 * Shadows lie sealed in the store. Those of the newest series are opened once, all
 * of them, when the emergency is declared: from then on they are no secret, for the
 * first is published, and a timer can publish the next without a passphrase.
 */
#ifndef TRANSFER_ONLINE_STORE_EMERGENCY_H
#define TRANSFER_ONLINE_STORE_EMERGENCY_H

#include "transfer/online/store/crl_due.h"

struct emergency {
	bool is;    /* declared, and not over */
	int64_t at; /* when */
};
enum rc emergency_load(struct store *store, struct emergency *ret) MUST_CHECK;

/** The shadows that are newer than those opened before, by number. */
typedef enum rc crl_each_fn(void *arg, const struct stored_crl *shadow);
enum rc emergency_each_sealed(
    struct store *store, crl_each_fn *each, void *arg) MUST_CHECK;

/** Within a transaction: keep one opened, and declare it. */
enum rc emergency_open(struct store *store, const struct stored_crl *shadow,
    struct span der) MUST_CHECK;
enum rc emergency_declare(struct store *store, int64_t now) MUST_CHECK;

/** Remember the shadows among these as published: before anybody can see them,
 * for what is out and was never reported nobody at the CA knows of. */
enum rc emergency_note(struct store *store, const struct crl_due_list *crls,
    int64_t now) MUST_CHECK;

/** The numbers of those, for the next bundle (field 12); to be freed. */
enum rc emergency_numbers(struct store *store, uint64_t **ret_numbers,
    size_t *ret_n) MUST_CHECK;

/** Is it over? It is once the regular CRL that is due is newer, and lists whatever the
 * last shadow listed of this host's certificates, but for what has expired since. Then
 * all of it is forgotten. \param[out] ret_number  of that CRL */
enum rc emergency_end(struct store *store, int64_t now, bool dry_run,
    bool *ret_over, uint64_t *ret_number) MUST_CHECK;

#endif
