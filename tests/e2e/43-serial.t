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

ask --series 2x31d+7d
run repeating ca sign "$STICK" --yes
status 7 'nor may two of one run have one serial'
says 'its serial is in the ledger already' 'which is said'
run ca sign "$STICK" --yes
status 0 'the same command signs these too'
run ca ledger verify
status 0 'and the ledger is whole'

done_testing
