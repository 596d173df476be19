#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bundles that cannot be finished: closed with an answer, and closed as lost.
. "$(dirname "$0")/../lib/lib.sh"
needs strace strace
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

. "$TOP/tests/faults/prepare.sh"
build_faults
SHIM_SO=$WORK/shim.so
# shellcheck disable=SC2046 # a list of flags
must "${CC:-gcc}" -shared -fPIC $(pkg-config --cflags p11-kit-1) \
	-o "$SHIM_SO" "$TOP/tests/lib/shim.c" -ldl
make_ca
must sed -i 's/^series-max = .*/series-max = 100/' "$(home_of ca)/policy.conf"
must ca export "$STICK"
enrol_online
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$(home_of ca)/token.conf"

BAD=bad.example.org
# The token fails after $AFTER of 4 * $K signatures. All that it gave are judged and
# stored: three series, and ten of the fourth.
K=60 AFTER=190
# ask N [K]: a bundle of N + 2 requests for a series of K, of which the policy may
# refuse the last but one; leaves $ID
ask() {
	local csrs=() i
	for i in $(seq "$1"); do
		must csr_openssl "r$i" ec-p256 "/CN=r$i" "DNS:r$i.good.example.org"
		csrs+=("$WORK/r$i.csr")
	done
	must csr_openssl bad ec-p256 /CN=bad "DNS:$BAD"
	must csr_openssl series ec-p256 /CN=series DNS:series.good.example.org
	run transfer request "${csrs[@]}" "$WORK/bad.csr" "$WORK/series.csr" \
		--profile tls-server --series "${2:-2}x2d+1d" --out "$STICK"
	[ "$STATUS" = 0 ] || fail "preparation: request"
	ID=$(ls -t "$STICK/airgap-ca/requests" | head -1)
	ID=${ID%.cose}
}
certificates() { # STATUS: how many the CA has
	ca list --json >"$WORK/list"
	"$PYTHON" -c 'import json, sys
print(sum(c["status"] in sys.argv[2:] for c in json.load(open(sys.argv[1]))["certificates"]))' \
		"$WORK/list" "$@"
}
whole() {
	run ca ledger verify
	status 0 "$1: the ledger is whole"
	ok "$1: for other code too" "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$(home_of ca)/ledger.db"
}

# ---- what there is to close -----------------------------------------------------------

run ca abandon
status 2 'nothing named'
run ca abandon --lost "$STICK"
status 2 'no id'
run ca abandon --lost abcd
wants 7 BUNDLE-UNKNOWN 'an id that nobody has'
says 'abcd: no unfinished bundle has this id' 'is said to be one'
ask 1
run ca abandon "$STICK/airgap-ca/requests/$ID.cose" "$STICK" --yes
wants 7 BUNDLE-UNKNOWN 'a bundle that was never signed needs no closing'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'so it is signed'
run ca abandon "$ID" "$STICK" --yes
status 0 'a bundle that has its answer gets it'
says 'byte for byte' 'as it is stored'
run ca abandon --lost "$ID"
wants 7 BUNDLE-UNKNOWN 'and is not lost'
says 'airgap-ca --home [^ ]+ resend' 'but can be written again'
run transfer install "$STICK"
status 0 'it is installed'

# ---- closed with an answer ------------------------------------------------------------

must sed -i 's/^scope = .*/scope = good.example.org/' "$(home_of ca)/policy.conf"
ask 3 $K
export SHIM=sign-error SHIM_AFTER=$AFTER
run ca sign "$STICK" --yes
status 5 'the token fails amid the third request or the fourth'
unset SHIM SHIM_AFTER
run ca status
prints "bundle $ID is unfinished" 'status tells what is left'
prints "airgap-ca --home [^ ]+ abandon" 'and the other way out'

freeze
run ca abandon "${ID:0:6}" "$STICK" -n --json
status 0 'a dry run'
unchanged 'changes nothing'
says 'delivered +[0-9]+ request' 'and says what will be delivered'
says 'abandoned .*\[ABANDONED\]' 'what will not'
says '10 of 60 certificates signed' 'how far it was: every signature was kept'
says 'refused +1 request, as before' 'and what was refused before'
delivered=$(json delivered) abandoned=$(json abandoned)
is "$delivered $abandoned $(json refused) $(json closed)" '3 1 1 false' 'every request is in one of these'
run ca abandon "$ID" "$STICK"
status 2 'nobody to ask for Yes: refused'
dialogue 'close this bundle for good' no -- ca abandon "$ID" "$STICK"
status 4 'no is not Yes'
unchanged 'and nothing was closed'
if [ -n "$(ip -o link show up | grep -v LOOPBACK)" ]; then
	run on_network ca abandon "$ID" "$STICK" --yes
	wants 7 NETWORK-UP 'not on a network'
