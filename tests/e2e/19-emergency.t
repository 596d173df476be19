#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The day a key leaks: the shadow of the slot that is due takes the place of the regular
# CRL, and the next ones after it, until the CA says the same. The shadows are sealed here
# by other code than ours.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
needs expect expect
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # it cannot work under a tracer
. "$TOP/tests/faults/prepare.sh"
build_faults
make_known_ca --scope example.org --profiles tls
enrol_online
H=$(home_of online)
WWW=$WORK/www
SRV=$WORK/srv
CRLS=$WORK/crls
mkdir "$WWW" "$SRV" "$CRLS"
for name in one two; do
	must transfer request --profile tls-server --new-key ec-p256 --name "dns:$name.example.org" \
		--days 90 --out "$STICK"
done
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
for name in one two; do
	must transfer deploy $name.example.org --format cert --to "$SRV/$name.pem" --key "$SRV/$name.key"
done
serial() { openssl x509 -in "$SRV/$1.pem" -noout -serial | sed 's/.*=//'; }
NOW=$(date +%s)
WEEK=604800
PASS=0f1e-2d3c-4b5a-6978-8796-a5b4-c3d2-e1f0
(umask 077; echo "$PASS" >"$WORK/pass"; echo "0000-2d3c-4b5a-6978-8796-a5b4-c3d2-e1f0" >"$WORK/wrong")
put() {
	must "$PYTHON" -W ignore "$TOP/tests/tools/put_crl.py" "$H/store.db" "$H/ca.pem" "$WORK/ca-key.key" "$@"
}
# slot I: regular and shadow, as the CA dates and numbers them
slot() {
	local at=$((NOW - 4000 + $1 * WEEK))
	put $((10 + 2 * $1)) $at $((at + WEEK + 3 * 86400))
	put $((11 + 2 * $1)) $((at + 1)) $((at + WEEK + 3 * 86400)) --shadow "$WORK/pass" "$(serial one)" "$(serial two)"
}
utc() { date -u -d "@$1" '+%Y-%m-%d %H:%M:%S'; }
at_slot() { utc $((NOW - 4000 + $1 * WEEK + $2)); }
number() { openssl crl -inform "${2:-PEM}" -in "$1" -noout -crlnumber | sed 's/.*=0*x*//'; }
everywhere() { echo "$(number "$WWW/ca.crl" DER) $(number "$SRV/crl.pem") $(find "$CRLS" -name '*.r*' | wc -l)"; }
verified() { openssl verify -crl_check -attime $((NOW + 60)) -CAfile "$H/ca.pem" "$@"; }

# ---- what it takes ----------------------------------------------------------------

run transfer emergency --yes
status 7 "without shadows there is no emergency to declare"
says 'no shadow CRL is here.*`emergency = yes` in \[requester online\]' "and it says where they come from"
put 1 $((NOW - 90000)) $((NOW + 90000)) --shadow "$WORK/pass" "$(serial one)" "$(serial two)"
put 2 $((NOW - 80000)) $((NOW + 90000))
run transfer emergency --yes --pass-source "$WORK/pass"
status 7 "a shadow that is older than the regular CRL would not be believed"
says 'shadow CRL 1 is older than CRL 2, which is due' "and is not published"
for i in 0 1 2; do slot $i; done
run transfer emergency --yes --pass-source "$WORK/pass"
status 7 "where no CRL goes anywhere, nobody would hear of it"
says 'nothing here publishes CRLs' "which is said"
must transfer publish "$WWW"
must transfer deploy --format crl --to "$SRV/crl.pem" --reload "sh -c 'echo reload >>$WORK/reloads'"
must transfer deploy --format crl-dir --to "$CRLS"
is "$(everywhere)" "0A 0A 1" "before that day regular CRLs are in place"
freeze "$H" "$WWW" "$SRV" "$CRLS"

run transfer emergency --yes --pass-source "$WORK/wrong"
refused 7 SHADOW-PASS 'shadow CRL 11: this passphrase does not open it' "a wrong passphrase opens nothing"
# Who has the transfer key sends one that nothing opens: the others do.
cp -a "$H" "$WORK/kept-home"
put 17 $((NOW - 4000 + 3 * WEEK + 1)) $((NOW - 4000 + 4 * WEEK + 3 * 86400)) --shadow "$WORK/wrong" "$(serial one)"
run transfer emergency -n --pass-source "$WORK/pass"
status 0 "one that does not open does not keep the others shut"
says 'shadow CRL 11 until .* and 2 more to' "those are told as before"
says "1 do not open by this passphrase, the last is CRL 17: visit the CA before $(date -u -d "@$((NOW - 4000 + 3 * WEEK))" +%Y-%m-%d)" \
	"and it, with what that means"
