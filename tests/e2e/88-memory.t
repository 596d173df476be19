#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Memory before proof: a file of n bytes costs 2 n + 64 MiB at most in any process,
# whoever signed it, and nothing but itself before its signature is proven. A regular CRL is made,
# written, read back, judged and stored in 32 MiB, however long it is.
. "$(dirname "$0")/../lib/lib.sh"

# measured CMD...: run; the largest process's memory in KiB is $KIB.
measured() {
	command_of "$@"
	run "$PYTHON" -c '
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as f: print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=f)
sys.exit(status)' "$WORK/cost" "${ARGV[@]}"
	read -r KIB <"$WORK/cost"
}
# costs FILE [TIMES] DESC: no more than TIMES (2) its size, and 64 MiB.
costs() {
	local times=2
	[ $# = 2 ] || times=$2
	local size=$(($(stat -c %s "$1") / 1024)) most
	most=$((times * size + 65536))
	# The sanitisers keep shadows, and what was freed: the plain build tells.
	case $BUILD in */debug) most=$((8 * most)) ;; esac
	ok "${*: -1}: $KIB KiB for a file of $size" test "$KIB" -le "$most"
}
heavy() { must "$PYTHON" "$TOP/tests/tools/make_heavy.py" "$@"; }
# bundle KIND [KEY]: $WORK/heavy.cose, alone on $STICK.
n_sticks=0
bundle() {
	n_sticks=$((n_sticks + 1))
	STICK=$(stick "heavy$n_sticks")
	mkdir -p "$STICK/airgap-ca/requests"
	F=$STICK/airgap-ca/requests/heavy.cose
	heavy "$1" "$good" "$F" "${@:2}"
	freeze
}

make_ca
enrol_online
CARD=$(ls "$STICK"/airgap-ca/cards/*.cose)
KEY=$(home_of online)/requester.pem
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org
must transfer request "$WORK/web.csr" --profile tls-server --out "$STICK"
good=$(ls "$STICK"/airgap-ca/requests/*)
run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'a bundle is signed'

# ---- a bundle that nobody signed ----------------------------------------------------

for kind in csrs=1500 requests names; do
	bundle "$kind"
	measured ca sign -n "$STICK"
	refused 3 COSE-SIGNATURE 'does not verify' "$kind without a signature is refused for that"
	costs "$F" 1 "$kind without a signature"
	rm -rf "$STICK"
done

# ---- one that its requester signed --------------------------------------------------

for kind in csrs requests revocations shadows; do
	bundle "$kind" "$KEY"
	measured ca sign -n "$STICK"
	costs "$F" "$kind, signed"
	measured transfer inspect "$F"
	costs "$F" "$kind, inspected"
	measured transfer inspect --json "$F"
	status 0 "$kind, inspected by a program"
	costs "$F" "$kind, inspected by a program"
	rm -rf "$STICK"
done
bundle names "$KEY"
measured ca sign -n "$STICK"
refused 3 CBOR-SCHEMA 'more than may be kept in memory of a file of this size' \
	'many small names are no way to more memory'
costs "$F" 'names, signed'
measured transfer inspect "$F"
costs "$F" 'names, inspected'
rm -rf "$STICK"

# ---- every list has an end ------------------------------------------------------------

# list KIND MOST NAME: one more than that is refused.
list() {
	bundle "$1=$(($2 + 1))" "$KEY"
	run ca sign -n "$STICK"
	refused 3 CBOR-SCHEMA "$3.*found an array of $(($2 + 1)), wanted an array of [01] to $2" \
		"$(($2 + 1)) $1 are too many"
	rm -rf "$STICK"
}
list requests 100000 requests
list names 100 names
list revocations 10000 revocations
list shadows 1000 shadow_crls

# ---- manifests ------------------------------------------------------------------------

STICK=$WORK/stick
response=$(ls -d "$STICK"/airgap-ca/responses/*)
cp "$response/manifest.cose" "$WORK/manifest.good"
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=Stranger \
	-keyout "$WORK/stranger.key" -out "$WORK/stranger.pem"
for kind in results certs serials files; do
	heavy "$kind" "$WORK/manifest.good" "$response/manifest.cose"
	freeze
	measured transfer verify "$STICK"
	refused 3 COSE-SIGNATURE 'does not verify' "a manifest of many $kind that nobody signed"
	costs "$response/manifest.cose" 1 "many $kind without a signature"
	heavy "$kind" "$WORK/manifest.good" "$response/manifest.cose" "$WORK/stranger.key" "$WORK/stranger.pem"
	freeze
	measured transfer install "$STICK"
	refused 3 TRANSFER-CERT 'another transfer certificate' 'or a stranger'
	costs "$response/manifest.cose" 1 "many $kind of a stranger"
	measured transfer inspect "$response/manifest.cose"
	costs "$response/manifest.cose" "many $kind, inspected"
done
cp "$WORK/manifest.good" "$response/manifest.cose"
run transfer install "$STICK"
status 0 'the good one is installed'

# ---- a history ---------------------------------------------------------------------------

# The good one is small: certificates that are none of its own make it heavy, in one file
# and in many, and then its bundle, which nobody has proven yet.
HISTORY=$(stick history)
must transfer history --out "$HISTORY"
number=$(ls -d "$HISTORY"/airgap-ca/history/*/000001)
cert=$(cat "$number"/0001-*.pem)
grow() { # FILE BLOCKS: of a hundred certificates each
	"$PYTHON" -c 'import sys
block = (sys.argv[2] + "\n") * 100
with open(sys.argv[1], "w") as f:
    for i in range(int(sys.argv[3])): f.write(block)' "$1" "$cert" "$2"
}
# history DESC: all of it, as one file
history() {
	find "$number" -type f -exec cat {} + >"$WORK/history.size"
	freeze "$HISTORY"
	measured ca recover -n "$HISTORY"
	refused "${@:1:3}" "a history with $4 is refused"
	costs "$WORK/history.size" "a history with $4"
}
grow "$number/0002-more.pem" 2400
history 3 MANIFEST-FILES 'certificates, and the manifest lists 1' 'a file of 160 MB'
rm "$number/0002-more.pem"
for i in $(seq 1001 1400); do grow "$number/$i-more.pem" 6; done
history 3 MANIFEST-FILES 'certificates, and the manifest lists 1' '400 files of many'
rm "$number"/1???-more.pem
head -c 150000000 /dev/zero >>"$number/bundle.cose"
history 3 MANIFEST-BUNDLE 'not the one that it answers' 'a bundle of 150 MB'
rm -rf "$HISTORY" "$WORK/history.size"

