#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A new key for the CA: certificates across, believed by servers by the old key's
# signature alone, and served so that clients with the old root, the new one or both
# go on.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"
needs openssl openssl
needs certtool gnutls-bin

card() {
	"$PYTHON" -c '
import cbor2, sys
card = cbor2.loads(cbor2.load(open(sys.argv[1], "rb")).value[2])
open(sys.argv[2], "wb").write(card[3][0])' "$STICK"/airgap-ca/cards/*.cose "$WORK/$1.der"
	must openssl x509 -inform DER -in "$WORK/$1.der" -out "$WORK/$1.pem"
}
field() { openssl x509 -in "$WORK/$1.pem" -noout "${@:2}"; }
# certs_of FILE NAME: NAME-1.pem, NAME-2.pem ...; $CERTS is how many
certs_of() {
	CERTS=$("$PYTHON" -c '
import re, sys
blocks = re.findall("-----BEGIN CERT.*?-----END CERTIFICATE-----\n", open(sys.argv[1]).read(), re.S)
for i, block in enumerate(blocks):
    open("%s-%d.pem" % (sys.argv[2], i + 1), "w").write(block)
print(len(blocks))' "$1" "$WORK/$2")
}
# changes FILE: the kinds of the changes of a manifest, and their certificates in NAME-N
changes() {
	"$PYTHON" -c '
import cbor2, sys
manifest = cbor2.loads(cbor2.load(open(sys.argv[1], "rb")).value[2])
print(*["%d:%d" % (c[1], len(c[2])) for c in manifest.get(15, [])])
for c in manifest[15]:
    for i, der in enumerate(c[2]):
        open("%s-%d-%d.der" % (sys.argv[2], c[1], i), "wb").write(der)' "$1" "$WORK/change"
}
newest() { ls -d "$STICK"/airgap-ca/responses/* | tail -1; }
# served NAME FILE ROOTS DESC: a client that has ROOTS alone believes what is sent
served() {
	certs_of "$1" sent
	cat "$WORK"/sent-*.pem >/dev/null
	: >"$WORK/rest.pem"
	for ((i = 2; i <= CERTS; i++)); do cat "$WORK/sent-$i.pem" >>"$WORK/rest.pem"; done
	ok "$3 (OpenSSL)" openssl verify -CAfile "$2" -untrusted "$WORK/rest.pem" "$WORK/sent-1.pem"
	ok "$3 (GnuTLS)" certtool --verify --load-ca-certificate "$2" --infile "$1"
}
request() { must transfer request "$WORK/$1.csr" --profile tls-server --out "$STICK"; }
deploy() { must transfer deploy "$1.example.org" --format fullchain --to "$WORK/srv/$1.pem" --key "$WORK/srv/$1.key"; }

make_ca
card old
enrol_online
must mkdir "$WORK/srv" "$WORK/web"
for name in one two; do
	must csr_openssl $name ec-p256 "/CN=$name.example.org" "DNS:$name.example.org"
	must cp "$WORK/$name.key" "$WORK/srv/$name.key"
done
request one
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a certificate by the old key'
must transfer install "$STICK"
deploy one
must transfer publish "$WORK/web"

# ---- refusals --------------------------------------------------------------------------

freeze "$STICK"
label() { sed -n "s/^$1 = .*object=\\([^?;]*\\).*/\\1/p" "$(home_of ca)/token.conf"; }
run ca rollover --key-type ec-p256 --use-key pkcs11:object=x --yes
status 2 'a type and a key: refused'
run ca rollover --key-type ed25519 --yes
status 2 'a type that no token of ours has: refused'
run ca rollover --use-key pkcs11:object=none --yes
status 5 'a key that is not there: refused'
run ca rollover --use-key "pkcs11:object=$(label ca)" --yes
status 2 'the key that it is: refused'
says 'is a key of this CA already' 'which is said'
run ca rollover --use-key "pkcs11:object=$(label transfer)" --yes
status 2 'the transfer key: refused'
says 'is the transfer key' 'which is said'
run ca rollover --subject '' --yes
status 2 'an empty name: refused'
run ca rollover --subject 'XX=1' --yes
status 2 'a name that is none: refused'
run ca rollover
status 2 'nobody to ask for Yes: refused'
run ca rollover --key-type ec-p384 -n
status 0 'a dry run shows it'
says 'requesters +online' 'whom it concerns'
says 'new-with-old' 'and what is made'
quiet 'path length 0' 'a CA with room below needs no warning'
unchanged 'nothing was changed by all this'

# ---- a run that is cut short goes on ---------------------------------------------------

build_faults
keys() { find "$WORK/tokens" -name '*.object' | wc -l; }
for kept in home-ca stick tokens; do cp -r "$WORK/$kept" "$WORK/$kept-before"; done
again() {
	local kept
	for kept in home-ca stick tokens; do
		rm -rf "${WORK:?}/$kept"
		cp -r "$WORK/$kept-before" "$WORK/$kept"
	done
}
serials() { sqlite3 "$(home_of ca)/ledger.db" 'SELECT count(*) FROM serial'; }
had=$(serials) had_keys=$(keys)
n=1
while [ $n -le 9 ]; do
	again
	run killed 0 unlink $n ca rollover --key-type ec-p384 --out "$STICK" --yes
	[ "$STATUS" = 137 ] || break
	run ca ledger verify
	status 0 "killed at file $n: the ledger is whole"
	run ca ledger
	case $OUT in
	*'new key: in force'*) run ca export "$STICK" ;;
	*'new key: may be signed'*)
		run ca rollover --key-type ec-p384 --out "$STICK" --yes
		is "$(keys)" $((had_keys + 2)) "killed at file $n: no second key is made"
		;;
	*) run ca rollover --key-type ec-p384 --out "$STICK" --yes ;;
	esac
	status 0 "killed at file $n: the same again ends it"
	is "$(serials)" $((had + 4)) "killed at file $n: three serials for the CA, one for its transfer key"
	is "$(ca ledger 2>/dev/null | grep -c 'new key: in force')" 1 "killed at file $n: it has one new key"
	n=$((n + 1))
