#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bad CSRs. Each is tried twice: `airgap-transfer request` refuses the file before
# anyone walks to the safe, and `airgap-ca sign` refuses it in the bundle of an
# online side that sent it anyway, while it signs the others.
. "$(dirname "$0")/../lib/lib.sh"
VECTORS=$TOP/tests/vectors/csr
HOSTILE=$(stick hostile)

make_ca
enrol_online
must cp -r "$STICK/airgap-ca" "$HOSTILE"
card=$(ls "$STICK"/airgap-ca/cards/*.cose)

# name RULE of a file, what the sentence says of it
cat >"$WORK/table" <<'TABLE'
ask-any-eku.der           CSR-EKU            anyExtendedKeyUsage
ask-ca.der                CSR-CA             asks for CA:TRUE
ask-ca-uncritical.der     CSR-CA             asks for CA:TRUE
ask-cert-sign.der         CSR-KEY-USAGE      keyCertSign
ask-code-signing.der      CSR-EKU            codeSigning
ask-critical-name-constraints.der CSR-EXTENSION critical extension 2\.5\.29\.30
ask-critical-policy.der   CSR-EXTENSION      critical extension 2\.5\.29\.32
ask-critical-ski.der      CSR-EXTENSION      critical extension 2\.5\.29\.14
ask-critical-unknown.der  CSR-EXTENSION      critical extension 1\.2\.3\.4
ask-crl-sign.der          CSR-KEY-USAGE      cRLSign
ask-path-len.der          CSR-CA             path length
ask-transfer-eku.der      CSR-EKU            airgapTransfer
attribute-twice.der       CSR-ATTRIBUTE      extensions twice
attribute-two-lists.der   CSR-ATTRIBUTE      extensions twice
form-base64.pem           CSR-FORM           Base64|PKCS#10
form-boolean.der          CSR-FORM           BOOLEAN
form-certificate.pem      CSR-FORM           CERTIFICATE REQUEST|PKCS#10
form-cn-utf8.der          CSR-TEXT           control characters
form-cut.der              CSR-FORM           PKCS#10
form-empty-rdn.der        CSR-FORM           subject
form-extension-twice.der  CSR-FORM           twice
form-header.pem           CSR-FORM           END CERTIFICATE REQUEST|PKCS#10
form-indefinite.der       CSR-FORM           PKCS#10
form-ku-empty.der         CSR-FORM           keyUsage
form-labels.pem           CSR-FORM           END CERTIFICATE REQUEST|PKCS#10
form-long-length.der      CSR-FORM           PKCS#10
form-no-end.pem           CSR-FORM           END CERTIFICATE REQUEST|PKCS#10
form-padding.pem          CSR-FORM           Base64|PKCS#10
form-san-empty.der        NAME-FORM          subjectAltName
form-text-after.pem       CSR-FORM           behind the PEM block|PKCS#10
form-text.pem             CSR-FORM           CERTIFICATE REQUEST|PKCS#10
form-trailing.der         CSR-FORM           1 bytes? behind|bytes behind
form-trailing.pem         CSR-FORM           1 bytes? behind|PKCS#10
form-two.der              CSR-FORM           second request|bytes behind
form-two.pem              CSR-FORM           second request|PKCS#10
form-version-3.der        CSR-FORM           version is the number 3
key-dsa.der               KEY-TYPE           type DSA
key-ec-compressed.der     KEY-EC-POINT       compressed point
key-ec-explicit.der       KEY-EC-PARAMS      explicit curve
key-ec-hybrid.der         KEY-EC-POINT       hybrid point
key-ec-infinity.der       KEY-EC-POINT       point at infinity
key-ec-off-curve.der      KEY-EC-POINT       not on P-256
key-ec-p224.der           KEY-TYPE           1\.3\.132\.0\.33
key-ec-secp256k1.der      KEY-TYPE           1\.3\.132\.0\.10
key-ec-short.der          KEY-EC-POINT       64 bytes
key-ed25519-small-order.der KEY-ED25519-POINT small order
key-ed448.der             KEY-TYPE           Ed448
key-rsa-1024.der          KEY-RSA-SIZE       1024 bits; wanted 2048 to 8192
key-rsa-2049.der          KEY-RSA-SIZE       2049 bits; wanted 2048 to 8192
key-rsa-e-65-bits.der     KEY-RSA-EXPONENT   65 bits
key-rsa-e-even.der        KEY-RSA-EXPONENT   65538
key-rsa-e1.der            KEY-RSA-EXPONENT   exponent is 1;
key-rsa-e3.der            KEY-RSA-EXPONENT   exponent is 3;
name-101.der              NAMES-COUNT        over 100 names
name-directory.der        NAME-TYPE          form \[4\]
name-ip-5.der             NAME-FORM          5 bytes
name-jid-ia5.der          NAME-TYPE          XmppAddr
name-nul.der              NAME-FORM          <NUL>.*no host name
name-other.der            NAME-TYPE          otherName of type 1\.2\.3\.4
name-registered-id.der    NAME-TYPE          form \[8\]
name-space.der            NAME-FORM          no host name
name-srv-tcp.der          NAME-FORM          _tcp
name-srv-utf8.der         NAME-TYPE          IA5String
name-u-label.der          NAME-FORM          not ASCII
name-wildcard-inside.der  NAME-WILDCARD      wildcard
pop-changed.der           CSR-POP            own key
sig-ecdsa-parameters.der  CSR-SIGNATURE-ALG  parameters
sig-ed25519-null.der      CSR-SIGNATURE-ALG  parameters
sig-md5.der               CSR-SIGNATURE-ALG  MD5
sig-misfit.der            CSR-SIGNATURE-ALG  does not fit the key
sig-rsa-parameters.der    CSR-SIGNATURE-ALG  parameters
sig-sha1.der              CSR-SIGNATURE-ALG  SHA-1
sig-sha224.der            CSR-SIGNATURE-ALG  SHA-224
sig-unknown.der           CSR-SIGNATURE-ALG  1\.2\.3\.4
text-cn-c1.der            CSR-TEXT           control characters
text-cn-escape.der        CSR-TEXT           control characters
text-cn-newline.der       CSR-TEXT           control characters
text-cn-nul.der           CSR-TEXT           control characters
text-cn-octets.der        CSR-TEXT           control characters
TABLE
is "$(cut -d' ' -f1 "$WORK/table" | sort)" \
	"$(ls "$VECTORS" | grep -E '\.(der|pem)$' | grep -v '^good' | sort)" \
	'the table has every hostile file of tests/vectors/csr'

# What is wrong with their names alone stops nobody who brings others.
about_names() {
	case $1 in
	attribute-* | form-cn-utf8* | form-empty-rdn* | form-extension-twice* | form-san-empty* | \
		name-* | names-* | text-cn-*) return 0 ;;
	*) return 1 ;;
	esac
}

# Hostile files made anew, beside those of the vectors.
mkdir "$WORK/bad"
while read -r file _; do must cp "$VECTORS/$file" "$WORK/bad"; done <"$WORK/table"
must csr_openssl pair ec-p256 /CN=pair.example.org DNS:pair.example.org
must openssl req -in "$WORK/pair.csr" -outform DER -out "$WORK/pair.der"
more() {
	printf '%s %s %s\n' "$1" "$2" "$3" >>"$WORK/table"
	cat >"$WORK/bad/$1"
}
printf 'not a request, but more than the sixty-four bytes that a bundle wants' |
	more not-a-csr.txt CSR-FORM 'CERTIFICATE REQUEST|PKCS#10'
head -c 300 /dev/urandom | sed '1s/^/x/' | more random.bin CSR-FORM 'CERTIFICATE REQUEST|PKCS#10'
head -c 300 /dev/zero | more zeros.bin CSR-FORM 'CERTIFICATE REQUEST|PKCS#10'
cat "$WORK/pair.der" "$WORK/pair.der" | more twice.der CSR-FORM 'second request|bytes behind'
{ cat "$WORK/pair.der"; printf '\n'; } | more newline-behind.der CSR-FORM '1 bytes? behind|bytes behind'
must "$PYTHON" - "$WORK" <<'PY'
import sys
der = bytearray(open(sys.argv[1] + "/pair.der", "rb").read())
der[-1] ^= 1
open(sys.argv[1] + "/flipped.der", "wb").write(der)
PY
more bit-flipped.der CSR-POP 'own key' <"$WORK/flipped.der"
must openssl req -new -newkey rsa:2040 -nodes -subj /CN=pair.example.org \
	-keyout "$WORK/k2040" -outform DER -out "$WORK/2040.der"
more rsa-2040.der KEY-RSA-SIZE '2040 bits; wanted 2048 to 8192' <"$WORK/2040.der"
must openssl req -new -key "$WORK/pair.key" -sha1 -subj /CN=pair.example.org \
	-outform DER -out "$WORK/ecdsa-sha1.der"
more ecdsa-sha1.der CSR-SIGNATURE-ALG 'SHA-1' <"$WORK/ecdsa-sha1.der"
# The salt of RSASSA-PSS is as long as one likes, but as it is said to be.
must openssl req -new -newkey rsa:2048 -nodes -subj /CN=pair.example.org -keyout "$WORK/pss.key" \
	-out /dev/null
for salt in 0 20 32 max; do
	must openssl req -new -key "$WORK/pss.key" -sha256 -sigopt rsa_padding_mode:pss \
		-sigopt rsa_pss_saltlen:$salt -subj /CN=pair.example.org -outform DER -out "$WORK/pss-$salt.der"
done
# pss_says HEX: as it says how long that of pss-max.der is, which is 222 bytes
pss_says() {
	"$PYTHON" - "$WORK/pss-max.der" "$1" <<-'PY'
		import sys
		der, said = open(sys.argv[1], "rb").read(), bytes.fromhex("a204020200de")
		assert der.count(said) == 1
		sys.stdout.buffer.write(der.replace(said, bytes.fromhex(sys.argv[2])))
	PY
}
pss_says a204020200dd | more pss-other-salt.der CSR-POP 'own key'
pss_says a304020200de | more pss-no-salt.der CSR-SIGNATURE-ALG 'parameters'
pss_says a204040200de | more pss-salt-in-octets.der CSR-SIGNATURE-ALG 'parameters'

must mkdir "$WORK/made"
"$PYTHON" "$TOP/tests/tools/make_csr.py" "$TOP/tests/vectors/key" "$WORK/made" >"$WORK/made.table"
while read -r file rule words; do
	more "$file" "$rule" "$words" <"$WORK/made/$file"
done <"$WORK/made.table"
ok 'weak keys and broken forms are made' test "$(wc -l <"$WORK/made.table")" -gt 20

status_of_rule() {
	case $1 in CSR-FORM | CSR-POP | KEY-DER) echo 3 ;; *) echo 4 ;; esac
}
tree() { (cd "$1" && find . -type f ! -name '*.db*' -exec sha256sum {} + | sort); }
printable() { ! LC_ALL=C grep -qP '[^\x20-\x7e\n]' "$@"; }

# ---- online: refused before anything is written ------------------------------------
tree "$STICK" >"$WORK/stick.before"
tree "$(home_of online)" >"$WORK/home.before"
while read -r file rule words; do
	run transfer request "$WORK/bad/$file" --profile tls-server --out "$STICK"
	name=${file//./\\.}
	if [ "$STATUS" = "$(status_of_rule "$rule")" ] && [ -z "$OUT" ] &&
		[ "$(grep -c '^[^ ]' <<<"$ERR")" = 1 ] && matches "$ERR" '^  remedy ' &&
		matches "$ERR" "$name: .*($words).*\\[$rule\\]\$"; then
		pass "request: $file is refused in one sentence by $rule"
	else
		fail "request: $file is refused in one sentence by $rule" "wanted: $words"
	fi
	printable "$WORK/out" "$WORK/err" || fail "request: $file shows no control byte"
	about_names "$file" || continue
	run transfer request "$WORK/bad/$file" --profile tls-server --name dns:www.example.org --out "$STICK" -n
	status 0 "request: $file is good where other names are given"
done <"$WORK/table"
is "$(tree "$STICK")" "$(cat "$WORK/stick.before")" 'of all these nothing came onto the stick'
is "$(tree "$(home_of online)")" "$(cat "$WORK/home.before")" 'nor into the online home'

: >"$WORK/bad/empty.csr"
run transfer request "$WORK/bad/empty.csr" --profile tls-server --out "$STICK"
wants 3 CSR-FORM 'request: an empty file is refused'
says 'empty\.csr' 'by its name'
run transfer request "$WORK/bad/none.csr" --profile tls-server --out "$STICK"
status 6 'request: a file that is not there is status 6'
says 'none\.csr.*No such file' 'and named'
head -c 200000 /dev/zero >"$WORK/bad/large.csr"
run transfer request "$WORK/bad/large.csr" --profile tls-server --out "$STICK"
wants 3 CSR-FORM 'request: a file that is too large is refused'
says 'large\.csr: 200000 bytes, at most [0-9]+ wanted' 'with its size'
must mkfifo "$WORK/bad/fifo.csr"
run transfer request "$WORK/bad/fifo.csr" --profile tls-server --out "$STICK"
wants 3 CSR-FORM 'request: a fifo is no CSR, and is not waited for'
rm "$WORK"/bad/{empty,large,fifo}.csr

mkdir "$WORK/mixed"
must cp "$WORK/pair.csr" "$WORK/mixed/a.csr"
must cp "$VECTORS/sig-sha1.der" "$WORK/mixed/b.der"
run transfer request "$WORK/mixed" --profile tls-server --out "$STICK"
wants 4 CSR-SIGNATURE-ALG 'request: one bad file in a directory stops the whole bundle'
says 'b\.der' 'and is named'
is "$(tree "$STICK")" "$(cat "$WORK/stick.before")" 'and nothing is on the stick'

# ---- what just passes, beside what just fails ------------------------------------------
mkdir "$WORK/good"
must cp "$VECTORS"/good{,-100-names,-challenge,-no-subject,-unknown-extension,-cn-upper}.der \
	"$VECTORS"/good-{asks-broken,asks-name-constraints,asks-policy,attribute-unknown}.der \
	"$VECTORS"/good-{attributes-order,attributes,ca-false,challenge-control,critical-false}.der \
	"$VECTORS"/good-{ecdsa-null,ms-extensions,no-extensions,no-values,pss-no-null}.der \
	"$VECTORS"/good-{rsa-no-null,sig-rsa-no-null,subject,version-1,version-2}.der \
	"$VECTORS"/good{,-crlf,-new}.pem "$WORK/good"
# what other software makes, all for www.example.org
for file in "$VECTORS"/real/*; do
	case ${file##*/} in
	appliance-* | freeipa-* | prosodyctl* | pyca-* | windows-upn*) continue ;;
	*.der | *.pem) must cp "$file" "$WORK/good/real-${file##*/}" ;;
	esac
