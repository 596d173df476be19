#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The CRLs of a series, each in place when it is due: in the web root as DER, in servers'
# files as PEM, and never before its time. What openssl says of a certificate is what counts.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
make_known_ca --scope example.org --profiles tls,ocsp-responder
enrol_online
H=$(home_of online)
WWW=$WORK/www
SRV=$WORK/srv
CRLS=$WORK/crls
mkdir "$WWW" "$SRV" "$CRLS"
for name in good bad; do
	must transfer request --profile tls-server --new-key ec-p256 --name "dns:$name.example.org" \
		--days 90 --out "$STICK"
done
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"
must transfer deploy good.example.org --format cert --to "$SRV/good.pem" --key "$SRV/good.key"
must transfer deploy bad.example.org --format cert --to "$SRV/bad.pem" --key "$SRV/bad.key"
BAD=$(openssl x509 -in "$SRV/bad.pem" -noout -serial | sed 's/.*=//')
NOW=$(date +%s)
WEEK=604800
utc() { date -u -d "@$1" '+%Y-%m-%d %H:%M:%S'; }
# slot I: a CRL of a week and three days, from now on
slot() {
	must "$PYTHON" -W ignore "$TOP/tests/tools/put_crl.py" "$H/store.db" "$H/ca.pem" "$WORK/ca-key.key" \
		"$((10 + 2 * $1))" "$((NOW + $1 * WEEK))" "$((NOW + ($1 + 1) * WEEK + 3 * 86400))" "$BAD"
}
number() { openssl crl -inform "${2:-PEM}" -in "$1" -noout -crlnumber | sed 's/.*=0*x*//'; }
inode() { stat -c %i "$1"; }
# verified FILE OPTION EPOCH CERT
verified() { openssl verify -crl_check -attime "$3" -CAfile "$H/ca.pem" "$2" "$1" "$4"; }
# at_slot I SECONDS: the moment that long after slot I begins
at_slot() { utc $((NOW + $1 * WEEK + $2)); }

# ---- before there are any ---------------------------------------------------------

run transfer publish "$WWW"
status 0 "a web root is published without CRLs, too"
is "$(find "$WWW" -name '*.crl')" "" "and has none"
run transfer deploy --format crl --to "$SRV/crl.pem"
status 7 "a file of CRLs is none"
says 'no CRL is here, or none has begun: the CA makes them at a visit' "and says where they come from"
run transfer deploy good.example.org --format crl --to "$SRV/crl.pem"
status 2 "it takes no name"
run transfer deploy --format crl --to "$SRV/crl.pem" --key "$SRV/k"
status 2 "and no key"
run transfer deploy --format fullchain --to "$SRV/crl.pem"
status 2 "what is of a name wants one still"

for i in 0 1 2; do slot $i; done

# ---- the first --------------------------------------------------------------------

run transfer publish "$WWW"
status 0 "the first is published at once: without it nobody who asks for one accepts anything"
is "$(find "$WWW" -name '*.crl' -printf '%f %m\n')" "ca.crl 644" "as ca.crl, and no other"
is "$(number "$WWW/ca.crl" DER)" 0A "in DER, that of the first slot"
is "$(stat -c %a "$H/store.db")" 600 "what is not due yet lies in the store, which nobody else reads"
is "$(grep -rlc 'X509 CRL' "$H" 2>/dev/null)" "" "and nowhere besides"
must transfer deploy --format crl --to "$SRV/crl.pem" --reload "sh -c 'echo crl >>$WORK/reloads'"
must transfer deploy --format ca+crl --to "$SRV/ca.pem"
must transfer deploy --format crl-dir --to "$CRLS" --reload "sh -c 'echo dir >>$WORK/reloads'"
must transfer deploy --format index --to "$SRV/index.txt"
run transfer deploy
prints "^crl-dir +-  $CRLS  sh -c" "they are listed without a name"
ok "openssl accepts the good one by the file" verified "$SRV/crl.pem" -CRLfile $((NOW + 60)) "$SRV/good.pem"
nok 2 "and refuses the bad one" verified "$SRV/crl.pem" -CRLfile $((NOW + 60)) "$SRV/bad.pem"
nok 2 "by the directory as well" verified "$CRLS" -CApath $((NOW + 60)) "$SRV/bad.pem"
ok "which accepts the good one" verified "$CRLS" -CApath $((NOW + 60)) "$SRV/good.pem"
is "$(grep -c BEGIN "$SRV/ca.pem")" 2 "ca+crl has the CA before it"
ok "so one file is enough" openssl verify -crl_check -attime $((NOW + 60)) -CAfile "$SRV/ca.pem" "$SRV/good.pem"
nok 2 "for a bad one, too" openssl verify -crl_check -attime $((NOW + 60)) -CAfile "$SRV/ca.pem" "$SRV/bad.pem"
run transfer rotate --json
status 1 "a series of three weeks is told to end"
says 'due .*the last CRL ends .* after which everybody is refused' "in words"
is "$(json published)" 0 "nothing else is to be done"

