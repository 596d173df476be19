#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Responses that the CA did not make, or that did not come as it made them: the
# online side stores all of a response or nothing.
. "$(dirname "$0")/../lib/lib.sh"

# ---- materials ------------------------------------------------------------------------

clone() { must cp -r "$WORK/home-$1" "$WORK/home-$2"; }

# ask HOST STICK: a bundle of two requests.
ask() {
	must transfer "@$1" request "$WORK/web.csr" "$WORK/mail.csr" \
		--profile tls-server --out "$2"
}

# answer CA STICK: $RESPONSE
answer() {
	run ca "@$1" sign "$2" --yes --json --expect "$REQUESTER_HEX"
	[ "$STATUS" = 0 ] || { echo "# $ERR"; fail "preparation: sign"; done_testing; }
	RESPONSE=$2/$(json responses.0.path)
}

make_ca
must sed -i "/^\[profile tls-server\]/a key-reuse = any" "$(home_of ca)/policy.conf" # two hosts ask with one CSR
must cp -r "$STICK" "$WORK/card"
enrol_online @second second
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must csr_openssl mail ec-p256 /CN=mail.example.org DNS:mail.example.org
other=$(stick other)
ask second "$other"
answer ca "$other"
others=$RESPONSE

enrol_online
one=$(stick one)
ask online "$one"
answer ca "$one"
first=$RESPONSE
must transfer install "$one"

# From here `online` has accepted response 1 and waits for 2, `good`. Aside, a
# copy of it goes on to 3. The CA of `forked` is a backup of now that went on by
# itself, to a 2 and 3 of its own.
clone ca forked
two=$(stick two)
ask online "$two"
clone online aside
clone online lost
must cp -r "$two" "$WORK/stick-forked"
answer ca "$two"
good=$RESPONSE
name=$(basename "$good")
must transfer @aside install "$two"
three=$(stick three)
ask aside "$three"
answer ca "$three"
third=$RESPONSE
answer forked "$WORK/stick-forked"
forked_second=$RESPONSE
must transfer @lost install "$WORK/stick-forked"
forked=$(stick forked3)
ask lost "$forked"
answer forked "$forked"
forked_third=$RESPONSE

# give DIR [NAME]: a stick with this response alone, in $STICK; frozen; $R is it.
sticks=0
give() {
	sticks=$((sticks + 1))
	STICK=$(stick "r$sticks")
	R=$STICK/airgap-ca/responses/${2:-$(basename "$1")}
	mkdir -p "$STICK/airgap-ca/responses" && cp -r "$1" "$R" || exit 1
}

no() {
	freeze
	run transfer verify "$STICK"
	refused "$1" "$2" "$3" "$4"
	run transfer install "$STICK"
	refused "$1" "$2" "$3" "$4 (to install it)"
}

# bad STATUS RULE REGEX DESC CMD...: the good response, and CMD done to it.
bad() {
	local refusal=("${@:1:4}")
	shift 4
	give "$good"
	must "$@"
	no "${refusal[@]}"
}

# ---- who signed it --------------------------------------------------------------------

forge() {
	must cose "$@" "$good/manifest.cose" "$R/manifest.cose"
}

give "$good"
must cp "$first"/0001-web.pem "$WORK/web.pem"
forge --key "$WORK/web.key" --cert "$WORK/web.pem"
no 3 TRANSFER-CERT '' "signed by a subscriber's certificate"

must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
	-keyout "$WORK/own-ca.key" -out "$WORK/own-ca.pem" -subj "/CN=Test CA ca"
must openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$WORK/own.key" -out "$WORK/own.csr" -subj "/CN=Test CA ca transfer"
printf '%s\n' 'keyUsage=critical,digitalSignature' \
	"extendedKeyUsage=critical,$TRANSFER_EKU" >"$WORK/own.ext"
must openssl x509 -req -in "$WORK/own.csr" -CA "$WORK/own-ca.pem" -CAkey "$WORK/own-ca.key" \
	-days 30 -extfile "$WORK/own.ext" -out "$WORK/own.pem"
give "$good"
forge --key "$WORK/own.key" --cert "$WORK/own.pem"
no 3 TRANSFER-CERT '' 'signed by a transfer certificate that somebody made at home'

give "$good"
forge --key "$WORK/own.key"
no 3 COSE-SIGNATURE '' "the CA's own transfer certificate, and another key"

# By a CA of a later version; the signature's length is that of ML-DSA-65.
give "$good"
must cose "$good/manifest.cose" "$R/manifest.cose" 'h[1] = -49; sig = bytes(3309)'
no 3 COSE-ALG 'algorithm -49 \(ML-DSA-65\), wanted ES256' 'an algorithm that this host lacks is named'
quiet 'copy' 'and nobody is told to copy the file again'