fi
other=$(stick other)
run ca abandon "$ID" "$other" --yes
wants 7 BUNDLE-ABSENT 'a stick without the bundle'
says 'abandon --lost' 'is told with the other way'
must mkdir -p "$other/airgap-ca/requests"
head -c 500 "$STICK/airgap-ca/requests/$ID.cose" >"$other/airgap-ca/requests/$ID.cose"
run ca abandon "$ID" "$other" --yes
wants 7 BUNDLE-ABSENT 'nor does its name make it'
read_of "$ID.cose" ca abandon -n "$ID" "$STICK"
freeze
run faulty "${POINT[@]}" EIO ca abandon "$ID" "$STICK" --yes
status 6 'a disk that fails is no stick without the bundle'
says "whether bundle $ID is there cannot be said: .*Input/output error" 'which is said'
quiet 'BUNDLE-ABSENT|--lost' 'without the advice to give it up'
unchanged 'and nothing is closed'
ln -sf nowhere "$other/airgap-ca/requests/$ID.cose"
run ca abandon "$ID" "$other" --yes
wants 3 MEDIA-FILE 'nor is a link of its name'
rm -r "$other"
export SHIM=sign-error
run ca abandon "$ID" "$STICK" --yes
status 5 'a token that does not sign'
says 'abandon --lost' 'is told with the way that needs none'
unset SHIM
unchanged 'nothing was closed by all this'

# kill -9, EIO, ENOSPC at the commit and around it, and the same command again
must cp -a "$(home_of ca)" "$WORK/kept-ca"
must cp -a "$STICK" "$WORK/kept-stick"
point() { # FAULT CALL WHEN
	local desc="$1 at $2 $3" args=() arg was
	rm -rf "$(home_of ca)" "$STICK"
	cp -a "$WORK/kept-ca" "$(home_of ca)"
	cp -a "$WORK/kept-stick" "$STICK"
	command_of ca abandon "$ID" "$STICK" --yes
	for arg in "${ARGV[@]}"; do
		case $arg in
		"$BIN"/*) args+=(strace -qq -o "$WORK/trace" -e "trace=$2"
			-e "inject=$2:$([ "$1" = KILL ] && echo signal=KILL || echo "error=$1"):when=$3") ;;
		esac
		args+=("$arg")
	done
	run timeout -k 5 "$LIMIT" setsid -w "${args[@]}"
	was=$STATUS
	grep -q -e INJECTED -e 'killed by SIGKILL' "$WORK/trace" || { fail "$desc happens"; return; }
	run ca abandon "$ID" "$STICK" --yes
	if [ "$STATUS" = 1 ] && ca ledger verify >"$WORK/verify" 2>&1 &&
		[ "$(ls "$STICK/airgap-ca/responses" | wc -l)" = 2 ] &&
		replugged "$STICK" ca check "$STICK" >"$WORK/check" 2>&1; then
		pass "$desc (status $was), and the same command again"
	else
		fail "$desc (status $was), and the same command again" "$(cat "$WORK/verify" "$WORK/check")"
	fi
}
for when in 1 2 3; do
	point KILL fdatasync $when
	point EIO fdatasync $when
done
point KILL unlink 1
for call in fsync renameat2 mkdirat; do
	point KILL $call 1
	point EIO $call 1
	point ENOSPC $call 1
done

rm -rf "$(home_of ca)" "$STICK"
cp -a "$WORK/kept-ca" "$(home_of ca)"
cp -a "$WORK/kept-stick" "$STICK"
before=$(certificates valid future) voids=$(certificates void)
run ca abandon "$ID" "$STICK" --yes --json
status 1 'closed, and some were refused'
is "$(json responses.0.sequence) $(json delivered) $(json abandoned)" "2 $delivered $abandoned" \
	'as the dry run said'
is "$(json responses.0.issued)" "$((delivered * K))" 'whole series alone'
is "$(json responses.0.refused)" "$((abandoned + 1))" 'the rest refused'
is "$(grep -o '"rule": *"ABANDONED"' "$WORK/out" | wc -l)" "$abandoned" 'as ABANDONED'
is "$(certificates valid future)" "$((6 + delivered * K))" 'what was signed of the others'
is "$((before + voids < $(certificates valid future void) + 1))" 1 'is void'
whole 'closed with an answer'
run transfer install "$STICK"
status 1 'the online side proves and installs it'
says '\[ABANDONED\]' 'and tells what was abandoned'
run transfer request --again --out "$STICK"
status 0 'which it asks for again'
run ca sign "$STICK" --yes --json
status 0 'and gets: nothing stands in the way any more'
is "$(json responses.-1.issued)" "$((abandoned * K))" 'all that was abandoned'
run transfer install "$STICK"
status 0 'and installs'

# ---- closed as lost -------------------------------------------------------------------

must sed -i 's/^scope = .*/scope = example.org/' "$(home_of ca)/policy.conf"
BAD=bad.good.example.org
ask 3 $K
lost=$ID
export SHIM=sign-error SHIM_AFTER=$AFTER
run ca sign "$STICK" --yes
status 5 'another one is not finished'
unset SHIM SHIM_AFTER
must rm "$STICK/airgap-ca/requests/$lost.cose"
ask 1
run ca sign "$STICK" --yes
wants 7 BUNDLE-UNFINISHED 'which stops the next'
says "airgap-ca --home [^ ]+ abandon" 'with the way on'
mv "$WORK/tokens" "$WORK/safe"
freeze
run ca abandon --lost "${lost:0:4}" -n --json
status 0 'a dry run'
unchanged 'changes nothing'
n=$("$PYTHON" -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["certificates"]))' "$WORK/out")
says "stay valid +$n certificates" 'what was signed is counted'
says "$(json certificates.0.serial)" 'and named, since it exists'
run ca abandon --lost "$lost"
status 2 'nobody to ask for Yes: refused'
unchanged 'and nothing was closed'
before=$(certificates valid future)
run on_network ca abandon --lost "${lost:0:8}" --yes
status 0 'closed, without token, PIN or --allow-network'
is "$(certificates valid future)" "$before" 'what was signed stays'
run ca status
unlike "$OUT" unfinished 'nothing is unfinished'
whole 'closed as lost'
run ca abandon --lost "$lost" --yes
wants 7 BUNDLE-CLOSED 'it is closed once'
mv "$WORK/safe" "$WORK/tokens"
run ca sign "$STICK" --yes
status 0 'the next bundle is signed'
must cp "$WORK/home-online/store.db" "$WORK/store.db"
run transfer install "$STICK"
status 0 'and installed'
must "$PYTHON" - "$WORK/store.db" "$lost" "$STICK/airgap-ca/requests/$lost.cose" <<'EOF_PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
(file,), = db.execute("SELECT file FROM bundle WHERE hex(id) = ?", [sys.argv[2].upper()])
open(sys.argv[3], "wb").write(file)
EOF_PY
run ca sign "$STICK" --yes
wants 7 BUNDLE-CLOSED 'a lost bundle that turns up is not signed'
says 'request --again' 'but asked for anew'
run ca abandon "$lost" "$STICK" --yes
wants 7 BUNDLE-CLOSED 'nor closed twice'
rm "$STICK/airgap-ca/requests/$lost.cose"
run transfer request --again --out "$STICK"
status 0 'by its requester, who asks for all of it again'
run ca sign "$STICK" --yes --json
status 0 'and gets it'
is "$(json responses.-1.issued)" $((5 * K)) 'whole'
run transfer install "$STICK"
status 0 'and installs it'
whole 'in the end'
# ---- what the judge refuses for ever ---------------------------------------------------

