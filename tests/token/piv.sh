# SPDX-License-Identifier: Apache-2.0
# Virtual PIV cards for shell tests: the real pcscd, one reader of vpcd's with two
# places, and a card of piv_card.py in each. A test begins with
#
#	. "$(dirname "$0")/../token/piv.sh"
#
# which includes tests/peers/namespace.sh, since pcscd's socket has one place on a
# machine. PIN, PUK and management key are the factory's.
#
#	pcscd_start		pcscd, and nothing in its reader
#	pcscd_kill		it dies; cards keep what they know, and want a new start
#	card_start NAME PLACE [OPTION]...
#				a card in PLACE, 0 or 1; OPTIONs of piv_card.py. Its file
#				is $WORK/cards/NAME, and NAME.root.pem its root
#	tell NAME WORD...	a line for the card; piv_card.py describes them
#	misbehave NAME WORD...	the same, as a step of the test
#	count NAME COMMAND...	how many commands of these names the card was given
#	piv NAME ARG...		yubico-piv-tool with that card
#	piv_key NAME SLOT ALGORITHM [OPTION]...
#				a key, and a certificate of its public half: without
#				one OpenSC shows no key. OPTIONs of yubico-piv-tool
#	piv_module opensc|ykcs11	the path of a PKCS#11 module
#	piv_uri MODULE NAME	the token, as that module calls it
#	piv_id SLOT		";id=", as both modules name the key of a slot

. "$(dirname "${BASH_SOURCE[0]}")/../peers/namespace.sh"
needs pcscd pcscd
needs yubico-piv-tool yubico-piv-tool
needs pkcs11-tool opensc
CARDS=$TOP/tests/token
VPCD_PORT=35963
PCSCD=

pcscd_start() {
	local driver=/usr/lib/pcsc/drivers/serial/libifdvpcd.so options=
	[ -e "$driver" ] || { fail "$driver is here" "Debian package: vsmartcard-vpcd (make deps-peers)"; done_testing; }
	must mkdir -p "$WORK/cards" "$WORK/pcscd/readers"
	# ykcs11 wants a reader whose name begins with Yubico.
	printf '%s\n' 'FRIENDLYNAME "Yubico YubiKey CCID"' "DEVICENAME /dev/null:$VPCD_PORT" \
		"LIBPATH $driver" "CHANNELID $VPCD_PORT" >"$WORK/pcscd/readers/vpcd"
	# Its socket is in /run, and in ours nobody else's.
	[ -n "$PCSCD" ] || must mount -t tmpfs none /run
	# On trixie it asks polkit about root too.
	if pcscd --help | grep -q -- --disable-polkit; then options=--disable-polkit; fi
	pcscd --foreground --config "$WORK/pcscd/readers" $options >"$WORK/pcscd/log" 2>&1 &
	PCSCD=$!
	until_true 'vpcd listens' listens 127.0.0.1 $((VPCD_PORT + 1))
}

pcscd_kill() {
	# A card ends with its reader, but not one that hangs.
	kill -KILL "$PCSCD" "${CARD_PIDS[@]}"
	wait "$PCSCD" "${CARD_PIDS[@]}" 2>"$WORK/pcscd/end"
	rm -f /run/pcscd/* "$WORK/cards/"*.socket
	CARD_PIDS=()
}

declare -A PLACE_OF
CARD_PIDS=()
card_start() {
	local name=$1 place=$2
	shift 2
	PLACE_OF[$name]=$place
	"$PYTHON" "$CARDS/piv_card.py" "$WORK/cards/$name" $((VPCD_PORT + place)) "$WORK/cards/$name.socket" \
		--log "$WORK/cards/$name.log" "$@" >"$WORK/cards/$name.out" 2>&1 &
	CARD_PIDS+=($!)
	until_true "card $name is in its reader" piv "$name" -a version
}
tell() { "$PYTHON" "$CARDS/tell.py" "$WORK/cards/$1.socket" "${@:2}"; }
misbehave() { must tell "$@"; }
count() {
	tell "$1" counts | "$PYTHON" -c '
import json, sys
counts = json.load(sys.stdin)
print(*(counts.get(name, 0) for name in sys.argv[1:]))' "${@:2}"
}

piv() { yubico-piv-tool -r "Yubico YubiKey CCID 00 0${PLACE_OF[$1]}" "${@:2}"; }
piv_key() {
	local name=$1 slot=$2 algorithm=$3 public=$WORK/cards/$1-$2.pub
	shift 3
	must piv "$name" -a generate -s "$slot" -A "$algorithm" "$@" -o "$public"
	must openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/cards/any.key"
	must openssl req -new -key "$WORK/cards/any.key" -subj "/CN=slot $slot of $name" -out "$WORK/cards/any.csr"
	must openssl x509 -req -in "$WORK/cards/any.csr" -signkey "$WORK/cards/any.key" -force_pubkey "$public" \
		-days 9 -out "$WORK/cards/$name-$slot.crt"
	must piv "$name" -a import-certificate -s "$slot" -i "$WORK/cards/$name-$slot.crt"
}

piv_module() {
	local file
	case $1 in
	opensc) file=opensc-pkcs11.so ;;
	ykcs11) file=libykcs11.so.2 ;;
	esac
	echo "$(multiarch "$file")/$file"
}
# piv_uri MODULE NAME [ATTRS]: OpenSC calls a token by the certificate in 9a, ykcs11 by its serial.
piv_uri() {
	case $1 in
	opensc) echo "pkcs11:token=slot%209a%20of%20$2${3:-}?module-path=$(piv_module opensc)" ;;
	ykcs11) echo "pkcs11:serial=$(piv_serial "$2")${3:-}?module-path=$(piv_module ykcs11)" ;;
	esac
}
piv_serial() { piv "$1" -a status | sed -n 's/^Serial Number:[[:space:]]*//p'; }
# piv_id SLOT: the key of a slot, as both modules number it.
piv_id() {
	case $1 in
	9a) echo ";id=%01" ;;
	9c) echo ";id=%02" ;;
	esac
}
