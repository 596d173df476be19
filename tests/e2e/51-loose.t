#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Plain CSR files and no bundle: signed under --loose, proved by verify --loose,
# taken by install --csr against exactly those CSRs.
. "$(dirname "$0")/../lib/lib.sh"
needs ssh-keygen openssh-client
needs certtool gnutls-bin
needs strace strace

make_ca
must csr_openssl web ec-p256 /CN=web.example.org DNS:web.example.org,DNS:www.example.org
must csr_openssl mail rsa-2048 /CN=mail.example.org DNS:mail.example.org
must csr_certtool gnu ec-p256 gnu.example.org gnu.example.org
must csr_openssl far ec-p256 /CN=far.example.net DNS:far.example.net
must csr_openssl other ec-p256 /CN=other.example.org DNS:other.example.org

loose() { ca sign "$STICK" --loose --profile tls-server "$@"; }
responses() { ls "$STICK/airgap-ca/responses" 2>/dev/null; }
id_of() { openssl req -in "$1" -outform der | sha256sum | cut -c1-16; }

# ---- what is wanted of the operator --------------------------------------------------
run ca sign "$STICK" --loose
status 2 '--loose wants a profile'
run ca sign "$STICK" --profile tls-server
status 2 'and a profile --loose'
run loose --expect "$CA_HEX"
status 2 'there is no requester to expect'
run loose
status 0 'a stick without a CSR is no mistake'
says 'No \*\.csr, .* in .*: nothing to do' 'and it is said'

must cp "$WORK/web.csr" "$STICK/web.csr"
must openssl req -in "$WORK/mail.csr" -outform der -out "$STICK/mail.p10"
must cp "$WORK/gnu.csr" "$STICK/gnu.pem"
run ca sign "$STICK"
status 0 'without --loose they are not signed'
says 'Plain CSR files lie there: airgap-ca --home [^ ]+ sign .* --loose --profile P' 'but the way is told'
freeze
run ca sign "$STICK" --loose --profile no-such
refused 4 PROFILE-UNKNOWN 'no profile "no-such"' 'a profile that the policy lacks'
run loose -n --json
status 0 'a dry run signs nothing'
unchanged 'and stores nothing'
is "$(json responses.0.requester)" null 'nobody asks'
is "$(json responses.0.results | grep -o request_id | wc -l)" 3 'for three certificates'
says 'loose requests, nobody vouches for them: names come from +the CSRs|loose requests, nobody vouches' \
	'and the review says what they are'
says 'file +mail.p10' 'each by the name of its file'
dialogue 'Type Yes to sign this' no -- ca sign "$STICK" --loose --profile tls-server
status 4 'a no at the terminal is a no'
unchanged 'and leaves nothing'

# ---- a visit ---------------------------------------------------------------------------
dialogue 'Type Yes to sign this' Yes -- ca sign "$STICK" --loose --profile tls-server
status 0 'Yes signs them'
is "$(responses)" "${CA_HEX:0:8}-loose-000001" 'into a response for nobody'
RESPONSE=$STICK/airgap-ca/responses/$(responses)
is "$(ls "$RESPONSE")" "$(printf '%s\n' ca.pem gnu.pem mail.pem manifest.cose policy.conf web.pem)" \
	'a file for each, named after its CSR, and the policy'
ok 'certtool verifies the one for its own CSR' certtool --verify \
	--load-ca-certificate "$RESPONSE/ca.pem" \
	--infile "$RESPONSE/gnu.pem"
for f in web mail gnu; do
	is "$(openssl x509 -in "$RESPONSE/$f.pem" -noout -pubkey)" \
		"$(openssl req -in "$WORK/$f.csr" -noout -pubkey)" "$f.pem has the key of $f.csr"
done
like "$(transfer inspect "$RESPONSE/manifest.cose")" 'requester / 14: null' \
	'its manifest is in no channel'
run ca show "$(ca list --json 2>/dev/null | sed 's/.*"serial": *"\([0-9a-f]*\)".*/\1/')"
prints 'requester +\(loose requests' 'the ledger knows that nobody asked'
ok 'and is whole' ca ledger verify

