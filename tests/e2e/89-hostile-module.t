#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A PKCS#11 module written by an enemy tries, in the token process of `init` and
# `sign`, what SECURITY.md says that a module cannot do (tests/lib/hostile_module.c).
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

REPORTS=$WORK/reports
must mkdir "$REPORTS"
# hostile NAME: builds the module; it reports to $REPORTS/NAME
hostile() {
	must "${CC:-gcc}" -std=c17 -Wall -Werror -D_GNU_SOURCE -shared -fPIC -o "$WORK/$1.so" \
		$(pkg-config --cflags p11-kit-1) \
		-DHOSTILE_HOME="\"$(home_of ca)\"" -DHOSTILE_STICK="\"$STICK\"" \
		-DHOSTILE_REPORT="\"$REPORTS/$1\"" "$TOP/tests/lib/hostile_module.c"
}
hostile_uri() { echo "pkcs11:token=ca?module-path=$WORK/$1.so&pin-source=file:$WORK/pin"; }

# What is asked of the kernel by path; without Landlock nobody holds it, and
# SECURITY.md says so.
by_path='^(ledger-(read|write|of-parent|symlink|exec|link)|policy-write|token-conf-read|home-.*|stick-.*|system-write|core-pattern|mknod)$'

# held NAME WHO: all attempts of that report were refused
held() {
	local attempt result n=0
	while IFS=': ' read -r attempt result; do
		[ "$attempt" != end ] || continue
		if [ "$landlock" = 0 ] && [[ $attempt =~ $by_path ]]; then continue; fi
		n=$((n + 1))
		is "$result" refused "$2: $attempt is refused"
	done <"$REPORTS/$1"
	ok "$2: the module tried a lot ($n)" test "$n" -gt 20
	is "$(tail -1 "$REPORTS/$1")" end "$2: and came to its end"
}

hostile during-init
hostile during-sign
new_token ca
run ca init --subject 'CN=Test CA ca' --token "$(hostile_uri during-init)" --key-type ec-p256 \
	--out "$STICK" --yes --json --scope example.org --profiles tls
status 0 'init works with that module'
CA_HEX=$(json fingerprint)
prints '^[{]' 'what the module prints is not on standard output'
says 'hostile-words' 'but where people see it'
run ca status --json
landlock=$(json sandbox.landlock_abi)
held during-init init
is "$(json sandbox.token.no_new_privs) $(json sandbox.token.seccomp)" 'true true' \
	'status has asked the kernel about the token process'
is "$(json sandbox.token.hidden)" "$([ "$landlock" = 0 ] && echo false || echo true)" \
	'and says whether ledger and stick are hidden'
run ca status
prints '^token process seccomp yes, no_new_privs yes, ledger and stick hidden (yes|NO)$' \
	'and all of it to people'

enrol_online
must transfer request --profile tls-server --new-key ec-p256 --name dns:one.example.org --out "$STICK"
sed -i "s|during-init|during-sign|" "$(home_of ca)/token.conf"
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'sign works with that module'
held during-sign sign
ok 'the ledger is whole' ca ledger verify
must transfer install "$STICK"

# The PIN's file may lie in the home: the module is to have the PIN anyway.
must cp "$WORK/pin" "$(home_of ca)/pin"
sed -i "s|file:$WORK/pin|file:$(home_of ca)/pin|" "$(home_of ca)/token.conf"
must transfer request --profile tls-server --new-key ec-p256 --name dns:two.example.org --out "$STICK"
run ca sign "$STICK" --yes
status 0 'a PIN file in the home is read'

# --token-network gives TCP/IP and nothing else.
: >"$REPORTS/during-sign"
run ca status
must transfer request --profile tls-server --new-key ec-p256 --name dns:three.example.org --out "$STICK"
run ca sign "$STICK" --yes --token-network
status 0 'sign with --token-network'
is "$(grep -c '^socket-stream: DONE' "$REPORTS/during-sign")" 2 \
	'--token-network: IPv4 and IPv6 are there, and no other family'
is "$(grep ': DONE' "$REPORTS/during-sign" | grep -v '^socket-')" '' \
	'--token-network: nothing but sockets'

# A home in another place: a module below it is not to be loaded.
must cp "$WORK/during-sign.so" "$(home_of ca)/"
sed -i "s|during-sign.so|home-ca%2Fduring-sign.so|" "$(home_of ca)/token.conf"
must transfer request --profile tls-server --new-key ec-p256 --name dns:four.example.org --out "$STICK"
run ca sign "$STICK" --yes
if [ "$landlock" = 0 ]; then status 0 'without Landlock a module in the home is loaded'
else
	status 0 'a module in the home is not loaded, and another shows the key'
	says 'during-sign.so: lies below the home or on the medium' 'and it is said why'
fi

done_testing
