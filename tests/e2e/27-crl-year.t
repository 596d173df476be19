#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A year of a host whose CA sleeps, by the shipped programs alone: one visit brings CRLs for
# 52 weeks; a revocation in week 6, a leaked key in week 20, the visit after it in week 30.
# Each day that is looked at, `rotate` runs then, and OpenSSL and
# GnuTLS judge by what lies published.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
needs certtool gnutls-bin
needs faketime faketime
make_ca --scope example.org --profiles tls
policy=$(home_of ca)/policy.conf
must sed -i '/^\[ca\]/a crl = 52x7d+3d\ncrl-series-max = 52' "$policy"
printf '[requester online]\nemergency = yes\n' >>"$policy"
enrol_online
ONLINE=$REQUESTER_HEX
enrol_online @other other
OTHER=$REQUESTER_HEX
H=$(home_of online)
WWW=$WORK/www
SRV=$WORK/srv
mkdir "$WWW" "$SRV"
WEEK=604800
HOUR=3600
utc() { date -u -d "@$1" '+%Y-%m-%d %H:%M:%S'; }
# on SECOND CMD...: with the clock there
on() { at "$(utc "$1")" "${@:2}"; }
seconds() { date -u -d "$(openssl crl -inform "${3:-DER}" -in "$1" -noout "$2" | cut -d= -f2-)" +%s; }
number() { printf '%d' "$(openssl crl -inform DER -in "$1" -noout -crlnumber | sed 's/.*=//')"; }
serial() { openssl x509 -in "$SRV/$1.pem" -noout -serial | sed 's/.*=//' | tr A-F a-f; }
# there -> the directory of the last response, if the last run was sign
there() { echo "$STICK/$(json responses.-1.path)"; }
sign() { run on "$1" ca sign "$STICK" --yes --expect "$ONLINE" --expect "$OTHER" --json; }
state() {
	ca list --json | "$PYTHON" -c '
import json, sys
print(*(c["status"] for c in json.load(sys.stdin)["certificates"] if c["serial"] == sys.argv[1]))' "$1"
}

