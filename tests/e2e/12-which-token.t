#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The CA's token is the one that shows its key. token.conf says only where it was:
# labels, serials and module paths change, and no PIN goes to another card.
. "$(dirname "$0")/../lib/lib.sh"

needs pkcs11-tool opensc

make_ca
enrol_online
CONF=$(home_of ca)/token.conf
cp "$CONF" "$WORK/made.conf"
SPY=$(find /usr/lib -name pkcs11-spy.so -print -quit)
[ -n "$SPY" ] || { fail 'pkcs11-spy.so is here' 'Debian package: opensc-pkcs11'; done_testing; }
# conf SED...: token.conf as it was made, but for that
conf() { sed "${@:-}" "$WORK/made.conf" >"$CONF"; }
# spied CMD...: the same through a module that writes down each call
spied() {
	must sed -i "s|module-path=[^&?]*|module-path=$SPY|" "$CONF"
	: >"$WORK/spy.log"
	PKCS11SPY=$MODULE PKCS11SPY_OUTPUT=$WORK/spy.log "$@"
}
logins() { grep -cE '^[0-9]+: C_Login$' "$WORK/spy.log"; }
export_card() { run ca export "$STICK"; }
# another LABEL: a token of that label with a key of its own, and another PIN
another() {
	local slot
	slot=$(softhsm2-util --init-token --free --label "$1" --so-pin 87654321 --pin 777777 |
		sed -n 's/.*slot \([0-9]*\)$/\1/p')
	must pkcs11-tool --module "$MODULE" --slot "$slot" --login --pin 777777 \
		--keypairgen --key-type EC:prime256v1 --label spare
}

# ---- it is called something else today ------------------------------------------------

conf 's/token=ca;/token=PIV_II;/; s/serial=[^;?]*/serial=00000000/'
export_card
status 0 "a token whose label and serial have changed is found by its key"
says 'The CA.s key is on token "ca" \(serial [0-9a-f]+\); token.conf names pkcs11:.*token=PIV_II' \
	"which is said, with what token.conf names"
unlike "$ERR" 'pin-source|module-path' "and no more of it than that"

conf
export_card
status 0 "under its own name"
quiet "key is on token" "nothing is said of it"

mkdir "$WORK/old"
conf "s|module-path=[^&?]*|module-path=$WORK/old/libsofthsm2.so|"
export_card
status 0 "a module that has moved is not missed where another shows the key"
says "$WORK/old/libsofthsm2.so: no such module file: .*the other modules are looked through" "and that is said"

# ---- a spare of the same label ---------------------------------------------------------

conf 's/serial=[^;?]*;*//'
another ca
export_card
status 0 "of two cards of one label the one with the key is taken"
conf 's/serial=[^;?]*;*//'
spied export_card
is "$STATUS,$(logins)" 0,1 "and one PIN is sent, to that one"

# `list` sends a PIN nowhere but to the token that is named.
: >"$WORK/spy.log"
PKCS11SPY=$MODULE PKCS11SPY_OUTPUT=$WORK/spy.log \
	run token list --module "$SPY" --pin-source "$WORK/pin"
status 2 "list: a PIN wants a token"
says 'a PIN goes to one token, named by its URI' "which is said"
run token list
twins=$(grep -o 'pkcs11:.*token=ca.*' <<<"$OUT" | grep -v object= | sort -u)
is "$(wc -l <<<"$twins")" 2 "list: two tokens of one label have two URIs"
run token list "$(head -1 <<<"$twins")" --pin-source "$WORK/pin" --json
first=$STATUS
run token list "$(tail -1 <<<"$twins")" --pin-source "$WORK/pin" --json
is "$((first + STATUS))" 5 "list: and the PIN is right for one of them"

# ---- another's card alone -------------------------------------------------------------

mv "$WORK/tokens" "$WORK/tokens-away"
mkdir "$WORK/tokens"
another ca
conf 's/serial=[^;?]*;*//'
spied export_card
freeze
spied export_card
status 5 "a card of the CA's label without its key is not the CA's"
says 'no token that is present has the CA.s key; token.conf names pkcs11:token=ca; there is "ca" \(serial [0-9a-f]+\) with 1 other key; no PIN was sent' \
	"what was wanted, by which file, and what is there"
is "$(logins)" 0 "and none was"
unchanged "nothing is written"

# A token that shows nothing before the login may be the one, if it is named.
must softhsm2-util --init-token --free --label mute --so-pin 87654321 --pin 777777
conf
spied export_card
is "$STATUS,$(logins)" 5,0 "one that shows no key is not tried under another's name"
conf 's/token=ca;/token=mute;/; s/serial=[^;?]*;*//'
spied export_card
is "$STATUS,$(logins)" 5,1 "but under its own"

rm -rf "$WORK/tokens"
mkdir "$WORK/tokens"
conf
export_card
status 5 "without any token"
says 'no token is present; wanted the one with the CA.s key; token.conf names pkcs11:.*token=ca' \
	"it is said which is wanted"
rm -rf "$WORK/tokens"
mv "$WORK/tokens-away" "$WORK/tokens"
export_card
status 0 "with it there again, the same command"

done_testing
