#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our own CA below another one: init --csr asks, another CA certifies, import takes what
# came, and whoever has only the root believes what it signs.
. "$(dirname "$0")/../lib/lib.sh"
. "$(dirname "$0")/../lib/remedies.sh"
. "$TOP/tests/faults/prepare.sh"

new_token root
must ca @root init --subject 'CN=Root' --token "$(uri root)" --scope example.org --profiles tls,sub-ca --yes
new_token sub
ASK=(--subject 'CN=Sub CA, O=Example' --token "$(uri sub)" --scope example.org)

# ---- asking ----------------------------------------------------------------------------

# usage DESC REGEX ARG...
usage() {
	local desc=$1 regex=$2
	shift 2
	run ca "$@" --yes
	is "$STATUS" 2 "$desc: refused"
	says "$regex" "$desc: the reason is said"
}
for option in --days=9 --serial=9 --constraints=none --scope-email=example.org --constrain-srv; do
	usage "$option" "${option%%=*} does not go with --csr" init --csr "$WORK/sub.csr" "${ASK[@]}" "$option"
done
usage 'a card before there is a CA' 'card is written by .airgap-ca.*import' init --csr "$WORK/sub.csr" "${ASK[@]}" --out "$STICK"
echo here >"$WORK/there.csr"
usage 'a file that is there' 'there already' init --csr "$WORK/there.csr" "${ASK[@]}"
is "$(cat "$WORK/there.csr")" here 'and it is as it was'
run ca init --csr "$WORK/sub.csr" "${ASK[@]}" -n
status 0 'a dry run shows what would be asked'
says 'to be certified by another one' 'in words'
ok 'and leaves nothing' test ! -e "$WORK/sub.csr" -a ! -e "$WORK/home-ca"
run ca init --csr "$WORK/sub.csr" "${ASK[@]}" --yes
status 0 'a CA asks another one'
says 'airgap-ca --home .* import FILE' 'and is told what to do with the answer'
is "$(openssl req -in "$WORK/sub.csr" -noout -subject -nameopt RFC2253)" 'subject=O=Example,CN=Sub CA' 'by its name'
ok 'with a good signature' openssl req -in "$WORK/sub.csr" -noout -verify
like "$(openssl req -in "$WORK/sub.csr" -noout -text)" 'CA:TRUE, pathlen:0' 'to be a CA, with none below it'
like "$(openssl req -in "$WORK/sub.csr" -noout -text)" 'Certificate Sign, CRL Sign' 'that signs certificates and CRLs'

build_faults
export SHIM=bad-signature
bad=$(uri sub)
run ca @bad init --csr "$WORK/bad.csr" "${ASK[@]:0:2}" --token "${bad/$MODULE/$SHIM_SO}" --key-type ec-p256 --yes
unset SHIM
status 5 'a token that signs something else'
says 'signature that does not verify' 'is found'
ok 'and nothing is asked' test ! -e "$WORK/bad.csr" -a ! -e "$WORK/home-bad"

# ---- while it waits --------------------------------------------------------------------

for command in "export $STICK" "sign $STICK" status list "crl $STICK --series 2 --every 7d" renew-ca "backup $WORK/b.db"; do
	# shellcheck disable=SC2086 # words
	run ca $command --yes
	[ "${command%% *}" != status ] || run ca status
	is "$STATUS" 7 "${command%% *} waits with it"
	says "waits for its certificate.*waiting.csr.*airgap-ca.*import FILE" "${command%% *}: and what for is said"
done
run ca init "${ASK[@]}" --yes --key-type ec-p256
status 7 'no other CA is made in its place'
says 'a CA waits there.*import FILE' 'and that is said'

# ---- what comes back -------------------------------------------------------------------

