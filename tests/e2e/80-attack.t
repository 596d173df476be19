#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an attacker tries who has read the manuals: the limits of the machine and
# the habits of the shell rather than the formats.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online
ask() {
	must transfer request --profile tls-server --new-key ec-p256 \
		--name "dns:$1.example.org" --out "$STICK"
}
ask one
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"

# ---- standard streams that are closed -----------------------------------------------------
# What is opened next must not take their numbers: a ledger that is descriptor 2
# would be written into by every sentence.

ask two
command_of ca sign "$STICK" --yes
(setsid -w "${ARGV[@]}" <&- >&- 2>&-)
is "$?" 0 'sign runs with its standard streams closed'
run ca ledger verify
status 0 'and the ledger is whole'
command_of ca list
(setsid -w "${ARGV[@]}" >&- 2>/dev/null)
is "$?" 6 'a list that could not be written is not done'
must transfer install "$STICK"

# ---- more bundles than a process may have files ------------------------------------------

crowd=$(stick crowd)
must ca export "$crowd"
mkdir -p "$crowd/airgap-ca/requests"
for ((i = 0; i < 300; i++)); do
	printf 'no bundle' >"$crowd/airgap-ca/requests/$(printf %032x "$i").cose"
done
cp "$STICK"/airgap-ca/requests/*.cose "$crowd/airgap-ca/requests/"
run bash -c 'ulimit -Sn 128; exec "$@"' bash \
	"$BIN/airgap-ca" --home "$(home_of ca)" sign -n "$crowd"
status 3 'a stick with 300 bundles and room for 128 files: the limit is raised'
is "$(printf '%s\n' "$ERR" | grep -c COSE-FORM)" 300 'and each is looked at'
run bash -c 'ulimit -n 128; exec "$@"' bash \
	"$BIN/airgap-ca" --home "$(home_of ca)" sign -n "$crowd"
status 6 'where it cannot be raised, that is no lie of the reader'
says 'Too many open files' 'and it is said'
quiet 'READER' 'without a word against the stick'

# ---- more bytes than a machine may have memory ----------------------------------------------

heavy=$(stick heavy)
mkdir -p "$heavy/airgap-ca/requests"
for i in 1 2 3; do
	truncate -s 200M "$heavy/airgap-ca/requests/$i.cose"
done
cp "$STICK"/airgap-ca/requests/*.cose "$heavy/airgap-ca/requests/"
run ca sign -n "$heavy"
status 3 'three bundles of 200 MiB'
says '3\.cose: has 209715200 bytes.*\[MEDIA-SIZE\]' 'the third is not copied any more'
says 'was answered before' 'the others are looked at all the same'

# ---- a stick that is used for years --------------------------------------------------------

for name in three four five; do
	ask "$name"
	must ca sign "$STICK" --yes
	must transfer install "$STICK"
done
rm -r "$STICK/airgap-ca/responses"
run ca sign "$STICK" --yes --json
status 0 'a stick with five answered bundles is signed again'
is "$("$PYTHON" -c 'import json,sys
print(*sorted(r["sequence"] for r in json.load(open(sys.argv[1]))["responses"]))' "$WORK/out")" \
	'1 2 3 4 5' 'each response is written once'

# ---- what lies on the stick is for others to read -------------------------------------------

is "$(find "$STICK/airgap-ca" -type d ! -perm 755 -o -type f ! -perm 644)" '' \
	'all that is written to a stick may be read by all'
is "$(find "$(home_of ca)" "$(home_of online)" -maxdepth 0 ! -perm 700)" '' \
	'and both homes are for their owner alone'
is "$(find "$(home_of ca)" "$(home_of online)/keys" -type f ! -perm 600)" '' \
	'with all that is secret in them'
is "$(grep -rlE 'PRIVATE KEY' "$STICK")" '' 'no private key is on the stick'

# ---- a token that signs wrongly ---------------------------------------------------------------

# shellcheck disable=SC2046 # a list of flags
must "${CC:-gcc}" -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$WORK/shim.so" \
	"$TOP/tests/lib/shim.c" -ldl
cp "$(home_of ca)/token.conf" "$WORK/token.conf"
sed -i "s#module-path=[^&]*#module-path=$WORK/shim.so#" "$(home_of ca)/token.conf"
ask six
run env SHIM=bad-signature "$BIN/airgap-ca" --home "$(home_of ca)" sign \
	"$STICK" --yes --allow-network
status 5 'a certificate whose signature is wrong stops the run'
says 'CA key: the token gave a signature that does not verify' 'and the token is named'
quiet 'Response 6|\[CERT' 'nothing leaves'
run ca sign "$STICK" --yes --json
status 0 'the same command goes on with a token that works'
is "$(json responses.-1.issued) $(json responses.-1.refused)" '1 0' \
	'and the request was not refused for what the token did'
cp "$WORK/token.conf" "$(home_of ca)/token.conf"
must transfer install "$STICK"

run ca ledger verify
status 0 'after all this the ledger is whole'

done_testing
