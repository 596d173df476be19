#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clients at prosody, ejabberd and jabberd2: the server's certificate by STARTTLS and by
# direct TLS, and logging in by a client certificate (SASL EXTERNAL).
. "$(dirname "$0")/xmpp.sh"

# The certificate of the servers, and those of people, which have a CA of their own.
xmpp_ca @server josefsson.org chat.sjd.se
obtain @server server --profile xmpp-server --new-key rsa-3744 --domain josefsson.org \
	--domain id.josefsson.org --host chat.sjd.se
xmpp_ca @people josefsson.org
obtain @people simon --profile xmpp-client --new-key ec-p256 --jid simon@josefsson.org
obtain @people id --profile xmpp-client --new-key rsa-2048 --jid simon@id.josefsson.org

# What no airgap-ca signs.
host=DNS:chat.sjd.se
hostile wrong "DNS:josefsson.com,$host"
hostile expired "DNS:expired.josefsson.org,$host" expired
hostile other "DNS:other.josefsson.org,$host" other
hostile tcp "$(srv _xmpp-client._tcp.tcp.josefsson.org),$host"
hostile service "$(srv _xmpp-server.service.josefsson.org),$host"
faults=(wrong expired other tcp service)
xmpp_addr() { echo "otherName:1.3.6.1.5.5.7.8.5;UTF8:$1"; }
for domain in josefsson.org id.josefsson.org; do
	hostile "$domain-abroad" "$(xmpp_addr simon@josefsson.com)"
	hostile "$domain-expired" "$(xmpp_addr "simon@$domain")" expired
	hostile "$domain-other" "$(xmpp_addr "simon@$domain")" other
	hostile "$domain-good" "$(xmpp_addr "simon@$domain")"
done
cat "$WORK"/{server-ca,hostile-ca}.pem >"$WORK/trust.pem"
cat "$WORK"/{people-ca,hostile-ca}.pem >"$WORK/people-trust.pem"

prosody_host login josefsson.org server
for fault in "${faults[@]}"; do prosody_host login "$fault.josefsson.org" "$fault"; done
prosody_host login id.josefsson.org server
prosody_start login 127.0.0.1 <<LUA
VirtualHost "id.josefsson.org"
	authentication = "ccert"
	certificate_match = "xmppaddr"
	c2s_ssl = {
		cafile = "$WORK/people-trust.pem";
		capath = "/nonexistent";
		verify = { "peer" };
		verifyext = { lsec_ignore_purpose = false };
	}
LUA
ejabberd_start 127.0.0.3 <<YAML
hosts: [josefsson.org]
certfiles: [$WORK/server.pem]
listen:
  - { port: 5222, ip: 127.0.0.3, module: ejabberd_c2s, starttls_required: true, access: all,
      tls_verify: true, cafile: $WORK/people-trust.pem }
  - { port: 5223, ip: 127.0.0.3, module: ejabberd_c2s, tls: true, access: all }
  - { port: 5224, ip: 127.0.0.3, module: ejabberd_c2s, starttls_required: true, access: all,
      tls_verify: true, cafile: $WORK/server-ca.pem }
  - { port: 5269, ip: 127.0.0.3, module: ejabberd_s2s_in }
  - { port: 5280, ip: 127.0.0.3, module: ejabberd_http, request_handlers: { /api: mod_http_api } }
api_permissions:
  reload: { who: { ip: 127.0.0.0/8 }, what: [reload_config] }
YAML
jabberd2_start 127.0.0.4 josefsson.org <<XML
<id realm='josefsson.org' require-starttls='true'
	pemfile='$WORK/server.pem' cachain='$WORK/server-ca.pem'>josefsson.org</id>
XML

# ---- the server's certificate --------------------------------------------------------------

