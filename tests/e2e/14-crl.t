#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CRLs of a CA that sleeps: a series dated ahead, signed at one visit, in every response
# that needs it. Judged by programs that share no code with it, on each day.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"
needs certtool gnutls-bin
needs faketime faketime

build_faults
make_ca --scope example.org --profiles tls
must cp "$STICK"/airgap-ca/cards/*.cose "$WORK/card.cose"
enrol_online
ONLINE=$REQUESTER_HEX
policy=$(home_of ca)/policy.conf
LEDGER=$(home_of ca)/ledger.db

records() { sqlite3 "$LEDGER" "SELECT count(*) FROM record WHERE kind = $1"; }
sign() { run ca sign "$STICK" --yes --expect "$ONLINE" --json; }
# asked STICK_NAME WORD... -> a stick of its own in $STICK, with that request
asked() {
	STICK=$(stick "$1")
	shift
	must transfer "$@" --out "$STICK"
}
# there -> the directory of the last response of the last run
there() { echo "$STICK/$(json responses.-1.path)"; }
crls() { ls "$1" | grep -c '^crl-[0-9]*\.crl$'; }
field() { openssl crl -inform DER -in "$1" -noout "$2" | cut -d= -f2-; }
seconds() { date -u -d "$(field "$1" "$2")" +%s; }
number() { printf '%d' "$(field "$1" -crlnumber)"; }

must csr_openssl good ec-p256 /CN=x DNS:good.example.org
must csr_openssl bad ec-p256 /CN=x DNS:bad.example.org
must csr_openssl third ec-p256 /CN=x DNS:third.example.org
asked two request "$WORK/good.csr" "$WORK/bad.csr" --profile tls-server --days 60
sign
status 0 'two certificates are signed'
is "$(crls "$(there)")" 0 'and without a word in policy there is no CRL'
must cp "$(there)"/0001-*.pem "$WORK/good.pem"
must cp "$(there)"/0002-*.pem "$WORK/bad.pem"
must cp "$(there)/ca.pem" "$WORK/ca.pem"
serial=$(openssl x509 -in "$WORK/bad.pem" -noout -serial | cut -d= -f2)
run transfer install "$STICK"
must ca revoke "$serial" --reason keyCompromise --yes

# ---- what is refused --------------------------------------------------------------

STICK=$(stick series)
freeze
run ca crl "$STICK" --series 61 --every 7d --yes
refused 4 CRL-SERIES '--series: 61 CRLs dated ahead; wanted 60 at most' 'more than the policy lets'
run ca crl "$STICK" --series 60 --every 900d --yes
refused 4 CRL-CA-END '--series: the last CRL would end after the CA does' 'a series past the end of the CA'
run ca crl "$STICK" --series 0 --every 7d --yes
status 2 'no CRL at all'
says '--series 0: wanted 1 to 120' 'and is told so'
run ca crl "$STICK" --series 121 --every 7d --yes
status 2 'more than the grammar has'
says '--series 121: wanted 1 to 120' 'and is told so'
run ca crl "$STICK" --series 4 --every 7 --yes
status 2 'a time without a unit'
says '--every 7: wanted digits and one of h, d, w' 'and is told so'
run ca crl "$STICK" --yes
status 2 'nothing said, and no policy'
says '--series N and --every DUR are wanted, as the policy has no crl' 'and is told so'
run ca crl "$STICK" --series 4 --every 7d -n
status 0 'tried, it says what it would do'
says 'CRLs *4, one every 7d' 'so many CRLs'
says 'revoked *1 certificate' 'and how many it lists'

# ---- one series -------------------------------------------------------------------

run ca crl "$STICK" --series 4 --every 7d --overlap 3d --yes --json
status 0 'a series is signed'
is "$(json crls) $(json first) $(json last)" '4 1 4' 'four CRLs, numbered from 1'
DIR=$(there)
is "$(crls "$DIR")" 4 'the response has them'
says '^  CRLs +4, with 0 shadows, the last until 20' 'and they are told'
OLD=$DIR
ok 'ledger verify takes it' ca ledger verify
ok 'and so does what was written from the manual' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"

wrong=
for i in 1 2 3 4; do
	f=$DIR/crl-$i.crl
	text=$(openssl crl -inform DER -in "$f" -noout -text)
	[ "$(number "$f")" = $i ] || wrong="$wrong $i:number"
	grep -q 'Version 2' <<<"$text" || wrong="$wrong $i:version"
	grep -q 'X509v3 Authority Key Identifier' <<<"$text" || wrong="$wrong $i:aki"
	grep -qi 'critical\|Issuing Distribution' <<<"$text" && wrong="$wrong $i:critical"
	grep -q 'Key Compromise' <<<"$text" || wrong="$wrong $i:reason"
	[ $(($(seconds "$f" -nextupdate) - $(seconds "$f" -lastupdate))) = 864000 ] || wrong="$wrong $i:next"
	[ "$i" = 1 ] || [ $(($(seconds "$f" -lastupdate) - before)) = 604800 ] || wrong="$wrong $i:this"
	before=$(seconds "$f" -lastupdate)
	openssl crl -inform DER -in "$f" -noout -CAfile "$WORK/ca.pem" 2>&1 | grep -q 'verify OK' || wrong="$wrong $i:signature"
done
is "$wrong" '' 'each is v2 with its number and the CA'\''s SKI, 7 d behind the one before, 3 d longer, nothing critical'
ski=$(openssl x509 -in "$WORK/ca.pem" -noout -ext subjectKeyIdentifier | sed -n '2s/ //gp')
is "$(openssl crl -inform DER -in "$DIR/crl-1.crl" -noout -text | sed -n '/Authority Key/{n;s/ //g;s/keyid://;p}')" "$ski" 'the keyid is the SKI of the CA'

run ca status --json
status 1 'status says that a series of four weeks is followed within 30 days'
is "$(json crl.crls) $(json crl.last) $(json crl.due) $(json crl.unlisted)" '4 4 true false' 'with its numbers'
is "$(date -u -d "$(json crl.end)" +%s)" "$(seconds "$DIR/crl-4.crl" -nextupdate)" 'until when it goes'
run ca status --within 1d
prints "CRLs +4, the last until [0-9-]{10}: be back by [0-9-]{10}" 'and by when to come back'
unlike "$OUT" '^due: the next CRLs' 'which is not due tomorrow'

# ---- day by day -------------------------------------------------------------------

# judged FILE SECONDS CERT -> what OpenSSL says with that CRL on that second
judged() {
	openssl crl -inform DER -in "$1" -out "$WORK/now.pem"
	openssl verify -CAfile "$WORK/ca.pem" -CRLfile "$WORK/now.pem" -crl_check -attime "$2" "$3" >"$WORK/said" 2>&1 &&
		echo good || grep -o 'error [0-9]*' "$WORK/said" | head -1
}
# gnutls FILE SECONDS CERT -> likewise
gnutls() {
	openssl crl -inform DER -in "$1" -out "$WORK/now.pem"
	faketime -f "@$(date -u -d "@$2" '+%Y-%m-%d %H:%M:%S')" certtool --verify --load-ca-certificate "$WORK/ca.pem" \
		--load-crl "$WORK/now.pem" --infile "$3" >"$WORK/said" 2>&1 && echo good || grep -o revoked "$WORK/said" | head -1
}
wrong=
for i in 1 2 3 4; do
	f=$DIR/crl-$i.crl
	from=$(seconds "$f" -lastupdate)
	end=$(seconds "$f" -nextupdate)
	for t in "$from" $((from + 302400)) $((end - 1)); do
		[ "$(judged "$f" "$t" "$WORK/good.pem")" = good ] || wrong="$wrong $i:$((t - from)):good"
		[ "$(judged "$f" "$t" "$WORK/bad.pem")" = 'error 23' ] || wrong="$wrong $i:$((t - from)):bad"
	done
	t=$((from + 302400))
	[ "$(gnutls "$f" "$t" "$WORK/good.pem")" = good ] || wrong="$wrong $i:gnutls:good"
	[ "$(gnutls "$f" "$t" "$WORK/bad.pem")" = revoked ] || wrong="$wrong $i:gnutls:bad"
	[ "$(judged "$f" "$end" "$WORK/good.pem")" = 'error 12' ] || wrong="$wrong $i:end"
	[ "$(judged "$f" $((from - 1)) "$WORK/good.pem")" = 'error 11' ] || wrong="$wrong $i:before"
done
is "$wrong" '' 'OpenSSL and GnuTLS take the good and refuse the revoked at the borders and in the middle of each slot'

# ---- again ------------------------------------------------------------------------

must rm -rf "$WORK/again"
must cp -r "$DIR" "$WORK/again"
must rm -rf "$STICK/airgap-ca/responses"
ok 'resend writes it again' ca resend "$STICK"
ok 'byte for byte, years later as well' diff -r "$DIR" "$WORK/again"
ok 'check finds it whole' replugged "$STICK" ca check "$STICK"
printf x >>"$DIR/crl-2.crl"
run replugged "$STICK" ca check "$STICK"
unlike "$STATUS" '^0$' 'and a CRL that was changed is found'
must cp "$WORK/again/crl-2.crl" "$DIR/crl-2.crl"

# ---- the next series --------------------------------------------------------------

run ca crl "$STICK" --series 2 --every 7d --yes --json
status 0 'another series'
is "$(json first) $(json last)" '5 6' 'has numbers above all before'
DIR=$(there)
ok 'and is dated later than what it meets' test "$(seconds "$DIR/crl-5.crl" -lastupdate)" -gt "$(seconds "$OLD/crl-1.crl" -lastupdate)"

# ---- by policy --------------------------------------------------------------------

must sed -i '/^\[ca\]/a crl = 3x7d+1d' "$policy"
asked third request "$WORK/third.csr" --profile tls-server --days 30
sign
status 0 'with crl in policy a visit'
is "$(records 28)" 2 'makes no new series while nothing was revoked and half of it is left'
third=$(json responses.-1.results.0.serials.0)
must ca revoke "$third" --reason unspecified --yes
run ca status
prints "^due: what was revoked since is in no CRL: .* crl STICK', or '.* sign STICK' with the next bundle\$" 'status says that a revocation is in no CRL yet'
must csr_openssl fourth ec-p256 /CN=x DNS:fourth.example.org
run transfer install "$STICK"
asked fourth request "$WORK/fourth.csr" --profile tls-server --days 30
sign
status 0 'after a revocation the next visit'
DIR=$(there)
is "$(records 28) $(crls "$DIR")" '3 3' 'makes a whole new one, and the response carries it'
text=$(openssl crl -inform DER -in "$DIR/crl-7.crl" -noout -text)
is "$(grep -c 'Serial Number' <<<"$text")" 2 'both are listed'
is "$(grep -c 'Reason Code' <<<"$text")" 1 'and reason 0 is left out'
field7=$(transfer inspect --json "$DIR/manifest.cose" | "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)["payload"]["next_visit"])')
is "$(date -u -d "$field7" +%s)" $(($(seconds "$DIR/crl-7.crl" -lastupdate) / 1 + 3 * 604800 - 2 * $(sqlite3 "$LEDGER" "SELECT count(*) - 1 FROM crl_series"))) 'the next visit is wanted before the series runs out'

must csr_openssl loose ec-p256 /CN=x DNS:loose.example.org
STICK=$(stick loose)
must cp "$WORK/loose.csr" "$STICK/loose.csr"
run ca sign "$STICK" --loose --profile tls-server --yes --json
status 0 'a loose CSR is signed'
is "$(crls "$(there)")" 3 'and its response has the series as well'
ok 'ledger verify takes all of it' ca ledger verify
ok 'the other one too' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"

# ---- a stick that fails --------------------------------------------------------------

# What was signed onto it comes with the next stick, whatever the operator types then, and
# no server is left with a gap.
lost() { # a stick that is full
	STICK="$WORK/lost-$1"
	mount_small "$STICK" 64k
	cat /dev/zero >"$STICK/more" 2>/dev/null
}
typed() { sed -n "s/.*'airgap-ca \(.*\) resend STICK'.*/\1/p" <<<"$(tr -s ' \n' ' ' <"$WORK/err")"; }
newest() { sqlite3 "$LEDGER" 'SELECT max(sequence) FROM manifest WHERE channel <> zeroblob(32)'; }
had=$(($(newest) - 1)) # that the last one was installed nobody has told yet
for run in resend again transfer-key resend-two; do
	lost "$run"
	run ca crl "$STICK" --series 2 --every 7d --yes
	status 6 "$run: a stick that is full"
	says "the CRLs are signed and kept.*give 'airgap-ca --home [^ ]+ resend STICK', which writes it" "$run: what to do is said"
	quiet 'run the same command again' "$run: and not to sign others"
	[ "$run" != resend-two ] || run ca crl "$STICK" --series 2 --every 7d --yes
	command=$(typed)
	STICK=$(stick "found-$run")
	case $run in
	resend*) run "$BIN/airgap-ca" $command resend "$STICK" ;;
	again) run ca crl "$STICK" --series 2 --every 7d --yes ;;
	*) run ca transfer-key --key-type ec-p256 --out "$STICK" --yes ;;
	esac
	status 0 "$run: on another stick"
	is "$(ls -d "$STICK/airgap-ca/responses/"*"-${ONLINE:0:8}-"* | sed 's/.*-0*//' | paste -sd' ')" \
		"$(seq -s' ' $((had + 1)) "$(newest)")" "$run: all are on it that none has had"
	run transfer install "$STICK"
	status 0 "$run: and the server takes them"
	# Its next bundle tells what it has.
	must csr_openssl "$run" ec-p256 "/CN=$run" "DNS:$run.example.org"
	must transfer request "$WORK/$run.csr" --profile tls-server --out "$STICK"
	must ca sign "$STICK" --yes
	must transfer install "$STICK"
	had=$(($(newest) - 1))
