#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The CA's certificate for longer: the same key under another serial, taken over by
# whoever is enrolled, before and after the end of the first one.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"
needs openssl openssl
needs certtool gnutls-bin
needs faketime faketime

# far DAYS: that many days from now
far() { date -u -d "$1 days" '+%F %T'; }
# card NAME: the CA certificate of the card on the stick, as NAME.pem
card() {
	"$PYTHON" -c '
import cbor2, sys
card = cbor2.loads(cbor2.load(open(sys.argv[1], "rb")).value[2])
open(sys.argv[2], "wb").write(card[3][0])' "$STICK"/airgap-ca/cards/*.cose "$WORK/$1.der"
	must openssl x509 -inform DER -in "$WORK/$1.der" -out "$WORK/$1.pem"
}
field() { openssl x509 -in "$WORK/$1.pem" -noout "${@:2}"; }
# leaf NAME [TIME]: another certificate of www.example.org, as NAME.pem
leaf() {
	must at "${2:-}" transfer request "$WORK/www.csr" --profile tls-server --out "$STICK"
	run at "${2:-}" ca sign "$STICK" --yes
	status 0 "$1: signed"
	must at "${2:-}" transfer install "$STICK"
	must cp "$(ls -t "$(home_of online)"/certs/www.example.org/*.pem | head -1)" "$WORK/$1.pem"
}
# believed DESC DAYS ROOTS LEAF: by OpenSSL and GnuTLS, that many days from now
believed() {
	ok "$1 (OpenSSL)" openssl verify -attime "$(date -d "$2 days" +%s)" -CAfile "$3" "$WORK/$4.pem"
	ok "$1 (GnuTLS)" faketime "$(far "$2")" certtool --verify --load-ca-certificate "$3" --infile "$WORK/$4.pem"
}
unbelieved() {
	nok 2 "$1 (OpenSSL)" openssl verify -attime "$(date -d "$2 days" +%s)" -CAfile "$3" "$WORK/$4.pem"
	nok 1 "$1 (GnuTLS)" faketime "$(far "$2")" certtool --verify --load-ca-certificate "$3" --infile "$WORK/$4.pem"
}

