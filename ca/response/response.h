/* SPDX-License-Identifier: Apache-2.0 */
/** A response: its manifest, its files, and the way onto the stick.
 *
 * Files are made from the ledger each time they are needed: the certificates by
 * the serials of the manifest, policy.conf by its digest, ca.pem. The same code
 * writes a response for the first time and years later, byte for byte, and the
 * manifest's own digests prove it.
 */
#ifndef CA_RESPONSE_RESPONSE_H
#define CA_RESPONSE_RESPONSE_H

#include "ca/crl/crl.h"
#include "ca/home/home.h"
#include "ca/home/keys.h"
#include "ca/intake/submission.h"
#include "ca/ledger/progress.h"
#include "transfer/format/shadow.h"
#include "transfer/media/layout.h"
#include "transfer/media/media.h"

struct revokes; /* ca/intake/revoke.h */

/** One file of a response. */
struct response_file {
	char name[FILE_NAME_MAX + 1];
	size_t size;
	uint8_t digest[SHA256_LEN];
	size_t first, end; /* whose certificates it holds: results; or none */
	const struct crl_entry *crl; /* of the manifest; NULL: it is no CRL */
	struct crl_size crl_size;    /* of that */
	struct buf kept;   /* its bytes, where they are not made each time */
};

struct response {
	struct ledger_manifest record; /* channel, sequence, digest, file */
	struct manifest manifest;      /* what the file says; spans into it */
	struct ledger *ledger;	       /* borrowed: the files are made from it */
	const struct home *home;       /* likewise: passphrases of shadows */
	const struct ledger_ca *ca;    /* likewise */
	struct shadow_key shadow;      /* the last that was used */
	struct response_file *files;      /* owned; the manifest is the last */
	size_t n;
	size_t n_kept;	 /* bytes of them, made so far */
	struct buf made; /* the one that is being made */
	size_t n_certs, n_refused;
	char dir[MEDIA_NAME_MAX]; /* below the medium's root */
};
void response_wipe(struct response *response);

/** What responses are made with. */
struct response_maker {
	struct ledger *ledger;
	struct keys *keys; /* only for a new one */
	const struct ledger_ca *ca;
	const uint8_t *issuer; /* key-id of the CA key */
	const struct revokes *revokes; /* of the bundle, recorded; NULL: none */
	const struct home *home; /* NULL: no shadow CRLs come out */
};

/** Make the response to a bundle whose every request is decided: manifest,
 * signed by the transfer key, and files. Nothing is stored.
 * \retval RC_STATE the ledger lacks a result */
enum rc response_make(const struct response_maker *maker, const struct submission *s,
    const struct policy *policy, int64_t now, struct response *ret) MUST_CHECK;

/** Make a response without a bundle: it carries the CRLs that its channel lacks.
 * Nothing is stored. */
enum rc response_make_crls(const struct response_maker *maker,
    const struct requester *to, const struct policy *policy, int64_t now,
    struct response *ret) MUST_CHECK;

/** What a response tells instead of results. */
#define RESPONSE_CHANGES_MAX 2
struct response_change {
	struct response_news {
		enum trust_kind kind;
		const struct span *certs; /* DER */
		size_t n;
	} news[RESPONSE_CHANGES_MAX];
	size_t n;
	const struct policy *policy;
	int64_t now;
};
/** Make a response without a bundle that tells a requester of new certificates
 * of the CA's own, signed by the transfer key known so far. Nothing is stored.
 */
enum rc response_make_change(const struct response_maker *maker,
    const struct requester *to, const struct response_change *change,
    struct response *ret) MUST_CHECK;

/** Make the response that the ledger has under this sequence again.
 * \retval RC_STATE it has none, or the files do not come out as they were */
enum rc response_again(const struct response_maker *maker, const uint8_t channel
    [static SHA256_LEN], uint32_t sequence, struct response *ret) MUST_CHECK;

/** Judge it as the requester will, in the judge's process. The judge was opened
 * with the policy in force and the transfer certificate. */
enum rc response_judge(struct child *judge, struct ledger *ledger,
    const struct submission *s, struct response *response) MUST_CHECK;

/** Put it into the ledger, in the transaction that is open. */
enum rc response_store(struct ledger *ledger, struct response *response) MUST_CHECK;

/** Write it to the medium, read it back, and remember in the home on which mount
 * that was. `ret_note` as media_put_dir's. */
enum rc response_write(const struct home *home, const struct media *media,
    struct response *response, struct buf *ret_note) MUST_CHECK;

/** Does it lie on the medium, whole? As media_dir_compare. */
enum rc response_compare(const struct media *media, struct response *response,
    struct media_faults *ret, struct buf *ret_note) MUST_CHECK;

#endif
