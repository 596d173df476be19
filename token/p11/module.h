/* SPDX-License-Identifier: Apache-2.0 */
/** PKCS#11 modules: found, loaded, and the slots that hold a token.
 *
 * libp11 loads and unloads a module and enumerates its slots. Everything else
 * goes to the module's own function list, got from the same path: libp11 makes
 * no EC keys, reads no attributes, waits for ever when C_OpenSession fails and
 * keeps PINs in plain memory. It must outlive all raw use, because its unload
 * calls C_Finalize; nobody else does.
 */
#ifndef TOKEN_P11_MODULE_H
#define TOKEN_P11_MODULE_H

#include "base/buf.h"
#include "token/p11/p11.h"

struct module {
	char *path; /* as given */
	void *ctx;  /* libp11's PKCS11_CTX */
	void *dl;
	CK_FUNCTION_LIST *f;
};

#define MODULE_SLOTS 64 /* readers looked at */

/** Load and initialise. \retval RC_TOKEN not a module, or it fails */
enum rc module_load(const char *path, struct module *ret) MUST_CHECK;
/** Finalise and unload; { 0 } is fine. */
void module_wipe(struct module *m);

/** The slots with a token in them, asked for anew each time (updating libp11's
 * list crashes 0.4.12). */
enum rc module_slots(struct module *m, CK_SLOT_ID ret_ids[static MODULE_SLOTS],
    size_t *ret_n) MUST_CHECK;

/** Paths of the modules of this machine: those registered with p11-kit, then
 * the usual places; each file once. */
#define MODULE_PATHS 16
struct module_paths {
	char *path[MODULE_PATHS];
	size_t n;
};
void module_paths_find(struct module_paths *ret);
void module_paths_wipe(struct module_paths *paths);

#endif
