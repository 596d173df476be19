# SPDX-License-Identifier: Apache-2.0
# What the compiler and linker were to do is read off the programs, and a build
# that would lose it stops.
. "$(dirname "$0")/../lib/lib.sh"

needs readelf binutils
case $BUILD in */debug) debug=yes ;; *) debug= ;; esac

# elf PROGRAM REGEX DESC: somewhere in what readelf says of it
elf() { like "$(readelf -W -h -l -d --dyn-syms "$BIN/$1" 2>&1 | grep -E -- "$2")" "$2" "$1: $3"; }
# needed PROGRAM: the libraries that it is linked with
needed() { readelf -d "$BIN/$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

for program in airgap-ca airgap-token airgap-transfer; do
	ok "$program is built" test -x "$BIN/$program"
	elf $program 'Type: +DYN \(Position-Independent' "position-independent"
	elf $program 'FLAGS_1.*NOW.*PIE' "bound at start, and says PIE"
	elf $program 'GNU_RELRO' "relocations become read-only"
	elf $program 'GNU_STACK .* RW +0x' "its stack is not executable"
	elf $program '__stack_chk_fail' "stacks are guarded"
	unlike "$(readelf -W -d "$BIN/$program")" 'TEXTREL|RPATH|RUNPATH' \
		"$program: no text relocation, no library path of its own"
	unlike "$(readelf -W -l "$BIN/$program" | grep LOAD)" 'RWE' \
		"$program: nothing is writable and executable"
	# The sanitisers put their own checks in the place of these.
	[ -n "$debug" ] || elf $program '__(mem|s|v|f)[a-z]*_chk' "fortified"
done

unlike "$(needed airgap-transfer)" 'libp11|p11-kit|opensc|softhsm' \
	"airgap-transfer: no token code is linked"
unlike "$(needed airgap-token)" 'cbor' \
	"airgap-token: no parser of the stick's is linked"
like "$(needed airgap-ca)" 'libp11|p11-kit' "airgap-ca: the token's are"

# ---- builds that must not happen; make only probes here, nothing is built

dry() { run make -C "$TOP" -n --no-print-directory "$@" all; }
needs make make

dry CC="$WORK/no-such-compiler"
status 2 "without a compiler make stops"
says 'no working C compiler.*make deps' "and says what to do"

# A compiler that minds one flag, as an old one would.
minds() {
	cat >"$WORK/cc" <<-CC
		#!/bin/sh
		for a; do case \$a in *$1*) echo "cc: unknown \$a" >&2; exit 1 ;; esac; done
		exec gcc "\$@"
	CC
	chmod +x "$WORK/cc"
}
for flag in -fstack-protector-strong -fPIE -ftrivial-auto-var-init; do
	minds "$flag"
	dry CC="$WORK/cc"
	status 2 "a compiler without $flag builds nothing"
	says "does not take $flag" "and make names it"
done
minds relro
dry CC="$WORK/cc"
status 2 "a linker without RELRO builds nothing"
says 'does not link with.*relro' "and make names it"
minds -fcf-protection
dry CC="$WORK/cc"
status 0 "a flag that some machines lack may be missing"

done_testing
