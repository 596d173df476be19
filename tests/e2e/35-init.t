#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A CA from nothing: what `init` makes, and what it will not.
. "$(dirname "$0")/../lib/lib.sh"

SUBJECT="CN=XMPP CA, O=Example"

# card_open STICK: takes the one card there apart into $WORK/ca.pem, transfer.pem
# and policy, and its path into $CARD.
card_open() {
	CARD=$(echo "$1"/airgap-ca/cards/*.cose)
	"$PYTHON" - "$CARD" "$WORK" <<-'PYTHON'
		import cbor2, ssl, sys
		head, _, payload, _ = cbor2.load(open(sys.argv[1], "rb")).value
		head, card, work = cbor2.loads(head), cbor2.loads(payload), sys.argv[2]
		open(work + "/ca.pem", "w").write(ssl.DER_cert_to_PEM_cert(card[3][0]))
		open(work + "/transfer.pem", "w").write(ssl.DER_cert_to_PEM_cert(head[33]))
		open(work + "/policy", "wb").write(card[5])
		open(work + "/ca-id", "w").write(card[2].hex())
	PYTHON
}

# check_ca DESC: the two certificates of the last card, by other people's code.
check_ca() {
	ok "$1: openssl verifies the CA strictly" \
		openssl verify -x509_strict -CAfile "$WORK/ca.pem" "$WORK/ca.pem"
	ok "$1: and the transfer certificate under it" \
		openssl verify -x509_strict -CAfile "$WORK/ca.pem" "$WORK/transfer.pem"
	ok "$1: GnuTLS verifies both" certtool --verify --infile "$WORK/transfer.pem" \
		--load-ca-certificate "$WORK/ca.pem"
	ok "$1: the card verifies without our code" \
		"$PYTHON" "$TOP/tests/tools/cose_verify.py" card "$CARD" "$WORK/ca.pem"
}

text_of() { openssl x509 -in "$WORK/$1.pem" -noout -text; }

# Public and private halves of every key: what SoftHSM stores.
keys_on_tokens() { find "$WORK/tokens" -name '*.object' | wc -l; }

# ---- refusals that touch nothing --------------------------------------------------

new_token first
before=$(keys_on_tokens)

# refused STATUS REGEX DESC ARG...: and the token is as empty as before.
refused() {
	local wanted=$1 regex=$2 desc=$3
	shift 3
	run ca init --token "$(uri first)" --yes "$@"
	is "$STATUS" "$wanted" "$desc: refused"
	says "$regex" "$desc: the reason is said"
}

refused 2 'wants --subject' 'no subject'
refused 2 'CN has no value' 'an empty attribute' --subject "CN="
refused 2 'NOPE.*no such attribute' 'an unknown attribute' --subject "NOPE=x"
refused 2 'C=Sweden' 'a country of six letters' --subject "CN=x, C=Sweden"
refused 2 '--days 0: wanted a number from 1' 'no day' --subject "$SUBJECT" --days 0
refused 2 '--days 10y' 'days with a unit' --subject "$SUBJECT" --days 10y
refused 2 '--days 4000000' 'an end past the year 9999' --subject "$SUBJECT" --days 4000000
refused 2 '--serial 0: wanted' 'serial zero' --subject "$SUBJECT" --serial 0
refused 2 '--serial -1: wanted' 'a negative serial' --subject "$SUBJECT" --serial=-1
refused 2 '--serial 0x8' 'a serial of over 20 octets' --subject "$SUBJECT" \
	--serial 0x8000000000000000000000000000000000000000
refused 2 '--path-len 256' 'a path length of over 255' --subject "$SUBJECT" --path-len 256
refused 2 'scope "exa_mple.org"' 'a scope that is no domain' --subject "$SUBJECT" --scope exa_mple.org
refused 2 'nope' 'an unknown profile' --subject "$SUBJECT" --profiles tls,nope
refused 2 '--constrain-srv wants a --scope' 'SRV constraints without scope' \
	--subject "$SUBJECT" --constrain-srv
refused 2 '--constraints maybe: wanted critical, non-critical or none' 'a fourth kind of constraints' \
	--subject "$SUBJECT" --scope example.org --constraints maybe
refused 2 '--constraints none: --constrain-srv would bind nothing' 'SRV constraints that are in no certificate' \
	--subject "$SUBJECT" --scope example.org --constraints none --constrain-srv
refused 2 '--constraints none: --scope-email would bind nothing' 'mail domains that are in no certificate' \
	--subject "$SUBJECT" --scope example.org --constraints none --scope-email example.org
refused 2 '--key-type ed25519: wanted ec-p256' 'a key type that is no CA' \
	--subject "$SUBJECT" --key-type ed25519
refused 2 '--key-type rsa-8192' 'an RSA key of 8192 bits' --subject "$SUBJECT" --key-type rsa-8192
refused 2 'an existing key, or a new one' 'both ways to a key' --subject "$SUBJECT" \
	--key-type ec-p256 --use-key pkcs11:object=x
refused 6 'no-such' 'a medium that is not there' --subject "$SUBJECT" --out "$WORK/no-such"
refused 2 '"surplus" was given' 'an operand' --subject "$SUBJECT" surplus

run ca init --subject "$SUBJECT" --token "$(uri nope)" --yes
status 5 "a token that is not there stops it"
run on_network ca init --subject "$SUBJECT" --token "$(uri first)" --yes
if [ -n "$(ip -o link show up | grep -v LOOPBACK)" ]; then
	wants 7 NETWORK-UP "a network interface that is up stops it"
else
	status 0 "without a network it goes on"
fi
echo 000000 >"$WORK/wrong"; chmod 600 "$WORK/wrong"
run ca init --subject "$SUBJECT" --token "$(uri_ask first)&pin-source=file:$WORK/wrong" --yes
status 5 "a wrong PIN stops it"
run ca init --subject "$SUBJECT" --token "$(uri_ask first)" --yes
status 2 "nobody to ask for the PIN stops it"
run ca init --subject "$SUBJECT" --token "$(uri first)"
status 2 "nobody to ask for Yes stops it"
run ca init --subject "$SUBJECT" --token "$(uri first)" -n
status 0 "a dry run shows what would be made"
says 'CA key +new, ec-p256' "with the choice that was not given"
nok 1 "nothing of all this made a home" test -e "$(home_of ca)"
is "$(keys_on_tokens)" "$before" "or a key on the token"

dialogue 'Type Yes: ' yes -- ca init --subject "$SUBJECT" --token "$(uri first)"
status 4 "yes is not Yes"
dialogue 'Type Yes: ' Yes 'PIN of token' "$PIN" -- ca init --subject "$SUBJECT" --token "$(uri_ask first)" \
	--out "$(stick typed)"
status 0 "Yes and the PIN, typed, make a CA"
card_open "$(stick typed)"
check_ca "typed"

# ---- a clock that cannot be right ---------------------------------------------------

new_token clock
before=$(keys_on_tokens)
clocked=(--subject "$SUBJECT" --token "$(uri clock)" --scope example.org)
# The day of these sources, by the heading that each release has anyway.
MADE=$(sed -n 's/^## [0-9].*\([0-9]\{4\}-[0-9][0-9]-[0-9][0-9]\))$/\1/p' "$TOP/CHANGES.md" | head -1)
like "$MADE" '^20' 'the newest heading of CHANGES.md has a date'
is "$(date -d "$MADE" +%s)" "$(date -d "$MADE 00:00:00Z" +%s)" 'by UTC, as the clocks here'
run at "$MADE 00:00:00" ca @clock init "${clocked[@]}" -n
quiet 'The clock may be wrong' 'on that day a clock may be right'
run at "2038-01-19 03:14:08" ca @clock init "${clocked[@]}" -n
quiet 'The clock may be wrong' 'nor is there anything about the end of 31 bits'
says 'valid +2038-01-18T03:14:08Z to 2048-' 'a CA may live across it'
run at "$(date -u -d "$MADE -1 second" '+%Y-%m-%d %H:%M:%S')" ca @clock init "${clocked[@]}" -n
says 'The clock may be wrong: it is before' 'and not a second earlier'
for clock in "1971-01-01 00:00:10" "2000-01-01 00:10:00" \
	"$(date -u -d "$MADE -2 days" '+%Y-%m-%d') 23:59:59" \
	"2047-01-01 00:00:00" "2099-12-31 23:59:59"; do
	run at "$clock" ca @clock init "${clocked[@]}" --yes
	status 2 "the clock at $clock: --yes does not make a CA"
	says 'The clock may be wrong: it is (before|more than 20 years after) ' "$clock: it is said why"
	says '--date' "$clock: and how a script answers"
	run at "$clock" ca @clock init "${clocked[@]}" --yes --date '30 November 2026'
	status 7 "$clock: the true date is not the clock's"
	says "the clock says ${clock/ /T}Z, .*set the clock right" "$clock: it is to be set"
	for words in '' Yes "${clock% *}" '1 January' ; do
		run at "$clock" ca @clock init "${clocked[@]}" --yes --date "$words"
		ok "$clock: '$words' is no date of it" test "$STATUS" = 7
	done
done
dialogue "date in words" '30 November 2026' -- \
	at "2000-01-01 00:10:00" ca @clock init "${clocked[@]}" --yes
is "$STATUS" 7 "nor when it is typed"
for date in -2days +2days; do
	must mkdir -p "$(stick clock)/photos/2027"
	must touch -d "$date" "$(stick clock)/photos/2027/one.jpg"
	run ca @clock init "${clocked[@]}" --out "$(stick clock)" -n
	case $date in
	-*) quiet 'The clock may be wrong' "a file from the past says nothing" ;;
	+*) says 'The clock may be wrong: a file in .* is of 20' "a file from the future does" ;;
	esac
done
# A certificate tells the time as well, however old its file is.
for form in PEM DER; do
	must mkdir -p "$(stick "of-$form")/ca"
	must faketime -f '+3d' openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=old -days 9 \
		-keyout "$WORK/old.key" -outform "$form" -out "$(stick "of-$form")/ca/old.CRT"
	must touch -d -2days "$(stick "of-$form")/ca/old.CRT"
	run ca @clock init "${clocked[@]}" --out "$(stick "of-$form")" -n
	says "The clock may be wrong: a certificate in .*/stick-of-$form begins on 20" \
		"a certificate in $form that begins later speaks against the clock"
	run at "$(date -u -d '4 days' '+%F %T')" ca @clock init "${clocked[@]}" --out "$(stick "of-$form")" -n
	quiet 'The clock may be wrong' "and no more when that has come"
done
run ca @clock init "${clocked[@]}" --out "$(stick clock)" --yes
status 2 "and --yes does not do"
nok 1 "nothing of all this made a home" test -e "$(home_of clock)"
is "$(keys_on_tokens)" "$before" "or a key on the token"
run ca @clock init "${clocked[@]}" --out "$(stick clock)" --yes --date "$(date '+%-d %B %Y')"
status 0 "the date in words does, by its option"
# The same of a certificate that lies on the token, whoever put it there.
needs faketime faketime
needs pkcs11-tool opensc
on_token() { # WHEN
	must faketime "$1" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=on the token" -keyout /dev/null -outform der -out "$WORK/on-token.der"
	must pkcs11-tool --module "$MODULE" --token-label held-clock --login --pin "$PIN" \
		--write-object "$WORK/on-token.der" --type cert --label "of $1"
}
new_token held-clock
held=(--subject "$SUBJECT" --token "$(uri held-clock)" --scope example.org)
on_token "$(date -u -d -2days '+%Y-%m-%d')"
run ca @held init "${held[@]}" -n
quiet 'The clock may be wrong' "a certificate from the past on the token says nothing"
on_token "$(date -u -d +400days '+%Y-%m-%d')"
run ca @held init "${held[@]}" -n
says "The clock may be wrong: a certificate on the token begins on $(date -u -d +400days '+%Y-%m-%d')" \
	"one that begins later does"
run ca @held init "${held[@]}" --yes
status 2 "and --yes does not make a CA"
run ca @held init "${held[@]}" --yes --date "$(date '+%-d %B %Y')"
status 0 "but the date in words does"
new_token typed-clock
dialogue "date in words" '1 january 2048' 'Type Yes: ' Yes -- at "2048-01-01 12:00:00" \
	ca @typed-clock init --subject "$SUBJECT" --token "$(uri typed-clock)"
is "$STATUS" 0 "and typed, before the Yes"
new_token dated
run ca @dated init --subject "$SUBJECT" --token "$(uri dated)" --yes --date '1 May 2001'
status 7 "a date that is given counts by a good clock too"

# ---- one of each kind -------------------------------------------------------------

for type in ec-p256 ec-p384 rsa-2048 rsa-3744; do
	new_token "t-$type"
	run ca "@$type" init --subject "$SUBJECT" --token "$(uri "t-$type")" --key-type "$type" \
		--scope example.org --out "$(stick "$type")" --yes --json
	status 0 "$type: a CA"
	card_open "$(stick "$type")"
	is "$(json ca_id)" "$(cat "$WORK/ca-id")" "$type: the ca-id is that of the card"
	is "$(json fingerprint)" \
		"$(openssl x509 -in "$WORK/ca.pem" -outform DER | sha256sum | cut -d' ' -f1)" \
		"$type: the fingerprint is the certificate's"
	check_ca "$type"
	cmp -s "$WORK/policy" "$(home_of "$type")/policy.conf"
	is $? 0 "$type: the card carries policy.conf"
	case $type in
	ec-p256) want='ecdsa-with-SHA256' ;;
	ec-p384) want='ecdsa-with-SHA384' ;;
	*) want='sha256WithRSAEncryption' ;;
	esac
	like "$(text_of ca)" "Signature Algorithm: $want" "$type: signed with $want"
