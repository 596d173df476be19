#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Revocation at the CA: typed at the laptop, or asked for by a bundle. What is revoked is
# told by names before Yes, recorded once and for good, and answered entry by entry.
. "$(dirname "$0")/../lib/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
. "$TOP/tests/faults/prepare.sh"

build_faults
make_ca --scope example.org --profiles tls
must cp "$STICK"/airgap-ca/cards/*.cose "$WORK/card.cose"
enrol_online
ONLINE=$REQUESTER_HEX
enrol_online @other other
OTHER=$REQUESTER_HEX
KEY=$(home_of online)/requester.pem
policy=$(home_of ca)/policy.conf
LEDGER=$(home_of ca)/ledger.db

# asked STICK_NAME [@WHO] WORD... -> a stick of its own in $STICK, with that request, $ASKED
asked() {
	STICK=$(stick "$1")
	shift
	must transfer "$@" --out "$STICK"
	ASKED=$(ls "$STICK"/airgap-ca/requests/*)
}
# wishing PYTHON: the bundle on $STICK says so besides, signed by its requester
wishing() {
	must cose --key "${WHOSE:-$KEY}" "$ASKED" "$WORK/wish.cose" "$1"
	must cp "$WORK/wish.cose" "$ASKED"
}
# takes [@WHO]: the response, in which something may be refused
takes() {
	run transfer "$@" install "$STICK"
	case $STATUS in 0 | 1 | 4) ;; *) fail 'preparation: install' ;; esac
}
sign() { run ca sign "$STICK" --yes --expect "$ONLINE" --expect "$OTHER" --json; }
# state SERIAL -> its status in `list`
state() {
	ca list --json | "$PYTHON" -c '
import json, sys
print(*(c["status"] for c in json.load(sys.stdin)["certificates"] if c["serial"] == sys.argv[1]))' "$1"
}
# answers -> of the last `sign --json`, each revocation: status, rule, how many serials
answers() {
	"$PYTHON" -c '
import json, sys
for r in json.load(open(sys.argv[1]))["responses"][-1]["revocations"]:
    print(r["status"], r["rule"] or "-", len(r["serials"]))' "$WORK/out" | paste -sd,
}
# records KIND -> how many
records() { sqlite3 "$LEDGER" "SELECT count(*) FROM record WHERE kind = $1"; }
key_of() { ca show "$1" --json >"$WORK/show.json"; json key_sha256 "$WORK/show.json"; }

must csr_openssl one ec-p256 /CN=x DNS:one.example.org
must csr_openssl two ec-p256 /CN=x DNS:two.example.org
must csr_openssl three ec-p256 /CN=x DNS:three.example.org
asked first request "$WORK/one.csr" --profile tls-server --days 30
sign
status 0 'a certificate is signed'
ONE=$(json responses.-1.results.0.serials.0)
must cp "$STICK/$(json responses.-1.path)"/0001-*.pem "$WORK/one.pem"
takes
asked series request "$WORK/two.csr" --profile tls-server --series 3x31d+7d
sign
status 0 'and a series'
SERIES=($(json responses.-1.results.0.serials | tr -d '[],"'))
takes
asked others @other request "$WORK/three.csr" --profile tls-server --days 30
sign
status 0 'and one of another requester'
THREE=$(json responses.-1.results.0.serials.0)
takes @other

# ---- what is refused at the laptop ---------------------------------------------------

freeze
# no STATUS RULE REGEX DESC WORD...: refused when tried and when meant
no() {
	local status=$1 rule=$2 regex=$3 desc=$4
	shift 4
	run ca revoke "$@" -n
	refused "$status" "$rule" "$regex" "$desc"
	run ca revoke "$@" --yes
	refused "$status" "$rule" "$regex" "$desc (to revoke it)"
}
ca_serial=$(openssl x509 -in "$(ls "$WORK"/stick-first/airgap-ca/responses/*/ca.pem)" -noout -serial | cut -d= -f2)
transfer_serial=$(sqlite3 "$LEDGER" 'SELECT hex(serial) FROM serial WHERE n = 2' | grep -iv "$ca_serial")
no 4 REVOKE-UNKNOWN '0123456789abcdef0123456789abcdef: neither a serial nor a name' \
	'a serial never issued' 0123456789abcdef0123456789abcdef --reason superseded
