#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A certificate in a server's files: the formats as other programs read them, owner
# and mode, the reload, and what stays when something on the way fails.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
needs certtool gnutls-bin
needs sqlite3 sqlite3
make_ca --scope example.org --profiles xmpp,tls
enrol_online

HOME_DIR=$WORK/home-online
SRV=$WORK/srv
mkdir "$SRV"
PEM=$SRV/server.pem
CA=$HOME_DIR/ca.pem
must csr_openssl web rsa-2048 /CN=www.example.org DNS:www.example.org
must transfer request --profile xmpp-server --new-key ec-p256 --domain example.org \
	--host chat.example.org --series 3x31d+7d --out "$STICK"
must transfer request --profile tls-server --new-key ec-p256 \
	--name dns:chat.example.org --days 20 --out "$STICK"
must transfer request "$WORK/web.csr" --profile tls-server --days 40 --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer install "$STICK"

# blocks FILE: what a PEM file holds, in order
blocks() { sed -n 's/^-----BEGIN \(.*\)-----$/\1/p' "$1" | tr '\n' ','; }
serial() { openssl x509 -in "$1" -noout -serial | sed 's/.*=//' | tr A-F a-f; }
pub() { openssl pkey -in "$1" -pubout 2>/dev/null | sha256sum; }
pub_of_cert() { openssl x509 -in "$1" -noout -pubkey | sha256sum; }
deployed() { run transfer deploy example.org --format pemfile --to "$PEM" "$@"; }

# ---- the command line -------------------------------------------------------------

run transfer deploy example.org --to "$PEM"
status 2 "a format is wanted"
run transfer deploy example.org --format pem --to "$PEM"
status 2 "one of five"
says "pemfile, cert, chain, fullchain, p12, crl, ca.crl, crl-dir or index" "which are named"
deployed --key "$SRV/key.pem"
status 2 "a pemfile has no key file of its own"
run transfer deploy example.org --format p12 --to "$SRV/a.p12"
status 2 "PKCS#12 wants a password"
deployed --pass-source "$WORK/pin"
status 2 "which goes with PKCS#12 alone"
run transfer deploy example.org --format fullchain --to "$SRV/c.pem"
status 2 "a key made here wants a place"
says 'give --key FILE' "which the refusal says"
run transfer deploy example.org --format fullchain --to "$SRV/c.pem" --key "$SRV/c.pem"
status 2 "and not in the certificate's own file"
deployed --reload "systemctl reload 'x"
status 2 "a reload with an open quote is refused"
says "reload: command: a ' that is not closed" "and it is said why"
run transfer deploy nobody.example.org --format pemfile --to "$PEM"
status 7 "a name that is not held is refused"
says 'airgap-transfer --home [^ ]+ list' "with what helps"
run transfer deploy chat.example.org --format cert --to "$SRV/c.pem" --key "$SRV/k.pem" -n
status 0 "a first name goes before those further down"
says 'dns:chat.example.org until' "here the host's own certificate"
run transfer deploy example.org --format pemfile --to "$WORK/no/such/file"
status 6 "a directory that is not there is named"
says 'no/such/file: its directory' "by its file"
run transfer deploy example.org --format pemfile --to "$SRV"
status 2 "a directory is no file"
is "$(ls -A "$SRV")" "" "and nothing of all this wrote anything"
freeze
for file in store.db requester.pem keys/new.pem ca.pem; do
	run transfer deploy example.org --format pemfile --to "$HOME_DIR/$file"
	status 2 "our own $file is not the server's"
done
says "lies in the home of airgap-transfer" "which is said"
run transfer deploy example.org --format cert --to "$SRV/c.pem" \
	--key "$HOME_DIR/requester.pem"
status 2 "nor is our key a place for its key"
must cp "$WORK/web.key" "$SRV/web.key"
run transfer deploy www.example.org --format fullchain --to "$SRV/web.key"
status 7 "a certificate does not take a private key's place"
says "web.key: holds a private key" "which is said"
run transfer deploy www.example.org --format p12 --to "$WORK/pin" \
	--key-from "$WORK/web.key" --pass-source "$WORK/pin"