# ---- a card ------------------------------------------------------------------------------

head -c 300000000 /dev/zero >"$WORK/card.cose"
measured transfer @other enroll "$WORK/card.cose" --expect "$CA_HEX"
status 3 'a card of 300 MB is none'
says '300000000 bytes, at most 524288 wanted' 'and that is said'
ok "and takes no memory ($KIB KiB)" test "$KIB" -lt 65536
run transfer @other enroll "$CARD" --expect "$CA_HEX"
status 0 'the CA'"'"'s own is taken'

# ---- a CRL of many entries -----------------------------------------------------------------

# in_pieces DESC: in 32 MiB.
in_pieces() {
	local most=32768
	case $BUILD in */debug) most=$((8 * most)) ;; esac
	ok "$1: $KIB KiB for a CRL of $((LONG / 1024))" test "$KIB" -le "$most"
}

# in_server BYTES DESC: what is brought to a server lies in memory once, in each form that it
# takes, and else there are 24 MiB.
in_server() {
	local most=$(($1 / 1024 + 24576))
	case $BUILD in */debug) most=$((8 * most)) ;; esac
	ok "$2: $KIB KiB for $(($1 / 1024))" test "$KIB" -le "$most"
}

OLD=$WORK/old
must mkdir -p "$OLD/certs"
openssl_key ec-p256 >"$OLD/ca.key" 2>/dev/null
must openssl req -x509 -new -key "$OLD/ca.key" -subj '/CN=Old CA' -days 3000 \
	-addext keyUsage=critical,keyCertSign,cRLSign -out "$OLD/ca.pem"
awk 'BEGIN { for (i = 1; i <= 500000; i++) printf "R\t301231235959Z\t" \
	"261101000000Z,keyCompromise\t7A%030X\tunknown\t/CN=x\n", i }' >"$OLD/index.txt"
echo 01 >"$OLD/crlnumber"
new_token old
must openssl pkcs8 -topk8 -nocrypt -in "$OLD/ca.key" -out "$OLD/ca.p8"
must softhsm2-util --import "$OLD/ca.p8" --token old --label old-ca --id 01 --pin "$PIN"
STICK=$(stick long)
run ca @old init --yes --json --adopt "$OLD/ca.pem" --use-key pkcs11:object=old-ca --token "$(uri old)" \
	--scope example.org --profiles tls --index "$OLD/index.txt" --crlnumber "$OLD/crlnumber" \
	--certs "$OLD/certs" --out "$STICK"
status 0 'a CA with half a million revoked certificates is adopted'
CA_HEX=$(json fingerprint)
enrol_online @long
must transfer @long request "$WORK/web.csr" --profile tls-server --out "$STICK"
must ca @old sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer @long install "$STICK"
STICK=$(stick long-crl)
measured ca @old crl "$STICK" --series 1 --every 7d --yes
status 0 'a CRL of them is signed and written'
LIST=$(ls "$STICK"/airgap-ca/responses/*/crl-*.crl)
LONG=$(stat -c %s "$LIST")
ok "it is long ($LONG bytes)" test "$LONG" -gt 20000000
is "$(openssl crl -inform DER -in "$LIST" -noout -text | grep -c 'Serial Number')" 500000 'and lists all of them'
in_pieces 'made and written'
must cp -a "$STICK" "$WORK/again"
must "$PYTHON" -c 'import sys
f = open(sys.argv[1], "r+b"); f.seek(-1, 2); last = f.read()[0]; f.seek(-1, 2); f.write(bytes([last ^ 1]))' "$LIST"
freeze "$STICK"
measured ca @old check "$STICK"
status 3 'that the stick changed the last bit of it is seen'
in_pieces 'compared'
measured transfer @long install "$STICK"
refused 3 MANIFEST-FILES 'is not the file that the manifest lists' 'and it is not installed'
in_pieces 'refused'
rm -rf "$STICK"
measured transfer @long install "$WORK/again"
status 0 'the good one is installed'
in_pieces 'installed'
STICK=$(stick long-resend)
measured ca @old resend "$STICK" --requester long
status 0 'it is made again'
is "$(sha256sum <"$(ls "$STICK"/airgap-ca/responses/*/crl-*.crl)")" \
	"$(sha256sum <"$(ls "$WORK"/again/airgap-ca/responses/*/crl-*.crl)")" 'byte for byte'
in_pieces 'made again'
rm -rf "$STICK"
must mkdir "$WORK/www" "$WORK/srv"
measured transfer @long publish "$WORK/www"
status 0 'it is published'
in_server "$LONG" 'published'
measured transfer @long deploy --format crl --to "$WORK/srv/crl.pem"
status 0 'and deployed'
PEM=$(stat -c %s "$WORK/srv/crl.pem")
in_server $((LONG + PEM)) 'deployed'
measured transfer @long rotate
status 1 'and found in its place: a visit is due'
in_server $((LONG + 2 * PEM)) 'found'

done_testing