done
like "$(text_of ca)" 'Public-Key: \(3744 bit\)' "rsa-3744 has 3744 bits"
is "$(stat -c %a "$(home_of rsa-3744)")" 700 "the home is its owner's"
is "$(find "$(home_of rsa-3744)" -type f -printf '%m %f\n' | sort | tr '\n' ' ')" \
	"600 ledger.db 600 policy.conf 600 token.conf " "and so are its files, no others"

# ---- what the certificates say ----------------------------------------------------

extensions=$(text_of ca | tr -s ' ')
like "$extensions" 'CN ?= ?XMPP CA, O ?= ?Example' "the subject is as typed"
like "$(echo "$extensions" | tr '\n' ' ')" 'Basic Constraints: critical +CA:TRUE, pathlen:1' \
	"critical basicConstraints, path length 1"
like "$(echo "$extensions" | tr '\n' ' ')" \
	'Key Usage: critical +Digital Signature, Certificate Sign, CRL Sign' "critical keyUsage"
like "$(echo "$extensions" | tr '\n' ' ')" \
	'Name Constraints: critical +Permitted: +DNS:example.org +Excluded: +IP:0.0.0.0/0.0.0.0 +IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0' \
	"critical nameConstraints: the scope, no address"
transfer=$(text_of transfer | tr -s ' \n' ' ')
like "$transfer" 'Key Usage: critical Digital Signature X509v3 Ext' "the transfer key signs, no more"
like "$transfer" "Extended Key Usage: critical ${TRANSFER_EKU//./\\.} " \
	"and is for transfers, no more"
