#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an enemy, an accident or an old stick puts where a bundle should be, and
# sticks that are full, read-only or gone when a response is written.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
enrol_online
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a first bundle is signed'
must transfer install "$STICK"
mkdir "$WORK/elsewhere"
elsewhere=$WORK/elsewhere/secret.cose
original=$(stick original)
must transfer request "$WORK/web.csr" --profile tls-server --out "$original"
cp "$original"/airgap-ca/requests/*.cose "$elsewhere"

# ---- what is no bundle file --------------------------------------------------------------

# lay CMD...: a stick where CMD makes $F.
sticks=0
lay() {
	sticks=$((sticks + 1))
	STICK=$(stick "s$sticks")
	mkdir -p "$STICK/airgap-ca/requests"
	F=$STICK/airgap-ca/requests/0123.cose
	must eval "$@"
	freeze
}
bad() {
	lay "$5"
	run ca sign -n "$STICK"
	refused "$1" "$2" "$3" "$4"
	run ca sign "$STICK" --yes
	refused "$1" "$2" "$3" "$4 (to sign it)"
}

bad 3 MEDIA-FILE '0123.cose: is a symbolic link' 'a link to a good bundle' 'ln -s "$elsewhere" "$F"'
bad 3 MEDIA-FILE 'is a symbolic link' 'a link within the stick' \
	'cp "$elsewhere" "$STICK/x"; ln -s ../../x "$F"'
bad 3 MEDIA-FILE 'is a symbolic link' 'a link to nothing' 'ln -s /nothing "$F"'
bad 3 MEDIA-FILE 'is a symbolic link' 'a link to itself' 'ln -s 0123.cose "$F"'
bad 3 MEDIA-FILE 'is a fifo' 'a fifo' 'mkfifo "$F"'
bad 3 MEDIA-FILE 'is a directory' 'a directory' 'mkdir "$F"'
bad 3 MEDIA-FILE 'is a socket' 'a socket' '"$PYTHON" -c "
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
socket.socket(socket.AF_UNIX).bind(os.path.basename(sys.argv[1]))" "$F"'
bad 3 MEDIA-FILE 'hard link' 'a second name of a file' 'cp "$elsewhere" "$STICK/x"; ln "$STICK/x" "$F"'
bad 3 MEDIA-SIZE 'has 1099511627776 bytes; at most' 'a sparse file of a terabyte' 'truncate -s 1T "$F"'
bad 3 COSE-FORM '' 'an empty file' ': >"$F"'
bad 3 MEDIA-FILE '' 'a link for the directory of bundles' \
	'mv "$STICK/airgap-ca/requests" "$STICK/r"; cp "$elsewhere" "$STICK/r/"; ln -s ../r "$STICK/airgap-ca/requests"'
bad 3 MEDIA-FILE '' 'a link that leads off the stick' \
	'rm -r "$STICK/airgap-ca"; mkdir "$STICK/airgap-ca"; ln -s "$WORK/elsewhere" "$STICK/airgap-ca/requests"'
bad 3 MEDIA-FILE '' 'a file for the directory of bundles' \
	'rmdir "$STICK/airgap-ca/requests"; echo x >"$STICK/airgap-ca/requests"'
bad 3 MEDIA-COUNT '10000' '10,001 bundles' \
	'(cd "${F%/*}" && seq -f "b%05g.cose" 10001 | xargs touch)'

bad 3 MEDIA-FILE 'is a device' 'a device (which root alone can make)' 'mknod "$F" c 1 5'
bad 3 MEDIA-FILE '' 'another disk mounted on the stick' \
	'mount_small "${F%/*}"; cp "$elsewhere" "$F"'

bad 3 MEDIA-NAME 'holds "A b.cose"; names are' 'a name that is not allowed' \
	'cp "$elsewhere" "${F%/*}/A b.cose"'
lay 'printf x >"${F%/*}/$(printf "evil\033[2J.cose")"; cp "$elsewhere" "$F"'
run ca sign -n "$STICK"
refused 3 MEDIA-NAME 'evil.x1b.2J.cose' 'a name with an escape sequence'
says 'To be signed: 1 certificate' 'does not stop the good bundle beside it'
quiet $'\x1b\\[2J' 'and does not reach the terminal'
lay ': >"${F%/*}/._0123.cose"; : >"${F%/*}/notes.txt"'
run ca sign "$STICK" --yes
status 0 'what is no bundle by its name is no mistake'
says 'nothing to do' 'and nothing to do'

STICK=$WORK/none
freeze "$WORK/elsewhere"
run ca sign "$WORK/none" --yes
status 2 'no stick at all'
says 'none: ' 'is named'
run ca sign "$elsewhere" --yes
status 2 'a file without --out'
unchanged 'and nothing changes'

# ---- sticks that fail while a response is written --------------------------------------------

STICK=$WORK/stick-small
mount_small "$STICK"
must cp -r "$original"/. "$STICK"

must mount -o remount,ro "$STICK"
freeze
run ca sign -n "$STICK"
status 0 'a dry run needs no room on the stick'
unchanged 'and writes nothing'
run ca sign "$STICK" --yes
status 6 'a read-only stick'
says 'stick-small: is read-only: .*check it \(fsck\)' 'is told before anything is asked'
unchanged 'and nothing is signed'
must mount -o remount,rw "$STICK"

dd if=/dev/zero of="$STICK/ballast" bs=4k 2>/dev/null
truncate -s -8K "$STICK/ballast"
run ca sign "$STICK" --yes
status 6 'a full stick'
says 'complete in the ledger but not on the stick' 'is told apart from a failed signing'
says 'No space left on device' 'and why'
is "$(find "$STICK/airgap-ca/responses" -mindepth 1 2>/dev/null)" '' 'half a response is not left'
must rm "$STICK/ballast"
run ca list --json
n=$("$PYTHON" -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["certificates"]))' "$WORK/out")
is "$n" 2 'it was signed once'
freeze "$WORK/elsewhere"
aside=$(stick aside)
run ca sign "$STICK" --yes --out "$aside"
status 0 'to another stick it goes'
run ca sign "$STICK" --yes --json
status 0 'and with room on this one the same command completes'
path=$(json responses.0.path)
ok 'byte for byte' diff -r "$aside/$path" "$STICK/$path"
unchanged 'and nothing was signed again'

# ---- a response that lies there ---------------------------------------------------------------

run ca sign "$STICK" --json
status 0 'what lies there whole counts as written'
is "$(ls "$STICK/airgap-ca/responses" | wc -l)" 1 'and stays alone'
printf 'x' >>"$STICK/$path/ca.pem"
run ca sign "$STICK" --json
status 0 'other bytes under its name'
says '-000002\.bad-1' 'are moved aside, and that is said'
ok 'the response is whole' diff -r "$aside/$path" "$STICK/$path"
ok 'and the other bytes are kept' test -s "$STICK/$path.bad-1/ca.pem"
must rm -r "$STICK/$path"
must ln -s "$WORK/elsewhere" "$STICK/$path"
run ca sign "$STICK" --json
status 0 'a link under its name'
ok 'is moved aside too' test -L "$STICK/$path.bad-2"
ok 'the response is whole' diff -r "$aside/$path" "$STICK/$path"
is "$(ls "$WORK/elsewhere")" secret.cose 'and nothing went through the link'
must rm -r "$STICK/airgap-ca/responses"
must ln -s "$WORK/elsewhere" "$STICK/airgap-ca/responses"
freeze
run ca sign "$STICK" --json
refused 3 MEDIA-FILE '' 'a link for the directory of responses'
is "$(ls "$WORK/elsewhere")" secret.cose 'nothing went through it'
must rm "$STICK/airgap-ca/responses"
run ca sign "$STICK"
status 0 'without it the response is written'
run transfer install "$STICK"
status 0 'and installed'

# ---- a stick pulled out ------------------------------------------------------------------------

# While the operator reads the review.
csr_openssl late ec-p256 /CN=late.example.org DNS:late.example.org
must transfer request "$WORK/late.csr" --profile tls-server --out "$STICK"
late=$(ls -t "$STICK"/airgap-ca/requests/*.cose | head -1)
pulled=$(stick pulled)
must mkdir -p "$pulled/airgap-ca/requests"
must cp "$late" "$pulled/airgap-ca/requests/"
cat >"$WORK/pull.exp" <<'EXPECT'
set timeout 60
set stick [lindex $argv 0]
spawn -noecho {*}[lrange $argv 1 end]
expect {
	"Type Yes" { file delete -force $stick; send "Yes\r" }
	timeout { exit 124 }
}
expect eof
lassign [wait] pid spawn os status
exit $status
EXPECT
command_of ca sign "$pulled"
run env TERM=dumb expect "$WORK/pull.exp" "$pulled" "${ARGV[@]}"
status 6 'a stick that is pulled out at the question'
like "$OUT" 'complete in the ledger but' 'the response is in the ledger, which is said'
nok 1 'nothing was written elsewhere' test -e "$pulled"
run ca ledger verify
status 0 'the ledger verifies'
run ca sign "$STICK" --json
status 0 'plugged in again, the same command completes'
run transfer install "$STICK"
status 0 'and the response is installed'

# ---- a stick that was in other machines ----------------------------------------------------------
# What macOS and Windows leave wherever they mount is in nobody's way.
litter() {
	must mkdir -p "$1"
	must touch "$1/.DS_Store" "$1/._card.cose" "$1/Thumbs.db" "$1/desktop.ini"
}
USED=$(stick used)
must cp -r "$STICK/airgap-ca" "$USED"
must csr_openssl used ec-p256 /CN=x DNS:used.example.org
must transfer request "$WORK/used.csr" --profile tls-server --out "$USED"
litter "$USED"
must mkdir -p "$USED/System Volume Information" "$USED/.Spotlight-V100/Store-V2" "$USED/.fseventsd"
must sh -c "echo x >'$USED/System Volume Information/IndexerVolumeGuid'"
for dir in airgap-ca airgap-ca/requests airgap-ca/responses airgap-ca/cards; do litter "$USED/$dir"; done
must cp "$WORK/used.key" "$USED/server.key"
run ca sign "$USED" --yes --json
status 0 'sign passes it over, and a private key on the stick stops nothing'
is "$(json responses.0.issued)" 1 'the bundle is signed'
says '^PRIVATE KEY: .*/server\.key: .*private key.*\[PRIVATE-KEY\]$' 'but the key is called out'
like "$(json stopped)" 'PRIVATE-KEY' 'in the JSON too'
for dir in "$USED"/airgap-ca/responses/*/; do litter "$dir"; done
run replugged "$USED" ca check "$USED"
status 0 'check finds the response whole'
run transfer install "$USED"
status 0 'install takes it'
must rm "$USED/server.key"
run ca sign "$USED" --yes
status 0 'and the stick can go on'
quiet 'PRIVATE KEY' 'without a key nothing is called out'
must ca export "$USED"
run transfer @second enroll "$USED" --label second --expect "$CA_HEX"
status 0 'enroll finds the card'

done_testing
