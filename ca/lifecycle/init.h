/* SPDX-License-Identifier: Apache-2.0 */
/** A CA from nothing, or from what other software left of it: `airgap-ca init`, step by
 * step.
 *
 * Everything that can be checked is checked before the token is written to, and
 * everything is signed and verified before the home is: the ledger, renamed
 * into place last, is what makes a directory a CA. A run that was cut short has
 * left keys on the token at most, which the next one adopts with --use-key.
 */
#ifndef CA_LIFECYCLE_INIT_H
#define CA_LIFECYCLE_INIT_H

#include "base/cmd.h"
#include "ca/cert/tbs.h"
#include "ca/home/keys.h"
#include "ca/home/own_key.h"
#include "ca/lifecycle/adopt.h"
#include "transfer/media/media.h"
#include "transfer/x509/cert.h"

#define INIT_DAYS 3650
#define INIT_PROFILES "tls"
/* How far the CA's notBefore lies back: for hosts whose clock is behind, and so
 * that a leaf with the policy's backdate fits in from the first minute. */
#define INIT_BACKDATE DAY

/** As typed; NULL or empty: not given. */
struct init_options {
	const char *home, *subject;
	const char *token, *key_type, *use_key, *transfer_key; /* URIs, type */
	const char *days, *serial, *path_len, *profiles, *out;
	const char *constraints; /* "critical" ... */
	const char *date; /* in words */
	struct cmd_list scopes, scope_ip, scope_email;
	bool constrain_srv, allow_network, dry_run;
	const char *csr; /* a file: the CA asks another one for its certificate */
	const struct adoption *adopted; /* a CA of other software; NULL: a new one */
};

struct init {
	const struct init_options *options; /* borrowed */
	int64_t now;
	struct ca_wish wish;
	struct buf subject; /* as it will stand in the certificates */
	uint8_t serial[SERIAL_MAX];
	struct buf policy_text;
	struct policy policy;
	struct text_list scope_ip, scope_email; /* of the certificate */
	struct buf interfaces; /* names of those that are up */
	struct media media;    /* of --out */
	struct buf doubt;      /* why the clock may be wrong; empty: nothing */
	struct token *token;   /* borrowed */
	const char *opened_by; /* the URI that names the token; NULL */
	struct token_info info;
	struct token_key *held; /* owned: the keys that the token shows */
	size_t n_held;
	struct own_key ca, transfer;
	struct buf ca_cert, transfer_cert; /* DER */
	struct buf request; /* DER, of a CA that asks another one */
	struct keys keys;
};
void init_wipe(struct init *init);

/** The options, the home, the medium, the clock and the network; nothing is
 * touched. \param token  the process, started already; borrowed
 * \retval RC_USAGE, RC_STATE (a CA lives there; rule NETWORK-UP), RC_IO */
enum rc init_check(const struct init_options *options, struct token *token,
    struct init *init) MUST_CHECK;

/** What speaks against the clock, into `doubt`: it is not between the date of
 * these sources and 20 years on, or a file on the medium is newer, or a certificate
 * there begins later. */
enum rc init_clock_doubt(struct init *init) MUST_CHECK;

/** And a certificate on the open token, which begins later. */
enum rc init_clock_doubt_token(struct init *init) MUST_CHECK;

/** Are these words the clock's date, as "3 May 2031"? \retval RC_STATE no */
enum rc init_clock_confirm(const struct init *init, const char *words)
    MUST_CHECK;

/** Look at the token, without PIN: its keys, and whether it can make ours.
 * \retval RC_USAGE it holds keys and nothing was said about that: `held` has
 *                  them, for the caller to show */
enum rc init_look(struct init *init) MUST_CHECK;

/** Log in; adopt or make both keys, check that they are good ones.
 * \retval RC_TOKEN rule ADOPT-KEY: not the key of the certificate that is adopted */
enum rc init_keys(struct init *init) MUST_CHECK;

/** Sign both certificates, or for an adopted CA the second, and verify them as a
 * requester would. */
enum rc init_certify(struct init *init) MUST_CHECK;

/** Write the home. After this the CA exists. */
enum rc init_store(struct init *init) MUST_CHECK;

/** Of a CA below another one, in the place of the two before: sign its request, and
 * write it, policy.conf and token.conf into the home, where the CA waits; then the
 * file that was asked for. */
enum rc init_request(struct init *init) MUST_CHECK;
enum rc init_wait(struct init *init) MUST_CHECK;

/** After a failure: put into the error record which keys this run has left on
 * the token, and how to go on with them. */
enum rc init_explain(const struct init *init, enum rc rc);

#endif
