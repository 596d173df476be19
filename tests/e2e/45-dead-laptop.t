#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The laptop is dead, the backup is old, the token is whole. The restored CA stops
# at the first bundle that saw more of it, gets back from each online side what it
# had signed, and goes on as if nothing had been.
. "$(dirname "$0")/../lib/lib.sh"
needs sqlite3 sqlite3
needs strace strace

for name in web mail late; do
	must csr_openssl $name ec-p256 /CN=$name.example.org DNS:$name.example.org
done
make_ca
CA_ID=$CA_HEX
declare -A KEY
for name in web mail late; do
	enrol_online @$name
	KEY[$name]=$REQUESTER_HEX
done

# visit CA-HOME NAME...: one stick goes to the CA and back, to each of them.
visit() {
	local home=$1 name
	shift
	for name; do
		must transfer @$name request "$WORK/$name.csr" \
			--profile tls-server --out "$STICK"
	done
	run ca "@$home" sign "$STICK" --yes --expect "${KEY[web]}" \
		--expect "${KEY[mail]}" --expect "${KEY[late]}"
	[ "$STATUS" = 0 ] || return
	for name; do must transfer @$name install "$STICK"; done
}

# ---- the good years ----------------------------------------------------------------

visit ca web mail
status 0 "two online sides, a visit"
run ca backup "$WORK/old.db"
status 0 "a backup"
visit ca web
status 0 "more visits"
printf '\n# a word more\n' >>"$WORK/home-ca/policy.conf"
visit ca web mail late
status 0 "with another policy, and a requester who is new"
must transfer @web request --new-key ec-p256 --profile tls-server \
	--name dns:s.example.org --series 3x31d+7d --out "$STICK"
visit ca web
status 0 "and a series"
ca list --json >"$WORK/list-then"
HEADS=()
for file in "$STICK"/airgap-ca/responses/*/manifest.cose; do
	HEADS+=(--head "$file")
done
ok "every head fits the ledger" ca ledger verify "${HEADS[@]}"
cp -a "$STICK/airgap-ca/responses" "$WORK/responses-then"
THEN=("${HEADS[@]}")

# ---- the day after -----------------------------------------------------------------

mv "$WORK/home-ca" "$WORK/dead"
run ca @new restore "$WORK/old.db" --yes --token "$(uri ca)"
status 0 "the old backup is restored elsewhere, the token is the same"
LEDGER=$WORK/home-new/ledger.db
run ca @new ledger verify "${HEADS[@]}"
status 7 "the responses expose that it is old"
says "its tail is lost" "and how"
for name in web mail; do
	must transfer @$name request "$WORK/$name.csr" --profile tls-server \
		--out "$STICK"
done
freeze
run ca @new sign "$STICK" --yes
wants 7 RESTORED "it signs nothing before something was brought back"
unchanged "not even an older bundle"
# Whoever says that nothing more comes is still stopped by who has seen more.
must cp -a "$(home_of new)" "$WORK/home-hasty"
must ca @hasty recover --lost 'nothing that I could think of' --yes
freeze
run ca @hasty sign "$STICK" --yes
wants 7 RESPONSE-AHEAD "the lost responses on the stick stop it"
must mv "$STICK/airgap-ca/responses" "$WORK/responses-away"
freeze
run ca @hasty sign "$STICK" --yes
wants 7 HEAD-AHEAD "it signs nothing for who has seen more of it"
says "airgap-transfer history --out" \
	"and the way on is told"
unchanged "nothing is signed, not even an older bundle beside it"
must mv "$WORK/responses-away" "$STICK/airgap-ca/responses"

# ---- history -----------------------------------------------------------------------

run transfer @web history
status 2 "history wants a medium"
for name in web mail late; do
	run transfer @$name history --out "$STICK" --json
	status 0 "$name tells what it holds"
done
is "$(json responses) $(json from) $(json to)" "1 1 1" "as it says to programs"
HISTORY=$STICK/airgap-ca/history
WEB=$HISTORY/${CA_ID:0:8}-${KEY[web]:0:8}
MAIL=$HISTORY/${CA_ID:0:8}-${KEY[mail]:0:8}
is "$(cd "$WEB" && echo *)" "000001 000002 000003 000004 000005" \
	"each response in its place"
bad=
for dir in "$WORK"/responses-then/*; do
	base=$(basename "$dir")
	diff -r -x bundle.cose "$dir" "$HISTORY/${base:0:17}/${base:18}" \
		>/dev/null || bad+=" $base"
done
is "$bad" "" "every file byte for byte as it came"
run transfer @web history --out "$STICK"
status 0 "the same again is no harm"
part=$(stick part)
run transfer @web history --from 4 --out "$part" --json
is "$(json responses) $(json from) $(json to)" "2 4 5" "a part of it, if asked"
run transfer @web history --from 9 --out "$part"
status 7 "but not what is not there"
run transfer @web history --from 0 --out "$part"
status 2 "numbers begin with 1"

# ---- what is not believed ------------------------------------------------------------

spoilt=$(stick spoilt)
spoil() {
	rm -rf "$spoilt/airgap-ca"
	mkdir -p "$spoilt/airgap-ca"
	cp -a "$HISTORY" "$spoilt/airgap-ca/history"
	SWEB=$spoilt/airgap-ca/history/${WEB##*/}
	SMAIL=$spoilt/airgap-ca/history/${MAIL##*/}
	LATE=$spoilt/airgap-ca/history/${CA_ID:0:8}-${KEY[late]:0:8}
}
# lone STATUS RULE REGEX DESC: nothing else is there, and nothing at all is taken.
lone() {
	rm -rf "$SMAIL" "$LATE"
	freeze "$spoilt"
	run ca @new recover "$spoilt" --yes
	refused "$@"
}
# left RULE REGEX DESC: that is named with its rule, and the others come back.
left() {
	freeze "$spoilt"
	run ca @new recover "$spoilt" -n --json
	status 1 "$3 is left"
	like "$(json left)" "\"rule\": \"($1)\", \"reason\": \"[^\"]*($2)" 'by its rule'
	like "$(json responses)" '"mail"' 'and the others come back'
	is "$(json signs)" false 'but the CA signs no sooner for it'
	unchanged 'all of it a dry run'
}
spoil
flip "$SWEB/000003/manifest.cose" 700
left "COSE-SIGNATURE|CBOR.*|FORMAT-TEXT|COSE-FORM" "${WEB##*/}/000003" \
	"a manifest with another byte in it"
