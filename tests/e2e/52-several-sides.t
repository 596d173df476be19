#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several online sides at one CA. Each part is one story from its beginning:
#	1  two hosts, visits side by side on one stick and on many
#	2  a stick lost on the way there, and one lost on the way back
#	3  forged responses: another key, another requester's, an old one
# Whatever happens, every channel is numbered and chained without a gap.
. "$(dirname "$0")/../lib/lib.sh"

make_ca
declare -A HEX
for host in alpha beta gamma; do
	enrol_online "@$host" "$host"
	HEX[$host]=$REQUESTER_HEX
done
CARD=$(stick card)
must cp -a "$STICK/." "$CARD"

# ---- the steps of a visit --------------------------------------------------------------

# asks HOST STICK NAME...: a bundle of HOST's, for one certificate each
asks() {
	local host=$1 stick=$2 name csrs=()
	shift 2
	for name; do
		[ -e "$WORK/$name.csr" ] ||
			must csr_openssl "$name" ec-p256 "/CN=$name.example.org" "DNS:$name.example.org"
		csrs+=("$WORK/$name.csr")
	done
	must transfer "@$host" request "${csrs[@]}" --profile tls-server --out "$stick"
}

signs() {
	run ca sign "$1" --yes --json --expect "${HEX[alpha]}" --expect "${HEX[beta]}" \
		--expect "${HEX[gamma]}"
}

# dir_of HOST SEQUENCE: where a response lies on a stick
dir_of() { printf 'airgap-ca/responses/%s-%s-%06d' "${CA_HEX:0:8}" "${HEX[$1]:0:8}" "$2"; }
# written: "alpha 1, beta 2", what the last sign put on its stick, in order
written() {
	"$PYTHON" -c 'import json, sys
print(", ".join("%s %d" % (r["requester"], r["sequence"])
                for r in json.load(open(sys.argv[1]))["responses"]))' "$WORK/out"
}
# holds HOST: the names of its certificates, sorted
holds() {
	transfer "@$1" list --json 2>/dev/null >"$WORK/list"
	"$PYTHON" -c 'import json, sys
print(*sorted(n[4:].split(".")[0] for c in json.load(open(sys.argv[1]))["certificates"]
              for n in c["names"]))' "$WORK/list"
}

# installs STATUS HOST STICK DESC
installs() {
	run transfer "@$2" install "$3" --json
	status "$1" "$4"
}

# The chain as somebody else reads it: every manifest of a requester that lies on
# these sticks, by number, each with the digest of the one before.
chained() {
	local host=$1
	shift
	"$PYTHON" - "${HEX[$host]}" "$@" <<'PY'
import cbor2, glob, hashlib, os, sys
found = {}
for stick in sys.argv[2:]:
    for path in glob.glob(stick + "/airgap-ca/responses/*/manifest.cose"):
        data = open(path, "rb").read()
        m = cbor2.loads(cbor2.loads(data).value[2])
        if m[14] is None or m[14].hex() != sys.argv[1]:
            continue
        assert found.setdefault(m[3], data) == data, "two responses %d" % m[3]
assert sorted(found) == list(range(1, len(found) + 1)), sorted(found)
ledger = 0
for n in sorted(found):
    m = cbor2.loads(cbor2.loads(found[n]).value[2])
    want = hashlib.sha256(found[n - 1]).digest() if n > 1 else None
    assert m[4] == want, n
    assert m[12][0] > ledger, n
    ledger = m[12][0]
print(len(found))
PY
}

# ==== 1: two hosts, one stick and many ======================================================
ONE=$(stick one)
must cp -a "$CARD/." "$ONE"
asks alpha "$ONE" a1
asks beta "$ONE" b1
asks alpha "$ONE" a2 # overtakes a1's bundle before anybody signed
signs "$ONE"
status 0 'bundles of two hosts and two visits on one stick are signed in one run'
is "$(json responses | grep -o '"sequence"' | wc -l)" 3 'each gets a response'
is "$(written | tr -d ' ' | tr ',' '\n' | sort | xargs)" 'alpha1 alpha2 beta1' 'numbered by channel'
ok "of alpha's the first bundle first" sh -c 'case "$1" in *"alpha 1"*"alpha 2"*) ;; *) exit 1 ;; esac' - "$(written)"
installs 0 alpha "$ONE" 'alpha takes both of its own'
is "$(json certificates) $(json sequence)" '2 2' 'in order'
installs 0 beta "$ONE" 'beta takes its own from the same stick'
is "$(json certificates) $(json sequence)" '1 1' 'which begins at 1 for beta too'
is "$(holds alpha) / $(holds beta)" 'a1 a2 / b1' "neither has anything of the other's"
installs 6 gamma "$ONE" 'a third host finds nothing for itself'

