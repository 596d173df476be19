/* SPDX-License-Identifier: Apache-2.0 */
/* Values of policy.conf, by the rows of its keys: one spelling each, ranges
 * told in the refusal. Which keys there are is not known here. */
#include "transfer/policy/policy_read.h"

#include "base/choice.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_MAX 200
#define WORD_MAX 255

static enum rc
policy_value_refuse(const struct policy_reading *r,
    const struct config_entry *entry, const char *wanted)
{
	return config_refuse(r->from, entry->line, "%.*s = %.*s: wanted %s",
	    SPAN_FMT(entry->key), SPAN_FMT(entry->value), wanted);
}

static enum rc
read_duration(const struct policy_reading *r, const struct policy_key *key,
    const struct config_entry *entry, int64_t *ret)
{
	char text[DUR_TEXT] = "", wanted[96], from[DUR_TEXT] = "0h";
	int64_t seconds;

	if (entry->value.n < sizeof(text))
		memcpy(text, entry->value.p, entry->value.n);
	/* A duration is never nothing, but a setting may be. */
	if (key->least == 0 && strcmp(text, "0h") == 0) {
		*ret = 0;
		return RC_OK;
	}
	if (dur_read(text, &seconds) && seconds >= key->least &&
	    seconds <= DUR_MAX) {
		*ret = seconds;
		return RC_OK;
	}
	if (key->least != 0)
		dur_write(key->least, from);
	(void)snprintf(wanted, sizeof(wanted),
	    "digits and one of h, d, w, from %s to 36525d", from);
	return policy_value_refuse(r, entry, wanted);
}

/* No sign, no leading zero, no space: a policy has one spelling of a number. */
static enum rc
policy_read_number(const struct policy_reading *r, const struct policy_key *key,
    const struct config_entry *entry, uint32_t *ret)
{
	uint32_t value = 0;
	char wanted[64];
	bool good = entry->value.n <= 6 &&
		    (entry->value.n == 1 || entry->value.p[0] != '0');

	for (size_t i = 0; good && i < entry->value.n; i++) {
		uint8_t c = entry->value.p[i];

		good = c >= '0' && c <= '9';
		value = 10 * value + (uint32_t)(c - '0');
	}
	if (!good || value < key->least || value > key->most) {
		(void)snprintf(wanted, sizeof(wanted),
		    "a number from %" PRId64 " to %" PRId64, key->least,
		    key->most);
		return policy_value_refuse(r, entry, wanted);
	}
	if (key->step != 0 && value % key->step != 0) {
		(void)snprintf(
		    wanted, sizeof(wanted), "a multiple of %u", key->step);
		return policy_value_refuse(r, entry, wanted);
	}
	*ret = value;
	return RC_OK;
}

const char *
policy_yes_words(unsigned i, uint32_t *ret_value)
{
	static const char *const words[] = { "yes", "no" };

	*ret_value = i == 0;
	return i < 2 ? words[i] : NULL;
}

static const char *
key_word(const void *table, unsigned i)
{
	const struct policy_key *key = table;
	uint32_t value;

	return key->words(i, &value);
}

static enum rc
read_one(const struct policy_reading *r, const struct policy_key *key,
    const struct config_entry *entry, uint32_t *ret)
{
	char wanted[CHOICE_TEXT];
	const char *word;
	uint32_t value;

	for (unsigned i = 0; (word = key->words(i, &value)) != NULL; i++)
		if (span_eq_str(entry->value, word)) {
			*ret = value;
			return RC_OK;
		}
	choice_write(key_word, key, "", wanted);
	return policy_value_refuse(r, entry, wanted);
}

static enum rc
read_either(const struct policy_reading *r, const struct policy_key *key,
    const struct config_entry *entry, bool *ret)
{
	uint32_t value = 0;
	enum rc rc = read_one(r, key, entry, &value);

	if (rc == RC_OK)
		*ret = value != 0;
	return rc;
}

