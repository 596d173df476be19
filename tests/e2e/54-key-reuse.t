#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `key-reuse = same-names`, as the profiles for XMPP have it: a key that has certificates
# gets more for the same requester and a name that all of them have. Asked of the CA by
# an online side that knows of none (it installs nothing until half-way), then online.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"

build_faults
make_ca --scope example.org --profiles xmpp,tls
enrol_online
ONLINE=$REQUESTER_HEX
enrol_online @other other
OTHER=$REQUESTER_HEX
policy=$(home_of ca)/policy.conf

# asked [@WHO] WORD... -> a stick with that request alone, and what `request` said
asked() {
	rm -rf "$STICK/airgap-ca/requests"
	run transfer "$@" --out "$STICK"
}
# signed DESC [EXPECT]: it was asked for, and is signed
signed() {
	status 0 "$1: may be asked"
	run ca sign "$STICK" --yes --expect "${2:-$ONLINE}" --json
	status 0 "$1: is signed"
	SERIAL=$(json responses.-1.results.0.serials.0)
}
# refused DESC REGEX [EXPECT]
refused() {
	status 0 "$1: may be asked"
	run ca sign "$STICK" --yes --expect "${3:-$ONLINE}" --json
	status 4 "$1: is not signed"
	is "$(json responses.-1.results.0.rule)" KEY-USED "$1: by its rule"
	like "$(json responses.-1.results.0.reason)" "$2" "$1: in words"
}
server=(request "$WORK/chat.csr" --profile xmpp-server --name)
iso='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z'

# ---- at the CA -------------------------------------------------------------------------

must csr_openssl chat ec-p256 /CN=x
asked "${server[@]}" dns:a.example.org --name dns:b.example.org
signed 'a key that has no certificate'
first=$SERIAL
asked "${server[@]}" dns:a.example.org --name dns:b.example.org
signed 'the same again'
asked "${server[@]}" dns:a.example.org --name dns:b.example.org --name dns:c.example.org
signed 'with one name more'
asked "${server[@]}" dns:b.example.org --name dns:c.example.org
signed 'with one name less'
last=$SERIAL
asked "${server[@]}" dns:c.example.org
refused 'a name that one of them lacks' "^request 1 \\(chat\\): its key is that of certificate $last \
\\(until $iso\\); all with that key have dns:b\\.example\\.org, and this has not\$"
says 'remedy .*--new-key' 'and what to do is said'
asked "${server[@]}" dns:d.example.org
refused 'another name' 'and this has not$'
asked request "$WORK/chat.csr" --profile xmpp-client --jid juliet@b.example.org
refused 'a name of another type, by another profile' 'all with that key have dns:b'
run ca ledger
prints 'refusal .*KEY-USED' 'the ledger has the refusal'

asked @other "${server[@]}" dns:b.example.org
refused 'the same key and name by another requester' \
	"that of certificate $last \\(until $iso\\), which another requester obtained\$" "$OTHER"
asked @other request "$WORK/chat.csr" --profile tls-server --name dns:b.example.org
refused 'where the profile says nothing of it' \
	"that of certificate $last \\(until $iso\\), which another requester obtained\$" "$OTHER"
says "KEY +is that of certificate $last of\$" 'the operator is told'
says '^ +"online", until' 'whose it is'
must sed -i '/^\[profile tls-server\]/a key-reuse = any' "$policy"
asked @other request "$WORK/chat.csr" --profile tls-server --name dns:b.example.org
signed 'where the profile lets any pass' "$OTHER"
says "KEY +is that of certificate $last of\$" 'and the operator is told all the same'
asked "${server[@]}" dns:b.example.org
refused 'what another requester has obtained too' "which another requester obtained\$"

must csr_openssl old ec-p256 /CN=x
old=(request "$WORK/old.csr" --profile xmpp-server --name)
asked "${old[@]}" dns:a.example.org
signed 'a certificate of a month'
later=$(date -u -d '100 days' '+%F %T')
run at "$later" ca list --json
is "$("$PYTHON" -c 'import json, sys
print(*[c["status"] for c in json.load(open(sys.argv[1]))["certificates"] if c["serial"] == sys.argv[2]])' \
	"$WORK/out" "$SERIAL")" expired 'has ended after three'
rm -rf "$STICK/airgap-ca/requests"
run at "$later" transfer "${old[@]}" dns:b.example.org --out "$STICK"
run at "$later" ca sign -n "$STICK" --json
is "$(json responses.-1.results.0.rule)" KEY-USED 'other names for its key are refused for all that'
rm -rf "$STICK/airgap-ca/requests"
run at "$later" transfer "${old[@]}" dns:a.example.org --out "$STICK"
run at "$later" ca sign -n "$STICK" --json
is "$(json responses.-1.results.0.rule)" null 'and its own are not'

