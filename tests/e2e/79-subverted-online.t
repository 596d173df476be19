#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The online side under a judge that the stick has taken over (tests/subverted): it
# can pass or condemn what the CA signed, and do nothing to this host. And where that
# process cannot be locked in, nothing of a stick is parsed.
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
by judge:garbage 8 "the judge's answer: " 'a judge that says nothing sensible'
by judge:yes 8 "the judge's answer: good, without all its certificates\$" \
	'a judge that passes what it has not read'
by judge:other 8 "the judge's answer: a certificate that the manifest does not list\$" \
	'a judge that gives another certificate back'
by judge:no 3 '.*a lie.*\[CERT-SIGNATURE\]$' 'a judge that condemns what is good'

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
