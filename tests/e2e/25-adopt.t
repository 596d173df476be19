#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A CA that openssl ca or easy-rsa made is taken over, by docs/adoption.md: the same
# certificate goes on, and a client that has only that one believes what comes of it.
. "$(dirname "$0")/../lib/lib.sh"
. "$(dirname "$0")/../lib/remedies.sh"

needs certtool gnutls-bin
needs /usr/share/easy-rsa/easyrsa easy-rsa

# ---- openssl ca ------------------------------------------------------------------------

OLD=$WORK/old
must mkdir -p "$OLD/newcerts"
# The extensions of openssl's own openssl.cnf: no keyUsage in the root, and the AKI names it.
cat >"$OLD/ca.cnf" <<-'CNF'
	[ca]
	default_ca = CA_default
	[CA_default]
	dir = .
	database = index.txt
	new_certs_dir = newcerts
	serial = serial
	crlnumber = crlnumber
	default_md = sha256
	default_days = 365
	default_crl_days = 30
	unique_subject = no
	policy = policy_any
	x509_extensions = usr_cert
	[policy_any]
	commonName = supplied
	[usr_cert]
	basicConstraints = CA:FALSE
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid,issuer
	[v3_ca]
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid:always,issuer
	basicConstraints = critical,CA:true
	[req]
	distinguished_name = dn
	[dn]
CNF
: >"$OLD/index.txt"
echo 01 >"$OLD/serial"
echo 1F >"$OLD/crlnumber"
openssl_key rsa-2048 >"$OLD/ca.key" 2>/dev/null
# A subject with two kinds of strings, as it is never written here.
must openssl req -x509 -new -config "$OLD/ca.cnf" -extensions v3_ca -key "$OLD/ca.key" -sha512 \
	-subj '/C=SE/O=Old/CN=Old CA' -nameopt utf8 -days 3000 -out "$OLD/ca.pem"
old_ca() { (cd "$OLD" && openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key "$@") >"$WORK/log" 2>&1; }
openssl_key ec-p256 >"$OLD/leaf.key" 2>/dev/null
for i in {1..100}; do
	must openssl req -new -config "$OLD/ca.cnf" -key "$OLD/leaf.key" -subj "/CN=host$i.example.org" -out "$OLD/leaf.csr"
	must old_ca -in leaf.csr -out "leaf$i.pem"
done
must old_ca -revoke leaf2.pem -crl_compromise 20260101000000Z
must old_ca -revoke leaf3.pem -crl_reason superseded
is "$(wc -l <"$OLD/index.txt")" 100 'openssl ca made a hundred certificates'

new_token ca
must openssl pkcs8 -topk8 -nocrypt -in "$OLD/ca.key" -out "$OLD/ca.p8"
must softhsm2-util --import "$OLD/ca.p8" --token ca --label old-ca --id 01 --pin "$PIN"
FILES=(--index "$OLD/index.txt" --certs "$OLD/newcerts" --crlnumber "$OLD/crlnumber")
ADOPT=(--adopt "$OLD/ca.pem" --use-key pkcs11:object=old-ca --token "$(uri ca)" --scope example.org)

# ---- what is refused -------------------------------------------------------------------

# usage DESC REGEX ARG...
usage() {
	local desc=$1 regex=$2
	shift 2
	run ca init --yes "$@"
	is "$STATUS" 2 "$desc: refused"
	says "$regex" "$desc: the reason is said"
}
usage 'an index of nothing' 'of a CA that is adopted' --subject CN=x --token "$(uri ca)" --index "$OLD/index.txt"
usage 'no key' 'adopt wants --use-key' --adopt "$OLD/ca.pem" --token "$(uri ca)"
for option in --subject=CN=x --days=9 --serial=9 --path-len=1 --constraints=none --scope-email=example.org --key-type=ec-p256; do
	usage "$option" "${option%%=*} is for a new CA" "${ADOPT[@]}" "$option"
done
usage '--constrain-srv' 'constrain-srv is for a new CA' "${ADOPT[@]}" --constrain-srv
usage 'a CRL number that is none' 'wanted a number up to' "${ADOPT[@]}" --crlnumber 99999999999999999999
echo "not a number" >"$WORK/number"
usage 'a file that is no CRL number' 'wanted hexadecimal digits' "${ADOPT[@]}" --crlnumber "$WORK/number"

