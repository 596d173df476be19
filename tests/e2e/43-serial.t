#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A generator of random numbers that repeats itself (tests/lib/repeat.c): the ledger
# lets no serial stand twice, whatever is drawn.
. "$(dirname "$0")/../lib/lib.sh"
needs "${CC:-gcc}" gcc

must "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -shared -fPIC -o "$WORK/repeat.so" \
	"$TOP/tests/lib/repeat.c" -ldl
make_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
repeating() { LD_PRELOAD=$WORK/repeat.so "$@"; }
ask() { must transfer request "$WORK/web.csr" --profile tls-server "$@" --out "$STICK"; }
SERIAL=41414141414141414141414141414141

ask
run repeating ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a first certificate has whatever serial is drawn'
must transfer install "$STICK"
run ca show $SERIAL
status 0 'here one that will be drawn again'

ask
run repeating ca sign "$STICK" --yes
status 7 'the same serial again ends the run'
says 'its serial is in the ledger already' 'which is said'
is "$(find "$STICK/airgap-ca/responses" -name '*-000002' | wc -l)" 0 'nothing leaves'
is "$(ca list --json | grep -c $SERIAL)" 1 'and there is one certificate with it'
run ca sign "$STICK" --yes
status 0 'the same command signs with a generator that works'
must transfer install "$STICK"

# Sixteen bytes with a top bit would be a negative number, or seventeen.
must transfer request "$WORK/web.csr" --profile tls-server --series 12x31d+7d --out "$STICK"
run ca sign "$STICK" --yes --json
status 0 'twelve serials more'
must transfer install "$STICK"
is "$(ca list --json | "$PYTHON" -c '
import json, sys
print(sum(not 1 <= int(c["serial"], 16) < 1 << 127 for c in json.load(sys.stdin)["certificates"]))')" 0 \
	'each is positive and has 16 bytes at most'
is "$(cat "$STICK"/airgap-ca/responses/*/*.pem | grep -c BEGIN)" \
	"$(cat "$STICK"/airgap-ca/responses/*/*.pem | "$PYTHON" -c '
import sys
from cryptography import x509
end = "-----END CERTIFICATE-----\n"
blocks = sys.stdin.read().split(end)[:-1]
print(sum(x509.load_pem_x509_certificate((b + end).encode()).serial_number > 0 for b in blocks))' 2>/dev/null)" \
	'as other code reads them'

# ---- an id that is drawn twice ---------------------------------------------------------

run transfer @second enroll "$WORK/stick" --label second --expect "$CA_HEX"
status 0 'another host'
drawn=$(stick drawn)
must repeating transfer request "$WORK/web.csr" --profile tls-server --out "$drawn"
FILE=$drawn/airgap-ca/requests/$SERIAL.cose
must cp "$FILE" "$WORK/first.cose"
run repeating transfer @second request "$WORK/web.csr" --profile tls-server --out "$drawn"
status 0 'whose bundle has the name of the first on the stick'
says "$SERIAL.cose.bad-1" 'moves that aside, and says so'
ok 'and nothing is lost' cmp "$WORK/first.cose" "$FILE.bad-1"

ask --series 2x31d+7d
run repeating ca sign "$STICK" --yes
status 7 'nor may two of one run have one serial'
says 'its serial is in the ledger already' 'which is said'
run ca sign "$STICK" --yes
status 0 'the same command signs these too'
run ca ledger verify
status 0 'and the ledger is whole'

done_testing
