#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Promises 20 and 21: the signed files, read by `airgap-transfer inspect` and by
# programs that share no code with it.
. "$(dirname "$0")/../lib/lib.sh"

V=$TOP/tests/vectors/format
declare -A RULE_OF=([bundle]=signed-csr-bundle [manifest]=signed-transfer-manifest [card]=ca-card-file)

# ---- the tables that the programs work by, against the grammar -----------------------

tables=$WORK/tables.cddl
"$BUILD/unit/transfer/test_schema" --cddl >"$tables"
same() { "$PYTHON" "$TOP/tests/tools/cddl.py" --same "$1"; }
run same "$tables"
status 0 'the tables of bundle, manifest and card are the grammar, rule by rule'
# other SCRIPT REGEX DESC: tables that say something else
other() {
	sed "$1" "$tables" >"$WORK/other.cddl"
	run same "$WORK/other.cddl"
	status 1 "$3"
	says "$2" "$3: which is said"
}
other 's/2\.\.120/2..121/' 'series-validity\.3: ' 'another limit of a number'
other 's/(64\.\.65536)/(63..65536)/' '(cert|csr)-der: ' 'another limit of a length'
other 's/{0,98}/{0,99}/' 'file-name: ' 'another pattern'
other 's/? 7 => epoch/7 => epoch/' '(csr-bundle|transfer-manifest)\.7: ' 'a key that must be there'
other 's/, 6 => uint//' 'crl-entry: ' 'a key too few'
other 's/14 => key-id/16 => key-id/' 'transfer-manifest\.' 'another key'
other 's/head \/ null/head/' 'csr-bundle\.8: ' 'no null'
other '/^reason/s/9 \/ //' 'reason: ' 'a choice too few'
other '/^duration/d' 'duration: only one' 'a rule too few'
other '$a extra = uint' 'extra: nothing uses it' 'a rule too many'

# ---- the golden files, by three readers --------------------------------------------

ok 'a shadow CRL follows the grammar' "$PYTHON" "$TOP/tests/tools/cddl.py" shadow-crl-file "$V/shadow.cose"

for kind in bundle manifest card; do
	ok "a $kind follows the grammar" \
		"$PYTHON" "$TOP/tests/tools/cddl.py" "${RULE_OF[$kind]}" "$V/$kind.cose"
	ca_cert=$V/ca.der
	[ "$kind" = bundle ] && ca_cert=
	ok "a $kind verifies by python3-cryptography" \
		"$PYTHON" "$TOP/tests/tools/cose_verify.py" "$kind" "$V/$kind.cose" $ca_cert
	run "$BIN/airgap-transfer" inspect "$V/$kind.cose"
	status 0 "inspect takes a $kind"
	is "$(sed 1d <<<"$OUT")" "$(cat "$V/$kind.diag")" "inspect spells a $kind out"
	like "$(sed 1q <<<"$OUT")" '^/ signature good under the (key|certificate) in the file; ' \
		"the verdict on a $kind comes first"
done

for alg in es256 es384 es512 ps256 ps384 ps512; do
	run "$BIN/airgap-transfer" inspect "$V/alg-$alg.cose"
	status 0 "a bundle signed by $alg is good"
	ok "and python3-cryptography says so too" \
		"$PYTHON" "$TOP/tests/tools/cose_verify.py" bundle "$V/alg-$alg.cose"
done

for kind in bundle card; do
	run "$BIN/airgap-transfer" inspect "$V/hostile/alg-ml-dsa-65-$kind.cose"
	wants 3 COSE-ALG "a $kind signed by an algorithm of later versions is refused"
	says 'algorithm -49 \(ML-DSA-65\), wanted ES256' 'and the algorithm is named'
done

must cose "$V/bundle.cose" "$WORK/no-key.cose" \
	's = bytearray(p[13][1]); s[6] ^= 1; p[13][1] = bytes(s); h[4] = hashlib.sha256(s).digest()'
run "$BIN/airgap-transfer" inspect "$WORK/no-key.cose"
wants 3 COSE-SIGNATURE "a bundle with a key of no known kind is spelled out, and not good"
says 'the key that it carries is not a public key' 'which is said'
must cose "$V/manifest.cose" "$WORK/no-cert.cose" 'h[33] = h[33][:-1]'
run "$BIN/airgap-transfer" inspect "$WORK/no-cert.cose"
wants 3 COSE-SIGNATURE "so is a manifest with a certificate that is none"
says 'its x5chain is not a certificate with a usable key' 'and it is said so'

# ---- what people compare -----------------------------------------------------------