spoil
size=$(stat -c %s "$SWEB/000003/manifest.cose")
truncate -s $((size - 20)) "$SWEB/000003/manifest.cose"
left "CBOR" "000003" "a manifest cut short"
spoil
truncate -s 0 "$SWEB/000003/manifest.cose"
left "MANIFEST-FILES" "000003" "an empty one"
spoil
rm "$SWEB/000003/manifest.cose"
left MANIFEST-FILES "000003: manifest.cose is missing" "none"
rm -r "$SWEB"/00000[1245]
lone 3 MANIFEST-FILES "000003: manifest.cose is missing" "alone it is the answer"
spoil
cp "$SWEB/000002/bundle.cose" "$SWEB/000003/bundle.cose"
left MANIFEST-BUNDLE "not the one that it answers" "with another bundle"
spoil
cp "$SWEB"/000002/0001-*.pem "$SWEB"/000003/0001-*.pem
left CERT-DIGEST "000003, certificate 1: not the one" "with another certificate"
spoil
rm "$SWEB"/000003/0001-*.pem
left CERT-DIGEST "000003, certificate 1: is missing" "without its certificate"
spoil
cp "$SWEB"/000002/0001-*.pem "$SWEB/000003/0002-more.pem"
left MANIFEST-FILES "2 certificates, and the manifest lists 1" "with one too many"
spoil
head -c 300 "$WEB"/000003/0001-*.pem >"$SWEB/000003/0001-web.pem"
left CERT-FORM "000003" "with half a certificate"
spoil
echo "# more" >>"$SWEB/000003/policy.conf"
left POLICY-DIGEST "000003: policy.conf" "with another policy"
spoil
mv "$SWEB/000003" "$SWEB/000007"
left CHANNEL "000007: is number 3" "under another number"
spoil
mv "$SWEB" "$spoilt/airgap-ca/history/${CA_ID:0:8}-00000000"
left CHANNEL "under another's name" "under another's name"
spoil
rm -r "$SWEB/000003"
left GAP "number 3 is the next" "with a gap"
rm -rf "$spoilt/airgap-ca"
cp -a "$part/airgap-ca" "$spoilt/airgap-ca"
lone 7 GAP "number 2 is the next .*and 1 more, no response is good" "a part that begins too late"
spoil
ln -s /etc/passwd "$SWEB/000003/0002-x.pem"
left MEDIA-FILE "0002-x.pem" "with a link in it"
spoil
touch "$SWEB/000003/UPPER"
left MEDIA-NAME "000003: holds" "with a strange name in it"

