# SPDX-License-Identifier: Apache-2.0
# The library of the tests that start daemons. A test begins with one that includes
# this, which starts it again in network, mount and process namespaces of its own: all
# addresses and ports are free there, nothing leads outside, what is mounted is seen by
# nobody else, and every daemon dies with the test. All else is that of
# tests/lib/lib.sh, which this includes.
#
#	until_true DESC CMD...	the start of a daemon; half a minute, or the test ends
#	listens ADDRESS PORT	does somebody?
#	multiarch FILE		the folder in /usr/lib of this machine that has FILE

if [ -z "${PEERS_NAMESPACE:-}" ]; then
	ways=('' -r)
	# In a chroot, whose / is no mount point: where nothing is shared with anyone.
	grep -q ' shared:' /proc/self/mountinfo || ways+=('--propagation unchanged')
	for way in "${ways[@]}"; do
		# shellcheck disable=SC2086 # words
		if unshare $way -nmpf true 2>/dev/null; then
			exec unshare $way -nmpf --kill-child \
				env PEERS_NAMESPACE=yes /bin/bash "$0" "$@"
		fi
	done
	echo "not ok 1 - namespaces of its own (run this as root, or allow user namespaces)"
	echo "1..1"
	exit 1
fi
PEERS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$PEERS/../lib/lib.sh"
must ip link set lo up
# A daemon may drop to a user of its own; what it reads lies here.
chmod 755 "$WORK"

until_true() {
	local desc=$1 n
	shift
	for ((n = 0; n < 300; n++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		read -rt 0.1 <> <(:) || : # a tenth of a second
	done
	LAST=
	fail "preparation: $desc" "$(tail -n 20 "$WORK"/*/log "$WORK"/*/out 2>/dev/null)"
	done_testing
}
listens() { (exec 3<>"/dev/tcp/$1/$2"); }
multiarch() { dirname "$(compgen -G "/usr/lib/*/$1" | head -1)"; }