done
must cp "$WORK/pair.der" "$WORK/good/one-request.der"
must cp "$WORK/pair.csr" "$WORK/good/one-request.pem"
must openssl req -new -newkey rsa:2048 -nodes -subj /CN=pair.example.org \
	-keyout "$WORK/k2048" -outform DER -out "$WORK/good/rsa-2048.der"
must openssl req -new -newkey rsa:2056 -nodes -subj /CN=pair.example.org \
	-keyout "$WORK/k2056" -outform DER -out "$WORK/good/rsa-2056.der"
must openssl req -new -key "$WORK/pair.key" -sha256 -subj /CN=pair.example.org \
	-addext basicConstraints=CA:FALSE -addext keyUsage=critical,digitalSignature \
	-outform DER -out "$WORK/good/leaf-wishes.der"
must openssl req -new -key "$WORK/pair.key" -sha512 -subj /CN=pair.example.org \
	-outform DER -out "$WORK/good/ecdsa-sha512.der"
must cp "$WORK"/pss-{0,20,32,max}.der "$WORK/good"
for file in "$WORK"/good/*; do
	run transfer request "$file" --profile tls-server --out "$STICK" -n
	status 0 "request: ${file##*/} is good"
done

# names that no certificate gets here, and what is given in their place
cat >"$WORK/nameless" <<'TABLE'
appliance-ip.der 4 NAME-TYPE
appliance-short.der 4 NAMES-COUNT
freeipa-certmonger.pem 3 CSR-FORM
prosodyctl.der 4 NAME-FORM
pyca-challenge-unstructured.pem 4 NAMES-COUNT
windows-upn.der 4 NAME-TYPE
TABLE
while read -r file status rule; do
	run transfer request "$VECTORS/real/$file" --profile tls-server --out "$STICK" -n
	wants "$status" "$rule" "request: $file has no name for this profile"
	run transfer request "$VECTORS/real/$file" --profile tls-server \
		--name dns:www.example.org --out "$STICK" -n
	status 0 "request: $file is good where a name is given"
	must cp "$VECTORS/real/$file" "$WORK/good/given-$file"
