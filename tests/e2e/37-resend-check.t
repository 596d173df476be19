#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What lies on a stick, and what the ledger says was written: past responses
# again without the token, and the look after the stick was plugged in again.
. "$(dirname "$0")/lib.sh"

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
says "'airgap-ca sign' makes the first" 'which is said'

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
is "$(json responses.0.requester) $(json responses.0.sequence)" 'online 2' 'of the first'
is "$(json responses.1.requester) $(json responses.1.sequence)" 'second 1' 'and of the second'
is "$(json responses.1.refused)" 1 'with what they hold'
is "$(responses "$new" | wc -l)" 2 'no more than those'
path=$(json responses.0.path)
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

dry=$(stick dry)
run ca resend "$dry" -n
status 0 'a dry run'
says 'would be +airgap-ca/responses/' 'says what would be written'
is "$(ls "$dry")" '' 'and writes nothing'
run ca resend "$dry" --requester nobody
status 7 'a requester that is not there'
says "'airgap-ca requester list'" 'where to look'
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

run transfer install "$new"
status 1 'the online side takes what was given again, with its refusal'
done_testing
