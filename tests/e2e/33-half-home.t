#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A home of which a part is gone, another user's, one token of several: each stop says
# what leads out, and that is done.
. "$(dirname "$0")/../lib/lib.sh"

# ---- several tokens ------------------------------------------------------------------------
new_token one
new_token two
run ca init --subject 'CN=Half CA' --scope example.org --yes --out "$STICK"
status 5 'two tokens, and none is named'
says '("one" .*"two"|"two" .*"one") .*: give the URI of one, as pkcs11:token=LABEL' 'which is said, with the form'
run ca init --subject 'CN=Half CA' --scope example.org --yes --out "$STICK" --json \
	--token "pkcs11:token=one?module-path=$MODULE&pin-source=file:$WORK/pin"
status 0 'so it is given'
CA_HEX=$(json fingerprint)
enrol_online
must csr_openssl www ec-p256 /CN=www.example.org DNS:www.example.org
must transfer request "$WORK/www.csr" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
must ca backup "$WORK/backup.db"

# ---- a part is gone -------------------------------------------------------------------------
policy=$(home_of ca)/policy.conf
must mv "$policy" "$WORK/policy.conf"
must transfer request "$WORK/www.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes
status 7 'without policy.conf nothing is signed'
says 'policy.conf: is gone: each backup has it' 'and it says where it is'
run ca @copy restore "$WORK/backup.db" --yes --token "$(uri one)"
status 0 'a backup, restored elsewhere'
ok 'has it' cmp "$(home_of copy)/policy.conf" "$WORK/policy.conf"
ok 'and so has the first response' cmp "$(ls "$STICK"/airgap-ca/responses/*/policy.conf)" "$WORK/policy.conf"
must cp "$(home_of copy)/policy.conf" "$policy"
run ca sign "$STICK" --yes
status 0 'with that it is signed'
must transfer install "$STICK"

must mv "$(home_of online)/requester.pem" "$WORK/requester.pem"
run transfer request "$WORK/www.csr" --profile tls-server --out "$STICK"
status 7 'a host without its key'
says 'requester.pem: is gone: put it back from a copy' 'is told of a copy'
says 'requester remove online' 'and of the way without one'
must cp -p "$WORK/requester.pem" "$(home_of online)/"
run transfer request "$WORK/www.csr" --profile tls-server --out "$STICK" -n
status 0 'with the copy it asks again'
run ca requester remove online --yes
status 0 'or the CA forgets it'
must transfer @anew enroll "$STICK" --label online --expect "$CA_HEX"
must csr_openssl new ec-p256 /CN=new.example.org DNS:new.example.org
rm -r "$STICK/airgap-ca/requests"
run transfer @anew request "$WORK/new.csr" --profile tls-server --out "$STICK"
status 0 'and it is another in a new home'

must rm "$(home_of copy)"/ledger.db
run ca @copy restore "$WORK/backup.db" --yes --token "$(uri one)"
status 7 'a home that is half there is not restored over'
says 'is not empty: give another --home, or move it away' 'with the way'
must mv "$(home_of copy)" "$WORK/away"
run ca @copy restore "$WORK/backup.db" --yes --token "$(uri one)"
status 0 'which is open then'

# ---- another user's ----------------------------------------------------------------------------
# As root: one who is not; as a user, where /root is.
if [ "$(id -u)" = 0 ]; then
	must chmod 755 "$WORK"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/airgap-transfer" \
		--home "$(home_of online)" status
	theirs=0
else
	run "$BIN/airgap-transfer" --home /root status
	theirs=0
fi
wants 7 HOME-MODE "a home that is another user's"
says "belongs to user $theirs, and you may not look into it" 'is said to be that'
says 'runuser -u USER' 'with what to do'

done_testing