status 2 "nor a PKCS#12 file that of its password"
ok "the key is still there" cmp "$WORK/web.key" "$SRV/web.key"
must rm "$SRV/web.key"
is "$(ls -A "$SRV")" "" "and nothing lies beside it"
unchanged "and our own files are as they were"
run transfer deploy
is "$OUT" "" "or is remembered"
deployed -n
status 0 "a dry run says what would be"
is "$(ls -A "$SRV")" "" "and writes nothing"

# ---- formats ----------------------------------------------------------------------

deployed --reload "sh -c 'echo again >>$WORK/reloads'"
status 0 "a pemfile is deployed"
says '^[^ ]*server.pem: new; dns:example.org until [0-9-]{10}, 2 more to [0-9-]{10}$' \
	"and until when there are certificates is told"
if [ "$(id -u)" = 0 ]; then
	escaped=$(sed 's:^/::; s:-:\\x2d:g; s:/:-:g' <<<"$HOME_DIR")
	ok "and the timer that serves this home" grep -qF \
		"systemctl enable --now 'airgap-transfer-rotate@$escaped.timer'" "$WORK/err"
else
	says "airgap-transfer-rotate-user@$(id -un)\.timer" "and the timer that serves this user"
fi
is "$(blocks "$PEM")" "PRIVATE KEY,CERTIFICATE,CERTIFICATE," \
	"key, certificate and the CA's own"
is "$(stat -c %a "$PEM")" 600 "for its owner alone"
is "$(cat "$WORK/reloads")" again "and the reload ran, once"
is "$(pub "$PEM")" "$(pub_of_cert "$PEM")" "key and certificate fit"
sed -n '/BEGIN CERT/,$p' "$PEM" | awk '/BEGIN/ { n++ } n > 1' >"$WORK/rest.pem"
is "$(openssl x509 -in "$WORK/rest.pem" -outform der | sha256sum | cut -c1-64)" "$CA_HEX" \
	"the CA certificate is the one whose words were compared"
ok "the chain verifies from the file alone" openssl verify -x509_strict \
	-CAfile "$WORK/rest.pem" -verify_hostname example.org "$PEM"
deployed --reload "sh -c 'echo again >>$WORK/reloads'"
status 0 "the same again is no error"
is "$(wc -l <"$WORK/reloads")" 2 "and reloads: somebody typed it"

run transfer deploy example.org --format fullchain --to "$SRV/full.pem" --key "$SRV/full.key"
status 0 "certificate and key in two files"
is "$(blocks "$SRV/full.pem")" "CERTIFICATE,CERTIFICATE," "with the chain"
is "$(blocks "$SRV/full.key")" "PRIVATE KEY," "the key apart"
is "$(stat -c %a "$SRV/full.pem" "$SRV/full.key" | tr '\n' ' ')" "644 600 " \
	"each with the mode for what it holds"
says 'No --reload' "who gave no reload is told what that means"
run transfer deploy example.org --format cert --to "$SRV/cert.pem" --key "$SRV/cert.key"
is "$(blocks "$SRV/cert.pem")" "CERTIFICATE," "a certificate alone"
run transfer deploy example.org --format chain --to "$SRV/chain.pem"
is "$(blocks "$SRV/chain.pem")" "CERTIFICATE," "the CA's alone"
ok "which verifies the other" openssl verify -CAfile "$SRV/chain.pem" "$SRV/cert.pem"

(umask 077; printf 'two words\nsecond line\n' >"$WORK/pass")
run transfer deploy example.org --format p12 --to "$SRV/all.p12" --pass-source "$WORK/pass"
status 0 "PKCS#12 is deployed"
is "$(stat -c %a "$SRV/all.p12")" 600 "for its owner alone"
openssl pkcs12 -in "$SRV/all.p12" -passin 'pass:two words' -nodes -out "$WORK/p12.pem" 2>/dev/null
is "$(grep -c BEGIN "$WORK/p12.pem")" 3 "openssl reads key and two certificates from it"
is "$(pub "$WORK/p12.pem")" "$(pub "$PEM")" "the same key"
is "$(serial "$WORK/p12.pem")" "$(serial "$PEM")" "and certificate"
is "$(certtool --p12-info --inder --infile "$SRV/all.p12" --password 'two words' 2>/dev/null |
	grep -c -e '^-----BEGIN')" 3 "certtool reads three as well"
