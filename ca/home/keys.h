/* SPDX-License-Identifier: Apache-2.0 */
/** The CA's two keys on the token, and how each signs. */
#ifndef CA_HOME_KEYS_H
#define CA_HOME_KEYS_H

#include "ca/cert/alg.h"
#include "ca/home/home.h"
#include "token/token.h"
#include "transfer/format/cose.h"

struct keys {
	struct token *token; /* borrowed: the process started before the ledger */
	unsigned ca, transfer; /* handles, valid after keys_open */
	struct sign_alg alg;   /* of the CA key */
	EVP_PKEY *transfer_key; /* public, from the transfer certificate; owned */
	enum cose_alg transfer_alg;
};
void keys_wipe(struct keys *keys);

/** Open the token that shows one of the CA's public keys (token_open_by_key;
 * token.conf is the hint), log in (the PIN prompt), and find both keys by the
 * certificates. `need_ca` false: the transfer key
 * only. \retval RC_TOKEN */
enum rc keys_open(struct token *token, const struct token_conf *conf,
    const struct ledger_ca *ca, bool need_ca, struct keys *ret) MUST_CHECK;

/** The same for both keys, where the transfer key may be gone: then *ret_transfer
 * is false and only the CA key can be used. */
enum rc keys_open_ca(struct token *token, const struct token_conf *conf,
    const struct ledger_ca *ca, struct keys *ret, bool *ret_transfer) MUST_CHECK;

/** Use a new transfer key instead, on the token that is open. */
enum rc keys_set_transfer(struct keys *keys, struct span spki) MUST_CHECK;

/** Sign with the transfer key a COSE file of ours (manifest or card), which
 * takes the place of what `ret_file` holds. */
enum rc keys_cose_sign(struct keys *keys, enum cose_type type,
    struct span transfer_cert, struct span payload, struct buf *ret_file)
    MUST_CHECK;

#endif
