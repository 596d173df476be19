#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Root deploys where somebody else owns the directory, and that somebody is an enemy:
# links, pipes, devices of names, files that cost time, a race, mode bits. What root does
# there is no more than the owner could have done.
. "$(dirname "$0")/../lib/lib.sh"
needs openssl openssl
needs setpriv util-linux
if [ "$(id -u)" != 0 ]; then
	fail "files can be given to another user" "run this test as root"
	done_testing
fi
must chmod 711 "$WORK"
THEM=65534
them() { setpriv --reuid $THEM --regid $THEM --clear-groups "$@"; }

START="2027-01-01 00:00:00"
EARLY="2027-01-05 00:00:00"
LATE="2027-01-25 00:00:00"
new_token ca
run at "$START" ca init --subject "CN=Test CA" --token "$(uri ca)" --key-type ec-p256 \
	--scope example.org --profiles xmpp --out "$STICK" --yes --json
CA_HEX=$(json fingerprint)
run at "$START" transfer enroll "$STICK" --label online --expect "$CA_HEX" --json
REQUESTER_HEX=$(json fingerprint)
must at "$START" transfer request --profile xmpp-server --new-key ec-p256 \
	--domain example.org --host chat.example.org --days 31 --out "$STICK"
must at "$START" ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
must at "$START" transfer install "$STICK"
# The next one has another key, so that a rotation from EARLY to LATE changes both files.
must at "2027-01-20 00:00:00" transfer request --renew --out "$STICK"
must at "2027-01-20 00:00:00" ca sign "$STICK" --yes
must at "2027-01-20 00:00:00" transfer install "$STICK"

# What only root can read, and what only root can write to.
SECRET=$WORK/secret
mkdir -m 700 "$SECRET"
openssl_key ec-p256 >"$SECRET/root.pem" 2>/dev/null
chmod 600 "$SECRET/root.pem"
VICTIM=$WORK/victim
mkdir -m 755 "$VICTIM"
echo precious >"$VICTIM/ca.pem"
chmod 600 "$VICTIM/ca.pem"
victim() { find "$VICTIM" -printf '%P %M %u\n' | sort; sha256sum "$VICTIM/ca.pem"; }
VICTIM_WAS=$(victim)

# theirs NAME: a directory of the enemy, at $DIR
theirs() {
	DIR=$WORK/$1
	mkdir -m 755 "$DIR"
	chown $THEM:$THEM "$DIR"
}
# nothing_of_root DESC: nothing in $DIR is root's, or has a bit too many
nothing_of_root() {
	is "$(find "$DIR" -mindepth 1 \( -uid 0 -o -perm /7000 \))" "" "$1"
}

# ---- a web root ---------------------------------------------------------------------

theirs www
run at "$EARLY" transfer publish "$DIR"
status 0 "a web root of another user is published"
nothing_of_root "as that user"
ok "who can read it" them cat "$DIR/ca.crt"
CRT=$(sha256sum <"$DIR/ca.crt")
mv "$DIR" "$DIR.aside"
ln -s "$VICTIM" "$DIR"
chown -h $THEM "$DIR"
run at "$EARLY" transfer rotate --within 1d
status 6 "a link in its place is not followed"
says 'www: its directory: .*' "but told"
is "$(victim)" "$VICTIM_WAS" "and what it leads to stays"
rm "$DIR"
mv "$DIR.aside" "$DIR"

# planted NAME DESC CMD...: with that in the place of NAME a rotation ends, soon, and the
# file is whole and theirs again.
planted() {
	local name=$1 desc=$2
	shift 2
	rm -rf "$DIR/$name"
	"$@" || fail "preparation: $*"
	LIMIT=60 run at "$EARLY" transfer rotate --within 1d
	status 0 "$desc in the place of $name is replaced"
	is "$(stat -c '%F %u %a' "$DIR/$name")" "regular file $THEM 644" "by a file of theirs"
	is "$(victim)" "$VICTIM_WAS" "and nothing of root's was touched"
	nothing_of_root "nor is anything there root's"
}
for name in ca.crt ca.pem .well-known/posh/xmpp-client.json; do
	planted $name "a link to a file of root's" them ln -s "$VICTIM/ca.pem" "$DIR/$name"
	planted $name "a pipe" them mkfifo "$DIR/$name"
	planted $name "a terabyte of nothing" them truncate -s 1T "$DIR/$name"
	planted $name "a socket" them "$PYTHON" -c \
		'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$DIR/$name"