# ---- the same set again ----------------------------------------------------------------
must cp -a "$RESPONSE" "$WORK/first"
must rm -r "$STICK/airgap-ca/responses"
must mv "$STICK/web.csr" "$STICK/z.pem"
must openssl req -in "$WORK/mail.csr" -out "$STICK/mail.csr"
run loose --json
status 0 'the same CSRs under other names need neither Yes nor PIN'
says 'set of 3 loose CSRs was answered before' 'which is said'
ok 'and get the stored response, byte for byte' diff -r "$WORK/first" "$RESPONSE"
is "$(json responses.0.requester)" null 'which is for nobody'
run ca resend "$(stick resent)" --json
status 0 'resend knows it too'
ok 'the same bytes' diff -r "$WORK/first" "$(stick resent)/$(json responses.0.path)"
is "$(json responses.0.requester)" null 'for nobody'
freeze
run ca sign "$STICK" --loose --profile tls-client --yes
refused 7 LOOSE-PROFILE 'another profile than "tls-client"' 'the same set for another profile'
must cp "$WORK/other.csr" "$STICK"
run loose --yes --json
status 0 'with one more CSR it is another set'
is "$(json responses.0.sequence)" 2 'the second of those that are counted'
is "$(json responses.0.issued)" 4 'and all of it is signed'
says '3 of these CSRs have a certificate already' 'but it is said that most were signed before'
is "$(printf '%s' "$ERR" | grep -cE 'BEFORE +[0-9a-f]{32} of loose response 1,')" 3 'each by its serial'
must rm "$STICK/other.csr"

# ---- online ------------------------------------------------------------------------------
enrol_online
run transfer install "$STICK"
status 6 'a plain install takes no loose response'
says 'one to loose CSRs is taken with --csr' 'and says who does'
freeze
run transfer verify "$STICK" --loose --json
status 0 'verify --loose proves them'
is "$(json trusted) $(json certificates)" 'true 7' 'both of them'
unchanged 'and stores nothing'
run transfer install -n "$STICK" --csr "$WORK"/{web,mail,gnu}.csr
status 0 'a dry run takes them'
unchanged 'and stores nothing either'
run transfer install "$STICK" --csr "$WORK"/{web,mail}.csr
refused 3 LOOSE-SET 'answers 3 CSRs; 1 of those' 'a CSR too few'
run transfer install "$STICK" --csr "$WORK"/{web,mail,gnu,far}.csr
refused 3 LOOSE-SET 'far.csr is none of them' 'a CSR too many'
run transfer install "$STICK" --csr "$WORK/far.csr"
refused 3 LOOSE-SET 'answers none of the CSRs' 'other CSRs'
run transfer install "$STICK" --csr "$WORK/web.key"
refused 3 PRIVATE-KEY 'web.key: a PKCS#8 private key|web.key: an EC private key' 'a private key in its place'
run transfer install "$STICK" --csr "$WORK/web.table"
status 6 'a file that is not there'
run transfer install --csr "$WORK/web.csr"
status 2 'a medium is wanted'

