/* SPDX-License-Identifier: Apache-2.0 */
/** The CA's home directory: ledger.db, policy.conf, token.conf.
 *
 * token.conf is machine-local (where the token is reached from here), never part
 * of the reviewed policy: lines `ca = URI`, `transfer = URI`, `#` comments.
 */
#ifndef CA_HOME_HOME_H
#define CA_HOME_HOME_H

#include "ca/ledger/ledger.h"
#include "transfer/policy/policy.h"

#define HOME_LEDGER "ledger.db"
#define HOME_POLICY "policy.conf"
#define HOME_TOKEN "token.conf"
/* The request by which a CA that is to stand below another one waits for its
 * certificate: there is no ledger until `import`. PEM. */
#define HOME_WAITING "waiting.csr"

struct home {
	char *path; /* owned */
	int fd;	    /* of the directory; -1 */
};
void home_wipe(struct home *home);

/** Make the directory (0700) for init; refused when it holds a ledger.
 * \retval RC_STATE a CA lives there already */
enum rc home_create(const char *path, struct home *ret) MUST_CHECK;
/** Open one that waits for its certificate: RC_STATE where none does. The request
 * that an `import` which was cut short left beside its ledger goes with `tidy`. */
enum rc home_waiting_open(const char *path, bool tidy, struct home *ret) MUST_CHECK;
/** Open it: RC_STATE where no CA lives there, or it waits; here and above rule HOME-MODE where
 * others may write to it. */
enum rc home_open(const char *path, struct home *ret) MUST_CHECK;

enum rc home_ledger_open(const struct home *home, bool write,
    struct ledger **ret) MUST_CHECK;

/** Read and parse policy.conf. */
enum rc home_policy_read(const struct home *home, struct policy *ret) MUST_CHECK;

/** Does the policy keep within the CA's certificate, and those above it? \retval RC_POLICY rule
 * POLICY-BOUND */
enum rc home_check_bound(const struct policy *policy,
    const struct ledger_ca *ca) MUST_CHECK;

struct token_conf {
	struct buf ca, transfer; /* URIs as C strings (terminator counted) */
};
void token_conf_wipe(struct token_conf *conf);
/** Both URIs; none where there is no token.conf. */
enum rc home_token_read(const struct home *home, struct token_conf *ret)
    MUST_CHECK;
enum rc home_token_write(const struct home *home, const char *ca_uri,
    const char *transfer_uri) MUST_CHECK;

/** Names of the interfaces other than loopback that are up, "eth0 wlan0"; empty
 * when the machine is off the network. */
enum rc network_up(struct buf *ret_names) MUST_CHECK;

/** The same, for what signs: rule NETWORK-UP when there are any and they are not
 * `allowed`. The caller records those that are. */
enum rc network_check(bool allowed, struct buf *ret_names) MUST_CHECK;

/** Rules CLOCK-BEHIND and CLOCK-AHEAD against the ledger's high-water mark. */
enum rc clock_check(const struct ledger *ledger, const struct policy *policy,
    int64_t now) MUST_CHECK;

#endif