like "$transfer" 'CA:FALSE' "and is no CA"

# An OID with an arc over 31 bits is one that half of the world's readers refuse.
like "$(certtool --certificate-info --infile "$WORK/transfer.pem" | tr -s ' \n\t' ' ')" \
	"Key Purpose \\(critical\\): ${TRANSFER_EKU//./\\.} " "GnuTLS reads what it is for"
is "$("$PYTHON" -c '
import sys
from cryptography import x509
cert = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
eku = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
print(eku.critical, *(oid.dotted_string for oid in eku.value))' "$WORK/transfer.pem")" \
	"True $TRANSFER_EKU" "and so does python3-cryptography"

new_token special
run ca @special init --subject "O=Example" --token "$(uri special)" --days 11147 --serial 1 \
	--path-len 2 --profiles xmpp --out "$(stick special)" --yes
status 0 "11147 days, serial 1, path length 2, xmpp: a CA"
card_open "$(stick special)"
check_ca "special"
is "$(openssl x509 -in "$WORK/ca.pem" -noout -serial)" "serial=01" "serial 1 is serial 1"
like "$(openssl asn1parse -in "$WORK/ca.pem")" 'GENERALIZEDTIME +:20[5-9]' \
	"an end past 2049 is a GeneralizedTime"
like "$(text_of ca)" 'pathlen:2' "the path length is 2"
unlike "$(text_of ca)" 'Name Constraints' "no scope, no constraints"
says 'could certify any name' "which is said"
like "$(cat "$(home_of special)/policy.conf")" '^\[profile xmpp-server\]' "the policy has the profiles"
unlike "$(cat "$(home_of special)/policy.conf")" '^\[profile tls-server\]' "and no others"

