/* SPDX-License-Identifier: Apache-2.0 */
/** The token: keys that never leave it, reached through a process of its own.
 *
 * token_start forks the token process before anything else is opened. It alone
 * loads the PKCS#11 module, asks for the PIN at /dev/tty (or reads pin-source)
 * and holds the session. The caller sees digests and signatures. This is the
 * only header of token/ that others include.
 *
 * URIs are RFC 7512: token, manufacturer, serial, model, object, id,
 * module-path, pin-source (file only). Without one, the single token present is
 * taken. Keys are found by public key where one is known, and by object or id
 * otherwise.
 */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "token/wire/shape.h"

#include <sys/types.h>

struct token; /* our end of the process; opaque */

/** Fork the process. Nothing is loaded yet. Other processes of this user, the
 * module among them, may not look into the calling one from now on.
 * \retval RC_IO */
enum rc token_start(struct token **ret, const struct token_options *options)
    MUST_CHECK;
/** Log out, close, reap; NULL is fine. */
void token_free(struct token *token);
OWN_STRUCT(token, token_free);

/** Let it give up now what it gives up before the first module in any case, and
 * ask how far that reached (`airgap-ca status`). No module is loaded.
 * \param ret_pid  for whoever asks the kernel about it
 * \retval RC_TOKEN a lock that this kernel has does not hold */
enum rc token_confine(struct token *token, struct token_level *ret,
    pid_t *ret_pid) MUST_CHECK;

/** List tokens of the module(s): of `module`, else of every module known (p11-kit
 * registered and the usual paths). */
enum rc token_list(struct token *token, const char *module,
    struct token_info **ret, size_t *ret_n) MUST_CHECK;

/** Is it a URI that token_open would look for, one line and without a PIN in it?
 * No token is asked.
 * \retval RC_USAGE no */
enum rc token_uri_check(const char *uri) MUST_CHECK;

/** Load the module, find the one token that the URI names (NULL: the only one
 * present), open a session. No PIN yet. What was open before is closed: this is
 * also the way back after an error, before token_login and token_use_key.
 * \retval RC_USAGE the URI is malformed
 * \retval RC_TOKEN none, several, or the module fails */
enum rc token_open(struct token *token, const char *uri,
    struct token_info *ret_info) MUST_CHECK;

/** The same, by what it holds: the token that shows one of the public keys,
 * whatever its label and serial are today; of several that do, the one that the
 * URI names. Where none shows it, the one named, if that shows no key at all. No PIN
 * was asked when it returns, so none goes to a token that has other keys. Where the
 * token is not the one that the URI names, the person at the screen is told.
 * \retval RC_TOKEN there is none: what was wanted, by which file, and what is there */
enum rc token_open_by_key(struct token *token,
    const struct token_sought *sought, struct token_info *ret_info) MUST_CHECK;

/** Keys visible now (private ones only after login). */
enum rc token_keys(struct token *token, struct token_key **ret, size_t *ret_n)
    MUST_CHECK;
void token_keys_free(struct token_key *keys, size_t n);

/** When the newest certificate on the open token begins, in seconds; 0: it shows
 * none. \retval RC_IO no memory, or the process is gone */
enum rc token_newest(struct token *token, int64_t *ret_at) MUST_CHECK;

/** The one private key of the open token that the URI's object and id name;
 * NULL, or a URI with neither: the only private key there. Log in first: most
 * tokens hide private keys until then. Where the URI names another token than
 * the open one, that is an error.
 * \retval RC_TOKEN none, or several (they are named) */
enum rc token_find_key(struct token *token, const char *uri,
    struct token_key *ret) MUST_CHECK;

/** Ask for the PIN once and log in (a wrong one is asked again at a terminal,
 * each prompt one attempt). Every later operation uses this login.
 * \retval RC_TOKEN wrong PIN (what is left is said), locked, final try */
enum rc token_login(struct token *token) MUST_CHECK;

/** Select a key for signing, by its SPKI; returns a small handle.
 * \retval RC_TOKEN no such private key, or it cannot sign */
enum rc token_use_key(struct token *token, struct span spki, unsigned *ret_key)
    MUST_CHECK;

/** Could the open token make a key of this type, by its mechanism list? Writes
 * nothing, wants no PIN.
 * \retval RC_USAGE no such type \retval RC_TOKEN it cannot */
enum rc token_can_make(struct token *token, const char *type) MUST_CHECK;

/** Make a key pair: sensitive, not extractable, signing only; attributes read
 * back and checked. type "ec-p256", "ec-p384" or "rsa-BITS"; id may be empty
 * (a random one is drawn). A token that cannot make it says so before anything
 * is written. */
enum rc token_keygen(struct token *token, const char *type, const char *label,
    struct span id, struct token_key *ret) MUST_CHECK;

/** Sign digests: several may be outstanding, answers come in order. The length
 * of the digest, 32, 48 or 64, says which SHA-2 it is. ECDSA signatures are raw
 * r||s; RSA as is. Keep at most TOKEN_WINDOW outstanding.
 *
 * What was given may stay here until more has come or an answer is waited for;
 * token_sign_flush sends it now: before turning to other work. A process that
 * has gone is no error of these two: token_sign_recv says so, after the last of
 * the answers that it left. */
#define TOKEN_WINDOW 256
enum rc token_sign_send(struct token *token, unsigned key,
    enum token_scheme scheme, struct span digest) MUST_CHECK;
void token_sign_flush(struct token *token);
/** \param seconds  a C_Sign that does not return by then: the process is killed
 * \retval RC_TOKEN the module's words; nothing further can be signed */
enum rc token_sign_recv(struct token *token, int seconds, struct buf *ret_sig)
    MUST_CHECK;
/** One, waited for. */
enum rc token_sign(struct token *token, unsigned key, enum token_scheme scheme,
    struct span digest, struct buf *ret_sig) MUST_CHECK;

/** Raw C_Sign calls, `threads` sessions side by side, for `seconds`: signatures
 * per second. */
enum rc token_bench(struct token *token, unsigned key, unsigned seconds,
    unsigned threads, double *ret_rate) MUST_CHECK;

/** The certificate on the token by which its maker attests that the key was
 * made there, and the one that signed it, both DER; empty when the token has
 * none. */
enum rc token_attestation(struct token *token, struct span spki,
    struct buf *ret_cert, struct buf *ret_issuer) MUST_CHECK;

/** Initialise the module's one empty token. One that is initialised is never
 * touched. */
enum rc token_init(struct token *token, const struct token_setup *setup,
    struct token_info *ret_info) MUST_CHECK;

#endif
