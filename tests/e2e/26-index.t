#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# index.txt of a CA that is adopted: each form that its tools write becomes something
# that is said, and what has no one meaning is refused by its line.
. "$(dirname "$0")/../lib/lib.sh"
. "$(dirname "$0")/../lib/remedies.sh"

NAME='/CN=a.example.org'
FAR=350101000000Z
PAST=200101000000Z
new_token ca
openssl_key ec-p256 >"$WORK/ca.key" 2>/dev/null
must openssl pkcs8 -topk8 -nocrypt -in "$WORK/ca.key" -out "$WORK/ca.p8"
must softhsm2-util --import "$WORK/ca.p8" --token ca --label old --id 01 --pin "$PIN"
must openssl req -x509 -new -key "$WORK/ca.key" -subj '/CN=Old CA' -set_serial 0x4242 -days 30 -out "$WORK/ca.pem"
OWN_END=$(openssl x509 -in "$WORK/ca.pem" -noout -enddate | cut -d= -f2)
OWN_END=$(date -u -d "$OWN_END" +%y%m%d%H%M%SZ)
INDEX=$WORK/index.txt

# line STATUS END REVOKED SERIAL [SUBJECT]
line() { printf '%s\t%s\t%s\t%s\tunknown\t%s\n' "$1" "$2" "$3" "$4" "${5-$NAME}"; }
adopt() {
	run ca init --adopt "$WORK/ca.pem" --use-key pkcs11:object=old --token "$(uri ca)" \
		--index "$INDEX" --scope example.org "$@"
}

freeze "$WORK/tokens"

# ---- what is refused ---------------------------------------------------------------

# bad DESC REGEX LINE...: the lines after a good one
bad() {
	local desc=$1 regex=$2
	shift 2
	{ line V $FAR '' 01; printf '%s\n' "$@"; } >"$INDEX"
	adopt --yes
	refused 3 INDEX-LINE "index.txt: line [0-9]+: .*$regex" "$desc"
	ok "$desc: and no CA is made" test ! -e "$(home_of ca)/ledger.db"
}