freeze "$OLD"
keys=$(find "$WORK/tokens" -name '*.object' | wc -l)
# no_ca DESC REGEX FILE: a certificate that cannot be adopted
no_ca() {
	run ca init --adopt "$3" --use-key pkcs11:object=old-ca --token "$(uri ca)" --yes
	refused 3 ADOPT-CERT "$2" "$1"
}
# root NAME KEY OPTION...: $WORK/NAME.pem, which signed itself
root() {
	local name=$1 key=$2
	shift 2
	openssl_key "$key" >"$WORK/$name.key" 2>/dev/null
	must openssl req -x509 -new -config "$OLD/ca.cnf" -key "$WORK/$name.key" -subj "/CN=$name" \
		-out "$WORK/$name.pem" "$@"
}
root small rsa-1024 -extensions v3_ca
no_ca 'a key of 1024 bits' 'an RSA key of 1024 bits' "$WORK/small.pem"
root curve ec-p521 -extensions v3_ca
no_ca 'a curve that no CA here has' 'not RSA, P-256 or P-384' "$WORK/curve.pem"
root leaf ec-p256 -extensions usr_cert
no_ca 'what is no CA' 'no basicConstraints with cA TRUE' "$WORK/leaf.pem"
root eku ec-p256 -extensions v3_ca -addext extendedKeyUsage=serverAuth
no_ca 'a CA for servers only' 'an extKeyUsage' "$WORK/eku.pem"
root ended ec-p256 -extensions v3_ca -days 1
run at "$(date -u -d '+3 days' '+%Y-%m-%d %H:%M:%S')" ca init --adopt "$WORK/ended.pem" --use-key pkcs11:object=old-ca --token "$(uri ca)" --yes
refused 3 ADOPT-CERT 'its validity ended' 'a CA that has ended'
must openssl req -new -config "$OLD/ca.cnf" -key "$WORK/eku.key" -subj '/CN=Sub' -out "$WORK/sub.csr"
must openssl x509 -req -in "$WORK/sub.csr" -CA "$OLD/ca.pem" -CAkey "$OLD/ca.key" -days 9 \
	-extfile <(printf '%s\n' basicConstraints=critical,CA:TRUE subjectKeyIdentifier=hash authorityKeyIdentifier=keyid) \
	-out "$WORK/sub.pem" 2>"$WORK/log"
no_ca 'a CA that another one issued' 'only a root can be adopted' "$WORK/sub.pem"
no_ca 'a key' 'no certificate is in it' "$OLD/ca.key"
cat "$OLD/ca.pem" "$WORK/curve.pem" >"$WORK/two.pem"
no_ca 'two certificates' 'more than one certificate' "$WORK/two.pem"
head -3 "$OLD/ca.pem" >"$WORK/half.pem"
no_ca 'half a certificate' 'cut short' "$WORK/half.pem"
root other rsa-2048 -extensions v3_ca
run ca init --adopt "$WORK/other.pem" --use-key pkcs11:object=old-ca --token "$(uri ca)" --yes
refused 5 ADOPT-KEY 'it is not the key of .*other.pem' 'another key than the certificate has'

