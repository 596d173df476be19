/* SPDX-License-Identifier: Apache-2.0 */
/* libp11 0.4.12 starts and ends modules and lists slots; the rest goes to the
 * function list that dlopen of the same path gives. C_Finalize is libp11's
 * alone to call: ours would pull the module from under it. */
#include "token/p11/module.h"

#include "base/file.h"
#include "token/p11/ckr.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libp11.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The raw side of a module that libp11 has loaded: dlopen gives the same
 * object again, and its C_Initialize says that it has been called. */
static enum rc
raw_open(struct module *m)
{
	CK_C_GetFunctionList get;
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv;

	errno = 0;
	m->dl = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
	if (m->dl == NULL) {
		err_note_errno(errno);
		return err_set(RC_TOKEN, "%s: cannot be loaded", m->path);
	}
	*(void **)&get = dlsym(m->dl, "C_GetFunctionList");
	if (get == NULL)
		return err_set(RC_TOKEN, "%s: not a PKCS#11 module", m->path);
	rv = get(&m->f);
	if (rv != CKR_OK || m->f == NULL)
		return ckr_set(rv, "%s: gives no function list", m->path);

	rv = m->f->C_Initialize(&args);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return ckr_set(rv, "%s: cannot be initialised", m->path);
	return RC_OK;
}

/* A name without a slash would be looked for in the library path. access() asks
 * the permissions alone, so what it grants and open does not is hidden by the
 * process's own locks (token/process/jail.h). */
static enum rc
module_there(const char *path)
{
	OWN_FD fd = fd_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);

	if (fd >= 0 && strchr(path, '/') != NULL)
		return RC_OK;
	if (fd < 0)
		err_note_errno(errno);
	if (fd < 0 && errno == EACCES && access(path, R_OK) == 0)
		return err_set(RC_TOKEN,
		    "%s: lies below the home or on the medium, where no module is loaded from: move it",
		    path);
	return err_set(RC_TOKEN, "%s: no such module file", path);
}

/* libp11 keeps no reason, errno is lost on the way, and only the loader's words
 * tell a module that is broken from a process that ran short. */
static void
note_shortage(const char *path)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const char *said = dl == NULL ? dlerror() : NULL;

	if (dl != NULL)
		(void)dlclose(dl);
	if (said == NULL)
		return;
	if (strstr(said, strerrordesc_np(EMFILE)) != NULL)
		err_note_shortage(SHORT_OF_FILES);
	if (strstr(said, strerrordesc_np(ENOMEM)) != NULL ||
	    strstr(said, "failed to map segment") != NULL)
		err_note_shortage(SHORT_OF_MEMORY);
}

enum rc
module_load(const char *path, struct module *ret)
{
	struct module m = { .path = strdup(path) };
	enum rc rc;

	if (m.path == NULL)
		return err_memory();
	rc = module_there(path);
	if (rc != RC_OK) {
		module_wipe(&m);
		return rc;
	}
	m.ctx = PKCS11_CTX_new();
	if (m.ctx == NULL) {
		module_wipe(&m);
		return err_memory();
	}
	if (PKCS11_CTX_load(m.ctx, path) != 0) {
		note_shortage(path);
		rc = err_openssl(RC_TOKEN,
		    "%s: not a PKCS#11 module, or it does not start", path);
		PKCS11_CTX_free(m.ctx);
		m.ctx = NULL;
		module_wipe(&m);
		return rc;
	}
	/* A module that loads may leave reasons of its own behind. */
	ERR_clear_error();
	rc = raw_open(&m);
	if (rc != RC_OK) {
		module_wipe(&m);
		return rc;
	}
	*ret = m;
	return RC_OK;
}

void
module_wipe(struct module *m)
{
	if (m->ctx != NULL) {
		PKCS11_CTX_unload(m->ctx);
		PKCS11_CTX_free(m->ctx);
	}
	if (m->dl != NULL)
		(void)dlclose(m->dl);
	free(m->path);
	*m = (struct module){ 0 };
	ERR_clear_error();
}

enum rc
module_slots(
    struct module *m, CK_SLOT_ID ret_ids[static MODULE_SLOTS], size_t *ret_n)
{
	PKCS11_SLOT *slots = NULL;
	unsigned int n_slots = 0;
	CK_ULONG readers = 0;
	size_t n = 0;

	/* No reader at all, and libp11 takes it for a failure. */
	if (m->f->C_GetSlotList(CK_FALSE, NULL, &readers) == CKR_OK &&
	    readers == 0) {
		*ret_n = 0;
		return RC_OK;
	}
	ERR_clear_error();
	if (PKCS11_enumerate_slots(m->ctx, &slots, &n_slots) != 0)
		return err_openssl(
		    RC_TOKEN, "%s: the readers cannot be listed", m->path);
	for (unsigned int i = 0; i < n_slots && n < MODULE_SLOTS; i++)
		if (slots[i].token != NULL)
			ret_ids[n++] = PKCS11_get_slotid_from_slot(&slots[i]);
	PKCS11_release_all_slots(m->ctx, slots, n_slots);
	ERR_clear_error();
	*ret_n = n;
	return RC_OK;
}
