/* SPDX-License-Identifier: Apache-2.0 */
/** What `install` proves before it stores anything (docs/design.md, "Online").
 *
 * The same code judges at the CA, in a sandboxed child, before a response
 * leaves: per certificate right after its signature, and the whole response at
 * the end. Nothing here reads a file, a clock or a database: everything comes
 * in as arguments.
 */
#ifndef TRANSFER_JUDGE_H
#define TRANSFER_JUDGE_H

#include "base/child.h"
#include "transfer/cose.h"
#include "transfer/policy.h"

#define EKU_TRANSFER "2.25.19590968114015642689692489763836022666"

/** The trusted end: pinned at enrolment, changed by trust-change only. */
struct trust {
	uint8_t ca_id[SHA256_LEN];
	struct trust_ca {
		X509 *cert;   /* owned */
		EVP_PKEY *key; /* borrowed from cert */
		uint8_t key_id[SHA256_LEN];
	} *cas; /* owned */
	size_t n_cas;
	struct buf transfer_cert; /* DER, pinned by digest */
};
void trust_wipe(struct trust *trust);
/** \retval RC_FORMAT rule CA-CERT: not a CA certificate that we would make */
enum rc trust_add_ca(struct trust *trust, const char *from, struct span der)
    MUST_CHECK;

/** Is this a transfer certificate: issued by a CA of `trust`, critical
 * keyUsage digitalSignature only, critical EKU exactly EKU_TRANSFER, valid at
 * `at`? Rule TRANSFER-CERT. Gives its key. */
enum rc judge_transfer_cert(const char *from, const struct trust *trust,
    struct span der, int64_t at, EVP_PKEY **ret_key) MUST_CHECK;

/** One certificate against what was asked and granted. Rules CERT-FORM,
 * CERT-SIGNATURE, CERT-KEY, CERT-SERIAL, CERT-DATES, CERT-NAMES, CERT-PROFILE
 * (each extension exactly as the profile says, nothing besides), CERT-ISSUER,
 * CERT-DIGEST. */
struct expected {
	const char *from;
	struct span spki; /* of the CSR */
	const struct profile *profile;
	const struct name *names;
	size_t n_names;
	struct span serial; /* as stated; n 0: any well-formed one */
	int64_t not_before, not_after;
};
enum rc judge_certificate(const struct trust *trust, struct span der,
    const struct expected *expected) MUST_CHECK;

/** The judge as a process: start it, hand it policy and CA certificate, then
 * send certificates and take verdicts in the same order. Asynchronous within
 * the socket's buffers: keep at most JUDGE_WINDOW outstanding. */
#define JUDGE_WINDOW 64
enum rc judge_start(struct child *ret) MUST_CHECK;
enum rc judge_open(struct child *judge, struct span policy_text,
    const struct span *ca_certs, size_t n_ca_certs) MUST_CHECK;
enum rc judge_send(struct child *judge, struct span der,
    const struct expected *expected) MUST_CHECK;
/** RC_OK: the oldest outstanding one passed; else its refusal with rule. */
enum rc judge_recv(struct child *judge) MUST_CHECK;
/** Judge a whole response as the requester will: manifest file and directory
 * listing against the bundle. */
struct response_file {
	struct span name, bytes;
};

#endif
