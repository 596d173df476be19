#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Certificates for XMPP: each kind, field by field in its DER, from the one-liners of the
# manual. What must be refused has its cases in
#	61-bad-request.t	SRV-IDs: srv-*; A-labels: dns-a-*; lengths: dns-longest;
#				scope: scope-*, srv-outside, jid-outside; XMPP addresses:
#				jid-*; other types of names: xs-*, xc-*; a person beside a
#				host or for servers: jid-mixed, jid-server-auth; wildcards:
#				*wildcard*; dates: ends-*, begins-*; keys of the CA: key-*
#	54-key-reuse.t	keys that another subject has
#	60-bad-csr.t		what a CSR asks for: ask-*; its keys: key-*; its signature
#	35-init.t		serials of the CA
. "$(dirname "$0")/../lib/lib.sh"
needs certtool gnutls-bin

new_token xmpp
now="2026-12-01 10:30:00"
init=(--subject "CN=XMPP CA for josefsson.org" --key-type rsa-3744 --days 11147 --serial 1
	--scope josefsson.org --scope chat.sjd.se --profiles xmpp)
ask=(--profile xmpp-server --domain josefsson.org --host chat.sjd.se)

# ---- a token that cannot make the key ---------------------------------------------------
must "${CC:-gcc}" -shared -fPIC $(pkg-config --cflags p11-kit-1) -o "$WORK/shim.so" \
	"$TOP/tests/lib/shim.c" -ldl
small="pkcs11:token=xmpp?module-path=$WORK/shim.so&pin-source=file:$WORK/pin"
freeze "$WORK/tokens" "$STICK"
for option in -n --yes; do
	SHIM=small run ca init "${init[@]}" --token "$small" --out "$STICK" "$option"
	status 5 "a token that makes 3072 bits at most: init $option stops"
	says 'cannot make rsa-3744: it makes keys of [0-9]+ to 3072 bits; nothing was written' \
		'and says what it can make'
done
unchanged 'token, home and stick are as they were'

# ---- the CA ---------------------------------------------------------------------------------

run at "$now" ca init "${init[@]}" --token "$(uri xmpp)" --out "$STICK" --yes --json
status 0 'the CA of the manual is made'
quiet 'SRVName' 'and nothing is to be warned of'
CA_HEX=$(json fingerprint)
run at "$now" transfer enroll "$STICK" --expect "$CA_HEX" --json
REQUESTER_HEX=$(json fingerprint)
CA=$(home_of online)/ca.pem

# der CERTIFICATE DESC <TEXT: its whole DER
der() {
	local got
	got=$("$PYTHON" "$TOP/tests/tools/der_text.py" "$1" "$CA" 2>&1)
	if [ "$got" = "$(cat)" ]; then pass "$2"; else fail "$2" "$got"; fi
}
der "$CA" 'the DER of the CA certificate, field by field' <<'DER'
SEQUENCE
  SEQUENCE
    [0] { INTEGER 2 }
    INTEGER 1
    SEQUENCE { sha256WithRSAEncryption, NULL }
    SEQUENCE { SET { SEQUENCE { commonName, UTF8String XMPP CA for josefsson.org } } }
    SEQUENCE { UTCTime 26113010, GeneralizedTime 2057060810 }
    SEQUENCE { SET { SEQUENCE { commonName, UTF8String XMPP CA for josefsson.org } } }
    SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING <key> }
    [3]
      SEQUENCE
        SEQUENCE
          basicConstraints
          BOOLEAN TRUE
          OCTET STRING { SEQUENCE { BOOLEAN TRUE, INTEGER 1 } }
        SEQUENCE
          keyUsage
          BOOLEAN TRUE
          OCTET STRING { BIT STRING digitalSignature keyCertSign cRLSign }
        SEQUENCE { subjectKeyIdentifier, OCTET STRING { OCTET STRING <key-id> } }
        SEQUENCE
          nameConstraints
          BOOLEAN TRUE
          OCTET STRING
            SEQUENCE
              [0] { SEQUENCE { [2] josefsson.org }, SEQUENCE { [2] chat.sjd.se } }
              [1]
                SEQUENCE { [7] 0000000000000000 }
                SEQUENCE
                  [7] 0000000000000000000000000000000000000000000000000000000000000000
  SEQUENCE { sha256WithRSAEncryption, NULL }
  BIT STRING <signature>
DER
like "$(openssl x509 -in "$CA" -noout -text)" 'Public-Key: \(3744 bit\)' 'its key has 3744 bits'
is "$("$PYTHON" -c 'import sys
from cryptography import x509
c = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
print((c.not_valid_after - c.not_valid_before).total_seconds() - 11148 * 86400)' "$CA" 2>/dev/null)" \
	-1.0 'it ends 11147 days after it was made, and begins the day before'

# ---- the one-liners -----------------------------------------------------------------------------

