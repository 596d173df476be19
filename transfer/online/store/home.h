/* SPDX-License-Identifier: Apache-2.0 */
/** The home of airgap-transfer.
 *
 *	store.db		what this host knows (transfer/online/store/store)
 *	requester.pem		the key that signs bundles, mode 0600
 *	keys/NAME-KEYID.pem	private keys made by `request --new-key`, 0600
 *	ca.pem			the pinned CA certificates, then their issuers
 *	certs/NAME/DATE-SERIAL.pem	certificates; NAME is the first name of
 *				one, DATE the day on which it becomes valid
 *
 * ca.pem and certs/ are made from the store and can be made again.
 */
#ifndef TRANSFER_ONLINE_STORE_HOME_H
#define TRANSFER_ONLINE_STORE_HOME_H

#include "transfer/online/store/store.h"

#define ONLINE_REQUESTER_KEY "requester.pem"

/** Open the store of a home. Rule UNENROLLED when there is none, HOME-MODE when
 * others may write to it. */
enum rc online_open(const char *home, bool write, struct store *ret) MUST_CHECK;

/** Rule HOME-MODE where others may write to the home; RC_OK when there is none. */
enum rc online_guard(const char *home) MUST_CHECK;

/** One process for each home that changes more than the store: others wait for
 * nothing, they are told. What was loaded before may be old by then.
 * \retval RC_STATE another one is at it */
enum rc online_lock(const char *home, int *ret_fd) MUST_CHECK;

/** "HOME/store.db". */
enum rc online_store_path(const char *home, struct buf *ret_path) MUST_CHECK;

/** Make a private key: "ec-p256", "rsa-3072", "ed25519" ...
 * \retval RC_USAGE no such type */
enum rc online_key_make(const char *type, EVP_PKEY **ret) MUST_CHECK;

/** Write a private key as PKCS#8 PEM, mode 0600, to a file of the home that is
 * not there yet; read one. */
enum rc online_key_write(const char *home, const char *file, EVP_PKEY *key)
    MUST_CHECK;
enum rc online_key_read(const char *home, const char *file, EVP_PKEY **ret)
    MUST_CHECK;

/** The file of the home, "keys/NAME-KEYID.pem", that has the private key of which
 * that is the SHA-256 of the SPKI; empty: none has.
 * \retval RC_IO keys cannot be listed */
enum rc online_key_find(const struct store *store,
    const uint8_t key_id[static SHA256_LEN], struct buf *ret_file) MUST_CHECK;

/** Is a file of these bytes, by their digest, among the home's private keys?
 * \retval RC_IO keys cannot be listed, or one cannot be read */
enum rc online_key_is_here(const char *home,
    const uint8_t sha256[static SHA256_LEN], bool *ret) MUST_CHECK;

/** Read a private key in PEM from any file of at most `cap` bytes. No passphrase is
 * ever asked for: a key that has one is refused.
 * \retval RC_STATE  it is no such key
 * \retval RC_FORMAT larger, or no regular file
 * \retval RC_IO     it cannot be read */
enum rc online_key_file_read(const char *path, size_t cap, EVP_PKEY **ret)
    MUST_CHECK;

/** The same of its bytes. */
enum rc online_key_parse(const char *from, struct span pem, EVP_PKEY **ret)
    MUST_CHECK;

/** The first file name for things that belong to a name: letters, digits, '.',
 * '_' and '-' stay, anything else becomes '_'. */
enum rc online_name_write(struct span name, struct buf *out) MUST_CHECK;

/** Write what certs/ lacks, and ca.pem when it differs: after an install, and
 * after one that was interrupted. A certificate is never overwritten.
 * \param[out] ret_new  how many certificates were written */
enum rc online_files_write(const char *home, struct store *store,
    size_t *ret_new) MUST_CHECK;

#endif