done <"$WORK/nameless"
is "$(ls "$VECTORS"/real/*.{der,pem} | wc -l)" "$(ls "$WORK"/good/{real,given}-* | wc -l)" \
	'every request of tests/vectors/csr/real was asked'
# a bundle has DER, whatever the file was
for file in "$WORK"/good/real-windows-*.pem; do
	must sh -c 'tr -d "\000\r\376\377\357\273\277" <"$1" | openssl req -outform DER -out "$2"' - \
		"$file" "${file%.pem}.der"
	must rm "$file"
done

# ---- offline: they were sent anyway -------------------------------------------------------
bundle_json() {
	"$PYTHON" - "$WORK" <<'PY'
import json, os, sys
work = sys.argv[1]
requests = []
about_names = set(open(work + "/about_names").read().split())
def add(folder, file, id=None):
    request = {"id": id or file.lower(), "csr": os.path.join(work, folder, file),
               "raw": file.endswith(".der") or folder == "bad", "profile": "tls-server"}
    if id or file not in about_names:
        request["names"] = [[0, "www.example.org"]]
    requests.append(request)
goods = sorted(os.listdir(work + "/good"))
add("good", goods[0])
for line in open(work + "/table"):
    file = line.split()[0]
    if os.path.getsize(os.path.join(work, "bad", file)) >= 64:  # docs/transfer.cddl
        add("bad", file)
for file in goods[1:]:
    add("good", file)
for file in sorted(about_names):
    add("bad", file, "given-" + file.lower())
json.dump(requests, sys.stdout)
PY
}
cut -d' ' -f1 "$WORK/table" | while read -r file; do
	about_names "$file" && echo "$file"
