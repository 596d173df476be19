#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CRLs as they come with a response: what `install` takes, what it learns from them,
# and each bad one refused by its rule, with nothing stored. The CRLs are made by
# tests/tools/crl_der.py with the CA's own key, as a CA that lies could make them.
. "$(dirname "$0")/../lib/lib.sh"

make_known_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must csr_openssl mail ec-p256 /CN=mail.example.org DNS:mail.example.org

# answer STICK: $R, a response of the CA
answer() {
	run ca sign "$1" --yes --json --expect "$REQUESTER_HEX"
	[ "$STATUS" = 0 ] || { echo "# $ERR"; fail "preparation: sign"; done_testing; }
	R=$1/$(json responses.0.path)
}

changed() {
	must "$PYTHON" "$TOP/tests/tools/make_response.py" "$WORK/ca-key.key" \
		"$WORK/transfer-key.key" "$R" "$1"
}

sql() { sqlite3 "$(home_of online)/store.db" "$1"; }

first=$(stick first)
must transfer request "$WORK/web.csr" --profile tls-server --out "$first"
answer "$first"
must transfer install "$first"
serial=$(sql "SELECT lower(hex(serial)) FROM certificate")

second=$(stick second)
must transfer request "$WORK/mail.csr" --profile tls-server --out "$second"
answer "$second"
good=$R

WEEK='w = 7 * 86400; e = lambda s, *x: d.entry(bytes.fromhex(s), now, *x)'

# give: a stick with the good response alone, in $STICK; $R is it
sticks=0
give() {
	sticks=$((sticks + 1))
	STICK=$(stick "r$sticks")
	R=$STICK/airgap-ca/responses/$(basename "$good")
	mkdir -p "$STICK/airgap-ca/responses" && cp -r "$good" "$R" || exit 1
}

# bad STATUS RULE REGEX DESC PYTHON
bad() {
	give
	changed "$WEEK; $5"
	freeze
	run transfer verify "$STICK"
	refused "$1" "$2" "$3" "$4"
	run transfer install "$STICK"
	refused "$1" "$2" "$3" "$4 (to install it)"
}

# ---- of another form -------------------------------------------------------------------

form() { bad 3 CRL-FORM "crl-1\\.crl: $1" "$2" "$3"; }
form 'no CRL of version 2' 'version 1' 'crl(1, now, now + w, version=b"")'
form 'no time of RFC 5280' 'without nextUpdate' 'crl(1, now, now + w, next=b"")'
form 'a critical or malformed extension' 'with an issuingDistributionPoint' \
	'n, k = d.issuer_of(ca); crl(1, now, now + w, extensions=[d.aki(k), d.number(1), d.extension("551d1c", d.tlv(0x30, "8101ff"), True)])'
form 'a critical or malformed extension' 'an unknown extension that is critical' \
	'n, k = d.issuer_of(ca); crl(1, now, now + w, extensions=[d.aki(k), d.number(1), d.extension("2a0304", "0500", True)])'
form 'no authorityKeyIdentifier, or no cRLNumber' 'without a number' \
	'n, k = d.issuer_of(ca); crl(1, now, now + w, extensions=[d.aki(k)])'
form 'no cRLNumber from 1 to' 'a number of 160 bits' \
	'n, k = d.issuer_of(ca); crl(1, now, now + w, extensions=[d.aki(k), d.number(1 << 159)])'
form 'an empty list, which is left out' 'an empty list' 'crl(1, now, now + w, revoked=b"\x30\0")'
form 'an entry with a critical' 'a critical entry extension' \
	'crl(1, now, now + w, [e("05", d.extension("551d15", "0a0101", True))])'
form 'an entry with a reason that is none of ours' 'certificateHold' 'crl(1, now, now + w, [e("05", d.reason(6))])'
form 'an entry with a reason that is none of ours' 'removeFromCRL, which OpenSSL takes for good' \
	'crl(1, now, now + w, [e("05", d.reason(8))])'
form 'an entry revoked after thisUpdate' 'revoked in the future, which Java takes for good' \
	'crl(1, now, now + w, [d.entry(b"\x05", now + 1)])'
