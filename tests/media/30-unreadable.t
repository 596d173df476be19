#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a damaged or dying stick does not give back: it is named, the rest is looked at,
# and what to do is said. FAT here is damaged as a pulled stick leaves it.
. "$(dirname "$0")/lib.sh"
uml

remedy='the stick is damaged, dying or was pulled: unmount it and check it \(fsck\), or take another'
make_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must csr_openssl mail ec-p256 /CN=mail.example.org DNS:mail.example.org
ask() { must transfer request "$WORK/$1.csr" --profile tls-server --out "$STICK"; }
for one in web mail; do
	ask $one
	must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must rm "$STICK/airgap-ca/requests/"*
done
ask web
must mv "$STICK/airgap-ca" "$WORK/good"
first=$(basename "$WORK"/good/responses/*-000001)
second=$(basename "$WORK"/good/responses/*-000002)
bundle=$(basename "$WORK"/good/requests/*.cose)

# damaged PATH...: a stick on which these are entries of nothing
damaged() {
	stick_new damaged flush
	must cp -r "$WORK/good" "$STICK/airgap-ca"
	must umount "$STICK"
	must "$PYTHON" "$TOP/tests/media/fat_break.py" "$IMAGE" "$@"
	must mount -t vfat -o loop,flush "$IMAGE" "$STICK"
}

damaged "airgap-ca/responses/$first"
run ca check "$STICK" --json
wants 3 RESPONSE-DIFFERS 'a response that cannot be read is not what was written'
says "$first: NOT what the ledger says" 'it is named'
says 'unreadable +the directory' 'with what is wrong'
says 'airgap-ca (--home [^ ]+ )?resend' 'and the way on'
is "$(json responses.0.unreadable) $(json responses.1.whole)" '[""] true' 'and the other one is looked at'
run transfer install "$STICK"
status 6 'install cannot take what it cannot read'
says "$first: cannot be .*$remedy" 'names it, and says what to do'
stick_gone

damaged "airgap-ca/responses/$second/ca.pem"
run ca check "$STICK" --json
wants 3 RESPONSE-DIFFERS 'nor is one of which a file cannot be read'
is "$(json responses.0.whole) $(json responses.1.unreadable)" 'true ["ca.pem"]' 'which is named'
run transfer install "$STICK"
status 6 'install says'
says "$second/ca.pem: cannot be read .*$remedy" 'what it was'
is "$(transfer list --json | grep -o '"serial"' | wc -l)" 1 'and has taken the one before'
stick_gone

damaged airgap-ca/responses
run ca check "$STICK"
status 6 'where all of them cannot be read'
says "airgap-ca/responses: cannot be .*$remedy" 'that is said'
stick_gone

damaged "airgap-ca/requests/$bundle"
run ca sign "$STICK" --yes
status 6 'a bundle that cannot be read'
says "$bundle: cannot be read .*$remedy" 'is named'
stick_gone

# ---- pulled, and still mounted ------------------------------------------------------------
for one in scsi_mod sd_mod scsi_debug; do
	modprobe -d "$WORK/modules" "$one" dev_size_mb=16 2>/dev/null || must module "$one"
done
disk=
for _ in {1..100}; do
	disk=$(ls /sys/block | grep '^sd' | head -1)
	[ -z "$disk" ] || [ ! -b "/dev/$disk" ] || break
	sleep 0.1
done
must mkfs.vfat "/dev/$disk"
must mount -t vfat -o flush "/dev/$disk" "$STICK"
run ca sign "$STICK" --yes
status 0 'an empty stick'
says 'nothing to do' 'is nothing to do'
must cp -r "$WORK/good" "$STICK/airgap-ca"
must umount "$STICK"
must mount -t vfat -o flush "/dev/$disk" "$STICK"
echo 1 >"/sys/block/$disk/device/delete"
run ca sign "$STICK" --yes
status 6 'a stick that was pulled while it was mounted'
says 'was pulled' 'is not "nothing to do"'
quiet 'nothing to do' 'and that is not said'
run ca check "$STICK"
status 6 'nor is it one without a response'
says 'was pulled' 'for check'
run transfer install "$STICK"
status 6 'nor for install'
says 'was pulled' 'which says the same'
must umount -l "$STICK"

# ---- FAT that is mounted for somebody else -------------------------------------------------
must chmod 755 "$WORK" "$WORK/stick"
must cp -a "$WORK/home-ca" "$WORK/home-theirs"
must chown -R 1001:1001 "$WORK/home-theirs"
stick_new theirs uid=1000,umask=000
theirs() { setpriv --reuid 1001 --regid 1001 --clear-groups "$BIN/airgap-ca" --home "$WORK/home-theirs" "$@"; }
run theirs backup "$STICK/ledger.backup"
status 0 'a backup into a file on FAT that is mounted for another user'
like "$(tr -s ' \n' ' ' <"$WORK/err")" 'this file system keeps no modes, and others may read it there' 'says who may read it'
whole 'and is there'
stick_gone
run ca backup "$WORK/ledger.backup"
quiet 'keeps no modes' 'where there are modes nothing is said'

done_testing