A=$(stick alphas) B=$(stick betas)
asks alpha "$A" a3
asks beta "$B" b2
signs "$A"
is "$(written)" 'alpha 3' 'a stick of its own for each host'
signs "$B"
is "$(written)" 'beta 2' 'leaves the channels apart'
# Responses of both and of all visits side by side, in a copy with everything.
ALL=$(stick all)
for stick in "$ONE" "$A" "$B"; do must cp -a "$stick/." "$ALL"; done
installs 0 alpha "$ALL" 'alpha finds the new one among all that ever was'
is "$(json certificates) $(json sequence)" '1 3' 'and that alone'
installs 0 beta "$B" 'beta takes its from its own stick'
is "$(holds alpha) / $(holds beta)" 'a1 a2 a3 / b1 b2' 'each has what it asked'
signs "$ALL"
status 0 'a stick of answered bundles is answered again'
is "$(json responses | grep -o '"sequence"' | wc -l)" 5 'each once, with the stored bytes'
ok 'which are the same' diff -r "$ONE/airgap-ca/responses" "$ALL/airgap-ca/responses" \
	--exclude="*-000003" --exclude="${CA_HEX:0:8}-${HEX[beta]:0:8}-000002"
is "$(chained alpha "$ALL") $(chained beta "$ALL")" '3 2' \
	'both chains are whole, and know nothing of each other'
ok 'the ledger too' ca ledger verify

# ==== 2: a lost stick =======================================================================
# --- on the way back: the response is lost
LOST=$(stick lost)
asks alpha "$LOST" a4
signs "$LOST"
is "$(written)" 'alpha 4' 'a response'
must mv "$LOST" "$WORK/lost-for-ever"
NEXT=$(stick next)
asks alpha "$NEXT" a5
asks beta "$NEXT" b3
signs "$NEXT"
status 0 'whose stick is lost; the next visit signs as always'
ok 'and brings the missing one unasked' diff -r "$WORK/lost-for-ever/$(dir_of alpha 4)" \
	"$NEXT/$(dir_of alpha 4)"
like "$(written)" 'beta 3' "beside beta's"
like "$(written)" 'alpha 4, alpha 5' 'before the one that follows'
nok 1 "beta's are not brought again: it has them" test -e "$NEXT/$(dir_of beta 2)"
# Whoever comes with a later one only is told what lacks, and nothing is stored.
must cp -a "$NEXT" "$WORK/gap"
must rm -r "$WORK/gap/$(dir_of alpha 4)"
freeze "$WORK/gap"
run transfer @alpha install "$WORK/gap"
refused 7 GAP 'number 5, but number 4 is the next one' 'the later one alone'
installs 0 alpha "$NEXT" 'both together are taken'
is "$(json certificates) $(json sequence)" '2 5' 'in order'
installs 0 beta "$NEXT" 'and beta goes on as if nothing had been'
is "$(holds alpha) / $(holds beta)" 'a1 a2 a3 a4 a5 / b1 b2 b3' 'nothing is lost'

# --- on the way there: the bundle is lost
asks alpha "$(stick gone)" a6
must mv "$(stick gone)" "$WORK/gone-for-ever"
run transfer @alpha status --json
like "$OUT$ERR" 'open|bundle' 'a bundle that nobody answered is open'
AGAIN=$(stick again)
run transfer @alpha request --again --out "$AGAIN"
status 0 'what is unanswered is asked again, as a new bundle'
is "$(ls "$AGAIN/airgap-ca/requests" | wc -l)" 1 'one'
nok 1 'which is another one' diff -r "$WORK/gone-for-ever/airgap-ca/requests" "$AGAIN/airgap-ca/requests"
signs "$AGAIN"
is "$(written)" 'alpha 6' 'it is signed like any other'
installs 0 alpha "$AGAIN" 'and installed'
is "$(holds alpha)" 'a1 a2 a3 a4 a5 a6' 'the certificate is there'
run transfer @alpha request --again --out "$AGAIN"
status 7 'and nothing is unanswered any more'

# --- and the lost stick turns up again
signs "$WORK/gone-for-ever"
status 7 'the old bundle after its successor'
rule REPLAY 'is a replay, and is not signed a second time'
installs 0 alpha "$WORK/lost-for-ever" 'the old response'
is "$(json certificates)" 0 'is known already'
# Lost before it was signed, found, and signed before the new one: then the new one
# has the same request, and the CA answers both. Each channel stays whole.
asks beta "$(stick early)" b4
EARLY=$(stick early) LATE=$(stick late)
must transfer @beta request --again --out "$LATE"
signs "$EARLY"
is "$(written)" 'beta 4' 'a bundle that was only thought lost'
signs "$LATE"
is "$(written)" 'beta 4, beta 5' 'and the one made in its place bring both responses'
installs 0 beta "$LATE" 'in order'
is "$(holds beta)" 'b1 b2 b3 b4 b4' 'both certificates are known'
is "$(chained alpha "$ONE" "$A" "$NEXT" "$AGAIN") $(chained beta "$ONE" "$B" "$NEXT" "$LATE")" \
	'6 5' 'both chains are whole'
