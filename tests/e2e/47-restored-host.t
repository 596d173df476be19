#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A server that is put back to an older copy of itself: it takes what the CA answered
# meanwhile, proven, says what happened, and goes on. Nobody burns certificates on it.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
make_ca --scope example.org --profiles tls-server,xmpp-server
enrol_online
ONLINE=$(home_of online)

visit() { # ARG...: asked, signed, installed
	run transfer request --profile xmpp-server "$@" --out "$STICK" --json
	[ "$STATUS" = 0 ] || fail "preparation: request"
	must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	run transfer install "$STICK"
	[ "$STATUS" = 0 ] || fail "preparation: install"
}
signed() { ca list --json 2>/dev/null | grep -o '"serial"' | wc -l; }

csr_openssl own ec-p256 /CN=own.example.org DNS:own.example.org
visit --new-key ec-p256 --domain a.example.org
must transfer request "$WORK/own.csr" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
must cp -a "$ONLINE" "$WORK/snapshot"
must transfer deploy a.example.org --format pemfile --to "$WORK/a.pem"

# ---- what happens after the copy was made ----------------------------------------------------

visit --new-key ec-p256 --domain b.example.org --series 3x31d+7d
KEY_B=$(echo "$ONLINE"/keys/b.example.org-*.pem)
visit --new-key ec-p256 --domain c.example.org
KEY_C=$(echo "$ONLINE"/keys/c.example.org-*.pem)
must cp "$KEY_C" "$WORK/c.key"
must transfer request "$WORK/own.csr" --profile tls-server --days 20 --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"

# ---- put back --------------------------------------------------------------------------------

rm -rf "$ONLINE"
must cp -a "$WORK/snapshot" "$ONLINE"
must cp -p "$WORK/c.key" "$KEY_C" # this one had a copy, that of b had none
before=$(signed)
freeze "$ONLINE"
run transfer verify "$STICK" --json
status 0 "what follows its head is proven"
is "$(json not_asked_for)" 3 "though nothing here asked for it"
unchanged "and nothing is stored by that"
run transfer install "$STICK"
status 0 "install takes it"
is "$(grep -c 'not asked for by this store' <<<"$ERR")" 3 "says of each what it is"
says 'warning +this host was restored from an older copy: 3 responses answer what it does not remember' \
	"that this host was restored"
says 'The key of 3 certificates is not here' "and what that cost"
run transfer list --json
is "$("$PYTHON" -c '
import json, sys
for c in json.load(open(sys.argv[1]))["certificates"]:
    print(c["names"][0], c["status"], c["unused"])' "$WORK/out" | sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
	" 1 dns:a.example.org valid None; 3 dns:b.example.org unused key not here; 1 dns:c.example.org valid None; 1 dns:own.example.org replaced None; 1 dns:own.example.org valid None;" \
	"a certificate whose key is not here is listed and not used"
run transfer deploy b.example.org --format pemfile --to "$WORK/b.pem"
status 7 "nor deployed"
nok 1 "to no file" test -e "$WORK/b.pem"
run transfer deploy c.example.org --format pemfile --to "$WORK/c.pem"
status 0 "one whose key is here is"
is "$(openssl pkey -in "$WORK/c.pem" -pubout)" "$(openssl x509 -in "$WORK/c.pem" -noout -pubkey)" "and fits"
run transfer deploy own.example.org --format fullchain --to "$WORK/own.pem" --key "$WORK/own.key"
status 0 "so is one of a CSR that was granted before"
freeze "$ONLINE"
run transfer install "$STICK"
status 0 "the same once more"
quiet 'warning|not asked' "is nothing new"
unchanged "and changes nothing"

# ---- everything goes on ----------------------------------------------------------------------

# A host that is put back twice goes by the second of the newest answer: not by the same.
sleep 1.1
visit --new-key ec-p256 --domain b.example.org --series 3x31d+7d
quiet 'not asked|restored' "then the next request is one like any other"
run transfer deploy b.example.org --format pemfile --to "$WORK/b.pem"
status 0 "what was lost is asked anew"
is "$(signed)" "$((before + 3))" "and nothing was signed twice on the way"
run transfer status
quiet 'not answered yet' "no bundle is left open"

