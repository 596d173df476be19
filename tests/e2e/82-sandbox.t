#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How the processes that parse a stick are locked in on this machine, what is
# said when they cannot be, and what of the surroundings they never heed.
. "$(dirname "$0")/../lib/lib.sh"
# The leak checker wants to trace, and so does strace.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

make_ca
enrol_online
must transfer request --profile tls-server --new-key ec-p256 \
	--name dns:one.example.org --out "$STICK"

# without CALL ERROR WHO ARG...: as on a kernel where CALL fails with ERROR
without() {
	local call=$1 error=$2
	shift 2
	command_of "$@"
	timeout -k 5 "$LIMIT" setsid -w strace -f -qq -o /dev/null -e "trace=$call" \
		-e "inject=$call:error=$error" "${ARGV[@]}"
}
needs strace strace

# ---- what this kernel gives ------------------------------------------------------------

run ca status --json
status 0 'status of a new CA: nothing is due'
is "$(json sandbox.reached) $(json sandbox.seccomp) $(json sandbox.no_new_privs) $(json sandbox.no_sockets)" \
	'true true true true' 'readers and judge are locked in, as the kernel says'
is "$(json sandbox.rule) $(json sandbox.reason)" 'null null' 'and nothing stood in the way'
abi=$(json sandbox.landlock_abi)
like "$abi" '^[0-9]+$' "the Landlock ABI is told ($abi)"
run ca status
prints '^sandbox +seccomp yes, no_new_privs yes, no sockets yes, Landlock (no|ABI [0-9]+)$' \
	'and all of it to people'
words=$(printf '%s\n' "$OUT" | sed -n 's/^sandbox *//p')
run transfer status --json
status 0 'status of a new online side: nothing is due'
is "$(json sandbox.reached) $(json sandbox.seccomp) $(json sandbox.no_new_privs) $(json sandbox.no_sockets)" \
	'true true true true' 'its reader and judge are locked in, too'
is "$(json sandbox.landlock_abi) $(json sandbox.rule) $(json sandbox.reason)" "$abi null null" \
	'as far as those of the CA'
run transfer status
says "^     sandbox $words\$" 'and people read the same words'

# ---- a kernel without Landlock: said, not refused ----------------------------------------

run without landlock_create_ruleset ENOSYS ca status --json
status 0 'without Landlock nothing is due'
is "$(json sandbox.reached) $(json sandbox.landlock_abi)" 'true 0' 'and status says that there is none'
run without landlock_create_ruleset ENOSYS transfer status
status 0 'online it is no alarm either'
says '^     sandbox seccomp yes, .*, Landlock no$' 'and said'
run without landlock_create_ruleset ENOSYS ca sign -n "$STICK" --expect "$REQUESTER_HEX"
status 0 'without Landlock a stick is read'
says 'sandbox +seccomp; this kernel has no Landlock' 'and the review says so'

# ---- a kernel without seccomp: refused ------------------------------------------------

freeze
for error in EINVAL ENOSYS EPERM; do
	run without seccomp $error ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
	refused 7 SANDBOX 'this kernel gives no seccomp filter .*nothing of a stick is parsed' \
		"where seccomp fails with $error, sign refuses"
done
run without seccomp EINVAL ca status --json
status 1 'status without seccomp: something is due'
is "$(json sandbox.reached) $(json sandbox.seccomp) $(json sandbox.no_sockets) $(json sandbox.rule)" \
	'false false false SANDBOX' 'it says that the sandbox is not reached, and the rule'
run without seccomp EINVAL ca status
prints "^sandbox +seccomp NO" 'and to people'
prints "'sign' refuses: .*\\[SANDBOX\\]" 'that sign would refuse'
prints '^remedy +boot a kernel with seccomp' 'and what to do'
run without seccomp EINVAL transfer status --json
status 1 'an online side without seccomp: its status says so'
is "$(json sandbox.reached) $(json sandbox.seccomp) $(json sandbox.rule) $(json due)" 'false false SANDBOX 0' \
	'with the rule, though no date is due'
run without seccomp EINVAL transfer status
says '^lack sandbox seccomp NO' 'and to people'
says "'request' and 'install' refuse: .*\\[SANDBOX\\]" 'what would refuse'
says 'remedy +boot a kernel with seccomp' 'and what to do'
run without seccomp EINVAL ca transfer-key --key-type ec-p256 --yes
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'transfer-key refuses before it makes a key'
run without landlock_restrict_self EPERM ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
if [ "$abi" != 0 ]; then
	refused 7 SANDBOX 'this kernel gives no Landlock' \
		'a Landlock that is there and cannot be entered is refused'
fi

