#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Cards that a stranger made: whole in themselves, and not the CA's. What is in
# them is not looked at before the words are confirmed.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
card=$(ls "$STICK"/airgap-ca/cards/*.cose)

# A CA by openssl: certificate, transfer certificate, and both keys in our hands.
cat >"$WORK/ca.cnf" <<EOF_CNF
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[transfer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, $TRANSFER_EKU
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
EOF_CNF
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 100 \
	-subj '/CN=Stranger' -config "$WORK/ca.cnf" -extensions ca \
	-keyout "$WORK/ca.key" -out "$WORK/ca.pem"
must openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "$WORK/ca.cnf" \
	-subj '/CN=Stranger transfer' -keyout "$WORK/transfer.key" -out "$WORK/transfer.csr"
must openssl x509 -req -in "$WORK/transfer.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" \
	-CAcreateserial -days 50 -extfile "$WORK/ca.cnf" -extensions transfer -out "$WORK/transfer.pem"
must openssl x509 -in "$WORK/ca.pem" -outform DER -out "$WORK/ca.der"
STRANGER=$(sha256sum "$WORK/ca.der" | cut -d' ' -f1)

# stranger POLICY: $WORK/card.cose, with that text for a policy (or the CA's own)
stranger() {
	must cose --key "$WORK/transfer.key" --cert "$WORK/transfer.pem" "$card" "$WORK/card.cose" \
		"der = open('$WORK/ca.der', 'rb').read()
p[2] = hashlib.sha256(der).digest()
p[3] = [der]
p[4] = $(date +%s)
$1"
}
stranger ''
freeze
run transfer enroll "$WORK/card.cose" --expect "$CA_HEX"
refused 3 WORDS 'another SHA-256' "a stranger's card is not the CA's"
run transfer enroll -n "$WORK/card.cose" --expect "$STRANGER"
status 0 'and is as good as any for who wants that CA'
says 'profile +tls-server' 'whose profiles are then shown'

stranger 'p[5] = b"no policy at all\n"'
freeze
run transfer enroll "$WORK/card.cose" --expect "$CA_HEX"
refused 3 WORDS 'another SHA-256' 'a policy that does not parse is not looked at before the words are'
quiet 'POLICY|profile' 'and nothing of it is shown'
run transfer enroll "$WORK/card.cose" --expect "$STRANGER"
refused 3 POLICY 'card\.cose' 'but after them it is, and nothing is pinned'
dialogue 'Type Yes' no -- transfer enroll "$WORK/card.cose"
status 4 'who compares the words and says no'
quiet 'POLICY|profile' 'has seen nothing of it'

done_testing
