#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Histories of hosts and keys with a past of their own, each brought to a CA that was
# restored from an old backup: all that is true comes back, and nothing else.
. "$(dirname "$0")/../lib/lib.sh"

make_known_ca
enrol_online
hour() { date -u -d "+$1 hours" '+%F %T'; }

# visit HOUR NAME [HOST [CA]]: asked for, signed, installed; each later than the last.
visit() {
	rm -rf "$STICK/airgap-ca/requests" "$STICK/airgap-ca/responses"
	at "$(hour "$1")" run transfer "@${3:-online}" request --profile tls-server \
		--new-key ec-p256 --name "dns:$2.example.org" --out "$STICK"
	[ "$STATUS" = 0 ] || return
	at "$(hour "$1")" run ca "@${4:-ca}" sign "$STICK" --yes --expect "$REQUESTER_HEX"
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
	must ca @new restore "$1" --yes --token "$(uri ca)"
}
recovered() { at "$(hour "$1")" run ca @new recover "$HISTORY" "${@:2}"; }

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
recovered 2 -n --json
is "$(json responses.0.bundle) $(json responses.1.bundle)" "false true" "which programs are told"
recovered 2 --yes
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
visit 3 d back new
status 0 "and the channel goes on"
# What was answered is answered, whoever still has the bundle.
rm -r "$WORK/stick-old/airgap-ca/responses"
at "$(hour 3)" run ca @new sign "$WORK/stick-old" --yes
status 0 "its bundle on an old stick gets the answer of then"
ok "byte for byte" cmp "$WORK"/stick-old/airgap-ca/responses/*-000002/manifest.cose \
	"$CHANNEL/000002/manifest.cose"

done_testing
