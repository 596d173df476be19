#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9, EIO and ENOSPC at the system calls of a visit, and the same command
# again: nothing lost, nothing twice, no manual repair.
#
# The points are counted by a first traced run. FAULTS=all tries every one of
# them; else they are sampled evenly. Each point must have been hit to count.
. "$(dirname "$0")/lib.sh"
needs strace strace
# The leak checker cannot work under a tracer, and fails the program.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
needs pgrep procps
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

# counted -- WHO ARG...: COUNT[name] of the first process, CHILD[name] the most
# that any of its children made.
declare -A COUNT CHILD
counted() {
	local file first=yes n name
	COUNT=() CHILD=()
	run traced -ff -e "trace=$CALLS,$TALK" "$@"
	for file in $(printf '%s\n' "$WORK"/trace.* | sort -t. -k2 -V); do
		while read -r n name; do
			if [ -n "$first" ]; then
				COUNT[$name]=$n
			elif [ "${CHILD[$name]:-0}" -lt "$n" ]; then
				CHILD[$name]=$n
			fi
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

# The children of sign by the order in which they are forked. One alone is traced
# while its parent sleeps behind the last fork.
CHILDREN=(token judge reader)

# child_point WHO CALL N: that child is killed at its n-th CALL
child_point() {
	local args=() arg waiting=200 pid= children=() who job
	restore home-ca home-online stick
	rm -f "$SHIM_LOG" "$WORK"/trace* "$WORK/pid"
	command_of "${SIGN[@]}"
	for arg in "${ARGV[@]}"; do
		case $arg in
		"$BIN"/airgap-*)
			# shellcheck disable=SC2016 # for the inner shell
			args+=(strace -qq -o "$WORK/trace.parent" -e trace=clone
				-e "inject=clone:delay_exit=1000000:when=$FORKS"
				sh -c 'echo $$ >"$0"; exec "$@"' "$WORK/pid")
			;;
		esac
		args+=("$arg")
	done
	timeout -k 5 "$LIMIT" setsid -w "${args[@]}" >"$WORK/out" 2>"$WORK/err" </dev/null &
	job=$!
	while [ ${#children[@]} -lt "$FORKS" ] && [ $((waiting -= 1)) -gt 0 ]; do
		sleep 0.02
		[ -s "$WORK/pid" ] && mapfile -t children < <(pgrep -P "$(cat "$WORK/pid")")
	done
	for who in "${!CHILDREN[@]}"; do
		[ "${CHILDREN[$who]}" != "$1" ] || pid=${children[$who]:-}
	done
	strace -qq -o "$WORK/trace" -e "trace=$2" -e "inject=$2:signal=KILL:when=$3" \
		-p "${pid:-0}" 2>/dev/null
	wait $job
	STATUS=$?
	ERR=$(cat "$WORK/err")
	hit || wrong 'the fault did not happen'
	case $STATUS in 5 | 6) ;; *) wrong "status $STATUS" ;; esac
	matches "$ERR" "the $1 process" || wrong "not said: the $1 process"
	after_sign "sign: the $1 process is killed at $2 $3 (status $STATUS)"
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

# each_point WHAT MOST FUNCTION: FUNCTION WHAT CALL N for at most MOST of each call
# in COUNT, or in CHILD for "any".
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
		case $what in any*) N=${CHILD[$call]:-0} ;; *) N=${COUNT[$call]:-0} ;; esac
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

each_point KILL 2 sign_point
FORKS=$(strace -qq -o "$WORK/trace" -e trace=clone "$BIN/airgap-ca" \
	--home "$WORK/home-ca" sign -n "$STICK" >"$WORK/out" 2>&1; grep -c '^clone' "$WORK/trace")
[ "$FAULTS" != all ] || each_point 'any KILL' 1 sign_point
for n in 1 3 8; do child_point token sendto $n; done
for n in 1 3; do child_point reader sendmsg $n; done
for n in 1 7; do child_point judge sendmsg $n; done
each_point EIO 1 sign_point
each_point ENOSPC 1 sign_point