no 4 REVOKE-UNKNOWN 'nobody.example.org: neither' 'a name that no certificate has' nobody.example.org --reason superseded
no 4 REVOKE-UNKNOWN 'key 00*: this CA has issued no certificate for it' 'a key without certificates' \
	"$(printf '%064d' 0)" --key --reason keyCompromise
must openssl req -x509 -key "$WORK/one.key" -subj /CN=own -days 9 -out "$WORK/own.pem"
no 4 REVOKE-UNKNOWN 'own.pem: not a certificate that this CA has issued' 'a file of another CA' "$WORK/own.pem" \
	--reason superseded
must openssl req -x509 -key "$WORK/one.key" -subj /CN=own -days 9 -set_serial "0x$ONE" -out "$WORK/same.pem"
no 4 REVOKE-UNKNOWN 'same.pem: not a certificate that this CA has issued' 'nor another with a serial of ours' \
	"$WORK/same.pem" --reason superseded
no 4 REVOKE-CA 'that is a certificate of the CA itself' 'the CA' "$ca_serial" --reason keyCompromise
no 4 REVOKE-CA 'that is a certificate of the CA itself' 'and its transfer key' "$transfer_serial" --reason keyCompromise
no 4 REVOKE-CA 'that is a certificate of the CA itself' 'the CA by its key' "$ca_serial" --key --reason keyCompromise
no 2 REVOKE-REASON '--reason stolen: no reason; wanted unspecified, keyCompromise' 'a reason that is none' \
	"$ONE" --reason stolen
no 2 REVOKE-REASON 'certificateHold: what is revoked stays so' 'a hold' "$ONE" --reason certificateHold
no 4 REVOKE-FUTURE 'its key was lost at 2100-01-01T00:00:00Z, which is in the future' 'a loss in the future' \
	"$ONE" --reason keyCompromise --since 2100-01-01
run ca revoke "$ONE" --reason keyCompromise --since 1999-01-01 --yes
status 2 'a loss before the certificate began'
says 'the first of these certificates began at 20' 'is told with that day'
run ca revoke "$ONE" --reason keyCompromise --since yesterday --yes
status 2 'a time that is none'
run ca revoke "$ONE" --yes
status 2 'no reason at all'
says "revoke wants --reason REASON" 'and it is said that one is wanted'
must cp "$WORK/one.key" "$WORK/key.pem"
run ca revoke "$WORK/key.pem" --reason superseded --yes
status 3 'a file that is no certificate'
unchanged 'none of it changed anything'

# ---- what is shown, and recorded -----------------------------------------------------

run ca revoke "$ONE" --reason superseded -n
status 0 'a dry run'
says 'To be revoked for good: 1 certificate$' 'says how many'
says "^  $ONE  20" 'which'
says 'dns:one\.example\.org  tls-server' 'and whose, by its names'
says 'reason +superseded' 'why'
like "$(tr -s ' \n' ' ' <<<"$ERR")" \
	"effect with the next revocation list .* and so does 'sign' with each bundle, where there was one before or the policy has crl" \
	'and when it takes effect'
unchanged 'and changes nothing'
dialogue 'Type Yes to revoke this for good:' 'yes' -- ca revoke "$ONE" --reason superseded
status 2 'a yes that is not typed as asked'
unchanged 'revokes nothing'
run ca revoke "$ONE" --reason superseded
status 2 'without a terminal and --yes'
unchanged 'nothing is revoked'
dialogue 'Type Yes to revoke this for good:' 'Yes' -- ca revoke "$ONE" --reason superseded
status 0 'with Yes it is revoked'
like "$OUT" "Recorded: 1 certificate\\. Servers learn of it by the next CRL: 'airgap-ca --home [^ ]+ crl MEDIA'" \
	'and how servers learn of it is said'
