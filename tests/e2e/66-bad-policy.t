#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A policy.conf that is wrong stops everything, by file and line; one that was
# changed is shown, and decides from then on.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online
policy=$(home_of ca)/policy.conf
must cp "$policy" "$WORK/good.conf"
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request "$WORK/web.csr" --profile tls-server --days 90 --out "$STICK"
tree() { (cd "$1" && find . -type f ! -name '*.lock' -exec sha256sum {} + | sort); }
line_of() { grep -n -- "$1" "$policy" | head -1 | cut -d: -f1; }
printable() { ! LC_ALL=C grep -qP '[^\x20-\x7e\n]' "$@"; }
tree "$STICK" >"$WORK/stick.before"

# bad WHAT LINE REGEX: policy.conf as it is now, by `policy check` and by `sign`
bad() {
	local what=$1 line=$2 regex=$3
	tree "$(home_of ca)" >"$WORK/home.before"
	run ca policy check
	wants 3 POLICY "policy check: $what is refused"
	says "policy\\.conf:$line: .*($regex)" "policy check: $what, by file and line"
	is "$OUT" '' "policy check: $what: nothing on stdout"
	ok "policy check: $what: printable" printable "$WORK/err"
	run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	wants 3 POLICY "sign: $what stops it"
	says "policy\\.conf:$line: " "sign: $what, by file and line"
	is "$(tree "$STICK")" "$(cat "$WORK/stick.before")" "sign: $what: nothing on the stick"
	is "$(tree "$(home_of ca)")" "$(cat "$WORK/home.before")" "sign: $what: nothing in the ledger"
	must cp "$WORK/good.conf" "$policy"
}
edit() { must sed -i "$@" "$policy"; }
n=$(line_of '^backdate')
edit 's/^backdate = .*/backdates = 1h/'
bad 'an unknown key' "$n" backdates
edit 's/^backdate = .*/&\nbackdate = 2h/'
bad 'a key that stands twice' $((n + 1)) "stands in line $n already"
edit 's/^backdate = .*/backdate = 1/'
bad 'a duration without unit' "$n" 'backdate'
edit 's/^backdate = .*/backdate =/'
bad 'a key without value' "$n" 'no value'
edit 's/^backdate = .*/backdate/'
bad 'a line that is none' "$n" 'wanted key = value'
edit "s/^backdate = .*/backdate = 1h \x1b[2J/"
bad 'a control character' "$n" 'U\+001B'
edit 's/^backdate = .*/.include other.conf/'
bad 'an include' "$n" 'not included'
edit 's/^backdate = .*/backdate = ${ENV::HOME}/'
bad 'a variable' "$n" "a '\\$'"
edit 's/^clock-horizon = .*/clock-horizon = 0d/'
bad 'a horizon of nothing' "$(line_of '^clock-horizon')" 'clock-horizon'

edit 's/^scope = .*/scope = *.example.org/'
bad 'a scope that is no domain' "$(line_of '^scope')" 'scope|domain'
n=$(line_of '^\[profile tls-server\]')
edit '/^\[profile tls-server\]/,/^\[profile tls-client\]/{/^validity = /d}'
bad 'a profile without validity' "$n" 'validity'
edit '/^\[profile tls-server\]/,/^\[profile tls-client\]/{/^names = /d}'
bad 'a profile without names' "$n" 'names'
second=$(line_of '^\[profile tls-client\]')
edit 's/^\[profile tls-client\]/[profile tls-server]/'
bad 'a profile that stands twice' "$second" "line $n already"
edit 's/^\[profile tls-server\]/[profil tls-server]/'
bad 'a section of unknown kind' "$n" 'profil'
edit 's/^\[profile tls-server\]/[profile tls-server/'
bad 'a section header without end' "$n" "its '\\]'"
for fixed in "dns:fridge.example.com%lies outside the CA's scope" \
	"ip:192.0.2.7%lies outside the CA's scope-ip" 'dns:*.example.org%is a wildcard'; do
	edit "1,/^names = /s/^names = .*/names = dns, ip\nfixed-names = ${fixed%\%*}/"
	bad "a name ${fixed%\%*} for good" "$n" "\\[profile tls-server\\]: fixed-names: name [^ ]+ ${fixed#*%}"
