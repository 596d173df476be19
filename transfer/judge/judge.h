/* SPDX-License-Identifier: Apache-2.0 */
/** What `install` proves before it stores anything (docs/design.md, "Online").
 *
 * The same code judges at the CA, in a sandboxed child, before a response
 * leaves: per certificate right after its signature, and the whole response at
 * the end. Nothing here reads a file, a clock or a database: everything comes
 * in as arguments.
 */
#ifndef TRANSFER_JUDGE_JUDGE_H
#define TRANSFER_JUDGE_JUDGE_H

#include "base/child.h"
#include "base/file_sink.h"
#include "base/own.h"
#include "transfer/format/cose.h"
#include "transfer/media/loose.h"
#include "transfer/media/media.h"
#include "transfer/policy/kin.h"
#include "transfer/policy/policy.h"
#include "transfer/x509/constraints.h"
#include "transfer/x509/crl_read.h"

/* ---- whom to trust ------------------------------------------------------- */

/** One CA certificate, with what a certificate under it must show. */
struct trust_ca {
	X509 *cert;    /* owned */
	EVP_PKEY *key; /* borrowed from cert */
	uint8_t key_id[SHA256_LEN];
	struct buf der, subject;  /* the certificate; its subject's DER */
	struct buf issuer_id;	  /* what those below name: issuer_id_of */
	struct span ski;	  /* the same */
	struct span algorithm;	  /* AlgorithmIdentifier of its signatures */
	const EVP_MD *digest;	  /* and their hash */
	int64_t not_before, not_after;
	bool own_issuer; /* it signed itself */
	struct constraints bound; /* in der */
};

/** A certificate over one of the CA's keys by another of them (RFC 4210 4.4):
 * new-with-old or old-with-new. */
struct trust_cross {
	struct buf der;
	uint8_t over[SHA256_LEN], by[SHA256_LEN]; /* key-ids */
	int64_t not_before, not_after;
};

/** The trusted end: pinned at enrolment, changed by trust-change only. */
struct trust {
	uint8_t ca_id[SHA256_LEN];
	struct trust_ca *cas; /* owned; the oldest first */
	size_t n_cas;
	struct trust_cross *crosses; /* owned; as they came */
	size_t n_crosses;
	struct buf transfer_cert; /* DER; empty while none is pinned */
	/* Keys and names of `cas`; of others before and of CAs above as far as
	 * whoever fills it knows them (kin_add). */
	struct kin kin;
};
void trust_wipe(struct trust *trust);

/** The newest certificate of the CA key with that key-id, which lasts longest; NULL:
 * none is pinned. */
const struct trust_ca *trust_key_get0(
    const struct trust *trust, const uint8_t *key_id);

/** Pin a CA certificate: of the form that ca_form.h wants; a sound key, RSA
 * 2048-4096, P-256 or P-384; signed by itself where issuer and subject are the same,
 * which may be with SHA-1; not there yet, and of the same subject as one of the same
 * key. The first one's SHA-256 becomes the ca-id if that is all zero. The
 * bytes are copied. Whether it is valid today is not asked: see ca_form_dates.
 * \retval RC_FORMAT rule CA-CERT */
enum rc trust_add_ca(struct trust *trust, const char *from, struct span der)
    MUST_CHECK;

/** Keep one that is over the key of a pinned CA, with its name and
 * subjectKeyIdentifier, and that the key of another pinned CA signed. One that is
 * there already is not kept twice.
 * \retval RC_FORMAT rules CA-CERT, TRUST-CHANGE */
enum rc trust_add_cross(struct trust *trust, const char *from, struct span der)
    MUST_CHECK;

/** Read a manifest that one of the CA's pinned for `trust` has signed: its signature
 * is proven before any of its lists is read. Whose channel it is of, and what it
 * promises, is for judge_response.
 * \retval RC_FORMAT rules COSE-, CBOR-, TRANSFER-CERT */
enum rc judge_manifest_read(const char *from, const struct trust *trust,
    struct span file, struct manifest *ret) MUST_CHECK;

