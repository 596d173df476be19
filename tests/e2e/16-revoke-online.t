#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Revocations asked for online: by name, serial, file and key, with a new key in one
# trip, again where no answer came; what the CA answered, and what is never used or
# asked for again.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online
sql() { sqlite3 "$(home_of online)/store.db" "$1"; }

# trip STICK: to the CA and back
trip() {
	run ca sign "$1" --yes --json --expect "$REQUESTER_HEX"
	SIGNED=$STATUS
	run transfer install "$1"
}

STICK=$(stick one)
must transfer request --new-key ec-p256 --profile tls-server --host www.example.org --out "$STICK"
must transfer request --new-key ec-p256 --profile tls-server --host mail.example.org \
	--series 3x31d+7d --out "$(stick two)"
trip "$STICK"
trip "$WORK/stick-two"
is "$(sql 'SELECT count(*) FROM certificate')" 4 'there are four certificates'
www=$(transfer list | sed -n 's/.* \([0-9a-f]\{32\}\) .*www.*/\1/p')
mail=$(transfer list | sed -n 's/.* \([0-9a-f]\{32\}\) .*mail.*/\1/p' | head -1)

# ---- what is no revocation -------------------------------------------------------------

STICK=$(stick bad)
freeze
run transfer revoke www.example.org --reason nonsense --out "$STICK"
status 2 'a reason that is none is refused'
says 'keyCompromise' 'with those that there are'
run transfer revoke www.example.org --reason certificateHold --out "$STICK"
status 2 'there is no hold'
run transfer revoke www.example.org --reason keyCompromise --since 2099-01-01 --out "$STICK"
refused 4 REVOKE-FUTURE 'has not come yet' 'a key that leaks in the future'
run transfer revoke nobody.example.org --reason superseded --out "$STICK"
status 7 'a name that is not held'
run transfer revoke www.example.org --out "$STICK"
status 2 'a reason is wanted'
run transfer -n revoke www.example.org --reason superseded --out "$STICK"
status 0 'with -n it is only said'
says "certificate $www \(superseded\)" 'what would be revoked'
unchanged 'and nothing was changed by any of them'

# ---- by name ---------------------------------------------------------------------------

run transfer revoke mail.example.org --reason superseded --out "$STICK" --json
status 0 'by name'
is "$(json revocations)" 3 'the whole series, one by one'
says 'takes effect after the visit to the CA, when .*install STICK. has brought its CRLs and .*rotate. has put them in place' 'and when that counts'
run transfer inspect "$STICK"/airgap-ca/requests/*.cose
prints "$mail" 'inspect shows what is asked'
prints 'superseded' 'and why'
run transfer status
says 'bundle [0-9a-f]+: 3 revocations of ' 'status knows that it is not answered'
trip "$STICK"
is "$SIGNED" 0 'the CA does it'
status 0 'and its answer is installed'
says "certificate $mail revoked" 'which is told'
is "$(sql 'SELECT count(*) FROM certificate WHERE revoked_at IS NOT NULL AND reason = 4')" 3 'the store has all three'
is "$(sql 'SELECT group_concat(DISTINCT status) FROM revocation')" 0 'and their answers'
run transfer list
is "$(printf '%s\n' "$OUT" | grep -c '^revoked .*mail')" 3 'list shows them'
run transfer deploy mail.example.org --format pemfile --to "$WORK/mail.pem"
status 7 'none of them is deployed any more'
says 'its certificate is revoked, and there is no other' 'which is said'
nok 1 'and nothing is there' test -e "$WORK/mail.pem"
run transfer revoke mail.example.org --reason superseded --out "$STICK"
status 7 'a second time there is nothing live'

# ---- by serial and file, and what the CA says ------------------------------------------

STICK=$(stick serial)
run transfer revoke "$mail" --reason superseded --out "$STICK"
status 0 'a serial that was revoked can be asked for'
trip "$STICK"
says "certificate $mail was revoked before" 'revoked already is an answer'
run transfer revoke 0123456789abcdef --reason superseded --out "$WORK/stick-bad"
status 0 'so can one that nobody here knows'
says 'the CA decides' 'which is said'
STICK=$(stick again)
run transfer request --again --out "$STICK" --json
is "$(json revocations)" 1 'again: what has no answer'
trip "$STICK"
says 'revocation 1: is unknown to the CA' 'unknown is an answer'
must transfer revoke 0123456789abcdee --reason superseded --out "$WORK/stick-bad"
bundle=$(sql 'SELECT lower(hex(id)) FROM bundle ORDER BY sequence DESC LIMIT 1')
run transfer withdraw "$bundle"
status 0 'a bundle of revocations is withdrawn like another'
run transfer request --again --out "$STICK"
status 7 'after that nothing is unanswered'

# ---- a key that leaked -----------------------------------------------------------------

STICK=$(stick leak)
must transfer deploy www.example.org --format pemfile --to "$WORK/www.pem"
run transfer request --replace www.example.org --reason keyCompromise --out "$STICK" --json
status 0 'a new key, and the old one revoked'
is "$(json requests)/$(json revocations)" 1/1 'in one bundle'
is "$(sql 'SELECT count(*) FROM revoked_key')" 1 'the key is known as compromised from now on'
trip "$STICK"
status 0 'in one trip'
quiet 'beside others' 'a key that replaces the only one stands beside none'
is "$(transfer list | grep -c '^valid .*www')" 1 'there is a new certificate'
like "$(transfer list)" "revoked .*$www" 'and the old one is revoked'
STICK=$(stick idle)
must transfer rotate
new=$(transfer list | sed -n 's/^valid .* \([0-9a-f]\{32\}\) .*www.*/\1/p')
is "$(openssl x509 -in "$WORK/www.pem" -noout -serial | tr 'A-F' 'a-f')" "serial=$new" 'rotate brings it'
old=$(sql "SELECT key_file FROM request WHERE key_file LIKE '%www%' ORDER BY bundle LIMIT 1")
must openssl req -new -key "$(home_of online)/$old" -subj / -addext subjectAltName=DNS:www.example.org -out "$WORK/again.csr"
STICK=$(stick never)
freeze
run transfer request "$WORK/again.csr" --profile tls-server --out "$STICK"
refused 4 KEY-REVOKED 'its key was revoked as compromised' 'that key is never asked for again'
run transfer revoke "$(ls "$(home_of online)"/certs/dns_www*/*"$new".pem "$(home_of online)"/certs/www*/*"$new".pem 2>/dev/null | head -1)" \
	--reason cessationOfOperation --key --out "$STICK"