# looks ADDRESS DOMAIN [direct]: what openssl makes of it
looks() {
	local how=(-connect "$1:5222" -starttls xmpp -xmpphost "$2")
	[ -z "${3:-}" ] || how=(-connect "$1:5223" -alpn xmpp-client)
	run timeout 60 openssl s_client "${how[@]}" -servername "$2" -verify_hostname "$2" \
		-CAfile "$WORK/trust.pem" -no-CApath -no-CAstore -x509_strict \
		-verify_return_error -showcerts
}
for one in prosody=127.0.0.1 ejabberd=127.0.0.3 jabberd2=127.0.0.4; do
	name=${one%=*} address=${one#*=}
	looks "$address" josefsson.org
	status 0 "$name: openssl verifies the certificate after STARTTLS"
	prints 'Verified peername: josefsson\.org' "$name: for the domain"
	is "$(grep -c BEGIN "$WORK/out")" 2 "$name: the certificate of the CA is sent along"
	looks "$address" josefsson.org direct
	status 0 "$name: and by direct TLS"
	prints 'Verified peername: josefsson\.org' "$name: for the domain"
	run client send "alice@josefsson.org/$address,ca=$WORK/server-ca.pem" \
		"bob@josefsson.org/$address,direct,ca=$WORK/server-ca.pem"
	is "$OUT" arrived "$name: a message goes from one way in to the other"
done
# ---- the next certificate, by each server's own way to take it up ----------------------------------

presented() { # ADDRESS
	openssl s_client -connect "$1:5222" -starttls xmpp -xmpphost josefsson.org \
		-servername josefsson.org </dev/null 2>/dev/null | openssl x509 -noout -serial
}
presents() { [ "$(presented "$1")" = "$2" ]; }
old=$(presented 127.0.0.1)
obtain @server server --profile xmpp-server --new-key rsa-2048 --domain josefsson.org \
	--domain id.josefsson.org --host chat.sjd.se
new=$(openssl x509 -in "$WORK/server.crt" -noout -serial)
isnt() { [ "$1" != "$2" ]; }
ok 'there is a new one' isnt "$old" "$new"
# Of all files that have the domain prosody takes any: none of the old may stay.
prosody_host login josefsson.org server
prosody_host login id.josefsson.org server
kill -HUP "${PIDS[0]}"
until_true 'prosody presents the next after SIGHUP' presents 127.0.0.1 "$new"
pass 'prosody presents the next after SIGHUP (systemctl reload prosody)'
must "$PYTHON" -c 'import urllib.request as u
u.urlopen(u.Request("http://127.0.0.3:5280/api/reload_config", b"{}", {"Content-Type": "application/json"}))'
until_true 'ejabberd presents the next after reload_config' presents 127.0.0.3 "$new"
pass 'ejabberd presents the next after reload_config (systemctl reload ejabberd)'
kill -HUP "${JABBERD2[c2s]}"
until_true 'c2s of jabberd2 is told' grep -q 'reloading some configuration' "$WORK/jabberd2/c2s.log"
is "$(presented 127.0.0.4)" "$old" 'jabberd2 keeps the old one at SIGHUP'
jabberd2_part c2s 'ready for connections'
is "$(presented 127.0.0.4)" "$new" 'and has the next when its c2s is started again'

declare -A reason=([expired]='certificate has expired' [other]='(unable to|self.signed)')
for fault in "${faults[@]}"; do
	looks 127.0.0.1 "$fault.josefsson.org"
	is "$STATUS" 1 "openssl refuses: $fault"
	like "$OUT$ERR" "${reason[$fault]:-hostname mismatch}" "and says why"
	run client login "alice@$fault.josefsson.org/127.0.0.1,ca=$WORK/trust.pem"
	like "$OUT" "^refused certificate: .*(${reason[$fault]:-Hostname mismatch})" \
		"a client refuses: $fault"
done

# ---- people's certificates ---------------------------------------------------------------------

# enters DESC WHO	refused DESC WHO WHY
enters() {
	run client login "$2"
	like "$OUT" "^${2%%/*}/" "$1"
}
stays_out() {
	run client login "$2"
	like "$OUT" "^refused .*($3)" "$1"
}
# What does not verify, the older prosody lets into the stream, the newer does not.
unverified='EXTERNAL: |tls .*(EXPIRED|UNKNOWN_CA)|connection'
id=simon@id.josefsson.org/127.0.0.1
ej=simon@josefsson.org/127.0.0.3
cert() { echo "cert=$WORK/$1.pem"; }

enters 'prosody: in by certificate' "$id,$(cert id)"
enters 'prosody: and when the identity is asked for' "$id,$(cert id),authzid=simon@id.josefsson.org"
stays_out 'prosody: not as somebody else' "$id,$(cert id),authzid=bob@id.josefsson.org" 'EXTERNAL: '
enters 'prosody: what just passes' "$id,$(cert id.josefsson.org-good)"
stays_out 'prosody: not with an address of another domain' "$id,$(cert id.josefsson.org-abroad)" 'EXTERNAL: '
stays_out 'prosody: not with that of another host of the same CA' "$id,$(cert simon)" 'EXTERNAL: '
stays_out 'prosody: not expired' "$id,$(cert id.josefsson.org-expired)" "$unverified"
stays_out 'prosody: not of another CA' "$id,$(cert id.josefsson.org-other)" "$unverified"
stays_out "prosody: not with the server's own" "$id,$(cert server)" "$unverified"

enters 'ejabberd: in by certificate' "$ej,$(cert simon)"
enters 'ejabberd: and when the identity is asked for' "$ej,$(cert simon),authzid=simon@josefsson.org"
stays_out 'ejabberd: not as somebody else' "$ej,$(cert simon),authzid=bob@josefsson.org" 'EXTERNAL: '
enters 'ejabberd: what just passes' "$ej,$(cert josefsson.org-good)"
stays_out 'ejabberd: not with an address of another domain' "$ej,$(cert josefsson.org-abroad)" 'EXTERNAL: '
stays_out 'ejabberd: not with that of another host of the same CA' "$ej,$(cert id)" 'EXTERNAL: '
stays_out 'ejabberd: not expired' "$ej,$(cert josefsson.org-expired)" 'EXTERNAL: '
stays_out 'ejabberd: not of another CA' "$ej,$(cert josefsson.org-other)" 'EXTERNAL: '
stays_out "ejabberd: not with the server's own" "$ej,$(cert server),authzid=bob@josefsson.org" 'EXTERNAL: '
run client login "bob@josefsson.org/127.0.0.3,port=5224,$(cert server),authzid=bob@josefsson.org"
like "$OUT" '^bob@josefsson\.org/' \
	"ejabberd: which is why people have a CA of their own: under one CA the server's is anyone's"

done_testing