struct ca_window;
/** What request_check asks of the newest CA, whose transfer certificate is given.
 * \retval RC_FORMAT rule TRANSFER-CERT: that is none */
enum rc trust_window(const struct trust *trust, struct span transfer_cert,
    struct ca_window *ret) MUST_CHECK;

/** Is this a transfer certificate: issued by a CA of `trust`, critical
 * keyUsage digitalSignature only, critical EKU exactly EKU_TRANSFER, no CA,
 * no other critical extension, valid at `at`; and the pinned one when one is?
 * Rule TRANSFER-CERT. Gives its key, owned by the caller. */
enum rc judge_transfer_cert(const char *from, const struct trust *trust,
    struct span der, int64_t at, EVP_PKEY **ret_key) MUST_CHECK;

/* ---- one certificate ----------------------------------------------------- */

/** What a certificate must be, to the byte. */
struct expected {
	const char *from; /* first words of every sentence */
	struct span spki; /* of the CSR */
	struct span profile; /* its name in the judge's policy */
	const struct name *names; /* in order */
	size_t n_names;
	struct span csr_subject; /* of the CSR, for a profile that keeps it */
	struct span serial;	 /* as stated; n 0: any well-formed one */
	int64_t not_before, not_after;
	const uint8_t *issuer; /* key-id of the CA key; NULL: trust's newest */
};

/** A judge: trust and policy, and what it keeps between certificates. */
struct judge;

/** Both are borrowed and must outlive it.
 * \retval RC_IO no memory */
enum rc judge_new(const struct trust *trust, const struct policy *policy,
    struct judge **ret) MUST_CHECK;
void judge_free(struct judge *judge);
OWN_STRUCT(judge, judge_free);

/** One certificate against what was asked and granted. The TBS is built anew
 * from `expected` and compared byte for byte, then the signature verified. Rules
 * CERT-FORM, CERT-SIGNATURE, CERT-KEY, CERT-SERIAL, CERT-DATES (the CA's own
 * included), CERT-NAMES, CERT-CONSTRAINTS, CERT-PROFILE (each extension exactly as the profile
 * says, nothing besides), CERT-ISSUER. CERT-KEY and CERT-PROFILE, too, where trust's
 * kin has the key, or the subject of what is a CA's. */
enum rc judge_certificate(struct judge *judge, struct span der,
    const struct expected *expected) MUST_CHECK;

/* ---- a whole response ---------------------------------------------------- */

/** What a requester knows when a response arrives. */
struct channel {
	uint8_t requester[SHA256_LEN];
	bool has_head;
	struct head head; /* of the newest manifest accepted */
};

/** How a bundle stands with the one who sent it. */
enum bundle_state { BUNDLE_UNKNOWN, BUNDLE_OPEN, BUNDLE_VOID, BUNDLE_ANSWERED };

/** One certificate that was found good. Valid during the call. */
struct judged {
	uint32_t request, slot; /* indices into results and their certs */
	/* From judge_receive these two are there of loose CSRs alone: what a
	 * bundle asked its sender knows. */
	const struct cert_request *asked;
	const struct name *names; /* the request's, or its CSR's */
	size_t n_names;
	const struct cert_entry *entry;
	struct span der;
	struct span subject; /* its DER */
};

/** What a response to loose CSRs is held to. */
struct loose_terms {
	/* NULL: not at hand. Each certificate is then held to the key and the
	 * names that it has itself. */
	const struct loose *set;
	struct loose_asked asked; /* profile n 0: whichever of the policy's fits */
};

/** What a new CRL must be past: the highest number that the requester has, and the
 * newest thisUpdate of that issuer's that has begun; 0 and INT64_MIN: none. */
struct crl_past {
	uint64_t number;
	int64_t this_update;
};

