#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What lies on a stick, and what the ledger says was written: past responses
# again without the token, and the look after the stick was plugged in again.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online
first_hex=$REQUESTER_HEX
run transfer @second enroll "$STICK" --label second --expect "$CA_HEX" --json
status 0 'a second online side'
second_hex=$(json fingerprint)

# Narrower than what the card tells, so that something is refused.
must sed -i 's/^scope = .*/scope = good.example.org/' "$(home_of ca)/policy.conf"

# visit @WHO NAMES...: asks for each name, and signs on a stick of its own
visit() {
	local who=$1 name csrs=()
	shift
	for name; do
		must csr_openssl "$name" ec-p256 "/CN=$name" "DNS:$name"
		csrs+=("$WORK/$name.csr")
	done
	stick=$(stick "visit-$name")
	run transfer "$who" request "${csrs[@]}" --profile tls-server --out "$stick"
	[ "$STATUS" = 0 ] || fail "preparation: $*"
	run ca sign "$stick" --yes --expect "$first_hex" --expect "$second_hex" --json
}

run ca resend "$STICK"
status 7 'before the first response there is none to give again'
says "'airgap-ca --home [^ ]+ sign STICK' makes the first" 'which is said'

visit @online a.good.example.org bad.example.org
status 1 'a response with a refusal'
run ca sign "$stick" --yes
status 1 'the stored response tells its refusal by the status too'
visit @online b.good.example.org
status 0 'a second response, with the first beside it'
last=$stick
visit @second worse.example.org
status 4 'all refused'
run ca sign "$stick" --yes
status 4 'and the same again'

# ---- resend ---------------------------------------------------------------------------

