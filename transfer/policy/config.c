/* SPDX-License-Identifier: Apache-2.0 */
/* A policy is signed for by its digest and read by people, so there must be
 * one reading of it: whatever OpenSSL's reader would expand, include,
 * continue or let win over an earlier line is refused with its place, and so
 * is what an editor shows otherwise than it is stored. */
#include "transfer/policy/config.h"

#include "base/list.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistr.h>

/* Far above any policy, and low enough that looking for doubles is cheap. */
#define SECTIONS_MAX 200
#define CONFIG_ENTRIES_MAX 200

struct reading {
	const char *from;
	unsigned line;
	struct config config;
};

void
config_wipe(struct config *config)
{
	for (size_t i = 0; i < config->n; i++)
		free(config->sections[i].entries);
	free(config->sections);
	*config = (struct config){ 0 };
}

enum rc
config_refuse(const char *from, unsigned line, const char *fmt, ...)
{
	char sentence[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	return rule_refuse(RULE_POLICY, "%s:%u: %s", from, line, sentence);
}

/* ---- characters ---------------------------------------------------------- */

static bool
config_is_control(ucs4_t c)
{
	return (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0);
}

/* They make a reviewer see something else than what is read. */
static bool
is_direction(ucs4_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

bool
config_is_hidden(uint32_t c)
{
	return config_is_control(c) || is_direction(c);
}

static enum rc
config_check_line(const struct reading *r, struct span line)
{
	size_t at = 0;
	ucs4_t c;

	if (!utf8_check(line, &at))
		return config_refuse(r->from, r->line,
		    "byte 0x%02x in column %zu: not UTF-8", line.p[at], at + 1);
	for (at = 0; at < line.n;) {
		int n = u8_mbtouc(&c, line.p + at, line.n - at);

		if (c == '\r')
			return config_refuse(r->from, r->line,
			    "a carriage return; wanted Unix line ends");
		if (c == 0xfeff)
			return config_refuse(
			    r->from, r->line, "a byte order mark");
		if (config_is_hidden(c))
			return config_refuse(r->from, r->line,
			    "the control character U+%04X in column %zu", c,
			    at + 1);
		at += (size_t)n;
	}
	return RC_OK;
}

/* Outside comments. */
static enum rc
check_syntax(const struct reading *r, struct span line)
{
	static const struct {
		char c;
		const char *what;
	} no[] = {
		{ '$', "a '$': variables are not expanded here" },
		{ '\\', "a backslash: nothing is escaped, no line goes on" },
		{ '"', "a quote: write the value as it is" },
		{ '\'', "a quote: write the value as it is" },
		{ '`', "a quote: write the value as it is" },
	};

	if (line.n != 0 && line.p[0] == '.')
		return config_refuse(r->from, r->line,
		    "\"%.*s\": files are not included here", SPAN_FMT(line));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (line.n != 0 && memchr(line.p, no[i].c, line.n) != NULL)
			return config_refuse(
			    r->from, r->line, "%s", no[i].what);
	return RC_OK;
}

static bool
config_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct span
config_trim(struct span s)
{
	struct span blank;

	while (s.n != 0 && config_is_blank(s.p[0]))
		(void)span_take(&s, 1, &blank);
	while (s.n != 0 && config_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The bytes before the first `c`, or all. */
static struct span
before(struct span s, char c)
{
	const uint8_t *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? s : span_of(s.p, (size_t)(at - s.p));
}

/* ---- lines --------------------------------------------------------------- */

static bool
config_is_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.n != 0;
}

static enum rc
add_section(struct reading *r, struct span line)
{
	struct config *config = &r->config;
	struct config_section section = { .line = r->line };
	struct span inside;
	enum rc rc;

	if (line.p[line.n - 1] != ']')
		return config_refuse(
		    r->from, r->line, "a section header without its ']'");
	inside = config_trim(span_of(line.p + 1, line.n - 2));
	section.kind = before(inside, ' ');
	section.name = config_trim(
	    span_of(inside.p + section.kind.n, inside.n - section.kind.n));
	if (!config_is_word(section.kind) ||
	    (section.name.n != 0 && !config_is_word(section.name)))
		return config_refuse(r->from, r->line,
		    "\"[%.*s]\": no section name", SPAN_FMT(inside));
	for (size_t i = 0; i < config->n; i++)
		if (span_eq(config->sections[i].kind, section.kind) &&
		    span_eq(config->sections[i].name, section.name))
			return config_refuse(r->from, r->line,
			    "the section [%.*s] stands in line %u already",
			    SPAN_FMT(inside), config->sections[i].line);
	if (config->n == SECTIONS_MAX)
		return config_refuse(
		    r->from, r->line, "over %d sections", SECTIONS_MAX);
	rc = LIST_GROW(config->sections, config->n);
	if (rc != RC_OK)
		return rc;
	config->sections[config->n++] = section;
	return RC_OK;
}

static enum rc
add_entry(struct reading *r, struct span line)
{
	struct config_entry entry = { .line = r->line };
	struct config_section *section;
	enum rc rc;

	if (r->config.n == 0)
		return config_refuse(
		    r->from, r->line, "a line before the first section");
	section = &r->config.sections[r->config.n - 1];
	entry.key = before(line, '=');
	if (entry.key.n == line.n)
		return config_refuse(r->from, r->line,
		    "\"%.*s\": wanted key = value", SPAN_FMT(line));
	entry.value = config_trim(
	    span_of(line.p + entry.key.n + 1, line.n - entry.key.n - 1));
	entry.key = config_trim(entry.key);
	if (!config_is_word(entry.key))
		return config_refuse(
		    r->from, r->line, "\"%.*s\": no key", SPAN_FMT(entry.key));
	if (entry.value.n == 0)
		return config_refuse(
		    r->from, r->line, "%.*s has no value", SPAN_FMT(entry.key));
	for (size_t i = 0; i < section->n; i++)
		if (span_eq(section->entries[i].key, entry.key))
			return config_refuse(r->from, r->line,
			    "%.*s stands in line %u already",
			    SPAN_FMT(entry.key), section->entries[i].line);
	if (section->n == CONFIG_ENTRIES_MAX)
		return config_refuse(r->from, r->line,
		    "over %d lines in one section", CONFIG_ENTRIES_MAX);
	rc = LIST_GROW(section->entries, section->n);
	if (rc != RC_OK)
		return rc;
	section->entries[section->n++] = entry;
	return RC_OK;
}

static enum rc
config_read_line(struct reading *r, struct span line)
{
	enum rc rc = config_check_line(r, line);

	line = config_trim(before(line, '#'));
	if (rc == RC_OK)
		rc = check_syntax(r, line);
	if (rc != RC_OK || line.n == 0)
		return rc;
	return line.p[0] == '[' ? add_section(r, line) : add_entry(r, line);
}

enum rc
config_parse(const char *from, struct span text, struct config *ret)
{
	struct reading r = { .from = from };
	struct span line, newline;
	enum rc rc = RC_OK;

	while (text.n != 0 && rc == RC_OK) {
		r.line++;
		line = before(text, '\n');
		(void)span_take(&text, line.n, &line);
		(void)span_take(&text, 1, &newline);
		rc = config_read_line(&r, line);
	}
	if (rc != RC_OK) {
		config_wipe(&r.config);
		return rc;
	}
	*ret = r.config;
	return RC_OK;
}

const struct config_entry *
config_entry_get0(const struct config_section *section, const char *key)
{
	for (size_t i = 0; i < section->n; i++)
		if (span_eq_str(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}