done
ln "$VICTIM/ca.pem" "$DIR/ca.pem.hard"
planted ca.pem "a second name of a file of root's" mv "$DIR/ca.pem.hard" "$DIR/ca.pem"
is "$(sha256sum <"$DIR/ca.crt")" "$CRT" "what is published is the CA's"
planted ca.pem "a setuid file" them sh -c "cp /bin/true '$DIR/ca.pem'; chmod 6755 '$DIR/ca.pem'"
# The temporary name, too.
them ln -s "$VICTIM/ca.pem" "$DIR/.ca.pem.airgap-new"
planted ca.pem "a link under the temporary name" true
for under in .well-known .well-known/posh; do
	them mv "$DIR/$under" "$DIR/aside"
	them ln -s "$VICTIM" "$DIR/$under"
	run at "$EARLY" transfer rotate --within 1d
	status 6 "$under as a link is not followed"
	is "$(victim)" "$VICTIM_WAS" "and what it leads to stays"
	them rm "$DIR/$under"
	them mv "$DIR/aside" "$DIR/$under"
done

# What they could not write to, root does not write to for them; groups are theirs as well.
mkdir -m 770 "$DIR/roots"
run at "$EARLY" transfer publish "$DIR/roots"
status 6 "a directory of root's below theirs is not written to"
says 'Permission denied' "since they could not"
is "$(ls -A "$DIR/roots")" "" "and is empty"
rmdir "$DIR/roots"

# ---- a certificate and its key ------------------------------------------------------

theirs srv
must at "$EARLY" transfer deploy example.org --format fullchain --to "$DIR/c.pem" --key "$DIR/k.pem"
early=$(sha256sum <"$DIR/k.pem")
must at "$LATE" transfer rotate --within 1d
nok 1 "a rotation changes the key" test "$early" = "$(sha256sum <"$DIR/k.pem")"
must at "$EARLY" transfer rotate --within 1d
nothing_of_root "a deployed pair is theirs"
is "$(stat -c %a "$DIR/k.pem")" 600 "its key for them alone"
SECRET_LINE=$(sed -n 2p "$SECRET/root.pem")
# stolen: is root's secret anywhere that they can read?
stolen() { grep -rlF "$SECRET_LINE" "$WORK/srv" "$WORK/www" 2>/dev/null; }
for name in c.pem k.pem .c.pem.airgap-home c.pem.airgap-old k.pem.airgap-old c.pem.airgap-new; do
	them cp -a "$DIR/c.pem" "$WORK/srv/was" 2>/dev/null
	them rm -f "$DIR/$name"
	them ln -s "$SECRET/root.pem" "$DIR/$name"
	run at "$LATE" transfer rotate --within 1d
	run at "$EARLY" transfer rotate --within 1d
	is "$(stolen)" "" "$name as a link to a file of root's gives it to nobody"
	them rm -f "$DIR/$name" "$WORK/srv/was"
	must at "$EARLY" transfer rotate --within 1d