run transfer install --csr "$WORK"/{gnu,mail,web}.csr "$STICK" --json
status 0 'exactly those CSRs, in any order, are taken'
is "$(json certificates) $(json sequence)" '3 1' 'three certificates of response 1'
run transfer list --json
is "$(json certificates | grep -o '"serial"' | wc -l)" 3 'which list knows'
is "$(json certificates.0.profile)" tls-server 'by their profile'
like "$OUT" 'dns:www.example.org' 'and their names'
ok 'and has written' openssl verify -CAfile "$WORK/home-online/ca.pem" \
	"$WORK"/home-online/certs/gnu.example.org/*.pem
run transfer status --within 365d
status 1 'status knows when they end'
says 'due +certificate dns:gnu.example.org ends' 'each'
freeze
run transfer install "$STICK" --csr "$WORK"/{web,mail,gnu}.csr --json
status 0 'again is no mistake'
is "$(json certificates)" 0 'and brings nothing'
unchanged 'nor changes anything'
run transfer request --again --out "$STICK"
status 7 'a loose set leaves nothing unanswered'
run transfer request --renew --within 365d --out "$STICK"
says 'web.example.org: .*came of loose CSRs; ask anew' 'and what it brought is not renewed: nobody here asked'
nok 2 'so no bundle is made' ls "$STICK/airgap-ca/requests"
run transfer install "$STICK" --csr "$WORK"/{web,mail,gnu,other}.csr --json
status 0 'the larger set is another answer'
run transfer list --json
is "$(json certificates | grep -o '"serial"' | wc -l)" 7 'with certificates of its own'

# ---- a stick that was changed ----------------------------------------------------------------
# spoilt STATUS RULE DESC COMMAND...: a new home, a copy of the first response
# changed by COMMAND in its directory; nothing of it is stored.
new_home() { rm -rf "$WORK/home-new"; must transfer @new enroll "$STICK" --label new --expect "$CA_HEX"; }
new_home
spoilt() {
	local status=$1 rule=$2 desc=$3
	shift 3
	rm -rf "$WORK/spoilt"
	must mkdir -p "$WORK/spoilt/airgap-ca/responses"
	must cp -a "$WORK/first" "$WORK/spoilt/airgap-ca/responses/${CA_HEX:0:8}-loose-000001"
	(cd "$WORK/spoilt/airgap-ca/responses"/* && "$@") || fail "spoiling: $*"
	freeze "$WORK/spoilt"
	run transfer @new verify "$WORK/spoilt" --loose
	refused "$status" "$rule" . "$desc: verify"
	run transfer @new install "$WORK/spoilt" --csr "$WORK"/{web,mail,gnu}.csr
	refused "$status" "$rule" . "$desc: install"
}
forge() {
	must openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/forger.pem"
	must cose --key "$WORK/forger.pem" manifest.cose "$WORK/forged" "$1"
	must cp "$WORK/forged" manifest.cose
}
spoilt 3 COSE-SIGNATURE 'a changed signature' flip manifest.cose
spoilt 3 COSE-SIGNATURE 'another key' forge ''
spoilt 3 MANIFEST-FILES 'a file too many' sh -c 'echo >more.pem'
spoilt 3 MANIFEST-FILES 'a certificate too few' sh -c 'rm web.pem'
spoilt 3 MANIFEST-FILES 'two files swapped' sh -c 'mv web.pem x; mv mail.pem web.pem; mv x mail.pem'
spoilt 3 MEDIA-FILE 'a link' sh -c 'ln -sf /etc/hostname ca.pem'
run transfer @new install "$STICK" --csr "$WORK"/{web,mail,gnu}.csr
status 0 'and after all that the good one is taken'

# Two ledgers answer one set: the second answer is an alarm, not news.
must mkdir "$WORK/twice"
must cp "$WORK/other.csr" "$WORK/twice"
must cp -a "$WORK/home-ca" "$WORK/home-copy"
must ca sign "$WORK/twice" --loose --profile tls-server --yes
must transfer install "$WORK/twice" --csr "$WORK/other.csr"
must rm -r "$WORK/twice/airgap-ca"
must ca @copy sign "$WORK/twice" --loose --profile tls-server --yes
freeze "$WORK/twice"
run transfer install "$WORK/twice" --csr "$WORK/other.csr"
refused 7 FORK 'answered already, by another manifest' 'another answer to the same set'
# Or one each of two sets, under one number.
for home in ca copy; do
	must csr_openssl "twice-$home" ec-p256 /CN=x DNS:twice-$home.example.org
	must mkdir "$WORK/twice-$home"
	must cp "$WORK/twice-$home.csr" "$WORK/twice-$home"
	must ca "@$home" sign "$WORK/twice-$home" --loose --profile tls-server --yes
done
must transfer install "$WORK/twice-ca" --csr "$WORK/twice-ca.csr"
freeze "$WORK/twice-copy"
run transfer install "$WORK/twice-copy" --csr "$WORK/twice-copy.csr"
refused 7 FORK 'other CSRs have answer number [0-9]+ here: two ledgers' 'two sets with one number'

# ---- bundles beside them -----------------------------------------------------------------------
must transfer request "$WORK/other.csr" --profile tls-server --out "$STICK"
freeze
run loose --yes
refused 4 LOOSE-BUNDLE 'has 1 bundle' 'an open bundle on the stick'
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
run loose --json
status 0 'once it is answered, it is in nobody'"'"'s way'

# ---- bad files among good ones -----------------------------------------------------------------
BAD=$(stick bad)
must cp "$WORK/web.csr" "$BAD/a.csr"
must cp "$WORK/web.csr" "$BAD/again.pem"
must cp "$WORK/far.csr" "$BAD/far.csr"
must openssl req -in "$WORK/other.csr" -outform der -out "$BAD/pop.der"
flip "$BAD/pop.der"
run ca sign "$BAD" --loose --profile tls-server --yes --json
status 1 'what the rules refuse is refused in the response'
is "$(json responses.0.issued) $(json responses.0.refused)" '1 2' 'the others are signed'
says 'file +a.csr, and the same CSR in 1 other' 'one CSR twice counts once'
says '\[NAME-SCOPE\] far.csr: ' 'a name out of scope, by its file'
says '\[CSR-POP\] pop.der: ' 'a signature that is not of its key'
run transfer install "$BAD" --csr "$BAD"/*.{csr,pem,der} --json
status 1 'online it is partly refused too'
says 'NAME-SCOPE' 'by the rule'
is "$(json certificates)" 1 'and one is installed'

BAD=$(stick worse)
must cp "$WORK/gnu.csr" "$BAD/good.csr"
must sh -c "echo nothing >$BAD/text.csr"
must ln -s good.csr "$BAD/link.csr"
must mkfifo "$BAD/pipe.csr"
must mkdir "$BAD/dir.pem"
must truncate -s 4G "$BAD/huge.der"
must cp "$WORK/mail.csr" "$BAD/Web Server.CSR"
must cp "$WORK/mail.csr" "$BAD/$(printf 'a\033[31m.p10')"
must cp "$WORK/mail.csr" "$BAD/.hidden.csr"
must cp "$WORK/mail.csr" "$BAD/readme.txt"
must cp "$WORK/mail.csr" "$BAD/exchange.req"
must cp "$WORK/mail.csr" "$BAD/mail.CSR.txt"
must sh -c "echo 'no request' >$BAD/notes.txt"
must sh -c "echo 'nor this' >$BAD/other.req"
must mkdir -p "$BAD/from hr/old" "$BAD/.Trashes" "$BAD/System Volume Information"
must cp "$WORK/mail.csr" "$BAD/from hr/old/Printer.P10"
must cp "$WORK/mail.csr" "$BAD/.Trashes/thrown.csr"
must cp "$WORK/mail.csr" "$BAD/System Volume Information/x.csr"
run ca sign "$BAD" --loose --profile tls-server --yes --json
status 3 'what cannot even be read is left out'
is "$(json responses.0.issued)" 1 'and the good one is signed'
for wanted in 'text.csr: .*\[CSR-FORM\]' 'link.csr: is a symbolic link.*\[MEDIA-FILE\]' \
	'pipe.csr: is a fifo.*\[MEDIA-FILE\]' 'dir.pem: is a directory.*\[MEDIA-FILE\]' \
	'huge.der: has 4294967296 bytes.*\[MEDIA-SIZE\]' 'holds "Web Server.CSR".*\[MEDIA-NAME\]' \
	'holds "a\\x1b\[31m.p10".*\[MEDIA-NAME\]' \
	'readme.txt: is not taken; a CSR ends in .*\[LOOSE-FILE\]' \
	'exchange.req: is not taken.*\[LOOSE-FILE\]' 'mail.CSR.txt: is not taken.*\[LOOSE-FILE\]' \
	'other.req: is not taken.*\[LOOSE-FILE\]' \
	'from hr/old/Printer.P10: lies in a folder.*\[LOOSE-FILE\]'; do
	like "$ERR" "^Left out: .*$wanted\$" "left out: $wanted"
done
is "$(printf '%s' "$ERR" | grep -c "^Left out: ")" 12 'each in one sentence, and nothing else'
nok 1 'no control byte of a name reaches the terminal' grep -q $'\033\\[31m' "$WORK/err"
is "$(json stopped | grep -o '"rule"' | wc -l)" 12 'and each is in the JSON'

# Online: what is not taken is said, and of what is taken all that is bad at once.
must rm "$BAD/huge.der" "$BAD/pipe.csr" "$BAD/text.csr"
must rmdir "$BAD/dir.pem"
must rm "$BAD"/a*.p10
run transfer request "$BAD" --profile tls-server -n --out "$(stick folder)"
status 0 'a folder of CSRs among other things'
says '^2 requests, good' 'those that are called so are asked for'
for wanted in 'Web Server.CSR: is not taken; a CSR ends in ' 'readme.txt: is not taken; ' \
	'exchange.req: is not taken; ' 'mail.CSR.txt: is not taken; ' 'other.req: is not taken; ' \
	'from hr/old/Printer.P10: lies in a folder'; do
	like "$ERR" "^Left out: $BAD/$wanted.*\[LOOSE-FILE\]\$" "left out online: $wanted"
done
is "$(printf '%s' "$ERR" | grep -c "^Left out: ")" 6 'and nothing else'
must sh -c "echo nothing >$BAD/text.csr; echo more >$BAD/more.csr"
must cp "$WORK/far.csr" "$BAD/far.csr"
must openssl req -in "$WORK/other.csr" -outform der -out "$BAD/pop.der"
flip "$BAD/pop.der"
freeze "$(stick folder)"
run transfer request "$BAD" --profile tls-server --out "$(stick folder)"
wants 3 CSR-FORM 'bad ones among them'
says '4 of 6 requests would be refused; nothing was put on the stick' 'refuse all'
says '  refused: .*/text.csr: .*\[CSR-FORM\]' 'and all are told: one that is no CSR'
says '  refused: .*/more.csr: .*\[CSR-FORM\]' 'another'
says '  refused: .*/pop.der: .*\[CSR-POP\]' 'one that another key signed'
says '  refused: far: .*\[NAME-SCOPE\]' 'and one that the policy refuses'
unchanged 'nothing was asked'