done
ok 'it was killed more than once' test $n -gt 2
again

# ---- rolled over -----------------------------------------------------------------------

run ca rollover --key-type ec-p384 --out "$STICK" --yes --json
status 0 'the CA has a new key'
is "$(json trust_change)" true 'which the old one vouches for'
card new
run ca ledger verify
status 0 'the ledger is whole'
is "$(field new -subject)" "$(field old -subject)" 'the same name'
is "$(field new -ext basicConstraints,keyUsage,nameConstraints)" \
	"$(field old -ext basicConstraints,keyUsage,nameConstraints)" 'the same constraints'
unlike "$(field new -pubkey)" "$(field old -pubkey | sed -n 2p)" 'another key'
like "$(field new -text)" 'ecdsa-with-SHA384' 'by which it is signed'
unlike "$(label ca)" "$(sed -n "s/^ca = .*object=\\([^?;]*\\).*/\\1/p" "$WORK/home-ca-before/token.conf")" \
	'token.conf has it'
is "$(changes "$(newest)/manifest.cose")" '2:3 0:1' 'the requester is told of the CA and its transfer certificate'
for across in 1 2; do
	must openssl x509 -inform DER -in "$WORK/change-2-$across.der" -out "$WORK/across-$across.pem"
	is "$(field across-$across -ext nameConstraints,keyUsage)" "$(field old -ext nameConstraints,keyUsage)" \
		"the constraints are repeated across ($across)"
	is "$(field across-$across -enddate)" "$(field old -enddate)" "which ends with the old one ($across)"
done
ok 'new-with-old is of the old key' openssl verify -CAfile "$WORK/old.pem" "$WORK/across-1.pem"
ok 'old-with-new is of the new key' openssl verify -partial_chain -trusted "$WORK/new.pem" "$WORK/across-2.pem"
is "$(cat "$WORK"/{old,new,across-1,across-2}.pem | "$PYTHON" -c '
import re, sys
from cryptography import x509
print(len({x509.load_pem_x509_certificate(b.encode()).serial_number for b in
    re.findall("-----BEGIN.*?-----END CERTIFICATE-----", sys.stdin.read(), re.S)}))')" 4 'no serial twice under one name'

# ---- who believes it -------------------------------------------------------------------

give() { rm -rf "$STICK/airgap-ca/responses"; mkdir "$STICK/airgap-ca/responses"; cp -r "$1" "$STICK/airgap-ca/responses/"; }
must cp -r "$(newest)" "$WORK/change"
run transfer install "$STICK"
status 0 'the online side takes it over'
says "CA's keys or certificates have changed" 'which is said'
run transfer status
status 0 'and nothing is due'
is "$(grep -c BEGIN "$(home_of online)/ca.pem")" 2 'both roots are pinned'
run transfer install "$STICK"
says 'number 2, installed before' 'a second time nothing happens'

