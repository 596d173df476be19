#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# NSS's own client, which is that of Firefox and Thunderbird, believes a server with
# each kind of key, in TLS 1.2 and 1.3. Of an RSA key without keyEncipherment it does
# not, and that is what this test begins with.
. "$(dirname "$0")/../lib/lib.sh"
needs tstclnt libnss3-tools
needs certutil libnss3-tools

make_ca --scope example.org --profiles tls-server
enrol_online
must certutil -N -d "sql:$WORK" --empty-password
must certutil -A -d "sql:$WORK" -n ca -t C,, -i "$(home_of online)/ca.pem"
port=$((20000 + RANDOM % 20000))
server=
trap '[ -z "$server" ] || kill "$server"; leave' EXIT

# serve CERT KEY: s_server with it, until the next
serve() {
	[ -z "$server" ] || { kill "$server"; wait "$server" 2>/dev/null; }
	port=$((port + 1))
	openssl s_server -accept "127.0.0.1:$port" -cert "$1" -key "$2" -www >"$WORK/server.log" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
		sleep 0.1
	done
	fail 'the server listens' "$(cat "$WORK/server.log")"
	done_testing
}
# nss VERSION NAME: does NSS believe it? After the handshake it counts; its end
# is no answer, since it sometimes waits for more.
nss() {
	timeout 5 tstclnt -4 -Q -h 127.0.0.1 -a "$2" -p "$port" \
		-d "sql:$WORK" -V "$1:$1" </dev/null >"$WORK/nss.log" 2>&1
	grep -q 'stateless resumes' "$WORK/nss.log" && ! grep -q 'failed' "$WORK/nss.log"
}
# unbelieved VERSION NAME WHY: it does not, and says so
unbelieved() {
	! nss "$1" "$2" && grep -Eq -- "$3" "$WORK/nss.log"
}

for type in rsa-2048 rsa-3072 ec-p256 ec-p384; do
	name=$type.example.org
	must transfer request --profile tls-server --new-key "$type" --name "dns:$name" --out "$STICK"
	must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must transfer install "$STICK"
	must transfer deploy "$name" --format fullchain --to "$WORK/$type.pem" --key "$WORK/$type.key"
	serve "$WORK/$type.pem" "$WORK/$type.key"
	for version in tls1.2 tls1.3; do
		ok "NSS believes a server with $type in $version" nss $version "$name"
		ok "and not by another name ($type, $version)" \
			unbelieved $version other.example.org 'SSL_ERROR_BAD_CERT_DOMAIN|-12276'
	done
done

# What the shipped profiles had before, and a policy may still say.
must sed -i 's/^keyUsage = critical, digitalSignature, keyEncipherment/keyUsage = critical, digitalSignature/' \
	"$(home_of ca)/policy.conf"
must transfer request --profile tls-server --new-key rsa-2048 --name dns:bare.example.org --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
must transfer deploy bare.example.org --format fullchain --to "$WORK/bare.pem" --key "$WORK/bare.key"
serve "$WORK/bare.pem" "$WORK/bare.key"
for version in tls1.2 tls1.3; do
	ok "NSS refuses RSA without keyEncipherment in $version" \
		unbelieved $version bare.example.org 'SEC_ERROR_INADEQUATE_KEY_USAGE|-8102'
done

done_testing