# issued REQUEST-OPTION... -> $CERT, by way of the stick
issued() {
	find "$(home_of online)/certs" -name '*.pem' 2>/dev/null | sort >"$WORK/before"
	run at "$now" transfer request "$@" --out "$STICK"
	status 0 "request $*"
	must at "$now" ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	must at "$now" transfer install "$STICK"
	CERT=$(find "$(home_of online)/certs" -name '*.pem' | sort | comm -13 "$WORK/before" -)
}
# verified DESC PURPOSE: by two libraries that are not ours
verified() {
	ok "$1: openssl verify -x509_strict" at "$now" openssl verify -x509_strict \
		-attime "$(date -d "$now" +%s)" -purpose "$2" -CAfile "$CA" "$CERT"
	ok "$1: certtool --verify" faketime "$now" certtool --verify \
		--load-ca-certificate "$CA" --infile "$CERT"
}
RSA_USAGE='SEQUENCE
          keyUsage
          BOOLEAN TRUE
          OCTET STRING { BIT STRING digitalSignature keyEncipherment }'
USAGE='SEQUENCE { keyUsage, BOOLEAN TRUE, OCTET STRING { BIT STRING digitalSignature } }'
server_der() { # KEY NAMES USAGE: what is different between servers
	cat <<DER
SEQUENCE
  SEQUENCE
    [0] { INTEGER 2 }
    INTEGER <serial>
    SEQUENCE { sha256WithRSAEncryption, NULL }
    SEQUENCE { SET { SEQUENCE { commonName, UTF8String XMPP CA for josefsson.org } } }
    SEQUENCE { UTCTime 26120109, UTCTime 27010109 }
    SEQUENCE { SET { SEQUENCE { commonName, UTF8String XMPP server for josefsson.org } } }
    SEQUENCE { SEQUENCE { $1 }, BIT STRING <key> }
    [3]
      SEQUENCE
        SEQUENCE { basicConstraints, BOOLEAN TRUE, OCTET STRING { SEQUENCE {  } } }
        ${3:-$USAGE}
        SEQUENCE { extKeyUsage, OCTET STRING { SEQUENCE { serverAuth, clientAuth } } }
        SEQUENCE { subjectKeyIdentifier, OCTET STRING { OCTET STRING <key-id> } }
        SEQUENCE { authorityKeyIdentifier, OCTET STRING { SEQUENCE { [0] <issuer-key-id> } } }
        SEQUENCE
          subjectAltName
          OCTET STRING
            SEQUENCE
$2
  SEQUENCE { sha256WithRSAEncryption, NULL }
  BIT STRING <signature>
DER
}
names='              [2] josefsson.org
              [0] { dnsSRV, [0] { IA5String _xmpp-client.josefsson.org } }
              [0] { dnsSRV, [0] { IA5String _xmpp-server.josefsson.org } }'

issued "${ask[@]}" --new-key rsa-3744
server_der 'rsaEncryption, NULL' "$names
              [2] chat.sjd.se" "$RSA_USAGE" >"$WORK/expected"