new_token parent
run ca @parent init --subject "$SUBJECT" --token "$(uri parent)" --profiles tls,sub-ca --out "$(stick parent)" --yes
status 0 "a CA of which others are to be had"
says 'path length +2' "has room for them and for its own next key"
card_open "$(stick parent)"
like "$(text_of ca)" 'pathlen:2' "the certificate says so"

new_token srv
run ca @srv init --subject "$SUBJECT" --token "$(uri srv)" --scope bücher.example --constrain-srv \
	--out "$(stick srv)" --yes
status 0 "SRV constraints: a CA"
says 'OpenSSL refuses every certificate with an SRVName' "of which the review warns"
card_open "$(stick srv)"
like "$(text_of ca)" 'DNS:xn--bcher-kva.example' "a scope is written with A-labels"
like "$(text_of ca)" 'othername:.*xn--bcher-kva.example' "and stands as an SRVName too"
check_ca "srv"

# ---- how constraints stand in the certificate ---------------------------------------

# bound_by HOW: a CA of that kind, @HOW; $WORK/ca.pem
bound_by() {
	new_token "$1"
	run ca "@with-$1" init --subject "$SUBJECT" --token "$(uri "$1")" --scope example.org \
		--constraints "$1" --out "$(stick "$1")" --yes
	status 0 "--constraints $1: a CA"
	card_open "$(stick "$1")"
	check_ca "$1"
}
bound_by critical
like "$(text_of ca)" 'Name Constraints: critical' "critical is critical"
says 'mbed TLS cannot read a CA whose critical constraints name IP addresses' "and what that costs is said"
bound_by non-critical
like "$(text_of ca)" 'Name Constraints: *$' "non-critical is not"
like "$(text_of ca)" 'DNS:example.org' "and has the scope all the same"
says 'passes over them, and believes this CA for any name' "and what that costs is said too"
quiet 'mbed TLS' "but not what it costs no more"
bound_by none
unlike "$(text_of ca)" 'Name Constraints' "none is none"
says 'only policy.conf here keeps it to its scope' "and what that costs is said as well"
like "$(cat "$(home_of with-none)/policy.conf")" '^scope = example.org' "the policy has the scope all the same"

