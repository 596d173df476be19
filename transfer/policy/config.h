/* SPDX-License-Identifier: Apache-2.0 */
/** Lines of OpenSSL configuration syntax, read strictly (config(5ssl)).
 *
 *	# a comment, to the end of its line, wherever it begins
 *	[section name]
 *	key = value
 *
 * What OpenSSL's own reader would do behind the writer's back is refused: .include
 * and .pragma, $ expansion, a backslash (escapes, lines that go on), quotes, a
 * section or a key that stands twice (its reader lets the last one win), lines
 * outside a section. So are a byte order mark, NUL and other control characters
 * but tab and newline, text that is not UTF-8, and characters that change the
 * direction in which it is shown.
 */
#ifndef TRANSFER_POLICY_CONFIG_H
#define TRANSFER_POLICY_CONFIG_H

#include "base/buf.h"

struct config_entry {
	struct span key, value; /* within the text; never empty */
	unsigned line;		/* from 1 */
};

struct config_section {
	struct span kind; /* first word of the header: "ca", "profile" */
	struct span name; /* what follows it; n 0 when nothing does */
	unsigned line;
	struct config_entry *entries; /* owned */
	size_t n;
};

struct config {
	struct config_section *sections; /* owned */
	size_t n;
};

void config_wipe(struct config *config);

/** Take a text apart; the spans of the result point into it.
 * \retval RC_FORMAT rule POLICY, "FILE:LINE: ..." */
enum rc config_parse(const char *from, struct span text, struct config *ret)
    MUST_CHECK;

/** The entry of this key; NULL when there is none. */
const struct config_entry *config_entry_get0(
    const struct config_section *section, const char *key);

/** A character that is not shown, or that changes what is shown: it stands in no
 * text of ours. A tab may. */
bool config_is_hidden(uint32_t c);

/** Refuse a line: rule POLICY, "FILE:LINE: " in front. */
enum rc config_refuse(const char *from, unsigned line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
