/* SPDX-License-Identifier: Apache-2.0 */
/** The tokens of this machine, and the one that is meant. */
#ifndef TOKEN_P11_FIND_H
#define TOKEN_P11_FIND_H

#include "token/p11/module.h"
#include "token/p11/uri.h"
#include "token/wire/shape.h"

/** A token found. */
struct found {
	struct module *module; /* borrowed from the rack */
	CK_SLOT_ID slot;
	CK_SLOT_INFO slot_info;
	CK_TOKEN_INFO info;
	bool again; /* a module before this one shows the same device */
};

/** The modules that are loaded, each once. */
struct rack {
	struct module module[MODULE_PATHS];
	size_t n;
};
void rack_wipe(struct rack *rack);

#define FOUND_MAX 64
struct found_list {
	struct found at[FOUND_MAX];
	size_t n;
};

/** Load one module (`path` given), or every one of this machine that loads, and
 * list all tokens in them. A device that two modules show is listed twice: one may
 * show what the other hides.
 * \retval RC_TOKEN  the module given does not load */
enum rc found_read(
    struct rack *rack, const char *path, struct found_list *ret) MUST_CHECK;

/** Is it initialised, and does the URI name it? */
bool found_is_meant(const struct found *found, const struct uri *uri);

/** Name it for a sentence: "LABEL" (serial SERIAL). Appended; not escaped. */
enum rc found_name(const struct found *found, struct buf *out) MUST_CHECK;

/** Unload all modules but the token's: another maker's code has no business
 * beside a PIN. The rack holds only that one then. */
void found_keep(struct rack *rack, struct found *found);

/** The one initialised token that the URI names; the other modules are unloaded
 * then.
 * \param module  path when the URI has none; NULL: every module
 * \retval RC_TOKEN  none, or several: the sentence names them */
enum rc found_pick(struct rack *rack, const char *module,
    const struct uri *uri, struct found *ret) MUST_CHECK;

/** Describe it, texts escaped. Cards of one kind may bear the same label and
 * serial: where the list has another of the same, this one's URI names its slot.
 * \param list  NULL: it is the only one */
enum rc found_describe(const struct found *found,
    const struct found_list *list, struct token_info *ret) MUST_CHECK;

#endif
