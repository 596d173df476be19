#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The online side, from the card to the installed certificate, and what it does
# when it is done again, interrupted or asked for what the policy forbids.
. "$(dirname "$0")/../lib/lib.sh"
make_ca
HOME_DIR=$WORK/home-online
CERTS=$HOME_DIR/certs
RESPONSES=$STICK/airgap-ca/responses

# ---- enrolment --------------------------------------------------------------------

OTHER=${CA_HEX//[0-7]/8}
run transfer enroll "$STICK" --label web --expect "$OTHER"
wants 3 WORDS "another fingerprint than expected pins nothing"
run transfer enroll "$STICK" --label web --expect "${CA_HEX:0:32}"
status 2 "half a fingerprint is none"
run transfer enroll "$STICK" --label web --yes </dev/null
nok 1 "--yes answers for no words" test -e "$HOME_DIR/store.db"
run transfer list
wants 3 UNENROLLED "nothing works before"
run transfer enroll "$STICK" --label Web --expect "$CA_HEX"
status 2 "a label has its pattern"
run transfer enroll "$STICK" --label online --expect "$CA_HEX" --json
status 0 "the right fingerprint pins the CA"
REQUESTER_HEX=$(json fingerprint)
is "$(json requester)" online "enroll prints the requester"
is "$(stat -c %a "$HOME_DIR/requester.pem" "$HOME_DIR/store.db" | sort -u)" 600 \
	"key and store are for their owner only"
is "$(openssl pkey -in "$HOME_DIR/requester.pem" -pubout -outform der |
	sha256sum | cut -c1-64)" "$REQUESTER_HEX" \
	"the fingerprint is the SHA-256 of the requester's key"
is "$(openssl x509 -in "$HOME_DIR/ca.pem" -outform der | sha256sum | cut -c1-64)" \
	"$CA_HEX" "ca.pem is the CA whose words were compared"
nok 1 "no private key lies in the store" \
	grep -q -a 'PRIVATE KEY' "$HOME_DIR/store.db"
run transfer enroll "$STICK" --label online --expect "$CA_HEX"
status 7 "a home is enrolled once"
run transfer enroll "$STICK" --label online --expect "$CA_HEX" --replace
status 0 "a card of the same CA takes its place with --replace"

# ---- requests ---------------------------------------------------------------------

must csr_openssl web ec-p256 /CN=www.example.org DNS:www.example.org
must csr_openssl out ec-p256 /CN=www.example.com DNS:www.example.com
run transfer request "$WORK/out.csr" --profile tls-server --out "$STICK"
wants 4 NAME-SCOPE "the CA's policy is asked before anyone walks to the safe"
run transfer request "$WORK/web.csr" --profile nobody --out "$STICK"
wants 4 PROFILE-UNKNOWN "an unknown profile is refused"
run transfer request "$WORK/web.csr" --profile tls-server --days 4000 --out "$STICK"
wants 4 VALIDITY-MAX "too long a validity is refused"
is "$(grep -c 'VALIDITY-MAX' <<<"$ERR")" 1 "and the refusal is said once"
says 'nothing was put on the stick' "and what follows from it"
run transfer request "$WORK/web.csr" "$WORK/out.csr" --profile tls-server --out "$STICK"
wants 4 NAME-SCOPE "one request of two is refused"
says '1 of 2 requests would be refused' "and stops the other"
nok 1 "a refused request writes no bundle" test -d "$STICK/airgap-ca/requests"
run transfer request "$WORK/web.csr" --profile tls-server --out "$STICK" -n
status 0 "a dry run says that it is good"
nok 1 "a dry run writes nothing" test -d "$STICK/airgap-ca/requests"
run transfer request "$WORK/web.csr" --profile tls-server --out "$STICK" --json
status 0 "a good request is written"
ok "to the stick" test -f "$STICK/$(json path)"

run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 "the CA signs it"

# ---- install ----------------------------------------------------------------------

