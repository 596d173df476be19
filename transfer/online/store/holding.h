/* SPDX-License-Identifier: Apache-2.0 */
/** The certificates of one name: all that may be deployed under it, and which of
 * them is due.
 *
 * Certificates belong together when they have the same profile and the same first
 * name (certs/NAME in the home); those without any name go by their request's id.
 * A renewal may change the other names, and the keys.
 *
 * Of those that belong together the newest request wins. From the moment that its
 * first certificate begins the older ones are over, at once and for good, whatever
 * they still hold: their key may have leaked. One that was asked `--beside` leaves
 * alone those with another type of key (RSA beside EC). A renewal does too, and the
 * request that it renews serves for the hour in which it settles.
 */
#ifndef TRANSFER_ONLINE_STORE_HOLDING_H
#define TRANSFER_ONLINE_STORE_HOLDING_H

#include "base/clock.h"
#include "transfer/online/store/store.h"

/** What of a certificate is kept. */
struct held {
	uint8_t sha256[SHA256_LEN];
	uint8_t issuer[SHA256_LEN]; /* key-id of the CA key */
	int64_t not_before, not_after;
	uint32_t slots; /* of the series that it belongs to; 1: of none */
	bool revoked;
	bool never; /* revoked before it began */
	struct buf serial, der, names; /* names: as in struct stored_cert */
	char *key_file;		       /* owned; NULL: not made here */
	const char *key_type;	       /* "EC", "RSA": as OpenSSL says it */
	/* The request. Which is newer, the bundle says that asked first, for to
	 * ask again makes nothing newer. */
	uint32_t bundle, place, since;
	enum standing standing;
	bool is_asked; /* a bundle of this store has it: it can be repeated */
};

struct holding {
	char *name, *profile; /* owned: "dns:example.org", or a request's id */
	struct held *items;   /* owned; by notBefore, then notAfter */
	size_t n;
};
void holding_wipe(struct holding *holding);

/** What is held under that name and profile. None is RC_OK and n 0. */
enum rc holding_load(struct store *store, struct span name, struct span profile,
    struct holding *ret) MUST_CHECK;

/** Find it by what a person typed: "dns:example.org", a bare domain, host or JID,
 * or a request's id. A certificate whose first name it is goes before those that
 * have it further down; `profile` (NULL: any) tells what is left apart.
 * \retval RC_STATE  no certificate has it
 * \retval RC_USAGE  several kinds of certificates have it */
enum rc holding_find(struct store *store, const char *typed,
    const char *profile, int64_t now, struct holding *ret) MUST_CHECK;

/** Every name and profile under which something is held, in the order of names,
 * with the end of the last certificate of it. */
enum rc holding_each(struct store *store,
    enum rc (*each)(void *arg, struct span name, struct span profile,
	int64_t ends),
    void *arg) MUST_CHECK;

/** Which rows of table request, called r, are held under name ?1, profile ?2: those
 * whose list of names (one a line) is it or begins with it. Each part of the OR is
 * one search in an index. */
#define HELD_UNDER                                                            \
	"(r.unused IS NULL AND r.profile = ?2 AND (r.names = ?1"              \
	" OR (r.names > ?1 || char(10) AND r.names < ?1 || char(11))"         \
	" OR (r.names = '' AND r.id = ?1)))"

/** The first name of a row of table request, called `r`; and whether a row called
 * `n` belongs to it. Each part of the OR begins with what an index finds: a bundle's
 * requests are all held against each other in this way. */
#define HELD_FIRST_OF(r)                                                      \
	"substr(" r ".names, 1, instr(" r ".names || char(10), char(10)) - 1)"
#define HELD_TOGETHER(n, r)                                                   \
	"(" n ".unused IS NULL AND " n ".profile = " r ".profile AND ("       \
	n ".names = " HELD_FIRST_OF(r)                                        \
	" AND (" r ".names <> '' OR " n ".id = " r ".id)"                     \
	" OR " n ".names > " HELD_FIRST_OF(r) " || char(10)"                  \
	" AND " n ".names < " HELD_FIRST_OF(r) " || char(11)"                 \
	" AND " r ".names <> ''))"

/** How long a certificate settles before it takes over from one that is still
 * valid: clocks of peers may be that far behind. */
#define HELD_SETTLE INT64_C(3600)

/** Does what was asked later leave certificate `i` its place, now or, if it is not
 * valid yet, when it begins? One that has ended can still be the last. */
bool held_is_in_force(const struct holding *holding, size_t i, int64_t now);

/** May peers be told of it: it has not ended, and the server presents it now, or
 * did so before a renewal, or will? What another request replaced is told of to
 * nobody. */
bool held_is_told(const struct holding *holding, size_t i, int64_t now);

/** The type of key that a server's file gets: `wanted` (NULL: none in particular)
 * where the newest requests left it a place, else that of the oldest of them that
 * has not ended. NULL: none is there. */
const char *held_type_get0(
    const struct holding *holding, const char *wanted, int64_t now);

/** The types that stand side by side now or later, each once, without those whose
 * last certificate ended before `since`.
 * \return how many are written */
#define HELD_TYPES_MAX 8
size_t held_types_get0(const struct holding *holding, int64_t now,
    int64_t since, const char *ret[static HELD_TYPES_MAX]);

/** The certificate of that type of key that is due: the newest by notBefore of
 * those that are in force, valid now and not revoked; but one that began less than
 * HELD_SETTLE ago leaves the place to the one before it, of its own request or of
 * the one that it renews, if that is valid for HELD_SETTLE more. NULL: none is
 * valid. */
const struct held *held_due_get0(
    const struct holding *holding, const char *key_type, int64_t now);

/** The next of that type that becomes valid; NULL: none. */
const struct held *held_next_get0(
    const struct holding *holding, const char *key_type, int64_t now);

/** The certificate of that type which ends last of those that are in force and not
 * revoked, ended ones included; NULL: none. */
const struct held *held_last_get0(
    const struct holding *holding, const char *key_type, int64_t now);

/** What is left of that type: certificates that are not valid yet, and when the
 * last ends (0: none is valid now or later). */
struct held_left {
	size_t later;
	int64_t ends;
	bool series; /* the last of them belongs to a series */
};
struct held_left held_left_of(
    const struct holding *holding, const char *key_type, int64_t now);

/** Does it run out: it ends within `within`, or of a series less than two are to
 * come? Then `request --renew` is the next step. */
bool held_runs_out(const struct held_left *left, int64_t now, int64_t within);
#define HELD_WITHIN (30 * DAY) /* unless told otherwise */

/** The certificates that have not ended and are in force no more, and when the
 * last of them ends. */
struct held_left held_replaced_of(const struct holding *holding, int64_t now);

/** How many would be in force but for the request whose first certificate `by` is,
 * now or when it begins. */
size_t held_replaced_by(
    const struct holding *holding, const struct held *by, int64_t now);

#endif