is "$(state "$ONE")" revoked 'as list says'
is "$(state "${SERIES[0]}") $(state "${SERIES[2]}")" 'valid future' 'and of no other'
run ca show "$ONE"
prints '^status +revoked$' 'show says it'
prints '^reason +superseded$' 'and why'
run ca show "$ONE" --json
is "$(json revoked.reason)" superseded 'for programs too'
run ca status
prints "^CRLs +none, so nobody learns what is revoked: 'airgap-ca .*crl STICK --series N --every DUR'$" 'status says what is missing'
run ca status --json
is "$(json ledger.revoked)" 1 'status counts it'
run ca status --within 400d --json
unlike "$OUT" "$ONE" 'and nothing is due for it any more'
run ca ledger verify
status 0 'the ledger is whole'
ok 'as Python finds without our code' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"
run ca ledger
prints "revoked +$ONE, superseded, at the laptop" 'and tells of it'

freeze
run ca revoke "$ONE" --reason affiliationChanged --yes --json
status 0 'once more is no error'
says 'Revoked before, and stay so: 1 certificate' 'it is said'
is "$(json revocations.0.status) $(json recorded)" 'already false' 'for programs too'
unchanged 'and nothing changes'

# That a key is lost is news, whatever its certificate was revoked for.
run ca revoke "$ONE" --reason keyCompromise --yes
status 0 'a certificate that is revoked turns out to be of a lost key'
is "$(records 22) $(records 23)" '1 1' 'the key is recorded, the certificate stays as it was'
run ca show "$ONE" --json
is "$(json revoked.reason)" superseded 'with its reason'

# ---- names, files, keys --------------------------------------------------------------

run ca revoke dns:two.example.org --reason keyCompromise --since "$(date -u +%FT%TZ)" --yes --json
status 0 'a name'
says '^dns:two.example.org: all certificates of this name that have not ended$' 'means its whole series, as is said'
is "$(json revoked)" 3 'all three'
is "$(state "${SERIES[0]}") $(state "${SERIES[1]}") $(state "${SERIES[2]}")" 'revoked revoked revoked' \
	'also those that have not begun'
run at "$(date -u -d '190 days' '+%F %T')" ca revoke two.example.org --reason superseded -n
wants 4 REVOKE-UNKNOWN 'when all with a name have ended'
says 'two.example.org: all 3 certificates with this name have ended; by its serial' 'that is said'
run ca revoke TWO.example.org --reason superseded -n
status 0 'a name without its type, in capitals'
says 'Revoked before, and stay so: 3 certificates' 'is the same one'

# A key with two certificates: by one of them, and by itself.
must csr_openssl four ec-p256 /CN=x DNS:four.example.org
asked fifth request "$WORK/four.csr" --profile tls-server --days 9
sign
FOUR=$(json responses.-1.results.0.serials.0)
must cp "$STICK/$(json responses.-1.path)"/0001-*.pem "$WORK/four.pem"
takes
asked sixth request "$WORK/four.csr" --profile tls-server --days 19
sign
FIVE=$(json responses.-1.results.0.serials.0)
takes
must openssl x509 -in "$WORK/four.pem" -outform DER -out "$WORK/four.der"
run ca revoke "$WORK/four.der" --reason cessationOfOperation --yes
status 0 'a file in DER'
is "$(state "$FOUR") $(state "$FIVE")" 'revoked valid' 'means that certificate'
run ca revoke "$WORK/four.pem" --key --reason keyCompromise --yes --json
status 0 'a file in PEM, and its key'
is "$(json revoked)" 1 'what was revoked before is not counted'
is "$(state "$FIVE")" revoked 'every certificate for it is revoked'
run ca revoke "$(key_of "$THREE")" --key --reason superseded -n --json
status 0 'a key by its SHA-256'
is "$(json revocations.0.serials.0)" "$THREE" 'leads to its certificates'

# ---- lost keys are not certified again -----------------------------------------------

