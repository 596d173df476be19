#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What lies between a crash and the next run: another bundle, another policy,
# another day, a removed requester; and keys that a killed init left.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"
in_two_days() { date -u -d '2 days' '+%F %T'; }

build_faults
make_ca --scope example.org --profiles tls
enrol_online
must csr_openssl one ec-p256 /CN=one.example.org DNS:one.example.org
must csr_openssl two ec-p256 /CN=two.example.org DNS:two.example.org
SIGN=(ca sign "$STICK" --yes --expect "$REQUESTER_HEX")
INSTALL=(transfer install "$STICK")

# When the token is given a TBS, its intent is on the disk: looked at during the
# signature, in a copy as a crash would leave it, while every sync takes so long that
# what is asked for too early comes too early.
needs strace strace
cat >"$WORK/look.py" <<'EOF_PY'
import os, shutil, sqlite3, sys
import cbor2
home, work = sys.argv[1:]
os.makedirs(work, exist_ok=True)
for name in "ledger.db-journal", "ledger.db":
    if os.path.exists(f"{home}/{name}"):
        shutil.copy(f"{home}/{name}", work)
digests = [cbor2.loads(body)[5].hex() for body, in
           sqlite3.connect(f"{work}/ledger.db").execute("SELECT body FROM record WHERE kind = 6")]
print("on the disk" if os.environ["SHIM_DATA"] in digests else "nowhere")
shutil.rmtree(work)
EOF_PY
must transfer request "$WORK/one.csr" --profile tls-server --out "$STICK"
cp "$WORK/home-ca/token.conf" "$WORK/token.conf"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$WORK/home-ca/token.conf"
slowly() {
	command_of "$@"
	watched '"$PYTHON" "$WORK/look.py" "$WORK/home-ca" "$WORK/look" >>"$WORK/looks"' -- \
		timeout -k 5 "$LIMIT" strace -f -qq -y -o "$WORK/trace" \
		-e trace=fsync,fdatasync,unlink -e inject=fsync,fdatasync:delay_enter=100000 "${ARGV[@]}"
}
run slowly "${SIGN[@]}"
status 0 'a certificate is signed, however long a sync takes'
is "$(head -1 "$WORK/looks")" 'on the disk' 'its intent was on the disk before it was signed'
must cp "$WORK/token.conf" "$WORK/home-ca/token.conf"
must "${INSTALL[@]}"

# ^C in the middle: what became of it is said, and the same command goes on. Whoever runs
# this test in the background of a script has told it to ignore ^C.
must transfer request "$WORK/one.csr" --profile tls-server --series 12x31d+7d --out "$STICK"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$WORK/home-ca/token.conf"
for signal in INT TERM; do
	command_of "${SIGN[@]}"
	SHIM_AFTER=2 run watched "kill -$signal \$(ps -o ppid= \$TOKEN_PID)" -- \
		env --default-signal="$signal" "${ARGV[@]}"
	is "$STATUS" "$((128 + $(kill -l "$signal")))" "SIG$signal ends it"
	says '^Interrupted\. What is signed by now is kept: run the same command again' 'and that is said'
done
must cp "$WORK/token.conf" "$WORK/home-ca/token.conf"
run "${SIGN[@]}"
status 0 'the same command again'
says 'unfinished +an +earlier +run +signed' 'goes on from there'
must "${INSTALL[@]}"

# What was committed outlives a power cut: the journal is synced, then the ledger, then
# the journal is gone, and that is synced too. (A file beside the ledger is last.)
commits() {
	sed -nE 's#.*(fsync|fdatasync)\([0-9]+<[^>]*/ledger\.db-journal>.*#journal#p
		s#.*(fsync|fdatasync)\([0-9]+<[^>]*/ledger\.db>.*#ledger#p
		s#.*(fsync|fdatasync)\([0-9]+<[^>]*/home-ca>.*#directory#p
		s#.*unlink\(".*/ledger\.db-journal"\).*#gone#p' "$WORK/trace"
}
is "$(commits | tr '\n' ' ' | sed -E 's/^((journal )+(directory (journal )*)?(ledger )+gone directory )+(directory )*$/each/')" \
	each 'each commit of the ledger is synced, step by step'
ok 'and there were several' test "$(commits | grep -c gone)" -ge 4

# The bundle is open: another of the same requester waits for it, since who has the
# answer to a later one takes none to an earlier one.
must transfer request "$WORK/one.csr" "$WORK/two.csr" --profile tls-server --out "$STICK"
unfinished=$(ls -t "$STICK/airgap-ca/requests" | head -1)
run killed 0 unlink 3 "${SIGN[@]}"
status 137 'sign is killed with intents and without results'
must stick other
must transfer request --again --out "$WORK/stick-other"
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

# Keys that a killed run left are not passed over.
new_token new
must stick new
INIT=(ca @new init --subject 'CN=New CA' --token "$(uri new)" --scope example.org
	--profiles tls --out "$WORK/stick-new" --yes)
run killed 0 renameat2 1 "${INIT[@]}" --key-type ec-p256
status 137 'init is killed before its ledger is in place'
run "${INIT[@]}"
status 2 'the next one, not told what to do about the keys, refuses'
says '--use-key' 'and says how to go on with them'
run "${INIT[@]}" --key-type ec-p256
status 0 'told to make others, it does'

# An enrolment that was killed is none.
for point in 'creat 2' 'creat 3' 'fdatasync 3' 'renameat2 2'; do
	rm -rf "$WORK/home-fresh"
	ENROLL=(transfer @fresh enroll "$WORK/stick-new" --label fresh --expect)
	run ca @new export "$WORK/stick-new" --json
	ENROLL+=("$(json fingerprint)")
	# shellcheck disable=SC2086 # a call and its number
	run killed 0 $point "${ENROLL[@]}"
	status 137 "enroll is killed at $point"
	run transfer @fresh status
	rule UNENROLLED 'and has pinned nothing'
	run "${ENROLL[@]}"
	status 0 'the same command enrols'
done
done_testing
