#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the CA's own certificate is bound to: a policy that allows more is refused
# by name before anything is signed, and OpenSSL and GnuTLS say the same.
. "$(dirname "$0")/../lib/lib.sh"
needs certtool gnutls-bin

make_ca --scope example.org --scope-ip 192.0.2.0/24 --scope-ip 2001:db8::/32 \
	--scope-email example.org --profiles tls
enrol_online
policy=$(home_of ca)/policy.conf
run openssl x509 -in "$(home_of online)/ca.pem" -noout -ext nameConstraints
prints 'IP:192.0.2.0/255.255.255.0' 'init --scope-ip is in the certificate'
prints 'IP:2001:DB8:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0' 'and twice'
prints 'email:\.example.org' 'so is --scope-email, with all below'
is "$(grep -c '^scope-ip = 192.0.2.0/24, 2001:db8::/32$' "$policy")" 1 'and the policy begins with the ranges'
must sed -i 's/^names = dns$/names = dns, ip, email/; s/^names-max = 1/names-max = 9/' "$policy"
run ca policy check
status 0 'a policy within the certificate is good'
prints 'bound to +dns:example.org, ip:192.0.2.0/24, ip:2001:db8::/32, email:example.org, email:.example.org' \
	'policy check says what the CA is bound to for good'
must cp "$policy" "$WORK/good.conf"

# ---- a policy that allows more -------------------------------------------------------------

must transfer request --profile tls-server --new-key ec-p256 --name dns:a.example.org --out "$STICK"
# wider KEY SED WHAT: refused by every command that signs
wider() {
	must sed -i "$2" "$policy"
	freeze
	run ca policy check
	refused 4 POLICY-BOUND "policy.conf: $1 = .*$3" "policy check: $1 wider than the certificate"
	run ca policy check "$policy"
	wants 4 POLICY-BOUND "and by its file's name"
	for cmd in "sign $STICK --expect $REQUESTER_HEX" "export $STICK" 'transfer-key --key-type ec-p256'; do
		run ca $cmd --yes
		refused 4 POLICY-BOUND "policy.conf: $1 = " "${cmd%% *} refuses that policy"
	done
	must cp "$WORK/good.conf" "$policy"
}
wider scope 's/^scope = .*/scope = example.org, example.net/' 'names of type dns .*bound for good to dns:example.org'
wider scope 's/^scope = .*/scope = any/' 'any: allows names of type dns'
wider scope-ip 's|^scope-ip = .*|scope-ip = 192.0.0.0/16|' 'names of type ip'
wider scope-ip 's|^scope-ip = .*|scope-ip = 198.51.100.0/24|' 'names of type ip'
run ca policy check "$WORK/good.conf"
status 0 'the good one is good'
run "$BIN/airgap-ca" --home "$WORK/nowhere" policy check "$WORK/good.conf"
status 0 'without a CA a file is only read'
unlike "$OUT" 'bound to' 'and nothing is said of a certificate'

# ---- what is signed is accepted ---------------------------------------------------------------

# accepted NAME...: asked for, signed, installed, and believed by two peers
accepted() {
	local args=() name file
	for name; do args+=(--name "$name"); done
	must transfer request --profile tls-server --new-key ec-p256 "${args[@]}" --out "$STICK"
	run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	status 0 "$*: is signed"
	must transfer install "$STICK"
	file=$(find "$(home_of online)/certs" -name '*.pem' -newer "$WORK/mark" | sort | tail -1)
	touch "$WORK/mark"
	ok "$*: OpenSSL accepts it" openssl verify -x509_strict -CAfile "$(home_of online)/ca.pem" "$file"
	ok "$*: GnuTLS accepts it" certtool --verify --load-ca-certificate "$(home_of online)/ca.pem" --infile "$file"
}
touch "$WORK/mark"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
touch "$WORK/mark"
sleep 0.01
accepted dns:www.example.org
accepted dns:b.example.org ip:192.0.2.7
accepted ip:192.0.2.8
accepted ip:2001:db8::8
accepted email:a@example.org
accepted email:a@mail.example.org ip:192.0.2.9

# ---- the online side's own policy is older, or lies ------------------------------------------

for name in dns:www.example.net ip:198.51.100.1 email:a@example.net; do
	run transfer request --profile tls-server --new-key ec-p256 --name "$name" --out "$STICK"
	wants 4 NAME-SCOPE "request: $name lies outside"
	says 'bound to for good' 'and the remedy does not say that policy.conf could help'
done

# ---- a subject of the policy's own -----------------------------------------------------------

# Where the certificate binds nothing, the policy alone keeps a CN to the scope.
STICK=$(stick unbound)
new_token unbound
run ca @unbound init --subject CN=Unbound --token "$(uri unbound)" --scope example.org \
	--profiles tls --constraints none --out "$STICK" --yes --json
CA_HEX=$(json fingerprint)
enrol_online @at-unbound
must transfer @at-unbound request --profile tls-server --new-key ec-p256 --name dns:u.example.org --out "$STICK"
sed -i '0,/^subject = .*/s//subject = O=Example, CN=www.example.net/' "$(home_of unbound)/policy.conf"
run ca @unbound sign "$STICK" --yes --expect "$REQUESTER_HEX" -n
says 'SUBJECT' 'a CN that is a host outside the scope is refused'
says 'has CN=www.example.net, which' 'and named'
sed -i '0,/^subject = .*/s//subject = O=Example, CN=www.example.org/' "$(home_of unbound)/policy.conf"
run ca @unbound sign "$STICK" --yes --expect "$REQUESTER_HEX" -n
says 'subject +O=Example, CN=www.example.org' 'one within it is shown in the review'
says 'To be signed: 1 certificate' 'to be signed'

# ---- options that are none -----------------------------------------------------------------

for bad in 192.0.2.1/24 192.0.2.0 example.org ''; do
	run ca @other init --subject CN=x --token "$(uri ca)" --scope-ip "$bad" --yes
	status 2 "--scope-ip '$bad' is refused"
	says "scope-ip $bad: wanted ADDRESS/BITS" 'and what is wanted'
done
for bad in '*.example.org' 'a@example.org' ''; do
	run ca @other init --subject CN=x --token "$(uri ca)" --scope-email "$bad" --yes
	status 2 "--scope-email '$bad' is refused"
done

done_testing