done
ln "$SECRET/root.pem" "$DIR/hard"
for name in c.pem k.pem; do
	mv "$DIR/hard" "$DIR/$name"
	run at "$LATE" transfer rotate --within 1d
	is "$(find "$WORK/srv" -type f -user $THEM -exec grep -lF "$SECRET_LINE" {} +)" "" \
		"nor does a second name of it as $name"
	rm -f "$DIR"/*
	must at "$EARLY" transfer rotate --within 1d
	ln "$SECRET/root.pem" "$DIR/hard"
done
rm "$DIR/hard"

# The race: a link and a file change places as fast as they can, while root has work.
cat >"$WORK/flip.py" <<'EOF_PY'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
top, secret = sys.argv[1:3]
os.chdir(top)
for name in ("c.pem", "k.pem"):
    try:
        os.symlink(secret, "flip-" + name)
    except FileExistsError:
        pass
while not os.path.exists("stop"):
    for name in ("c.pem", "k.pem"):
        libc.renameat2(-100, name.encode(), -100, ("flip-" + name).encode(), 2)
EOF_PY
them "$PYTHON" "$WORK/flip.py" "$DIR" "$SECRET/root.pem" >/dev/null 2>&1 &
flip=$!
seen=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	at "$LATE" transfer rotate --within 1d >/dev/null 2>&1
	seen+=$(stolen)
	at "$EARLY" transfer rotate --within 1d >/dev/null 2>&1
	seen+=$(stolen)
done
them touch "$DIR/stop"
wait $flip
is "$seen" "" "in a race of twenty rotations they get nothing of root's"
ok "root's file is as it was" openssl pkey -in "$SECRET/root.pem" -noout
them sh -c "rm -f '$DIR'/*"
run at "$EARLY" transfer rotate --within 1d
status 0 "and after it all is well"
nothing_of_root "and theirs"
must at "$EARLY" transfer deploy --forget "$DIR/c.pem"

# ---- PKCS#12 ------------------------------------------------------------------------

theirs p12
(umask 077; echo changeit >"$WORK/pass")
must at "$EARLY" transfer deploy example.org --format p12 --to "$DIR/a.p12" --pass-source "$WORK/pass"
# Two thousand million rounds, by one number in the file.
"$PYTHON" - "$DIR/a.p12" "$WORK/slow.p12" <<'EOF_PY'
import sys
der = bytearray(open(sys.argv[1], "rb").read())
assert der[:2] == b"\x30\x82" and der[-4:-2] == b"\x02\x02"
der[-4:] = b"\x02\x04\x7f\xff\xff\xff"
whole = int.from_bytes(der[2:4], "big") + 2
der[2:4] = whole.to_bytes(2, "big")
# The MAC's SEQUENCE is what ends there.
for at in range(len(der) - 3, 4, -1):
    if der[at] == 0x30 and at + 2 + der[at + 1] == len(der) - 2 and der[at + 2] == 0x30:
        der[at + 1] += 2
        break
else:
    sys.exit("no MAC")
open(sys.argv[2], "wb").write(der)
EOF_PY
chown $THEM "$WORK/slow.p12"
run timeout 5 openssl pkcs12 -in "$WORK/slow.p12" -passin pass:changeit -nokeys
status 124 "a PKCS#12 can keep whoever reads it busy"
them cp "$WORK/slow.p12" "$DIR/a.p12"
LIMIT=20 run at "$EARLY" transfer rotate --within 1d
status 7 "but not root, who leaves what was not written from here"
LIMIT=20 run at "$EARLY" transfer deploy example.org --format p12 --to "$DIR/a.p12" --pass-source "$WORK/pass"
status 0 "nor root who types"
ok "who put back one that opens" timeout 20 openssl pkcs12 -in "$DIR/a.p12" -passin pass:changeit -nokeys
must at "$EARLY" transfer deploy --forget "$DIR/a.p12"

# ---- keys and passwords that are not ours -------------------------------------------

theirs keys
them ln -s "$SECRET/root.pem" "$DIR/k.pem"
must csr_openssl web ec-p256 /CN=example.org DNS:web.example.org
must at "2027-01-21 00:00:00" transfer request "$WORK/web.csr" --profile xmpp-server \
	--domain web.example.org --host chat.example.org --days 20 --out "$STICK"
must at "2027-01-21 00:00:00" ca sign "$STICK" --yes
must at "2027-01-21 00:00:00" transfer install "$STICK"
EARLY="2027-01-24 00:00:00"
run at "$EARLY" transfer deploy web.example.org --format pemfile --to "$VICTIM/web.pem" \
	--key-from "$DIR/k.pem"
status 7 "a key that is not the certificate's is refused, wherever a link leads"
cp "$WORK/web.key" "$DIR/web.key"
chown $THEM "$DIR/web.key"
must at "$EARLY" transfer deploy web.example.org --format cert --to "$DIR/web.pem" --key "$DIR/web.key"
them sh -c "cat /dev/urandom | head -c 4000 >'$DIR/web.key'"
run at "$EARLY" transfer rotate --within 1d
status 7 "a key that was put in the place of the one that was looked at"
says 'web.key: not the file that was deployed with' "is another, and is not read"
remedy=$(grep -o '`airgap-transfer [^`]*`' <<<"$ERR" | tr -d '`')
cp "$WORK/web.key" "$DIR/web.key"
echo >>"$DIR/web.key"
run at "$EARLY" transfer rotate --within 1d
status 7 "the right one in another file, too"
run at "$EARLY" transfer ${remedy#airgap-transfer }
status 0 "what it says to type is the way out"
run at "$EARLY" transfer rotate --within 1d
status 0 "and then all is well"
must at "$EARLY" transfer deploy --forget "$DIR/web.pem"
them sh -c "umask 077; echo changeit >'$DIR/pass'"
freeze "$DIR"
run at "$EARLY" transfer deploy example.org --format p12 --to "$DIR/b.p12" --pass-source "$DIR/pass"
refused 7 DEPLOY-OWNER 'password file .*/keys: others than root and you can change what lies there' \
	"a password's file of theirs is none"