STICK=$(stick evilcard)
make_ca @evil
must transfer @victim enroll "$STICK" --label online --expect "$CA_HEX"
evil=$(stick evil)
ask victim "$evil"
run ca @evil sign "$evil" --yes --json --expect \
	"$(openssl pkey -in "$(home_of victim)/requester.pem" -pubout -outform DER | sha256sum | cut -d' ' -f1)"
status 0 'another CA answers somebody'
give "$evil/$(json responses.0.path)" "$name"
no 3 CHANNEL 'of another CA' 'a response of another CA under our name'

give "$others" "$name"
no 3 CHANNEL 'for another requester' 'a response for another requester under our name'
give "$others"
freeze
run transfer install "$STICK"
status 6 'a stick that has only a response for others'
says 'no response for this host .*and 1 for others' 'which is said'
unchanged 'and nothing changes'

# ---- its files --------------------------------------------------------------------------------

MF=MANIFEST-FILES
bad 3 $MF 'zz.pem' 'a file more' eval 'echo x >"$R/zz.pem"'
bad 3 $MF '0001-web.pem is missing' 'a file less' eval 'rm "$R/0001-web.pem"'
bad 3 $MF '0001-web.pem is missing' 'a file with another name' \
	eval 'mv "$R/0001-web.pem" "$R/0001-wab.pem"'
bad 3 $MF '0001-web.pem is not the file' 'a file with a byte more' \
	eval 'echo >>"$R/0001-web.pem"'
bad 3 $MF '0001-web.pem is not the file' 'a file with a byte less' \
	eval 'truncate -s -1 "$R/0001-web.pem"'
bad 3 $MF '0001-web.pem is not the file' 'an empty file' eval ': >"$R/0001-web.pem"'
bad 3 $MF 'is not the file' 'the certificates of two requests in each other'"'"'s place' \
	eval 'mv "$R/0001-web.pem" "$R/x"; mv "$R/0002-mail.pem" "$R/0001-web.pem"; mv "$R/x" "$R/0002-mail.pem"'
bad 3 $MF 'is not the file' 'certificates of the response before' \
	eval 'cp "$first/0001-web.pem" "$R/0001-web.pem"'
bad 3 $MF 'ca.pem is not the file' "another CA's ca.pem" \
	eval 'cp "$WORK/own-ca.pem" "$R/ca.pem"'
bad 3 $MF '0001-web.pem is not the file' 'words around the certificate' \
	eval '(echo words; cat "$good/0001-web.pem") >"$R/0001-web.pem"'
bad 3 $MF 'manifest.cose' 'no manifest' eval 'rm "$R/manifest.cose"'
bad 3 COSE-FORM '' 'an empty manifest' eval ': >"$R/manifest.cose"'
bad 3 'CBOR|COSE-FORM' '' 'half a manifest' eval 'truncate -s 100 "$R/manifest.cose"'
bad 3 'COSE-TYPE' '' 'a bundle for a manifest' \
	eval 'cp "$two"/airgap-ca/requests/*.cose "$R/manifest.cose"'
bad 3 MEDIA-FILE 'a symbolic link' 'a link for a file' \
	eval 'mv "$R/ca.pem" "$WORK/elsewhere.pem"; ln -s "$WORK/elsewhere.pem" "$R/ca.pem"'
bad 3 MEDIA-FILE 'a fifo' 'a fifo for a file' eval 'rm "$R/ca.pem"; mkfifo "$R/ca.pem"'
bad 3 MEDIA-FILE 'a fifo' 'a fifo for a manifest' \
	eval 'rm "$R/manifest.cose"; mkfifo "$R/manifest.cose"'
bad 3 MEDIA-FILE 'a directory' 'a directory for a file' eval 'rm "$R/ca.pem"; mkdir "$R/ca.pem"'
bad 3 MEDIA-FILE 'hard link' 'a file with a second name elsewhere' \
	eval 'ln "$R/ca.pem" "$STICK/second-name"'
bad 3 MEDIA-NAME '' 'a file with a name that is not allowed' eval 'echo x >"$R/A b"'
bad 3 MEDIA-FILE '' 'a link for the whole response' \
	eval 'mv "$R" "$STICK/aside"; ln -s ../../aside "$R"'
bad 3 'MEDIA-FILE' '' 'a file for the whole response' eval 'rm -r "$R"; echo x >"$R"'
bad 3 $MF '0001-web.pem is not the file' 'the files of another response' \
	eval 'cp "$third"/0* "$R"'