# A manifest that someone else signed: a certificate of the CA's, but no transfer
# certificate; and one that is a stranger's.
forge() { # CERT KEY
	spoil
	must cose --key "$2" --cert "$1" \
		"$WEB/000003/manifest.cose" "$SWEB/000003/manifest.cose"
}
CERT=$(echo "$WORK"/home-web/certs/web.example.org/*.pem)
forge "${CERT%% *}" "$WORK/web.key"
left TRANSFER-CERT "000003: its key usage|000003: .*extended key usage" \
	"a manifest signed with a subscriber's key"
must openssl req -x509 -key "$WORK/web.key" -subj /CN=x -out "$WORK/own.pem"
forge "$WORK/own.pem" "$WORK/web.key"
left TRANSFER-CERT "000003: not signed by this CA's key" \
	"a manifest signed with a stranger's"

# Another CA: its history under its own name is not ours, under ours it is a lie.
other=$(stick other)
mkdir -p "$other"
MINE=$STICK
STICK=$other
make_ca @strange
STRANGE_ID=$CA_HEX
enrol_online @stranger
STRANGER=$REQUESTER_HEX
must transfer @stranger request "$WORK/web.csr" --profile tls-server --out "$STICK"
must ca @strange sign "$STICK" --yes --expect "$STRANGER"
must transfer @stranger install "$STICK"
must transfer @stranger history --out "$STICK"
freeze
run ca @new recover "$STICK" --yes
status 6 "a history of another CA is nothing to us"
says "no history of this CA .* and 1 responses of others" "and it is said"
unchanged "and changes nothing"
mv "$STICK/airgap-ca/history/${STRANGE_ID:0:8}-${STRANGER:0:8}" \
	"$STICK/airgap-ca/history/${CA_ID:0:8}-${STRANGER:0:8}"
freeze
run ca @new recover "$STICK" --yes
refused 3 CHANNEL "a response of another CA" "nor under our name"
cp -a "$HISTORY/${MAIL##*/}" "$STICK/airgap-ca/history/"
run ca @new recover "$STICK" -n --json
status 1 "beside a history of ours"
is "$(json left.0.rule)" CHANNEL "it is left"
is "$(json responses.0.requester)" mail "and ours comes back"
STICK=$MINE
empty=$(stick empty)
run ca @new recover "$empty" --yes
status 6 "a stick without any"
run ca @new recover "$WORK/nowhere" --yes
status 6 "no stick"

# ---- recover -------------------------------------------------------------------------

freeze
run ca @new recover "$STICK" -n
status 0 "a dry run proves them"
says "web +responses 2 to 5 come back, with 6 certificates" "says what comes back"
says "mail +response 2 comes back, with 1 certificate" "for whom"
says "not enrolled" "and who was met since the backup"
says "records +the lost ledger had [0-9]+ at least; the backup had [0-9]+; about [0-3] are" \
	"and that nothing else was signed"
unchanged "and stores nothing"
run ca @new recover "$STICK" </dev/null
status 2 "without a Yes"
unchanged "nothing is stored"
dialogue "Type Yes" no -- ca @new recover "$STICK"
status 4 "another word stops"
unchanged "and stores nothing"

# Only one of them: the numbers tell that more is missing.
run transfer @mail history --out "$(stick mail)"
cp -a "$WORK/home-new" "$WORK/home-half"
run ca @half recover "$WORK/stick-mail" --yes
status 0 "one history alone is taken"
says "about ([4-9]|[1-9][0-9]) are" "and more is known to be missing"
says "awaited +web: all of its history" "and where to ask for it"
run ca @half recover "$STICK" --yes --json
status 0 "the others come later"
is "$(json certificates)" 7 "with what is theirs"
run ca @half ledger verify "${HEADS[@]}"
status 0 "in any order"

