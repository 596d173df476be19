#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The newest request for a name wins, at once and for good: a key that leaked comes back
# into no file, no POSH document, no TLSA record and no request, however long its
# certificates last. The guide's chapter on it is run from its own text, and a year goes by.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
START="2027-01-01 12:00:00"
new_token ca
run at "$START" ca init --subject "CN=XMPP CA for josefsson.org" --token "$(uri ca)" \
	--key-type ec-p256 --scope josefsson.org --scope chat.sjd.se \
	--profiles xmpp-server,tls-server --out "$STICK" --yes --json
CA_HEX=$(json fingerprint)
run at "$START" transfer enroll "$STICK" --label chat --expect "$CA_HEX" --json
REQUESTER_HEX=$(json fingerprint)
SRV=$WORK/srv
WWW=$WORK/www
mkdir "$SRV" "$WWW"
POSH=$WWW/.well-known/posh/xmpp-server.json

pub() { openssl pkey -in "$1" -pubout -outform der 2>/dev/null | sha256sum | cut -d' ' -f1; }
ask() { # TIME ARG...: asked, signed, installed
	local t=$1
	shift
	must at "$t" transfer request --profile xmpp-server "$@" --out "$STICK"
	must at "$t" ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	run at "$t" transfer install "$STICK"
	[ "$STATUS" = 0 ] || fail "preparation: install"
}
digest64() { openssl x509 -in "$1" -outform der | openssl dgst -sha256 -binary | base64; }

# ---- a server, and its key leaks ----------------------------------------------------------

