/* SPDX-License-Identifier: Apache-2.0 */
/** The keys of policy.conf and how each is read. For transfer/policy. */
#ifndef TRANSFER_POLICY_POLICY_READ_H
#define TRANSFER_POLICY_POLICY_READ_H

#include "transfer/policy/config.h"
#include "transfer/policy/policy.h"

#define POLICY_BACKDATE INT64_C(3600)
#define POLICY_CLOCK_HORIZON (400 * INT64_C(86400))
#define POLICY_HORIZON (400 * INT64_C(86400))

/** A policy that is being read, and what to call its file. */
struct policy_reading {
	const char *from;
	struct policy *policy;
};

struct policy_key {
	const char *name; /* ends in '.': what follows it is part of the key */
	bool required;
	/** Read the value into the struct of the section. */
	enum rc (*read)(const struct policy_reading *r,
	    const struct config_entry *entry, void *target);
};

/** The keys of each section; the last has no name. */
extern const struct policy_key policy_ca_keys[];	/* struct policy */
extern const struct policy_key policy_profile_keys[];	/* struct profile */
extern const struct policy_key policy_requester_keys[]; /* policy_requester */

bool policy_key_is(const struct policy_key *key, struct span name);

/** What holds where a profile says nothing. */
void policy_profile_default(struct profile *profile);

/** What one key of a profile asks of another. */
enum rc policy_profile_check(const struct policy_reading *r,
    const struct config_section *section, struct profile *profile) MUST_CHECK;

/* Values, in policy_value.c. Each refuses with file and line. */
enum rc policy_value_dur(const struct policy_reading *r,
    const struct config_entry *entry, int64_t min, int64_t *ret) MUST_CHECK;
enum rc policy_value_number(const struct policy_reading *r,
    const struct config_entry *entry, const uint32_t range[static 2],
    uint32_t *ret) MUST_CHECK;
enum rc policy_value_yes(const struct policy_reading *r,
    const struct config_entry *entry, bool *ret) MUST_CHECK;
/** A list, separated by commas, no word twice, none empty. */
enum rc policy_value_list(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret) MUST_CHECK;
/** A list of words of a table, as the bits that it gives them. */
struct policy_word {
	const char *word;
	uint32_t bit;
};
enum rc policy_value_bits(const struct policy_reading *r,
    const struct config_entry *entry, const struct policy_word *words,
    uint32_t *ret) MUST_CHECK;
/** Domains in the form that certificates have. */
enum rc policy_value_domains(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret) MUST_CHECK;
/** The same, and none outside the CA's own scope. */
enum rc policy_value_narrower(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret) MUST_CHECK;

#endif
