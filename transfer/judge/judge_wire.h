/* SPDX-License-Identifier: Apache-2.0 */
/** What parent and judge say to each other: CBOR arrays, one to a frame.
 *
 *	parent		[0, policy, [* ca-cert], transfer-cert]
 *			[1, der, from, spki, profile, serial, not-before,
 *			    not-after, issuer / null, [* [type, text]]]
 *			[2, from, requester, head / null, copy, profile,
 *			    [* file-name]]		and a memfd, unless copy
 *			    is 0: the bundle (1), or a loose set (2), which is
 *			    for that profile
 *			[3]		are you locked in?
 *			[4]		and a memfd: the bundle of each [5]
 *			[5, der, request, serial, not-before, not-after]
 *	judge		[0, rc, rule, sentence]		a verdict
 *			[1, index]			only after a [2]: give me
 *							that file; behind
 *							the last: the manifest
 *	parent		[length], then its bytes in frames of JUDGE_CHUNK
 */
#ifndef TRANSFER_JUDGE_JUDGE_WIRE_H
#define TRANSFER_JUDGE_JUDGE_WIRE_H

#include "transfer/judge/judge.h"

enum judge_order {
	JUDGE_OPEN,
	JUDGE_CERT,
	JUDGE_RESPONSE,
	JUDGE_LEVEL,
	JUDGE_BUNDLE,
	JUDGE_ASKED,
};
enum judge_answer { JUDGE_VERDICT, JUDGE_FILE };

enum judge_copy { COPY_NONE, COPY_BUNDLE, COPY_LOOSE };

#define JUDGE_CHUNK ((size_t)1 << 20)
#define JUDGE_FILE_MAX ((uint64_t)1 << 30)
#define JUDGE_FROM_MAX 120
#define JUDGE_NAME "judge"

/** What the judge process runs. */
enum rc judge_run(int sock, void *unused);

#endif