done >"$WORK/about_names"
bundle_json >"$WORK/requests.json"
n_good=$(($(ls "$WORK/good" | wc -l) + $(wc -l <"$WORK/about_names")))
find "$WORK/bad" -size -64c -printf '%f ' >"$WORK/short"
grep -v -f <(tr ' ' '\n' <"$WORK/short" | sed '/./!d; s/^/^/') "$WORK/table" >"$WORK/sent"
n_bad=$(wc -l <"$WORK/sent")
bundle=$("$TOP/tests/tools/make_bundle.py" --home "$(home_of online)" --card "$card" \
	--out "$HOSTILE" <"$WORK/requests.json")
ok 'the hostile bundle is well formed and signed' \
	"$PYTHON" "$TOP/tests/tools/cose_verify.py" bundle "$bundle"

tree "$HOSTILE" >"$WORK/hostile.before"
run ca sign -n "$HOSTILE"
status 1 'a dry run says by its status that some will be refused'
is "$(tree "$HOSTILE")" "$(cat "$WORK/hostile.before")" 'and writes nothing'
says "To be signed: $n_good certificates for $n_good requests" 'the good ones would be signed'
says "To be refused for good: $n_bad requests" 'the bad ones are refused for good'
run ca sign -n "$HOSTILE" --json
cp "$WORK/out" "$WORK/review.json"

