#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A wrong PIN, a token or key that is not there, a process of ours that dies,
# a network: what is said, what it costs, and that the next run completes.
. "$(dirname "$0")/../lib/lib.sh"

needs pkcs11-tool opensc
needs expect expect

make_ca
enrol_online
CONF=$(home_of ca)/token.conf
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
sign() { run ca sign "$STICK" --yes --expect "$REQUESTER_HEX" "$@"; }

# What the module is called with.
SPY=$(find /usr/lib -name pkcs11-spy.so -print -quit)
[ -n "$SPY" ] || { fail 'pkcs11-spy.so is here' 'Debian package: opensc-pkcs11'; done_testing; }
module_is() { must sed -i "s|module-path=[^&?]*|module-path=$1|" "$CONF"; }
spied() {
	cp "$CONF" "$WORK/true.conf"
	module_is "$SPY"
	: >"$WORK/spy.log"
	PKCS11SPY=$MODULE PKCS11SPY_OUTPUT=$WORK/spy.log "$@"
	cp "$WORK/true.conf" "$CONF"
}
calls() { grep -cE "^[0-9]+: $1\$" "$WORK/spy.log"; }

# ---- the PIN --------------------------------------------------------------------------

freeze
echo 999999 >"$WORK/pin"
spied sign
status 5 'a wrong PIN in its file'
says "wrong PIN: .*; put the right PIN into $WORK/pin before the next try" "is said, with what to do"
quiet '999999' 'but not shown'
is "$(calls C_Login)" 1 'one try is spent'
is "$(calls C_Sign)" 0 'nothing was signed'
unchanged 'and nothing stored, not even the bundle or its requester'
: >"$WORK/pin"
spied sign
status 5 'an empty PIN file'
is "$(calls C_Login)" 0 'spends no try'
head -c 300 /dev/zero | tr '\0' 1 >"$WORK/pin"
spied sign
status 5 'a PIN of 300 digits'
is "$(calls C_Login)" 0 'spends no try'
rm "$WORK/pin"
spied sign
status 5 'a PIN file that is not there'
says "$WORK/pin" 'is named'
is "$(calls C_Login)" 0 'and spends no try'
unchanged 'nothing was stored by all this'
(umask 077; echo "$PIN" >"$WORK/pin")

# Asked for at the terminal.
cp "$CONF" "$WORK/with-pin.conf"
must sed -i 's|[&?]pin-source=file:[^&]*||' "$CONF"
freeze
sign
status 2 'no PIN file and no terminal'
says 'no terminal to ask for the PIN: put pin-source' 'with the way out'
unchanged 'nothing was stored'
dialogue 'PIN of' 000000 'PIN of' "$PIN" -- ca sign -n "$STICK"
is "$STATUS" 125 'a dry run asks for no PIN'
dialogue 'PIN of' '' -- ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
is "$STATUS" 5 'no PIN typed'
unchanged 'nothing was stored'
# What is typed before a prompt is thrown away: each answer waits for its own.
again='Wrong PIN: [^\r]*\r+\n[^:]*PIN of'
dialogue 'PIN of' 000000 "$again" '' -- \
	ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
is "$STATUS" 5 'a wrong PIN typed, then none'
unchanged 'nothing was stored'
dialogue 'PIN of' 000000 "$again" "$PIN" -- \
	ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
is "$STATUS" 0 'a wrong PIN typed, then the right one: signed'
unlike "$OUT" "000000|$PIN" 'no PIN is echoed'
run ca ledger verify
status 0 'the ledger verifies'
must transfer install "$STICK"
cp "$WORK/with-pin.conf" "$CONF"

# ---- the token and its keys ------------------------------------------------------------

STICK=$(stick second)
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
freeze
must mv "$WORK/tokens" "$WORK/tokens-away"
must mkdir "$WORK/tokens"
sign
status 5 'no token'
says 'no token is present; wanted the one with the CA.s key; token.conf names pkcs11:' 'is said'
unchanged 'nothing was stored'
new_token stranger
sign
status 5 'another token'
unchanged 'nothing was stored'
must rm -r "$WORK/tokens"
must cp -r "$WORK/tokens-away" "$WORK/tokens"

label() { sed -n "s/^$1 = .*object=\\([^?;]*\\).*/\\1/p" "$CONF"; }
for which in transfer ca; do
	must pkcs11-tool --module "$MODULE" --token-label ca --login --pin "$PIN" \
		--delete-object --type privkey --label "$(label $which)"
	sign
	status 5 "the $which key is gone"
	says "${which/ca/CA} key: " 'which is said'
	unchanged 'nothing was stored'
	must rm -r "$WORK/tokens"
	must cp -r "$WORK/tokens-away" "$WORK/tokens"
