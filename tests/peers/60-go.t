#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Go's crypto/x509, which Caddy, Traefik and half of the world's agents verify with:
# what it believes under a CA with name constraints, and what `init` says of it.
. "$(dirname "$0")/../lib/lib.sh"
PATH=/usr/bin:$PATH
needs go golang-go

# As in a plain user's home, but ours.
export GOCACHE=$WORK/go-cache GOPATH=$WORK/go-path GO111MODULE=off GOTOOLCHAIN=local
must go build -o "$WORK/verify" "$TOP/tests/peers/verify.go"

# certified HOME INIT OPTION...: a CA made with them, and one certificate of it
certified() {
	local name=$1
	shift
	new_token "$name"
	STICK=$(stick "$name")
	run ca "@$name" init --subject "CN=Test CA $name" --token "$(uri "$name")" \
		--out "$STICK" --scope example.org --profiles tls --yes --json "$@"
	status 0 "a CA with ${*:-the defaults}"
	CA_HEX=$(json fingerprint)
	WARNED=$ERR
	enrol_online "@at-$name"
	must transfer "@at-$name" request --profile tls-server --new-key ec-p256 \
		--name dns:www.example.org --out "$STICK"
	must ca "@$name" sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must transfer "@at-$name" install "$STICK"
	CA=$(home_of "at-$name")/ca.pem
	LEAF=$(echo "$(home_of "at-$name")"/certs/www.example.org/*.pem)
}

certified plain
ok "Go believes what a CA with a scope has signed" "$WORK/verify" "$CA" "$LEAF" www.example.org
run "$WORK/verify" "$CA" "$LEAF" mail.example.org
status 1 "and not for another name"

certified srv --constrain-srv
like "$WARNED" 'Go refuses every certificate under it' "init says that Go refuses all under SRV constraints"
run "$WORK/verify" "$CA" "$LEAF" www.example.org
status 1 "and it does"
says 'unhandled critical extension' "for the constraint that it does not know"

certified loose --constrain-srv --constraints non-critical
unlike "$WARNED" 'Go refuses' "of constraints that are not critical, init says no such thing"
like "$WARNED" 'OpenSSL refuses every certificate with an SRVName' "of OpenSSL it does"
ok "and Go believes what is under them" "$WORK/verify" "$CA" "$LEAF" www.example.org

done_testing
