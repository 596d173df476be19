#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a key may be used for: keyEncipherment for the RSA keys of servers, which NSS
# wants, and never for another key (RFC 8813). That NSS takes them is shown by
# tests/peers/50-nss.t.
. "$(dirname "$0")/../lib/lib.sh"

make_ca --scope example.org --profiles tls,xmpp
enrol_online
# usage PROFILE TYPE NAME: the keyUsage of a new certificate
usage() {
	must transfer request --profile "$1" --new-key "$2" --name "$3" --out "$STICK"
	must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must transfer install "$STICK" --json
	find "$(home_of online)/certs" -name '*.pem' -newer "$WORK/mark" -exec \
		openssl x509 -noout -ext keyUsage -in {} \; | sed -n 's/^ \+//p'
	touch "$WORK/mark"
	sleep 0.01
}
touch "$WORK/mark"
for profile in tls-server xmpp-server; do
	is "$(usage $profile rsa-2048 "dns:rsa.$profile.example.org")" 'Digital Signature, Key Encipherment' \
		"$profile: an RSA key may encipher"
	for type in ec-p256 ec-p384; do
		is "$(usage $profile $type "dns:$type.$profile.example.org")" 'Digital Signature' \
			"$profile: a key of type $type may not"
	done
done
is "$(usage tls-server ed25519 dns:ed.example.org)" 'Digital Signature' 'nor one of Ed25519'
is "$(usage tls-client rsa-2048 dns:client.example.org)" 'Digital Signature' \
	'an RSA key of a client does without'

done_testing
