#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A reader and a judge that the stick has taken over (tests/subverted), under the
# shipped signer: what SECURITY.md says that they cannot do, they cannot; what it
# says is left to them, they can. And a signer with a bug in the maker of its
# certificates, which the lint has to find.
. "$(dirname "$0")/../lib/lib.sh"
. "$TOP/tests/lib/subvert.sh"

make_ca
enrol_online
export SUBVERT_PATH
run ca status --json
abi=$(json sandbox.landlock_abi)

# request NAME...: a CSR for each, with that name in it
request() {
	local name csrs=()
	for name; do
		must csr_openssl "$name" ec-p256 "/CN=$name.example.org" "DNS:$name.example.org"
		csrs+=("$WORK/$name.csr")
	done
	must transfer request "${csrs[@]}" --profile tls-server --out "$STICK"
}
# answer: the honest CA signs what is open, and it is installed
answer() {
	must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must transfer install "$STICK"
}
request first
answer
STICK=$(stick two)
request one two
freeze

run as none ca sign -n "$STICK"
status 0 'without a word from SUBVERT the program is an honest one'
says 'dns:one\.example\.org' 'and shows what was asked'

# caught KIND STATUS RULE REGEX DESC: nothing signed, stored or changed, whether
# it is a dry run or meant
caught() {
	run as "$1" ca sign -n "$STICK"
	refused "$2" "$3" "$4" "$5"
	run as "$1" ca sign "$STICK" --yes
	refused "$2" "$3" "$4" "$5 (to sign it)"
}

# ---- the sandbox: what is tried ends the process -----------------------------------------

SUBVERT_PATH=$(home_of ca)/ledger.db
forbidden='the reader process died of SIGSYS: it tried what its sandbox forbids'
for what in connect fork exec ptrace kill code; do
	caught scan:$what 3 READER "$forbidden" "a reader with the stick that tries to $what is killed"
	caught check:$what 3 READER "$forbidden" "a reader at a request that tries to $what is killed"
done
for what in open write grow; do
	caught check:$what 3 READER "$forbidden" "a reader at a request that tries to $what is killed"
done

# With the stick it may open what Landlock lets it; without Landlock, whatever its
# user may, as SECURITY.md says. `bare` is a kernel without.
needs strace strace
needs sqlite3 sqlite3
bare() {
	command_of "$@"
	timeout -k 5 "$LIMIT" setsid -w strace -f -qq -o /dev/null -e trace=landlock_create_ruleset \
		-e inject=landlock_create_ruleset:error=ENOSYS "${ARGV[@]}"
}
opened='Permission denied'
[ "$abi" != 0 ] || opened=done
SUBVERT_PATH=$(home_of ca)/ledger.db
run as scan:open ca sign -n "$STICK"
status 4 'a reader with the stick that opens the ledger'
says "subverted: scan:open: $opened" "is told: $opened (Landlock ABI $abi)"
run as scan:open bare ca sign -n "$STICK"
says 'subverted: scan:open: done' 'without Landlock it may read what its user may'
SUBVERT_PATH=$WORK/planted
run as scan:write ca sign -n "$STICK"
says "subverted: scan:write: $opened" "and one that writes a file likewise"
[ "$abi" = 0 ] || nok 1 'there is no such file' test -e "$WORK/planted"
run as scan:write bare ca sign -n "$STICK"
ok 'without Landlock it may write' test -e "$WORK/planted"
rm -f "$WORK/planted"
run as scan:connect bare ca sign -n "$STICK"
refused 3 READER "$forbidden" 'but it has no network all the same'

# The sanitisers keep standard error for their reports.
written() { case $BUILD in */debug) echo "$OUT" ;; *) echo "$OUT$ERR" ;; esac; }
for when in scan check; do
	run as $when:terminal ca sign -n "$STICK"
	says "subverted: $when:terminal: No such device" 'a reader has no terminal to read'
	unlike "$(written)" 'TYPED BY THE READER' 'and none to write to'