nok 1 "not with another password" openssl pkcs12 -in "$SRV/all.p12" -passin pass:two -nodes
(umask 077; printf 'two words\r\nsecond line\r\n' >"$WORK/pass.crlf")
must transfer deploy example.org --format p12 --to "$SRV/crlf.p12" --pass-source "$WORK/pass.crlf"
ok "the end of a line of another system is no part of the password" \
	openssl pkcs12 -in "$SRV/crlf.p12" -passin 'pass:two words' -nodes -out /dev/null
must transfer deploy --forget "$SRV/crlf.p12"
# p12_info FILE: the algorithms by which it is protected, in openssl's words
p12_info() {
	openssl pkcs12 -in "$1" -passin 'pass:two words' -info -noout 2>&1
}
usual=$(p12_info "$SRV/all.p12")
like "$usual" 'MAC: sha256' "the MAC is one with SHA-256"
is "$(grep -c 'PBES2, PBKDF2, AES-256-CBC' <<<"$usual")" 2 "key and certificates are under AES-256"
unlike "$usual" '3KeyTripleDES|sha1' "and nothing is under an older one"
run transfer deploy example.org --format p12 --to "$SRV/old.p12" --pass-source "$WORK/pass" \
	--p12 legacy
status 0 "a PKCS#12 for old programs is made when asked for"
says 'old.p12: --p12 legacy is weak .3DES, MAC with SHA-1.' "and said to be weak"
old=$(p12_info "$SRV/old.p12")
like "$old" 'MAC: sha1' "its MAC is one with SHA-1"
is "$(grep -c 'pbeWithSHA1And3-KeyTripleDES-CBC' <<<"$old")" 2 "key and certificates are under 3DES"
unlike "$old" 'PBES2|AES|sha256|RC2' "and nothing is what such programs do not know"
openssl pkcs12 -in "$SRV/old.p12" -passin 'pass:two words' -nodes -out "$WORK/old.pem" 2>/dev/null
is "$(pub "$WORK/old.pem") $(grep -c BEGIN "$WORK/old.pem")" "$(pub "$PEM") 3" "it holds the same"
is "$(certtool --p12-info --inder --infile "$SRV/old.p12" --password 'two words' 2>/dev/null |
	grep -c -e '^-----BEGIN')" 3 "for certtool as well"
sum=$(sha256sum <"$SRV/old.p12")
run transfer rotate
is "$(sha256sum <"$SRV/old.p12")" "$sum" "rotate leaves it"
rm "$SRV/old.p12"
run transfer rotate
like "$(p12_info "$SRV/old.p12")" 'MAC: sha1' "and makes it anew in the same way"
run transfer deploy
like "$(grep old.p12 <<<"$OUT")" '^p12 .weak.' "the list has it as weak"
# A store that another program changed: what the file was made of has the option in it.
must sqlite3 "$HOME_DIR/store.db" "UPDATE deployment SET legacy = 0 WHERE path LIKE '%/old.p12'"
run transfer rotate
like "$(p12_info "$SRV/old.p12")" 'MAC: sha256' "a change of the option alone remakes the file"
run transfer deploy example.org --format p12 --to "$SRV/old.p12" --pass-source "$WORK/pass" \
	--p12 legacy
run transfer deploy example.org --format p12 --to "$SRV/old.p12" --pass-source "$WORK/pass"
quiet 'weak' "deployed again without it"
like "$(p12_info "$SRV/old.p12")" 'MAC: sha256' "it is the usual one again"
run transfer deploy example.org --format p12 --to "$SRV/old.p12" --pass-source "$WORK/pass" --p12 new
status 2 "another word is refused"
says '--p12 new: only legacy is known' "by name"
deployed --p12 legacy
status 2 "and it goes with PKCS#12 alone"
must transfer deploy --forget "$SRV/old.p12"
chmod 644 "$WORK/pass"
run transfer deploy example.org --format p12 --to "$SRV/b.p12" --pass-source "$WORK/pass"
status 6 "a password that others can read is none"
says '^airgap-transfer: password file [^ ]*/pass: others may read it' "and it is said why"
chmod 600 "$WORK/pass"
sum=$(sha256sum <"$SRV/all.p12")
run transfer rotate
is "$(sha256sum <"$SRV/all.p12")" "$sum" "PKCS#12 that holds what it should is not made anew"