# ---- private keys -----------------------------------------------------------------------------
# Of every form, wherever they lie; each is called out, and the CSR beside them is signed.
KEYS=$(stick keys)
must cp "$WORK/other.csr" "$KEYS/good.csr"
must openssl genpkey -algorithm ed25519 -outform DER -out "$KEYS/ed.der"
is "$(stat -c %s "$KEYS/ed.der")" 48 'a private key of 48 bytes, which is shorter than any request'
must openssl genpkey -algorithm rsa -out "$KEYS/rsa.pem"
must openssl rsa -in "$KEYS/rsa.pem" -traditional -outform DER -out "$KEYS/pkcs1.p10"
must openssl ec -in "$WORK/web.key" -outform DER -out "$KEYS/sec1.csr"
must openssl pkcs8 -topk8 -in "$WORK/web.key" -passout pass:secret -outform DER -out "$KEYS/locked.der"
must openssl ec -in "$WORK/web.key" -aes256 -passout pass:secret -out "$KEYS/locked.csr"
must openssl pkcs12 -export -nocerts -inkey "$WORK/web.key" -passout pass:secret -out "$KEYS/store.pem"
must ssh-keygen -q -t ed25519 -N '' -f "$KEYS/id_ed25519"
must mkdir -p "$KEYS/Old Keys"
must cp "$WORK/web.key" "$KEYS/Old Keys/Server.KEY"
must mkdir -p "$KEYS/.Trash-1000/files"
must cp "$WORK/web.key" "$KEYS/.Trash-1000/files/gone.pem"
must sh -c "cat '$WORK/web.csr' '$WORK/web.key' >'$KEYS/both.csr'"
must sh -c "printf '\377\376' >'$KEYS/wide.pem'; iconv -t UTF-16LE '$WORK/web.key' >>'$KEYS/wide.pem'"
run ca sign "$KEYS" --loose --profile tls-server --yes --json
status 3 'private keys among CSRs are said by the status'
is "$(json responses.0.issued)" 1 'and stop nothing else'
for wanted in 'ed.der: a PKCS#8' 'rsa.pem: a PKCS#8' 'pkcs1.p10: an RSA' 'sec1.csr: an EC' \
	'locked.der: an encrypted PKCS#8' 'locked.csr: an EC' 'store.pem: a PKCS#12' \
	'id_ed25519: an OpenSSH' 'Old Keys/Server.KEY: an? ' 'both.csr: an? ' 'wide.pem: an? ' \
	'.Trash-1000/files/gone.pem: an? '; do
	like "$ERR" "^PRIVATE KEY: .*$wanted.*\[PRIVATE-KEY\]\$" "called out: $wanted"
