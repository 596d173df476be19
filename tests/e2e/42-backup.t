#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A backup is a whole CA but for its keys, on a medium or in a file; sign says
# when it is old, and restore takes none that is not whole.
. "$(dirname "$0")/../lib/lib.sh"
needs sqlite3 sqlite3

LEDGER=$WORK/home-ca/ledger.db
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org

run ca backup "$STICK"
status 7 "where there is no CA there is no backup"

make_ca
CA_ID=$CA_HEX
enrol_online
visit() {
	must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
	run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
}

# ---- the warning -----------------------------------------------------------------

visit
status 0 "a CA without a backup signs"
quiet "No backup" "and has nothing to lose yet"
run ca sign "$STICK" --yes
says "No backup has what was signed on .*'airgap-ca --home [^ ]+ backup MEDIA'" \
	"the next visit warns of it"
run ca status
prints "^backup +none$" "status knows of no backup"
prints "older than the last signing: 'airgap-ca --home [^ ]+ backup MEDIA'" \
	"and says what to do"
run ca status --json
is "$(json backup.at)" null "for programs too"
is "$(json backup.behind)" true "and that something is not backed up"

# ---- backup ----------------------------------------------------------------------

freeze
run ca backup "$STICK" -n --json
status 0 "a dry run says what would be copied"
is "$(json path | sed 's/-[0-9]*t[0-9]*z/-TIME/')" \
	"airgap-ca/backups/${CA_ID:0:8}-TIME.db" "and where to"
unchanged "and writes nothing"

