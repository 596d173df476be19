#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Histories that the CA's own transfer key signed and that cannot be true, and
# transfer keys that came into force after the backup was made.
. "$(dirname "$0")/../lib/lib.sh"
needs pkcs11-tool opensc

# ---- a CA whose transfer key the test knows -----------------------------------------

make_known_ca
declare -A KEY
for name in web mail; do
	must csr_openssl $name ec-p256 /CN=$name.example.org DNS:$name.example.org
	enrol_online @$name
	KEY[$name]=$REQUESTER_HEX
done

# visit CA-HOME NAME...: a fresh stick goes to the CA and back, to each of them.
visit() {
	local home=$1 name
	shift
	rm -rf "$STICK/airgap-ca/requests" "$STICK/airgap-ca/responses"
	for name; do
		must transfer @$name request "$WORK/$name.csr" --profile tls-server \
			--out "$STICK"
	done
	run ca "@$home" sign "$STICK" --yes --expect "${KEY[web]}" \
		--expect "${KEY[mail]}"
	[ "$STATUS" = 0 ] || return
	for name; do
		run transfer @$name install "$STICK"
		[ "$STATUS" = 0 ] || return
	done
}
# new_key CA-HOME: a transfer key whose predecessors are gone from the token
new_key() {
	lose_transfer_keys
	must ca "@$1" transfer-key --key-type ec-p256 --out "$STICK" --yes
}
# restored HOME: the backup of then, with the token as it is now
restored() {
	rm -rf "$WORK/home-$1"
	must ca "@$1" restore "$WORK/old.db" --yes --token "$(uri ca)"
}

visit ca web mail
status 0 "a first visit"
must ca backup "$WORK/old.db"
visit ca web
visit ca web
status 0 "two more after the backup"
must transfer @web history --out "$STICK"
HISTORY=$STICK/airgap-ca/history
WEB=$HISTORY/${CA_HEX:0:8}-${KEY[web]:0:8}
restored new

# ---- what the CA signed and cannot have meant ----------------------------------------