done
is "$(printf '%s' "$ERR" | grep -c '^PRIVATE KEY: ')" 12 'each once'
says 'remedy +take the key for known to others' 'and what to do about it'
nok 1 'nothing of a key is in the ledger or on the screen' \
	grep -rqF "$(sed -n 2p "$WORK/web.key")" "$WORK/home-ca" "$WORK/out" "$WORK/err"
# Online the same, for a folder of CSRs.
must sh -c "{ cat '$KEYS/rsa.pem'; yes '# a chain of certificates' | head -c 200000; } >'$KEYS/chain.pem'"
must cp "$KEYS/good.csr" "$KEYS/._good.csr"
must sh -c "head -c 200 /dev/urandom >'$KEYS/._other.csr'"
FOLDER=$(stick folder)
run transfer request "$KEYS" --profile tls-server --out "$FOLDER" --json
status 0 'a folder with private keys beside its CSR is asked for'
is "$(json requests)" 1 'with the CSR alone'
for wanted in 'ed.der: a PKCS#8' 'rsa.pem: a PKCS#8' 'pkcs1.p10: an RSA' 'sec1.csr: an EC' \
	'locked.der: an encrypted PKCS#8' 'locked.csr: an EC' 'store.pem: a PKCS#12' \
	'id_ed25519: an OpenSSH' 'Old Keys/Server.KEY: an? ' 'both.csr: an? ' 'wide.pem: an? ' 'chain.pem: an? '; do
	like "$ERR" "^PRIVATE KEY: .*$wanted.*\[PRIVATE-KEY\]\$" "called out online: $wanted"
done
is "$(printf '%s' "$ERR" | grep -c '^PRIVATE KEY: ')" 13 'each once, and what a Mac left is passed over'
run ca sign "$KEYS" --loose --profile tls-server -n
like "$ERR" '^PRIVATE KEY: .*chain.pem: an? ' 'a large one is called out at the CA, too'
nok 1 'nor is anything of them in the bundle' grep -rqF "$(sed -n 2p "$WORK/web.key")" "$FOLDER" "$WORK/out" "$WORK/err"
must rm "$KEYS/good.csr"
must rm -r "$FOLDER/airgap-ca"
freeze "$FOLDER"
run transfer request "$KEYS" --profile tls-server --out "$FOLDER"
status 2 'with nothing but keys there is nothing to ask for'
unchanged 'and nothing is'
for file in ed.der sec1.csr locked.csr store.pem both.csr id_ed25519; do
	run ca sign "$KEYS/$file" --loose --profile tls-server --yes --out "$(stick single)"
	wants 3 PRIVATE-KEY "$file alone is refused"
	run transfer request "$KEYS/$file" --profile tls-server --out "$(stick single)"
	wants 3 PRIVATE-KEY "and online"