# ---- the next ---------------------------------------------------------------------

FIRST=$(inode "$CRLS"/*.r0)
OLD=$(stat -c %Y "$WWW/ca.crl")
run at "$(at_slot 1 3540)" transfer rotate
is "$(number "$WWW/ca.crl" DER)" 0A "within the first hour of a slot the last one stays"
run at "$(at_slot 1 3540)" transfer status
quiet 'deployment .*crl.pem' "which nobody is alarmed by"
must touch -d "@$((NOW + WEEK + 9000))" "$WWW/ca.crl"
run at "$(at_slot 1 3601)" transfer rotate
is "$(number "$WWW/ca.crl" DER) $(number "$SRV/crl.pem")" "0C 0C" "then the next is in place"
is "$(stat -c %Y "$WWW/ca.crl")" $((NOW + WEEK + 9001)) "as a file that is newer to the second than the one before, whatever clock that had"
nok 1 "than which it is later" test "$OLD" = "$(stat -c %Y "$WWW/ca.crl")"
is "$(inode "$CRLS"/*.r0)" "$FIRST" "in the directory it is added"
is "$(number "$CRLS"/*.r1)" 0C "under the next number"
is "$(cd "$CRLS" && ls ./*.r*)" "$(cd "$CRLS" && ls ./*.r[01])" "and no other"
is "$(sort "$WORK/reloads" | uniq -c | tr -s ' \n' ' ')" " 2 crl 2 dir " "each server was told once a change"
t=$((NOW + WEEK + 4000))
ok "the good one is accepted by the file" verified "$SRV/crl.pem" -CRLfile $t "$SRV/good.pem"
nok 2 "the bad one is not" verified "$SRV/crl.pem" -CRLfile $t "$SRV/bad.pem"
nok 2 "nor by the directory" verified "$CRLS" -CApath $t "$SRV/bad.pem"
run at "$(at_slot 1 4000)" transfer rotate
is "$(wc -l <"$WORK/reloads")" 4 "a second run does nothing"

# An older one never takes its place: the home may be an older copy, or the clock slow.
run at "$(at_slot 0 9000)" transfer rotate
status 7 "what is in place and newer stays"
says 'ca.crl: holds CRL 12 of .* which is newer than 10 of .* that is due here: was this home put back' "and is told of the web root"
says 'srv/crl.pem: holds CRL 12' "and of a server's file"
is "$(number "$WWW/ca.crl" DER) $(number "$SRV/crl.pem") $(number "$SRV/ca.pem")" "0C 0C 0C" "none was replaced"
# An index has no number: nothing in it that is revoked becomes good.
cp "$SRV/index.txt" "$WORK/kept.index"
sed -i 's/^V\t\([^\t]*\)\t\t/R\t\1\t261201000000Z\t/' "$SRV/index.txt"
REVOKED=$(cat "$SRV/index.txt")
run at "$(at_slot 1 4000)" transfer rotate
status 7 "nor does an index take back what it said"
says 'index.txt: says that certificate [0-9A-F]+ is revoked, which the CRL that is due here does not: was this home put back' \
	"which is told"
is "$(cat "$SRV/index.txt")" "$REVOKED" "and it stays"
cp "$WORK/kept.index" "$SRV/index.txt"
# But only what the CA signed counts.
must openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/other.key"
cp "$WWW/ca.crl" "$WORK/kept.crl"
must "$PYTHON" - "$WWW/ca.crl" <<'PY'
import sys
crl = bytearray(open(sys.argv[1], "rb").read())
crl[-1] ^= 1
open(sys.argv[1], "wb").write(crl)
PY
run at "$(at_slot 0 9000)" transfer rotate
is "$(number "$WWW/ca.crl" DER)" 0A "a newer one that the CA did not sign keeps nothing out"
must cp "$WORK/kept.crl" "$WWW/ca.crl"

# ---- what is long over ------------------------------------------------------------

run at "$(at_slot 2 3601)" transfer rotate
is "$(number "$CRLS"/*.r2)" 0E "the third slot is added"
is "$(number "$CRLS"/*.r0)" 0A "what has ended a moment ago stays under its number"
slot 3
slot 4
run at "$(at_slot 4 3601)" transfer rotate
is "$(inode "$CRLS"/*.r0) $(inode "$CRLS"/*.r1)" "$(inode "$CRLS"/*.r3) $(inode "$CRLS"/*.r1)" \
	"what ended more than a week ago is one more name of the newest"
is "$(number "$CRLS"/*.r3)" 12 "which is that of the fifth slot"
t=$((NOW + 4 * WEEK + 4000))
ok "whoever starts now accepts the good one" verified "$CRLS" -CApath $t "$SRV/good.pem"
nok 2 "and not the bad one" verified "$CRLS" -CApath $t "$SRV/bad.pem"

# ---- a reload that fails ----------------------------------------------------------

slot 5
must transfer deploy --forget "$SRV/crl.pem"
rm "$SRV/crl.pem"
run at "$(at_slot 4 3602)" transfer deploy --format crl --to "$SRV/crl.pem" --reload false
status 6 "a reload that fails is told"
run at "$(at_slot 5 3601)" transfer rotate
status 6 "each time"
says 'crl.pem: the reload failed.*the next rotate tries again' "it is tried again"
is "$(number "$SRV/crl.pem")" 14 "the new CRL stays: an older one is never better"
must transfer deploy --forget "$SRV/crl.pem"

# ---- names ------------------------------------------------------------------------

# Another key's, as of a CA above ours.
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/root.key" \
	-out "$WORK/root.pem" -subj "/CN=Root" -days 3000
ROOT=$(openssl x509 -in "$WORK/root.pem" -noout -pubkey | openssl pkey -pubin -outform der | sha256sum)
must "$PYTHON" -W ignore "$TOP/tests/tools/put_crl.py" "$H/store.db" "$WORK/root.pem" "$WORK/root.key" \
	900 "$NOW" "$((NOW + 400 * 86400))"
run at "$(at_slot 5 3700)" transfer rotate
ok "another key's has a name of its own" test -f "$WWW/ca-${ROOT:0:16}.crl"
must at "$(at_slot 5 3700)" transfer deploy --format crl --to "$SRV/both.pem"
is "$(grep -c 'BEGIN X509 CRL' "$SRV/both.pem")" 2 "a server's file has one of each CA of the chain"
is "$(cd "$CRLS" && ls ./*.r* | sed 's/\.r.*//' | sort -u | wc -l)" 2 "and so has a directory"
run at "$(at_slot 5 3700)" transfer status --json
like "$OUT" "\"what\":\"CRLs\",\"name\":\"of the CA\",\"at\":\"$(date -u -d "@$((NOW + 6 * WEEK + 3 * 86400))" +%FT%TZ)\",\"days\":[0-9]+,\"due\":true" \
	"status says when the series ends, and that it is due"
run at "$(at_slot 5 3700)" transfer status
says '^due  CRLs of the CA end .*in [0-9]+ days' "in words"
says 'visit the CA before' "and what to do"
run at "$(at_slot 8 0)" transfer status
says '^due  CRLs of the CA ended' "and afterwards that it has ended"

# As the policy's distribution points say.
must sed -i '/^\[profile tls-server\]/a extension.crlDistributionPoints = URI:http://example.org/pki/Our-CA.crl, URI:ldap://example.org/x' \
	"$(home_of ca)/policy.conf"
must transfer request --profile tls-server --new-key ec-p256 --name dns:new.example.org --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
run at "$(at_slot 5 3800)" transfer rotate
is "$(number "$WWW/Our-CA.crl" DER)" 14 "its name in the web root is that of the distribution point"
must sed -i 's/Our-CA/Other/' "$(home_of ca)/policy.conf"
must transfer request --profile tls-server --new-key ec-p256 --name dns:newer.example.org --out "$STICK"
must ca sign "$STICK" --yes
must transfer install "$STICK"
rm "$WWW/Our-CA.crl"
run at "$(at_slot 5 3900)" transfer rotate
is "$(number "$WWW/Other.crl" DER)" 14 "when the policy gets another, that is its name as well"
is "$(number "$WWW/Our-CA.crl" DER)" 14 "and the one before stays, for certificates have it that go on"
run at "$(at_slot 5 3900)" transfer publish "$WWW"
says 'Our-CA\.crl: of key [0-9a-f]{16}, CRL 20' "publish says whose list each is"
says 'Other\.crl: of key [0-9a-f]{16}, CRL 20' "with all names"

# ---- letting go -------------------------------------------------------------------

for path in "$CRLS" "$SRV/ca.pem" "$SRV/index.txt" "$SRV/both.pem"; do
	run transfer deploy --forget "$path"
	status 0 "it is forgotten ($(basename "$path"))"
done
is "$(find "$CRLS" "$SRV" -name '.*.airgap-home' | grep -v 'good\|bad')" "" "and free for another home"

done_testing
