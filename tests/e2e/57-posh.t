#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What peers are told: POSH documents, TLSA records, a web root; each against what
# openssl says of the same certificates.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
make_ca --scope example.org --profiles xmpp,tls
enrol_online
WWW=$WORK/www
CERTS=$WORK/home-online/certs

must transfer request --profile xmpp-server --new-key ec-p256 --domain example.org \
	--host chat.example.org --series 3x31d+7d --out "$STICK"
must transfer request --profile tls-server --new-key rsa-2048 \
	--name dns:www.example.org --days 20 --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"

digest64() { openssl x509 -in "$1" -outform der | openssl dgst -sha256 -binary | base64; }
digest16() { openssl dgst -sha256 -r | cut -d' ' -f1; }
mapfile -t SLOTS < <(ls "$CERTS"/example.org/*.pem)

# ---- posh -------------------------------------------------------------------------

run transfer posh example.org
status 0 "a name has its POSH document"
is "$OUT" "{\"fingerprints\":[{\"sha-256\":\"$(digest64 "${SLOTS[0]}")\"},{\"sha-256\":\"$(digest64 "${SLOTS[1]}")\"}],\"expires\":86400}" \
	"of this slot's certificate and the next, as openssl digests them"
run at "$(openssl x509 -in "${SLOTS[1]}" -noout -startdate | sed 's/.*=//' | date -u -f - '+%F %T')" \
	transfer posh example.org
is "$(grep -o sha-256 <<<"$OUT" | wc -l)" 3 "in an overlap both, and the next"
run transfer posh www.example.org
is "$(json expires)" 3600 "where no next one is held it is kept for an hour"
run transfer posh nobody.example.org
status 7 "a name that is not held has none"
run transfer posh
status 2 "and a name is wanted"

# ---- tlsa -------------------------------------------------------------------------

spki() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform der | digest16; }
EE="3 1 1 $(spki "${SLOTS[0]}")"
TA="2 0 1 $(openssl x509 -in "$WORK/home-online/ca.pem" -outform der | digest16)"
run transfer tlsa example.org
status 0 "a name has its TLSA records"
is "$OUT" "_5222._tcp.chat.example.org. IN TLSA $EE
_5222._tcp.chat.example.org. IN TLSA $TA
_5269._tcp.chat.example.org. IN TLSA $EE
_5269._tcp.chat.example.org. IN TLSA $TA" "for its host: its key, once for the series, and the CA"
run transfer tlsa www.example.org --port 443 --host web.example.org --json
is "$(json records.0.owner)" "_443._tcp.web.example.org." "host and port are the operator's to say"
is "$(json records.0.data)" "$(spki "$CERTS"/www.example.org/*.pem)" "an RSA key as well"
is "$(json records.1.usage)" 2 "for programs too"
for port in 0 65536 5222x ''; do
	run transfer tlsa example.org --port "$port"
	status 2 "\"$port\" is no port"
done

# What a DANE client makes of it: openssl with the records, a server with the file.
must transfer deploy example.org --format pemfile --to "$WORK/server.pem"
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
openssl s_server -accept "127.0.0.1:$port" -cert "$WORK/server.pem" -cert_chain "$WORK/server.pem" \
	-key "$WORK/server.pem" -quiet >"$WORK/server.log" 2>&1 &
server=$!
dane() {
	openssl s_client -connect "127.0.0.1:$port" -dane_tlsa_domain chat.example.org \
		-dane_tlsa_rrdata "$1" -verify_return_error </dev/null 2>&1
}
until (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do kill -0 $server || break; done
like "$(dane "$EE")" 'Verification: OK' "openssl takes the server by its key's record"
like "$(dane "$TA")" 'Verification: OK' "and by the CA's"
unlike "$(dane "3 1 1 ${CA_HEX}")" 'Verification: OK' "by no other"
kill $server

# ---- publish ----------------------------------------------------------------------

run transfer publish "$WWW"
status 6 "a web root must be there"
(umask 022; mkdir "$WWW")
run transfer publish "$WWW" -n
status 0 "a dry run tells what would be"
is "$(ls -A "$WWW")" "" "and writes nothing"
run transfer publish "$WWW"
status 0 "it is published"
says '4 files written; POSH for dns:example.org' "for the one XMPP name"
POSH=$WWW/.well-known/posh
is "$(cat "$POSH/xmpp-client.json")" "$(transfer posh example.org 2>/dev/null)" "the document for clients"
ok "is that for servers" cmp "$POSH/xmpp-client.json" "$POSH/xmpp-server.json"
is "$(digest16 <"$WWW/ca.crt")" "$CA_HEX" "ca.crt is the CA certificate in DER"
ok "ca.pem the same in PEM" openssl x509 -in "$WWW/ca.pem" -noout
is "$(find "$WWW" -type d -not -perm 755)$(find "$WWW" -type f -not -perm 644)" \
	"$WWW/.ca.pem.airgap-home" "all for everybody to read, but which home keeps it"
nok 1 "where that lies is told to nobody" grep -q home-online "$WWW/.ca.pem.airgap-home"
before=$(find "$WWW" -type f -printf '%p %i\n')
run transfer publish "$WWW"
is "$(find "$WWW" -type f -printf '%p %i\n')" "$before" "what is right is not written again"
rm "$POSH/xmpp-client.json"
run transfer rotate --json
is "$(json published)" 1 "rotate puts right what is missing"
ok "it is there" test -s "$POSH/xmpp-client.json"

# Midway: all of it or nothing.
for way in dir link; do
	mkdir "$WORK/half"
	if [ $way = dir ]; then mkdir -p "$WORK/half/.well-known/posh/xmpp-server.json"
	else ln -s "$WORK" "$WORK/half/.well-known"; fi
	before=$(ls -AR "$WORK/half")
	run transfer publish "$WORK/half"
	status 6 "what cannot be published whole fails ($way)"
	is "$(ls -AR "$WORK/half")" "$before" "and leaves nothing of it"
	rm -r "$WORK/half"
done
# What others wrote.
mkdir "$WORK/half"
echo 'of another CA' >"$WORK/half/ca.pem"
freeze "$WORK/half"
run transfer publish "$WORK/half"
refused 7 DEPLOY-TAKEN 'half: ca.pem lies there, and was not published from here' \
	"a foreign ca.pem is not written over"
run transfer publish "$WORK/half" -n
refused 7 DEPLOY-TAKEN 'half: ca.pem lies there' "which the dry run says, too"
run transfer publish "$WORK/half" --take-over
status 0 "but by a word"
ok "then it is ours" cmp "$WORK/half/ca.pem" "$WWW/ca.pem"
must transfer publish --forget "$WORK/half"

rm -r "$WWW/.well-known"
mkdir "$WORK/outside"
ln -s "$WORK/outside" "$WWW/.well-known"
run transfer rotate
status 6 "a link within the web root is not followed"
is "$(ls -A "$WORK/outside")" "" "and nothing lands behind it"
rm "$WWW/.well-known"
ln -sf "$WORK/pin" "$WWW/ca.pem"
run transfer rotate
status 0 "a link in a file's place is replaced"
ok "by a file" test -f "$WWW/ca.pem" -a ! -L "$WWW/ca.pem"
is "$(cat "$WORK/pin")" "$PIN" "what it led to stays"

rm -r "$WWW"
run transfer rotate
status 6 "a web root that is gone is told"
run transfer publish --forget "$WWW"
status 0 "until it is forgotten"
run transfer publish --forget "$WWW"
status 7 "once"
must transfer request --profile xmpp-server --new-key ec-p256 --domain im.example.org \
	--host chat.example.org --days 20 --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
(umask 022; mkdir "$WWW")
run transfer publish "$WWW"
status 2 "of two XMPP names one must be said"
run transfer publish "$WWW" im.example.org
status 0 "then its documents are written"
is "$(json expires "$POSH/xmpp-server.json")" 3600 "of that name"

done_testing
