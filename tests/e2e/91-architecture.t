# SPDX-License-Identifier: Apache-2.0
# Arrows go one way: who may include, print, exit and see what. docs/arrows is the
# table, docs/design.md the reasons. The second half holds the test itself: a line
# against each promise, put into a copy of the tree, is found.
. "$(dirname "$0")/../lib/lib.sh"
cd "$TOP" || exit 1

look() { "$PYTHON" tests/tools/architecture.py "$1" 2>&1; }
found=$(look .)
# none CHECK DESC
none() { is "$(grep "^$1: " <<<"$found")" "" "$2"; }

none arrows "a room includes from lower floors and along the arrows alone"
none pkcs11 "only token/ sees PKCS#11"
none cbor "only transfer/ sees libcbor"
none database "only base/db opens a database file"
none print "only main.c and cmd_*.c print"
none stdout "nor write to stdout or stderr by other means"
none exit "only main.c, cmd_*.c and children leave"
none clock "the time of day is asked for in one place"
none sync "what is written is synced in one place"
none lock "what is locked is locked in one place"
none resolve "paths that others may change are resolved in one place"
none grow "arrays grow in one place"
none certificate "certificates are parsed in one place"
none shell "no shell is ever started"
none unbounded "no unbounded copy"
none secret "no secret from argv, the environment or getpass"
none deprecated "no deprecated OpenSSL is asked for"
none twice "a tag, an enumerator, a macro stands for one thing"
none static "and a static function is found in one file"
none licence "every source file names its licence first"
none purpose "and then says what it is for"
is "$(grep -vE '^(arrows|pkcs11|cbor|database|print|stdout|exit|clock|sync|lock|resolve|grow|certificate|shell|unbounded|secret|deprecated|twice|static|licence|purpose): ' <<<"$found")" \
	"" "and nothing else was said"

lacking=
for f in tests/{unit,lib,fuzz,bench,subverted,faults}/{,*/}*.[ch]; do
	[ ! -f "$f" ] || head -1 "$f" | grep -qF '/* SPDX-License-Identifier: Apache-2.0 */' || lacking="$lacking $f"
done
is "$lacking" "" "and so does every test in C"

needs "${CC:-gcc}" gcc
# shellcheck disable=SC2046 # flags are words
find base ca token transfer -name '*.h' | xargs -P 2 -n 10 "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -I. \
	$(pkg-config --cflags p11-kit-1 libcbor libp11) -fsyntax-only -xc >"$WORK/headers.log" 2>&1
is "$(grep error "$WORK/headers.log")" "" "every header compiles alone"

# The table in the guide for those who write code here is this one.
is "$(sed -n 's/^    //; /^floor/p; /^arrow/p' CONTRIBUTING.md)" "$(sed -n '/^floor/p; /^arrow/p' docs/arrows)" \
	"CONTRIBUTING shows the arrows as they are"
# And the map has each of its rooms, from the ground up; the glossary, things that there are.
map_rooms() { sed -n '/^## Rooms/,/^## Identities/s/^| `\([a-z0-9/]*\)` | .*/\1/p' "$1"; }
is "$(map_rooms docs/design.md)" "$(awk '/^floor/ { for (i = 2; i <= NF; i++) print $i }' docs/arrows)" \
	"docs/design.md has a line for each room"
# gone PAGE: files and structs of the glossary that there are not
gone() {
	local file struct
	sed -n '/^## Glossary/,$p' "$1" | grep -oE '`[a-z0-9_/]+\.h`(: `struct [a-z_]+`)?' |
	while IFS='`' read -r _ file _ struct _; do
		[ -f "$file" ] && grep -q "^${struct:-#ifndef}\b" "$file" || echo "$file $struct"
	done
	sed -n '/^## Glossary/,$p' "$1" | grep -oE '`struct [a-z_]+` in `[a-z0-9_/]+\.h`' |
	while IFS='`' read -r _ struct _ file _; do
		grep -q "^$struct {" "$file" || echo "$file $struct"
	done
}
is "$(gone docs/design.md)" "" "and its glossary leads to structs that there are"
sed 's/`struct intent`/`struct intention`/' docs/design.md >"$WORK/design.md"
is "$(gone "$WORK/design.md")" "ca/ledger/ledger.h struct intention" "one that is gone is found"