done
edit '1,/^validity = /s/^validity = .*/validity = 399d/'
bad 'a validity over its maximum' '[0-9]+' 'validity'
edit '1,/^rsa-bits-min/s/^rsa-bits-min = .*/rsa-bits-min = 1024/'
bad 'RSA below 2048 bits' "$(line_of '^rsa-bits-min')" '2048'
edit '1,/^rsa-bits-min/s/^rsa-bits-min = .*/rsa-bits-min = 2049/'
bad 'RSA bits that are no multiple of 8' "$(line_of '^rsa-bits-min')" '8'
edit '1,/^series-max/s/^series-max = .*/series-max = 121/'
bad 'a series-max over 120' "$(line_of '^series-max')" '120'
edit '1,/^key-types/s/^key-types = .*/key-types = ec-p256, dsa/'
bad 'a key type that is none' "$(line_of '^key-types')" 'dsa'
edit '1,/^keyUsage/s/^keyUsage = .*/keyUsage = critical, keyCertSign/'
bad 'keyCertSign for a leaf' "$n" 'keyCertSign|keyUsage'
edit "1,/^extendedKeyUsage/s/^extendedKeyUsage = .*/extendedKeyUsage = $TRANSFER_EKU/"
bad 'the transfer EKU' "$(line_of '^extendedKeyUsage')" 'extendedKeyUsage|transfer'
edit '1,/^extendedKeyUsage/s/^extendedKeyUsage = .*/extendedKeyUsage = anyExtendedKeyUsage/'
bad 'any extended key usage' "$(line_of '^extendedKeyUsage')" 'anyExtendedKeyUsage|extendedKeyUsage'
edit '1,/^wildcard/s/^wildcard = .*/wildcard = maybe/'
bad 'a yes or no that is neither' "$(line_of '^wildcard')" 'maybe'
printf '[requester web-1]\nprofiles = tls-server, smtp\n' >>"$policy"
bad 'a requester with an unknown profile' '[0-9]+' 'smtp'

: >"$policy"
run ca policy check
wants 3 POLICY 'an empty policy is refused'
says ': 0 bytes; wanted 1 to [0-9]+' 'by its size'
must rm "$policy"
run ca policy check
nok 1 'a policy that is not there is an error' [ "$STATUS" = 0 ]
says 'policy\.conf' 'and is named'
must cp "$WORK/good.conf" "$policy"
printf '[ca]\nscope = any\n[profile x]\nfoo = 1\n' >"$WORK/draft.conf"
run ca policy check "$WORK/draft.conf"
wants 3 POLICY 'a draft is checked by its own name'
says 'draft\.conf:4: ' 'and line'

# draft REGEX DESC SED...: the good policy, changed, as a draft
draft() {
	sed "${@:3}" "$WORK/good.conf" >"$WORK/draft.conf"
	run ca policy check "$WORK/draft.conf"
	wants 3 POLICY "a draft with $2 is refused"
	says "$1" "a draft with $2: why"
}
# times N TEXT: that many lines, with its number for @
times() { for ((i = 1; i <= $1; i++)); do printf '%s\\n' "${2//@/$i}"; done; }
draft 'no section name' 'a section whose name is none' 's/^\[profile tls-server\]/[pro!file x]/'
draft 'over 200 sections' 'sections without end' "\$a $(times 200 '[requester r@]\nprofiles = tls-server')"
draft 'over 100 requesters' 'requesters without end' "\$a $(times 101 '[requester r@]\nprofiles = tls-server')"
draft 'over 200 lines in one section' 'lines without end' "/^backdate/a $(times 200 'key-@ = 1')"
draft 'wanted names such as serverAuth' 'a purpose that there is not' \
	'1,/^extendedKeyUsage/s/^extendedKeyUsage = .*/extendedKeyUsage = serverAuht/'
draft 'extension\.1\.2\.x' 'an extension without an OID' '1,/^extendedKeyUsage/s/^extendedKeyUsage = .*/&\nextension.1.2.x = DER:0500/'
# with LINE REGEX DESC: an extension line that is none
with() {
	draft "$2" "$3" '1,/^extendedKeyUsage/s|^extendedKeyUsage = .*|&\nextension.'"$1|"
}
section='it points to a section of a configuration file, and there is none'
with 'certificatePolicies = 1.2.3.4, @policy' "$section" 'policies in a section'
with 'authorityInfoAccess = @access' "$section" 'an access in a section'
with '1.2.3.4 = ASN1:SEQUENCE:parts' "$section" 'a value made of a section'
with 'issuerAltName = dirName:names' "$section" 'a name in a section'
with 'issuerAltName = issuer:copy' 'it copies from a certificate' 'a copy'
with 'crlDistributionPoints = points' 'not a value that x509v3_config\(5\) has' 'a bare word'
with 'certificatePolicies = what' 'not a value that x509v3_config\(5\) has' 'a policy that is no OID'
with '1.2.3.4 = text' 'give its OID as NAME, and DER:HEX or ASN1' 'bytes that are not said to be'
with 'someThing = text' 'OpenSSL knows no such extension' 'an extension that there is not'
with '1.2.3.4 = DER:xy' 'is not hexadecimal' 'a digit that is none'
with '1.2.3.4 = DER:0501' 'not strict DER' 'a value cut short'
with '1.2.3.4 = DER:3080050000' 'not strict DER' 'a value without an end'
with 'certificatePolicies = DER:0500' 'not what that extension has for a value' 'policies that are none'
with 'keyUsage = digitalSignature' 'is made from the key keyUsage' 'a second way to say keyUsage'
with 'subjectKeyIdentifier = hash' 'is made from the key of the certificate' 'a key identifier'
with 'subjectAltName = DNS:x.example.org' 'is made from the names that are granted' 'a name for all'
with 'issuingDistributionPoint = fullname:URI:http://a/' 'is for revocation lists' "a revocation list's"
with "$SUCCESSION = DER:0500" "marks the CA's own next keys, and is for no profile" 'the mark of what a rollover signs'
with 'proxyCertInfo = language:id-ppl-anyLanguage,policy:file:/etc/hostname' 'not for certificates of ours' 'a file that would be read'
draft 'more than [0-9]+ extensions' 'extensions without end' \
	"1,/^extendedKeyUsage/s/^extendedKeyUsage = .*/&\n$(times 40 'extension.1.2.3.@ = DER:0500')/"