done
run as check:copy ca sign -n "$STICK"
says 'subverted: check:copy: Operation not permitted' 'the copy cannot be written to by its reader'

# ---- the copy: the signer looks at it ------------------------------------------------------

caught scan:unsealed 3 READER 'not sealed memory' 'a copy that can still be changed is refused'
caught scan:half-sealed 3 READER 'not sealed memory' 'so is one that can still grow'
caught scan:directory 3 READER 'not sealed memory' 'so is something else than memory'
caught scan:nothing 3 READER 'a file without its copy' 'so is none'
caught scan:vast 3 READER 'handed over 314572800 bytes; at most 268435456' 'so is one that is too large'
caught scan:swap 3 COSE-SIGNATURE 'does not verify' 'a changed copy has no signature of the requester'
caught scan:name 3 READER 'a name that no medium may carry' 'a path for a name is refused'
caught scan:endless 3 READER 'more files than a stick may hold' 'files without end have one'
caught scan:heavy 3 READER 'more files than a stick may hold' 'nor may they be more than 512 MiB together'

# ---- what is said of a request ----------------------------------------------------------

caught check:key 3 READER 'a key that is not in the request' "a key that is in no request is found out"
caught check:key-other 3 READER 'request 2: .*a key that is not in the request' "so is another request's"
caught check:rule 3 READER 'a rule that there is not' 'a refusal by no rule of ours is refused'
caught check:control 3 READER 'a name with control characters' 'a name with control characters is refused'
run as check:scope ca sign -n "$STICK"
status 4 'a name out of scope is held to the policy'
says 'NAME-SCOPE' 'and refused'
caught check:twice 3 READER 'verdicts out of order' 'two verdicts on one request are refused'
caught check:backwards 3 READER 'answers for request 2, not 1' 'so are verdicts out of order'
caught check:none 3 READER 'found an array of 0' 'so is no verdict'
caught check:flood 3 READER 'found an array of 65' 'so are too many'
caught check:garbage 3 READER 'the reader.s answer' 'so is what is no answer'
caught check:endless 3 READER 'the reader.s answer' 'so are bytes without end'
caught check:oversized 3 READER 'sent 2097152 bytes, at most 1048576' 'so is an answer that is too long'
caught check:descriptor 3 READER 'a descriptor unasked' 'so is a descriptor that nobody wants'

# ---- time -----------------------------------------------------------------------------------
# The signer's clock goes a hundred times as fast here: its limit is 300 s.

gone() {
	run as "$1" ca sign "$STICK" --yes
	is "$STATUS $(printf '%s\n' "$ERR" | grep -Ec "^airgap-ca: $2\$")" '6 1' "$3"
	unchanged "$3: nothing came of it"
}
gone check:stall 'the reader process did not answer in [0-9]+ s' 'a reader that is silent is given up'
gone check:drip 'the reader process did not answer in [0-9]+ s' 'so is one that sends a byte now and then'
gone check:few 'the reader process has gone' 'so is one that ends before it has said all'
gone check:die 'the reader process has gone' 'or anything'

# ---- names that the bundle gives: no reader is asked ----------------------------------------

answer
STICK=$(stick given)
must csr_openssl plain ec-p256 /CN=plain
must csr_openssl simple ec-p256 /CN=simple
must transfer request "$WORK/plain.csr" "$WORK/simple.csr" --profile tls-server \
	--name dns:plain.example.org --out "$STICK"
run as check:name ca sign -n "$STICK"
status 0 'names of the bundle, and a reader that reports others'
says 'dns:plain\.example\.org' 'those of the bundle are shown'
quiet 'evil' 'and no other'
freeze
caught check:many 3 READER 'more answers than were asked for' 'a verdict on a request that there is not is refused'
run as check:name ca sign "$STICK" --yes --json
is "$STATUS $(json responses.0.issued)" '0 2' 'the names that it reports change nothing'
ok 'what was signed under that lie is what was asked' transfer install "$STICK"

