#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Remedies of what is rarer than 94-remedies.t: damaged responses with good signatures,
# restored ledgers and hosts, cards, loose CSRs, a server's directories.
. "$(dirname "$0")/../lib/lib.sh"
needs faketime faketime
. "$TOP/tests/lib/remedies.sh"

make_known_ca --scope example.org --profiles tls,sub-ca --path-len 0
policy=$(home_of ca)/policy.conf
must sed -i 's|^key-reuse = .*|key-reuse = any|' "$policy"
cat >>"$policy" <<'POLICY'
[profile titled]
subject = CN=For %{name}
names = dns
names-min = 0
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
validity = 30d
validity-max = 90d
key-types = ec-p256
[requester online]
profiles = titled, tls-server, tls-client, sub-ca
POLICY
must ca policy check
must ca export "$STICK"
enrol_online
CARD=$(ls "$STICK"/airgap-ca/cards/*.cose)
for name in www new; do
	must csr_openssl $name ec-p256 /CN=$name.example.org DNS:$name.example.org
done
on() { STICK=$(stick "$1"); }
asks() { must transfer "${@:2}" request "$WORK/$1.csr" --profile tls-server --out "$STICK"; }
on first
asks www
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"

# ---- responses whose manifest says what is not so ------------------------------------------
# Signed by whoever got at the keys, or as a CA gone wrong would; the ledger has the true one.
on honest
asks www
must ca sign "$STICK" --yes
honest=$STICK
before=$WORK/before-online
must cp -a "$(home_of online)" "$before"
# lie STATUS RULE WHAT PYTHON: refused, and what the remedy names brings the good one
lie() {
	on "lie-$2"
	must cp -r "$honest/airgap-ca" "$STICK/"
	must "$PYTHON" "$TOP/tests/tools/make_response.py" "$WORK/ca-key.key" \
		"$WORK/transfer-key.key" "$(ls -d "$STICK"/airgap-ca/responses/*)" "$4"
	run transfer install "$STICK"
	stopped "$1" "$2" "$3"
	on "resent-$2"
	run ca resend "$STICK"
	leads "$2" 'the CA writes it again'
	run transfer install "$STICK"
	leads "$2" 'and that is installed'
	must rm -r "$(home_of online)"
	must cp -a "$before" "$(home_of online)"
}
lie 3 CERT-DIGEST 'another digest than its certificate has' \
	'last = [lambda: entry.__setitem__(2, bytes(32))]'
lie 3 CERT-FORM 'something behind its extensions' 'behind(b"\5\0")'
lie 3 CERT-ISSUER 'the name of another CA' 'swap(b"Test CA", b"Best CA")'
lie 3 CRL-FORM 'a CRL of version 1' 'crl(1, now, now + 86400, version=b"")'
lie 3 CRL-ISSUER 'a CRL of another name' \
	'crl(1, now, now + 86400, issuer=d.tlv(0x30, d.tlv(0x31, d.tlv(0x30, "0603550403", d.tlv(12, b"Else")))))'
lie 3 POLICY-DIGEST 'a policy that this side does not have' 'p[13] = bytes(32)'
on other-content
must cp -r "$honest/airgap-ca" "$STICK/"
must "$PYTHON" "$TOP/tests/tools/make_response.py" "$WORK/ca-key.key" \
	"$WORK/transfer-key.key" "$(ls -d "$STICK"/airgap-ca/responses/*)" 'p[5][2] = bytes(32)'
run transfer install "$STICK"
stopped 3 MANIFEST-BUNDLE 'the answer to other content'
run transfer install "$honest"
leads MANIFEST-BUNDLE 'the response to the newest bundle'
must rm -r "$(home_of online)"
must cp -a "$before" "$(home_of online)"
on again
must transfer request --again --out "$STICK"
must ca sign "$STICK" --yes
run transfer install "$STICK"
leads MANIFEST-BUNDLE 'or what is asked for again'

# ---- cards ----------------------------------------------------------------------------------
on cards
for when in '-400 days' '+7000 days'; do
	run at "$(date -u -d "$when" '+%F %T')" transfer @late enroll "$(dirname "$(dirname "$(dirname "$CARD")")")" \
		--label late --expect "$CA_HEX"
	stopped 7 CA-DATES "a host's clock, $when"
done
must mkdir -p "$STICK/airgap-ca/cards"
must cose --key "$WORK/transfer-key.key" "$CARD" "$STICK/airgap-ca/cards/$(basename "$CARD")" \
	'der = p[3][0]; at = der.index(b"\x06\x03\x55\x1d\x1e"); p[3][0] = der[:at + 20] + bytes([der[at + 20] ^ 0x40]) + der[at + 21:]
p[2] = hashlib.sha256(p[3][0]).digest()'
run transfer @late enroll "$STICK" --label late --expect "$CA_HEX"
stopped 3 CA-CERT 'a certificate of the CA that is damaged'
rm -r "$STICK/airgap-ca"
must ca export "$STICK"
run transfer @late enroll "$STICK" --label late --expect "$CA_HEX" --json
leads CA-CERT 'the card from the CA again'
leads CA-DATES 'with the clock set'
LATE=$(json fingerprint)

# ---- names ------------------------------------------------------------------------------------
on names
VECTORS=$TOP/tests/vectors/csr
run transfer request "$VECTORS/text-cn-newline.der" --profile tls-client --out "$STICK"
stopped 4 CSR-TEXT 'a newline in its common name'
run transfer request "$VECTORS/text-cn-newline.der" --profile tls-client --name dns:www.example.org --out "$STICK" -n
leads CSR-TEXT 'the names are given with --name'
run transfer request "$WORK/www.csr" --profile tls-client --out "$STICK" -n
leads CSR-TEXT 'or the CSR is made again'
must openssl req -new -key "$WORK/www.key" -subj /O=x -out "$WORK/nameless.csr"
run transfer request "$WORK/nameless.csr" --profile titled --out "$STICK"
stopped 4 SUBJECT 'a title of a name, and no name'
run transfer request "$WORK/nameless.csr" --profile titled --name dns:www.example.org --out "$STICK" -n
leads SUBJECT 'a name is given'
must cp "$policy" "$WORK/policy.conf"
must sed -i 's|^subject = CN=For .*|subject = CN=Somebody|' "$policy"
must ca policy check
must ca export "$STICK"
run transfer @late enroll "$STICK" --replace --expect "$CA_HEX"
run transfer @late request "$WORK/nameless.csr" --profile titled --out "$STICK" -n
leads SUBJECT 'or subject is mended'
must cp "$WORK/policy.conf" "$policy"

new_token deep
on deep
run ca @deep init --subject 'CN=Deep CA' --token "$(uri deep)" --scope example.org --profiles tls,sub-ca \
	--path-len 1 --out "$STICK" --yes --json
DEEP=$(json fingerprint)
printf '[requester online]\nprofiles = sub-ca\n' >>"$(home_of deep)/policy.conf"
must ca @deep export "$STICK"
run transfer request "$WORK/new.csr" --profile sub-ca --out "$STICK"
stopped 4 PATH-LEN 'a CA below one that has none below it'
must transfer @deep enroll "$STICK" --label online --expect "$DEEP"
run transfer @deep request "$WORK/new.csr" --profile sub-ca --out "$STICK" -n
leads PATH-LEN 'asked of a CA with a larger --path-len'

# ---- bundles and sticks -------------------------------------------------------------------------
on theirs
asks www
bundle=$(ls "$STICK"/airgap-ca/requests/*.cose)
run ca @deep abandon "$bundle" "$STICK" --yes
stopped 4 BUNDLE-CA 'the bundle of another CA'
says "whose certificate has the SHA-256 $CA_HEX" 'which is named'
run ca sign "$STICK" --yes
leads BUNDLE-CA 'that CA signs it'
must transfer install "$STICK"

on revoking
asks www
bundle=$(ls "$STICK"/airgap-ca/requests/*.cose)
must cose --key "$(home_of online)/requester.pem" "$bundle" "$WORK/revoking.cose" 'p[10] = [{1: b"A" * 16, 2: 1}]'
must cp "$WORK/revoking.cose" "$bundle"
run ca sign -n "$STICK"
says 'refused +\[REVOKE-UNKNOWN\] revocation 1: serial' 'REVOKE-UNKNOWN: is told before Yes'
rm -r "$STICK/airgap-ca"
asks new
run ca sign "$STICK" --yes
leads REVOKE-UNKNOWN 'without it'
must transfer install "$STICK"

on large
asks www
must truncate -s 1T "$STICK/airgap-ca/requests/b1.cose"
run ca sign "$STICK" --yes
stopped 3 MEDIA-SIZE 'a file of a terabyte beside the bundle'
rm "$STICK/airgap-ca/requests/b1.cose"
run ca sign "$STICK" --yes
leads MEDIA-SIZE 'without it'
must transfer install "$STICK"

on loose
must cp "$WORK/new.key" "$STICK/new.pem"
must cp "$WORK/new.csr" "$STICK"
run ca sign "$STICK" --loose --profile tls-server --yes
stopped 3 PRIVATE-KEY 'a private key beside its CSR'
rm "$STICK/new.pem" "$STICK/new.csr"
must csr_openssl newer ec-p256 /CN=new.example.org DNS:new.example.org
must mkdir "$STICK/hr"
must cp "$WORK/newer.csr" "$STICK/hr"
must csr_openssl second ec-p256 /CN=second.example.org DNS:second.example.org
must cp "$WORK/second.csr" "$STICK"
run ca sign "$STICK" --loose --profile tls-server -n
stopped 3 LOOSE-FILE 'a CSR in a folder'
must mv "$STICK/hr/newer.csr" "$STICK"
run ca sign "$STICK" --loose --profile tls-server --yes --json
leads LOOSE-FILE 'it is moved to the root'
leads PRIVATE-KEY 'and that of a new key is signed'
is "$(json responses.0.issued)" 2 'both'
run ca sign "$STICK" --loose --profile tls-client --yes
stopped 7 LOOSE-PROFILE 'the same CSRs for another profile'
run ca sign "$STICK" --loose --profile tls-server --yes
leads LOOSE-PROFILE 'that of the first time'
must csr_openssl newest ec-p256 /CN=new.example.org DNS:new.example.org
rm "$STICK"/*.csr
must cp "$WORK/newest.csr" "$STICK"
run ca sign "$STICK" --loose --profile tls-client --yes
leads LOOSE-PROFILE 'or new CSRs'

# ---- an old number --------------------------------------------------------------------------------
# The clock was ahead by hours, and then the host was put back to a copy of before.
must cp -a "$(home_of online)" "$WORK/snapshot"
on ahead
must at "$(date -u -d '+10 hours' '+%F %T')" transfer request "$WORK/new.csr" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes
must rm -r "$(home_of online)"
must cp -a "$WORK/snapshot" "$(home_of online)"
on replay
asks www
run ca sign "$STICK" --yes
stopped 7 REPLAY 'a number that is past'
on replay-again
must transfer request --again --out "$STICK"
run ca sign "$STICK" --yes
stopped 7 REPLAY 'and so is that of what is asked for again'
on replay-resent
run ca resend "$STICK"
leads REPLAY 'what was answered is written again'
run transfer install "$STICK"
leads REPLAY 'and installed there first'
on replay-good
must transfer request --again --out "$STICK"
run ca sign "$STICK" --yes
leads REPLAY 'then it is signed'
run transfer install "$STICK"
leads REPLAY 'and installed'

# ---- a ledger of before the host was known -----------------------------------------------------------
must cp -a "$(home_of ca)" "$WORK/old-ca"
on late
must csr_openssl late ec-p256 /CN=late.example.org DNS:late.example.org
must transfer @late request "$WORK/late.csr" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes --expect "$LATE"
must transfer @late install "$STICK"
must rm -r "$(home_of ca)"
must cp -a "$WORK/old-ca" "$(home_of ca)"
on late-again
must transfer @late request "$WORK/late.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes --expect "$LATE"
stopped 7 HEAD-CLAIMED 'a host that this ledger never met, with a response of it'
run transfer @late history --out "$STICK"
leads HEAD-CLAIMED 'its history'
run ca recover "$STICK" --yes
leads HEAD-CLAIMED 'is taken in'
run ca sign "$STICK" --yes --expect "$LATE"
leads HEAD-CLAIMED 'and the bundle signed'

# ---- a server's directory ------------------------------------------------------------------------------
must mkdir "$WORK/srv"
must chmod 777 "$WORK/srv"
deployed() { run transfer deploy www.example.org --format cert --to "$1/www.pem" --key "$WORK/www.key"; }
deployed "$WORK/srv"
stopped 7 DEPLOY-OWNER 'a directory that all may write to'
must chmod go-w "$WORK/srv"
deployed "$WORK/srv"
leads DEPLOY-OWNER 'chmod go-w'
must chmod 777 "$WORK/srv"
must mkdir "$WORK/another"
deployed "$WORK/another"
leads DEPLOY-OWNER 'or another directory'

done_testing
