#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Without memory, without descriptors, without room in files or for processes: what
# could not be told is no verdict, what a person must see is shown or the command
# fails, and nothing is left half done. 150 points, the same every time; all of them
# by `make check-faults`, whose page is docs/faults.md.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"
needs openssl openssl
needs prlimit util-linux

prepare_faults

# ---- one of each, looked at by hand ------------------------------------------------------

# starved PROCESS WHOSE N HOW WHO ARG...: the N-th allocation there fails (HOW: once or
# on), the program's own (WHOSE: 0) or any (1)
starved() {
	"$PYTHON" - "$WORK/starve" "$1" "$2" "$3" "$4" <<-'EOF_PY'
		import struct, sys
		path, process, whose, n, how = sys.argv[1:]
		with open(path, "wb") as f:
		    f.write(struct.pack("=56sIIQQQ", process.encode(), int(whose), how == "on", int(n), 0, 0))
		    f.write(bytes(64 * 80))
	EOF_PY
	shift 4
	command_of "$@"
	LD_PRELOAD=$STARVE_SO STARVE=$WORK/starve timeout -k 5 "$LIMIT" setsid -w "${ARGV[@]}"
}

must cp -a "$STATES/look/home-ca" "$WORK/home-looked"
run starved 0 0 1 on ca @looked list
status 6 'without any memory of its own a program fails'
is "$ERR" 'airgap-ca: out of memory' 'and still says so'

must cp -a "$STATES/look" "$WORK/look"
run prlimit --nofile=4 "$BIN/airgap-ca" --home "$WORK/look/home-ca" list
status 6 'with too few descriptors it fails'
says '^airgap-ca: .*Too many open files' 'and says so'
run prlimit --fsize=1000 "$BIN/airgap-transfer" --home "$WORK/home-limited" enroll "$STATES/enroll/stick" \
	--label new --expect "$CA_HEX"
status 6 'where files may not grow it fails'
says 'File too large' 'and is not told that the disk is full'
quiet 'disk is full|No space' 'which it is not'
nok 1 'and nothing is left half made' test -e "$WORK/home-limited/store.db"

# ---- the sample --------------------------------------------------------------------------

while read -r line; do
	case $line in
	'ok: '*) pass "$line" ;;
	'not ok: '*) LAST=; fail "${line#not ok: }" ;;
	*) echo "# $line" ;;
	esac
done < <(starve_programs --some 150 --jobs "${FAULT_JOBS:-2}" 2>"$WORK/progress" || echo "not ok: sweep: status $?")
done_testing
