#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A CA that is renewed and rolled over, to live clients: NSS (Firefox, Thunderbird), Go,
# GnuTLS and OpenSSL with the old root, the new one or both, before and after the end of
# the old certificate.
. "$(dirname "$0")/../lib/lib.sh"
PATH=/usr/bin:$PATH
needs go golang-go
needs tstclnt libnss3-tools
needs certutil libnss3-tools
needs gnutls-cli gnutls-bin
needs faketime faketime

export GOCACHE=$WORK/go-cache GOPATH=$WORK/go-path GO111MODULE=off GOTOOLCHAIN=local
must go build -o "$WORK/verify" "$TOP/tests/peers/verify.go"
far() { date -u -d "$1 days" '+%F %T'; }
port=$((20000 + RANDOM % 20000))
server=
trap '[ -z "$server" ] || kill "$server"; leave' EXIT
serve() {
	[ -z "$server" ] || { kill "$server"; wait "$server" 2>/dev/null; }
	port=$((port + 1))
	must sh -c "sed -n '/END CERT/,\$p' '$1' | sed 1d >'$WORK/rest.pem'"
	openssl s_server -accept "127.0.0.1:$port" -cert "$1" -key "$2" -cert_chain "$WORK/rest.pem" \
		-www >"$WORK/server.log" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
		sleep 0.1
	done
	fail 'the server listens' "$(cat "$WORK/server.log")"
	done_testing
}
# nss ROOTS NAME [TIME]: a database with these roots alone
nss() {
	local db i=0 fake=()
	db=$(mktemp -d "$WORK/nss.XXXXXX")
	certutil -N -d "sql:$db" --empty-password || return 9
	"$PYTHON" -c '
import re, sys
for i, block in enumerate(re.findall("-----BEGIN CERT.*?-----END CERTIFICATE-----\n", open(sys.argv[1]).read(), re.S)):
    open("%s/%d.pem" % (sys.argv[2], i), "w").write(block)' "$1" "$db"
	for one in "$db"/*.pem; do
		i=$((i + 1))
		certutil -A -d "sql:$db" -n "ca$i" -t C,, -i "$one" || return 9
	done
	[ -z "${3:-}" ] || fake=(env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f "@$3")
	timeout 20 "${fake[@]}" tstclnt -4 -Q -h 127.0.0.1 -a "$2" -p "$port" -d "sql:$db" \
		-V tls1.2:tls1.3 </dev/null >"$WORK/nss.log" 2>&1
	grep -q 'stateless resumes' "$WORK/nss.log" && ! grep -q 'failed' "$WORK/nss.log"
}
gnutls() {
	local fake=()
	[ -z "${3:-}" ] || fake=(env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f "@$3")
	timeout 20 "${fake[@]}" gnutls-cli --x509cafile "$1" --verify-hostname="$2" -p "$port" 127.0.0.1 \
		</dev/null >"$WORK/gnutls.log" 2>&1
	grep -q 'Status: The certificate is trusted' "$WORK/gnutls.log"
}
tls() {
	local at=()
	[ -z "${3:-}" ] || at=(-attime "$(date -d "$3" +%s)")
	openssl s_client -connect "127.0.0.1:$port" -CAfile "$1" -verify_hostname "$2" -verify_return_error \
		"${at[@]}" </dev/null >"$WORK/openssl.log" 2>&1
}
go_verify() { "$WORK/verify" "$1" "$SERVED" "$2" ${3:+"$(date -d "$3" +%s)"}; }
# believed DESC ROOTS NAME [TIME]: by all four; refused: by all four
believed() {
	for client in tls gnutls nss go_verify; do
		ok "$1: $client" $client "${@:2}"
	done
}
refuse() { ! "$@"; }
refused_by_all() {
	for client in tls gnutls nss go_verify; do
		ok "$1: not $client" refuse $client "${@:2}"
	done
}

# ---- a new key -------------------------------------------------------------------------

make_ca --scope example.org --profiles tls-server --days 400
enrol_online
root_of() { must openssl x509 -inform DER -in "$WORK/web/ca.crt" -out "$WORK/$1.pem"; }
certificate() {
	must transfer request --profile tls-server --new-key ec-p256 --name "dns:$1.example.org" --out "$STICK"
	must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must transfer install "$STICK"
	must transfer deploy "$1.example.org" --format fullchain --to "$WORK/$1.pem" --key "$WORK/$1.key"
}
must mkdir "$WORK/web"
must transfer publish "$WORK/web"
root_of first
certificate one
SERVED=$WORK/one.pem
serve "$WORK/one.pem" "$WORK/one.key"
believed 'before all' "$WORK/first.pem" one.example.org

must ca rollover --days 400 --out "$STICK" --yes
must transfer install "$STICK"
must transfer rotate
root_of second
certificate two
cat "$WORK/first.pem" "$WORK/second.pem" >"$WORK/both.pem"
for name in one two; do
	SERVED=$WORK/$name.pem
	serve "$WORK/$name.pem" "$WORK/$name.key"
	for roots in first second both; do
		believed "after the rollover, $name, clients with $roots" "$WORK/$roots.pem" $name.example.org
	done
done

# What tlsa says is in what is sent: clients that know nothing but DNS.
dane() {
	local record records=()
	while read -r record; do records+=(-dane_tlsa_rrdata "$record"); done \
		< <(transfer tlsa "$1.example.org" 2>/dev/null | grep -o "$2 [0-9a-f]*" | sort -u)
	[ ${#records[@]} -gt 0 ] || return 1
	openssl s_client -connect "127.0.0.1:$port" -no-CAfile -no-CApath -no-CAstore -verify_return_error \
		-dane_tlsa_domain "$1.example.org" "${records[@]}" </dev/null >"$WORK/openssl.log" 2>&1
}
for name in one two; do
	serve "$WORK/$name.pem" "$WORK/$name.key"
	ok "DANE-TA: $name" dane $name '2 0 1'
	ok "DANE-EE: $name" dane $name '3 1 1'
done

# ---- the new key's certificate renewed -------------------------------------------------

must ca renew-ca --days 4000 --out "$STICK" --yes
must transfer install "$STICK"
must transfer rotate
root_of renewed
cat "$WORK/second.pem" "$WORK/renewed.pem" >"$WORK/pair.pem"
SERVED=$WORK/two.pem
serve "$WORK/two.pem" "$WORK/two.key"
for roots in first second renewed pair; do
	believed "after the renewal, clients with $roots" "$WORK/$roots.pem" two.example.org
done

# ---- after the end of what was first ---------------------------------------------------

later=$(far 450)
must at "$later" ca clock accept --yes
must at "$later" transfer request --profile tls-server --new-key ec-p256 --name dns:three.example.org --out "$STICK"
must at "$later" ca sign "$STICK" --yes
must at "$later" transfer install "$STICK"
must at "$later" transfer deploy three.example.org --format fullchain --to "$WORK/three.pem" --key "$WORK/three.key"
SERVED=$WORK/three.pem
serve "$WORK/three.pem" "$WORK/three.key"
soon=$(far 451)
believed 'after the end: the renewed one' "$WORK/renewed.pem" three.example.org "$soon"
believed 'after the end: beside the ended one' "$WORK/pair.pem" three.example.org "$soon"
refused_by_all 'after the end: who has the ended one alone' "$WORK/second.pem" three.example.org "$soon"
refused_by_all 'after the end: who has the first root alone' "$WORK/first.pem" three.example.org "$soon"

# ---- a CA without room below: as rollover says -----------------------------------------

STICK=$(stick tight)
make_ca @tight --scope example.org --profiles tls-server --path-len 0
enrol_online @there
must transfer @there publish "$(mkdir "$WORK/web2" && echo "$WORK/web2")"
must transfer @there request --profile tls-server --new-key ec-p256 --name dns:first.example.org --out "$STICK"
must ca @tight sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer @there install "$STICK"
must openssl x509 -inform DER -in "$WORK/web2/ca.crt" -out "$WORK/tight.pem"
run ca @tight rollover --out "$STICK" --yes
says 'GnuTLS, mbed TLS or Go refuse new certificates; OpenSSL, NSS, Java and Erlang accept' 'rollover says who refuses'
must transfer @there install "$STICK"
must transfer @there request --profile tls-server --new-key ec-p256 --name dns:tight.example.org --out "$STICK"
must ca @tight sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer @there install "$STICK"
must transfer @there deploy tight.example.org --format fullchain --to "$WORK/t.pem" --key "$WORK/t.key"
SERVED=$WORK/t.pem
serve "$WORK/t.pem" "$WORK/t.key"
for client in tls nss; do
	ok "$client accepts" $client "$WORK/tight.pem" tight.example.org
done
for client in gnutls go_verify; do
	ok "$client refuses" refuse $client "$WORK/tight.pem" tight.example.org
done

done_testing