ok 'the ledger too' ca ledger verify

# ==== 3: a forged response ==================================================================
F=$(stick forged)
asks alpha "$F" a7
asks beta "$F" b5
signs "$F"
status 0 'two good responses'
must openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/forger.pem"

# forged HOST STATUS RULE REGEX DESC COMMAND...: a copy of the stick that COMMAND
# changed; refused by name, nothing stored.
forged() {
	local host=$1 status=$2 rule=$3 regex=$4 desc=$5
	shift 5
	rm -rf "$WORK/spoilt"
	must cp -a "$F" "$WORK/spoilt"
	(cd "$WORK/spoilt" && "$@") || fail "forging: $*"
	freeze "$WORK/spoilt"
	run transfer "@$host" install "$WORK/spoilt"
	refused "$status" "$rule" "$regex" "$desc"
}
ALPHA=$(dir_of alpha 7) BETA=$(dir_of beta 6)

# by another key
resign() { # PYTHON [CERT]
	must cose --key "$WORK/forger.pem" ${2:+--cert "$2"} "$ALPHA/manifest.cose" "$WORK/forged" "$1"
	must cp "$WORK/forged" "$ALPHA/manifest.cose"
}
must openssl req -x509 -new -key "$WORK/forger.pem" -subj /CN=transfer -days 99 \
	-addext 'keyUsage=critical,digitalSignature' \
	-addext "extendedKeyUsage=critical,$TRANSFER_EKU" \
	-out "$WORK/forger.crt"
forged alpha 3 COSE-SIGNATURE 'signature' "another key under the CA's transfer certificate" resign ''
forged alpha 3 TRANSFER-CERT 'transfer certificate|issued|pinned' 'another key with a certificate of its own' \
	resign '' "$WORK/forger.crt"
must transfer @alpha verify "$F"

# swapped between requesters
forged alpha 3 CHANNEL 'another requester' "beta's response in the place of alpha's" \
	sh -c "rm -r '$ALPHA' && cp -a '$BETA' '$ALPHA'"
forged alpha 3 MANIFEST-FILES . "beta's certificate among alpha's" \
	sh -c "cp '$BETA'/0001-* '$ALPHA/'"
forged alpha 3 MANIFEST-FILES . "beta's certificate for alpha's" \
	sh -c "cat '$BETA'/0001-* >\"\$(echo '$ALPHA'/0001-*)\""
forged beta 3 CHANNEL 'another requester' "alpha's manifest in beta's response" \
	cp "$ALPHA/manifest.cose" "$BETA/manifest.cose"

# replayed
forged alpha 3 COSE-SIGNATURE 'signature' 'another number, by the key of somebody else' \
	resign 'p[3] = 8'
run transfer @alpha install "$WORK/spoilt"
nok 1 'that stick is never taken' test "$STATUS" = 0
rm -rf "$WORK/spoilt"
must cp -a "$F" "$WORK/spoilt"
must rm -r "$WORK/spoilt/$ALPHA"
must cp -a "$NEXT/$(dir_of alpha 5)" "$WORK/spoilt/$ALPHA"
freeze "$WORK/spoilt"
installs 0 alpha "$WORK/spoilt" 'an old response under the next number is known, and no news'
is "$(json certificates)" 0 'it brings nothing'
unchanged 'and changes nothing'
installs 6 gamma "$F" 'and for gamma there is nothing'

# Two CAs under one key: a copy of the laptop answers the same number otherwise.
must cp -a "$WORK/home-ca" "$WORK/home-copy"
FORK=$(stick fork)
installs 0 alpha "$F" 'the good response, after all those'
installs 0 beta "$F" "and beta's"
asks alpha "$FORK" a8
must cp -a "$FORK" "$WORK/fork-copy"
run ca @copy sign "$WORK/fork-copy" --yes
status 0 'the copy signs number 8'
signs "$FORK"
is "$(written)" 'alpha 8' 'and so does the laptop'
installs 0 alpha "$FORK" 'the first of them that arrives is taken'
freeze "$WORK/fork-copy"
run transfer @alpha install "$WORK/fork-copy"
refused 7 FORK 'number 8 was accepted already, with other content' 'the other one is an alarm'
asks alpha "$WORK/fork-copy" a9
run ca @copy sign "$WORK/fork-copy" --yes
status 7 'and the copy is found out by the next head'
rule FORK 'as a second ledger'

is "$(holds alpha) / $(holds beta)" 'a1 a2 a3 a4 a5 a6 a7 a8 / b1 b2 b3 b4 b4 b5' \
	'of all that, each side has what it asked, once'
is "$(chained alpha "$ONE" "$A" "$NEXT" "$AGAIN" "$F" "$FORK") $(chained beta "$ONE" "$B" "$NEXT" "$LATE" "$F")" \
	'8 6' 'and both chains are whole'
ok 'as is the ledger' ca ledger verify
done_testing