must cp "$WORK/sub.csr" "$STICK/"
must ca @root sign --loose --profile sub-ca "$STICK" --yes
CAME=$(dirname "$STICK"/airgap-ca/responses/*/sub.pem)
cat "$CAME/sub.pem" "$CAME/ca.pem" >"$WORK/chain.pem"

freeze "$WORK/home-ca"
# no_ca DESC REGEX FILE...
no_ca() {
	local desc=$1 regex=$2
	shift 2
	run ca import "$@" --yes
	refused 3 IMPORT-CERT "$regex" "$desc"
}
# by NAME CA-OPTION...: sub.csr certified as $WORK/NAME.pem by a root of openssl's, above.pem
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/above.key" -subj /CN=Above \
	-days 3000 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$WORK/above.pem"
by() {
	local name=$1 csr=$2
	shift 2
	printf '%s\n' "$@" 'subjectKeyIdentifier=hash' 'authorityKeyIdentifier=keyid' >"$WORK/ext"
	must openssl x509 -req -in "$csr" -CA "$WORK/above.pem" -CAkey "$WORK/above.key" -days 900 -extfile "$WORK/ext" -out "$WORK/$name.pem"
	cat "$WORK/above.pem" >>"$WORK/$name.pem"
}
CA_EXT=('basicConstraints=critical,CA:TRUE,pathlen:0' 'keyUsage=critical,keyCertSign,cRLSign')
no_ca 'without the one above' 'an issuer that is not here' "$CAME/sub.pem"
no_ca 'in the wrong order' 'signed itself' "$CAME/ca.pem" "$CAME/sub.pem"
no_ca 'below a root that did not sign it' 'certificate 2' "$CAME/sub.pem" "$WORK/above.pem"
no_ca 'the request itself' 'no certificate is in it' "$WORK/sub.csr"
head -5 "$CAME/sub.pem" >"$WORK/half.pem"
no_ca 'half a certificate' 'cut short' "$WORK/half.pem"
by leaf "$WORK/sub.csr" basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature
no_ca 'a certificate that is no CA' 'cA' "$WORK/leaf.pem"
by nosign "$WORK/sub.csr" basicConstraints=critical,CA:TRUE keyUsage=critical,cRLSign
no_ca 'one that may not sign certificates' 'keyCertSign' "$WORK/nosign.pem"
must csr_openssl other ec-p256 '/O=Example/CN=Sub CA' DNS:x.example.org
by other "$WORK/other.csr" "${CA_EXT[@]}"
no_ca 'one of another key' 'another key than the request' "$WORK/other.pem"
must openssl x509 -new -force_pubkey <(openssl req -in "$WORK/sub.csr" -noout -pubkey) -subj /CN=Renamed \
	-CA "$WORK/above.pem" -CAkey "$WORK/above.key" -days 900 -out "$WORK/renamed.pem" \
	-extfile <(printf '%s\n' "${CA_EXT[@]}" subjectKeyIdentifier=hash authorityKeyIdentifier=keyid)
no_ca 'one of another name' 'its subject is CN=Renamed, which is not' "$WORK/renamed.pem" "$WORK/above.pem"
run at "$(date -u -d '+2600 days' '+%Y-%m-%d %H:%M:%S')" ca import "$WORK/chain.pem" --yes
refused 3 IMPORT-CERT 'its validity ended' 'one that has ended'
by elsewhere "$WORK/sub.csr" "${CA_EXT[@]}" 'nameConstraints=critical,permitted;DNS:example.net'
run ca import "$WORK/elsewhere.pem" --yes
refused 4 POLICY-BOUND 'example.org' 'one that is bound to other names than the policy allows'
# The one above is bound, and says nothing of that in what it signs.
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/narrow.key" -subj /CN=Narrow \
	-days 3000 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
	-addext 'nameConstraints=critical,permitted;DNS:example.net' -out "$WORK/narrow.pem"
must openssl x509 -req -in "$WORK/sub.csr" -CA "$WORK/narrow.pem" -CAkey "$WORK/narrow.key" -days 900 -out "$WORK/below.pem" \
	-extfile <(printf '%s\n' "${CA_EXT[@]}" subjectKeyIdentifier=hash authorityKeyIdentifier=keyid)
run ca import "$WORK/below.pem" "$WORK/narrow.pem" --yes
refused 4 POLICY-BOUND 'example.org' 'one below a CA that is bound to other names'
usage 'nothing' 'import wants FILE' import
unchanged 'nothing of it has changed what waits'
run ca @nobody import "$WORK/chain.pem" --yes
status 7 'where no CA waits'
says 'no CA waits for its certificate.*init --csr' 'that is said'
run ca @root import "$WORK/chain.pem" --yes
status 7 'where there is a CA'
says 'a CA lives there already' 'that is said'

# ---- killed anywhere, and once more ----------------------------------------------------

cp -a "$WORK/home-ca" "$WORK/home-kept"
n=0
left=
for call in rename renameat2 fsync unlinkat; do
	for ((i = 1; i < 9; i++)); do
		rm -rf "$WORK/home-ca"
		cp -a "$WORK/home-kept" "$WORK/home-ca"
		hit=$(killed 0 $call $i ca import "$WORK/chain.pem" --yes 2>&1 | grep -c 'not hit')
		[ "$hit" = 0 ] || break
		run ca status
		if [ "$STATUS" = 0 ]; then
			must ca ledger verify
			run ca import "$WORK/chain.pem" --yes
			[ "$STATUS" = 7 ] && [ ! -e "$WORK/home-ca/waiting.csr" ] || left="$left $call:$i"
		else
			must ca import "$WORK/chain.pem" --yes
		fi
		n=$((n + 1))
	done
done
is "$left" '' 'and what it waited with does not stay behind'
like "$n" '^([6-9]|[1-9][0-9]+)$' 'killed at each of these calls, it waits, or is a whole CA'
rm -rf "$WORK/home-ca"
mv "$WORK/home-kept" "$WORK/home-ca"

# ---- taken -----------------------------------------------------------------------------

run ca import "$WORK/chain.pem" --out "$STICK" -n
status 0 'a dry run shows what it would be'
says 'A CA below another one' 'in words'
says 'issued by *CN=Root' 'with who certified it'
run ca status
status 7 'and it waits on'
run ca import "$WORK/chain.pem" --out "$STICK" --yes
status 0 'it takes what came'
CA_HEX=$(sed -n 's/^ *SHA-256 //p' <<<"$OUT$ERR")
ok 'and waits no more' test ! -e "$WORK/home-ca/waiting.csr"
run ca import "$WORK/chain.pem" --yes
status 7 'once'
enrol_online
must transfer request --profile tls-server --new-key ec-p256 --name dns:www.example.org --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must ca crl "$STICK" --series 4 --every 7d --overlap 3d --yes
must transfer install "$STICK"
must transfer deploy www.example.org --format fullchain --to "$WORK/www.pem" --key "$WORK/www.key"
mkdir "$WORK/www"
must transfer publish "$WORK/www"
ok 'who has the root alone believes what it signs' \
	openssl verify -x509_strict -purpose sslserver -CAfile "$CAME/ca.pem" -untrusted "$WORK/www.pem" "$WORK/www.pem"
ok 'and so who has what is published' openssl verify -purpose sslserver -CAfile "$WORK/www/ca.pem" "$WORK/www.pem"
is "$(grep -c BEGIN "$WORK/www/ca.pem")" 2 'which is the CA and the root'
ok 'the certificate for AIA is its own' cmp "$WORK/www/ca.crt" <(openssl x509 -in "$CAME/sub.pem" -outform DER)
must openssl crl -inform DER -in "$WORK/www/ca.crl" -out "$WORK/crl.pem"
ok 'its CRL is its own' openssl verify -crl_check -CAfile "$CAME/ca.pem" -untrusted "$CAME/sub.pem" \
	-CRLfile "$WORK/crl.pem" "$WORK/www.pem"
must ca ledger verify
must ca export "$STICK"
must ca backup "$WORK/copy.db"
must ca @back restore "$WORK/copy.db" --token "$(uri sub)" --yes
must ca @back recover --lost 'nothing was signed since' --yes
must ca @back export "$(stick other)"
ok 'a card of what was put back has the same certificates' test -s "$WORK/stick-other/airgap-ca/cards/${CA_HEX:0:8}.cose"
run transfer @late enroll "$WORK/stick-other" --label late --expect "$CA_HEX" --yes
status 0 'which another host takes'
for change in renew-ca rollover; do
	run ca $change --yes
	status 7 "$change: no"
	says 'the CA above' "$change: for that is for the CA above"
done

# Before it ends there is another one, in a home of its own, and so on the server.
must ca @next init --csr "$WORK/next.csr" "${ASK[@]:0:2}" --token "$(uri sub)" --scope example.org --key-type ec-p256 --yes
by next "$WORK/next.csr" "${CA_EXT[@]}"
run ca @next import "$WORK/next.pem" --out "$(stick next)" --yes
status 0 'another CA is made in time'
NEXT_HEX=$(sed -n 's/^ *SHA-256 //p' <<<"$OUT$ERR")
run transfer enroll "$WORK/stick-next" --replace --expect "$NEXT_HEX" --yes
status 7 'a home has one CA'
says 'is enrolled with another CA there; to have both, give another --home' 'and says what to do'
ONE_HEX=$CA_HEX CA_HEX=$NEXT_HEX
STICK=$WORK/stick-next enrol_online @next
must transfer @next request --profile tls-server --new-key ec-p256 --name dns:www.example.org --out "$WORK/stick-next"
must ca @next sign "$WORK/stick-next" --yes --expect "$REQUESTER_HEX"
must transfer @next install "$WORK/stick-next"
must transfer deploy --forget "$WORK/www.pem"
must transfer @next deploy www.example.org --format fullchain --to "$WORK/www.pem" --key "$WORK/www.key"
ok 'whose certificate takes the place of the old one' \
	openssl verify -x509_strict -purpose sslserver -CAfile "$WORK/above.pem" -untrusted "$WORK/www.pem" "$WORK/www.pem"
CA_HEX=$ONE_HEX

# A CA that may sign no CRLs makes none, and says so.
must ca @mute init --csr "$WORK/mute.csr" --subject CN=Mute --token "$(uri sub)" --key-type ec-p256 --scope example.org --yes
by mute "$WORK/mute.csr" basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign
run ca @mute import "$WORK/mute.pem" --yes
status 0 'a CA without cRLSign is taken'
says 'it makes no CRL' 'with what comes of it'

leads IMPORT-CERT 'with what the remedy says: certified, and those above behind it'
ok 'it is taken' test -e "$WORK/home-mute/ledger.db"
done_testing
