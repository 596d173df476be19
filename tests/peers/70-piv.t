#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A CA on a smart card: the real pcscd, OpenSC and Yubico's modules and tools, and two
# virtual PIV cards (tests/token), whose own count of VERIFY says how often a PIN was
# tried. First that the tools see in them what they see in a YubiKey.
. "$(dirname "$0")/../token/piv.sh"

pcscd_start
card_start a 0 --serial 101
card_start b 1 --serial 202
PUK=12345678

# ---- the card, by tools that are not ours -------------------------------------------

run piv a -a status
status 0 "yubico-piv-tool sees a card"
prints 'Version:[[:space:]]*5.4.3' "of the firmware that it has"
prints 'Serial Number:[[:space:]]*101' "with its serial"
prints 'CHUID:[[:space:]]*No data' "without a CHUID, as one is sold"
prints 'PIN tries left:[[:space:]]*3' "and three tries"
like "$(piv b -a status)" 'Serial Number:[[:space:]]*202' "and another card in the second place"

nok 1 "a wrong PIN is refused" piv a -a verify-pin -P 654321
is "$(tell a tries)" 2 "and costs a try"
ok "the right one is taken" piv a -a verify-pin -P "$PIN"
is "$(tell a tries)" 3 "and gives it back"
for _ in 1 2 3; do piv a -a verify-pin -P 654321 >"$WORK/ok.log" 2>&1; done
nok 1 "after three wrong ones the right one is refused too" piv a -a verify-pin -P "$PIN"
is "$(tell a tries)" 0 "for the PIN is locked"
ok "the PUK unblocks it" piv a -a unblock-pin -P "$PUK" -N "$PIN"
is "$(tell a tries)" 3 "with all its tries"
ok "the PIN is changed" piv a -a change-pin -P "$PIN" -N 246810
ok "and the new one is the PIN" piv a -a change-pin -P 246810 -N "$PIN"
nok 1 "without the management key nothing is made" \
	piv a -a generate -s 9c -k "$(printf '42%.0s' {1..24})" -A ECCP256

ok "a key is made in 9c" piv a -a generate -s 9c -A ECCP384 --pin-policy=always -o "$WORK/9c.pub"
ok "and attested" piv a -a attest -s 9c -o "$WORK/attest.pem"
is "$(openssl x509 -in "$WORK/attest.pem" -noout -pubkey)" "$(cat "$WORK/9c.pub")" "the attestation is of that key"
ok "what issued it is in slot f9" piv a -a read-certificate -s f9 -o "$WORK/f9.pem"
ok "and leads to the root of this card" \
	openssl verify -ignore_critical -CAfile "$WORK/cards/a.root.pem" -untrusted "$WORK/f9.pem" "$WORK/attest.pem"
nok 2 "and not to that of another" \
	openssl verify -ignore_critical -CAfile "$WORK/cards/b.root.pem" -untrusted "$WORK/f9.pem" "$WORK/attest.pem"
# states ARC: what the attestation says there, in hex
states() {
	openssl asn1parse -in "$WORK/attest.pem" | grep -A1 ":1.3.6.1.4.1.41482.3.$1\$" | sed -n 's/.*HEX DUMP]://p'
}
is "$(states 3),$(states 7),$(states 8)" 050403,020165,0301 "it states firmware, serial, and the policies of PIN and touch"
openssl_key ec-p256 >"$WORK/own.key"
ok "a key is imported" piv a -a import-key -s 9d -i "$WORK/own.key"
nok 1 "and is not attested, for it was not made here" piv a -a attest -s 9d
openssl_key rsa-2048 >"$WORK/own.key" 2>"$WORK/key.log"
ok "so is one of RSA" piv a -a import-key -s 82 -i "$WORK/own.key"
must openssl req -new -x509 -key "$WORK/own.key" -subj /CN=own -out "$WORK/own.crt"
ok "a certificate is written" piv a -a import-certificate -s 82 -i "$WORK/own.crt"
ok "and read" piv a -a read-certificate -s 82 -o "$WORK/read.crt"
is "$(cat "$WORK/read.crt")" "$(cat "$WORK/own.crt")" "as it was"
ok "a CHUID is written" piv a -a set-chuid
like "$(piv a -a status)" 'CHUID:[[:space:]]*3019' "and read"

