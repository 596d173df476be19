# SPDX-License-Identifier: Apache-2.0
# The library of the tests with real file systems on a stick that is pulled. A test
# begins with
#
#	. "$(dirname "$0")/lib.sh"
#	uml "$@"
#
# and all below runs as root of a kernel of its own: user-mode Linux, a program like
# any other, which needs neither root nor /dev/kvm. It sees this machine's files but
# cannot write one. What is below is tests/lib/lib.sh, and besides:
#
#	stick_new NAME OPTIONS	a FAT stick mounted on $STICK with these mount options
#	stick_gone		unmounted
#	pulled NAME		$PULLED: what the device holds now, mounted; what waits in
#				the page cache does not count, as when a stick is pulled
#	whole DESC		pull, and see: as whole as it looks where it is mounted

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What the kernel says on its own is shown when the test does not come to its end.
uml_boot() {
	local kernel out status
	kernel=$(command -v linux.uml) || {
		echo "not ok 1 - linux.uml is here"
		echo "#   Debian package: user-mode-linux (make deps-media)"
		echo 1..1
		exit 1
	}
	out=$(mktemp -d "${TMPDIR:-/tmp}/airgap-media.XXXXXX") || exit 1
	env -i PATH="$PATH" HOME="$out" TMPDIR="${TMPDIR:-/tmp}" timeout -k 5 "${MEDIA_LIMIT:-600}" "$kernel" \
		mem=1G root=/dev/root rootfstype=hostfs rootflags=/ ro quiet \
		init="$here/inside" con=null con0=null,fd:1 uml_dir="$out" \
		ROUNDS="${ROUNDS:-}" OPTIONS="${OPTIONS:-}" BEFORE_ALL="${BEFORE_ALL:-}" MEDIA_OUT="$out" MEDIA_TEST="$1" MEDIA_BUILD="${BUILD:-$here/../../build}" \
		>"$out/console" 2>&1 </dev/null
	cat "$out/tap" 2>/dev/null
	status=$(cat "$out/status" 2>/dev/null)
	if [ -z "$status" ]; then
		echo "not ok 99999 - the kernel came to the end of the test"
		tail -40 "$out/console" | sed 's/^/#   /'
	fi
	rm -rf "$out"
	exit "${status:-1}"
}

uml() {
	[ -n "${MEDIA_INSIDE:-}" ] || uml_boot "$(cd "$(dirname "$0")" && pwd)/$(basename "$0")"
	. "$here/../lib/lib.sh"
	needs mkfs.vfat dosfstools
	needs dmsetup dmsetup
	needs modprobe kmod
	for one in loop vfat nls_cp437 nls_ascii nls_utf8 nls_iso8859-1; do must module "$one"; done
}

# Debian has them where no modprobe looks by itself.
module() {
	mkdir -p "$WORK/modules/lib"
	ln -sfn /usr/lib/uml/modules "$WORK/modules/lib/modules"
	modprobe -d "$WORK/modules" "$1"
}

stick_new() {
	IMAGE=$WORK/$1.img
	must truncate -s "${SIZE:-16M}" "$IMAGE"
	must mkfs.vfat -n AIRGAP "$IMAGE"
	mkdir -p "$STICK"
	must mount -t vfat -o "loop,$2" "$IMAGE" "$STICK"
}

stick_gone() { must umount "$STICK"; }

pulled() {
	PULLED=$WORK/pulled
	mkdir -p "$PULLED"
	must cp --sparse=always "$IMAGE" "$WORK/pulled.img"
}

# fsck has to say that it was not unmounted, and how many clusters are free: FAT counts
# them where it is convenient. All else is damage.
fsck_finds() {
	fsck.vfat -n "$WORK/pulled.img" 2>&1 |
		grep -vE '^fsck\.fat |^Dirty bit is set|^ Automatically removing dirty bit|^Free cluster summary|^  Auto-correcting|^Leaving filesystem unchanged|^$|: [0-9]+ files, [0-9]+/[0-9]+ clusters$'
}

whole() {
	local found differs
	pulled
	found=$(fsck_finds)
	must mount -t vfat -o loop,ro "$WORK/pulled.img" "$PULLED"
	differs=$(diff -r "$STICK" "$PULLED" 2>&1)
	must umount "$PULLED"
	if [ -z "$found$differs" ]; then pass "$1"; else fail "$1" "fsck: $found" "$differs"; fi
}