done

# ---- the names of answers -----------------------------------------------------------------------
# answers TO: the files of the only response in TO that are not the CA's own
answers() { (cd "$1"/airgap-ca/responses/*/ && ls | grep -v -x -e ca.pem -e manifest.cose -e policy.conf | tr '\n' ' '); }
same_key() { [ "$(openssl x509 -in "$1" -noout -pubkey)" = "$(openssl req -in "$2" -noout -pubkey)" ]; }
CLASH=$(stick clash)
for n in 1 2 3 4 5; do must csr_openssl "n$n" ec-p256 "/CN=n$n.example.org" "DNS:n$n.example.org"; done
must cp "$WORK/n1.csr" "$CLASH/www.csr"
must cp "$WORK/n2.csr" "$CLASH/www.p10"
must cp "$WORK/n3.csr" "$CLASH/ca.pem"
must cp "$WORK/n4.csr" "$CLASH/0001-$(id_of "$WORK/n1.csr").csr"
run ca sign "$CLASH" --loose --profile tls-server --yes
status 0 'names of CSRs that would clash'
is "$(answers "$CLASH")" "0001-$(id_of "$WORK/n1.csr").pem ca.pem.pem www.csr.pem www.p10.pem " \
	'keep their endings, and none takes that of the CA'
ok 'and each holds the answer to its CSR' eval 'cd "$CLASH/airgap-ca/responses"/*/ &&
	same_key www.csr.pem ../../../www.csr && same_key www.p10.pem ../../../www.p10 &&
	same_key ca.pem.pem ../../../ca.pem && openssl verify -CAfile ca.pem ca.pem.pem www.csr.pem'
run transfer install "$CLASH" --csr "$CLASH"/{www.csr,www.p10,ca.pem} "$CLASH"/0001-*.csr
status 0 'it is installed'
must mv "$CLASH/airgap-ca" "$WORK/clash-first"
must mv "$CLASH/www.p10" "$CLASH/renamed.csr"
run ca sign "$CLASH" --loose --profile tls-server --yes
status 0 'and once more, under another name'
ok 'it is the stored one, byte for byte' diff -r "$WORK/clash-first" "$CLASH/airgap-ca"
must rm -r "$CLASH"/*
must cp "$WORK/n1.csr" "$CLASH/www.csr.der"
must cp "$WORK/n2.csr" "$CLASH/www.p10"
must cp "$WORK/n3.csr" "$CLASH/www.csr"
run ca sign "$CLASH" --loose --profile tls-server --yes
status 0 'names that clash whatever is done'
is "$(answers "$CLASH" | sed 's/-[0-9a-f]\{16\}//g')" '0001.pem 0002.pem 0003.pem ' 'become numbers'

# ---- an appliance that cannot say its name -------------------------------------------------------
APPLIANCE=$(stick appliance)
must csr_openssl printer ec-p256 /CN=printer7
must cp "$WORK/printer.csr" "$APPLIANCE"
named() { ca sign "$APPLIANCE" --loose --profile "${PROFILE:-tls-server}" "$@"; }
freeze "$APPLIANCE"
run named -n --json
status 4 'a CSR with a short name has none to sign'
says '\[NAMES-COUNT\] printer.csr: 0 names' 'and is refused'
run ca sign "$APPLIANCE" --name dns:printer7.example.org
status 2 '--name is for loose CSRs'
run named --name printer7.example.org
status 2 'a name has a type'
run named --name dns:printer_7.example.org
wants 2 NAME-FORM 'and is one'
run named -n --name dns:printer7.example.net
wants 4 NAME-SCOPE 'the scope of the CA holds for it'
run named -n --name ip:10.0.0.7
wants 4 NAME-TYPE 'and so do the types of the profile'
PROFILE=tls-client run named -n --name dns:printer7.example.org
status 0 'each profile that allows it takes it'
unchanged 'nothing of which is stored'
must cp "$WORK/n5.csr" "$APPLIANCE"
run named --yes --name dns:printer7.example.org
status 2 'of two CSRs nobody could tell whose it is'
says 'has 2; give that one as FILE' 'which is said'
run ca sign "$APPLIANCE/printer.csr" -n --loose --profile tls-server --name dns:printer7.example.org
status 0 'as a file by itself it can be named all the same'
must rm "$APPLIANCE/n5.csr"
run named --yes --name dns:PRINTER7.example.org --name dns:www.printer7.example.org --name dns:printer7.example.org
status 0 'the operator says what it is called'
says '\(given by --name\)' 'which the review says'
says 'install STICK --csr FILE..., with the same --name' 'and what the other side is to say'
says 'names +dns:printer7.example.org dns:www.printer7.example.org$' 'each once'
PRINTER=$(echo "$APPLIANCE"/airgap-ca/responses/*)/printer.pem
is "$(openssl x509 -in "$PRINTER" -noout -ext subjectAltName | tail -1)" \
	'    DNS:printer7.example.org, DNS:www.printer7.example.org' 'the certificate has these names and no others'
is "$(openssl x509 -in "$PRINTER" -noout -subject -nameopt RFC2253)" 'subject=CN=printer7.example.org' 'in its subject too'
ok 'for the key of the CSR' same_key "$PRINTER" "$WORK/printer.csr"
must mv "$APPLIANCE/airgap-ca" "$WORK/printer-first"
freeze "$APPLIANCE"
run named --yes
refused 7 LOOSE-PROFILE 'or for other names' 'the same CSR without the names'
run named --yes --name dns:printer8.example.org
refused 7 LOOSE-PROFILE 'or for other names' 'with others'
run named --name dns:printer7.example.org --name dns:www.printer7.example.org
status 0 'with the same it gets the stored answer'
ok 'byte for byte' diff -r "$WORK/printer-first" "$APPLIANCE/airgap-ca"
run transfer verify "$APPLIANCE" --loose
status 0 'online it is proved'
freeze "$APPLIANCE"
run transfer install "$APPLIANCE" --csr "$WORK/printer.csr"
refused 3 CERT-NAMES 'other names than its CSR; those that the CA was given by --name' 'but not taken for what the CSR does not say'
run transfer install "$APPLIANCE" --csr "$WORK/printer.csr" --name dns:printer8.example.org
refused 3 CERT-NAMES . 'nor for another name'
run transfer install "$APPLIANCE" --csr "$WORK/printer.csr" "$WORK/n5.csr" --name dns:printer7.example.org
status 2 'a name is of one CSR'
run transfer install "$APPLIANCE" --csr "$WORK/printer.csr" \
	--name dns:printer7.example.org --name dns:www.printer7.example.org
status 0 'but for those that the operator gave'
run transfer list --json
like "$OUT" 'dns:www.printer7.example.org' 'which list has'

# The same for good, in the policy: many appliances, or one that asks each year.
cat >>"$WORK/home-ca/policy.conf" <<POLICY
[profile fridge]
subject = first-name
names = dns
fixed-names = dns:fridge.example.org, dns:cold.example.org
key-types = ec-p256
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
validity = 90d
validity-max = 90d
POLICY
FRIDGE=$(stick fridge)
must csr_openssl fridge ec-p256 /CN=192.0.2.7 DNS:not_a_name,DNS:www.example.com
must cp "$WORK/fridge.csr" "$FRIDGE"
run ca sign "$FRIDGE" --loose --profile fridge -n --name dns:x.example.org
wants 4 NAMES-SOURCE 'a profile with names of its own takes no others'
run ca sign "$FRIDGE" --loose --profile fridge --yes
status 0 'a profile may have the names of an appliance'
says 'names +dns:fridge.example.org dns:cold.example.org$' 'the review shows them'
says '\(of the profile, whatever was asked\)' 'and where they are from'
is "$(openssl x509 -in "$FRIDGE"/airgap-ca/responses/*/fridge.pem -noout -ext subjectAltName | tail -1)" \
	'    DNS:fridge.example.org, DNS:cold.example.org' 'the certificate has these, and nothing of the CSR'
run transfer verify "$FRIDGE" --loose
status 0 'online it is proved'
run transfer install "$FRIDGE" --csr "$WORK/fridge.csr"
status 0 'and taken, since the policy says so'
run transfer list --json
like "$OUT" 'dns:cold.example.org' 'with the names of the profile'

# ---- one file, and many ---------------------------------------------------------------------------
OUTSIDE=$(stick outside)
run ca sign "$WORK/mail.csr" --loose --profile tls-server --yes
status 2 'for a single file there must be a place for the response'
run ca sign "$WORK/mail.csr" --loose --profile tls-server --yes --out "$OUTSIDE"
status 0 'then it is signed'
is "$(answers "$OUTSIDE")" 'mail.pem ' 'under its name'
run transfer install "$OUTSIDE" --csr "$WORK/mail.csr"
status 0 'and installed'
must cp "$WORK/n5.csr" "$WORK/Printer (2nd).txt"
run ca sign "$WORK/Printer (2nd).txt" --loose --profile tls-server --yes --out "$(stick odd)"
status 0 'one whose name no medium carries'
is "$(answers "$(stick odd)")" 'request.pem ' 'has an answer all the same'

MANY=$(stick many)
ok '1,100 CSRs' "$PYTHON" - "$MANY" <<'PY'
import sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
for i in range(1100):
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(f"h{i}.example.org")]), False).sign(key, hashes.SHA256())
    open(f"{sys.argv[1]}/h{i}.csr", "wb").write(csr.public_bytes(serialization.Encoding.PEM))
