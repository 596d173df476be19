#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A smart card on a bad day, through OpenSC and Yubico's module: pulled, swapped, failing,
# hanging, signing wrongly, waiting for a touch, and pcscd gone. What was signed by then is
# kept and counted, the ledger is whole, no try at the PIN is lost, and when the cause is
# mended the same command finishes.
. "$(dirname "$0")/../token/piv.sh"

pcscd_start
card_start a 0 --serial 101
card_start b 1 --serial 202
for card in a b; do
	must piv "$card" -a set-chuid
	# 9c wants a touch besides, which comes at once unless it is held back.
	piv_key "$card" 9c ECCP256 --touch-policy=always
	piv_key "$card" 9a ECCP256
done

asked=0
# three: a bundle that wants three certificates
three() {
	asked=$((asked + 1))
	must transfer "@$MODULE_NAME" request --profile tls-server --new-key ec-p256 \
		--name "dns:h$asked.example.org" --series 3x31d+7d --out "$STICK"
}
sign() { ca "@$MODULE_NAME" sign "$STICK" --yes --expect "$REQUESTER_HEX"; }
# in_ledger: how many certificates there are, in a ledger that verifies
in_ledger() { ca "@$MODULE_NAME" ledger verify 2>"$WORK/ledger.log" | sed -n 's/^ *certificates *//p'; }

# kept N DESC: N of the three are in the ledger, and the run said so
kept() {
	is "$STATUS,$(in_ledger)" "5,$((IN_LEDGER + $1))" "$2: $1 of 3 are in a ledger that is whole"
	[ "$1" = 0 ] || says "^$1 of 3 certificates are signed and kept" "which is said"
}
# goes_on DESC: the cause is mended
goes_on() {
	run sign
	is "$STATUS,$(in_ledger)" "0,$((IN_LEDGER + 3))" "$1: the same command goes on from there"
	is "$(tell "$CARD" tries)" 3 "and no try was lost"
	run transfer "@$MODULE_NAME" install "$STICK" --json
	is "$STATUS,$(json certificates)" 0,3 "and all three are installed"
	IN_LEDGER=$((IN_LEDGER + 3))
}
mended() {
	misbehave "$CARD" off
	misbehave "$CARD" insert
	until_true "the card is back" piv "$CARD" -a version
}

# What the card does during a run | how many are signed by then | the sentence, where it is right today
faults='on AUTHENTICATE 1 eject        | 0 |
on AUTHENTICATE 2 eject        | 1 |
on AUTHENTICATE 4 eject        | 3 |
on VERIFY eject                | 0 |
on AUTHENTICATE 2 wrong        | 1 | CA key: the token gave a signature that does not verify
on AUTHENTICATE 4 wrong        | 3 | transfer key: the token gave a signature that does not verify
on VERIFY 3 answer 63c2        | 1 | wrong PIN
on VERIFY answer 6983          | 0 | the PIN is locked'