# ---- adopted keys, second runs ----------------------------------------------------

run ca @again init --subject "$SUBJECT" --token "$(uri srv)" --yes
status 2 "a token with keys is refused"
says 'ec-p256 +ca-[0-9a-f]{8} .*object=ca-' "and its keys are shown"
nok 1 "nothing was made" test -e "$(home_of again)"
run ca @special init --subject "$SUBJECT" --token "$(uri special)" --key-type ec-p256 --yes
status 7 "a home that is a CA is refused"

new_token mine
must token keygen "$(uri mine)" --label old-ca --type ec-p384
must token keygen "$(uri mine)" --label old-transfer --type ec-p256
run ca @mine init --subject "$SUBJECT" --token "$(uri mine)" --use-key pkcs11:object=old-ca \
	--transfer-key pkcs11:object=old-ca --yes
status 2 "one key for both is refused"
run ca @mine init --subject "$SUBJECT" --token "$(uri mine)" --use-key pkcs11:object=none --yes
status 5 "a key that is not there is refused"
before=$(keys_on_tokens)
run ca @mine init --subject "$SUBJECT" --token "$(uri mine)" --use-key pkcs11:object=old-ca \
	--transfer-key pkcs11:object=old-transfer --out "$(stick mine)" --yes
status 0 "keys made before are adopted"
card_open "$(stick mine)"
check_ca "adopted"
like "$(text_of ca)" 'P-384' "the CA has the adopted key"
is "$(keys_on_tokens)" "$before" "and no other was made"

