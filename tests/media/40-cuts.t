#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Power fails, or the stick is pulled, between any two writes to it while a response comes
# onto it: each state that it may be left in is made and looked at.
. "$(dirname "$0")/lib.sh"
uml

for one in dm-mod dm-log-writes; do must module "$one"; done
make_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
response=$(basename "$STICK"/airgap-ca/responses/*)
must mv "$STICK" "$WORK/given"
put_response() { ca resend "$STICK"; }

# logged CMD...: what the device was given meanwhile. There are $BEFORE other responses, so
# that old and new names lie in sectors of their own.
logged() {
	local device log n
	stick_new base "$options"
	for ((n = 1; n <= BEFORE; n++)); do must mkdir -p "$STICK/airgap-ca/responses/00000000-11111111-00000$n"; done
	stick_gone
	must cp "$IMAGE" "$WORK/device"
	rm -f "$WORK/log"
	must truncate -s 64M "$WORK/log"
	device=$(losetup -f --show "$WORK/device")
	log=$(losetup -f --show "$WORK/log")
	must dmsetup create stick --table "0 $(blockdev --getsz "$device") log-writes $device $log"
	must dmsetup mknodes stick
	must mount -t vfat -o "$options" /dev/mapper/stick "$STICK"
	must "$@"
	# What comes with unmounting came too late.
	must dmsetup message stick 0 mark done
	COUNT=$("$PYTHON" "$TOP/tests/media/log_replay.py" "$WORK/log")
	must umount "$STICK"
	must dmsetup remove stick
	must losetup -d "$device" "$log"
}

# cut N: a stick to which N writes came
cut() {
	must "$PYTHON" "$TOP/tests/media/log_replay.py" "$WORK/log" "$IMAGE" "$WORK/cut.img" "$1"
	must mount -t vfat -o "loop,$options" "$WORK/cut.img" "$STICK"
}

# again CMD...: it goes well, if need be after what it says: on FAT a directory is made by
# writes in three places, and whoever looks at half of one makes the stick read-only.
again() {
	"$@" >"$WORK/again" 2>&1 && return
	grep -q 'check it (fsck)' "$WORK/again" || return
	must umount "$STICK"
	fsck.vfat -a "$WORK/cut.img" >"$WORK/fsck.log" 2>&1
	must mount -t vfat -o "loop,$options" "$WORK/cut.img" "$STICK"
	MENDED=$((MENDED + 1))
	"$@" >"$WORK/again" 2>&1
}

# cuts WHAT PATH CMD...: after each write
cuts() {
	local what=$1 path=$2 n half='' stuck='' unlike='' crossed=''
	shift 2
	MENDED=0
	logged "$@"
	for ((n = 0; n <= COUNT; n++)); do
		cut "$n"
		if [ -e "$STICK/$path" ] && ! diff -r "$WORK/given/$path" "$STICK/$path" >/dev/null 2>&1; then half+=" $n"; fi
		[ "$n" != "$COUNT" ] || ok "$options, $what: after the last of $COUNT writes it is whole" \
			diff -r "$WORK/given/$path" "$STICK/$path"
		again "$@" || stuck+=" $n: $(tail -1 "$WORK/again")"$'\n'
		must umount "$STICK"
		must mount -t vfat -o "loop,$options" "$WORK/cut.img" "$STICK"
		diff -r "$WORK/given/$path" "$STICK/$path" >/dev/null 2>&1 || unlike+=" $n"
		must umount "$STICK"
		# Clusters that belong to nobody do no harm; those of two do. Where directories are
		# made, a cut leaves half of one under a hidden name that is not used again, which
		# fsck minds: that is not looked for here.
		if [ "$BEFORE" != 0 ] && fsck.vfat -n "$WORK/cut.img" 2>&1 |
			grep -qE 'share clusters|free cluster|does point to root|Bad'; then
			crossed+=" $n"
		fi
	done
	ok "$options, $what: $COUNT writes are all of them" test "$COUNT" -ge 10
	is "$half" '' "$options, $what: after no write the name is that of something else"
	is "$stuck" '' "$options, $what: the same command again goes well, or says what to do first, which helps"
	echo "# fsck was wanted after $MENDED of $COUNT writes"
	is "$crossed" '' "$options, $what: and nothing of it is another's too"
	is "$unlike" '' "$options, $what: and then it is whole"
}

# Both by hand: OPTIONS="rw flush".
for options in ${OPTIONS:-rw}; do
	for BEFORE in ${BEFORE_ALL:-0 3}; do
		cuts "a response after $BEFORE others" "airgap-ca/responses/$response" put_response
	done
done

# Many files are synced at once.
must mkdir -p "$STICK" "$WORK/many"
for n in {11..30}; do
	must csr_openssl "many/$n" ec-p256 "/CN=m$n.example.org" "DNS:m$n.example.org"
done
must transfer request "$WORK/many" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes
must rm -r "$WORK/given"
response=$(basename "$STICK"/airgap-ca/responses/*2)
must mv "$STICK" "$WORK/given"
options=rw BEFORE=0
cuts 'a response of twenty certificates' "airgap-ca/responses/$response" put_response

done_testing
