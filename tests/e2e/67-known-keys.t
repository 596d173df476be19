#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a CA that lies, or whoever got at its keys, cannot make the online side
# believe: every signature here is good, and what is signed cannot be true.
. "$(dirname "$0")/../lib/lib.sh"

make_known_ca
CARD=$(ls "$STICK"/airgap-ca/cards/*.cose)
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org

# ---- a card whose transfer certificate is another kind of certificate --------------

# certificate NAME EXTENSION...: $WORK/NAME.pem, issued by the CA key for NAME.key
certificate() {
	local name=$1
	shift
	printf '%s\n' authorityKeyIdentifier=keyid "$@" >"$WORK/$name.ext"
	openssl_key ec-p256 >"$WORK/$name.key"
	must openssl req -new -key "$WORK/$name.key" -subj '/CN=Test CA transfer' -out "$WORK/$name.csr"
	must openssl x509 -req -in "$WORK/$name.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca-key.key" \
		-days 30 -extfile "$WORK/$name.ext" -out "$WORK/$name.pem"
}
# offered NAME: a stick with the card, signed by that key and certificate
offered() {
	rm -rf "$WORK/stick-$1"
	must mkdir -p "$(stick "$1")/airgap-ca/cards"
	must cose --key "$WORK/$1.key" --cert "$WORK/$1.pem" "$CARD" \
		"$WORK/stick-$1/airgap-ca/cards/$(basename "$CARD")" \
		'import time; own = False; p[4] = int(time.time())'
	freeze "$WORK/stick-$1"
	run transfer enroll "$WORK/stick-$1" --label online --expect "$CA_HEX"
}
"$PYTHON" -c 'import cbor2, sys
sys.stdout.buffer.write(cbor2.loads(cbor2.load(open(sys.argv[1], "rb")).value[2])[3][0])' \
	"$CARD" >"$WORK/ca.der"
must openssl x509 -inform DER -in "$WORK/ca.der" -out "$WORK/ca.pem"
USAGE=keyUsage=critical,digitalSignature
EKU=2.25.19590968114015642689692489763836022666
wrong='its extended key usage is not critical and exactly id-kp-airgapTransfer'

certificate subscriber $USAGE extendedKeyUsage=serverAuth
offered subscriber
refused 3 TRANSFER-CERT "$wrong" "a card that a server's certificate of the CA signed"
certificate both $USAGE extendedKeyUsage=critical,$EKU,serverAuth
offered both
refused 3 TRANSFER-CERT "$wrong" 'one of a certificate for that and something else'
certificate loose $USAGE extendedKeyUsage=$EKU
offered loose
refused 3 TRANSFER-CERT "$wrong" 'one of a certificate whose purpose may be passed over'
certificate none $USAGE
offered none
refused 3 TRANSFER-CERT "$wrong" 'one of a certificate without a purpose'
certificate usage keyUsage=critical,digitalSignature,keyEncipherment \
	extendedKeyUsage=critical,$EKU
offered usage
refused 3 TRANSFER-CERT 'its key usage is not critical and exactly' \
	'one whose key may do more than sign'
certificate true $USAGE extendedKeyUsage=critical,$EKU
offered true
status 0 'the certificate that is none of these is taken'
must rm -r "$(home_of online)"

# ---- responses ------------------------------------------------------------------------

enrol_online
one=$(stick one)
must transfer request "$WORK/web.csr" --profile tls-server --out "$one"
run ca sign "$one" --yes --json --expect "$REQUESTER_HEX"
status 0 'a first response'
FIRST=$one/$(json responses.0.path)

# give RESPONSE: a stick with it, in $STICK; $R is it
sticks=0
give() {
	sticks=$((sticks + 1))
	STICK=$(stick "r$sticks")
	R=$STICK/airgap-ca/responses/$(basename "$1")
	must mkdir -p "$STICK/airgap-ca/responses"
	must cp -r "$1" "$R"
}
# forged PYTHON: its manifest, changed and signed by the transfer key
forged() { must cose --key "$WORK/transfer-key.key" "$R/manifest.cose" "$R/manifest.cose" "$1"; }
# no STATUS RULE REGEX DESC: neither verified nor installed
no() {
	freeze
	run transfer verify "$STICK"
	refused "$@"
	run transfer install "$STICK"
	refused "$1" "$2" "$3" "$4 (to install it)"
}

give "$FIRST"
forged 'p[13] = bytes(32)'
no 3 POLICY-DIGEST 'its policy.conf is not the policy that its manifest names' \
	'a policy.conf that is not the one of the manifest'
give "$FIRST"
forged 'pass'
run transfer verify "$STICK"
status 0 'signed once more the response is as good as before'
must transfer install "$one"

two=$(stick two)
must transfer request "$WORK/web.csr" --profile tls-server --out "$two"
run ca sign "$two" --yes --json
status 0 'a second response'
SECOND=$two/$(json responses.0.path)
is "$(find "$SECOND" -name policy.conf)" '' 'which brings no policy.conf'
# of_manifest DIRECTORY EXPRESSION: of its payload p, as Python
of_manifest() {
	"$PYTHON" -c 'import cbor2, sys
p = cbor2.loads(cbor2.load(open(sys.argv[1] + "/manifest.cose", "rb")).value[2])
print(repr(eval(sys.argv[2])))' "$1" "$2"
}

give "$SECOND"
forged 'p[13] = bytes(32)'
no 3 POLICY-DIGEST 'made under another policy than this side has' \
	'a policy that this side does not have'
give "$SECOND"
forged "p[12] = $(of_manifest "$FIRST" 'p[12]')"
no 7 LEDGER-COUNT 'ledger had [0-9]+ records, and now [0-9]+' 'a ledger that did not grow'
give "$SECOND"
forged "p[12] = [$(of_manifest "$FIRST" 'p[12][0]') - 1, p[12][1]]"
no 7 LEDGER-COUNT 'ledger had' 'a ledger that shrank'

# A certificate in every way as asked, but for its serial: that of the first.
give "$SECOND"
again=$("$PYTHON" - "$FIRST" "$R" "$WORK/ca-key.key" <<'EOF_PY'
import base64, hashlib, sys
import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

def manifest(folder):
    with open(folder + "/manifest.cose", "rb") as f:
        return cbor2.loads(cbor2.load(f).value[2])

def head(tag, n):
    return bytes([tag, n]) if n < 128 else bytes([tag, 0x82]) + n.to_bytes(2, "big")

first, second, key = sys.argv[1:]
old = manifest(first)[8][0][3][0][1]
entry = manifest(second)[8][0][3][0]
with open(f"{second}/{entry[3]}") as f:
    pem = f.read()
lines = pem.splitlines()
begin, end = lines.index("-----BEGIN CERTIFICATE-----"), lines.index("-----END CERTIFICATE-----")
der = base64.b64decode("".join(lines[begin + 1:end]))
tbs = der[4:4 + 4 + int.from_bytes(der[6:8], "big")]
assert tbs.count(entry[1]) == 1
algorithm = der[4 + len(tbs):][:2 + der[4 + len(tbs) + 1]]
tbs = tbs.replace(entry[1], old)
with open(key, "rb") as f:
    signed = serialization.load_pem_private_key(f.read(), None).sign(tbs, ec.ECDSA(hashes.SHA256()))
body = tbs + algorithm + head(3, len(signed) + 1) + b"\0" + signed
der = head(0x30, len(body)) + body
text = base64.b64encode(der).decode()
pem = "\n".join(lines[:begin + 1] + [text[i:i + 64] for i in range(0, len(text), 64)] + lines[end:]) + "\n"
with open(f"{second}/{entry[3]}", "w") as f:
    f.write(pem)
print("c = p[8][0][3][0]; c[1] = %r; c[2] = %r" % (old, hashlib.sha256(der).digest()))
print("for f in p[11]:\n if f[1] == %r: f[2] = %d; f[3] = %r"
      % (entry[3], len(pem), hashlib.sha256(pem.encode()).digest()))
EOF_PY
)
forged "$again"
must cp -r "$(home_of online)" "$(home_of forgetful)"
no 3 CERT-SERIAL 'has a serial that was used before' 'a serial that stands in another certificate'
# Nothing else is wrong with it: who has lost the first certificate takes it.
must sqlite3 "$(home_of forgetful)/store.db" 'PRAGMA foreign_keys=OFF; DELETE FROM certificate'
run transfer @forgetful install "$STICK"
status 0 'a host that has never seen that serial cannot know'

give "$SECOND"
run transfer install "$STICK"
status 0 'after all this the second response is installed'

done_testing