bad 7 GAP 'number 3' 'the manifest of another response' \
	eval 'cp "$third/manifest.cose" "$R/manifest.cose"'

# ---- its number --------------------------------------------------------------------------------

give "$third"
no 7 GAP 'number 3, but number 2 is the next' 'response 3 without 2'
says 'resend' 'with the way to what is missing'
give "$third" "$name"
no 7 GAP 'number 3, but number 2 is the next' 'nor under the name of 2'
give "$first"
freeze
run transfer install "$STICK"
status 0 'response 1 again is no mistake'
says 'installed before' 'which is said'
unchanged 'and nothing changes'
give "$first" "$name"
freeze
run transfer install "$STICK"
unchanged 'not under the name of 2 either'

# ---- damage ---------------------------------------------------------------------------------------

# One bit in each fourth byte of the manifest.
give "$good"
freeze
cp "$good/manifest.cose" "$WORK/whole.cose"
trusted=0 tried=0
size=$(stat -c %s "$WORK/whole.cose")
for ((i = 0; i < size; i += 4)); do
	"$PYTHON" -S -c '
import sys
b = bytearray(open(sys.argv[1], "rb").read())
i = int(sys.argv[3])
b[i] ^= 1 << (i // 4 % 8)
open(sys.argv[2], "wb").write(b)' "$WORK/whole.cose" "$R/manifest.cose" "$i"
	"$BIN/airgap-transfer" --home "$(home_of online)" verify "$STICK" 2>"$WORK/err"
	left=$?
	tried=$((tried + 1))
	grep -q '\[[A-Z0-9-]*\]$' "$WORK/err" && [ "$left" = 3 ] || {
		trusted=$((trusted + 1))
		echo "# byte $i: status $left: $(head -1 "$WORK/err")"
	}
done
is "$trusted" 0 "$tried manifests with a flipped bit: each refused with status 3"
cp "$WORK/whole.cose" "$R/manifest.cose"
unchanged 'without a trace'

# ---- a disk that is full, a home that is read-only ------------------------------------------------

# On a disk of its own, so full that FREE KiB are left, install ends with status
# 6 and what it had, or with all; never with a mix.
count() { transfer "@$1" list --json 2>/dev/null |
	"$PYTHON" -c 'import json, sys; print(len(json.load(sys.stdin)["certificates"]))'; }
whole_files() {
	local f
	for f in "$1"/certs/*/*.pem; do
		openssl x509 -in "$f" -noout 2>/dev/null || { echo "$f"; return 1; }
	done
}

had=$(count online)
disk=$WORK/home-disk
mount_small "$disk" 1M
fails=0 stored=0
refill() { rm -rf "${disk:?}"/* && cp -r "$(home_of online)"/. "$disk" || exit 1; }
# try WHAT CMD...: install fails or not, CMD makes room, then it does not.
try() {
	local now what=$1
	shift
	run transfer @disk install "$two"
	now=$(count disk)
	case $STATUS.$now in
	0.$((had + 2)) | 6.$((had + 2)) | 6.$had) ;;
	*) fail "$what: status $STATUS with $now certificates" ;;
	esac
	if [ "$STATUS" != 0 ]; then
		fails=$((fails + 1))
		stored=$((stored + now - had))
		matches "$ERR" '^airgap-transfer: .*(No space left on device|disk is full|read-only\?)$' ||
			fail "$what: the reason is said"
	fi
	[ -z "$(find "$disk" -name '*.new')" ] || fail "$what: nothing half-written stays"
	whole_files "$disk" >"$WORK/cut" || fail "$what: half a file" "$(cat "$WORK/cut")"
	must "$@"
	run transfer @disk install "$two"
	[ "$STATUS.$(count disk)" = "0.$((had + 2))" ] || fail "$what: finished once there is room"
	[ "$(find "$disk/certs" -name '*.pem' | wc -l)" = 4 ] || fail "$what: all four files are there"
	[ -z "$(find "$disk" -name '*.new')" ] || fail "$what: no temporary file stays"
}
for free in 0 4 8 12 16 20 24 28 32 36 40 44 48; do
	refill
	dd if=/dev/zero of="$disk/ballast" bs=4k 2>/dev/null
	truncate -s "-${free}K" "$disk/ballast"
	try "$free KiB left" rm "$disk/ballast"
done
ok "a full disk, $fails times: old or new, never a mix" test "$fails" -gt 3
fails=0
for free in 0 1 2 3 4 5; do
	refill
	used=$(($(stat -f -c %c "$disk") - $(stat -f -c %d "$disk")))
	must mount -o "remount,nr_inodes=$((used + free))" "$disk"
	try "room for $free files" mount -o remount,nr_inodes=1000 "$disk"
done
ok "no room for files, $fails times: the same" test "$fails" -gt 1
ok 'what is stored gets its files later' test "$stored" -gt 0

refill
must mount -o remount,ro "$disk"
freeze
run transfer @disk install "$two"
status 6 'a read-only home'
says 'store.db: cannot be written: attempt to write a readonly database$' 'is said'
unchanged 'and nothing changes'
must umount "$disk"

# ---- the good one, and what contradicts it --------------------------------------------------------

STICK=$two
run transfer install "$STICK"
status 0 'after all this the good response is installed'
give "$forked_second"
no 7 FORK 'accepted already, with other content' 'another response 2, signed by the CA key'
give "$forked_third"
no 7 PREVIOUS 'does not continue' 'a response 3 that continues another 2'
give "$good"
freeze
run transfer install "$STICK"
status 0 'response 2 again is no mistake'
unchanged 'and nothing changes'
ask online "$(stick unused)"
give "$third"
run transfer install "$STICK"
status 0 'an answer to a bundle that this store does not know is taken: a restored host must go on'
says 'not asked for by this store' 'but never without a word'

# ---- what is only named like ours ------------------------------------------------------

# Anybody can write to a stick: what proves nothing stands in nobody's way.
ask online "$STICK"
run ca sign "$STICK" --yes
base=$(ls -d "$STICK"/airgap-ca/responses/*-00000[0-9] | tail -1)
base=${base%-*}
mkdir "$base-000000" "$base-0000001"
echo junk >"$base-0000001/manifest.cose"
cp -r "$base-000003" "$base-0000002"
sed -i 's/a/b/g' "$base-0000002/manifest.cose"
ln -s /etc "$base-0000003"
echo junk >"$base-0000004"
freeze
run transfer verify "$STICK"
status 0 'junk with the prefix of this host stops no proof'
unchanged 'nor stores anything'
run transfer install "$STICK"
status 0 'and no installing of the good one beside it'
says ': number [0-9]+, installed: 2 certificates' 'which is installed'
says 'warning .* director(y is|ies are) named like a response for this host, and nothing in (it|them) proves' \
	'and the rest is told'
freeze
run transfer install "$STICK"
status 0 'where the good one is installed, nothing new can be in it'
says 'warning .* 5 more directories' 'but it is told'
unchanged 'and nothing changes'
# damaged DESC COMMAND...: the next response, damaged, beside good ones and that junk
next=$base-000005
damaged() {
	local desc=$1
	shift
	(cd "$STICK/airgap-ca/responses" && "$@") || fail "preparation: $*"
	freeze
	run transfer install "$STICK"
	refused 3 'MANIFEST-FILES|COSE-FORM|COSE-SIGNATURE|CBOR|CBOR-SCHEMA|CHANNEL|MEDIA-FILE|TRANSFER-CERT' '' "$desc"
	says "${next##*/}" "$desc: by its name"
}
ask online "$STICK"
run ca sign "$STICK" --yes
is "$(ls -d "$next")" "$next" 'the next response is there'
must cp -r "$next" "$WORK/next"
again() { rm -rf "$next" && cp -r "$WORK/next" "$next"; }
damaged 'the next one, its manifest cut off' truncate -s 100 "$next/manifest.cose"
damaged 'the next one, its manifest empty' truncate -s 0 "$next/manifest.cose"
damaged 'the next one without a manifest' rm "$next/manifest.cose"
again
damaged 'the next one with a byte changed behind' "$PYTHON" -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read()); b[-1] ^= 1; open(sys.argv[1], "wb").write(b)' "$next/manifest.cose"
old=$base-0000003
must rm -rf "$base-0000004" "$old"
must mv "$next" "$old"
freeze
run transfer install "$STICK"
refused 3 COSE-SIGNATURE "${old##*/}" 'under the name of an old one it is known by what its manifest says'
again
must rm -rf "$old"
# A good one that is new, and behind it one that is damaged.
ask online "$STICK"
run ca sign "$STICK" --yes
must truncate -s 100 "$base-000006/manifest.cose"
run transfer verify "$STICK"
wants 3 'COSE-FORM|CBOR' 'one that may be the next is no success of those before it'
run transfer install "$STICK"
wants 3 'COSE-FORM|CBOR' 'nor when they are installed'
says ': number [0-9]+, installed: 2 certificates' 'whole, it is installed'
says "$(basename "$base")-000006" 'and the damaged one is named'
must ca resend "$STICK" --requester online
run transfer install "$STICK"
status 0 'written again, it is installed as well'

done_testing
