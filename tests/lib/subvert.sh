# SPDX-License-Identifier: Apache-2.0
# Programs whose reader or judge is taken over (tests/subverted). Sourced after lib.sh.

# The leak checker wants to trace, and so does strace.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
SUBVERTED=$BUILD/subverted
for program in airgap-ca airgap-transfer; do
	[ -x "$SUBVERTED/$program" ] ||
		{ fail "$SUBVERTED/$program is built (make subverted)"; done_testing; }
done

# as WHAT CMD...: with what SUBVERT says of the process that is taken over
as() {
	local BIN=$SUBVERTED SUBVERT=$1
	export SUBVERT
	shift
	"$@"
	set -- $?
	export -n SUBVERT
	return "$1"
}
