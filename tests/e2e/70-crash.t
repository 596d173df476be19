#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9, EIO and ENOSPC at the system calls of a visit, and the same command
# again: nothing lost, nothing twice, no manual repair.
#
# The points are counted by a first traced run. FAULTS=all tries every one of
# them; else they are sampled evenly. Each point must have been hit to count.
. "$(dirname "$0")/lib.sh"
needs strace strace
FAULTS=${FAULTS:-some}

CALLS=write,pwrite64,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,unlinkat,mkdirat,ftruncate
TALK=sendmsg,sendto	# what the processes say to each other

SHIM_SO=$WORK/shim.so
# shellcheck disable=SC2046 # a list of flags
must "${CC:-gcc}" -shared -fPIC $(pkg-config --cflags p11-kit-1) \
	-o "$SHIM_SO" "$TOP/tests/e2e/shim.c" -ldl
export SHIM=log SHIM_LOG=$WORK/signed

# traced OPTION... -- WHO ARG...: under strace, as `alone` runs it. What it saw
# lies in $WORK/trace, or $WORK/trace.PID with -ff.
traced() {
	local options=() args=() arg
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	command_of "$@"
	for arg in "${ARGV[@]}"; do
		case $arg in
		"$BIN"/airgap-*) args+=(strace -qq -o "$WORK/trace" "${options[@]}") ;;
		esac
		args+=("$arg")
	done
	rm -f "$WORK"/trace*
	timeout -k 5 "$LIMIT" setsid -w "${args[@]}"
}

# counted -- WHO ARG...: COUNT[name] of the first process, MOST[name] the most
# that any process of it made.
declare -A COUNT MOST
counted() {
	local file first=yes n name
	COUNT=() MOST=()
	run traced -ff -e "trace=$CALLS,$TALK" "$@"
	for file in $(printf '%s\n' "$WORK"/trace.* | sort -t. -k2 -V); do
		while read -r n name; do
			[ -z "$first" ] || COUNT[$name]=$n
			[ "${MOST[$name]:-0}" -ge "$n" ] || MOST[$name]=$n
		done < <(sed -n 's/^\([a-z0-9]*\)(.*/\1/p' "$file" | sort | uniq -c)
		first=
	done
}