run ca sign "$HOSTILE" --yes --expect "$REQUESTER_HEX" --json
status 1 'the signing says by its status that some were refused'
is "$(json responses.0.issued)" "$n_good" 'the others of the bundle are signed'
is "$(json responses.0.refused)" "$n_bad" 'all that is bad is refused'
cp "$WORK/out" "$WORK/sign.json"
ok 'neither stderr nor stdout has a byte that is not printable' printable "$WORK/out" "$WORK/err"
response=$HOSTILE/$(json responses.0.path)
is "$(find "$response" -name '*.pem' ! -name ca.pem -exec cat {} + | grep -c BEGIN)" "$n_good" \
	'a certificate for each good one, no more'
ok 'the manifest verifies by other code' \
	"$PYTHON" "$TOP/tests/tools/cose_verify.py" manifest "$response/manifest.cose" "$response/ca.pem"
must "$PYTHON" - "$response/manifest.cose" "$WORK/manifest.txt" <<'PY'
import cbor2, sys
manifest = cbor2.loads(cbor2.loads(open(sys.argv[1], "rb").read()).value[2])
with open(sys.argv[2], "w") as out:
    for r in manifest[8]:
        print(r[1], r[4] if 4 in r else "issued", r.get(5, ""), file=out)
PY
run ca ledger --json
must cp "$WORK/out" "$WORK/ledger.json"

