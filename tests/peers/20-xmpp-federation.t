#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Federation: prosody with prosody and with ejabberd, both ways, with no dialback and
# certificates required. What counts is whether a message arrives.
. "$(dirname "$0")/xmpp.sh"

# Two organisations, each with a CA of its own; the second runs both other servers.
xmpp_ca @sjd josefsson.org chat.sjd.se
obtain @sjd josefsson --profile xmpp-server --new-key ec-p256 \
	--domain josefsson.org --host chat.sjd.se
xmpp_ca @net example.net example.com
obtain @net net --profile xmpp-server --new-key rsa-3072 \
	--domain example.net --host xmpp.example.net
obtain @net com --profile xmpp-server --new-key ec-p384 \
	--domain example.com --host xmpp.example.com

# What no airgap-ca signs, at domains of the second server. Both sides trust the
# hostile CA, so that nothing but the fault is to blame.
host=DNS:xmpp.example.net
hostile wrong "DNS:wrong.example.org,$host"
hostile expired "DNS:expired.example.net,$host" expired
hostile other "DNS:other.example.net,$host" other
hostile tcp "$(srv _xmpp-server._tcp.tcp.example.net),$host"
hostile service "$(srv _xmpp-client.service.example.net),$host"
# And what just passes: the right service, though without the domain as a DNS name.
hostile srv "$(srv _xmpp-server.srv.example.net),$host"
faults=(wrong expired other tcp service)
cat "$WORK"/{sjd-ca,net-ca,hostile-ca}.pem >"$WORK/trust.pem"

below=()
for fault in "${faults[@]}" srv; do below+=("$fault.example.net:xmpp.example.net"); done
resolver chat.sjd.se=127.0.0.1 xmpp.example.net=127.0.0.2 xmpp.example.com=127.0.0.3 \
	josefsson.org:chat.sjd.se example.net:xmpp.example.net example.com:xmpp.example.com "${below[@]}"

prosody_host sjd josefsson.org josefsson
prosody_host net example.net net
for fault in "${faults[@]}" srv; do prosody_host net "$fault.example.net" "$fault"; done
prosody_start sjd 127.0.0.1 <<<"s2s_ssl = { cafile = \"$WORK/trust.pem\" }"
prosody_start net 127.0.0.2 <<<"s2s_ssl = { cafile = \"$WORK/trust.pem\" }"
ejabberd_start 127.0.0.3 <<YAML
hosts: [example.com]
certfiles: [$WORK/com.pem]
ca_file: $WORK/trust.pem
s2s_cafile: $WORK/trust.pem
s2s_use_starttls: required
listen:
  - { port: 5222, ip: 127.0.0.3, module: ejabberd_c2s, starttls_required: true, access: all }
  - { port: 5223, ip: 127.0.0.3, module: ejabberd_c2s, tls: true, access: all }
  - { port: 5269, ip: 127.0.0.3, module: ejabberd_s2s_in }
YAML

alice=alice@josefsson.org/127.0.0.1
com=alice@example.com/127.0.0.3
net() { echo "bob@${1:+$1.}example.net/127.0.0.2"; }

arrives() { # DESC FROM TO
	run client send "$2" "$3"
	is "$OUT" arrived "$1"
}
# bounces DESC FROM TO WHY: and for this reason. To the side that it does not let in
# ejabberd says less than to its own log.
bounces() {
	local domain=${2#*@}
	run client send "$2" "$3"
	case $OUT in
	*'Could not authenticate to remote server')
		line="Failed inbound s2s EXTERNAL authentication ${domain%/*} "
		until_true "ejabberd says what it has against $domain" \
			grep -q "$line" "$WORK/ejabberd/log"
		OUT="bounced: $(grep "$line" "$WORK/ejabberd/log" | tail -1)"
		;;
	esac
	like "$OUT" "^bounced.*($4)" "$1"
}

# ---- as it should be ------------------------------------------------------------------

arrives 'prosody to prosody' "$alice" "$(net)"
arrives 'and back' "$(net)" "$alice"
arrives 'prosody to ejabberd' "$alice" "$com"
arrives 'and back' "$com" "$alice"
arrives 'the other prosody to ejabberd' "$(net)" "$com"
arrives 'and back' "$com" "$(net)"

# ---- what is refused --------------------------------------------------------------------

declare -A what=(
	[wrong]='a certificate of another domain'
	[expired]='an expired certificate'
	[other]='a certificate of another CA'
	[tcp]='an SRV-ID with _tcp'
	[service]='an SRV-ID of the wrong service'
)
declare -A reason=(
	[expired]='certificate has expired'
	[other]='not trusted|unable to|self.signed'
)
for fault in "${faults[@]}"; do
	why=${reason[$fault]:-not valid for this name|host name mismatch}
	bounces "prosody does not talk to ${what[$fault]}" "$alice" "$(net "$fault")" "$why"
	bounces 'nor lets it talk' "$(net "$fault")" "$alice" "$why"
	bounces "ejabberd does not talk to ${what[$fault]}" "$com" "$(net "$fault")" "$why"
	bounces 'nor lets it talk' "$(net "$fault")" "$com" "$why"
done

# ---- why both kinds of name are in every certificate ----------------------------------------

arrives 'prosody takes an SRV-ID alone' "$alice" "$(net srv)"
arrives 'in both directions' "$(net srv)" "$alice"
bounces 'ejabberd knows no SRV-ID: the domain must be a DNS-ID too' "$com" "$(net srv)" \
	'host name mismatch'
bounces 'in both directions' "$(net srv)" "$com" 'host name mismatch'

done_testing