/** A certificate that the requester has, as CRLs are held to it. */
struct own_cert {
	struct span serial;
	int64_t not_after;
	bool revoked; /* known to be, before this response or by its results */
};
/** Append one to a list, which stands in the order of the serials' bytes. */
enum rc own_cert_put(const struct own_cert *cert, struct buf *list) MUST_CHECK;

/** A response, and the ways to what belongs to it. All but `file` may be NULL
 * where noted. Spans given by a function are good until its next call. */
struct evidence {
	const char *from;     /* first words of every sentence */
	struct span manifest; /* manifest.cose as it lies there */
	const struct channel *channel;
	/* Loose CSRs, which have neither channel nor bundle; else NULL. */
	const struct loose_terms *loose;
	/* Names of the other files of the directory. */
	const struct span *names;
	size_t n_names;
	/* The bytes of names[i]. */
	enum rc (*file)(void *arg, size_t i, struct span *ret_bytes);
	/* The same piece by piece, of what may be too large to be held. NULL: by
	 * `file`. */
	enum rc (*pieces)(void *arg, size_t i, const struct file_sink *to);
	/* The bundle that has this id: its state and, when open, the file's
	 * bytes, which stay until judge_response returns. */
	enum rc (*bundle)(void *arg, const uint8_t *id, enum bundle_state *ret,
	    struct span *ret_bytes);
	/* Take the answer to a bundle that `bundle` does not know too: it was sent
	 * after the copy was made that this store was restored from. Everything
	 * is proven but that it was asked for: key, names and dates of each
	 * certificate are its own, held to a profile of the policy. */
	bool unasked;
	/* The digest of the manifest that was accepted with this number:
	 * *ret_known is false when there is none. NULL: only the head counts. */
	enum rc (*accepted)(void *arg, uint32_t sequence, bool *ret_known,
	    uint8_t ret_digest[static SHA256_LEN]);
	/* Was this serial ever seen? NULL: the caller watches over that. */
	enum rc (*seen)(void *arg, struct span serial, bool *ret);
	/* The CRL that has this number: its digest. NULL: there is none yet. */
	enum rc (*crl_known)(void *arg, uint64_t number, bool *ret_known,
	    uint8_t ret_digest[static SHA256_LEN]);
	/* By the moment at which the response was signed. NULL: nothing is. */
	enum rc (*crl_past)(void *arg, const uint8_t issuer[static SHA256_LEN],
	    int64_t at, struct crl_past *ret);
	/* The list of own_cert, once every certificate was taken. NULL: none is
	 * known (at the CA). */
	enum rc (*own)(
	    void *arg, const struct manifest *manifest, struct buf *ret_list);
	/* One of these that was not known to be revoked is: a CRL lists it. NULL
	 * where `own` is. Act on it as on `take`. */
	enum rc (*revoked)(void *arg, const struct crl_revoked *revoked);
	/* A good certificate. NULL: nobody cares. Called before the rest of
	 * the response is judged: act on it only when that is good too. */
	enum rc (*take)(void *arg, const struct judged *judged);
	void *arg;
};

/** What a response came to. */
struct response_verdict {
	struct manifest manifest; /* spans into the response's manifest bytes */
	struct head head;	  /* what the channel's head becomes */
	struct buf policy;	  /* policy.conf when it is a new one */
	struct trust trust;	  /* the new one, when trust_changed */
	bool trust_changed;
	struct span bundle;	  /* as `bundle` gave it */
	size_t n_certs, n_refused;
	bool again;		  /* was accepted before: nothing to do */
	bool unasked;		  /* answers a bundle that nobody here knows */
};
void response_verdict_wipe(struct response_verdict *verdict);

/** Judge a whole response; `judge`'s policy is what the requester holds, whose
 * place a policy.conf in the response takes. Rules: COSE-, CBOR-, TRANSFER-CERT,
 * CHANNEL (other CA or requester), GAP, FORK, PREVIOUS, REPLAY (an older one
 * that was never accepted), LEDGER-COUNT, MANIFEST-BUNDLE, MANIFEST-RESULTS,
 * CSR-DIGEST, POLICY-DIGEST, MANIFEST-FILES, CERT- and CRL- rules, TRUST-CHANGE. One that
 * was accepted before is not judged again: only `again` is set then. */
