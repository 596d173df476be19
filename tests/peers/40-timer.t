#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What systemd says of the units that install-online brings.
. "$(dirname "$0")/../lib/lib.sh"
needs systemd-analyze systemd
case $BUILD in */debug) debug=1 ;; *) debug= ;; esac
must make -C "$TOP" -s install-online DEBUG=$debug DESTDIR="$WORK/dest" PREFIX=/usr
UNITS=$WORK/dest/usr/lib/systemd/system
ANALYZE=$(command -v systemd-analyze)

# The program is where this test has it, and its manual is nowhere.
sed -i "s:^ExecStart=/usr/bin:ExecStart=$BIN:; /^Documentation/d" "$UNITS"/*
# An instance of a template is a file of its name.
cp "$UNITS/airgap-transfer-rotate@.service" "$UNITS/airgap-transfer-rotate@srv-other.service"
cp "$UNITS/airgap-transfer-rotate@.timer" "$UNITS/airgap-transfer-rotate@srv-other.timer"
cp "$UNITS/airgap-transfer-rotate-user@.service" "$UNITS/airgap-transfer-rotate-user@daemon.service"
cp "$UNITS/airgap-transfer-rotate-user@.timer" "$UNITS/airgap-transfer-rotate-user@daemon.timer"
for unit in rotate rotate@srv-other rotate-user@daemon; do
	is "$("$ANALYZE" verify "$UNITS/airgap-transfer-$unit.service" \
		"$UNITS/airgap-transfer-$unit.timer" 2>&1)" "" "$unit: systemd has nothing to say against it"
	run "$ANALYZE" security --offline=true --threshold=50 "$UNITS/airgap-transfer-$unit.service"
	status 0 "and finds the service well confined, for one that runs a server's reload"
done

done_testing