make_ca --scope example.org --profiles tls --days 400
card old
enrol_online
must csr_openssl www ec-p256 /CN=www.example.org DNS:www.example.org
must transfer request "$WORK/www.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a first certificate'
must transfer install "$STICK"
must cp "$(home_of online)"/certs/www.example.org/*.pem "$WORK/first.pem"
must mkdir "$WORK/srv" "$WORK/web"
must cp "$WORK/www.key" "$WORK/srv/www.key"
must transfer deploy www.example.org --format fullchain --to "$WORK/srv/www.pem"
must transfer publish "$WORK/web"

# ---- before: what is said, and what is refused -----------------------------------------

run ca status
unlike "$OUT" 'ca ends' 'more than a year before its end nothing is said of it'
run at "$(far 40)" ca status
status 0 'a year before its end no timer fails'
prints 'soon: ca ends [0-9-]+ \(in 359 days\)' 'but it is said'
prints "'airgap-ca.* renew-ca' makes it longer" 'with the command'
run at "$(far 375)" ca status
status 1 'a month before it is due'
prints 'due: ca ends' 'which is said'
prints "'airgap-ca.* renew-ca' makes it longer" 'with the command'
run at "$(far 405)" ca status
prints 'due: ca ended [0-9-]+ \([0-9]+ days? ago\)' 'and what is over is said to be'
run transfer status
quiet 'airgap-ca renew-ca' 'on the online side too: nothing more than a year before'
run at "$(far 40)" transfer status
says 'CA certificate ends' 'then when'
says "'airgap-ca renew-ca' makes it longer" 'and by which command'
for who in ca transfer; do
	run at "$(far 40)" $who list
	status 0 "$who list"
	says "The CA's own certificate ends .* 'airgap-ca.* renew-ca' makes it longer" "$who list says it too"
	run $who list
	quiet 'renew-ca' "but not earlier ($who)"
done

freeze "$STICK"
run ca renew-ca --days 0 --yes
status 2 'no days: refused'
run ca renew-ca --days 30 --yes
status 2 'an end before the one that it has: refused'
says '400' 'with what is the least'
run ca renew-ca --days 9999999 --yes
status 2 'more days than there are: refused'
run ca renew-ca more --yes
status 2 'an operand: refused'
run ca renew-ca
status 2 'nobody to ask for Yes: refused'
run ca renew-ca -n
status 0 'a dry run shows it'
says 'requesters +online' 'whom it concerns'
says "whoever has only the old certificate refuses all from $(date -u -d '400 days' +%F) on" 'what it does not help'
says 'authorityKeyIdentifier names issuer and serial' 'and whom'
unchanged 'nothing was changed by all this'

# ---- a run that is cut short goes on ---------------------------------------------------

build_faults
cp -r "$(home_of ca)" "$WORK/home-before"
cp -r "$STICK" "$WORK/stick-before"
serials() { sqlite3 "$(home_of ca)/ledger.db" 'SELECT count(*) FROM serial'; }
had=$(serials)
n=1
while [ $n -le 9 ]; do
	rm -rf "$(home_of ca)" "$STICK"
	cp -r "$WORK/home-before" "$(home_of ca)"
	cp -r "$WORK/stick-before" "$STICK"
	run killed 0 unlink $n ca renew-ca --days 4000 --out "$STICK" --yes
	[ "$STATUS" = 137 ] || break
	run ca ledger verify
	status 0 "killed at file $n: the ledger is whole"
	run ca ledger
	case $OUT in
	*'renewed: in force'*) run ca export "$STICK" ;;
	*'renewed: may be signed'*)
		run ca renew-ca -n
		says 'begun +at .* gone on with' "killed at file $n: the next run goes on"
		run ca renew-ca --days 5000 --yes
		status 2 "killed at file $n: but not to another end"
		says "is finished first: give --days 4000, or none" "killed at file $n: and which one it is"
		run ca renew-ca --days 4000 --out "$STICK" --yes
		;;
	*) run ca renew-ca --days 4000 --out "$STICK" --yes ;;
	esac
	status 0 "killed at file $n: the same again ends it"
	is "$(serials)" $((had + 2)) "killed at file $n: one serial for the CA, one for its transfer key"
	is "$(ca ledger 2>/dev/null | grep -c 'renewed: in force')" 1 "killed at file $n: it is renewed once"
	card new
	n=$((n + 1))
done
ok 'it was killed more than once' test $n -gt 2

# The token stops, and what was to be signed is signed by the next run.
rm -rf "$(home_of ca)" "$STICK"
cp -r "$WORK/home-before" "$(home_of ca)"
cp -r "$WORK/stick-before" "$STICK"
must cp "$(home_of ca)/token.conf" "$WORK/token.conf"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$(home_of ca)/token.conf"
export SHIM=sign-error SHIM_AFTER=0
run ca renew-ca --days 4000 --out "$STICK" --yes
status 5 'a token that stops'
says "nothing has changed; 'airgap-ca.* renew-ca' goes on" 'how to go on is said'
unset SHIM SHIM_AFTER
must cp "$WORK/token.conf" "$(home_of ca)/token.conf"
run ca show "$(sqlite3 "$(home_of ca)/ledger.db" 'SELECT hex(serial) FROM serial ORDER BY n DESC LIMIT 1')"
status 0 'its serial is known, and nothing came of it yet'

# ---- renewed ---------------------------------------------------------------------------

run ca renew-ca --out "$STICK" --yes --json
status 0 'the CA is renewed'
is "$(json trust_change)" true 'requesters will take it over'
says 'nobody enrols again' 'nobody enrols again'
card new
run ca ledger verify
status 0 'the ledger is whole'
for what in -subject -issuer -pubkey -startdate; do
	is "$(field new $what)" "$(field old $what)" "as before: $what"
done
is "$(field new -ext subjectKeyIdentifier,basicConstraints,keyUsage,nameConstraints)" \
	"$(field old -ext subjectKeyIdentifier,basicConstraints,keyUsage,nameConstraints)" 'as before: all extensions'
unlike "$(field new -serial)" "$(field old -serial)" 'another serial'
is "$(date -u -d "$(field new -enddate | cut -d= -f2)" +%F)" "$(date -u -d '4000 days' +%F)" 'and another end'
run ca show "$(field new -serial | cut -d= -f2)"
status 0 'which show knows'

run transfer install "$STICK"
status 0 'the online side takes it over'
says "CA's keys or certificates have changed" 'which is said'
run transfer install "$STICK"
status 0 'again: nothing is new'
says 'number 2, installed before' 'for it was installed'
is "$(grep -c BEGIN "$(home_of online)/ca.pem")" 2 'both certificates are pinned'

run transfer rotate
status 0 'rotate moves the deployment on'
is "$(openssl crl2pkcs7 -nocrl -certfile "$WORK/srv/www.pem" | openssl pkcs7 -print_certs -outform DER 2>/dev/null |
	grep -c '^subject=')" 2 'its chain has two certificates still'
must sh -c "sed -n '/END/,\$p' '$WORK/srv/www.pem' | sed 1d >'$WORK/chain.pem'"
is "$(openssl x509 -in "$WORK/chain.pem" -noout -serial)" "$(field new -serial)" 'of which the second is the new one'
is "$(openssl x509 -inform DER -in "$WORK/web/ca.crt" -noout -serial)" "$(field new -serial)" 'ca.crt is published anew'
is "$(grep -c BEGIN "$WORK/web/ca.pem")" 2 'and ca.pem with both'
run transfer tlsa www.example.org
for root in old new; do
	prints "2 0 1 $(openssl x509 -in "$WORK/$root.pem" -outform DER | sha256sum | cut -d' ' -f1)" "TLSA has the $root one"
done

leaf second
run at "$(far 40)" ca status
unlike "$OUT" 'ca ends' 'nothing more is said of the CA'"'"'s end'
run at "$(far 40)" transfer status
quiet 'renew-ca' 'nor here'
cat "$WORK/old.pem" "$WORK/new.pem" >"$WORK/both.pem"
for one in first second; do
	for root in old new both; do
		believed "before the old end: $one under $root" 1 "$WORK/$root.pem" $one
	done
done

# ---- after the end of the first one ----------------------------------------------------

later=$(far 450)
run at "$later" ca clock accept --yes
leaf third "$later"
believed 'after it: under the new one' 451 "$WORK/new.pem" third
believed 'after it: under both' 451 "$WORK/both.pem" third
unbelieved 'after it: not under the old one alone' 451 "$WORK/old.pem" third
nok 2 'even where the new one is sent' openssl verify -attime "$(date -d '451 days' +%s)" \
	-CAfile "$WORK/old.pem" -untrusted "$WORK/new.pem" "$WORK/third.pem"

# A host that was not there meanwhile takes all in one go; one that enrols now has the new one only.
STICK=$(stick fresh)
run at "$later" ca export "$STICK"
status 0 'a card'
card card
is "$(field card -serial)" "$(field new -serial)" 'has the new certificate'
run at "$later" transfer @late enroll "$STICK" --label late \
	--expect "$(sha256sum <"$WORK/card.der" | cut -d' ' -f1)" --json
status 0 'and is enrolled with'
REQUESTER_HEX=$(json fingerprint)
must csr_openssl late ec-p256 /CN=late.example.org DNS:late.example.org
must at "$later" transfer @late request "$WORK/late.csr" --profile tls-server --out "$STICK"
must at "$later" ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
run at "$later" transfer @late install "$STICK"
status 0 'what it asks for is installed'

# Renewed too late: nobody can be told by the old key's word.
run at "$(far 4100)" ca clock accept --yes
run at "$(far 4100)" ca renew-ca --yes --out "$STICK"
status 0 'after the end of all it is renewed still'
says 'transfer certificate has ended' 'and requesters have to enrol again'
says 'enroll MEDIA --replace' 'by this command'
card last
run at "$(far 4100)" transfer @late enroll "$STICK" --replace \
	--expect "$(sha256sum <"$WORK/last.der" | cut -d' ' -f1)"
status 0 'which they do'
run at "$(far 4100)" ca ledger verify
status 0 'the ledger is whole'

done_testing