STICK=$(stick slow)
names=()
for i in 1 2 3 4 5 6 7 8; do
	must csr_openssl "s$i" ec-p256 "/CN=s$i"
	names+=("$WORK/s$i.csr")
done
must transfer request "${names[@]}" --profile tls-server --name dns:slow.example.org --out "$STICK"
freeze
gone check:slow 'the reader process did not answer in [0-9]+ s' \
	'a reader whose every answer is slow is given up, though none comes too late'
answer

# ---- a judge that is taken over ------------------------------------------------------------

STICK=$(stick judge)
request four
# by KIND STATUS REGEX DESC: a signing that begins, and of which nothing leaves
by() {
	run as "$1" ca sign "$STICK" --yes
	is "$STATUS" "$2" "$4"
	says "^airgap-ca: $3" "$4: which is said"
	ok "$4: nothing left the laptop" test ! -e "$STICK/airgap-ca/responses"
}
forbidden='the judge process died of SIGSYS: it tried what its sandbox forbids'
for what in connect open write fork exec ptrace kill code; do
	by judge:$what 6 "$forbidden\$" "a judge that tries to $what is killed"
done
by judge:terminal 6 'the judge process has gone$' 'a judge that wants the terminal has none'
unlike "$(written)" 'TYPED BY THE READER' 'and writes nothing there'
by judge:die 6 'the judge process has gone$' 'a judge that ends'
by judge:stop 6 'the judge process did not answer in 120 s$' 'a judge that is stopped is given up'
says '^waiting for the judge process, 120 s at most$' 'and before that it is said whom everybody waits for'
by judge:garbage 8 "the judge's answer: " 'a judge that says nothing sensible'
by judge:no 3 '.*: a lie \(CERT-SIGNATURE\) \[JUDGE\]$' 'a judge that condemns what is good'
run as judge:yes ca sign "$STICK" --yes
status 0 'a judge that passes everything has what was signed well to pass'
ok 'and the requester judges for itself' transfer install "$STICK"

# ---- a maker of certificates with a bug -----------------------------------------------------
# The TBS is in good form and says something else than was granted. Whatever is signed has
# an intent, and so a serial, in the ledger first.

answer
STICK=$(stick maker)
request five six
serials() { sqlite3 "$(home_of ca)/ledger.db" 'SELECT count(*) FROM serial'; }
before=$(serials)
# linted BUG REGEX DESC: nothing is signed, and nothing leaves
linted() {
	run as "maker:$1" ca sign "$STICK" --yes
	wants 8 LINT "$3"
	says "$2" "$3: which is said"
	is "$(serials)" "$before" "$3: nothing was signed"
	ok "$3: nothing left the laptop" test ! -e "$STICK/airgap-ca/responses"
}
linted san '4\.2\.1\.6: another name than was granted' 'another name'
linted san-more '4\.2\.1\.6: more names than were granted' 'a name that nobody asked for'
linted san-fewer '4\.2\.1\.6: fewer names than were granted' 'a name left out'
linted san-type '4\.2\.1\.6: a type of name that the profile does not allow' 'a name of another type'
linted eku '4\.2\.1\.12: another purpose than the profile has' 'another purpose'
linted eku-more '4\.2\.1\.12: more purposes than the profile has' 'one purpose more'
linted cn 'as granted: an attribute of the subject has another value' 'another CN'
linted no-cn 'as granted: the subject lacks an attribute' 'no CN'
linted dates '4\.1\.2\.5: the dates are not those that were granted' 'another end'
linted key '4\.1\.2\.7: the key is not the one that was checked' 'another key'
must ca sign "$STICK" --yes
ok 'without the bug the same requests are signed' transfer install "$STICK"

# ---- what is left to a reader ---------------------------------------------------------------