enum rc judge_response(struct judge *judge, const struct evidence *response,
    struct response_verdict *ret) MUST_CHECK;

/* ---- the judge as a process ---------------------------------------------- */

/** Start it, hand it policy and CA certificates, then send certificates and take
 * verdicts in the same order. Keep at most JUDGE_WINDOW outstanding: so many
 * verdicts fit into the socket whatever they say (base/child.h), so the judge
 * never waits for us, and we wait for it at most when certificates are large
 * and it has enough to do. The child has warmed OpenSSL up and has locked
 * itself in (sandbox_strict) before it reads its first byte. */
#define JUDGE_WINDOW 128
enum rc judge_start(struct child *ret) MUST_CHECK;

/** Wait until it has locked itself in, or learn why it cannot: rule SANDBOX. */
enum rc judge_ready(struct child *judge) MUST_CHECK;

#define JUDGE_CAS_MAX 16 /* CA certificates */
/** \param ca_id  of the CA, which is for life; NULL: its first certificate's is here
 * \param transfer_cert  n 0 where no response will be judged
 * May be sent again: the judge begins anew. Nothing may be outstanding. */
enum rc judge_open(struct child *judge, struct span policy_text, const uint8_t *ca_id,
    const struct span *ca_certs, size_t n_ca_certs, struct span transfer_cert)
    MUST_CHECK;
/** Tell it besides what keys and names are taken: after judge_open, whose CA
 * certificates and transfer certificate it knows by itself. */
#define JUDGE_KIN_MAX 1024
enum rc judge_kin_tell(struct child *judge, const struct kin *kin) MUST_CHECK;
/** Hand over a certificate; does not wait for its verdict. expected->from is cut
 * at 120 bytes. */
enum rc judge_send(struct child *judge, struct span der,
    const struct expected *expected) MUST_CHECK;
/** RC_OK: the oldest outstanding one passed; else its refusal with rule. */
enum rc judge_recv(struct child *judge) MUST_CHECK;

/** Hand over the bundle that certificates are for: judge_asked_ask judges each as
 * the response to that bundle will be, with what it reads there itself. Nothing
 * may be outstanding. After judge_open. */
enum rc judge_bundle_open(
    struct child *judge, const struct sealed *bundle) MUST_CHECK;
struct asked_cert {
	uint32_t request; /* place in the bundle, from 0 */
	struct span serial;
	int64_t not_before, not_after;
};
enum rc judge_asked_ask(struct child *judge, struct span der,
    const struct asked_cert *cert) MUST_CHECK;

/** Judge a whole response that came from outside, as judge_response does, and fill
 * `ret`, but let the judge process read all that a stranger may have made: PEM,
 * certificates, a new policy. This process reads the manifest, once its signature
 * is proven under the pinned certificate, the place in the channel, and what it was
 * asked by itself. Nothing is believed of a certificate that the judge gives back
 * but that it is good: its bytes are those that the manifest lists, each once.
 * `response->take` is called before the verdict. Nothing may be outstanding; the
 * judge begins anew.
 * \retval RC_IO, RC_BUG  the judge died, hangs or lies */
enum rc judge_receive(struct child *judge, const struct trust *trust,
    const struct policy *policy, const struct evidence *response,
    struct response_verdict *ret) MUST_CHECK;

/** Judge a whole response as the requester will. The judge asks for the files
 * one at a time, so that it never holds them all. `bundle` is NULL when the
 * response answers none, and the loose set when response->loose is not: of that
 * only the profile is taken, for the judge reads the set itself. The signatures of certificates that this judge passed
 * since judge_open are not verified a second time; everything else is. Nothing
 * may be outstanding. `response->seen` and `take` are not called. */
enum rc judge_response_ask(struct child *judge, const struct evidence *response,
    const struct sealed *bundle) MUST_CHECK;

#endif
