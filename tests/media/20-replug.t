#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only a stick that was pulled says what it has: `check` believes no other, and finds
# what a stick lost that said it had written. The stick is FAT on a device that lies.
. "$(dirname "$0")/lib.sh"
uml

for one in dm-mod dm-flakey; do must module "$one"; done
make_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
must mv "$STICK" "$WORK/asked"

# device TABLE...: the stick's, with @ for what keeps its bytes
device() {
	local line
	for line; do echo "${line//@/$LOOP}"; done | dmsetup "${DEVICE_DO:-create}" stick
}
# How a device is given another table without being pulled.
device_becomes() {
	DEVICE_DO=load must device "$@"
	must dmsetup suspend --noflush "${LOCKFS:---nolockfs}" stick
	must dmsetup resume stick
}
plug() { must dmsetup mknodes stick; mkdir -p "$STICK"; must mount -t vfat -o flush /dev/mapper/stick "$STICK"; }
pull() { must umount "$STICK"; must dmsetup remove stick; }

# lying_stick TABLE...: formatted and in
lying_stick() {
	must truncate -s 16M "$WORK/lying.img"
	must mkfs.vfat -n AIRGAP "$WORK/lying.img"
	LOOP=$(losetup -f --show "$WORK/lying.img")
	must device "$@"
	plug
}
lying_stick_gone() {
	umount "$STICK" 2>/dev/null
	dmsetup remove stick 2>/dev/null
	must losetup -d "$LOOP"
	rm "$WORK/lying.img"
}

# ---- one that does not lie -------------------------------------------------------------
lying_stick '0 32768 linear @ 0'
must cp -r "$WORK/asked/airgap-ca" "$STICK"
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a stick is signed'
unmount=$(sed -n 's/^Before it is pulled: //p' "$WORK/err")
run ca check "$STICK" --json
status 1 'and where it is still mounted check proves nothing'
is "$(json same_mount) $(json recorded)" 'true 0' 'and records nothing'
ok 'sign has said how to unmount it' sh -c "$unmount"
must dmsetup remove stick
must losetup -d "$LOOP"
LOOP=$(losetup -f --show "$WORK/lying.img")
must device '0 32768 linear @ 0'
plug
run ca check "$STICK" --json
status 0 'pulled and plugged in again it is proven'
is "$(json same_mount) $(json recorded)" 'false 1' 'and recorded'
lying_stick_gone

done_testing