# one line a request: id RULE reason, as the review, sign, and the ledger say it
must "$PYTHON" - "$WORK" <<'PY'
import json, sys
work = sys.argv[1]
for name in "review", "sign":
    response = json.load(open(work + "/%s.json" % name))["responses"][0]
    with open(work + "/%s.txt" % name, "w") as out:
        for r in response["results"]:
            print(r["request_id"], r["rule"] or "issued", r["reason"] or "", file=out)
with open(work + "/ledger.txt", "w") as out:
    for r in json.load(open(work + "/ledger.json"))["records"]:
        if r["kind"] == "refusal":
            print(r["text"].replace(": ", " ", 2), file=out)
PY
is "$(cat "$WORK/sign.txt")" "$(cat "$WORK/manifest.txt")" 'sign --json says what the manifest says'
is "$(cat "$WORK/review.txt")" "$(cat "$WORK/manifest.txt")" 'and so said the review'
is "$(cat "$WORK/ledger.txt")" "$(grep -v ' issued ' "$WORK/manifest.txt")" 'and so says the ledger'
while read -r file rule words; do
	like "$(grep "^$file " "$WORK/manifest.txt")" "^$file $rule .*$file.*($words)" \
		"sign: $file is refused by $rule"
done <"$WORK/sent"
for file in "$WORK"/good/*; do
	like "$(grep "^${file##*/} " "$WORK/manifest.txt")" ' issued ' "sign: ${file##*/} is signed"
done
while read -r file; do
	like "$(grep "^given-$file " "$WORK/manifest.txt")" ' issued ' \
		"sign: $file is signed where the bundle gives a name"
done <"$WORK/about_names"
# An RSA key without its NULL is certified with it, as RFC 3279 2.3.1 wants.
ok 'an RSA key without its parameters has them in the certificate' \
	"$PYTHON" - "$VECTORS/good-rsa-no-null.der" "$response" <<'PY'
import glob, sys
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
csr = x509.load_der_x509_csr(open(sys.argv[1], "rb").read())
spki = csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
assert bytes.fromhex("300d06092a864886f70d0101010500") in spki
end = b"-----END CERTIFICATE-----\n"
found = 0
for name in glob.glob(sys.argv[2] + "/certs-*.pem"):
    for pem in open(name, "rb").read().split(end)[:-1]:
        found += spki in x509.load_pem_x509_certificate(pem + end).public_bytes(Encoding.DER)
sys.exit(found == 0)
PY
run ca ledger verify
status 0 'the ledger verifies after all this'

# ---- nothing but bad ones ---------------------------------------------------------------
must mv "$response/manifest.cose" "$WORK/head.cose"
must rm -r "$HOSTILE"/airgap-ca/requests "$HOSTILE"/airgap-ca/responses
printf '[{"id":"only","csr":"%s","profile":"tls-server"}]' "$VECTORS/sig-sha1.der" >"$WORK/one.json"
must sh -c '"$1" --home "$2" --card "$3" --out "$4" --head "$6" <"$5"' - \
	"$TOP/tests/tools/make_bundle.py" "$(home_of online)" "$card" "$HOSTILE" "$WORK/one.json" \
	"$WORK/head.cose"
run ca sign "$HOSTILE" -n
status 4 'a dry run of nothing but bad requests is status 4'
says 'Nothing would be signed' 'and says so'
says '\[CSR-SIGNATURE-ALG\]' 'the rule stands in the review'
says 'remedy +make the CSR again with SHA-256' 'with its remedy'
run ca sign "$HOSTILE" --yes --json
status 4 'all refused is status 4'
is "$(json responses.0.issued)" 0 'nothing is signed'
ok 'their manifest is written all the same' \
	test -s "$HOSTILE/$(json responses.0.path)/manifest.cose"
run ca list --json
is "$("$PYTHON" -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["certificates"]))' "$WORK/out")" \
	"$n_good" 'the ledger has no certificate but the good ones'

done_testing