form 'an entry that is not behind the one before' 'out of order' 'crl(1, now, now + w, [e("06"), e("05")])'
form 'bytes behind the CRL' 'bytes behind it' 'crl(1, now, now + w, behind=b"\0")'
form 'a length beyond 256 MiB' 'of 2 GiB, as it says' \
	'crl(1, now, now + w, der=b"\x30\x84\x80\0\0\0" + d.crl(ca_key, ca, 1, now, now + w)[4:])'
form 'no SEQUENCE in DER' 'of indefinite length' \
	'crl(1, now, now + w, der=b"\x30\x80" + d.crl(ca_key, ca, 1, now, now + w)[3:] + b"\0\0")'
form 'another algorithm than is signed' 'another algorithm outside' \
	'crl(1, now, now + w, outer=bytes.fromhex(d.ECDSA384))'
form 'no CRL, or one that is cut short' 'cut short' \
	'crl(1, now, now + w, der=d.crl(ca_key, ca, 1, now, now + w)[:-1])'
form 'its dates, or how many it lists' 'other dates than are stated' 'crl(1, now, now + w)[3] += 1'
form 'its dates, or how many it lists' 'another number of entries than is stated' 'crl(1, now, now + w)[6] = 1'
bad 3 CRL-FORM 'CRL 1 ends before it begins' 'an end that is no later than its begin' 'crl(1, now, now + w)[3] = now'
form 'its dates leave those of the CA' "past the CA's end" 'crl(1, now, now + 5000 * w)'

# ---- of somebody else ------------------------------------------------------------------

bad 3 CRL-SIGNATURE 'its signature is not' 'signed by another key' 'crl(1, now, now + w, key=new_key())'
bad 3 CRL-SIGNATURE 'its signature is not' 'a signature that was changed' \
	's = d.crl(ca_key, ca, 1, now, now + w); crl(1, now, now + w, der=s[:-1] + bytes([s[-1] ^ 1]))'
bad 3 CRL-ISSUER 'its issuer is not the CA' 'another issuer' \
	'crl(1, now, now + w, issuer=d.tlv(0x30, d.tlv(0x31, d.tlv(0x30, "0603550403", d.tlv(12, b"Else")))))'
bad 3 CRL-ISSUER 'its authorityKeyIdentifier' "another key's identifier" \
	'crl(1, now, now + w, extensions=[d.aki(bytes(20)), d.number(1)])'
# Of a key that this host was never told of nothing can be said: it is neither judged nor
# kept, and keeps nothing else out.
give
changed "$WEEK; crl(1, now, now + w)[7] = bytes(32)"
run transfer verify "$STICK"
status 0 'a list by a key that nobody pinned keeps nothing else out'
says '1 CRL by keys of the CA that this host was never told of: passed over' 'and is passed over'

# ---- files -----------------------------------------------------------------------------

bad 3 MANIFEST-FILES 'is not the file that the manifest lists' 'another CRL than the manifest has' \
	'crl(1, now, now + w)[4] = bytes(32)'
bad 3 MANIFEST-FILES 'crl-1.crl is missing' 'a CRL that is not there' \
	'crl(1, now, now + w); os.unlink(folder + "/crl-1.crl")'
bad 3 MANIFEST-FILES 'is not listed' 'a CRL that the manifest does not have' 'crl(1, now, now + w); p[10].clear()'
bad 3 MANIFEST-FILES 'is not among the files' 'a shadow that is not listed as a file' \
	'shadow(1, now, now + w, b"x"); p[11].pop(); os.unlink(folder + "/crl-1.shadow")'
bad 3 MANIFEST-FILES 'lists crl-1.crl twice' 'a CRL listed as a file too' \
	'crl(1, now, now + w); p[11].append({1: "crl-1.crl", 2: 1, 3: bytes(32)})'
bad 3 MANIFEST-FILES 'is not the file that the manifest lists' 'a shadow with other bytes' \
	'shadow(1, now, now + w, b"x"); p[11][-1][3] = bytes(32)'

# ---- numbers ---------------------------------------------------------------------------

bad 7 CRL-NUMBER 'stands behind CRL 2' 'a number that falls' 'crl(2, now, now + w); crl(1, now + w, now + 2 * w)'
bad 7 CRL-NUMBER 'begins no later than CRL 1' 'a thisUpdate that does not rise' 'crl(1, now, now + w); crl(2, now, now + w)'
bad 7 CRL-NUMBER 'has number 9' 'another number than is stated' \
	'crl(1, now, now + w, der=d.crl(ca_key, ca, 9, now, now + w))'

