/* SPDX-License-Identifier: Apache-2.0 */
/** Responses onto a medium, and what people and programs are told of each: the
 * end of `sign`, `resend` and `abandon` alike.
 */
#ifndef CA_CMD_CMD_DELIVER_H
#define CA_CMD_CMD_DELIVER_H

#include "base/cmd.h"
#include "ca/response/response.h"

/* Whose response it is. */
struct addressee {
	const uint8_t *channel; /* SHA256_LEN bytes */
	struct span label;	/* n 0: loose, nobody's */
	bool named;		/* loose, and by --name */
	int64_t asked; /* when its bundle was made, by the requester's clock; 0: none */
};

struct delivery {
	const struct home *home;
	struct ledger *ledger;
	const struct ledger_ca *ca;
	const struct media *media; /* path NULL: a dry run, nothing is written */
	json_t *responses;	   /* owned; NULL without --json */
	/* What this run has written already, so that a stick of many old
	 * bundles is not written over and over. */
	struct delivered {
		uint8_t channel[SHA256_LEN];
		uint32_t sequence;
		size_t n_granted, n_refused; /* certificates and revocations */
	} *done; /* owned */
	size_t n_done;
	const char *again; /* what writes it after all; NULL: the same command */
};
void delivery_wipe(struct delivery *delivery);

/** Write a response that was just made, behind those of deliver_before, and say so.
 * \retval RC_IO the ledger has it, the medium not */
enum rc deliver_new(struct delivery *delivery, const struct addressee *to,
    struct response *response) MUST_CHECK;

/** Write the stored responses `first` to `last`, byte for byte, but those that
 * this run has written. \retval RC_STATE the ledger lacks one */
enum rc deliver_stored(struct delivery *delivery, const struct addressee *to,
    uint32_t first, uint32_t last) MUST_CHECK;

/** Write a requester's stored responses below `sequence` of which nothing tells that
 * they arrived: `install` takes none behind a gap. One that cannot be made again is
 * told and left out. */
enum rc deliver_before(struct delivery *delivery,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence) MUST_CHECK;

/** How many certificates and revocations were granted, and how many refused. */
void delivery_count(const struct response *response, size_t *ret_granted,
    size_t *ret_refused);

/** The end of a run that wrote something to a stick: how to unmount it. What was
 * read back was read while it was mounted, which is not the whole proof. */
enum rc deliver_end(const struct delivery *delivery) MUST_CHECK;

/** What this run wrote under this number; NULL: nothing. */
const struct delivered *delivery_find(const struct delivery *delivery,
    const uint8_t channel[static SHA256_LEN], uint32_t sequence);

#endif