rm -rf "$H"
cp -a "$WORK/kept-home" "$H"
# By a key of the CA's that has begun too, it is one of today, and what that key signed goes on.
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/other.key" -out "$WORK/other.pem" \
	-subj "/CN=Other" -days 3000
must "$PYTHON" -W ignore "$TOP/tests/tools/put_crl.py" "$H/store.db" "$WORK/other.pem" "$WORK/other.key" 18 $((NOW - 3999)) \
	$((NOW - 4000 + WEEK)) --shadow "$WORK/wrong" "$(serial one)"
run transfer emergency -n --pass-source "$WORK/pass"
status 0 "nor does one of today that another key signed"
says 'CRL 18, of today and by another key of the CA, does not open: what that key signed is not refused; visit the CA now' \
	"which is told with what it means"
rm -rf "$H"
cp -a "$WORK/kept-home" "$H"
put 17 $((NOW - 3000)) $((NOW - 4000 + WEEK + 3 * 86400)) --shadow "$WORK/wrong" "$(serial one)"
run transfer emergency --yes --pass-source "$WORK/pass"
wants 7 SHADOW-PASS "but the one of today must open"
says 'shadow CRL 17: this passphrase' "and is named"
rm -rf "$H"
mv "$WORK/kept-home" "$H"

run transfer emergency --yes
status 2 "without a terminal it comes from a file"
chmod 644 "$WORK/pass"
run transfer emergency --yes --pass-source "$WORK/pass"
status 6 "which others must not read"
chmod 600 "$WORK/pass"
run transfer emergency -n --pass-source "$WORK/pass"
status 0 "a dry run tells all"
says 'shadow CRL 11 until .* and 2 more to' "which CRL it is, and how many follow"
says "$WWW" "where it goes"
says "$SRV/crl.pem" "to each server"
says 'dns:one.example.org' "whom it stops"
says 'Whoever checks CRLs refuses all of them from now on, the good ones too. There is no way back but a visit to the CA' \
	"and that there is no way back"
dialogue 'Passphrase' "$PASS" 'Type Yes' no -- transfer emergency
is "$STATUS" 4 "whoever does not type Yes changes nothing"
unchanged "which is so after each of these"

# A changed shadow is none: what the manifest names is what is published.
cp "$H/crl/crl-11.shadow" "$WORK/kept"
flip "$H/crl/crl-11.shadow" 100
run transfer emergency --yes --pass-source "$WORK/pass"
status 7 "a file that was changed is not opened"
says 'crl-11.shadow: is not what was installed' "and is told"
mv "$WORK/kept" "$H/crl/crl-11.shadow"

# ---- a disk that fails on that day ---------------------------------------------------

# Status 0 says that it is in place: wherever the store cannot be read, it is, or that is said.
must mkdir "$WORK/kept"
touch "$WORK/reloads"
cp -a "$H" "$WWW" "$SRV" "$CRLS" "$WORK/reloads" "$WORK/kept/"
wrong=
hits=0
for ((n = 1; ; n += 3)); do
	hit=$(faulty 0 pread64 $n EIO transfer emergency --yes --pass-source "$WORK/pass" 2>"$WORK/err")
	done=$?
	[ "$hit" != 'not hit' ] || break
	hits=$((hits + 1))
	[ $done != 0 ] || [ "$(number "$WWW/ca.crl" DER)" = 0B ] || wrong="$wrong $n"
	[ $done = 0 ] || ! grep -q '^Next' "$WORK/err" || wrong="$wrong $n:next"
	rm -rf "$H" "$WWW" "$SRV" "$CRLS"
	cp -a "$WORK/kept/." "$WORK/"
done
rm -rf "$H" "$WWW" "$SRV" "$CRLS"
cp -a "$WORK/kept/." "$WORK/"
is "$wrong" '' "it is told where it is not in place"
ok "at $hits places" test "$hits" -gt 10

# ---- the day ----------------------------------------------------------------------

