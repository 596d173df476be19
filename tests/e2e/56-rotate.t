#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Thirteen months of rotation, at and around the borders of every slot: what is
# deployed is never expired and never not yet valid, key and certificate fit, and the
# POSH document lists what is presented. Then what a timer has to hear.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
START="2027-01-01 00:00:00"
new_token ca
run at "$START" ca init --subject "CN=Test CA" --token "$(uri ca)" --key-type ec-p256 \
	--scope example.org --profiles xmpp --out "$STICK" --yes --json
CA_HEX=$(json fingerprint)
run at "$START" transfer enroll "$STICK" --label online --expect "$CA_HEX" --json
REQUESTER_HEX=$(json fingerprint)
SRV=$WORK/srv
WWW=$WORK/www
POSH=$WWW/.well-known/posh/xmpp-server.json
mkdir "$SRV" "$WWW"

must at "$START" transfer request --profile xmpp-server --new-key ec-p256 \
	--domain example.org --host chat.example.org --series 12x31d+7d --out "$STICK"
must at "$START" ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must at "$START" transfer install "$STICK"
must at "$START" transfer deploy example.org --format fullchain --to "$SRV/c.pem" \
	--key "$SRV/k.pem" --reload "sh -c 'echo reload >>$WORK/reloads'"
must at "$START" transfer publish "$WWW"

serial() { openssl x509 -in "$SRV/c.pem" -noout -serial | sed 's/.*=//' | tr A-F a-f; }
fits() {
	[ "$(openssl pkey -in "$SRV/k.pem" -pubout)" = "$(openssl x509 -in "$SRV/c.pem" -noout -pubkey)" ]
}
# listed: is the certificate in the file in the document?
listed() {
	local digest
	digest=$(openssl x509 -in "$SRV/c.pem" -outform der | openssl dgst -sha256 -binary | base64)
	grep -qF "\"sha-256\":\"$digest\"" "$POSH"
}
# good EPOCH: is what is deployed good at that second?
good() {
	openssl verify -x509_strict -attime "$1" -CAfile "$WORK/home-online/ca.pem" \
		-verify_hostname example.org "$SRV/c.pem" >/dev/null 2>&1 && fits && listed
}
utc() { date -u -d "@$1" '+%Y-%m-%d %H:%M:%S'; }

# borders: every notBefore and notAfter of the store, as seconds, in order
borders() {
	transfer list --json >"$WORK/list"
	"$PYTHON" -c '
import datetime, json, sys
rows = json.load(open(sys.argv[1]))["certificates"]
at = lambda t: int(datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp())
print(*sorted({at(r[k]) for r in rows for k in ("not_before", "not_after")}))' "$WORK/list"
}

# walk FROM TO: rotate at each border within, a second to each side, and an hour and
# two later as the timer would; count what is wrong in between too.
walk() {
	local border delta t last=$1 wrong=
	for border in $(borders); do
		for delta in -1 0 1 3600 7200; do
			t=$((border + delta))
			[ "$t" -gt "$1" ] && [ "$t" -lt "$2" ] || continue
			[ "$t" -ge "$last" ] || continue
			# Before this run the server has what the last left; an hour is what
			# the timer allows itself.
			[ "$((t - last))" -gt 3600 ] || good "$t" || wrong+=" before $(utc "$t");"
			run at "$(utc "$t")" transfer rotate
			[ "$STATUS" -le 1 ] || wrong+=" status $STATUS at $(utc "$t"): $ERR"
			good "$t" || wrong+=" after $(utc "$t");"
			last=$t
		done
	done
	is "$wrong" "" "$3"
}

seconds() { date -u -d "$1 UTC" +%s; }
T0=$(seconds "$START")
walk "$T0" "$(seconds '2027-11-20 00:00:00')" "eleven months: good at every border of a slot"
is "$(wc -l <"$WORK/reloads")" 11 \
	"a reload for each slot that began, and no other"
run at "2027-11-20 00:00:00" transfer rotate
status 1 "with less than two slots to come, rotate is loud"
says '^due .*the last certificate of dns:example.org ends 2028-01-[0-9]+ \(in [0-9]+ days\), 1 to come' \
	"about what and when"
says 'request --renew dns:example.org' "and what to do"

# ---- the next year ----------------------------------------------------------------

LATE="2027-11-21 12:00:00"
old_key=$(sha256sum <"$SRV/k.pem")
run at "$LATE" transfer request --renew --out "$STICK"
status 0 "the next year is asked for in one word"
says 'dns:example.org: 12 x 31d \+ 7d, from 2028-01-[0-9]+, a new key' "the same as before"
run at "$LATE" transfer request --renew --out "$STICK"
status 7 "once"
says 'asked for already' "which is said"
run at "$LATE" ca sign "$STICK" --yes
says 'in place of +[0-9a-f]{32}' "the operator sees what it replaces"
says 'NEW key; same names' "and what differs"
must at "$LATE" transfer install "$STICK"
run at "$LATE" transfer request --renew --out "$STICK"
status 7 "then there is nothing to renew"
says 'not yet: good until 2029-01' "for a year"
run at "$LATE" transfer rotate
status 0 "and rotate is content"
is "$(sha256sum <"$SRV/k.pem")" "$old_key" "the new key is not deployed before its time"
walk "$(seconds "$LATE")" "$(seconds '2028-02-20 00:00:00')" \
	"over the year's end, where the key changes, good at every border"
isnt_old=$(sha256sum <"$SRV/k.pem")
nok 1 "the new key is there" test "$isnt_old" = "$old_key"
run at "2028-02-21 00:00:00" transfer tlsa example.org
is "$(grep -c '3 1 1' <<<"$OUT")" 2 "and is the one of the records, at two ports"