asked again request "$WORK/two.csr" --profile tls-server --days 9
sign
wants 4 KEY-REVOKED 'a key that is lost'
like "$(json responses.-1.results.0.reason)" '^request 1 \(two\): its key was revoked: others have it$' 'in words'
takes
asked older request "$WORK/one.csr" --profile tls-server --days 9
sign
wants 4 KEY-REVOKED 'also one whose certificate was superseded before'
takes
STICK=$(stick loose)
must cp "$WORK/two.csr" "$STICK/"
run ca sign "$STICK" --loose --profile tls-server --yes
wants 4 KEY-REVOKED 'and as a loose CSR'
STICK=$(stick nobodys)
must csr_openssl nobodys ec-p256 /CN=x DNS:nobodys.example.org
must cp "$WORK/nobodys.csr" "$STICK/"
must ca sign "$STICK" --loose --profile tls-server --yes
cat "$STICK"/airgap-ca/responses/*/{nobodys,ca}.pem >"$WORK/chain.pem"
run ca revoke "$WORK/chain.pem" --reason superseded --yes
status 3 'a file with several certificates says not which is meant'
says 'chain.pem: more than one certificate is in it' 'as is said'
run ca revoke "$(ls "$STICK"/airgap-ca/responses/*/nobodys.pem)" --reason superseded --yes --json
status 0 'what a loose CSR got is revoked by its file'
is "$(state "$(json revocations.0.serials.0)")" revoked 'as any other'
must csr_openssl six ec-p256 /CN=x DNS:two.example.org
asked fresh request "$WORK/six.csr" --profile tls-server --days 9
sign
status 0 'a new key for the same name is signed'
SIX=$(json responses.-1.results.0.serials.0)
takes

# ---- asked for by a bundle -----------------------------------------------------------

