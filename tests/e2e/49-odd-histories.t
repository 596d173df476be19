#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Histories of hosts and keys with a past of their own, each brought to a CA that was
# restored from an old backup: all that is true comes back, and nothing else.
. "$(dirname "$0")/../lib/lib.sh"

needs pkcs11-tool opensc
make_known_ca
declare -A KEY
for name in other online; do
	enrol_online @$name
	KEY[$name]=$REQUESTER_HEX
done
EXPECT=(--expect "${KEY[online]}" --expect "${KEY[other]}")
hour() { date -u -d "+$1 hours" '+%F %T'; }

# visit HOUR NAME [HOST [CA]]: asked for, signed, installed; each later than the last.
visit() {
	rm -rf "$STICK/airgap-ca/requests" "$STICK/airgap-ca/responses"
	at "$(hour "$1")" run transfer "@${3:-online}" request --profile tls-server \
		--new-key ec-p256 --name "dns:$2.example.org" --out "$STICK"
	[ "$STATUS" = 0 ] || return
	at "$(hour "$1")" run ca "@${4:-ca}" sign "$STICK" --yes "${EXPECT[@]}"
	[ "$STATUS" = 0 ] || return
	at "$(hour "$1")" run transfer "@${3:-online}" install "$STICK"
}
# history HOST: all that it has, on a stick of its own, $HISTORY there
history() {
	HISTORY=$WORK/stick-$1
	rm -rf "$HISTORY"
	must transfer "@$1" history --out "$(stick "$1")"
	CHANNEL=$(echo "$HISTORY"/airgap-ca/history/*)
}
# restored BACKUP: as home "new", from nothing else
restored() {
	rm -rf "$WORK/home-new"
	at "$(hour "${LATER:-9}")" must ca @new restore "$1" --yes --token "$(uri ca)"
}
recovered() { at "$(hour "${LATER:-9}")" run ca @new recover "$HISTORY" "$@"; }

visit 0 a
status 0 "a first visit"
must ca backup "$WORK/one.db"
must cp -a "$(home_of online)" "$WORK/home-back"

# ---- a host that was put back ---------------------------------------------------------

visit 1 b
status 0 "a second one"
must cp -a "$STICK" "$WORK/stick-old"
# Then the host is put back to before it asked; its stick has the answer still.
at "$(hour 1)" run transfer @back install "$STICK"
status 0 "an older copy of the host takes what it does not remember asking for"
visit 2 c back
status 0 "and goes on"
history back
is "$(cd "$CHANNEL" && echo */bundle.cose)" "000001/bundle.cose 000003/bundle.cose" \
	"its history has the answer, and not what was asked"
restored "$WORK/one.db"
recovered -n --json
is "$(json responses.0.bundle) $(json responses.1.bundle)" "false true" "which programs are told"
recovered --yes
status 0 "it comes back all the same"
says "online +responses 2 to 3 come back, with 2 certificates" "all of it"
says "no bundle +1 response to what the host no longer has: the profile of 1" \
	"and what nobody knows any more is said"
run ca @new list --json
is "$(json certificates.0.profile) $(json certificates.1.profile)" "tls-server null" \
	"a profile that is not known is none"
run ca @new show "$(openssl x509 -in "$(echo "$CHANNEL"/000002/0001-*.pem)" -noout -serial |
	sed 's/.*=//' | tr A-F a-f)"