# ---- keys that were not made here -------------------------------------------------

run transfer deploy www.example.org --format pemfile --to "$SRV/www.pem"
status 7 "a key that was not made here must be given"
says 'key-from' "which the refusal says"
run transfer deploy www.example.org --format pemfile --to "$SRV/www.pem" --key-from "$SRV/full.key"
status 7 "another key is refused"
says 'not the key of the certificate' "as what it is"
nok 1 "and leaves nothing" test -e "$SRV/www.pem"
must openssl pkey -in "$WORK/web.key" -aes128 -passout pass:x -out "$WORK/locked.key"
run transfer deploy www.example.org --format pemfile --to "$SRV/www.pem" --key-from "$WORK/locked.key"
status 7 "one with a passphrase is not asked for"
run transfer deploy www.example.org --format pemfile --to "$SRV/www.pem" --key-from "$WORK/web.key"
status 0 "the right one is taken"
is "$(pub "$SRV/www.pem")" "$(pub_of_cert "$SRV/www.pem")" "and fits"
cp "$SRV/full.key" "$SRV/www.pem"
run transfer rotate
status 0 "whatever key lies there, the given one takes its place"
is "$(pub "$SRV/www.pem")" "$(pub_of_cert "$SRV/www.pem")" "and fits again"
cp "$WORK/web.key" "$SRV/www.key"
run transfer deploy www.example.org --format fullchain --to "$SRV/www.crt" --key "$SRV/www.key"
status 0 "where the server has its key, it stays"
ok "byte for byte" cmp "$WORK/web.key" "$SRV/www.key"
cp "$SRV/full.key" "$SRV/www.key"
run transfer deploy www.example.org --format fullchain --to "$SRV/www2.crt" --key "$SRV/www.key"
status 7 "but it has to be the certificate's"
run transfer deploy www.example.org --format cert --to "$SRV/www3.crt"
status 0 "or is the server's own affair"
for f in www.pem www.crt www3.crt; do must transfer deploy --forget "$SRV/$f"; done

# ---- files that are there ---------------------------------------------------------

printf 'old\n' >"$SRV/kept.pem"
chmod 640 "$SRV/kept.pem"
[ "$(id -u)" != 0 ] || chown 1:2 "$SRV/kept.pem"
before=$(stat -c '%a %u %g' "$SRV/kept.pem")
run transfer deploy example.org --format pemfile --to "$SRV/kept.pem"
is "$(stat -c '%a %u %g' "$SRV/kept.pem")" "$before" "owner and mode are kept"
quiet warning "with nothing to warn of"
chmod 644 "$SRV/kept.pem"
run transfer deploy example.org --format pemfile --to "$SRV/kept.pem"
says 'warning .*everybody on this host can read the private key' \
	"a key for everybody is warned of"
ln -s kept.pem "$SRV/link.pem"
run transfer deploy example.org --format pemfile --to "$SRV/link.pem"
ok "a symbolic link stays one" test -L "$SRV/link.pem"
run transfer deploy
is "$(grep -c kept.pem <<<"$OUT")" 1 "what it leads to is what is remembered"
unlike "$OUT" link.pem "and not the link"
mv "$SRV/kept.pem" "$SRV/elsewhere"
printf 'precious\n' >"$WORK/precious"
ln -s "$WORK/precious" "$SRV/kept.pem"
run transfer rotate
status 6 "a link that somebody put there later is not followed"
says 'kept.pem: not a regular file' "but told"
is "$(cat "$WORK/precious")" precious "and what it leads to stays"
rm "$SRV/kept.pem"
mkdir "$SRV/theirs" "$WORK/ours"
must transfer deploy example.org --format pemfile --to "$SRV/theirs/s.pem"
rm -r "$SRV/theirs"
printf 'precious\n' >"$WORK/ours/s.pem"
ln -s "$WORK/ours" "$SRV/theirs"
run transfer rotate
status 6 "nor is a directory that somebody made a link"
says 'theirs/s.pem: its directory: [^ ]*/theirs: Too many levels of symbolic links' "which is told as well"
is "$(ls -A "$WORK/ours"; cat "$WORK/ours/s.pem")" "s.pem
precious" "and what lies there stays"
rm "$SRV/theirs"
mkdir "$SRV/theirs"
must transfer deploy --forget "$SRV/theirs/s.pem"
must transfer deploy --forget "$SRV/kept.pem"
run transfer deploy --forget "$SRV/kept.pem"
status 7 "what is not deployed cannot be forgotten"

