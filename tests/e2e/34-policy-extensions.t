#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Lines `extension.NAME = VALUE` of a profile, as x509v3_config(5) has them: they stand in
# the certificate as OpenSSL reads it, and nothing besides. What cannot is in
# tests/e2e/66-bad-policy.t.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online

# NAME, VALUE, what `openssl x509 -text` says of it
LINES='certificatePolicies|1.3.6.1.4.1.99999.1, 2.23.140.1.2.1|Policy: 1.3.6.1.4.1.99999.1
authorityInfoAccess|OCSP;URI:http://ocsp.example.org/, caIssuers;URI:http://example.org/ca.crt|OCSP - URI:http://ocsp.example.org/
crlDistributionPoints|URI:http://example.org/a.crl, URI:http://example.net/b.crl|URI:http://example.net/b.crl
freshestCRL|URI:http://example.org/delta.crl|URI:http://example.org/delta.crl
issuerAltName|email:ca@example.org, URI:http://ca.example.org/|email:ca@example.org
subjectInfoAccess|caRepository;URI:http://example.org/|CA Repository - URI:http://example.org/
tlsfeature|status_request|status_request
noCheck|ignored|OCSP No Check
nsComment|made for a test|made for a test
1.3.6.1.4.1.99999.2|ASN1:UTF8String:hello|hello
1.3.6.1.4.1.99999.3|DER:04:02:01:02|1.3.6.1.4.1.99999.3'
n=0
while IFS='|' read -r name value text; do
	n=$((n + 1))
	printf '\n[profile x%d]\nsubject = first-name\nnames = dns\nkey-types = ec-p256\nvalidity = 31d\nvalidity-max = 31d\n' "$n"
	printf 'keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n'
	printf 'extension.%s = %s\n' "$name" "$value"
done <<<"$LINES" >"$WORK/profiles"
cat "$WORK/profiles" >>"$(home_of ca)/policy.conf"
run ca policy check
status 0 'every form that stands on one line is well formed'

csr_openssl web ec-p256 /CN=www.example.org DNS:www.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a first visit brings the policy'
must transfer install "$STICK"
n=0
while IFS='|' read -r name value text; do
	n=$((n + 1))
	csr_openssl "k$n" ec-p256 "/CN=k$n.example.org" "DNS:k$n.example.org"
	must transfer request "$WORK/k$n.csr" --profile "x$n" --out "$STICK"
done <<<"$LINES"
run ca sign "$STICK" --yes
status 0 'all of them are signed'
run transfer install "$STICK"
status 0 'and pass the judge of the other side'
n=0
while IFS='|' read -r name value text; do
	n=$((n + 1))
	openssl x509 -in "$(ls "$(home_of online)"/certs/k$n.example.org/*.pem)" -noout -text >"$WORK/text"
	like "$(cat "$WORK/text")" "$(printf '%s' "$text" | sed 's/[.]/\\./g')" "extension.$name is in the certificate"
done <<<"$LINES"

done_testing