der "$CERT" 'server: its DER, field by field' <"$WORK/expected"
verified server sslserver
verified 'server, as the client of others' sslclient
like "$(openssl x509 -in "$CERT" -noout -text)" 'Public-Key: \(3744 bit\)' 'server: its key has 3744 bits'
key=$(ls "$(home_of online)"/keys/*.pem)
is "$(openssl pkey -in "$key" -pubout)" "$(openssl x509 -in "$CERT" -noout -pubkey)" \
	'server: and lies in the home'
is "$(stat -c %a "$key")" 600 'server: for its owner alone'

must csr_openssl note rsa-3744 /CN=josefsson.org
issued "$WORK/note.csr" "${ask[@]}"
der "$CERT" 'a CSR with a CN only becomes the very same' <"$WORK/expected"
verified 'CN-only' sslserver
must csr_openssl foreign rsa-3744 /CN=example.com
issued "$WORK/foreign.csr" "${ask[@]}"
der "$CERT" 'and what its CN says is nowhere' <"$WORK/expected"

issued --profile xmpp-server --new-key ec-p384 --domain josefsson.org \
	--component conference.josefsson.org --component bücher.josefsson.org --host chat.sjd.se
server_der 'ecPublicKey, P-384' "$names
              [2] conference.josefsson.org
              [0] { dnsSRV, [0] { IA5String _xmpp-server.conference.josefsson.org } }
              [2] xn--bcher-kva.josefsson.org
              [0] { dnsSRV, [0] { IA5String _xmpp-server.xn--bcher-kva.josefsson.org } }
              [2] chat.sjd.se" >"$WORK/expected"
der "$CERT" 'components: for servers only, and U-labels as A-labels' <"$WORK/expected"
verified components sslserver

client_der() { # JID DOMAIN
	cat <<DER
SEQUENCE
  SEQUENCE
    [0] { INTEGER 2 }
    INTEGER <serial>
    SEQUENCE { sha256WithRSAEncryption, NULL }
    SEQUENCE { SET { SEQUENCE { commonName, UTF8String XMPP CA for josefsson.org } } }
    SEQUENCE { UTCTime 26120109, UTCTime 27030109 }
    SEQUENCE { SET { SEQUENCE { organizationName, UTF8String $2 } } }
    SEQUENCE { SEQUENCE { ecPublicKey, P-256 }, BIT STRING <key> }
    [3]
      SEQUENCE
        SEQUENCE { basicConstraints, BOOLEAN TRUE, OCTET STRING { SEQUENCE {  } } }
        SEQUENCE { keyUsage, BOOLEAN TRUE, OCTET STRING { BIT STRING digitalSignature } }
        SEQUENCE { extKeyUsage, OCTET STRING { SEQUENCE { clientAuth } } }
        SEQUENCE { subjectKeyIdentifier, OCTET STRING { OCTET STRING <key-id> } }
        SEQUENCE { authorityKeyIdentifier, OCTET STRING { SEQUENCE { [0] <issuer-key-id> } } }
        SEQUENCE
          subjectAltName
          OCTET STRING { SEQUENCE { [0] { xmppAddr, [0] { UTF8String $1 } } } }
  SEQUENCE { sha256WithRSAEncryption, NULL }
  BIT STRING <signature>
DER
}
issued --profile xmpp-client --new-key ec-p256 --jid simon@josefsson.org
client_der simon@josefsson.org josefsson.org >"$WORK/expected"
der "$CERT" 'client: its DER, field by field' <"$WORK/expected"
verified client sslclient
issued --profile xmpp-client --new-key ec-p256 --jid É@Bü.josefsson.org
client_der é@bü.josefsson.org bü.josefsson.org >"$WORK/expected"
der "$CERT" 'client: a JID stays in UTF-8, prepared as it is compared' <"$WORK/expected"
verified 'such a client' sslclient
nok 2 'client: no server' openssl verify -attime "$(date -d "$now" +%s)" -purpose sslserver \
	-CAfile "$CA" "$CERT"

# ---- what a policy adds ----------------------------------------------------------------------------

policy=$(home_of ca)/policy.conf
uri=http://chat.sjd.se/ca
sed -i "/^\[profile xmpp-server\]/a extension.authorityInfoAccess = caIssuers;URI:$uri.crt\\
extension.crlDistributionPoints = URI:$uri.crl" "$policy"
run ca policy check
status 0 'AIA and CRL distribution points come from the policy'
issued "${ask[@]}" --new-key ec-p256
text=$(openssl x509 -in "$CERT" -noout -text -certopt no_sigdump | tr -s ' \n' ' ')
like "$text" "Authority Information Access: CA Issuers - URI:$uri.crt X509v3 CRL Dist" 'as AIA'
like "$text" "CRL Distribution Points: Full Name: URI:$uri.crl" 'and as CRL distribution point'
verified 'with both' sslserver

# ---- a domain that no subject has room for ------------------------------------------------
# An onion address has 62 characters, a common name room for 64: what a profile puts before
# it does not fit, and then the certificate has the name alone, or no subject.
ONION=$(printf 'a%.0s' {1..56}).onion
is "${#ONION}" 62 'a domain of 62 characters'
new_token onion
run ca @onion init --subject "CN=XMPP CA for $ONION" --token "$(uri onion)" --scope "$ONION" --yes
status 2 'a subject of the CA that does not fit is refused at init'
says "CN=XMPP CA for $ONION: string too long" 'by its attribute'
STICK=$(stick onion)
run ca @onion init --subject 'CN=Onion CA' --token "$(uri onion)" --scope "$ONION" --path-len 1 \
	--profiles tls,xmpp,sub-ca,ocsp-responder --out "$STICK" --yes --json
status 0 'one that does is made with profiles that name the domain'
CA_HEX=$(json fingerprint)
printf '[requester onion]\nprofiles = tls-server, tls-client, xmpp-server, xmpp-client, sub-ca, ocsp-responder\n' \
	>>"$(home_of onion)/policy.conf"
must ca @onion export "$STICK"
enrol_online @onion onion
# granted PROFILE SUBJECT OPTION...
granted() {
	local profile=$1 subject=$2 pem
	shift 2
	STICK=$(stick "onion-$profile")
	must csr_openssl "o-$profile" ec-p256 /CN=x
	run transfer @onion request "$WORK/o-$profile.csr" --profile "$profile" "$@" --out "$STICK"
	status 0 "$profile: asked for"
	run ca @onion sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
	status 0 "$profile: signed"
	pem=$(ls "$STICK/$(json responses.0.path)"/0*.pem | head -1)
	is "$(openssl x509 -in "$pem" -noout -subject -nameopt RFC2253)" "subject=$subject" "$profile: its subject"
	run transfer @onion install "$STICK"
	status 0 "$profile: installed"
}
granted tls-server "CN=$ONION" --name "dns:$ONION"
granted tls-client "CN=$ONION" --name "dns:$ONION"
granted xmpp-server "CN=$ONION" --domain "$ONION"
granted xmpp-client "O=$ONION" --jid "a@$ONION"
granted ocsp-responder "CN=$ONION" --name "dns:$ONION"

# A CA below has the subject of its CSR, and names nobody.
granted sub-ca CN=x

done_testing
