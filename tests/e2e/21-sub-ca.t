#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CAs below ours: the CSRs that other CAs make, in bundles and loose; what becomes of
# what they ask for, and what is refused.
. "$(dirname "$0")/../lib/lib.sh"
FORMS="step vault vault-basic cert-manager ejbca ad-cs openssl"
CSRS=$WORK/forms
must mkdir "$CSRS"
csr() { must "$PYTHON" "$TOP/tests/tools/make_sub_ca_csr.py" "$CSRS" "$@"; } # NAME SUBJECT ASK...
csr

make_ca --scope example.org --profiles tls,sub-ca
policy=$(home_of ca)/policy.conf
printf '[requester online]\nprofiles = tls-server, sub-ca\n' >>"$policy"
must ca export "$STICK"
enrol_online
ANCHOR=$WORK/anchor.pem

# of FORM CERT: what stands in the certificate of that form's CSR
checked() {
	local text csr_name cert_name
	text=$(openssl x509 -in "$2" -noout -text | tr -s ' \n' ' ')
	like "$text" 'Basic Constraints: critical CA:TRUE, pathlen:0 ' "$1: a CA with the profile's path length"
	like "$text" 'Key Usage: critical Digital Signature, Certificate Sign, CRL Sign ' \
		"$1: it can sign certificates and CRLs"
	like "$text" 'Name Constraints: critical Permitted: DNS:example.org Excluded: IP:0.0.0.0/0.0.0.0 IP:0:0' \
		"$1: it is bound to what this CA is bound to"
	unlike "$text" 'Alternative Name' "$1: without the SAN of its CSR"
	csr_name=$("$PYTHON" -c '
import sys
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
csr = x509.load_der_x509_csr(open(sys.argv[1], "rb").read())
cert = x509.load_pem_x509_certificate(open(sys.argv[2], "rb").read())
# the Name behind the version of the one, and behind the validity of the other, as it stands
def tag(b):
    n, h = b[1], 2
    if n & 128: h, n = 2 + (n & 127), int.from_bytes(b[2:2 + (n & 127)], "big")
    return b[:h + n], b[h + n:], b[h:h + n]
info = tag(csr.tbs_certrequest_bytes)[2]
_, rest, _ = tag(info); asked, _, _ = tag(rest)
rest = tag(cert.tbs_certificate_bytes)[2]
for _ in range(5): _, rest, _ = tag(rest)
has, _, _ = tag(rest)
print("same" if has == asked else "%s, not %s" % (has.hex(), asked.hex()))' "$CSRS/$1.csr" "$2")
	is "$csr_name" same "$1: its subject is the CSR's, byte for byte"
	# Its first leaf, and one that it may not sign.
	must openssl x509 -in "$2" -out "$WORK/sub.pem"
	leaf "$CSRS/$1.key" www.example.org
	must openssl verify -x509_strict -CAfile "$ANCHOR" -untrusted "$WORK/sub.pem" "$WORK/leaf.pem"
	pass "$1: OpenSSL verifies a leaf under it"
	leaf "$CSRS/$1.key" www.example.net
	nok 2 "$1: and none with another name" \
		openssl verify -CAfile "$ANCHOR" -untrusted "$WORK/sub.pem" "$WORK/leaf.pem"
}

# leaf KEY NAME: signed by $WORK/sub.pem with that key
leaf() {
	must openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj / \
		-addext "subjectAltName=DNS:$2" -out "$WORK/leaf.csr" 2>"$WORK/leaf.log"
	printf 'subjectAltName=critical,DNS:%s\nauthorityKeyIdentifier=keyid\nbasicConstraints=critical,CA:FALSE\n' "$2" \
		>"$WORK/leaf.ext"
	must openssl x509 -req -in "$WORK/leaf.csr" -CA "$WORK/sub.pem" -CAkey "$1" -days 30 -set_serial 77 \
		-extfile "$WORK/leaf.ext" -out "$WORK/leaf.pem"
}

# ==== in a bundle ============================================================================
for form in $FORMS; do
	must transfer request "$CSRS/$form.csr" --profile sub-ca --out "$STICK"
	run ca sign -n "$STICK"
	like "$(tr -s ' \n' ' ' <<<"$ERR")" \
		'MAKES A CA that CAN SIGN CERTIFICATES, and 0 CAs below it; bound to dns:example\.org, not ip:' \
		"$form: the review says what it is"
	says 'subject +[A-Z]+=' "$form: and what it will be called"
	run ca sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
	is "$(json responses.-1.issued)" 1 "$form: signed"
	must cp "$STICK/$(json responses.-1.path)/ca.pem" "$ANCHOR"
	checked "$form" "$(ls "$STICK/$(json responses.-1.path)"/0*.pem)"
	run transfer install "$STICK"
	status 0 "$form: installed: its requester's judge takes it"
done

# ==== loose ==================================================================================
LOOSE=$(stick loose)
csr step2 'p:CN=Example Intermediate CA 2' ca usage
must cp "$CSRS/step2.csr" "$LOOSE/"
run ca sign --loose --profile sub-ca "$LOOSE" --yes --json
status 0 'loose: signed'
checked step2 "$(ls "$LOOSE"/airgap-ca/responses/*/step2.pem)"
run transfer install "$LOOSE" --csr "$CSRS/step2.csr"
status 0 'loose: installed against its CSR'
run transfer verify --loose "$LOOSE"
status 0 'loose: and taken without it'

# ==== what is refused ========================================================================
# bad NAME SUBJECT RULE WORDS DESC ASK...: at `request`, and in a bundle that was sent anyway
bad() {
	local name=$1 subject=$2 rule=$3 words=$4 desc=$5
	shift 5
	csr "$name" "$subject" "$@"
	run transfer request "$CSRS/$name.csr" --profile sub-ca --out "$WORK/nowhere" -n
	wants 4 "$rule" "$desc: refused before anybody walks"
	says "$words" "$desc: in words"
	LOOSE=$(stick "bad-$name")
	must cp "$CSRS/$name.csr" "$LOOSE/"
	run ca sign --loose --profile sub-ca "$LOOSE" -n --json
	is "$(json responses.0.results.0.rule)" "$rule" "$desc: refused at the CA"
}
must mkdir -p "$WORK/nowhere"
bad own 'u:CN=Test CA ca' SUBCA-SUBJECT 'that of this CA itself' 'our own subject' ca
bad own-spelt 'p:CN=TEST  ca CA' SUBCA-SUBJECT 'that of this CA itself' 'our own subject, spelt otherwise'
bad nobody '' SUBCA-SUBJECT 'is empty' 'no subject' ca
bad teletex 't:CN=Example' SUBCA-SUBJECT 'another string type' 'a TeletexString'
bad bmp 'b:CN=Example' SUBCA-SUBJECT 'another string type' 'a BMPString'
bad country 'u:C=SE,u:CN=Example' SUBCA-SUBJECT 'another string type' 'a country in UTF8String'
bad long "u:CN=$(printf 'x%.0s' {1..65})" SUBCA-SUBJECT 'too long' 'a CN of 65 characters'
bad three 'p:C=SWE,u:CN=Example' SUBCA-SUBJECT 'too long' 'a country of three letters'
bad empty 'u:CN=' SUBCA-SUBJECT 'no text|empty' 'an attribute without text'
bad turned $'u:CN=Example \u202eAC' SUBCA-SUBJECT 'cannot be shown' 'a CN that turns the text around'
bad longer 'u:CN=Longer CA' SUBCA-PATH 'path length of 1; profile sub-ca gives 0' 'a longer path' path=1
bad longest 'u:CN=Longest CA' SUBCA-PATH 'path length of 256 or more' 'a path of any length' path=70000
bad wider 'u:CN=Wider CA' SUBCA-NAMES 'allow more' 'wider constraints' ca permit=example.net
bad widest 'u:CN=Widest CA' SUBCA-NAMES 'allow more' 'constraints to everything' ca permit=org
bad broken 'u:CN=Broken CA' SUBCA-NAMES 'malformed' 'constraints that are none' ca bad-constraints
bad host 'u:CN=www.example.net' SUBJECT "taken for a host's name" 'a CN that is another host'
csr fits "u:CN=$(printf 'x%.0s' {1..64})" path=0 permit=www.example.org
run transfer request "$CSRS/fits.csr" --profile sub-ca --out "$WORK/nowhere" -n
status 0 'a CN of 64 characters, a path length of 0 and narrower constraints pass'

# A leaf is refused as before.
run transfer request "$CSRS/openssl.csr" --profile tls-server --name dns:www.example.org --out "$WORK/nowhere" -n
wants 4 CSR-CA 'no other profile takes a CSR that asks to be a CA'

# ---- what the profile says -------------------------------------------------------------------
line='extension.nameConstraints = critical, permitted;DNS:sub.example.org'
no_ip='excluded;IP:0.0.0.0/0.0.0.0, excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0'
must cp "$policy" "$WORK/policy.conf"
must sed -i "s|^ca = yes\$|&\n$line|" "$policy"
run ca policy check
wants 4 POLICY-BOUND 'a profile whose CAs could have addresses, which this CA may not'
must cp "$WORK/policy.conf" "$policy"
must sed -i "s|^ca = yes\$|&\n${line/sub.example.org/example.net}, $no_ip|" "$policy"
run ca policy check
wants 4 POLICY-BOUND 'or other domains'
must cp "$WORK/policy.conf" "$policy"
must sed -i "s|^ca = yes\$|&\n$line, $no_ip|" "$policy"
run ca policy check
status 0 'narrower ones are taken'
LOOSE=$(stick narrow)
csr narrowed 'u:CN=Narrowed CA'
must cp "$CSRS/narrowed.csr" "$LOOSE/"
run ca sign --loose --profile sub-ca "$LOOSE" -n
like "$(tr -s ' \n' ' ' <<<"$ERR")" 'bound to dns:sub\.example\.org, not ip' 'and shown'
run ca sign --loose --profile sub-ca "$LOOSE" --yes --json
like "$(openssl x509 -noout -text -in "$LOOSE"/airgap-ca/responses/*/narrowed.pem | tr -s ' \n' ' ')" \
	'Name Constraints: critical Permitted: DNS:sub.example.org Excluded' 'and stand in the certificate'

must sed -i 's|^ca = yes$|&\npath-len = 2|' "$policy"
LOOSE=$(stick deep)
must cp "$CSRS/vault.csr" "$LOOSE/"
run ca sign --loose --profile sub-ca "$LOOSE" -n --json
is "$(json responses.0.results.0.rule)" PATH-LEN 'a path as long as our own is refused, before a PIN is asked'

done_testing
