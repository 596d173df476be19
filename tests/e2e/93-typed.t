#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is to be typed next is pasted into a shell as it is printed, in homes that are not
# the default ones and have spaces in their paths, and on a stick that has one.
. "$(dirname "$0")/../lib/lib.sh"

CA='@ca of b'
HOST="@host of d's"
STICK=$(stick 'my stick')
as_of() { echo "$WORK/home-${1#@}"; }

# typed PROGRAM COMMAND: the first such line that the last run printed, up to the quote
# that it stands in, or to the end of its line
typed() {
	printf '%s\n%s\n' "$ERR" "$OUT" |
		sed -nE "s/.*\`($1 --home [^\`]* $2( [^\`]*)?)\`.*/\1/p; t
			s/.*'($1 --home [^']* $2( [^']*)?)'.*/\1/p; t
			s/.*($1 --home .* $2( .*)?)\$/\1/p" | head -1
}
# pasted STATUS PROGRAM COMMAND DESC [INSTEAD...]: typed into sh, with the stick for STICK
# or MEDIA, and by further rules of sed
pasted() {
	local wanted=$1 line desc=$4 way=()
	line=$(typed "$2" "$3")
	if [ -z "$line" ]; then
		fail "$desc" "no $2 ... $3 is told"
		return
	fi
	line=$(sed -E "s#(STICK|MEDIA)#'$STICK'#; ${5:-}" <<<"$line")
	if [ "$2" = airgap-ca ]; then
		if [ "$unshare_net" != none ]; then
			way=(unshare "$unshare_net" --)
		else
			case $3 in init | export | sign) line+=' --allow-network' ;; esac
		fi
	fi
	run env PATH="$BIN:$PATH" "${way[@]}" sh -c "$line"
	status "$wanted" "$desc"
}

# ---- the CA ------------------------------------------------------------------------------
new_token ca
run ca "$CA" status
status 7 'no CA in that home'
# shellcheck disable=SC2016
pasted 0 airgap-ca init 'what makes one makes it there' \
	"s#CN=NAME#'CN=Typed' --scope example.org --profiles tls --yes --token '$(uri ca | sed 's/&/\\&/g')' --out '$STICK'#"
ok 'in that home' test -e "$(as_of "$CA")/ledger.db"
run ca "$CA" init --subject CN=Again --token "$(uri ca)"
status 7 'there is one now'
pasted 0 airgap-ca export 'and its card is written again'
must csr_openssl www ec-p256 /CN=www.example.org DNS:www.example.org
must cp "$WORK/www.csr" "$STICK/www.csr"
run ca "$CA" sign "$STICK"
pasted 0 airgap-ca sign 'loose CSRs on a stick with a space in its name' 's/--profile P/--profile tls-server --yes/'
must rm "$STICK/www.csr"
run ca "$CA" status
pasted 0 airgap-ca backup 'a backup'
run ca "$CA" show 0102
pasted 0 airgap-ca list 'the list of certificates'
must rm -r "$STICK/airgap-ca/responses"
run ca "$CA" check "$STICK"
pasted 0 airgap-ca resend "what a rule's remedy says"

# ---- the online side -----------------------------------------------------------------------
run ca "$CA" export "$STICK" --json
CA_HEX=$(json fingerprint)
run transfer "$HOST" list
pasted 0 airgap-transfer enroll 'a host is enrolled' "s#\$# --label host --expect $CA_HEX#"
ok 'in its home' test -e "$(as_of "$HOST")/store.db"
must transfer "$HOST" request "$WORK/www.csr" --profile tls-server --days 10 --out "$STICK"
LATER=$(date -u -d '+320 days' '+%F %T')
run at "$LATER" transfer "$HOST" status
pasted 0 airgap-transfer 'request --again' 'what has no answer is asked for again'
ok 'a second bundle' test "$(ls "$STICK"/airgap-ca/requests | wc -l)" = 2
run at "$LATER" transfer "$HOST" status
pasted 0 airgap-transfer withdraw 'or withdrawn' 's#$# --yes#'
done_testing
