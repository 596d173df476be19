#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Servers that check CRLs take the next slot's from `deploy`: whoever was good stays so at
# once, and whoever is revoked in it is refused. nginx, HAProxy, stunnel, OpenVPN, and
# LuaSec as prosody uses it.
. "$(dirname "$0")/../lib/lib.sh"
needs nginx nginx-light
needs haproxy haproxy
needs stunnel4 stunnel4
needs openvpn openvpn
needs lua5.4 lua5.4
lua5.4 -e "require [[ssl]]" 2>/dev/null || needs lua-sec lua-sec
needs openssl openssl
make_known_ca --scope example.org --profiles tls
enrol_online
H=$(home_of online)
SRV=$WORK/srv
umask 022
mkdir "$SRV" "$SRV/crls" "$WORK/tmp"	# nginx gives the last away
chmod 755 "$WORK"
must transfer request --profile tls-server --new-key ec-p256 --name dns:localhost.example.org --out "$STICK"
for name in good bad; do
	must transfer request --profile tls-client --new-key ec-p256 --name "dns:$name.example.org" --out "$STICK"
done
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
for name in localhost good bad; do
	must transfer deploy $name.example.org --format fullchain --to "$SRV/$name.pem" --key "$SRV/$name.key"
done
must transfer deploy localhost.example.org --format pemfile --to "$SRV/both.pem"
BAD=$(openssl x509 -in "$SRV/bad.pem" -noout -serial | sed 's/.*=//')
NOW=$(date +%s)
put() {
	must "$PYTHON" -W ignore "$TOP/tests/tools/put_crl.py" "$H/store.db" "$H/ca.pem" "$WORK/ca-key.key" \
		"$1" "$2" $((NOW + 40 * 86400)) "${@:3}"
}
put 10 $((NOW - 90000))
base=$((20000 + RANDOM % 20000))
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; leave' EXIT
listens() {
	for _ in $(seq 100); do
		(: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.1
	done
	fail "$2 listens" "$(cat "$WORK/$2.log")"
}

# ---- the servers ------------------------------------------------------------------

must transfer deploy --format crl --to "$SRV/nginx.crl" --reload "sh -c '[ ! -e $WORK/nginx.pid ] || kill -HUP \$(cat $WORK/nginx.pid)'"
must transfer deploy --format crl --to "$SRV/haproxy.crl" --reload "sh -c '[ ! -e $WORK/haproxy.pid ] || kill -USR2 \$(cat $WORK/haproxy.pid)'"
must transfer deploy --format crl --to "$SRV/openvpn.crl"
must transfer deploy --format crl-dir --to "$SRV/crls"
must transfer deploy --format ca+crl --to "$SRV/ca-crl.pem"

cat >"$WORK/nginx.conf" <<CONF
pid $WORK/nginx.pid;
error_log $WORK/nginx.log;
events { }
http {
	access_log off;
	client_body_temp_path $WORK/tmp; proxy_temp_path $WORK/tmp; fastcgi_temp_path $WORK/tmp;
	uwsgi_temp_path $WORK/tmp; scgi_temp_path $WORK/tmp;
	server {
		listen 127.0.0.1:$((base + 1)) ssl;
		ssl_certificate $SRV/localhost.pem; ssl_certificate_key $SRV/localhost.key;
		ssl_client_certificate $H/ca.pem; ssl_verify_client on;
		ssl_crl $SRV/nginx.crl;
		location / { return 200 "welcome\n"; }
	}
}
CONF
nginx -c "$WORK/nginx.conf" -g 'daemon off;' >"$WORK/nginx.out" 2>&1 &
pids+=($!)
cat >"$WORK/haproxy.cfg" <<CONF
global
	pidfile $WORK/haproxy.pid
defaults
	mode http
	timeout client 5s
	timeout server 5s
	timeout connect 5s
frontend f
	bind 127.0.0.1:$((base + 2)) ssl crt $SRV/both.pem ca-file $H/ca.pem verify required crl-file $SRV/haproxy.crl
	http-request return status 200 content-type text/plain string welcome
CONF
haproxy -W -f "$WORK/haproxy.cfg" -p "$WORK/haproxy.pid" >"$WORK/haproxy.log" 2>&1 &
pids+=($!)
cat >"$WORK/stunnel.conf" <<CONF
foreground = yes
pid =
output = $WORK/stunnel.log
[web]
accept = 127.0.0.1:$((base + 3))
connect = 127.0.0.1:$((base + 9))
cert = $SRV/both.pem
CAfile = $H/ca.pem
CRLpath = $SRV/crls
verifyChain = yes
CONF
stunnel4 "$WORK/stunnel.conf" >"$WORK/stunnel.out" 2>&1 &
pids+=($!)
"$PYTHON" - $((base + 9)) <<'PY' >"$WORK/web.log" 2>&1 &
import http.server, sys
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"welcome\n")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Web).serve_forever()
PY
pids+=($!)
# As prosody's net.server does: an unverified peer is told, and not cut off.
cat >"$WORK/server.lua" <<'LUA'
local socket, ssl = require "socket", require "ssl"
local port, srv, ca = arg[1], arg[2], arg[3]
local listener = assert(socket.bind("127.0.0.1", port))
while true do
	local client = listener:accept()
	client:settimeout(5)
	local conn = ssl.wrap(client, assert(ssl.newcontext{ mode = "server", protocol = "tlsv1_2",
		certificate = srv .. "/localhost.pem", key = srv .. "/localhost.key", cafile = ca,
		verify = { "peer", "client_once" }, verifyext = { "lsec_continue", "crl_check" } }))
	if conn and conn:dohandshake() then
		conn:send(conn:getpeerverification() and "HTTP/1.0 200 OK\r\n\r\nwelcome\n" or "HTTP/1.0 403 no\r\n\r\nunverified\n")
		conn:close()
	else
		client:close()
	end
