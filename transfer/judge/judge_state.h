/* SPDX-License-Identifier: Apache-2.0 */
/** The inside of a judge, for judge_*.c only. */
#ifndef TRANSFER_JUDGE_JUDGE_STATE_H
#define TRANSFER_JUDGE_JUDGE_STATE_H

#include "transfer/format/digest_set.h"
#include "transfer/judge/judge.h"
#include "transfer/policy/extension.h"
#include "transfer/x509/tbs.h"

/* What it keeps for each CA certificate. */
struct judge_ca {
	EVP_PKEY_CTX *verify;
	EVP_MD *digest;
	struct extension_plan *plans; /* one for each profile; n 0: not yet */
};

struct judge {
	const struct trust *trust;
	const struct policy *policy;
	struct judge_ca *cas;
	EVP_MD_CTX *md;
	/* Room for one certificate, kept for the next. */
	struct tbs_bytes tbs;
	struct extension_list list;
	struct buf subject, extensions;
	/* With `remember`, what passed: its signature is not verified again. */
	bool remember;
	struct digest_set passed;
};

/** judge_certificate, saying what it worked out: `ret_subject` is borrowed until
 * the next call. `digest` is the SHA-256 of `der`. */
enum rc judge_certificate_subject(struct judge *judge, struct span der,
    const uint8_t digest[static SHA256_LEN], const struct expected *expected,
    struct span *ret_subject) MUST_CHECK;

#endif
