#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A clock that went back or far ahead stops signing, and a person lets it go on.
. "$(dirname "$0")/../lib/lib.sh"
needs faketime faketime

make_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
run transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
status 0 'a bundle waits'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'and is signed'

past=$(date -u -d '-3 days' '+%Y-%m-%d %H:%M:%S')
future=$(date -u -d '+500 days' '+%Y-%m-%d %H:%M:%S')

run at "$past" ca sign "$STICK" --yes
wants 7 CLOCK-BEHIND 'a clock before the last entry stops signing'
run at "$future" ca sign "$STICK" --yes
wants 7 CLOCK-AHEAD 'and one more than clock-horizon after it'
says 'clock accept' 'the way out is named'

# A backup of what is still to come, by this clock.
must ca backup "$WORK/backup.db"
run at "$past" ca @again restore "$WORK/backup.db" -n --token "$(uri ca)"
status 0 'a backup of after this clock is shown'
says 'records +[0-9]+, the newest of [0-9TZ:-]+, in [23] days' 'as what it is'
says "later than this machine's clock says" 'and that one of the two was wrong'
says 'airgap-ca .*clock accept' 'with the way on'
run ca @again restore "$WORK/backup.db" -n --token "$(uri ca)"
says 'the newest of [0-9TZ:-]+, (0 days ago|in 0 days)' 'by the right clock it is of today'
quiet 'clock says' 'of which nothing is said'

run at "$past" ca clock accept
status 2 'without a terminal it wants --yes'
run at "$past" ca clock accept -n
status 0 'a dry run shows both times'
run at "$past" ca sign "$STICK" --yes
wants 7 CLOCK-BEHIND 'and changes nothing'

run at "$past" ca clock accept --yes
status 0 'the operator vouches for the earlier clock'
run at "$past" ca sign "$STICK" --yes
status 0 'and signing goes on from there'
run at "$future" ca clock accept --yes --json
status 0 'likewise for a later one'
run at "$future" ca sign "$STICK" --yes
status 0 'which signing goes on from'
must transfer install "$STICK"
# The CA's first day is the one before it was made. A bundle may come from a clock that
# is less than a day ahead.
before=$(date -u -d '-30 hours' '+%Y-%m-%d %H:%M:%S')
run at "$(date -u -d '-12 hours' '+%Y-%m-%d %H:%M:%S')" \
	transfer request "$WORK/web.csr" --profile tls-server --days 30 --out "$STICK"
status 0 'another bundle waits'
run at "$before" ca clock accept --yes
status 0 'and for one before the CA was made'
freeze "$STICK/airgap-ca/requests"
run at "$before" ca sign "$STICK" --yes
refused 7 CLOCK-CA "by this machine's clock; the CA's certificate is valid from " \
	'with which nothing is signed, or refused for good'
says 'remedy +set the clock of this machine' 'and the clock is what is to be set'
run ca clock accept --yes
run ca sign "$STICK" --yes
status 0 'the same bundle is signed when it is'
run ca ledger verify
status 0 'the ledger verifies with both'

# ---- a bundle of another time ------------------------------------------------------------

# made WHEN: the only one on the stick; its number is no older than the last one's.
made() {
	rm -rf "$STICK/airgap-ca/requests"
	must at "$(date -u -d "$1" '+%Y-%m-%d %H:%M:%S')" \
		transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
}
made '+2 minutes'
run ca sign -n "$STICK"
quiet 'OLD|EARLY' 'nothing is said of a bundle of today'
made '+20 hours'
run ca sign -n "$STICK"
status 0 'one from a clock that is ahead by less than a day is shown'
says 'EARLY +made (1199|1200) minutes ahead of this machine' 'and that it is'
# As if the CA were visited so much later.
later() { run at "$(date -u -d "$1" '+%Y-%m-%d %H:%M:%S')" ca sign -n "$STICK"; }
made now
later '+29 days'
quiet 'OLD' 'a stick may be a month on its way'
later '+31 days'
says 'OLD +made 31 days ago' 'but a bundle that is older is said to be'
later '+300 days'
status 0 'a bundle 300 days old is shown'
says 'OLD +made 300 days ago, by the two clocks: is it still wanted' 'and its age said'
run ca sign -n "$STICK" --json
like "$(json responses.0.bundle_created)" "^$(date -u +%F)T.*Z\$" 'a program is told when it was made'

done_testing
