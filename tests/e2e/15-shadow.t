#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shadow CRLs: made beside each regular one for the day on which a requester's key leaks,
# encrypted, for him alone; and what the CA does when a bundle says that one was published.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"

build_faults
make_ca --scope example.org --profiles tls
must cp "$STICK"/airgap-ca/cards/*.cose "$WORK/card.cose"
enrol_online
ONLINE=$REQUESTER_HEX
enrol_online @other other
OTHER=$REQUESTER_HEX
KEY=$(home_of online)/requester.pem
policy=$(home_of ca)/policy.conf
LEDGER=$(home_of ca)/ledger.db
must sed -i '/^\[ca\]/a crl = 2x7d+1d' "$policy"
printf '[requester online]\nemergency = yes\n' >>"$policy"

sign() { run ca sign "$STICK" --yes --expect "$ONLINE" --expect "$OTHER" --json; }
asked() {
	STICK=$(stick "$1")
	shift
	must transfer "$@" --out "$STICK"
	ASKED=$(ls "$STICK"/airgap-ca/requests/*)
}
there() { echo "$STICK/$(json responses.-1.path)"; }
state() {
	ca list --json | "$PYTHON" -c '
import json, sys
print(*(c["status"] for c in json.load(sys.stdin)["certificates"] if c["serial"] == sys.argv[1]))' "$1"
}
# plain FILE PASSPHRASE -> its DER, by code that shares nothing with ours
plain() {
	"$PYTHON" -c '
import cbor2, hashlib, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
header, _, sealed = cbor2.loads(open(sys.argv[1], "rb").read()).value
p = cbor2.loads(header)
salt, cost, r, par = p[-70001]
key = hashlib.scrypt(sys.argv[2].replace("-", "").encode(), salt=salt, n=1 << cost, r=r, p=par, dklen=32, maxmem=1 << 28)
sys.stdout.buffer.write(AESGCM(key).decrypt(p[5], sealed, cbor2.dumps(["Encrypt0", header, b""])))' "$1" "$2"
}
seconds() { date -u -d "$(openssl crl -inform DER -in "$1" -noout -lastupdate | cut -d= -f2-)" +%s; }

must csr_openssl one ec-p256 /CN=x DNS:one.example.org
must csr_openssl two ec-p256 /CN=x DNS:two.example.org
must csr_openssl three ec-p256 /CN=x DNS:three.example.org
must csr_openssl four ec-p256 /CN=x DNS:four.example.org

run ca emergency nobody
status 2 'a requester that is none has no passphrase'

must ca backup "$WORK/old.db"
asked first request "$WORK/one.csr" --profile tls-server --days 30
sign
status 0 'a certificate is signed for a requester with emergency = yes'
ONE=$(json responses.-1.results.0.serials.0)
DIR=$(there)
must cp "$WORK/out" "$WORK/signed.out"
must cp "$WORK/err" "$WORK/signed.err"
is "$(ls "$DIR" | grep '^crl' | paste -sd' ')" 'crl-1.crl crl-2.shadow crl-3.crl crl-4.shadow' 'each slot has its regular CRL and its shadow'
PASS=$(ca emergency online)
like "$PASS" '^([0-9a-f]{4}-){7}[0-9a-f]{4}$' 'the passphrase is shown again'
is "$(stat -c %a "$(home_of ca)/emergency.conf")" 600 'and lies in the home for its owner alone'
nok 1 'it is in no document and no log of that run' grep -q "$PASS" "$WORK/signed.out" "$WORK/signed.err"
nok 1 'and nowhere on the stick' grep -rq "$PASS" "$STICK"

plain "$DIR/crl-2.shadow" "$PASS" >"$WORK/shadow.der"
ok 'python opens it with the passphrase' openssl crl -inform DER -in "$WORK/shadow.der" -noout
text=$(openssl crl -inform DER -in "$WORK/shadow.der" -noout -text)
is "$(grep -c 'Serial Number' <<<"$text")" 1 'it lists the certificate'
like "$text" "Serial Number: ${ONE^^}" 'by its serial'
like "$text" 'Cessation Of Operation' 'with cessationOfOperation'
nok 1 'the regular one does not' sh -c 'openssl crl -inform DER -in "$1" -noout -text | grep -q "Serial Number"' sh "$DIR/crl-1.crl"
is "$(($(seconds "$WORK/shadow.der") - $(seconds "$DIR/crl-1.crl")))" 1 'it is dated a second after the regular one of its slot'
nok 1 'no other passphrase opens it' plain "$DIR/crl-2.shadow" "0$PASS"
digest=$(sha256sum "$WORK/shadow.der" | cut -d' ' -f1)
transfer inspect --json "$DIR/manifest.cose" >"$WORK/manifest.json"
is "$("$PYTHON" -c '
import json, sys
m = json.load(open(sys.argv[1]))["payload"]
e = [c for c in m["crls"] if c["number"] == 2][0]
print(e["sha256"], e["kind"], e["file"], any(f["file"] == e["file"] for f in m["files"]))' "$WORK/manifest.json")" \
	"$digest shadow crl-2.shadow True" 'its entry has the digest of the DER, and the file is listed as it lies there'

must cp -r "$DIR" "$WORK/again"
must rm -rf "$STICK/airgap-ca/responses"
ok 'resend makes the same bytes again' ca resend "$STICK"
ok 'to the last of them' diff -r "$DIR" "$WORK/again"
must mv "$(home_of ca)/emergency.conf" "$WORK/kept"
must rm -rf "$STICK/airgap-ca/responses"
run ca resend "$STICK"
status 7 'without the passphrase they cannot be made'
says 'has no passphrase for the shadow CRLs' 'which is said'
must mv "$WORK/kept" "$(home_of ca)/emergency.conf"
must ca resend "$STICK"
run transfer install "$STICK"

# ---- another requester sees none ---------------------------------------------------

STICK=$(stick other)
must transfer @other request "$WORK/two.csr" --profile tls-server --days 30 --out "$STICK"
sign
status 0 'another requester is signed for'
TWO=$(json responses.-1.results.0.serials.0)
is "$(ls "$(there)" | grep -c shadow)" 0 'and gets no shadow'
run ca emergency other
status 7 'nor has it a passphrase'
says 'no shadow CRLs were made for it' 'which is said'

STICK=$(stick foreign)
must csr_openssl five ec-p256 /CN=x DNS:five.example.org
must transfer @other request "$WORK/five.csr" --profile tls-server --days 30 --out "$STICK"
ASKED=$(ls "$STICK"/airgap-ca/requests/*)
must cose --key "$(home_of other)/requester.pem" "$ASKED" "$WORK/told.cose" 'p[12] = [2]'
must cp "$WORK/told.cose" "$ASKED"
run ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
status 0 'a bundle that names a shadow of another requester'
says 'published 1 CRL which this CA never made as its shadows, CRL 2: that revokes nothing' \
	'revokes nothing, which is said'
quiet 'To be revoked' 'and nothing is shown as revoked'

# ---- what cannot have been published ------------------------------------------------

# told NUMBERS: the bundle says that these were published, a minute after it was made
kept=
told() {
	kept=${kept:-$ASKED.kept}
	[ -e "$kept" ] || must cp "$ASKED" "$kept"
	must cose --key "$KEY" "$kept" "$WORK/told.cose" "p[12] = [$1]; p[4] += ${2:-60}"
	must cp "$WORK/told.cose" "$ASKED"
}
# recorded DESC: signed by a copy of the CA, none of these certificates is revoked
recorded() {
	must cp -a "$(home_of ca)" "$WORK/home-aside"
	sign
	status 0 "$1: signed"
	is "$(state "$ONE") $(state "$TWO")" 'valid valid' "$1: and recorded as nothing"
	rm -rf "$(home_of ca)" "$STICK/airgap-ca/responses"
	must mv "$WORK/home-aside" "$(home_of ca)"
}
asked third request "$WORK/three.csr" --profile tls-server --days 30
week=$(date -u -d "@$(seconds "$WORK/again/crl-3.crl")" +%Y-%m-%d)
told 4
run ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
status 0 'a bundle that names a shadow of next week'
says "published 1 shadow CRL whose time had not begun, CRL 4, of $week.*: that revokes nothing" 'is told that it cannot be'
quiet 'EMERGENCY|To be revoked' 'it is no emergency'
recorded 'a shadow of next week'
told 2 -60
run ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
says 'published 1 shadow CRL whose time had not begun, CRL 2, of' 'nor can one of after the bundle was made'
told 2,4
run ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
says 'EMERGENCY: it published 1 shadow CRL:' 'beside one that has begun'
says 'published 1 shadow CRL whose time had not begun, CRL 4, of' 'each is told for itself'
told 5,6,77
run ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
says 'published 3 CRLs which this CA never made as its shadows, the first CRL 5: they revoke nothing' 'numbers that nobody has'
recorded 'numbers that nobody has'

told 2
must cp "$policy" "$WORK/policy.kept"
must sed -i 's/^emergency = yes/emergency = no/' "$policy"
run ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
status 0 'the policy wants no shadows of it any more'
says 'published 1 shadow CRL, CRL 2, and the policy has no `emergency = yes` for it: that revokes nothing' 'so what it publishes counts for nothing'
says 'If it did, answer No, put `emergency = yes` under \[requester online\] in policy.conf, and sign again' 'and what to do if it is true'
quiet 'EMERGENCY|To be revoked' 'nothing is shown as revoked'
recorded 'where the policy has no emergency'
must cp "$WORK/policy.kept" "$policy"

# ---- what was published -------------------------------------------------------------

# What clients refuse already the CA records, whatever the requester may revoke by itself.
must sed -i 's/^emergency = yes/&\nrevoke = no/' "$policy"
told 2,3
run ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
status 0 'a bundle tells of a shadow that was published, and of a CRL that is none'
says 'EMERGENCY: it published 1 shadow CRL: its certificates of then are revoked' 'the review says it in capitals'
says 'published 1 CRL which this CA never made as its shadows' 'and what is not so'
is "$(state "$ONE")" valid 'tried, nothing is revoked'
sign
status 0 'signed'
is "$(state "$ONE") $(state "$TWO")" 'revoked valid' 'what the shadow revoked is revoked now, and nothing of another'
is "$(state "$(json responses.-1.results.0.serials.0)")" valid 'the new certificate is not'
like "$(sqlite3 "$LEDGER" "SELECT (SELECT max(n) FROM record WHERE kind = 22) < (SELECT max(n) FROM record WHERE kind = 6)")" '^1$' \
	'it was recorded before anything was signed at that visit'
DIR=$(there)
regular=$(ls "$DIR" | grep '\.crl$' | head -1)
like "$(openssl crl -inform DER -in "$DIR/$regular" -noout -text)" "Serial Number: ${ONE^^}" 'and the new series lists it'
is "$(ca emergency online)" "$PASS" 'the passphrase is the same for good'
ok 'ledger verify takes all of it' ca ledger verify
ok 'the other one too' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"

# ---- brought to recover ----------------------------------------------------------------

# It revokes all that its requester has, for a day that did not come.
must cp "$WORK/shadow.der" "$WORK/shadow.crl"
must cp "$WORK/again/crl-1.crl" "$WORK/regular.crl"
freeze
run ca recover --crl "$WORK/shadow.crl" --yes
refused 3 RECOVER-CRL 'shadow.crl: a shadow CRL, which lists all that its requester has' 'a shadow is not taken for a CRL'
run ca recover --crl "$WORK/regular.crl" -n
status 0 'the regular one of its slot is'
HISTORY=$(stick history)
must transfer history --out "$HISTORY"
mv "$(home_of ca)" "$WORK/dead"
must ca @new restore "$WORK/old.db" --yes --token "$(uri ca)"
freeze "$HISTORY"
run ca @new recover "$HISTORY" --crl "$WORK/shadow.crl" --yes
refused 3 RECOVER-CRL 'shadow.crl: a shadow CRL, which lists all that its requester has' \
	'nor by a ledger that has lost it: the history tells'
run ca @new recover "$HISTORY" --crl "$WORK/regular.crl" --yes
status 0 'the regular one is taken with that history'
freeze "$HISTORY"
run ca @new recover --crl "$WORK/shadow.crl" --yes
refused 3 RECOVER-CRL 'shadow.crl: a shadow CRL' 'nor afterwards, without it'

done_testing