# A folder that cannot be read makes nobody believe that all was read.
must cp -a "$WORK/home-new" "$WORK/home-wary"
spoil
cp "$SWEB/000002/bundle.cose" "$SWEB/000003/bundle.cose"
ln -s /etc/passwd "$LATE/000001/0002-x.pem"
run ca @wary recover "$spoilt" --yes
status 1 "two bad folders: the others are recovered"
says "left +${WEB##*/}/000003" "one is named"
says "refused +\[MANIFEST-BUNDLE\]" "with its rule"
says "remedy +.*" "and its remedy"
says "left +${WEB##*/}/000005" "and what can be nothing without it"
says "refused +\[MEDIA-FILE\]" "so is the other"
says "web +response 2 comes back" "as far as it goes"
says "mail +response 2 comes back" "and the next whole"
says "awaited +web: all of its history" "who is awaited still is said"
quiet "awaited +mail" "and who is not"
says "'sign' still waits" "and what that means"
run ca @wary status
status 1 "status counts it as due"
prints "awaited +the history of web" "and says whose history"
quiet "history of mail" "and no other's"
run ca @wary status --json
is "$(json awaited.0.requester)" web "to programs too"
freeze
run ca @wary sign "$STICK" --yes
wants 7 RESTORED "it does not sign"
unchanged "nor change anything"
# Without the bad ones it is no wiser: a stick cannot take back what it showed.
run ca @wary recover "$WORK/stick-mail" --yes
status 0 "a good history alone is taken"
says "awaited +web" "and still the other is awaited"
run ca @wary sign "$STICK" --yes
wants 7 RESTORED "so it does not sign"
# A history whose end was left out is not the whole of it.
rm -rf "$spoilt/airgap-ca"
mkdir -p "$spoilt/airgap-ca/history/${WEB##*/}"
cp -a "$WEB/000001" "$spoilt/airgap-ca/history/${WEB##*/}/"
run ca @wary recover "$spoilt" --yes
status 0 "a history that ends before the ledger does"
says "awaited +web" "is not the whole"
run ca @wary sign "$STICK" --yes
wants 7 RESTORED "and does not make it sign"
# Nobody here knows who owns the other folder: as long as it lies there, it is waited for.
spoil
ln -s /etc/passwd "$LATE/000001/0002-x.pem"
run ca @wary recover "$spoilt" --yes --json
status 1 "the good web, and a bad folder of somebody else"
is "$(json awaited) $(json signs)" "[] false" "nobody known is awaited, and yet it does not sign"
run ca @wary sign "$STICK" --yes
wants 7 RESTORED "for something was not read"
run ca @wary recover "$STICK" --yes --json
status 0 "and when all are good"
is "$(json left) $(json awaited) $(json signs)" "[] [] true" "it waits for nothing more"
run ca @wary status
quiet "awaited" "and says so"
run ca @wary ledger verify "${HEADS[@]}"
status 0 "the ledger is whole, as if all had come at once"
ok "as Python finds" "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$WORK/home-wary/ledger.db"
run ca @wary ledger
prints "history +up to number 2 of [0-9a-f]*, and more was not read" "it remembers what it could not read"
prints "history +up to number 5 of [0-9a-f]*, read whole" "and when it could"
prints "recovered +signs again: recover" "and what ended the waiting"
rm -rf "$WORK/home-wary"

# Killed amid it, and again.
bad=
points=0
for call in pwrite64 fdatasync fsync unlink ftruncate read mmap; do
	for n in 1 2 3 5 8 13 21 34 55; do
		rm -rf "$WORK/home-killed"
		cp -a "$WORK/home-new" "$WORK/home-killed"
		command_of ca @killed recover "$STICK" --yes
		(strace -f -qq -o /dev/null -e "trace=$call" \
			-e "inject=$call:signal=KILL:when=$n" "${ARGV[@]}" \
			>/dev/null 2>&1 </dev/null; exit $?) 2>/dev/null
		[ $? = 137 ] || continue
		points=$((points + 1))
		ca @killed recover "$STICK" --yes >/dev/null 2>&1 ||
			bad+=" $call:$n:again"
		ca @killed ledger verify "${HEADS[@]}" >/dev/null 2>&1 ||
			bad+=" $call:$n:verify"
		[ "$(ca @killed list --json | grep -o '"serial"' | wc -l)" = 10 ] ||
			bad+=" $call:$n:list"
	done