# said SECOND NAME FILE -> what openssl says of that certificate then, with what is published
said() {
	local crl=(-CRLfile "$WORK/now.pem") ca=$H/ca.pem
	case $3 in
	"$WWW"/*) must openssl crl -inform DER -in "$3" -out "$WORK/now.pem" ;;
	*) crl=() ca=$3 ;;
	esac
	openssl verify -crl_check -attime "$1" -CAfile "$ca" "${crl[@]}" "$SRV/$2.pem" >"$WORK/said" 2>&1 &&
		echo good || echo "$(grep -o 'error [0-9]*' "$WORK/said" | head -1)"
}
# gnutls SECOND NAME -> the same in the same words, by GnuTLS and the web root
gnutls() {
	must openssl crl -inform DER -in "$WWW/ca.crl" -out "$WORK/now.pem"
	faketime -f "@$(utc "$1")" certtool --verify --load-ca-certificate "$H/ca.pem" --load-crl "$WORK/now.pem" \
		--infile "$SRV/$2.pem" >"$WORK/said" 2>&1 && echo good ||
		grep -o revoked "$WORK/said" | head -1 | sed 's/revoked/error 23/'
}
# day SECOND NAME=WANTED...: rotate runs then, and each is judged by the web root and by a
# server's file; what is not as wanted goes to $wrong
day() {
	local when=$1 pair file got
	shift
	run on "$when" transfer rotate
	case $STATUS in 0 | 1) ;; *) wrong="$wrong $(utc "$when"):rotate=$STATUS"; printf '%s\n' "$ERR" | comment ;; esac
	for pair; do
		for file in "$WWW/ca.crl" "$SRV/ca.pem"; do
			got=$(said "$when" "${pair%%=*}" "$file")
			[ "$got" = "${pair#*=}" ] || wrong="$wrong $(utc "$when"):$(basename "$file"):${pair%%=*}:$got"
		done
		got=$(gnutls "$when" "${pair%%=*}")
		[ "$got" = "${pair#*=}" ] || wrong="$wrong $(utc "$when"):gnutls:${pair%%=*}:$got"
	done
}
# slots START SLOT... -- NAME=WANTED...: at the begin, an hour later, in the middle and at the end
slots() {
	local start=$1 slot=() i after
	shift
	while [ "$1" != -- ]; do slot+=("$1"); shift; done
	shift
	wrong=
	for i in "${slot[@]}"; do
		for after in 0 $((HOUR + 5)) $((WEEK / 2)) $((WEEK - 5)); do
			# Within the first hour of a series what was before it is in place still.
			[ "$i$after" = 00 ] || day $((start + i * WEEK + after)) "$@"
		done
	done
}

# ---- one visit ---------------------------------------------------------------------

START=$(date +%s)
for name in good bad; do
	must transfer request --profile tls-server --new-key ec-p256 --name "dns:$name.example.org" \
		--days 390 --out "$STICK"
done
must transfer @other request --profile tls-server --new-key ec-p256 --name dns:peer.example.org \
	--days 390 --out "$STICK"
sign "$START"
status 0 'the CA signs for two hosts'
is "$(ls "$(there)" | grep -c '^crl-.*crl$')" 52 'and a CRL for each week of a year'
must transfer install "$STICK"
must transfer @other install "$STICK"
is "$(ls "$H"/crl/*.crl | wc -l) $(ls "$H"/crl/*.shadow | wc -l)" '104 104' 'the host has them, as many shadows, and all anew since its second bundle'
is "$(ls "$(home_of other)"/crl/*.crl | wc -l) $(ls "$(home_of other)"/crl | grep -c shadow)" '52 0' 'the other one has no shadow'
# The second bundle's series is two seconds younger than the first's.
while [ "$(date +%s)" -lt $((START + 5)) ]; do sleep 0.2; done
must transfer publish "$WWW"
must transfer deploy --format ca+crl --to "$SRV/ca.pem"
for name in good bad; do
	must transfer deploy $name.example.org --format cert --to "$SRV/$name.pem" --key "$SRV/$name.key"
done
must transfer @other deploy peer.example.org --format cert --to "$SRV/peer.pem" --key "$SRV/peer.key"
GOOD=$(serial good)
BAD=$(serial bad)
PEER=$(serial peer)
START=$(seconds "$WWW/ca.crl" -lastupdate)
wrong=
day $((START + 60)) good=good bad=good peer=good
is "$wrong" '' 'from the first minute all are accepted'
slots "$START" 0 5 -- good=good bad=good peer=good
is "$wrong" '' 'and at the borders and in the middle of the slots that follow'

# A year without another visit: the home is put back after it.
for d in "$H" "$WWW" "$SRV"; do must cp -a "$d" "$d.kept"; done
slots "$START" 26 51 -- good=good bad=good peer=good
is "$wrong" '' 'and so in the last slots of the year, were nobody to go to the CA'
wrong=
day $((START + 52 * WEEK + 3 * 86400 - 5)) good=good
is "$wrong" '' 'and for the overlap of three days after it'
is "$(said $((START + 52 * WEEK + 3 * 86400 + 5)) good "$WWW/ca.crl")" 'error 12' 'after which everybody is refused'
for d in "$H" "$WWW" "$SRV"; do must rm -rf "$d"; must mv "$d.kept" "$d"; done

# ---- week 6: a revocation ----------------------------------------------------------

WEEK6=$((START + 6 * WEEK + WEEK / 2))
STICK=$(stick week6)
must on "$WEEK6" transfer revoke bad.example.org --reason superseded --out "$STICK"
sign $((WEEK6 + 600))
status 0 'in week 6 the CA revokes one of them'
is "$(state "$BAD") $(state "$GOOD")" 'revoked valid' 'that one'
must cp -r "$(there)" "$WORK/week6"
basename "$(there)" >"$WORK/week6.name"
is "$(ls "$(there)" | grep -c '^crl-.*crl$') $(ls "$(there)" | grep -c shadow)" '52 52' 'and the response has a whole new series, shadows too'
run on $((WEEK6 + 1200)) transfer install "$STICK"
status 0 'which the host takes'
FIRST=$(ls "$WORK/week6" | sed -n 's/^crl-\([0-9]*\)\.crl$/\1/p' | sort -n | head -1)
SECOND=$(seconds "$WORK/week6/crl-$FIRST.crl" -lastupdate)
slots "$SECOND" 0 1 13 -- good=good bad='error 23' peer=good
is "$wrong" '' 'from then on the bad one is refused, and the good one accepted, on each of these days'

# ---- week 20: a key leaks, and the CA is far ---------------------------------------

WEEK20=$((START + 20 * WEEK + 86400))
PASS=$(ca emergency online)
(umask 077; echo "$PASS" >"$WORK/pass")
run on $((WEEK20 - 60)) transfer rotate
REGULAR=$(number "$WWW/ca.crl")
run on "$WEEK20" transfer emergency --yes --pass-source "$WORK/pass"
status 0 'in week 20 the passphrase that the CA shows opens the shadows'
is "$(number "$WWW/ca.crl")" $((REGULAR + 1)) 'that of the slot that is due is published'
wrong=
day $((WEEK20 + 60)) good='error 23' bad='error 23' peer=good
is "$wrong" '' 'at once everything of this host is refused, and nothing of the other'
slots "$SECOND" 14 15 22 -- good='error 23' bad='error 23' peer=good
is "$wrong" '' 'and so each week until the visit'

# ---- week 30: the visit ------------------------------------------------------------

WEEK30=$((START + 30 * WEEK + 86400))
STICK=$(stick week30)
run on "$WEEK30" transfer rotate
for name in new second; do
	must on "$WEEK30" transfer request --profile tls-server --new-key ec-p256 --name "dns:$name.example.org" \
		--days 390 --out "$STICK"
done
PUBLISHED=$(sqlite3 "$H/store.db" 'SELECT group_concat(number) FROM (SELECT number FROM shadow WHERE published_at IS NOT NULL ORDER BY number)')
run on "$WEEK30" transfer inspect "$(ls "$STICK"/airgap-ca/requests/*.cose | head -1)" --json
like "$(tr -d ' \n' <<<"$OUT")" "\"shadow_crls\":\[$PUBLISHED\]" 'the bundle reports each shadow that was published'
run on $((WEEK30 + 60)) ca sign "$STICK" -n --expect "$ONLINE" --expect "$OTHER"
status 0 'the CA reviews it'
says "EMERGENCY: it published $(tr , '\n' <<<"$PUBLISHED" | wc -l) shadow CRLs" 'and says so in capitals'
says "good.example.org" 'with what is to be revoked'
is "$(state "$GOOD")" valid 'until it is confirmed nothing is'
sign $((WEEK30 + 600))
status 0 'the CA signs'
is "$(state "$GOOD") $(state "$BAD") $(state "$PEER")" 'revoked revoked valid' 'and has recorded what the shadows revoked'
must cp -r "$(there)" "$WORK/week30"
basename "$(there)" >"$WORK/week30.name"
run on $((WEEK30 + 1200)) transfer install "$STICK"
status 0 'the new series is installed'
FIRST=$(ls "$WORK/week30" | sed -n 's/^crl-\([0-9]*\)\.crl$/\1/p' | sort -n | head -1)
THIRD=$(seconds "$WORK/week30/crl-$FIRST.crl" -lastupdate)
must on $((WEEK30 + 1300)) transfer deploy new.example.org --format cert --to "$SRV/new.pem" --key "$SRV/new.key"
must on $((WEEK30 + 1300)) transfer deploy second.example.org --format cert --to "$SRV/second.pem" --key "$SRV/second.key"
run on $((WEEK30 + 1400)) transfer status --json
is "$(json emergency)" true 'within its first hour the emergency goes on'
wrong=
day $((WEEK30 + 1500)) good='error 23' new=good second=good peer=good
is "$wrong" '' 'in which the new certificates are good already'
run on $((THIRD + HOUR + 5)) transfer rotate
says 'the emergency of .* is over' 'then it is over'
run on $((THIRD + HOUR + 6)) transfer status --json
is "$(json emergency)" false 'and status is content'
for d in "$H" "$WWW" "$SRV"; do must cp -a "$d" "$d.kept"; done
slots "$THIRD" 0 1 24 -- good='error 23' new=good second=good peer=good
is "$wrong" '' 'the old certificate stays revoked, the new ones are accepted'
slots "$THIRD" 51 -- new=good second=good
is "$wrong" '' 'to the end of the year after it'

# ---- a CA put back from its backup -------------------------------------------------

BACK=$((WEEK30 + 7200))
for d in "$H" "$WWW" "$SRV"; do must rm -rf "$d"; must mv "$d.kept" "$d"; done
must on $BACK ca backup "$WORK/ca.db"
must mv "$(home_of ca)" "$WORK/dead"
must on $BACK ca restore "$WORK/ca.db" --token "$(uri ca)" --yes
must rm -rf "$STICK/airgap-ca/responses"
run ca resend "$STICK"
status 7 'without the passphrase, which is in no backup, shadows cannot be made again'
must cp -p "$WORK/dead/emergency.conf" "$(home_of ca)/"
run ca resend "$STICK" --requester online --from 3
status 0 'with it resend writes all again from week 6 on'
for name in week6 week30; do
	ok "byte for byte, shadows too ($name)" diff -r "$WORK/$name" \
		"$STICK/airgap-ca/responses/$(cat "$WORK/$name.name")"
done

# Who lost that file has another passphrase from the next visit on, and older shadows theirs.
must rm "$(home_of ca)/emergency.conf"
for who in online other; do
	STICK=$(stick "$who")
	must on $BACK transfer "@$who" history --out "$STICK"
	run on $((BACK + 60)) ca recover "$STICK" --yes
	status 0 "the CA has the history of $who"
done
STICK=$(stick back)
must on $((BACK + 120)) transfer request --profile tls-server --new-key ec-p256 --name dns:third.example.org --days 90 --out "$STICK"
sign $((BACK + 180))
status 0 'and signs again'
run on $((BACK + 240)) transfer install "$STICK"
status 0 'which the host takes'
(umask 077; ca emergency online >"$WORK/again")
STICK=$(stick late)
must on $((BACK + HOUR)) transfer request --profile tls-server --new-key ec-p256 --name dns:late.example.org --days 90 --out "$STICK"
freeze "$WWW" "$SRV"
run on $((BACK + 2 * HOUR)) transfer emergency --yes --pass-source "$WORK/pass"
refused 7 SHADOW-PASS 'this passphrase does not open it' 'the passphrase of before opens nothing of it'
run on $((BACK + 2 * HOUR)) transfer emergency --yes --pass-source "$WORK/again"
status 0 'but the one that the CA shows now does'
wrong=
day $((BACK + 2 * HOUR + 60)) new='error 23' second='error 23' peer=good
is "$wrong" '' 'and everything of this host is refused'

# ---- a bundle that was on its way when the key leaked ------------------------------

sign $((BACK + 3 * HOUR))
status 0 'a bundle of before that day is signed'
quiet 'EMERGENCY' 'for which the CA knows of no emergency'
run on $((BACK + 3 * HOUR + 60)) transfer install "$STICK"
status 0 'and installed'
must on $((BACK + 3 * HOUR + 90)) transfer deploy late.example.org --format cert --to "$SRV/late.pem" --key "$SRV/late.key"
wrong=
day $((BACK + 5 * HOUR)) new='error 23' second='error 23' late=good peer=good
is "$wrong" '' 'its series, which revokes none of them, does not end the emergency'
run on $((BACK + 5 * HOUR + 60)) transfer emergency --yes --pass-source "$WORK/again"
status 0 'emergency once more opens its shadows'
wrong=
day $((BACK + 5 * HOUR + 90)) new='error 23' late='error 23' peer=good
is "$wrong" '' 'which refuse what it brought, too'
STICK=$(stick last)
must on $((BACK + 6 * HOUR)) transfer request --profile tls-server --new-key ec-p256 --name dns:last.example.org --days 90 --out "$STICK"
sign $((BACK + 6 * HOUR + 60))
says 'EMERGENCY: it published 2 shadow CRLs' 'the next bundle tells of both'
run on $((BACK + 6 * HOUR + 120)) transfer install "$STICK"
status 0 'and what it brings'
must on $((BACK + 6 * HOUR + 150)) transfer deploy last.example.org --format cert --to "$SRV/last.pem" --key "$SRV/last.key"
run on $((BACK + 8 * HOUR)) transfer rotate
says 'the emergency of .* is over' 'ends it'
wrong=
day $((BACK + 8 * HOUR + 60)) new='error 23' second='error 23' late='error 23' last=good peer=good
is "$wrong" '' 'with all of that revoked for good, and the newest accepted'
ok 'ledger verify takes all of it' ca ledger verify
ok 'and so does what was written from the manual' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$(home_of ca)/ledger.db"

done_testing
