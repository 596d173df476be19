#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What OpenSSL, SQLite, p11-kit and the C library would heed of the environment is
# heeded by no program of ours and by none of its children (base/environment.c).
# Every variable names a place of its own, and nobody may look there.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
needs strace strace

make_ca
enrol_online

NAMES='OPENSSL_CONF OPENSSL_CONF_INCLUDE OPENSSL_ENGINES OPENSSL_MODULES SSL_CERT_FILE SSL_CERT_DIR
	SSLKEYLOGFILE CTLOG_FILE RANDFILE QLOGDIR HTTP_PROXY HTTPS_PROXY https_proxy SQLITE_TMPDIR SQLITE_HISTORY
	TMPDIR TMP TEMP LIBFFI_TMPDIR P11_KIT_DEBUG P11_KIT_STRICT P11_KIT_URI_LOWERCASE GCONV_PATH GETCONF_DIR
	LOCPATH NLSPATH LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES LC_TIME OUTPUT_CHARSET CHARSETALIASDIR DATEMSK TZ
	TZDIR MALLOC_TRACE MALLOC_PERTURB_ GLIBC_TUNABLES RES_OPTIONS RESOLV_HOST_CONF LOCALDOMAIN HOSTALIASES
	POSIXLY_CORRECT BASH_ENV ENV'
# Heeded by the loader or a shell before our first line; no child has them.
early='GLIBC_TUNABLES|BASH_ENV|ENV'

# A stranger's library under each name that something would look for.
printf '%s\n' '#include <stdio.h>' 'extern char **environ;' \
	'__attribute__((constructor)) static void loaded(void)' \
	"{ FILE *f = fopen(\"$WORK/loaded\", \"a\"); if (f) fclose(f); }" >"$WORK/evil.c"
must "${CC:-gcc}" -shared -fPIC -o "$WORK/evil.so" "$WORK/evil.c"
mkdir "$WORK/env"
for name in $NAMES XDG_CONFIG_HOME; do
	must mkdir -p "$WORK/env/$name"
	for so in rdrand pkcs11 legacy default fips UTF-16 ISO8859-1 evil; do
		ln "$WORK/evil.so" "$WORK/env/$name/$so.so"
	done
	printf 'module ANY// INTERNAL evil 1\n' >"$WORK/env/$name/gconv-modules"
done
for config in "$WORK/env/XDG_CONFIG_HOME" "$WORK/.config"; do
	must mkdir -p "$config/pkcs11/modules"
	echo 'user-config: merge' >"$config/pkcs11/pkcs11.conf"
	echo "module: $WORK/evil.so" >"$config/pkcs11/modules/evil.module"
done

# surrounded CMD...: with all of them set, under strace; the trace is $WORK/trace
surrounded() {
	local set=("XDG_CONFIG_HOME=$WORK/env/XDG_CONFIG_HOME") name
	for name in $NAMES; do set+=("$name=$WORK/env/$name"); done
	local outside=()
	command_of "$@"
	# What keeps a test off the network is not what is tested.
	while [[ ${ARGV[0]} != "$BIN"/* ]]; do outside+=("${ARGV[0]}"); ARGV=("${ARGV[@]:1}"); done
	timeout -k 5 "$LIMIT" setsid -w "${outside[@]}" strace -f -qq -e trace=%file -o "$WORK/trace" \
		env "${set[@]}" "${ARGV[@]}"
}

# heedless STATUS CMD...: it does its work, and looks at no such place
heedless() {
	local wanted=$1
	shift
	rm -f "$WORK/loaded"
	run surrounded "$@"
	status "$wanted" "$*: does its work"
	# The token process names what lies around the home to Landlock (O_PATH).
	is "$(grep -vE 'execve\(|O_PATH' "$WORK/trace" | grep -oE "$WORK/(env/[A-Za-z_0-9]+|evil.so|.config/pkcs11)" |
		grep -vE "/($early)\$" | sort -u)" '' "$*: looks at no place that a variable names"
	ok "$*: loads no library of a stranger" test ! -e "$WORK/loaded"
}

heedless 0 token list
heedless 0 token list --module "$MODULE"
heedless 0 token check "$(uri ca ';object=ca-'"$(token list "$(uri ca)" --login --json |
	grep -oE 'ca-[0-9a-f]{8}' | head -1 | cut -c4-)")"
heedless 0 transfer request --profile tls-server --new-key rsa-2048 --name dns:one.example.org --out "$STICK"
heedless 0 ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
heedless 0 transfer install "$STICK"
heedless 0 ca status
heedless 0 ca ledger verify
heedless 0 ca export "$STICK"
heedless 0 ca backup "$WORK/backup.db"
heedless 0 ca policy check
heedless 0 transfer status
heedless 0 transfer inspect "$WORK/stick/airgap-ca/cards/"*
new_token other
heedless 0 ca @other init --subject 'CN=Test CA other' --token "$(uri other)" --key-type rsa-2048 \
	--scope example.org --profiles tls --yes

# ---- what the children have ---------------------------------------------------------------

# A module that writes down its environment, and is SoftHSM.
cat >"$WORK/teller.c" <<END
#define CRYPTOKI_COMPAT 1
#include <p11-kit/pkcs11.h>
#include <dlfcn.h>
#include <stdio.h>
extern char **environ;
CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	FILE *f = fopen("$WORK/seen/token", "w");
	CK_C_GetFunctionList get;

	for (char **e = environ; f != NULL && *e != NULL; e++)
		fprintf(f, "%s\n", *e);
	if (f != NULL)
		fclose(f);
	*(void **)&get = dlsym(dlopen("$MODULE", RTLD_NOW), "C_GetFunctionList");
	return get(ret);
}
END
must mkdir "$WORK/seen"
must "${CC:-gcc}" -D_GNU_SOURCE -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$WORK/teller.so" "$WORK/teller.c"
printf '#!/bin/sh\nenv >%s/seen/command\n' "$WORK" >"$WORK/reload"
chmod +x "$WORK/reload"
heedless 0 token list --module "$WORK/teller.so"
heedless 0 transfer deploy one.example.org --format fullchain --to "$WORK/one.pem" --key "$WORK/one.key" \
	--reload "$WORK/reload"

# kept WHO: what it saw of the variables
for who in token command; do
	ok "the $who was there" test -s "$WORK/seen/$who"
	for name in $NAMES; do
		[ "$name" != LC_ALL ] || continue
		nok 1 "the $who has no $name" grep -q "^$name=" "$WORK/seen/$who"
	done
	is "$(grep ^LC_ALL= "$WORK/seen/$who")" LC_ALL=C "the $who speaks one language"
done
is "$(grep ^SOFTHSM2_CONF= "$WORK/seen/token")" "SOFTHSM2_CONF=$SOFTHSM2_CONF" \
	'what an operator sets for a module comes to it'

done_testing