# ---- what goes wrong --------------------------------------------------------------

run at "2029-02-20 00:00:00" transfer rotate
status 1 "after the last one rotate fails"
says 'no certificate of dns:example.org is left' "and says that none is left"
run at "2026-12-01 00:00:00" transfer rotate
says 'no certificate of dns:example.org is valid now; [0-9]+ to come' \
	"a clock before the first is told too"
run at "2028-02-21 00:00:00" transfer rotate --within 400d
status 1 "what is few is the operator's to say"
run at "2028-02-21 00:00:00" transfer rotate --within 400
status 2 "in days, weeks or hours"

# Two at once: the second says so and touches nothing.
at "2028-02-21 00:00:00" transfer deploy example.org --format cert --to "$SRV/slow.pem" \
	--key "$SRV/slow.key" --reload "sh -c 'touch $WORK/started; until [ -e $WORK/go ]; do sleep 0.1; done'" \
	>/dev/null 2>&1 &
slow=$!
until [ -e "$WORK/started" ]; do
	kill -0 $slow || break
	sleep 0.1
done
run at "2028-02-21 00:00:00" transfer rotate
status 7 "two at once: the second"
says 'another install, deploy, rotate or publish is running' "says why it does nothing"
run at "2028-02-21 00:00:00" transfer install "$STICK"
status 7 "an install is no other"
says 'another install, deploy, rotate or publish is running' "and says the same"
run at "2028-02-21 00:00:00" transfer verify "$STICK"
status 0 "who only looks need not wait"
touch "$WORK/go"
wait $slow
must transfer deploy --forget "$SRV/slow.pem"
run at "2028-02-21 00:00:00" transfer install "$STICK"
status 0 "once it has ended there is one"
# Whoever can read a home's directory can lock that, and it stops nobody.
flock -n "$WORK/home-online" sh -c "touch '$WORK/locked'; until [ -e '$WORK/unlock' ]; do sleep 0.1; done" &
holder=$!
until [ -e "$WORK/locked" ]; do
	kill -0 $holder || break
	sleep 0.1
done
run at "2028-02-21 00:00:00" transfer rotate --within 1h
quiet 'is running' "a lock on the directory of a home keeps nobody out"
touch "$WORK/unlock"
wait $holder
ok "what is locked is for those alone who may use the home" \
	test "$(stat -c %a "$WORK/home-online/requester.pem")" = 600

# ---- killed anywhere --------------------------------------------------------------

# At the change of the year, where key and certificate change: killed at its n-th
# rename, link or write, whatever was there is a pair that fits, and the next run
# brings it where it should be.
needs strace strace
BEFORE=$(utc $(($(seconds '2028-01-08 00:00:00') - 2 * 86400)))
run at "$BEFORE" transfer rotate
AFTER="2028-01-20 00:00:00"
# killed_at CALL N: false when it ran to its end.
killed_at() {
	local WHEN=$AFTER
	command_of transfer rotate
	timeout -k 5 "$LIMIT" setsid -w strace -f -qq -o "$WORK/trace" -e "trace=$1" \
		-e "inject=$1:signal=KILL:when=$2" "${ARGV[@]}" >/dev/null 2>&1 </dev/null
	grep -q 'killed by SIGKILL' "$WORK/trace"
}
wrong=
runs=0
for call in renameat renameat2 linkat symlinkat unlinkat fsync; do
	for n in 1 2 3 5 8 13; do
		run at "$BEFORE" transfer rotate
		left=137
		killed_at "$call" "$n" 2>/dev/null || left=0
		fits || wrong+=" $call $n: the pair does not fit;"
		run at "$AFTER" transfer rotate
		[ "$STATUS" -le 1 ] || wrong+=" $call $n: then status $STATUS;"
		good "$(seconds "$AFTER")" || wrong+=" $call $n: then not good;"
		[ "$(find "$SRV" -name '*.airgap-*' ! -name '.*.airgap-home' | wc -l)" = 0 ] || wrong+=" $call $n: left over;"
		[ "$left" = 137 ] || break
		runs=$((runs + 1))
	done
done
is "$wrong" "" "killed anywhere the pair fits, and the next run is right"
ok "it was killed at many places" test "$runs" -gt 12

# ---- the timer --------------------------------------------------------------------

# systemd's own opinion of the units is asked for in tests/peers.
case $BUILD in */debug) debug=1 ;; *) debug= ;; esac
must make -C "$TOP" -s install-online DEBUG=$debug DESTDIR="$WORK/dest" PREFIX=/usr
UNITS=$WORK/dest/usr/lib/systemd/system
ok "the timer comes with install-online" test -f "$UNITS/airgap-transfer-rotate.timer"
like "$(cat "$UNITS/airgap-transfer-rotate.service")" \
	'^ExecStart=/usr/bin/airgap-transfer --home /var/lib/airgap-transfer rotate$' \
	"and runs the program that is installed"
like "$(cat "$UNITS/airgap-transfer-rotate@.service")" \
	'^ExecStart=/usr/bin/airgap-transfer --home %f rotate$' "a template serves any home"
ok "with a timer" test -f "$UNITS/airgap-transfer-rotate@.timer"
like "$(cat "$UNITS/airgap-transfer-rotate-user@.service")" '^User=%i$' \
	"another serves a user's, as that user"
like "$(cat "$UNITS/airgap-transfer-rotate-user@.service")" '^CapabilityBoundingSet=$' \
	"with none of root's powers"
ok "with a timer, too" test -f "$UNITS/airgap-transfer-rotate-user@.timer"
is "$(find "$WORK/dest" -type l | wc -l)" 0 "nothing enables it"

done_testing