must ca ledger --json
HEAD=$(ca ledger --json | "$PYTHON" -c '
import json, sys; print(json.load(sys.stdin)["records"][-1]["hash"])')
run ca backup "$STICK" --json
status 0 "a backup on a medium"
COPY=$STICK/$(json path)
ok "lies where it is said to lie" test -f "$COPY"
is "$(json sha256)" "$(sha256sum <"$COPY" | cut -d' ' -f1)" "with that digest"
is "$(json head)" "$HEAD" "of the ledger as it is"
is "$(ca ledger --json | "$PYTHON" -c '
import json, sys; print(json.load(sys.stdin)["records"][-1]["hash"])')" "$HEAD" \
	"the ledger's head did not move"
says "read back +[^ ]" "it was read back"
nok 1 "no temporary file is left" test -e "$WORK/home-ca/.backup.tmp"
nok 1 "no key and no PIN is in it" grep -qaE "PRIVATE|pin-|pkcs11:" "$COPY"
nok 1 "and no path of this machine" grep -qaF "$WORK" "$COPY"
run ca sign "$STICK" --yes
quiet "No backup" "sign does not warn"
run ca status --json
is "$(json backup.behind)" false "nor does status"
visit
quiet "No backup" "nor the visit that signs more"
run ca sign "$STICK" --yes
says "No backup has what .* the newest is of" "but the one after it"

run ca backup ""
status 2 "no name at all"
says "backup: an empty operand" "is told as that"
run ca backup "$WORK/kept.db"
says "read back +[^ ]" "a plain file is read back, too"
status 0 "a backup as a file"
is "$(stat -c %a "$WORK/kept.db")" 600 "for its owner"
cp "$WORK/kept.db" "$WORK/older.db"
run ca backup "$WORK/older.db"
status 0 "the same command a second time makes a newer one in its place"
is "$(stat -c %a "$WORK/older.db")" 600 "for its owner"
echo 'of my own' >"$WORK/foreign"
cp "$WORK/kept.db" "$WORK/edited.db"
must sqlite3 "$WORK/edited.db" "UPDATE record SET at = at - 1 WHERE n = 4"
: >"$WORK/empty"
cp "$LEDGER" "$WORK/plain.db"
mkfifo "$WORK/pipe"
ln -s "$WORK/nowhere" "$WORK/dangling"
for file in foreign edited.db empty plain.db pipe dangling home-ca/ledger.db \
	home-ca/policy.conf; do
	freeze "$WORK/foreign" "$WORK/edited.db" "$WORK/empty" "$WORK/plain.db"
	run ca backup "$WORK/$file"
	status 6 "$file: never over another file"
	unchanged "$file: which stays"
done
nok 2 "and nothing is left beside it" ls "$WORK"/*.airgap-new "$WORK"/home-ca/.backup*
ok "two backups of one ledger hold the same" test \
	"$(sqlite3 "$WORK/kept.db" .dump | sha256sum)" = "$(
	must ca backup "$WORK/again.db"
	sqlite3 "$WORK/again.db" .dump | sha256sum)"

exec 8>>"$LEDGER.lock"
flock 8
run ca backup "$WORK/meanwhile.db"
status 0 "a backup is made while a signer works"
exec 8>&-

cp "$LEDGER" "$WORK/good.db"
must sqlite3 "$LEDGER" "UPDATE record SET at = at - 1 WHERE n = 4"
run ca backup "$WORK/bad.db"
status 7 "a damaged ledger is not copied as if it were a good one"
says "record 4" "and what is wrong is said"
nok 1 "nothing is written" test -e "$WORK/bad.db"
cp "$WORK/good.db" "$LEDGER"

# ---- restore ---------------------------------------------------------------------

restored() { rm -rf "$WORK/home-second"; }
freeze "$WORK/kept.db"
run ca restore "$WORK/kept.db" --yes
status 7 "no home is restored over a CA"
says "a CA lives there already" "and it is said why"
unchanged "which stays as it was"

run ca @second restore "$WORK/kept.db" -n
status 0 "a dry run looks at a backup"
says "subject +CN=Test CA ca" "says whose it is"
says "ca-id +$CA_ID" "which CA"
says "records +[0-9]+, the newest of .*, (0 days ago|in 0 days)" "and how old"
nok 2 "and makes nothing" ls -d "$WORK"/home-second*
run ca @second restore "$WORK/kept.db" </dev/null
status 2 "without a Yes"
nok 2 "nothing is made" ls -d "$WORK"/home-second*
dialogue "Type Yes" no -- ca @second restore "$WORK/kept.db"
status 4 "another word than Yes stops"
nok 2 "and leaves nothing" ls -d "$WORK"/home-second*

run ca @second restore "$WORK/kept.db" --yes --json --token "$(uri ca)"
status 0 "a backup is restored at a Yes"
is "$(json ca_id)" "$CA_ID" "it is the CA"
is "$(json policy_changed)" false "with the policy that it signed under"
quiet "last signed under" "and nothing is said of another"
says "airgap-ca --home [^ ]+ recover" "and what comes next is said"
SECOND=$WORK/home-second
is "$(stat -c %a "$SECOND" "$SECOND/ledger.db" "$SECOND/policy.conf" \
	"$SECOND/token.conf" | sort -u | tr '\n' ' ')" "600 700 " \
	"for its owner only"
ok "the policy is the same" cmp "$WORK/home-ca/policy.conf" "$SECOND/policy.conf"
run ca @second ledger
prints "restored  from the backup [0-9a-f]{16}" "the ledger has a record of it"
run ca @second ledger verify
status 0 "and is whole"
ok "as Python finds" "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$SECOND/ledger.db"
is "$(ca @second list --json)" "$(ca list --json)" "every certificate is there"
# It signs nothing before what it lacks is here, or somebody says what is lost.
freeze
run ca @second sign "$STICK" --yes
refused 7 RESTORED 'restored from a backup .record [0-9]+., and nobody has brought back' \
	'a restored CA does not sign'
for act in "crl $STICK --series 2 --every 7d" "transfer-key --key-type ec-p256 --out $STICK" \
	"renew-ca --out $STICK" "rollover --key-type ec-p256 --out $STICK" "export $STICK"; do
	freeze
	# shellcheck disable=SC2086 # its words
	run ca @second $act --yes
	refused 7 RESTORED 'restored from a backup' "nor by ${act%% *}"
done
run ca @second status --json
status 1 'status: that is something to do'
is "$(json restored)" true 'and says it'
run ca @second status
prints "^restored +from a backup: 'sign' waits for" 'to people too'
run ca @second sign -n "$STICK"
status 0 'what would be signed is shown all the same'
for words in '' lost nothing-at-all 'a b'; do
	freeze
	run ca @second recover --lost "$words" --yes
	status 2 "'$words' is not what was lost in words"
	unchanged 'and is not recorded'
done
run ca @second recover --lost 'two responses to web-1, as the log of May says' -n
status 0 'a dry run of it'
dialogue 'Type Yes' no -- ca @second recover --lost 'two responses to web-1, as the log of May says'
is "$STATUS" 4 'without a Yes it is not given up'
run ca @second sign "$STICK" --yes
wants 7 RESTORED 'and still nothing is signed'
run ca @second recover --lost 'two responses to web-1, as the log of May says' --yes
status 0 'a person says what is lost'
run ca @second ledger
prints 'recovered +signs again: two responses to web-1, as the log of May says' 'which the ledger keeps'
ok 'and it is whole' ca @second ledger verify
ok 'as Python finds' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$SECOND/ledger.db"
run ca @second recover --lost 'the same words once more' --yes
status 7 'once is enough'
run ca @second sign "$STICK" --yes
status 0 "its token is found"
is "$(ca @second status --json >"$WORK/out"; json restored)" false 'status does not say it any more'
run ca @second crl "$STICK" --series 2 --every 7d --overlap 3d --yes
status 0 'nor do CRLs wait'
is "$(basename -a "$STICK"/airgap-ca/responses/*/crl-*.crl | sort -u | tr '\n' ' ')" 'crl-1000001.crl crl-1000002.crl ' \
	'and their numbers are above all that the lost part may have signed'