ok "until now the certificate is good" verified -CRLfile "$SRV/crl.pem" "$SRV/one.pem"
dialogue 'Passphrase' "${PASS^^}" 'Type Yes' Yes -- transfer emergency
is "$STATUS" 0 "typed off a sheet of paper, in capitals, it is done"
like "$OUT" 'shadow CRL 11 until' "and told"
like "$OUT" 'Next: for each name `airgap-transfer --home [^ ]+ request --replace NAME --reason keyCompromise --out STICK`, and visit the CA' "with what comes next"
is "$(everywhere)" "0B 0B 2" "the shadow is in the place of the regular one"
is "$(wc -l <"$WORK/reloads")" 2 "servers were told"
for name in one two; do
	nok 2 "openssl refuses $name by the file" verified -CRLfile "$SRV/crl.pem" "$SRV/$name.pem"
	nok 2 "and by the directory, where the regular one lies beside it" verified -CApath "$CRLS" "$SRV/$name.pem"
done
run transfer emergency --yes
status 0 "the same once more asks for nothing"
is "$(everywhere)" "0B 0B 2" "and changes nothing"
run transfer status --json
status 1 "status does not let it be forgotten"
is "$(json emergency)" true "for programs"
run transfer status
says '^due  emergency since .*every certificate of this host is refused' "and for people"

run at "$(at_slot 1 3540)" transfer rotate
status 1 "nor does rotate"
says '^due  emergency since' "which says it each time"
is "$(everywhere)" "0B 0B 2" "within the first hour of a slot the last shadow stays"
# A host with a web root and no server: what it published is told by it as well.
cp -a "$H" "$(home_of web)"
mkdir "$WORK/web"
run at "$(at_slot 1 3601)" transfer @web publish "$WORK/web"
is "$(number "$WORK/web/ca.crl" DER)" 0D "publish alone puts the next shadow in place too"
must transfer @web request --profile tls-server --new-key ec-p256 --name dns:web.example.org --out "$(stick web)"
run transfer inspect "$WORK"/stick-web/airgap-ca/requests/*.cose --json
like "$OUT" '"shadow_crls": *\[ *11, *13 *\]' "and the bundle of that host reports it"
run at "$(at_slot 1 3601)" transfer rotate --json
is "$(everywhere)" "0D 0D 3" "then the next shadow is in place, without a passphrase"
is "$(json emergency)" true "and rotate says why"

# ---- what the CA hears ------------------------------------------------------------

must transfer request --profile tls-server --new-key ec-p256 --name dns:new.example.org --out "$(stick new)"
run transfer inspect "$WORK"/stick-new/airgap-ca/requests/*.cose --json
like "$OUT" '"shadow_crls": *\[ *11, *13 *\]' "the next bundle reports both"
# This CA made none of them: what is not its own it does not believe.
run ca sign "$WORK/stick-new" -n
says 'published 2 CRLs which this CA never made as its shadows, the first CRL 11: they revoke nothing' "a CA that made none believes none"
quiet 'EMERGENCY|To be revoked' "and revokes nothing"

# ---- its end ----------------------------------------------------------------------

# Another series that came before the CA could know.
put 40 $((NOW + WEEK + 100)) $((NOW + 2 * WEEK))
run at "$(at_slot 1 9000)" transfer rotate
is "$(everywhere)" "0D 0D 3" "a newer series that does not revoke them changes nothing"
put 42 $((NOW + WEEK + 200)) $((NOW + 2 * WEEK)) "$(serial one)"
run at "$(at_slot 1 9000)" transfer rotate
is "$(everywhere)" "0D 0D 3" "nor does one that revokes less"
put 44 $((NOW + WEEK + 300)) $((NOW + 2 * WEEK)) "$(serial one)" "$(serial two)"
run at "$(at_slot 1 9000)" transfer rotate -n
says 'emergency of .* is over' "a dry run sees the end"
run at "$(at_slot 1 9000)" transfer rotate
says 'the emergency of .* is over: CRL 44 of the CA revokes what the shadows did' "it is over with one that revokes the same"
is "$(number "$WWW/ca.crl" DER) $(number "$SRV/crl.pem")" "2C 2C" "which is in place from then on"
run at "$(at_slot 1 9000)" transfer status --json
is "$(json emergency)" false "and status is content"
must at "$(at_slot 1 9000)" transfer request --profile tls-server --new-key ec-p256 --name dns:later.example.org --out "$(stick later)"
run transfer inspect "$WORK"/stick-later/airgap-ca/requests/*.cose --json
status 0 "the bundle after that is well"
unlike "$OUT" 'shadow_crls' "and reports nothing"

done_testing