# ---- reloads that fail ------------------------------------------------------------

# A server's own answer: it takes what it finds, and fails while $WORK/down is there.
cat >"$WORK/reload" <<-SH
	#!/bin/sh
	echo "\$#:\$1:\$2" >>"$WORK/reload.log"
	test ! -e "$WORK/down" || { echo "the server is down" >&2; exit 3; }
SH
chmod 755 "$WORK/reload"
printf 'old\n' >"$SRV/r.pem"
touch "$WORK/down"
run transfer deploy example.org --format pemfile --to "$SRV/r.pem" \
	--reload "$WORK/reload 'two words' \"\$HOME;|*\""
status 6 "a reload that fails is an error"
says 'left with status 3' "with its status"
says 'the server is down' "and its own words"
says 'what was there is back' "and what that means"
is "$(cat "$SRV/r.pem")" old "what was there is back"
is "$(tail -1 "$WORK/reload.log")" '2:two words:$HOME;|*' \
	"its words came as typed, without a shell"
is "$(ls "$SRV" | grep airgap)" "" "nothing else is left"
run transfer rotate --json
status 6 "rotate tries again"
is "$(json failed)" 1 "and says that it failed once more"
is "$(cat "$SRV/r.pem")" old "with the same end"
rm "$WORK/down"
run transfer rotate --json
status 0 "until it works"
is "$(serial "$SRV/r.pem")" "$(serial "$PEM")" "then the certificate is there"
n=$(wc -l <"$WORK/reload.log")
run transfer rotate
is "$(wc -l <"$WORK/reload.log")" "$n" "and nothing is reloaded after that"
echo '# by hand' >>"$SRV/r.pem"
run transfer rotate
is "$(wc -l <"$WORK/reload.log")" "$((n + 1))" "what somebody changed is put right, and reloaded"
unlike "$(cat "$SRV/r.pem")" 'by hand' "as it should be"
touch "$WORK/down"
run transfer deploy example.org --format pemfile --to "$SRV/first.pem" --reload "$WORK/reload"
status 6 "where nothing was, a failed reload is one too"
is "$(serial "$SRV/first.pem")" "$(serial "$PEM")" "but the server has its certificate"
run transfer status
status 1 "status has it, too"
says "deployment $SRV/first.pem should have moved on" "by its path"
says "airgap-transfer --home [^ ]+ rotate" "with what to run"
must transfer deploy --forget "$SRV/first.pem"
rm "$WORK/down"
quiet_status=$(transfer status 2>&1)
unlike "$quiet_status" "deployment" "one that is forgotten is due no more"
run transfer deploy example.org --format pemfile --to "$SRV/first.pem" --reload /no/such/program
status 6 "a reload that is not there"
says 'cannot be started' "is told"
must transfer deploy --forget "$SRV/first.pem"

# What a reload is given: nothing that whoever called us had.
cat >"$WORK/given" <<-SH
	#!/bin/sh
	env >"$WORK/given.env"
	ls -l /proc/self/fd >"$WORK/given.fd"
SH
chmod 755 "$WORK/given"
printf 'secret\n' >"$WORK/held"
RELOAD_SECRET=secret run transfer deploy example.org --format cert --to "$SRV/g.pem" \
	--key "$SRV/g.key" --reload "$WORK/given" 7<"$WORK/held"
status 0 "a reload is run"
unlike "$(cat "$WORK/given.env")" 'RELOAD_SECRET|AIRGAP|SOFTHSM' "without our environment"
like "$(cat "$WORK/given.env")" '^PATH=/' "but where to find programs"
unlike "$(cat "$WORK/given.fd")" 'held|home-online|store.db' "and without our descriptors"
must transfer deploy --forget "$SRV/g.pem"

