#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/xmpp.md, run: its commands in their order, its settings on the servers. The
# places that it names are real here, on file systems of this test's own.

# Keys are given to the servers' users: that takes root.
if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then
	exec sudo -n env BUILD="${BUILD:-}" /bin/bash "$0"
fi
. "$(dirname "$0")/xmpp.sh"
needs expect expect
needs faketime faketime
needs prosody prosody
needs ejabberdctl ejabberd
needs jabberd2-c2s jabberd2
if [ "$(awk '$1 == 0 { print $3; exit }' /proc/self/uid_map)" = 1 ]; then
	fail 'owners of files can be set' 'run this test as root'
	done_testing
fi

# ---- the machines -----------------------------------------------------------------------

for dir in /var/lib /srv /media /etc/prosody /etc/ejabberd /etc/jabberd2; do
	must mount -t tmpfs -o mode=755 none "$dir"
done
cp -a /etc/ssl "$WORK/ssl"
must mount --bind "$WORK/ssl" /etc/ssl
mkdir -p /media/stick /media/stick-people /media/backup /etc/prosody/certs
mkdir "$WORK/bin"
cat >"$WORK/bin/systemctl" <<SH
#!/bin/sh
echo "\$*" >>"$WORK/systemctl.log"
SH
chmod 755 "$WORK/bin/systemctl"
export PATH="$WORK/bin:$BIN:$PATH"

# The friend, with whom the server is to federate, has another CA.
xmpp_ca @friend example.net
obtain @friend friend --profile xmpp-server --new-key ec-p256 \
	--domain example.net --host xmpp.example.net
must cp "$WORK/friend-ca.pem" /media/stick/friends-ca.pem
rm -rf "$WORK"/tokens/*

# ---- the guide ------------------------------------------------------------------------------

# Every fenced block: NN, with what stands behind its fence in NN.info.
mkdir "$WORK/blocks"
awk -v to="$WORK/blocks" '
	/^```/ && !inside { inside = 1; file = sprintf("%s/%02d", to, ++n); print substr($0, 4) >(file ".info"); next }
	/^```/ { inside = 0; close(file); next }
	inside { print >file }
' "$TOP/docs/xmpp.md"

cat >"$WORK/type.exp" <<'EXPECT'
set timeout 120
spawn -noecho bash -eu [lindex $argv 0]
expect {
	-re {[Tt]ype Yes[^\n]*: ?$} { send "Yes\r"; exp_continue }
	-re {New SO PIN[^\n]*: ?$} { send "12345678\r"; exp_continue }
	-re {PIN[^\n]*: ?$} { send "123456\r"; exp_continue }
	timeout { exit 124 }
	eof
}
lassign [wait] pid spawn os status
exit $status
EXPECT
typed() { # BLOCK
	LAST=$(cat "$WORK/blocks/$1")
	TERM=dumb ${later:+faketime -f "+$later"} expect "$WORK/type.exp" "$WORK/blocks/$1" \
		>"$WORK/out" 2>&1 </dev/null
	STATUS=$?
	OUT=$(tr -d '\0\r' <"$WORK/out") ERR=
	is "$STATUS" 0 "block $1: $(head -1 "$WORK/blocks/$1")"
	[ "$STATUS" = 0 ] || done_testing
}
checked() { # SERVER
	typed "$check"
	is "$(grep -c 'Verified peername: josefsson.org' "$WORK/out")" 2 "$1: verified in both ways"
}
number() { grep -lx "$1" "$WORK"/blocks/*.info | sed 's|.*/\(..\)\.info|\1|'; }

check=$(number 'sh check')
zone=$(sed -n 's/^\(_[^ ]*\)  *[0-9]* IN SRV \(.*\)/\1 SRV \2/p' "$WORK/blocks/$(number dns)")
is "$(wc -l <<<"$zone")" 3 'the guide has three SRV records'
mapfile -t records <<<"$zone"
resolver chat.sjd.se=127.0.0.1 xmpp.example.net=127.0.0.2 example.net:xmpp.example.net \
	"${records[@]/#/+}"

later=
for block in "$WORK"/blocks/??; do
	block=${block##*/}
	read -r kind where when <"$WORK/blocks/$block.info"
	later=${when:-$later} # from here on the clocks are that far ahead
	case $kind\ $where in
	'sh laptop' | 'sh server') typed "$block" ;;
	'sh restored')
		must mv /var/lib/airgap-ca /var/lib/airgap-ca.died
		typed "$block"
		run "$BIN/airgap-ca" ledger verify
		status 0 'the restored ledger verifies'
		;;
	'dns ' | 'sh check') ;; # above and below
	*\ /etc/jabberd2/c2s.xml)
		jabberd2_start 127.0.0.1 josefsson.org <"$WORK/blocks/$block"
		checked jabberd2
		servers_stop
		;;
	*\ /etc/ejabberd/ejabberd.yml)
		ejabberd_start 127.0.0.1 <"$WORK/blocks/$block"
		checked ejabberd
		servers_stop
		;;
	*\ /etc/prosody/prosody.cfg.lua)
		prosody_accounts guide josefsson.org
		prosody_start guide 127.0.0.1 <"$WORK/blocks/$block"
		checked prosody
		cat /var/lib/airgap-transfer/ca.pem "$WORK/friend-ca.pem" >"$WORK/trust.pem"
		prosody_host friend example.net friend
		prosody_start friend 127.0.0.2 <<<"s2s_ssl = { cafile = \"$WORK/trust.pem\" }"
		run client send alice@josefsson.org/127.0.0.1 bob@example.net/127.0.0.2
		is "$OUT" arrived 'a word to a friend arrives'
		run client send bob@example.net/127.0.0.2 alice@josefsson.org/127.0.0.1
		is "$OUT" arrived 'and is answered'
		;;
	*) fail "block $block is of a kind that this test knows" "$kind $where" ;;
	esac
done

# ---- what it said -----------------------------------------------------------------------------

is "$(ls /var/lib/airgap-transfer/certs/josefsson.org | wc -l)" 36 'two years of certificates lie there, and one after the leak'
is "$(find /srv/www -type f | sort)" '/srv/www/josefsson.org/.ca.pem.airgap-home
/srv/www/josefsson.org/.well-known/posh/xmpp-client.json
/srv/www/josefsson.org/.well-known/posh/xmpp-server.json
/srv/www/josefsson.org/ca.crt
/srv/www/josefsson.org/ca.pem' 'the web has POSH documents and the CA certificate'
is "$(cat "$WORK/systemctl.log")" 'restart jabberd-c2s jabberd-s2s
reload-or-restart ejabberd
reload-or-restart prosody
enable --now airgap-transfer-rotate.timer
reload-or-restart ejabberd
restart jabberd-c2s jabberd-s2s
reload-or-restart prosody' 'each server was told as the guide says, and by rotate after the leak alone'
is "$(stat -c '%U %a' /etc/jabberd2/server.pem /etc/ejabberd/josefsson.org.pem \
	/etc/prosody/certs/josefsson.org.key | tr '\n' ' ')" \
	'jabber 600 ejabberd 600 prosody 600 ' 'the keys are their servers alone'
person=$(echo /var/lib/airgap-people/certs/simon_josefsson.org/*.pem)
like "$("$PYTHON" "$TOP/tests/tools/der_text.py" "$person" /var/lib/airgap-people/ca.pem)" \
	'UTF8String simon@josefsson.org' 'and a person has a certificate'

done_testing
