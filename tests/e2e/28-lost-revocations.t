#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The laptop died after certificates were revoked at it. No response tells of that, but
# the CRLs that were published do: recover takes them, and what was revoked stays so.
. "$(dirname "$0")/../lib/lib.sh"
needs sqlite3 sqlite3
needs openssl openssl

make_known_ca
enrol_online
ONLINE=$REQUESTER_HEX
# asked WORD...: a request lies on a stick of its own, and nothing else does
asked() {
	STICK=$(stick asked)
	rm -rf "$STICK/airgap-ca"
	must transfer request "$@" --profile tls-server --out "$STICK"
}
# signs [@CA]: it is signed, and arrives
signs() {
	run ca "$@" sign "$STICK" --yes --expect "$ONLINE"
	[ "$STATUS" = 0 ] || return
	run transfer install "$STICK"
}
serial_of() { openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f; }
# crl_of FILE: "number / SERIAL DATE REASON" of each entry, by a reader that is not ours
crl_of() {
	"$PYTHON" - "$1" <<'EOF_PY'
import sys
from cryptography import x509
crl = x509.load_der_x509_crl(open(sys.argv[1], "rb").read())
print(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
for r in sorted(crl, key=lambda r: r.serial_number):
    try:
        why = r.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        why = "unspecified"
    print("%x %s %s" % (r.serial_number, r.revocation_date.isoformat(), why))
EOF_PY
}
state() { # CA-HOME SERIAL
	ca "$1" show "$2" --json >"$WORK/out" 2>/dev/null
	if [ "$(json status "$WORK/out")" = revoked ]; then json revoked.reason "$WORK/out"; else json status "$WORK/out"; fi
}

# ---- before ------------------------------------------------------------------------

for name in early late loose lone; do
	must csr_openssl $name ec-p256 /CN=$name.example.org DNS:$name.example.org
done
asked "$WORK/early.csr"
signs
status 0 'a certificate'
must ca backup "$WORK/old.db"
asked "$WORK/late.csr"
signs
status 0 'and another, after the backup'
LOOSE=$(stick loose)
must cp "$WORK/loose.csr" "$LOOSE/loose.csr"
must ca sign --loose --profile tls-server "$LOOSE" --yes
must cp "$(find "$LOOSE/airgap-ca/responses" -name 'loose*.pem')" "$WORK/loose.pem"
for name in early late; do
	must cp "$WORK"/home-online/certs/$name.example.org/*.pem "$WORK/$name.pem"
	declare "${name^^}=$(serial_of "$WORK/$name.pem")"
done
LOST=$(serial_of "$WORK/loose.pem")
must ca revoke "$EARLY" --reason superseded --yes
must ca revoke "$LATE" --reason keyCompromise --yes
must ca revoke "$LOST" --reason keyCompromise --yes
STICK=$(stick series)
run ca crl "$STICK" --series 4 --every 7d --overlap 3d --yes --json
status 0 'all three are revoked at the laptop, and a series of CRLs says so'
SERIES=$STICK/$(json responses.-1.path)
must cp "$SERIES"/crl-1.crl "$WORK/crl.crl"
must cp "$SERIES"/crl-4.crl "$WORK/last.crl"
must cp "$SERIES/ca.pem" "$WORK/ca.pem"
run transfer install "$STICK"
status 0 'which the server has'
crl_of "$WORK/crl.crl" >"$WORK/then"
is "$(tail -n +2 "$WORK/then" | wc -l)" 3 'three entries'
mv "$(home_of ca)" "$WORK/dead"

HISTORY=$(stick history)
run transfer history --out "$HISTORY"
status 0 'its history'
# One of a host that holds no CRL any more.
BARE=$(stick bare)
must cp -a "$HISTORY/airgap-ca" "$BARE/"
find "$BARE" -name '*.crl' -delete

# ---- without a CRL -----------------------------------------------------------------

restored() { must ca "@$1" restore "$WORK/old.db" --yes --token "$(uri ca)"; }
restored bare
freeze "$BARE"
run ca @bare recover "$BARE" -n
status 0 'a history without CRLs'
says 'the lost part signed CRLs, up to number 4, and none of them was brought' 'is told to lack them'
says "airgap-ca --home [^ ]+ recover --crl FILE" 'with the command that brings one'
unchanged 'all of it a dry run'
run ca @bare recover "$BARE" -n --json
is "$(json crl_lacks) $(json crls)" 'true []' 'programs are told too'
run ca @bare recover "$BARE" --yes
status 0 'it is taken all the same'
is "$(state @bare "$EARLY")" valid 'and what was revoked at the laptop is not'
run ca @bare recover --crl "$WORK/crl.crl" --yes
status 0 'the command of the remedy works, without a stick'
is "$(state @bare "$EARLY")" superseded 'and brings it back'
is "$(state @bare "$LATE")" keyCompromise 'with its reason'
freeze
run ca @bare recover --crl "$WORK/crl.crl" --yes
status 0 'the same again'
says 'Nothing to bring back' 'is no harm'
unchanged 'and no change'
run ca @bare recover "$BARE" -n
quiet 'none of them was brought' 'and nothing is lacking now'

# ---- what is not believed ----------------------------------------------------------

restored new
bad() { # FILE REGEX DESC
	freeze "$BARE"
	run ca @new recover "$BARE" --crl "$1" --yes
	refused 3 RECOVER-CRL "$2" "$3"
	run ca @new recover --crl "$1" --yes
	wants 3 RECOVER-CRL "$3, alone"
}
# forged CERT KEY NAME [DATE]: a CRL by openssl, in the form of ours
forged() {
	"$PYTHON" - "$@" <<'EOF_PY'
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
cert, key, out, at = sys.argv[1:5]
issuer = x509.load_pem_x509_certificate(open(cert, "rb").read())
key = serialization.load_pem_private_key(open(key, "rb").read(), None)
now = datetime.datetime.utcnow().replace(microsecond=0)
at = now + datetime.timedelta(days=int(at))
b = (x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
     .last_update(max(now, at)).next_update(max(now, at) + datetime.timedelta(days=9))
     .add_extension(x509.AuthorityKeyIdentifier(issuer.extensions.get_extension_for_class(
         x509.SubjectKeyIdentifier).value.digest, None, None), False)
     .add_extension(x509.CRLNumber(77), False)
     .add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(0x1234567890)
                              .revocation_date(at).build()))
open(out, "wb").write(b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
EOF_PY
}
must openssl req -x509 -key "$WORK/late.key" -subj "/CN=Another CA" -out "$WORK/other.pem"
must forged "$WORK/other.pem" "$WORK/late.key" "$WORK/other.crl" -1
bad "$WORK/other.crl" 'other.crl: its issuer is not this CA' "another CA's"
must forged "$WORK/ca.pem" "$WORK/late.key" "$WORK/forged.crl" -1
bad "$WORK/forged.crl" "forged.crl: its signature is not by this CA's key" 'one that another key signed'
must forged "$WORK/ca.pem" "$WORK/ca-key.key" "$WORK/future.crl" 30
bad "$WORK/future.crl" 'future.crl: it lists 1234567890 as revoked at 20.*, which is in the future by this clock' 'an entry from the future'
must cp "$WORK/crl.crl" "$WORK/flipped.crl"
flip "$WORK/flipped.crl" 300
bad "$WORK/flipped.crl" 'flipped.crl: ' 'a flipped byte'
must cp "$WORK/crl.crl" "$WORK/cut.crl"
truncate -s -1 "$WORK/cut.crl"
bad "$WORK/cut.crl" 'cut.crl: no CRL, or one that is cut short' 'one cut short'
: >"$WORK/empty.crl"
bad "$WORK/empty.crl" 'empty.crl: ' 'an empty file'
truncate -s 2G "$WORK/huge.crl"
bad "$WORK/huge.crl" 'huge.crl: ' '2 GiB of nothing'
bad "$WORK/late.pem" 'late.pem: ' 'a certificate'
run ca @new recover --crl "$WORK/none.crl" --yes
status 6 'a file that is not there'
run ca @new recover --crl "$WORK/crl.crl" --lost 'all of it, for good' --yes
status 2 '--crl is not for --lost'
run ca @new recover
status 2 'nothing to recover from'

# ---- with one ----------------------------------------------------------------------

must openssl crl -inform DER -in "$WORK/crl.crl" -out "$WORK/crl.pem"
freeze "$BARE"
run ca @new recover "$BARE" --crl "$WORK/crl.pem" -n
status 0 'the CRL as PEM, as servers have it'
says 'CRL 1 +of 20.*, 3 revoked, 3 of them not known as that here' 'what it would bring'
says '1 +as keyCompromise, and its certificate is not here' 'and whose key nobody knows'
quiet 'none of them was brought' 'nothing is lacking'
unchanged 'all of it a dry run'
run ca @new recover "$BARE" --crl "$WORK/crl.pem" --yes --json
status 0 'and it does'
is "$(json crls.0.number) $(json crls.0.revoked) $(json crls.0.new) $(json crl_lacks)" '1 3 3 false' 'programs are told'
is "$(state @new "$EARLY") $(state @new "$LATE")" 'superseded keyCompromise' 'revoked as they were'
run ca @new show "$LOST"
status 0 'one that no history has is known by its serial'
prints 'status +revoked' 'as revoked'
prints 'known from a CRL' 'and from where'
run ca @new show "$LOST" --pem
status 2 'its certificate is not here'
run ca @new ledger
prints 'crl-seen +CRL 1' 'the ledger says which CRL was read'
prints "listed +$LOST" 'and what is known from it alone'
LEDGER=$(home_of new)/ledger.db
run ca @new ledger verify
status 0 'the ledger is whole'
ok 'as Python finds' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$LEDGER"

# The next CRL.
must cp -a "$(home_of online)" "$WORK/before"
STICK=$(stick next)
run ca @new crl "$STICK" --series 2 --every 7d --overlap 3d --yes --json
status 0 'the next CRLs are signed'
NEXT=$STICK/$(json responses.-1.path)/crl-$(json first).crl
crl_of "$NEXT" >"$WORK/now"
is "$(tail -n +2 "$WORK/now")" "$(tail -n +2 "$WORK/then")" 'list the same, of the same dates, for the same reasons'
ok 'numbered a million above the highest' test "$(head -1 "$WORK/now")" -gt 1000004
ok 'signed by the CA' openssl crl -inform DER -in "$NEXT" -CAfile "$WORK/ca.pem" -noout
run transfer install "$STICK"
status 0 'and the server takes them'

# The key of one that was revoked as lost is not certified again.
must cp -a "$WORK/before" "$(home_of unaware)"
must sqlite3 "$(home_of unaware)/store.db" 'DELETE FROM revoked_key; UPDATE certificate SET revoked_at = NULL'
STICK=$(stick unaware)
must transfer @unaware request "$WORK/late.csr" --profile tls-server --out "$STICK"
run ca @new sign "$STICK" -n
says 'KEY-REVOKED\] request 1 \(late\)' 'a key that was lost is not certified again'
run ca @new revoke "$LOST" --reason superseded --yes
quiet '9999' 'nobody is told of a year that is none'
says 'Revoked before, and stay so: 1' 'what the CRL alone has is revoked already'

# ---- the last of a series lists the same ---------------------------------------------

restored last
run ca @last recover "$BARE" --crl "$WORK/last.crl" --yes
status 0 'the last of the series, which is not due yet'
is "$(state @last "$EARLY") $(state @last "$LATE")" 'superseded keyCompromise' 'serves as well'

# ---- a certificate that comes after its revocation -----------------------------------

restored order
run ca @order recover --crl "$WORK/crl.crl" --yes
status 0 'a CRL before any history'
run ca @order sign "$STICK" --yes
wants 7 RESTORED 'makes nobody sign'
run ca @order recover "$BARE" --yes
status 0 'then the history'
is "$(state @order "$LATE")" keyCompromise 'whose certificate is revoked on arrival'
run ca @order sign "$STICK" -n
says 'KEY-REVOKED\] request 1 \(late\)' 'and its key is lost'
run ca @order ledger verify
status 0 'the ledger is whole'
ok 'as Python finds' "$PYTHON" "$TOP/tests/tools/ledger_verify.py" "$(home_of order)/ledger.db"

# ---- a history brings it along -----------------------------------------------------

CRLS=$(cd "$HISTORY" && find . -name '*.crl')
like "$CRLS" '^\./airgap-ca/history/[0-9a-f-]*/000003/crl-1\.crl$' 'a history has one CRL, in the newest response that brought some'
ok 'byte for byte' cmp "$HISTORY/$CRLS" "$WORK/crl.crl"
restored along
run ca @along recover "$HISTORY" -n
says 'CRL 1 +of 20.*, 3 revoked, 3 of them not known as that here' 'recover reads it without being told'
quiet 'none of them was brought' 'and lacks nothing'
freeze "$HISTORY"
run ca @along recover "$HISTORY" --yes --json
status 0 'it is taken'
like "$(json crls.0.file)" '/000003/crl-1\.crl$' 'programs are told from where'
is "$(state @along "$EARLY") $(state @along "$LATE")" 'superseded keyCompromise' 'and all is revoked as it was'
run ca @along recover "$HISTORY" --crl "$WORK/crl.crl" --yes
says 'Nothing to bring back' 'the same by hand adds nothing'
restored other
OTHER=$(stick other)
foul() { # DESC REGEX
	run ca @other recover "$OTHER" -n --json
	status 1 "$1: that response is left"
	is "$(json left.0.rule)" MANIFEST-FILES 'by its rule'
	like "$(json left.0.reason)" "$2" 'and its sentence'
}
must cp -a "$HISTORY/airgap-ca" "$OTHER/"
flip "$OTHER/$CRLS" 300
foul 'another byte in it' '000003: its CRL is none that the manifest lists'
must cp "$WORK/forged.crl" "$OTHER/$CRLS"
foul 'a forged one' '000003: its CRL is none that the manifest lists'
# A host whose copy of it went bad gives the rest.
must cp -a "$(home_of online)" "$(home_of spoilt)"
for file in "$(home_of spoilt)"/crl/*; do echo more >>"$file"; done
run transfer @spoilt history --out "$(stick spoilt)"
status 0 'a host whose CRLs went bad tells the rest'
is "$(find "$WORK/stick-spoilt" -name '*.crl')" '' 'without one'

# ---- what was sent then ----------------------------------------------------------------

restored resend
must ca @resend recover "$BARE" --crl "$WORK/crl.crl" --yes
run ca @resend resend "$(stick again)"
status 7 'the response with the CRLs cannot be made again'
says 'response 3 cannot be made again: its CRLs were signed by the ledger that is lost' 'which is said'
says "airgap-ca --home [^ ]+ crl MEDIA --series N --every DUR" 'with what makes others'
run ca @resend crl "$(stick others)" --series 2 --every 7d --overlap 3d --yes
status 0 'and it does'
run ca @resend resend "$(stick others)"
status 0 'which can be sent again'
done_testing
