#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9, EIO, ENOSPC and EINTR at the system calls of every process of init,
# enroll, request, sign, install, abandon, restore, recover, revoke, crl, renew-ca, rollover,
# import, init --adopt, publish and emergency, and the same command
# again: nothing lost, nothing twice, no manual repair. 200 points, the same every
# time; all of them by `make check-faults`, whose page is docs/faults.md.
. "$(dirname "$0")/../lib/lib.sh"
# The leak checker cannot work under a tracer, and fails the program.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"
needs strace strace
needs openssl openssl

prepare_faults

# The driver counts what strace counts.
run strace -qq -o "$WORK/trace" "$BIN/airgap-transfer" --home "$STATES/install/home-online" list
sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' "$WORK/trace" | sort | uniq -c | awk '{ print $2, $1 }' >"$WORK/strace"
run "$FAULT" "$WORK/counts" "$BIN/airgap-transfer" --home "$STATES/install/home-online" list
status 0 'the driver runs a command'
is "$(awk '{ sub("creat", "openat", $2); n[$2] += $3 } END { for (c in n) print c, n[c] }' \
	"$WORK/counts" | sort)" "$(cat "$WORK/strace")" 'and counts what strace counts'
run "$FAULT" "$WORK/hit" 0 openat 1 KILL "$BIN/airgap-transfer" --version
status 137 'it kills'
like "$(cat "$WORK/hit")" '^hit 0 openat 1 /' 'and says where'
run "$FAULT" "$WORK/hit" 0 write 99 EIO "$BIN/airgap-transfer" --version
is "$STATUS$(cat "$WORK/hit")" 0 'a call that is not reached is not hit'

# A filtered process is given its error, and lives.
run "$FAULT" "$WORK/hit" 0.3 recvmsg 1 EINTR env -- \
	"$BIN/airgap-ca" --home "$WORK/home-ca" sign -n --allow-network "$STICK"
like "$STATUS $(cat "$WORK/hit")" '^0 hit 0\.3 recvmsg 1 ' 'a process in its sandbox is interrupted, and goes on'

while read -r line; do
	case $line in
	'ok: '*) pass "$line" ;;
	'not ok: '*) LAST=; fail "${line#not ok: }" ;;
	*) echo "# $line" ;;
	esac
done < <(sweep_faults --some 200 --jobs "${FAULT_JOBS:-2}" 2>"$WORK/progress" || echo "not ok: sweep: status $?")
ok 'docs/faults.md has all points, and none of ours does harm' \
	"$PYTHON" "$TOP/tests/faults/table.py" --check "$TOP/docs/faults.md"
done_testing
