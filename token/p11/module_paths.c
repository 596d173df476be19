/* SPDX-License-Identifier: Apache-2.0 */
/* Modules are looked for where Debian registers and puts them and nowhere
 * else: a path from the environment would let anyone who sets it run code
 * beside the PIN. */
#include "token/p11/module.h"

#include <p11-kit/p11-kit.h>
#include <stdlib.h>

/* Where Debian puts modules that are not registered with p11-kit. */
static const char *const usual[] = {
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
	"/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
	"/usr/lib/x86_64-linux-gnu/libykcs11.so",
	"/usr/lib/aarch64-linux-gnu/libykcs11.so",
};

/* p11-kit's own modules hold no key: the proxy shows the others a second time,
 * the trust module shows root certificates. */
static bool
is_p11_kit(const char *path)
{
	const char *base = strrchr(path, '/');

	base = base == NULL ? path : base + 1;
	return strncmp(base, "p11-kit-", 8) == 0;
}

static void
module_paths_add(struct module_paths *paths, const char *path)
{
	char *real = realpath(path, NULL);
	bool known = real == NULL || is_p11_kit(path) || is_p11_kit(real) ||
		     paths->n == MODULE_PATHS;

	for (size_t i = 0; i < paths->n && !known; i++)
		known = strcmp(paths->path[i], real) == 0;
	if (known)
		free(real);
	else
		paths->path[paths->n++] = real;
}

static void
add_registered(struct module_paths *paths)
{
	CK_FUNCTION_LIST **modules;

	/* What cannot be loaded is not offered; that is no error here. */
	p11_kit_be_quiet();
	modules = p11_kit_modules_load(NULL, 0);
	if (modules == NULL)
		return;
	for (size_t i = 0; modules[i] != NULL; i++) {
		char *path = p11_kit_module_get_filename(modules[i]);

		if (path != NULL)
			module_paths_add(paths, path);
		free(path);
	}
	p11_kit_modules_release(modules);
}

void
module_paths_find(struct module_paths *ret)
{
	*ret = (struct module_paths){ .n = 0 };
	add_registered(ret);
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		module_paths_add(ret, usual[i]);
}

void
module_paths_wipe(struct module_paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		free(paths->path[i]);
	*paths = (struct module_paths){ .n = 0 };
}
