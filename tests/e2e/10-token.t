# SPDX-License-Identifier: Apache-2.0
# airgap-token on SoftHSM: what each command promises, and what happens when the
# PIN is wrong, the key is gone, or the module misbehaves.
. "$(dirname "$0")/../lib/lib.sh"

needs pkcs11-tool opensc
needs "${CC:-gcc}" gcc

SPY=$(ls /usr/lib/*/pkcs11/pkcs11-spy.so 2>/dev/null | head -1)
must test -n "$SPY"
SHIM_SO=$WORK/shim.so
# shellcheck disable=SC2046 # a list of flags
must "${CC:-gcc}" -shared -fPIC $(pkg-config --cflags p11-kit-1) \
	-o "$SHIM_SO" "$TOP/tests/lib/shim.c" -ldl

# key LABEL: its URI on the token "ca", with a pin-source
key() { uri ca ";object=$1"; }
# shim WORDS ARG...: airgap-token with the misbehaving module
shim() {
	local words=$1
	shift
	SHIM=$words token "$@"
}
shim_uri() { echo "pkcs11:token=ca;object=$1?module-path=$SHIM_SO&pin-source=file:$WORK/pin"; }
# tool ARG...: OpenSC's own view of the token
tool() { pkcs11-tool --module "$MODULE" --login --pin "$PIN" --token-label ca "$@"; }
# logins FILE: how often C_Login was called, by pkcs11-spy's record
logins() { grep -c '^[0-9]*: C_Login' "$1"; }

# ---- list and init: a token from nothing

run token list --module "$MODULE"
status 0 "list: an empty token is shown"
prints 'empty token' "list: and called empty"

run token check
status 5 "an empty token does not count as present"
says 'no token is present' "and the sentence says so"

run token init --module "$MODULE" --label ca -n
status 0 "init -n: says what it would do"
says 'Would initialise' "init -n: in words"
run token list --module "$MODULE" --json
is "$(json tokens.0.initialised)" false "init -n: wrote nothing"

run token init --module "$MODULE" --label ca
status 2 "init: without terminal or sources is a usage error"
says 'give --so-pin-source and --pin-source' "and names the options"

run token init --module "$MODULE" --label ca \
	--so-pin-source "$WORK/so-pin" --pin-source "$WORK/pin"
status 0 "init: prepares the empty token"
prints '^pkcs11:.*token=ca' "init: prints its URI"

run token init --module "$MODULE" --label "$(printf 'x%.0s' {1..33})" \
	--so-pin-source "$WORK/so-pin" --pin-source "$WORK/pin"
status 2 "init: a label of 33 bytes is refused"

chmod 644 "$WORK/pin"
run token list "$(uri_ask ca)" --pin-source "$WORK/pin"
status 5 "a PIN file that others can read is refused"
says 'others may read it' "and the sentence says why"
chmod 600 "$WORK/pin"

run token list --json
status 0 "list: without --module finds the usual modules"
is "$(json tokens.0.label)" ca "list --json: label"
is "$(json tokens.0.pin.set)" true "list --json: the PIN is set"
is "$(json tokens.0.keys)" "[]" "list --json: no key yet"

# ---- keygen: every type, and what it promises

for type in ec-p256 ec-p384 rsa-2048 rsa-3744; do
	run token keygen "$(uri ca)" --label "$type" --type "$type" --json
	status 0 "keygen: makes $type"
	is "$(json sensitive),$(json extractable),$(json never_extractable),$(json made_here)" \
		true,false,true,true "keygen: $type is sensitive and was never extractable"
	like "$(tool --list-objects --type privkey 2>/dev/null | sed -n "/$type\$/,/Access/p")" \
		'sensitive, always sensitive, never extract' \
		"keygen: pkcs11-tool says the same of $type"
	run token check "$(key "$type")"
	status 0 "check: $type signs, and OpenSSL verifies"
done

# Waits a minute, so it begins here and is looked at near the end; on a copy of the
# tokens, because two processes at one SoftHSM store disturb each other.
must cp -r "$WORK/tokens" "$WORK/tokens-hang"
sed "s|$WORK/tokens|$WORK/tokens-hang|" "$SOFTHSM2_CONF" >"$WORK/hang.conf"
(
	export SOFTHSM2_CONF=$WORK/hang.conf
	shim hang check "$(shim_uri ec-p256)" >/dev/null 2>"$WORK/hang.err" </dev/null
	echo $? >"$WORK/hang.status"
) &
hanging=$!

run token keygen "$(uri ca)" --label with-id --id 0a0b --type ec-p256 --json
is "$(json id)" 0a0b "keygen --id: is the CKA_ID"
run token keygen "$(uri ca)" --label with-id --type ec-p256
status 5 "keygen: a label in use is refused"
run token keygen "$(uri ca)" --label again --id 0a0b --type ec-p256
status 5 "keygen: an id in use is refused"
says 'has this id already; nothing was written' "keygen: and nothing was written"
for type in rsa-2040 rsa-2049 rsa-4104 ec-p521 rsa-; do
	run token keygen "$(uri ca)" --label bad --type "$type"
	status 2 "keygen: $type is no type"
done
run token keygen "$(uri ca)" --label dry --type rsa-4096 -n
status 0 "keygen -n: says what it would do"
nok 5 "keygen -n: made no key" token check "$(key dry)"

# ---- modules with limits, and templates they do not take

run shim small keygen "$(shim_uri x)" --label big --type rsa-3744
status 5 "a size that the token cannot make is refused"
says 'of [0-9]+ to 3072 bits; nothing was written' "and the sentence says which it can"
run shim no-ec keygen "$(shim_uri x)" --label ec --type ec-p256
status 5 "a token without EC keys is refused one"
says 'cannot make EC keys' "and says so"
run shim plain keygen "$(shim_uri x)" --label plain --type ec-p256
status 5 "a template that cannot be said leaves no extractable key"
says 'destroyed' "the key that did not comply was destroyed"
nok 5 "and is gone" token check "$(key plain)"
run shim extractable keygen "$(shim_uri x)" --label leaky --type ec-p256
status 5 "a token that makes extractable keys is refused"
says 'the new key was destroyed: .*extractable' "the key is destroyed, and the sentence says why"
nok 5 "and it is gone" token check "$(key leaky)"

# ---- check: the result is the exit status

run token check "$(key ec-p256)" --json
is "$(json good),$(json key.type),$(json attestation)" true,ec-p256,null \
	"check --json: good, and SoftHSM attests nothing"
run token check "$(key ec-p256)"
prints 'attestation +none from this module' "check: says that there is no attestation"
run shim extractable check "$(shim_uri ec-p256)"
status 5 "check: an extractable key fails"
run shim imported check "$(shim_uri ec-p256)"
status 1 "check: a key not made on the token is a warning"
run shim bad-signature check "$(shim_uri ec-p256)"
status 5 "check: a wrong signature fails"
says 'does not verify' "check: and says so"
run token check "$(uri ca)"
status 5 "check: several keys and no name"
says 'several keys are meant' "check: names them"
must tool --delete-object --type privkey --label with-id
run token check "$(key with-id)"
status 5 "check: a key that is gone"
says 'no private key of that name' "check: and says so"
run token check "$(uri elsewhere)"
status 5 "check: a token that is not there"
says 'is not present; there is .?"ca"' "check: names the ones that are"

# a key that wants the PIN for each signature
must tool --keypairgen --key-type EC:prime256v1 --label always --id 77 --always-auth \
	--usage-sign --sensitive
run token check "$(key always)"
status 0 "check: an always-authenticate key signs with its context login"
prints 'PIN each signature +yes' "check: and is shown as one"
run token bench "$(key always)" --seconds 1
status 0 "bench: measures such a key too"

# attestation, as a YubiKey has it
openssl_key ec-p256 >"$WORK/maker.key" 2>/dev/null
must openssl req -x509 -new -key "$WORK/maker.key" -subj "/CN=Maker Root" -days 9 \
	-out "$WORK/maker.pem"
must tool --read-object --type pubkey --label ec-p256 -o "$WORK/pub.der"
must openssl pkey -pubin -inform DER -in "$WORK/pub.der" -out "$WORK/pub.pem"
printf '1.3.6.1.4.1.41482.3.3 = DER:0403050403\n' >"$WORK/ext"
must openssl req -new -key "$WORK/maker.key" -subj "/CN=Attestation" -out "$WORK/att.csr"
must openssl x509 -req -in "$WORK/att.csr" -force_pubkey "$WORK/pub.pem" -days 9 \
	-CA "$WORK/maker.pem" -CAkey "$WORK/maker.key" -set_serial 5 \
	-extfile "$WORK/ext" -outform DER -out "$WORK/att.der"
must tool --write-object "$WORK/att.der" --type cert --label "att" --id 55
run token check "$(key ec-p256)"
prints 'by CN=Maker Root, NOT VERIFIED' "attestation: shown, and its issuer missed"
must openssl x509 -in "$WORK/maker.pem" -outform DER -out "$WORK/maker.der"
must tool --write-object "$WORK/maker.der" --type cert --label "root" --id 56
run token check "$(key ec-p256)"
prints 'by CN=Maker Root, signature verified' "attestation: verified under the token's own"
run token check "$(key ec-p384)"
prints 'attestation +none' "attestation: of another key is not this key's"

# ---- bench

run token bench "$(key ec-p256)" --seconds 1 --threads 2
status 0 "bench: measures"
prints '^[0-9]+\.[0-9]$' "bench: one number on stdout"
run token bench "$(key rsa-2048)" --seconds 1 --json
like "$(json per_second)" '^[1-9]' "bench --json: per_second"
for bad in 0 -1 x 3601; do
	run token bench "$(key ec-p256)" --seconds "$bad"
	status 2 "bench: --seconds $bad is refused"
done

# ---- the PIN: one prompt, one attempt

printf '999999\n' >"$WORK/wrong"
chmod 600 "$WORK/wrong"
spied() { # spied FILE ARG...: with OpenSC's spy between
	local file=$1
	shift
	rm -f "$file"
	PKCS11SPY=$MODULE PKCS11SPY_OUTPUT=$file "$@"
}
spy_uri="pkcs11:token=ca;object=ec-p256?module-path=$SPY"
run spied "$WORK/spy" token check "$spy_uri&pin-source=file:$WORK/wrong"
status 5 "a wrong PIN: status 5"
says "wrong PIN: .*; put the right PIN into $WORK/wrong before the next try" "a wrong PIN: what to do"
is "$(logins "$WORK/spy")" 1 "a wrong PIN from a file: exactly one C_Login"
nok 1 "the PIN is not in what was said" grep -q 999999 "$WORK/err"
run spied "$WORK/spy" token check "$spy_uri&pin-source=file:$WORK/pin"
is "$STATUS,$(logins "$WORK/spy")" 0,1 "a right PIN: exactly one C_Login"
is "$(grep -c '^[0-9]*: C_Sign$' "$WORK/spy")" 2 "and two C_Sign: a card may tell by the second what it wants"

rm -f "$WORK/spy"
PKCS11SPY=$MODULE PKCS11SPY_OUTPUT=$WORK/spy dialogue 'PIN of token "ca":' 000000 \
	'PIN of token "ca":' "$PIN" -- token check "$spy_uri"
is "$STATUS" 0 "at a terminal a wrong PIN is asked again"
prints 'Wrong PIN: ' "after saying what is left"
is "$(logins "$WORK/spy")" 2 "each prompt is exactly one attempt"
unlike "$OUT" "000000|$PIN" "and the terminal shows no PIN"

/usr/bin/python3 - "$BUILD/bin/airgap-token" "$(uri_ask ca ";object=ec-p256")" >"$WORK/echo" 2>&1 <<'END'
# The token process is killed at its prompt: does the terminal echo afterwards?
import os, pty, signal, sys, termios, time

pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execv(sys.argv[1], [sys.argv[1], "check", sys.argv[2]])

def echoes():
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)

def seen(text):
    shown = b""
    while text not in shown:
        shown += os.read(fd, 1000)

seen(b"PIN of token")
while echoes():
    time.sleep(0.01)
children = open(f"/proc/{pid}/task/{pid}/children").read().split()
os.kill(int(children[0]), signal.SIGKILL)
seen(b"died of SIGKILL")
print("echo" if echoes() else "silent", os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
END
is "$(cat "$WORK/echo")" "echo 5" "a token process that is killed at its prompt leaves the terminal as it was"

printf '12\n' >"$WORK/short"
chmod 600 "$WORK/short"
run spied "$WORK/spy" token check "$spy_uri&pin-source=file:$WORK/short"
is "$STATUS,$(logins "$WORK/spy")" 5,0 "a PIN shorter than the token takes spends no try"
run token check "pkcs11:token=ca?pin-source=|cat%20$WORK/pin"
status 2 "a pin-source that is a command is refused"
cp "$WORK/pin" "$WORK/p n"
run token check "pkcs11:object=ec-p256?pin-source=file:$WORK/p%20n"
status 0 "a pin-source is percent-decoded"
run token check "$(uri_ask ca ";object=ec-p256")"
status 2 "no terminal and no pin-source: usage"

# ---- modules that fail, hang, die

run shim sign-error check "$(shim_uri ec-p256)"
status 5 "a token error in C_Sign: status 5"
says 'CKR_DEVICE_ERROR' "with the module's word"
run shim die check "$(shim_uri ec-p256)"
status 5 "a module that crashes: status 5"
says 'died of SIGABRT' "and says of what"
run shim open-fails check "$(shim_uri ec-p256)"
status 5 "a session that cannot be opened does not hang"
wait "$hanging"
is "$(cat "$WORK/hang.status")" 5 "a C_Sign that never returns: status 5"
like "$(cat "$WORK/hang.err")" 'did not answer in 60 s' "and says so"
run token list --module "$WORK/nothing.so"
status 5 "a module that is not there"
run token list --module "$WORK/pin"
status 5 "a module that is none"
run token check "pkcs11:token=ca?unknown-thing=1"
status 2 "a URI attribute that is not known is refused"

# ---- two tokens

new_token spare
run token keygen --label one --type ec-p256
status 5 "with two tokens present one must be named"
says '"ca" \(serial [0-9a-f]+\), "spare" \(serial|"spare" \(serial [0-9a-f]+\), "ca" \(serial' "and both are named"

# One that fails does not hide the other.
run shim open-fails list --module "$SHIM_SO"
status 5 "list: tokens that cannot be looked into are its status"
is "$(grep -cE '^token "(ca|spare)" \(serial [0-9a-f]+\) cannot be looked into: ' <<<"$ERR")" 2 \
	"and each is named"
says '2 of 3 tokens could not be looked into' "and counted"

# ---- init at a terminal

dialogue 'New SO PIN:' 87654321 'New SO PIN again:' 87654321 'New PIN:' 4444 \
	'New PIN again:' 4444 -- token init --module "$MODULE" --label typed
is "$STATUS" 0 "init: asks each PIN twice"
dialogue 'New SO PIN:' 87654321 'New SO PIN again:' 87654320 -- \
	token init --module "$MODULE" --label differ
is "$STATUS" 5 "init: two that differ are refused"
prints 'differ; nothing was written' "init: and say so"

run token bogus
status 2 "an unknown command is a usage error"
run token --help
status 0 "--help"
run token --version
status 0 "--version"

done_testing