# What the bundles here say the online side never wrote: it takes none of the answers, and
# every response brings those before it along. Their history is put together here.
HISTORY=$(stick history)
# remember: the newest response on $STICK, with what it answers
remember() {
	local dir path=
	for dir in "$STICK"/airgap-ca/responses/*-[0-9]*; do path=$dir; done
	dir=$HISTORY/airgap-ca/history/$(basename "${path%-*}")
	must mkdir -p "$dir"
	must cp -r "$path" "$dir/${path##*-}"
	must cp "$ASKED" "$dir/${path##*-}/bundle.cose"
}
must ca backup "$WORK/before.db"

now=$(date +%s)
must csr_openssl seven ec-p256 /CN=x DNS:seven.example.org
must csr_openssl eight ec-p256 /CN=x DNS:eight.example.org
asked wishes request "$WORK/seven.csr" "$WORK/six.csr" --profile tls-server --days 9
wishing "p[10] = [
	{1: bytes.fromhex('$SIX'), 2: 1, 3: $now - 60},
	{1: bytes.fromhex('$ONE'), 2: 4},
	{1: b'A' * 16, 2: 1},
	{1: bytes.fromhex('$THREE'), 2: 1},
	{1: bytes.fromhex('$ca_serial'), 2: 1},
	{1: bytes.fromhex('$SIX'), 2: 4, 3: $now + 200000},
	{2: 4, 4: bytes.fromhex('$(key_of "$THREE")')},
	{2: 4, 4: bytes(32)},
	{2: 1, 4: bytes.fromhex('$(key_of "$FIVE")')}]"
freeze
run ca sign -n "$STICK" --json
says 'To be revoked for good: 1 certificate$' 'a dry run tells what would be revoked'
says 'reason +keyCompromise, since' 'why, since when'
says 'dns:two\.example\.org  tls-server' 'by its names'
says 'Revoked before, and stay so: 3 certificates' 'what is already'
says 'Not to be revoked: 6$' 'and what is not'
says 'refused +\[REVOKE-UNKNOWN\] revocation 3: serial$' 'each by its rule'
unchanged 'and changes nothing'
WANTED='applied - 1,already - 1,unknown REVOKE-UNKNOWN 0,refused REVOKE-DENIED 0,refused REVOKE-CA 0'
WANTED=$WANTED,'refused REVOKE-FUTURE 0,refused REVOKE-DENIED 0,unknown REVOKE-UNKNOWN 0,already - 2'
is "$(answers)" "$WANTED" 'for programs too'
sign
remember
status 1 'some of it is done'
is "$(answers)" "$WANTED" 'each entry has its answer, in their order'
is "$(json responses.-1.results.0.rule) $(json responses.-1.results.1.rule)" 'null KEY-REVOKED' \
	'a request in the same bundle for the key that it gives up is refused'
is "$(state "$SIX") $(state "$THREE")" 'revoked valid' 'its own is revoked, the other requester keeps his'
run transfer inspect "$STICK/$(json responses.-1.path)/manifest.cose"
prints 'status / 2: 0 / applied /' 'the manifest says so'
prints '/ status / 2: 1 / already revoked /' 'of each'
is "$(sqlite3 "$LEDGER" "SELECT r.n < (SELECT min(n) FROM record WHERE kind = 6 AND n > b.n) FROM revocation r,
	bundle b WHERE hex(r.serial) = upper('$SIX') AND b.n = (SELECT max(n) FROM bundle)")" 1 \
	'it was recorded before anything was signed at that visit'
run ca ledger
prints "revoked +$SIX, keyCompromise, asked by the bundle of record" 'the ledger tells who asked'

asked nothing request "$WORK/eight.csr" --profile tls-server --days 9
wishing "p[9] = []; p[10] = [{1: bytes.fromhex('$ONE'), 2: 4}]"
freeze
sign
remember
status 0 'a bundle that asks for nothing but what is done'
is "$(answers)" 'already - 1' 'is answered'
asked eighth request "$WORK/eight.csr" --profile tls-server --days 9
sign
remember
EIGHT=$(json responses.-1.results.0.serials.0)
asked alone request "$WORK/eight.csr" --profile tls-server --days 9
wishing "p[9] = []; p[10] = [{1: bytes.fromhex('$EIGHT'), 2: 5}]"
dialogue 'Type Yes to revoke this for good:' 'Yes' -- ca sign "$STICK"
remember
status 0 'one that asks for a revocation alone'
is "$(state "$EIGHT")" revoked 'has it'

# What policy says of a requester.
must cp "$policy" "$WORK/policy.conf"
printf '[requester online]\nrevoke = no\n' >>"$policy"
asked denied request "$WORK/eight.csr" --profile tls-server --days 9
wishing "p[9] = []; p[10] = [{1: bytes.fromhex('$FOUR'), 2: 5}]"
sign
remember
status 4 'a requester that may revoke nothing'
is "$(answers)" 'refused REVOKE-DENIED 0' 'is refused by rule'
like "$(json responses.-1.revocations.0.reason)" 'the policy has .revoke = no. for "online"' 'in words'
must cp "$WORK/policy.conf" "$policy"
printf '[requester online]\nrevoke = any\n' >>"$policy"
asked any request "$WORK/eight.csr" --profile tls-server --days 9
wishing "p[9] = []; p[10] = [{1: bytes.fromhex('$THREE'), 2: 9}]"
sign
remember
status 0 'one that may revoke any'
is "$(answers) $(state "$THREE")" 'applied - 1 revoked' 'revokes the other requester'\''s'
must cp "$WORK/policy.conf" "$policy"

# ---- cut off in between --------------------------------------------------------------

must csr_openssl nine ec-p256 /CN=x DNS:nine.example.org
must csr_openssl ten ec-p256 /CN=x DNS:ten.example.org
asked ninth request "$WORK/nine.csr" --profile tls-server --days 9
sign
remember
NINE=$(json responses.-1.results.0.serials.0)
asked cut request "$WORK/ten.csr" --profile tls-server --series 6x31d+7d
wishing "p[10] = [{1: bytes.fromhex('$NINE'), 2: 1}, {1: bytes.fromhex('$ONE'), 2: 1}, {1: b'A' * 16, 2: 1}]"
cp "$(home_of ca)/token.conf" "$WORK/token.conf"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$(home_of ca)/token.conf"
command_of ca sign "$STICK" --yes
SHIM_AFTER=2 run watched "kill -KILL \$(ps -o ppid= \$TOKEN_PID)" -- "${ARGV[@]}"
is "$STATUS" 137 'a run that is killed while it signs'
must cp "$WORK/token.conf" "$(home_of ca)/token.conf"
is "$(state "$NINE")" revoked 'has recorded what is revoked'
before=$(records 22)
sign
remember
status 1 'the same command again'
is "$(answers)" 'applied - 1,already - 1,unknown REVOKE-UNKNOWN 0' 'answers as it would have'
is "$(records 22)" "$before" 'and revokes nothing twice'
VOID=$(ca list --json | "$PYTHON" -c 'import json, sys
print(next(c["serial"] for c in json.load(sys.stdin)["certificates"] if c["status"] == "void"))')
run ca revoke "$VOID" --reason unspecified --yes
status 0 'what a killed run left without a certificate can be revoked too'
says '\(void: no certificate left\)' 'and is shown as that'
run ca show "$VOID" --json
is "$(json status) $(json revoked.reason)" 'void unspecified' 'and told as both'

must csr_openssl eleven ec-p256 /CN=x DNS:eleven.example.org
asked eleventh request "$WORK/eleven.csr" --profile tls-server --days 9
sign
remember
ELEVEN=$(json responses.-1.results.0.serials.0)
must csr_openssl twelve ec-p256 /CN=x DNS:twelve.example.org
asked given-up request "$WORK/twelve.csr" --profile tls-server --series 6x31d+7d
wishing "p[10] = [{1: bytes.fromhex('$ELEVEN'), 2: 1}]"
must sed -i "s#module-path=[^&]*#module-path=$SHIM_SO#" "$(home_of ca)/token.conf"
command_of ca sign "$STICK" --yes
SHIM_AFTER=2 run watched "kill -KILL \$(ps -o ppid= \$TOKEN_PID)" -- "${ARGV[@]}"
must cp "$WORK/token.conf" "$(home_of ca)/token.conf"
run ca abandon "$ASKED" "$STICK" --yes --json
remember
status 1 'a bundle that is given up'
is "$(json revocations.0.status "$WORK/out" 2>/dev/null || answers)" 'applied - 1' 'has what it revoked answered all the same'
is "$(state "$ELEVEN")" revoked 'and it stays revoked'

# ---- old ledgers ---------------------------------------------------------------------

run ca ledger verify
status 0 'after all that the ledger is whole'
ok 'as Python finds too' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"

# A ledger that was restored from before all this has it back from the bundles' histories;
# what an operator revoked is in none, and that is said.
ours=$(sqlite3 "$LEDGER" "SELECT count(*) FROM revocation WHERE n > $(sqlite3 "$WORK/before.db" \
	'SELECT max(n) FROM record')")
must ca @new restore "$WORK/before.db" --yes --token "$(uri ca)"
run ca @new recover "$HISTORY" --yes
status 0 'an old backup, and the history of one requester'
says "Brought back: [0-9]+ responses, [0-9]+ certificates, $((ours - 1)) revocations\\." 'brings back what bundles revoked'
says 'What was revoked at the laptop since then is in no' 'and not what was typed'
run ca @new show "$SIX" --json
is "$(json status) $(json revoked.reason)" 'revoked keyCompromise' 'for its reason'
is "$(ca @new show "$THREE" --json >"$WORK/out"; json revoked.reason)" privilegeWithdrawn \
	'also one of another requester'
run ca @new show "$VOID"
unlike "$OUT" '^revoked' 'what was revoked at the laptop is not'
run ca @new ledger verify
status 0 'the ledger is whole'
ok 'as Python finds as well' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$(home_of new)/ledger.db"
is "$(sqlite3 "$(home_of new)/ledger.db" 'SELECT count(*) FROM revoked_key')" \
	"$(sqlite3 "$LEDGER" 'SELECT count(*) FROM revoked_key')" 'each lost key is known as that'
rm -r "$(home_of new)"
rm "$HISTORY"/airgap-ca/history/*/*/bundle.cose
must ca @new restore "$WORK/before.db" --yes --token "$(uri ca)"
run ca @new recover "$HISTORY" --yes
says "Brought back: [0-9]+ responses, [0-9]+ certificates, $((ours - 1)) revocations\\." \
	'without the bundles they are revoked too'
run ca @new show "$SIX" --json
is "$(json status) $(json revoked.reason)" 'revoked unspecified' 'for a reason that nobody knows'

done_testing
