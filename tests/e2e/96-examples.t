#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The happy path of README.md and the EXAMPLES of the manuals, to the letter: each of
# their commands, in the order in which one types them.
. "$(dirname "$0")/../lib/lib.sh"

ETC=$WORK/etc
must mkdir -p "$ETC"/{jabberd2,prosody/certs,ejabberd} "$WORK/www/example.org"

# Lines of a shell, those that end in a backslash joined with the next.
joined() { sed -e ':more' -e '/\\$/{N;s/ *\\\n */ /;b more' -e '}'; }
# happy_path: "laptop$ ..." and "server# ..."
happy_path() {
	sed -n '/^## The happy path/,/^##* I only/p' "$TOP/README.md" | sed -n 's/^    //p' | joined
}
# examples PAGE: what stands between .Bd -literal and .Ed
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$TOP/docs/man/$1" | sed -n '/^\.Bd/,/^\.Ed/p' |
		sed -e '/^\./d' -e "s/\\\\(aq/'/g" -e 's/\\e/\\/g' | joined
}

# typed CA LINE: what a person types, with the answers that a terminal would be given
typed() {
	local ca=$1 line words=()
	line=$(sed -E -e "s#/media/stick|STICK#$STICK#g" -e "s#/etc/#$ETC/#g" -e "s#/srv/www/#$WORK/www/#" -e 's/-g [a-z]+ //' \
		-e "s/--reload '[^']*'/--reload true/" <<<"$2")
	eval "words=($line)"
	case $line in
	'airgap-ca init '*) run ca "@$ca" "${words[@]:1}" --yes --token "$(uri "$ca")" ;;
	'airgap-ca crl '*) run ca "@$ca" "${words[@]:1}" --yes ;;
	'airgap-ca sign '*) run ca "@$ca" "${words[@]:1}" --yes --expect "$REQUESTER_HEX" ;;
	'airgap-ca '*) run ca "@$ca" "${words[@]:1}" ;;
	'airgap-transfer enroll '*)
		run ca "@$ca" export "$STICK" --json
		run transfer "@$ca-host" "${words[@]:1}" --expect "$(json fingerprint)" --json
		REQUESTER_HEX=$(json fingerprint)
		;;
	'airgap-transfer '*) run transfer "@$ca-host" "${words[@]:1}" ;;
	'systemctl '*) run true ;; # a timer that make install-online brings
	*) run "${words[@]}" ;;
	esac
	status 0 "${line%% *} $(cut -d' ' -f2 <<<"$line"), as it stands there"
}
# names CMD...: which commands these are
named() { sed -nE 's/^([a-z]+[$#] )?(airgap-[a-z]+ [a-z]+).*/\2/p' | tr '\n' ','; }

# ---- README.md ----------------------------------------------------------------------------
new_token readme
STICK=$(stick readme)
happy_path >"$WORK/path"
is "$(named <"$WORK/path")" 'airgap-ca init,airgap-transfer enroll,airgap-transfer request,airgap-ca sign,airgap-transfer install,airgap-transfer deploy,airgap-ca crl,airgap-transfer install,airgap-transfer publish,airgap-transfer request,airgap-ca sign,airgap-transfer install,airgap-transfer rotate,' \
	'README.md: the happy path has these commands'
while read -r _ line; do typed readme "$line"; done <"$WORK/path"
is "$(openssl x509 -in "$ETC/jabberd2/server.pem" -noout -ext subjectAltName | grep -c DNS:chat.example.org)" 1 \
	'and the server has its certificate'
run transfer @readme-host list --json
is "$(grep -o '"status": *"[a-z]*"' "$WORK/out" | sort | uniq -c | tr -s '\n ' ' ')" \
	' 11 "status":"future" 12 "status":"revoked" 1 "status":"valid" ' 'for a year, and what was replaced is revoked'
# A CRL goes out an hour after its date, for the clocks of others.
run at "$(date -u -d '+2 hours' '+%F %T')" transfer @readme-host rotate
is "$(openssl crl -in "$WORK/www/example.org/ca.crl" -inform der -noout -text | grep -c 'Serial Number')" 12 \
	'in the CRL that lies in the web root too'
must rm -r "$ETC/jabberd2"
must mkdir "$ETC/jabberd2"

# ---- airgap-ca(1), airgap-transfer(1) ------------------------------------------------------
new_token pages
STICK=$(stick pages)
examples airgap-ca.1 >"$WORK/ca"
examples airgap-transfer.1 | grep -v '^#' | grep . >"$WORK/transfer"
is "$(named <"$WORK/ca")$(named <"$WORK/transfer")" 'airgap-ca init,airgap-ca sign,airgap-ca ledger,airgap-transfer enroll,airgap-transfer request,airgap-transfer install,airgap-transfer list,airgap-transfer deploy,airgap-transfer deploy,airgap-transfer deploy,' \
	'the manuals have these examples'
typed pages "$(grep '^airgap-ca init' "$WORK/ca")"
while read -r line; do
	[[ $line != 'airgap-transfer install '* ]] || typed pages "$(grep '^airgap-ca sign' "$WORK/ca")"
	typed pages "$line"
done <"$WORK/transfer"
for file in jabberd2/server.pem prosody/certs/example.org.crt ejabberd/example.org.pem; do
	ok "$file has its certificate" openssl x509 -in "$ETC/$file" -noout
done
must transfer @pages-host history --out "$STICK"
must cd "$STICK"/airgap-ca/history/*-*
typed pages "$(sed -n 's#000012#000001#; /^airgap-ca ledger/p' "$WORK/ca")"
must cd "$WORK"

# ---- airgap-token(1) -----------------------------------------------------------------------
examples airgap-token.1 | sed 's/^[$] //' >"$WORK/token"
is "$(named <"$WORK/token")" 'airgap-token init,airgap-token keygen,airgap-token check,' \
	'airgap-token(1) has these'
PINS=(--pin-source "$WORK/pin")
while read -r line; do
	eval "words=($(sed "s#pkcs11:token=ca[^\"]*#&?module-path=$MODULE\\&pin-source=file:$WORK/pin#" <<<"$line"))"
	[ "${words[1]}" != init ] || words+=("${PINS[@]}" --so-pin-source "$WORK/so-pin" --yes)
	run token "${words[@]:1}"
	status 0 "airgap-token ${words[1]}, as it stands there"
done <"$WORK/token"

# ---- airgap-policy(5), airgap-ledger(5) -----------------------------------------------------
examples airgap-policy.5 >"$WORK/example.conf"
run ca @nowhere policy check "$WORK/example.conf"
status 0 'the policy of airgap-policy(5) is one'
examples airgap-ledger.5 >"$WORK/example.py"
must cd "$(home_of pages)"
is "$("$PYTHON" "$WORK/example.py")" True 'the hash of record 7, by hand'
done_testing
