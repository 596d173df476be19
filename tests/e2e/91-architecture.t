# SPDX-License-Identifier: Apache-2.0
# Arrows go one way: who may include, print, exit and see what (docs/design.md).
. "$(dirname "$0")/../lib/lib.sh"
cd "$TOP" || exit 1
shopt -s globstar

# found PATTERN FILE...: lines of code, comments taken out, that match
found() {
	local pattern=$1 file
	shift
	for file; do
		sed -e 's://.*::' "$file" | awk '
			{ line = $0; out = ""
			  while (line != "") {
				if (inside) {
					at = index(line, "*/")
					if (!at) { line = ""; break }
					line = substr(line, at + 2); inside = 0
				} else {
					at = index(line, "/*")
					if (!at) { out = out line; break }
					out = out substr(line, 1, at - 1)
					line = substr(line, at + 2); inside = 1
				}
			  }
			  print out }' | grep -nE -- "$pattern" | sed "s:^:$file\::"
	done
}
# none DESC PATTERN FILE...
none() {
	local desc=$1 pattern=$2
	shift 2
	is "$(found "$pattern" "$@")" "" "$desc"
}
# but REGEX FILE...: the files whose path does not match
but() {
	local not=$1
	shift
	printf '%s\n' "$@" | grep -Ev "$not"
}

includes() { echo "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)"; }

none "base/ includes nothing of the others" "$(includes '(ca|token|transfer)/')" base/**/*.[ch]
none "token/ includes base/ and itself alone" "$(includes '(ca|transfer)/')" token/**/*.[ch]
none "transfer/ includes base/ and itself alone" "$(includes '(ca|token)/')" transfer/**/*.[ch]
none "of token/, ca/ sees token.h alone" "$(includes 'token/[^"]*"')" \
	$(for f in ca/**/*.[ch]; do grep -l 'token/' "$f" | while read -r g; do
		sed 's:"token/token.h"::' "$g" | grep -q '"token/' && echo "$g"; done; done) /dev/null

none "only token/ sees PKCS#11" \
	"$(includes '(libp11|p11-kit/|pkcs11)')|C_GetFunctionList|CK_FUNCTION_LIST" \
	base/**/*.[ch] transfer/**/*.[ch] ca/**/*.[ch]
none "only transfer/ sees libcbor" "$(includes 'cbor(\.h|/)')" \
	base/**/*.[ch] token/**/*.[ch] ca/**/*.[ch]
none "only base/db opens a database file" 'sqlite3_open[^"]*\("?[^"]' \
	$(but '^base/db\.c$' base/**/*.c token/**/*.c transfer/**/*.c ca/**/*.c)

library=$(but '/(main|cmd_[a-z_]*)\.c$' base/**/*.c token/**/*.c transfer/**/*.c ca/**/*.c)
none "only main.c and cmd_*.c print" \
	'(^|[^a-z_])(printf|puts|putchar|perror|vprintf)[[:space:]]*\(' \
	$(but '^base/(cmd|term)\.c$' $library)
none "nor write to stdout or stderr by other means" \
	'(^|[^a-z_])(stdout|stderr|STDOUT_FILENO|STDERR_FILENO)([^a-z_]|$)' \
	$(but '^base/(cmd|term)\.c$' $library)
none "only main.c, cmd_*.c and children leave" \
	'(^|[^a-z_])(exit|_exit|quick_exit|abort)[[:space:]]*\(' \
	$(but '^base/(cmd|child)\.c$' $library)

none "the time of day is asked for in one place" \
	'(^|[^a-z_])(time|gettimeofday)\(|CLOCK_REALTIME' \
	$(but '^base/clock\.c$' base/**/*.c token/**/*.c transfer/**/*.c ca/**/*.c)
none "no shell is ever started" '(^|[^a-z_])(system|popen)[[:space:]]*\(' base/**/*.c token/**/*.c transfer/**/*.c ca/**/*.c
none "no unbounded copy" '(^|[^a-z_])(strcpy|strcat|sprintf|vsprintf|gets)[[:space:]]*\(' \
	base/**/*.c token/**/*.c transfer/**/*.c ca/**/*.c
none "no secret from argv, the environment or getpass" 'getpass|getenv\("[A-Z_]*PIN' \
	base/**/*.c token/**/*.c transfer/**/*.c ca/**/*.c
none "no deprecated OpenSSL is asked for" 'OPENSSL_SUPPRESS_DEPRECATED|OPENSSL_API_COMPAT' \
	base/**/*.[ch] token/**/*.[ch] transfer/**/*.[ch] ca/**/*.[ch] Makefile

lacking=
for f in base/**/*.[ch] token/**/*.[ch] transfer/**/*.[ch] ca/**/*.[ch] tests/unit/**/*.[ch] tests/lib/*.[ch]; do
	head -1 "$f" | grep -qF '/* SPDX-License-Identifier: Apache-2.0 */' || lacking="$lacking $f"
done
is "$lacking" "" "every source file names its licence first"

needs "${CC:-gcc}" gcc
alone=
# shellcheck disable=SC2046 # flags are words
for f in base/**/*.h token/**/*.h transfer/**/*.h ca/**/*.h; do
	"${CC:-gcc}" -std=c17 -D_GNU_SOURCE -I. $(pkg-config --cflags p11-kit-1 libcbor libp11) \
		-fsyntax-only -xc "$f" 2>>"$WORK/headers.log" || alone="$alone $f"
done
is "$alone" "" "every header compiles alone"

done_testing
