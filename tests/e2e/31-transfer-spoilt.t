#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Responses that were changed on their way: each is refused by name, and nothing
# of it is stored.
. "$(dirname "$0")/../lib/lib.sh"
make_ca
enrol_online
must csr_openssl web ec-p256 /CN=www.example.org DNS:www.example.org
must csr_openssl two ec-p256 /CN=two.example.org DNS:two.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer request "$WORK/two.csr" --profile tls-server --out "$STICK"
must ca sign "$STICK" --yes
FIRST=$(cd "$STICK/airgap-ca/responses" && ls -d ./*-000001)
SECOND=$(cd "$STICK/airgap-ca/responses" && ls -d ./*-000002)

# spoilt COMMAND...: a copy of the stick, changed by COMMAND in its responses.
spoilt() {
	rm -rf "$WORK/spoilt"
	cp -a "$STICK" "$WORK/spoilt"
	(cd "$WORK/spoilt/airgap-ca/responses" && "$@") || fail "spoiling: $*"
	run transfer install "$WORK/spoilt" --json
}
nothing() {
	is "$(json trusted)" false "$1: the verdict is no"
	run transfer list --json
	is "$(json certificates)" '[]' "$1: nothing is stored"
}

spoilt rm -r "$FIRST"
wants 7 GAP "the second without the first is a gap"
nothing "gap"

spoilt sh -c "rm -r $FIRST && mv $SECOND $FIRST"
wants 7 GAP "a name does not make it the first"
nothing "renamed directory"

spoilt sh -c "echo >>$FIRST/ca.pem"
wants 3 MANIFEST-FILES "a file that grew is refused"
nothing "longer file"

spoilt sh -c "echo >$FIRST/0009-more.pem"
wants 3 MANIFEST-FILES "a file too many is refused"
nothing "extra file"

spoilt rm "$FIRST/policy.conf"
wants 3 MANIFEST-FILES "a file too few is refused"
nothing "missing file"

spoilt sh -c "cp $SECOND/*two.pem $FIRST/\$(cd $FIRST && ls *web.pem)"
wants 3 MANIFEST-FILES "the files of two responses do not mix"
nothing "mixed files"

spoilt sh -c "cp $SECOND/manifest.cose $FIRST/"
wants 7 GAP "nor do manifests"
nothing "mixed manifests"

spoilt sh -c "ln -sf /etc/hostname $FIRST/ca.pem"
wants 3 MEDIA-FILE "a link on the stick is not followed"
nothing "link"

spoilt "$PYTHON" -c "
f = open('$FIRST/manifest.cose', 'r+b')
f.seek(-1, 2); b = f.read(1)[0]; f.seek(-1, 2); f.write(bytes([b ^ 1]))"
wants 3 COSE-SIGNATURE "a changed signature is refused"
nothing "signature"

# ---- another requester's, another CA's --------------------------------------------

must transfer @other enroll "$STICK" --label other --expect "$CA_HEX"
run transfer @other install "$STICK"
status 6 "a response for another host is not looked at"
OTHER=$(transfer @other status --json 2>/dev/null >/dev/null;
	openssl pkey -in "$WORK/home-other/requester.pem" -pubout -outform der |
	sha256sum | cut -c1-8)
rm -rf "$WORK/spoilt"
cp -a "$STICK" "$WORK/spoilt"
mv "$WORK/spoilt/airgap-ca/responses/$FIRST" \
	"$WORK/spoilt/airgap-ca/responses/${CA_HEX:0:8}-$OTHER-000001"
run transfer @other install "$WORK/spoilt"
wants 3 CHANNEL "renaming it does not make it ours"

# ---- after all that ---------------------------------------------------------------

run transfer install "$STICK" --json
status 0 "the unspoilt stick installs"
is "$(json certificates)" 2 "with both certificates"

cp "$WORK/home-online/store.db" "$WORK/store.before"
spoilt sh -c "cp $SECOND/manifest.cose $FIRST/"
status 0 "an old directory with a known manifest is passed over"
is "$(json certificates)" 0 "and brings nothing"
ok "the store is as it was" cmp "$WORK/home-online/store.db" "$WORK/store.before"
done_testing