done
must rm -r "$WORK/tokens"
must mkdir "$WORK/tokens"
module_is /nowhere.so
sign
status 5 'no such module, and no token in any other'
says '/nowhere.so: no such module file' 'it is named'
must cp "$WORK/with-pin.conf" "$CONF"
must rm -r "$WORK/tokens"
must cp -r "$WORK/tokens-away" "$WORK/tokens"
unchanged 'nothing was stored'

# ---- the network ------------------------------------------------------------------------

if unshare -n true 2>/dev/null; then
	cat >"$WORK/netted" <<-'EOF_NET'
		#!/bin/sh
		ip link add dummy0 type dummy 2>/dev/null || ip link add veth0 type veth peer name veth1
		ip link set dummy0 up 2>/dev/null || ip link set veth0 up
		exec "$@"
	EOF_NET
	chmod +x "$WORK/netted"
	NETWORK=yes command_of ca sign "$STICK" --yes
	run unshare -n "$WORK/netted" "${ARGV[@]}"
	refused 7 NETWORK-UP 'on a network \((dummy0|veth0)' 'an interface that is up'
	run unshare -n "$WORK/netted" "${ARGV[@]}" -n
	status 0 'a dry run may see a network'
	unchanged 'and stores nothing'
else
	fail 'a network of its own can be made' 'run this test as root'
fi
sign
status 0 'after all this the bundle is signed'
must transfer install "$STICK"

# ---- processes of ours that die ------------------------------------------------------------

# A slow key, and many certificates: enough time to kill somebody.
STICK=$(stick slow)
new_token slow
run ca @slow init --subject "CN=Test CA slow" --token "$(uri slow)" \
	--key-type rsa-3072 --scope example.org --out "$STICK" --yes --json
status 0 'a CA with a slow key'
CA_HEX=$(json fingerprint)
enrol_online @slow-online
for i in $(seq 80); do
	openssl req -new -key "$WORK/web.key" -subj "/CN=h$i.example.org" \
		-addext "subjectAltName=DNS:h$i.example.org" -out "$WORK/many-$i.csr"
done
must transfer @slow-online request "$WORK"/many-*.csr --profile tls-server \
	--series 12x31d+7d --out "$STICK"

# kill_child N WHEN CMD...: kills its N-th child (token process, judge, readers)
# at once, or once certificates are being signed.
kill_child() {
	"$PYTHON" - "$@" <<'PY'
import os, signal, sqlite3, subprocess, sys, time
nth, when, db, cmd = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]

def signed():
    with sqlite3.connect("file:%s?mode=ro" % db, uri=True) as c:
        return c.execute("SELECT count(*) FROM certificate WHERE result != 0").fetchone()[0]

before = signed() if when == "signing" else 0
p = subprocess.Popen(cmd)
children, end = [], time.monotonic() + 60
while len(children) < nth or (when == "signing" and signed() == before):
    if p.poll() is not None or time.monotonic() > end:
        sys.exit("it was over before anybody could be killed")
    with open("/proc/%d/task/%d/children" % (p.pid, p.pid)) as f:
        children = sorted(map(int, f.read().split()))
os.kill(children[nth - 1], signal.SIGKILL)
sys.exit(p.wait())
PY
}
command_of ca @slow sign "$STICK" --yes --expect "$REQUESTER_HEX" --json
SIGN=("${ARGV[@]}")
DB=$(home_of slow)/ledger.db

freeze
run kill_child 3 start "$DB" "${SIGN[@]}"
status 6 'the reader is killed'
says 'the reader process died of SIGKILL' 'which is said'
unchanged 'nothing was stored'

run kill_child 1 signing "$DB" "${SIGN[@]}"
status 5 'the token process is killed while it signs'
says 'the token process died of SIGKILL' 'which is said'
nok 2 'no response is on the stick' ls "$STICK/airgap-ca/responses"
run ca @slow ledger verify
status 0 'the ledger verifies'
run kill_child 2 signing "$DB" "${SIGN[@]}"
status 6 'the judge is killed'
says 'the judge process died of SIGKILL' 'which is said'
run ca @slow ledger verify
status 0 'the ledger verifies'
run ca @slow status
prints 'bundle [0-9a-f]{32} is unfinished' 'status names the bundle that is not finished'
run "${SIGN[@]}"
status 0 'the same command completes'
is "$(json responses.0.issued)" 960 'with every certificate'
run ca @slow ledger verify
status 0 'the ledger verifies'
run transfer @slow-online install "$STICK"
status 0 'and the online side installs all of it'

done_testing
