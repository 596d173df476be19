#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A response of more certificates than are kept at hand (8 MiB of them): its files
# are made from the ledger each time they are wanted, and are the same each time.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online

# One key asked for many times: what counts here is certificates.
must csr_openssl www ec-p256 /CN=x DNS:www.example.org
mkdir "$WORK/csrs"
for i in $(seq 560); do
	must cp "$WORK/www.csr" "$WORK/csrs/$i.csr"
done
run transfer request "$WORK/csrs" --profile tls-server --series 24x31d --out "$STICK"
status 0 '560 series of 24 are asked for'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
status 0 'and signed'
is "$(json responses.0.issued)" 13440 'each of them'
response=$STICK/$(json responses.0.path)
ok 'the certificates are over 8 MiB' \
	test "$(cat "$response"/certs-*.pem | wc -c)" -gt $((8 << 20))
ok 'Python proves the response' "$PYTHON" "$TOP/tests/tools/cose_verify.py" manifest \
	"$response/manifest.cose"

run replugged "$STICK" ca check "$STICK"
status 0 'check makes the files again, and they are the same'
run ca resend "$(stick again)"
status 0 'so does resend, on another stick'
ok 'byte for byte' diff -r "$response" "$WORK/stick-again/airgap-ca/responses/${response##*/}"

# One certificate of the ledger is another than the manifest says: the last of all, so
# that those before it come out right.
cp -a "$(home_of ca)" "$WORK/home-spoilt"
must sqlite3 "$WORK/home-spoilt/ledger.db" \
	"UPDATE record SET body = CAST(substr(body, 1, length(body) - 1) ||
	 CASE substr(body, -1) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB) WHERE n =
	 (SELECT max(n) FROM record WHERE kind = 7)"
run ca @spoilt resend "$(stick spoilt)"
status 7 'a ledger that lost one of them is found out'
says 'the ledger lacks a certificate of this response|does not come out as it was' 'which is said'
nok 2 'and nothing under the name of a response is on the stick' \
	ls "$WORK"/stick-spoilt/airgap-ca/responses/*-000001

run transfer install "$STICK" --json
status 0 'the online side proves and installs it'
is "$(json certificates)" 13440 'all of it'

done_testing
