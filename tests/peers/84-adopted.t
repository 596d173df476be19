#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A CA whose key was a file goes on from a PIV card, by docs/adoption.md to the letter
# and by both modules: OpenSSL, GnuTLS, NSS and Go, who have its old certificate alone,
# believe what it signed before and what the card signs, and not what it has revoked.
. "$(dirname "$0")/../token/piv.sh"
PATH=/usr/bin:$PATH
needs go golang-go
needs certtool gnutls-bin
needs certutil libnss3-tools
needs crlutil libnss3-tools
export GOCACHE=$WORK/go-cache GOPATH=$WORK/go-path GO111MODULE=off GOTOOLCHAIN=local
must go build -o "$WORK/verify" "$TOP/tests/peers/verify.go"

pcscd_start
card_start a 0 --serial 101
card_start b 1 --serial 202

# ---- the CA of before --------------------------------------------------------------------

# old_ca NAME: a root with the AKI that easy-rsa gives, and two certificates, in $OLD
old_ca() {
	OLD=$WORK/$1
	must mkdir "$OLD" "$OLD/newcerts"
	must openssl ecparam -name prime256v1 -genkey -noout -out "$OLD/ca.key"
	must openssl req -x509 -new -key "$OLD/ca.key" -subj "/O=Old/CN=$1" -days 3000 -out "$OLD/ca.pem" \
		-addext keyUsage=keyCertSign,cRLSign
	printf '%s\n' '[ca]' 'default_ca = d' '[d]' "dir = $OLD" "database = $OLD/index.txt" "new_certs_dir = $OLD/newcerts" \
		"serial = $OLD/serial" 'default_md = sha256' 'default_days = 300' 'policy = p' 'copy_extensions = copy' \
		'x509_extensions = e' '[p]' 'commonName = supplied' '[e]' 'basicConstraints = CA:FALSE' \
		'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid,issuer:always' \
		'keyUsage = digitalSignature' 'extendedKeyUsage = serverAuth' >"$OLD/ca.cnf"
	: >"$OLD/index.txt"
	echo 01 >"$OLD/serial"
	for name in kept gone; do
		must openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$OLD/$name.key" \
			-subj "/CN=$name.example.org" -addext "subjectAltName=DNS:$name.example.org" -out "$OLD/$name.csr"
		must openssl ca -batch -config "$OLD/ca.cnf" -cert "$OLD/ca.pem" -keyfile "$OLD/ca.key" -in "$OLD/$name.csr" -out "$OLD/$name.pem"
	done
}

# ---- the page ----------------------------------------------------------------------------

# The commands of a page are typed where the files lie, to the one card that is meant.
page_tool() { piv "$CARD" -P "$PIN" "$@"; }
typed() {
	local line
	while read -r line; do
		(cd "$OLD" && eval "$line") >"$WORK/ok.log" 2>&1
		local status=$?
		is "$status" 0 "$CARD: $line"
		[ "$status" = 0 ] || comment <"$WORK/ok.log"
	done
}
by_the_page() {
	typed < <(sed -n 's/^    \(openssl pkcs8 \)/\1/p; s/^    yubico-piv-tool /page_tool /p' "$TOP/docs/adoption.md")
}

# ---- those who have the old certificate --------------------------------------------------

by_openssl() { openssl verify -x509_strict -purpose sslserver -CAfile "$OLD/ca.pem" "$1"; }
by_gnutls() { certtool --verify --load-ca-certificate "$OLD/ca.pem" --infile "$1"; }
nss() { certutil "$@" -d "sql:$OLD/nss"; }
by_nss() {
	nss -A -n leaf -t ,, -i "$1" && nss -V -n leaf -u V -e
	local status=$?
	nss -D -n leaf
	return $status
}
by_go() { "$WORK/verify" "$OLD/ca.pem" "$1" "$2"; }
# believed WHAT FILE NAME
believed() {
	local peer
	for peer in openssl gnutls nss go; do
		ok "$CARD: $peer believes $1" "by_$peer" "$2" "$3"
	done
}