# ---- within a bundle, and a run that was interrupted --------------------------------------

must csr_openssl pair ec-p256 /CN=x
for san in a ab b; do
	names=$(sed 's/./,DNS:&.example.org/g; s/^,//' <<<"$san")
	must openssl req -new -key "$WORK/pair.key" -subj /CN=x -out "$WORK/pair-$san.csr" \
		-addext "subjectAltName=$names"
done
asked request "$WORK"/pair-{a,ab}.csr --profile xmpp-server
status 0 'one key twice in a bundle, and a name in common: may be asked'
asked request "$WORK"/pair-{a,ab,b}.csr --profile xmpp-server
wants 4 KEY-USED 'a third without it: is refused online'
says 'refused: pair-b: its key is that of pair-ab; all with that key have dns:a\.example\.org, and this has not \[KEY-USED\]' \
	'in words'
says '1 of 3 requests would be refused; nothing was put on the stick' 'with the whole bundle'
nok 1 'nothing came onto the stick' test -e "$STICK/airgap-ca/requests"
must sh -c '"$1" --home "$2" --card "$3" --out "$4" --label other' - \
	"$TOP/tests/tools/make_bundle.py" "$(home_of other)" "$(ls "$STICK"/airgap-ca/cards/*.cose)" \
	"$STICK" <<BUNDLE
[{"id":"a","csr":"$WORK/pair-a.csr","profile":"xmpp-server"},
 {"id":"ab","csr":"$WORK/pair-ab.csr","profile":"xmpp-server"},
 {"id":"b","csr":"$WORK/pair-b.csr","profile":"xmpp-server"}]
BUNDLE
run ca sign "$STICK" --yes --expect "$OTHER" --json
status 1 'sent anyway: the CA signs but for the third'
is "$(json responses.-1.results.0.rule) $(json responses.-1.results.1.rule)" 'null null' \
	'the first two have certificates'
like "$(json responses.-1.results.2.reason)" \
	'^request 3 \(b\): its key is that of request 2 \(ab\); all with that key have dns:a\.' \
	'the third is refused in the same words'

must csr_openssl crash ec-p256 /CN=x
must csr_openssl again ec-p256 /CN=x
asked request "$WORK/crash.csr" --profile xmpp-server --name dns:a.example.org --series 3x31d+7d
run killed 0 unlink 4 ca sign "$STICK" --yes --expect "$ONLINE"
status 137 'sign is killed'
run ca list --json
is "$("$PYTHON" -c 'import json, sys
print(*[c["status"] for c in json.load(open(sys.argv[1]))["certificates"]][-3:])' "$WORK/out")" \
	'valid future future' 'with certificates and without a response'
run ca sign "$STICK" --yes --expect "$ONLINE" --json
status 0 'the next run does not stumble over them'
is "$(json responses.-1.results.0.rule)" null 'and answers'

# ---- loose CSRs --------------------------------------------------------------------------

loose() { run ca sign "$WORK/loose" --loose --profile xmpp-server --yes --json; }
must mkdir "$WORK/loose"
must csr_openssl single ec-p256 /CN=x DNS:a.example.org
must cp "$WORK/single.csr" "$WORK/loose/"
loose
status 0 'a loose CSR is signed'
must csr_openssl more ec-p256 /CN=x DNS:more.example.org
must cp "$WORK/more.csr" "$WORK/loose/"
loose
status 0 'and again, in another set'
asked request "$WORK/single.csr" --profile xmpp-server
refused 'its key by a requester' 'which a loose CSR obtained$'
must openssl req -new -key "$WORK/single.key" -subj /CN=x -out "$WORK/loose/single.csr" \
	-addext subjectAltName=DNS:b.example.org
loose
status 1 'with another name it is refused'
is "$("$PYTHON" -c 'import json, sys
print(*[r["reason"] for r in json.load(open(sys.argv[1]))["responses"][-1]["results"] if r["rule"]])' \
	"$WORK/out" | sed 's/[0-9a-f]\{32\}/SERIAL/; s/until [^)]*/END/')" \
	'single.csr: its key is that of certificate SERIAL (END); all with that key have dns:a.example.org, and this has not' \
	'by the name of its file'
must cp "$WORK/chat.csr" "$WORK/loose/single.csr"
must openssl req -new -key "$WORK/crash.key" -subj /CN=x -out "$WORK/loose/single.csr" \
	-addext subjectAltName=DNS:a.example.org
