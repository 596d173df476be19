#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a CA that lies, or whoever got at its keys, cannot make the online side
# believe: every signature here is good, and what is signed cannot be true.
. "$(dirname "$0")/../lib/lib.sh"

make_known_ca --scope example.org --profiles tls,sub-ca
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
	must openssl x509 -req -in "$WORK/$name.csr" -CA "$WORK/${issuer:-ca}.pem" \
		-CAkey "$WORK/${issuer:-ca-key}.key" \
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
EKU=$TRANSFER_EKU
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
certificate ca-too $USAGE extendedKeyUsage=critical,$EKU basicConstraints=critical,CA:TRUE
offered ca-too
refused 3 TRANSFER-CERT "a CA's certificate" "one of a CA"
certificate unknown $USAGE extendedKeyUsage=critical,$EKU 1.2.3.4=critical,DER:0500
offered unknown
refused 3 TRANSFER-CERT 'an unknown critical extension' 'one with something critical that nobody here knows'
openssl_key ec-p256 >"$WORK/other-ca.key"
must openssl req -x509 -new -key "$WORK/other-ca.key" -days 30 -subj '/CN=Test CA' \
	-addext $USAGE,keyCertSign,cRLSign -out "$WORK/other-ca.pem"
issuer=other-ca certificate foreign $USAGE extendedKeyUsage=critical,$EKU
offered foreign
refused 3 TRANSFER-CERT 'not issued by the CA that is pinned' 'one that another CA of that name issued'
certificate true $USAGE extendedKeyUsage=critical,$EKU
must cp "$WORK/true.key" "$WORK/no-key.key"
must "$PYTHON" -c 'import sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
cert = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
tbs = bytearray(cert.tbs_certificate_bytes)
tbs[tbs.index(bytes.fromhex("03420004")) + 5] ^= 1
key = serialization.load_pem_private_key(open(sys.argv[2], "rb").read(), None)
def tlv(tag, body):
    return bytes([tag]) + (bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")) + body
der = tlv(0x30, bytes(tbs) + bytes.fromhex("300a06082a8648ce3d040302")
          + tlv(3, b"\0" + key.sign(bytes(tbs), ec.ECDSA(hashes.SHA256()))))
open(sys.argv[3], "wb").write(der)' "$WORK/true.pem" "$WORK/ca-key.key" "$WORK/no-key.der"
must openssl x509 -inform DER -in "$WORK/no-key.der" -out "$WORK/no-key.pem"
offered no-key
refused 3 TRANSFER-CERT 'none with a usable key' 'one whose key is no point of its curve'
offered true
status 0 'the certificate that is none of these is taken'

# Another CA's card, as good as that of its own.
must openssl req -x509 -new -key "$WORK/other-ca.key" -days 30 -subj '/CN=Other CA' \
	-addext keyUsage=critical,keyCertSign,cRLSign -addext subjectKeyIdentifier=hash \
	-addext basicConstraints=critical,CA:TRUE -out "$WORK/other-ca.pem"
must openssl x509 -in "$WORK/other-ca.pem" -outform DER -out "$WORK/other-ca.der"
issuer=other-ca certificate other $USAGE extendedKeyUsage=critical,$EKU
OTHER_HEX=$(sha256sum "$WORK/other-ca.der" | cut -c1-64)
must mkdir -p "$(stick other)/airgap-ca/cards"
must cose --key "$WORK/other.key" --cert "$WORK/other.pem" "$CARD" \
	"$WORK/stick-other/airgap-ca/cards/${OTHER_HEX:0:8}.cose" "
import time; own = False; p[4] = int(time.time())
der = open('$WORK/other-ca.der', 'rb').read(); p[2] = hashlib.sha256(der).digest(); p[3] = [der]"
freeze "$WORK/stick-other"
run transfer enroll "$WORK/stick-other" --label online --replace --expect "$OTHER_HEX"
status 7 'a card of another CA, for a home that has one'
says 'home-online: this host is enrolled with another CA there; to have both, give another --home$' 'and the way'
quiet remedy 'which is the only one'
unchanged 'and nothing changes'
run transfer @elsewhere enroll "$WORK/stick-other" --label online --expect "$OTHER_HEX"
status 0 'which another home takes'
must cp "$CARD" "$WORK/stick-other/airgap-ca/cards"
freeze "$WORK/stick-other"
run transfer @third enroll "$WORK/stick-other" --label online --expect "${CA_HEX//[0-7]/8}"
refused 3 WORDS 'no card with that fingerprint' 'two cards, and neither the expected one'
run transfer @third enroll "$WORK/stick-other" --label online --expect "$CA_HEX"
status 0 'of two cards the expected one is taken'
must rm -r "$(home_of online)"

# ---- a card with a CA certificate that airgap-ca does not make ---------------------------

# ca_certificate NAME TYPE SUBJECT ADDEXT...: $WORK/NAME.der, by its own key
ca_certificate() {
	local name=$1 exts=() ext
	for ext in "${@:4}"; do exts+=(-addext "$ext"); done
	openssl_key "$2" >"$WORK/$name.key" 2>/dev/null
	printf '%s\n' '[req]' 'distinguished_name = d' '[d]' >"$WORK/req.conf"
	must openssl req -config "$WORK/req.conf" -x509 -new -key "$WORK/$name.key" -days 30 \
		-subj "$3" "${exts[@]}" -outform DER -out "$WORK/$name.der"
}
# carded NAME PYTHON: a stick with the card, in which that is the CA's certificate
carded() {
	rm -rf "$WORK/stick-$1"
	must mkdir -p "$(stick "$1")/airgap-ca/cards"
	must cose --key "$WORK/transfer-key.key" "$CARD" \
		"$WORK/stick-$1/airgap-ca/cards/$(basename "$CARD")" "
der = open('$WORK/$1.der', 'rb').read()
p[2] = hashlib.sha256(der).digest(); p[3] = [der]; ${2:-pass}"
	freeze "$WORK/stick-$1"
	run transfer enroll "$WORK/stick-$1" --label online --expect "$CA_HEX"
}
SIGNS=keyUsage=critical,keyCertSign,cRLSign
IS_CA=basicConstraints=critical,CA:TRUE
SKI=subjectKeyIdentifier=hash
no_ca() {
	local name=$1 regex=$2 desc=$3
	shift 3
	ca_certificate "$name" "$@"
	carded "$name"
	refused 3 CA-CERT "$regex" "$desc"
}
no_ca no-ca 'no basicConstraints with cA TRUE' 'no CA at all' \
	ec-p256 /CN=x $SIGNS $SKI basicConstraints=critical,CA:FALSE
no_ca no-usage 'its keyUsage has no keyCertSign' 'a key that may not sign certificates' \
	ec-p256 /CN=x $IS_CA $SKI keyUsage=critical,digitalSignature
no_ca no-name 'an empty subject' 'a CA without a name' ec-p256 / $IS_CA $SIGNS $SKI
no_ca small 'an RSA key of 1024 bits, not 2048 to 4096' 'a small key' rsa-1024 /CN=x $IS_CA $SIGNS $SKI
no_ca other-curve 'its key is not RSA, P-256 or P-384' 'another curve' ec-p521 /CN=x $IS_CA $SIGNS $SKI
no_ca broken 'a broken extension' 'an extension that is no extension' \
	ec-p256 /CN=x 2.5.29.19=critical,DER:0101 $SIGNS $SKI
ca_certificate good ec-p256 '/CN=Test CA' $IS_CA $SIGNS $SKI
must cp "$WORK/good.der" "$WORK/forged.der"
carded forged 'b = bytearray(der); b[-1] ^= 1; p[3] = [bytes(b)]; p[2] = hashlib.sha256(bytes(b)).digest()'
refused 3 CA-CERT 'its signature is not of its own key' 'a signature that somebody else made'
must cp "$WORK/good.der" "$WORK/no-point.der"
carded no-point 'b = bytearray(der); b[b.index(bytes.fromhex("03420004")) + 5] ^= 1
p[3] = [bytes(b)]; p[2] = hashlib.sha256(bytes(b)).digest()'
refused 3 CA-CERT 'unusable key' 'a key that is no point of its curve'
printf '\x30\x44\x04\x42%066d' 0 >"$WORK/nothing.der"
carded nothing
refused 3 CA-CERT 'not one certificate' 'something else in DER'
head -c 100 /dev/zero >"$WORK/noughts.der"
carded noughts
refused 3 CA-CERT 'not strict DER' 'something that is not DER'
# OpenSSL 3.5 makes none of an older version, so the octet is changed.
must cp "$WORK/good.der" "$WORK/v2.der"
carded v2 'der = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020101"))
p[3] = [der]; p[2] = hashlib.sha256(der).digest()'
refused 3 CA-CERT 'not X.509 v3' 'a certificate of version 2'
must cp "$WORK/ca.der" "$WORK/chain.der"
carded chain "p[3].append(open('$WORK/good.der', 'rb').read())"
refused 3 CA-CERT 'its certificate 2 did not issue the one before' 'an issuer that did not issue it'

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
lying() {
	must "$PYTHON" "$TOP/tests/tools/make_response.py" "$WORK/ca-key.key" \
		"$WORK/transfer-key.key" "$R" "$1"
}
give "$SECOND"
lying "swap(entry[1], $(of_manifest "$FIRST" 'p[8][0][3][0][1]')); entry[1] = $(of_manifest "$FIRST" 'p[8][0][3][0][1]')"
must cp -r "$(home_of online)" "$(home_of forgetful)"
no 3 CERT-SERIAL 'has a serial that was used before' 'a serial that stands in another certificate'
# Nothing else is wrong with it: who has lost the first certificate takes it.
must sqlite3 "$(home_of forgetful)/store.db" 'PRAGMA foreign_keys=OFF; DELETE FROM certificate'
run transfer @forgetful install "$STICK"
status 0 'a host that has never seen that serial cannot know'

# lie STATUS RULE REGEX DESC PYTHON: the second response with that changed
lie() {
	give "$SECOND"
	lying "$5"
	no "$1" "$2" "$3" "$4"
}
lie 3 CERT-SERIAL 'another serial than stated' 'a serial that is not the stated one' \
	'swap(entry[1], entry[1][:-1] + bytes([entry[1][-1] ^ 1]))'
lie 3 CERT-KEY 'another key than its request has' "somebody else's key" \
	'swap(tbs[tbs.index(bytes.fromhex("3059301306")):][:91], spki(new_key()))'
lie 3 CERT-NAMES 'its subjectAltName is not as' "somebody else's name" \
	'swap(b"web.example.org", b"wab.example.org")'
lie 3 CERT-ISSUER 'its issuer is not the CA' 'the name of another CA' 'swap(b"Test CA", b"Best CA")'
lie 4 CERT-DATES 'other dates than stated' 'a day more than stated' \
	'at = tbs.index(b"\x17\x0d", tbs.index(b"\x17\x0d") + 1) + 2; old = tbs[at:at + 13]
swap(old, old[:7] + bytes([old[7] ^ 1]) + old[8:])'
lie 4 CERT-DATES '' 'dates that were not asked for' 'entry[4] -= 86400'
lie 4 CERT-DATES '' 'a validity that was not asked for' 'entry[5] += 86400'
lie 3 CERT-PROFILE 'extension 2\.5\.29\.37' 'another purpose than that of the profile' \
	'swap(bytes.fromhex("2b06010505070301"), bytes.fromhex("2b06010505070302"))'
lie 3 CERT-PROFILE 'extension 2\.5\.29\.15' 'a key usage that the profile does not have' \
	'at = tbs.index(bytes.fromhex("551d0f")); old = tbs[at:at + 14]; swap(old, old.replace(b"\x07\x80", b"\x05\xa0"))'
lie 3 CERT-FORM 'bytes behind its extensions' 'something behind its extensions that is none' 'behind(b"\5\0")'
lie 3 CERT-SIGNATURE 'its signature is not of the CA' 'a signature by another key' \
	'key = new_key(); signed = True'
lie 3 CERT-SIGNATURE 'not signed with the algorithm' 'an algorithm that is not the one of the key' \
	'ec384 = bytes.fromhex("300a06082a8648ce3d040303"); tbs = tbs.replace(algorithm, ec384); algorithm = ec384'
lie 3 CERT-FORM 'two signature algorithms differ' 'two algorithms in one certificate' \
	'algorithm = bytes.fromhex("300a06082a8648ce3d040303")'
lie 3 CERT-DIGEST '' 'another digest than that of the certificate' \
	'last = [lambda: entry.__setitem__(2, bytes(32))]'
lie 3 CERT-ISSUER 'a key that is not pinned' 'a CA key that there is not' 'entry[6] = bytes(32)'
lie 3 CSR-DIGEST '' 'a result for another CSR' 'p[8][0][2] = bytes(32)'
lie 3 MANIFEST-RESULTS '' 'a result for another request' 'p[8][0][1] = "other"'
lie 3 MANIFEST-RESULTS '' 'two results for one request' \
	'p[8].append({1: "other", 2: bytes(32), 4: "KEY-TYPE", 5: "no"})'
lie 3 MANIFEST-RESULTS '' 'no result' 'p[8] = []'
lie 3 MANIFEST-BUNDLE 'with other content' 'the answer to other content' 'p[5][2] = bytes(32)'
lie 3 MANIFEST-BUNDLE 'has its answer' 'the answer to a bundle that has one' \
	"p[5] = $(of_manifest "$FIRST" 'p[5]')"
lie 3 'CBOR-SCHEMA|MANIFEST-[A-Z]*' '' 'an answer to nothing' 'p[5] = None'
lie 3 'MANIFEST-FILES|CBOR-SCHEMA|DUPLICATE-ID' '' 'a file that is listed twice' 'p[11].append(p[11][0])'
lie 3 MANIFEST-FILES 'should lie in zz\.pem' 'a certificate in a file that no entry lists' 'entry[3] = "zz.pem"'
lie 3 MANIFEST-FILES 'should lie in ca\.pem' 'a certificate in a file that is listed and has it not' \
	'entry[3] = "ca.pem"'
lie 3 MANIFEST-FILES '' 'a file that is not there' 'p[11].append({1: "zz.pem", 2: 1, 3: bytes(32)})'

# A host that shows what it has got: another manifest of that number.
give "$SECOND"
forged 'p[6] -= 1'
run ca ledger verify --head "$R/manifest.cose"
wants 7 FORK 'a manifest of this CA that its ledger has otherwise'
says 'the ledger has another manifest number 2' 'by its number'
run ca ledger verify --head "$SECOND/manifest.cose"
status 0 'the ledger knows the true one'

# What only the transfer key may announce, and only so.
must openssl req -config "$WORK/req.conf" -x509 -new -key "$WORK/ca-key.key" -days 9 -subj '/CN=Test CA' \
	-addext $IS_CA -addext $SIGNS -addext $SKI -outform DER -out "$WORK/renewed.der"
ca_certificate stranger ec-p256 '/CN=Another CA' $IS_CA $SIGNS $SKI
# announced KIND NAME...
announced() {
	printf 'p[6] = int(__import__("time").time()); p[15] = [{1: %s, 2: [%s]}]' "$1" \
		"$(for name in "${@:2}"; do printf "open('%s', 'rb').read()," "$WORK/$name.der"; done)"
}
lie 3 CA-CERT 'pinned already' 'a CA that is pinned already' "$(announced 1 ca)"
lie 3 CA-CERT 'no authorityKeyIdentifier' 'a CA of another name, and nothing over it' "$(announced 3 stranger good)"
must openssl req -config "$WORK/req.conf" -x509 -new -key "$WORK/ca-key.key" -days 9 -subj '/CN=Test CB' \
	-addext $IS_CA -addext $SIGNS -addext $SKI -outform DER -out "$WORK/renamed.der"
lie 3 CA-CERT 'another subject than the CA of this key that is pinned' 'the same key under another name' \
	"$(announced 1 renamed)"
lie 3 TRUST-CHANGE 'a renewed CA certificate has another key' 'a renewal with another key' "$(announced 1 good)"

BOUNDS='nameConstraints=critical,permitted;DNS:example.org,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0'
# over NAME KEY CERT [SUBJECT] [EXTENSION...]: a certificate over good.key, by that key
over() {
	must openssl req -config "$WORK/req.conf" -new -key "$WORK/good.key" -subj "${4:-/CN=Test CA}" \
		-out "$WORK/over.csr"
	printf '%s\n' $IS_CA $SIGNS $SKI authorityKeyIdentifier=keyid:always ${MARK-$SUCCESSION=DER:0500} >"$WORK/over.ext"
	must openssl x509 -req -in "$WORK/over.csr" -CA "$WORK/$3.pem" -CAkey "$WORK/$2.key" \
		-days 30 -extfile "$WORK/over.ext" -outform DER -out "$WORK/$1.der"
}
over vouched ca-key ca
over by-stranger other-ca other-ca
over other-name ca-key ca '/CN=Test CB'
must openssl x509 -inform DER -in "$WORK/good.der" -out "$WORK/good.pem"
over by-itself good good
MARK= over below ca-key ca
MARK=$SUCCESSION=DER:0101FF over mismarked ca-key ca
not_pinned='over the new CA key is not signed by a CA key that is pinned'
for kind in 2 3; do
	lie 3 TRUST-CHANGE 'comes with one certificate over it by a CA key that is pinned' \
		"who has the transfer key alone brings no CA key (kind $kind)" "$(announced $kind good)"
done
lie 3 TRUST-CHANGE 'is over another key or name' 'nor a CA of another name than what is over it' \
	"$(announced 3 stranger vouched)"
lie 3 TRUST-CHANGE "$not_pinned" 'nor with a certificate that the new key made itself' "$(announced 2 good by-itself)"
lie 3 TRUST-CHANGE "$not_pinned" 'nor with one by another CA of that name' "$(announced 2 good by-stranger)"
lie 3 CA-CERT 'no authorityKeyIdentifier' 'nor with the new one twice' "$(announced 2 good good)"
lie 3 TRUST-CHANGE 'is over another key or name' 'nor with one of the CA over another name' "$(announced 2 good other-name)"
lie 3 'CA-CERT|TRUST-CHANGE' '' "nor with the CA's own certificate" "$(announced 2 good ca)"
lie 3 TRUST-CHANGE 'a renewed CA certificate has another key' 'a renewal is none of another key, vouched for or not' \
	"$(announced 1 good)"
lie 3 TRUST-CHANGE 'no other CA key that is pinned has signed' 'nor with a third one that the new key made of itself' \
	"$(announced 2 good vouched by-itself)"
lie 3 TRUST-CHANGE 'no other CA key that is pinned has signed' 'or that a stranger made' \
	"$(announced 2 good vouched by-stranger)"
lie 3 TRUST-CHANGE 'and this with 3' 'nor with more' "$(announced 2 good vouched vouched vouched)"
for kind in 2 3; do
	lie 3 TRUST-CHANGE 'bound to other names than the pinned one' \
		"a new CA does not come with bounds of its own (kind $kind)" "$(announced $kind good vouched)"
done
must openssl req -config "$WORK/req.conf" -x509 -new -key "$WORK/good.key" -days 30 -subj '/CN=Test CA' \
	-addext $IS_CA -addext $SIGNS -addext $SKI -addext "$BOUNDS" -outform DER -out "$WORK/bound.der"
# A CA below has a certificate by the CA's key over its own, too, and may have the
# transfer key: it is told by the mark that it lacks, within the bounds as well.
for kind in 2 3; do
	lie 3 TRUST-CHANGE "has no mark of the CA's own next keys" \
		"a CA below does not come into the CA's place, bound as it is (kind $kind)" \
		"$(announced $kind bound below)"
	lie 3 TRUST-CHANGE "has no mark of the CA's own next keys" "nor behind a true one (kind $kind)" \
		"$(announced $kind bound vouched below)"
done
lie 3 CA-CERT 'mark .* is malformed' 'nor with something else for a mark' "$(announced 2 bound mismarked)"
is "$(grep -c BEGIN "$(home_of online)/ca.pem")" 1 'nothing of it is pinned'
give "$SECOND"
lying "$(announced 2 bound vouched)"
must cp -r "$(home_of online)" "$(home_of rolled)"
run transfer @rolled install "$STICK"
status 0 'a new CA key that the pinned one signed is taken'
says "CA's keys or certificates have changed" 'which is said'
is "$(grep -c BEGIN "$(home_of rolled)/ca.pem")" 2 'and pinned beside it'
lie 3 TRUST-CHANGE 'a new CA key is one that is pinned already' 'a new key that is not new' \
	"$(announced 2 renewed vouched)"
lie 3 TRUST-CHANGE 'a change with 2 certificates, not one' 'two changes in one' "$(announced 1 renewed good)"
lie 3 TRANSFER-CERT '' 'a next transfer certificate that is none' "$(announced 0 good)"

lie 3 'MANIFEST-FILES|CBOR-SCHEMA' '' 'a revocation list, which nobody here takes' \
	'p[10] = [{1: 1, 2: p[6], 3: p[6] + 1, 4: bytes(32), 5: "zz.crl", 6: 0, 7: entry[6], 8: 0}]'

# What `history` makes anew years later is what the response says, and no more.
give "$SECOND"
forged 'p[11].reverse()'
no 3 MANIFEST-FILES 'does not come in that place, or with those bytes' \
	'files that are listed in another order'
give "$SECOND"
pem=$(ls "$R"/0*.pem)
{ echo 'a word before it'; cat "$pem"; } >"$WORK/word.pem"
must cp "$WORK/word.pem" "$pem"
forged "f = p[11][0]; f[2] = $(stat -c %s "$pem"); f[3] = bytes.fromhex('$(sha256sum "$pem" | cut -c1-64)')"
no 3 CERT-FORM 'not PEM of a CERTIFICATE' 'a file with more in it than its certificate'

give "$SECOND"
run transfer install "$STICK"
status 0 'after all this the second response is installed'

# ---- answers to bundles that nobody knows --------------------------------------------------

# A host that was put back to an older copy takes them. Whoever has the transfer key can make
# any true certificate come in that way, and its number is theirs to choose.
# fork NAME: a host and a CA of their own from here on, and a stick for the two
fork() {
	FORK=$1
	must cp -r "$(home_of online)" "$(home_of "$FORK")"
	must cp -r "$(home_of ca)" "$(home_of "$FORK-ca")"
	STICK=$(stick "$FORK")
}
asked() { # NAME: with a new key; $ID of the bundle, $RESPONSE
	must rm -rf "$STICK/airgap-ca/requests"
	must transfer @$FORK request --profile tls-server --new-key ec-p256 --name "dns:$1" --out "$STICK"
	ID=$(basename "$STICK"/airgap-ca/requests/*.cose .cose)
	run ca @$FORK-ca sign "$STICK" --yes --json
	[ "$STATUS" = 0 ] || fail "preparation: sign"
	RESPONSE=$(ls -d "$STICK"/airgap-ca/responses/* | tail -1)
}
# swapped FIRST SECOND: the two change numbers; the second, FIRST, answers what nobody asked
swapped() {
	local first=$1 second=$2 number previous digest
	number=$(of_manifest "$first" 'p[3]')
	previous=$(of_manifest "$first" 'p[4]')
	must mv "$first" "$WORK/late"
	must mv "$second" "$first"
	must cose --key "$WORK/transfer-key.key" "$first/manifest.cose" "$first/manifest.cose" \
		"p[3] = $number; p[4] = $previous"
	digest=$(sha256sum "$first/manifest.cose" | cut -c1-64)
	must mv "$WORK/late" "$second"
	must cose --key "$WORK/transfer-key.key" "$second/manifest.cose" "$second/manifest.cose" \
		"p[3] = $number + 1; p[4] = bytes.fromhex('$digest')
p[5] = {1: bytes([$number % 256]) * 16, 2: bytes(32)}
p[6] += 100; p[12][0] += 100"
}
# state_of_cert SERIAL: what list says of it
state_of_cert() {
	run transfer @$FORK list --json
	"$PYTHON" -c 'import json, sys
for c in json.load(open(sys.argv[1]))["certificates"]:
    if c["serial"].lower() == sys.argv[2]: print(c["status"], c["unused"] or "-")' "$WORK/out" "$1"
}
serial_of() { # RESPONSE
	of_manifest "$1" 'p[8][0][3][0][1].hex()' | tr -d "'"
}
must mkdir "$WORK/served"
deployed_is() { # NAME SERIAL DESC
	must transfer @$FORK deploy "$1" --format pemfile --to "$WORK/served/$1.pem"
	is "$(openssl x509 -in "$WORK/served/$1.pem" -noout -serial | sed 's/.*=//' | tr A-F a-f)" "$2" "$3"
}

fork withdrawn
asked w.example.org
old=$RESPONSE old_serial=$(serial_of "$RESPONSE")
must transfer @$FORK withdraw "$ID"
must sleep 1
asked w.example.org
new_serial=$(serial_of "$RESPONSE")
swapped "$old" "$RESPONSE"
run transfer @$FORK install "$STICK"
status 0 'an answer to a bundle that nobody knows is taken'
says 'not asked for by this store' 'as that'
says 'w.example.org: that bundle was withdrawn: its certificates are kept and not used' \
	'but a key that was withdrawn stays so'
is "$(state_of_cert "$old_serial")" 'unused withdrawn' 'and is not used'
deployed_is w.example.org "$new_serial" 'nor deployed in place of the newer one'

fork replaced
asked r.example.org
old=$RESPONSE old_serial=$(serial_of "$RESPONSE")
must sleep 1
asked r.example.org
new_serial=$(serial_of "$RESPONSE")
swapped "$old" "$RESPONSE"
run transfer @$FORK install "$STICK"
status 0 'the same of a key that was replaced'
is "$(state_of_cert "$old_serial")" 'replaced -' 'which stays replaced, though its answer came last'
deployed_is r.example.org "$new_serial" 'by the newer one'

# ---- a CA below with the transfer key ------------------------------------------------------

# As `ca sign` makes its certificate, though its CSR asks for the mark; and its own root says
# what that says, byte for byte.
fork team
must openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/team.key"
must openssl req -config "$WORK/req.conf" -new -key "$WORK/team.key" -subj '/CN=Team CA' \
	-addext basicConstraints=critical,CA:TRUE -addext $SUCCESSION=DER:0500 -out "$WORK/team.csr"
must mkdir "$WORK/stick-below"
must cp "$WORK/team.csr" "$WORK/stick-below/"
run ca @team-ca sign "$WORK/stick-below" --loose --profile sub-ca --yes
status 0 'a CA below has its certificate'
must openssl x509 -in "$(find "$WORK/stick-below" -path '*/responses/*' -name '*.pem' ! -name 'ca.pem' | head -1)" \
	-outform DER -out "$WORK/team-below.der"
text=$(openssl x509 -inform DER -in "$WORK/team-below.der" -noout -text)
like "$text" 'CA:TRUE' 'as a CA'
unlike "$text" "$SUCCESSION" 'and not the mark that it asked for'
must openssl req -config "$WORK/req.conf" -x509 -new -key "$WORK/team.key" -days 30 -subj '/CN=Team CA' \
	-addext $IS_CA -addext $SIGNS -addext "$BOUNDS" \
	-addext "subjectKeyIdentifier=$(sed -n '/Subject Key Identifier/{n;s/ //g;p}' <<<"$text")" \
	-outform DER -out "$WORK/team.der"
must cp "$(home_of team)/ca.pem" "$WORK/pinned.pem"
asked team.example.org
R=$RESPONSE
must cp -r "$R" "$WORK/team-response"
for kind in 2 3; do
	rm -rf "$R"
	must cp -r "$WORK/team-response" "$R"
	forged "$(announced $kind team team-below)"
	run transfer @team install "$STICK"
	wants 3 TRUST-CHANGE "it does not come into the CA's place with the transfer key (kind $kind)"
	says "has no mark of the CA's own next keys" 'for want of the mark'
	ok 'nothing is pinned' cmp "$(home_of team)/ca.pem" "$WORK/pinned.pem"
	run transfer @team list --json
	unlike "$OUT" 'team\.example\.org.*valid' 'and nothing is installed'
done
rm -rf "$R"
must cp -r "$WORK/team-response" "$R"
run transfer @team install "$STICK"
status 0 'the response as the CA made it is installed'

# ---- an old transfer key and its cards ---------------------------------------------------

STICK=$(stick next)
run ca transfer-key --key-type ec-p256 --out "$STICK" --yes
status 0 'the CA gets another transfer key'
must transfer install "$STICK"
# ahead SECONDS: a card that the old key makes, so far from now
ahead() {
	must cose --key "$WORK/transfer-key.key" "$CARD" "$WORK/ahead.cose" \
		"import time; own = False; p[4] = int(time.time()) + $1"
	freeze "$WORK/ahead.cose"
	run transfer enroll "$WORK/ahead.cose" --replace --expect "$CA_HEX"
}
ahead 3600
refused 7 CARD-OLD 'of a transfer key from' 'a card that the replaced key dates ahead is as old as that key'
ahead 172800
refused 7 CA-DATES 'made at .*, and it is .* by this host' 'and none is taken from the day after tomorrow'
must cp "$STICK"/airgap-ca/cards/*.cose "$WORK/ahead.cose"
run transfer enroll "$WORK/ahead.cose" --replace --expect "$CA_HEX"
status 0 "the CA's own card of today is taken"

done_testing