# ---- what is served --------------------------------------------------------------------

run transfer rotate
status 0 'rotate moves what the old key signed'
certs_of "$WORK/srv/one.pem" sent
is "$CERTS" 2 'to a chain of two'
is "$(field sent-2 -serial)" "$(field across-2 -serial)" 'with old-with-new and no root'
request two
run ca sign "$STICK" --yes
status 0 'a certificate by the new key'
must transfer install "$STICK"
deploy two
certs_of "$WORK/srv/two.pem" sent
is "$CERTS" 2 'is served with one more'
is "$(field sent-2 -serial)" "$(field across-1 -serial)" 'new-with-old, and no root'
cat "$WORK/old.pem" "$WORK/new.pem" >"$WORK/both.pem"
for name in one two; do
	for root in old new both; do
		served "$WORK/srv/$name.pem" "$WORK/$root.pem" "$name: clients with $root"
	done
done
# What this avoids: a root before those across.
cat "$WORK/new.pem" "$WORK/sent-2.pem" >"$WORK/rest.pem"
run openssl verify -CAfile "$WORK/old.pem" -untrusted "$WORK/rest.pem" "$WORK/sent-1.pem"
like "$ERR" 'error 19' 'with the new root before it the old root does not do'

is "$(openssl x509 -inform DER -in "$WORK/web/ca.crt" -noout -serial)" "$(field new -serial)" 'ca.crt is published anew'
is "$(grep -c BEGIN "$WORK/web/ca.pem")" 2 'and ca.pem with both roots'
fingerprint() { openssl x509 -in "$1" -outform DER | sha256sum | cut -d' ' -f1; }
run transfer tlsa one.example.org
prints "2 0 1 $(fingerprint "$WORK/old.pem")" 'TLSA of what the old key signed'
run transfer tlsa two.example.org
prints "2 0 1 $(fingerprint "$WORK/new.pem")" 'and of what the new key signed'
prints "2 0 1 $(fingerprint "$WORK/across-1.pem")" 'with the one across that is sent'
run ca list
status 0 'the CA lists what both keys signed'
run ca resend "$STICK"
status 0 'old responses come out as they were'
run ca check "$STICK"
like "$STATUS" '^[01]$' 'and are found whole'

# ---- once more, to a new name ----------------------------------------------------------

run ca rollover --subject 'CN=Another Name' --days 5000 --yes
status 0 'a third key under a new name, and no medium'
says "'airgap-ca [^']*resend MEDIA' each response" 'how it gets to the requesters is said'
run ca export "$STICK"
status 0 'the card'
card third
like "$(field third -subject)" 'CN ?= ?Another Name' 'has that name'
request two
run ca sign "$STICK" --yes
status 0 'the next visit signs under it, and brings what was missing'
run transfer install "$STICK"
status 0 'the online side takes both over'
says "CA's keys or certificates have changed" 'one after the other'
must transfer rotate
certs_of "$WORK/srv/two.pem" sent
is "$CERTS" 2 'served with the one across from the key before'
for root in new third; do
	served "$WORK/srv/two.pem" "$WORK/$root.pem" "after two rollovers: clients with $root"
done
for root in old new; do
	served "$WORK/srv/one.pem" "$WORK/$root.pem" "what the first key signed: clients with $root"
done
certs_of "$WORK/srv/one.pem" sent
is "$CERTS" 3 'which leads to the newest in two steps'
cat "$WORK/sent-2.pem" "$WORK/sent-3.pem" >"$WORK/rest.pem"
ok 'and with the third root (OpenSSL)' openssl verify -CAfile "$WORK/third.pem" -untrusted "$WORK/rest.pem" "$WORK/sent-1.pem"
run ca ledger verify
status 0 'the ledger is whole'

# ---- a ledger that was restored --------------------------------------------------------

