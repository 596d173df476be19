#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bundles that no honest requester makes: each is stopped by name, and leaves
# ledger, home and stick as they were.
. "$(dirname "$0")/../lib/lib.sh"

# fresh FILE: a stick with this bundle alone, in $STICK; frozen.
sticks=0
fresh() {
	sticks=$((sticks + 1))
	STICK=$(stick "b$sticks")
	mkdir -p "$STICK/airgap-ca/requests"
	cp "$1" "$STICK/airgap-ca/requests/" || exit 1
	freeze
}

# bad STATUS RULE REGEX DESC [COSE OPTION...] PYTHON: the good bundle, changed
# and signed again by the requester itself; both the dry run and the run stop.
bad() {
	local status=$1 rule=$2 regex=$3 desc=$4
	shift 4
	must cose --key "$KEY" "${@:1:$#-1}" "$good" "$WORK/bad.cose" "${@: -1}"
	fresh "$WORK/bad.cose"
	run ca sign -n "$STICK"
	refused "$status" "$rule" "$regex" "$desc"
	run ca sign "$STICK" --yes
	refused "$status" "$rule" "$regex" "$desc (to sign it)"
}

make_ca
enrol_online
KEY=$(home_of online)/requester.pem
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
first=$(ls "$STICK"/airgap-ca/requests/*)
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a first bundle is signed'
run transfer install "$STICK"
status 0 'and installed'
HOME_STICK=$(stick good)
must transfer request "$WORK/web.csr" --profile tls-server --out "$HOME_STICK"
good=$(ls "$HOME_STICK"/airgap-ca/requests/*)
must openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/stranger.pem"

fresh "$good"
run ca sign -n "$STICK"
status 0 'the bundle from which the bad ones are made is good'
must cose --key "$KEY" "$good" "$WORK/again.cose"
fresh "$WORK/again.cose"
run ca sign -n "$STICK"
status 0 'and so it is signed again by our tool'

# ---- not ours, not known ------------------------------------------------------------

must cose --key "$KEY" "$good" "$WORK/bad.cose" 'p[3] = bytes(32)'
fresh "$WORK/bad.cose"
run ca sign "$STICK" --yes
status 0 'a bundle for another CA is no mistake'
says 'is for another CA: passed over' 'it is passed over, and that is said'
unchanged 'and nothing changes'
run ca abandon "$STICK/airgap-ca/requests/bad.cose" "$STICK" --yes
refused 4 BUNDLE-CA 'bad.cose: is for another CA' 'nor can it be closed here'

must cose --key "$WORK/stranger.pem" "$good" "$WORK/bad.cose" 'p[13][0] = "stranger"; p[8] = None'
fresh "$WORK/bad.cose"
run ca sign "$STICK" --yes
refused 3 REQUESTER-UNKNOWN 'the requester "stranger" is not known' \
	'--yes enrols nobody'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
refused 3 WORDS 'is not the one that --expect names' \
	'nor does the fingerprint of another'
must cose --key "$WORK/stranger.pem" "$good" "$WORK/bad.cose" 'p[8] = None'
fresh "$WORK/bad.cose"
run ca sign "$STICK" --yes
refused 7 LABEL-TAKEN 'the label "online" belongs to a requester with another key' \
	'a label is not taken over'

cp "$WORK"/stick/airgap-ca/cards/*.cose "$WORK/card.cose"
fresh "$WORK/card.cose"
run ca sign "$STICK" --yes
refused 3 COSE-TYPE '' 'a card where a bundle should be'
cp "$WORK"/stick/airgap-ca/responses/*/manifest.cose "$WORK/manifest.cose"
fresh "$WORK/manifest.cose"
run ca sign "$STICK" --yes
refused 3 COSE-TYPE '' 'a manifest where a bundle should be'

# ---- the signature ----------------------------------------------------------------------

bad 3 COSE-SIGNATURE 'signature' 'a signature of another key, the kid kept' \
	--key "$WORK/stranger.pem" 'own = False'
bad 3 COSE-SIGNATURE 'signature' 'a signature of noughts' 'sig = bytes(64)'
bad 3 'COSE-[A-Z]*' '' 'a signature too short' 'sig = bytes(63)'
bad 3 'COSE-[A-Z]*|CBOR-SCHEMA' '' 'a signature in DER' \
	'sig = bytes.fromhex("3044022050") + bytes(31) + bytes.fromhex("022050") + bytes(31)'
bad 3 BUNDLE-KID 'another key' 'a kid that is not the key' \
	'own = False; h[4] = bytes(32)'
bad 3 COSE-FORM '64 bytes, wanted 96' 'an algorithm of another curve' \
	'head = encode({1: -35, 3: h[3], 4: h[4]})'
bad 3 COSE-ALG '' 'and a signature of that length' \
	'head = encode({1: -35, 3: h[3], 4: h[4]}); sig = bytes(96)'
bad 3 COSE-ALG 'algorithm -65535, wanted ES256' 'an algorithm that is not allowed' \
	'head = encode({1: -65535, 3: h[3], 4: h[4]})'
bad 3 COSE-FORM 'where 33 was wanted' 'a bundle that says that it is a manifest' \
	'h[3] = "application/vnd.airgap-ca.transfer-manifest+cbor"'
bad 3 COSE-TYPE '' 'a bundle of a kind that there is not' 'h[3] = "text/plain"'
bad 3 'COSE-FORM' '' 'no kid' 'own = False; del h[4]'
bad 3 'COSE-FORM' '' 'one header parameter more' 'h[2] = [4]'
bad 3 COSE-FORM 'the unprotected header is not empty' 'something in the unprotected header' \
	'file = lambda b: b.replace(b"\xa0\x59", b"\xa1\x04\x01\x59", 1)'
bad 3 'COSE-FORM' '' 'no tag 18' 'file = lambda b: b[1:]'
bad 3 'COSE-FORM|CBOR' '' 'two tags 18' 'file = lambda b: b"\xd2" + b'

# ---- the encoding -------------------------------------------------------------------------

bad 3 CBOR 'longer than its value needs' 'a head that is not the shortest' \
	'raw = encode(p).replace(b"\x01\x01", b"\x01\x18\x01", 1)'
bad 3 CBOR '' 'keys out of order' \
	'raw = cbor2.dumps(dict(reversed(list(sorted(p.items())))))'
bad 3 CBOR '' 'a key that stands twice' \
	'raw = bytes([encode(p)[0] + 1]) + b"\x01\x01" + encode(p)[1:]'
bad 3 CBOR 'an indefinite length or a break' 'an indefinite length' 'raw = b"\xbf" + encode(p)[1:] + b"\xff"'
bad 3 CBOR ': a float' 'a float' 'p[4] = 1.5'
bad 3 CBOR '' 'a tag inside' 'p[4] = cbor2.CBORTag(1, p[4])'
bad 3 CBOR '' 'a byte after the payload' 'raw = encode(p) + b"\x00"'
bad 3 CBOR '' 'a byte after the file' 'file = lambda b: b + b"\x00"'
bad 3 CBOR '' 'a payload cut short' 'raw = encode(p)[:-1]'
bad 3 CBOR 'deep|nest' 'twenty arrays in each other' '
x = 0
for i in range(20): x = [x]
p[9] = x'
bad 3 CBOR '' 'text that is not UTF-8' \
	'raw = encode(p).replace(b"monline", b"monl\xffne").replace(b"fonline", b"fonl\xffne")'
bad 3 CBOR 'the value undefined' 'undefined' 'p[8] = cbor2.undefined'

# ---- the grammar ---------------------------------------------------------------------------

bad 3 CBOR-SCHEMA 'version' 'another version' 'p[1] = 2'
bad 3 CBOR-SCHEMA '' 'a key that there is not' 'p[14] = 1'
bad 3 CBOR-SCHEMA '' 'a key that is missing' 'del p[5]'
bad 3 CBOR-SCHEMA '' 'sequence nought' 'p[5] = 0'
bad 3 CBOR-SCHEMA '' 'sequence 2^32' 'p[5] = 1 << 32'
bad 3 CBOR-SCHEMA '' 'an id too long' 'p[2] += b"x"'
bad 3 CBOR-SCHEMA '' 'a digest too short' 'p[8][2] = p[8][2][:31]'
bad 3 'CBOR-SCHEMA|FORMAT-TEXT' '' 'a label of 64 characters' 'p[13][0] = "x" * 64'
bad 3 FORMAT-TEXT '' 'a label with an escape sequence' 'p[13][0] = "\x1b[2J"'
quiet $'\x1b\\[2J' 'which does not reach the terminal'
bad 3 FORMAT-TEXT '' 'a request-id that climbs' 'p[9][0][1] = "../x"'
bad 3 CBOR-SCHEMA '' 'a comment of 513 bytes' 'p[9][0][5] = "x" * 513'
bad 3 DUPLICATE-ID '' 'two requests of one id' 'p[9].append(p[9][0])'
bad 3 CBOR-SCHEMA '' 'a CSR of 65537 bytes' 'p[9][0][2] = bytes(65537)'
bad 3 CBOR-SCHEMA '' 'a year beyond 9999' 'p[4] = 253402300800'

# ---- history and clock -------------------------------------------------------------------

id=$(basename "$first" .cose)
bad 7 REPLAY 'with this id and other content' 'an id that was processed, with other content' \
	"p[2] = bytes.fromhex('$id')"
bad 7 REPLAY 'bundle 1 of "online" comes after bundle [0-9]+ was' 'a sequence that was processed, with another id' 'p[5] = 1'
bad 7 SEQUENCE-AHEAD 'bundle 4294967295 of "online"; wanted at most [0-9]+' 'the last number that there is' \
	'p[5] = 2**32 - 1'
bad 7 SEQUENCE-AHEAD 'by this machine.s clock' 'a number more than a day after the clock' \
	'import time; p[5] = int(time.time()) + 86400 + 60'
bad 7 HEAD-AHEAD 'has response 9 of this CA' 'a head that this ledger never made' 'p[8][1] = 9'
bad 7 FORK 'another response 1' 'a head with other bytes' 'p[8][2] = bytes(32)'
bad 7 ROLLBACK '1000 records' 'a ledger head beyond ours' 'p[8][3] = [1000, bytes(32)]'
bad 7 ROLLBACK 'records' 'a ledger head of another history' 'p[8][3][1] = bytes(32)'
bad 4 BUNDLE-EXPIRED 'not to be processed after' 'a bundle that has expired' 'p[7] = p[4] - 1'
bad 7 BUNDLE-CLOCK 'more than a day after' 'a bundle from the day after tomorrow' 'p[4] += 2 * 86400'

fresh "$good"
run at "$(date -u -d '-1 day' '+%F %T')" ca sign "$STICK" --yes
refused 7 CLOCK-BEHIND '' 'a clock before the last signing'
run at "$(date -u -d '+401 days' '+%F %T')" ca sign "$STICK" --yes
refused 7 CLOCK-AHEAD '' 'a clock more than the horizon ahead'
run at "$(date -u -d '+399 days' '+%F %T')" ca sign -n "$STICK"
status 0 'a clock just within it will do'

# ---- damage ------------------------------------------------------------------------------------

# Each byte of the bundle with one bit flipped, and each length of it, as a
# bundle of its own: all on one stick.
damage() {
	"$PYTHON" - "$good" "$STICK/airgap-ca/requests" "$1" <<'PY'
import os, sys
good = open(sys.argv[1], "rb").read()
for i in range(len(good)):
    if sys.argv[3] == "flip":
        bad = bytearray(good)
        bad[i] ^= 1 << (i * 5 % 8)
    else:
        bad = good[:i]
    open(os.path.join(sys.argv[2], "%05d.cose" % i), "wb").write(bad)
print(len(good))
PY
}
stopped() {
	"$PYTHON" -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert not d["responses"], d["responses"]
print(len({s["file"] for s in d["stopped"]}))' "$WORK/out"
}
for how in flip cut; do
	STICK=$(stick "$how")
	must mkdir -p "$STICK/airgap-ca/requests"
	n=$(damage "$how")
	freeze
	run ca sign "$STICK" --yes --json
	status 3 "every byte, $how: stopped"
	is "$(stopped)" "$n" "all $n of them"
	unchanged 'without a trace'
done

# ---- five bytes that promise 2^28 items ------------------------------------------------------

# measured CMD...: run, and the largest process in MiB and the time in $COST
measured() {
	command_of "$@"
	run "$PYTHON" -c '
import resource, subprocess, sys, time
t = time.monotonic()
status = subprocess.call(sys.argv[2:])
t = time.monotonic() - t
kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
with open(sys.argv[1], "w") as f: print(kib // 1024, int(t * 1000), file=f)
sys.exit(status)' "$WORK/cost" "${ARGV[@]}"
	read -r MIB MS <"$WORK/cost"
}
for hex in 9a10000000 ba10000000 5a10000000 bb1000000000000000; do
	"$PYTHON" -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' \
		"$hex" >"$WORK/promise.cose"
	fresh "$WORK/promise.cose"
	measured ca sign -n "$STICK"
	refused 3 'CBOR|COSE-FORM' '' "$hex is refused"
	ok "$hex takes less than 64 MiB ($MIB)" test "$MIB" -lt 64
	ok "$hex takes less than a second ($MS ms)" test "$MS" -lt 1000
	measured transfer inspect "$WORK/promise.cose"
	status 3 "$hex is not inspected either"
	ok "in less than 64 MiB ($MIB)" test "$MIB" -lt 64
done

# ---- one bad bundle does not stop the good one ------------------------------------------------

must cp -r "$(home_of ca)" "$WORK/old-ca"
STICK=$HOME_STICK
must cp "$STICK"/airgap-ca/requests/*.cose "$WORK/good.cose"
must cp "$WORK/promise.cose" "$STICK/airgap-ca/requests/00000000.cose"
run ca sign "$STICK" --yes --json
status 3 'a bad bundle beside a good one gives the status'
is "$(json responses.0.issued)" 1 'and the good one is signed'
run transfer install "$STICK"
status 0 'and installed'
run ca ledger verify
status 0 'the ledger verifies'

# ---- the ledger, restored from before ----------------------------------------------------------

must mv "$(home_of ca)" "$WORK/new-ca"
must cp -r "$WORK/old-ca" "$(home_of ca)"
STICK=$(stick after)
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
freeze
run ca sign "$STICK" --yes
refused 7 HEAD-AHEAD 'restored from an old backup' 'a ledger restored from before the last visit'

# A fork: the restored ledger answers the bundle of then again, and the online
# side has the first answer.
must mkdir -p "$WORK/stick-fork/airgap-ca/requests"
must cp "$WORK/good.cose" "$WORK/stick-fork/airgap-ca/requests/"
run ca sign "$WORK/stick-fork" --yes
status 0 'a ledger cannot know what it forgot'
freeze "$WORK/stick-fork"
run transfer install "$WORK/stick-fork"
refused 7 'FORK' 'response|manifest|number' 'but the online side sees two responses of one number'
freeze
run ca sign "$STICK" --yes
refused 7 FORK 'two ledgers' 'and so does the restored ledger, from the next bundle'
must rm -r "$(home_of ca)"
must mv "$WORK/new-ca" "$(home_of ca)"
run ca sign "$STICK" --yes
status 0 'with the right ledger back, all is well'

done_testing