bad_day() {
	MODULE_NAME=$1 CARD=$2
	local order number sentence tried pid
	STICK=$(stick "$MODULE_NAME")
	run ca "@$MODULE_NAME" init --subject "CN=CA on $MODULE_NAME" \
		--token "$(piv_uri "$MODULE_NAME" "$CARD")&pin-source=file:$WORK/pin" \
		--use-key "pkcs11:id=%02" --transfer-key "pkcs11:id=%01" \
		--scope example.org --profiles tls --out "$STICK" --yes --json
	status 0 "$MODULE_NAME: a CA"
	CA_HEX=$(json fingerprint)
	enrol_online "@$MODULE_NAME"
	IN_LEDGER=0

	while IFS='|' read -r order number sentence; do
		order=${order%"${order##*[! ]}"} number=${number// /} sentence=${sentence# }
		three
		# shellcheck disable=SC2086 # words
		misbehave "$CARD" $order
		run sign
		kept "$number" "$MODULE_NAME, $order"
		[ -z "$sentence" ] || says "^airgap-ca: .*$sentence" "and so is what the card did"
		mended
		goes_on "$MODULE_NAME, $order"
	done <<<"$faults"

	# OpenSC says so of any word that a card fails with.
	three
	misbehave "$CARD" on AUTHENTICATE 2 answer 6982
	goes_on "$MODULE_NAME, a PIN is missed"

	# What another program did to the card before.
	three
	must piv "$CARD" -a change-pin -P "$PIN" -N 246810
	run sign
	kept 0 "$MODULE_NAME, PIN changed"
	says 'wrong PIN' "which is said"
	is "$(tell "$CARD" tries)" 2 "and the PIN of the file was tried once"
	must piv "$CARD" -a change-pin -P 246810 -N "$PIN"
	goes_on "$MODULE_NAME, PIN changed back"

	three
	for _ in 1 2; do piv "$CARD" -a verify-pin -P 999999 >"$WORK/ok.log" 2>&1; done
	run sign
	kept 0 "$MODULE_NAME, one try left"
	says 'one PIN try is left, and a wrong one locks the token: give --last-try to use it' "which is said"
	is "$(tell "$CARD" tries)" 1 "and it is not spent"
	piv "$CARD" -a verify-pin -P 999999 >"$WORK/ok.log" 2>&1
	run sign
	kept 0 "$MODULE_NAME, PIN locked"
	says 'the PIN is locked: unblock it with the PUK' "which is said, with what to do"
	must piv "$CARD" -a unblock-pin -P 12345678 -N "$PIN"
	goes_on "$MODULE_NAME, PIN unblocked"

	# Another card in the reader, and none.
	three
	tried=$(count "$CARD" VERIFY)
	misbehave "$CARD" swap "$WORK/cards/other-than-$CARD"
	until_true "another card is in the reader" piv "$CARD" -a version
	run sign
	kept 0 "$MODULE_NAME, another card"
	misbehave "$CARD" eject
	run sign
	kept 0 "$MODULE_NAME, no card"
	is "$(count "$CARD" VERIFY)" "$tried" "and neither was sent a PIN"
	misbehave "$CARD" swap "$WORK/cards/$CARD"
	mended
	goes_on "$MODULE_NAME, the right card"

	# A touch that comes late, and one that does not come.
	three
	misbehave "$CARD" touch hold
	run_beside sign
	for _ in 1 2 3; do
		misbehave "$CARD" await touch
		misbehave "$CARD" touch give
	done
	ended_beside
	is "$STATUS,$(in_ledger)" "0,$((IN_LEDGER + 3))" "$MODULE_NAME: a signature waits for its touch"
	IN_LEDGER=$((IN_LEDGER + 3))
	must transfer "@$MODULE_NAME" install "$STICK"
	three
	run_beside sign
	misbehave "$CARD" await touch
	misbehave "$CARD" off
	ended_beside
	kept 0 "$MODULE_NAME, no touch"
	misbehave "$CARD" touch auto
	goes_on "$MODULE_NAME, touched"

	# A hang is told from a slow card by the person who pulls it.
	three
	misbehave "$CARD" on AUTHENTICATE 3 hang
	run_beside sign
	misbehave "$CARD" await hang
	misbehave "$CARD" eject
	ended_beside
	kept 2 "$MODULE_NAME, pulled while it hangs"
	mended
	goes_on "$MODULE_NAME, put in again"
	three
	misbehave "$CARD" delay 10
	goes_on "$MODULE_NAME, a slow card"
	misbehave "$CARD" off

	three
	misbehave "$CARD" on AUTHENTICATE 2 hang
	run_beside sign
	misbehave "$CARD" await hang
	pcscd_kill
	ended_beside
	kept 1 "$MODULE_NAME, pcscd is gone"
	run sign
	is "$STATUS" 5 "and without it nothing is signed"
	pcscd_start
	card_start a 0
	card_start b 1
	goes_on "$MODULE_NAME, pcscd is back"
}
# run_beside CMD...: `run` of it in the background; ended_beside waits, and has its results
run_beside() {
	LAST="$*"
	"$@" >"$WORK/out" 2>"$WORK/err" </dev/null &
	BESIDE=$!
}
ended_beside() {
	wait "$BESIDE"
	STATUS=$? OUT=$(cat "$WORK/out") ERR=$(cat "$WORK/err")
}
bad_day opensc a
bad_day ykcs11 b
done_testing
