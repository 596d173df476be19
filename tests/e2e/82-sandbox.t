#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How the processes that parse a stick are locked in on this machine, what is
# said when they cannot be, and what of the surroundings they never heed.
. "$(dirname "$0")/lib.sh"

make_ca
enrol_online
must transfer request --profile tls-server --new-key ec-p256 \
	--name dns:one.example.org --out "$STICK"

# without CALL ERROR WHO ARG...: as on a kernel where CALL fails with ERROR
without() {
	local call=$1 error=$2
	shift 2
	command_of "$@"
	timeout -k 5 "$LIMIT" setsid -w strace -f -qq -o /dev/null -e "trace=$call" \
		-e "inject=$call:error=$error" "${ARGV[@]}"
}
needs strace strace

# ---- what this kernel gives ------------------------------------------------------------

run ca status --json
status 0 'status of a new CA: nothing is due'
is "$(json sandbox.reached) $(json sandbox.seccomp) $(json sandbox.no_new_privs) $(json sandbox.no_sockets)" \
	'true true true true' 'readers and judge are locked in, as the kernel says'
is "$(json sandbox.rule) $(json sandbox.reason)" 'null null' 'and nothing stood in the way'
abi=$(json sandbox.landlock_abi)
like "$abi" '^[0-9]+$' "the Landlock ABI is told ($abi)"
run ca status
prints '^sandbox +seccomp yes, no_new_privs yes, no sockets yes, Landlock (no|ABI [0-9]+)$' \
	'and all of it to people'

# ---- a kernel without Landlock: said, not refused ----------------------------------------

run without landlock_create_ruleset ENOSYS ca status --json
status 0 'without Landlock nothing is due'
is "$(json sandbox.reached) $(json sandbox.landlock_abi)" 'true 0' 'and status says that there is none'
run without landlock_create_ruleset ENOSYS ca sign -n "$STICK" --expect "$REQUESTER_HEX"
status 0 'without Landlock a stick is read'
says 'sandbox +seccomp; this kernel has no Landlock' 'and the review says so'

# ---- a kernel without seccomp: refused ------------------------------------------------

freeze
for error in EINVAL ENOSYS EPERM; do
	run without seccomp $error ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	refused 7 SANDBOX 'this kernel gives no seccomp filter .*nothing of a stick is parsed' \
		"where seccomp fails with $error, sign refuses"
done
run without seccomp EINVAL ca status --json
status 1 'status without seccomp: something is due'
is "$(json sandbox.reached) $(json sandbox.seccomp) $(json sandbox.no_sockets) $(json sandbox.rule)" \
	'false false false SANDBOX' 'it says that the sandbox is not reached, and the rule'
run without seccomp EINVAL ca status
prints "^sandbox +seccomp NO" 'and to people'
prints "'sign' refuses: .*\\[SANDBOX\\]" 'that sign would refuse'
prints '^remedy +boot a kernel with seccomp' 'and what to do'
run without seccomp EINVAL ca transfer-key --key-type ec-p256 --yes
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'transfer-key refuses before it makes a key'
run without landlock_restrict_self EPERM ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
if [ "$abi" != 0 ]; then
	refused 7 SANDBOX 'this kernel gives no Landlock' \
		'a Landlock that is there and cannot be entered is refused'
fi

# The same filter that a container would set: seccomp(2) is there for nobody.
cat >"$WORK/filter.py" <<'EOF_PY'
import ctypes, os, struct, sys
# BPF: if nr == seccomp then errno ENOSYS else allow
NR = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
code = [(0x20, 0, 0, 0), (0x15, 0, 1, NR), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)]
program = b"".join(struct.pack("HBBI", *c) for c in code)
held = ctypes.create_string_buffer(program)
fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(held)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, fprog, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[1], sys.argv[1:])
EOF_PY
run setsid -w "$PYTHON" "$WORK/filter.py" "$BIN/airgap-ca" --home "$(home_of ca)" \
	sign "$STICK" --yes --expect "$REQUESTER_HEX" --allow-network
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'in a container that withholds seccomp, sign refuses'

run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'on a kernel that has all of it, the stick is signed'

done_testing
