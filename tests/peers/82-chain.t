#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A leaf below a CA that stands below ours, as OpenSSL, GnuTLS, NSS and Go verify it by
# our root alone: with a name that the root is bound to, and with another.
. "$(dirname "$0")/../lib/lib.sh"
PATH=/usr/bin:$PATH
needs go golang-go
needs certtool gnutls-bin
needs certutil libnss3-tools
export GOCACHE=$WORK/go-cache GOPATH=$WORK/go-path GO111MODULE=off GOTOOLCHAIN=local
must go build -o "$WORK/verify" "$TOP/tests/peers/verify.go"
needs vfychain libnss3-tools

make_ca --scope example.org --profiles sub-ca
must "$PYTHON" "$TOP/tests/tools/make_sub_ca_csr.py" "$WORK" sub 'p:C=SE,u:O=Example,u:CN=Example Sub CA' ca usage
must cp "$WORK/sub.csr" "$STICK/"
must ca sign --loose --profile sub-ca "$STICK" --yes
must cp "$STICK"/airgap-ca/responses/*/sub.pem "$STICK"/airgap-ca/responses/*/ca.pem "$WORK/"

# leaf NAME: by the CA below, and the files that each peer wants
leaf() {
	must openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj / \
		-addext "subjectAltName=DNS:$1" -out "$WORK/leaf.csr" 2>"$WORK/leaf.log"
	printf '%s\n' "subjectAltName=critical,DNS:$1" 'authorityKeyIdentifier=keyid' 'subjectKeyIdentifier=hash' \
		'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
		'extendedKeyUsage=serverAuth' >"$WORK/leaf.ext"
	must openssl x509 -req -in "$WORK/leaf.csr" -CA "$WORK/sub.pem" -CAkey "$WORK/sub.key" -days 30 \
		-set_serial "0x$(openssl rand -hex 15 | sed 's/^/01/')" -extfile "$WORK/leaf.ext" -out "$WORK/leaf.pem"
	cat "$WORK/leaf.pem" "$WORK/sub.pem" >"$WORK/chain.pem"
	must rm -rf "$WORK/nss"
	must mkdir "$WORK/nss"
	must certutil -N -d "sql:$WORK/nss" --empty-password
	must certutil -A -d "sql:$WORK/nss" -n root -t C,, -i "$WORK/ca.pem"
	must certutil -A -d "sql:$WORK/nss" -n sub -t ,, -i "$WORK/sub.pem"
	must certutil -A -d "sql:$WORK/nss" -n leaf -t ,, -i "$WORK/leaf.pem"
}
by_openssl() { openssl verify -x509_strict -purpose sslserver -CAfile "$WORK/ca.pem" -untrusted "$WORK/sub.pem" "$WORK/leaf.pem"; }
by_gnutls() { certtool --verify --load-ca-certificate "$WORK/ca.pem" --infile "$WORK/chain.pem"; }
by_nss() { certutil -V -d "sql:$WORK/nss" -n leaf -u V -e; }
by_go() { "$WORK/verify" "$WORK/ca.pem" "$WORK/chain.pem" "$1"; }

leaf www.example.org
for peer in openssl gnutls nss go; do
	ok "$peer believes a leaf below the CA below ours" "by_$peer" www.example.org
done
leaf www.example.net
for peer in openssl gnutls nss go; do
	run "by_$peer" www.example.net
	unlike "$STATUS" '^0$' "$peer: and none with a name that our root is not bound to"
done
done_testing
