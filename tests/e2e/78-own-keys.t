#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whatever key and name the CA has had, and those of the CAs above it, are nobody
# else's: an old key that has leaked gets no certificate, an old name no CA below.
. "$(dirname "$0")/../lib/lib.sh"
CSRS=$WORK/subs
id=0
must mkdir "$CSRS"
# known_key TOKEN KEY: KEY.key, and the same on the token
known_key() {
	openssl_key ec-p256 >"$WORK/$2.key"
	must openssl pkcs8 -topk8 -nocrypt -in "$WORK/$2.key" -out "$WORK/$2.p8"
	must softhsm2-util --import "$WORK/$2.p8" --token "$1" --label "$2" --id "1$((++id))" --pin "$PIN"
}
# csr_of KEY: KEY.csr, asked by who has that key
csr_of() { must openssl req -new -key "$WORK/$1.key" -subj /CN=x -out "$WORK/$1.csr"; }
# named NAME SUBJECT: NAME.csr, of a CA below with that subject and a new key
named() {
	must "$PYTHON" "$TOP/tests/tools/make_sub_ca_csr.py" "$CSRS" "$1" "$2" ca
	must cp "$CSRS/$1.csr" "$WORK/$1.csr"
}
leaf='--profile tls-server --name dns:www.example.org'

# online CSR PROFILE RULE WORDS DESC: refused before anybody walks
online() {
	local args="--profile $2"
	[ "$2" != tls-server ] || args=$leaf
	# shellcheck disable=SC2086 # words
	run transfer ${WHO:+"$WHO"} request "$WORK/$1.csr" $args --out "$WORK/nowhere" -n
	wants 4 "$3" "$5: refused before anybody walks"
	says "$4" "$5: in words"
}
# offline CSR PROFILE RULE WORDS DESC: the CA refuses it, whoever brings it
offline() {
	local drop
	drop=$(stick "drop-$1-$2")
	must cp "$WORK/$1.csr" "$drop/"
	run ca ${CA:+"$CA"} sign --loose --profile "$2" "$drop" --name dns:www.example.org -n --json
	[ "$2" != sub-ca ] || run ca ${CA:+"$CA"} sign --loose --profile "$2" "$drop" -n --json
	is "$(json responses.0.results.0.rule)" "$3" "$5: refused at the CA"
	like "$(json responses.0.results.0.reason)" "$4" "$5: in the same words"
}
refused_both() { online "$@"; offline "$@"; }
# signs DESC: what is nobody's yet passes
signs() {
	named free 'u:CN=Free CA'
	# shellcheck disable=SC2086 # words
	run transfer ${WHO:+"$WHO"} request "$WORK/new.csr" $leaf --out "$WORK/nowhere" -n
	status 0 "$1: a key of its own passes"
	run transfer ${WHO:+"$WHO"} request "$WORK/free.csr" --profile sub-ca --days 30 --out "$WORK/nowhere" -n
	status 0 "$1: and so does a name of its own"
	offline_passes new "$1"
}
offline_passes() {
	local drop
	drop=$(stick "drop-$1")
	must cp "$WORK/$1.csr" "$drop/"
	run ca ${CA:+"$CA"} sign --loose --profile tls-server --name dns:www.example.org "$drop" -n --json
	is "$(json responses.0.results.0.rule)" null "$2: at the CA, too"
}
offline_passes_sub() {
	local drop
	drop=$(stick "drop-$1-sub")
	must cp "$WORK/$1.csr" "$drop/"
	run ca "$CA" sign --loose --profile sub-ca "$drop" -n --json
	is "$(json responses.0.results.0.rule)" null "$2"
}
must mkdir -p "$WORK/nowhere"
must csr_openssl new ec-p256 /CN=new.example.org DNS:new.example.org

# ---- one that rolled over ------------------------------------------------------------------

make_known_ca --scope example.org --profiles tls,sub-ca
printf '[requester online]\nprofiles = tls-server, sub-ca\n[requester late]\nprofiles = tls-server, sub-ca\n' \
	>>"$(home_of ca)/policy.conf"