# ---- adopted, by each module -------------------------------------------------------------

adopted() {
	local module=$1
	CARD=$2
	STICK=$(stick "$module")
	old_ca "$CARD"
	must mkdir "$OLD/nss" "$OLD/www"
	must nss -N --empty-password
	must nss -A -n root -t C,, -i "$OLD/ca.pem"
	by_the_page
	dialogue 'PIN of [^:]*:' "$PIN" -- ca "@$module" init --adopt "$OLD/ca.pem" --token "$(token_now "$module")" \
		--use-key "pkcs11:id=%02" --transfer-key "pkcs11:id=%01" --index "$OLD/index.txt" --certs "$OLD/newcerts" \
		--scope example.org --profiles tls --out "$STICK" --yes
	status 0 "$CARD: the CA goes on from the card, by $module"
	CA_HEX=$(sed -n 's/^ *SHA-256 //p' <<<"$OUT")
	enrol_online "@$module"
	is "$(openssl x509 -in "$(home_of "$module")/ca.pem")" "$(openssl x509 -in "$OLD/ca.pem")" \
		"$CARD: with the certificate that it had"
	must transfer "@$module" request --profile tls-server --new-key ec-p256 --name dns:new.example.org --out "$STICK"
	must ca "@$module" revoke gone.example.org --reason keyCompromise --yes
	dialogue 'PIN of [^:]*:' "$PIN" -- ca "@$module" sign "$STICK" --yes --expect "$REQUESTER_HEX"
	status 0 "$CARD: and signs"
	dialogue 'PIN of [^:]*:' "$PIN" -- ca "@$module" crl "$STICK" --series 4 --every 7d --overlap 3d --yes
	status 0 "$CARD: certificates and CRLs"
	must transfer "@$module" install "$STICK"
	must transfer "@$module" deploy new.example.org --format fullchain --to "$OLD/new.pem" --key "$OLD/new.key"
	must transfer "@$module" publish "$OLD/www"
	must openssl crl -inform DER -in "$OLD/www/ca.crl" -out "$OLD/crl.pem"
	believed 'what the key signed as a file' "$OLD/kept.pem" kept.example.org
	believed 'what the card has signed' "$OLD/new.pem" new.example.org

	ok "$CARD: OpenSSL takes the CRL" openssl verify -crl_check -CAfile "$OLD/ca.pem" -CRLfile "$OLD/crl.pem" "$OLD/kept.pem"
	run openssl verify -crl_check -CAfile "$OLD/ca.pem" -CRLfile "$OLD/crl.pem" "$OLD/gone.pem"
	is "$STATUS" 2 "$CARD: in which an old certificate is revoked"
	says 'certificate revoked' "$CARD: for that reason"
	run certtool --verify --load-ca-certificate "$OLD/ca.pem" --load-crl "$OLD/crl.pem" --infile "$OLD/gone.pem"
	is "$STATUS" 1 "$CARD: GnuTLS refuses it"
	prints 'certificate chain is revoked' "$CARD: for that reason"
	must crlutil -I -d "sql:$OLD/nss" -i "$OLD/www/ca.crl" -B
	run by_nss "$OLD/gone.pem"
	is "$STATUS" 255 "$CARD: and NSS"
	like "$OUT$ERR" 'has been revoked' "$CARD: for that reason"
	ok "$CARD: which believes the other still" by_nss "$OLD/kept.pem"
}
# OpenSC calls a card by the certificate in 9a, which is what the page makes of it.
token_now() {
	case $1 in
	opensc) echo "pkcs11:token=YubiKey%20PIV%20Attestation%209a?module-path=$(piv_module opensc)" ;;
	*) piv_uri "$1" "$CARD" ;;
	esac
}

adopted opensc a
adopted ykcs11 b
done_testing