# ---- good ones, and what comes of them -------------------------------------------------

# Serials stand in order, and 01 before any that a CA of ours draws.
give
changed "$WEEK; [crl(5 + 2 * i, now + i * w, now + i * w + 10 * 86400, [e(\"01\"), e(\"$serial\", d.reason(1))]) for i in range(3)]; shadow(6, now + 1, now + w, b'sealed')"
bad_order=$STICK # a shadow stands where its number is
freeze
run transfer install "$bad_order"
refused 7 CRL-NUMBER 'CRL 6 stands behind CRL 9' 'a shadow out of its place'
give
changed "$WEEK; t = [crl, shadow]
for i in range(3):
    crl(5 + 2 * i, now + i * w, now + i * w + 10 * 86400, [e(\"01\"), e(\"$serial\", d.reason(1))])
    shadow(6 + 2 * i, now + i * w + 1, now + i * w + 10 * 86400, b'sealed %d' % i)"
freeze
run transfer verify "$STICK"
status 0 'a series with its shadows is good'
unchanged 'to look changes nothing'
must cp -r "$(home_of online)" "$(home_of learner)"
run transfer @learner install "$STICK" --json
status 0 'and it is installed'
is "$(json crls)" 6 'six CRLs, by --json'
is "$(json revoked)" 1 'of which one revocation was learnt'
says "revoked at the CA: dns:web.example.org, .*keyCompromise" 'it is said by name that a certificate was revoked'
crl=$(home_of learner)/crl
is "$(stat -c %a "$crl")" 700 'they lie in a directory of our own'
is "$(stat -c %a "$crl"/* | sort -u)" 600 'that nobody else reads'
is "$(ls "$crl" | tr '\n' ' ')" '10.shadow 5.crl 6.shadow 7.crl 8.shadow 9.crl ' 'under their numbers'
must openssl crl -inform DER -in "$crl/7.crl" -noout -CAfile "$(home_of learner)/ca.pem"
is "$(sqlite3 "$(home_of learner)/store.db" "SELECT reason FROM certificate WHERE revoked_at IS NOT NULL")" 1 'the store has the reason'
run transfer @learner list
like "$OUT" '^revoked .*web.example.org' 'list shows it'

# ---- after that ------------------------------------------------------------------------

# The CA knows of no CRL: a host that has accepted its response 2, and then these.
must transfer install "$second"
must cp -r "$crl" "$(home_of online)/crl"
sql "ATTACH '$(home_of learner)/store.db' AS l; INSERT INTO crl SELECT * FROM l.crl;
	UPDATE certificate SET revoked_at = 1, reason = 1 WHERE serial = x'$serial'"
third=$(stick third)
must csr_openssl third ec-p256 /CN=third.example.org DNS:third.example.org
must transfer request "$WORK/third.csr" --profile tls-server --out "$third"
answer "$third"
good=$R
LISTED="e(\"$serial\", d.reason(1))"
bad 3 CRL-MISSING "does not list certificate $serial" 'a CRL without what is revoked' \
	"crl(11, now, now + w)"
bad 3 CRL-MISSING "does not list certificate $serial" 'nor the second of two' \
	"crl(11, now, now + w, [$LISTED]); crl(12, now + w, now + 2 * w, [e(\"05\")])"
bad 7 CRL-NUMBER 'number 10 was accepted before' 'a number that was passed' \
	"crl(4, now, now + w, [$LISTED])"
bad 7 CRL-NUMBER 'another one than was accepted under that number' 'another CRL under a number that is here' \
	"crl(7, now, now + w, [$LISTED])"
bad 7 CRL-NUMBER 'begins no later than one that was accepted' 'a higher number, and an older thisUpdate' \
	"crl(11, now - w, now + w, [d.entry(bytes.fromhex(\"$serial\"), now - w)])"
give
changed "$WEEK; crl(11, now + 100, now + w, [$LISTED]); shadow(12, now + 101, now + w, b'y')"
run transfer install "$STICK"
status 0 'a series that goes on is installed'
quiet 'revoked' 'and nothing new was revoked'
is "$(ls "$(home_of online)/crl" | wc -l)" 8 'the earlier ones stay until they end'

done_testing