# The same filter that a container would set: seccomp(2) is there for nobody.
cat >"$WORK/filter.py" <<'EOF_PY'
import ctypes, os, struct, sys
# BPF: if nr == seccomp then errno ENOSYS else allow
NR = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
code = [(0x20, 0, 0, 0), (0x15, 0, 1, NR), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)]
program = b"".join(struct.pack("HBBI", *c) for c in code)
held = ctypes.create_string_buffer(program)
fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(held)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, fprog, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[1], sys.argv[1:])
EOF_PY
run setsid -w "$PYTHON" "$WORK/filter.py" "$BIN/airgap-ca" --home "$(home_of ca)" \
	sign "$STICK" --yes --expect "$REQUESTER_HEX" --allow-network
refused 7 SANDBOX 'this kernel gives no seccomp filter' 'in a container that withholds seccomp, sign refuses'

run ca sign "$STICK" --yes --expect "$REQUESTER_HEX"
status 0 'on a kernel that has all of it, the stick is signed'
must transfer install "$STICK"

# ---- OpenSSL's configuration --------------------------------------------------------------

# As an engine, as a provider, and the worst default of all: nothing is fit for use.
printf '%s\n' '#include <fcntl.h>' \
	'__attribute__((constructor)) static void loaded(void)' \
	"{ (void)!open(\"$WORK/loaded\", O_WRONLY | O_CREAT, 0600); }" >"$WORK/evil.c"
must "${CC:-gcc}" -shared -fPIC -o "$WORK/evil.so" "$WORK/evil.c"
printf '%s\n' 'openssl_conf = all' '[all]' 'engines = engines' 'providers = providers' \
	'alg_section = algorithms' '[engines]' 'evil = evil_engine' '[evil_engine]' \
	'engine_id = evil' "dynamic_path = $WORK/evil.so" 'init = 0' '[providers]' \
	'evil = evil_provider' '[evil_provider]' "module = $WORK/evil.so" 'activate = 1' \
	'[algorithms]' 'default_properties = fips=yes' >"$WORK/evil.cnf"
new_token evil # softhsm2-util loads it
export OPENSSL_CONF=$WORK/evil.cnf
openssl dgst -sha256 /dev/null >"$WORK/log" 2>&1
ok 'openssl itself loads what OPENSSL_CONF names' test -e "$WORK/loaded"
rm "$WORK/loaded"
# heeds DESC CMD...: it does what it does, and loads nothing
heeds() {
	run "${@:2}"
	status 0 "with that configuration, $1"
	ok "$1: nothing was loaded" test ! -e "$WORK/loaded"
}
heeds 'the token is listed' token list --module "$MODULE"
heeds 'a request is made' transfer request --profile tls-server --new-key rsa-2048 \
	--name dns:two.example.org --out "$STICK"
heeds 'it is signed' ca sign "$STICK" --yes
heeds 'it is installed' transfer install "$STICK"
heeds 'status works' ca status
heeds 'the ledger is verified' ca ledger verify
heeds 'a CA is made' ca @evil init --subject 'CN=Test CA evil' --token "$(uri evil)" \
	--key-type ec-p256 --scope example.org --profiles tls --yes
unset OPENSSL_CONF

# ---- a home that others may write to -----------------------------------------------------

# guarded HOME PATH WHO COMMAND...: refused while others may write to PATH
guarded() {
	local home=$1 path=$1/$2 mode
	shift 2
	mode=$(stat -c %a "$path")
	for bits in g+w o+w; do
		chmod "$bits" "$path"
		freeze
		run "$@"
		refused 7 HOME-MODE "${path%/.}: others than its owner may write to it" \
			"$* while ${path##*/home-} is $bits"
		chmod "$mode" "$path"
	done
}
for file in . ledger.db policy.conf token.conf; do
	guarded "$(home_of ca)" $file ca sign "$STICK" --yes
done
guarded "$(home_of ca)" . ca status
guarded "$(home_of ca)" ledger.db ca list
for file in . store.db requester.pem keys certs; do
	guarded "$(home_of online)" $file transfer install "$STICK"
done
mkdir -m 770 "$(home_of open)"
guarded "$(home_of open)" . ca @open init --subject CN=x --token "$(uri evil)" --key-type ec-p256 --yes
guarded "$(home_of open)" . transfer @open enroll "$WORK/stick" --expect "$CA_HEX"
chmod g+rx "$(home_of ca)" "$(home_of online)"
run ca status
status 0 'that a group may read is its affair'

# Above the home as well: whoever may write there puts another home in its place.
# above WHO COMMAND...: refused while others may write to the directory above
ABOVE=$WORK/above
mkdir "$ABOVE"
must cp -a "$(home_of ca)" "$(home_of online)" "$ABOVE"
# there TOOL ARG...: with the home that lies below $ABOVE
there() {
	local who=$1 name=online NETWORK=yes
	[ "$who" != ca ] || name=ca
	shift
	command_of "$who" "$@"
	timeout -k 5 "$LIMIT" "$BIN/airgap-$who" --home "$ABOVE/home-$name" "$@"
}
for bits in g+w o+w; do
	chmod "$bits" "$ABOVE"
	for who in ca transfer; do
		freeze "$ABOVE"
		run there $who list
		refused 7 HOME-MODE "above: others than its owner may write to it" \
			"airgap-$who list while what is above its home is $bits"
	done
	chmod +t "$ABOVE"
	run there ca list
	status 0 "a sticky directory that is $bits is fine"
	chmod "$bits",-t,go-w "$ABOVE"
