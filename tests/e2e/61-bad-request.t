#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Requests that ask for what the policy does not give: names, dates, keys and
# profiles. Each is tried online, where `request` asks the CA's own policy, and
# offline, in the bundle of an online side that sent it anyway. For each rule a
# request that just passes stands beside the one that just fails.
. "$(dirname "$0")/../lib/lib.sh"
MAKE_BUNDLE=$TOP/tests/tools/make_bundle.py
DAY=86400

# ---- a CA whose keys the test knows, with a policy that has something to break -------
make_known_ca --scope example.org --days 900 \
	--scope-ip 192.0.2.0/24 --scope-ip 2001:db8::/32 --profiles tls,xmpp,sub-ca --path-len 0
policy=$(home_of ca)/policy.conf
profile() { # NAME NAMES LINE...
	printf '[profile %s]\nsubject = none\nnames = %s\n' "$1" "$2"
	printf 'keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n'
	printf 'validity = 30d\nvalidity-max = 398d\n'
	shift 2
	case "$*" in *series-max*) ;; *) echo 'series-max = 24' ;; esac
	case "$*" in *key-types*) ;; *) echo 'key-types = ec-p256, rsa' ;; esac
	printf '%s\n' "$@"
}
# One key serves for most rows; what is said of that is in 54-key-reuse.t.
must sed -i 's|^key-reuse = .*|key-reuse = any|' "$policy"
{
	profile wild dns 'wildcard = yes'
	profile ip 'ip, dns'
	profile csr-only dns 'names-from = csr'
	profile bundle-only dns 'names-from = bundle'
	profile fixed 'dns, ip' 'fixed-names = dns:fridge.example.org, ip:192.0.2.7'
	profile inner dns 'scope = inner.example.org'
	profile big-rsa dns 'key-types = rsa' 'rsa-bits-min = 3072' 'rsa-bits-max = 3072'
	profile both 'dns, xmpp'
	profile web uri
	profile single dns 'series-max = 1'
	profile roomy dns 'horizon = 1200d'
	printf '[requester narrow]\nprofiles = tls-server, sub-ca\nscope = narrow.example.org\n'
} >>"$policy"
run ca policy check
status 0 'the policy of this test is well formed'
run ca export "$STICK" --json
status 0 'and goes out with the card'
CA_HEX=$(json fingerprint)
enrol_online
EXPECT=(--expect "$REQUESTER_HEX")
card=$(ls "$STICK"/airgap-ca/cards/*.cose)
HOSTILE=$(stick hostile)
must cp -r "$STICK/airgap-ca" "$HOSTILE"

# ---- CSRs ------------------------------------------------------------------------------
must csr_openssl bare ec-p256 /CN=x
must csr_openssl narrow ec-p256 /CN=x # another requester's
must csr_openssl san ec-p256 /CN=x DNS:csr.example.org
must csr_openssl outside ec-p256 /CN=x DNS:www.example.com
must csr_openssl wild ec-p256 /CN=x 'DNS:*.example.org'
must csr_openssl twice ec-p256 /CN=x DNS:twice.example.org,DNS:TWICE.example.org
must csr_openssl ip ec-p256 /CN=x IP:192.0.3.1
must csr_openssl ed ed25519 /CN=x
must csr_openssl p521 ec-p521 /CN=x
must csr_openssl rsa2048 rsa-2048 /CN=x
must csr_openssl rsa3072 rsa-3072 /CN=x
for key in ca-key transfer-key; do
	must openssl req -new -key "$WORK/$key.key" -subj /CN=x -out "$WORK/$key.csr"
done

# Names of the XMPP profiles in the wrong string type, or of the wrong bytes.
must "$PYTHON" - "$WORK" <<'PY'
import sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
SRV, JID = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7"), x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
UTF8, PRINTABLE, IA5 = 0x0c, 0x13, 0x16
srv, jid = b"_xmpp-client.example.org", b"juliet@example.org"
for name, oid, tag, text in (
        ("srv-ia5", SRV, IA5, srv), ("srv-utf8", SRV, UTF8, srv), ("srv-print", SRV, PRINTABLE, b"xmpp"),
        ("srv-u-ia5", SRV, IA5, "_xmpp-client.b\u00fccher.example.org".encode()),
        ("srv-nul-ia5", SRV, IA5, srv + b"\0.example.com"),
        ("jid-utf8", JID, UTF8, jid), ("jid-ia5", JID, IA5, jid),
        ("jid-bytes", JID, UTF8, b"jul\xff@example.org"), ("jid-domain", JID, UTF8, b"example.org"),
        ("other-name", x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), UTF8, b"a@example.org")):
    key = ec.generate_private_key(ec.SECP256R1())
    value = bytes([tag, len(text)]) + text
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(
        x509.SubjectAlternativeName([x509.OtherName(oid, value)]), False).sign(key, hashes.SHA256())
    with open("%s/%s.csr" % (sys.argv[1], name), "wb") as f:
        f.write(csr.public_bytes(serialization.Encoding.PEM))
PY

# ---- cases -------------------------------------------------------------------------------
# id | rule, or ok | what the sentence says | CSR | how `request` is asked; - cannot
# say it | what the hostile bundle says
now=$(date +%s)
ca_dates() { "$PYTHON" - "$(home_of ca)" <<'PY'
import calendar, cbor2, glob, sys
from cryptography import x509
card = open(glob.glob(sys.argv[1] + "/../stick/airgap-ca/cards/*.cose")[0], "rb").read()
ca = x509.load_der_x509_certificate(cbor2.loads(cbor2.loads(card).value[2])[3][0])
print(*(calendar.timegm(t.timetuple()) for t in (ca.not_valid_before, ca.not_valid_after)))
PY
}
read -r ca_begin ca_end < <(ca_dates)
name='"names":[[0,"www.example.org"]]'
tls='"profile":"tls-server"'
q='--profile tls-server --name dns:www.example.org'
xs='"profile":"xmpp-server","names"' xsq='--profile xmpp-server --name'
xc='"profile":"xmpp-client","names"' xcq='--profile xmpp-client --name'
long=$(printf 'a%.0s' {1..63})
long=$long.$long.$long
cat >"$WORK/cases" <<CASES
profile-unknown|PROFILE-UNKNOWN|no profile .*smtp|bare|--profile smtp --name dns:www.example.org|"profile":"smtp",$name
profile-sub-ca|PROFILE-DENIED|may not use the profile sub-ca|bare|--profile sub-ca --name dns:www.example.org|"profile":"sub-ca",$name
scope-itself|ok||bare|--profile tls-server --name dns:example.org|$tls,"names":[[0,"example.org"]]
scope-below|ok||bare|--profile tls-server --name dns:a.b.example.org|$tls,"names":[[0,"a.b.example.org"]]
scope-outside|NAME-SCOPE|dns:www\.example\.com lies outside the CA.s scope|bare|--profile tls-server --name dns:www.example.com|$tls,"names":[[0,"www.example.com"]]
scope-suffix|NAME-SCOPE|dns:evilexample\.org lies outside|bare|--profile tls-server --name dns:evilexample.org|$tls,"names":[[0,"evilexample.org"]]
scope-prefix|NAME-SCOPE|example\.org\.example\.net lies outside|bare|--profile tls-server --name dns:example.org.example.net|$tls,"names":[[0,"example.org.example.net"]]
scope-above|NAME-SCOPE|dns:org lies outside|bare|--profile tls-server --name dns:org|$tls,"names":[[0,"org"]]
scope-second|NAME-SCOPE|www\.example\.com lies outside|bare|--profile tls-server --name dns:www.example.org --name dns:www.example.com|$tls,"names":[[0,"www.example.org"],[0,"www.example.com"]]
scope-of-csr|NAME-SCOPE|www\.example\.com lies outside|outside|--profile tls-server|$tls
scope-profile-itself|ok||bare|--profile inner --name dns:inner.example.org|"profile":"inner","names":[[0,"inner.example.org"]]
scope-profile|NAME-SCOPE|outside the profile.s scope|bare|--profile inner --name dns:www.example.org|"profile":"inner",$name
form-upper|NAME-FORM|WWW|bare|-|$tls,"names":[[0,"WWW.example.org"]]
form-dot|NAME-FORM|example|bare|-|$tls,"names":[[0,"www.example.org."]]
form-empty-label|NAME-FORM|a\.\.example|bare|--profile tls-server --name dns:a..example.org|$tls,"names":[[0,"a..example.org"]]
form-long-label|NAME-FORM|63|bare|--profile tls-server --name dns:$(printf 'a%.0s' {1..64}).example.org|$tls,"names":[[0,"$(printf 'a%.0s' {1..64}).example.org"]]
form-full-label|ok||bare|--profile tls-server --name dns:$(printf 'a%.0s' {1..63}).example.org|$tls,"names":[[0,"$(printf 'a%.0s' {1..63}).example.org"]]
form-control|NAME-FORM|a\\\\x1b\[2Jb|bare|-|$tls,"names":[[0,"a\u001b[2Jb.example.org"]]
form-newline|NAME-FORM|\\\\x0a|bare|-|$tls,"names":[[0,"www.example.org\nforged.line"]]
form-c1|NAME-FORM|\\\\xc2\\\\x9b|bare|-|$tls,"names":[[0,"a\u009b2J.example.org"]]
form-bidi|NAME-FORM|\\\\xe2\\\\x80\\\\xae|bare|-|$tls,"names":[[0,"\u202egro.elpmaxe"]]
wildcard|NAME-WILDCARD|wildcard, which the profile does not have|bare|--profile tls-server --name dns:*.example.org|$tls,"names":[[0,"*.example.org"]]
wildcard-of-csr|NAME-WILDCARD|wildcard|wild|--profile tls-server|$tls
wildcard-allowed|ok||bare|--profile wild --name dns:*.example.org|"profile":"wild","names":[[0,"*.example.org"]]
wildcard-above|NAME-SCOPE|dns:\*\.org|bare|--profile wild --name dns:*.org|"profile":"wild","names":[[0,"*.org"]]
wildcard-part|NAME-WILDCARD|whole left-most label|bare|--profile wild --name dns:w*.example.org|"profile":"wild","names":[[0,"w*.example.org"]]
wildcard-inside|NAME-WILDCARD|whole left-most label|bare|--profile wild --name dns:a.*.example.org|"profile":"wild","names":[[0,"a.*.example.org"]]
names-once|ok||bare|--profile tls-server --host a.example.org --name dns:a.example.org --name dns:A.example.org|$tls,"names":[[0,"a.example.org"]]
names-twice|NAME-DUPLICATE|stands twice|bare|-|$tls,"names":[[0,"a.example.org"],[0,"a.example.org"]]
names-twice-csr|ok||twice|--profile tls-server|$tls
names-missing|NAMES-COUNT|0 names; profile tls-server wants 1|bare|--profile tls-server|$tls
names-too-many|NAMES-COUNT|2 names; profile tls-client wants 1 to 1|bare|--profile tls-client --name dns:a.example.org --name dns:b.example.org|"profile":"tls-client","names":[[0,"a.example.org"],[0,"b.example.org"]]
names-of-csr|ok||san|--profile tls-server|$tls
names-both|ok||san|$q|$tls,$name
names-both-outside|ok||outside|$q|$tls,$name
names-csr-only|ok||san|--profile csr-only|"profile":"csr-only"
names-csr-only-given|NAMES-SOURCE|takes them from the CSR|san|--profile csr-only --name dns:www.example.org|"profile":"csr-only",$name
names-bundle-only|ok||san|--profile bundle-only --name dns:www.example.org|"profile":"bundle-only",$name
names-bundle-only-none|NAMES-SOURCE|takes none from the CSR|san|--profile bundle-only|"profile":"bundle-only"
fixed|ok||san|--profile fixed|"profile":"fixed"
fixed-bare|ok||bare|--profile fixed|"profile":"fixed"
fixed-bad-names|ok||ip|--profile fixed|"profile":"fixed"
fixed-given|NAMES-SOURCE|profile fixed has names of its own|bare|--profile fixed --name dns:www.example.org|"profile":"fixed",$name
ip-type|NAME-TYPE|ip:192\.0\.2\.1 is of a type|bare|--profile tls-server --name ip:192.0.2.1|$tls,"names":[[3,"192.0.2.1"]]
ip-last|ok||bare|--profile ip --name ip:192.0.2.255|"profile":"ip","names":[[3,"192.0.2.255"]]
ip-next|NAME-SCOPE|ip:192\.0\.3\.0 lies outside the CA.s scope-ip|bare|--profile ip --name ip:192.0.3.0|"profile":"ip","names":[[3,"192.0.3.0"]]
ip-of-csr|NAME-SCOPE|ip:192\.0\.3\.1 lies outside|ip|--profile ip|"profile":"ip"
ip6-last|ok||bare|--profile ip --name ip:2001:db8:ffff:ffff:ffff:ffff:ffff:ffff|"profile":"ip","names":[[3,"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"]]
ip6-next|NAME-SCOPE|ip:2001:db9::|bare|--profile ip --name ip:2001:db9::|"profile":"ip","names":[[3,"2001:db9::"]]
ip-form|NAME-FORM|192\.0\.2\.01|bare|--profile ip --name ip:192.0.2.01|"profile":"ip","names":[[3,"192.0.2.01"]]
ip6-mapped|NAME-FORM|IPv4 address in IPv6 form|bare|--profile ip --name ip:::ffff:192.0.2.1|"profile":"ip","names":[[3,"::ffff:192.0.2.1"]]
ip-as-dns|NAME-FORM|192\.0\.2\.1|bare|--profile tls-server --name dns:192.0.2.1|$tls,"names":[[0,"192.0.2.1"]]
srv|ok||bare|--profile xmpp-server --name srv:_xmpp-client.example.org|"profile":"xmpp-server","names":[[1,"_xmpp-client.example.org"]]
srv-service|NAME-SERVICE|_imap|bare|--profile xmpp-server --name srv:_imap.example.org|"profile":"xmpp-server","names":[[1,"_imap.example.org"]]
srv-direct-tls|NAME-SERVICE|direct TLS|bare|--profile xmpp-server --name srv:_xmpps-client.example.org|"profile":"xmpp-server","names":[[1,"_xmpps-client.example.org"]]
srv-tcp|NAME-FORM|_tcp|bare|--profile xmpp-server --name srv:_xmpp-client._tcp.example.org|"profile":"xmpp-server","names":[[1,"_xmpp-client._tcp.example.org"]]
srv-outside|NAME-SCOPE|lies outside|bare|--profile xmpp-server --name srv:_xmpp-client.example.com|"profile":"xmpp-server","names":[[1,"_xmpp-client.example.com"]]
jid|ok||bare|--profile xmpp-client --jid juliet@example.org|"profile":"xmpp-client","names":[[2,"juliet@example.org"]]
jid-outside|NAME-SCOPE|lies outside|bare|--profile xmpp-client --jid juliet@example.com|"profile":"xmpp-client","names":[[2,"juliet@example.com"]]
jid-mixed|NAME-MIXED|names of hosts|bare|--profile both --jid juliet@example.org --name dns:www.example.org|"profile":"both","names":[[2,"juliet@example.org"],[0,"www.example.org"]]
srv-bare|NAME-FORM|wanted _service.domain|bare|$xsq srv:xmpp-client.example.org|$xs:[[1,"xmpp-client.example.org"]]
srv-no-service|NAME-FORM|a service of no|bare|$xsq srv:_.example.org|$xs:[[1,"_.example.org"]]
srv-no-domain|NAME-FORM|no domain|bare|$xsq srv:_xmpp-client.|$xs:[[1,"_xmpp-client."]]
srv-no-dot|NAME-FORM|wanted _service.domain|bare|$xsq srv:_xmpp-client|$xs:[[1,"_xmpp-client"]]
srv-dot|NAME-FORM|trailing dot|bare|-|$xs:[[1,"_xmpp-client.example.org."]]
srv-space|NAME-FORM|a character that no host name has|bare|-|$xs:[[1,"_xmpp-client.ex ample.org"]]
srv-nul|NAME-FORM|a character that no host name has|bare|-|$xs:[[1,"_xmpp-client.example.org\u0000.example.com"]]
srv-control|NAME-FORM|a character that no host name has|bare|-|$xs:[[1,"_xmpp-client.ex\u001bample.org"]]
srv-upper|NAME-FORM|no lower-case letter|bare|-|$xs:[[1,"_XMPP-client.example.org"]]
srv-wildcard|NAME-WILDCARD|wildcard|bare|$xsq srv:_xmpp-client.*.example.org|$xs:[[1,"_xmpp-client.*.example.org"]]
srv-u-label|NAME-FORM|not ASCII|bare|-|$xs:[[1,"_xmpp-client.b\u00fccher.example.org"]]
srv-a-label|ok||bare|$xsq srv:_xmpp-client.bücher.example.org|$xs:[[1,"_xmpp-client.xn--bcher-kva.example.org"]]
srv-ia5|ok||srv-ia5|--profile xmpp-server|"profile":"xmpp-server"
srv-utf8|NAME-TYPE|IA5String|srv-utf8|--profile xmpp-server|"profile":"xmpp-server"
srv-print|NAME-TYPE|IA5String|srv-print|--profile xmpp-server|"profile":"xmpp-server"
srv-u-ia5|NAME-FORM|not ASCII|srv-u-ia5|--profile xmpp-server|"profile":"xmpp-server"
srv-nul-ia5|NAME-FORM|a character that no host name has|srv-nul-ia5|--profile xmpp-server|"profile":"xmpp-server"
dns-u-label|NAME-FORM|not ASCII|bare|-|$xs:[[0,"b\u00fccher.example.org"]]
dns-a-label|ok||bare|$xsq dns:bücher.example.org|$xs:[[0,"xn--bcher-kva.example.org"]]
dns-a-label-empty|NAME-FORM|stands for nothing|bare|$xsq dns:xn--99999999.example.org|$xs:[[0,"xn--99999999.example.org"]]
dns-a-label-emoji|NAME-FORM|stands for nothing|bare|$xsq dns:xn--ls8h.example.org|$xs:[[0,"xn--ls8h.example.org"]]
dns-longest|ok||bare|--profile tls-server --name dns:$long.${long::49}.example.org|$tls,"names":[[0,"$long.${long::49}.example.org"]]
dns-too-long|NAME-FORM|a domain of over 253 bytes|bare|--profile tls-server --name dns:$long.${long::50}.example.org|$tls,"names":[[0,"$long.${long::50}.example.org"]]
subject-longest|ok||bare|$xsq dns:${long::36}.example.org|$xs:[[0,"${long::36}.example.org"]]
subject-left-out|ok||bare|$xsq dns:${long::37}.example.org|$xs:[[0,"${long::37}.example.org"]]
dns-wildcard|NAME-WILDCARD|which the profile does not have|bare|$xsq dns:*.example.org|$xs:[[0,"*.example.org"]]
xmpp-none|NAMES-COUNT|0 names; profile xmpp-server wants 1|bare|--profile xmpp-server|"profile":"xmpp-server"
xs-ip|NAME-TYPE|ip:192\.0\.2\.1 is of a type|bare|$xsq ip:192.0.2.1|$xs:[[3,"192.0.2.1"]]
xs-email|NAME-TYPE|email:a@example\.org is of a type|bare|$xsq email:a@example.org|$xs:[[4,"a@example.org"]]
xs-uri|NAME-TYPE|uri:xmpp.* is of a type|bare|$xsq uri:xmpp://example.org/|$xs:[[5,"xmpp://example.org/"]]
xs-jid|NAME-TYPE|xmpp:juliet@example\.org is of a type|bare|--profile xmpp-server --jid juliet@example.org|$xs:[[2,"juliet@example.org"]]
xc-ip|NAME-TYPE|is of a type|bare|$xcq ip:192.0.2.1|$xc:[[3,"192.0.2.1"]]
xc-email|NAME-TYPE|is of a type|bare|$xcq email:a@example.org|$xc:[[4,"a@example.org"]]
xc-uri|NAME-TYPE|is of a type|bare|$xcq uri:xmpp://example.org/|$xc:[[5,"xmpp://example.org/"]]
xc-dns|NAME-TYPE|is of a type|bare|$xcq dns:example.org|$xc:[[0,"example.org"]]
xc-srv|NAME-TYPE|is of a type|bare|$xcq srv:_xmpp-client.example.org|$xc:[[1,"_xmpp-client.example.org"]]
jid-resource|NAME-FORM|resource|bare|--profile xmpp-client --jid juliet@example.org/home|$xc:[[2,"juliet@example.org/home"]]
jid-no-local|NAME-FORM|no localpart|bare|--profile xmpp-client --jid @example.org|$xc:[[2,"@example.org"]]
jid-no-at|NAME-FORM|wanted localpart@domain|bare|--profile xmpp-client --jid example.org|$xc:[[2,"example.org"]]
jid-two-at|NAME-FORM|juliet@x@example\.org|bare|--profile xmpp-client --jid juliet@x@example.org|$xc:[[2,"juliet@x@example.org"]]
jid-two|NAMES-COUNT|2 names; profile xmpp-client wants 1 to 1|bare|--profile xmpp-client --jid a@example.org --jid b@example.org|$xc:[[2,"a@example.org"],[2,"b@example.org"]]
jid-server-auth|NAME-MIXED|for servers|bare|--profile both --jid juliet@example.org|"profile":"both","names":[[2,"juliet@example.org"]]
jid-upper|NAME-FORM|lower case|bare|-|$xc:[[2,"Juliet@example.org"]]
jid-lowered|ok||bare|--profile xmpp-client --jid Juliet@Example.ORG|$xc:[[2,"juliet@example.org"]]
jid-decomposed|NAME-FORM|composed|bare|-|$xc:[[2,"jose\u0301@example.org"]]
jid-composed|ok||bare|--profile xmpp-client --jid josé@example.org|$xc:[[2,"jos\u00e9@example.org"]]
jid-compatible|NAME-FORM|compatibility|bare|--profile xmpp-client --jid ﬁ@example.org|$xc:[[2,"\ufb01@example.org"]]
jid-directions|NAME-FORM|both directions|bare|--profile xmpp-client --jid aא@example.org|$xc:[[2,"a\u05d0@example.org"]]
jid-one-direction|ok||bare|--profile xmpp-client --jid א@example.org|$xc:[[2,"\u05d0@example.org"]]
jid-quote|NAME-FORM|no localpart has|bare|--profile xmpp-client --jid o'neil@example.org|$xc:[[2,"o'neil@example.org"]]
jid-invisible|NAME-FORM|no localpart has|bare|-|$xc:[[2,"jul\u200biet@example.org"]]
jid-u-domain|ok||bare|--profile xmpp-client --jid juliet@bücher.example.org|$xc:[[2,"juliet@b\u00fccher.example.org"]]
jid-a-domain|NAME-FORM|A-label|bare|-|$xc:[[2,"juliet@xn--bcher-kva.example.org"]]
jid-emoji-domain|NAME-FORM|IDNA2008|bare|-|$xc:[[2,"juliet@\ud83d\ude00.example.org"]]
jid-wildcard|NAME-WILDCARD|wildcard|bare|--profile xmpp-client --jid juliet@*.example.org|$xc:[[2,"juliet@*.example.org"]]
jid-utf8|ok||jid-utf8|--profile xmpp-client|"profile":"xmpp-client"
jid-ia5|NAME-TYPE|UTF8String|jid-ia5|--profile xmpp-client|"profile":"xmpp-client"
jid-bytes|CSR-FORM|not UTF-8|jid-bytes|--profile xmpp-client|"profile":"xmpp-client"
jid-domain|NAME-FORM|wanted localpart@domain|jid-domain|--profile xmpp-client|"profile":"xmpp-client"
other-name|NAME-TYPE|1\.3\.6\.1\.5\.5\.7\.8\.9|other-name|--profile xmpp-client|"profile":"xmpp-client"
email|ok||bare|--profile tls-client --name email:a@example.org|"profile":"tls-client","names":[[4,"a@example.org"]]
email-outside|NAME-SCOPE|lies outside|bare|--profile tls-client --name email:a@example.com|"profile":"tls-client","names":[[4,"a@example.com"]]
uri|ok||bare|--profile web --name uri:https://www.example.org/a|"profile":"web","names":[[5,"https://www.example.org/a"]]
uri-outside|NAME-SCOPE|lies outside|bare|--profile web --name uri:https://example.com/example.org|"profile":"web","names":[[5,"https://example.com/example.org"]]
uri-userinfo|NAME-FORM|a user, which has no place|bare|--profile web --name uri:https://www.example.org@example.com/|"profile":"web","names":[[5,"https://www.example.org@example.com/"]]
valid-max|ok||bare|$q --days 398|$tls,$name,"duration":$((398 * DAY))
valid-over|VALIDITY-MAX|tls-server has at most 398d|bare|$q --days 399|$tls,$name,"duration":$((398 * DAY + 1))
valid-over-series|VALIDITY-MAX|has at most 398d|bare|$q --series 2x300d+99d|$tls,$name,"series":[2,$((300 * DAY)),$((98 * DAY + 1))]
valid-max-series|ok||bare|$q --series 2x300d+98d|$tls,$name,"series":[2,$((300 * DAY)),$((98 * DAY))]
series-max|ok||bare|$q --series 24x1d|$tls,$name,"series":[24,$DAY,0]
series-many|SERIES-MAX|25 certificates; profile tls-server has at most 24|bare|$q --series 25x1d|$tls,$name,"series":[25,$DAY,0]
series-none|SERIES-MAX|2 certificates; profile single has at most 1|bare|--profile single --name dns:www.example.org --series 2x1d|"profile":"single",$name,"series":[2,$DAY,0]
series-overlap|SERIES-GAP|overlap is not shorter|bare|$q --series 2x10d+10d|$tls,$name,"series":[2,$((10 * DAY)),$((10 * DAY))]
series-overlap-max|ok||bare|$q --series 2x10d+9d|$tls,$name,"series":[2,$((10 * DAY)),$((10 * DAY - 1))]
series-horizon|SERIES-HORIZON|past the horizon of profile tls-server|bare|$q --series 23x35d|$tls,$name,"series":[23,$((35 * DAY)),0]
series-in-horizon|ok||bare|$q --series 22x36d|$tls,$name,"series":[22,$((36 * DAY)),0]
series-past-ca|VALIDITY-CA|after the CA.s own|bare|--profile roomy --name dns:www.example.org --series 24x38d|"profile":"roomy",$name,"series":[24,$((38 * DAY)),0]
series-in-ca|ok||bare|--profile roomy --name dns:www.example.org --series 24x37d|"profile":"roomy",$name,"series":[24,$((37 * DAY)),0]
ends-with-ca|ok||bare|-|"profile":"roomy",$name,"not_before":$((ca_end + 1 - 100 * DAY)),"duration":$((100 * DAY))
ends-after-ca|VALIDITY-CA|after the CA.s own|bare|-|"profile":"roomy",$name,"not_before":$((ca_end + 1 - 100 * DAY)),"duration":$((100 * DAY + 1))
begins-with-ca|ok||bare|-|$tls,$name,"not_before":$ca_begin,"duration":$((30 * DAY))
begins-before-ca|VALIDITY-CA|before the CA.s own|bare|-|$tls,$name,"not_before":$((ca_begin - 1)),"duration":$((30 * DAY))
begins-past|VALIDITY-PAST|begins at|bare|-|$tls,$name,"not_before":$((now - DAY - 3600 - 1)),"duration":$((30 * DAY))
begins-1970|VALIDITY-PAST|1970-01-01|bare|-|$tls,$name,"not_before":0,"duration":$((30 * DAY))
ends-past|VALIDITY-PAST|ends at|bare|-|$tls,$name,"not_before":$((now - 7200)),"duration":3600
key-policy|KEY-POLICY|ed25519, which profile xmpp-server does not take|ed|--profile xmpp-server --name dns:www.example.org|"profile":"xmpp-server",$name
key-policy-ok|ok||ed|$q|$tls,$name
key-p521|KEY-POLICY|p521, which profile tls-server|p521|$q|$tls,$name
key-rsa-small|KEY-POLICY|2048 bits; profile big-rsa wants 3072|rsa2048|--profile big-rsa --name dns:www.example.org|"profile":"big-rsa",$name
key-rsa-ok|ok||rsa3072|--profile big-rsa --name dns:www.example.org|"profile":"big-rsa",$name
key-ca|KEY-CA|the CA.s own|ca-key|$q|$tls,$name
key-transfer|KEY-CA|own transfer key|transfer-key|$q|$tls,$name
replace-unknown|REPLACE-DENIED|replaces 0102, which no bundle of|bare|-|$tls,$name,"replaces":"0102"
comment|ok||bare|$q --comment plain|$tls,$name,"comment":"red\u001b[31m\u0007\r\nforged: line\u202e\u0000end\u009b"
comment-longest|ok||bare|$q --comment $(printf 'c%.0s' {1..512})|$tls,$name,"comment":"$(printf 'c%.0s' {1..512})"
CASES

tree() { (cd "$1" && find . -type f ! -name '*.db*' -exec sha256sum {} + | sort); }
printable() { ! LC_ALL=C grep -qP '[^\x20-\x7e\n]' "$@"; }

status_of() { case $1 in CSR-*) echo 3 ;; *) echo 4 ;; esac; }

# What is typed and no name at all is a wrong command line.
status_typed() {
	case $1:$2:$3 in
	*:*"the profile does not have"*:* | *:*"which the profile"*:* | *:wildcard:wild) status_of "$1" ;;
	NAME-FORM:*:bare | NAME-WILDCARD:*:bare) echo 2 ;;
	*) status_of "$1" ;;
	esac
}

# ---- online --------------------------------------------------------------------------------
tree "$STICK" >"$WORK/stick.before"
tree "$(home_of online)" >"$WORK/home.before"
while IFS='|' read -r id rule words csr args _; do
	[ "$args" != - ] || continue
	dry=
	[ "$rule" != ok ] || dry=-n
	set -f
	run transfer request "$WORK/$csr.csr" $args --out "$STICK" $dry
	set +f
	if [ "$rule" = ok ]; then
		status 0 "request: $id is good"
	elif [ "$STATUS" = "$(status_typed "$rule" "$words" "$csr")" ] && [ -z "$OUT" ] && [ "$(grep -c '^[^ ]' <<<"$ERR")" = 1 ] &&
		matches "$ERR" "($words).*\\[$rule\\]\$" && matches "$ERR" '^  remedy '; then
		pass "request: $id is refused in one sentence by $rule"
	else
		fail "request: $id is refused in one sentence by $rule" "wanted: $words"
	fi
done <"$WORK/cases"
is "$(tree "$STICK")" "$(cat "$WORK/stick.before")" 'of all these nothing came onto the stick'
is "$(tree "$(home_of online)")" "$(cat "$WORK/home.before")" 'nor into the online home'

# ---- offline: it was sent anyway -----------------------------------------------------------
# send SEQUENCE [OPTION]... <REQUESTS: the bundle of a requester that checks nothing
send() {
	local sequence=$1
	shift
	"$MAKE_BUNDLE" --home "$(home_of online)" --card "$card" --out "$HOSTILE" \
		--sequence "$sequence" "$@" >"$WORK/sent" 2>"$WORK/send.log" ||
		fail 'preparation: make_bundle.py' "$(cat "$WORK/send.log")"
}
# results of the last sign, one line a request: id RULE reason
results() {
	"$PYTHON" - "$WORK/out" "$HOSTILE" <<'PY'
import cbor2, json, sys
response = json.load(open(sys.argv[1]))["responses"][-1]
manifest = cbor2.loads(open(sys.argv[2] + "/" + response["path"] + "/manifest.cose", "rb").read())
results = cbor2.loads(manifest.value[2])[8]
assert [(r[1], r.get(4), r.get(5)) for r in results] == [
    (r["request_id"], r["rule"], r["reason"]) for r in response["results"]]
for r in results:
    print(r[1], r.get(4, "issued"), r.get(5, ""))
PY
}
while IFS='|' read -r id _ _ csr _ fragment; do
	printf '%s{"id":"%s","csr":"%s",%s}' "${comma:-[}" "$id" "$WORK/$csr.csr" "$fragment"
	comma=,
done <"$WORK/cases" >"$WORK/requests.json"
echo ']' >>"$WORK/requests.json"
send 1 <"$WORK/requests.json"
bundle=$(cat "$WORK/sent")
ok 'the hostile bundle is well formed and signed' \
	"$PYTHON" "$TOP/tests/tools/cose_verify.py" bundle "$bundle"
run ca sign -n "$HOSTILE"
status 1 'a dry run shows it all'
ok 'the review has printable characters only' printable "$WORK/err"
says 'comment +red\\x1b\[31m\\x07\\x0d\\x0aforged: line\\xe2\\x80\\xae\\x00end\\xc2\\x9b' \
	'a comment is shown escaped'
nok 1 'and makes no line of its own' grep -q '^forged' "$WORK/err"
says "and [0-9]+ more; 'sign -n --json' lists every one" 'what is too much for a screen is counted'
run ca sign -n "$HOSTILE" --json
cp "$WORK/out" "$WORK/review.json"

run ca sign "$HOSTILE" --yes "${EXPECT[@]}" --json
status 1 'the bundle is signed, but for what is refused'
ok 'stdout and stderr have printable characters only' printable "$WORK/out" "$WORK/err"
results >"$WORK/results"
cp "$WORK/out" "$WORK/sign.json"
run ca ledger --json
must cp "$WORK/out" "$WORK/ledger.json"
must "$PYTHON" - "$WORK" <<'PY'
import json, sys
work = sys.argv[1]
with open(work + "/review.txt", "w") as out:
    for r in json.load(open(work + "/review.json"))["responses"][0]["results"]:
        print(r["request_id"], r["rule"] or "issued", r["reason"] or "", file=out)
with open(work + "/ledger.txt", "w") as out:
    for r in json.load(open(work + "/ledger.json"))["records"]:
        if r["kind"] == "refusal":
            print(r["text"].replace(": ", " ", 2), file=out)
PY
is "$(cat "$WORK/ledger.txt")" "$(grep -v ' issued ' "$WORK/results")" \
	'the ledger has every refusal in the words of the manifest'
# A series begins at the signing, and the two runs may be seconds apart: of a time in a
# sentence only the place is compared.
timeless() { sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/TIME/g' "$1"; }
is "$(timeless "$WORK/review.txt")" "$(timeless "$WORK/results")" 'and so had the review'
while IFS='|' read -r id rule words csr args _; do
	result=$(grep "^$id " "$WORK/results")
	if [ "$rule" = ok ]; then
		is "$result" "$id issued " "sign: $id is signed"
	else
		# The reader process calls requests[N] ID what the signer calls request N (ID).
		like "$result" "^$id $rule request(s\\[[0-9]+\\] $id| [0-9]+ \\($id\\)): .*($words)" \
			"sign: $id is refused by $rule"
	fi
done <"$WORK/cases"

# ---- what a certificate has of a CSR --------------------------------------------------------
certificate_of() { # REQUEST-ID [FILE]
	"$PYTHON" - "$WORK/sign.json" "$WORK/list.json" "$1" <<'PY'
import json, sys
results = json.load(open(sys.argv[1]))["responses"][-1]["results"]
serial = next(r["serials"][0] for r in results if r["request_id"] == sys.argv[3])
row = next(c for c in json.load(open(sys.argv[2]))["certificates"] if c["serial"] == serial)
print(serial, *row["names"])
PY
}
run ca list --json
must cp "$WORK/out" "$WORK/list.json"
like "$(certificate_of names-both-outside)" '^[0-9a-f]+ dns:www\.example\.org$' \
	'names of the bundle stand instead of those of the CSR'
like "$(certificate_of names-of-csr)" '^[0-9a-f]+ dns:csr\.example\.org$' \
	'without them those of the CSR count'
read -r mine _ < <(certificate_of names-of-csr)

# ---- replacing ---------------------------------------------------------------------------------
last_head() { ls -d "$HOSTILE"/airgap-ca/responses/*"$1"* | sort | tail -1; }
once() { # JSON of one request after its id and CSR -> STATUS, results in $WORK/results
	sequence=$((sequence + 1))
	must rm -r "$HOSTILE/airgap-ca/requests"
	printf '[{"id":"once","csr":"%s",%s}]' "$WORK/bare.csr" "$1" |
		send "$sequence" --head "$HOSTILE/$head/manifest.cose"
	run ca sign -n "$HOSTILE"
	review=$(tr -s ' \n' ' ' <<<"$ERR")
	run ca sign "$HOSTILE" --yes --json
	head=$(json responses.-1.path)
	results >"$WORK/results"
}
sequence=1
head=$(json responses.-1.path "$WORK/sign.json")
once "$tls,$name,\"replaces\":\"$mine\""
status 0 'a certificate of its own may be replaced'
like "$review" "in place of $mine, until .* NEW key; names: \\+dns:www\.example\.org -dns:csr\.example\.org" \
	'and the review says what becomes different'
once "$tls,$name,\"replaces\":\"$("$PYTHON" -c '
import cbor2, sys
from cryptography import x509
card = cbor2.loads(cbor2.loads(open(sys.argv[1], "rb").read()).value[2])
print("%x" % x509.load_der_x509_certificate(card[3][0]).serial_number)' "$card" | sed 's/^\(.\(..\)*\)$/0\1/')\""
status 4 'the certificate of the CA cannot be replaced by a requester'
like "$(cat "$WORK/results")" '^once REPLACE-DENIED ' 'nor is it obtained by a bundle'

# ---- another requester, which the policy holds short ----------------------------------------------
enrol_online @narrow narrow
NARROW=$(stick narrow)
ask_narrow() {
	run transfer @narrow request "$WORK/narrow.csr" --out "$NARROW" "$@"
}
ask_narrow --profile tls-client --name dns:narrow.example.org
wants 4 PROFILE-DENIED 'request: a profile that the policy does not give this requester'
says 'narrow may not use the profile tls-client' 'is said by name'
ask_narrow --profile tls-server --name dns:www.example.org
wants 4 NAME-SCOPE 'request: a name outside this requester alone'
says "dns:www\.example\.org lies outside the requester's scope" 'is said'
nok 1 'nothing came onto its stick' test -e "$NARROW/airgap-ca/requests"
ask_narrow --profile tls-server --name dns:narrow.example.org
status 0 'request: what it may ask it can'
ask_narrow --profile sub-ca --days 30
wants 4 PATH-LEN 'request: sub-ca, which its section names, but no CA may stand below this one'
must rm -r "$NARROW/airgap-ca/requests"
cat >"$WORK/narrow.json" <<NARROW
[{"id":"scope","csr":"$WORK/narrow.csr",$tls,$name},
 {"id":"below","csr":"$WORK/narrow.csr",$tls,"names":[[0,"a.narrow.example.org"]]},
 {"id":"profile","csr":"$WORK/narrow.csr","profile":"tls-client","names":[[0,"narrow.example.org"]]},
 {"id":"theirs","csr":"$WORK/narrow.csr",$tls,"names":[[0,"narrow.example.org"]],"replaces":"$mine"},
 {"id":"sub","csr":"$WORK/narrow.csr","profile":"sub-ca","names":[[0,"narrow.example.org"]]}]
NARROW
must sh -c '"$1" --home "$2" --card "$3" --out "$4" --label narrow <"$5"' - \
	"$MAKE_BUNDLE" "$(home_of narrow)" "$card" "$NARROW" "$WORK/narrow.json"
run ca sign "$NARROW" --yes --expect "$REQUESTER_HEX" --json
status 1 'sign: the same limits hold when it asks anyway'
HOSTILE=$NARROW results >"$WORK/results"
like "$(sed -n 1p "$WORK/results")" "^scope NAME-SCOPE .*requester's scope" 'its scope'
is "$(sed -n 2p "$WORK/results")" 'below issued ' 'below it is signed'
like "$(sed -n 3p "$WORK/results")" '^profile PROFILE-DENIED .*narrow may not use' 'its profiles'
like "$(sed -n 4p "$WORK/results")" "^theirs REPLACE-DENIED .*replaces $mine" \
	"another requester's certificate is not replaced"
like "$(sed -n 5p "$WORK/results")" '^sub PATH-LEN .*this CA has path length 0' \
	'no CA that nobody would accept is signed'

# ---- control bytes where the form allows no text at all: the bundle is stopped ---------------------
spoilt() { # WHAT RULE JSON [OPTION]...
	local what=$1 rule=$2 json=$3
	shift 3
	must rm -rf "$HOSTILE/airgap-ca/requests"
	printf '[%s]' "$json" | send 100 "$@"
	tree "$HOSTILE" >"$WORK/hostile.before"
	run ca sign "$HOSTILE" --yes --json
	wants 3 "$rule" "$what stops the bundle"
	ok "$what: printable characters only" printable "$WORK/out" "$WORK/err"
	is "$(json stopped.0.rule)" "$rule" "$what: the JSON has the rule"
	is "$(tree "$HOSTILE")" "$(cat "$WORK/hostile.before")" "$what: nothing was written"
}
bare="\"csr\":\"$WORK/bare.csr\""
spoilt 'a request id with control bytes' FORMAT-TEXT "{\"id\":\"a\\u001b[2J\",$bare,$tls,$name}"
spoilt 'a request id in capitals' FORMAT-TEXT "{\"id\":\"WEB\",$bare,$tls,$name}"
spoilt 'a profile with control bytes' FORMAT-TEXT "{\"id\":\"a\",$bare,\"profile\":\"tls\\r\\nserver\",$name}"
spoilt 'a label with control bytes' FORMAT-TEXT "{\"id\":\"a\",$bare,$tls,$name}" --label $'on\x1b]0;x\x07line'
spoilt 'an id that stands twice' DUPLICATE-ID "{\"id\":\"a\",$bare,$tls,$name},{\"id\":\"a\",$bare,$tls,$name}"
spoilt 'a comment that is too long' 'CBOR-SCHEMA' \
	"{\"id\":\"a\",$bare,$tls,$name,\"comment\":\"$(printf 'c%.0s' {1..513})\"}"
spoilt 'a series of one' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,$name,\"series\":[1,86400,0]}"
spoilt 'a series of 121' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,$name,\"series\":[121,86400,0]}"
spoilt 'a duration of nothing' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,$name,\"duration\":0}"
spoilt 'a time before 1970' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,$name,\"not_before\":-1}"
spoilt 'a time after the year 9999' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,$name,\"not_before\":253402300800}"
spoilt 'a type of name that there is not' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,\"names\":[[99,\"x\"]]}"
spoilt 'an empty list of names' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,\"names\":[]}"
spoilt 'an empty name' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,\"names\":[[0,\"\"]]}"
spoilt 'a serial with a zero in front' CBOR-SCHEMA "{\"id\":\"a\",$bare,$tls,$name,\"replaces\":\"0001\"}"

# ---- usage: what is no request at all -----------------------------------------------------------------
usage() { # WHAT REGEX ARG...
	local what=$1 regex=$2
	shift 2
	run transfer request "$WORK/bare.csr" --out "$STICK" "$@"
	status 2 "request: $what is a usage error"
	says "$regex" "request: $what is named"
	ok "request: $what is shown printable" printable "$WORK/err"
}
usage 'no profile' '--profile'
usage 'a profile of no form' '--profile' --profile $'tls\x1bserver' --name dns:www.example.org
usage 'a name without type' 'www\.example\.org' --profile tls-server --name www.example.org
usage 'a name of unknown type' 'smtp' --profile tls-server --name smtp:www.example.org
usage 'no days' '--days 0' --profile tls-server --days 0
usage 'days with a unit' '--days 9d' --profile tls-server --days 9d
usage 'negative days' '--days -1' --profile tls-server --days -1
usage 'days and a series' '--days or --series' --profile tls-server --days 9 --series 2x9d
usage 'a series of one' '--series 1x9d' --profile tls-server --series 1x9d
usage 'a series of 121' '--series 121x1d' --profile tls-server --series 121x1d
usage 'a series without unit' '--series 2x9' --profile tls-server --series 2x9
usage 'a comment that is too long' '--comment' --profile tls-server --comment "$(printf 'c%.0s' {1..513})"
usage 'an empty comment' '--comment' --profile tls-server --comment ''

run ca ledger verify
status 0 'the ledger verifies after all this'

done_testing
