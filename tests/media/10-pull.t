#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A stick is pulled at once after exit 0, without being unmounted: what was said to be
# on it is there. FAT as mount(8) mounts it; 11-pull-flush.t as desktops do.
. "$(dirname "$0")/lib.sh"
uml

options=${OPTIONS:-rw}
make_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
rm -rf "$STICK"

# done_whole DESC CMD...: status 0, and then pulled
done_whole() {
	local desc=$1
	shift
	run "$@"
	if [ "$STATUS" = 0 ]; then whole "$desc"; else fail "$desc: done"; fi
}

stick_new "$options" "$options"
for ((i = 1; i <= ${ROUNDS:-10}; i++)); do
	at="$options, round $i"
	done_whole "$at: request" transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
	done_whole "$at: sign" ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	[ "$i" != 1 ] || must transfer install "$STICK"
	done_whole "$at: history" transfer history --out "$STICK"
	done_whole "$at: backup onto the stick" ca backup "$STICK"
	done_whole "$at: backup into a file" ca backup "$STICK/ledger-$i.backup"
	done_whole "$at: export" ca export "$STICK"
	# What lies there is as it was: the next round is to write it again.
	must rm -r "$STICK/airgap-ca/history" "$STICK/airgap-ca/cards"
done

done_testing
