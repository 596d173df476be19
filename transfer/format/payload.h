/* SPDX-License-Identifier: Apache-2.0 */
/** What bundles, manifests and cards are made of: docs/transfer.cddl as structs.
 *
 * Spans point into the file that was read, or into the caller's bytes when
 * writing. Sizes and patterns are those of the grammar; the readers have
 * checked them.
 */
#ifndef TRANSFER_FORMAT_PAYLOAD_H
#define TRANSFER_FORMAT_PAYLOAD_H

#include "base/buf.h"
#include "base/hex.h"

#define FORMAT_VERSION 1
#define BUNDLE_ID_LEN 16
#define REQUEST_ID_MAX 63
#define LABEL_MAX 63
#define PROFILE_MAX 32 /* bytes of its name */
#define FILE_NAME_MAX 100
#define COMMENT_MAX 512
#define POLICY_FILE_MAX 262144 /* bytes of policy.conf */
#define SERIES_MAX 120
#define REQUESTS_MAX 100000   /* in a bundle */
#define REVOCATIONS_MAX 10000 /* in a bundle */
#define REVOKED_MAX 1000      /* serials that one of them came to */
#define CRLS_MAX 1000
#define LISTED_MAX 10000 /* files of a response */
#define CHANGES_MAX 16	 /* of trust, in a manifest */
#define CHAIN_MAX 16	 /* certificates of a card or of a change */

struct ledger_head {
	uint64_t count;		  /* records so far */
	uint8_t hash[SHA256_LEN]; /* of the newest */
};

struct head {
	uint32_t sequence;
	uint8_t digest[SHA256_LEN]; /* of the manifest file */
	struct ledger_head ledger;
};

struct name; /* transfer/x509/name.h */

struct validity {
	bool has_not_before;
	int64_t not_before;
	uint32_t count;	 /* 1, or 2..120 for a series */
	int64_t period;	 /* seconds; for count 1 the whole duration */
	int64_t overlap; /* seconds; 0 for count 1 */
};

struct cert_request {
	struct span id, csr, profile;
	struct validity validity;
	struct span comment;  /* n 0 when absent */
	struct span replaces; /* serial; n 0 when absent */
	struct name *names;   /* owned by the bundle; NULL: the CSR's are used */
	size_t n_names;
};

struct revocation {
	struct span serial; /* either this */
	struct span key_id; /* or this, n 0 otherwise */
	uint32_t reason;
	bool has_since;
	int64_t since;
};

struct crl_request {
	uint32_t count;
	int64_t period, overlap;
};

struct bundle {
	uint8_t id[BUNDLE_ID_LEN];
	uint8_t ca_id[SHA256_LEN];
	int64_t created;
	uint32_t sequence;
	bool has_expires;
	int64_t expires;
	bool has_head;
	struct head head;
	struct cert_request *requests; /* owned */
	size_t n_requests;
	struct revocation *revocations; /* owned */
	size_t n_revocations;
	bool has_crl;
	struct crl_request crl;
	uint64_t *shadow_crls; /* owned */
	size_t n_shadow_crls;
	struct span label, spki;
};

struct cert_entry {
	struct span serial;
	uint8_t digest[SHA256_LEN]; /* of the certificate DER */
	struct span file;
	int64_t not_before, not_after;
	uint8_t issuer[SHA256_LEN]; /* key-id of the CA key */
};

struct result {
	struct span id;
	uint8_t csr_digest[SHA256_LEN];
	struct cert_entry *certs; /* owned; NULL when refused */
	size_t n_certs;
	struct span rule, reason; /* n 0 when issued */
};

enum revocation_status { REVOKED, REVOKED_BEFORE, REVOKE_UNKNOWN, REVOKE_REFUSED };

struct revocation_result {
	struct span *serials; /* owned */
	size_t n_serials;
	enum revocation_status status;
	struct span rule, comment;
};