nok 1 "nothing is left beside it" test -e "$SECOND.restore-tmp"

restored
cp "$WORK/kept.db" "$WORK/wider.db"
must sqlite3 "$WORK/wider.db" \
	"UPDATE home SET bytes = CAST(bytes || x'0a2320776964657220' AS BLOB)"
run ca @second restore "$WORK/wider.db" -n
status 0 "a backup whose policy.conf was changed"
says "policy.conf is not the one that this CA last signed under" \
	"is said to have another, before the Yes"
run ca @second restore "$WORK/wider.db" --yes --json
is "$(json policy_changed)" true "for programs too"

restored
mkdir "$SECOND"
run ca @second restore "$WORK/kept.db" --yes
status 0 "an empty directory may be there"
says "found by the CA's key" "without --token it is said how it is found"
nok 1 "and no token.conf is made up" test -e "$SECOND/token.conf"
must ca @second recover --lost 'nothing since: the laptop died that day' --yes
must new_token aaa
must new_token zzz
must stick found
dialogue PIN "$PIN" -- ca @second export "$WORK/stick-found"
is "$STATUS" 0 "among several tokens the one with the CA's key is found"
run ca @second restore "$WORK/kept.db" --yes
status 7 "restored once is enough"
says "was restored from this file already.*--token URI" "but its token can be named"
freeze "$SECOND"
run ca @second restore "$LEDGER" --yes --token "$(uri ca)"
status 7 "by the file that it came from, and no other"
unchanged "which changes nothing"
run ca @second restore "$WORK/kept.db" --token "$(uri ca)" -n
status 0 "a dry run of it"
nok 1 "writes nothing" test -e "$SECOND/token.conf"
run ca @second restore "$WORK/kept.db" --token "$(uri ca)"
status 0 "the same command with --token names it"
run ca @second export "$WORK/stick-found"
status 0 "and nobody is asked for a PIN any more"
rm "$SECOND/token.conf"
mv "$WORK/tokens" "$WORK/tokens-away"
mkdir "$WORK/tokens"
run ca @second export "$WORK/stick-found"
status 5 "without any token"
says "this home has no token.conf.*restore FILE --token URI" "the way is said"
must new_token aaa
must new_token zzz
run ca @second export "$WORK/stick-found"
status 5 "with those of others only"
says "no token that is present has the CA.s key.*\"aaa\".* no PIN was sent" "they are named, and no PIN was asked"
rm -rf "$WORK/tokens"
mv "$WORK/tokens-away" "$WORK/tokens"
restored
mkdir "$SECOND"
touch "$SECOND/other"
run ca @second restore "$WORK/kept.db" --yes
status 7 "a directory with other things is left alone"
says "is not empty" "and it is said why"
rm "$SECOND/other"
run at "2025-01-01 00:00:00" ca @second restore "$WORK/kept.db" --yes
wants 7 CLOCK-BEHIND "no restoring before the backup was made"
nok 1 "which leaves nothing" test -e "$SECOND.restore-tmp"

run ca @second restore "$LEDGER" --yes
status 0 "a ledger that was copied by hand does too"
ok "with the policy signed under last" \
	cmp "$WORK/home-ca/policy.conf" "$SECOND/policy.conf"
restored

# What lies where the home is made first: to be emptied, and then be the home.
must mkdir "$WORK/precious"
must touch "$WORK/precious/kept"
must ln -s "$WORK/precious" "$SECOND.restore-tmp"
run ca @second restore "$WORK/kept.db" --yes
status 7 "a link where the home is made is not followed"
says "restore-tmp: is in the way" "it is named"
ok "nothing behind it is touched" test -e "$WORK/precious/kept"
must rm "$SECOND.restore-tmp"
must mkdir -m 777 "$SECOND.restore-tmp"
run ca @second restore "$WORK/kept.db" --yes
status 7 "nor is a directory taken that others may write to"
must rmdir "$SECOND.restore-tmp"
nok 1 "no home is made" test -e "$SECOND"

for uri in nonsense "" "pkcs11:token=ca?pin-value=1234" \
	$'pkcs11:token=ca\nca = pkcs11:token=other'; do
	run ca @second restore "$WORK/kept.db" --yes --token "$uri"
	status 2 "--token ${uri@Q}: no URI to be kept"