static struct span
policy_value_trim(struct span s)
{
	struct span blank;

	while (s.n != 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		(void)span_take(&s, 1, &blank);
	while (s.n != 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static enum rc
add_word(const struct policy_reading *r, const struct config_entry *entry,
    struct span word, struct text_list *list)
{
	if (word.n == 0 || word.n > WORD_MAX || list->n == LIST_MAX)
		return policy_value_refuse(
		    r, entry, "words, separated by commas");
	for (size_t i = 0; i < list->n; i++)
		if (span_eq_str(word, list->items[i]))
			return config_refuse(r->from, entry->line,
			    "%.*s has %.*s twice", SPAN_FMT(entry->key),
			    SPAN_FMT(word));
	return text_list_add(list, word);
}

enum rc
policy_value_list(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret)
{
	struct span rest = entry->value, word = SPAN_NONE, comma;
	struct text_list list = { 0 };
	enum rc rc;

	do {
		const uint8_t *at =
		    rest.n == 0 ? NULL : memchr(rest.p, ',', rest.n);
		size_t n = at == NULL ? rest.n : (size_t)(at - rest.p);

		(void)span_take(&rest, n, &word);
		rc = add_word(r, entry, policy_value_trim(word), &list);
	} while (rc == RC_OK && span_take(&rest, 1, &comma));
	if (rc != RC_OK) {
		text_list_wipe(&list);
		return rc;
	}
	*ret = list;
	return RC_OK;
}

static enum rc
find_bit(const struct policy_reading *r, const struct config_entry *entry,
    policy_words *words, const char *word, uint32_t *bits)
{
	WIPED(buf) wanted = { 0 };
	const char *known;
	uint32_t bit;
	enum rc rc = RC_OK;

	for (unsigned i = 0; (known = words(i, &bit)) != NULL; i++)
		if (strcmp(known, word) == 0) {
			*bits |= bit;
			return RC_OK;
		}
	for (unsigned i = 0; (known = words(i, &bit)) != NULL && rc == RC_OK;
	     i++)
		rc = buf_printf(&wanted, "%s%s", i == 0 ? "" : ", ", known);
	if (rc != RC_OK)
		return rc;
	return config_refuse(r->from, entry->line,
	    "%.*s has \"%s\"; wanted some of %.*s", SPAN_FMT(entry->key), word,
	    SPAN_FMT(buf_span(&wanted)));
}

enum rc
policy_value_bits(const struct policy_reading *r,
    const struct config_entry *entry, policy_words *words, uint32_t *ret)
{
	struct text_list list = { 0 };
	uint32_t bits = 0;
	enum rc rc = policy_value_list(r, entry, &list);

	for (size_t i = 0; i < list.n && rc == RC_OK; i++)
		rc = find_bit(r, entry, words, list.items[i], &bits);
	text_list_wipe(&list);
	if (rc == RC_OK)
		*ret = bits;
	return rc;
}

static enum rc
policy_value_check_domain(const struct policy_reading *r,
    const struct config_entry *entry, const char *domain)
{
	const struct name name = { NAME_DNS, span_str(domain) };

	if (domain[0] != '*' && name_check("scope", &name) == RC_OK)
		return RC_OK;
	return config_refuse(r->from, entry->line,
	    "%.*s has \"%s\"; wanted domains in lower case and with A-labels (xn--), each of which means it and all below",
	    SPAN_FMT(entry->key), domain);
}

enum rc
policy_value_domains(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret)
{
	struct text_list list = { 0 };
	enum rc rc = policy_value_list(r, entry, &list);

	for (size_t i = 0; i < list.n && rc == RC_OK; i++)
		rc = policy_value_check_domain(r, entry, list.items[i]);
	if (rc != RC_OK) {
		text_list_wipe(&list);
		return rc;
	}
	*ret = list;
	return RC_OK;
}

/* A scope that reaches past the CA's would never hold: a mistake. */
static enum rc
read_narrower(const struct policy_reading *r, const struct config_entry *entry,
    struct text_list *ret)
{
	enum rc rc = policy_value_domains(r, entry, ret);

	if (rc != RC_OK || r->policy->scope_any)
		return rc;
	for (size_t i = 0; i < ret->n; i++) {
		const struct name name = { NAME_DNS, span_str(ret->items[i]) };
		bool inside = false;

		for (size_t j = 0; j < r->policy->scope.n; j++)
			inside = inside || name_in_scope(&name,
					       r->policy->scope.items[j]);
		if (!inside)
			return config_refuse(r->from, entry->line,
			    "scope has %s, which is outside the CA's scope",
			    ret->items[i]);
	}
	return RC_OK;
}

/* ---- by the row -----------------------------------------------------------
 */

/* POLICY_AT has seen to it that a field is of its reader's type. */
static void *
place_of(const struct policy_key *key, void *target)
{
	return (char *)target + key->at;
}

void
policy_keys_default(const struct policy_key *keys, void *target)
{
	for (const struct policy_key *k = keys; k->name != NULL; k++) {
		switch (k->type) {
		case POLICY_NUMBER:
		case POLICY_ONE:
		case POLICY_BITS:
			*(uint32_t *)place_of(k, target) =
			    (uint32_t)k->otherwise;
			break;
		case POLICY_DURATION:
			*(int64_t *)place_of(k, target) = k->otherwise;
			break;
		case POLICY_EITHER:
			*(bool *)place_of(k, target) = k->otherwise != 0;
			break;
		case POLICY_DOMAINS:
		case POLICY_OWN:
			break;
		}
	}
}

enum rc
policy_key_read(const struct policy_reading *r, const struct policy_key *key,
    const struct config_entry *entry, void *target)
{
	void *place = place_of(key, target);

	switch (key->type) {
	case POLICY_NUMBER:
		return policy_read_number(r, key, entry, place);
	case POLICY_DURATION:
		return read_duration(r, key, entry, place);
	case POLICY_EITHER:
		return read_either(r, key, entry, place);
	case POLICY_ONE:
		return read_one(r, key, entry, place);
	case POLICY_BITS:
		return policy_value_bits(r, entry, key->words, place);
	case POLICY_DOMAINS:
		return read_narrower(r, entry, place);
	case POLICY_OWN:
		break;
	}
	return key->own(r, entry, target);
}