"$PYTHON" "$TOP/tests/e2e/crash-audit.py" "$WORK"/points/* >"$WORK/audit"
is "$(grep -v ' good$' "$WORK/audit")" '' \
	"each serial one TBS, each TBS one signature, nothing left but results ($point faults)"

# ---- install: all or nothing, and the files at last --------------------------------
restore home-ca home-online stick
run "${SIGN[@]}"
status 1 'an answer to install'
rm -rf "$WORK"/kept-*
keep home-ca home-online stick
INSTALL=(transfer install "$STICK")

# certificates: how many the store holds
certificates() {
	run transfer list --json
	"$PYTHON" -c '
import json, sys
print(len(json.load(open(sys.argv[1]))["certificates"]))' "$WORK/out"
}

# cert_files: how many lie there whole; any that is not is said
cert_files() {
	local file n=0
	for file in "$WORK"/home-online/certs/*/*.pem; do
		[ -e "$file" ] || continue
		openssl x509 -in "$file" -noout 2>/dev/null || echo "torn: $file"
		n=$((n + 1))
	done
	echo $n
}

install_point() {
	local was
	restore home-online
	faulty "$1" "$2" "$3" "${INSTALL[@]}"
	was=$STATUS
	case $(certificates)-$was in
	0-0 | 0-1) wrong 'exit 0, and nothing installed' ;;
	0-* | 9-*) ;;
	*) wrong 'a part was installed' ;;
	esac
	case $(cert_files)-$was in
	9-0 | 9-1) ;;
	*-0 | *-1) wrong "status $was, and not every file" ;;
	[0-9]-*) ;;
	*) wrong "files: $(cert_files)" ;;
	esac
	run "${INSTALL[@]}"
	case $STATUS in 0 | 1) ;; *) wrong "the next run: status $STATUS" ;; esac
	[ "$(certificates)" = 9 ] || wrong 'not nine certificates'
	[ "$(cert_files)" = 9 ] || wrong 'not nine files'
	[ -s "$WORK/home-online/ca.pem" ] || wrong 'no ca.pem'
	[ -z "$(find "$WORK/home-online" -name '*.tmp' -o -name '*.new' -o -name '*-journal')" ] ||
		wrong "left there: $(find "$WORK/home-online" -name '*.*')"
	verdict "install: $1 at $2 $3 (status $was)"
}

counted -- "${INSTALL[@]}"
status 1 'without a fault: installed'
each_point KILL 1 install_point
each_point EIO 1 install_point
each_point ENOSPC 1 install_point

# ---- request: a number is never used twice ------------------------------------------
restore home-online
run "${INSTALL[@]}"
rm -rf "$WORK"/kept-*
keep home-ca home-online stick
REQUEST=(transfer request "$WORK/one.example.org.csr" "$WORK/two.example.org.csr"
	--profile tls-server --out "$STICK")