spoilt=$(stick spoilt)
# forge NUMBER PYTHON: that manifest, changed and signed by the transfer key
forge() {
	rm -rf "$spoilt/airgap-ca"
	must mkdir -p "$spoilt/airgap-ca"
	must cp -a "$HISTORY" "$spoilt/airgap-ca/history"
	SWEB=$spoilt/airgap-ca/history/${WEB##*/}
	must cose --key "$WORK/transfer-key.key" "$WEB/$1/manifest.cose" \
		"$SWEB/$1/manifest.cose" "$2"
}
not_taken() { # STATUS RULE REGEX DESC
	freeze "$spoilt"
	run ca @new recover "$spoilt" --yes
	refused "$@"
}
# left RULE REGEX DESC: it is named with its rule, and what is before it comes back.
left() {
	freeze "$spoilt"
	run ca @new recover -n "$spoilt" --json
	status 1 "$3 is left"
	like "$(json left)" "\"rule\": \"($1)\", \"reason\": \"[^\"]*($2)" 'by its rule'
	like "$(json responses)" '"sequence": 2' 'and the one before it comes back'
	is "$(json signs)" false 'but the CA signs no sooner for it'
	unchanged 'all of it a dry run'
}
# payload NUMBER KEY: of a manifest, as Python
payload() {
	"$PYTHON" -c 'import cbor2, sys
print(repr(cbor2.loads(cbor2.load(open(sys.argv[1], "rb")).value[2])[int(sys.argv[2])]))' \
		"$WEB/$1/manifest.cose" "$2"
}

forge 000003 'pass'
run ca @new recover "$spoilt" -n
status 0 "signed once more it is as good as before"
forge 000003 'p[4] = bytes(32)'
left PREVIOUS "000003: does not continue number 2" "another response before it"
forge 000003 'del p[4]'
left CBOR-SCHEMA "000003: .*missing" "none before it"
forge 000003 "p[12] = $(payload 000002 12)"
left LEDGER-COUNT "000003: made over no more records than number 2" \
	"a ledger that did not grow"
forge 000003 "p[12] = [$(payload 000002 12)[0], bytes(32)]"
not_taken 7 FORK "two ledgers have signed" "two ledgers of one length"
forge 000003 "p[12] = [1, p[12][1]]"
not_taken 7 FORK "made when the ledger had 1 records" "one from before the backup"
forge 000003 "p[8] = $(payload 000001 8)"
must cp "$WEB"/000001/0001-*.pem "$SWEB"/000003/
left REGAINED-SERIAL "000003: serial [0-9a-f]{32} belongs to another certificate" \
	"a certificate of another bundle, which the ledger has"
forge 000003 "p[8][0][3][0][1] = b'\\x41' * 16"
left CERT-SERIAL "000003, certificate 1: another serial" "a serial that is not the certificate's"
forge 000003 "p[8] = p[8] * 2"
left 'MANIFEST-[A-Z]+' "000003" "two results for one request"
forge 000003 'sig = bytes(64)'
left COSE-SIGNATURE "000003" "a manifest that the transfer key did not sign"
forge 000003 pass
printf '%s\n' '-----BEGIN CERTIFICATE-----' MAA= '-----END CERTIFICATE-----' \
	>"$(echo "$SWEB"/000003/0001-*.pem)"
left CERT-FORM "0001-.*: no certificate has 2 bytes" "a certificate of two bytes"
forge 000003 pass
must cp "$WEB/000002/manifest.cose" "$SWEB/000003/manifest.cose"
left CHANNEL "000003: is number 2" "a response under the name of another"
forge 000001 pass
must sed -i 's/^backdate = .*/backdate = 3h/' "$SWEB/000001/policy.conf"
left POLICY-DIGEST "000001: policy.conf is not the one" "a policy that was changed on the way"
forge 000003 "p[13] = bytes(32)"
left POLICY-DIGEST "000003: the policy that it was made under" "a policy that is nowhere"

# ---- a transfer key that the old one vouched for --------------------------------------

must ca transfer-key --key-type ec-p256 --out "$STICK" --yes
must transfer @web install "$STICK"
visit ca web
status 0 "a transfer key, and a response that it signed"
for name in web mail; do
	must transfer @$name history --out "$STICK"
done
mv "$WORK/home-ca" "$WORK/dead"
run ca @new recover "$STICK" --yes
status 0 "come back to a ledger that knew neither"
visit new web
status 0 "who took the key over installs what the restored CA signs with it"
visit new mail
wants 3 TRANSFER-CERT "who never got the lost announcement cannot know the key"
says "airgap-transfer --home [^ ]+ enroll STICK --replace" "and is told the way"
must ca @new export "$STICK"
run transfer @mail enroll "$STICK" --replace --expect "$CA_HEX"
status 0 "which it goes"
run transfer @mail install "$STICK"
status 0 "and installs"

# ---- transfer keys after lost ones -----------------------------------------------------

mv "$WORK/home-new" "$WORK/home-ca"
rm "$WORK/old.db"
must ca backup "$WORK/old.db"
new_key ca
must transfer @mail enroll "$STICK" --replace --expect "$CA_HEX"
visit ca mail
status 0 "the transfer key was lost, and mail knows the next"
new_key ca
must transfer @web enroll "$STICK" --replace --expect "$CA_HEX"
visit ca web
status 0 "it was lost again, and web knows the one after that"
for name in web mail; do
	must transfer @$name history --out "$(stick $name)"
done
mv "$WORK/home-ca" "$WORK/dead2"
restored new
run ca @new recover "$WORK/stick-web" --yes
status 0 "the newest history comes back first"
run ca @new recover "$WORK/stick-mail" --yes
status 0 "then the older one"
visit new web
status 0 "the newest key is in force, by whichever history it came"
run ca @new ledger verify
status 0 "the ledger is whole"
ok "as Python finds" "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$WORK/home-new/ledger.db"

# ---- a stick of nothing but names -------------------------------------------------------

# Under the sanitisers a reader takes minutes for so many: there, this is left out.
case $BUILD in */debug) ;; *)
"$PYTHON" - "$(stick names)/airgap-ca/history/${CA_HEX:0:8}-00000000" <<'PY'
import os, sys
for number in range(1, 9):
    folder = f"{sys.argv[1]}/{number:06}"
    os.makedirs(folder)
    for name in range(8193):
        os.close(os.open(f"{folder}/{name}", os.O_CREAT | os.O_WRONLY, 0o600))
PY
run ca @new recover "$WORK/stick-names" --yes
wants 3 MEDIA-COUNT "empty files without end"
rm -r "$WORK/stick-names"
# Each channel has no more than may be, and all of them have more.
"$PYTHON" - "$(stick many)/airgap-ca/history/${CA_HEX:0:8}-0000000" <<'PY'
import os, sys
for channel in "01":
    for number in range(1, 5002):
        folder = f"{sys.argv[1]}{channel}/{number:06}"
        os.makedirs(folder)
        os.close(os.open(f"{folder}/ca.pem", os.O_CREAT | os.O_WRONLY, 0o600))
PY
run ca @new recover "$WORK/stick-many" --yes
wants 3 MEDIA-COUNT "responses without end"
says "more than 10000 responses" "by their number"
rm -r "$WORK/stick-many"
;;
esac

done_testing
