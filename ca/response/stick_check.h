/* SPDX-License-Identifier: Apache-2.0 */
/** What lies on a stick, held against the ledger.
 *
 * Names say what a directory would be (CA-REQUESTER-SEQUENCE); the bytes that
 * the ledger makes of that response again say whether it is. Nothing on the
 * stick is parsed.
 */
#ifndef CA_RESPONSE_STICK_CHECK_H
#define CA_RESPONSE_STICK_CHECK_H

#include "ca/response/response.h"

/** Read "CA-REQUESTER-SEQUENCE", the name of a response of this CA's; the loose
 * channel's bytes are zero. False: it is none. */
bool stick_name_read(const char *name, const uint8_t ca_id[static SHA256_LEN],
    uint8_t ret_prefix[static 4], uint32_t *ret_sequence);

/** One directory that bears the name of a response of this CA. */
struct stick_response {
	char dir[MEDIA_NAME_MAX]; /* below the medium's root */
	bool known; /* the ledger has this response; else only dir */
	uint8_t channel[SHA256_LEN];
	uint32_t sequence;
	struct media_faults faults;
	struct buf note; /* how far it was read back */
};
struct stick_look {
	struct stick_response *items; /* owned; in the order of their names */
	size_t n;
	size_t n_foreign; /* other names in that place */
};
void stick_look_wipe(struct stick_look *look);

/** Compare every response of ours on a medium.
 * \retval RC_STATE  the ledger cannot make one again
 * \retval RC_FORMAT rules MEDIA-COUNT, MEDIA-FILE; RC_IO reading failed */
enum rc stick_look(const struct media *media, const struct home *home,
    struct ledger *ledger, const struct ledger_ca *ca, struct stick_look *ret) MUST_CHECK;

/** Record those that are whole, were read past the cache and were pending until
 * now. `*ret_n` says how many; with none, nothing is written.
 * \retval RC_STATE rule CLOCK-BEHIND */
enum rc stick_record(struct ledger *ledger, int64_t now, struct span policy,
    const struct stick_look *look, size_t *ret_n) MUST_CHECK;

#endif