loose
status 1 'as is the key of a requester'
like "$(cat "$WORK/out")" 'which a requester obtained' 'which is said'

asked request "$WORK/again.csr" --profile xmpp-server --name dns:again.example.org
signed 'a key to be renewed'

# ---- online, once it knows its certificates -------------------------------------------------

rm -rf "$STICK/airgap-ca/requests"
run transfer install "$STICK"
status 1 'all of it is installed, refusals too'
asked request "$WORK/old.csr" --profile xmpp-server --name dns:b.example.org
wants 4 KEY-USED 'request: other names for a key with a certificate'
says "^.*old: its key is that of certificate [0-9a-f]+ \\(until $iso\\); all with that key have dns:a\\.example\\.org, and this has not; nothing was put on the stick" \
	'are refused in the words of the CA'
nok 1 'and nothing came onto the stick' test -e "$STICK/airgap-ca/requests"
asked request "$WORK/old.csr" --profile xmpp-server --name dns:a.example.org --name dns:b.example.org
signed 'request: a name more'
asked request "$WORK/old.csr" --profile tls-server --name dns:b.example.org
status 0 'request: another profile does not mind'
asked request --renew again.example.org --within 100d
status 0 'request: --renew repeats what it has'
run ca sign "$STICK" --yes --expect "$ONLINE"
status 0 'and is signed'

# ---- the profile's word ------------------------------------------------------------------------

must sed -i 's/^key-reuse = same-names/key-reuse = any/' "$policy"
run ca export "$STICK" --json
status 0 'a policy with key-reuse = any'
enrol_online @third third
asked @third "${server[@]}" dns:z.example.org
signed 'another name by another requester' "$REQUESTER_HEX"
third=$SERIAL

# ---- when others have such a key ---------------------------------------------------------------

# What is revoked as lost is seldom all that the key is good for.
statuses() { # of all certificates with the key of that one
	local serial key
	key=$(ca show "$1" --json | grep -o '"key_sha256": *"[0-9a-f]*"')
	ca list --json | grep -o '"serial": *"[0-9a-f]*"' | grep -o '[0-9a-f]\{32\}' | while read -r serial; do
		ca show "$serial" --json | tr -d '\n' | grep "$key" | grep -o '"status": *"[a-z]*"'
	done | sed 's/.*: *"//; s/"//' | sort | paste -sd' '
}
run ca revoke "$first" --reason superseded -n
quiet 'same key' 'what is superseded says nothing of its key'
run ca revoke "$first" --reason keyCompromise -n
status 0 'a key that others have got: tried'
says 'To be revoked for good: 1 certificate$' 'one certificate is revoked'
says '2 live certificates of other requesters have the same key, and stay good' 'and those of others are told'
says "$third +until" 'by their serials'
says 'dns:z\.example\.org +xmpp-server +of "third"' 'names and requesters'
says '3 more live certificates have the same key, and stay good' 'and so are the rest of this one'
typed=$(grep -o 'airgap-ca .*revoke .* --key --reason keyCompromise' "$WORK/err")
like "$typed" '^airgap-ca --home [^ ]+ revoke [0-9a-f]{64} --key --reason keyCompromise$' 'with the command that ends all of them'
must ca revoke "$first" --reason keyCompromise --yes
is "$(statuses "$first")" 'revoked valid valid valid valid valid' 'they stay as they are'
run ca revoke "$first" --reason keyCompromise -n
says '2 live certificates of other requesters have the same key' 'and are told again as long as they do'
must env PATH="$BIN:$PATH" sh -c "$typed --yes" 2>"$WORK/typed.log"
is "$(statuses "$first")" 'revoked revoked revoked revoked revoked revoked' 'the command that was told revokes all'
run ca revoke "$first" --reason keyCompromise -n
status 0 'once more'
quiet 'same key' 'and then nothing is left to tell'

asked request "$WORK/single.csr" --profile tls-server
signed 'the key of a loose CSR, where the profile lets any pass'
must transfer install "$STICK"
rm -rf "$STICK/airgap-ca/requests"
must transfer revoke "$SERIAL" --reason keyCompromise --out "$STICK"
run ca sign "$STICK" -n
status 0 'a bundle revokes its certificate'
says '2 live certificates of other requesters have the same key, and stay good' 'the review of it tells of the others'
says 'of a loose CSR' 'and whose they are'
says 'revoke [0-9a-f]{64} --key --reason keyCompromise' 'with the command, too'

run ca ledger verify
status 0 'the ledger verifies'
done_testing