# What a backup from before lacks comes back from the requester, and with it the keys.
STICK=$(stick lost)
make_ca @lost
enrol_online @home
must transfer @home request "$WORK/one.csr" --profile tls-server --out "$STICK"
run ca @lost sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer @home install "$STICK"
must ca @lost backup "$WORK/lost.db"
must ca @lost renew-ca --days 4000 --yes --out "$STICK"
must transfer @home install "$STICK"
must ca @lost rollover --yes --out "$STICK"
card lost
must transfer @home install "$STICK"
must transfer @home request "$WORK/two.csr" --profile tls-server --out "$STICK"
must ca @lost sign "$STICK" --yes
must transfer @home install "$STICK"
rm -rf "$(home_of lost)"
must ca @lost restore "$WORK/lost.db" --yes --token "$(uri lost)"
must transfer @home history --out "$STICK"
run ca @lost rollover -n
wants 7 RESTORED 'a restored ledger rolls nothing over before it was told what it lacks'
run ca @lost recover "$STICK" --yes
status 0 'a history brings back what the ledger lacks'
run ca @lost ledger
prints 'the CA renewed: in force' 'the renewal'
prints 'new key: in force' 'and the rollover'
run ca @lost ledger verify
status 0 'the ledger is whole'
run ca @lost export "$STICK"
status 0 'a card'
card again
is "$(field again -serial)" "$(field lost -serial)" 'is of the newest certificate'
must transfer @home request "$WORK/one.csr" --profile tls-server --out "$STICK"
run ca @lost sign "$STICK" --yes
status 0 'and signing goes on with the new key'
run transfer @home install "$STICK"
status 0 'which is installed'

# ---- each key's list at its own place --------------------------------------------------

STICK=$(stick lists)
make_ca @lists
printf '[requester host]\nrevoke = any\n' >>"$(home_of lists)/policy.conf"
must sed -i -e 's/^\[ca\]/&\ncrl = 4x7d+3d/' \
	-e 's|^\[profile tls-server\]|&\nextension.crlDistributionPoints = URI:http://crl.example.org/pki/a.crl, URI:ldap://example.org/x|' \
	"$(home_of lists)/policy.conf"
must ca @lists export "$STICK"
enrol_online @host
LISTS=$WORK/lists
must mkdir "$LISTS"
# issued NAME...: certificates of the newest key, for clients to look at
issued() {
	local name
	for name; do
		must transfer @host request --profile tls-server --new-key ec-p256 --name "dns:$name.example.org" --out "$STICK"
	done
	must ca @lists sign "$STICK" --yes ${REQUESTER_HEX:+--expect "$REQUESTER_HEX"}
	REQUESTER_HEX=
	must transfer @host install "$STICK"
	for name; do
		must transfer @host deploy "$name.example.org" --format cert --to "$WORK/$name.pem" --key "$WORK/$name.key"
	done
}
# place NAME: the file that its own URI names
place() { openssl x509 -in "$WORK/$1.pem" -noout -ext crlDistributionPoints | sed -n 's|.*URI:http://crl.example.org/pki/||p'; }
# checked NAME: a client that fetches the list at the URI of that certificate, and has all roots
checked() {
	openssl crl -inform DER -in "$LISTS/$(place "$1")" -out "$WORK/list.pem" &&
		openssl verify -crl_check -attime $(($(date +%s) + ${AHEAD:-0})) -CAfile "$LISTS/ca.pem" \
			-CRLfile "$WORK/list.pem" "$WORK/$1.pem"
}
gnutls_checked() {
	certtool --verify --load-ca-certificate "$LISTS/ca.pem" --infile "$WORK/$1.pem" \
		--load-crl <(openssl crl -inform DER -in "$LISTS/$(place "$1")")
}
key_of() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c1-16; }

issued good-1 bad-1
must transfer @host publish "$LISTS"
is "$(place good-1)" a.crl "the first key's certificates name the list that the policy has"
ok 'which is there' checked good-1
freeze
run ca @lists rollover -n
status 0 'what a rollover does to the lists is seen before'
says "lists? .*http://crl.example.org/pki/a-KEY.crl" 'certificates of the new key name another place'
says 'ldap://example.org/x: certificates of both keys name that place' 'and what cannot be told apart is said'
unchanged 'nothing is done'
must ca @lists rollover --out "$STICK" --yes
card lists
KEY2=$(key_of "$WORK/lists.pem")
must transfer @host install "$STICK"
issued good-2 bad-2
is "$(place good-2)" "a-$KEY2.crl" "the second key's certificates name a list of that key"
AHEAD=7300
at_once() { at "$(date -u -d "+$AHEAD seconds" '+%F %T')" "$@"; }
run at_once transfer @host rotate
status 0 'both lists are published'
is "$(cd "$LISTS" && ls ./*.crl)" "./a-$KEY2.crl
./a.crl" 'under the names that certificates have, and no other'
for name in good-1 bad-1 good-2 bad-2; do ok "$name: accepted by the list at its own URI" checked $name; done
for name in bad-1 bad-2; do must ca @lists revoke $name.example.org --reason keyCompromise --yes; done
must ca @lists crl "$STICK" --yes
must transfer @host install "$STICK"
run at_once transfer @host rotate # bad-1 has no successor
for name in good-1 good-2; do
	ok "$name: accepted after others were revoked" checked $name
	ok "$name: accepted after others were revoked (GnuTLS)" gnutls_checked $name