sed -n '/^\[profile tls-server\]/,/^$/p' "$WORK/good.conf" >"$WORK/one-profile"
cp "$WORK/good.conf" "$WORK/draft.conf"
for ((i = 1; i <= 101; i++)); do
	sed "s/^\[profile tls-server\]/[profile p$i]/" "$WORK/one-profile"
done >>"$WORK/draft.conf"
run ca policy check "$WORK/draft.conf"
wants 3 POLICY 'a draft with profiles without end is refused'
says 'over 100 profiles' 'a draft with profiles without end: why'
{ cat "$WORK/good.conf"; yes '# a remark that nobody needs' | head -20000; } >"$WORK/draft.conf"
run ca policy check "$WORK/draft.conf"
status 3 'a draft with half a megabyte of remarks is refused'
says 'at most 262144 wanted' 'a draft with half a megabyte of remarks: why'
run ca policy check "$WORK/good.conf" --json
status 0 'a good one passes'
is "$(json sha256)" "$(sha256sum "$policy" | cut -d' ' -f1)" 'and is known by its SHA-256'

# ---- changed between two runs --------------------------------------------------------------
run ca sign -n "$STICK"
status 0 'a policy as it was'
quiet 'CHANGED' 'is not said to have changed'
must sed -i '1,/^validity-max/s/^validity-max = .*/validity-max = 90d/' "$policy"
run ca sign -n "$STICK"
status 0 'a maximum just as long as what was asked passes'
says 'CHANGED since the last signing' 'and the review says that the policy was changed'
must sed -i '1,/^validity-max/s/^validity-max = .*/validity-max = 89d/; 1,/^validity = /s/^validity = .*/validity = 89d/' \
	"$policy"
changed=$(sha256sum "$policy" | cut -d' ' -f1)
run ca sign -n "$STICK"
status 4 'what was asked for before a maximum was lowered is over it'
says '\[VALIDITY-MAX\]' 'by its rule'
says 'CHANGED since the last signing' 'which the review explains'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
status 4 'all refused'
response=$STICK/$(json responses.0.path)
is "$(sha256sum "$response/policy.conf" | cut -d' ' -f1)" "$changed" 'the response brings the new policy'
run transfer install "$STICK"
says 'VALIDITY-MAX' 'install tells of the refusal and its rule'
quiet 'a bug' 'and takes it'
run ca ledger --json
prints "\"kind\":\"policy\",\"text\":\"${changed:0:16}" 'the ledger has the change'

run transfer request "$WORK/web.csr" --profile tls-server --days 90 --out "$STICK"
wants 4 VALIDITY-MAX 'the online side has the new policy now, and refuses by itself'
run transfer request "$WORK/web.csr" --profile tls-server --days 89 --out "$STICK"
status 0 'and lets pass what fits'
run ca sign "$STICK" --yes --json
status 0 'which is signed'
quiet 'CHANGED' 'under a policy that is the same as last time'
run transfer install "$STICK"
status 0 'and installed'

# ---- the shipped profiles -----------------------------------------------------------
case $BUILD in */debug) debug=1 ;; *) debug= ;; esac
must make -C "$TOP" -s install-offline DEBUG=$debug DESTDIR="$WORK/dest" PREFIX=/usr
is "$(diff -r "$WORK/dest/usr/share/airgap-ca/profiles" "$TOP/transfer/policy/profiles")" \
	"Only in $TOP/transfer/policy/profiles: to_c.awk" \
	'the profiles that init offers are installed, a file each'

done_testing