run transfer verify "$STICK" --json
status 0 "verify finds it good"
is "$(json trusted)" true "verify says so in JSON"
is "$(json certificates)" 1 "and counts the certificates"
nok 1 "verify stores nothing" test -n "$(ls -A "$CERTS" 2>/dev/null)"
cp -a "$STICK" "$WORK/spoilt"
run transfer install "$STICK" --json
status 0 "install takes it"
is "$(json sequence)" 1 "as the first response"
CERT=$(echo "$CERTS"/www.example.org/*.pem)
ok "the certificate verifies for its host" openssl verify -x509_strict \
	-CAfile "$HOME_DIR/ca.pem" -verify_hostname www.example.org "$CERT"
is "$(openssl x509 -in "$CERT" -pubkey -noout)" \
	"$(openssl pkey -in "$WORK/web.key" -pubout)" "and has the CSR's key"
run transfer install "$STICK" --json
status 0 "the same again is no error"
is "$(json certificates)" 0 "and no news"
says 'installed before' "which it says"
rm -r "$CERTS"
run transfer install "$STICK"
ok "files that are gone are made again" test -f "$CERT"

run transfer list --json
is "$(json certificates.0.names)" '["dns:www.example.org"]' "list has the names"
is "$(json certificates.0.status)" valid "and the status"
is "$(json certificates.0.sha256)" \
	"$(openssl x509 -in "$CERT" -outform der | sha256sum | cut -c1-64)" \
	"and the digest"
is "$(json certificates.0.request_id)" web "and the request"
run transfer status
status 0 "nothing is due within 30 days"
says 'certificate dns:www.example.org ends [0-9-]{10} \(in [0-9]+ days\)' "and when each is"
run transfer status --within 200d
status 1 "something is within 200"

# ---- a series with a key made here ------------------------------------------------

run transfer request --new-key ec-p256 --profile tls-server \
	--name dns:mail.example.org --series 3x31d+7d --out "$STICK"
status 0 "a series is asked for"
KEY=$(echo "$HOME_DIR"/keys/mail.example.org-*.pem)
is "$(stat -c %a "$KEY")" 600 "its new key is for the owner only"
run transfer request --again --days 3 --out "$STICK"
status 2 "--again changes nothing of what was asked"
run transfer request --again --out "$STICK" --json
says 'Carry it to the CA' "the next step is said"
is "$(json requests)" 1 "--again repeats only what has no answer"
run ca sign "$STICK" --yes
status 0 "the CA signs both bundles"
run transfer install "$STICK" --json
status 0 "both are installed, in order"
is "$(json certificates)" 6 "with all certificates of the series"
is "$(json sequence)" 3 "up to the newest"
is "$(find "$CERTS/mail.example.org" -name '*.pem' | wc -l)" 6 \
	"a file for each"
run transfer list
is "$(grep -c '^future' <<<"$OUT")" 2 "those to come are future"
is "$(grep -c '^replaced' <<<"$OUT")" 3 "those of the first asking are replaced"
is "$(grep -o 'dns:[a-z]*' <<<"$OUT" | tr '\n' ' ')" \
	"dns:mail dns:mail dns:mail dns:mail dns:mail dns:mail dns:www " \
	"one line each, by name"
is "$(awk '/dns:mail/ { print $2 }' <<<"$OUT" | sort -c 2>&1)" "" "then by date"
run transfer request --again --out "$STICK"
status 7 "then nothing is unanswered"

# ---- what was refused at the CA ---------------------------------------------------

printf '\n[requester online]\nprofiles = tls-client\n' >>"$WORK/home-ca/policy.conf"
run transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
status 0 "this side does not know the new policy yet"
run ca sign "$STICK" --yes
run transfer install "$STICK" --json
status 4 "install tells that every request was refused"
says 'PROFILE-DENIED' "and by which rule"
run transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
wants 4 PROFILE-DENIED "the new policy came with the response"

done_testing