done
is "$bad" "" "recover, killed at $points places and run again, brings all back"
ok "$points places are a sample" test "$points" -ge 20
rm -rf "$WORK/home-killed" "$WORK/home-half"

run ca @new recover "$STICK" --yes --json
status 0 "all histories are taken"
is "$(json responses | grep -o '"sequence"' | wc -l)" 6 "six responses come back"
is "$(json certificates)" 8 "with eight certificates"
ca @new list --json >"$WORK/list-now"
serials() { grep -o '"serial": *"[0-9a-f]*"' "$1" | sort; }
is "$(serials "$WORK/list-now")" "$(serials "$WORK/list-then")" \
	"every certificate of then is there now"
is "$(grep -o '"profile": *"[a-z-]*"' "$WORK/list-now" | sort | uniq -c)" \
	"$(grep -o '"profile": *"[a-z-]*"' "$WORK/list-then" | sort | uniq -c)" \
	"with its profile"
SERIAL=$(openssl x509 -in "$(echo "$WORK"/home-web/certs/s.example.org/*.pem |
	cut -d' ' -f1)" -noout -serial | sed 's/.*=//' | tr A-F a-f)
run ca @new show "$SERIAL"
status 0 "one that came back is shown"
prints "requester +web" "with who asked"
prints "csr sha256 +[0-9a-f]{64}" "and for what"
run ca @new ledger
prints "import +number 5 of" "the ledger has records of it"
prints "regained +certificate for" "of certificates too"
run ca @new ledger verify "${HEADS[@]}"
status 0 "every head of then fits now"
FIT=$("$PYTHON" - "$STICK"/airgap-ca/responses/*/manifest.cose <<'EOF_PY'
import cbor2, sys
for path in sys.argv[1:]:
    m = cbor2.loads(cbor2.loads(open(path, "rb").read()).value[2])
    print("%d:%s" % (m[12][0], m[12][1].hex()))
EOF_PY
)
# shellcheck disable=SC2086
ok "as Python finds without our code" \
	"$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER" $FIT
freeze
run ca @new recover "$STICK" --yes
status 0 "again there is nothing to bring back"
says "the ledger has all of it" "which it says"
unchanged "and nothing changes"

# ---- and on --------------------------------------------------------------------------

run ca @new resend "$(stick lost)" --from 1
status 0 "a response that came back is made again"
bad=
for dir in "$WORK"/responses-then/*; do
	base=$(basename "$dir")
	case $base in *"-${KEY[late]:0:8}-"*) continue ;; esac
	diff -r "$dir" "$WORK/stick-lost/airgap-ca/responses/$base" >/dev/null ||
		bad+=" $base"
done
is "$bad" "" "byte for byte"

rm -rf "$STICK/airgap-ca/responses"
run ca @new sign "$STICK" --yes
status 0 "sign goes on"
bad=
for dir in "$WORK"/responses-then/*; do
	base=$(basename "$dir")
	[ -d "$STICK/airgap-ca/responses/$base" ] || continue
	diff -r "$dir" "$STICK/airgap-ca/responses/$base" >/dev/null ||
		bad+=" $base"
done
is "$bad" "" "a bundle answered then gets the same bytes"
for name in web mail; do
	run transfer @$name install "$STICK" --json
	status 0 "$name installs the next response"
done
is "$(json sequence)" 3 "which is the next"

must transfer @late request "$WORK/late.csr" --profile tls-server --out "$STICK"
freeze
run ca @new sign "$STICK" --yes
wants 3 REQUESTER-UNKNOWN "who was met after the backup is met again"
run ca @new sign "$STICK" --yes --expect "${KEY[late]}"
status 0 "by its words"
run transfer @late install "$STICK" --json
status 0 "and its channel goes on"
is "$(json sequence)" 2 "from where it was"
for name in web mail late; do
	must transfer @$name request "$WORK/$name.csr" --profile tls-server \
		--out "$STICK"
done
run ca @new sign "$STICK" --yes
status 0 "and then all is as ever"
for name in web mail late; do
	run transfer @$name install "$STICK"
	status 0 "for $name"
done
HEADS=()
for file in "$WORK"/responses-then/*/manifest.cose \
	"$STICK"/airgap-ca/responses/*/manifest.cose; do
	HEADS+=(--head "$file")
done
run ca @new ledger verify "${HEADS[@]}"
status 0 "every head there ever was fits the ledger"

# ---- a backup from amid a signing --------------------------------------------------

# As a copy of the disk would have it that was made between intents and results.
cp "$WORK/dead/ledger.db" "$WORK/amid.db"
LAST=$(sqlite3 "$WORK/amid.db" "SELECT max(n) FROM record WHERE kind = 6")
must sqlite3 "$WORK/amid.db" "DELETE FROM record WHERE n > $LAST;
	DELETE FROM manifest WHERE n > $LAST;
	UPDATE certificate SET result = 0 WHERE result > $LAST;
	UPDATE bundle SET answered = 0 WHERE n = (SELECT max(n) FROM bundle);
	UPDATE requester SET last_manifest = last_manifest - 1 WHERE label = 'web'"
run ca @amid restore "$WORK/amid.db" --yes --token "$(uri ca)"
status 0 "a backup from amid a signing is restored"
run ca @amid status
prints "is unfinished" "with its unfinished bundle"
run ca @amid recover "$STICK" -n
says "web +response 5 comes back, with 1 certificate$" "whose answer comes back"
run ca @amid recover "$STICK" --yes
status 0 "and is taken"
run ca @amid status
status 0 "then nothing is unfinished"
prints "certificates  10, void 0, revoked 0$" "the intents have the certificates that came of them"
run ca @amid ledger verify "${THEN[@]}"
status 0 "and the ledger is whole"
is "$(ca @amid list --json | grep -o '"serial": *"[0-9a-f]*"' | sort)" \
	"$(serials "$WORK/list-then")" "with every certificate"

# ---- a copy of the disk, and no word of it --------------------------------------------

# Somebody put an old home in place: no restore, so nothing waits; the first bundle that
# has seen more stops it, and its history brings back what is lacking.
cp "$WORK/old.db" "$WORK/copy.db"
must mkdir -m 700 "$WORK/home-copy"
must cp "$WORK/copy.db" "$WORK/home-copy/ledger.db"
must cp "$WORK/dead/token.conf" "$WORK/dead/policy.conf" "$WORK/home-copy/"
run ca @copy recover "$STICK" -n
status 0 "a copy that nobody restored takes histories too"
says "the copy in its place had 12;" "and says what it had"
says "about [0-3] are in no" "and what is missing, counted from there"
quiet "awaited" "but it waits for nobody"

# ---- two ledgers ---------------------------------------------------------------------

# The dead laptop was not dead: it went on beside the restored one.
fork=$(stick fork)
cp -a "$WORK/dead" "$WORK/home-dead"
must transfer @mail history --out "$fork"
freeze "$fork"
run ca @dead recover "$fork" --yes
status 0 "histories of a restored CA are histories of that CA"
run ca @late2 restore "$WORK/old.db" --yes --token "$(uri ca)"
cp -a "$WORK/home-late2" "$WORK/home-fork"
must ca @fork recover --lost 'what web has had, which it forgot' --yes
must cp -a "$WORK/home-web" "$WORK/home-web2"
mkdir -p "$fork/two"
sqlite3 "$WORK/home-web2/store.db" "PRAGMA foreign_keys=OFF;
	DELETE FROM certificate WHERE manifest > 1; DELETE FROM manifest WHERE sequence > 1;
	UPDATE bundle SET state = 2 WHERE sequence > 1"
must transfer @web2 request "$WORK/web.csr" --profile tls-server --out "$fork/two"
run ca @fork sign "$fork/two" --yes
status 0 "another restored ledger signs for a host that forgot"
must transfer @web history --out "$fork"
freeze "$fork"
run ca @fork recover "$fork" --yes
refused 7 FORK "another response 2" "then the history of who did not forget is a fork"
done_testing