# ---- cut short --------------------------------------------------------------------

# A file where the home should be: fails after the keys are made.
new_token cut
: >"$(home_of cut)"
run ca @cut init --subject "$SUBJECT" --token "$(uri cut)" --key-type ec-p256 --yes
is "$STATUS" 6 "a home that cannot be made: an I/O error"
says "the new keys stay on the token: go on with --use-key 'pkcs11:.*--transfer-key 'pkcs11:" \
	"the keys that were made are named"
keys=$(grep -o -- "--use-key '[^']*' --transfer-key '[^']*'" <<<"$ERR")
rm "$(home_of cut)"
eval "run ca @cut init --subject '$SUBJECT' --token '$(uri cut)' $keys --out '$(stick cut)' --yes"
status 0 "and the next run goes on with them"
card_open "$(stick cut)"
check_ca "cut"

# Killed at every rename: the next run completes it, or finds it complete.
needs strace strace
new_token kill
must token keygen "$(uri kill)" --label ca --type ec-p256
must token keygen "$(uri kill)" --label transfer --type ec-p256
init_kill() {
	ca @kill init --subject "$SUBJECT" --token "$(uri kill)" --use-key pkcs11:object=ca \
		--transfer-key pkcs11:object=transfer --yes "$@"
}
# killed_at CALL N: false when it ran to its end. The shell's notice is not shown.
killed_at() {
	{
		! strace -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
			"${ARGV[@]}" >"$WORK/out" 2>&1 </dev/null
	} 2>/dev/null
}
killed=0
for call in renameat2 renameat rename fsync unlinkat; do
	for n in 1 2 3 4 5 6 7 8; do
		rm -rf "$(home_of kill)"
		command_of ca @kill init --subject "$SUBJECT" --token "$(uri kill)" \
			--use-key pkcs11:object=ca --transfer-key pkcs11:object=transfer --yes
		killed_at "$call" "$n" || break
		killed=$((killed + 1))
		if [ -e "$(home_of kill)/ledger.db" ]; then
			run ca @kill export "$(stick kill)"
			is "$STATUS" 0 "killed at $call $n: a whole CA"
		else
			run init_kill
			is "$STATUS" 0 "killed at $call $n: the next run makes it whole"
		fi
	done
done
ok "a kill did happen" test "$killed" -ge 5

# ---- export -----------------------------------------------------------------------

run ca @mine export "$(stick again)" --json
status 0 "export writes the card again"
is "$(json ca_id)" "$(json fingerprint)" "and says which CA it is"
card_open "$(stick again)"
check_ca "exported"
is "$(cat "$WORK/ca-id")" "$(json ca_id)" "the card is of that CA"
printf '\n# a line more\n' >>"$(home_of mine)/policy.conf"
run ca @mine export "$(stick again)"
status 0 "a card is replaced in place"
card_open "$(stick again)"
like "$(cat "$WORK/policy")" 'a line more' "and carries the policy of today"
if [ -n "$(ip -o link show up | grep -v LOOPBACK)" ]; then
	run on_network ca @mine export "$(stick again)"
	wants 7 NETWORK-UP "not on a network"
	run on_network ca @mine export "$(stick again)" --allow-network
	status 0 "but with --allow-network"
fi
run ca @none export "$(stick again)"
status 7 "no CA, no card"
run ca @mine export
status 2 "no medium, no card"

done_testing
