#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job: CSRs in on a stick, certificates and a proven manifest back.
. "$(dirname "$0")/../lib/lib.sh"
needs certtool gnutls-bin

make_ca
enrol_online

# ---- the first visit: one CSR of each kind, by OpenSSL and by GnuTLS ---------------
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org,DNS:www.example.org
must csr_openssl mail rsa-3072 /CN=mail.example.org DNS:mail.example.org
must csr_openssl ed ed25519 /CN=ed.example.org DNS:ed.example.org
must csr_openssl big ec-p384 /CN=big.example.org DNS:big.example.org
must csr_certtool gnu ec-p256 gnu.example.org gnu.example.org
must csr_certtool gnursa rsa-2048 gnursa.example.org gnursa.example.org

run transfer request "$WORK"/{web,mail,ed,big,gnu,gnursa}.csr \
	--profile tls-server --out "$STICK" --comment "the first visit"
status 0 'six CSRs go into one bundle'
is "$(ls "$STICK/airgap-ca/requests" | wc -l)" 1 'which is one file on the stick'

run ca sign -n "$STICK"
status 0 'a dry run shows what would be signed'
says 'To be signed: 6 certificates for 6 requests' 'all of it'
says 'web.example.org' 'with names'
says 'NOT KNOWN to this CA yet' 'and says that the requester is new'
nok 2 'a dry run writes no response' ls "$STICK/airgap-ca/responses"

run ca sign "$STICK" --yes
wants 3 REQUESTER-UNKNOWN 'an unknown requester is not enrolled by --yes'
nok 2 'and nothing was written' ls "$STICK/airgap-ca/responses"

run ca sign "$STICK" --yes --expect "${REQUESTER_HEX/[0-9]/a}"
wants 3 WORDS 'nor by another fingerprint'

run ca sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
status 0 'the whole fingerprint enrols it, and all is signed'
is "$(json responses.0.issued)" 6 'six certificates'
is "$(json responses.0.refused)" 0 'none refused'
is "$(json responses.0.sequence)" 1 'in response 1'
response=$STICK/$(json responses.0.path)
ok 'the manifest lies there' test -s "$response/manifest.cose"
ok 'and the policy, since it is the first response' test -s "$response/policy.conf"
is "$(ls "$response"/*.pem | wc -l)" 7 'a file for each request, and the CA'

run transfer verify "$STICK" --json
status 0 'the online side proves it'
is "$(json trusted)" true 'it is trusted'
run transfer install "$STICK" --json
status 0 'and installs it'
is "$(json certificates)" 6 'all six'
run transfer install "$STICK"
status 0 'again is no mistake'

must openssl x509 -in "$response/ca.pem" -out "$WORK/ca.pem"
n=0
for pem in "$response"/0*.pem; do
	n=$((n + 1))
	ok "certificate $n: openssl verify -x509_strict" \
		openssl verify -x509_strict -purpose sslserver -CAfile "$WORK/ca.pem" "$pem"
	ok "certificate $n: certtool --verify" \
		certtool --verify --load-ca-certificate "$WORK/ca.pem" --infile "$pem"
done
ok 'the key of the first is that of its CSR' test \
	"$(openssl x509 -in "$response"/0001-*.pem -noout -pubkey)" = \
	"$(openssl pkey -in "$WORK/web.key" -pubout)"
like "$(openssl x509 -in "$response"/0001-*.pem -noout -ext subjectAltName)" \
	'DNS:web.example.org, DNS:www.example.org' 'with both names'

# ---- the second visit: known now, names from the bundle, a series -----------------
must csr_openssl bare ec-p256 /CN=x
run transfer request "$WORK/bare.csr" --profile tls-server \
	--name dns:bare.example.org --series 12x31d+7d --out "$STICK"
status 0 'a series for a CSR without names'
run ca sign "$STICK" --yes --json
status 0 'a known requester needs no words'
is "$(json responses.0.sequence)" 1 'the first bundle, still there, gets its stored response'
is "$(json responses.1.issued)" 12 'the second twelve certificates'
is "$(json responses.1.sequence)" 2 'in response 2'
response=$STICK/$(json responses.1.path)
nok 1 'the policy, unchanged, is not carried again' test -e "$response/policy.conf"
pem=$(ls "$response"/0001-*.pem)
is "$(grep -c BEGIN "$pem")" 12 'all in one file'
run transfer install "$STICK" --json
status 0 'the series is installed'
is "$(json certificates)" 12 'whole'

# Dates by an implementation that is not ours.
ok 'the series has its period and overlap to the second' "$PYTHON" - "$pem" <<'PY'
import sys
from datetime import timedelta
from cryptography import x509
blocks = open(sys.argv[1]).read().split("-----END CERTIFICATE-----\n")[:-1]
certs = [x509.load_pem_x509_certificate((b + "-----END CERTIFICATE-----\n").encode()) for b in blocks]
assert len({c.serial_number for c in certs}) == 12
for a, b in zip(certs, certs[1:]):
    assert b.not_valid_before - a.not_valid_before == timedelta(days=31)
for c in certs:
    assert c.not_valid_after - c.not_valid_before == timedelta(days=38, seconds=-1)
PY

# ---- an answered bundle gets the stored bytes ---------------------------------------
must cp -r "$response" "$WORK/before"
must rm -r "$STICK/airgap-ca/responses"
run ca sign "$STICK" --json
status 0 'bundles answered before need neither Yes nor PIN'
ok 'the response comes back byte for byte' diff -r "$WORK/before" "$response"

# ---- two hosts, one CA -----------------------------------------------------------------
enrol_online @second other
must csr_openssl two ec-p256 /CN=two.example.org DNS:two.example.org
run transfer @second request "$WORK/two.csr" --profile tls-server --out "$STICK"
status 0 'a second host asks'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
status 0 'and is answered'
run transfer @second install "$STICK" --json
status 0 'it installs its own response'
is "$(json sequence)" 1 'the first of its channel'
run transfer install "$STICK"
status 0 'which the first host leaves alone'

# ---- the ledger ---------------------------------------------------------------------------
run ca ledger verify
status 0 'the ledger verifies'
run ca list --json
is "$("$PYTHON" -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["certificates"]))' "$WORK/out")" \
	19 'and lists nineteen certificates'

done_testing