bad 'an empty line' 'not six fields' ''
bad 'five fields' 'not six fields' "V	$FAR		02	unknown"
bad 'seven fields' 'not six fields' "$(line V $FAR '' 02)	x"
bad 'a status that is none' 'none of V, R and E' "$(line S $FAR '' 02)"
bad 'a status in small letters' 'none of V, R and E' "$(line v $FAR '' 02)"
bad 'no end' 'the end of its validity' "$(line V '' '' 02)"
bad 'an end without Z' 'the end of its validity' "$(line V 350101000000 '' 02)"
bad 'an end with an offset' 'the end of its validity' "$(line V 3501010000+01 '' 02)"
bad 'the 30th of February' 'the end of its validity' "$(line V 350230000000Z '' 02)"
bad 'a 13th month' 'the end of its validity' "$(line V 351301000000Z '' 02)"
bad 'a leap second' 'the end of its validity' "$(line V 350101000060Z '' 02)"
bad 'an end before 1970' 'the end of its validity' "$(line V 690101000000Z '' 02)"
bad 'R without a date' 'the date of its revocation' "$(line R $FAR '' 02)"
bad 'V with a date of revocation' 'not marked R' "$(line V $FAR $PAST 02)"
bad 'E with a date of revocation' 'not marked R' "$(line E $PAST $PAST 02)"
bad 'a reason that is none' 'a reason that is none' "$(line R $FAR $PAST,because 02)"
bad 'an empty reason' 'a reason that is none' "$(line R $FAR $PAST, 02)"
bad 'a reason with something behind it' 'more than a reason' "$(line R $FAR $PAST,superseded,x 02)"
bad 'keyTime without a date' 'keyTime wants a date' "$(line R $FAR $PAST,keyTime 02)"
bad 'keyTime with half a date' 'keyTime wants a date' "$(line R $FAR $PAST,keyTime,2019 02)"
bad 'holdInstruction without one' 'holdInstruction wants' "$(line R $FAR $PAST,holdInstruction 02)"
bad 'a revocation of the future' 'revoked in the future' "$(line R $FAR 340101000000Z 02)"
bad 'a key that will be lost' 'revoked in the future' "$(line R $FAR $PAST,keyTime,20340101000000Z 02)"
bad 'no serial' 'its serial' "$(line V $FAR '' '')"
bad 'a serial of an odd length' 'its serial' "$(line V $FAR '' 2)"
bad 'a serial that is no number' 'its serial' "$(line V $FAR '' 0x02)"
bad 'a negative serial' 'its serial' "$(line V $FAR '' -2)"
bad 'a serial of 21 octets' 'its serial' "$(line V $FAR '' 01$(printf '00%.0s' {1..20}))"
bad 'two lines of one serial' 'it has the serial of line 1' "$(line V $FAR '' 01)"
bad 'a serial twice, with zeros in front' 'it has the serial of line 1' "$(line V $FAR '' 0001)"
bad 'a subject that drives a terminal' 'a control character' "$(line V $FAR '' 02 $'/CN=\e[2J')"
bad 'a subject without an end' 'more than 2000 bytes' "$(line V $FAR '' 02 "/CN=$(printf 'x%.0s' {1..2001})")"
bad 'a line of a megabyte' 'longer than 8192' "$(head -c 1000000 /dev/zero | tr '\0' x)"
bad 'an expired one that has not ended' 'marked E, and has not ended' "$(line E $FAR '' 02)"
bad 'a certificate with the serial of the CA' "the serial of the CA's own" "$(line V $FAR '' 4242)"
bad 'a CA that is revoked' "the CA's own certificate is revoked" "$(line R "$OWN_END" $PAST 4242)"
{ line V $FAR '' 01; printf 'V\t%s\t\t02\tunknown\t/CN=cut' $FAR; } >"$INDEX"
adopt --yes
refused 3 INDEX-LINE 'index.txt: line 2: cut short' 'a last line that was cut'
printf 'V\t%s\t\t01\tunknown\t/CN=\0x\n' $FAR >"$INDEX"
adopt --yes
refused 3 INDEX-LINE 'index.txt: line 1: a control character' 'a NUL'
head -c 300 /dev/urandom >"$INDEX"
adopt --yes
refused 3 INDEX-LINE 'index.txt: line 1: ' 'what is no index at all'
rm "$INDEX"
adopt --yes
status 6 'an index that is not there'
says 'index.txt' 'by its name'

# ---- what is taken -----------------------------------------------------------------

{
	echo '# a comment, as openssl passes over'
	line V $FAR '' 01
	line V 20600101000000Z '' 02
	line V $PAST '' 03
	line E $PAST '' 04
	line R $FAR $PAST 05
	line R $FAR $PAST,unspecified 06
	line R $FAR $PAST,keyCompromise 07
	line R $FAR 20190203040506Z,CACompromise 08
	line R $FAR $PAST,affiliationChanged 09
	line R $FAR $PAST,superseded 0A
	line R $FAR $PAST,CessationOfOperation 0b
	line R $FAR $PAST,certificateHold 0C
	line R $FAR $PAST,holdInstruction,holdInstructionReject 0D
	line R $FAR $PAST,keyTime,20190304050607Z 0E
	line R $FAR $PAST,CAkeyTime,20190304050607Z 0F
	line R $FAR $PAST,removeFromCRL 10
	line R $PAST $PAST,superseded 11
	line V $FAR '' FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF
	line V $FAR '' E0000000000000000000000000000001
	line V $FAR '' 12 ''
	line V $FAR '' 13 '/O=A\/B\+C/CN=caf\xC3\xA9'
	line V $FAR '' 14 '/CN=caf\xE9'
	line V "$OWN_END" '' 4242 '/CN=Old CA'
	line V $FAR '' 00
} >"$INDEX"
sed -i '3s/$/\r/' "$INDEX"
before=$(sha256sum "$INDEX")
adopt -n
status 0 'a dry run takes every form'
says 'known +23 certificates, 13 of them revoked, 2 expired' 'it says how many there are'
says '^2 on hold .*revoked for good, without a reason' 'that a hold is one no longer'
says '^1 with the reason removeFromCRL: revoked for good' 'nor what was taken off a CRL'
says '^1 marked V that have ended: taken for expired' 'that V may be over'
says '^1 of the CA itself: passed over' "that the CA's own is none of them"
says '^23 known by serial alone' 'that no certificate is at hand'
says 'No --crlnumber: CRLs are numbered from 1' 'and that nobody said a number'
ok 'and makes nothing' test ! -e "$(home_of ca)/ledger.db"
adopt --crlnumber 4711 --yes
status 0 'so does the run itself'
leads INDEX-LINE 'with lines that are right'
quiet 'No --crlnumber' 'with a number'
is "$(sha256sum "$INDEX")" "$before" 'the file is as it was'