# ---- links that they had put before root typed the path -----------------------------

theirs before
echo precious >"$VICTIM/plain"
chmod 644 "$VICTIM/plain"
echo SECRET >"$SECRET/line"
chmod 600 "$SECRET/line"
must cp "$WORK/web.key" "$SECRET/web.key"
mkdir -m 755 "$WORK/roots"
them ln -s "$VICTIM/plain" "$DIR/s.pem"
them ln -s "$VICTIM" "$DIR/dir"
them ln -s "$SECRET/line" "$DIR/pass"
them ln -s "$SECRET/web.key" "$DIR/web.key"
ln -s "$VICTIM" "$DIR/roots"
ln -s "$VICTIM/plain" "$WORK/roots/s.pem"
ln -s "$VICTIM" "$WORK/roots/dir"
chown -h $THEM "$WORK/roots/s.pem" "$WORK/roots/dir"
mkdir -m 1777 "$WORK/sticky"
them ln -s "$VICTIM" "$WORK/sticky/dir"
mkdir -m 775 "$WORK/several"
chgrp $THEM "$WORK/several"
ln -s "$VICTIM" "$WORK/several/dir"
freeze "$VICTIM" "$DIR"
# typed WHERE ARG...: refused by the link alone, which is theirs
typed() {
	local where=$1
	shift
	run at "$EARLY" transfer "$@"
	refused 7 DEPLOY-OWNER "[^ ]*: a link on it is one that others than root and you can change" \
		"$1: a link $where is not followed for root who types it"
}
pem=(deploy example.org --format pemfile)
typed "of theirs to a file" "${pem[@]}" --to "$DIR/s.pem"
typed "of theirs to a directory" "${pem[@]}" --to "$DIR/dir/s.pem"
typed "of root's in a directory of theirs" "${pem[@]}" --to "$DIR/roots/s.pem"
typed "of theirs in a directory of root's" "${pem[@]}" --to "$WORK/roots/s.pem"
typed "of theirs on the way" "${pem[@]}" --to "$WORK/roots/dir/s.pem"
typed "of theirs where the sticky bit is" "${pem[@]}" --to "$WORK/sticky/dir/s.pem"
typed "that a group can change" "${pem[@]}" --to "$WORK/several/dir/s.pem"
typed "behind a step back" "${pem[@]}" --to "$WORK/roots/../before/x/../s.pem"
typed "for a key" deploy example.org --format fullchain --to "$DIR/c.pem" --key "$DIR/s.pem"
typed "to a key" deploy web.example.org --format pemfile --to "$DIR/w.pem" --key-from "$DIR/web.key"
typed "to a password" deploy example.org --format p12 --to "$DIR/b.p12" --pass-source "$DIR/pass"
typed "of theirs" publish "$DIR/dir" example.org
typed "of root's in a directory of theirs" publish "$DIR/roots" example.org
is "$(cat "$VICTIM/plain")" precious "and what it leads to stays"
# Where nobody else can change them they are a convenience.
ln -s "$WORK/roots/two" "$WORK/roots/one"
ln -s "../victim" "$WORK/roots/two"
run at "$EARLY" transfer "${pem[@]}" --to "$WORK/roots/one/linked.pem"
status 0 "links of root's in a directory of root's are followed"
ok "to what they lead to" test -f "$VICTIM/linked.pem"
run at "$EARLY" transfer deploy --forget "$WORK/roots/one/linked.pem"
status 0 "and when it is forgotten"
must rm "$VICTIM/linked.pem" "$VICTIM/plain"
ln -s "$DIR" "$WORK/roots/www"
run at "$EARLY" transfer "${pem[@]}" --to "$WORK/roots/www/fresh.pem"
status 0 "one that leads to a directory of theirs, too"
is "$(stat -c %u "$DIR/fresh.pem")" $THEM "where it is done as that user"
must at "$EARLY" transfer deploy --forget "$WORK/roots/www/fresh.pem"