done

# ---- killed -----------------------------------------------------------------------

# Wherever the power goes: no number twice, whole ledgers, and the same command goes on.
wrong=
highest=$(sqlite3 "$LEDGER" 'SELECT max(last) FROM crl_series')
hits=0
for point in '0 fdatasync' '0 fsync' '0 sendmsg' '0.1 write' '0 renameat2'; do
	for n in 1 2 3 4 5 6; do
		STICK=$(stick "killed-${point// /-}-$n")
		read -r process call <<<"$point"
		hit=$(killed "$process" "$call" "$n" ca crl "$STICK" --series 2 --every 7d --yes 2>/dev/null)
		[ "$hit" != 'not hit' ] || continue
		hits=$((hits + 1))
		ca ledger verify >/dev/null 2>&1 || wrong="$wrong $point:$n:verify"
		"$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER" >/dev/null || wrong="$wrong $point:$n:other"
		run ca crl "$STICK" --series 2 --every 7d --yes --json
		[ "$STATUS" = 0 ] || wrong="$wrong $point:$n:again"
		[ "$(json first)" -gt "$highest" ] || wrong="$wrong $point:$n:number"
		highest=$(json last)
		[ "$(crls "$(there)")" = 2 ] || wrong="$wrong $point:$n:files"
	done
done
is "$wrong" '' 'killed at any of these points, it is whole, and the next run has numbers above'
ok 'which were some' test "$hits" -gt 5

done_testing