run ca list --json
# of SERIAL FIELD
of() {
	"$PYTHON" -c 'import json, sys
print([c[sys.argv[3]] for c in json.load(open(sys.argv[1]))["certificates"]
       if c["serial"] == sys.argv[2]][0])' "$WORK/list" "$1" "$2"
}
must cp "$WORK/out" "$WORK/list"
is "$("$PYTHON" -c 'import json, sys
print(len(json.load(open(sys.argv[1]))["certificates"]))' "$WORK/list")" 23 'each stands in the list'
is "$(of 01 status)" valid 'V is valid'
is "$(of 02 not_after)" 2060-01-01T00:00:00Z 'an end after 2049'
is "$(of 03 status)/$(of 04 status)" expired/expired 'what is over is expired, marked V or E'
is "$(of 12 subject)" '' 'a subject may be empty'
is "$(of 13 subject)" '/O=A\/B\+C/CN=café' 'escaped bytes that are UTF-8 are shown as such'
is "$(of 14 subject)" '/CN=caf\xE9' 'others as they stand there'
is "$(of ffffffffffffffffffffffffffffffffffffffff status)" valid 'twenty octets, the top bit set'
is "$(of 00 status)" valid 'the serial 0'

# revoked SERIAL REASON DATE [SINCE]
revoked() {
	run ca show "$1" --json
	is "$(json revoked.reason) $(json revoked.at)${4:+ }$([ -z "${4:-}" ] || json revoked.since)" \
		"$2 $3${4:+ $4}" "serial $1: $2"
}
DAY=2020-01-01T00:00:00Z
revoked 05 unspecified $DAY
revoked 06 unspecified $DAY
revoked 07 keyCompromise $DAY
revoked 08 cACompromise 2019-02-03T04:05:06Z
revoked 09 affiliationChanged $DAY
revoked 0a superseded $DAY
revoked 0b cessationOfOperation $DAY
revoked 0c unspecified $DAY
revoked 0d unspecified $DAY
revoked 0e keyCompromise $DAY 2019-03-04T05:06:07Z
revoked 0f cACompromise $DAY 2019-03-04T05:06:07Z
revoked 10 unspecified $DAY
revoked 11 superseded $DAY
run ca show 01
prints 'subject +/CN=a.example.org' 'show has the subject of the line'
prints 'status +valid' 'and its state'
prints 'adopted +20' 'and when it was adopted'
run ca show 01 --pem
status 2 'there is no certificate to print'
says 'known by its serial' 'as is said'
run ca ledger verify
status 0 'the ledger is whole'
prints 'adopted +23' 'and counts them'
ok 'as Python finds too' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$(home_of ca)/ledger.db"

# ---- large --------------------------------------------------------------------------

"$PYTHON" -c 'import sys
for i in range(1, 20001):
    print(f"V\t350101000000Z\t\t41{i:08X}\tunknown\t/CN=host{i}.example.org")' >"$INDEX"
run ca @large init --adopt "$WORK/ca.pem" --use-key pkcs11:object=old --token "$(uri ca)" \
	--index "$INDEX" --scope example.org --yes
status 0 'an index of twenty thousand lines is taken'
says 'known +20000 certificates' 'all of them'

done_testing
