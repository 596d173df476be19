#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The next year in one word: what is asked again, what is not, and when it begins.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
make_ca --scope example.org --profiles xmpp,tls
enrol_online
HOME_DIR=$WORK/home-online
CERTS=$HOME_DIR/certs

must csr_openssl web rsa-2048 /CN=www.example.org DNS:www.example.org
must csr_openssl loose ec-p256 /CN=loose.example.org DNS:loose.example.org
must transfer request --profile xmpp-server --new-key ec-p384 --domain example.org \
	--host chat.example.org --series 3x31d+7d --comment 'the first year' --out "$STICK"
must transfer request "$WORK/web.csr" --profile tls-server --days 40 --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"

renew() { run transfer request --renew --out "$STICK" "$@"; }
keys() { find "$HOME_DIR/keys" -name '*.pem' | wc -l; }

# ---- the command line -------------------------------------------------------------

renew --profile tls-server
status 2 "what is asked was said a year ago"
says 'asks for the same as before' "which the refusal says"
renew --new-key ec-p256
status 2 "the key too"
renew --again
status 2 "--again is something else"
run transfer request "$WORK/web.csr" --profile tls-server --within 3d --out "$STICK"
status 2 "--within goes with --renew"
renew --within 3
status 2 "and is a duration"
renew nobody.example.org
status 7 "a name that is not held is refused"

# ---- what is due ------------------------------------------------------------------

renew
status 7 "on the first day nothing is due"
says 'dns:example.org: not yet: good until [0-9-]{10}, 2 more to come' "which is said of each"
says 'dns:www.example.org: not yet' "by name"
renew --within 41d -n
status 0 "--within takes what ends by then"
says 'dns:www.example.org: 40d, from when it is signed, the same key' "here a single one"
says 'dns:example.org: not yet' "and no other"
is "$(keys)" 1 "a dry run makes no key"
nok 1 "nor a bundle" test "$(find "$STICK" -name '*.cose' -path '*requests*' | wc -l)" -gt 2
renew example.org chat.example.org --within 200d -n
status 0 "a series that would begin later is asked for from its day on"
is "$(grep -c '3 x 31d + 7d, from 20' <<<"$ERR")" 1 "once, by whichever of its names"

# ---- a key that is not taken any more ----------------------------------------------

cp "$WORK/home-ca/policy.conf" "$WORK/policy.conf"
sed -i 's/^key-types = .*/key-types = ec-p256/' "$WORK/home-ca/policy.conf"
must csr_openssl other ec-p256 /CN=other.example.org DNS:other.example.org
must transfer request "$WORK/other.csr" --profile tls-server --days 300 --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
renew --within 200d
status 4 "what the policy takes no more is refused here"
rule KEY-POLICY "by its rule"
says '2 of 2 requests would be refused' "all of it"
is "$(keys)" 1 "and leaves no key"

# ---- renewed ----------------------------------------------------------------------

cp "$WORK/policy.conf" "$WORK/home-ca/policy.conf"
must csr_openssl third ec-p256 /CN=third.example.org DNS:third.example.org
must transfer request "$WORK/third.csr" --profile tls-server --days 300 --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
renew --within 200d --comment 'the second year' --json
status 0 "what is due is asked for"
is "$(json requests)" 2 "the series and the single one"
is "$(keys)" 2 "with a new key where the first was made here"
run ca sign "$STICK" --yes
says 'comment +the second year' "with this year's comment"
quiet 'the first year' "and no longer the first one's"
must transfer install "$STICK"
mapfile -t SLOTS < <(ls "$CERTS"/example.org/*.pem)
is "${#SLOTS[@]}" 6 "a series of the same length"
end_of() { date -u -d "$(openssl x509 -in "$1" -noout -enddate | sed 's/.*=//')" +%s; }
start_of() { date -u -d "$(openssl x509 -in "$1" -noout -startdate | sed 's/.*=//')" +%s; }
is "$(($(end_of "${SLOTS[2]}") + 1 - $(start_of "${SLOTS[3]}")))" "$((7 * 86400))" \
	"the year's end has the overlap of every other"
pub() { openssl x509 -in "$1" -noout -pubkey; }
nok 1 "the new year has a key of its own" test "$(pub "${SLOTS[2]}")" = "$(pub "${SLOTS[3]}")"
like "$(openssl x509 -in "${SLOTS[3]}" -noout -text)" 'NIST CURVE: P-384' "of the same type"
mapfile -t WEB < <(ls -t "$CERTS"/www.example.org/*.pem)
is "$(pub "${WEB[0]}")" "$(pub "${WEB[1]}")" "a key that was not made here is sent again"
renew
status 7 "and nothing is due after that"

# ---- what cannot be repeated ------------------------------------------------------

cp "$WORK/loose.csr" "$STICK"
must ca sign "$STICK" --loose --profile tls-server --yes
run transfer install "$STICK" --csr "$STICK/loose.csr"
status 0 "a certificate of a loose CSR is held"
renew loose.example.org --within 400d
status 7 "but no bundle asked for it, and none repeats it"
says 'came of loose CSRs; ask anew' "which is said"

# ---- long after -------------------------------------------------------------------

renew_at() { run at "$1" transfer request --renew --out "$STICK" "${@:2}"; }
LATE=$(date -u -d "@$(($(end_of "${SLOTS[5]}") + 86400))" '+%F %T')
renew_at "$LATE" -n
status 0 "a series that has ended begins when it is signed"
says 'dns:example.org: 3 x 31d \+ 7d, from when it is signed' "which is said"
LATER=$(date -u -d "@$(($(end_of "${SLOTS[5]}") + 86400 * 40))" '+%F %T')
renew_at "$LATER" -n
quiet 'dns:example.org:' "what was given up is not asked for by itself"
renew_at "$LATER" example.org -n
status 0 "but by its name"

done_testing