must ca export "$STICK"
enrol_online
for key in ca-key transfer-key; do csr_of $key; done
# shellcheck disable=SC2086 # words
must transfer request "$WORK/new.csr" $leaf --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
must csr_openssl new ec-p256 /CN=new.example.org DNS:new.example.org
named first-name 'u:CN=Test CA'
named first-spelt 'p:CN=TEST  ca'
must ca rollover --key-type ec-p256 --subject 'CN=Second CA' --out "$STICK" --yes
must transfer install "$STICK"
known_key ca second-transfer
csr_of second-transfer
must ca transfer-key --use-key pkcs11:object=second-transfer --out "$STICK" --yes
must transfer install "$STICK"
refused_both second-transfer tls-server KEY-CA "the CA's own transfer key" 'the second transfer key, while it is in force'
run ca transfer-key --key-type ec-p256 --out "$STICK" --yes
status 0 'the CA has another key, another name and another transfer key'
must transfer install "$STICK"
named second-name 'u:CN=Second CA'
must ca rollover --key-type ec-p384 --subject 'CN=Third CA' --out "$STICK" --yes
must transfer install "$STICK"
named third-name 'u:CN=Third CA'

refused_both ca-key tls-server KEY-CA 'one that the CA had before' 'the first key'
refused_both ca-key sub-ca KEY-CA 'one that the CA had before' 'the first key, for a CA below'
offline transfer-key tls-server KEY-CA 'an earlier transfer key of the CA' 'the first transfer key'
rm -r "$WORK/stick-drop-second-transfer-tls-server"
offline second-transfer tls-server KEY-CA 'an earlier transfer key of the CA' 'the second transfer key'
refused_both first-name sub-ca SUBCA-SUBJECT 'one that this CA had before' 'the first name'
refused_both first-spelt sub-ca SUBCA-SUBJECT 'one that this CA had before' 'the first name, spelt otherwise'
refused_both second-name sub-ca SUBCA-SUBJECT 'one that this CA had before' 'the second name'
refused_both third-name sub-ca SUBCA-SUBJECT 'that of this CA itself' 'the name that it has now'
signs 'after two rollovers'

# Who comes later knows the newest alone. What he may not have the CA does know.
WHO=@late
STICK=$(stick late)
run ca export "$STICK" --json
CA_HEX=$(json fingerprint)
enrol_online @late
must csr_openssl honest ec-p256 /CN=honest.example.org DNS:honest.example.org
# shellcheck disable=SC2086 # words
must transfer @late request "$WORK/honest.csr" $leaf --out "$STICK"
# shellcheck disable=SC2086 # words
run transfer @late request "$WORK/ca-key.csr" $leaf --out "$STICK"
status 0 'a newcomer cannot know what the first key was'
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
status 1 'its bundles are signed'
is "$(json responses | "$PYTHON" -c '
import json, sys
print(*sorted("%s" % r["rule"] for one in json.load(sys.stdin) for r in one["results"]))')" 'KEY-CA None' \
	'but for the key that was ours'
run transfer @late install "$STICK"
like "$STATUS" '^[01]$' 'and so it is told'

# ---- one below another ---------------------------------------------------------------------

WHO=@below CA=@sub
new_token root
for key in root-key root-transfer; do known_key root $key; done
csr_of root-key
must ca @root init --subject 'CN=Root of All' --token "$(uri root)" --use-key pkcs11:object=root-key \
	--transfer-key pkcs11:object=root-transfer --scope example.org --path-len 2 --profiles tls,sub-ca --yes
must sed -i 's/^ca = yes$/&\npath-len = 1/' "$(home_of root)/policy.conf"
new_token sub
STICK=$(stick below)
must ca @sub init --csr "$STICK/sub.csr" --subject 'CN=The One Below' --token "$(uri sub)" \
	--scope example.org --path-len 1 --profiles tls,sub-ca --yes
must ca @root sign --loose --profile sub-ca "$STICK" --yes
must ca @sub import "$STICK"/airgap-ca/responses/*/{sub,ca}.pem --yes
printf '[requester below]\nprofiles = tls-server, sub-ca\n' >>"$(home_of sub)/policy.conf"
run ca @sub export "$STICK" --json
CA_HEX=$(json fingerprint)
enrol_online @below
named root-name 'u:CN=Root of All'
refused_both root-key tls-server KEY-CA 'that of a CA above this one' "the root's key"
refused_both root-key sub-ca KEY-CA 'that of a CA above this one' "the root's key, for a CA below"
refused_both root-name sub-ca SUBCA-SUBJECT 'that of a CA above this one' "the root's name"
signs 'below a root'
# The root knows of keys and names above it and its own, and of none below.
named below-name 'u:CN=The One Below'
CA=@root offline_passes_sub below-name 'the root may certify the one below once more'
done_testing