# By a CA whose reader is taken over (see 81-subverted.t).
. "$TOP/tests/lib/subvert.sh"
STICK=$(stick lies)
for name in honest lied; do
	must csr_openssl $name ec-p256 /CN=$name DNS:$name.good.example.org
done
run transfer request "$WORK/honest.csr" "$WORK/lied.csr" --profile tls-server \
	--series 100x2d+1d --out "$STICK"
status 0 'two series of a hundred, with the names of their CSRs'
export SHIM=sign-error SHIM_AFTER=170
run ca sign "$STICK" --yes
status 5 'the first is signed, the other begun'
unset SHIM SHIM_AFTER
run as check:name ca sign "$STICK" --yes
wants 3 JUDGE 'a reader that lies about the names of a CSR for the rest of it'
like "$(echo $ERR)" 'airgap-ca --home [^ ]+ abandon' 'is stopped with the way out'
run ca sign "$STICK" --yes
wants 3 JUDGE 'an honest one comes to the same end: what is signed is signed'
ID=$(basename "$STICK"/airgap-ca/requests/*.cose .cose)
run ca abandon "$ID" "$STICK" --yes --json
status 1 'abandon leads out'
says '2  lied.*signed, but not what was asked \[CERT-' 'and names what was wrong'
is "$(json delivered) $(json abandoned) $(json responses.0.issued)" '1 1 100' 'what was right is delivered'
run transfer install "$STICK"
status 1 'and passes the requester'
says 'lied: the bundle was closed; what was signed was not what was asked' 'who is told'
run transfer request --again --out "$STICK"
status 0 'asks again'
run ca sign "$STICK" --yes
status 0 'and gets what it asked'
run transfer install "$STICK"
status 0 'at last'
whole 'after the lies'
done_testing
