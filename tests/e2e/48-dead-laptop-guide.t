#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/ceremony.md, "When the laptop is dead", to the letter: each of its commands in its
# order, until the CA signs again. It signs no sooner.
. "$(dirname "$0")/../lib/lib.sh"

CHAPTER=$(sed -n '/^## When the laptop is dead/,$p' "$TOP/docs/ceremony.md")
# shellcheck disable=SC2016 # the backquotes are Markdown's
is "$(grep -oE '`airgap-(ca|transfer) [^`]*`' <<<"$CHAPTER" | tr -d '`')" 'airgap-ca restore FILE
airgap-ca status
airgap-transfer history --out STICK
airgap-ca recover STICK
airgap-ca recover STICK --crl FILE
airgap-ca recover --lost "WORDS"
airgap-ca requester remove LABEL
airgap-ca ledger verify --head FILE
airgap-ca backup STICK
airgap-ca backup' 'the chapter has these commands, and the test follows them'

# ---- before -------------------------------------------------------------------------

make_ca
declare -A KEY
for name in north south gone; do
	must csr_openssl $name ec-p256 /CN=$name.example.org DNS:$name.example.org
	enrol_online @$name
	KEY[$name]=$REQUESTER_HEX
done
# asked NAME...: their requests lie on the stick, and nothing else does
asked() {
	rm -rf "$STICK"/airgap-ca/{requests,responses}
	for name; do
		must transfer @$name request "$WORK/$name.csr" --profile tls-server --out "$STICK"
	done
}
# signs CA-HOME NAME...: what they ask for, and it arrives
signs() {
	local home=$1
	shift
	run ca "@$home" sign "$STICK" --yes --expect "${KEY[north]}" \
		--expect "${KEY[south]}" --expect "${KEY[gone]}"
	[ "$STATUS" = 0 ] || return
	for name; do run transfer @$name install "$STICK"; [ "$STATUS" = 0 ] || return; done
}
asked north south gone
signs ca north south gone
status 0 'three servers have certificates'
must ca backup "$STICK"
FILE=$(echo "$STICK"/airgap-ca/backups/*.db)
asked north
signs ca north
status 0 'one of them another, after the backup'
SERIAL=$(openssl x509 -in "$(echo "$(home_of south)"/certs/*/*.pem)" -noout -serial | cut -d= -f2)
must ca revoke "$SERIAL" --reason superseded --yes
run ca crl "$STICK" --series 4 --every 7d --overlap 3d --yes
status 0 'and a certificate is revoked at the laptop, which CRLs say'
for name in north south; do must transfer @$name install "$STICK"; done
must ca requester remove gone --yes
mv "$(home_of ca)" "$WORK/dead"

# ---- steps 1 to 3 ----------------------------------------------------------------------

run ca restore "$FILE" --yes --token "$(uri ca)"
status 0 'airgap-ca restore FILE, with --token for the file of the PIN'
asked south
freeze
run ca sign "$STICK" --yes
refused 7 RESTORED 'nobody has brought back what it lacks' '"sign stops from now on (RESTORED)"'
has_row() { grep -q "^| \`RESTORED\`: $1 |.*from step 3 on" "$TOP/docs/ceremony.md"; }
ok 'the table of what one sees leads here' has_row 'nobody has brought back what it lacks'
run ca status
status 1 'airgap-ca status'
for name in north south gone; do
	prints "awaited +the history of $name" "names $name"
done

# ---- steps 4 and 5 -----------------------------------------------------------------------

run transfer @north history --out "$STICK"
status 0 'airgap-transfer history --out STICK'
must cp -a "$STICK" "$WORK/stick-crl"
run ca recover "$WORK/stick-crl" -n
says 'CRL 1 +of 20' 'the first of the newest series comes along'
must rm "$(find "$STICK/airgap-ca/history" -name '*.crl')"
run ca recover "$STICK" --yes
status 0 'airgap-ca recover STICK'
says 'north +responses 2 to 3 come back, with 1 certificate' 'who comes back, with how many certificates'
says 'and none of them was brought' 'that no CRL was brought, where that is so'
run ca recover "$STICK" --crl "$(home_of north)/crl/1.crl" --yes
status 0 'airgap-ca recover STICK --crl FILE'
says "'sign' still waits" 'the last line says that it does not sign yet'
run ca show "$SERIAL"
prints 'reason +superseded' 'tells what was revoked at the laptop'
run ca sign "$STICK" --yes
wants 7 RESTORED 'nor does it'
run transfer @south history --out "$STICK"
status 0 'the next server, which got nothing since'
must cp -a "$STICK" "$WORK/stick-bad"
: >"$(echo "$WORK"/stick-bad/airgap-ca/history/*-"${KEY[south]:0:8}"/000001)/manifest.cose"
run ca recover "$WORK/stick-bad" --yes
status 1 'its folder went bad on the way'
says "left +[0-9a-f]{8}-${KEY[south]:0:8}/000001" 'what is left'
says 'refused +\[MANIFEST-FILES\]' 'and by which rule'
run transfer @south history --out "$(stick other)"
status 0 'its history again, to another stick'
run ca recover "$WORK/stick-other" --yes
status 0 'and the same with that'
says "awaited +gone" 'one is left'
says "enrolled +gone" 'who is enrolled, the removed one again'
run ca sign "$STICK" --yes
wants 7 RESTORED 'for which it waits'
run ca recover --lost "gone's server burnt with the laptop" --yes
status 0 'airgap-ca recover --lost "WORDS"'
run ca status
status 0 'and status has nothing to say of it any more'

# ---- steps 6 and 7 ------------------------------------------------------------------------------

run ca requester remove gone --yes
status 0 'airgap-ca requester remove LABEL'
for file in "$STICK"/airgap-ca/history/*/; do
	HEADS+=(--head "$(find "$file" -name manifest.cose | sort | tail -1)")
done
run ca ledger verify "${HEADS[@]}"
status 0 'airgap-ca ledger verify --head FILE'
run ca backup "$STICK"
status 0 'airgap-ca backup STICK'
signs ca south
status 0 'then sign'
asked north
signs ca north
status 0 'for each of them'

# ---- with all histories on one stick there is nothing to give up --------------------------

mv "$(home_of ca)" "$WORK/dead2"
FILE=$(ls -t "$STICK"/airgap-ca/backups/*.db | head -1)
run ca restore "$FILE" --yes --token "$(uri ca)"
status 0 'the next laptop'
for name in north south gone; do must transfer @$name history --out "$STICK"; done
run ca recover "$STICK" --yes
status 0 'all of them at once'
says 'this CA signs again' 'and the last line says so'
asked north south gone
signs ca north south gone
status 0 'and it does'
done_testing
