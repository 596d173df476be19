#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the ledger holds is shown, and a ledger that was changed is told by name.
. "$(dirname "$0")/../lib/lib.sh"
needs sqlite3 sqlite3

LEDGER=$WORK/home-ca/ledger.db

run ca list
status 7 "a home without a CA is a state of its own"
says "make one with 'airgap-ca --home [^ ]+ init --subject CN=NAME'" "and says what to do"

make_ca
enrol_online
csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request --profile tls-server --name dns:web.example.org \
	--out "$STICK" "$WORK/web.csr"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
MANIFEST=$(echo "$STICK"/airgap-ca/responses/*/manifest.cose)

run ca list --json
is "$(json certificates.0.profile)" tls-server "list names the profile"
is "$(json certificates.0.names.0)" dns:web.example.org "and the names"
is "$(json certificates.0.request_id)" web "and the request"
is "$(json certificates.0.status)" valid "and the status"
SERIAL=$(json certificates.0.serial)
SHA256=$(json certificates.0.sha256)

run ca list
prints "^$SERIAL  [0-9-]{10}  valid +dns:web.example.org$" "list for people"
at "2126-01-01 00:00:00" ca list >"$WORK/later"
ok "a certificate expires" grep -q "expired" "$WORK/later"

run ca show "$SERIAL"
prints "^csr sha256 +[0-9a-f]{64}$" "show knows the request"
prints "^requester +online$" "and who asked"
prints "^records +bundle [0-9]+, intent [0-9]+, outcome [0-9]+$" "and where"
run ca show "$SERIAL" --pem
is "$(openssl x509 -noout -fingerprint -sha256 <<<"$OUT" |
	sed 's/.*=//; s/://g' | tr A-F a-f)" "$SHA256" "show --pem gives it"
run ca show 77
status 2 "a serial that nobody has"

run ca status
status 0 "nothing is due in 30 days"
prints "pending: online: responses 1 to 1" "a response is pending"
run ca status --within 100d
status 1 "something is due in 100 days"
prints "due: certificate $SERIAL" "and it is named"
run ca status --within 100d --json
is "$(json due.0.serial)" "$SERIAL" "as it is for programs"
# What is over by a second is a day over, on either side of the stick.
must ca resend "$STICK"
must transfer install "$STICK"
run ca show "$SERIAL" --json
ends=$(date -u -d "$(json not_after)" +%s)
# days SECONDS-FROM-THE-END WANTED
days() {
	WHEN=$(date -u -d "@$((ends + $1))" '+%F %T')
	run ca status --within 9d --json
	is "$("$PYTHON" -c '
import json, sys
print(*(d["days_left"] for d in json.load(sys.stdin)["due"] if d["serial"] == sys.argv[1]))
' "$SERIAL" <<<"$OUT")" "$2" "$1 s from its end: the CA counts $2 days"
	run transfer status --within 9d --json
	is "$("$PYTHON" -c '
import json, sys
print(*(d["days"] for d in json.load(sys.stdin)["dates"] if d["what"] == "certificate"))
' <<<"$OUT")" "$2" "$1 s from its end: and so does the server"
	WHEN=
}
# The seconds at the very borders are test_clock's: this clock goes on.
days -90000 1
days -3600 0
days 1 -1
days 82800 -1
days 86401 -2

run ca status --within 100
status 2 "a duration has a unit"
says "^airgap-ca: --within 100: not digits and one of h, d, w$" "as everywhere"

run ca policy check
prints "profile +tls-server" "policy check lists profiles"
printf '[ca]\nnonsense = 1\n' >"$WORK/bad.conf"
run ca policy check "$WORK/bad.conf"
wants 3 POLICY "a policy with an unknown key"

run ca ledger verify --head "$MANIFEST"
status 0 "the ledger is whole, and knows the manifest"
ok "as Python finds without our code" \
	"$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"
ok "for the golden ledger too" \
	"$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$TOP/tests/vectors/ledger/golden.sql"

must openssl req -x509 -key "$WORK/web.key" -subj /CN=own -days 9 -out "$WORK/own.pem"
must cose --key "$WORK/web.key" --cert "$WORK/own.pem" "$MANIFEST" "$WORK/own.cose"
run ca ledger verify --head "$WORK/own.cose"
wants 3 TRANSFER-CERT "a manifest that another key signed says nothing of it"
must cose --key "$WORK/web.key" --cert "$WORK/own.pem" "$MANIFEST" "$WORK/own.cose" 'p = {1: 1}'
run ca ledger verify --head "$WORK/own.cose"
wants 3 TRANSFER-CERT "and what it says is not read"

cp "$LEDGER" "$WORK/kept.db"
must sqlite3 "$LEDGER" "UPDATE record SET at = at - 1 WHERE n = 4"
run ca ledger verify
status 7 "an edited record is noticed"
says "record 4" "by number"
cp "$WORK/kept.db" "$LEDGER"
must "$PYTHON" -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    n, body = db.execute("SELECT n, body FROM record WHERE kind = 7").fetchone()
    db.execute("UPDATE record SET body = ? WHERE n = ?", (body[:-1] + bytes([body[-1] ^ 1]), n))' "$LEDGER"
run ca ledger verify
status 7 "so is one whose content fits, but for its hash"
says "its hash is not that of its content" "which is said"
nok 1 "by Python too" "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"

cp "$WORK/kept.db" "$LEDGER"
must sqlite3 "$LEDGER" "DELETE FROM serial WHERE hex(serial) = upper('$SERIAL')"
run ca ledger verify
status 7 "a missing row of an index is noticed"
says "table serial: row $SERIAL" "by table and row"

cp "$WORK/kept.db" "$LEDGER"
must sqlite3 "$LEDGER" "DELETE FROM record WHERE kind = 10;
	DELETE FROM manifest; UPDATE bundle SET answered = 0;
	UPDATE requester SET last_manifest = 0"
run ca ledger verify
status 0 "a tail cut off cleanly does not show by itself"
run ca ledger verify --head "$MANIFEST"
wants 7 ROLLBACK "but with the online side's manifest it does"
run ca status
status 1 "and the bundle is unfinished"
prints "is unfinished" "as status says"

# A copy of the laptop's disk goes on by itself: as many records, and others.
cp "$WORK/kept.db" "$LEDGER"
must cp -r "$WORK/home-ca" "$WORK/home-copy"
must transfer install "$STICK"
two=$(stick two)
must transfer request --profile tls-server "$WORK/web.csr" --out "$two"
must cp -r "$two" "$WORK/stick-copy"
must ca sign "$two" --yes
must ca @copy sign "$WORK/stick-copy" --yes
SECOND=$(echo "$two"/airgap-ca/responses/*2/manifest.cose)
run ca ledger verify --head "$SECOND"
status 0 "a ledger knows the manifest that it made"
run ca @copy ledger verify --head "$SECOND"
status 7 "and its copy, which made another of that number, does not"
says "a manifest was made over another one: this is another history" "which is told"

cp "$WORK/kept.db" "$LEDGER"
run ca requester remove nobody --yes
status 2 "a requester that is not there cannot be removed"
run ca requester remove online
status 2 "without a Yes nobody is removed"
run ca requester remove online -n
status 0 "a dry run shows whom"
run ca requester list
prints "^online$" "and removes nobody"
run ca requester remove online --yes
status 0 "at a Yes a requester is removed"
run ca requester list
is "$OUT" "" "and is unknown from then on"
run ca ledger verify
status 0 "and the ledger is whole"

exec 8>>"$LEDGER.lock"
flock 8
run ca requester remove online --yes
status 7 "one writer at a time"
says "in use by another airgap-ca" "the second one is told"
run ca list
status 0 "while readers work"

done_testing