status 0 'by file, and by its key'
says 'every certificate of key' 'which is said'
# From here the CA makes CRLs.
must sed -i '/^\[ca\]/a crl = 4x7d+3d' "$(home_of ca)/policy.conf"
trip "$STICK"
like "$(transfer list)" "revoked .*$new" 'and it is revoked'
says '  4 CRLs' 'with the CRLs that the CA makes from now on'
crl=$(home_of online)/crl/4.crl
run openssl crl -inform DER -in "$crl" -noout -CAfile "$(home_of online)/ca.pem" -text
is "$STATUS" 0 'the last of them is signed by the CA'
for serial in "$www" "$mail" "$new"; do
	prints "$(printf %s "$serial" | tr a-f A-F)" "it lists $serial"
done
STICK=$(stick asked)
freeze
run transfer request --new-key ec-p256 --profile tls-server --host new.example.org \
	--crl 61x7d+3d --out "$STICK"
refused 4 CRL-SERIES '--crl 61x7d\+3d: 61 CRLs dated ahead; wanted 60 at most' \
	'more than the policy lets a series have is not asked for'
run transfer request --new-key ec-p256 --profile tls-server --host new.example.org \
	--crl 4x7d+1h --out "$STICK"
refused 4 CRL-SERIES 'wanted a day at least, and two hours' 'nor one that is over before the next is in place'
run transfer request --new-key ec-p256 --profile tls-server --host new.example.org \
	--crl 60x31d+3650d --out "$STICK"
refused 4 CRL-CA-END '--crl 60x31d\+3650d: the last CRL would end after the CA does' \
	'nor a series past the end of the CA'
must transfer request --new-key ec-p256 --profile tls-server --host new.example.org \
	--crl 2x7d+1d --out "$STICK"
run ca sign "$STICK" -n
says 'asks for CRLs: the policy says which' 'where the policy has its own, they are everybody'"'"'s'
trip "$STICK"
status 0 'a series is asked for'
says '  4 CRLs' 'and one comes as the policy has it'
sed -i '/^crl = /d' "$(home_of ca)/policy.conf"
# wishes HOST SERIES REGEX DESC CRLS: a series is asked for, the review says so, and that comes
wishes() {
	STICK=$(stick "$1")
	must transfer request --new-key ec-p256 --profile tls-server --host "$1.example.org" --crl "$2" --out "$STICK"
	run ca sign "$STICK" -n
	says "CRLs for everybody, $3, the last until 20" "$4"
	trip "$STICK"
	says "  $5 CRLs" "$2: $5 come"
}
wishes other 2x7d+1d 'as before, for it asks for less: 4, one every (1w|7d)' 'where it has none nobody shortens those of everybody' 4
wishes more 6x7d+3d 'as it asks: 6, one every (1w|7d)' 'the review shows what is asked' 6
is "$(sql 'SELECT max(number) FROM crl')" 18 'with numbers that go on'
wishes shorter 6x7d+2h 'as before, for it asks for less: 6, one every (1w|7d)' 'a shorter overlap is less, too' 6
wishes longer 6x14d+7d 'as it asks: 6, one every (2w|14d)' 'who asked first does not decide for all that follow' 6
# By its own key, and past its own program.
STICK=$(stick short)
must transfer request --new-key ec-p256 --profile tls-server --host short.example.org --crl 6x7d+3d --out "$STICK"
bundle=$(echo "$STICK"/airgap-ca/requests/*.cose)
must cose --key "$(home_of online)/requester.pem" "$bundle" "$bundle" 'p[11]={1:1,2:1,3:0}'
run ca sign "$STICK" --yes
wants 4 CRL-SERIES 'who asks for a list of one second gets nothing'
must cose --key "$(home_of online)/requester.pem" "$bundle" "$bundle" 'p[11]={1:1,2:3600,3:7200}'
run ca sign "$STICK" --yes
wants 4 CRL-SERIES 'nor does one that would be over in three hours'

done_testing
