/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what is taken out, and why. What stays is for us (HOME,
 * XDG_DATA_HOME, AIRGAP_..., PATH, TERM, NO_COLOR) or a module's own affair by
 * its operator's intent: SOFTHSM2_CONF, OPENSC_CONF, P11_KIT_SERVER_ADDRESS and
 * whatever a vendor reads. LD_... was heeded by the loader before our first
 * line: whoever can set it has already chosen what runs. */
#include "base/environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name, or with a * at its end all that begin so. */
static const char *const taken_out[] = {
	/* OpenSSL: configuration, engines, providers, certificates, proxies,
	 * and what turns its algorithms off or its allocations into failures.
	 */
	"OPENSSL_*",
	"OSSL_*",
	"SSL_*",
	"SSLKEYLOGFILE",
	"CTLOG_FILE",
	"RANDFILE",
	"QLOGDIR",
	"HTTP_PROXY",
	"HTTPS_PROXY",
	"NO_PROXY",
	"http_proxy",
	"https_proxy",
	"no_proxy",
	/* SQLite, and where anything else puts a temporary file. */
	"SQLITE_*",
	"TMPDIR",
	"TMP",
	"TEMP",
	"TEMPDIR",
	"LIBFFI_TMPDIR",
	/* p11-kit: what it prints, how it writes a URI, whose modules it loads.
	 */
	"P11_KIT_DEBUG",
	"P11_KIT_STRICT",
	"P11_KIT_URI_LOWERCASE",
	"P11_KIT_NO_USER_CONFIG",
	/* The C library: code for character sets, languages, zones, allocation,
	 * the resolver. GLIBC_TUNABLES and MALLOC_... were read by the loader;
	 * no command that we run shall have them. */
	"GCONV_PATH",
	"GETCONF_DIR",
	"LOCPATH",
	"NLSPATH",
	"LANG",
	"LANGUAGE",
	"LC_*",
	"OUTPUT_CHARSET",
	"CHARSETALIASDIR",
	"MSGVERB",
	"SEV_LEVEL",
	"POSIXLY_CORRECT",
	"DATEMSK",
	"TZ",
	"TZDIR",
	"GLIBC_TUNABLES",
	"MALLOC_*",
	"RES_OPTIONS",
	"RESOLV_*",
	"LOCALDOMAIN",
	"HOSTALIASES",
	"NIS_PATH",
	/* A shell that a command is, or starts. */
	"BASH_ENV",
	"ENV",
	"SHELLOPTS",
	"BASHOPTS",
	"PS4",
	"IFS",
	"CDPATH",
};

static bool
is_taken_out(const char *entry)
{
	size_t n = strcspn(entry, "=");

	for (size_t i = 0; i < sizeof(taken_out) / sizeof(taken_out[0]); i++) {
		size_t len = strlen(taken_out[i]);

		if (taken_out[i][len - 1] == '*'
			? n >= len - 1 &&
			      strncmp(entry, taken_out[i], len - 1) == 0
			: n == len && strncmp(entry, taken_out[i], n) == 0)
			return true;
	}
	return false;
}

/* A name may stand twice, and unsetenv takes what it is told: the array itself
 * is gone through. Modules that a user has registered with p11-kit would run
 * beside the PIN because of HOME or XDG_CONFIG_HOME: who means one names it. */
enum rc
environment_settle(void)
{
	size_t n = 0;

	for (size_t i = 0; environ != NULL && environ[i] != NULL; i++)
		if (!is_taken_out(environ[i]))
			environ[n++] = environ[i];
	if (environ != NULL)
		environ[n] = NULL;
	if (setenv("P11_KIT_NO_USER_CONFIG", "1", 1) != 0 ||
	    setenv("LC_ALL", "C", 1) != 0)
		return err_memory();
	return RC_OK;
}