# ---- directories of several ---------------------------------------------------------

mkdir -m 775 "$WORK/group"
chgrp $THEM "$WORK/group"
freeze "$WORK/group"
run at "$EARLY" transfer deploy example.org --format pemfile --to "$WORK/group/s.pem"
refused 7 DEPLOY-OWNER 'group/s.pem: .*group: others than its owner may write to it \(mode 0775\)' \
	"a directory that a group may write to is nobody's"
chmod 1777 "$WORK/group"
freeze "$WORK/group"
run at "$EARLY" transfer publish "$WORK/group" example.org
refused 7 DEPLOY-OWNER 'group: others than its owner may write to it \(mode 1777\)' \
	"nor is a sticky one a place"
mkdir -m 755 "$WORK/group/below"
must at "$EARLY" transfer deploy example.org --format pemfile --to "$WORK/group/below/s.pem"
pass "but one of root's below it is"
chmod 755 "$WORK/group"
chmod 777 "$WORK/group/below"
run at "$EARLY" transfer rotate --within 1d
status 7 "and it is looked at each time"
says 'below/s.pem: .*below: others than its owner may write to it' "and told"
chmod 755 "$WORK/group/below"
must at "$EARLY" transfer deploy --forget "$WORK/group/below/s.pem"
theirs mixed
freeze "$DIR" "$WORK/group"
run at "$EARLY" transfer deploy example.org --format fullchain --to "$WORK/group/c.pem" --key "$DIR/k.pem"
refused 7 DEPLOY-OWNER 'k.pem: its directory is not of the user whose that of .*c.pem is' \
	"a certificate here and its key there are not one user's"

# Bits that give away an owner's rights are not kept.
must at "$EARLY" transfer deploy example.org --format pemfile --to "$VICTIM/s.pem"
chmod 6700 "$VICTIM/s.pem"
was=$(sha256sum <"$VICTIM/s.pem")
must at "2027-01-06 00:00:00" transfer rotate --within 1d
nok 1 "a file of root's is written anew" test "$was" = "$(sha256sum <"$VICTIM/s.pem")"
is "$(stat -c %a "$VICTIM/s.pem")" 700 "setuid and setgid do not stay with a new file"
must at "$EARLY" transfer deploy --forget "$VICTIM/s.pem"

# Who is not root becomes nobody: a stranger's directory is refused.
must chown -R 65533:65533 "$WORK/home-online"
theirs open
chmod 777 "$DIR"
freeze "$DIR"
command_of transfer deploy example.org --format pemfile --to "$DIR/s.pem"
run env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f "@$EARLY" \
	setpriv --reuid 65533 --regid 65533 --clear-groups "${ARGV[@]}"
refused 7 DEPLOY-OWNER "open: belongs to user $THEM, who is neither root nor you" \
	"another user does not deploy to a stranger's directory"

done_testing
