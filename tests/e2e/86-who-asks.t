#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who asks is the key, whatever a bundle says of itself. The attacker here is an
# enrolled requester with its true key, who makes bundles of its own, or a stranger
# who lays one beside those of honest hosts.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"

build_faults
make_ca --scope example.org --profiles tls,sub-ca --path-len 1
must sed -i '/^\[profile sub-ca\]/,$ { s/^subject = csr$/subject = CN=%{name}/; s/^names = none$/names = dns/; /^names-from = /d }' \
	"$(home_of ca)/policy.conf"
enrol_online
ONLINE=$REQUESTER_HEX
enrol_online @hq hq
HQ=$REQUESTER_HEX
cat >>"$(home_of ca)/policy.conf" <<'POLICY'
[requester online]
profiles = tls-client
[requester hq]
profiles = sub-ca, tls-server
[requester nobody-yet]
profiles = sub-ca
POLICY
must ca policy check
CARD=$(ls "$STICK"/airgap-ca/cards/*.cose)
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must csr_openssl hq ec-p256 /CN=hq.example.org DNS:hq.example.org
must csr_openssl strange ec-p256 /CN=strange.example.org DNS:strange.example.org
must csr_openssl evil ec-p384 /CN=evil.example.org DNS:evil.example.org

# forge HOME STICK LABEL PROFILE CSR [OPTION]...: a bundle by that home's true key
forge() {
	local home=$1 stick=$2 label=$3 profile=$4 csr=$5
	shift 5
	printf '[{"id":"a","csr":"%s","profile":"%s"}]' "$WORK/$csr.csr" "$profile" |
		"$PYTHON" "$TOP/tests/tools/make_bundle.py" --home "$(home_of "$home")" \
			--card "$CARD" --out "$stick" --label "$label" "$@"
}
sticks=0
fresh() {
	sticks=$((sticks + 1))
	STICK=$(stick "s$sticks")
}
# certificates: how many the ledger has
certificates() {
	run ca list --json
	"$PYTHON" -c 'import json, sys
print(len(json.load(open(sys.argv[1]))["certificates"]))' "$WORK/out"
}

# ==== the label =============================================================================
# Both are enrolled, each with the profiles of its section.
fresh
must transfer request "$WORK/web.csr" --profile tls-client --out "$STICK"
must transfer @hq request "$WORK/hq.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes --expect "$ONLINE" --expect "$HQ" --json
is "$(ca requester list --json 2>/dev/null | tr -d ' \n' | grep -o '"label":"[a-z]*"' | xargs)" \
	'label:hq label:online' 'two requesters, enrolled under their labels'
must transfer install "$STICK"
must transfer @hq install "$STICK"
HEAD=$(find "$STICK/airgap-ca/responses" -path "*-${ONLINE:0:8}-*/manifest.cose")
before=$(certificates)

fresh
must forge online "$STICK" online sub-ca evil --head "$HEAD" --sequence "$(($(date +%s) + 1))"
run ca sign -n "$STICK" --json
is "$(json responses.0.results.0.rule)" PROFILE-DENIED "under its own label it does not get another's profile"

# stolen LABEL DESC: online's key with that label; asked dry, and to sign
stolen() {
	fresh
	must forge online "$STICK" "$1" sub-ca evil --head "$HEAD" --sequence "$(($(date +%s) + 2))"
	freeze
	run ca sign -n "$STICK"
	refused 4 LABEL-OTHER "calls itself \"$1\", but its key is enrolled as \"online\"" "$2"
	quiet 'To be signed|asked by' 'before anything of it is shown'
	run ca sign "$STICK" --yes --expect "$ONLINE" --expect "$HQ"
	refused 4 LABEL-OTHER "enrolled as \"online\"" "$2 (to sign it)"
}
stolen hq "the label of another requester, who may have a CA"
stolen nobody-yet 'a label that the policy has and that nobody bears yet'
stolen onlin 'a label that is nearly its own'
is "$(certificates)" "$before" 'no certificate came of it'

# An honest bundle beside it is signed, under what its own key may.
must transfer @hq request "$WORK/hq.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes --json
status 4 'beside an honest bundle'
is "$(json responses.0.requester) $(json responses.0.issued) $(json stopped.0.rule)" 'hq 1 LABEL-OTHER' \
	'that one is signed, and the other one stopped'
must transfer @hq install "$STICK"

# ---- a key that was removed is who it was ---------------------------------------------------
must ca requester remove online --yes
fresh
must forge online "$STICK" nobody-yet sub-ca evil --head "$HEAD" --sequence "$(($(date +%s) + 3))"
freeze
run ca sign "$STICK" --yes --expect "$ONLINE"
refused 4 LABEL-OTHER 'was enrolled as "online"' \
	'after a removal its fingerprint alone gives it no other label'
dialogue 'Yes to enrol' 'No' -- ca sign "$STICK"
like "$OUT" 'this key was enrolled as "online" until it was removed' 'a person is told who it was'
unchanged 'and nothing is stored'
run ca sign "$STICK" --yes --expect "hq=$ONLINE"
refused 3 WORDS 'is not the one that --expect names' 'another label beside the fingerprint is another requester'
RENAMED=$STICK
fresh
must transfer request "$WORK/web.csr" --profile tls-client --out "$STICK"
run ca sign "$STICK" --yes --expect "$ONLINE" --json
is "$(json responses.-1.requester) $(json responses.-1.issued)" 'online 1' \
	'under its old label it comes back by the fingerprint'
must ca requester remove online --yes
must rm -r "$RENAMED/airgap-ca/requests"
must forge online "$RENAMED" nobody-yet sub-ca evil --head "$HEAD" --sequence "$(($(date +%s) + 9))"
run ca sign "$RENAMED" --yes --expect "nobody-yet=$ONLINE" --json
is "$(json responses.-1.requester) $(json responses.-1.issued)" 'nobody-yet 1' \
	'who gives the new label with the fingerprint has decided it'

# ==== the head ==============================================================================
# invents HOME FILE: its head says that it has response 9 of this CA
invents() {
	must cose --key "$(home_of "$1")/requester.pem" "$2" "$2" \
		'p[8] = {1: 9, 2: bytes(range(32)), 3: [7, bytes(32)]}'
}
# stopped: each file that stopped, by its rule
stopped() {
	"$PYTHON" -c 'import json, sys
print(*[s["rule"] for s in json.load(open(sys.argv[1]))["stopped"]])' "$WORK/out"
}
# signed: whose responses came of the last run, in order
signed() {
	"$PYTHON" -c 'import json, sys
print(*[r["requester"] for r in json.load(open(sys.argv[1]))["responses"]])' "$WORK/out"
}
now() { date +%s; }
asks_hq() { must transfer @hq request "$WORK/hq.csr" --profile tls-server --out "$STICK"; }

STICK=$WORK/stick
enrol_online @stranger stranger
STRANGER=$REQUESTER_HEX
fresh
asks_hq
invents stranger "$(forge stranger "$STICK" stranger tls-server strange --sequence 1)"
run ca sign "$STICK" --yes --json
status 7 "a stranger's invented head"
is "$(signed) / $(stopped)" 'hq / HEAD-CLAIMED' 'stops the stranger, and not the honest bundle beside it'
says 'its key is not enrolled here, so that this proves nothing' 'and is said as a claim'
quiet 'it was restored from an old backup' 'not as an alarm'
must transfer @hq install "$STICK"

fresh
invents stranger "$(forge stranger "$STICK" stranger tls-server strange --sequence 1)"
freeze
run ca sign "$STICK" --yes --expect "$STRANGER"
refused 7 HEAD-CLAIMED 'claims to follow response 9' 'nor is the claim taken from one who is expected'
fresh
must forge stranger "$STICK" stranger tls-server strange --head "$HEAD" --sequence 1
freeze
run ca sign "$STICK" --yes --expect "$STRANGER"
refused 7 HEAD-CLAIMED 'claims to follow response 1' "a head that is another requester's is a claim as well"

# An enrolled key has seen what it says: an older bundle beside it would be signed twice.
fresh
asks_hq
invents hq "$(forge hq "$STICK" hq tls-server hq --sequence "$(($(now) + 60))")"
freeze
run ca sign "$STICK" --yes
refused 7 HEAD-AHEAD 'has response 9 of this CA' "the word of an enrolled key stops all, the older bundle too"

# Who is enrolled amid the run is one from then on: what it says in turn stops the rest.
fresh
must forge stranger "$STICK" stranger tls-client strange --sequence 1
invents stranger "$(forge stranger "$STICK" stranger tls-client strange --sequence 2)"
asks_hq
run ca sign "$STICK" --yes --expect "$STRANGER" --json
status 7 'a head that goes beyond the ledger, met in its turn'
is "$(signed) / $(stopped)" 'stranger / HEAD-AHEAD' 'nothing is signed after it'

# ---- a bundle that could not be read ---------------------------------------------------------
# The earlier one of two, by a disk that fails once: were the later one signed, it would
# be a replay for good.
fresh
asks_hq
FIRST=$(basename "$STICK"/airgap-ca/requests/*)
asks_hq
read_of "$FIRST" ca sign -n "$STICK"
like "$(cat "$WORK/hit")" "/$FIRST\$" 'a reader met EIO in the first bundle'
freeze
run faulty "${POINT[@]}" EIO ca sign "$STICK" --yes
status 6 'a bundle that could not be read is a failure'
says "$FIRST: could not be read, and nothing is signed while its place in the order is not known" 'which is said'
unchanged 'and the later one is not signed before it'
run ca sign "$STICK" --yes --json
status 0 'the next time all is read'
is "$(signed)" 'hq hq' 'and signed in order'
must transfer @hq install "$STICK"

# ==== what another requester takes from a shared stick =======================================
# Of hq's bundle, before anybody has signed it: its id, and then its CSR.
fresh
asks_hq
HQ_BUNDLE=$(ls "$STICK"/airgap-ca/requests/*)
HQ_STICK=$STICK
ID=$(basename "$HQ_BUNDLE" .cose)
fresh
THIEF=$(forge stranger "$STICK" stranger tls-client strange --sequence "$(now)")
must cose --key "$(home_of stranger)/requester.pem" "$THIEF" "$THIEF" "p[2] = bytes.fromhex('$ID')"
run ca sign "$STICK" --yes --json
is "$STATUS $(json responses.-1.requester) $(json responses.-1.issued)" '0 stranger 1' 'a bundle under the id of another requester is its own affair'
run ca sign "$HQ_STICK" --yes --json
is "$STATUS $(signed) $(json responses.0.issued)" '0 hq 1' 'and that requester is no replay for it'
run transfer @hq install "$HQ_STICK"
status 0 'who installs the answer to his own bundle'
run ca sign "$HQ_STICK" --yes --json
is "$STATUS $(signed)" '0 hq' 'and gets it again when he comes again'
run ca sign "$STICK" --yes --json
is "$STATUS $(json responses.-1.requester)" '0 stranger' 'as the other one does'

# A CSR proves that its key was there, not that whoever brings it has the key.
# brings HOME LABEL CSR: a bundle with somebody's CSR in it
brings() {
	fresh
	must forge "$1" "$STICK" "$2" tls-client "$3" --sequence "$(($(now) + ++later))"
}
later=0
brings stranger stranger hq
run ca sign -n "$STICK"
status 4 'a key that another requester has certificates for'
says '\[KEY-USED\] request 1 \(a\): its key is that of' 'is refused'
says 'KEY +is that of certificate [0-9a-f]{32}' 'and the operator is told before Yes'
says '"hq",$' 'whose it is'
run ca sign "$STICK" --yes --json
is "$(json responses.-1.results.0.rule)" KEY-USED 'it stays refused'
like "$(json responses.-1.results.0.reason)" 'which another requester obtained$' 'to another requester'
run transfer inspect "$STICK/$(json responses.-1.path)/manifest.cose"
unlike "$OUT" '"hq"' 'without a word of the other'

# Nor is one outrun whose run was interrupted: nobody has a certificate yet.
must csr_openssl slow ec-p256 /CN=slow.example.org DNS:slow.example.org
fresh
must transfer @hq request "$WORK/slow.csr" --profile tls-server --series 3x30d+7d --out "$STICK"
SLOW=$STICK
cp "$(home_of ca)/token.conf" "$WORK/token.conf"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$(home_of ca)/token.conf"
run env SHIM=sign-error SHIM_AFTER=0 "$BIN/airgap-ca" --home "$(home_of ca)" sign "$STICK" --yes --allow-network
status 5 'a token that signs nothing leaves a bundle begun'
must cp "$WORK/token.conf" "$(home_of ca)/token.conf"
brings stranger stranger slow
run ca sign "$STICK" --yes --json
is "$(json responses.-1.results.0.rule)" KEY-USED 'a key that another requester is about to get a certificate for'
like "$(json responses.-1.results.0.reason)" 'which another requester has asked for$' 'is refused to others'

# Nor is it closed in the other's place, who has taken its id and left a run unfinished too.
must csr_openssl twin ec-p256 /CN=twin.example.org DNS:twin.example.org
fresh
ID=$(basename "$SLOW"/airgap-ca/requests/*.cose .cose)
TWIN=$(forge stranger "$STICK" stranger tls-client twin --sequence "$(($(now) + ++later))")
must cose --key "$(home_of stranger)/requester.pem" "$TWIN" "$TWIN" "p[2] = bytes.fromhex('$ID')"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$(home_of ca)/token.conf"
run env SHIM=sign-error SHIM_AFTER=0 "$BIN/airgap-ca" --home "$(home_of ca)" sign "$STICK" --yes --allow-network
status 5 'a second unfinished bundle with the id of the first'
must cp "$WORK/token.conf" "$(home_of ca)/token.conf"
run ca status
is "$(grep -o "abandon $ID STICK --requester [a-z]*" <<<"$OUT" | sort | xargs)" \
	"abandon $ID STICK --requester hq abandon $ID STICK --requester stranger" 'status says how each is closed'
freeze
run ca abandon --lost "$ID" --yes
refused 7 BUNDLE-UNKNOWN 'say whose with --requester: hq, stranger' 'an id of two closes neither'
run ca abandon --lost "${ID:0:8}" --yes
refused 7 BUNDLE-UNKNOWN 'say whose with --requester: hq, stranger' 'nor does the beginning of one'
run ca abandon "$ID" "$STICK" --yes
refused 7 BUNDLE-UNKNOWN 'say whose with --requester' 'not even with the stick of one'
run ca abandon --lost "$ID" --requester nobody --yes
refused 7 BUNDLE-UNKNOWN 'no unfinished bundle of nobody' 'nor does a requester who has none'
run ca abandon "$ID" "$SLOW" --requester stranger --yes
refused 7 BUNDLE-ABSENT 'does not have bundle' "nor is the one stick taken for the other's"
run ca abandon "$ID" "$STICK" --requester stranger --yes --json
status 1 'with its requester it is closed'
is "$(json abandoned) $(json responses.0.requester)" '1 stranger' 'and that alone'
run ca abandon --lost "$ID" --yes
wants 7 BUNDLE-UNKNOWN 'an id that another has had is not taken for the one that is left'

# One whose id only begins like that of another.
must csr_openssl near ec-p256 /CN=near.example.org DNS:near.example.org
fresh
NEAR=${ID:0:8}$(tr 0-9a-f 1-9a-f0 <<<"${ID:8}")
FILE=$(forge stranger "$STICK" stranger tls-client near --sequence "$(($(now) + ++later))")
must cose --key "$(home_of stranger)/requester.pem" "$FILE" "$FILE" "p[2] = bytes.fromhex('$NEAR')"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$(home_of ca)/token.conf"
run env SHIM=sign-error SHIM_AFTER=0 "$BIN/airgap-ca" --home "$(home_of ca)" sign "$STICK" --yes --allow-network
status 5 'two unfinished bundles whose ids begin alike'
must cp "$WORK/token.conf" "$(home_of ca)/token.conf"
freeze
run ca abandon --lost "${ID:0:8}" --yes
refused 7 BUNDLE-UNKNOWN "${ID:0:8}: more than one unfinished bundle has an id that begins so" 'what they share closes neither'
run ca abandon --lost "${ID:0:8}" --requester stranger -n
status 0 'of one requester there is one'
run ca abandon --lost "${NEAR:0:9}" --yes --json
status 0 'and one digit more says which'
run ca sign "$SLOW" --yes --json
is "$STATUS $(signed) $(json responses.-1.issued)" '0 hq 3' 'and its own run ends as it was begun'

# ==== the number ============================================================================
# A host put back to a snapshot has forgotten what it sent, and counts up all the same.
must cp -a "$(home_of hq)" "$WORK/snapshot"
fresh
asks_hq
must ca sign "$STICK" --yes
must rm -r "$(home_of hq)"
must mv "$WORK/snapshot" "$(home_of hq)"
fresh
must at "$(date -u -d '+1 minute' '+%F %T')" transfer @hq request "$WORK/hq.csr" --profile tls-server \
	--out "$STICK"
run ca sign "$STICK" --yes --json
is "$STATUS $(json responses.-1.requester) $(json responses.-1.issued)" '0 hq 1' \
	'a host that was put back to a snapshot is no replay'

# A clock that was wrong once spoils no number: one year ahead, and then right.
fresh
run at "$(date -u -d '+1 year' '+%F %T')" transfer @hq request "$WORK/hq.csr" --profile tls-server --out "$STICK"
status 0 'a bundle of a host whose clock is a year ahead'
freeze
run ca sign "$STICK" --yes
refused 7 BUNDLE-CLOCK 'more than a day after' 'is refused'
must cose --key "$(home_of hq)/requester.pem" "$(ls "$STICK"/airgap-ca/requests/*)" "$WORK/ahead.cose" \
	'import time; p[4] = int(time.time())'
must cp "$WORK/ahead.cose" "$(ls "$STICK"/airgap-ca/requests/*)"
freeze
run ca sign "$STICK" --yes
refused 7 SEQUENCE-AHEAD 'wanted at most' 'by its number too'
fresh
must transfer @hq request --again --out "$STICK"
run ca sign "$STICK" --yes --json
is "$STATUS $(json responses.-1.requester)" '0 hq' 'when the clock is right again it is signed'

# A key that was removed is as far as it was, and is told before the review and the PIN.
must ca requester remove hq --yes
fresh
must forge hq "$STICK" hq tls-server hq --sequence 1
freeze
run ca sign -n "$STICK"
refused 7 REPLAY 'bundle 1 of "hq" comes after bundle [0-9]+ was processed' 'an old number of a key that was removed'
run ca sign "$STICK" --yes --expect "$HQ"
refused 7 REPLAY 'bundle 1 of "hq" comes after' 'is refused before it is enrolled again'
quiet 'asked by' 'before anything of it is shown'
fresh
asks_hq
run ca sign "$STICK" --yes --expect "$HQ" --json
is "$STATUS $(json responses.-1.requester) $(json responses.-1.issued)" '0 hq 1' 'and its next one is signed'

ok 'the ledger is whole' ca ledger verify
done_testing
