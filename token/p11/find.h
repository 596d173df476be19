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
 * list all tokens in them. A device that two modules show is listed once.
 * \retval RC_TOKEN  the module given does not load */
enum rc found_read(
    struct rack *rack, const char *path, struct found_list *ret) MUST_CHECK;

/** The one initialised token that the URI names; the other modules are unloaded
 * then, and the rack holds only the one of the token.
 * \param module  path when the URI has none; NULL: every module
 * \retval RC_TOKEN  none, or several: the sentence names them */
enum rc found_pick(struct rack *rack, const char *module,
    const struct uri *uri, struct found *ret) MUST_CHECK;

/** Describe it, texts escaped. */
enum rc found_describe(
    const struct found *found, struct token_info *ret) MUST_CHECK;

#endif
