#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A clock that is wrong, here or at the CA, seen from the online side: what is not
# valid today is said where it is met.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
year=$(date +%Y)
freeze
run at "$((year - 2))-01-01 00:00:00" transfer enroll "$STICK" --label online --expect "$CA_HEX"
refused 7 CA-DATES "its validity begins at $year-.*it is $((year - 2))-01-01T00:00:.*clock" \
	'a CA that begins two years after the clock is not pinned'
run at "$((year + 20))-01-01 00:00:00" transfer enroll "$STICK" --label online --expect "$CA_HEX"
refused 7 CA-DATES "its validity ended at .*it is $((year + 20))-01-01" \
	'nor one that ended ten years before it'
enrol_online

csr_openssl web ec-p256 /CN=www.example.org DNS:www.example.org
csr_openssl mail ec-p256 /CN=mail.example.org DNS:mail.example.org
for when in $((year - 2)) $((year + 20)); do
	freeze
	for csrs in "$WORK/web.csr" "$WORK/web.csr $WORK/mail.csr"; do
		run at "$when-01-01 00:00:00" transfer request $csrs --profile tls-server --out "$STICK"
		refused 7 CLOCK-CA "web: it is $when-01-01T00:00:.* by this machine's clock; the CA's certificate is valid (from|until) " \
			"a request in $when is no matter of a shorter time"
		says 'remedy +set the clock of this machine' 'but of the clock'
		quiet 'shorter time|would be refused' 'and of nothing else'
	done
done
run transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
status 0 'a request'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'is signed'
must cp -r "$(home_of online)" "$(home_of late)"

run at "$((year - 2))-01-01 00:00:00" transfer install "$STICK" --json
status 0 'a host whose clock is two years behind installs it'
says "not valid yet: web begins at $year-.*and it is $((year - 2))-01-01T00:00:.* by this host's clock" \
	'and says that it is not valid yet'
is "$(json not_yet_valid)" 1 'for programs too'
run at "$((year - 2))-01-01 00:00:00" transfer status
status 1 'status has something due'
says "due +beginning dns:www\\.example\\.org is not valid before $year-" 'the certificate that has not begun'
says "due +beginning of the CA is not valid before $year-" 'and the CA, which has not either'

run transfer @late install "$STICK" --json
status 0 'a host whose clock is right installs it'
quiet 'not valid yet' 'and says nothing of the kind'
is "$(json not_yet_valid)" 0 'to programs neither'
run transfer @late status --within 1d
status 0 'nor does its status'
quiet 'beginning' 'of any beginning'

# A series has certificates that are to come, and one that is valid.
run transfer @late request "$WORK/mail.csr" --profile tls-server --series 3x31d+7d --out "$STICK"
status 0 'a series'
run ca sign "$STICK" --yes
status 0 'is signed'
run transfer @late install "$STICK"
status 0 'and installed'
quiet 'not valid yet' 'it is no news that its later ones begin later'
run transfer @late status --within 1d
quiet 'beginning' 'nor to status'

done_testing