# past DESC REGEX FILE: beside those of newcerts
past() {
	rm -rf "$WORK/certs"
	must cp -r "$OLD/newcerts" "$WORK/certs"
	must cp "$3" "$WORK/certs/x.pem"
	run ca init "${ADOPT[@]}" --index "$OLD/index.txt" --certs "$WORK/certs" --yes
	refused 3 ADOPT-PAST "x.pem: $2" "$1"
}
past 'a certificate of another CA' 'not a certificate that this CA has issued' "$WORK/other.pem"
past 'what is no certificate' 'no certificate is in it' "$OLD/ca.cnf"
# signed SERIAL OUT: by the old key, whatever an openssl ca would say to that
signed() {
	must openssl x509 -req -in "$OLD/leaf.csr" -CA "$OLD/ca.pem" -CAkey "$OLD/ca.key" -set_serial "$1" -days 9 -out "$2" 2>"$WORK/log"
}
signed 5 "$WORK/fifth.pem"
past 'two certificates of one serial' 'another certificate with the serial of' "$WORK/fifth.pem"
signed 0x$(printf '7f%.0s' {1..20}) "$WORK/twenty.pem"
signed 0x$(printf '7f%.0s' {1..21}) "$WORK/twenty-one.pem"
signed -300 "$WORK/negative.pem"
signed "0x$(openssl x509 -in "$OLD/ca.pem" -noout -serial | cut -d= -f2)" "$WORK/own.pem"
past 'a serial of 21 octets' 'its serial is negative, or has more than 20 octets' "$WORK/twenty-one.pem"
past 'a negative serial' 'its serial is negative, or has more than 20 octets' "$WORK/negative.pem"
past 'the serial of the CA itself' "it has the serial of the CA's own certificate, and is another one" "$WORK/own.pem"
must openssl asn1parse -genstr UTF8:x -out "$WORK/text.der" -noout
{ echo -----BEGIN CERTIFICATE-----; base64 "$WORK/text.der"; echo -----END CERTIFICATE-----; } >"$WORK/text.pem"
past 'DER of something else' 'not one certificate' "$WORK/text.pem"
# The month 13, and signed again.
must "$PYTHON" - "$WORK/twenty.pem" "$OLD/ca.key" "$WORK/month.pem" <<'EOF_PY'
import base64, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
cert = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
key = serialization.load_pem_private_key(open(sys.argv[2], "rb").read(), None)
tbs, der = cert.tbs_certificate_bytes, cert.public_bytes(serialization.Encoding.DER)
ends = cert.not_valid_after.strftime("%y%m%d%H%M%SZ").encode()
assert tbs.count(ends) == 1
bad = tbs.replace(ends, ends[:2] + b"13" + ends[4:])
der = der.replace(tbs, bad)[:-len(cert.signature)] + key.sign(bad, padding.PKCS1v15(), hashes.SHA256())
open(sys.argv[3], "wb").write(b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n")
EOF_PY
past 'a date that is none' 'a broken date' "$WORK/month.pem"
rm -rf "$WORK/certs"
must mkdir "$WORK/certs"
must cp "$WORK/twenty.pem" "$WORK/certs"
run ca init "${ADOPT[@]}" --index "$OLD/index.txt" --certs "$WORK/certs" -n
status 0 'a certificate with a serial of 20 octets, beside those of the index'
says 'known +101 certificates' 'is one of them'

rm -rf "$WORK/certs"
must mkdir "$WORK/certs"
must cp "$WORK/fifth.pem" "$WORK/certs/x.pem"
run ca init "${ADOPT[@]}" --index "$OLD/index.txt" --certs "$WORK/certs" --yes
refused 3 ADOPT-PAST 'line 5 of .*has its serial with' "an index that contradicts the certificate"
is "$(find "$WORK/tokens" -name '*.object' | wc -l)" "$keys" 'of all this no key was made'
ok 'and no CA' test ! -e "$(home_of ca)/ledger.db"

# ---- taken over --------------------------------------------------------------------------

run ca init "${ADOPT[@]}" "${FILES[@]}" -n
status 0 'a dry run shows what would be taken over'
says 'A CA that other software made' 'as what it is'
says 'subject +C=SE, O=Old, CN=Old CA' 'under its name'
says 'known +100 certificates, 2 of them revoked, 0 expired' 'with what it did'
says 'CRLs +numbered from 31' 'and where its CRLs go on'
says 'Its key was outside of a token' 'and what that means'
dialogue 'Take over this CA\? Type Yes: ' yes -- ca init "${ADOPT[@]}" "${FILES[@]}"
status 4 'yes is not Yes'
run ca init "${ADOPT[@]}" "${FILES[@]}" --out "$STICK" --yes --json
status 0 'it is taken over'
leads ADOPT-CERT 'with a CA that can be adopted'
leads ADOPT-KEY 'with the key of the certificate'
leads ADOPT-PAST 'with the certificates of this CA alone'
CA_HEX=$(json fingerprint)
is "$CA_HEX" "$(openssl x509 -in "$OLD/ca.pem" -outform DER | sha256sum | cut -c1-64)" \
	'its words are of the very certificate'
run ca ledger verify
status 0 'the ledger is whole'
prints 'adopted +100' 'and has a hundred certificates'
ok 'as Python finds too' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$(home_of ca)/ledger.db"
run ca list
is "$(grep -c ' valid ' <<<"$OUT") $(grep -c ' revoked ' <<<"$OUT")" '98 2' 'list has all of them'
run ca show 02 --json
is "$(json revoked.reason) $(json revoked.since)" 'keyCompromise 2026-01-01T00:00:00Z' 'with why it was revoked, and since when'
run ca show 02 --pem
is "$(openssl x509 -outform DER <<<"$OUT" | sha256sum)" "$(openssl x509 -in "$OLD/leaf2.pem" -outform DER | sha256sum)" \
	'and the certificate itself'
run ca revoke 04 --reason superseded --yes
status 0 'an old certificate is revoked'
run ca show 04
prints 'status +revoked' 'and is so'
ok 'also by the file that it lies in' ca revoke "$OLD/leaf7.pem" --reason superseded --yes
run ca revoke 02 --reason superseded --yes
run ca show 02 --json
is "$(json revoked.reason)" keyCompromise 'what was revoked before stays as it was'

enrol_online
csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
one=$(stick one)
must transfer request "$WORK/web.csr" --profile tls-server --out "$one"
run ca sign "$one" --yes --expect "$REQUESTER_HEX"
status 0 'it signs'
run transfer install "$one"
status 0 'and the online side takes it'
NEW=$(find "$(home_of online)" -name '*.pem' | xargs grep -l CERTIFICATE | head -1)
for f in $(find "$(home_of online)" -name '*.pem'); do
	openssl x509 -in "$f" -noout -subject 2>/dev/null | grep -q web && NEW=$f
done
must openssl x509 -in "$NEW" -out "$WORK/new.pem"
# AKI, issuer: of the certificate that every client has
is "$(openssl x509 -in "$WORK/new.pem" -noout -ext authorityKeyIdentifier | tail -1 | tr -d ' ')" \
	"$(openssl x509 -in "$OLD/ca.pem" -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' ')" \
	'the new certificate names the key as the old root does'
ok 'OpenSSL verifies it with the old root alone' openssl verify -CAfile "$OLD/ca.pem" "$WORK/new.pem"
ok 'and the name' openssl verify -verify_hostname web.example.org -CAfile "$OLD/ca.pem" "$WORK/new.pem"
ok 'GnuTLS does too' certtool --verify --load-ca-certificate "$OLD/ca.pem" --infile "$WORK/new.pem"
ok 'old certificates verify as before' openssl verify -CAfile "$OLD/ca.pem" "$OLD/leaf1.pem"
new_serial=$(openssl x509 -in "$WORK/new.pem" -noout -serial | cut -d= -f2)
nok 1 'its serial is none of the old ones' grep -qi "	$new_serial	" "$OLD/index.txt"

must mkdir -p "$WORK/stick-crl"
run ca crl "$WORK/stick-crl" --series 2 --every 7d --overlap 3d --yes
status 0 'it makes CRLs'
CRL=$(find "$WORK/stick-crl" -name '*.crl' | sort | head -1)
is "$(openssl crl -inform DER -in "$CRL" -noout -crlnumber)" 'crlNumber=0x1F' 'numbered where the old ones ended'
openssl crl -inform DER -in "$CRL" -out "$WORK/crl.pem"
ok 'whose signature is of the old root' openssl verify -crl_check -CAfile "$OLD/ca.pem" -CRLfile "$WORK/crl.pem" "$OLD/leaf1.pem"
for i in 2 4; do
	nok 2 "it refuses the old certificate $i" openssl verify -crl_check -CAfile "$OLD/ca.pem" -CRLfile "$WORK/crl.pem" "$OLD/leaf$i.pem"
done
like "$(openssl crl -in "$WORK/crl.pem" -noout -text | grep -A6 'Serial Number: 02')" 'Key Compromise' 'with its reason'

# ---- easy-rsa ------------------------------------------------------------------------------

export EASYRSA_BATCH=1 EASYRSA_PKI=$WORK/pki EASYRSA_REQ_CN='Easy CA' EASYRSA_SILENT=1
easy() { (cd "$WORK" && /usr/share/easy-rsa/easyrsa "$@") >"$WORK/log" 2>&1; }
must easy init-pki
must easy build-ca nopass
unset EASYRSA_REQ_CN
for i in 1 2 3; do must easy build-server-full "vpn$i.example.org" nopass; done
must easy revoke vpn2.example.org superseded
must openssl pkcs8 -topk8 -nocrypt -in "$WORK/pki/private/ca.key" -out "$WORK/easy.p8"
new_token easy
must softhsm2-util --import "$WORK/easy.p8" --token easy --label easy-ca --id 02 --pin "$PIN"
must mkdir -p "$WORK/stick-easy"
run ca @easy init --adopt "$WORK/pki/ca.crt" --use-key pkcs11:object=easy-ca --token "$(uri easy)" \
	--scope example.org --index "$WORK/pki/index.txt" --certs "$WORK/pki/certs_by_serial" --out "$WORK/stick-easy" --yes --json
status 0 "easy-rsa's CA is taken over"
says 'known +3 certificates, 1 of them revoked' 'with what it did'
says 'No --crlnumber' "whose CRLs have no number"
EASY_HEX=$(json fingerprint)
run ca @easy list
is "$(grep -c vpn <<<"$OUT")" 3 'its certificates are listed'
run transfer @easy enroll "$WORK/stick-easy" --label vpn --expect "$EASY_HEX"
status 0 'and a host enrols with it'

# ---- an old root without anything ------------------------------------------------------------

root bare ec-p256 -extensions v3_ca
must openssl req -x509 -new -config <(printf '%s\n' '[req]' 'distinguished_name=d' '[d]') -key "$WORK/bare.key" \
	-subj '/CN=Bare CA' -sha1 -days 300 -addext basicConstraints=CA:TRUE -addext keyUsage=keyCertSign \
	-addext subjectKeyIdentifier=none -addext authorityKeyIdentifier=none -out "$WORK/bare.pem"
must openssl pkcs8 -topk8 -nocrypt -in "$WORK/bare.key" -out "$WORK/bare.p8"
new_token bare
must softhsm2-util --import "$WORK/bare.p8" --token bare --label bare --id 03 --pin "$PIN"
must mkdir -p "$WORK/stick-bare"
run ca @bare init --adopt "$WORK/bare.pem" --use-key pkcs11:object=bare --token "$(uri bare)" --scope example.org \
	--out "$WORK/stick-bare" --yes --json
status 0 'a root with SHA-1, without an identifier and without cRLSign is taken over'
says 'no cRLSign: it makes no CRL' 'it is said that it makes no CRL'
says 'signed itself with SHA-1' 'that it signed itself with SHA-1'
says 'It has no subjectKeyIdentifier' 'that it has no identifier'
says 'It ends in (299|300) days' 'and that it ends soon'
says 'Neither --index nor --certs' 'and that nothing of it is known'
BARE_HEX=$(json fingerprint)
csr_openssl loose ec-p256 /CN=l.example.org DNS:l.example.org
must mkdir -p "$WORK/loose"
must cp "$WORK/loose.csr" "$WORK/loose"
run ca @bare sign "$WORK/loose" --loose --profile tls-server --yes
status 0 'it signs'
LEAF=$(find "$WORK/loose" -name loose.pem | head -1)
must openssl x509 -in "$LEAF" -out "$WORK/bare-leaf.pem"
ok 'OpenSSL verifies it with the old root alone' openssl verify -CAfile "$WORK/bare.pem" "$WORK/bare-leaf.pem"
ok 'GnuTLS does too' certtool --verify --load-ca-certificate "$WORK/bare.pem" --infile "$WORK/bare-leaf.pem"
run transfer @bare enroll "$WORK/stick-bare" --label l --expect "$BARE_HEX"
status 0 'and a host enrols with it'

done_testing