# ---- keys of each kind, by both modules ------------------------------------------------

printf 'what is signed' >"$WORK/data"
# signs MODULE MECHANISM SLOT PUB: pkcs11-tool signs on card b, OpenSSL verifies
signs() {
	local form=()
	case $2 in ECDSA*) form=(--signature-format openssl) ;; esac
	pkcs11-tool --module "$(piv_module "$1")" --slot-index 1 --login --pin "$PIN" --id "$3" \
		--sign -m "$2" "${form[@]}" -i "$WORK/data" -o "$WORK/data.sig" &&
		openssl dgst -sha256 -verify "$4" -signature "$WORK/data.sig" "$WORK/data"
}
for type in ECCP256:ECDSA-SHA256 RSA2048:SHA256-RSA-PKCS; do
	piv_key b 9a "${type%:*}"
	piv_key b 9c "${type%:*}"
	for module in opensc ykcs11; do
		ok "$module signs with ${type%:*} in 9a" signs $module "${type#*:}" 01 "$WORK/cards/b-9a.pub"
		ok "and in 9c, which wants the PIN each time" signs $module "${type#*:}" 02 "$WORK/cards/b-9c.pub"
	done
done
like "$(pkcs15-tool --reader 1 --list-keys)" 'SIGN key' "pkcs15-tool lists the keys"

# ---- what Debian 12 has no tool for: firmware 5.7 ---------------------------------------

ok "a card of firmware 5.7 makes and uses RSA of 3072 and 4096 bits, under AES" "$PYTHON" - "$CARDS" "$WORK/cards/new" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import piv, tlv
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

def say(ins, p1, p2, data=b""):
    answer = card.answer(bytes([0, ins, p1, p2, 0]) + len(data).to_bytes(2, "big") + data)
    return answer[:-2], answer[-2:].hex()

