/* SPDX-License-Identifier: Apache-2.0 */
/** Taking responses off a stick: found, judged, stored, in order. */
#ifndef TRANSFER_ONLINE_RECEIVE_RECEIVE_H
#define TRANSFER_ONLINE_RECEIVE_RECEIVE_H

#include "transfer/media/media.h"
#include "transfer/online/receive/receive_crl.h"
#include "transfer/online/store/store.h"
#include "transfer/x509/cert.h"

/** What one response came to, while it lasts. */
struct received {
	const char *path;    /* on the medium */
	uint32_t sequence;   /* as its manifest says */
	uint32_t bundle;     /* that it answers, as the store counts; 0: none */
	const struct response_verdict *verdict;
	/* Certificates that a CRL of it lists and that were not known to be
	 * revoked: what somebody did at the CA. */
	const struct learned *learned;
	size_t n_learned;
	struct received_crls crls;
};

struct learned {
	uint8_t serial[SERIAL_MAX];
	size_t serial_n;
	enum reason reason;
	int64_t at;
};

/** What all of them came to. */
struct reception {
	size_t found, again;	  /* of this channel; known already */
	uint32_t sequence;	  /* of the newest good one; 0: none */
	size_t n_certs, n_refused; /* in new ones */
	size_t n_crls, n_revoked;  /* likewise: CRLs, and what was revoked */
	/* Responses to bundles that this store does not know, and of their
	 * certificates those whose key is not here. */
	size_t n_unasked, n_lost;
	/* Directories named like ours that nothing of our CA's proves. */
	size_t n_junk;
};

/** How they are taken; the judge process reads them. */
struct receiving {
	struct child *judge; /* judge_start, before the store was opened */
	bool store_them;
	enum rc (*each)(void *arg, const struct received *r);
	void *arg;
	/* Of loose CSRs: what the one of them was named at the CA. NULL, n 0: by
	 * itself. */
	const struct name_list *names;
};

/** Judge the responses of our channel that are on a medium, in order, and stop
 * at the first that is refused. A directory that is only named like one of ours
 * and has no manifest that the CA signed for us stands in nobody's way: it is counted,
 * and its error is the result only when nothing new comes beside it and it may be meant to be new. One that answers a bundle which the store does not
 * know is taken: a host that was restored from an older copy must go on. With `store_them` each is one transaction;
 * otherwise everything is undone at the end. `each` is told of every response
 * that was accepted (once it is stored), new or not.
 * `ret` is filled on failure too: what went well before.
 * \retval RC_IO  the medium has no response for us; else as judge_response */
enum rc receive(struct store *store, const struct media *media,
    const struct receiving *how, struct reception *ret) MUST_CHECK;

/** The same for responses to loose CSRs, which are in no channel. With a `set`
 * the one that answers exactly it is judged and, with store_them, stored in one
 * transaction; without, all of them are proved as far as they can be without
 * their CSRs, and nothing is stored.
 * \retval RC_FORMAT rule LOOSE-SET: none answers exactly these CSRs
 * \retval RC_STATE  rule FORK: they had another answer before
 * \retval RC_IO     the medium has none; else as judge_response */
enum rc receive_loose(struct store *store, const struct media *media,
    const struct loose *set, const struct receiving *how,
    struct reception *ret) MUST_CHECK;

#endif