responses() { (cd "$1/airgap-ca/responses" && ls); }
# The token is away, its PIN too, and there is a network.
mv "$WORK/tokens" "$WORK/safe"
mv "$WORK/pin" "$WORK/pin-away"
new=$(stick new)
freeze
run on_network ca resend "$new" --json
status 0 'the last response of each channel, without token, PIN or --allow-network'
unchanged 'with nothing recorded'
is "$(json responses.0.requester) $(json responses.0.sequence)" 'online 1' 'of the first one, what nothing tells the arrival of'
is "$(json responses.1.requester) $(json responses.1.sequence)" 'online 2' 'and its last'
is "$(json responses.2.requester) $(json responses.2.sequence)" 'second 1' 'and of the second'
is "$(json responses.2.refused)" 1 'with what they hold'
is "$(responses "$new" | wc -l)" 3 'no more than those'
path=$(json responses.1.path)
ok 'byte for byte' diff -r "$last/$path" "$new/$path"
run ca resend "$new" --requester online --from 1
status 0 'from the first one on, for one of them'
says 'Response 1 for "online" \(the stored one, byte for byte\): 1 certificate, 1 refused' 'says what it is'
says 'read back +' 'and how far it was read back'
is "$(responses "$new" | grep -c bad)" 0 'what lay there whole stays'
for one in "$last"/airgap-ca/responses/*; do
	ok "${one##*/} is what was written then" diff -r "$one" \
		"$new/airgap-ca/responses/${one##*/}"
done
printf x >>"$new/$path/ca.pem"
run ca resend "$new" --requester online
status 0 'other bytes under its name'
says '000002\.bad-1' 'are moved aside, and that is said'
ok 'and the response is whole' diff -r "$last/$path" "$new/$path"

# A rename alone is nothing on FAT until the renamed inode itself is written.
needs strace strace
command_of ca resend "$(stick synced)"
# A process that is traced cannot be looked through for leaks.
run env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" \
	strace -f -qq -y -o "$WORK/trace" -e trace=renameat2,fsync "${ARGV[@]}"
status 0 'while the kernel is listened to'
sed -nE -e 's/.* renameat2\([^"]*"[^"]*", [^"]*"([^"]*)".*= 0$/rename \1/p' \
	-e 's/.* fsync\([0-9]+<.*\/([^/>]*)>\) += 0$/fsync \1/p' "$WORK/trace" >"$WORK/syncs"
is "$(awk '/^rename/ { n++; want = $2; next }
	want != "" { n -= $2 == want; want = ""; dirs++; next }
	END { print n + 0, (dirs >= 2) }' "$WORK/syncs")" '0 1' \
	'all that was renamed is synced itself, then its directory' # see tests/media

dry=$(stick dry)
run ca resend "$dry" -n
status 0 'a dry run'
says 'would be +airgap-ca/responses/' 'says what would be written'
is "$(ls "$dry")" '' 'and writes nothing'
run ca resend "$dry" --requester nobody
status 7 'a requester that is not there'
says "'airgap-ca --home [^ ]+ requester list'" 'where to look'
run ca resend "$dry" --from 9
status 7 'a response that was never made'
run ca resend "$dry" --from 0
status 2 'no number'
run ca resend "$dry" --from 4294967296
status 2 'too large a number'
run ca resend
status 2 'no medium'
run ca resend "$WORK/nowhere"
status 6 'a medium that is not there'

# A stick that is mounted goes with a command, which works; a directory has none.
quiet 'Before it is pulled' 'beside the home there is nothing to unmount'
mounted="$WORK/a stick's"
mount_small "$mounted" 1m
run ca resend "$mounted"
status 0 'onto a file system of its own'
says "Before it is pulled: umount '.*/a stick'" 'it ends with how to unmount it'
ok 'which does it' sh -c "$(sed -n 's/^Before it is pulled: //p' "$WORK/err")"
nok 32 'and it is unmounted' mountpoint -q "$mounted"

# ---- check ----------------------------------------------------------------------------

pending() { ca status --json >"$WORK/status"; json pending "$WORK/status"; }
is "$(pending)" '[{"requester": "online", "from": 1, "to": 2}, {"requester": "second", "from": 1, "to": 1}]' \
	'all that was written is pending'
freeze
run ca check "$last" --json
status 1 'on the mount that it was written on, check proves nothing'
says '^Not proven: .* is still mounted .* pull it, plug it in again' 'and says what to do'
says 'whole, as far as memory goes' 'though all looks well'
is "$(json same_mount) $(json recorded) $(json responses.0.whole)" 'true 0 true' 'to programs too'
unchanged 'and records nothing'
run replugged "$last" ca check "$last" -n
status 0 'a dry run looks'
is "$(pending | grep -c '"to": 2')" 1 'and records nothing'
must mkdir -p "$last/airgap-ca/responses/aaaaaaaa-bbbbbbbb-000001"
run replugged "$last" on_network ca check "$last" --json
status 0 'the stick holds what the ledger says, without token, PIN or --allow-network'
is "$(json recorded) $(json same_mount)" '2 false' 'two responses are found'
is "$(json foreign)" 1 'the name of another CA is passed over and counted'
is "$(json responses.1.whole) $(json responses.1.sequence)" 'true 2' 'each is told'
says 'whole' 'to people too'
says 'no longer pending: recorded' 'and what that means'
is "$(pending)" '[{"requester": "second", "from": 1, "to": 1}]' 'they are pending no more'
run ca status
prints 'pending: second: responses 1 to 1' 'what was not found still is'
freeze
run replugged "$last" ca check "$last"
status 0 'a second look'
unchanged 'has nothing to record'
run ca ledger
prints 'checked +number 2 of' 'the ledger tells what was found'

# One stick, everything that can be wrong with it. Ours has an empty name.
sick() {
	must rm -rf "$WORK/stick-sick"
	must cp -a "$last" "$WORK/stick-sick"
	(cd "$WORK/stick-sick/$path" && eval "$1") || fail "preparation: $1"
	freeze
	run ca check "$WORK/stick-sick" --json
	refused 3 RESPONSE-DIFFERS '1 of 2 responses is not what the ledger says' "$2"
	says 'airgap-ca --home [^ ]+ resend' 'and the way on is named'
	is "$("$PYTHON" -c 'import json, sys
r = json.load(open(sys.argv[1]))["responses"][1]
print(r["missing"], r["other"], r["extra"], r["whole"])' "$WORK/out")" "$3 False" 'with the file'
}
sick 'rm ca.pem' 'a missing file' "['ca.pem'] [] []"
sick 'printf x >>ca.pem' 'a file that grew' "[] ['ca.pem'] []"
sick 'truncate -s 0 manifest.cose' 'a file without its bytes' "[] ['manifest.cose'] []"
sick 'flip manifest.cose 99' 'one byte' "[] ['manifest.cose'] []"
sick 'touch more.pem' 'a file more' "[] [] ['more.pem']"
sick 'touch "A b"; rm ca.pem' 'a name that no stick may carry' "['ca.pem'] [] ['A b']"
sick 'mv ca.pem ../x; ln -s ../x ca.pem' 'a link' "[] ['ca.pem'] []"
sick 'rm manifest.cose; mkdir manifest.cose' 'a directory' "[] ['manifest.cose'] []"
sick 'cd ..; rm -r "$OLDPWD"; touch "$OLDPWD"' 'a file in its place' "[] [''] []"
run ca resend "$WORK/stick-sick" --requester online
status 0 'resend leads on'
run replugged "$WORK/stick-sick" ca check "$WORK/stick-sick"
status 0 'and then all is well'
is "$(ls -d "$WORK/stick-sick/$path".bad-*)" "$WORK/stick-sick/$path.bad-1" 'but for what is kept for a look'

empty=$(stick empty)
run ca check "$empty"
wants 3 RESPONSE-MISSING 'a stick without a response of ours'
says 'airgap-ca --home [^ ]+ resend' 'is told with the way on'
must mkdir -p "$empty/airgap-ca/responses"
must cp -a "$last/$path" "$empty/${path%-*}-000007"
run ca check "$empty"
wants 7 RESPONSE-UNKNOWN 'a response under a number that was never made'
run ca check "$WORK/nowhere"
status 6 'no such stick'
run ca check
status 2 'none named'

# ---- the way back -----------------------------------------------------------------------

run transfer install "$new"
status 1 'the online side takes what was given again, with its refusal'
mv "$WORK/safe" "$WORK/tokens"
mv "$WORK/pin-away" "$WORK/pin"
visit @online c.good.example.org
status 0 'the next visit'
is "$(pending | grep -o '"online".*')" '"online", "from": 3, "to": 3}, {"requester": "second", "from": 1, "to": 1}]' \
	'only what came after is pending'

last=$stick path=$(json responses.0.path)
dir=${path##*/}
must rm -r "$stick/$path"
must mkdir -p "$stick/airgap-ca/responses/.tmp-$dir/sub"
run ca sign "$stick" --yes
status 0 'a directory planted under the name that a response is made under'
says "they are now +$dir.bad-1|$dir.bad-1" 'is moved aside, and that is said'
run replugged "$stick" ca check "$stick"
status 0 'and the response is whole'
# A stick that says that it has written, and has not (tests/lib/swallow.c).
needs "${CC:-gcc}" gcc
must "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -shared -fPIC -o "$WORK/swallow.so" \
	"$TOP/tests/lib/swallow.c" -ldl
swallowing() { SWALLOW=$1 LD_PRELOAD=$WORK/swallow.so "${@:2}"; }
run swallowing "$(stick fake)" ca resend "$WORK/stick-fake"
status 6 'a stick that keeps other bytes than it is given'
says 'the medium gives back other bytes than were written; do not trust it' 'is found out at once'
run swallowing "$(stick fake)" transfer request "$WORK/c.good.example.org.csr" \
	--profile tls-server --out "$WORK/stick-fake"
status 6 'by the online side too'
run ca resend "$WORK/stick-fake"
status 0 'one that keeps them does'

run ca ledger verify
status 0 'the ledger is whole'
ok 'for other code too' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$(home_of ca)/ledger.db"
done_testing