card = piv.Card(piv.Memory(sys.argv[2], firmware=(5, 7, 1)), lambda: True)
assert say(0xFD, 0, 0) == (b"", "6d00"), "nothing before SELECT"
assert say(0xA4, 4, 0, piv.AID[:5])[1] == "9000"
assert say(0xFD, 0, 0) == (b"\5\7\1", "9000")
assert say(0x47, 0, 0x9A, tlv.make(0xAC, tlv.make(0x80, b"\x05")))[1] == "6982", "no key without the management key"
witness = tlv.parse(tlv.parse(say(0x87, 0x0A, 0x9B, tlv.make(0x7C, tlv.make(0x80)))[0])[0x7C])[0x80]
plain = Cipher(algorithms.AES(piv.FACTORY_KEY), modes.ECB()).decryptor().update(witness)
assert say(0x87, 0x0A, 0x9B, tlv.make(0x7C, tlv.make(0x80, plain), tlv.make(0x81, bytes(16))))[1] == "9000"
for algorithm, bits in (0x05, 3072), (0x16, 4096):
    made, status = say(0x47, 0, 0x9A, tlv.make(0xAC, tlv.make(0x80, bytes([algorithm]))))
    assert status == "9000"
    modulus = int.from_bytes(tlv.parse(tlv.parse(made)[0x7F49])[0x81], "big")
    assert modulus.bit_length() == bits
    block = tlv.make(0x7C, tlv.make(0x82), tlv.make(0x81, b"\0" + b"\x42" * (bits // 8 - 1)))
    assert say(0x20, 0xFF, 0x80)[1] == "9000"
    assert say(0x87, algorithm, 0x9A, block)[1] == "6982", "no signature without the PIN"
    assert say(0x20, 0, 0x80, b"123456\xff\xff")[1] == "9000"
    signed = tlv.parse(tlv.parse(say(0x87, algorithm, 0x9A, block)[0])[0x7C])[0x82]
    assert pow(int.from_bytes(signed, "big"), 65537, modulus) == int.from_bytes(b"\x42" * (bits // 8 - 1), "big")
PY

# ---- the whole loop, by both modules ----------------------------------------------------

# What the card counted since it was asked last: PINs tried, and signatures in the slot
# that wants a PIN for each.
declare -A BEFORE
counted() {
	local now
	read -ra now <<<"$(count "$1" VERIFY 9c)"
	TRIED=$((now[0] - ${BEFORE[$1 VERIFY]:-0})) SIGNED=$((now[1] - ${BEFORE[$1 9c]:-0}))
	BEFORE[$1 VERIFY]=${now[0]} BEFORE[$1 9c]=${now[1]}
}
# prompted CMD...: with the right PIN at each prompt; $PROMPTS is how many there were
prompted() {
	dialogue "${ASKED[@]}" -- "$@"
	PROMPTS=$(grep -o 'PIN of [^:]*:' <<<"$OUT" | wc -l)
}
once=('PIN of [^:]*:' "$PIN")

loop() {
	local module=$1 card=$2 host=$1.example.org key response
	STICK=$(stick "$module")
	piv_key "$card" 9c ECCP384
	piv_key "$card" 9a ECCP256
	key=$(piv_uri "$module" "$card" "$(piv_id 9c)")
	run token check "$key&pin-source=file:$WORK/pin" --json
	status 0 "$module: a key that the card's own tool made is a good one"
	is "$(json key.type),$(json key.always_authenticate)" ec-p384,true "$module: that wants the PIN for each signature"

	counted "$card"
	ASKED=("${once[@]}")
	prompted ca "@$module" init --subject "CN=CA on $module" --token "$(piv_uri "$module" "$card")" \
		--use-key "pkcs11:${key#*;}" --transfer-key "pkcs11:id=%01" \
		--scope example.org --profiles tls --out "$STICK" --yes
	counted "$card"
	is "$STATUS,$PROMPTS" 0,1 "$module: a CA is made of keys that were there, with one prompt"
	is "$TRIED" $((1 + SIGNED)) "$module: which is one try, and one for each signature in 9c"
	CA_HEX=$(sed -n 's/^ *SHA-256 //p' <<<"$OUT")
	enrol_online "@$module"

	must transfer "@$module" request --profile tls-server --new-key ec-p256 --name "dns:$host" --series 3x31d+7d --out "$STICK"
	ASKED=("${once[@]}")
	prompted ca "@$module" sign "$STICK" --yes --expect "$REQUESTER_HEX"
	counted "$card"
	is "$STATUS,$PROMPTS" 0,1 "$module: three certificates are signed, with one prompt"
	is "$TRIED,$SIGNED" 4,3 "$module: which is one try, and one for each of them"
	run transfer "@$module" install "$STICK" --json
	is "$STATUS,$(json certificates)" 0,3 "$module: they are installed"
	must transfer "@$module" deploy "$host" --format fullchain --to "$WORK/$module.pem" --key "$WORK/$module.key"
	ok "$module: OpenSSL verifies what the card has signed" openssl verify -x509_strict -purpose sslserver \
		-CAfile "$(home_of "$module")/ca.pem" "$WORK/$module.pem"

	must transfer "@$module" request --profile tls-server --new-key ec-p256 --name "dns:b.$host" --series 2x31d+7d --out "$STICK"
	ASKED=("${once[@]}" "${once[@]}" "${once[@]}" "${once[@]}")
	prompted ca "@$module" sign "$STICK" --yes --ask-each
	counted "$card"
	is "$STATUS" 0 "$module: --ask-each signs too"
	is "$TRIED" "$PROMPTS" "$module: and each try was a prompt"
	is "$(tell "$card" tries)" 3 "$module: no try was lost in all this"
	run ca "@$module" ledger verify
	status 0 "$module: the ledger is whole"
}
loop opensc a
loop ykcs11 b
done_testing
