#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OCSP for who wants it (RFC 6120 13.7.1.2): `openssl ocsp` answers from the index.txt that
# is deployed, with a certificate of the shipped profile, and a client finds it by the AIA.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
make_known_ca --scope example.org --profiles tls,ocsp-responder
sed -i "/^\[profile tls-server\]/a extension.authorityInfoAccess = OCSP;URI:http://127.0.0.1:$port/" \
	"$(home_of ca)/policy.conf"
enrol_online
H=$(home_of online)
SRV=$WORK/srv
mkdir "$SRV"
for name in good bad; do
	must transfer request --profile tls-server --new-key ec-p256 --name "dns:$name.example.org" \
		--days 60 --out "$STICK"
done
must transfer request --profile ocsp-responder --new-key ec-p256 --name dns:ocsp.example.org --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
cert() { echo "$H/certs/$1.example.org"/*.pem; }
serial() { openssl x509 -in "$(cert "$1")" -noout -serial | sed 's/.*=//'; }
NOW=$(date +%s)
put() {
	must "$PYTHON" -W ignore "$TOP/tests/tools/put_crl.py" "$H/store.db" "$H/ca.pem" "$WORK/ca-key.key" \
		"$1" "$2" $((NOW + 40 * 86400)) "${@:3}"
}
put 1 $((NOW - 90000))

text=$(openssl x509 -in "$(cert ocsp)" -noout -text)
like "$text" 'OCSP No Check' "the responder's certificate is one that nobody asks about"
like "$text" 'OCSP Signing' "and is for that alone"
must transfer deploy ocsp.example.org --format pemfile --to "$SRV/ocsp.pem"
run transfer deploy --format index --to "$SRV/index.txt"
status 0 "index.txt is deployed"
is "$(cut -c1 "$SRV/index.txt" | sort | uniq -c | tr -s ' \n' ' ')" " 3 V " "of three certificates that are good"

openssl ocsp -index "$SRV/index.txt" -port "$port" -rsigner "$SRV/ocsp.pem" -CA "$H/ca.pem" \
	-nmin 60 >"$WORK/ocsp.log" 2>&1 &
server=$!
trap 'kill "$server"; leave' EXIT
# It waits for ever on a connection that asks nothing, so none is tried.
until grep -qi 'waiting for' "$WORK/ocsp.log"; do kill -0 $server || break; sleep 0.1; done
# asked NAME: what the responder that its certificate names says of it
asked() {
	local url
	url=$(openssl x509 -in "$(cert "$1")" -noout -ocsp_uri)
	timeout 20 openssl ocsp -url "$url" -issuer "$H/ca.pem" -CAfile "$H/ca.pem" -cert "$(cert "$1")" 2>&1
}
answer=$(asked good)
like "$answer" 'Response verify OK' "a client finds it by the certificate's AIA, and believes it"
like "$answer" '\.pem: good' "a good one is good"
like "$(asked bad)" '\.pem: good' "and so is the other, until it is revoked"
like "$(timeout 20 openssl ocsp -url "http://127.0.0.1:$port/" -issuer "$H/ca.pem" -CAfile "$H/ca.pem" -serial 0x1234 2>&1)" \
	'0x1234: unknown' "a serial of nobody here is unknown"

cp -a "$H" "$WORK/older"
put 2 $((NOW - 4000)) "$(serial bad)"
must transfer rotate --within 1h
# OpenSSL looks at the file after an answer, before it waits for the next question.
asked good >"$WORK/one.log"
answer=$(asked bad)
like "$answer" '\.pem: revoked' "after the CA has revoked it, it is revoked, an answer later and without a reload"
like "$answer" 'Reason: keyCompromise' "with the reason"
like "$(asked good)" '\.pem: good' "and the other is good"
# A home that was put back to before does not make it good again.
mv "$H" "$WORK/newer"
cp -a "$WORK/older" "$H"
before=$(cat "$SRV/index.txt")
run transfer rotate
status 7 "an older copy of the home says nothing better"
says "index.txt: says that certificate $(serial bad) is revoked, which the CRL that is due here does not" "and why is told"
is "$(cat "$SRV/index.txt")" "$before" "what is in place stays"
like "$(asked bad)" '\.pem: revoked' "and so does the answer"
rm -rf "$H"
mv "$WORK/newer" "$H"

run at "$(date -u -d "@$((NOW + 50 * 86400))" '+%Y-%m-%d %H:%M:%S')" transfer rotate
is "$(cat "$SRV/index.txt")" "" "once the CRLs have ended nothing is said to be good"
asked good >"$WORK/one.log"
like "$(asked good)" '\.pem: unknown' "but unknown"

done_testing