run "$BIN/airgap-transfer" inspect --words "$V/card.cose"
prints 'CA certificate: SHA-256 [0-9a-f]{64} /' "the words of a card are the CA certificate's"
digest=$(openssl dgst -sha256 -r "$V/ca.der" | cut -d' ' -f1)
prints "SHA-256 $digest" "and the digest is what openssl computes"
is "$(grep -c '^    [A-Za-z]* *[A-Za-z]* *[A-Za-z]* *[A-Za-z]*$' <<<"$OUT")" 4 "they are four lines of four words"
run "$BIN/airgap-transfer" inspect --words "$V/bundle.cose"
prints 'key of the requester: SHA-256 [0-9a-f]{64} /' "the words of a bundle are its key's"

# ---- JSON --------------------------------------------------------------------------

run "$BIN/airgap-transfer" --json inspect "$V/bundle.cose"
status 0 "inspect --json takes a bundle"
is "$(json type)" csr-bundle "JSON says what the file is"
is "$(json payload.expires)" 2026-12-23T14:00:00Z "times are RFC 3339"
is "$(json payload.requests.1.names.1)" srv:_xmpp-client.a.example "names are as in --name"
run "$BIN/airgap-transfer" --json inspect "$V/hostile/signature-wrong.cose"
status 3 "a wrong signature is exit 3 with --json too"
is "$(json rule)" COSE-SIGNATURE "and the document says so"

# ---- the hostile corpus ------------------------------------------------------------

wrong=
count=0
while read -r name _ rule; do
	"$BIN/airgap-transfer" inspect "$V/hostile/$name.cose" >"$WORK/out" 2>"$WORK/err"
	[ $? -eq 3 ] && grep -q "\[$rule\]" "$WORK/err" || wrong="$wrong $name"
	LC_ALL=C grep -q '[^ -~]' "$WORK/out" "$WORK/err" && wrong="$wrong $name:text"
	count=$((count + 1))
done <"$V/hostile.txt"
is "$wrong" "" "each of $count hostile files is exit 3 and its rule"
ok "the corpus is whole" test "$count" -eq "$(ls "$V/hostile" | wc -l)"

# The grammar alone cannot say these; everything else it refuses as well.
beyond_cddl='^(alg-.*-with-.*|alg-es384|signature-(wrong|zero|der)|bundle-(serial-zero-first|id-twice)|manifest-(previous-null|first-with-previous|loose-with-previous)|pss-.*|rsa-1024|es256-with-.*)$'
wrong=
while read -r name kind _; do
	[[ $name =~ $beyond_cddl ]] && continue
	"$PYTHON" "$TOP/tests/tools/cddl.py" "${RULE_OF[$kind]}" "$V/hostile/$name.cose" \
		>/dev/null 2>&1 && wrong="$wrong $name"
done <"$V/hostile.txt"
is "$wrong" "" "the grammar's own checker refuses the same files"

# ---- changed files -----------------------------------------------------------------

# Every bit is flipped in the unit test; here one in each of many bytes, by the
# shipped program.
cat >"$WORK/flip.py" <<'END'
import subprocess, sys
data = bytearray(open(sys.argv[2], "rb").read())
accepted = []
for at in range(0, len(data), max(1, len(data) // 100)):
    for mutate in ("flip", "cut"):
        other = bytearray(data)
        if mutate == "flip":
            other[at] ^= 1 << at % 8
        else:
            del other[at:]
        open(sys.argv[3], "wb").write(other)
        run = subprocess.run([sys.argv[1], "inspect", sys.argv[3]], capture_output=True)
        if run.returncode != 3:
            accepted.append((mutate, at, run.returncode))
print(accepted)
END
for kind in bundle manifest card; do
	is "$("$PYTHON" "$WORK/flip.py" "$BIN/airgap-transfer" "$V/$kind.cose" "$WORK/changed")" \
		"[]" "no changed or cut $kind passes"
done

# ---- bounded memory ----------------------------------------------------------------

limited() { (ulimit -v 200000; exec "$@"); }
case $BUILD in
*/debug) limited() { "$@"; } ;;	# the sanitisers reserve terabytes
esac
printf '\xd2\x9a\x10\x00\x00\x00' >"$WORK/tiny"
run limited "$BIN/airgap-transfer" inspect "$WORK/tiny"
wants 3 CBOR "six bytes that declare 2^28 items are refused in 200 MB of address space"
run limited "$BIN/airgap-transfer" inspect "$V/hostile/payload-5-bytes.cose"
wants 3 CBOR "and so is a signed payload of five"
truncate -s 257M "$WORK/large"
run limited "$BIN/airgap-transfer" inspect "$WORK/large"
status 3 "a file over 256 MiB is refused before it is read"

run "$BIN/airgap-transfer" inspect
status 2 "no file is a usage error"
run "$BIN/airgap-transfer" inspect "$WORK/none"
status 6 "a missing file is an I/O error"

done_testing
