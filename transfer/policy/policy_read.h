/* SPDX-License-Identifier: Apache-2.0 */
/** The keys of policy.conf and how each is read. For transfer/policy. */
#ifndef TRANSFER_POLICY_POLICY_READ_H
#define TRANSFER_POLICY_POLICY_READ_H

#include "base/clock.h"
#include "transfer/policy/config.h"
#include "transfer/policy/policy.h"

#define POLICY_HORIZON (400 * DAY) /* a profile's, where it says nothing */

/** A policy that is being read, and what to call its file. */
struct policy_reading {
	const char *from;
	struct policy *policy;
};

/** How a value is read, and what it is stored as. */
enum policy_type {
	POLICY_NUMBER,	 /* uint32_t, from `least` to `most` */
	POLICY_DURATION, /* int64_t, seconds, from `least` up */
	POLICY_EITHER,	 /* bool, by one of two words */
	POLICY_ONE,	 /* uint32_t, by one of the words */
	POLICY_BITS,	 /* uint32_t, by some of the words */
	POLICY_DOMAINS,	 /* struct text_list, within the CA's scope */
	POLICY_OWN,	 /* as its own function does */
};

/** The i-th word that a value may be, and its bit, truth or value; NULL behind the last. */
typedef const char *policy_words(unsigned i, uint32_t *ret_value);

/** A key is a row: its name, how it is read, where it is stored. */
struct policy_key {
	const char *name; /* ends in '.': what follows it is part of the key */
	enum policy_type type;
	bool required;
	size_t at; /* offset in the struct of the section */
	int64_t least, most;
	uint32_t step;	   /* of a number: a multiple of it; 0: any */
	int64_t otherwise; /* what holds when it is not given */
	policy_words *words;
	enum rc (*own)(const struct policy_reading *r,
	    const struct config_entry *entry, void *target);
};

/** The keys of each section; the last has no name. */
extern const struct policy_key policy_ca_keys[];	/* struct policy */
extern const struct policy_key policy_profile_keys[];	/* struct profile */
extern const struct policy_key policy_requester_keys[]; /* policy_requester */

/** "yes" and "no". */
const char *policy_yes_words(unsigned i, uint32_t *ret_value);

/** Where a field is; only where it has the type that the reader writes. */
#define POLICY_AT(section, field, type) \
	offsetof(struct section, field) + \
	    _Generic(((struct section *)0)->field, type : 0)

bool policy_key_is(const struct policy_key *key, struct span name);

/** Store what holds where a section says nothing. */
void policy_keys_default(const struct policy_key *keys, void *target);

/** Read a value as its key's row says. */
enum rc policy_key_read(const struct policy_reading *r,
    const struct policy_key *key, const struct config_entry *entry,
    void *target) MUST_CHECK;

/** What one key of a profile asks of another. */
enum rc policy_profile_check(const struct policy_reading *r,
    const struct config_section *section, struct profile *profile) MUST_CHECK;

/* Values, in policy_value.c. Each refuses with file and line. */
/** A list, separated by commas, no word twice, none empty. */
enum rc policy_value_list(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret) MUST_CHECK;
/** A list of words, as the bits that they have. */
enum rc policy_value_bits(const struct policy_reading *r,
    const struct config_entry *entry, policy_words *words,
    uint32_t *ret) MUST_CHECK;
/** Domains in the form that certificates have. */
enum rc policy_value_domains(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret) MUST_CHECK;
#endif