end
LUA
lua5.4 "$WORK/server.lua" $((base + 4)) "$SRV" "$SRV/ca-crl.pem" >"$WORK/lua.log" 2>&1 &
pids+=($!)
openvpn --dev null --tls-server --proto tcp-server --local 127.0.0.1 --port $((base + 5)) --dh none \
	--ca "$H/ca.pem" --cert "$SRV/localhost.pem" --key "$SRV/localhost.key" --crl-verify "$SRV/openvpn.crl" \
	--verb 3 --ping 1 --ping-restart 3 --persist-tun >"$WORK/openvpn.log" 2>&1 &
pids+=($!)
listens $((base + 1)) nginx
listens $((base + 2)) haproxy
listens $((base + 3)) stunnel
listens $((base + 9)) web
listens $((base + 4)) lua

# ---- the clients ------------------------------------------------------------------

web() {
	{ printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n'; sleep 1; } |
		timeout 10 openssl s_client -connect "127.0.0.1:$((base + $1))" -CAfile "$H/ca.pem" -tls1_2 \
			-cert "$SRV/$2.pem" -key "$SRV/$2.key" -quiet 2>&1 | grep -q '^welcome'
}
# A server of one peer, which takes the next when that has gone.
vpn() {
	local seen
	for _ in 1 2 3; do
		timeout 6 openvpn --dev null --tls-client --proto tcp-client --remote 127.0.0.1 $((base + 5)) \
			--nobind --ca "$H/ca.pem" --cert "$SRV/$1.pem" --key "$SRV/$1.key" --verb 3 --ping 1 \
			--connect-retry 1 >"$WORK/vpn.log" 2>&1
		seen=$(grep -c 'Initialization Sequence Completed' "$WORK/vpn.log")
		[ "$seen" = 0 ] || return 0
		[ "$2" = bad ] && return 1
	done
	return 1
}

for who in good bad; do
	ok "nginx takes $who before it is revoked" web 1 $who
	ok "HAProxy takes $who" web 2 $who
	ok "stunnel takes $who" web 3 $who
	ok "LuaSec verifies $who" web 4 $who
	ok "OpenVPN takes $who" vpn $who good
done

put 12 $((NOW - 4000)) "$BAD"
run transfer rotate --within 1h
status 0 "the next slot's CRL is deployed"
sleep 1
# A reload takes a moment, in which the old workers answer.
settled() {
	for _ in $(seq 20); do
		web "$1" bad || return 0
		sleep 0.3
	done
	return 1
}
for server in 1:nginx 2:HAProxy 3:stunnel; do
	ok "${server#*:} refuses who is revoked in it" settled "${server%:*}"
	ok "${server#*:} takes who is good, at once" web "${server%:*}" good
done
# A server of one peer has begun the next session, with the CRL of then, while nobody
# was there; and in TLS 1.3 the client is through before the server looks at it.
vpn good good
vpn bad bad
like "$(cat "$WORK/openvpn.log")" 'VERIFY.*certificate revoked|revoked' \
	"OpenVPN refuses who is revoked in it, without a reload"
ok "and takes who is good" vpn good good
# A context is made anew when prosody reloads, here for each connection.
nok 1 "LuaSec does not verify who is revoked, with the CRL in its cafile and crl_check" web 4 bad
ok "but who is good" web 4 good

done_testing