# ---- asked before it was known ---------------------------------------------------------------

# The copy again; this time it asks first, and the CA's answer comes with all it missed.
rm -rf "$ONLINE"
must cp -a "$WORK/snapshot" "$ONLINE"
rm -rf "$STICK/airgap-ca/responses"
must ca resend "$STICK" --requester online --from 1
run transfer install "$STICK"
status 0 "what the CA writes again is taken as well"
says 'restored from an older copy: 4 responses' "all of it"
visit --new-key ec-p256 --domain d.example.org
run transfer deploy d.example.org --format pemfile --to "$WORK/d.pem"
status 0 "and it goes on"

# ---- what the server has and the copy has not ----------------------------------------------------

# The copy's key is replaced by a newer one, which the servers' files alone have afterwards.
DEPLOYED=$WORK/deployed
mkdir "$DEPLOYED"
must sh -c "umask 077; echo changeit >'$WORK/pass'"
visit --new-key ec-p256 --domain k.example.org
must transfer deploy k.example.org --format pemfile --to "$DEPLOYED/s.pem"
must transfer deploy k.example.org --format fullchain --to "$DEPLOYED/c.pem" --key "$DEPLOYED/k.pem"
must transfer deploy k.example.org --format p12 --to "$DEPLOYED/s.p12" --pass-source "$WORK/pass"
must cp -a "$ONLINE" "$WORK/snapshot3"
visit --new-key ec-p256 --domain k.example.org
must transfer rotate --within 1d
rm -rf "$ONLINE"
must cp -a "$WORK/snapshot3" "$ONLINE"
freeze "$DEPLOYED"
run transfer rotate --within 1d
status 7 "a rotation of the copy does not bring a replaced key back"
says 's.pem: holds a private key that is not in this home: .*move that file away' "says what it left"
says 'k.pem: holds a private key that is not in this home' "in a file of its own, too"
says 's.p12: is not as it was written from here, and may hold a newer key' "and in PKCS#12"
unchanged "and the newer one stays where it is"
run transfer rotate --within 1d -n
status 7 "a rotation that only looks says so as well"
run transfer install "$STICK"
status 0 "what answers the lost request is installed"
run transfer rotate --within 1d
status 7 "and the key is still nowhere else"
must transfer request --profile xmpp-server --new-key ec-p256 --domain k.example.org --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
mkdir "$WORK/aside"
must mv "$DEPLOYED"/s.pem "$DEPLOYED"/k.pem "$DEPLOYED"/s.p12 "$WORK/aside"
run transfer rotate --within 1d
status 0 "once they are moved away it goes on"
is "$(openssl pkey -in "$DEPLOYED/s.pem" -pubout)" \
	"$(openssl x509 -in "$DEPLOYED/c.pem" -noout -pubkey)" "with the newest key in each"
ok "PKCS#12 as well" openssl pkcs12 -in "$DEPLOYED/s.p12" -passin pass:changeit -nokeys -noout
# Typed, it is somebody's word.
must cp "$WORK/aside/s.pem" "$DEPLOYED/s.pem"
run transfer rotate --within 1d
status 7 "a key that somebody else put there is left as well"
run transfer deploy k.example.org --format pemfile --to "$DEPLOYED/s.pem"
status 0 "until somebody types what shall be there"
run transfer rotate --within 1d
status 0 "and then all is well"

# ---- proven in full --------------------------------------------------------------------------

must cp -a "$ONLINE" "$WORK/snapshot2"
visit --new-key ec-p256 --domain e.example.org
rm -rf "$ONLINE"
must cp -a "$WORK/snapshot2" "$ONLINE"
last=$(ls -d "$STICK"/airgap-ca/responses/*/ | tail -1)
pem=$(ls "$last"*.pem | grep -v '/ca.pem' | head -1)
must cp "$pem" "$WORK/good.pem"
sed -i 's/^\(MII..\)./\1Z/' "$pem"
freeze "$ONLINE"
run transfer install "$STICK"
refused 3 MANIFEST-FILES 'is not the file that the manifest lists' "a file that was changed is refused"
must cp "$WORK/good.pem" "$pem"
run transfer install "$STICK"
status 0 "and the good one is taken"

done_testing