# bundles: "OPEN ON-STICK" of those after the first; what lies on the stick must be
# what the store says was sent
bundles() {
	"$PYTHON" - "$WORK/home-online/store.db" "$STICK"/airgap-ca/requests/*.cose <<'PY'
import hashlib, os, sqlite3, sys
db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
sent = {row[0].hex(): row[1] for row in db.execute("SELECT id, sha256 FROM bundle")}
for name in sys.argv[2:]:
    with open(name, "rb") as f:
        if sent.get(os.path.basename(name)[:-5]) != hashlib.sha256(f.read()).digest():
            print("not what was sent:", name)
print(db.execute("SELECT count(*) FROM bundle WHERE state = 1").fetchone()[0], len(sys.argv) - 3)
PY
}

n_requests=0
request_point() {
	local was again=() there
	restore home-ca home-online stick
	faulty "$1" "$2" "$3" "${REQUEST[@]}"
	was=$STATUS
	run transfer status	# rolls back what was not committed
	there=$(bundles)
	case $there-$was in
	'0 0-0') wrong 'exit 0, and nothing on the stick' ;;
	'0 0-'* | '1 1-'*) ;;
	'1 0-0') wrong 'exit 0, and nothing on the stick' ;;
	'1 0-'*)
		# By turns: what is recorded goes once more, or all is asked anew.
		n_requests=$((n_requests + 1))
		[ $((n_requests % 2)) = 0 ] || again=(transfer request --again --out "$STICK")
		;;
	*) wrong "open, on the stick: $there" ;;
	esac
	[ ${#again[@]} != 0 ] || again=("${REQUEST[@]}")
	run "${again[@]}"
	[ "$STATUS" = 0 ] || wrong "${again[*]}: status $STATUS"
	matches "$(bundles)" '^[12] [12]$' || wrong "open, on the stick: $(bundles)"
	run "${SIGN[@]}"
	[ "$STATUS" = 0 ] || wrong "sign: status $STATUS"
	run "${INSTALL[@]}"
	[ "$STATUS" = 0 ] || wrong "install: status $STATUS"
	[ "$(certificates)" -ge 11 ] || wrong 'not every certificate'
	matches "$(bundles)" '^0 ' || wrong "still open: $(bundles)"
	verdict "request: $1 at $2 $3 (status $was)"
}

counted -- "${REQUEST[@]}"
status 0 'without a fault: asked'
each_point KILL 1 request_point
each_point EIO 1 request_point
each_point ENOSPC 1 request_point

# ---- what lies between a crash and the next run --------------------------------------
in_two_days() { date -u -d '2 days' '+%F %T'; }

# The bundle is open: another of the same requester waits for it, since who has the
# answer to a later one takes none to an earlier one.
restore home-ca home-online stick
run "${REQUEST[@]}"
unfinished=$(ls -t "$STICK/airgap-ca/requests" | head -1)
faulty KILL unlink 3 "${SIGN[@]}"
verdict 'sign is killed with intents and without results'
must stick other
run transfer request --again --out "$WORK/stick-other"
run ca sign "$WORK/stick-other" --yes
wants 7 BUNDLE-UNFINISHED 'the next bundle waits for the one that is open'
says "$unfinished" 'which is named'
run ca sign -n "$STICK"
like "$(echo $ERR)" 'signed 0 certificates .* left 2 serials' 'a dry run says what was left'

# Its policy changes, the clock goes on, and the requester is removed.
must sed -i 's/^backdate = .*/backdate = 2h/' "$WORK/home-ca/policy.conf"
run ca requester remove online --yes
status 0 'the requester is removed'
run ca sign "$STICK" --yes
wants 3 REQUESTER-UNKNOWN 'its open bundle is not finished unasked'
run at "$(in_two_days)" "${SIGN[@]}"
status 0 'with --expect it is, two days later'
says 'policy .* of the run that did not finish' 'under the policy of its Yes'
run ca requester list
prints online 'and the requester is enrolled again'
run "${INSTALL[@]}"
status 0 'the response is proven and installed'
run at "$(in_two_days)" ca sign "$WORK/stick-other" --yes
status 0 'the bundle that waited is answered'
run transfer install "$WORK/stick-other"
status 0 'and that answer is installed'
run ca ledger verify
status 0 'the ledger is whole'

# ---- init: never half a CA -------------------------------------------------------------
new_token new
must stick new
rm -rf "$WORK"/kept-*
keep tokens stick-new
INIT=(ca @new init --subject 'CN=New CA' --token "$(uri new)" --key-type ec-p256
	--scope example.org --profiles tls --out "$WORK/stick-new" --yes)

init_point() {
	local was
	restore tokens stick-new
	rm -rf "$WORK/home-new" "$WORK/home-fresh"
	faulty "$1" "$2" "$3" "${INIT[@]}"
	was=$STATUS
	[ "$was" != 0 ] || [ -n "$(ls "$WORK"/stick-new/airgap-ca/cards/*.cose)" ] ||
		wrong 'exit 0, and no card'
	if [ -e "$WORK/home-new/ledger.db" ]; then
		run "${INIT[@]}"
		[ "$STATUS" = 7 ] && matches "$ERR" 'airgap-ca export' ||
			wrong "init in a CA: status $STATUS, $ERR"
	else
		run "${INIT[@]}"
		[ "$STATUS" = 0 ] || wrong "the next run: status $STATUS"
	fi
	run ca @new export "$WORK/stick-new" --json
	[ "$STATUS" = 0 ] || wrong "export: status $STATUS"
	run transfer @fresh enroll "$WORK/stick-new" --label new --expect "$(json fingerprint)"
	[ "$STATUS" = 0 ] || wrong "enroll: status $STATUS"
	run ca @new ledger verify
	[ "$STATUS" = 0 ] || wrong "ledger verify: status $STATUS"
	verdict "init: $1 at $2 $3 (status $was)"
}

rm -rf "$WORK/home-new"
counted -- "${INIT[@]}"
status 0 'without a fault: a CA'
each_point KILL 1 init_point
each_point 'any KILL' 1 init_point
each_point EIO 1 init_point
each_point ENOSPC 1 init_point

# Keys that a killed run left are not passed over.
restore tokens stick-new
rm -rf "$WORK/home-new"
faulty KILL renameat2 1 "${INIT[@]}"
hit || wrong 'the fault did not happen'
verdict 'init is killed before its ledger is in place'
set -- "${INIT[@]/--key-type/--days}"
run "${@/ec-p256/365}"
status 2 'the next one, not told what to do about the keys, refuses'
says '--use-key' 'and says how to go on with them'
done_testing
