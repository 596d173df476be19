#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Another transfer key: while the old one works, and when it is gone.
. "$(dirname "$0")/../lib/lib.sh"

needs pkcs11-tool opensc

# visit DESC: one request of the online side, signed and installed.
visit() {
	local name=$RANDOM$RANDOM
	csr_openssl "$name" ec-p256 "/CN=www.example.org" DNS:www.example.org
	run transfer request "$WORK/$name.csr" --profile tls-server --out "$STICK"
	status 0 "$1: a request"
	run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	status 0 "$1: signed"
	run transfer install "$STICK"
	status 0 "$1: installed"
}

# transfer_certs: the digests of the certificates that signed the card and the
# newest manifest on the stick.
signer_of() {
	"$PYTHON" -c '
import cbor2, hashlib, sys
head = cbor2.loads(cbor2.load(open(sys.argv[1], "rb")).value[0])
print(hashlib.sha256(head[33]).hexdigest())' "$1"
}
newest() { ls -d "$STICK"/airgap-ca/responses/* | tail -1; }

make_ca
enrol_online
visit "the first key"
first=$(signer_of "$STICK"/airgap-ca/cards/*.cose)
is "$(signer_of "$(newest)/manifest.cose")" "$first" "the card's key signs the manifest"
must cp "$STICK"/airgap-ca/cards/*.cose "$WORK/first.cose"

# ---- refusals -----------------------------------------------------------------------

run ca transfer-key --yes
status 2 "neither a key nor a type: refused"
run ca transfer-key --use-key pkcs11:object=x --key-type ec-p256 --yes
status 2 "both: refused"
run ca transfer-key --key-type ed25519 --yes
status 2 "a type that no token of ours has: refused"
run ca transfer-key --use-key pkcs11:object=none --yes
status 5 "a key that is not there: refused"
label() { sed -n "s/^$1 = .*object=\\([^?;]*\\).*/\\1/p" "$(home_of ca)/token.conf"; }
old=$(label transfer)
run ca transfer-key --use-key "pkcs11:object=$old" --yes
status 2 "the key that it is: refused"
says 'is the transfer key already' "which is said"
run ca transfer-key --use-key "pkcs11:object=$(label ca)" --yes
status 2 "the CA key: refused"
says 'is the CA key' "which is said"
run ca transfer-key --key-type ec-p256 -n
status 0 "a dry run shows"
says 'requesters +online' "whom it concerns"
run ca transfer-key --key-type ec-p256
status 2 "nobody to ask for Yes: refused"
is "$(label transfer)" "$old" "nothing was changed by all this"
if [ -n "$(ip -o link show up | grep -v LOOPBACK)" ]; then
	run on_network ca transfer-key --key-type ec-p256 --yes
	wants 7 NETWORK-UP "not on a network"
fi

# ---- the old key vouches for the new one --------------------------------------------

run ca transfer-key --key-type ec-p384 --out "$STICK" --yes --json
status 0 "a new transfer key"
is "$(json trust_change)" true "the old one vouches for it"
second=$(signer_of "$STICK"/airgap-ca/cards/*.cose)
unlike "$second" "$first" "the card is signed by the new one"
is "$STICK/$(json responses.0)" "$(newest)" "the requester gets a response"
is "$(signer_of "$(newest)/manifest.cose")" "$first" "signed by the old one"
unlike "$(label transfer)" "$old" "token.conf has the new one"
run ca ledger verify
status 0 "the ledger is whole"
run transfer install "$STICK"
status 0 "the online side takes it"
visit "the second key"
is "$(signer_of "$(newest)/manifest.cose")" "$second" "the new key signs from now on"

# Without a medium: the response comes with the next visit.
must token keygen "$(uri ca)" --label third --type rsa-2048
run ca transfer-key --use-key pkcs11:object=third --yes
status 0 "an adopted RSA key, and no medium"
says "'airgap-ca [^']*resend MEDIA' each response" "how it gets there is said"
csr_openssl late ec-p256 "/CN=www.example.org" DNS:www.example.org
run transfer request "$WORK/late.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes
status 0 "the next visit is signed"
third=$(signer_of "$(newest)/manifest.cose")
unlike "$third" "$second" "by the third key"
run transfer install "$STICK"
status 0 "and brings what was missing"

# ---- the old key is gone -------------------------------------------------------------

must pkcs11-tool --module "$MODULE" --token-label ca --login --pin "$PIN" \
	--delete-object --type privkey --label third
run ca export "$STICK"
status 5 "without the transfer key no card"
run ca transfer-key --key-type ec-p256 --out "$STICK" --yes --json
status 0 "a new one can be made all the same"
is "$(json trust_change)" false "but nothing vouches for it"
says 'enroll MEDIA --replace' "what the online side must do is said"
unlike "$(signer_of "$STICK"/airgap-ca/cards/*.cose)" "$third" "the card is signed by the new one"
run ca ledger verify
status 0 "the ledger is whole"
run transfer enroll "$STICK" --replace --expect "$CA_HEX"
status 0 "the online side compares the words again"
visit "the fourth key"
fourth=$(signer_of "$STICK"/airgap-ca/cards/*.cose)

# ---- back to an old card: an act of its own ------------------------------------------

freeze "$STICK" "$WORK/first.cose"
run transfer enroll "$WORK/first.cose" --replace --expect "$CA_HEX"
refused 7 CARD-OLD 'the card is of a transfer key from .*, and the pinned one is from' \
	"the card of a replaced transfer key does not take the new one's place"
run transfer enroll "$STICK" --go-back --expect "$CA_HEX"
status 2 'the card that is pinned is no step back'
run transfer enroll "$WORK/first.cose" --go-back --replace --expect "$CA_HEX"
status 2 'one or the other'
run transfer enroll "$WORK/first.cose" --go-back -n --expect "$CA_HEX"
status 0 'a dry run of going back'
says 'Going back: keys and policy become those of this card' 'says what it is'
unchanged 'and changes nothing'
dialogue 'Type Yes' no -- transfer enroll "$WORK/first.cose" --go-back
status 4 'the words are asked for there too'
unchanged 'and without them nothing changes'
run transfer status
quiet '^back' 'until then status knows nothing of it'
run transfer enroll "$WORK/first.cose" --go-back --expect "$CA_HEX"
status 0 'whoever wants to goes back'
is "$(sqlite3 "$(home_of online)/store.db" 'SELECT back FROM pinned_card ORDER BY n DESC LIMIT 1')" 1 'which is recorded'
run transfer status --json
says '^back +card of 20[-0-9]* was pinned on 20[-0-9]* in place of a newer one' 'and status says it'
is "$(json went_back)" true 'to programs too'
run transfer enroll "$STICK" --replace --expect "$CA_HEX"
status 0 'the newest card is pinned again'
is "$(signer_of "$STICK"/airgap-ca/cards/*.cose)" "$fourth" 'with the newest key'
run transfer status --json
is "$(json went_back)" false 'and all is as before'
visit "the fourth key again"

done_testing
