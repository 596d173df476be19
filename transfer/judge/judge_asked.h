/* SPDX-License-Identifier: Apache-2.0 */
/** Certificates against the requests that they answer, before there is a manifest
 * to judge. Inside the judge's process only.
 */
#ifndef TRANSFER_JUDGE_JUDGE_ASKED_H
#define TRANSFER_JUDGE_JUDGE_ASKED_H

#include "transfer/judge/judge.h"

struct asked {
	struct sealed copy;
	struct bundle bundle; /* spans into the copy */
};
void asked_wipe(struct asked *asked);

/** Take a bundle's copy over and parse it. `*fd` is -1 then. */
enum rc asked_open(struct asked *asked, int *fd) MUST_CHECK;

/** As judge_certificate, with key, profile and names as the bundle asks, which
 * are read here from its very bytes. */
enum rc asked_judge(struct judge *judge, const struct asked *asked,
    struct span der, const struct asked_cert *cert) MUST_CHECK;

#endif
