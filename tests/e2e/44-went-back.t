#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The laptop's disk said that it had written, and power went: the ledger lacks its end,
# and only the stick knows. Its own signed response stops it before it makes another one
# of the same number.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online
must csr_openssl a ec-p256 /CN=a.example.org DNS:a.example.org
must csr_openssl b ec-p256 /CN=b.example.org DNS:b.example.org
ask() { must transfer request "$WORK/$1.csr" --profile tls-server --out "$STICK"; }
ask a
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
must rm "$STICK/airgap-ca/requests/"*
ask b
must cp -a "$WORK/home-ca" "$WORK/home-before"
run ca sign "$STICK" --yes --json
status 0 'a second response is signed'
lost=$(json responses.0.path)
must rm -r "$WORK/home-ca"
must cp -a "$WORK/home-before" "$WORK/home-ca"

# ---- what stops --------------------------------------------------------------------------
freeze
run ca sign "$STICK" --yes
refused 7 RESPONSE-AHEAD "$lost: this CA signed it as response 2, and this ledger does not have it" \
	'a ledger that lost its end signs nothing for a stick that knows better'
like "$(tr -s ' \n' ' ' <"$WORK/err")" \
	'airgap-transfer install STICK.*airgap-transfer history --out STICK.*airgap-ca --home [^ ]+ recover STICK' \
	'and the way back is told'
run ca sign -n "$STICK"
refused 7 RESPONSE-AHEAD "$lost" 'nor does a dry run promise it'
bundles=$(stick bundles)
must cp -r "$STICK/airgap-ca" "$bundles"
must rm -r "$bundles/airgap-ca/responses"
run ca sign "$bundles" --out "$STICK" --yes
refused 7 RESPONSE-AHEAD "$lost" 'nor where only the stick that is written to has it'
id=$(basename "$STICK"/airgap-ca/requests/*.cose .cose)
run ca abandon "$id" "$STICK" --yes
refused 7 RESPONSE-AHEAD "$lost" 'nor is anything abandoned'
# Whatever makes a response of the next number stops there, before the PIN.
keys=$(ls "$WORK"/tokens/*/*.object | wc -l)
for command in "crl $STICK --series 2 --every 7d" "renew-ca --out $STICK" "rollover --out $STICK" \
	"transfer-key --key-type ec-p256 --out $STICK"; do
	for how in --yes -n; do
		# shellcheck disable=SC2086 # words
		run ca $command $how
		refused 7 RESPONSE-AHEAD "$lost" "${command%% *} $how: likewise"
	done
done
is "$(ls "$WORK"/tokens/*/*.object | wc -l)" "$keys" 'and no key is made'

# ---- what anybody can write ----------------------------------------------------------------
# A number alone proves nothing; nor does a manifest that was changed, is of another CA, or
# is held under a number that is not its own.
claims=$(stick claims)
first=$(ls -d "$STICK"/airgap-ca/responses/*-000001)
must mkdir -p "$claims/airgap-ca/responses"
must cp -r "$first" "$claims/${lost%2}7"
must mkdir "$claims/${lost%2}8"
must cp -r "$STICK/$lost" "$claims/${lost%2}9"
must "$PYTHON" - "$claims/${lost%2}9/manifest.cose" <<'EOF_PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(-1, 2)
    last = f.read(1)[0]
    f.seek(-1, 2)
    f.write(bytes([last ^ 1]))
EOF_PY
must sh -c "echo garbage >'$claims/${lost%2}8/manifest.cose'"
must ln -s ../.. "$claims/${lost%2}6"
run ca sign -n "$claims"
status 0 'what this CA did not sign, or the ledger has, stops nothing'
must cp -r "$STICK/$lost" "$claims/${lost%2}5"
run ca sign -n "$claims"
wants 7 RESPONSE-AHEAD 'what it did sign does, whatever its name'

# ---- the way back -----------------------------------------------------------------------------
run transfer install "$STICK"
status 0 'the response is good, and its server takes it'
must transfer history --out "$STICK"
run ca recover "$STICK" --yes
status 0 'from there the ledger has it again'
must rm "$STICK/airgap-ca/requests/"*
must csr_openssl c ec-p256 /CN=c.example.org DNS:c.example.org
ask c
run ca sign "$STICK" --yes --json
status 0 'and then it signs on'
is "$(json responses.0.sequence)" 3 'with the next number'
run transfer install "$STICK"
status 0 'which follows what the server has'
is "$(ls "$STICK/airgap-ca/responses" | grep -c bad)" 0 'and nothing was moved aside'

done_testing
