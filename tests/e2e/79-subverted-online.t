#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The online side under a reader that somebody's CSR, or a judge that the stick has taken
# over (tests/subverted): they can pass or condemn what they are given, and do nothing to
# this host. And where such a process cannot be locked in, nothing of theirs is parsed.
. "$(dirname "$0")/../lib/lib.sh"
. "$TOP/tests/lib/subvert.sh"

make_ca
enrol_online
card=$(ls "$STICK"/airgap-ca/cards/*.cose)
must transfer request --profile tls-server --new-key ec-p256 \
	--name dns:one.example.org --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
export SUBVERT_PATH
SUBVERT_PATH=$(home_of online)/requester.pem
before=$(sha256sum "$SUBVERT_PATH")

# by KIND STATUS REGEX DESC: nothing is installed, for real and as a verdict alone
by() {
	local verb
	for verb in verify install; do
		run as "$1" transfer "$verb" "$STICK"
		is "$STATUS" "$2" "$4 ($verb)"
		says "^airgap-transfer: $3" "$4: which is said"
	done
	is "$(ls "$(home_of online)/certs" 2>/dev/null)" '' "$4: nothing is installed"
}
forbidden='the judge process died of SIGSYS: it tried what its sandbox forbids'
for what in connect open write fork exec ptrace kill code; do
	by judge:$what 6 "$forbidden\$" "a judge that tries to $what is killed"
done
is "$(sha256sum "$SUBVERT_PATH")" "$before" 'the key of the bundles is what it was'
by judge:terminal 6 'the judge process has gone$' 'a judge that wants the terminal has none'
by judge:die 6 'the judge process has gone$' 'a judge that ends'
by judge:stop 6 'the judge process did not answer in 120 s$' 'a judge that is stopped is given up'
says '^waiting for the judge process, 120 s at most$' 'and told of before'
by judge:garbage 8 "the judge's answer: " 'a judge that says nothing sensible'
by judge:yes 8 "the judge's answer: good, without all its certificates\$" \
	'a judge that passes what it has not read'
by judge:other 8 "the judge's answer: a certificate that the manifest does not list\$" \
	'a judge that gives another certificate back'
by judge:no 3 '.*a lie.*\[CERT-SIGNATURE\]$' 'a judge that condemns what is good'

# ---- CSRs: a reader that one of them has taken over --------------------------------------

for i in 1 2; do
	must csr_openssl "c$i" ec-p256 "/CN=c$i.example.org" "DNS:c$i.example.org"
done
csrs=("$WORK/c1.csr" "$WORK/c2.csr")
must mkdir "$WORK/csrs"
must cp "${csrs[@]}" "$WORK/csrs"
LOOSE=$(stick loose)
must cp "${csrs[@]}" "$LOOSE"
must ca sign "$LOOSE" --loose --profile tls-server --yes
must transfer install "$STICK"
OLD=$(stick old) # has an answer that is never taken
must transfer request "${csrs[@]}" --profile tls-server --out "$OLD"
ask=(request --profile tls-server --out "$STICK")
freeze

# caught KIND STATUS RULE REGEX DESC: neither store nor stick changes, whatever asks
caught() {
	run as "$1" transfer "${ask[@]}" "${csrs[@]}"
	refused "$2" "$3" "$4" "$5"
	run as "$1" transfer "${ask[@]}" "$WORK/csrs"
	refused "$2" "$3" "$4" "$5 (of a directory)"
}
# caught_all ...: also at CSRs that the store has, and at those of `install`
caught_all() {
	caught "$@"
	run as "$1" transfer request --again --out "$STICK"
	refused "$2" "$3" "$4" "$5 (again)"
}
# unfound ...: and at the CSRs that an answer is for
unfound() {
	caught "$@"
	run as "$1" transfer install "$LOOSE" --csr "${csrs[@]}"
	refused "$2" "$3" "$4" "$5 (install --csr)"
}
forbidden='the reader process died of SIGSYS: it tried what its sandbox forbids'
for what in connect open write fork exec ptrace kill code grow; do
	caught_all check:$what 3 READER "$forbidden" "a CSR whose reader tries to $what"
	unfound file:$what 3 READER "$forbidden" "a CSR file whose reader tries to $what"
done
run as check:terminal transfer "${ask[@]}" "${csrs[@]}"
says 'subverted: check:terminal: No such device' 'their reader has no terminal to read'
# The sanitisers' reports go to standard error, which a child of that build keeps.
untyped() { # TEXT DESC
	case $BUILD in */debug) ;; *) unlike "$1" 'TYPED BY THE READER' "$2" ;; esac
}
untyped "$ERR" 'and none to write to'
run as file:copy transfer "${ask[@]}" "${csrs[@]}"
says 'subverted: file:copy: Operation not permitted' 'nor may it change its copy'