done
says "control character" "and it is said why"
nok 2 "before anything is made" ls -d "$WORK"/home-second*

# ---- backups that are not good ones ------------------------------------------------

damaged() {
	run ca @second restore "$WORK/damaged.db" --yes
	status 7 "$1"
	says "damaged.db: not a good backup" "$1: it is said which file"
	says "${2:-.}" "$1: and what is wrong"
	nok 2 "$1: nothing is made" ls -d "$WORK"/home-second*
}
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "UPDATE record SET at = at - 1 WHERE n = 4"
damaged "an edited record" "record 4"
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "DELETE FROM serial"
damaged "a missing table row" "table serial"
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "PRAGMA application_id = 7"
damaged "another kind of file" "not a ledger"
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "PRAGMA user_version = 9"
damaged "a version to come" "version 9"
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "CREATE TRIGGER t AFTER INSERT ON record
	BEGIN DELETE FROM serial; END"
damaged "a schema with more in it" "row t"
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "ALTER TABLE policy RENAME COLUMN digest TO other"
damaged "a table that lacks a column" "its tables are not those of a ledger"
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "DROP TABLE record;
	CREATE VIEW record AS SELECT 1 AS n, 1 AS at, 1 AS kind, 1 AS policy,
	x'00' AS body, x'00' AS hash"
damaged "a view in a table's place" "its tables are not those of a ledger"
head -c 20000 "$WORK/kept.db" >"$WORK/damaged.db"
damaged "half a file"
head -c 40000 /dev/urandom >"$WORK/damaged.db"
damaged "no database at all"
cp "$WORK/kept.db" "$WORK/damaged.db"
must sqlite3 "$WORK/damaged.db" "UPDATE home SET bytes = x'5b63615d0a6e6f6e73656e7365203d20310a'"
run ca @second restore "$WORK/damaged.db" --yes
wants 3 POLICY "a policy that does not parse"
: >"$WORK/damaged.db"
run ca @second restore "$WORK/damaged.db" --yes
status 7 "an empty file"
run ca @second restore "$WORK" --yes
status 3 "a directory"
run ca @second restore "$WORK/nothing.db" --yes
status 6 "no file at all"
nok 2 "none of them leaves anything" ls -d "$WORK"/home-second*

# ---- killed amid it --------------------------------------------------------------

needs strace strace
# every_kill CALLS CMD...: killed at a sample of the calls of CMD; then again.
killed_at() { # CALL N CMD...
	local call=$1 n=$2
	shift 2
	command_of "$@"
	(strace -f -qq -o /dev/null -e "trace=$call" \
		-e "inject=$call:signal=KILL:when=$n" "${ARGV[@]}" \
		>/dev/null 2>&1 </dev/null; exit $?) 2>/dev/null
	[ $? = 137 ] && points=$((points + 1))
}
bad=
points=0
for call in fsync fdatasync rename renameat2 unlink unlinkat pwrite64 mkdir; do
	for n in 1 2 3 5 8 13 21; do
		killed_at $call $n ca @second restore "$WORK/kept.db" --yes
		if [ -e "$SECOND/ledger.db" ]; then
			ca @second ledger verify >/dev/null 2>&1 || bad+=" $call:$n:half"
			rm -rf "$SECOND"
			ca @second restore "$WORK/kept.db" --yes >/dev/null 2>&1 ||
				bad+=" $call:$n:again"
		else
			ca @second restore "$WORK/kept.db" --yes >/dev/null 2>&1 ||
				bad+=" $call:$n:again"
		fi
		[ ! -e "$SECOND.restore-tmp" ] || bad+=" $call:$n:left"
		rm -rf "$SECOND"
	done
done
is "$bad" "" "restore, killed at $points places and run again, makes a whole home"
ok "$points places are a sample" test "$points" -ge 20
bad=
points=0
for call in fsync fdatasync rename renameat2 unlink pwrite64; do
	for n in 1 2 3 5 8; do
		rm -rf "$STICK/airgap-ca/backups"
		killed_at $call $n ca backup "$STICK"
		ca backup "$STICK" >/dev/null 2>&1 || bad+=" $call:$n:again"
		for file in "$STICK"/airgap-ca/backups/*.db; do
			ca @second restore "$file" --yes >/dev/null 2>&1 ||
				bad+=" $call:$n:bad"
			rm -rf "$SECOND"
		done
	done
done
is "$bad" "" "backup, killed at $points places and run again, leaves only good ones"
ok "$points places are a sample" test "$points" -ge 15
done_testing