done
chmod o+w "$ABOVE"
freeze "$ABOVE"
run "$BIN/airgap-transfer" --home "$ABOVE/new" enroll "$WORK/stick" --expect "$CA_HEX"
refused 7 HOME-MODE "above: others than its owner may write to it" "no home is made there"
chmod o-w "$ABOVE"

# Whose home it is. Only root can give files away.
if [ "$(id -u)" != 0 ]; then
	LAST=
	fail "files can be given to another user" "run this test as root"
	done_testing
fi
must chmod 711 "$WORK"
US=65533 STRANGER=65534
# as_us CMD...: as a user who is not root
as_us() {
	local NETWORK=yes
	command_of "$@"
	timeout -k 5 "$LIMIT" setsid -w setpriv --reuid $US --regid $US --clear-groups "${ARGV[@]}"
}
# strange HOME PATH COMMAND...: refused while PATH is a stranger's, else it works
strange() {
	local home path=$2
	home=$(home_of "$1")
	shift 2
	must chown -R $US:$US "$home"
	run as_us "$@"
	status 0 "$* by the owner of the home"
	must chown $STRANGER "$home/$path"
	freeze
	run as_us "$@"
	refused 7 HOME-MODE "$(basename "$home/$path"): belongs to user $STRANGER, who is neither root nor you" \
		"$* while a stranger owns $path"
	must chown 0 "$home" "$home/$path"
	run as_us "$@"
	quiet HOME-MODE "what is root's may lie in a home that is root's"
	must chown -R 0:0 "$home"
	must chown $STRANGER "$home/$path"
	freeze
	run "$@"
	refused 7 HOME-MODE "$(basename "$home/$path"): belongs to user $STRANGER, who is neither root nor you" \
		"and root as little"
}
for file in ledger.db policy.conf token.conf; do
	strange ca $file ca list
done
for file in store.db requester.pem keys certs; do
	strange online $file transfer list
done
for home in ca online; do
	must chown -R $STRANGER:$STRANGER "$(home_of $home)"
	must chmod 755 "$(home_of $home)"
	freeze
	who=transfer
	[ $home != ca ] || who=ca
	for as in as_us ''; do
		run $as $who list
		refused 7 HOME-MODE "home-$home: belongs to user $STRANGER" \
			"the home of $home is a stranger's"
	done
done
must chown -R $STRANGER:$STRANGER "$ABOVE"
must chown -R 0:0 "$ABOVE/home-online"
freeze "$ABOVE"
run there transfer list
refused 7 HOME-MODE "above: belongs to user $STRANGER, who is neither root nor you" \
	"a home of root below a stranger's directory"

# Who forgot to be root hears where root's home is, and is not sent to make another.
# elsewhere OWNER TOOL: as a plain user, where OWNER has a home in /var/lib
elsewhere() {
	unshare "${unshare_mount[@]}" sh -c 'mount -t tmpfs -o mode=755 none /var/lib || exit 99
		mkdir -m 700 "/var/lib/$2" && chown "$1" "/var/lib/$2" && shift 2 && "$@"
		s=$?; umount -l /var/lib; exit $s' - "$1" "$2" \
		env HOME=/nowhere XDG_DATA_HOME= setpriv --reuid $US --regid $US --clear-groups \
		"$BIN/$2" list
}
run elsewhere 0 airgap-ca
status 7 "no CA here"
says "^airgap-ca: no CA in /nowhere/.*; root's is in /var/lib/airgap-ca: for that one, run this as root;" \
	"but there, which is said"
run elsewhere 0 airgap-transfer
status 3 "no enrolment here"
says "store.db: there is none; root's is in /var/lib/airgap-transfer: for that one, run this as root;" \
	"but there, which is said as well"
run elsewhere $STRANGER airgap-transfer
says "user $STRANGER's is in /var/lib/airgap-transfer: for that one, run this as user $STRANGER" \
	"a service user's is named as theirs"

# The attack: a reload command in a home that is somebody else's would run as root.
must rm -rf "$(home_of online)"
must cp -a "$ABOVE/home-online" "$(home_of online)"
"$PYTHON" - "$(home_of online)/store.db" "$WORK/owned" <<'EOF_PY'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("INSERT INTO deployment (path, name, profile, format, reload)"
               " SELECT ?, name, profile, 'chain', ? FROM (SELECT DISTINCT"
               " names AS name, profile FROM request) LIMIT 1",
               (sys.argv[2] + ".pem", "touch " + sys.argv[2]))
EOF_PY
must chown -R $STRANGER:$STRANGER "$(home_of online)"
freeze
run transfer rotate
refused 7 HOME-MODE "home-online: belongs to user $STRANGER" "root rotates nothing of a stranger's home"
nok 1 "and runs nothing" test -e "$WORK/owned"

done_testing