ask "$START" --new-key rsa-2048 --domain josefsson.org --host chat.sjd.se --series 12x31d+7d
must at "$START" transfer deploy josefsson.org --format pemfile --to "$SRV/x.pem"
must at "$START" transfer publish "$WWW" josefsson.org
LEAKED=$(pub "$SRV/x.pem")
OLD_CERTS=$(ls "$WORK"/home-online/certs/josefsson.org/*.pem)
mapfile -t leaked64 < <(for c in $OLD_CERTS; do digest64 "$c"; done)

# The chapter's own commands, on this test's stick, with its homes and the time; but nothing
# is revoked: what replaces the leaked key here is the newest request alone.
LEAK="2027-01-11 12:00:00"
awk '/^\*\*The server.s key leaks/ { on = 1 } /^\*\*The CA.s key leaks/ { on = 0 }
	on && /^```/ { inside = !inside; next } on && inside' "$TOP/docs/xmpp.md" |
	sed "s|/media/stick|$STICK|" >"$WORK/letter"
sed "s|--replace josefsson.org --reason keyCompromise|--profile xmpp-server --new-key rsa-2048 --domain josefsson.org \
--host chat.sjd.se --series 12x31d+7d|" "$WORK/letter" >"$WORK/chapter"
is "$(grep -cE '^airgap-(transfer (request|install|rotate|tlsa)|ca sign)' "$WORK/letter")" 5 \
	"the chapter has five commands"
airgap-transfer() { at "$LEAK" transfer "$@"; }
airgap-ca() { at "$LEAK" ca "$@" --yes; }
set -e
(. "$WORK/chapter") >"$WORK/chapter.out" 2>"$WORK/chapter.err" && left=0 || left=$?
set +e
is "$left" 0 "they are run"
said=$(tr -s '\n ' ' ' <"$WORK/chapter.err")
like "$said" 'josefsson.org: in place of what is held \(now until 2027-02-0[0-9]\), for good' \
	"request says what it will replace"
like "$said" 'in place of +[0-9a-f]{32}, until .* NEW key; same names' "the CA's operator sees it"
like "$said" 'dns:josefsson.org: in place of 12 certificates of older requests, from now on and for good' \
	"install says what was replaced"
like "$said" 'x.pem: new; .*in place of one that a newer request replaced' "rotate too"
NEW=$(pub "$SRV/x.pem")
nok 1 "the server has the new key at once" test "$NEW" = "$LEAKED"
is "$(grep -c '3 1 1' "$WORK/chapter.out")$(grep -ci "$LEAKED" "$WORK/chapter.out")" 30 \
	"the records are of the new key alone"
run at "$LEAK" transfer list
is "$(grep -c '^replaced' <<<"$OUT") $(grep -c '^valid' <<<"$OUT") $(grep -c '^future' <<<"$OUT")" \
	"12 1 11" "list says which are replaced"
run at "$LEAK" transfer list --json
is "$(grep -o '"status": *"replaced"' <<<"$OUT" | wc -l)" 12 "to programs too"
run at "$LEAK" transfer status --within 1d
says 'replaced dns:josefsson.org: 12 certificates of older requests, the last until 2028-01-15' \
	"status says until when the leaked key is of use to a thief"
is "$(grep -c 'certificate dns:josefsson.org ends 2028-0' <<<"$ERR")" 1 "and what the name has now"

# look TIME: rotate; what is wrong, if anything
look() {
	local one
	run at "$1" transfer rotate
	[ "$STATUS" -le 1 ] || wrong+=" $1: status $STATUS;"
	[ "$(pub "$SRV/x.pem")" = "$NEW" ] || wrong+=" $1: another key;"
	for one in "${leaked64[@]}"; do
		! grep -qF "$one" "$POSH" || wrong+=" $1: POSH;"
	done
	openssl verify -attime "$(date -u -d "$1 UTC" +%s)" -CAfile "$WORK/home-online/ca.pem" \
		"$SRV/x.pem" >/dev/null 2>&1 || wrong+=" $1: not valid;"
	grep -qF "$(digest64 "$SRV/x.pem")" "$POSH" || wrong+=" $1: not in POSH;"
}
# Around each start of an old slot, and between.
wrong=
for day in 0 1 10 20 21 27 30 31 34 40 51 52 58 60 82 113 144 175 206 237 268 299 330 340; do
	look "$(date -u -d "2027-01-11 13:30:00 UTC + $day days" '+%F %T')"
done
is "$wrong" "" "for a year the leaked key comes back nowhere"
run at "2027-06-01 12:00:00" transfer tlsa josefsson.org --port 5222
unlike "$OUT" "$LEAKED" "nor is it in the records half a year later"

# The renewal is of the new one, and takes over when its first begins.
LATE="2027-12-10 12:00:00"
run at "$LATE" transfer request --renew --out "$STICK"
says '12 x 31d \+ 7d, from 2028-01-1[0-9], a new key' "the renewal goes on where the newest series ends"
must at "$LATE" ca sign "$STICK" --yes
run at "$LATE" transfer install "$STICK"
says 'in place of older requests from 2028-01-1' "install says from when"
wrong=
for t in "2027-12-10 13:00:00" "2027-12-31 12:00:00" "2028-01-10 12:00:00"; do look "$t"; done
is "$wrong" "" "until then the one before it serves"
run at "2028-01-14 12:00:00" transfer tlsa josefsson.org --port 5222
is "$(grep -c '3 1 1' <<<"$OUT")" 2 "and the records name both"
run at "2028-01-25 12:00:00" transfer rotate
THIRD=$(pub "$SRV/x.pem")
nok 1 "then the renewal serves" test "$THIRD" = "$NEW"
NEW=$THIRD wrong=
for t in "2028-01-26 12:00:00" "2028-02-20 12:00:00" "2028-07-01 12:00:00"; do look "$t"; done
is "$wrong" "" "and goes on"

# ---- one that is short, in place of one that is long ---------------------------------------

T="2028-07-02 12:00:00"
# Of the same kind of key: by that alone it would not be told from the older ones.
ask "$T" --new-key rsa-2048 --domain josefsson.org --host chat.sjd.se \
	--component conference.josefsson.org --days 20
must at "$T" transfer rotate --within 1d
NEW=$(pub "$SRV/x.pem")
like "$(openssl x509 -in "$SRV/x.pem" -noout -text)" 'conference.josefsson.org' \
	"a name that is added is there at once"
must at "2028-07-10 12:00:00" transfer rotate --within 1d
before=$(cat "$POSH")
run at "2028-07-23 12:00:00" transfer rotate
status 1 "when the short one has ended rotate is loud"
says 'no certificate of dns:josefsson.org is left' "because none is left"
is "$(pub "$SRV/x.pem")" "$NEW" "and the older series does not come back"
is "$(cat "$POSH")" "$before" "not into the POSH document either, which is left alone"
run at "2028-07-23 12:00:00" transfer tlsa josefsson.org
status 7 "nor into the records"
run at "2028-07-23 12:00:00" transfer request --renew --out "$STICK" -n
says 'dns:josefsson.org: 20d, ' "what is renewed is the newest request"
run at "2028-07-23 12:00:00" transfer deploy josefsson.org --format cert --to "$SRV/new.crt" \
	--key "$SRV/new.key"
status 7 "and a new file gets nothing of it"
ask "2028-07-23 12:30:00" --new-key ec-p256 --domain josefsson.org --host chat.sjd.se \
	--series 6x31d+7d
must at "2028-07-23 12:31:00" transfer rotate --within 1d
NEW=$(pub "$SRV/x.pem")

# ---- a clock that is wrong ------------------------------------------------------------------

before=$(cat "$POSH" "$SRV/x.pem" | sha256sum)
run at "1971-01-01 00:05:00" transfer rotate
status 1 "a server that starts without its clock"
says 'no certificate of dns:josefsson.org is valid now: the POSH documents stay as they are' "says so"
is "$(cat "$POSH" "$SRV/x.pem" | sha256sum)" "$before" "and leaves all as it was"
run at "1971-01-01 00:05:00" transfer publish "$WWW" josefsson.org
status 7 "by hand too"
is "$(cat "$POSH" "$SRV/x.pem" | sha256sum)" "$before" "nothing changes"

# ---- side by side ---------------------------------------------------------------------------

T="2028-07-24 12:00:00"
run at "$T" transfer request --profile xmpp-server --new-key rsa-2048 --domain josefsson.org \
	--host chat.sjd.se --series 6x31d+7d --beside --out "$STICK"
says 'dns:josefsson.org: beside what is held \(a key of type RSA\)' "--beside replaces nothing of another type"
must at "$T" ca sign "$STICK" --yes
run at "$T" transfer install "$STICK"
says 'a key of type RSA, beside others' "install says so"
quiet 'in place of' "and of no replacing"
must at "$T" transfer rotate --within 1d
is "$(pub "$SRV/x.pem")" "$NEW" "a file keeps the type that it has"
run at "$T" transfer deploy josefsson.org --format pemfile --to "$SRV/rsa.pem"
status 2 "a new one wants to be told"
says 'keys of several types stand side by side \((RSA, EC|EC, RSA)\): give --key-type' "which"
run at "$T" transfer deploy josefsson.org --format pemfile --to "$SRV/rsa.pem" --key-type dsa
status 2 "of those that there are"
must at "$T" transfer deploy josefsson.org --format pemfile --to "$SRV/rsa.pem" --key-type rsa
RSA=$(pub "$SRV/rsa.pem")
like "$(openssl pkey -in "$SRV/rsa.pem" -noout -text)" 'modulus' "and gets it"
run at "$T" transfer tlsa josefsson.org --port 5222
is "$(grep -c '3 1 1' <<<"$OUT")" 2 "the records name both keys"
must at "2028-08-30 12:00:00" transfer rotate --within 1d
is "$(pub "$SRV/x.pem") $(pub "$SRV/rsa.pem")" "$NEW $RSA" "each goes on with its own"
T="2028-09-02 12:00:00"
ask "$T" --new-key rsa-2048 --domain josefsson.org --host chat.sjd.se --days 60 --beside
must at "$T" transfer rotate --within 1d
is "$(pub "$SRV/x.pem")" "$NEW" "one of two is replaced by itself"
nok 1 "at once" test "$(pub "$SRV/rsa.pem")" = "$RSA"
run at "2028-09-20 12:00:00" transfer request --renew --within 200d --out "$STICK" -n
is "$(grep -c 'dns:josefsson.org: ' <<<"$ERR")" 2 "both are renewed"
T="2028-09-21 12:00:00"
ask "$T" --new-key ec-p384 --domain josefsson.org --host chat.sjd.se --days 60
must at "$T" transfer rotate --within 1d
is "$(pub "$SRV/x.pem")" "$(pub "$SRV/rsa.pem")" "without --beside one takes the place of both"
run at "$T" transfer request --profile xmpp-server --again --out "$STICK" --beside
status 2 "--beside is of a new request"

# ---- asked, and not answered ----------------------------------------------------------------

T="2028-09-22 12:00:00"
run at "$T" transfer request --profile xmpp-server --new-key ec-p256 --domain josefsson.org \
	--days 60 --out "$STICK" --json
ID=$(json bundle_id)
rm "$STICK/airgap-ca/requests/$ID.cose"
ask "$T" --new-key ec-p256 --domain josefsson.org --host chat.sjd.se --days 70
must at "$T" transfer rotate --within 1d
NEW=$(pub "$SRV/x.pem")
run at "$T" transfer request --again --out "$STICK" -n
says 'warning +josefsson.org: a later request has its place' "what is asked again gets no place that a later one has"
run at "$T" transfer request --again --out "$STICK"
must at "$T" ca sign "$STICK" --yes
run at "$T" transfer install "$STICK"
quiet 'in place of' "nor takes it when it comes"
must at "$T" transfer rotate --within 1d
is "$(pub "$SRV/x.pem")" "$NEW" "or is used"

run at "$T" transfer request --profile xmpp-server --new-key ec-p256 --domain josefsson.org \
	--host chat.sjd.se --days 10 --out "$STICK" --json
ID=$(json bundle_id)
run at "2029-07-19 12:00:00" transfer status --within 1d
status 1 "a bundle that has waited for ten months is due"
says "due +bundle $ID: 1 request of 2028-09-22 \(300 days ago\), not answered yet" "and its age is said"
run at "$T" transfer withdraw 00
status 7 "no other bundle is withdrawn"
freeze
run at "$T" transfer withdraw "${ID:0:8}" -n
status 0 "withdraw can be tried"
unchanged "which changes nothing"
run at "$T" transfer withdraw "${ID:0:8}" --json
status 0 "a bundle that was not answered is taken back"
is "$(json bundle_id)" "$ID" "the one"
says "Delete airgap-ca/requests/$ID.cose" "and the stick is not forgotten"
run at "$T" transfer status --within 1d
quiet "$ID" "it is open no more"
run at "$T" transfer request --again --out "$STICK"
status 7 "nor asked again"
run at "$T" transfer withdraw "$ID"
status 7 "twice is once too often"
must at "$T" transfer rotate --within 1d
NEW=$(pub "$SRV/x.pem")
# The CA signs it all the same: the channel goes on, and nothing of it is used.
must at "$T" ca sign "$STICK" --yes
run at "$T" transfer install "$STICK"
status 0 "an answer that comes all the same is taken"
says 'dns:josefsson.org: that bundle was withdrawn: its certificates are kept and not used' "as what it is"
must at "$T" transfer rotate --within 1d
is "$(pub "$SRV/x.pem")" "$NEW" "and not used"
run at "$T" transfer list
is "$(grep -c '^unused' <<<"$OUT")" 1 "which list says"
ask "2028-09-23 12:00:00" --new-key ec-p256 --domain chat.sjd.se --days 30
status 0 "then the channel goes on"

# ---- given up -------------------------------------------------------------------------------

T="2028-09-24 12:00:00"
run at "$T" transfer forget nobody.josefsson.org
status 7 "a name that is not held cannot be forgotten"
freeze
run at "$T" transfer forget josefsson.org -n
status 0 "forget can be tried"
unchanged "which changes nothing"
run at "$T" transfer forget josefsson.org
status 0 "a name is forgotten"
says "$SRV/x.pem: forgotten; the files stay" "with its files"
says "$SRV/rsa.pem: forgotten" "all of them"
says "$WWW: forgotten" "and its web root"
ok "they stay" test -s "$SRV/x.pem" -a -s "$POSH"
run at "$T" transfer rotate --within 1d
quiet 'josefsson.org' "rotate knows of it no more"
run at "$T" transfer list
is "$(grep 'dns:josefsson.org' <<<"$OUT" | grep -cE '^(valid|future|replaced)')" 0 "list shows none of it in use"
run at "$T" transfer status --within 1d
quiet 'dns:josefsson.org' "nor status"
run at "$T" transfer request --renew --within 400d --out "$STICK" -n
quiet 'dns:josefsson.org' "and it is not renewed"
says 'dns:chat.sjd.se' "as others are"
must transfer history --out "$STICK"
ok "what the CA may want back is all there" test -d "$STICK"/airgap-ca/history
ask "2028-09-25 12:00:00" --new-key ec-p256 --domain josefsson.org --days 30
quiet 'in place of' "asked for again it is new"
must at "2028-09-25 12:00:00" transfer deploy josefsson.org --format pemfile --to "$SRV/x.pem"

# ---- the chapter to the letter -------------------------------------------------------------

STICK=$(stick letter)
new_token letter
run at "$START" ca @letter init --subject "CN=XMPP CA for josefsson.org" --token "$(uri letter)" \
	--key-type ec-p256 --scope josefsson.org --scope chat.sjd.se --profiles xmpp-server --out "$STICK" --yes --json
CA_HEX=$(json fingerprint)
run at "$START" transfer @chat enroll "$STICK" --label chat --expect "$CA_HEX" --json
REQUESTER_HEX=$(json fingerprint)
must at "$START" transfer @chat request --profile xmpp-server --new-key rsa-2048 --domain josefsson.org \
	--host chat.sjd.se --series 12x31d+7d --out "$STICK"
must at "$START" ca @letter sign "$STICK" --yes --expect "$REQUESTER_HEX"
must at "$START" transfer @chat install "$STICK"
must at "$START" transfer @chat deploy josefsson.org --format pemfile --to "$SRV/letter.pem"
LEAKED=$(pub "$SRV/letter.pem")
sed -i "s|$WORK/stick|$STICK|" "$WORK/letter"
airgap-transfer() { at "$LEAK" transfer @chat "$@"; }
airgap-ca() { at "$LEAK" ca @letter "$@" --yes; }
set -e
(. "$WORK/letter") >"$WORK/chapter.out" 2>"$WORK/chapter.err" && left=0 || left=$?
set +e
is "$left" 0 "the chapter is followed as it stands there"
is "$(grep -c 'to be revoked: certificate .*(keyCompromise)' "$WORK/chapter.err")" 12 "request says what is to be revoked"
nok 1 "the server has a new key" test "$(pub "$SRV/letter.pem")" = "$LEAKED"
run at "$LEAK" transfer @chat list
is "$(grep -c '^revoked' <<<"$OUT") $(grep -c '^valid' <<<"$OUT") $(grep -c '^future' <<<"$OUT")" \
	"12 1 11" "list says which are revoked"
run at "$LEAK" ca @letter list
is "$(grep -c ' revoked ' <<<"$OUT")" 12 "at the CA too"

done_testing
