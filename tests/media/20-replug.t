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
must cp -r "$STICK" "$WORK/given"
lying_stick_gone

# Pulled and plugged in again; the device maps its sectors as it always has.
replug() {
	must umount "$STICK"
	must dmsetup remove stick
	must device "$@"
	plug
}
response=$(basename "$WORK"/given/airgap-ca/responses/*)

# ---- one that drops what is written to its tables ----------------------------------------
# The device errs nowhere, and from memory all is whole. mkfs.vfat puts both tables of
# 16 MiB into sectors 4 to 67 (fsck.vfat -v tells).
lying_stick '0 32768 linear @ 0'
must cp -r "$WORK/asked/airgap-ca" "$STICK"
must sync -f "$STICK"
device_becomes '0 4 linear @ 0' '4 64 flakey @ 4 0 600 1 drop_writes' '68 32700 linear @ 68'
run ca resend "$STICK"
status 0 'a stick that drops what is written to its tables shows nothing while it is mounted'
run ca check "$STICK"
status 1 'and so nothing is proven'
replug '0 32768 linear @ 0'
run ca check "$STICK"
status 6 'pulled and plugged in again it is found out'
says 'responses: cannot be ' 'by what cannot be read'
like "$(tr -s ' \n' ' ' <"$WORK/err")" 'airgap-ca (--home [^ ]+ )?resend' 'and resend is the way on'
lying_stick_gone

# ---- one that is sold as more than it holds ------------------------------------------------
# Its upper half lies in its second quarter. What is written there after the response is
# written over it.
half=('0 16384 linear @ 0' '16384 16384 linear @ 8192')
lying_stick "${half[@]}"
must cp -r "$WORK/asked/airgap-ca" "$STICK"
must mkdir "$STICK/airgap-ca/responses"
must dd if=/dev/zero of="$STICK/photos-1" bs=2048 count=2030
run ca resend "$STICK"
status 0 'a stick that wraps takes the response'
must dd if=/dev/zero of="$STICK/photos-2" bs=2048 count=2100
replug "${half[@]}"
run ca check "$STICK"
wants 3 RESPONSE-DIFFERS 'and what came after lies where it was'
says "$response: NOT what the ledger says" 'which response that is, is said'
like "$(tr -s ' \n' ' ' <"$WORK/err")" 'airgap-ca (--home [^ ]+ )?resend STICK' 'with the way on'
lying_stick_gone

done_testing
