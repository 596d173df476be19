/* SPDX-License-Identifier: Apache-2.0 */
/* Values of policy.conf: one spelling each, ranges told in the refusal. */
#include "transfer/policy/policy_read.h"

#include "base/clock.h"

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

enum rc
policy_value_dur(const struct policy_reading *r,
    const struct config_entry *entry, int64_t min, int64_t *ret)
{
	char text[DUR_TEXT] = "", wanted[96], from[DUR_TEXT];
	int64_t seconds;

	if (entry->value.n < sizeof(text))
		memcpy(text, entry->value.p, entry->value.n);
	/* A duration is never nothing, but a setting may be. */
	if (min == 0 && strcmp(text, "0h") == 0) {
		*ret = 0;
		return RC_OK;
	}
	if (dur_read(text, &seconds) && seconds >= min && seconds <= DUR_MAX) {
		*ret = seconds;
		return RC_OK;
	}
	if (min == 0)
		(void)snprintf(from, sizeof(from), "0h");
	else
		dur_write(min, from);
	(void)snprintf(wanted, sizeof(wanted),
	    "digits and one of h, d, w, from %s to 36525d", from);
	return policy_value_refuse(r, entry, wanted);
}

/* No sign, no leading zero, no space: a policy has one spelling of a number. */
enum rc
policy_value_number(const struct policy_reading *r,
    const struct config_entry *entry, const uint32_t range[static 2],
    uint32_t *ret)
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
	if (good && value >= range[0] && value <= range[1]) {
		*ret = value;
		return RC_OK;
	}
	(void)snprintf(wanted, sizeof(wanted), "a number from %u to %u",
	    range[0], range[1]);
	return policy_value_refuse(r, entry, wanted);
}

enum rc
policy_value_yes(
    const struct policy_reading *r, const struct config_entry *entry, bool *ret)
{
	bool yes = span_eq_str(entry->value, "yes");

	if (!yes && !span_eq_str(entry->value, "no"))
		return policy_value_refuse(r, entry, "yes or no");
	*ret = yes;
	return RC_OK;
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
    const struct policy_word *words, const char *word, uint32_t *bits)
{
	WIPED(buf) wanted = { 0 };
	enum rc rc = RC_OK;

	for (const struct policy_word *w = words; w->word != NULL; w++) {
		if (strcmp(w->word, word) == 0) {
			*bits |= w->bit;
			return RC_OK;
		}
		if (rc == RC_OK)
			rc = buf_printf(
			    &wanted, "%s%s", w == words ? "" : ", ", w->word);
	}
	if (rc != RC_OK)
		return rc;
	return config_refuse(r->from, entry->line,
	    "%.*s has \"%s\"; wanted some of %.*s", SPAN_FMT(entry->key), word,
	    SPAN_FMT(buf_span(&wanted)));
}

enum rc
policy_value_bits(const struct policy_reading *r,
    const struct config_entry *entry, const struct policy_word *words,
    uint32_t *ret)
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
	    "%.*s has \"%s\"; wanted domains in lower case and with A-labels "
	    "(xn--), each of which means it and all below",
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
enum rc
policy_value_narrower(const struct policy_reading *r,
    const struct config_entry *entry, struct text_list *ret)
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