prints "profile +not known" "nor is one shown"
run ca @new ledger verify --head "$CHANNEL/000003/manifest.cose"
status 0 "the ledger is whole"
ok "as Python finds" "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$WORK/home-new/ledger.db"
visit 10 d back new
status 0 "and the channel goes on"
# What was answered is answered, whoever still has the bundle.
rm -r "$WORK/stick-old/airgap-ca/responses"
at "$(hour 10)" run ca @new sign "$WORK/stick-old" --yes
status 0 "its bundle on an old stick gets the answer of then"
ok "byte for byte" cmp "$WORK"/stick-old/airgap-ca/responses/*-000002/manifest.cose \
	"$CHANNEL/000002/manifest.cose"

# ---- numbers that no ledger has ---------------------------------------------------------

restored "$WORK/one.db"
history back
must cp "$CHANNEL/000004/manifest.cose" "$WORK/true.cose"
for count in 2**48+1 2**62-1 2**62 2**63-1 2**64-1; do
	must cose --key "$WORK/transfer-key.key" "$WORK/true.cose" \
		"$CHANNEL/000004/manifest.cose" "p[12][0] = $count"
	recovered -n --json
	is "$STATUS $(json left.0.rule)" "1 LEDGER-COUNT" "made over $count records, it is left"
	like "$(json left.0.reason)" "000004: made over [0-9]* records, which no ledger has" "for that"
	is "$(json lost_records)" 17 "and nothing is counted by it"
done
must cose --key "$WORK/transfer-key.key" "$WORK/true.cose" \
	"$CHANNEL/000004/manifest.cose" "p[12][0] = 2**48"
recovered --yes
status 0 "the highest that is believed is taken"
LATER=11 recovered --yes
status 0 "and the ledger goes on from there"
visit 11 n back new
wants 7 FORK "though not with a host that has the true one"

# ---- who was removed ----------------------------------------------------------------------

restored "$WORK/one.db"
history back
LATER=11 recovered --yes
says "enrolled +online$" "the review says who is enrolled after a backup"
says "removed after the backup is to be removed again" "for a removal is in no history"
at "$(hour 12)" must ca @new requester remove online --yes
expected=("${EXPECT[@]}") EXPECT=()
must cp -a "$WORK/home-back" "$WORK/home-gone"
visit 13 r gone new
EXPECT=("${expected[@]}")
wants 3 REQUESTER-UNKNOWN "and removed again, it gets nothing"

# ---- a clock behind what comes back --------------------------------------------------------

restored "$WORK/one.db"
history back
SIGNED=$(date -u -d "@$("$PYTHON" -c 'import cbor2, sys
print(cbor2.loads(cbor2.load(open(sys.argv[1], "rb")).value[2])[6])' "$CHANNEL/000004/manifest.cose")" +%FT%TZ)
recovered -n
says "number 4 of online was signed at $SIGNED, and this clock says" "a clock behind the newest response is seen"
recovered --yes
status 0 "what is proven comes back all the same"
rm -rf "$STICK/airgap-ca/requests" "$STICK/airgap-ca/responses"
must cp -a "$WORK/home-back" "$WORK/home-early"
at "$(hour 9)" must transfer @early request --profile tls-server --new-key ec-p256 \
	--name dns:early.example.org --out "$STICK"
at "$(hour 9)" run ca @new sign "$STICK" --yes
wants 7 CLOCK-BEHIND "but nothing is signed by that clock"
says "newest record is of $SIGNED" "for it is behind that response"
at "$(hour 9)" run ca @new clock accept --yes
status 0 "before a person vouches for it"
at "$(hour 9)" run ca @new ledger
prints "clock +" "which the ledger keeps"
at "$(hour 9)" run ca @new sign "$STICK" --yes
status 0 "then it signs"
ok "as Python finds, the ledger is whole" \
	"$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$WORK/home-new/ledger.db"
restored "$WORK/one.db"
must transfer @back history --out "$HISTORY"
LATER=11 recovered --yes
status 0 "a clock that is right"
quiet "this clock says" "is not doubted"

# ---- a transfer key that was stolen, and replaced ---------------------------------------

rm -rf "$WORK/home-ca"
mv "$WORK/home-new" "$WORK/home-ca"
must cp -a "$WORK/home-ca" "$WORK/home-lost"
must cp -a "$WORK/home-back" "$WORK/home-calls"
"$PYTHON" - "$CHANNEL/000001/manifest.cose" <<'PY' | openssl x509 -inform der -out "$WORK/old.pem"
import cbor2, sys
message = cbor2.load(open(sys.argv[1], "rb")).value
chain = cbor2.loads(message[0])[33]
sys.stdout.buffer.write(chain if isinstance(chain, bytes) else chain[0])
PY
# stolen NUMBER: that response, without its certificate, by the key that was replaced
stolen() {
	must cose --key "$WORK/transfer-key.key" --cert "$WORK/old.pem" \
		"$CHANNEL/$1/manifest.cose" "$CHANNEL/$1/manifest.cose" \
		'r = p[8][0]
p[8][0] = {1: r[1], 2: r[2], 4: "NAME-SCOPE", 5: "no"}
p[11] = [f for f in p[11] if not f[1].startswith("0")]'
	rm -f "$CHANNEL/$1"/0*.pem
}
left() { # NUMBER DESC
	status 1 "$2"
	says "left +${CHANNEL##*/}/$1" "it is left"
	says "\[TRANSFER-CERT\].*" "by its rule"
	says "key that was replaced before" "with the reason"
}

# What another ledger has signed stops it (44-went-back.t): not what is looked at here.
must rm -rf "$STICK/airgap-ca/responses"
at "$(hour 11)" must ca transfer-key --key-type ec-p256 --out "$STICK" --yes
at "$(hour 11)" must transfer @back install "$STICK"
must ca backup "$WORK/two.db"
visit 12 e back
status 0 "a transfer key is replaced, and the new one signs number 6"
history back
stolen 000006
LATER=20 restored "$WORK/two.db"
LATER=20 recovered --yes
left 000006 "the old key signs another number 6, and the backup knows of its end"
LATER=20 restored "$WORK/one.db"
LATER=20 recovered --yes
left 000006 "to a backup that does not know, the channel tells it"
says "responses 2 to 5 come back" "with all before it"
history back
LATER=20 recovered --yes
status 0 "the true one"
says "response 6 comes back, with 1 certificate" "comes back"
visit 21 f back new
status 0 "and the channel goes on"

# The old key is gone, so that it vouches for none: by words and the new card.
lose_transfer_keys
must rm -rf "$STICK/airgap-ca/responses"
at "$(hour 11)" must ca @lost transfer-key --key-type ec-p256 --out "$STICK" --yes
must ca @lost backup "$WORK/three.db"
for name in calls other; do
	at "$(hour 11)" must transfer @$name enroll "$STICK" --replace --expect "$CA_HEX"
done
visit 12 g other lost
status 0 "a transfer key is lost, and the next one signs for one host"
visit 13 h calls lost
status 0 "and for another"
history calls
stolen 000005
LATER=20 restored "$WORK/three.db"
LATER=20 recovered --yes
left 000005 "a backup that knows the next key takes nothing of the one before"
history other
OTHER=$HISTORY
history calls
stolen 000005
cp -a "$OTHER/airgap-ca/history/." "$HISTORY/airgap-ca/history/"
LATER=20 restored "$WORK/one.db"
LATER=20 recovered --yes
left 000005 "where the backup does not know, what the next key has signed before tells it"
history calls
cp -a "$OTHER/airgap-ca/history/." "$HISTORY/airgap-ca/history/"
LATER=20 restored "$WORK/one.db"
LATER=20 recovered --yes
status 0 "what is true"
says "signs again" "comes back whole"
run ca @new ledger verify --head "$CHANNEL/000005/manifest.cose"
status 0 "and is the ledger of then"

done_testing