PY
run ca sign "$MANY" --loose --profile tls-server --yes --json
status 0 'are one set'
is "$(json responses.0.issued)" 1100 'and all are signed'
run transfer install "$MANY" --csr "$MANY"/*.csr --json
status 0 'and installed'
is "$(json certificates)" 1100 'all of them'

# ---- more than one set may be -----------------------------------------------------------------------
FULL=$(stick full)
"$PYTHON" - "$FULL" <<'PY'
import os, sys
for i in range(2049):  # 256 MiB, and holes take no room
    with open(f"{sys.argv[1]}/h{i}.csr", "wb") as f:
        f.truncate(131072)
PY
freeze "$FULL"
run ca sign "$FULL" --loose --profile tls-server --yes
refused 3 MEDIA-SIZE 'loose CSRs: more than 268435456 bytes' 'more bytes than one file may have'
must rm "$FULL"/*
"$PYTHON" - "$FULL" <<'PY'
import os, sys
for i in range(10001):
    os.close(os.open(f"{sys.argv[1]}/h{i}.{'csr' if i % 2 else 'p10'}", os.O_CREAT | os.O_WRONLY, 0o600))
PY
freeze "$FULL"
run ca sign "$FULL" --loose --profile tls-server --yes
refused 3 MEDIA-COUNT 'loose CSRs: more than 10000 files' 'more files, under two suffixes'
must rm -r "$FULL"

# ---- killed while it signs ------------------------------------------------------------------------
CRASH=$(stick crash)
must cp "$MANY"/h{1,2,3}.csr "$CRASH"
must cp -a "$WORK/home-ca" "$WORK/kept-ca"
# killed N: the signer dies at its N-th write to the disk; false when it came through
killed() {
	command_of ca sign "$CRASH" --loose --profile tls-server --yes
	local args=() arg
	for arg in "${ARGV[@]}"; do
		[ "$arg" != "$BIN/airgap-ca" ] || args+=(strace -qq -o "$WORK/trace"
			-e "trace=fsync,fdatasync" -e "inject=fsync,fdatasync:signal=KILL:when=$1")
		args+=("$arg")
	done
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
		timeout -k 5 "$LIMIT" setsid -w "${args[@]}" >"$WORK/killed" 2>&1
	grep -q 'killed by SIGKILL' "$WORK/trace"
}
n=0 resumed=0
while killed $((n + 1)) 2>/dev/null; do
	n=$((n + 1))
	wrong=
	run ca status
	if matches "$OUT" 'loose set [0-9a-f]* is unfinished'; then
		resumed=$((resumed + 1))
		matches "$OUT" "airgap-ca --home [^ ]+ sign STICK --loose --profile P' again" || wrong+=' no-way-out'
		run ca sign "$CRASH" --loose --profile tls-client --yes
		matches "$ERR" 'LOOSE-PROFILE' || wrong+=' other-profile'
	fi
	run ca sign "$CRASH" --loose --profile tls-server --yes --json
	[ "$STATUS" = 0 ] || wrong+=" status-$STATUS"
	[ "$(json responses.0.issued)" = 3 ] || wrong+=' issued'
	ca ledger verify >"$WORK/verify" 2>&1 || wrong+=' verify'
	rm -rf "$WORK/home-resumed"
	transfer @resumed enroll "$STICK" --label r --expect "$CA_HEX" >/dev/null 2>&1
	transfer @resumed install "$CRASH" --csr "$CRASH"/*.csr >"$WORK/install" 2>&1 || wrong+=' install'
	if [ -z "$wrong" ]; then pass "killed at write $n, and the same command again"; else
		fail "killed at write $n, and the same command again" "$wrong"; fi
	rm -rf "$WORK/home-ca" "$CRASH/airgap-ca"
	must cp -a "$WORK/kept-ca" "$WORK/home-ca"
done
ok 'some points were met' test "$n" -ge 4
ok 'and at some of them the set was open' test "$resumed" -ge 1
run transfer @resumed history --out "$(stick told)"
status 7 'what answered loose CSRs is in no history'
says 'no response at all is held here' 'which is said'

done_testing