# wanted FILE NAME: a request for make_bundle
wanted() {
	printf '{"id":"%s","csr":"%s","profile":"tls-server","duration":864000,"names":[[0,"%s.example.org"]]}' \
		"$2" "$1" "$2"
}
# vouch FILE...: a stick with a bundle of these CSRs, by an online side that asks
# for what it should not
STICK=$WORK/stick
enrol_online @other other
asked=0
vouch() {
	asked=$((asked + 1))
	STICK=$(stick "left$asked")
	must mkdir -p "$STICK/airgap-ca/requests"
	(
		echo '['
		while [ $# -gt 1 ]; do
			wanted "$1" "good$#"
			echo ,
			shift
		done
		wanted "$1" bad
		echo ']'
	) >"$WORK/requests.json"
	"$PYTHON" "$TOP/tests/tools/make_bundle.py" --home "$(home_of other)" --label other \
		--card "$WORK"/stick/airgap-ca/cards/*.cose --out "$STICK" \
		--sequence $asked <"$WORK/requests.json" >"$WORK/made"
}
# left FILE RULE DESC: an honest reader refuses it by RULE; a lying one has it signed
left() {
	vouch "$TOP/tests/vectors/csr/$1"
	run ca sign -n "$STICK" --expect "$REQUESTER_HEX"
	status 4 "$3: an honest reader refuses it"
	says "\\[$2\\]" "$3: by its rule"
	run as check:vouch ca sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
	status 0 "$3: a lying reader has it signed"
	is "$(json responses.0.requester) $(json responses.0.issued)" 'other 1' \
		"$3: for the requester that asked, by name"
	says 'dns:bad\.example\.org' "$3: with the names that were shown"
}
left pop-changed.der CSR-POP 'no proof of possession'
left key-ed25519-small-order.der KEY-ED25519-POINT 'a key that only arithmetic shows as bad'
left ask-ca.der CSR-CA 'a request for more than is given'
cert=$(ls "$STICK"/airgap-ca/responses/*-00000$asked/*-bad.pem)
unlike "$(openssl x509 -in "$cert" -noout -ext basicConstraints)" 'CA:TRUE' \
	'and is given no more for that'

# Two readers: the second is asked about the last request alone, and refuses it.
share=()
must csr_openssl theirs ec-p256 /CN=theirs.example.org # no key that another has
for _ in {1..256}; do share+=("$WORK/theirs.csr"); done
vouch "${share[@]}" "$TOP/tests/vectors/csr/pop-changed.der"
run ca sign -n "$STICK"
status 1 'an honest reader refuses the request after 256 good ones'
says '\[CSR-POP\]' 'by its rule'
freeze
caught check:surplus 3 READER 'more answers than were asked for' 'a reader that answers for another is refused'

STICK=$(stick names)
request three
run as check:refuse ca sign -n "$STICK"
status 4 'a lying reader has a good request refused'
says 'refused +\[CSR-POP\] .*a lie' 'which the operator sees before Yes'
unlike "$ERR" "$(printf '\033')" 'in harmless letters'
freeze
run as check:name ca sign -n "$STICK"
status 0 'a lying reader reports other names than the CSR has'
says 'dns:evil\.example\.org' 'the operator sees them before Yes'
quiet 'dns:three' 'and not the true ones'
run as check:name ca sign "$STICK" --yes
status 3 'who types Yes unread'
rule JUDGE 'is stopped by the judge, which reads the request itself'
says '\(CERT-PROFILE\)' 'and says what is wrong'
ok 'nothing left the laptop' test ! -e "$STICK/airgap-ca/responses"
run as check:name,judge:yes ca sign "$STICK" --yes
status 0 'a judge that is taken over by the same stick says nothing'
run transfer install "$STICK"
status 3 'then the requester that asked refuses what comes'
rule CERT-PROFILE 'since it judges for itself'

run ca ledger verify
status 0 'after all this the ledger is whole'

done_testing