# sample N MAX: MAX of 1..N, evenly, the last among them
sample() {
	[ "$FAULTS" != all ] || set -- "$1" "$1"
	"$PYTHON" -c 'import sys
n, most = int(sys.argv[1]), int(sys.argv[2])
print(*sorted({(i * n + most - 1) // most for i in range(1, min(n, most) + 1)} if n > most else range(1, n + 1)))' "$1" "$2"
}

# hit: did the last point happen?
hit() { grep -q -e INJECTED -e 'killed by SIGKILL' "$WORK/trace"; }

# restore HOME...: as they were before the first fault
keep() {
	local what
	for what; do must cp -a "$WORK/$what" "$WORK/kept-$what"; done
}
restore() {
	local what
	for what; do
		rm -rf "${WORK:?}/$what"
		cp -a "$WORK/kept-$what" "$WORK/$what"
	done
}

# verdict DESC: one line for a point, from the complaints gathered in $WRONG
WRONG=
wrong() { WRONG+="$*"$'\n'; }
verdict() {
	if [ -z "$WRONG" ]; then pass "$1"; else fail "$1" "$WRONG" "$FAULT"; fi
	WRONG=
}

# ---- a visit with a series and a refusal -------------------------------------------
make_ca --scope example.org --scope example.net --profiles tls
enrol_online
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$WORK/home-ca/token.conf"
for name in one.example.org two.example.org three.example.org four.example.net; do
	must csr_openssl "$name" ec-p256 "/CN=$name" "DNS:$name"
done
run transfer request "$WORK"/*.csr --profile tls-server --series 3x31d+7d \
	--out "$STICK"
status 0 'a bundle of four series of three'
# Refused by a policy that the requester does not have yet.
must sed -i 's/^scope = .*/scope = example.org/' "$WORK/home-ca/policy.conf"
keep home-ca home-online stick

SIGN=(ca sign "$STICK" --yes --expect "$REQUESTER_HEX")
point=0

# after_sign DESC: what must hold after a fault in sign, and after the next run
after_sign() {
	local dir bundle response was=$STATUS
	point=$((point + 1))
	dir=$WORK/points/$(printf '%04d' $point)
	mkdir -p "$dir/left"
	FAULT="the faulty run: status $STATUS"$'\n'"$ERR"
	run ca ledger verify
	[ "$STATUS" = 0 ] || wrong "ledger verify after the fault: $STATUS"
	cp "$WORK/home-ca/ledger.db" "$dir/crashed.db"
	touch "$SHIM_LOG"
	wc -l <"$SHIM_LOG" >"$dir/before"
	for response in "$STICK"/airgap-ca/responses/*; do
		[ -d "$response" ] && cp -rT "${response%/*}" "$dir/left/early"
	done
	rm -rf "$dir"/left/early/.tmp-*
	bundle=$(sqlite_bundle "$dir/crashed.db")
	case $was in
	0 | 1) [ -d "$dir/left/early" ] || wrong "status $was, and no response" ;;
	esac

	run "${SIGN[@]}" --json
	case $STATUS-$bundle in
	0-answered | 1-none | 1-open) ;;
	*) wrong "the next run: status $STATUS ($bundle)" ;;
	esac
	case $bundle in
	answered) matches "$ERR" 'was answered before' || wrong 'not said: answered' ;;
	open) matches "$ERR" 'unfinished .*earlier run signed' || wrong 'not said: unfinished' ;;
	esac
	response=$STICK/$(json responses.0.path 2>/dev/null)
	cp "$WORK/home-ca/ledger.db" "$dir/final.db"
	cp "$SHIM_LOG" "$dir/signed"
	cp -r "$STICK/airgap-ca/responses" "$dir/left/late"
	[ ! -d "$dir/left/early" ] || diff -r "$dir/left/early" "$dir/left/late" ||
		wrong 'what lay there has changed'
	ls -A "$dir/left/late" | grep -q -e .tmp -e bad &&
		wrong "left there: $(ls -A "$dir/left/late")"

	run transfer install "$STICK" --json
	[ "$STATUS" = 1 ] || wrong "install: status $STATUS"
	[ "$(json certificates)" = 9 ] || wrong 'not nine certificates'
	run ca ledger verify --head "$response/manifest.cose"
	[ "$STATUS" = 0 ] || wrong "ledger verify: $STATUS"
	verdict "$1"
}

# sqlite_bundle FILE: none, open or answered
sqlite_bundle() {
	"$PYTHON" -c '
import sqlite3, sys
db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
kinds = {row[0] for row in db.execute("SELECT kind FROM record")}
print("answered" if 10 in kinds else "open" if 5 in kinds else "none")' "$1"
}

# synced_once: an fsync that failed was not tried again on that file
synced_once() {
	local file
	file=$(sed -n 's/^f[a-z]*sync([0-9]*<\(.*\)>) .*INJECTED.*/\1/p' "$WORK/trace")
	[ -z "$file" ] || ! sed '1,/INJECTED/d' "$WORK/trace" | grep -F "<$file>" >&2
}

# faulty WHAT CALL N WHO ARG...: WHAT is KILL, EIO or ENOSPC; in the first process,
# or with "any " before it in whichever comes first.
faulty() {
	local what=$1 call=$2 n=$3 options=(-y)
	shift 3
	case $what in any*) options+=(-f) ;; esac
	case $what in
	*KILL) what=signal=KILL ;;
	*) what=error=${what#any } ;;
	esac
	case $call in f*sync) options+=(-e trace=fsync,fdatasync) ;; *) options+=(-e "trace=$call") ;; esac
	run traced "${options[@]}" -e "inject=$call:$what:when=$n" -- "$@"
	FAULT="the faulty run: status $STATUS"$'\n'"$ERR"
	hit || wrong 'the fault did not happen'
	synced_once || wrong 'an fsync that failed was tried again'
}

# each_point WHAT MOST FUNCTION: FUNCTION CALL N for a sample of the calls in
# COUNT, or in MOST for "any"; MOST is how many of one call.
each_point() {
	local what=$1 most=$2 call n N
	shift 2
	for call in ${CALLS//,/ } ${TALK//,/ }; do
		case $call-$what in
		f*sync-* | write-* | pwrite64-* | mkdirat-* | syncfs-* | renameat*-*) ;;
		*-ENOSPC) continue ;;
		send*-any*) ;;
		send*) continue ;;
		esac
		case $what in any*) N=${MOST[$call]:-0} ;; *) N=${COUNT[$call]:-0} ;; esac
		for n in $(sample "$N" "$most"); do
			"$@" "$what" "$call" "$n"
		done
	done
}

sign_point() {
	restore home-ca home-online stick
	rm -f "$SHIM_LOG"
	faulty "$1" "$2" "$3" "${SIGN[@]}"
	after_sign "sign: $1 at $2 $3 (status $STATUS)"
}

counted -- "${SIGN[@]}"
status 1 'without a fault: nine signed, three refused'
is "$(grep -c '^ca-' "$SHIM_LOG")" 9 'the token signed nine times'
is "$(grep -c . "$SHIM_LOG")" 10 'and once the manifest'

each_point KILL 4 sign_point
each_point 'any KILL' 2 sign_point
each_point EIO 3 sign_point
each_point ENOSPC 2 sign_point

"$PYTHON" "$TOP/tests/e2e/crash-audit.py" "$WORK"/points/* >"$WORK/audit"
is "$(grep -v ' good$' "$WORK/audit")" '' \
	"each serial one TBS, each TBS one signature, nothing left but results ($point faults)"
done_testing
