#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every remedy leads out: each refusal is provoked, then done what its remedy says and
# nothing else, and that comes to where it says. What other tests follow is named with
# them in docs/promises.md, 31.
. "$(dirname "$0")/../lib/lib.sh"
needs faketime faketime
MAKE_BUNDLE=$TOP/tests/tools/make_bundle.py
VECTORS=$TOP/tests/vectors/csr
. "$TOP/tests/lib/remedies.sh"

# ---- a CA with something to ask for ---------------------------------------------------
make_known_ca --scope example.org --scope-ip 192.0.2.0/24 --days 900 \
	--profiles tls,xmpp,sub-ca
policy=$(home_of ca)/policy.conf
profile() { # NAME NAMES LINE...
	printf '[profile %s]\nsubject = none\nnames = %s\n' "$1" "$2"
	printf 'keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n'
	printf 'validity = 30d\nvalidity-max = 398d\nseries-max = 24\nkey-types = ec-p256, rsa\n'
	shift 2
	printf '%s\n' "$@"
}
must sed -i 's|^key-reuse = .*|key-reuse = any|' "$policy"
{
	profile ip 'ip, dns'
	profile csr-only dns 'names-from = csr'
	profile bundle-only dns 'names-from = bundle'
	profile both 'dns, xmpp'
	profile roomy dns 'horizon = 1200d'
} >>"$policy"
run ca export "$STICK" --json
status 0 'a card with the policy of this test'
CA_HEX=$(json fingerprint)
enrol_online
card=$(ls "$STICK"/airgap-ca/cards/*.cose)

# ---- what is asked for ------------------------------------------------------------------
# RULE | what is refused | what its remedy says instead
must csr_openssl bare ec-p256 /CN=x
must csr_openssl san ec-p256 /CN=x DNS:csr.example.org
must csr_openssl ed ed25519 /CN=x
must csr_openssl new ec-p256 /CN=new.example.org DNS:new.example.org
must csr_openssl new-rsa rsa-3072 /CN=new.example.org DNS:new.example.org
for key in ca-key transfer-key; do
	must openssl req -new -key "$WORK/$key.key" -subj /CN=x -out "$WORK/$key.csr"
done
server='--profile tls-server --name dns:www.example.org'
new='new --profile tls-server'
cat >"$WORK/asked" <<TABLE
PROFILE-UNKNOWN|bare --profile smtp --name dns:www.example.org|bare $server
PROFILE-DENIED|bare --profile sub-ca --name dns:www.example.org|bare $server
NAME-SCOPE|bare --profile tls-server --name dns:www.example.com|bare $server
NAME-FORM|bare --profile tls-server --name dns:a..example.org|bare --profile tls-server --name dns:a.example.org
NAME-WILDCARD|bare --profile tls-server --name dns:*.example.org|bare $server --name dns:mail.example.org
NAMES-COUNT|bare --profile tls-server|bare $server
NAMES-SOURCE|san --profile csr-only --name dns:www.example.org|san --profile csr-only
NAMES-SOURCE|san --profile bundle-only|san --profile bundle-only --name dns:www.example.org
NAME-TYPE|bare --profile tls-server --name ip:192.0.2.1|bare --profile ip --name ip:192.0.2.1
NAME-SERVICE|bare --profile xmpp-server --name srv:_imap.example.org|bare --profile xmpp-server --name srv:_xmpp-client.example.org
NAME-MIXED|bare --profile both --jid a@example.org --name dns:www.example.org|bare --profile xmpp-client --jid a@example.org
NAME-MIXED|bare --profile both --jid a@example.org --name dns:www.example.org|bare --profile both --name dns:www.example.org
VALIDITY-MAX|bare $server --days 399|bare $server --days 398
VALIDITY-CA|bare --profile roomy --name dns:www.example.org --series 24x38d|bare --profile roomy --name dns:www.example.org --series 24x37d
SERIES-MAX|bare $server --series 25x1d|bare $server --series 24x1d
SERIES-GAP|bare $server --series 2x10d+10d|bare $server --series 2x10d+9d
SERIES-HORIZON|bare $server --series 23x35d|bare $server --series 22x35d
KEY-POLICY|ed --profile xmpp-server --name dns:www.example.org|bare --profile xmpp-server --name dns:www.example.org
KEY-CA|ca-key $server|bare $server
KEY-CA|transfer-key $server|bare $server
KEY-TYPE|key-dsa $server|$new
KEY-EC-PARAMS|key-ec-explicit $server|$new
KEY-EC-POINT|key-ec-off-curve $server|$new
KEY-ED25519-POINT|key-ed25519-small-order $server|$new
KEY-RSA-SIZE|key-rsa-1024 $server|new-rsa --profile tls-server
KEY-RSA-EXPONENT|key-rsa-e3 $server|new-rsa --profile tls-server
CSR-ATTRIBUTE|attribute-twice --profile tls-server|$new
CSR-ATTRIBUTE|attribute-twice --profile tls-server|attribute-twice $server
CSR-CA|ask-ca $server|$new
CSR-EKU|ask-any-eku $server|$new
CSR-KEY-USAGE|ask-cert-sign $server|$new
CSR-EXTENSION|ask-critical-unknown $server|$new
CSR-FORM|form-two $server|$new
CSR-POP|pop-changed $server|$new
CSR-SIGNATURE-ALG|sig-sha1 $server|$new
TABLE
must mkdir "$WORK/made"
"$PYTHON" "$TOP/tests/tools/make_csr.py" "$TOP/tests/vectors/key" "$WORK/made" >"$WORK/made.table"
while read -r file rule _; do
	case $rule in
	KEY-BLOCKED | KEY-ROCA | KEY-CLOSE-PRIMES | KEY-RSA-MODULUS | KEY-DER)
		printf '%s|made/%s %s|%s\n' "$rule" "$file" "$server" "$new"
		;;
	esac
done <"$WORK/made.table" | sort -u -t'|' -k1,1 >>"$WORK/asked"
for rule in KEY-BLOCKED KEY-ROCA KEY-CLOSE-PRIMES KEY-RSA-MODULUS KEY-DER; do
	ok "$rule is among what is made" grep -q "^$rule|" "$WORK/asked"
done
csr_of() {
	local file
	for file in "$WORK/$1.csr" "$VECTORS/$1.der" "$VECTORS/$1.pem" "$WORK/$1"; do
		[ ! -f "$file" ] || { echo "$file"; return; }
	done
}
asked=$(stick asked)
while IFS='|' read -r rule bad good; do
	set -f
	run transfer request "$(csr_of ${bad%% *})" ${bad#* } --out "$asked"
	case $rule in CSR-FORM | CSR-POP | KEY-DER) wanted=3 ;; NAME-FORM) wanted=2 ;; *) wanted=4 ;; esac
	stopped "$wanted" "$rule" "$bad"
	run transfer request "$(csr_of ${good%% *})" ${good#* } --out "$asked"
	set +f
	leads "$rule" "$good"
done <"$WORK/asked"
freeze "$asked"
run ca sign "$asked" --yes
stopped 3 REQUESTER-UNKNOWN 'a host that was never met, and nobody to compare its words'
run ca sign "$asked" --yes --expect "${CA_HEX}"
stopped 3 WORDS 'the fingerprint of something else'
run ca sign "$asked" --yes --expect "$REQUESTER_HEX" --json
leads REQUESTER-UNKNOWN 'its SHA-256 is given with --expect'
leads WORDS 'the one that is expected'
status 0 'and whatever was asked for by a remedy is signed'
run transfer install "$asked"
status 0 'and installed'

# What `request` itself would never send: a requester of its own making does.
# sent RULE REQUEST [NAMES]: is refused in its manifest, and shown with the remedy
hostile=$(stick hostile)
must cp -r "$STICK/airgap-ca" "$hostile"
last_head() { ls -d "$asked"/airgap-ca/responses/* | tail -1; }
sent() {
	rm -rf "$hostile/airgap-ca/requests"
	printf '[{"id":"r","csr":"%s","profile":"tls-server","names":[[0,"www.example.org"]%s],%s}]' \
		"$WORK/bare.csr" "${3:-}" "$2" |
		must "$MAKE_BUNDLE" --home "$(home_of online)" --card "$card" --out "$hostile" \
			--sequence "$(($(date +%s) + 60))" --head "$(last_head)/manifest.cose"
	run ca sign -n "$hostile"
	stopped 4 "$1" "$2"
}
now=$(date +%s)
sent VALIDITY-PAST "\"not_before\":$((now - 100 * 86400)),\"duration\":8640000"
sent REPLACE-DENIED '"replaces":"0102"'
sent NAME-DUPLICATE '"comment":"twice"' ',[0,"www.example.org"]'
run transfer request "$WORK/bare.csr" $server --out "$asked" -n
leads VALIDITY-PAST 'asked from today on'
leads REPLACE-DENIED 'asked as a new one'
leads NAME-DUPLICATE 'asked with the name once'

# ---- bundles --------------------------------------------------------------------------
# ask [OPTION]...: one request on a stick of its own, in $bundle
sticks=0
ask() {
	sticks=$((sticks + 1))
	STICK=$(stick "b$sticks")
	must transfer request "$WORK/new.csr" --profile tls-server --out "$STICK" "$@"
	bundle=$(ls "$STICK"/airgap-ca/requests/*.cose)
}
# answered RULE WHERE: what lies on the stick is signed and installed
answered() {
	run ca sign "$STICK" --yes
	leads "$1" "$2, and signed"
	run transfer install "$STICK"
	leads "$1" "$2, and installed"
}
again() { # RULE: `airgap-transfer request --again --out STICK`
	rm -rf "$STICK/airgap-ca/requests"
	must transfer request --again --out "$STICK"
	answered "$1" 'asked for again'
}

ask
run on_network ca sign "$STICK" --yes
if [ "$STATUS" = 7 ]; then
	stopped 7 NETWORK-UP 'on a network'
else
	pass 'NETWORK-UP: no network is to be had here; tests/unit/ca has it'
fi
run on_network ca sign "$STICK" --yes --allow-network
leads NETWORK-UP 'with --allow-network'
must transfer install "$STICK"

ask --expires 2d
run at "$(date -u -d '+3 days' '+%Y-%m-%d %H:%M:%S')" ca sign "$STICK" --yes
stopped 4 BUNDLE-EXPIRED 'three days later'
again BUNDLE-EXPIRED

sticks=$((sticks + 1))
STICK=$(stick "b$sticks")
must at "$(date -u -d '+3 days' '+%Y-%m-%d %H:%M:%S')" \
	transfer request "$WORK/new.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes
stopped 7 BUNDLE-CLOCK 'made in three days'
again BUNDLE-CLOCK

# spoil RULE STATUS PYTHON: the bundle, changed and signed by its own requester
KEY=$(home_of online)/requester.pem
spoil() {
	local rule=$1 wanted=$2
	shift 2
	ask
	must cose --key "$KEY" "$bundle" "$WORK/spoilt.cose" "$@"
	must mv "$WORK/spoilt.cose" "$bundle"
	run ca sign "$STICK" --yes
	stopped "$wanted" "$rule" "$1"
}
must openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/stranger.pem"
spoil BUNDLE-KID 3 'own = False; h[4] = bytes(32)'
again BUNDLE-KID
spoil CBOR 3 'p[4] = 1.5'
again CBOR
spoil CBOR-SCHEMA 3 'p[14] = 1'
again CBOR-SCHEMA
spoil COSE-FORM 3 'h[2] = [4]'
again COSE-FORM
spoil COSE-ALG 3 'head = encode({1: -65535, 3: h[3], 4: h[4]})'
again COSE-ALG
spoil COSE-SIGNATURE 3 'sig = bytes(64)'
again COSE-SIGNATURE
spoil COSE-TYPE 3 'h[3] = "text/plain"'
again COSE-TYPE
spoil DUPLICATE-ID 3 'p[9] = p[9] * 2'
again DUPLICATE-ID
spoil SEQUENCE-AHEAD 7 'p[5] += 200000'
again SEQUENCE-AHEAD
spoil FORMAT-TEXT 3 'p[13][0] = "On Line"'
again FORMAT-TEXT

# ---- the stick ---------------------------------------------------------------------------
ask
must ln -s "$bundle" "$STICK/airgap-ca/requests/link.cose"
run ca sign -n "$STICK"
stopped 3 MEDIA-FILE 'a link beside the bundle'
must rm "$STICK/airgap-ca/requests/link.cose"
answered MEDIA-FILE 'the link is taken away'
ask
must cp "$bundle" "$STICK/airgap-ca/requests/A b.cose"
run ca sign -n "$STICK"
stopped 3 MEDIA-NAME 'a name with a capital and a space'
must rm "$STICK/airgap-ca/requests/A b.cose"
answered MEDIA-NAME 'the file is taken away'
ask
(cd "$STICK/airgap-ca/requests" && seq -f 'b%05g.cose' 10001 | xargs touch)
run ca sign -n "$STICK"
stopped 3 MEDIA-COUNT 'ten thousand and one beside it'
(cd "$STICK/airgap-ca/requests" && seq -f 'b%05g.cose' 10001 | xargs rm)
answered MEDIA-COUNT 'they are taken away'

# ---- the laptop ----------------------------------------------------------------------------
ask
must cp "$policy" "$WORK/policy.good"
echo 'colour = red' >>"$policy"
run ca sign -n "$STICK"
stopped 3 POLICY 'a line that policy.conf does not know'
must cp "$WORK/policy.good" "$policy"
run ca policy check
leads POLICY 'the line that is named is mended'
must chmod 775 "$(home_of ca)"
run ca sign -n "$STICK"
stopped 7 HOME-MODE 'a home that a group may write to'
must chmod go-w "$(home_of ca)"
answered HOME-MODE 'chmod go-w of what is named'
for when in '-20 hours' '+500 days'; do
	ask
	faked=$(date -u -d "$when" '+%Y-%m-%d %H:%M:%S')
	rule=CLOCK-BEHIND
	[ "$when" = '-20 hours' ] || rule=CLOCK-AHEAD
	run at "$faked" ca sign "$STICK" --yes
	stopped 7 "$rule" "$when"
	answered "$rule" 'the clock is set'
	ask
	run at "$faked" ca sign "$STICK" --yes
	stopped 7 "$rule" "$when, and that is so"
	must at "$faked" ca clock accept --yes
	run at "$faked" ca sign "$STICK" --yes
	leads "$rule" 'airgap-ca clock accept'
	must ca clock accept --yes
	run transfer install "$STICK"
done
STICK=$(stick early)
run at "$(date -u -d '-400 days' '+%Y-%m-%d %H:%M:%S')" \
	transfer request "$WORK/new.csr" --profile tls-server --out "$STICK"
stopped 7 CLOCK-CA 'a clock before the CA was made'
run transfer request "$WORK/new.csr" --profile tls-server --out "$STICK"
leads CLOCK-CA 'the clock is set'
answered CLOCK-CA 'the clock is set'

# ---- responses -----------------------------------------------------------------------------
ask
must ca sign "$STICK" --yes
response=$(ls -d "$STICK"/airgap-ca/responses/*)
pristine=$WORK/pristine
must cp -r "$STICK" "$pristine"
# carried STATUS RULE WHAT CMD...: a response that CMD changed is refused
carried() {
	local wanted=$1 rule=$2 what=$3
	must "${@:4}"
	run transfer install "$STICK"
	stopped "$wanted" "$rule" "$what"
	rm -rf "$STICK"
	STICK=$(stick resent)
	rm -rf "$STICK"/*
	run ca resend "$STICK"
	leads "$rule" 'it is written again'
	run transfer verify "$STICK"
	leads "$rule" 'and the one from the ledger is good'
	rm -rf "$STICK"
	must cp -r "$pristine" "$STICK"
	response=$(ls -d "$STICK"/airgap-ca/responses/*)
}
carried 3 MANIFEST-FILES 'a file too few' sh -c 'rm "$1"/0*.pem' - "$response"
carried 3 MANIFEST-FILES 'a file too many' sh -c 'echo >"$1/0009-more.pem"' - "$response"
carried 3 COSE-SIGNATURE 'a manifest with another signature' "$PYTHON" -c '
import sys
f = open(sys.argv[1] + "/manifest.cose", "r+b")
f.seek(-1, 2); b = f.read(1)[0]; f.seek(-1, 2); f.write(bytes([b ^ 1]))' "$response"
must rm "$response/ca.pem"
run ca check "$STICK"
stopped 3 RESPONSE-DIFFERS 'a file of it is gone' stdout
run ca resend "$STICK"
leads RESPONSE-DIFFERS 'written again'
run replugged "$STICK" ca check "$STICK"
leads RESPONSE-DIFFERS 'and the stick is as it should be'
empty=$(stick empty)
run ca check "$empty"
stopped 3 RESPONSE-MISSING 'an empty stick' stdout
run ca resend "$empty"
leads RESPONSE-MISSING 'written again'
run transfer install "$empty"
leads RESPONSE-MISSING 'and installed'

# ---- who is who ------------------------------------------------------------------------------
run transfer @guest list
stopped 3 UNENROLLED 'a home without a CA'
STICK=$(stick cards)
must ca export "$STICK"
enrol_online @guest
GUEST=$REQUESTER_HEX
run transfer @guest list
leads UNENROLLED 'enrolled by the card'
must csr_openssl guest ec-p256 /CN=guest.example.org DNS:guest.example.org
must transfer @guest request "$WORK/guest.csr" --profile tls-server --out "$STICK"
run transfer install "$pristine"
must cp -r "$pristine/airgap-ca/responses" "$STICK/airgap-ca/"
for dir in "$STICK"/airgap-ca/responses/*; do
	must mv "$dir" "$(dirname "$dir")/${CA_HEX:0:8}-${GUEST:0:8}-000001"
done
run transfer @guest install "$STICK"
stopped 3 CHANNEL "another host's response under this one's name"
must rm -r "$STICK/airgap-ca/responses"
run ca sign "$STICK" --yes --expect "$GUEST"
status 0 'the guest is signed for'
run transfer @guest install "$STICK"
leads CHANNEL 'the response that was made for it'
run transfer @other enroll "$STICK" --label guest --expect "$CA_HEX" --json
status 0 'another host enrols under that label'
OTHER=$(json fingerprint)
must csr_openssl other ec-p256 /CN=other.example.org DNS:other.example.org
must rm -r "$STICK/airgap-ca/requests"
must transfer @other request "$WORK/other.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes --expect "$OTHER"
stopped 7 LABEL-TAKEN 'another host with that label'
must ca requester remove guest --yes
run ca sign "$STICK" --yes --expect "$OTHER"
leads LABEL-TAKEN 'the old one is removed'

# ---- a response that is missing ------------------------------------------------------------------
first=$(stick first) second=$(stick second)
must transfer request "$WORK/new.csr" --profile tls-server --out "$first"
must ca sign "$first" --yes
must transfer request --again --out "$second"
must ca sign "$second" --yes
n=$(basename "$(ls -d "$first"/airgap-ca/responses/* | tail -1)" | sed 's/.*-0*//')
must rm -r "$second"/airgap-ca/responses/*"$n"
run transfer install "$second"
stopped 7 GAP 'the second without the first'
run ca resend "$second" --requester online --from "$n"
leads GAP 'written again'
run transfer install "$second"
leads GAP 'and installed'

done_testing