# It answers another CSR: in the name of that file its key would be certified.
unfound file:other 3 READER 'c2\.csr: the reader process reports a CSR that is not in the file' \
	"a reader that answers another file's CSR"
unfound file:bent,check:vouch 3 READER 'c1\.csr: the reader process reports a CSR that is not in the file' \
	'a reader that answers a CSR of its own'
caught_all check:key 3 READER 'a key that is not in the request' 'a key that is in no CSR'
caught check:key-other 3 READER 'c2\.csr: .*a key that is not in the request' "another CSR's key"
caught_all check:rule 3 READER 'a rule that there is not' 'a refusal by no rule'
caught_all check:control 3 READER 'a name with control characters' 'a name with control characters'
caught check:scope 4 NAME-SCOPE '2 of 2 requests would be refused' 'a name out of scope'
caught_all check:twice 3 READER '.' 'two verdicts on one CSR'
caught check:backwards 3 READER . 'verdicts out of order'
caught check:many 3 READER 'more answers than were asked for' 'a verdict on a CSR that there is not'
caught_all check:garbage 3 READER 'the reader.s answer' 'what is no answer'
caught_all check:oversized 3 READER 'sent 2097152 bytes, at most 1048576' 'an answer that is too long'
caught_all check:descriptor 3 READER 'a descriptor unasked' 'a descriptor that nobody wants'
for how in 'stall:did not answer in [0-9]+ s' 'drip:did not answer in [0-9]+ s' 'die:has gone'; do
	run as "check:${how%%:*}" transfer "${ask[@]}" "${csrs[@]}"
	is "$STATUS $(printf '%s\n' "$ERR" | grep -Ec "^airgap-transfer: the reader process ${how#*:}\$")" '6 1' \
		"a reader of CSRs that would ${how%%:*} is given up"
	unchanged "and nothing came of it (${how%%:*})"
done
caught check:refuse 3 CSR-POP '2 of 2 requests would be refused' 'a reader that condemns what is good'
says '  refused: .*a lie' 'and is told of, each time'
unlike "$ERR" "$(printf '\033')" 'in harmless letters'
# What else lies in a directory a reader tells of that sees nothing but that.
run as scan:endless transfer "${ask[@]}" "$WORK/csrs"
refused 3 READER 'tells of more than was asked for' 'a reader of a directory that never ends'

# It grants what must be refused. What can be told without arithmetic is told here;
# the rest the CA's own reader is asked about, before anything is signed.
csrs=("$TOP/tests/vectors/csr/key-rsa-1024.der")
must cp "${csrs[@]}" "$WORK/csrs"
must rm "$WORK"/csrs/c?.csr
caught check:vouch 4 KEY-RSA-SIZE '1024' 'a reader that passes a key that is too short'
LEFT=$(stick left)
for bad in pop-changed:CSR-POP:3 key-ed25519-small-order:KEY-ED25519-POINT:4 ask-ca:CSR-CA:4; do
	rule=${bad#*:}
	rule=${rule%:*}
	run transfer request --profile tls-server --name dns:bad.example.org --out "$LEFT" \
		"$TOP/tests/vectors/csr/${bad%%:*}.der"
	refused "${bad##*:}" "$rule" . "an honest reader refuses ${bad%%:*}"
	run as check:vouch transfer request --profile tls-server --name dns:bad.example.org --out "$LEFT" \
		"$TOP/tests/vectors/csr/${bad%%:*}.der"
	status 0 "a lying one lets ${bad%%:*} onto the stick"
	run ca sign "$LEFT" --yes
	status 4 'where the CA reads it again'
	says "\\[$rule\\]" 'and refuses it, by its rule'
	run transfer install "$LEFT"
	status 4 'which comes back'
	freeze
done
# Names that only the CSR gives are its word: this host goes by them, the CA does not.
NAMES=$(stick names)
must csr_openssl named ec-p256 /CN=named.example.org DNS:named.example.org
run as check:name transfer request --profile tls-server --out "$NAMES" "$WORK/named.csr"
status 0 'a reader that reports other names than the CSR has'
run ca sign -n "$NAMES"
says 'dns:named\.example\.org' 'changes nothing at the CA, which reads the CSR itself'
quiet 'evil' 'and shows its own names'
must ca sign "$NAMES" --yes
must transfer install "$NAMES"
run transfer list
prints 'evil\.example\.org' 'this host lists what came of it under the lie'
unlike "$(openssl x509 -noout -text -in "$(home_of online)"/certs/evil.example.org/*.pem)" 'evil' \
	'and the certificate has the true name'

# ---- a file that is inspected --------------------------------------------------------------

for what in connect open write fork exec ptrace kill code; do
	run as inspect:$what transfer inspect "$card"
	is "$STATUS" 6 "inspect of a file whose reader tries to $what"
	says '^airgap-transfer: the inspecting process died of SIGSYS: it tried what its sandbox forbids$' \
		"which is killed ($what)"
	is "$OUT" '' 'and nothing is printed'
done
run as inspect:terminal transfer inspect "$card"
untyped "$ERR" 'it has no terminal'
run as inspect:escape transfer inspect "$card"
is "$STATUS" 8 'nor does it reach one by what it prints'
says 'the inspecting process prints what is no plain text' 'which is said'
unlike "$OUT" 'owned' 'and not passed on'
run as inspect:die transfer inspect "$card"
is "$STATUS" 6 'one that ends without a word'
run as none transfer inspect "$card"
status 0 'and one that is left alone says what is there'
prints '^/ signature good' 'with its verdict'

# ---- a kernel without seccomp ----------------------------------------------------------

needs strace strace
# without ARG...: airgap-transfer, as on a kernel where seccomp is missing
without() {
	command_of "$@"
	timeout -k 5 "$LIMIT" setsid -w strace -f -qq -o /dev/null -e trace=seccomp \
		-e inject=seccomp:error=EINVAL "${ARGV[@]}"
}
freeze
for verb in verify install; do
	run without transfer "$verb" "$STICK"
	refused 7 SANDBOX 'this kernel gives no seccomp filter .*nothing of a stick is parsed' \
		"without seccomp $verb refuses"
done
run without transfer "${ask[@]}" "$WORK/named.csr"
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'without seccomp no CSR is read'
run without transfer install "$LOOSE" --csr "$WORK/c1.csr" "$WORK/c2.csr"
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'nor by install'
run without transfer inspect "$card"
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'nor is a file inspected'
run without transfer @other enroll "$card" --expect "$CA_HEX"
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'without seccomp enroll refuses'
ok 'and makes no home' test ! -e "$(home_of other)/store.db"

# ---- what the process looks like from outside ---------------------------------------------

command_of transfer install "$STICK"
strace -f -qq -o "$WORK/trace" -e trace=seccomp,prctl,clone,clone3,openat,execve "${ARGV[@]}" 2>/dev/null
is "$?" 0 'an honest judge, and it is installed'
ok 'it had entered a filter' grep -q 'seccomp(SECCOMP_SET_MODE_FILTER' "$WORK/trace"
child=$(sed -n 's/^\([0-9]*\) .*seccomp(SECCOMP_SET_MODE_FILTER.*/\1/p' "$WORK/trace" | tail -1)
store=$(sed -n 's/^\([0-9]*\) .*store\.db".*/\1/p' "$WORK/trace" | sort -u)
unlike "$store" "^$child\$" 'the process that is locked in never opens the store'
is "$(sed -n "/^$child .*seccomp(SECCOMP_SET_MODE_FILTER/,\$p" "$WORK/trace" | grep -c "^$child .*open")" 0 \
	'and opens nothing behind its filter'

done_testing