# ---- disks and directories --------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
	mount_small "$WORK/small" 16k
	run transfer deploy example.org --format pemfile --to "$WORK/small/s.pem"
	status 0 "there is room"
	cp "$WORK/small/s.pem" "$WORK/s.pem"
	must transfer deploy --forget "$WORK/small/s.pem"
	echo old >"$WORK/small/s.pem"
	dd if=/dev/zero of="$WORK/small/fill" bs=1k count=64 2>/dev/null
	run transfer deploy example.org --format pemfile --to "$WORK/small/s.pem"
	status 6 "on a full disk it fails"
	says 'No space left' "and says so"
	is "$(cat "$WORK/small/s.pem")" old "what was there is there"
	is "$(ls "$WORK/small")" "$(printf 'fill\ns.pem')" "and nothing else"
	rm "$WORK/small/fill"
	mount -o remount,ro "$WORK/small"
	run transfer deploy example.org --format pemfile --to "$WORK/small/s.pem"
	status 6 "on a read-only one it fails"
	says 'Read-only file system' "and says so"
	unlike "$(transfer deploy)" 'small' "neither is remembered"
else
	mkdir -m 555 "$WORK/closed"
	run transfer deploy example.org --format pemfile --to "$WORK/closed/s.pem"
	status 6 "where nobody may write it fails"
	says 'Permission denied' "and says so"
fi

# ---- two homes ---------------------------------------------------------------------

enrol_online @other
must transfer @other request --profile xmpp-server --new-key ec-p256 --domain example.org \
	--host chat.example.org --days 20 --out "$STICK"
must ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must transfer @other install "$STICK"
freeze "$SRV"
run transfer @other deploy example.org --format pemfile --to "$PEM"
refused 7 DEPLOY-TAKEN "server.pem: is kept by another home: $HOME_DIR" \
	"a file that one home keeps is not another's"
run transfer @other deploy example.org --format pemfile --to "$PEM" -n
refused 7 DEPLOY-TAKEN "server.pem: is kept by another home" "which the dry run says, too"
run transfer @other deploy example.org --format fullchain --to "$SRV/o.pem" --key "$SRV/full.key"
refused 7 DEPLOY-TAKEN "full.key: is kept by another home" "nor is a key's file"
run transfer @other deploy example.org --format pemfile --to "$PEM" --take-over
status 0 "it is when somebody says so"
serial_other=$(serial "$PEM")
run transfer rotate
status 7 "the first home hears of it"
says "failed .*server.pem: is kept by another home: $WORK/home-other" "by its timer"
is "$(serial "$PEM")" "$serial_other" "which does not put the old certificate back"
must transfer deploy --forget "$PEM"
run transfer rotate
status 0 "until it is forgotten there"
run transfer deploy example.org --format pemfile --to "$PEM"
status 7 "what was forgotten late stays the other's"
must transfer @other deploy --forget "$PEM"
run transfer deploy example.org --format pemfile --to "$PEM"
status 0 "what the other forgets is free"
mv "$WORK/home-online" "$WORK/home-moved"
run transfer @moved deploy example.org --format pemfile --to "$PEM"
status 0 "a home that was moved is the same"
mv "$WORK/home-moved" "$WORK/home-online"
rm "$SRV/.server.pem.airgap-home"
run transfer rotate
status 0 "a file that lost its mark"
ok "is marked again" test -s "$SRV/.server.pem.airgap-home"

# ---- all of them, for programs ----------------------------------------------------

run transfer deploy --json
is "$(json deployments.0.path)" "$SRV/all.p12" "the list is for programs too"
deployed --json
is "$(json serial)" "$(serial "$PEM")" "and so is what was done"
is "$(json later)" 2 "with what is left"
run transfer rotate -n
status 0 "a dry rotation of all that is fine"
quiet 'would change' "would change nothing"

# ---- no shell -------------------------------------------------------------------------------

for reload in 'true && true' 'true; true' 'true | true' 'true >/dev/null' 'echo $HOME' 'echo `id`' 'true &'; do
	run transfer deploy www.example.org --format cert --to "$WORK/shell.pem" --reload "$reload"
	status 2 "--reload '$reload' is refused"
	says 'is for a shell, and none runs it: .*--reload "sh -c .A && B.' "with the way to do it"
done
nok 1 "nothing was deployed" test -e "$WORK/shell.pem"

done_testing