struct crl_entry {
	uint64_t number;
	int64_t this_update, next_update;
	uint8_t digest[SHA256_LEN];
	struct span file;
	uint64_t n_revoked;
	uint8_t issuer[SHA256_LEN];
	bool shadow;
};

struct file_entry {
	struct span name;
	uint64_t size;
	uint8_t digest[SHA256_LEN];
};

enum trust_kind { TRUST_TRANSFER, TRUST_RENEWED, TRUST_ROLLOVER, TRUST_SPARE };

struct trust_change {
	enum trust_kind kind;
	struct span *certs; /* owned */
	size_t n_certs;
};

struct manifest {
	uint8_t ca_id[SHA256_LEN];
	uint32_t sequence;
	bool has_previous;
	uint8_t previous[SHA256_LEN];
	bool has_bundle;
	uint8_t bundle_id[BUNDLE_ID_LEN];
	uint8_t bundle_digest[SHA256_LEN];
	int64_t signed_at;
	bool has_next_visit;
	int64_t next_visit;
	struct result *results; /* owned, as the arrays below */
	size_t n_results;
	struct revocation_result *revocations;
	size_t n_revocations;
	struct crl_entry *crls;
	size_t n_crls;
	struct file_entry *files;
	size_t n_files;
	struct ledger_head ledger;
	uint8_t policy[SHA256_LEN];
	bool has_requester; /* false: loose CSRs */
	uint8_t requester[SHA256_LEN];
	struct trust_change *changes;
	size_t n_changes;
};

struct card {
	uint8_t ca_id[SHA256_LEN];
	struct span *certs; /* owned; the CA's first, then its issuers */
	size_t n_certs;
	int64_t created;
	struct span policy;
};

/** Read a payload (of a struct cose). Rules CBOR-SCHEMA and, where a text breaks
 * its pattern, FORMAT-TEXT; ids doubled in one bundle: DUPLICATE-ID.
 * `from` names the file in errors. The result is released by its _wipe.
 * \retval RC_FORMAT, RC_IO (memory) */
enum rc bundle_read(const char *from, struct span payload, struct bundle *ret)
    MUST_CHECK;
enum rc manifest_read(const char *from, struct span payload,
    struct manifest *ret) MUST_CHECK;
enum rc card_read(const char *from, struct span payload, struct card *ret)
    MUST_CHECK;

/** The same but for all lists, which stay empty: no memory is asked for, and there
 * is nothing to release. This is what may be known before a signature is proven:
 * with which key to prove it, and whose the file says it is. */
enum rc bundle_read_head(const char *from, struct span payload,
    struct bundle *ret) MUST_CHECK;
enum rc manifest_read_head(const char *from, struct span payload,
    struct manifest *ret) MUST_CHECK;

/** Append the payload's encoding. */
enum rc bundle_write(const struct bundle *bundle, struct buf *out) MUST_CHECK;
enum rc manifest_write(const struct manifest *manifest, struct buf *out)
    MUST_CHECK;
enum rc card_write(const struct card *card, struct buf *out) MUST_CHECK;

/** Is files[i] a shadow CRL? Those are among the files, and nothing but their bytes
 * makes them again. */
bool manifest_is_shadow(const struct manifest *manifest, size_t i);

void bundle_wipe(struct bundle *bundle);
void manifest_wipe(struct manifest *manifest);
void card_wipe(struct card *card);

/** The dates of slot `i` (from 0) of a validity, `not_before` being the first's
 * notBefore: the one place with this arithmetic. Overflow cannot happen within
 * the grammar's limits. */
void validity_slot(const struct validity *v, int64_t not_before, uint32_t i,
    int64_t *ret_not_before, int64_t *ret_not_after);

/** The patterns of the grammar's common part. */
bool format_is_rule(struct span text);
bool format_is_request_id(struct span text);
bool format_is_profile(struct span text);
bool format_is_file_name(struct span text);
bool format_is_label(struct span text);

#endif