# ---- the test of the test ----------------------------------------------------------
# wrong CHECK FILE LINE DESC [WHAT]: LINE, put into FILE of the copy, is found by CHECK, which
# tells of FILE or of WHAT; all of them are looked for at once.
mkdir "$WORK/tree" && cp -r base ca token transfer docs "$WORK/tree" || exit 1
wanted=()
wrong() {
	printf '%b\n' "$3" >>"$WORK/tree/$2"
	wanted+=("^$1: .*${5:-$2}" "$4")
}
wrong arrows base/buf.c '#include "transfer/rule.h"' 'base leans on transfer'
wrong arrows ca/home/home.c '#include "transfer/online/store/store.h"' 'the CA includes from the online program'
wrong arrows token/p11/uri.c '#include "token/token.h"' 'a room includes from a floor above'
wrong arrows transfer/media/media.c '#include "transfer/policy/policy.h"' 'and from beside it'
wrong arrows transfer/rule.c '#include "ca/home/home.h"' 'transfer leans on ca'
wrong arrows ca/sign/issue.c '#include "token/card/login.h"' 'the CA looks behind token.h'
wrong pkcs11 ca/home/keys.c '#include <p11-kit/uri.h>' 'PKCS#11 outside token/'
wrong cbor ca/home/keys.c '#include <cbor.h>' 'libcbor outside transfer/'
wrong database ca/ledger/ledger.c 'int x(void) { return sqlite3_open_v2(path, 0, 0, 0); }' 'a database opened elsewhere'
wrong print ca/ledger/ledger.c 'void x(void) { printf("x"); }' 'a library that prints'
wrong exit ca/ledger/ledger.c 'void x(void) { exit(1); }' 'a library that leaves'
wrong clock ca/ledger/ledger.c 'long x(void) { return time(NULL); }' 'another clock'
wrong sync ca/ledger/ledger.c 'int x(int fd) { return fsync(fd); }' 'a file that is synced elsewhere'
wrong lock ca/ledger/ledger.c 'int x(int fd) { return flock(fd, 2); }' 'another lock'
wrong resolve ca/ledger/ledger.c 'long x(int fd) { return syscall(SYS_openat2, fd, "x", 0, 0); }' 'another way to open'
wrong grow ca/ledger/ledger.c 'void *x(void *p) { return reallocarray(p, 2, 2); }' 'an array that grows elsewhere'
wrong certificate ca/ledger/ledger.c 'void *x(void) { return d2i_X509(0, 0, 0); }' 'a certificate parsed elsewhere'
wrong shell ca/ledger/ledger.c 'int x(void) { return system("true"); }' 'a shell'
wrong twice ca/ledger/ledger.c 'struct policy { int x; };' 'a tag that stands for two things' 'policy'
wrong twice ca/ledger/ledger.c 'enum ledger_x { NAME_DNS };' 'an enumerator that does' 'NAME_DNS'
wrong twice ca/ledger/ledger.c '#define BUNDLE_ID_LEN 17' 'a macro that does' 'BUNDLE_ID_LEN'
wrong static ca/ledger/ledger.c 'static int\nissue_begin(void)\n{\n\treturn 0;\n}\nstatic int\nname_write(void)\n{\n\treturn 0;\n}' 'a static that has the name of another function' 'name_write'
wrong purpose ca/ledger/unsaid.c '/* SPDX-License-Identifier: Apache-2.0 */\n#include "base/buf.h"' 'a file that does not say what it is for'

found=$(look "$WORK/tree")
for ((i = 0; i < ${#wanted[@]}; i += 2)); do
	like "$found" "${wanted[i]}" "found: ${wanted[i + 1]}"
done

done_testing