done
for name in bad-1 bad-2; do
	run checked $name
	like "$ERR" 'error 23 .*certificate revoked' "$name, which is revoked: refused by the list at its own URI"
	run gnutls_checked $name
	like "$OUT" 'revoked' "$name: and by GnuTLS"
done
run at_once transfer @host status
says 'as a\.crl' "status says where the first key's lies"
says "as a-$KEY2\\.crl" "and the second's"
run at_once transfer @host publish "$LISTS"
says "a-$KEY2\\.crl: of key $KEY2" 'publish says it too'
must ca @lists renew-ca --days 4000 --out "$STICK" --yes
must transfer @host install "$STICK"
issued renewed
is "$(place renewed)" "a-$KEY2.crl" 'a renewed certificate of the second key changes nothing'
must ca @lists rollover --subject 'CN=Third' --out "$STICK" --yes
card lists
KEY3=$(key_of "$WORK/lists.pem")
must transfer @host install "$STICK"
issued good-3
AHEAD=14600
run at_once transfer @host rotate # bad-1 has no successor
is "$(place good-3)" "a-$KEY3.crl" 'a third key has a third'
for name in good-1 good-2 renewed good-3; do ok "$name: accepted after two rollovers" checked $name; done
for name in bad-1 bad-2; do
	run checked $name
	like "$ERR" 'error 23 .*certificate revoked' "$name: refused after two rollovers"
done

# A host from after them knows the newest root, and that alone.
run ca @lists export "$STICK" --json
CA_HEX=$(json fingerprint)
enrol_online @late late
must transfer @late request --profile tls-server --new-key ec-p256 --name dns:late.example.org --out "$STICK"
must ca @lists sign "$STICK" --yes --expect "$REQUESTER_HEX"
run transfer @late install "$STICK"
status 0 'a host that enrols after rollovers takes the lists'
says 'by keys of the CA that this host was never told of: passed over' 'but for those that it could hold against nothing'
must mkdir "$WORK/late"
must at_once transfer @late publish "$WORK/late"
is "$(cd "$WORK/late" && ls ./*.crl)" "./a-$KEY3.crl" 'and publishes that of the key it knows, under its name'

# ---- an old key that is gone -----------------------------------------------------------

run ca @lists status
quiet 'was not on the token' 'as long as each key signs, status says nothing of it'
unlike "$OUT" 'was not on the token' 'nor in its table'
# The second key, by its public half.
object=$(pkcs11-tool --module "$MODULE" --token-label lists --list-objects --type pubkey 2>/dev/null |
	awk '/label:/ { print $2 }' | while read -r label; do
	pkcs11-tool --module "$MODULE" --token-label lists --read-object --type pubkey --label "$label" 2>/dev/null |
		sha256sum | grep -q "^$KEY2" && echo "$label"
done)
must pkcs11-tool --module "$MODULE" --token-label lists --login --pin "$PIN" --delete-object --type privkey --label "$object"
run ca @lists crl "$STICK" --yes
status 0 'without it the others go on signing lists'
run ca @lists status
prints "none by key $KEY2, good until [0-9-]+, which was not on the token" 'and status says which did not'
run ca @lists status --json
like "$(json crl.without_keys.0)" "^$KEY2" 'to programs, too'

# ---- a CA without room below -----------------------------------------------------------

STICK=$(stick tight)
make_ca @tight --scope example.org --profiles tls --path-len 0
run ca @tight rollover -n
status 0 'a CA of path length 0'
says 'GnuTLS, mbed TLS or Go refuse new certificates' 'says who will refuse'
run ca @tight rollover --subject 'CN=New' --yes
status 4 'and goes to no new name'
says 'path length 0' 'for that reason'
run ca @tight rollover --yes --out "$STICK"
status 0 'to a new key it does'
card tight
like "$(field tight -text)" 'pathlen:1' 'whose certificate has room'

done_testing
